"""An index form recognised as matrices: sums over a letter two arrays share become products, the rest acts entry by entry.

Owns `recognise`.  What is not recognised stays in index form; nothing is guessed, and every answer is judged.  Arrays act on each
other as NumPy has it.  May import: errors, written, tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.errors import FormulaError
from derive.tensors.components import Place, Space, letters_in
from derive.tensors.shapes import Shape, shape_of
from derive.written import (
    ONE,
    ZERO,
    Call,
    Delta,
    Elementwise,
    Index,
    Indexed,
    MatrixProduct,
    Name,
    Negative,
    Number,
    Over,
    Partial,
    Power,
    Product,
    Quotient,
    Size,
    Sum,
    Transpose,
    Tree,
    multiply,
    rebuild,
    walk,
)


@dataclass(frozen=True)
class Part:
    """An array and the letter of each of its axes; an axis of size 1 has the letter ""."""

    tree: Tree
    axes: tuple[str, ...]

    @property
    def letters(self) -> frozenset[str]:
        """Its letters, in no order."""
        return frozenset(self.axes) - {""}


class _UnknownFormError(Exception):
    """No matrix form is known for this."""


def recognise(tree: Tree, place: Place, space: Space) -> Tree | None:
    """The array whose entry at `place` is `tree`, as a formula of matrices, or None.

    >>> i, j, n = (Index(letter, Size(size)) for letter, size in ("im", "jd", "nN"))
    >>> G, X = Indexed(Name("G"), (i, n)), Indexed(Name("X"), (j, n))
    >>> space = Space({"G": (Size("m"), Size("N")), "X": (Size("d"), Size("N"))})
    >>> recognise(Over("sum", (n,), Product((G, X))), (i, j), space)
    MatrixProduct(left=Name(name='G'), right=Transpose(body=Name(name='X')))
    """
    sliced = _slices(tree, place, space)
    axes = tuple(a.name if isinstance(a, Index) else "" for a in place if a not in sliced)
    if not axes or len(axes) > 2 or any(not isinstance(a, Index) and a != ZERO for a in place):
        return None
    lifter = _Lifter(space, tuple(index.name for index in sliced), axes)
    lifter.sizes |= {a.name: a.size for a in place if isinstance(a, Index)}
    try:
        found = lifter.fitted(lifter.lift(tree), axes)
        shape = [size for size in shape_of(found, space.shapes) if size != ONE]
    except (_UnknownFormError, FormulaError):
        return None
    wanted = [lifter.sizes[axis] for axis in axes if axis]
    return found if shape == wanted[len(wanted) - len(shape) :] else None


def _slices(tree: Tree, place: Place, space: Space) -> list[Index]:
    """The letters that pick slices rather than stand for an axis: those of time steps, heads and channels.

    A letter is one if it stands, shifted or not, at the first axis wherever it stands, and somewhere shifted or on an array of more
    than two axes.
    """
    entries = [node for node in walk(tree) if isinstance(node, Indexed)]
    found: list[Index] = []
    letters = {index.name: index for node in walk(tree) for index in _letters_of(node)}
    letters |= {a.name: a for a in place if isinstance(a, Index)}
    ranks = [(node, len([a for a in node.at if a != ZERO])) for node in entries]
    for name, index in letters.items():
        where = [(node, k) for node in entries for k, a in enumerate(node.at) if name in letters_in(a)]
        first = all(k == node.upper for node, k in where) and (index not in place or place[0] == index)
        high = any(
            rank > 2 or not isinstance(node.at[k], Index)
            for (node, rank) in ranks
            for k, a in enumerate(node.at)
            if name in letters_in(a)
        )
        if first and where and (high or len(place) > 2):
            found.append(index)
    return found


def _letters_of(node: Tree) -> tuple[Index, ...]:
    if isinstance(node, Index):
        return (node,)
    return node.indices if isinstance(node, Over) else ()


class _Lifter:
    def __init__(self, space: Space, sliced: tuple[str, ...], wanted: tuple[str, ...]) -> None:
        self.space, self.sliced, self.wanted = space, frozenset(sliced), wanted
        self.sizes: dict[str, Tree] = {}

    # --- from entries to arrays ---------------------------------------------------------------------------------------

    def lift(self, tree: Tree) -> Part:
        match tree:
            case Number() | Size() | Name() | Partial():
                return Part(tree, ())
            case Indexed():
                return self.entry(tree)
            case Product(factors):
                return self.product(factors, ())
            case Over("sum", indices, body):
                return self.summed(indices, body)
            case Negative(body):
                part = self.lift(body)
                return Part(Negative(part.tree), part.axes)
            case Quotient(top, bottom):
                return self.quotient(top, bottom)
            case Sum(terms):
                return self.together(tree, [self.lift(term) for term in terms])
            case Power(base, exponent):
                part, by = self.lift(base), self.lift(exponent)
                if by.axes:
                    raise _UnknownFormError
                return Part(Power(part.tree, by.tree), part.axes)
            case Call(function, arguments) if function not in ("loss_of",):
                parts = [self.lift(argument) for argument in arguments]
                return self.together(tree, parts) if parts else Part(tree, ())
            case Delta():
                return self.product((tree,), ())
        raise _UnknownFormError

    def entry(self, tree: Indexed) -> Part:
        fixed: list[Tree] = []
        axes: list[str] = []
        for size, a in zip(self.shape(tree), tree.at, strict=True):
            if letters_in(a) & self.sliced:
                fixed.append(a)
                if axes:
                    raise _UnknownFormError
            elif isinstance(a, Index) and a.size == size:
                axes.append(a.name)
                self.sizes[a.name] = a.size
            elif a == ZERO and size == ONE:
                axes.append("")
            else:
                raise _UnknownFormError
        if len(axes) > 2 or len(set(axes) - {""}) != len([a for a in axes if a]):
            raise _UnknownFormError
        if tree.upper and not fixed:
            raise _UnknownFormError  # a derivative of an array by an array has no matrix of its own
        return Part(Indexed(tree.base, tuple(fixed), tree.upper) if fixed else tree.base, tuple(axes))

    def shape(self, tree: Indexed) -> Shape:
        return shape_of(tree.base, self.space.shapes)

    def together(self, tree: Tree, parts: Sequence[Part]) -> Part:
        """A sum or a function of arrays, entry by entry."""
        axes = self.common([part.axes for part in parts])
        fitted = iter([self.stretched(part, axes, isinstance(tree, Sum)) for part in parts])

        def next_part(original: Tree) -> Tree:
            return next(fitted)

        if isinstance(tree, Sum):
            return Part(Sum(tuple(next_part(term) for term in tree.terms)), axes)
        assert isinstance(tree, Call)
        return Part(Call(tree.function, tuple(next_part(a) for a in tree.arguments), tree.part), axes)

    def common(self, axes: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        """The axes of arrays that act on each other, in the order wanted where that says one."""
        letters = dict.fromkeys(letter for some in axes for letter in some if letter)
        if len(letters) > 2:
            raise _UnknownFormError
        longest = max(axes, key=lambda some: (len([a for a in some if a]), len(some)))
        if set(letters) == set(self.wanted) - {""} and len(letters) == 2:
            return tuple(a for a in self.wanted if a)
        if len(letters) > len([a for a in longest if a]):
            return tuple(letters)
        return longest

    def stretched(self, part: Part, axes: tuple[str, ...], adding: bool) -> Tree:
        """The array with the axes of a larger one, where NumPy would stretch it; else a product with ones."""
        if part.axes == axes or not part.letters:
            return part.tree
        if part.letters == frozenset(axes) - {""} and len(part.axes) == len(axes):
            return self.turned(part.tree)
        if len(axes) == 2 and len(part.letters) == 1:
            (letter,) = part.letters
            if part.axes == (letter, "") and letter == axes[0]:
                return part.tree
            if letter == axes[1] and part.axes in ((letter,), ("", letter)):
                return self.row(part.tree) if len(part.axes) == 1 else part.tree
            if part.axes == (letter, "") and letter == axes[1]:
                return self.turned(part.tree)
            if part.axes == ("", letter) and letter == axes[0]:
                return self.turned(part.tree)
            if adding:
                return self.repeated(part.tree, axes[1])
        raise _UnknownFormError

    def repeated(self, vector: Tree, letter: str) -> Tree:
        """A column repeated along an axis: its product with a row of ones; a minus and numbers stay in front."""
        match vector:
            case Negative(body):
                return Negative(self.repeated(body, letter))
            case Product(factors, tight):
                *lead, last = factors
                return Product((*lead, self.repeated(last, letter)), tight)
        return MatrixProduct(vector, Transpose(self.ones(letter)))

    def ones(self, letter: str) -> Tree:
        if not letter:
            raise _UnknownFormError
        return Call("ones", (self.sizes[letter],))

    def quotient(self, top: Tree, bottom: Tree) -> Part:
        above, below = self.lift(top), self.lift(bottom)
        if not below.axes:
            if above.axes and below.tree != ONE:
                return Part(multiply(Quotient(ONE, below.tree), above.tree, tight=True), above.axes)
            return Part(Quotient(above.tree, below.tree), above.axes)
        if not above.axes:
            return Part(Quotient(above.tree, below.tree), below.axes)
        if below.letters <= above.letters:
            try:
                return Part(Quotient(above.tree, self.stretched(below, above.axes, adding=False)), above.axes)
            except _UnknownFormError:
                pass
        return self.multiplied([above, Part(Quotient(ONE, below.tree), below.axes)])

    # --- products and sums --------------------------------------------------------------------------------------------

    def summed(self, indices: tuple[Index, ...], body: Tree) -> Part:
        for index in indices:
            self.sizes[index.name] = index.size
        outer = tuple(index for index in indices if index.name in self.sliced)
        inner = tuple(index.name for index in indices if index.name not in self.sliced)
        match body:
            case Product(factors):
                part = self.product(factors, inner)
            case Quotient(top, bottom):
                part = self.product((top, Quotient(ONE, bottom)), inner)
            case _:
                part = self.product((body,), inner)
        return Part(Over("sum", outer, part.tree), part.axes) if outer else part

    def product(self, factors: Sequence[Tree], bound: tuple[str, ...]) -> Part:
        parts: list[Part] = []
        deltas = [factor for factor in factors if isinstance(factor, Delta)]
        for factor in factors:
            if isinstance(factor, Product):
                parts += [self.lift(inner) for inner in factor.factors]
            elif not isinstance(factor, Delta):
                parts.append(self.lift(factor))
        for delta in deltas:
            parts = self.on_diagonal(delta, parts)
        scalars = [part.tree for part in parts if not part.axes]
        arrays = self.contracted([part for part in parts if part.axes], bound)
        if not arrays:
            return Part(multiply(*scalars, tight=True), ())
        result = self.multiplied(arrays)
        body = result.tree.factors if isinstance(result.tree, Product) else (result.tree,)
        return Part(multiply(*scalars, *body, tight=True) if scalars else result.tree, result.axes)

    def on_diagonal(self, delta: Delta, parts: list[Part]) -> list[Part]:
        """δ_ij with what has one of its letters only: a diagonal matrix."""
        match delta:
            case Delta(Index(i, size), Index(j)):
                self.sizes[i] = self.sizes[j] = size
                vectors = [part for part in parts if part.axes in ((i,), (j,))]
                rest = [part for part in parts if part not in vectors]
                trees = [part.tree for part in vectors]
                inner = trees[0] if len(trees) == 1 else Elementwise(tuple(trees)) if trees else self.ones(i)
                return [*rest, Part(Call("diag", (inner,)), (i, j))]
        raise _UnknownFormError

    def contracted(self, parts: list[Part], bound: tuple[str, ...]) -> list[Part]:
        parts = self.merged(parts)
        left = list(bound)
        while left:
            letter = min(left, key=lambda name: sum(name in part.axes for part in parts))
            left.remove(letter)
            mine = [part for part in parts if letter in part.axes]
            at = min(parts.index(part) for part in mine)
            others = [part for part in parts if part not in mine]
            others.insert(min(at, len(others)), self.contraction(mine, letter))
            parts = self.merged(others)
        return parts

    def merged(self, parts: Sequence[Part]) -> list[Part]:
        """Arrays with the same letters multiplied entry by entry."""
        groups: dict[frozenset[str], Part] = {}
        scalars = [part for part in parts if not part.axes]
        for part in parts:
            if not part.axes:
                continue
            before = groups.get(part.letters)
            if before is None:
                groups[part.letters] = part
                continue
            axes = before.axes if len(before.axes) >= len(part.axes) else part.axes
            both = [self.stretched(p, axes, adding=False) for p in (before, part)]
            groups[part.letters] = Part(self.elementwise(*both), axes)
        return [*scalars, *groups.values()]

    def contraction(self, parts: Sequence[Part], letter: str) -> Part:
        """The sum over a letter of a product of arrays."""
        matrices = [part for part in parts if len(part.letters) == 2]
        vectors = [part for part in parts if len(part.letters) == 1]
        columns = [part for part in vectors if "" in part.axes]
        vectors = [part for part in vectors if "" not in part.axes]
        if len(matrices) == len(columns) == 1 and not vectors:
            (matrix,), (column,) = matrices, columns
            left = matrix.tree if matrix.axes[1] == letter else self.turned(matrix.tree)
            right = column.tree if column.axes[0] == letter else self.turned(column.tree)
            return Part(MatrixProduct(left, right), (next(a for a in matrix.axes if a != letter), ""))
        if columns:  # a column or row is stretched over the first array it fits
            if not matrices:
                raise _UnknownFormError
            trees = [self.stretched(part, matrices[0].axes, adding=False) for part in columns]
            matrices[0] = Part(self.elementwise(matrices[0].tree, *trees), matrices[0].axes)
        match matrices, vectors:
            case [], [vector]:
                return Part(self.inner(vector.tree, letter), ())
            case [matrix], []:
                return self.times_vector(matrix, self.ones(letter), letter)
            case [matrix], [vector]:
                return self.times_vector(matrix, vector.tree, letter)
            case [first, second], _ if len(vectors) < 2:
                if self.goes_second(first, letter):
                    first, second = second, first
                left = first.tree if first.axes[1] == letter else self.turned(first.tree)
                right = second.tree if second.axes[0] == letter else self.turned(second.tree)
                if vectors:
                    left = MatrixProduct(left, Call("diag", (vectors[0].tree,)))
                axes = tuple(next(a for a in part.axes if a != letter) for part in (first, second))
                if axes[0] == axes[1]:
                    raise _UnknownFormError
                return Part(MatrixProduct(left, right), axes)
        raise _UnknownFormError

    def inner(self, vector: Tree, letter: str) -> Tree:
        """The sum of a vector's entries: an inner product where it is a product of two, else with ones."""
        if isinstance(vector, Elementwise) and len(vector.factors) == 2:
            return MatrixProduct(Transpose(vector.factors[0]), vector.factors[1])
        return MatrixProduct(Transpose(self.ones(letter)), vector)

    def times_vector(self, matrix: Part, vector: Tree, letter: str) -> Part:
        first = matrix.axes[0] == letter
        other = next(a for a in matrix.axes if a != letter)
        if other == "":
            raise _UnknownFormError
        return Part(MatrixProduct(self.turned(matrix.tree) if first else matrix.tree, vector), (other,))

    def goes_second(self, part: Part, letter: str) -> bool:
        """Whether the other axis of this factor is the last one wanted."""
        other = next(a for a in part.axes if a != letter)
        return other in self.wanted and self.wanted.index(other) == 1

    def multiplied(self, parts: Sequence[Part]) -> Part:
        """A product of arrays with different letters: stretched as NumPy does it, or an outer product, or a diagonal matrix."""
        parts = self.merged(parts)
        scalars = [part.tree for part in parts if not part.axes]
        arrays = [part for part in parts if part.axes]
        if len(arrays) == 1:
            return Part(multiply(*scalars, arrays[0].tree, tight=True), arrays[0].axes)
        matrices = [part for part in arrays if len(part.letters) == 2]
        vectors = [part for part in arrays if len(part.letters) == 1]
        if len(matrices) + len(vectors) < len(arrays):
            raise _UnknownFormError  # an array whose axes all have size 1 among others
        if not matrices and len(vectors) == 2:
            first, second = vectors
            wanted = tuple(a for a in self.wanted if a)
            if wanted and second.letters == {wanted[0]}:
                first, second = second, first
            column = self.turned(first.tree) if first.axes[0] == "" else first.tree
            row = second.tree if second.axes[0] == "" else self.turned(second.tree)
            axes = (*first.letters, *second.letters)
            return Part(multiply(*scalars, MatrixProduct(column, row), tight=True), axes)
        if len(matrices) != 1:
            raise _UnknownFormError
        (matrix,) = matrices
        axes = tuple(a for a in self.wanted if a) if matrix.letters == frozenset(self.wanted) - {""} else matrix.axes
        tree = matrix.tree if matrix.axes == axes else self.turned(matrix.tree)
        for vector in vectors:
            try:
                tree = self.elementwise(tree, self.stretched(vector, axes, adding=False))
            except _UnknownFormError:
                if vector.axes != (axes[0],):
                    raise
                tree = MatrixProduct(Call("diag", (vector.tree,)), tree)
        return Part(multiply(*scalars, tree, tight=True), axes)

    # --- the whole ----------------------------------------------------------------------------------------------------

    def fitted(self, part: Part, axes: tuple[str, ...]) -> Tree:
        """The array with exactly the axes asked for."""
        if part.axes == axes:
            return part.tree
        if not part.axes and part.tree != ZERO:
            return multiply(part.tree, self.ones_along(axes), tight=True)
        if part.letters == frozenset(axes) - {""}:
            if len(part.axes) == len(axes) == 2:
                return self.turned(part.tree)
            if len(part.letters) == 1 and len(part.axes) == 1:
                return part.tree if axes[-1] == "" else self.turned(part.tree)  # a vector is a column on paper
        if len(part.axes) == 1 and len(axes) == 2 and part.letters < frozenset(axes):
            if part.axes[0] == axes[0]:
                return self.repeated(part.tree, axes[1])
            return MatrixProduct(
                self.ones(axes[0]), self.row(part.tree) if isinstance(part.tree, MatrixProduct) else Transpose(part.tree)
            )
        raise _UnknownFormError

    def ones_along(self, axes: tuple[str, ...]) -> Tree:
        """An array of ones: a vector, a row, or 1 1ᵀ."""
        vectors = [self.ones(axis) for axis in axes if axis]
        if not vectors:
            raise _UnknownFormError
        if len(vectors) == 2:
            return MatrixProduct(vectors[0], Transpose(vectors[1]))
        return Transpose(vectors[0]) if axes[0] == "" else vectors[0]

    def elementwise(self, *trees: Tree) -> Tree:
        """The product entry by entry; products among the factors are opened, numbers stay in front."""
        lead: list[Tree] = []
        flat: list[Tree] = []
        for tree in trees:
            factors = tree.factors if isinstance(tree, Product) else (tree,)
            lead += [factor for factor in factors if self.is_number(factor)]
            for factor in factors:
                if not self.is_number(factor):
                    flat += factor.factors if isinstance(factor, Elementwise) else (factor,)
        return multiply(*lead, Elementwise(tuple(flat)) if len(flat) > 1 else flat[0], tight=True)

    def is_number(self, tree: Tree) -> bool:
        return shape_of(tree, self.space.shapes) == ()

    def row(self, tree: Tree) -> Tree:
        """A vector that was made by a product, as a row: Gᵀ1 is written 1ᵀG; any other NumPy stretches by itself."""
        match tree:
            case MatrixProduct():
                return self.turned(tree)
            case Negative() | Product():
                return rebuild(tree, self.row)
        return tree

    def turned(self, tree: Tree) -> Tree:
        """The transpose, written as deep inside as it goes: (A Bᵀ)ᵀ is B Aᵀ."""
        if self.is_number(tree):
            return tree
        match tree:
            case Transpose(body):
                return body
            case MatrixProduct(left, right):
                return MatrixProduct(self.turned(right), self.turned(left))
            case Negative() | Product():
                return rebuild(tree, self.turned)
            case Call("diag"):
                return tree
        return Transpose(tree)


def factors_of(tree: Tree) -> tuple[Tree, ...]:
    """The factors of a product of matrices, left to right."""
    return (*factors_of(tree.left), *factors_of(tree.right)) if isinstance(tree, MatrixProduct) else (tree,)
