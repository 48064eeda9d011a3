"""The update judged: every quantity of a rule from all gradients so far, never from the equations that are printed.

Owns `judge_equations`, which tries the printed equations on made-up gradients, and `judge_moves`, which follows the parameters
through every update with gradients nudged out of the forward pass.  May import: written, arithmetic, backward, problem, updates,
values, witnesses, checks, tables.rules.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from derive.arithmetic import compile_tree, key_of, mpmath_arithmetic, precision
from derive.backward import Line, Step
from derive.checks import Finding
from derive.problem import Problem
from derive.reader import LEARNING_RATE
from derive.tables.rules import COUNT, DECAY, DECAYED, OLD, Past
from derive.updates import Train
from derive.values import State
from derive.witnesses import FINE_DIGITS, FINE_NUDGE, SMALLEST_SCALE, TOLERANCE, WORKING_DIGITS, Point, kinks_hit
from derive.written import Later, Name, Partial

CLOSED_FORM = "closed-form"

TRIED = 3
"""Updates on which each equation is tried: a state that is 0, one that remembers one gradient, and one that fades."""


class _History:
    """What one parameter has been through so far, in mpmath numbers."""

    def __init__(self, train: Train, parameter: str, numbers: Mapping[str, Any]) -> None:
        self.train, self.parameter, self.numbers = train, parameter, numbers
        self.gradients: list[Any] = []

    def follow(self, old: Any, gradient: Any) -> dict[str, Any]:
        """Every quantity of the next update by its name on the page, the parameter among them, from its value and its gradient."""
        decayed = gradient + self.numbers[DECAY] * old if self.train.decays_gradient else gradient
        self.gradients.append(decayed)
        past = Past(tuple(self.gradients), old, self.numbers[LEARNING_RATE], self.numbers)
        found = {DECAYED.name: decayed, **self.train.row.unrolled(past)}
        return {name: found[own] for own, name in {**self.train.names(self.parameter), OLD.name: self.parameter}.items()}


def judge_equations(train: Train, steps: Sequence[Step]) -> list[Finding]:
    """The equations of an update that, on seeded made-up gradients, hyperparameters and values, miss what the rule comes to."""
    import mpmath

    source = random.Random("updates")  # noqa: S311  (numbers to compute with, not secrets)

    def drawn() -> Any:
        return mpmath.mpf(f"{source.uniform(0.05, 0.95):.12f}")

    arithmetic, findings = mpmath_arithmetic(), list[Finding]()
    with mpmath.workdps(WORKING_DIGITS):
        for parameter, own in _by_parameter(train, steps).items():
            numbers = {name: drawn() for name in train.given}
            lines = [(step, line, compile_tree(line.tree, arithmetic)) for step in own for line in step.lines]
            history, old = _History(train, parameter, numbers), drawn()
            values: dict[Any, Any] = {**numbers, **{name: mpmath.mpf(0) for name in train.names(parameter).values()}}
            for k in range(1, TRIED + 1):
                gradient = drawn() - drawn()
                values |= {COUNT: mpmath.mpf(k), parameter: old, Partial(train.loss, parameter): gradient}
                expected = history.follow(old, gradient)
                for step, line, formula in lines:
                    name, given = _name_of(step), formula(values)
                    if abs(given - expected[name]) > mpmath.mpf(10) ** -40 * max(abs(expected[name]), 1):
                        findings.append(Finding(step.goal, line, mpmath.nstr(given, 12), mpmath.nstr(expected[name], 12)))
                    values[key_of(step.goal)] = given
                values |= {_name_of(step): values[key_of(step.goal)] for step in own}
                old = values[parameter]
    return findings


def _by_parameter(train: Train, steps: Sequence[Step]) -> dict[str, list[Step]]:
    """The steps of the update of each parameter that has any."""
    by_name = {_name_of(step): step for step in steps}
    own = {name: (*train.names(name).values(), name) for name in train.parameters if name in by_name}
    return {parameter: [by_name[name] for name in names] for parameter, names in own.items()}


def _name_of(step: Step) -> str:
    goal = step.goal.body if isinstance(step.goal, Later) else step.goal
    assert isinstance(goal, Name)
    return goal.name


def judge_moves(problem: Problem, states: Sequence[State]) -> list[Finding]:
    """The parameters and other quantities of the rule that miss, in 40 digits, what the rule comes to with nudged gradients.

    Where a value depends on a kink, no nudge can confirm its gradient: there the printed convention is taken.
    """
    import mpmath

    train, network, findings = problem.train, problem.network, list[Finding]()
    reached = [name for name in train.parameters if name in network.above(train.loss)]
    with mpmath.workdps(WORKING_DIGITS):
        numbers = {name: mpmath.mpf(number.text) for name, number in train.given.items()}
        histories = {name: _History(train, name, numbers) for name in reached}
        for before, after in pairwise(states):
            with precision(FINE_DIGITS):
                gradients = _gradients(problem, before, reached)
            for parameter in reached:
                old, gradient = mpmath.mpf(str(before.values[parameter])), mpmath.mpf(str(gradients[parameter]))
                for name, expected in histories[parameter].follow(old, gradient).items():
                    lasting = name == parameter or name in train.states
                    given = mpmath.mpf(str((after if lasting else before).values[name]))
                    scale = max(abs(expected), abs(given), mpmath.mpf(str(SMALLEST_SCALE)))
                    if abs(given - expected) > mpmath.mpf(str(TOLERANCE)) * scale:
                        goal = Later(Name(name), 1) if lasting else Name(name)
                        line = Line(train.rows(parameter)[goal], "update-rule")
                        findings.append(Finding(goal, line, mpmath.nstr(given, 12), mpmath.nstr(expected, 12)))
    return findings


def _gradients(problem: Problem, state: State, parameters: Sequence[str]) -> dict[str, Decimal]:
    """The gradients at a state; those of the first one are on the page and judged there, one by one."""
    network, loss = problem.network, problem.train.loss
    values: Mapping[Any, Decimal] = state.values
    if state.updates and not kinks_hit(network, values):
        values = Point(network, {name: values[name] for name in network.free}, FINE_NUDGE)
    return {name: values[Partial(loss, name)] for name in parameters}
