r"""A paper as an exercise for R/exams, in R Markdown: from there it goes to QTI, Canvas, Blackboard, OpenOlat and on paper.

Owns `render_rexams`.  Nothing that somebody typed is Markdown, mathematics, R code, a section or a field there: every sign of it is
an entity.  May import: blocks, quizpages, rounding, formats.latex, formats.markdown, formats.webtex.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from derive.blocks import Blank, Block, Equations, Heading, Matrix, Part, Prose, Table, Text
from derive.exercises.gradings import Grading
from derive.formats.latex import ZWNJ, inline, matrix
from derive.formats.markdown import aligned
from derive.formats.webtex import in_ascii
from derive.quizpages import Question, Quiz
from derive.rounding import spell
from derive.symbols import Script

MOST_WRONG = 6
"""Wrong numbers that the solution of an answer lists."""


def render_rexams(quizzes: Sequence[Quiz[Grading]]) -> str:
    """One paper as one exercise: a `num` where one number is asked for, else a `cloze`."""
    (quiz,) = quizzes
    questions, single = quiz.questions, len(quiz.questions) == 1
    lines = [*_section("Question", "="), *_blocks(quiz.front, quiz)]
    if single:
        lines += [_held((*questions[0].find, " ", *questions[0].carry), quiz), "", *_section("Solution", "=")]
        lines += [_solution(questions[0], quiz), ""]
    else:
        lines += [_held(quiz.carry, quiz), "", *_section("Answerlist", "-")]
        lines += ["* " + _held((*question.find, f" ({question.what})"), quiz) for question in questions]
        lines += ["", *_section("Solution", "="), *_section("Answerlist", "-")]
        lines += [*("* " + _solution(question, quiz) for question in questions), ""]
    fields = {
        "exname": re.sub(r"[^\w ()-]+", " ", in_ascii(quiz.name)).strip() or "question",
        "extype": "num" if single else "cloze",
        "exsolution": "|".join(spell(Decimal(question.grading.shown)) for question in questions),
        **({} if single else {"exclozetype": "|".join(["num"] * len(questions))}),
        "extol": "|".join(spell(question.grading.tolerance) for question in questions),
        "expoints": "|".join(["1"] * len(questions)),
    }
    lines += [*_section("Meta-information", "="), *(f"{name}: {value}" for name, value in fields.items())]
    return "\n".join(lines) + "\n"


def _section(name: str, under: str) -> tuple[str, str]:
    return name, under * len(name)


def literal(text: str) -> str:
    """Text as it stands: each sign that could begin anything is an entity, so that neither knitr nor pandoc sees one.

    >>> literal("`r system('x')` a_b: 5")
    '&#96;r system(&#39;x&#39;)&#96; a&#95;b&#58; 5'
    """
    shown = "".join(character if character.isprintable() or character == ZWNJ else " " for character in in_ascii(text))
    shown = re.sub(r"[!-/:-@\[-`{-~]", lambda sign: sign[0] if sign[0] in ",;()." else f"&#{ord(sign[0])};", shown)
    return re.sub(r"^(\s*\d+)([.)])", lambda start: f"{start[1]}&#{ord(start[2])};", shown)


def sentence(parts: Text, script: Script) -> str:
    """A sentence with its formulas between dollars, on one line."""
    return "".join(_part(part, script) for part in parts)


def _part(part: Part, script: Script) -> str:
    if isinstance(part, Blank):
        return "&#95;" * 8
    return literal(part) if isinstance(part, str) else f"${inline(part, script)}$"


def _held(parts: Text, quiz: Quiz[Grading]) -> str:
    said = sentence(parts, quiz.script)
    return f'<span dir="rtl">{said}</span>' if quiz.right_to_left else said


def _blocks(blocks: Iterable[Block], quiz: Quiz[Grading]) -> Iterable[str]:
    """The blocks as Markdown; a picture would have to be a file of its own, and the equations say what it shows."""
    for block in blocks:
        match block:
            case Heading(_, text):
                yield from (f"**{literal(text)}**", "")
            case Prose(parts):
                yield from (_held(parts, quiz), "")
            case Equations():
                yield from ("$$", aligned(block, quiz.script), "$$", "")
            case Matrix():
                yield from ("$$", matrix(block, quiz.script), "$$", "")
            case Table():
                yield "| " + " | ".join(literal(name) for name in block.head) + " |"
                yield "|" + " --- |" * len(block.head)
                yield from ("| " + " | ".join(sentence(cell, quiz.script) for cell in row) + " |" for row in block.rows)
                yield ""


def _solution(question: Question[Grading], quiz: Quiz[Grading]) -> str:
    """What is said afterwards, and the likeliest wrong numbers with their slips, on one line."""
    said = [_held(line, quiz) for line in question.general]
    for wrong, feedback in list(zip(question.grading.wrong, question.wrong, strict=True))[:MOST_WRONG]:
        said.append(f"${spell(wrong.value)}$: {_held(feedback, quiz)}")
    return " ".join(said)
