"""The option `check --code`: somebody's function run on random inputs and judged.

Owns `check_code`.  Imports what it needs when it needs it.
"""

from __future__ import annotations

import argparse

from derive.errors import UsageError
from derive.options import TIME_LIMIT
from derive.requests import problem_named, rounding_asked
from derive.streams import put_work


def check_code(options: argparse.Namespace) -> bool:
    """The audit of what a function returns; whether --fail-on-wrong has something to fail on.

    Raises UsageError for an option that does not go with it.
    """
    from derive.exercises.homework import audit_homework

    if options.answers is not None:
        raise UsageError("check judges ANSWERS or the function of --code, not both")
    if options.paper is not None:
        raise UsageError("--paper does not go with --code: a function is run on random inputs")
    if options.carry == "hand":
        raise UsageError("--carry hand does not go with --code: a function rounds nothing by hand")
    if options.jobs is not None or options.cluster is not None:
        raise UsageError(f"--{'jobs' if options.jobs else 'cluster'} does not go with --code: one function has one process")
    if options.format == "csv":
        raise UsageError("CSV is for a class; what a function returns is a page, or JSON")
    problem = problem_named(options.problem)
    audit = audit_homework(problem, options.code, 1 if options.seed is None else options.seed, options.time_limit or TIME_LIMIT)
    put_work(audit, options.format, options, rounding_asked(options))
    return bool(options.fail_on_wrong and audit.failed)
