"""A problem over arrays written out entry by entry, at sizes small enough to compute with.

Owns `Expansion`: the same network as named scalars, `W[0,1]` and so on, and every line over arrays as the scalar formulas it stands
for.  It reads the equations as they were typed and shares with the reverse walk only what a shape, an axis and a letter are.  May
import: errors, written, tables.ops, arithmetic, network, problem, backward (for `Line`), tensors.shapes, tensors.components.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, TypeVar

from derive.arithmetic import Key
from derive.backward import Line
from derive.errors import InputError, LimitError
from derive.network import Equation, Network
from derive.problem import Numbers, Problem
from derive.tables.ops import OPS
from derive.tensors.components import letters_in
from derive.tensors.shapes import Shape, axis_of, einsum_letters, reduces, shape_of, size_value, spell_size
from derive.written import (
    ONE,
    TWO,
    ZERO,
    Call,
    Delta,
    Einsum,
    Elementwise,
    Index,
    Indexed,
    Later,
    Listing,
    MatrixProduct,
    Name,
    Negative,
    Number,
    Over,
    Partial,
    Power,
    Product,
    Quotient,
    Rows,
    Rule,
    Shaped,
    Size,
    Sum,
    Transpose,
    Tree,
    Within,
    add,
    children,
    multiply,
    number,
    rebuild,
    subtract,
    walk,
)

MOST_WRITTEN = 200_000
"""Entries and terms that one expansion may write out: some seconds; the built-in problems take up to 12,000."""

Cell = tuple[int, ...]
Env = Mapping[str, int]


@dataclass(frozen=True)
class Block:
    """An array with its entries written out, by place."""

    shape: Cell
    cells: Mapping[Cell, Tree]


def cell_name(name: str, place: Cell) -> str:
    """The name of an entry: `W[0,1]`; a number keeps its own."""
    if len(place) == 2:
        return f"{name}[{place[0]},{place[1]}]"
    return f"{name}[{','.join(map(str, place))}]" if place else name


def places(shape: Sequence[int]) -> Iterator[Cell]:
    """Every place of an array, row by row."""
    return product(*map(range, shape))


class Expansion:
    """A problem at given sizes.

    `sizes` has a number for every name of a size, `integers` the entries of quantities that are places.  `wired`, a derivative
    along no path is written 0; else nothing is looked up, and entries of any size are made one at a time.  Raises InputError where
    an axis would have no length.
    """

    def __init__(
        self, problem: Problem, sizes: Mapping[str, int], integers: Mapping[str, Numbers] | None = None, wired: bool = True
    ) -> None:
        assert problem.arrays is not None
        self.problem, self.arrays, self.sizes = problem, problem.arrays, dict(sizes)
        self.shapes = {name: self.lengths(shape) for name, shape in self.arrays.shapes.items()}
        self.integers = dict(integers or {})
        self.wired = wired
        self.spent = 0
        self.weights: dict[int, tuple[Tree, int]] = {}
        self.reached: dict[tuple[str, str], set[str]] = {}
        for name in problem.train.parameters:  # what an update rule keeps of a parameter has its shape
            self.shapes |= dict.fromkeys(problem.train.names(name).values(), self.shapes[name])

    def lengths(self, shape: Shape) -> Cell:
        """A shape in numbers.  Raises InputError for an axis without length."""
        found = []
        for size in shape:
            length = size_value(size, self.sizes)
            if length is None or length < 1:
                raise InputError(f"shapes: {spell_size(size)} is {length} at these sizes")
            found.append(length)
        return tuple(found)

    def spend(self, entries: int) -> None:
        """Count entries of arrays and terms of sums that are about to be written out.  Raises LimitError for too many.

        Not `wired`, they are made one at a time and there may be any number.
        """
        self.spent += entries
        if self.wired and self.spent > MOST_WRITTEN:
            raise LimitError(f"written out there are more than {MOST_WRITTEN:,} terms: sum over fewer letters at a time")

    def weighed(self, block: Block) -> Block:
        """The block, its nodes counted as often as they are written; they share parts, so that few may stand for very many.

        Raises LimitError.
        """

        def weight(tree: Tree) -> int:
            if id(tree) not in self.weights:
                self.weights[id(tree)] = tree, 1 + sum(map(weight, children(tree)))  # the tree is kept, so that its id is its own
            return self.weights[id(tree)][1]

        if self.wired and sum(map(weight, block.cells.values())) > MOST_WRITTEN:
            raise LimitError(f"written out a formula has more than {MOST_WRITTEN:,} parts: give some of it names of their own")
        return block

    def cells(self, name: str) -> list[str]:
        """The names of a quantity's entries, row by row."""
        return [cell_name(name, place) for place in places(self.shapes.get(name, ()))]

    # --- the network --------------------------------------------------------------------------------------------------

    @cached_property
    def network(self) -> Network:
        """Every entry of every equation, in an order in which they can be computed."""
        equations: list[Equation] = []
        for equation in self.problem.network.equations:
            block = self.block(equation.rhs, {})
            shape = self.shapes.get(equation.goal, ())
            together: dict[Tree, list[str]] = {}
            for place in places(shape):
                cell = block.cells[place]
                if isinstance(cell, Call) and cell.part is not None:  # one output of a softmax among others
                    together.setdefault(Call(cell.function, cell.arguments), []).append(cell_name(equation.goal, place))
            for place in places(shape):
                cell = block.cells[place]
                siblings = tuple(together.get(Call(cell.function, cell.arguments), ())) if isinstance(cell, Call) else ()
                equations.append(Equation(cell_name(equation.goal, place), cell, siblings))
        if any(equation.lagged for equation in self.problem.network.equations):
            equations = _in_order(equations)
        return Network(tuple(equations))

    @cached_property
    def free(self) -> tuple[str, ...]:
        """The entries no equation gives."""
        return tuple(cell for name in self.problem.network.free if name not in self.arrays.integers for cell in self.cells(name))

    # --- lines --------------------------------------------------------------------------------------------------------

    def keys(self, goal: Tree) -> Iterator[tuple[Cell, Key]]:
        """The places of a quantity, derivative or updated value, each with the key of its value."""
        match goal:
            case Later(Name(name), updates):
                for place in places(self.shapes.get(name, ())):
                    yield place, Later(Name(cell_name(name, place)), updates)
            case Name(name):
                for place in places(self.shapes.get(name, ())):
                    yield place, cell_name(name, place)
            case Partial(of, wrt):
                for upper in places(self.shapes.get(of, ())):
                    for lower in places(self.shapes.get(wrt, ())):
                        yield (*upper, *lower), Partial(cell_name(of, upper), cell_name(wrt, lower))

    def entries(self, goal: Tree, line: Line) -> Iterator[tuple[Partial, Tree]]:
        """The entries of a derivative, made one at a time from its line in index form."""
        letters = [a.name for a in line.at if isinstance(a, Index)]
        free = [k for k, a in enumerate(line.at) if isinstance(a, Index)]
        write = self.writer(line.tree, dict(zip(letters, free, strict=True)))
        for place, key in self.keys(goal):
            assert isinstance(key, Partial)
            if write is not None:
                yield key, write(place)
            else:
                yield key, self.scalar(line.tree, dict(zip(letters, (place[k] for k in free), strict=True)))

    def writer(self, tree: Tree, letters: Mapping[str, int]) -> Callable[[Cell], Tree] | None:
        """What writes a product of plain entries at a place, the letters being so many places along it; None for anything else.

        Of the gradients of a dense layer there may be thousands, all products of two entries.
        """
        match tree:
            case Indexed(Name(name), at) if name not in self.integers:
                where = self.plain_places(at, self.shapes[name], letters)
                return None if where is None else lambda place: Name(cell_name(name, tuple([place[k] for k in where])))
            case Indexed(Partial(of, wrt, direct), at, 0) if not self.wired and not self.shapes.get(of):
                below = self.plain_places(at, self.shapes[wrt], letters)
                if below is not None:
                    return lambda place: Partial(of, cell_name(wrt, tuple([place[k] for k in below])), direct)
            case Product(factors):
                writers = [self.writer(factor, letters) for factor in factors]
                known = [writer for writer in writers if writer is not None]
                if len(known) == len(writers):
                    return lambda place: Product(tuple([writer(place) for writer in known]), tight=True)
        return None

    def plain_places(self, at: Sequence[Tree], shape: Cell, letters: Mapping[str, int]) -> list[int] | None:
        """Where along a place each letter stands, for letters that run over just these axes; else None."""
        plain = [a for a in at if isinstance(a, Index) and a.name in letters]
        if len(plain) < len(shape) or self.lengths(tuple(index.size for index in plain)) != shape:
            return None
        return [letters[index.name] for index in plain]

    # --- arrays as NumPy has them -------------------------------------------------------------------------------------

    def block(self, tree: Tree, env: Env) -> Block:
        """A formula over arrays, entry by entry; `env` has a number for each letter that stands free in it."""
        match tree:
            case Name(name):
                shape = self.shapes.get(name, ())
                return Block(shape, {place: Name(cell_name(name, place)) for place in places(shape)})
            case Number() | Size() | Delta() | Within() | Over() | Index():
                if isinstance(tree, Over) and shape_of(tree.body, self.arrays.shapes) != ():
                    return self.added(tree, env)
                return Block((), {(): self.scalar(tree, env)})
            case Partial(of, wrt, direct):
                upper, lower = self.shapes.get(of, ()), self.shapes.get(wrt, ())
                cells: dict[Cell, Tree] = {
                    (*u, *v): Partial(cell_name(of, u), cell_name(wrt, v), direct) for u in places(upper) for v in places(lower)
                }
                return Block((*upper, *lower), cells)
            case Later(Name(name), updates):
                shape = self.shapes.get(name, ())
                return Block(shape, {place: Later(Name(cell_name(name, place)), updates) for place in places(shape)})
            case Shaped(body):
                return self.block(body, env)
            case Indexed(base, at):
                whole = self.block(base, env)
                fixed = tuple(self.position(a, env) for a in at)
                rest = whole.shape[len(at) :]
                return Block(rest, {place: whole.cells.get((*fixed, *place), ZERO) for place in places(rest)})
            case Rule(indices, body):
                shape = self.lengths(shape_of(tree, self.arrays.shapes))
                names = [index.name if isinstance(index, Index) else "" for index in indices]  # an axis of size 1 has no letter
                return Block(
                    shape, {place: self.scalar(body, {**env, **dict(zip(names, place, strict=True))}) for place in places(shape)}
                )
            case Transpose(body):
                return self.transposed(self.block(body, env))
            case MatrixProduct(left, right):
                return self.weighed(self.product(self.block(left, env), self.block(right, env)))
            case Einsum():
                return self.weighed(self.einsum(tree, env))
            case Rows(rows):
                return Block((len(rows), len(rows[0])), {(i, j): cell for i, row in enumerate(rows) for j, cell in enumerate(row)})
            case Listing(items):
                blocks = [self.block(item, env) for item in items]
                shape = (len(items), *blocks[0].shape)
                return Block(shape, {(i, *place): cell for i, b in enumerate(blocks) for place, cell in b.cells.items()})
            case Elementwise(factors):
                return self.together(Product(factors, tight=True), [self.block(factor, env) for factor in factors])
            case Call():
                return self.weighed(self.call(tree, env))
        return self.together(tree, [self.block(part, env) for part in children(tree)])

    def added(self, tree: Over, env: Env) -> Block:
        """A sum of arrays over letters: of slices, Σ_t δ_t x_tᵀ."""
        blocks = []
        for place in places(self.lengths(tuple(index.size for index in tree.indices))):
            inner = dict(zip((index.name for index in tree.indices), place, strict=True))
            blocks.append(self.block(tree.body, {**env, **inner}))
        return Block(blocks[0].shape, {place: sum_of([b.cells[place] for b in blocks]) for place in blocks[0].cells})

    @staticmethod
    def transposed(block: Block) -> Block:
        """An array turned over; a vector becomes a row."""
        if len(block.shape) == 1:
            return Block((1, *block.shape), {(0, *place): cell for place, cell in block.cells.items()})
        return Block(block.shape[::-1], {place[::-1]: cell for place, cell in block.cells.items()})

    def product(self, left: Block, right: Block) -> Block:
        """A product of matrices and vectors."""
        one, other = left.shape, right.shape
        if len(one) == 1 and len(other) == 2 and other[0] == 1:
            return Block(
                (one[0], other[1]), {(i, j): times(left.cells[i,], right.cells[0, j]) for i, j in places((one[0], other[1]))}
            )
        inner = range(one[-1])
        if len(other) == 1:
            if len(one) == 1 or (len(one) == 2 and one[0] == 1):
                head: Cell = () if len(one) == 1 else (0,)
                return Block((), {(): sum_of([times(left.cells[(*head, k)], right.cells[k,]) for k in inner])})
            rows_only = one[:-1]
            return Block(
                rows_only,
                {place: sum_of([times(left.cells[(*place, k)], right.cells[k,]) for k in inner]) for place in places(rows_only)},
            )
        leading = tuple(max(a, b) for a, b in zip(_padded(one[:-2], other[:-2]), _padded(other[:-2], one[:-2]), strict=True))
        rows = one[-2:-1] if len(one) > 1 else ()
        shape = (*leading, *rows, other[-1])
        cells: dict[Cell, Tree] = {}
        for place in places(shape):
            head, row, column = place[: len(leading)], place[len(leading) : -1], place[-1]
            mine, theirs = _stretched(head, one[:-2]), _stretched(head, other[:-2])
            cells[place] = sum_of([times(left.cells[(*mine, *row, k)], right.cells[(*theirs, k, column)]) for k in inner])
        return Block(shape, cells)

    def einsum(self, tree: Einsum, env: Env) -> Block:
        """A sum of products by its letters."""
        operands, kept = einsum_letters(tree)
        blocks = [self.block(operand, env) for operand in tree.operands]
        lengths: dict[str, int] = {}
        for letters, block in zip(operands, blocks, strict=True):
            lengths |= dict(zip(letters, block.shape, strict=True))
        summed = [letter for letter in lengths if letter not in kept]
        shape = tuple(lengths[letter] for letter in kept)
        self.spend(prod(lengths.values()))
        cells: dict[Cell, Tree] = {}
        for place in places(shape):
            here = dict(zip(kept, place, strict=True))
            terms = []
            for rest in places([lengths[letter] for letter in summed]):
                at = {**here, **dict(zip(summed, rest, strict=True))}
                terms.append(times(*(b.cells[tuple(at[x] for x in letters)] for letters, b in zip(operands, blocks, strict=True))))
            cells[place] = sum_of(terms)
        return Block(shape, cells)

    def together(self, tree: Tree, blocks: Sequence[Block]) -> Block:
        """One operation entry by entry, arrays stretched as NumPy does it."""
        shape = _common_shape(blocks)
        cells: dict[Cell, Tree] = {}
        for place in places(shape):
            cells[place] = _light(_with_parts(tree, [block.cells[_stretched(place, block.shape)] for block in blocks]))
        return Block(shape, cells)

    def call(self, call: Call, env: Env) -> Block:
        """A function of arrays."""
        name, arguments = call.function, call.arguments
        if name == "ones":
            shape = self.lengths(arguments)
            self.spend(prod(shape))
            return Block(shape, dict.fromkeys(places(shape), ONE))
        blocks = [self.block(argument, env) for argument in arguments]
        if name == "loss_of":
            return Block((), {(): _some_loss(call, [cell for block in blocks for cell in block.cells.values()])})
        if name == "diag":
            (length,) = blocks[0].shape
            return Block((length, length), {(i, j): blocks[0].cells[i,] if i == j else ZERO for i, j in places((length, length))})
        if reduces(call, self.arrays.shapes):
            return self.reduced(call, blocks[0])
        if name == "softmax" and blocks[0].shape:
            return self.softmax(call, blocks[0])
        if name in OPS and OPS[name].listed and any(block.shape for block in blocks):
            return self.listed(call, blocks)
        return self.together(call, blocks)

    def reduced(self, call: Call, block: Block) -> Block:
        """A sum, mean or maximum along an axis, or over all."""
        axis = axis_of(call, len(block.shape))
        keep = len(call.arguments) > 2
        groups: dict[Cell, list[Tree]] = {}
        for place, cell in block.cells.items():
            rest = () if axis is None else (*place[:axis], *((0,) if keep else ()), *place[axis + 1 :])
            groups.setdefault(rest, []).append(cell)
        shape = () if axis is None else (*block.shape[:axis], *((1,) if keep else ()), *block.shape[axis + 1 :])
        return Block(shape, {place: REDUCED[call.function](cells) for place, cells in groups.items()})

    def softmax(self, call: Call, block: Block) -> Block:
        """Softmax along an axis."""
        axis = axis_of(call, len(block.shape)) or 0
        groups: dict[Cell, list[Cell]] = {}
        for place in block.cells:
            groups.setdefault((*place[:axis], *place[axis + 1 :]), []).append(place)
        cells: dict[Cell, Tree] = {}
        for group in groups.values():
            arguments = tuple(block.cells[place] for place in group)
            for part, place in enumerate(group):
                cells[place] = Call("softmax", arguments, part)
        return Block(block.shape, cells)

    def listed(self, call: Call, blocks: Sequence[Block]) -> Block:
        """A loss of whole arrays."""
        shape = _common_shape(blocks)
        rows = [tuple(block.cells[_stretched(place, block.shape)] for place in places(shape)) for block in blocks]
        return Block((), {(): Call(call.function, tuple(map(Listing, rows)))})

    # --- entries ------------------------------------------------------------------------------------------------------

    def position(self, tree: Tree, env: Env) -> int:
        """A place as a whole number."""
        match tree:
            case Index(name):
                return env[name]
            case Number(text) if text.isdigit():
                return int(text)
            case Size(name):
                return self.sizes[name]
            case Sum(terms):
                return sum(self.position(term, env) for term in terms)
            case Negative(body):
                return -self.position(body, env)
            case Product(factors):
                result = 1
                for factor in factors:
                    result *= self.position(factor, env)
                return result
            case Name(name) if name in self.integers:
                return int(str(getattr(self.integers[name], "text", self.integers[name])))
            case Indexed(Name(name), at) if name in self.integers:
                found: Any = self.integers[name]
                for a in at:
                    found = found[self.position(a, env)]
                return int(getattr(found, "text", found))
        raise TypeError(f"a {type(tree).__name__} is no place")

    def scalar(self, tree: Tree, env: Env) -> Tree:
        """An entry written with letters, at numbers for them; an entry outside its array is 0."""
        match tree:
            case Name() | Number():
                return tree
            case Size(name):
                return Number(str(self.sizes[name]))
            case Index(name):
                return Number(str(env[name]))
            case Indexed(base, at, upper):
                return self.entry(base, tuple(self.position(a, env) for a in at), upper)
            case Partial(of, wrt, direct):
                return Partial(of, wrt, direct)
            case Over(operation, indices, body):
                return self.over(operation, indices, body, env)
            case Delta(left, Over("argmax", (index,), body)):
                return self.is_largest(self.position(left, env), index, body, env)
            case Delta(left, right):
                return ONE if self.position(left, env) == self.position(right, env) else ZERO
            case Within(at, size):
                return ONE if 0 <= self.position(at, env) < self.lengths((size,))[0] else ZERO
            case Product(factors):
                parts = [self.scalar(factor, env) for factor in factors]
                return ZERO if ZERO in parts else multiply(*parts, tight=True)
            case Sum(terms):
                return sum_of([self.scalar(term, env) for term in terms])
            case MatrixProduct() | Einsum() | Call("sum" | "mean" | "max" | "loss_of"):  # of slices: a number made from arrays
                block = self.block(tree, env)
                if block.shape:
                    raise TypeError(f"an array of shape {block.shape} is no number")
                return block.cells[()]
        return _light(rebuild(tree, lambda part: self.scalar(part, env)))

    def is_largest(self, place: int, index: Index, body: Tree, env: Env) -> Tree:
        """1 where the entry at a place is the first of the largest, else 0, written with steps."""
        (length,) = self.lengths((index.size,))
        if not 0 <= place < length:
            return ZERO
        cells = [self.scalar(body, {**env, index.name: k}) for k in range(length)]
        wins: list[Tree] = []
        for k, cell in enumerate(cells):
            if k < place:
                wins.append(Call("step", (subtract(cells[place], cell),)))
            elif k > place:
                wins.append(subtract(ONE, Call("step", (subtract(cell, cells[place]),))))
        return multiply(*wins)

    def entry(self, base: Tree, place: Cell, upper: int) -> Tree:
        """The entry of an array or derivative at a place; outside it is 0."""
        match base:
            case Name(name):
                if any(not 0 <= k < length for k, length in zip(place, self.shapes[name], strict=True)):
                    return ZERO
                if name in self.integers:
                    found: Any = self.integers[name]
                    for k in place:
                        found = found[k]
                    return Number(str(getattr(found, "text", found)))
                return Name(cell_name(name, place))
            case Partial(of, wrt, direct):
                above, below = place[:upper], place[upper:]
                shape = (*self.shapes.get(of, ()), *self.shapes.get(wrt, ()))
                if any(not 0 <= k < length for k, length in zip(place, shape, strict=True)):
                    return ZERO
                moved, moves = cell_name(of, above), cell_name(wrt, below)
                return Partial(moved, moves, direct) if not self.wired or self.reaches(moves, moved) else ZERO
        raise TypeError(f"a {type(base).__name__} has no entries")

    @cached_property
    def ends(self) -> dict[str, int]:
        """How far down the network the entries of each array stand."""
        return {name.partition("[")[0]: place for name, place in self.network.order.items()}

    def reaches(self, name: str, of: str) -> bool:
        """Whether a path leads from one entry to another; looked for no further than the array the other is of, so that depth
        costs nothing.
        """
        array = of.partition("[")[0]
        key = (name, array)
        if key not in self.reached:
            order, users = self.network.order, self.network.users
            last = self.ends.get(array, 0)
            todo, seen = [name], {name}
            while todo:
                for user in users.get(todo.pop(), ()):
                    if user not in seen and order[user] <= last:
                        seen.add(user)
                        todo.append(user)
            self.reached[key] = seen
        return of in self.reached[key]

    def over(self, operation: str, indices: tuple[Index, ...], body: Tree, env: Env) -> Tree:
        """A sum or maximum over letters."""
        factors = body.factors if isinstance(body, Product) and operation == "sum" else ()
        deltas = [factor for factor in factors if isinstance(factor, Delta) and not _has_argmax(factor)]
        rest = multiply(*(factor for factor in factors if factor not in deltas), tight=True) if deltas else body
        parts = [self.scalar(rest, place) for place in self.assignments(indices, deltas, env)]
        return sum_of(parts) if operation == "sum" else largest(parts)

    def assignments(self, indices: Sequence[Index], deltas: Sequence[Delta], env: Env) -> Iterator[Env]:
        """Every number for some letters at which all the δ are 1; a letter that a δ fixes is not run through."""
        if not indices:
            if all(self.position(delta.left, env) == self.position(delta.right, env) for delta in deltas):
                yield env
            return
        index, *later = indices
        (length,) = self.lengths((index.size,))
        self.spend(length)
        values: Sequence[int] = range(length)
        waiting = {other.name for other in indices}
        for delta in deltas:
            for side, other in ((delta.left, delta.right), (delta.right, delta.left)):
                if side == index and not letters_in(other) & waiting:
                    values = [k for k in values if k == self.position(other, env)]
        for k in values:
            yield from self.assignments(later, deltas, {**env, index.name: k})


def _has_argmax(tree: Tree) -> bool:
    return any(isinstance(node, Over) for node in walk(tree))


def sum_of(cells: Sequence[Tree]) -> Tree:
    """The sum of entries, zeros left out."""
    kept = [cell for cell in cells if cell != ZERO]
    return add(*kept) if kept else ZERO


def times(*cells: Tree) -> Tree:
    """The product of entries."""
    return ZERO if ZERO in cells else multiply(*cells, tight=True)


def largest(cells: Sequence[Tree]) -> Tree:
    """The largest entry, two by two."""
    result = cells[0]
    for cell in cells[1:]:
        result = Call("max", (result, cell))
    return result


def mean_of(cells: Sequence[Tree]) -> Tree:
    """The mean of entries."""
    return Quotient(sum_of(cells), number(len(cells)))


REDUCED: dict[str, Callable[[Sequence[Tree]], Tree]] = {"sum": sum_of, "mean": mean_of, "max": largest}
"""How entries along an axis become one."""


def _with_parts(tree: Tree, parts: Sequence[Tree]) -> Tree:
    remaining = iter(parts)
    return rebuild(tree, lambda _: next(remaining))


def _light(tree: Tree) -> Tree:
    """A product with a 0 in it is 0."""
    if isinstance(tree, Product | Elementwise):
        return times(*tree.factors)
    return tree


def _common_shape(blocks: Sequence[Block]) -> Cell:
    """The shape to which NumPy stretches arrays that act entry by entry."""
    rank = max((len(block.shape) for block in blocks), default=0)
    padded = [(1,) * (rank - len(block.shape)) + block.shape for block in blocks]
    return tuple(max(axis) for axis in zip(*padded, strict=True))


def _padded(shape: Cell, other: Cell) -> Cell:
    return (1,) * max(0, len(other) - len(shape)) + shape


def _stretched(place: Cell, shape: Cell) -> Cell:
    """The place in an array that was stretched."""
    aligned = place[len(place) - len(shape) :]
    return tuple(0 if length == 1 else k for k, length in zip(aligned, shape, strict=True))


def _some_loss(call: Call, cells: Sequence[Tree]) -> Tree:
    """A number that depends on every entry in a way of its own: Σ cₖ yₖ + ½ Σ eₖ yₖ², the coefficients seeded by what it is of."""
    source = random.Random(" ".join(["loss_of", *(a.name for a in call.arguments if isinstance(a, Name))]))  # noqa: S311  (numbers to compute with, not secrets)
    terms: list[Tree] = []
    for cell in cells:
        slope, bend = (Number(f"{source.uniform(0.2, 1.8):.3f}") for _ in range(2))
        terms += [Product((slope, cell)), Product((Quotient(ONE, TWO), bend, Power(cell, TWO)))]
    return sum_of(terms)


def _in_order(equations: Sequence[Equation]) -> list[Equation]:
    """Equations in an order in which they can be computed: a recurrence is given quantity by quantity, computed step by step."""
    by_goal = {equation.goal: equation for equation in equations}
    uses = {goal: [n.name for n in walk(e.rhs) if isinstance(n, Name) and n.name in by_goal] for goal, e in by_goal.items()}
    return [by_goal[goal] for goal in in_order(uses)]


Node = TypeVar("Node", bound=Hashable)


def in_order(uses: Mapping[Node, Sequence[Node]]) -> list[Node]:
    """What can be computed first, first; `uses` says what each takes of the others, nothing itself.

    >>> in_order({"a": ["b"], "b": []})
    ['b', 'a']
    """
    done: dict[Node, None] = {}
    for goal in uses:
        waiting = [(goal, iter(uses[goal]))]
        while waiting:
            here, rest = waiting[-1]
            missing = next((name for name in rest if name not in done), None)
            if missing is None:
                waiting.pop()
                done[here] = None
            else:
                waiting.append((missing, iter(uses[missing])))
    return list(done)
