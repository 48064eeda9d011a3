"""What the functions of a C file are given, and in which order.

Owns `Interface`.  May import: written, tensors.shapes, emission.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from derive.arithmetic import Key
from derive.emission.loops import LoopWriter
from derive.emission.programs import Function, Program
from derive.emission.spellings import Spellings
from derive.tensors.shapes import Shape, size_value
from derive.written import Index, Later, Name, Over, Size, walk


class Interface:
    """The record of numbers, the arrays of each function, and the lengths of axes that go before them."""

    def __init__(self, program: Program, spellings: Spellings, writer: LoopWriter) -> None:
        self.program, self.spellings, self.writer = program, spellings, writer

    def stored(self, key: Key) -> Key:
        """Where a result is kept: a new value in the place of the old."""
        return key.body.name if isinstance(key, Later) and isinstance(key.body, Name) else key

    def member(self, key: Key) -> str:
        """What a number is called in the record, or an array in the test."""
        return self.spellings.of(self.stored(key))

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """Everything that some function reads or writes, each once."""
        found = dict.fromkeys(key for f in self.program.functions for key in (*f.inputs, *map(self.stored, f.kept)))
        first = {key: place for place, key in enumerate(found)}
        return tuple(sorted(found, key=lambda key: (not isinstance(key, str), first[key])))

    @cached_property
    def members(self) -> list[str]:
        """The names of the record."""
        return [self.spellings.of(key) for key in self.keys if not self.program.shape(key)]

    @cached_property
    def arrays(self) -> dict[Key, Shape]:
        """Everything that is an array, with its shape."""
        return {key: self.program.shape(key) for key in self.keys if self.program.shape(key)}

    def arrays_of(self, function: Function) -> list[Key]:
        """The arrays that a function reads or writes."""
        mine = {*function.inputs, *map(self.stored, function.kept)}
        return [key for key in self.arrays if key in mine]

    def sizes_of(self, function: Function) -> list[str]:
        """The names of sizes that a function needs, for its arrays or in its formulas."""
        trees = [size for key in self.arrays_of(function) for size in self.arrays[key]]
        trees += [tree for statement in function.statements for tree in (statement.line.tree, *statement.line.at)]
        nodes = [node for tree in trees for node in walk(tree)]
        indices = [i for node in nodes for i in (node.indices if isinstance(node, Over) else (node,)) if isinstance(i, Index)]
        nodes += [node for index in indices for node in walk(index.size)]
        found = {node.name for node in nodes if isinstance(node, Size)}
        return [name for name in self.spellings.sizes if name in found]

    def is_record(self, function: Function) -> bool:
        """Whether a function reads or writes numbers that are no arrays."""
        return any(not self.program.shape(key) for key in (*function.inputs, *function.kept))

    def parameters(self, function: Function) -> list[str]:
        """The parameters of a function."""
        record = ["Numbers *numbers"] if self.is_record(function) else []
        sizes = [f"int {self.spellings.of(name)}" for name in self.sizes_of(function)]
        arrays = [self.declared(key) for key in self.arrays_of(function)]
        return [*record, *sizes, *arrays] or ["void"]

    def declared(self, key: Key, sizes: Mapping[str, int] | None = None) -> str:
        """The declaration of an array, its lengths in names or in numbers."""
        lengths = [self.writer.place(size) if sizes is None else str(size_value(size, sizes)) for size in self.arrays[key]]
        return f"{self.kind(key)} {self.spellings.of(key)}[{']['.join(lengths)}]"

    def kind(self, key: Key) -> str:
        """The type of an array's entries."""
        arrays = self.program.problem.arrays
        return "int" if arrays is not None and key in arrays.integers else "double"

    def call(self, function: Function, sizes: Mapping[str, int]) -> str:
        """A call of a function in the test."""
        record = ["&numbers"] if self.is_record(function) else []
        lengths = [str(sizes[name]) for name in self.sizes_of(function)]
        arrays = [self.spellings.of(key) for key in self.arrays_of(function)]
        return f"{function.name}({', '.join([*record, *lengths, *arrays])});"

    def flat(self, key: Key) -> str:
        """Where the numbers of a result stand one behind the other."""
        name, rank = self.member(key), len(self.program.shape(self.stored(key)))
        return f"({self.kind(key)} *){name}" if rank > 1 else name if rank else f"&numbers.{name}"

    def length(self, key: Key, sizes: Mapping[str, int]) -> int:
        """How many numbers a result has."""
        count = 1
        for size in self.program.shape(self.stored(key)):
            count *= size_value(size, sizes) or 1
        return count
