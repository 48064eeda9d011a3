"""Papers as a question bank in Moodle XML: a numerical question for each answer, and a cloze question for each paper.

Owns `render_moodle`.  The fields are those that Moodle's own reader takes.  Of many papers each answer has a category of its own,
so that a quiz can draw one question from it at random.  May import: quizpages, rounding, formats.webtex.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from derive.blocks import Text
from derive.exercises.gradings import Grading, Wrong
from derive.formats.markup import tag
from derive.formats.webtex import in_ascii, paragraphs, sentence
from derive.quizpages import Marked, Question, Quiz
from derive.rounding import spell


def render_moodle(quizzes: Sequence[Quiz[Grading]]) -> str:
    """The file that Moodle imports."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<quiz>"]
    if len(quizzes) == 1:
        (quiz,) = quizzes
        lines += [category(quiz.name), *(_numerical(quiz, question) for question in quiz.questions), _cloze(quiz)]
    else:
        first = quizzes[0]
        for place, question in enumerate(first.questions):
            lines.append(category(first.title, question.label))
            lines += [_numerical(quiz, quiz.questions[place]) for quiz in quizzes]
        lines += [category(first.title, first.wholes), *map(_cloze, quizzes)]
    return "\n".join([*lines, "</quiz>"]) + "\n"


def plain(text: str) -> str:
    """Text as XML holds it, its digits in ASCII and nothing in it that XML forbids."""
    return escape("".join(character if character.isprintable() else " " for character in in_ascii(text)))


def field(name: str, body: str, **attributes: object) -> str:
    """A field with its text as it stands."""
    return tag(name, tag("text", f"<![CDATA[{body.replace(']]>', ']]]]><![CDATA[>')}]]>"), **attributes)


def category(*path: str) -> str:
    """A category below the top one; a slash in a name is doubled."""
    told = "/".join(("$course$", "top", *(in_ascii(part).replace("/", "//") for part in path)))
    return tag("question", tag("category", tag("text", plain(told))), type="category")


def _question(kind: str, name: str, text: str, general: str, grade: int, more: Iterable[str] = ()) -> str:
    head = tag("name", tag("text", plain(name))) + "\n" + field("questiontext", text, format="html")
    head += "\n" + field("generalfeedback", general, format="html")
    head += f"\n<defaultgrade>{grade}</defaultgrade><penalty>0.3333333</penalty><hidden>0</hidden>"
    return tag("question", "\n".join(("", head, *more, "")), type=kind)


def page(quiz: Quiz[Marked], body: str) -> str:
    """What stands in a question, in the direction of its language."""
    return tag("div", body, dir="rtl", lang=quiz.language) if quiz.right_to_left else body


def said(quiz: Quiz[Marked], parts: Text) -> str:
    """A sentence of a quiz by itself."""
    return page(quiz, sentence(parts, quiz.script, quiz.right_to_left))


def general_feedback(quiz: Quiz[Marked], questions: Iterable[Question[Marked]]) -> str:
    """What is said to everybody afterwards."""
    lines = [line for question in questions for line in question.general]
    return page(quiz, "".join(tag("p", sentence(line, quiz.script, quiz.right_to_left)) for line in lines))


def _numerical(quiz: Quiz[Grading], question: Question[Grading]) -> str:
    front = paragraphs(quiz.front, quiz.script, quiz.right_to_left, pictures=False)
    asked = "".join(tag("p", sentence(parts, quiz.script, quiz.right_to_left)) for parts in (question.find, question.carry))
    grading = question.grading
    answers = [_answer(100, Decimal(grading.shown), grading.tolerance, said(quiz, question.right))]
    wrongs = zip(grading.wrong, question.wrong, strict=True)
    answers += [_answer(0, wrong.value, wrong.tolerance, said(quiz, feedback)) for wrong, feedback in wrongs]
    more = (*answers, "<unitgradingtype>0</unitgradingtype><unitpenalty>0.1</unitpenalty>")
    more = (*more, "<showunits>3</showunits><unitsleft>0</unitsleft>")
    name = f"{quiz.name}: {question.label}"
    return _question("numerical", name, page(quiz, front + "\n" + asked), general_feedback(quiz, (question,)), 1, more)


def _answer(fraction: int, value: Decimal, tolerance: Decimal, feedback: str) -> str:
    body = tag("text", spell(value)) + field("feedback", feedback, format="html") + tag("tolerance", spell(tolerance))
    return f'<answer fraction="{fraction}" format="moodle_auto_format">{body}</answer>'


def _cloze(quiz: Quiz[Grading]) -> str:
    front = paragraphs(quiz.front, quiz.script, quiz.right_to_left)
    rows = [tag("p", sentence(quiz.carry, quiz.script, quiz.right_to_left))]
    for question in quiz.questions:
        find = sentence((*question.find, f" ({question.what})"), quiz.script, quiz.right_to_left)
        rows.append(tag("p", f"{find} {_gap(quiz, question)}"))
    text = page(quiz, "\n".join((front, *rows)))
    general = general_feedback(quiz, quiz.questions)
    return _question("cloze", f"{quiz.name}: {quiz.whole}", text, general, len(quiz.questions))


def _gap(quiz: Quiz[Grading], question: Question[Grading]) -> str:
    """A place to answer in: `{1:NUMERICAL:=value:tolerance#feedback~…}`; what closes it stands in no feedback as itself."""
    grading = question.grading
    right = f"={spell(Decimal(grading.shown))}:{spell(grading.tolerance)}#{_inside(said(quiz, question.right))}"
    wrong = [_gap_answer(quiz, answer, feedback) for answer, feedback in zip(grading.wrong, question.wrong, strict=True)]
    return "{1:NUMERICAL:" + "~".join((right, *wrong)) + "}"


def _gap_answer(quiz: Quiz[Grading], answer: Wrong, feedback: Text) -> str:
    return f"%0%{spell(answer.value)}:{spell(answer.tolerance)}#{_inside(said(quiz, feedback))}"


def _inside(feedback: str) -> str:
    """HTML inside a gap: its reader decodes entities once, so each is encoded once more, and so is what the gap is made of."""
    return "".join(f"&#{ord(character)};" if character in "{}~#" else character for character in escape(feedback))
