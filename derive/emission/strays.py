"""How far code that computes with floats may be from the page, which knows 40 digits: where numbers cancel, few digits are left.

Owns `nearness`.  Every operation rounds once and carries on what its arguments were off by.  May import: written, arithmetic,
tables.primitives, backward, derivation, tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from derive.arithmetic import Arithmetic, Evaluator, Key, compile_tree, key_of, mentioned
from derive.derivation import Derivation
from derive.problem import Problem
from derive.tables.primitives import PRIMITIVES, UNIT
from derive.tensors.work import ArrayDerivation, as_scalars, index_line
from derive.written import Later, Name, Tree

NEAR, SMALL = 1e-12, 1e-3
"""Relative difference up to which two numbers agree; below `SMALL` it is counted from there."""


@dataclass(frozen=True, slots=True)
class Float:
    """A float and how far it may be off."""

    value: float
    stray: float

    def rounded(self) -> Float:
        """The same behind one more rounding."""
        return Float(self.value, self.stray + UNIT * abs(self.value))

    def __add__(self, other: Float) -> Float:
        return Float(self.value + other.value, self.stray + other.stray).rounded()

    def __sub__(self, other: Float) -> Float:
        return self + -other

    def __neg__(self) -> Float:
        return Float(-self.value, self.stray)

    def __mul__(self, other: Float) -> Float:
        stray = abs(self.value) * other.stray + abs(other.value) * self.stray + self.stray * other.stray
        return Float(self.value * other.value, stray).rounded()

    def __truediv__(self, other: Float) -> Float:
        least = abs(other.value) - other.stray
        value = self.value / other.value
        return Float(value, (self.stray + abs(value) * other.stray) / least if least > 0 else math.inf).rounded()


def _number(text: str) -> Float:
    return Float(float(text), 0.0).rounded()


def _power(base: Float, exponent: Float) -> Float:
    value = math.pow(base.value, exponent.value)
    if not base.value:
        return Float(value, base.stray)
    relative = abs(exponent.value) * base.stray / abs(base.value) + abs(math.log(abs(base.value))) * exponent.stray
    return Float(value, abs(value) * (math.expm1(relative) if relative < 1 else math.inf) + 4 * UNIT * abs(value))


def _primitive(name: str) -> Callable[..., Float]:
    row = PRIMITIVES[name]

    def kernel(*arguments: Float) -> Float:
        values = [argument.value for argument in arguments]
        value = row.floats(*values)
        return Float(value, row.strays(*values, value, *(argument.stray for argument in arguments)))

    return kernel


FLOATS = Arithmetic(_number, _power, {name: _primitive(name) for name in PRIMITIVES})
"""Numbers that know how far they may be off."""


ROOM = 10
"""How many times further than these floats others may be off, which take the same sums in another order."""


def nearness(work: Derivation | ArrayDerivation) -> float:
    """How near the numbers of code are to those of the page, as a part of each: 1e-12, or the power of ten that floats can hold.

    >>> import derive
    >>> nearness(derive.derive(derive.find("q1")))
    1e-12
    """
    problem, partials = _scalar(work)
    program = [*((equation.goal, equation.rhs) for equation in problem.network.equations), *partials]
    moves = [(key, tree) for name in problem.moving for goal, tree in problem.train.rows(name).items() if (key := key_of(goal))]
    formulas, updates = _compiled(program), _compiled(moves)
    bound, seen, moved = NEAR, 0.0, dict[Key, Float]()
    for state in work.states:
        values: dict[Key, Float] = {name: _number(number.text) for name, number in state.typed.items()}
        values |= moved
        _compute([*formulas, *(updates if state is not work.states[-1] else ())], values)
        for key, number in values.items():
            if key in state.values:
                page = float(state.values[key])
                if math.isinf(page):  # `shortest` refuses it
                    return 1.0
                bound = max(bound, 2 * number.stray / (abs(page) + SMALL))
                seen = max(seen, abs(number.value - page) / (abs(page) + SMALL))
        moved = {key.body.name: value for key, value in values.items() if isinstance(key, Later) and isinstance(key.body, Name)}
    near = min(bound, ROOM * seen)
    return NEAR if near <= NEAR else 10.0 ** math.ceil(math.log10(near)) if near < 1 else 1.0


def _scalar(work: Derivation | ArrayDerivation) -> tuple[Problem, list[tuple[Key, Tree]]]:
    """The problem in named numbers, and the formula of each derivative."""
    if isinstance(work, ArrayDerivation):
        written = as_scalars(work.problem)
        assert written is not None
        scalar, expansion = written
        entries = (entry for step in work.partials for entry in expansion.entries(step.goal, index_line(step)))
        return scalar, [*entries]
    return work.problem, [(key, step.answer) for step in work.partials if (key := key_of(step.goal))]


Formula = tuple[Key, tuple[Key, ...], Evaluator]


def _compiled(program: Iterable[tuple[Key, Tree]]) -> list[Formula]:
    return [(key, mentioned(tree), compile_tree(tree, FLOATS)) for key, tree in program]


def _compute(formulas: Iterable[Formula], values: dict[Key, Float]) -> None:
    """Every value that can be computed, whatever the order."""
    waiting = list(formulas)
    while ready := [formula for formula in waiting if all(need in values for need in formula[1])]:
        for key, _, formula in ready:
            try:
                values[key] = formula(values)
            except (ArithmeticError, ValueError):
                values[key] = Float(0.0, math.inf)
        waiting = [formula for formula in waiting if formula[0] not in values]
