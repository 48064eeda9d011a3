"""Somebody's function held against the derivation: run on random inputs, each judged by the audit, and what they agree on.

Owns `audit_homework`.  May import: written, problem, exercises.
"""

from __future__ import annotations

from dataclasses import replace

from derive.exercises.agreement import agreed, can_search, right_formula
from derive.exercises.bindings import arguments_for, purpose_of
from derive.exercises.cases import Run, cases_of, run_of
from derive.exercises.processes import open_runner
from derive.exercises.verdicts import Audit, Trial
from derive.problem import Problem

INPUTS = 5
"""Random inputs: a unit that is dead at one of them, or two numbers that happen to be alike, is not so at all."""

DOUBLE, SINGLE = 10, 5
"""Digits to which a number in double or single precision is judged, as if by a hand that keeps so many in every intermediate.

Double precision keeps nearly 16, so that an honest computation has a margin of a million, also where it cancels: the audit knows
where digits are lost.  No slip comes as near as that on every input.
"""


def audit_homework(problem: Problem, code: str, seed: int = 1, seconds: float = 10.0) -> Audit:
    """The function `file.py:name` run in a process of its own, and what it returned judged.

    Raises UsageError or InputError for what is wrong with the file or the function, LimitError where it takes too long.
    """
    runs: list[Run] = []
    with open_runner(code, seconds) as runner:
        purpose = purpose_of(runner.function)
        where = f"{runner.path.name}: {runner.function}"
        for number, case in enumerate(cases_of(problem, seed, INPUTS), start=1):
            arguments = arguments_for(runner.parameters, case.values, problem, where)
            filled = arguments.filled(case.values, problem)
            returned, single = runner.call(*filled, f"input {number}")
            runs.append(run_of(case, problem, returned, single, arguments.passed, purpose, where))
        arrays = runner.arrays if runner.arrays == "torch" or problem.arrays is not None else ""
    digits = SINGLE if all(run.is_single for run in runs) else DOUBLE
    audit = agreed(runs, digits, purpose.expected(problem) if purpose.name != "forward" else ())
    places = {slip.where: formula for slip in audit.slips if (formula := right_formula(slip.where, runs[0].case)) is not None}
    if problem.arrays is not None:
        from derive.exercises.arrayhomework import gathered

        audit, places = gathered(audit, runs, problem)
    file, _, function = code.rpartition(":")
    given = tuple(run.case.given for run in runs)
    return replace(audit, trial=Trial(file, function, seed, given, digits, runs[0].order, places, arrays, can_search(runs[0])))
