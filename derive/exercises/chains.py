"""The arithmetic inside a line: `net = 0.05*0.15 + 0.35 = 0.3575` with every "=" judged.

Owns `judge_arithmetic` and `fitting`.  May import: arithmetic, intervals, exercises.sheets.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from derive.arithmetic import DECIMAL, Key, compile_tree, mentioned, precision
from derive.exercises.sheets import Sheet
from derive.intervals import INTERVALS, Interval, Printed, read_printed
from derive.written import Name, Number, Tree, substitute, walk

SHORT = 3
"""Significant digits from which on a number in a sum is taken for a rounded one."""


def value_of(tree: Tree) -> Decimal | None:
    """The value of an expression of numbers, or None where it has none."""
    with precision(60):
        try:
            return Decimal(compile_tree(tree, DECIMAL)({}))
        except ArithmeticError:
            return None


def reach_of(tree: Tree, exact: frozenset[str] = frozenset(), values: Mapping[Any, Interval] | None = None) -> Interval | None:
    """Where the value of an expression can stand when each number in it may have been rounded or cut, but for the `exact` ones.

    `values` are those of its names.
    """
    bounds: dict[Any, Interval] = dict(values or {})

    def loosen(leaf: Tree) -> Tree | None:
        if not isinstance(leaf, Number):
            return None
        name = f"number {len(bounds)}"
        value = float(leaf.text)
        unit = 0.0 if leaf.text in exact or "." not in leaf.text else 10.0 ** -len(leaf.text.partition("e")[0].partition(".")[2])
        bounds[name] = Interval(value - unit / 2, value + unit)
        return Name(name)

    loose = substitute(tree, loosen)
    try:
        found: Interval = compile_tree(loose, INTERVALS)(bounds)
    except (ArithmeticError, KeyError):
        return None
    return found


def judge_arithmetic(left: Tree, printed: Printed, exact: frozenset[str] = frozenset()) -> str:
    """Whether an expression of numbers comes to a number: `right`, `rounded` (cut, or its own numbers were rounded) or `wrong`.

    Nobody rounds the numbers in `exact`, nor those of one or two digits.
    """
    value = value_of(left)
    if value is None:
        return "undecided"
    if printed.rounds(value):
        return "right"
    short = {node.text for node in walk(left) if isinstance(node, Number) and len(node.text.replace(".", "").strip("0")) < SHORT}
    reach = None if read_printed(left) is not None else reach_of(left, exact | short)  # a number alone claims no more than it shows
    return "rounded" if printed.cuts(value) or (reach is not None and printed.admits(reach)) else "wrong"


def fitting(sheet: Sheet, key: Key, expression: Tree) -> tuple[tuple[str, Number], ...]:
    """The given numbers of a quantity's own formula that an expression of numbers does not hold."""
    written = [Decimal(node.text) for node in walk(expression) if isinstance(node, Number)]
    missing: list[tuple[str, Number]] = []
    for need in mentioned(sheet.rows[key]) if key in sheet.rows else ():
        number = sheet.given.get(need)
        if number is None or not isinstance(need, str):
            continue
        if Decimal(number.text) in written:
            written.remove(Decimal(number.text))
        else:
            missing.append((need, number))
    return tuple(missing)
