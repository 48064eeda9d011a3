"""A derivation as a file of code.

Owns `emit`.  May import: errors, derivation, tables.targets, emission.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from derive.derivation import Derivation
from derive.errors import UsageError, suggest
from derive.tables.targets import TARGETS, Target
from derive.tensors.work import ArrayDerivation


def emit(work: Derivation | ArrayDerivation, language: str) -> str:
    """A derivation as code in a language of `TARGETS`: functions forward, backward and update, and a test that runs with the file.

    Raises UsageError for a part of a derivation, and for what the language cannot say.

    >>> import derive
    >>> print(emit(derive.derive(derive.find("q1")), "numpy").splitlines()[0])
    \"\"\"Question 1
    """
    if language not in TARGETS:
        raise UsageError(f"--emit {language}: no such language" + suggest(language, TARGETS))
    if work.requested or work.rounding.carry != "full":
        raise UsageError("code is written from a whole derivation that carries full precision")
    target = TARGETS[language]
    if work.problem.arrays is None and target.scalars is not None:
        target = target.scalars
    lay_out: Callable[[Derivation | ArrayDerivation, Target], str] = import_module(f"derive.emission.{target.layout}").lay_out
    return lay_out(work, target)
