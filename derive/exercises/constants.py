"""A number typed into code where a given one belongs: found on one input, the same on every other.

Owns `constant_in_place` and `names_behind`.  May import: written, arithmetic, exercises.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

from derive.arithmetic import Key, key_of
from derive.exercises.cases import Answer, Run
from derive.exercises.reckoning import true_values
from derive.exercises.verdicts import Named
from derive.tables.slips import put
from derive.written import Name, Negative, Number, Tree, names_in

MOST_DECIMALS = 4
"""Decimals that somebody types."""


def constant_in_place(answers: Sequence[Answer], runs: Sequence[Run], slack: float, before: Sequence[Named] = ()) -> Named | None:
    """The given number in whose place one and the same other number, put into the backward pass, gives what each input returned.

    `answers` are those of one quantity, one for each run; numbers found `before` stand there too.
    """
    first, run = answers[0], runs[0]
    if first.quantity is None or any(answer.value is None for answer in answers):
        return None
    rows = _rows_behind(first.quantity, run)
    placed: dict[Tree, Tree] = {slip.where: slip.number for slip in before if slip.number is not None}
    given = {name for name in run.case.problem.given if Name(name) not in placed}
    for name in dict.fromkeys(name for tree in rows.values() for name in names_in(tree) if name in given):
        constant = _solved(partial(_value, first, run, placed, name), float(first.value or 0), float(run.case.truth[name]))
        others = [typed for run in runs if Decimal((typed := run.case.problem.given[name]).text) != constant]
        if constant is None or not others:
            continue
        values = [_value(answer, here, placed, name, float(constant)) for answer, here in zip(answers, runs, strict=True)]
        pairs = zip(answers, values, strict=True)
        if all(v is not None and math.isclose(answer.value or 0.0, v, rel_tol=slack, abs_tol=1e-12) for answer, v in pairs):
            return Named("wrong-given", Name(name), (first.name,), (), Number(f"{constant:f}"), others[0])
    return None


def names_behind(quantity: Tree, run: Run) -> frozenset[Tree]:
    """The names in the formulas that the function itself worked out on the way to a quantity."""
    return frozenset(Name(name) for tree in _rows_behind(quantity, run).values() for name in names_in(tree))


def _rows_behind(quantity: Tree, run: Run) -> dict[Key, Tree]:
    """The formulas of partials and updates that the function itself worked out on the way to a quantity."""
    computed = run.computed(quantity)
    rows = run.case.sheet.rows
    return {key: rows[key] for leaf in computed if (key := key_of(leaf)) in rows and key is not None and not isinstance(key, str)}


def _value(answer: Answer, run: Run, placed: Mapping[Tree, Tree], name: str, constant: float) -> float | None:
    """What a quantity comes to with a constant in place of a given number, in the backward pass."""
    assert answer.quantity is not None
    text = f"{Decimal(repr(abs(constant))):f}"
    typed: Tree = Negative(Number(text)) if constant < 0 else Number(text)
    changed = {key: put(tree, {**placed, Name(name): typed}) for key, tree in _rows_behind(answer.quantity, run).items()}
    sheet = run.case.sheet.done_wrong(changed, {}, {})
    found = true_values(sheet).get(key_of(sheet.plain(answer.quantity)) or "")
    return None if found is None else float(found)


def _solved(value: Callable[[float], float | None], wanted: float, start: float) -> Decimal | None:
    """A short number at which a function has a value, by secants from a start; None where there is none."""
    x0, x1 = start, start * 1.5 + 0.1
    y0, y1 = value(x0), value(x1)
    for _ in range(12):
        if y0 is None or y1 is None or y1 == y0:
            return None
        x0, y0, x1 = x1, y1, x1 - (y1 - wanted) * (x1 - x0) / (y1 - y0)
        if not abs(x1) < 1e4:
            return None
        y1 = value(x1)
        if abs(x1 - x0) <= 1e-9 * (1 + abs(x1)):
            short = Decimal(repr(round(x1, MOST_DECIMALS))).normalize() + 0
            return short if abs(float(short) - x1) <= 1e-7 * (1 + abs(x1)) else None
    return None
