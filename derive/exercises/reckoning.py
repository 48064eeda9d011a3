"""Which printed numbers can be reached: from the given numbers, and from the writer's own earlier lines.

Owns `Reckoning`: for one paper, the interval in which each quantity can stand when every intermediate was rounded or cut at the
digits the paper shows.  May import: errors, written, arithmetic, intervals, exercises.sheets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from derive.arithmetic import DECIMAL, Key, settle
from derive.exercises.sheets import Rows, Sheet
from derive.intervals import INTERVALS, Digits, Interval, Printed
from derive.rounding import Rounding
from derive.written import Tree

Values = dict[Any, Interval]


class Overlay(dict[Any, Interval]):
    """Some values laid over others."""

    def __init__(self, below: Mapping[Any, Interval], values: Mapping[Any, Interval] | None = None) -> None:
        super().__init__(values or {})
        self.below = below

    def __missing__(self, key: Any) -> Interval:
        return self.below[key]


def true_values(sheet: Sheet, rounding: Rounding | None = None) -> dict[Key, Decimal]:
    """Every value of a sheet that has one, to 40 digits; with a rounding by hand, what it keeps is used from then on.

    Raises LimitError where digits do not settle a value.
    """

    def compute() -> dict[Any, Decimal]:
        values: dict[Any, Decimal] = {key: Decimal(number.text) for key, number in sheet.given.items()}
        for key, tree in sheet.rows.items():
            if all(need in values for need in sheet.needs[key]):
                try:
                    value = sheet.evaluator(tree, DECIMAL)(values)
                except ArithmeticError:
                    continue
                values[key] = value if rounding is None else rounding.keep(value)
        return values

    return settle(compute)


def digits_shown(numbers: Iterable[Printed]) -> Digits:
    """How many digits a paper carries: places where nearly all its numbers have as many, else its usual significant digits."""
    fractions = [number for number in numbers if number.places]
    if not fractions:
        return Digits()
    most = max(number.places for number in fractions)
    significant = sorted(number.significant for number in fractions if number.significant)
    usual = significant[(len(significant) - 1) // 2] if significant else most
    if sum(number.places == most for number in fractions) * 10 >= 7 * len(fractions) and len(fractions) > 2:
        return Digits(usual, most)
    return Digits(max(2, usual))


PATTERNS_KEPT = 64
"""Ways to leave lines out that a sheet remembers."""


@dataclass(frozen=True)
class _Lines:
    """What printed lines need, in the order of computing; the formulas behind each; the lines it rests on."""

    wanted: tuple[Key, ...]
    hidden: Mapping[Key, tuple[Key, ...]]
    sources: Mapping[Key, tuple[Key, ...]]


@dataclass(frozen=True)
class Reckoning:
    """One paper reckoned: `printed` are its numbers by key, `truth` the true values, `digits` what the paper carries.

    `also` are keys whose values are wanted though no printed line needs them: a slip may.
    """

    sheet: Sheet
    printed: Mapping[Key, Printed]
    truth: Mapping[Key, Decimal]
    digits: Digits
    also: tuple[Key, ...] = ()

    @cached_property
    def start(self) -> Values:
        """The given numbers, which nobody rounds."""
        return {key: INTERVALS.number(number.text) for key, number in self.sheet.given.items()}

    @cached_property
    def lines(self) -> _Lines:
        """How the lines rest on each other, which is the same on every paper that answers the same quantities."""
        which = (tuple(self.printed), self.also)
        found: _Lines | None = self.sheet.patterns.get(which)
        if found is None:
            between = {key: self.between(key) for key in self.printed if key in self.sheet.rows}
            hidden, sources = ({key: pair[part] for key, pair in between.items()} for part in (0, 1))
            found = _Lines(self._wanted(), hidden, sources)
            if len(self.sheet.patterns) >= PATTERNS_KEPT:
                self.sheet.patterns.clear()
            self.sheet.patterns[which] = found
        return found

    @property
    def wanted(self) -> tuple[Key, ...]:
        """The keys that printed lines need, in the order of computing."""
        return self.lines.wanted

    def _wanted(self) -> tuple[Key, ...]:
        found: set[Key] = set()
        todo = [key for key in (*self.printed, *self.also) if key in self.sheet.rows]
        while todo:
            key = todo.pop()
            if key not in found:
                found.add(key)
                todo += [need for need in self.sheet.needs[key] if need in self.sheet.rows]
        return tuple(sorted(found, key=self.sheet.order.__getitem__))

    def raw(self, key: Key, values: Mapping[Any, Interval], tree: Tree | None = None) -> Interval | None:
        """The interval of a formula over given intervals; None where it has no value on all of them."""
        formula = self.sheet.bounds[key] if tree is None else self.sheet.evaluator(tree, INTERVALS)
        try:
            found: Interval = formula(values)
        except (ArithmeticError, KeyError):
            return None
        return found if math.isfinite(found.low) and math.isfinite(found.high) else None

    def used(self, printed: Printed, raw: Interval | None) -> Interval:
        """What the writer of a number may have used from then on: the digits written, or those behind them."""
        value = float(printed.value)
        point = Interval(value, value)
        if raw is None:
            return point
        around = printed.around
        low, high = max(raw.low, around.low), min(raw.high, around.high)
        return point.hull(Interval(low, high)) if low <= high else point

    @cached_property
    def honest(self) -> tuple[Values, dict[Key, str]]:
        """Every value as a careful writer may have it, and which printed numbers are `right` or `rounded`."""
        values, verdicts = dict(self.start), {}
        for key in self.wanted:
            raw, printed = self.raw(key, values), self.printed.get(key)
            if printed is not None and key in self.truth and printed.rounds(self.truth[key]):
                verdicts[key] = "right"
            elif printed is not None and raw is not None and printed.admits(raw):
                verdicts[key] = "rounded"
            if printed is not None and key in verdicts:
                values[key] = self.used(printed, raw)
            elif raw is not None:
                values[key] = self.digits.widen(raw)
        return values, verdicts

    @cached_property
    def own(self) -> tuple[Values, dict[Key, bool]]:
        """Every value as this writer has it, wrong lines too, and whether each printed number follows from the lines before it."""
        values, follows = dict(self.start), {}
        accepted = self.honest[1]
        for key in self.wanted:
            raw, printed = self.raw(key, values), self.printed.get(key)
            if printed is not None:
                follows[key] = raw is not None and printed.admits(raw)
                values[key] = self.used(printed, raw if follows[key] or key in accepted else None)
            elif raw is not None:
                values[key] = self.digits.widen(raw)
        return values, follows

    @property
    def hidden(self) -> Mapping[Key, tuple[Key, ...]]:
        """For each printed line, the formulas between it and the lines before it, in the order of computing."""
        return self.lines.hidden

    @property
    def sources(self) -> Mapping[Key, tuple[Key, ...]]:
        """For each printed line, the printed lines it is computed from."""
        return self.lines.sources

    def between(self, key: Key) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        """The formulas between a printed line and the printed lines it rests on, and those lines."""
        inner: set[Key] = set()
        outer: set[Key] = set()
        todo = list(self.sheet.needs[key])
        while todo:
            need = todo.pop()
            if need in self.printed:
                outer.add(need)
            elif need in self.sheet.rows and need not in inner:
                inner.add(need)
                todo += self.sheet.needs[need]
        place = self.sheet.order.__getitem__
        return tuple(sorted(inner, key=place)), tuple(sorted(outer, key=place))

    def predict(self, key: Key, values: Mapping[Any, Interval], rows: Rows, changed: Mapping[Key, Interval]) -> Interval | None:
        """Where a printed line would stand with some formulas and some values done otherwise."""
        uses = self.sheet.uses
        overlay = {**values, **changed}
        moved = set(changed)
        for inner in self.hidden[key]:
            tree = rows.get(inner)
            if tree is not None or not moved.isdisjoint(uses[inner]):
                raw = self.raw(inner, overlay, tree)
                if raw is None:
                    return None
                overlay[inner] = self.digits.widen(raw)
                moved.add(inner)
        return self.raw(key, overlay, rows.get(key))

    def choices(self, key: Key) -> Iterator[Values]:
        """What a line may rest on: the writer's own lines; and where some of those are wrong, the right values in their place."""
        values, accepted = self.honest
        yield {}
        wrong = [source for source in self.sources[key] if source not in accepted and source in values]
        if wrong:
            yield {source: values[source] for source in wrong}
        if 1 < len(wrong) <= 3:
            for source in wrong:
                yield {source: values[source]}

    def predictions(self, key: Key, rows: Rows, changed: Mapping[Key, Interval]) -> Iterator[Interval]:
        """Where a line would stand with some formulas and values done otherwise, for each thing it may rest on."""
        for choice in self.choices(key):
            raw = self.predict(key, self.own[0], rows, {**choice, **changed})
            if raw is not None:
                yield raw

    def follows(self, key: Key) -> bool:
        """Whether a line follows from the writer's own lines."""
        return any(self.printed[key].admits(raw) for raw in self.predictions(key, {}, {}))

    def exactly(self, key: Key, rows: Rows, changed: Mapping[Key, Interval]) -> Iterator[float]:
        """What a line comes to from the digits printed before it: nothing else rounded, and every intermediate rounded."""
        points = {shown: Interval(float(p.value), float(p.value)) for shown, p in self.printed.items()}
        points |= {name: Interval(value.middle, value.middle) for name, value in changed.items()}
        for rounded in (False, True):
            values = Overlay(self.own[0], points)
            raw = None
            for inner in (*self.hidden[key], key):
                raw = self.raw(inner, values, rows.get(inner))
                if raw is None:
                    break
                values[inner] = self.digits.rounded(raw) if rounded else raw
            if raw is not None:
                yield raw.middle
