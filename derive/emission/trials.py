"""The numbers that a file of code tests itself with.

Owns `Trial`, `trials_of`, `shortest`, `given_numbers`, `Draw`, `draws_of` and how near is near. The numbers are those of the
derivation, good to 40 digits; code computes with 16. May import: errors, written, arithmetic, problem, tensors,
emission.programs, emission.strays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isinf

from derive.arithmetic import Key
from derive.emission.programs import Program, tree_of
from derive.emission.strays import NEAR, nearness
from derive.errors import UsageError
from derive.problem import Numbers, missing_numbers
from derive.tensors.expansion import Cell, Expansion
from derive.tensors.judges import small_sizes
from derive.tensors.shapes import size_value, spell_size
from derive.tensors.work import ArrayDerivation
from derive.values import State
from derive.witnesses import kinks_hit
from derive.written import Number, Tree

SEED, STEP, ROUGH, FAIR = 1, "1e-5", "1e-6", "1e-9"
"""The seed of drawn numbers, the step of a central difference, how near it comes to a derivative, and how near autograd does."""

KINK = "1e-8"
"""How much a result bends, at most, within two steps: where a slope jumps by more than a thousandth, it bends more."""

Values = Decimal | tuple["Values", ...]
"""A value, or a list of such."""


@dataclass(frozen=True)
class Trial:
    """One pass of the page: what each function gives, by the key of each result."""

    expected: Mapping[str, Mapping[Key, Values]]


@dataclass(frozen=True)
class Draw:
    """What is drawn for a name: numbers in a shape, or places `below` a length."""

    name: str
    shape: tuple[int, ...]
    below: int = 0


def is_numbered(program: Program) -> bool:
    """Whether the page has a number for everything."""
    work = program.work
    return bool(work.states) if isinstance(work, ArrayDerivation) else not missing_numbers(work.problem)


def near_of(program: Program) -> float:
    """How near the numbers of code are to those of the page; 1e-12 unless these cancel."""
    return nearness(program.work) if is_numbered(program) else NEAR


def is_at_kink(program: Program) -> bool:
    """Whether a slope on the page is a convention, because its numbers stand at a kink."""
    work = program.work
    if isinstance(work, ArrayDerivation):
        return bool(work.kinks)
    return any(kinks_hit(work.problem.network, state.values) for state in work.states)


def trials_of(program: Program) -> tuple[Trial, ...]:
    """The passes of the page, one for each number of updates; none where it has symbols only."""
    if not is_numbered(program):
        return ()
    arrays = program.problem.arrays
    expansion = None if arrays is None else Expansion(program.problem, arrays.sizes)
    trials = []
    for state in program.work.states:
        expected = {}
        for function in program.functions:
            values = {goal: _value(goal, state, expansion) for goal in function.goals}
            expected[function.name] = {goal: value for goal, value in values.items() if value is not None}
        trials.append(Trial({name: values for name, values in expected.items() if values or name != "update"}))
    return tuple(trials)


def _value(goal: Key, state: State, expansion: Expansion | None) -> Values | None:
    if expansion is None:
        return state.values.get(goal)
    keys = dict(expansion.keys(tree_of(goal)))
    if not keys or any(key not in state.values for key in keys.values()):
        return None
    return _nested({place: state.values[key] for place, key in keys.items()}, ())


def shortest(value: Decimal) -> str:
    """A value as the float nearest to it.  Raises UsageError for one that is beyond all of them."""
    if isinf(float(value)):
        raise UsageError(f"--emit: {value:.3e} on the page is outside the range of the numbers that code computes with")
    return repr(float(value))


def _nested(cells: Mapping[Cell, Decimal], place: Cell) -> Values:
    if place in cells:
        return cells[place]
    depth = len(place)
    length = 1 + max(cell[depth] for cell in cells if cell[:depth] == place)
    return tuple(_nested(cells, (*place, k)) for k in range(length))


def given_numbers(program: Program) -> dict[str, Numbers]:
    """The numbers of the page that a function takes, with those of the first example, of the rule, and of its states."""
    problem, train = program.problem, program.problem.train
    known: dict[str, Numbers] = {**problem.example(0), **train.given, **train.started(0)}
    if problem.arrays is not None:
        known |= {name: _filled(program.shapes[name], problem.arrays.sizes) for name in train.states if name in known}
        known |= problem.arrays.given
    return {name: known[name] for name in inputs_of(program) if name in known}


def _filled(shape: Sequence[Tree], sizes: Mapping[str, int]) -> Numbers:
    """Zeros in a shape."""
    if not shape:
        return Number("0")
    return tuple(_filled(shape[1:], sizes) for _ in range(size_value(shape[0], sizes) or 1))


def inputs_of(program: Program) -> tuple[str, ...]:
    """The names that some function takes and none computes, in the order of the functions."""
    computed = {goal for function in program.functions for goal in function.goals}
    keys = dict.fromkeys(key for function in program.functions for key in function.inputs)
    rest = [key for key in keys if isinstance(key, str) and key not in computed]
    return tuple(dict.fromkeys((*(name for name in program.problem.given if name in rest), *rest)))


def sizes_of(program: Program) -> dict[str, int]:
    """The lengths of the axes: those of the page, and small ones, no two the same, for names of sizes.

    Raises UsageError where these do not fit each other.
    """
    arrays = program.problem.arrays
    if arrays is None:
        return {}
    sizes = {**small_sizes(program.problem), **arrays.sizes}
    for size in (size for shape in arrays.shapes.values() for size in shape):
        if (size_value(size, sizes) or 0) < 1:
            raise UsageError(f"--emit: with small numbers for the other sizes, {spell_size(size)} is none; give them numbers")
    return sizes


def draws_of(program: Program) -> tuple[Draw, ...]:
    """What is to be drawn for the names without a number that the network has."""
    given, arrays, sizes = given_numbers(program), program.problem.arrays, sizes_of(program)
    names = [name for name in inputs_of(program) if name not in given and name in program.problem.network.free_set]

    def lengths(shape: Iterable[Tree]) -> tuple[int, ...]:
        return tuple(size_value(size, sizes) or 1 for size in shape)

    found = []
    for name in names:
        shape = lengths(program.shapes.get(name, ()))
        below = arrays.integers.get(name) if arrays is not None else None
        found.append(Draw(name, shape, 0 if below is None else lengths((below,))[0]))
    return tuple(found)
