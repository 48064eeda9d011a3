"""The audit of a function over arrays: its entries gathered into one line for each array, and what one look at a whole array tells.

Owns `gathered`.  May import: errors, written, arithmetic, problem, exercises.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

from derive.exercises.arrayaudit import array_formula
from derive.exercises.cases import TURNED, Answer, Run
from derive.exercises.verdicts import SEVERITY, Audit, Judged, Named, Note
from derive.problem import Problem
from derive.written import (
    Indexed,
    Later,
    Name,
    Negative,
    Number,
    Partial,
    Quotient,
    Size,
    Transpose,
    Tree,
    number,
    substitute,
)

NEAR = 1e-8
"""By what share an entry may miss what a change of the whole array gives."""


def gathered(audit: Audit, runs: Sequence[Run], problem: Problem) -> tuple[Audit, dict[Tree, Tree]]:
    """The audit with one line for each array, and the right formula of each wrong one."""
    groups: dict[str, list[Judged]] = {}
    whole_of = {answer.name: answer.whole for run in runs for answer in run.answers if answer.whole}
    for line in audit.lines:
        groups.setdefault(whole_of.get(line.name, line.name), []).append(line)
    quantities = {answer.whole or answer.name: answer.quantity for answer in _wholes(runs)}
    lines, slips, formulas = [], list[Named](), dict[Tree, Tree]()
    for name, cells in groups.items():
        quantity = quantities.get(name)
        line = _one_line(name, cells, quantity, runs)
        if line.verdict == "wrong" and quantity is not None:
            formula = array_formula(problem, quantity)
            if formula is not None:
                formulas[quantity] = formula
            found = None if line.slips else _seen_at_once(name, quantity, formula or quantity, runs)
            if found is not None:
                slips.append(found)
                line = replace(line, slips=(found.id,))
        lines.append(line)
    for slip in reversed(audit.slips):
        explains = tuple(dict.fromkeys(whole_of.get(cell, cell) for cell in slip.explains))
        slips.insert(0, replace(slip, where=indexed(slip.where), said=tuple(map(indexed, slip.said)), explains=explains))
    first = {kind: place for place, kind in reversed(list(enumerate(map(_kind, slips))))}
    slips.sort(key=lambda slip: (first[_kind(slip)], str(slip.where)))
    return replace(audit, problem=problem, lines=tuple(lines), slips=tuple(slips)), formulas


def _kind(slip: Named) -> tuple[str, str, int]:
    return slip.id, slip.variant, slip.tie


def _wholes(runs: Sequence[Run]) -> Iterator[Answer]:
    """Each answer once, under the quantity of the whole array."""
    for run in runs:
        for answer in run.answers:
            if answer.array is not None:
                yield replace(answer, quantity=answer.array)


def _one_line(name: str, cells: Sequence[Judged], quantity: Tree | None, runs: Sequence[Run]) -> Judged:
    """One line of the entries of an array: its worst entry, and how many are wrong."""
    if quantity is None:
        return cells[0]
    worst = max(cells, key=lambda line: SEVERITY.index(line.verdict))
    whole = replace(worst.entry, name=name, text="", quantity=quantity)
    run = next(run for place, run in enumerate(runs, start=1) if worst.entry.place == f"input {place}")
    here = [answer.name for answer in run.answers if answer.whole == name]
    if _came_turned(name, [run]):
        shape = run.case.shape_of(quantity)
        given, expected = ("×".join(map(str, lengths)) for lengths in (shape[::-1], shape))
        return Judged(whole, "wrong", notes=(Note("has-shape", {"given": given, "expected": expected}),))
    if worst.verdict == "right" and here:
        return Judged(whole, "right")
    if len(here) < 2:
        return cells[0] if len(cells) == 1 else worst
    count = sum(line.verdict == worst.verdict and line.name in here for line in cells)
    note = Note("entries", {"n": str(count), "of": str(len(here))})
    slips = tuple(dict.fromkeys(slip for line in cells for slip in line.slips))
    entry = replace(worst.entry, name=name, quantity=worst.entry.quantity and indexed(worst.entry.quantity))
    return replace(worst, entry=entry, slips=slips, notes=(note, *worst.notes))


def indexed(tree: Tree) -> Tree:
    """A formula of entries that are named scalars, `W[0,1]`, as a formula of arrays.

    >>> indexed(Partial("L", "W[0,1]"))
    Indexed(base=Partial(of='L', wrt='W', direct=False, signal=False), at=(Number(text='0'), Number(text='1')), upper=0)
    """
    return substitute(tree, _indexed_leaf)


def _indexed_leaf(leaf: Tree) -> Tree | None:
    match leaf:
        case Name(cell):
            name, at = _taken_apart(cell)
            return Indexed(Name(name), at) if at else None
        case Later(Name(cell), updates):
            name, at = _taken_apart(cell)
            return Indexed(Later(Name(name), updates), at) if at else None
        case Partial(of, wrt, direct):
            (above, upper), (below, lower) = _taken_apart(of), _taken_apart(wrt)
            return Indexed(Partial(above, below, direct), (*upper, *lower), len(upper)) if upper or lower else None
    return None


def _taken_apart(cell: str) -> tuple[str, tuple[Tree, ...]]:
    name, _, places = cell.removesuffix("]").partition("[")
    return name, tuple(Number(place) for place in places.split(",") if place)


# --- a whole array at once ------------------------------------------------------------------------------------------------


def _seen_at_once(name: str, quantity: Tree, right: Tree, runs: Sequence[Run]) -> Named | None:
    """The slip that turns the right array into the one returned on every input: transposed, or times a constant."""
    pairs = [_entries(name, quantity, run) for run in runs]
    if not all(pairs):
        return None
    if _came_turned(name, runs):
        if all(_are_near(value, truth) for pair in pairs for value, truth in pair):
            return Named("transposed", quantity, (name,), (Transpose(right), right))
        return None
    if all(_is_turned(name, quantity, run) for run in runs):
        return Named("transposed", quantity, (name,), (Transpose(right), right))
    ratios = [_ratio(pair) for pair in pairs]
    if any(ratio is None or ratio == 1 for ratio in ratios):
        return None
    if set(ratios) == {Fraction(-1)}:
        return Named("loss-sign", quantity, (name,), (Negative(right), right))
    factor = _factor([ratio for ratio in ratios if ratio is not None], runs)
    return None if factor is None else Named("missing-factor", quantity, (name,), (factor,))


def _came_turned(name: str, runs: Sequence[Run]) -> bool:
    """Whether an array came back with its two axes exchanged."""
    return any(answer.parts == ((TURNED, ""),) for run in runs for answer in run.answers if answer.whole == name)


def _entries(name: str, quantity: Tree, run: Run) -> list[tuple[float, float]]:
    """What was returned at each entry, and what is right there; none where an entry has no number."""
    found = []
    for answer in (answer for answer in run.answers if answer.whole == name):
        truth = None if answer.quantity is None else run.case.value_of(answer.quantity)
        if answer.value is None or truth is None:
            return []
        found.append((answer.value, float(truth)))
    return found


def _are_near(value: float, truth: float) -> bool:
    return math.isclose(value, truth, rel_tol=NEAR, abs_tol=1e-12)


def _is_turned(name: str, quantity: Tree, run: Run) -> bool:
    """Whether a square array is the right one turned over."""
    shape = run.case.shape_of(quantity)
    if len(shape) != 2 or shape[0] != shape[1]:
        return False
    pairs, length = _entries(name, quantity, run), shape[0]
    return all(_are_near(pairs[i * length + j][0], pairs[j * length + i][1]) for i in range(length) for j in range(length))


def _ratio(pairs: Sequence[tuple[float, float]]) -> Fraction | None:
    """The small fraction by which every entry is off, or None."""
    telling = [(value, truth) for value, truth in pairs if value or truth]
    if not telling or any(not truth or not math.isfinite(value) for value, truth in telling):
        return None
    ratio = Fraction(telling[0][0] / telling[0][1]).limit_denominator(100)
    return ratio if ratio and all(_are_near(value, float(ratio) * truth) for value, truth in telling) else None


def _factor(ratios: Sequence[Fraction], runs: Sequence[Run]) -> Tree | None:
    """What a constant is: a number where it is the same at all sizes, else a size or one over it."""
    if len(set(ratios)) == 1:
        return number(ratios[0])
    sizes = [run.case.sizes for run in runs]
    for name in sizes[0]:
        if all(ratio == here[name] for ratio, here in zip(ratios, sizes, strict=True)):
            return Size(name)
        if all(ratio * here[name] == 1 for ratio, here in zip(ratios, sizes, strict=True)):
            return Quotient(number(1), Size(name))
    return None
