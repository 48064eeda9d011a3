"""A paper as a quiz that a machine marks: its questions, what is accepted, and what is said to each wrong answer.

Owns `Quiz`, `Question` and `quiz_of`.  May import everything but formats and cli.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from derive.auditpages import sentence_at
from derive.blocks import Block, Heading, Text
from derive.decisions import Proof
from derive.derivation import Derivation
from derive.errors import UsageError
from derive.exercises.gradings import Grading, Wrong, gradings_of
from derive.exercises.verdicts import Named
from derive.keypages import sheets_of
from derive.rounding import Rounding, spell
from derive.sentences import Speaker, separated, series, speaker_of, title_of
from derive.symbols import Script
from derive.tables.slips import Slipped
from derive.tensors.work import ArrayDerivation
from derive.written import Name, Number, Tree

MOST_SAID = 5
"""Slips that a remark lists."""


@dataclass(frozen=True)
class Question:
    """One thing asked for: what is to be found, with how many digits, and what is said to an answer of each kind and to all."""

    grading: Grading
    find: Text
    carry: Text
    what: str
    right: Text
    rounded: Text
    carried: Text
    unexplained: Text
    wrong: tuple[tuple[Wrong, Text], ...]
    general: tuple[Text, ...]

    @property
    def label(self) -> str:
        """Its name, as an answer file has it."""
        return self.grading.label


@dataclass(frozen=True)
class Quiz:
    """A paper with its questions; `front` is what stands before them, `whole` and `wholes` name all of it in one question."""

    title: str
    paper_id: str
    language: str
    script: Script
    front: tuple[Block, ...]
    carry: Text
    questions: tuple[Question, ...]
    whole: str
    wholes: str

    @property
    def name(self) -> str:
        """The title, with the id of the paper."""
        return f"{self.title} {self.paper_id}".rstrip()

    @property
    def right_to_left(self) -> bool:
        """Whether its words run from right to left."""
        return self.language == "fa"


def quiz_of(work: Derivation | ArrayDerivation | Proof, rounding: Rounding, paper_id: str = "", language: str = "en") -> Quiz:
    """The quiz of a paper worked out.  Raises UsageError for what is no derivation of named numbers."""
    if not isinstance(work, Derivation):
        raise UsageError("a quiz is for derivations of named quantities; this problem is a proof, or over arrays")
    speaker, problem = speaker_of(work.problem, language), work.problem
    top, *front = sheets_of(work, paper_id, language).front
    assert isinstance(top, Heading)
    gradings = gradings_of(problem, rounding)
    questions = tuple(_question(grading, rounding, bool(problem.asks), speaker) for grading in gradings)
    finest = max(gradings, key=lambda grading: (grading.asked.digits, grading.asked.places or 0))
    return Quiz(
        title_of(problem, speaker),
        paper_id,
        language,
        script_of_page(work, language),
        tuple(front),
        speaker.say("quiz", "carry-all", what=_what(finest.asked, speaker)),
        questions,
        speaker.word("quiz", "whole"),
        speaker.word("quiz", "wholes"),
    )


def script_of_page(work: Derivation, language: str) -> Script:
    """How the names of a problem are written on its pages."""
    return sheets_of(work, "", language).script


def _what(asked: Rounding, speaker: Speaker) -> str:
    kind, n = ("places", asked.places) if asked.places is not None else ("digits", asked.digits)
    return speaker.word("text", f"what-{kind}", n=n)


def _question(grading: Grading, usual: Rounding, own: bool, speaker: Speaker) -> Question:
    what = _what(grading.asked, speaker)
    label = speaker.label(grading.label)
    find = speaker.say("quiz", "find-label" if own else "find", label=label, quantity=grading.tree)
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
    wrong = tuple((answer, _feedback(answer, speaker)) for answer in grading.wrong)
    right, rounded, unexplained = (speaker.say("quiz", kind) for kind in ("right", "rounded", "unexplained"))
    sources = grading.carried.sources if grading.carried is not None else ()
    quantities = series((Name(key) if isinstance(key, str) else key for key in sources), speaker.comma)
    carried = speaker.say("quiz", "carried", quantities=quantities)
    return Question(grading, find, carry, what, right, rounded, carried, unexplained, wrong, tuple(general))


def _feedback(answer: Wrong, speaker: Speaker) -> Text:
    first, *others = answer.slips
    said = [speaker.say("quiz", "wrong", said=slip_text(first, speaker))]
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
