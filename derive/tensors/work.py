"""The pipeline over arrays: a problem into a judged derivation, with numbers where every number is given.

Owns `ArrayDerivation` and `derive_arrays`.  May import: errors, written, arithmetic, backward, checks, derivation, problem,
rounding, values, tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from derive.arithmetic import mentioned, precision
from derive.backward import Line, Step
from derive.checks import FORWARD_AGAIN, Checks, demand, judge_forward
from derive.displays import Stepwise
from derive.errors import FormulaError, InputError, LimitError, UsageError, suggest
from derive.problem import Numbers, Problem
from derive.rounding import Rounding
from derive.tensors.components import Place, Space, component, letters_in
from derive.tensors.curvature import derive_seconds, judge_seconds
from derive.tensors.expansion import Cell, Expansion, cell_name, in_order, places
from derive.tensors.judges import DIRECTION, EXPANDED, SCALAR, Slope, judge_entries, judge_gradients
from derive.tensors.problems import read_quantity, sizes_in
from derive.tensors.reverse import derive_entries
from derive.tensors.shapes import shape_of, size_value, spell_shape
from derive.unrolled import CLOSED_FORM, judge_equations, judge_moves
from derive.values import State, run
from derive.witnesses import FINE_DIGITS, FINE_NUDGE, kinks_hit
from derive.written import (
    ONE,
    Call,
    Elementwise,
    Index,
    Listing,
    MatrixProduct,
    Name,
    Number,
    Over,
    Partial,
    Product,
    Quotient,
    Rows,
    Rule,
    Second,
    Sum,
    Transpose,
    Tree,
    children,
    multiply,
    names_in,
    rebuild,
    walk,
)

BENT = "second-difference"
"""The judge of second derivatives besides those of every line."""

LEVELS = ("index", "matrix", "components")
"""How much is shown: every line; what it comes to as matrices; or every gradient entry by entry."""

MOST_LISTED = 1_000_000
"""Entries of one derivative that are listed."""

MOST_ENTRIES = 2_000
"""Entries of all arrays together up to which numbers are worked out."""


@dataclass(frozen=True)
class ArrayDerivation(Stepwise):
    """A problem over arrays worked out: every step, the values where all numbers are given, and who judged it.

    `states` are the values of every entry, `W[0,1]`, before and after each update that is shown.  `level` and `excerpt` say how
    much of it a page shows.
    """

    problem: Problem
    rounding: Rounding
    forward: tuple[Step, ...]
    partials: tuple[Step, ...]
    updates: tuple[Step, ...]
    states: tuple[State, ...]
    checks: Checks
    space: Space
    level: str = "index"
    requested: tuple[Partial, ...] = ()
    kinks: tuple[str, ...] = ()
    seconds: tuple[Step, ...] = ()
    excerpt: tuple[Tree, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order of the page."""
        return (*self.forward, *self.partials, *self.seconds, *self.updates)

    @property
    def options(self) -> Mapping[str, Any]:
        """How it was derived, beside its rounding and what was asked of it."""
        return {"level": self.level, "hessian": bool(self.seconds)}

    def find_step(self, quantity: str) -> Step:
        """The step of a quantity as it is typed, `dL/dW` or `d2L/dw^2`.  Raises FormulaError for a quantity without one.

        >>> import derive
        >>> derive.derive(derive.find("dense")).find_step("dL/dW").answer
        MatrixProduct(left=Partial(of='L', wrt='Z', direct=False, signal=False), right=Transpose(body=Name(name='X')))
        """
        goal = read_quantity(quantity, self.problem, seconds=True)
        either = (goal, Second(goal.of, goal.then, goal.first)) if isinstance(goal, Second) else (goal,)
        for step in self.steps:
            if step.goal in either:
                return step
        raise FormulaError(f"no step for '{quantity}'")

    def entries(self, quantity: str) -> Iterator[tuple[str, Tree]]:
        """The gradient entry by entry, made one at a time: its name as typed, and its formula.

        Raises InputError where a size has no number, LimitError for very many entries, FormulaError for a quantity without a step.
        """
        step = self.find_step(quantity)
        arrays = self.problem.arrays
        assert arrays is not None
        if not isinstance(step.goal, Partial):
            raise FormulaError(f"'{quantity}' is no derivative")
        missing = sorted(sizes_in(arrays.shapes) - arrays.sizes.keys())
        if missing:
            raise InputError(f"entry by entry needs a number for every size; missing: {', '.join(missing)}")
        integers = {name: arrays.given[name] for name in arrays.integers if name in arrays.given}
        shape = (*arrays.shapes.get(step.goal.of, ()), *arrays.shapes.get(step.goal.wrt, ()))
        count = prod(size_value(size, arrays.sizes) or 1 for size in shape)
        if count > MOST_LISTED:
            raise LimitError(f"{quantity} has {count:,} entries; up to {MOST_LISTED:,} are listed")
        expansion = Expansion(self.problem, arrays.sizes, integers, wired=False)
        for key, formula in expansion.entries(step.goal, index_line(step)):
            yield f"d{key.of}/d{key.wrt}", formula


def slice_of(tree: Tree) -> tuple[Tree, ...]:
    """The letters of the slice a formula of matrices speaks of, as δ_t does."""
    bound = {index.name for node in walk(tree) if isinstance(node, Over) for index in node.indices}
    free = {node.name: node for node in walk(tree) if isinstance(node, Index) and node.name not in bound}
    return tuple(free[name] for name in sorted(free))


def index_line(step: Step) -> Line:
    """The last line of a step in index form."""
    return next(line for line in reversed(step.lines) if line.at or not _is_whole(step, line))


def _is_whole(step: Step, line: Line) -> bool:
    return line.law in ("matrix-form", "value") or (line.law == "insert-found" and not line.at and line is not step.lines[0])


def derive_arrays(
    problem: Problem,
    rounding: Rounding | None = None,
    of: str | None = None,
    wrt: Sequence[str] = (),
    level: str = "index",
    hessian: bool = False,
) -> ArrayDerivation:
    """Work a problem over arrays out and judge every line of it.

    Raises UsageError for a quantity the problem does not have, JudgementError if a line of ours does not hold.
    """
    rounding = rounding or Rounding()
    arrays, network, train = problem.arrays, problem.network, problem.train
    assert arrays is not None
    space = Space(arrays.shapes, frozenset(network.quantities) | sizes_in(arrays.shapes), typed_letters(problem))
    requested = _requested(problem, of, wrt)
    targets: dict[str, list[str]] = {}
    for partial in requested or _wanted(problem):
        targets.setdefault(partial.of, []).append(partial.wrt)
    partials: tuple[Step, ...] = ()
    for goal, names in targets.items():
        partials += derive_entries(network, goal, tuple(dict.fromkeys(names)), space, arrays.facts, named=goal == train.loss)
    forward = tuple(_forward_step(name, problem, space) for name in network.by_goal) if not requested else ()
    findings, judged = judge_entries(problem, (*forward, *partials))
    demand(findings)
    judges = [EXPANDED, DIRECTION, SCALAR]
    curved = None
    if hessian:
        by = tuple(partial.wrt for partial in requested) or train.parameters
        curved = derive_seconds(problem, requested[0].of if requested else train.loss, by, partials, space, arrays.facts)
        findings, more = judge_seconds(curved)
        demand(findings)
        judged += more
        judges.append(BENT)
    states: tuple[State, ...] = ()
    updates: tuple[Step, ...] = ()
    kinks: tuple[str, ...] = ()
    moves = not requested and train.learning_rate is not None
    if moves:
        updates = tuple(
            Step("update", goal, (Line(tree, "update-rule", (train.rule,)),))
            for name in problem.moving
            for goal, tree in train.rows(name).items()
        )
        demand(judge_equations(train, updates))
        judged += len(updates)
    if _is_complete(problem):
        states, kinks = _numbers(problem, partials, rounding, int(moves))
        again = rounding.carry == "full"  # numbers rounded by hand on the way are not those of another library
        judges += [*([FORWARD_AGAIN] if again else []), *([CLOSED_FORM] if train.own and updates else [])]
        forward, partials, updates = (
            tuple(_with_value(step, states[0], rounding, problem) for step in steps) for steps in (forward, partials, updates)
        )
        if again:
            judged += sum(line.numeric for step in (*forward, *partials, *updates) for line in step.lines)
    seconds = curved.steps if curved is not None else ()
    lines = sum(len(step.lines) for step in (*forward, *partials, *seconds, *updates))
    return ArrayDerivation(
        problem,
        rounding,
        forward,
        partials,
        updates,
        states,
        Checks(lines, judged, tuple(judges)),
        space,
        level,
        requested,
        kinks,
        seconds,
    )


def typed_letters(problem: Problem) -> dict[Tree, tuple[str, ...]]:
    """The letters that the problem's own equations use for each size; one used for two sizes belongs to the first.

    Besides, the sizes that only a letter or a vector of ones has, which the shapes do not tell.
    """
    arrays, owner, lettered = problem.arrays, dict[str, Tree](), dict[Tree, None]()
    assert arrays is not None
    for equation in problem.network.equations:
        for node in walk(equation.rhs):
            indices = (node,) if isinstance(node, Index) else node.indices if isinstance(node, Over) else ()
            for index in indices:
                owner.setdefault(index.name, index.size)
                lettered[index.size] = None
    found = {size: tuple(letter for letter, its in owner.items() if its == size) for size in lettered}
    known = {size for shape in arrays.shapes.values() for size in shape}
    for equation in problem.network.equations:
        for node in walk(equation.rhs):
            if isinstance(node, Call) and node.function == "ones" and node.arguments[0] not in (*known, ONE):
                found.setdefault(node.arguments[0], ())
    return found


def _wanted(problem: Problem) -> tuple[Partial, ...]:
    loss = problem.train.loss
    asked = [ask.tree for ask in problem.asks if isinstance(ask.tree, Partial)]
    return (*(Partial(loss, name) for name in problem.train.parameters), *asked)


def _requested(problem: Problem, of: str | None, wrt: Sequence[str]) -> tuple[Partial, ...]:
    if of is None and not wrt:
        return ()
    network = problem.network
    goal = problem.train.loss if of is None else of
    asked = []
    for typed in tuple(wrt) or problem.train.parameters:
        for option, name in (("--of", goal), ("--wrt", typed)):
            if name not in network.quantities:
                raise UsageError(f"{option} {name}: no such quantity" + suggest(name, network.quantities))
        if typed not in network.above(goal) or typed == goal:
            if wrt:
                raise UsageError(f"--wrt {typed}: '{goal}' does not depend on it")
            continue
        asked.append(Partial(goal, typed))
    if not asked:
        raise UsageError(f"--of {goal}: depends on none of the parameters; name a quantity with --wrt")
    return tuple(asked)


def _forward_step(name: str, problem: Problem, space: Space) -> Step:
    """A quantity as its equation has it, and one entry of it."""
    equation = problem.network.by_goal[name]
    shape = space.shapes.get(name, ())
    if isinstance(equation.rhs, Rule):
        place: Place = equation.rhs.indices
        return Step("forward", Name(name), (Line(on_paper(equation.rhs.body, space), "definition", (name,), at=place),))
    lines = [Line(on_paper(equation.rhs, space), "definition", (name,))]
    place = space.place(shape)
    body = component(equation.rhs, place, space, letters_in(*place))
    if body != equation.rhs:
        lines.append(Line(on_paper(body, space), "entry", stretched_names(equation.rhs, space), at=place))
    return Step("forward", Name(name), tuple(lines))


def on_paper(tree: Tree, space: Space) -> Tree:
    """A typed formula as it is written: ⊙ between arrays multiplied entry by entry, a row for a vector on the left of a product.

    >>> on_paper(Product((Number("2"), Name("A"), Name("B"))), Space({"A": (Number("3"),), "B": (Number("3"),)}))
    Product(factors=(Number(text='2'), Elementwise(factors=(Name(name='A'), Name(name='B')))), tight=True)
    """
    tree = rebuild(tree, lambda part: on_paper(part, space))
    match tree:
        case Product(factors):
            arrays = tuple(factor for factor in factors if shape_of(factor, space.shapes))
            if len(arrays) < 2:
                return Product(factors, tight=True)
            return multiply(*(factor for factor in factors if factor not in arrays), Elementwise(arrays), tight=True)
        case MatrixProduct(left, right) if len(shape_of(left, space.shapes)) == 1:
            outer = shape_of(right, space.shapes)[:1] == (ONE,)
            return tree if outer else MatrixProduct(Transpose(left), right)
    return tree


def stretched_names(tree: Tree, space: Space) -> tuple[str, ...]:
    """The names in a formula that NumPy stretches, each with its shape and the shape it is stretched to."""
    found: dict[str, None] = {}
    for node in walk(tree):
        if isinstance(node, Sum | Product | Quotient | Elementwise):
            whole = shape_of(node, space.shapes)
            for part in children(node):
                names = [inner for inner in walk(part) if isinstance(inner, Name)]
                shape = shape_of(part, space.shapes)
                if shape and shape != whole and len(names) == 1 and space.shapes.get(names[0].name, ()) == shape:
                    found[f"{names[0].name}, {spell_shape(shape)}, {spell_shape(whole)}"] = None
    return tuple(found)


# --- numbers --------------------------------------------------------------------------------------------------------------


def _is_complete(problem: Problem) -> bool:
    """Whether every quantity has its numbers; a loss of which nothing is known has none."""
    arrays, network = problem.arrays, problem.network
    assert arrays is not None
    unknown = any(isinstance(node, Call) and node.function == "loss_of" for e in network.equations for node in walk(e.rhs))
    free = [name for name in network.free if any(name in names_in(e.rhs) for e in network.equations)]
    return not unknown and all(name in arrays.given for name in free) and sizes_in(arrays.shapes) <= arrays.sizes.keys()


def _entries_of(given: Numbers, name: str, place: Cell = ()) -> Iterator[tuple[str, Number]]:
    if isinstance(given, Number):
        yield cell_name(name, place), given
    else:
        for k, item in enumerate(given):
            yield from _entries_of(item, name, (*place, k))


def as_scalars(problem: Problem) -> tuple[Problem, Expansion] | None:
    """The problem written out as named scalars, `W[0,1]`, with its numbers; None where some are missing.

    Raises LimitError where that is too large.
    """
    arrays, train = problem.arrays, problem.train
    assert arrays is not None
    if not _is_complete(problem):
        return None
    expansion = Expansion(problem, arrays.sizes, {name: arrays.given[name] for name in arrays.integers})
    if sum(len(expansion.cells(name)) for name in arrays.shapes) > MOST_ENTRIES:
        raise LimitError(f"the arrays have more than {MOST_ENTRIES:,} entries together: leave [given] out, or give smaller ones")
    network = expansion.network
    numbers = {
        cell: number
        for name, given in arrays.given.items()
        if name not in arrays.integers
        for cell, number in _entries_of(given, name)
    }
    parameters = tuple(cell for name in train.parameters for cell in expansion.cells(name))
    given = {name: number for name, number in numbers.items() if name in network.free_set or name in parameters}
    return Problem(problem.title, network, replace(train, parameters=parameters), given), expansion


def _numbers(
    problem: Problem, partials: Sequence[Step], rounding: Rounding, updates: int
) -> tuple[tuple[State, ...], tuple[str, ...]]:
    """The values of every entry, judged, and the entries that stand at a kink."""
    written = as_scalars(problem)
    assert written is not None
    scalar, expansion = written
    entries = dict(entry for step in partials for entry in expansion.entries(step.goal, index_line(step)))
    uses = {goal: [key for key in mentioned(formula) if key in entries] for goal, formula in entries.items()}
    steps = [Step("partial", goal, (Line(entries[goal], "index-form"),)) for goal in in_order(uses)]
    states = run(scalar, steps, rounding, updates)
    values = states[0].values
    at_kink = kinks_hit(scalar.network, values)
    if rounding.carry == "full":
        findings = [finding for state in states for finding in judge_forward(scalar.network, state)]
        findings += judge_moves(scalar, states)
        if not at_kink:
            with precision(FINE_DIGITS):
                start = {name: values[name] for name in expansion.free if name in values}
                gradients = {key: value for key, value in values.items() if isinstance(key, Partial)}
                findings += judge_gradients(Slope(scalar.network, start, FINE_NUDGE), gradients)
        demand(findings)
    return states, at_kink


def _with_value(step: Step, state: State, rounding: Rounding, problem: Problem) -> Step:
    """The step with the numbers it comes to."""
    assert problem.arrays is not None
    expansion = Expansion(problem, problem.arrays.sizes)
    keys = list(expansion.keys(step.goal))
    if not keys or any(key not in state.values for _, key in keys):
        return step
    exact = all(key in state.exact and rounding.round(state.values[key]) == state.values[key] for _, key in keys)
    cells = {place: rounding.number(state.values[key], key in state.exact) for place, key in keys}
    shape = tuple(max(place[k] for place in cells) + 1 for k in range(len(next(iter(cells)))))
    tree = written_out(cells, shape)
    return replace(step, lines=(*step.lines, Line(tree, "value", relation="=" if exact else "≈", numeric=True)))


def nested_values(expansion: Expansion, goal: Tree, state: State, rounding: Rounding) -> Any:
    """The values of a quantity or derivative as nested lists of strings, or None where it has none."""
    keys = dict(expansion.keys(goal))
    if not keys or any(key not in state.values for key in keys.values()):
        return None

    def nest(place: Cell, rank: int) -> Any:
        if len(place) == rank:
            key = keys[place]
            return rounding.show(state.values[key], key in state.exact)
        count = 1 + max(other[len(place)] for other in keys)
        return [nest((*place, k), rank) for k in range(count)]

    return nest((), len(next(iter(keys))))


def written_out(cells: Mapping[Cell, Tree], shape: Cell) -> Tree:
    """Numbers as an array: a column, a matrix, or a list of such."""
    if not shape:
        return cells[()]
    if len(shape) == 1:
        return Listing(tuple(cells[place] for place in places(shape)))
    if len(shape) == 2:
        return Rows(tuple(tuple(cells[i, j] for j in range(shape[1])) for i in range(shape[0])))
    slices = []
    for k in range(shape[0]):
        slices.append(written_out({place[1:]: cell for place, cell in cells.items() if place[0] == k}, shape[1:]))
    return Listing(tuple(slices))
