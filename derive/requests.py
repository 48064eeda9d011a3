"""What the options ask for: the problem, the paper, the rounding, the work.

Owns `problem_named`, `typed_in`, `paper_named`, `rounding_asked`, `level_asked`, `work_asked` and `executor_asked`.  Imports what
it needs when it needs it.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from derive.errors import InputError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor

    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.problem import Problem
    from derive.rounding import Rounding
    from derive.tensors.work import ArrayDerivation


def problem_named(name: str, matrices: bool = False) -> Problem:
    """A built-in problem, the one in a file, or for `-` the one on standard input.  Raises UsageError for a Python file."""
    from derive.models.files import is_python
    from derive.spec import find, load_text

    if is_python(name):
        raise UsageError(
            f"{name}: a PyTorch module is read by derive show; with --expand that prints a problem file, for any other command"
        )
    if name == "-":
        return load_text(typed_in(1 << 20), "standard input", matrices)
    return find(name, matrices)


def typed_in(most: int) -> bytes:
    """What stands on standard input, at most so many bytes.  Raises InputError where there is none."""
    if sys.stdin is None:
        raise InputError("standard input: is closed")
    return sys.stdin.buffer.read(most)


def shown_problem(options: argparse.Namespace) -> Problem:
    """The problem to show; of FILE.py:NAME that of a PyTorch module, which `options.model` then is.

    Raises UsageError for options that go with a module only.
    """
    from derive.models.files import is_python, read_file
    from derive.options import ARRAY_LEVELS

    options.model = None
    if is_python(options.problem):
        batch = not options.no_batch
        options.model = read_file(options.problem, options.input, batch, options.loss, options.target, options.weights)
        if options.prove:
            raise UsageError("--prove is for problems of named numbers; a module is compared with its own autograd")
        problem: Problem = options.model.problem
        return problem
    for name in ("input", "no_batch", "loss", "target", "weights"):
        if getattr(options, name):
            raise UsageError(f"--{name.replace('_', '-')} goes with a PyTorch module: derive show model.py:net --input 2")
    return problem_named(options.problem, matrices=options.level in ARRAY_LEVELS)


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


def level_asked(options: argparse.Namespace) -> str:
    """How much of each chain a page shows.  Raises UsageError where less is asked for than data are."""
    from derive.options import ARRAY_LEVELS

    if options.level is None or options.level in ARRAY_LEVELS:
        return "full"
    level: str = options.level
    if options.format == "json" and level != "full":
        raise UsageError(f"--level {level} is for pages; JSON has every line")
    return level


def work_asked(problem: Problem, options: argparse.Namespace) -> Derivation | ArrayDerivation | Proof:
    """The problem worked out: a derivation of what is asked for, or a proof."""
    from derive.options import ARRAY_LEVELS

    level = options.level if options.level in ARRAY_LEVELS else None
    if level is not None and problem.arrays is None:
        raise UsageError(f"--level {level} is for problems over arrays: those with [shapes], or with [layers]")
    if problem.decision is not None:
        from derive.decisions import prove_decisions

        if options.of or options.wrt:
            raise UsageError("--of and --wrt are for derivations; this problem is a decision")
        if options.hessian:
            raise UsageError("--hessian is for derivations; this problem is a decision")
        return prove_decisions(problem)
    from derive.works import derive

    if vars(options).get("model") is not None:
        from derive.models.reading import derive_model

        return derive_model(options.model, rounding_asked(options), options.of, options.wrt, level or "index", options.hessian)
    return derive(problem, rounding_asked(options), options.of, options.wrt, options.prove, level, options.hessian)


@contextmanager
def executor_asked(
    options: argparse.Namespace, limit: float | None, ready: Callable[[], object], modules: Sequence[str]
) -> Iterator[Executor | None]:
    """The workers that are asked for: none, some of our own, or those of a cluster.

    Our own load `modules` once, call `ready` first, and take `limit` seconds for a task at most.
    """
    if options.jobs is not None and options.cluster is not None:
        raise UsageError("--jobs has workers here and --cluster elsewhere; give one of the two")
    if options.cluster is not None:
        from derive.clusters import cluster_executor

        with cluster_executor(options.cluster) as executor:
            yield executor
    elif options.jobs is not None:
        from derive.crews import Crew

        with Crew(options.jobs, limit, ready, modules) as crew:
            yield crew
    else:
        yield None
