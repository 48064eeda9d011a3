"""What code has to compute: which line of each step, from what, in the order of the page.

Owns `Program`, `Function`, `Statement` and `program_of`.  It does no mathematics: every formula is a line of the derivation.  May
import: written, arithmetic, backward, derivation, tensors.shapes, tensors.work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from derive.arithmetic import Key, key_of, mentioned
from derive.backward import Line, Step
from derive.derivation import Derivation
from derive.problem import Problem
from derive.tensors.shapes import Shape, shape_of
from derive.tensors.work import ArrayDerivation, index_line
from derive.written import (
    Call,
    Delta,
    Index,
    Indexed,
    Later,
    Listing,
    Name,
    Over,
    Partial,
    Rows,
    Rule,
    Tree,
    Within,
    walk,
)


@dataclass(frozen=True)
class Statement:
    """A quantity and the line it is computed by: as a whole, or `by_entry`, which in a problem of named numbers is the same."""

    goal: Key
    line: Line
    step: Step
    by_entry: bool = False

    @property
    def needs(self) -> tuple[Key, ...]:
        """What stands in the line."""
        return mentioned(self.line.tree)


@dataclass(frozen=True)
class Function:
    """A function: what it is given, in the order of the problem, and what it computes, in the order of the page.

    The statements of a group take turns, step by step of a recurrence; mostly a group is one statement.
    """

    name: str
    inputs: tuple[Key, ...]
    groups: tuple[tuple[Statement, ...], ...]

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement."""
        return tuple(statement for group in self.groups for statement in group)

    @property
    def goals(self) -> tuple[Key, ...]:
        """What it computes."""
        return tuple(statement.goal for statement in self.statements)

    @property
    def kept(self) -> tuple[Key, ...]:
        """What it gives back: all of it, but of an update only new values."""
        return tuple(key for key in self.goals if self.name != "update" or isinstance(key, Later))


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
    shapes: Mapping[str, Shape]

    @property
    def problem(self) -> Problem:
        """The problem."""
        return self.work.problem

    @property
    def functions(self) -> tuple[Function, ...]:
        """The functions there are."""
        return tuple(function for function in (self.forward, self.backward, self.update) if function is not None)

    def shape(self, key: Key) -> Shape:
        """The shape of a quantity, a derivative or a new value."""
        return shape_of(tree_of(key), self.shapes)


def program_of(work: Derivation | ArrayDerivation, wholes: bool = True) -> Program:
    """The program of a derivation: arrays as `wholes` where a line of the page has them so, else entry by entry.

    >>> import derive
    >>> [len(function.statements) for function in program_of(derive.derive(derive.find("q1"))).functions]
    [9, 18, 10]
    """
    return _Maker(work, wholes).program()


class _Maker:
    def __init__(self, work: Derivation | ArrayDerivation, wholes: bool) -> None:
        self.work, self.wholes, problem = work, wholes, work.problem
        self.shapes = dict(problem.arrays.shapes) if problem.arrays is not None else {}
        for parameter in problem.train.parameters:
            for name in problem.train.names(parameter).values():
                self.shapes.setdefault(name, self.shapes.get(parameter, ()))
        told = dict.fromkeys((*problem.given, *(problem.examples[0] if problem.examples else ()), *problem.known))
        self.rank = {name: place for place, name in enumerate(told)}

    def program(self) -> Program:
        work = self.work
        known = [step for step in work.forward if not _is_unknown(step)]
        forward = self.function("forward", [self.statement(step) for step in known])
        backward = self.function("backward", [self.statement(step) for step in work.partials])
        update = self.function("update", [_whole(step) for step in work.updates]) if work.updates else None
        upstream = tuple(key for key in backward.inputs if isinstance(key, Partial))
        return Program(work, forward, backward, update, upstream, self.shapes)

    def statement(self, step: Step, entry: bool = False) -> Statement:
        """A step by its last formula, the one a student should end with, or by its last one for an entry; an equation as it was
        given, or by its entry.
        """
        whole = _whole(step)
        if self.work.problem.arrays is None:
            return whole
        if self.wholes and not entry and not whole.line.at and is_whole(whole.line.tree, self.shapes):
            return whole
        entry_line = next((line for line in step.lines[1:] if line.law == "entry"), step.lines[0])
        line = entry_line if step.kind == "forward" else index_line(step)
        return replace(whole, line=line, by_entry=True)

    def function(self, name: str, statements: Sequence[Statement]) -> Function:
        """A function of everything its lines mention that none of them computes."""
        alone = self.work.problem.arrays is None
        groups = [(statement,) for statement in statements] if alone else list(groups_of(statements))
        while not alone and any(not statement.by_entry for group in groups if goes_round(group) for statement in group):
            turning = {statement.goal for group in groups if goes_round(group) for statement in group}
            statements = [self.statement(s.step, entry=True) if s.goal in turning else s for s in statements]
            groups = list(groups_of(statements))
        goals = {statement.goal for statement in statements}
        inputs = dict.fromkeys(key for statement in statements for key in statement.needs if key not in goals)
        return Function(name, tuple(sorted(inputs, key=self.place)), tuple(groups))

    def place(self, key: Key) -> tuple[int, int]:
        """Where a name stands among what a function is given."""
        match key:
            case str():
                return 0, self.rank.get(key, len(self.rank))
            case Partial(_, wrt):
                return 1, self.rank.get(wrt, len(self.rank))
        return 2, 0


def _is_unknown(step: Step) -> bool:
    """Whether a step is a loss that is only said to exist: there is nothing to compute."""
    return any(isinstance(node, Call) and node.function == "loss_of" for node in walk(step.lines[0].tree))


def _whole(step: Step) -> Statement:
    goal = key_of(step.goal)
    assert goal is not None
    lines = step.lines[:1] if step.kind == "forward" else [line for line in step.lines if not line.numeric]
    return Statement(goal, lines[-1], step)


def is_whole(tree: Tree, shapes: Mapping[str, Shape]) -> bool:
    """Whether a formula is one of whole arrays, or of slices at a letter of just their axis."""
    for node in walk(tree):
        match node:
            case Delta() | Within() | Rule() | Rows() | Listing():
                return False
            case Over(operation) if operation != "sum":
                return False
            case Indexed(base, at):
                axes = shape_of(base, shapes)
                if not all(isinstance(place, Index) and place.size == size for place, size in zip(at, axes, strict=False)):
                    return False
    return True


def goes_round(group: Sequence[Statement]) -> bool:
    """Whether the statements of a group are a recurrence."""
    return len(group) > 1 or group[0].goal in group[0].needs


def groups_of(statements: Sequence[Statement]) -> Iterator[tuple[Statement, ...]]:
    """The statements in an order in which they can be computed, those that need each other together."""
    by_goal = {statement.goal: statement for statement in statements}
    below = {goal: _below(goal, by_goal) for goal in by_goal}
    done: set[Key] = set()
    waiting = list(by_goal)
    while waiting:
        for goal in waiting:
            together = [other for other in by_goal if other == goal or (other in below[goal] and goal in below[other])]
            needed = {need for other in together for need in by_goal[other].needs if need in by_goal}
            if needed <= done | set(together):
                yield tuple(by_goal[other] for other in together)
                done.update(together)
                waiting = [other for other in waiting if other not in together]
                break


def _below(goal: Key, by_goal: Mapping[Key, Statement]) -> set[Key]:
    """Everything a statement needs, and what that needs."""
    found: set[Key] = set()
    waiting = [goal]
    while waiting:
        for need in by_goal[waiting.pop()].needs:
            if need in by_goal and need not in found:
                found.add(need)
                waiting.append(need)
    return found


def tree_of(key: Key) -> Tree:
    """The leaf that a key is the key of."""
    return Name(key) if isinstance(key, str) else key
