"""Second derivatives over arrays: every gradient is one more equation, in index form, and the same walk differentiates it again.

Owns `derive_seconds` and `judge_seconds`.  May import: errors, written, backward, checks, curvature, network, problem, tensors.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from derive.arithmetic import compile_tree, precision
from derive.backward import Line, Step
from derive.checks import Finding
from derive.curvature import gradient_name, leaf_of
from derive.errors import UsageError
from derive.network import Equation, Network
from derive.problem import Fact, Problem
from derive.tensors.components import Space
from derive.tensors.expansion import Expansion
from derive.tensors.judges import judge_entries, sample, slope_points, small_sizes
from derive.tensors.reverse import derive_entries
from derive.witnesses import FINE_DIGITS, FINE_NUDGE
from derive.written import (
    ZERO,
    Call,
    Indexed,
    Name,
    Nested,
    Partial,
    Rule,
    Second,
    Tree,
    rebuild,
    substitute,
    walk,
)


@dataclass(frozen=True)
class Seconds:
    """The second derivatives of a number by some quantities, every pair once; `raw` are the same steps before they were given the
    names a page uses, `problem` the forward pass with the gradients behind it, for the judges.
    """

    of: str
    names: tuple[str, ...]
    steps: tuple[Step, ...]
    raw: tuple[Step, ...]
    problem: Problem


def derive_seconds(
    problem: Problem, of: str, names: Sequence[str], partials: Sequence[Step], space: Space, facts: Sequence[Fact]
) -> Seconds:
    """∂²of/∂first∂then for every pair, each in index form and, where it is recognised, as matrices.

    `partials` are the steps of the first derivatives.  Raises UsageError where the gradient is not a formula.
    """
    arrays = problem.arrays
    assert arrays is not None
    _check(problem, of, names)
    shapes = dict(space.shapes)
    equations = list(problem.network.equations)
    for step in partials:
        goal = step.goal
        if not isinstance(goal, Partial) or goal.of != of:
            continue
        line = next(line for line in reversed(step.lines) if line.at or not shapes.get(goal.wrt))
        body = _with_names(line.tree)
        shape = shapes.get(goal.wrt, ())
        equations.append(Equation(gradient_name(goal), Rule(line.at, body) if line.at else body))
        shapes[gradient_name(goal)] = shape
    whole = replace(problem, network=Network(tuple(equations)), arrays=replace(arrays, shapes=shapes))
    wider = replace(space, shapes=shapes)
    raw: list[Step] = []
    for place, first in enumerate(names):
        row = gradient_name(Partial(of, first))
        raw += derive_entries(whole.network, row, tuple(names[place:]), wider, facts, named=False)
        reached = {step.goal.wrt for step in raw if isinstance(step.goal, Partial) and step.goal.of == row}
        for name in names[place:]:
            if name not in reached:
                at = wider.place((*shapes[row], *shapes[name]))
                raw.append(Step("partial", Partial(row, name), (Line(ZERO, "no-slope", (row, name), at=at),)))
    rewrite = _Rewriting(of, frozenset(names))
    return Seconds(of, tuple(names), tuple(map(rewrite.step, raw)), tuple(raw), whole)


def _check(problem: Problem, of: str, names: Sequence[str]) -> None:
    network, arrays = problem.network, problem.arrays
    assert arrays is not None
    if arrays.shapes.get(of):
        raise UsageError(f"--hessian: '{of}' is an array; second derivatives are taken of a number")
    for equation in network.equations:
        if any(isinstance(node, Call) and node.function == "loss_of" for node in walk(equation.rhs)):
            raise UsageError(
                f"--hessian: how {equation.goal} depends on its arguments is not told, so it has no second derivative here"
            )
        if equation.lagged:
            raise UsageError("--hessian: is not for recurrences over a named number of steps; write the steps out")
    for name in names:
        above = network.above(name) - {name}
        held = [other for other in names if other in above]
        if held:
            raise UsageError(f"--hessian: '{name}' depends on '{held[0]}', so it cannot be held while '{held[0]}' moves")


def _with_names(tree: Tree) -> Tree:
    """A formula with the names of the gradient equations in place of derivatives."""

    def named(node: Tree) -> Tree:
        match node:
            case Indexed(Partial() as base, at):
                return Indexed(Name(gradient_name(base)), at)
            case Partial():
                return Name(gradient_name(node))
        return rebuild(node, named)

    return named(tree)


@dataclass(frozen=True)
class _Rewriting:
    """The names of gradient equations given back as what they stand for."""

    of: str
    names: frozenset[str]

    def step(self, step: Step) -> Step:
        assert isinstance(step.goal, Partial)
        lines = tuple(replace(line, tree=self.tree(line.tree)) for line in step.lines)
        return Step("second", self.leaf(step.goal), lines)

    def tree(self, tree: Tree) -> Tree:
        return substitute(tree, lambda leaf: self.leaf(leaf) if isinstance(leaf, Name | Partial) else None)

    def leaf(self, leaf: Name | Partial) -> Tree:
        if isinstance(leaf, Name):
            return leaf_of(leaf.name)
        above, below = leaf_of(leaf.of), leaf_of(leaf.wrt)
        if isinstance(above, Partial) and isinstance(below, Name) and not leaf.direct and {above.wrt, below.name} <= self.names:
            return Second(above.of, above.wrt, below.name)
        return leaf if isinstance(above, Name) and isinstance(below, Name) else Nested(above, below, leaf.direct)


def judge_seconds(seconds: Seconds) -> tuple[list[Finding], int]:
    """The lines that a point contradicts, and how many were judged.

    The whole Hessian is also compared with second differences of the forward pass along a seeded direction.
    """
    findings, judged = judge_entries(seconds.problem, seconds.raw)
    return findings + _bent(seconds), judged


def _bent(seconds: Seconds) -> list[Finding]:
    """Whether vᵀHv is the second difference of the output along v."""
    expansion = sample(seconds.problem, small_sizes(seconds.problem), random.Random("seconds"))  # noqa: S311  (numbers to compute with)
    last = {
        goal: next(line for line in reversed(step.lines) if line.at or not _has_places(expansion, goal))
        for step in seconds.raw
        if isinstance(goal := step.goal, Partial)
    }
    source = random.Random("direction")  # noqa: S311  (numbers to compute with)
    cells = [cell for name in seconds.names for cell in expansion.cells(name)]
    with precision(FINE_DIGITS):
        direction = {cell: Decimal(f"{source.uniform(-1, 1):.9f}") for cell in cells}
        for point in slope_points(expansion, "seconds", FINE_NUDGE):
            point.rates.update((cell, point.swept(cell)) for goal in last for cell in expansion.cells(goal.of))
            expected = _second_difference(expansion, point, seconds.of, direction)
            given = Decimal(0)
            for goal, line in last.items():
                twice = 1 if goal.of == gradient_name(Partial(seconds.of, goal.wrt)) else 2
                if goal.wrt not in seconds.names:
                    continue
                for key, formula in expansion.entries(goal, line):
                    first = key.of.removeprefix(f"d{seconds.of}/d")
                    given += twice * compile_tree(formula)(point) * direction[first] * direction[key.wrt]
            if abs(given - expected) > Decimal("1e-40") * max(abs(expected), Decimal(1)):
                where = Line(Name(seconds.of), "chain-rule")
                return [Finding(Name(seconds.of), where, f"{given:.12g}", f"{expected:.12g}")]
            break
    return []


def _has_places(expansion: Expansion, goal: Partial) -> bool:
    return bool(expansion.shapes.get(goal.of) or expansion.shapes.get(goal.wrt))


def _second_difference(expansion: Expansion, point: Mapping[Any, Decimal], of: str, direction: Mapping[str, Decimal]) -> Decimal:
    """(f(x + h v) − 2 f(x) + f(x − h v))/h²."""
    nudge = Decimal("1e-40")
    sides = []
    for step in (nudge, -nudge):
        values: dict[Any, Decimal] = dict(point)
        for cell, speed in direction.items():
            values[cell] = point[cell] + step * speed
        for equation in expansion.network.equations:
            if "/" not in equation.goal:
                values[equation.goal] = expansion.network.compiled[equation.goal](values)
        sides.append(values[of])
    return Decimal((sides[0] - 2 * point[of] + sides[1]) / nudge**2)
