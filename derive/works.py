"""Any problem worked out: named numbers by `derivation`, arrays by `tensors.work`.

Owns `derive`.  Each pipeline is imported when a problem asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from derive.errors import UsageError
from derive.problem import Problem
from derive.rounding import Rounding

if TYPE_CHECKING:
    from derive.derivation import Derivation
    from derive.tensors.work import ArrayDerivation


def derive(
    problem: Problem,
    rounding: Rounding | None = None,
    of: str | None = None,
    wrt: Sequence[str] = (),
    prove: bool = False,
    level: str | None = None,
    hessian: bool = False,
) -> Derivation | ArrayDerivation:
    """Work a problem out and judge every line of it.

    With `of` or `wrt`, only those derivatives (and what they need); with `hessian`, the second ones too.  `prove` also compares
    named numbers with SymPy's own derivative; `level` says how much of a derivation over arrays is shown.  Raises UsageError for
    what does not fit the problem, JudgementError if a line of ours does not hold.
    """
    if problem.arrays is not None:
        from derive.tensors.work import derive_arrays

        if prove:
            raise UsageError("--prove is for problems of named numbers; over arrays every line is compared with the scalar engine")
        return derive_arrays(problem, rounding, of, wrt, level or "index", hessian)
    from derive.derivation import derive as derive_scalars

    if level is not None:
        raise UsageError("--level is for problems over arrays: those with [shapes], or with [layers]")
    return derive_scalars(problem, rounding, of, wrt, prove, hessian)
