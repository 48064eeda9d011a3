"""Whether a typed formula is the quantity it claims to be: 40 digits at seeded points, over the names of both sides.

Owns `AnswerPoint`, `judge_formula` and `explain_formula`.  SymPy's `equals` misses correct formulas, so it is not the
judge.  May import: errors, arithmetic, intervals, network, reader, witnesses, tables.slips, exercises.search.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, Overflow, getcontext
from functools import cached_property
from threading import get_ident
from typing import Any

from derive.arithmetic import DECIMAL, Key, compile_tree, precision
from derive.errors import LimitError
from derive.exercises.reckoning import Reckoning
from derive.exercises.search import explain
from derive.exercises.sheets import Sheet
from derive.exercises.verdicts import Verdict
from derive.intervals import Digits, Printed
from derive.network import Network
from derive.reader import LEARNING_RATE
from derive.tables.slips import Slipped, beside, put
from derive.witnesses import FINE_DIGITS, FINE_NUDGE, NUDGE, SMALLEST_SCALE, TOLERANCE, WORKING_DIGITS, Point, points
from derive.written import Later, Name, Number, Tree, names_in

LEAST, MOST = 3, 8

POINTS_KEPT = 64
"""Seeds of points that a sheet keeps."""


class AnswerPoint(Point):
    """A point that also knows the later values of a sheet, what the update is given, and names that only an answer uses."""

    def __init__(
        self, network: Network, start: Mapping[str, Decimal], nudge: Decimal, sheet: Sheet, extra: Mapping[Key, Decimal]
    ) -> None:
        super().__init__(network, start, nudge)
        self.sheet = sheet
        self.update(extra)

    @cached_property
    def there(self) -> Sheet:
        """The sheet with the numbers of this point as the given ones."""
        names = (*self.sheet.network.free, LEARNING_RATE, *self.sheet.of_rule)
        return replace(self.sheet, given={name: Number(f"{self[name]:f}") for name in names})

    def __missing__(self, key: Any) -> Decimal:
        if isinstance(key, Later) or (isinstance(key, str) and key in self.sheet.rows):
            self[key] = value = Decimal(self.sheet.evaluator(self.sheet.rows[key], DECIMAL)(self))
            return value
        return super().__missing__(key)


def answer_points(
    sheet: Sheet, strangers: Iterable[str] = (), fine: bool = False, fixed: Mapping[str, Decimal] | None = None
) -> Iterator[AnswerPoint]:
    """Seeded points of the network, some of its names `fixed`; what the update is given is the problem's, and names that only the
    answer uses are drawn too.

    They are the same for every formula, so the sheet keeps them with all that was worked out at them; each thread has its own, for
    they are moved to and fro while something is differentiated.
    """
    asked = (get_ident(), getcontext().prec, tuple(sorted(strangers)), fine, tuple(sorted((fixed or {}).items())))
    if asked not in sheet.points:
        if len(sheet.points) >= POINTS_KEPT:
            sheet.points.clear()
        sheet.points[asked] = _Replayed(_drawn_points(sheet, asked[2], fine, fixed))
    return iter(sheet.points[asked])


class _Replayed:
    """What a generator gives, as often as it is asked for, worked out once; an error comes again too."""

    def __init__(self, source: Iterator[AnswerPoint]) -> None:
        self.source, self.found = source, list[AnswerPoint]()
        self.error: LimitError | None = None

    def __iter__(self) -> Iterator[AnswerPoint]:
        place = 0
        while True:
            if place == len(self.found):
                if self.error is not None:
                    raise self.error
                try:
                    self.found.append(next(self.source))
                except StopIteration:
                    return
                except LimitError as error:
                    self.error = error
                    raise
            yield self.found[place]
            place += 1


def _drawn_points(
    sheet: Sheet, strangers: Iterable[str], fine: bool, fixed: Mapping[str, Decimal] | None
) -> Iterator[AnswerPoint]:
    source = random.Random("answers")  # noqa: S311  (points to compute at, not secrets)
    drawn: dict[Key, Decimal] = {
        name: Decimal(f"{source.uniform(0.05, 0.95):.12f}") for name in sorted({*strangers, LEARNING_RATE})
    }
    drawn |= {key: Decimal(number.text) for key, number in sheet.of_rule.items()}
    network, nudge = sheet.network, FINE_NUDGE if fine else NUDGE
    for point in points(network, "answers", nudge=nudge):
        start = {name: point[name] for name in network.free} | dict(fixed or {})
        try:
            yield AnswerPoint(network, start, nudge, sheet, drawn)
        except ArithmeticError:
            continue


def judge_formula(
    sheet: Sheet, goal: Tree, formula: Tree, strangers: Iterable[str] = (), fixed: Mapping[str, Decimal] | None = None
) -> Verdict:
    """Whether `formula` is `goal` wherever both have a value.

    A difference has to show again at a much finer nudge before it refutes.  Agreement is asked for at more points the more names
    there are; a formula that differs only in a spot between them is not caught.
    """
    verdict = _compare(sheet, goal, formula, tuple(strangers), fixed or {}, fine=False)
    return _compare(sheet, goal, formula, tuple(strangers), fixed or {}, fine=True) if verdict.verdict == "wrong" else verdict


def _compare(
    sheet: Sheet, goal: Tree, formula: Tree, strangers: tuple[str, ...], fixed: Mapping[str, Decimal], fine: bool
) -> Verdict:
    wanted = min(MOST, LEAST + len(names_in(formula)) // 8)
    agreed, alive, too_large = 0, False, False
    with precision(FINE_DIGITS if fine else WORKING_DIGITS):
        claim, truth = compile_tree(formula), compile_tree(goal)
        try:
            for point in answer_points(sheet, strangers, fine, fixed):
                try:
                    given = claim(point)
                except Overflow:
                    too_large = True
                    continue
                except ArithmeticError:
                    continue
                try:
                    expected = truth(point)
                except ArithmeticError:
                    continue
                scale = max(abs(expected), abs(given), SMALLEST_SCALE)
                if abs(given - expected) > TOLERANCE * scale:
                    witness = {name: f"{point[name].normalize():f}" for name in (*sheet.network.free, *strangers) if name in point}
                    return Verdict("wrong", "", witness, (f"{given:.8g}", f"{expected:.8g}"))
                agreed, alive = agreed + 1, alive or bool(expected)
                if agreed >= wanted and alive and not sheet.network.kinks:  # else every point, for the far side of each kink
                    break
        except LimitError:
            return Verdict("undecided", "no-point")
    if too_large and not agreed:
        return Verdict("wrong", "too-large")
    return Verdict("right") if agreed >= 2 else Verdict("undecided", "undefined")


def explain_formula(sheet: Sheet, key: Key, goal: Tree, formula: Tree, strangers: Iterable[str]) -> tuple[Slipped, ...]:
    """The slips by which a wrong formula came about: one name in place of another, or a slip in the derivation behind it."""
    strangers = tuple(strangers)
    for name in names_in(formula):
        for other in alike(name, sheet):
            edited = put(formula, {Name(name): Name(other)})
            left = tuple(stranger for stranger in strangers if stranger != name)
            if judge_formula(sheet, goal, edited, left).verdict == "right":
                return (Slipped("wrong-index", (key,), said=(Name(name), Name(other))),)
    if strangers:
        return ()
    found: list[tuple[Slipped, ...]] = []
    for point in answer_points(sheet):
        with precision(WORKING_DIGITS):
            try:
                value, right = compile_tree(formula)(point), compile_tree(goal)(point)
            except ArithmeticError:
                continue
        if abs(value - right) <= abs(value).scaleb(-9):  # here the slip changes nothing
            continue
        text = f"{value:.12e}"
        printed = Printed(text, Decimal(text), Decimal(1).scaleb(int(Decimal(text).as_tuple().exponent)))
        slips, case = explain(Reckoning(point.there, {key: printed}, {}, Digits(15)), [key], symbols=True)
        found.append(() if case.open else tuple(slip.slipped for slip in slips))
        if len(found) == 2:
            break
    ids = [[slip.slip for slip in slips] for slips in found]
    return found[0] if ids and ids[0] == ids[-1] else ()


def alike(name: str, sheet: Sheet) -> tuple[str, ...]:
    """The quantities that stand where this one stands; for a name the problem does not have, those with its letters."""
    if name in sheet.network.quantities:
        return beside(name, sheet)
    letters = re.match(r"[A-Za-z]+", name)
    same = letters[0] if letters else name
    return tuple(other for other in sheet.network.quantities if (found := re.match(r"[A-Za-z]+", other)) and found[0] == same)
