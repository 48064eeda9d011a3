"""The component form: what one entry of a formula over arrays is, with letters for its place.

Owns `Space` (the shapes of a problem and its letters) and `component`.  May import: errors, written, tables.ops,
tensors.shapes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from derive.errors import LimitError
from derive.tables.ops import OPS
from derive.tensors.shapes import Shape, axis_of, einsum_letters, einsum_sizes, reduces, shape_of
from derive.written import (
    ONE,
    ZERO,
    Call,
    Delta,
    Einsum,
    Elementwise,
    Index,
    Indexed,
    MatrixProduct,
    Name,
    Number,
    Over,
    Partial,
    Product,
    Quotient,
    Rule,
    Shaped,
    Size,
    Transpose,
    Tree,
    multiply,
    rebuild,
    walk,
)

POOL = "ijklpqrsuvabcefghomwxyz"
MOST_LETTERS = 12
"""Letters a size may have besides its first; no line has more of one."""
Place = tuple[Tree, ...]


@dataclass(frozen=True)
class Space:
    """The shapes of a problem's quantities, and the letters of each size; `avoid` are names no letter may have, `own` the letters
    that the problem itself uses for a size.
    """

    shapes: Mapping[str, Shape]
    avoid: frozenset[str] = frozenset()
    own: Mapping[Tree, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def letters(self) -> dict[Tree, list[str]]:
        """The letters of each size in the order they are taken, none of them two sizes': the problem's own, n for N, then i, j …"""
        sizes = dict.fromkeys((*self.own, *(size for shape in self.shapes.values() for size in shape if size != ONE)))
        found = {size: [letter for letter in self.own.get(size, ()) if letter not in self.avoid] for size in sizes}
        taken = {letter for letters in found.values() for letter in letters} | self.avoid
        for size, letters in found.items():
            small = size.name.lower() if isinstance(size, Size) and len(size.name) == 1 and size.name.isupper() else ""
            if small and not letters and small not in taken:
                letters.append(small)
                taken.add(small)
        supply = (letter for letter in _all_letters() if letter not in taken)
        for letters in found.values():
            if not letters:
                letters.append(next(supply))
        for _ in range(MOST_LETTERS):
            for letters in found.values():
                letters.append(next(supply))
        return found

    def letter(self, size: Tree, taken: Collection[str]) -> Index:
        """The first letter of an axis of this size that is not taken.  Raises LimitError where a line takes all there are."""
        for letter in self.letters[size]:
            if letter not in taken:
                return Index(letter, size)
        raise LimitError(f"a formula needs more than {MOST_LETTERS} letters of one size: give its parts names of their own")

    def place(self, shape: Shape, taken: Collection[str] = ()) -> Place:
        """A letter for each axis; an axis of size 1 has the place 0."""
        place: list[Tree] = []
        used = set(taken)
        for size in shape:
            index = ZERO if size == ONE else self.letter(size, used)
            if isinstance(index, Index):
                used.add(index.name)
            place.append(index)
        return tuple(place)


def _all_letters() -> Iterator[str]:
    """The letters in the order they are taken, and then numbered ones."""
    yield from POOL
    for number in range(1, 1000):
        yield from (f"{letter}{number}" for letter in POOL)


def letters_in(*trees: Tree) -> set[str]:
    """Every letter that stands in a tree, bound ones too."""
    found: set[str] = set()
    for tree in trees:
        for node in walk(tree):
            if isinstance(node, Index):
                found.add(node.name)
            elif isinstance(node, Over):
                found.update(index.name for index in node.indices)
    return found


def relettered(tree: Tree, places: Mapping[str, Tree]) -> Tree:
    """The tree with other places for some of its letters; a bound letter may only become another letter."""
    match tree:
        case Index(name):
            return places.get(name, tree)
        case Over(operation, indices, body):
            bound = tuple(new if isinstance(new := places.get(index.name, index), Index) else index for index in indices)
            return Over(operation, bound, relettered(body, places))
        case Name() | Number() | Size() | Partial():
            return tree
    return rebuild(tree, lambda part: relettered(part, places))


def apart(tree: Tree, taken: Collection[str], space: Space) -> Tree:
    """The tree with another letter for every bound one that is taken outside its sum, so that no letter says two things."""
    match tree:
        case Over(operation, indices, body):
            used = {*taken, *letters_in(tree)}
            into: dict[str, Index] = {}
            for index in indices:
                if index.name in taken:
                    into[index.name] = space.letter(index.size, used)
                    used.add(into[index.name].name)
            bound = tuple(into.get(index.name, index) for index in indices)
            return Over(operation, bound, apart(relettered(body, into), {*taken, *(index.name for index in bound)}, space))
        case Name() | Number() | Size() | Partial() | Index():
            return tree
    return rebuild(tree, lambda part: apart(part, taken, space))


def component(tree: Tree, at: Place, space: Space, taken: Collection[str] = (), opened: bool = True) -> Tree:
    """The entry of a formula at a place, in entries of the names it mentions.

    `taken` are letters a sum inside may not use.  The loss of a pair of entries is written out, or not `opened`, so that its slope
    is the one its row teaches.

    >>> m, d, n = Size("m"), Size("d"), Size("N")
    >>> space = Space({"W": (m, d), "X": (d, n)})
    >>> entry = component(MatrixProduct(Name("W"), Name("X")), space.place((m, n)), space)
    >>> entry.indices[0].name, [factor.at[0].name for factor in entry.body.factors]
    ('j', ['i', 'j'])
    """
    return _Components(space, opened).entry(tree, at, {*taken, *letters_in(*at)})


class _Components:
    def __init__(self, space: Space, opened: bool) -> None:
        self.space, self.opened = space, opened

    def shape(self, tree: Tree) -> Shape:
        return shape_of(tree, self.space.shapes)

    def entry(self, tree: Tree, at: Place, taken: set[str]) -> Tree:
        match tree:
            case Number() | Size():
                return tree
            case Name() | Partial() | Indexed():
                return self.leaf(tree, at)
            case Shaped(body):
                return self.entry(body, at, taken)
            case Rule(indices, body):
                return self.ruled(indices, body, at, taken)
            case Transpose(body):
                return self.entry(body, at[1:] if len(self.shape(body)) == 1 else at[::-1], taken)
            case MatrixProduct(left, right):
                return self.product(left, right, at, taken)
            case Einsum():
                return self.einsum(tree, at, taken)
            case Over():
                summed = apart(tree, taken, self.space)
                assert isinstance(summed, Over)
                within = taken | {index.name for index in summed.indices}
                return rebuild(summed, lambda part: self.part(part, at, within))
            case Call():
                return self.call(tree, at, taken)
            case Elementwise(factors):
                return Product(tuple(self.part(factor, at, taken) for factor in factors), tight=True)
        return rebuild(tree, lambda part: self.part(part, at, taken))

    def part(self, tree: Tree, at: Place, taken: set[str]) -> Tree:
        """The entry of an array that may be stretched to a larger one: aligned at the last axis, an axis of size 1 stays at 0."""
        shape = self.shape(tree)
        aligned = at[len(at) - len(shape) :]
        return self.entry(tree, tuple(ZERO if size == ONE else a for size, a in zip(shape, aligned, strict=True)), taken)

    def leaf(self, tree: Tree, at: Place) -> Tree:
        if isinstance(tree, Indexed):
            return Indexed(tree.base, (*tree.at, *at), tree.upper) if at else tree
        if not at:
            return tree
        upper = len(self.space.shapes.get(tree.of, ())) if isinstance(tree, Partial) else 0
        return Indexed(tree, at, upper)

    def ruled(self, indices: tuple[Tree, ...], body: Tree, at: Place, taken: set[str]) -> Tree:
        """An index equation at a place: its letters become that place, and its bound letters make way."""
        places: dict[str, Tree] = {index.name: place for index, place in zip(indices, at, strict=True) if isinstance(index, Index)}
        used = taken | letters_in(*at)
        for node in walk(body):
            if isinstance(node, Over):
                for index in node.indices:
                    if index.name in used:
                        places[index.name] = self.space.letter(index.size, used)
                    used.add(index.name)
                    new = places.get(index.name)
                    if isinstance(new, Index):
                        used.add(new.name)
        return relettered(body, places)

    def bound(self, size: Tree, taken: set[str]) -> Index:
        index = self.space.letter(size, taken)
        taken.add(index.name)
        return index

    def product(self, left: Tree, right: Tree, at: Place, taken: set[str]) -> Tree:
        taken = set(taken)
        one, other = self.shape(left), self.shape(right)
        if len(one) == 1 and len(other) == 2 and other[0] == ONE:  # a vector times a row
            return Product((self.entry(left, at[:1], taken), self.entry(right, (ZERO, at[1]), taken)), tight=True)
        first: tuple[Tree | None, ...]
        second: tuple[Tree | None, ...]
        if len(other) == 1:
            rows = (ZERO,) if len(one) == 2 and one[0] == ONE else at
            first, second = (*rows, None), (None,)
        elif len(one) == 1:
            first, second = (None,), (*at[:-1], None, at[-1])
        else:
            first = (*self.stretched(at[:-2], one[:-2]), at[-2], None)
            second = (*self.stretched(at[:-2], other[:-2]), None, at[-1])
        inner = ZERO if one[-1] == ONE else self.bound(one[-1], taken)
        filled = [tuple(inner if a is None else a for a in places) for places in (first, second)]
        body = Product((self.entry(left, filled[0], taken), self.entry(right, filled[1], taken)), tight=True)
        return Over("sum", (inner,), body) if isinstance(inner, Index) else body

    @staticmethod
    def stretched(at: Place, shape: Shape) -> Place:
        aligned = at[len(at) - len(shape) :]
        return tuple(ZERO if size == ONE else a for size, a in zip(shape, aligned, strict=True))

    def einsum(self, call: Einsum, at: Place, taken: set[str]) -> Tree:
        taken = set(taken)
        operands, kept = einsum_letters(call)
        sizes = einsum_sizes(call, self.space.shapes)
        place: dict[str, Tree] = dict(zip(kept, at, strict=True))
        summed: list[Index] = []
        for letter, size in sizes.items():
            if letter not in place:
                place[letter] = index = self.bound(size, taken)
                summed.append(index)
        factors = [
            self.entry(operand, tuple(place[letter] for letter in letters), taken)
            for letters, operand in zip(operands, call.operands, strict=True)
        ]
        body = multiply(*factors, tight=True)
        return Over("sum", tuple(summed), body) if summed else body

    def call(self, call: Call, at: Place, taken: set[str]) -> Tree:
        name, arguments = call.function, call.arguments
        if name == "ones":
            return ONE
        if name == "diag":
            return Product((Delta(at[0], at[1]), self.entry(arguments[0], at[:1], taken)), tight=True)
        if name == "loss_of":
            return call
        if reduces(call, self.space.shapes):
            return self.reduction(call, at, taken)
        if name == "softmax" and self.shape(arguments[0]):
            axis = axis_of(call, len(at)) or 0
            size = self.shape(arguments[0])[axis]
            index = ZERO if size == ONE else self.bound(size, taken := set(taken))
            other = (*at[:axis], index, *at[axis + 1 :])
            top, below = (Call("exp", (self.entry(arguments[0], place, taken),)) for place in (at, other))
            return Quotient(top, Over("sum", (index,), below) if isinstance(index, Index) else below)
        if OPS[name].listed and any(map(self.shape, arguments)):
            return self.listed(call, taken)
        return rebuild(call, lambda part: self.part(part, at, taken))

    def reduction(self, call: Call, at: Place, taken: set[str]) -> Tree:
        taken = set(taken)
        shape = self.shape(call.arguments[0])
        axis = axis_of(call, len(shape))
        kept = at[:axis] + at[axis + 1 :] if axis is not None and len(call.arguments) > 2 else at
        summed = range(len(shape)) if axis is None else (axis,)
        rest = iter(kept)
        place: list[Tree] = []
        indices: list[Index] = []
        for number, size in enumerate(shape):
            if number not in summed:
                place.append(next(rest))
            elif size == ONE:
                place.append(ZERO)
            else:
                indices.append(self.bound(size, taken))
                place.append(indices[-1])
        body = self.entry(call.arguments[0], tuple(place), taken)
        if not indices:
            return body
        if call.function == "mean":
            return Product((Quotient(ONE, multiply(*(i.size for i in indices))), Over("sum", tuple(indices), body)), tight=True)
        if call.function == "max":  # one letter at a time, since the place of the largest is one letter
            for index in reversed(indices):
                body = Over("max", (index,), body)
            return body
        return Over(call.function, tuple(indices), body)

    def listed(self, call: Call, taken: set[str]) -> Tree:
        """A loss of whole arrays: the loss of each pair of entries, added up, or averaged where its row says so."""
        taken = set(taken)
        shapes = [self.shape(argument) for argument in call.arguments]
        longest = max(shapes, key=len)
        place = self.space.place(longest, taken)
        taken |= letters_in(*place)
        op = OPS[call.function]
        pair = tuple(self.part(argument, place, taken) for argument in call.arguments)
        assert op.formula is not None
        term = op.formula(pair, 0) if self.opened else Call(call.function, pair)
        indices = tuple(index for index in place if isinstance(index, Index))
        body: Tree = Over("sum", indices, term) if indices else term
        if op.averaged and indices:
            return Product((Quotient(ONE, multiply(*(i.size for i in indices))), body), tight=True)
        return body
