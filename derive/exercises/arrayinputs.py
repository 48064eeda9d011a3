"""Random inputs for a problem over arrays: small sizes, no two the same, numbers of two decimals for every entry.

Owns `ArrayInput` and `draw_array_inputs`.  May import: errors, written, arithmetic, problem, tensors, exercises.inputs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from derive.arithmetic import Key
from derive.errors import LimitError
from derive.exercises.draws import slot_of
from derive.exercises.inputs import MOST_DRAWS, gone_round, hundredths, is_sensible, is_target
from derive.problem import Numbers, Problem
from derive.tensors.expansion import Cell, Expansion, cell_name, places
from derive.tensors.judges import sample, small_sizes
from derive.written import Number, Partial


@dataclass(frozen=True)
class ArrayInput:
    """A problem over arrays written out as named scalars with random numbers; `numbers` has those of every entry, used or not."""

    written: Problem
    expansion: Expansion
    numbers: Mapping[str, Number]

    @property
    def given(self) -> dict[str, Numbers]:
        """The numbers of each array, as nested lists."""
        names = [name for name in self.expansion.problem.network.free if name not in self.expansion.integers]
        return {name: self.nested(name, self.numbers.__getitem__) for name in names} | self.expansion.integers

    def nested(self, name: str, value: Callable[[str], Any], place: Cell = ()) -> Any:
        """Something of every entry of a quantity, in tuples of its shape."""
        shape = self.expansion.shapes.get(name, ())
        if len(place) == len(shape):
            return value(cell_name(name, place))
        return tuple(self.nested(name, value, (*place, k)) for k in range(shape[len(place)]))

    def values(self, truth: Mapping[Key, Decimal]) -> dict[str, Any]:
        """What a function may ask for: every quantity, the gradient of the loss by it as `dW`, sizes, the numbers of the rule."""
        problem, expansion = self.expansion.problem, self.expansion
        found: dict[str, Any] = {name: int(size) for name, size in expansion.sizes.items()}
        values = {cell: float(number.text) for cell, number in self.numbers.items()}
        values |= {key: float(value) for key, value in truth.items() if isinstance(key, str)}
        valued = [name for name in problem.network.quantities if all(cell in values for cell in expansion.cells(name))]
        found |= {name: self.nested(name, values.__getitem__) for name in valued if name not in expansion.integers}
        found |= {name: _integers(numbers) for name, numbers in expansion.integers.items()}
        found |= {name: float(number.text) for name, number in self.written.train.given.items()}
        loss = problem.train.loss
        for name in problem.network.above(loss) - {loss}:
            for called, direct in ((f"d{name}", False), (f"d{name}_direct", True)):
                slopes = {cell: truth.get(Partial(loss, cell, direct)) for cell in expansion.cells(name)}
                if called not in found and (None not in slopes.values() or (direct and any(slopes.values()))):
                    floats = {cell: float(slope or 0) for cell, slope in slopes.items()}
                    found[called] = self.nested(name, floats.__getitem__)
        return found


def _integers(numbers: Numbers) -> Any:
    return int(numbers.text) if isinstance(numbers, Number) else tuple(map(_integers, numbers))


def draw_array_inputs(problem: Problem, seed: int, count: int) -> Iterator[ArrayInput]:
    """So many inputs, one after the other, at each of which everything has a value; the last one at other sizes.

    Raises LimitError where no draw has values, or the arrays are too large to be written out.
    """
    for number in range(count):
        yield _drawn(problem, f"{seed}/{number}", number, turned=number == count - 1)


def _drawn(problem: Problem, seed: str, turn: int, turned: bool) -> ArrayInput:
    assert problem.arrays is not None
    sizes = {**small_sizes(problem, turned), **problem.arrays.sizes}
    expansion = sample(problem, sizes, random.Random(seed))  # noqa: S311
    train = problem.train
    parameters = tuple(cell for name in train.parameters for cell in expansion.cells(name))
    for attempt in range(MOST_DRAWS):
        source = random.Random(f"{seed}/{attempt}")  # noqa: S311  (numbers to compute with, not secrets)
        rate = train.learning_rate
        if rate is not None:
            rate = Number(slot_of(-1, "", rate, False).drawn(source.getrandbits(64)))
        numbers = _numbers(problem, expansion, source, attempt % 2 == 0, turn if attempt < MOST_DRAWS // 2 else 0)
        used = {cell: number for cell, number in numbers.items() if cell in expansion.network.free_set}
        moved = replace(train, parameters=tuple(filter(expansion.network.free_set.__contains__, parameters)), learning_rate=rate)
        written = Problem(problem.title, expansion.network, moved, used)
        if is_sensible(written):
            return ArrayInput(written, expansion, numbers)
    raise LimitError("no random numbers were found at which every quantity has a value (a logarithm of what is below 0?)")


def _numbers(problem: Problem, expansion: Expansion, source: random.Random, signs: bool, turn: int) -> dict[str, Number]:
    """A number for every entry: targets that are typed go round, what adds up to a total otherwise is drawn as shares of it."""
    assert problem.arrays is not None
    typed = problem.arrays.given
    found: dict[str, Number] = {}
    for name in (name for name in problem.network.free if name not in expansion.integers):
        for place in places(expansion.shapes.get(name, ())):
            text = hundredths(source)
            found[cell_name(name, place)] = Number(f"-{text}" if signs and source.random() < 0.5 else text)
        if name in typed and is_target(name, problem):
            found |= _moved_on(name, typed[name], expansion.shapes.get(name, ()), turn)
    for fact in (fact for fact in problem.arrays.facts if fact.name not in typed):
        shape = expansion.shapes[fact.name]
        total = Decimal(fact.total.numerator) / Decimal(fact.total.denominator)
        for place in places((*shape[: fact.axis], *shape[fact.axis + 1 :])):
            parts = [source.randint(1, 9) for _ in range(shape[fact.axis])]
            shares = [round(total * part / sum(parts), 2) for part in parts[1:]]
            for k, share in enumerate((*shares, total - sum(shares))):
                found[cell_name(fact.name, (*place[: fact.axis], k, *place[fact.axis :]))] = Number(f"{share}")
    return found


def _moved_on(name: str, typed: Numbers, shape: Cell, turn: int) -> dict[str, Number]:
    """Targets as they are typed, moved on along every axis; where all are alike, the opposite every other turn."""
    if len({_entry(typed, place) for place in places(shape)}) < 2:
        texts = gone_round([_entry(typed, place).text for place in places(shape)], turn)
        return {cell_name(name, place): Number(text) for place, text in zip(places(shape), texts, strict=True)}
    return {
        cell_name(name, place): _entry(typed, tuple((k - turn) % length for k, length in zip(place, shape, strict=True)))
        for place in places(shape)
    }


def _entry(numbers: Numbers, place: Cell) -> Number:
    for k in place:
        assert isinstance(numbers, tuple)
        numbers = numbers[k]
    assert isinstance(numbers, Number)
    return numbers
