"""The update judged: every quantity of a rule from all gradients so far, never from the equations that are printed.

Owns `judge_equations`, which tries the printed equations on made-up gradients, and `judge_moves`, which follows the parameters
through every update with gradients nudged out of the forward pass.  May import: written, arithmetic, backward, problem, updates,
values, witnesses, checks, tables.rules.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from derive.arithmetic import compile_tree, key_of, precision
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
    """What one parameter has been through so far."""

    def __init__(self, train: Train, numbers: Mapping[str, Decimal]) -> None:
        self.train, self.numbers = train, numbers
        self.gradients: list[Decimal] = []
        self.known_powers: dict[Decimal, list[Decimal]] = {}

    def powers(self, base: Decimal) -> list[Decimal]:
        """As many powers of a number as there are gradients, the 0th first; each is worked out once."""
        found = self.known_powers.setdefault(base, [])
        found += (base**age if age else Decimal(1) for age in range(len(found), len(self.gradients)))
        return found

    def follow(self, old: Decimal, gradient: Decimal) -> dict[str, Decimal]:
        """Every quantity of the next update by its name in the rule, the parameter among them, from its value and its gradient."""
        decayed = gradient + self.numbers[DECAY] * old if self.train.decays_gradient else gradient
        self.gradients.append(decayed)
        past = Past(self.gradients, old, self.numbers[LEARNING_RATE], self.numbers, self.powers)
        return {DECAYED.name: decayed, **self.train.row.unrolled(past)}


def judge_equations(train: Train, steps: Sequence[Step]) -> list[Finding]:
    """The equations of an update that, on seeded made-up gradients, hyperparameters and values, miss what the rule comes to.

    Every parameter is put through the same.
    """
    if not steps:
        return []
    source = random.Random("updates")  # noqa: S311  (numbers to compute with, not secrets)
    drawn = [Decimal(f"{source.uniform(0.05, 0.95):.12f}") for _ in range(len(train.given) + 1)]
    numbers, old = dict(zip(train.given, drawn[1:], strict=True)), drawn[0]
    history, findings = _History(train, numbers), list[Finding]()
    by_name = {_name_of(step): step for step in steps}
    with precision(WORKING_DIGITS):
        told: list[tuple[Decimal, Decimal, Mapping[str, Decimal]]] = []
        for _ in range(TRIED):
            gradient = Decimal(f"{source.uniform(-0.95, 0.95):.12f}")
            told.append((old, gradient, history.follow(old, gradient)))
            old = told[-1][2][OLD.name]
        for parameter in train.parameters:
            if parameter in by_name:
                own = [(by_name[name], short) for short, name in train.names(parameter).items()]
                findings += _misses(train, parameter, own, numbers, told)
    return findings


def _misses(
    train: Train,
    parameter: str,
    own: Sequence[tuple[Step, str]],
    numbers: Mapping[str, Decimal],
    told: Sequence[tuple[Decimal, Decimal, Mapping[str, Decimal]]],
) -> Iterator[Finding]:
    """The lines of one parameter's update that miss what was told for any: from an old value and a gradient, each quantity."""
    lines = [(step, name, line, compile_tree(line.tree)) for step, name in own for line in step.lines]
    values: dict[Any, Decimal] = {**numbers, **dict.fromkeys(train.names(parameter).values(), Decimal(0))}
    for k, (old, gradient, expected) in enumerate(told, start=1):
        values |= {COUNT: Decimal(k), parameter: old, Partial(train.loss, parameter): gradient}
        for step, name, line, formula in lines:
            values[key_of(step.goal)] = given = formula(values)
            if abs(given - expected[name]) > TOLERANCE * max(abs(expected[name]), Decimal(1)):
                yield Finding(step.goal, line, f"{given:.12g}", f"{expected[name]:.12g}")
        values |= {_name_of(step): values[key_of(step.goal)] for step, _ in own}


def _name_of(step: Step) -> str:
    goal = step.goal.body if isinstance(step.goal, Later) else step.goal
    assert isinstance(goal, Name)
    return goal.name


def judge_moves(problem: Problem, states: Sequence[State]) -> list[Finding]:
    """The parameters and other quantities of the rule that miss, in 40 digits, what the rule comes to with nudged gradients.

    Where a value depends on a kink, no nudge can confirm its gradient: there the printed convention is taken.
    """
    train, findings = problem.train, list[Finding]()
    numbers = {name: Decimal(number.text) for name, number in train.given.items()}
    histories = {name: _History(train, numbers) for name in problem.moving}
    lasting = {*problem.moving, *train.states}
    for before, after in pairwise(states):
        with precision(FINE_DIGITS):
            gradients = _gradients(problem, before)
        with precision(WORKING_DIGITS):
            for parameter in problem.moving:
                followed = histories[parameter].follow(before.values[parameter], gradients[parameter])
                for short, name in train.names(parameter).items():
                    expected = followed[short]
                    given = (after if name in lasting else before).values[name]
                    if abs(given - expected) > TOLERANCE * max(abs(expected), abs(given), SMALLEST_SCALE):
                        goal = Later(Name(name), 1) if name in lasting else Name(name)
                        line = Line(train.rows(parameter)[goal], "update-rule")
                        findings.append(Finding(goal, line, f"{given:.12g}", f"{expected:.12g}"))
    return findings


def _gradients(problem: Problem, state: State) -> dict[str, Decimal]:
    """The gradients at a state; those of the first one are on the page and judged there, one by one."""
    network, loss = problem.network, problem.train.loss
    values: Mapping[Any, Decimal] = state.values
    if state.updates and not kinks_hit(network, values):
        values = Point(network, {name: values[name] for name in network.free}, FINE_NUDGE)
    return {name: values[Partial(loss, name)] for name in problem.moving}
