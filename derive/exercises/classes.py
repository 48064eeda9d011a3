"""A class: the audits of many papers, and how each item went.

Owns `Marks`, `Class`, `Tally`, `Summary`, `Standing` and `Item`.  May import: exercises.verdicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sys import intern
from typing import Any

from derive.displays import Displayed
from derive.exercises.verdicts import VERDICTS, Audit
from derive.problem import Problem


@dataclass(frozen=True)
class Marks:
    """What a gradebook keeps of an audit: for each line its name, its verdict and its slips; then the slips of the paper.

    `given_up` says, by their places and keys of the notes, which lines could not be judged.
    """

    student: str
    variant: str
    lines: tuple[tuple[str, str, tuple[str, ...]], ...]
    slips: tuple[str, ...] = ()
    given_up: tuple[tuple[str, str], ...] = ()

    @property
    def score(self) -> dict[str, int]:
        """How many lines have each verdict."""
        return {verdict: sum(found == verdict for _, found, _ in self.lines) for verdict in VERDICTS}

    @property
    def failed(self) -> bool:
        """Whether anything checked is wrong, follows from something wrong, or could not be read."""
        return any(verdict in ("wrong", "carried", "unreadable", "unknown") for _, verdict, _ in self.lines)


def marks_again(
    student: str, variant: str, lines: Iterable[Any], slips: Iterable[str], given_up: Iterable[Iterable[str]]
) -> Marks:
    """Marks that were written down as lists."""
    read = ((intern(name), intern(verdict), tuple(found)) for name, verdict, found in lines)
    return Marks(student, variant, tuple(read), tuple(slips), tuple((place, note) for place, note in given_up))


GIVEN_UP = ("time-limit", "worker-died", "judge-failed")
"""Notes on lines that could not be judged."""


def marks_of(audit: Audit) -> Marks:
    """What a gradebook keeps of an audit."""
    lines = tuple((line.name, line.verdict, line.slips) for line in audit.lines)
    given_up = tuple((line.entry.place, note) for line in audit.lines for note in line.entry.notes if note in GIVEN_UP)
    slips = tuple(dict.fromkeys(slip.id for slip in audit.slips))
    return Marks(audit.paper.student, audit.paper.variant, lines, slips, given_up)


@dataclass(frozen=True)
class Item:
    """One quantity over a whole class: how many answers have each verdict, how many are missing, and which slips were named."""

    name: str
    verdicts: dict[str, int]
    missing: int
    slips: dict[str, int]


@dataclass(frozen=True)
class Standing:
    """How one student did: how many lines have each verdict, and the slips."""

    student: str
    counts: tuple[int, ...]
    slips: tuple[str, ...]


@dataclass(frozen=True)
class Summary(Displayed):
    """A class as its page shows it: how many papers, each student's standing unless they are too many, and how each item went."""

    problem: Problem
    papers: int
    standings: tuple[Standing, ...]
    items: tuple[Item, ...]


class Tally:
    """A class counted as its marks come; of more papers than `most` none is listed."""

    def __init__(self, problem: Problem, most: int | None = None) -> None:
        self.problem, self.most, self.papers, self.failed = problem, most, 0, False
        self.listed: list[Standing] = []
        self.verdicts: dict[str, dict[str, int]] = {}
        self.slips: dict[str, dict[str, int]] = {}
        self.answered: dict[str, int] = {}
        self.lost: dict[str, int] = {}
        self.first_lost: tuple[str, str] = ("", "")

    def counting(self, papers: Iterable[Marks]) -> Iterator[Marks]:
        """The same marks, each counted when it has been taken."""
        for marks in papers:
            yield marks
            self.count(marks)

    def count(self, marks: Marks) -> None:
        """One more paper."""
        self.papers, self.failed = self.papers + 1, self.failed or marks.failed
        if self.most is None or self.papers <= self.most:
            self.listed.append(Standing(marks.student, tuple(marks.score.values()), marks.slips))
        for name, verdict, found in marks.lines:
            counts = self.verdicts.setdefault(name, dict.fromkeys(VERDICTS, 0))
            counts[verdict] += 1
            named = self.slips.setdefault(name, {})
            for slip in found:
                named[slip] = named.get(slip, 0) + 1
        for name in dict.fromkeys(name for name, _, _ in marks.lines):
            self.answered[name] = self.answered.get(name, 0) + 1
        for place, note in marks.given_up:
            self.first_lost = self.first_lost if self.lost else (marks.student, place)
            self.lost[note] = self.lost.get(note, 0) + 1

    def summary(self) -> Summary:
        """What has been counted."""
        items = tuple(
            Item(name, counts, self.papers - self.answered[name], self.slips[name]) for name, counts in self.verdicts.items()
        )
        listed = tuple(self.listed) if len(self.listed) == self.papers else ()
        return Summary(self.problem, self.papers, listed, items)


def counted(problem: Problem, papers: Iterable[Marks], most: int | None = None) -> Tally:
    """A class counted to its end."""
    tally = Tally(problem, most)
    for marks in papers:
        tally.count(marks)
    return tally


@dataclass(frozen=True)
class Class(Displayed):
    """The audits of a class, in the order of the file."""

    problem: Problem
    audits: tuple[Audit, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every quantity somebody answered, in the order of the papers."""
        return tuple(dict.fromkeys(line.name for audit in self.audits for line in audit.lines))

    @property
    def summary(self) -> Summary:
        """What its page shows."""
        return counted(self.problem, map(marks_of, self.audits)).summary()

    @property
    def items(self) -> tuple[Item, ...]:
        """How each quantity went."""
        return self.summary.items

    @property
    def failed(self) -> bool:
        """Whether any paper failed."""
        return any(audit.failed for audit in self.audits)
