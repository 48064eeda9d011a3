"""A class: the audits of many papers, and how each item went.

Owns `Class` and `Item`.  May import: exercises.verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.displays import Displayed
from derive.exercises.verdicts import VERDICTS, Audit
from derive.problem import Problem


@dataclass(frozen=True)
class Item:
    """One quantity over a whole class: how many answers have each verdict, how many are missing, and which slips were named."""

    name: str
    verdicts: dict[str, int]
    missing: int
    slips: dict[str, int]


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
    def items(self) -> tuple[Item, ...]:
        """How each quantity went."""
        found = []
        for name in self.names:
            lines = [line for audit in self.audits for line in audit.lines if line.name == name]
            verdicts = {verdict: sum(line.verdict == verdict for line in lines) for verdict in VERDICTS}
            slips: dict[str, int] = {}
            for line in lines:
                for slip in line.slips:
                    slips[slip] = slips.get(slip, 0) + 1
            answered = sum(any(line.name == name for line in audit.lines) for audit in self.audits)
            found.append(Item(name, verdicts, len(self.audits) - answered, slips))
        return tuple(found)

    @property
    def failed(self) -> bool:
        """Whether any paper failed."""
        return any(audit.failed for audit in self.audits)
