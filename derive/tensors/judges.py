"""Every line over arrays judged: written out at small unequal sizes, compared with nudges and with the scalar engine.

Owns `judge_entries` and `sample`.  The points know nothing of index forms or matrices: they come from the equations as typed,
written out entry by entry.  May import: errors, written, arithmetic, backward, checks, problem, slopes, witnesses, tensors.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import prod
from typing import Any

from derive.arithmetic import Evaluator, compile_tree, precision
from derive.backward import Line, Step, derive_partials
from derive.checks import Finding
from derive.errors import LimitError
from derive.network import Network
from derive.problem import Numbers, Problem
from derive.progress import track
from derive.slopes import Slopes
from derive.tensors.expansion import Cell, Expansion, cell_name, places
from derive.tensors.shapes import size_value
from derive.witnesses import (
    FINE_DIGITS,
    FINE_NUDGE,
    MOST_DRAWS,
    NUDGE,
    SMALLEST_SCALE,
    TOLERANCE,
    WORKING_DIGITS,
    kinks_hit,
    span,
)
from derive.written import Index, Indexed, Name, Number, Partial, Size, Tree, walk

EXPANDED, DIRECTION, SCALAR = "expanded-40-digits", "direction-40-digits", "scalar-engine"
LEAST = 2
MOST_TELLING = 32
"""Points among which one is looked for that sees a kink from its other side; half of them have entries of both signs."""
LIFT = 5
"""How much larger a shift is drawn that lifts what is centred above a kink."""
LARGEST = 2_000
"""Entries that arrays may have together at the sizes they are judged at; only sizes typed as numbers come to so many."""
SMALL = (2, 3, 4, 5, 7, 6, 8, 9, 10, 11)
"""Lengths given to names of sizes, no two the same, so that a forgotten transpose cannot pass."""


class Slope(dict[Any, Any]):
    """The values of every entry at one point; a partial along one equation is that equation nudged, one through the network is
    added up from those, user by user.
    """

    def __init__(self, network: Network, start: Mapping[str, Decimal], nudge: Decimal) -> None:
        super().__init__(start)
        self.network, self.nudge = network, nudge
        self.rates: dict[str, dict[str, Decimal]] = {}
        for equation in network.equations:
            self[equation.goal] = network.compiled[equation.goal](self)

    def __missing__(self, key: Any) -> Decimal:
        if not isinstance(key, Partial):
            raise KeyError(key)
        mentioned = key.wrt in self.network.mentions.get(key.of, ())
        if mentioned and (key.direct or (key.of not in self.rates and not self.goes_round(key.wrt, key.of))):
            self[key] = rate = self.along(key.of, key.wrt)
            return rate
        if key.direct:
            return Decimal(0)
        if key.of not in self.rates:
            self.rates[key.of] = self.swept(key.of)
        return self.rates[key.of].get(key.wrt, Decimal(0))

    def goes_round(self, name: str, of: str) -> bool:
        """Whether a path other than the direct one leads from one entry to another; looked for between the two only."""
        order, users = self.network.order, self.network.users
        todo = [user for user in users.get(name, ()) if user != of and order[user] < order[of]]
        seen = set(todo)
        while todo:
            for user in users[todo.pop()]:
                if user == of:
                    return True
                if user not in seen and order[user] < order[of]:
                    seen.add(user)
                    todo.append(user)
        return False

    def swept(self, of: str) -> dict[str, Decimal]:
        """How fast an entry moves with everything it depends on: from the last equation to the first."""
        network = self.network
        above = network.above(of)
        rates: dict[str, Decimal] = dict.fromkeys(above, Decimal(0))
        rates[of] = Decimal(1)
        for equation in reversed(network.equations):
            here = rates.get(equation.goal)
            if here:
                for name in network.mentions[equation.goal]:
                    rates[name] += here * self.along(equation.goal, name)
        return rates

    def along(self, of: str, name: str) -> Decimal:
        """How fast an entry moves with one that its equation mentions, everything else held."""
        key = Partial(of, name, True)
        if key not in self:
            formula, here = self.network.compiled[of], self[name]
            self[name] = here + self.nudge
            above = formula(self)
            self[name] = here - self.nudge
            below = formula(self)
            self[name] = here
            self[key] = Decimal((above - below) / (2 * self.nudge))
        rate: Decimal = self[key]
        return rate

    def moves(self, of: str, free: Sequence[str], direction: Sequence[Decimal]) -> Decimal:
        """How fast an entry moves when all free entries move at once: one nudge of the whole forward pass."""
        sides = []
        for nudge in (self.nudge, -self.nudge):
            values: dict[Any, Decimal] = dict(self)
            for name, speed in zip(free, direction, strict=True):
                values[name] = self[name] + nudge * speed
            for equation in self.network.equations:
                values[equation.goal] = self.network.compiled[equation.goal](values)
            sides.append(values[of])
        return Decimal((sides[0] - sides[1]) / (2 * self.nudge))


def small_sizes(problem: Problem, turned: bool = False) -> dict[str, int]:
    """A length for each name of a size, no two the same, the names used most the shortest, or `turned` the longest; axes that are
    formulas of others come to at least 2.
    """
    assert problem.arrays is not None
    if problem.arrays.judged_at:
        return dict(problem.arrays.judged_at)
    shapes = [size for shape in problem.arrays.shapes.values() for size in shape]
    plain = [size.name for size in shapes if isinstance(size, Size)]
    mentioned = [node.name for equation in problem.network.equations for node in walk(equation.rhs) if isinstance(node, Size)]
    composed = list(dict.fromkeys(size for size in shapes if not isinstance(size, Size | Number)))
    inside = dict.fromkeys(node.name for size in composed for node in walk(size) if isinstance(node, Size))
    used = [name for name in dict.fromkeys((*plain, *mentioned)) if name not in inside]
    used.sort(key=lambda name: -plain.count(name))
    supply = list(SMALL[len(used) == 1 and not inside :])
    while len(supply) < len(used):
        supply.append(2 + len(supply) % 3)  # with very many sizes only neighbours differ
    lengths = supply[: len(used)]
    sizes = dict(zip(used, lengths[::-1] if turned else lengths, strict=True))
    return sizes | _solved_sizes(tuple(inside), frozenset(plain), composed)


def _solved_sizes(names: Sequence[str], axes: frozenset[str], composed: Sequence[Tree]) -> dict[str, int]:
    """Lengths for the names in formulas of sizes, such as (n + 2p − m)/s + 1: a seeded draw in which every axis is at least 2
    long, no two names agree among the axes or among the rest, and steps are longer than 1 where that can be had.

    Raises LimitError where none is found.
    """
    source = random.Random("sizes")  # noqa: S311  (numbers to compute with, not secrets)
    others = [name for name in names if name not in axes]
    for least in (2, 1):
        for most in (4, 5, 6, 8, 12, 20):
            for _ in range(400 if names else 0):
                drawn = {name: source.randint(2, most) if name in axes else source.randint(least, 3) for name in names}
                values = [size_value(size, drawn) for size in composed]
                distinct = all(len({drawn[name] for name in group}) == len(group) for group in (axes & set(names), others))
                if distinct and all(value is not None and 2 <= value <= most for value in values):
                    return drawn
    if names:
        raise LimitError("shapes: no small sizes were found at which every axis has a length of at least 2")
    return {}


def sample(problem: Problem, sizes: Mapping[str, int], source: random.Random) -> Expansion:
    """The problem written out at these sizes, places drawn.  Raises LimitError where that is too large."""
    assert problem.arrays is not None
    probe = Expansion(problem, sizes)
    if sum(map(prod, probe.shapes.values())) > LARGEST:
        hint = 'give the sizes names, ["m", "d"], and their numbers in [given]'
        raise LimitError(f"shapes: the arrays have more than {LARGEST:,} entries together: {hint}")
    integers: dict[str, Numbers] = {}
    for name, size in problem.arrays.integers.items():
        (length,) = probe.lengths((size,))
        integers[name] = _nested(probe.shapes[name], lambda length=length: Number(str(source.randrange(length))))
    return Expansion(problem, sizes, integers)


def _nested(shape: Cell, draw: Any) -> Numbers:
    return tuple(_nested(shape[1:], draw) for _ in range(shape[0])) if shape else draw()


def start_values(expansion: Expansion, draw: int, source: random.Random) -> dict[str, Decimal]:
    """Seeded values for the free entries, in the span of the draw, with the sums that the problem gives."""
    low, high = span(draw)
    start = {name: Decimal(f"{source.uniform(low, high):.12f}") for name in expansion.free}
    for name in expansion.arrays.lifted if draw % 2 else ():
        start |= {cell: start[cell] + LIFT for cell in expansion.cells(name) if cell in start}
    for fact in expansion.arrays.facts:
        shape = expansion.shapes[fact.name]
        total = Decimal(fact.total.numerator) / Decimal(fact.total.denominator)
        for place in places(shape):
            if place[fact.axis] == shape[fact.axis] - 1:
                others = [(*place[: fact.axis], k, *place[fact.axis + 1 :]) for k in range(shape[fact.axis] - 1)]
                start[cell_name(fact.name, place)] = total - sum(start[cell_name(fact.name, other)] for other in others)
    return start


def slope_points(expansion: Expansion, seed: str, nudge: Decimal, most: int = 2 * LEAST) -> Iterator[Slope]:
    """Seeded points at which every entry has a value and none stands at a kink.  Raises LimitError where there is none."""
    source = random.Random(seed)  # noqa: S311  (points to compute at, not secrets)
    found = 0
    for draw in range(MOST_DRAWS):
        start = start_values(expansion, draw, source)
        try:
            point = Slope(expansion.network, start, nudge)
        except ArithmeticError:
            continue
        if kinks_hit(expansion.network, point):
            continue
        yield point
        found += 1
        if found == most:
            return
    if not found:
        raise LimitError("the network has no value at any of 64 random points, so nothing can be judged (a negative logarithm?)")


def telling_points(expansion: Expansion, seed: str, nudge: Decimal) -> Iterator[Slope]:
    """The first of those points, and behind them each that puts a kink on a side no point before it did.

    What somebody typed may hold on one side only; our own lines have their slopes from the table.
    """
    kinks, seen = expansion.network.kinks, set[tuple[int, bool]]()
    for count, point in enumerate(slope_points(expansion, seed, nudge, MOST_TELLING)):
        here = {(place, gap(point) > 0) for place, (_, _, gap) in enumerate(kinks)}
        if count < LEAST or not here <= seen:
            yield point
        seen |= here
        if count + 1 >= LEAST and len(seen) == 2 * len(kinks):
            return


@dataclass
class _Claim:
    """One entry of one line: the formula that was written, and what it claims to be."""

    step: Step
    line: Line
    formula: Evaluator
    goal: Evaluator
    alive: bool = False
    judged: bool = False


def judge_entries(problem: Problem, steps: Sequence[Step]) -> tuple[list[Finding], int]:
    """The lines that a point contradicts, and how many were judged.

    Each is written out at small unequal sizes, where axes cross also with the long ones short, and compared entry by entry, to 40
    digits, with the nudged equations; the nudges with one nudge of the whole forward pass; the answers with those of the scalar
    engine.
    """
    findings, judged = _judge_at(small_sizes(problem), problem, steps)
    assert problem.arrays is not None
    if not findings and crosses_axes(problem) and not problem.arrays.judged_at:
        findings, _ = _judge_at(small_sizes(problem, turned=True), problem, steps)
    return findings, judged


def crosses_axes(problem: Problem) -> bool:
    """Whether a letter stands at an axis of another size than its own, so that it matters which of the two is longer."""
    assert problem.arrays is not None
    for equation in problem.network.equations:
        for node in walk(equation.rhs):
            if isinstance(node, Indexed) and isinstance(node.base, Name):
                shape = problem.arrays.shapes.get(node.base.name, ())
                for place, size in zip(node.at, shape, strict=False):
                    if any(isinstance(part, Index) and part.size != size for part in walk(place)):
                        return True
    return False


def _judge_at(sizes: Mapping[str, int], problem: Problem, steps: Sequence[Step]) -> tuple[list[Finding], int]:
    expansion = sample(problem, sizes, random.Random("places"))  # noqa: S311
    claims = [claim for step in steps for line in step.lines if not line.numeric for claim in _claims(expansion, step, line)]
    findings = _contradictions(expansion, claims, WORKING_DIGITS, NUDGE)
    if findings:
        findings = _contradictions(expansion, claims, FINE_DIGITS, FINE_NUDGE)
    if _against_scalars(expansion, steps, WORKING_DIGITS, NUDGE):
        findings += _against_scalars(expansion, steps, FINE_DIGITS, FINE_NUDGE)
    judged = {id(claim.line) for claim in claims} - {id(claim.line) for claim in claims if not claim.judged}
    return findings, len(judged)


def _claims(expansion: Expansion, step: Step, line: Line) -> list[_Claim]:
    goal, tree = step.goal, line.tree
    letters = [a for a in line.at if isinstance(a, Index)]
    if line.at:
        found = []
        for place in places(expansion.lengths(tuple(index.size for index in letters))):
            env = dict(zip((index.name for index in letters), place, strict=True))
            at = tuple(expansion.position(a, env) for a in line.at)
            cell = _goal_cell(expansion, goal, at)
            found.append(_claim(step, line, expansion.scalar(tree, env), cell))
        return found
    whole = expansion.block(goal, {})
    sliced = sorted({node.name: node for node in walk(tree) if isinstance(node, Index)}.values(), key=lambda i: i.name)
    bound = {index.name for node in walk(tree) for index in getattr(node, "indices", ())}
    free = [index for index in sliced if index.name not in bound]
    claims = []
    for place in places(expansion.lengths(tuple(index.size for index in free))):
        env = dict(zip((index.name for index in free), place, strict=True))
        block = expansion.block(tree, env)
        mine = {at: cell for at, cell in whole.cells.items() if at[: len(place)] == place}
        stretched = _like_shape(block.cells, block.shape, whole.shape[len(place) :])
        claims += [_claim(step, line, stretched[at[len(place) :]], cell) for at, cell in mine.items()]
    return claims


def _like_shape(cells: Mapping[Cell, Tree], shape: Cell, wanted: Cell) -> Mapping[Cell, Tree]:
    """The entries of a formula under the places of what it claims to be: a vector is a column, an array may be stretched.

    Raises KeyError where the shapes do not fit, which no line of ours does.
    """
    if shape == wanted:
        return cells
    if tuple(k for k in shape if k != 1) == tuple(k for k in wanted if k != 1):
        flat = [cells[place] for place in places(shape)]
        return dict(zip(places(wanted), flat, strict=True))
    aligned = {}
    for place in places(wanted):
        tail = place[len(place) - len(shape) :]
        aligned[place] = cells[tuple(0 if length == 1 else k for k, length in zip(tail, shape, strict=True))]
    return aligned


def _goal_cell(expansion: Expansion, goal: Tree, at: Cell) -> Tree:
    match goal:
        case Name(name):
            return Name(cell_name(name, at))
        case Partial(of, wrt):
            upper = len(expansion.shapes.get(of, ()))
            return Partial(cell_name(of, at[:upper]), cell_name(wrt, at[upper:]))
    raise TypeError(f"a {type(goal).__name__} is no goal of a step over arrays")


def _claim(step: Step, line: Line, formula: Tree, cell: Tree) -> _Claim:
    return _Claim(step, line, compile_tree(formula), compile_tree(cell))


def _contradictions(expansion: Expansion, claims: Sequence[_Claim], digits: int, nudge: Decimal) -> list[Finding]:
    findings: dict[int, Finding] = {}
    outputs = sorted({node.of for claim in claims for node in (claim.step.goal,) if isinstance(node, Partial)})
    cells = [cell for output in outputs for cell in expansion.cells(output)]
    with precision(digits):
        for count, point in enumerate(slope_points(expansion, "arrays", nudge), start=1):
            point.rates.update((cell, point.swept(cell)) for cell in cells)
            findings |= {-k: finding for k, finding in enumerate(_undirected(expansion, point, cells), start=1)}
            for claim in track(claims, len(claims), "judging"):
                finding = _compare(claim, point)
                if finding is not None:
                    findings.setdefault(id(claim.line), finding)
            if findings or (count >= LEAST and all(claim.alive for claim in claims)):
                break
    return list(findings.values())


def _compare(claim: _Claim, point: Slope) -> Finding | None:
    try:
        expected, given = claim.goal(point), claim.formula(point)
    except ArithmeticError:
        return None
    claim.judged = True
    claim.alive = claim.alive or bool(expected)
    if abs(given - expected) <= TOLERANCE * max(abs(expected), abs(given), SMALLEST_SCALE):
        return None
    return Finding(claim.step.goal, claim.line, f"{given:.12g}", f"{expected:.12g}")


def _undirected(expansion: Expansion, point: Slope, cells: Sequence[str]) -> list[Finding]:
    """Outputs whose added-up rates one nudge of the whole forward pass contradicts."""
    source = random.Random("direction")  # noqa: S311
    direction = [Decimal(f"{source.uniform(-1, 1):.9f}") for _ in expansion.free]
    found = []
    for cell in cells:
        expected = point.moves(cell, expansion.free, direction)
        rates = point.rates[cell]
        given = sum(
            (rates.get(name, Decimal(0)) * speed for name, speed in zip(expansion.free, direction, strict=True)), Decimal(0)
        )
        if abs(given - expected) > TOLERANCE * max(abs(expected), Decimal(1)) * 1000:
            found.append(Finding(Name(cell), Line(Name(cell), "chain-rule"), f"{given:.12g}", f"{expected:.12g}"))
    return found


def _against_scalars(expansion: Expansion, steps: Sequence[Step], digits: int, nudge: Decimal) -> list[Finding]:
    """The answers that differ from those of the scalar engine on the network written out."""
    wanted: dict[str, dict[str, Step]] = {}
    for step in steps:
        if isinstance(step.goal, Partial):
            for cell in expansion.cells(step.goal.of):
                wanted.setdefault(cell, {}).update(dict.fromkeys(expansion.cells(step.goal.wrt), step))
    found: list[Finding] = []
    with precision(digits):
        for point in slope_points(expansion, "scalars", nudge):
            for of, owners in wanted.items():
                point.rates[of] = point.swept(of)
                values: dict[Any, Any] = dict(point)
                for scalar in derive_partials(expansion.network, of, owners, Slopes(by_heart=True)):
                    goal = scalar.goal
                    assert isinstance(goal, Partial)
                    values[goal] = given = compile_tree(scalar.answer)(values)
                    if goal.wrt in owners:
                        expected = point.rates[of].get(goal.wrt, Decimal(0))
                        if abs(given - expected) > TOLERANCE * max(abs(expected), abs(given), SMALLEST_SCALE):
                            owner = owners[goal.wrt]
                            found.append(Finding(owner.goal, owner.lines[-1], f"{expected:.12g}", f"{given:.12g}"))
            break
    return found


def judge_gradients(point: Slope, values: Mapping[Partial, Decimal]) -> list[Finding]:
    """The values of derivatives that nudges at the given numbers contradict."""
    found = []
    for of in sorted({key.of for key in values}):
        point.rates[of] = point.swept(of)
    for key, given in values.items():
        expected = point.rates[key.of].get(key.wrt, Decimal(0))
        if abs(given - expected) > TOLERANCE * max(abs(expected), abs(given), SMALLEST_SCALE):
            found.append(Finding(key, Line(key, "value"), f"{given:.12g}", f"{expected:.12g}"))
    return found
