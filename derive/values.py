"""Numbers: the forward pass, the partials, the updates, and the lines that show them in place.

Owns `State` (every value after so many updates), `run`, and `with_numbers`.  May import: written, arithmetic, rounding, network,
spec, backward.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, Overflow

from derive.arithmetic import (
    Evaluator,
    Key,
    compile_tree,
    forget_rounding,
    key_of,
    mentioned,
    precision,
    settle,
    spelled,
    was_exact,
)
from derive.backward import Line, Step
from derive.errors import DeriveError, InputError, LimitError
from derive.problem import Problem
from derive.rounding import Rounding
from derive.written import Later, Name, Number, Tree, substitute, walk


@dataclass(frozen=True)
class State:
    """Every value known after `updates` updates, good to 40 digits; `exact` are those no rounding has touched."""

    updates: int
    values: Mapping[Key, Decimal]
    exact: frozenset[Key]
    typed: Mapping[str, Number]

    def leaf(self, tree: Tree, rounding: Rounding, guard: int = 0) -> Number | None:
        """The number that stands for a name or partial on the page: as typed, or rounded; None where it has no value."""
        key = key_of(tree)
        if key is None or key not in self.values:
            return None
        if isinstance(key, str) and key in self.typed:
            return self.typed[key]
        return rounding.number(self.values[key], key in self.exact, 0 if rounding.carry == "hand" else guard)


def run(problem: Problem, steps: Iterable[Step], rounding: Rounding, updates: int) -> tuple[State, ...]:
    """The states after 0, 1 … `updates` updates.

    Update k uses example k, in turn; every gradient is taken before any parameter moves.  Raises InputError where a value that is
    needed cannot be computed.
    """
    train = problem.train
    forward = _program(problem, tuple(steps))
    moves = [(goal, mentioned(tree), compile_tree(tree)) for goal, tree in _updates(problem)] if updates else []
    moved: dict[str, tuple[Decimal, bool]] = {}
    states: list[State] = []
    for k in range(updates + 1):
        given = {**problem.example(k), **train.given, **train.started(k)}
        typed = {name: number for name, number in given.items() if name not in moved}
        states.append(_state(k, [*forward, *(moves if k < updates else ())], typed, moved, rounding))
        if k < updates:
            _refuse_lost_divisors(problem, states[-1], rounding)
            moved = {name: _moved(name, states[-1]) for name in (*train.parameters, *train.states)}
    return tuple(states)


def _updates(problem: Problem) -> Iterable[tuple[Key, Tree]]:
    """The equations of the whole update."""
    for name in problem.moving:
        for goal, tree in problem.train.rows(name).items():
            key = key_of(goal)
            assert key is not None
            yield key, tree


def _refuse_lost_divisors(problem: Problem, state: State, rounding: Rounding) -> None:
    """By hand, a small square may round to 0 while its gradient does not; divided by its root, the step would be absurd."""
    train = problem.train
    for parameter in train.parameters if rounding.carry == "hand" else ():
        gradient = state.values.get(key_of(train.gradient(parameter)) or parameter)
        for own in train.own:
            name = train.names(parameter)[own.name]
            if own.divisor and gradient and state.values.get(Later(Name(name), 1)) == 0:
                why = "rounds to 0 though the gradient does not, and its root is divided by"
                raise InputError(f"{name}+: {why}; ask for more places, or for digits")


def _moved(name: str, state: State) -> tuple[Decimal, bool]:
    """What a parameter or a state of the rule becomes; where the loss does not depend on the parameter, nothing moves."""
    later = Later(Name(name), 1)
    key = later if later in state.values else name
    return state.values[key], key in state.exact


def revisit(problem: Problem, state: State, rounding: Rounding) -> State:
    """The forward pass of the first example with the parameters of a later state."""
    moved = {name: (state.values[name], name in state.exact) for name in problem.train.parameters}
    typed = {name: number for name, number in problem.example(0).items() if name not in moved}
    return _state(state.updates, _program(problem, ()), typed, moved, rounding)


Instruction = tuple[Key, tuple[Key, ...], Evaluator]


def _program(problem: Problem, steps: tuple[Step, ...]) -> list[Instruction]:
    """What is computed, in order: each value's key, the keys it needs, and how."""
    network = problem.network
    program: list[Instruction] = [(e.goal, network.mentions[e.goal], network.compiled[e.goal]) for e in network.equations]
    for step in steps:
        goal = key_of(step.goal)
        if step.kind in ("partial", "second") and goal is not None:
            program.append((goal, mentioned(step.answer), compile_tree(step.answer)))
    return program


def _state(
    updates: int,
    program: list[Instruction],
    typed: Mapping[str, Number],
    moved: Mapping[str, tuple[Decimal, bool]],
    rounding: Rounding,
) -> State:
    start: dict[Key, Decimal] = {name: Decimal(number.text) for name, number in typed.items()}
    start |= {name: value for name, (value, _) in moved.items()}
    exact: set[Key] = set()

    def compute() -> dict[Key, Decimal]:
        values = dict(start)
        exact.clear()
        exact.update(name for name in typed)
        exact.update(name for name, (_, untouched) in moved.items() if untouched)
        for key, needs, formula in program:
            if all(need in values for need in needs):
                forget_rounding()
                try:
                    value = formula(values)
                except ArithmeticError as error:
                    raise _undefined(key, error) from None
                values[key] = rounding.keep(value)
                if was_exact() and values[key] == value and all(need in exact for need in needs):
                    exact.add(key)
        return values

    values = settle(compute)
    return State(updates, values, frozenset(exact), typed)


def _undefined(key: Key, error: ArithmeticError) -> DeriveError:
    name = spelled(key)
    if isinstance(error, Overflow):
        return LimitError(f"{name}: is too large a number at the given values")
    return InputError(
        f"{name}: has no value at the given numbers (division by zero, or the logarithm or root of a negative number)"
    )


GUARD_DIGITS = 40
"""Extra digits a shown factor may get so that the line gives the result it shows."""


def with_numbers(step: Step, state: State, value: Decimal, exact: bool, rounding: Rounding) -> Step:
    """The step with its last symbolic lines once more, numbers in place, and then its value.

    Shown factors carry the guard digits it takes for a line, recomputed from what it shows, to give the value it shows.  By hand,
    only the line that was computed is shown in numbers.
    """
    if isinstance(step.answer, Number):
        return step
    shown = rounding.number(value, exact)
    opened = [line.tree for line in step.lines if line.law in OPENED]
    named = [line.tree for line in step.lines if line.law in NAMED]
    chosen = opened[-1:] + named
    lines: list[Line] = []
    for tree in chosen[-1:] if rounding.carry == "hand" else chosen:
        placed = _in_place(tree, state, rounding, shown)
        if placed is not None:
            numbers, untouched = placed
            lines.append(Line(numbers, "numbers", relation="=" if untouched else "≈", numeric=True))
    same = _exactly(lines[-1].tree) == Decimal(shown.text) if lines else exact and Decimal(shown.text) == value
    lines.append(Line(shown, "value", relation="=" if same else "≈", numeric=True))
    return replace(step, lines=(*step.lines, *lines))


OPENED = {"definition", "operation", "differentiate", "local-slopes", "simplify"}
NAMED = {"reuse-signal", "update-rule", "as-asked"}
"""Laws whose lines are shown with numbers: the last line that writes everything out, and the one that uses names."""


def _in_place(tree: Tree, state: State, rounding: Rounding, shown: Number) -> tuple[Tree, bool] | None:
    """The tree with the numbers of a state, and whether none of them was rounded; None where no numbers can be placed."""
    leaves = [node for node in walk(tree) if key_of(node) is not None]
    if not leaves or tree in leaves or any(key_of(leaf) not in state.values for leaf in leaves):
        return None
    formula = compile_tree(tree)
    target = Decimal(shown.text)
    for guard in range(GUARD_DIGITS):
        texts = {leaf: state.leaf(leaf, rounding, guard) for leaf in leaves}
        with precision(120):
            values = {key_of(leaf): Decimal(number.text) for leaf, number in texts.items() if number is not None}
            try:
                result = formula(values)
            except ArithmeticError:  # so few digits that, say, 1 − y is 0
                continue
        if rounding.round(result) == target or result == target:
            whole = all(key in state.exact and value == state.values[key] for key, value in values.items() if key is not None)
            return substitute(tree, texts.get), whole
    return None  # the numbers cancel: no digits shown would give the value


def _exactly(tree: Tree) -> Decimal | None:
    """The value of a tree of numbers, or None where computing it rounds."""
    with precision(200):
        value: Decimal = compile_tree(tree)({})
        return value if was_exact() else None
