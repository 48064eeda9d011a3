"""What the options ask for: the problem, the paper, the rounding, the work.

Owns `problem_named`, `typed_in`, `paper_named`, `rounding_asked`, `array_level` and `work_asked`.  Imports what it needs when it
needs it.
"""

from __future__ import annotations

import os
import sys

from derive.errors import InputError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.problem import Problem
    from derive.rounding import Rounding
    from derive.tensors.work import ArrayDerivation


def problem_named(name: str, matrices: bool = False) -> Problem:
    """A built-in problem, the one in a file, or for `-` the one on standard input."""
    from derive.spec import find, load_text

    if name == "-":
        return load_text(typed_in(1 << 20), "standard input", matrices)
    return find(name, matrices)


def typed_in(most: int) -> bytes:
    """What stands on standard input, at most so many bytes.  Raises InputError where there is none."""
    if sys.stdin is None:
        raise InputError("standard input: is closed")
    return sys.stdin.buffer.read(most)


def paper_named(name: str, paper: str | None) -> tuple[str, str | None]:
    """The problem and the paper that are meant: the id of a paper names its problem too."""
    if paper is None and name.count("-") > 2 and not os.path.exists(name):
        from derive.exercises.draws import is_id, read_id

        if is_id(name):
            return read_id(name).stem, name
    return name, paper


def rounding_asked(options: argparse.Namespace) -> Rounding:
    """How numbers are shown."""
    from derive.rounding import Rounding

    usual = {"full": 17 if options.format == "json" else 6, "hand": 4}[options.carry]
    places = options.places
    if options.carry == "hand" and options.digits is None and places is None:
        places = 4
    return Rounding(options.carry, options.digits or usual, places)


ARRAY_LEVELS = ("index", "matrix", "components")
"""The levels that say what is derived, of a problem over arrays; the others say how much of a page is shown."""


def array_level(level: str | None) -> str | None:
    """The level as a derivation over arrays takes it."""
    return level if level in ARRAY_LEVELS else None


def work_asked(problem: Problem, options: argparse.Namespace) -> Derivation | ArrayDerivation | Proof:
    """The problem worked out: a derivation of what is asked for, or a proof."""
    if problem.decision is not None:
        from derive.decisions import prove_decisions

        if options.of or options.wrt:
            raise UsageError("--of and --wrt are for derivations; this problem is a decision")
        if options.hessian:
            raise UsageError("--hessian is for derivations; this problem is a decision")
        return prove_decisions(problem)
    from derive.works import derive

    level = array_level(options.level)
    return derive(problem, rounding_asked(options), options.of, options.wrt, options.prove, level, options.hessian)
