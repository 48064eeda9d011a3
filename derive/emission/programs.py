"""What code has to compute: which line of each step, from what, in the order of the page.

Owns `Program`, `Function`, `Statement` and `program_of`.  It does no mathematics: every formula is a line of the derivation.  May
import: written, arithmetic, backward, derivation, tensors.work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from derive.arithmetic import Key, key_of, mentioned
from derive.backward import Line, Step
from derive.derivation import Derivation
from derive.problem import Problem
from derive.tensors.work import ArrayDerivation
from derive.written import Call, Later, Name, Partial, Tree, walk


@dataclass(frozen=True)
class Statement:
    """A quantity and the line it is computed by; `step` has the other lines that say the same."""

    goal: Key
    line: Line
    step: Step

    @property
    def needs(self) -> tuple[Key, ...]:
        """What stands in the line."""
        return mentioned(self.line.tree)


@dataclass(frozen=True)
class Function:
    """A function: what it is given, in the order of the problem, and what it computes, in the order of the page."""

    name: str
    inputs: tuple[Key, ...]
    statements: tuple[Statement, ...]

    @property
    def goals(self) -> tuple[Key, ...]:
        """What it computes."""
        return tuple(statement.goal for statement in self.statements)


@dataclass(frozen=True)
class Program:
    """The functions of a derivation; no `update` where nothing moves.

    `upstream` are derivatives of a loss of which only that it depends on something is known: the backward pass is given them.
    """

    work: Derivation | ArrayDerivation
    forward: Function
    backward: Function
    update: Function | None
    upstream: tuple[Partial, ...]

    @property
    def problem(self) -> Problem:
        """The problem."""
        return self.work.problem

    @property
    def functions(self) -> tuple[Function, ...]:
        """The functions there are."""
        return tuple(function for function in (self.forward, self.backward, self.update) if function is not None)


def program_of(work: Derivation | ArrayDerivation) -> Program:
    """The program of a derivation.

    >>> import derive
    >>> [len(function.statements) for function in program_of(derive.derive(derive.find("q1"))).functions]
    [9, 18, 10]
    """
    problem = work.problem
    told = dict.fromkeys((*problem.given, *(problem.examples[0] if problem.examples else ()), *problem.known))
    rank = {name: place for place, name in enumerate(told)}
    forward = _function("forward", _forward(work), rank)
    backward = _function("backward", [_statement(step) for step in work.partials], rank)
    update = _function("update", [_statement(step) for step in work.updates], rank) if work.updates else None
    upstream = tuple(key for key in backward.inputs if isinstance(key, Partial))
    return Program(work, forward, backward, update, upstream)


def _forward(work: Derivation | ArrayDerivation) -> list[Statement]:
    """The equations as they were given; of a loss that is only said to exist there is nothing to compute."""
    found = []
    for step in work.forward:
        line = step.lines[0]
        unknown = any(isinstance(node, Call) and node.function == "loss_of" for node in walk(line.tree))
        if not unknown:
            found.append(_statement(step, line))
    return found


def _statement(step: Step, line: Line | None = None) -> Statement:
    """A step computed by its last formula, the one a student should end with."""
    goal = key_of(step.goal)
    assert goal is not None
    if line is None:
        line = next(line for line in reversed(step.lines) if not line.numeric)
    return Statement(goal, line, step)


def _function(name: str, statements: Sequence[Statement], rank: Mapping[str, int]) -> Function:
    """A function of everything its lines mention that none of them computes."""
    goals = {statement.goal for statement in statements}
    inputs = dict.fromkeys(key for statement in statements for key in statement.needs if key not in goals)
    return Function(name, tuple(sorted(inputs, key=lambda key: _rank(key, rank))), tuple(statements))


def _rank(key: Key, rank: Mapping[str, int]) -> tuple[int, int]:
    match key:
        case str():
            return 0, rank.get(key, len(rank))
        case Partial(_, wrt):
            return 1, rank.get(wrt, len(rank))
    return 2, 0


def later_names(keys: Iterable[Key]) -> tuple[str, ...]:
    """The names that have a new value among these."""
    return tuple(key.body.name for key in keys if isinstance(key, Later) and isinstance(key.body, Name))


def tree_of(key: Key) -> Tree:
    """The leaf that a key is the key of."""
    return Name(key) if isinstance(key, str) else key
