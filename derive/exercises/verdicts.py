"""What an audit finds: the verdict on each line, the slips, the conventions.

Owns `Audit`, `Judged`, `Named`, `Convention`, `Note`, `Link`, `Trial` and `Verdict`.  May import: written, problem,
exercises.answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from derive.displays import Displayed
from derive.exercises.answers import Entry, Paper
from derive.problem import Numbers, Problem
from derive.written import Number, Tree

VERDICTS = ("right", "rounded", "carried", "wrong", "undecided", "unreadable", "unknown")

SEVERITY = ("right", "rounded", "carried", "undecided", "unknown", "unreadable", "wrong")


@dataclass(frozen=True)
class Verdict:
    """`right`, `wrong` or `undecided`, with the reason for the last and, for a wrong formula, the point that shows it."""

    verdict: str
    reason: str = ""
    witness: Mapping[str, str] = field(default_factory=dict)
    values: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Link:
    """One "=" of a line: its two sides as typed, and whether it holds."""

    left: str
    right: str
    verdict: str


@dataclass(frozen=True)
class Note:
    """A remark on a line: which sentence, and what fills it."""

    key: str
    parts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """One answer with its verdict.

    `value` or `formula` is what should stand there; `sources` are the wrong lines a carried one rests on; `witness` is a point at
    which a wrong formula differs.
    """

    entry: Entry
    verdict: str
    value: Decimal | None = None
    formula: Tree | None = None
    slips: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    links: tuple[Link, ...] = ()
    sources: tuple[str, ...] = ()
    witness: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The quantity as typed."""
        return self.entry.name


@dataclass(frozen=True)
class Named:
    """A slip that was found: where it was made, which lines it explains, and the number that stood for a given one.

    Slips with the same `tie`, if it is not 0, give the same digits: any one of them may have been made.
    """

    id: str
    where: Tree
    explains: tuple[str, ...]
    said: tuple[Tree, ...] = ()
    number: Number | None = None
    given: Number | None = None
    variant: str = ""
    tie: int = 0


@dataclass(frozen=True)
class Convention:
    """A convention the answers keep that differs from ours, and the lines written in it."""

    id: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """What somebody's function was run on: `inputs` by the name of each given number, as typed, one after the other.

    `digits` are the significant digits to which its numbers are judged; `order` the quantities that a list without names was read
    as; `places` the right formulas where slips were made; `arrays` says how arrays were passed, `searched` whether slips
    were looked for.
    """

    file: str
    function: str
    seed: int
    inputs: tuple[Mapping[str, Numbers], ...]
    digits: int
    order: tuple[Tree, ...] = ()
    places: Mapping[Tree, Tree] = field(default_factory=dict)
    arrays: str = ""
    searched: bool = True


@dataclass(frozen=True)
class Audit(Displayed):
    """Somebody's answers, judged; with a `trial`, what a function of theirs returned."""

    problem: Problem
    paper: Paper
    lines: tuple[Judged, ...]
    slips: tuple[Named, ...] = ()
    conventions: tuple[Convention, ...] = ()
    trial: Trial | None = None

    @property
    def score(self) -> dict[str, int]:
        """How many lines have each verdict."""
        return {verdict: sum(line.verdict == verdict for line in self.lines) for verdict in VERDICTS}

    @property
    def failed(self) -> bool:
        """Whether anything checked is wrong, follows from something wrong, or could not be read."""
        return any(line.verdict in ("wrong", "carried", "unreadable", "unknown") for line in self.lines)
