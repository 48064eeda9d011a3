"""A paper as a quiz that a machine marks: its questions, what is accepted, and what is said to each wrong answer.

Owns `Quiz`, `Question`, `quiz_of` and `formula_quiz_of`.  May import everything but formats and cli.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Generic, TypeVar

from derive.arithmetic import Key
from derive.auditpages import sentence_at
from derive.blocks import Block, Heading, Text
from derive.decisions import Proof
from derive.derivation import Derivation
from derive.errors import UsageError
from derive.exercises.entrywise import by_entries
from derive.exercises.formulagradings import FormulaGrading, formula_gradings_of
from derive.exercises.gradings import Grading, gradings_of
from derive.exercises.verdicts import Named
from derive.keypages import sheets_of
from derive.rounding import Rounding, spell
from derive.scripts import script_of
from derive.sentences import Speaker, separated, series, speaker_of, title_of
from derive.symbols import Script
from derive.tables.slips import Slipped
from derive.tensors.work import ArrayDerivation
from derive.written import Name, Number, Tree, substitute

MOST_SAID = 5
"""Slips that a remark lists."""


Marked = TypeVar("Marked", Grading, FormulaGrading)
"""How an answer is marked: as a number, or as a formula."""


@dataclass(frozen=True)
class Question(Generic[Marked]):
    """One thing asked for: what is to be found, with how many digits, and what is said to an answer of each kind and to all.

    `wrong` is what is said to each wrong answer of the grading.
    """

    grading: Marked
    find: Text
    carry: Text
    what: str
    right: Text
    rounded: Text
    carried: Text
    unexplained: Text
    wrong: tuple[Text, ...]
    general: tuple[Text, ...]

    @property
    def label(self) -> str:
        """Its name, as an answer file has it."""
        return self.grading.label


@dataclass(frozen=True)
class Quiz(Generic[Marked]):
    """A paper with its questions; `front` is what stands before them, `whole` and `wholes` name all of it in one question."""

    title: str
    paper_id: str
    language: str
    script: Script
    front: tuple[Block, ...]
    carry: Text
    questions: tuple[Question[Marked], ...]
    whole: str
    wholes: str

    @property
    def name(self) -> str:
        """The title, with the id of the paper."""
        return f"{self.title} {self.paper_id}".rstrip()

    @property
    def in_symbols(self) -> bool:
        """Whether its answers are formulas."""
        return isinstance(self.questions[0].grading, FormulaGrading)

    @property
    def right_to_left(self) -> bool:
        """Whether its words run from right to left."""
        return self.language == "fa"


Work = Derivation | ArrayDerivation | Proof


def quiz_of(work: Work, rounding: Rounding, paper_id: str = "", language: str = "en") -> Quiz[Grading]:
    """The quiz of a paper worked out, in numbers; over arrays, entry by entry.  Raises UsageError for a proof."""
    derivation, speaker = _derivation(work), speaker_of(work.problem, language)
    problem = by_entries(work.problem) if isinstance(work, ArrayDerivation) else work.problem
    gradings, own = gradings_of(problem, rounding), bool(work.problem.asks)
    questions = tuple(_question(grading, rounding, own, speaker) for grading in gradings)
    finest = max(gradings, key=lambda grading: (grading.asked.digits, grading.asked.places or 0))
    carry = speaker.say("quiz", "carry-all", what=_what(finest.asked, speaker))
    return _quiz(derivation, problem.names, paper_id, carry, questions, speaker)


def formula_quiz_of(work: Work, paper_id: str = "", language: str = "en") -> Quiz[FormulaGrading]:
    """The quiz of a paper worked out, in symbols.  Raises UsageError for what is no derivation of named quantities."""
    derivation, speaker = _derivation(work), speaker_of(work.problem, language)
    gradings, own = formula_gradings_of(work.problem), bool(work.problem.asks)
    names = dict(pair for grading in gradings for pair in grading.names)
    pairs = (speaker.say("quiz", "typed", name=Name(name), typed=typed) for name, typed in names.items())
    questions = tuple(_formula_question(grading, own, speaker) for grading in gradings)
    carry = speaker.say("quiz", "names", names=separated(pairs, speaker.comma))
    return _quiz(derivation, work.problem.names, paper_id, carry, questions, speaker)


def _derivation(work: Work) -> Derivation | ArrayDerivation:
    if isinstance(work, Proof):
        raise UsageError("a quiz is for derivations; this problem is a proof")
    return work


def _quiz(
    work: Derivation | ArrayDerivation,
    names: Mapping[str, str],
    paper_id: str,
    carry: Text,
    questions: tuple[Question[Marked], ...],
    speaker: Speaker,
) -> Quiz[Marked]:
    sheets = sheets_of(work, paper_id, speaker.language)
    top, *front = sheets.front
    assert isinstance(top, Heading)
    if isinstance(work, ArrayDerivation):
        front.pop()  # how the numbers of the key are rounded, which says nothing of the answers
    whole, wholes = speaker.word("quiz", "whole"), speaker.word("quiz", "wholes")
    title = title_of(work.problem, speaker)
    script = script_of(replace(work.problem, names=names))
    return Quiz(title, paper_id, speaker.language, script, tuple(front), carry, questions, whole, wholes)


def _what(asked: Rounding, speaker: Speaker) -> str:
    kind, n = ("places", asked.places) if asked.places is not None else ("digits", asked.digits)
    return speaker.word("text", f"what-{kind}", n=n)


def _question(grading: Grading, usual: Rounding, own: bool, speaker: Speaker) -> Question[Grading]:
    what = _what(grading.asked, speaker)
    carry = speaker.say("quiz", "carry", what=what)
    if (grading.asked.digits, grading.asked.places) != (usual.digits, usual.places):
        carry = (*carry, " ", *speaker.say("quiz", "finer"))
    sign = "=" if Decimal(grading.shown) == grading.value else "≈"
    value = speaker.say(
        "quiz", "value", quantity=grading.tree, sign=sign, value=Number(grading.shown), tolerance=Number(spell(grading.tolerance))
    )
    general = [value]
    if grading.alike:
        each = {slipped.slip: slipped for slipped in reversed(grading.alike)}
        slips = separated((slip_text(slipped, speaker) for slipped in list(each.values())[:MOST_SAID]), speaker.semicolon)
        general.append(speaker.say("quiz", "alike", slips=slips))
    carried = _carried(grading.carried.sources if grading.carried is not None else (), speaker)
    wrong = tuple(_feedback(answer.slips, "wrong", speaker) for answer in grading.wrong)
    right, rounded, unexplained = (speaker.say("quiz", kind) for kind in ("right", "rounded", "unexplained"))
    find = _find(grading.label, grading.tree, own, speaker)
    return Question(grading, find, carry, what, right, rounded, carried, unexplained, wrong, tuple(general))


def _formula_question(grading: FormulaGrading, own: bool, speaker: Speaker) -> Question[FormulaGrading]:
    find = _find(grading.label, grading.tree, own, speaker)
    right, unexplained = (speaker.say("quiz", kind) for kind in ("right", "unexplained-formula"))
    wrong = tuple(_feedback(answer.slips, "wrong-formula", speaker) for answer in grading.wrong)
    original = {typed: Name(name) for name, typed in grading.names}
    formula = substitute(grading.formula, lambda leaf: original.get(leaf.name) if isinstance(leaf, Name) else None)
    general = speaker.say("quiz", "formula", quantity=grading.tree, formula=formula)
    return Question(grading, find, (), "", right, right, _carried(grading.sources, speaker), unexplained, wrong, (general,))


def _find(label: str, quantity: Tree, own: bool, speaker: Speaker) -> Text:
    return speaker.say("quiz", "find-label" if own else "find", label=speaker.label(label), quantity=quantity)


def _carried(sources: Sequence[Key], speaker: Speaker) -> Text:
    quantities = series((Name(key) if isinstance(key, str) else key for key in sources), speaker.comma)
    return speaker.say("quiz", "carried", quantities=quantities)


def _feedback(slips: Sequence[Slipped], key: str, speaker: Speaker) -> Text:
    first, *others = slips
    said = [speaker.say("quiz", key, said=slip_text(first, speaker))]
    said += [speaker.say("quiz", "or", said=slip_text(other, speaker)) for other in others]
    return separated(said, " ")


def slip_text(slipped: Slipped, speaker: Speaker) -> Text:
    """What was done in a slip that was made at these places: at up to three each by itself, at more the first and the last."""
    parts = slipped.parts or (slipped,)
    if len(parts) <= 3:
        return separated((_said(part, _places(part, speaker), speaker) for part in parts), speaker.semicolon)
    where = speaker.say("audit", "places", first=_leaf(slipped, 0), last=_leaf(slipped, -1), n=len(slipped.where))
    return _said(parts[0], where, speaker)


def _places(slipped: Slipped, speaker: Speaker) -> Text:
    if len(slipped.where) == 1:
        return (_leaf(slipped, 0),)
    return speaker.say("audit", "places", first=_leaf(slipped, 0), last=_leaf(slipped, -1), n=len(slipped.where))


def _said(slipped: Slipped, where: Text, speaker: Speaker) -> Text:
    named = Named(slipped.slip, _leaf(slipped, 0), (), slipped.said, variant=slipped.variant)
    return sentence_at(named, where, speaker)


def _leaf(slipped: Slipped, place: int) -> Tree:
    key = slipped.where[place]
    return Name(key) if isinstance(key, str) else key
