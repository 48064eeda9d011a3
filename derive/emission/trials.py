"""The numbers that a file of code tests itself with.

Owns `Trial`, `trials_of`, `given_numbers`, `drawn_names` and how near is near.  The numbers are those of
the derivation, good to 40 digits; code computes with 16.  May import: written, arithmetic, problem, emission.programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from derive.arithmetic import Key
from derive.emission.programs import Program
from derive.problem import missing_numbers
from derive.written import Number

NEAR = "1e-12"
"""Relative difference up to which two numbers agree; below `SMALL` it is counted from there."""

SMALL = "1e-3"

SEED, STEP, ROUGH = 1, "1e-5", "1e-6"
"""The seed of drawn numbers, the step of a central difference, and how near it comes to a derivative."""


@dataclass(frozen=True)
class Trial:
    """One pass of the page: what each function gives, by the key of each result."""

    expected: Mapping[str, Mapping[Key, Decimal]]


def is_numbered(program: Program) -> bool:
    """Whether the page has a number for everything."""
    problem = program.problem
    return not missing_numbers(problem) if problem.arrays is None else bool(program.work.states)


def trials_of(program: Program) -> tuple[Trial, ...]:
    """The passes of the page, one for each number of updates; none where it has symbols only."""
    if not is_numbered(program):
        return ()
    trials = []
    for state in program.work.states:
        expected = {f.name: {goal: state.values[goal] for goal in f.goals if goal in state.values} for f in program.functions}
        trials.append(Trial({name: values for name, values in expected.items() if values}))
    return tuple(trials)


def given_numbers(program: Program) -> dict[str, Number]:
    """The numbers of the page that a function takes, with those of the first example, of the rule, and of its states."""
    problem, train = program.problem, program.problem.train
    known = {**problem.example(0), **train.given, **train.started(0)}
    return {name: known[name] for name in inputs_of(program) if name in known}


def inputs_of(program: Program) -> tuple[str, ...]:
    """The names that some function takes and none computes, in the order of the functions."""
    computed = {goal for function in program.functions for goal in function.goals}
    keys = dict.fromkeys(key for function in program.functions for key in function.inputs)
    rest = [key for key in keys if isinstance(key, str) and key not in computed]
    return tuple(dict.fromkeys((*(name for name in program.problem.given if name in rest), *rest)))


def drawn_names(program: Program) -> tuple[str, ...]:
    """The names without a number."""
    given = given_numbers(program)
    return tuple(name for name in inputs_of(program) if name not in given)
