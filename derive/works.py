"""Any problem worked out: named numbers by `derivation`, arrays by `tensors.work`.

Owns `derive` and `renumber`.  Each pipeline is imported when a problem asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from derive.errors import UsageError, suggest
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


def renumber(problem: Problem, numbers: Mapping[str, Any]) -> Problem:
    """The problem with other numbers for what is given; `learning_rate` is one of them where something moves.

    A number is an int, a float, a Decimal or its digits as text; an array is a nested list.  Raises UsageError for a name that
    takes no number, InputError for what is none.
    """
    from derive.reader import LEARNING_RATE

    train, arrays = problem.train, problem.arrays
    rates = (LEARNING_RATE,) if train.learning_rate is not None else ()
    known = (*(problem.network.free if arrays is None else arrays.given), *rates)
    for name in numbers:
        if name not in known:
            raise UsageError(f"numbers: '{name}' is not a given number of this problem" + suggest(name, known))
        if any(name in example for example in problem.examples):
            raise UsageError(f"numbers: '{name}' belongs to the training examples, which are left as they are")
    typed = {name: _typed(value) for name, value in numbers.items()}
    rate = typed.pop(LEARNING_RATE, None) if rates else None
    if arrays is None:
        from derive.spec import Loader

        found = Loader({}).numbers(typed, "numbers")
        problem = replace(problem, given={**problem.given, **found})
        number = Loader({}).number
    else:
        from derive.tensors.problems import ArrayLoader

        loader = ArrayLoader({})
        sizes = dict(arrays.sizes)
        entries = {name: loader.nested(value, f"numbers.{name}", arrays.shapes[name], sizes) for name, value in typed.items()}
        problem = replace(problem, arrays=replace(arrays, given={**arrays.given, **entries}))
        number = loader.number
    if rate is None:
        return problem
    return replace(problem, train=replace(train, learning_rate=number(rate, f"numbers.{LEARNING_RATE}")))


def _typed(value: Any) -> Any:
    """A number as it would be typed, lists of numbers alike."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list | tuple):
        return [_typed(item) for item in value]
    return str(value) if isinstance(value, float | Decimal) else value
