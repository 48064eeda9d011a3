"""What each asked value comes to, done right and with each slip: in floats, or as everything that rounding can make of it.

Owns `SlipValues` and `Slippery`.  May import: written, arithmetic, intervals, rounding, reader, tables.slips, exercises.sheets,
exercises.reaches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from derive.arithmetic import Key
from derive.exercises.reaches import REACHES, point
from derive.exercises.sheets import Rows, Sheet
from derive.intervals import FLOATS
from derive.reader import LEARNING_RATE
from derive.rounding import Rounding
from derive.tables.slips import Slipped, candidates
from derive.written import Number

SAME = 1e-11
"""Two floats that differ by no more, measured by what they are made of, are one number."""

ELSEWHERE = 8
"""Other numbers at which a slip is tried that makes no difference here."""


@dataclass(frozen=True)
class Slippery:
    """A slip, the formulas it changes, the keys whose values hang on them, and those of them that are asked for."""

    slipped: Slipped
    rows: Rows
    affected: frozenset[Key]
    asked: tuple[Key, ...]


Values = dict[Key, Any]
"""Floats where nothing is rounded, else reaches."""


@dataclass
class SlipValues:
    """What the `asked` keys of a sheet come to; `found` remembers what was worked out, with which slip and which digits kept."""

    sheet: Sheet
    asked: tuple[Key, ...]
    found: dict[tuple[int, Rounding | None], Values] = field(default_factory=dict)

    @cached_property
    def slips(self) -> tuple[Slippery, ...]:
        """Every slip that an answer hangs on, but for given numbers misread: what stood there nobody knows."""
        users: dict[Key, list[Key]] = {}
        for key, needs in self.sheet.needs.items():
            for need in needs:
                users.setdefault(need, []).append(key)
        found = []
        for slipped in candidates(self.sheet):
            if slipped.given:
                continue
            rows = self.sheet.formulas(slipped.rows, slipped.ways)
            affected, todo = set(rows), list(rows)
            while todo:
                for user in users.get(todo.pop(), ()):
                    if user not in affected:
                        affected.add(user)
                        todo.append(user)
            asked = tuple(key for key in self.asked if key in affected)
            if asked:
                found.append(Slippery(slipped, rows, frozenset(affected), asked))
        return tuple(found)

    def right(self, kept: Rounding | None) -> Values:
        """Every value without a slip.  Raises ArithmeticError where rounding may take a step out of its domain."""
        if (0, kept) not in self.found:
            given = {key: float(n.text) if kept is None else point(n.text, kept) for key, n in self.sheet.given.items()}
            for key in self.asked:
                self.work_out(key, given, None, kept)
            self.found[0, kept] = given
        return self.found[0, kept]

    def wrong(self, slip: Slippery, key: Key, kept: Rounding | None) -> Any:
        """The value of an asked key with a slip; None where it has none."""
        values = self.found.setdefault((id(slip), kept), {})
        try:
            return self.work_out(key, values, slip, kept)
        except (ArithmeticError, ValueError):
            return None

    def work_out(self, key: Key, values: Values, slip: Slippery | None, kept: Rounding | None) -> Any:
        """A value from those before it; with a slip, `values` are those that hang on it."""
        arithmetic = FLOATS if kept is None else REACHES
        below = {} if slip is None else self.right(kept)
        waiting: list[Key] = [key]
        open_: set[Key] = set()
        while waiting:
            now = waiting[-1]
            if now in values:
                waiting.pop()
                continue
            tree = self.sheet.rows.get(now) if slip is None else slip.rows.get(now, self.sheet.rows.get(now))
            if tree is None:
                raise ArithmeticError("a name without a value")
            needs = [
                need
                for need in self.sheet.mentions(tree)
                if need not in values and (slip is None or need in slip.affected or need not in below)
            ]
            if needs:
                if now in open_:
                    raise ArithmeticError("formulas that wait for each other")
                open_.add(now)
                waiting += needs
                continue
            value = self.sheet.evaluator(tree, arithmetic)(values if slip is None else _Over(below, values))
            ends = (value,) if kept is None else (value.low, value.high)
            if not all(map(math.isfinite, ends)):
                raise ArithmeticError("a value without bounds")
            values[now] = value
        return values[key]

    @cached_property
    def sizes(self) -> dict[Key, float]:
        """What each asked value is made of, by which its floats are measured."""
        values: Values = {key: point(number.text) for key, number in self.sheet.given.items()}
        for key in self.asked:
            self.work_out(key, values, None, Rounding())
        return {key: values[key].size for key in self.asked}

    def is_right(self, value: float, key: Key) -> bool:
        """Whether a float is the right value of an asked key."""
        return bool(abs(value - self.right(None)[key]) <= SAME * self.sizes[key])

    @cached_property
    def elsewhere(self) -> tuple[SlipValues, ...]:
        """The same problem at other numbers, with the same slips."""
        sheet, found = self.sheet, []
        moved = [key for key in sheet.given if key not in sheet.of_rule or key == LEARNING_RATE]
        for k in range(ELSEWHERE):
            factors = (math.sin(7 * place + 13 * k + 1) * 1.5 for place in range(len(moved)))
            given = {key: Number(f"{abs(factor) if k % 2 else factor:.6f}") for key, factor in zip(moved, factors, strict=True)}
            found.append(SlipValues(replace(sheet, given={**sheet.given, **given}), self.asked))
        return tuple(found)

    def is_no_slip(self, slip: Slippery, key: Key) -> bool:
        """Whether a slip gives the right value at all other numbers too: then it is another way to write the same."""
        verdicts = []
        for other in self.elsewhere:
            try:
                value = other.wrong(slip, key, None)
                verdicts += [] if value is None else [other.is_right(value, key)]
            except (ArithmeticError, ValueError):
                continue
        return bool(verdicts) and all(verdicts)


class _Over(dict[Any, Any]):
    """Values over those that nothing changed."""

    def __init__(self, below: Mapping[Any, Any], values: Mapping[Any, Any]) -> None:
        super().__init__(values)
        self.below = below

    def __missing__(self, key: Any) -> Any:
        return self.below[key]
