"""Formulas in index form computed over whole arrays, in double precision.

Owns `Arithmetic`.  A formula becomes an array with an axis for each of its letters.  Torch is imported when something is computed.
May import: errors, written, tables.ops, tensors.shapes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from derive.errors import LimitError
from derive.tables.ops import OPS
from derive.tensors.shapes import size_value
from derive.written import (
    Call,
    Delta,
    Elementwise,
    Index,
    Indexed,
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
    Tree,
    Within,
)

if TYPE_CHECKING:
    from torch import Tensor

MOST_AT_ONCE = 60_000_000
"""Entries of one array on the way."""

Grid = tuple[tuple[str, ...], Any]
"""An array, and the letter of each of its axes."""


class Arithmetic:
    """Values of quantities, `arrays`, and of derivatives, at sizes that are numbers."""

    def __init__(self, sizes: Mapping[str, int], arrays: Mapping[Tree, Tensor]) -> None:
        self.sizes, self.arrays = sizes, dict(arrays)

    def entries(self, tree: Tree, at: Sequence[Tree]) -> Tensor:
        """A formula at every place its letters can have, an axis for each of them in their order; 0 is an axis of length 1."""
        import torch

        letters = [index.name for index in at if isinstance(index, Index)]
        lengths = [self.length(index.size) if isinstance(index, Index) else 1 for index in at]
        names, found = self.grid(tree)
        full = self.aligned((names, found), letters)
        whole = torch.broadcast_to(full, [self.length(index.size) for index in at if isinstance(index, Index)])
        result: Tensor = whole.reshape(lengths)
        return result

    def length(self, size: Tree) -> int:
        """The length of an axis."""
        found = size_value(size, self.sizes)
        assert found is not None
        return found

    def grid(self, tree: Tree) -> Grid:
        """A formula as an array with an axis for each letter."""
        import torch

        match tree:
            case Number():
                return (), torch.tensor(float(tree.value), dtype=torch.float64)
            case Size():
                return (), torch.tensor(float(self.length(tree)), dtype=torch.float64)
            case Index(name, size):
                return (name,), torch.arange(self.length(size), dtype=torch.float64)
            case Name() | Partial():
                return (), self.arrays[self.key(tree)]
            case Indexed(base, at):
                return self.picked(self.arrays[self.key(base)], at)
            case Sum(parts):
                return self.together(list(map(self.grid, parts)), lambda terms: sum(terms[1:], terms[0]))
            case Negative(body):
                names, inner = self.grid(body)
                return names, -inner
            case Product(factors) | Elementwise(factors):
                return self.multiplied(list(map(self.grid, factors)), None)
            case Quotient(top, bottom):
                return self.together([self.grid(top), self.grid(bottom)], lambda pair: pair[0] / pair[1])
            case Power(base, Number() as exponent):
                names, inner = self.grid(base)
                return names, inner ** float(exponent.value)
            case Power(base, exponent):
                return self.together([self.grid(base), self.grid(exponent)], lambda pair: pair[0] ** pair[1])
            case Delta(left, right):
                return self.together([self.grid(left), self.grid(right)], lambda pair: (pair[0] == pair[1]).double())
            case Within(place, size):
                names, inner = self.grid(place)
                return names, ((inner >= 0) & (inner < self.length(size))).double()
            case Over(operation, indices, body):
                return self.gathered(operation, indices, body)
            case Call(function, arguments):
                return self.called(function, arguments)
        raise TypeError(f"a {type(tree).__name__} is not computed here")

    @staticmethod
    def key(tree: Tree) -> Tree:
        """A derivative whether or not it is an error signal."""
        return Partial(tree.of, tree.wrt, tree.direct) if isinstance(tree, Partial) else tree

    # --- letters ----------------------------------------------------------------------------------------------------------

    @staticmethod
    def aligned(grid: Grid, letters: Sequence[str]) -> Any:
        """The array with axes for these letters, of length 1 where it has none."""
        names, array = grid
        order = [names.index(letter) for letter in letters if letter in names]
        shape = iter(array.permute(order).shape)
        return array.permute(order).reshape([next(shape) if letter in names else 1 for letter in letters])

    def together(self, grids: Sequence[Grid], join: Any) -> Grid:
        """Arrays joined entry by entry."""
        letters = tuple(dict.fromkeys(letter for names, _ in grids for letter in names))
        self.check(grids, letters)
        return letters, join([self.aligned(grid, letters) for grid in grids])

    @staticmethod
    def check(grids: Sequence[Grid], letters: Sequence[str]) -> None:
        """Refuse an array that is too large to make.  Raises LimitError."""
        lengths = {name: length for names, array in grids for name, length in zip(names, array.shape, strict=True)}
        if prod(lengths[letter] for letter in letters) > MOST_AT_ONCE:
            raise LimitError(
                f"the model is too large to compare: an array of more than {MOST_AT_ONCE:,} entries; use a smaller example"
            )

    def multiplied(self, grids: Sequence[Grid], kept: Sequence[str] | None) -> Grid:
        """A product, summed over the letters that are not `kept`."""
        import torch

        letters = tuple(dict.fromkeys(letter for names, _ in grids for letter in names))
        kept = letters if kept is None else tuple(letter for letter in letters if letter in kept)
        self.check(grids, kept)
        number = {letter: k for k, letter in enumerate(letters)}
        operands: list[Any] = []
        for names, array in grids:
            operands += [array, [number[letter] for letter in names]]
        return kept, torch.einsum(*operands, [number[letter] for letter in kept])

    # --- entries ------------------------------------------------------------------------------------------------------------

    def picked(self, array: Tensor, at: Sequence[Tree]) -> Grid:
        """Entries at places that letters say, 0 outside."""
        import torch

        if not at:
            return (), array
        plain = [index.name for index in at if isinstance(index, Index)]
        if len(plain) == len(at) == len(set(plain)) and [self.length(i.size) for i in at if isinstance(i, Index)] == list(
            array.shape
        ):
            return tuple(plain), array
        grids = [self.grid(place) for place in at]
        letters = tuple(dict.fromkeys(letter for names, _ in grids for letter in names))
        self.check(grids, letters)
        places = [self.aligned(grid, letters).round().long() for grid in grids]
        inside = None
        for place, length in zip(places, array.shape, strict=True):
            ok = (place >= 0) & (place < length)
            inside = ok if inside is None else inside & ok
        held = [place.clamp(0, length - 1) for place, length in zip(places, array.shape, strict=True)]
        found = array[tuple(torch.broadcast_tensors(*held))]
        return letters, found * inside

    def gathered(self, operation: str, indices: Sequence[Index], body: Tree) -> Grid:
        """A sum over letters, the largest, or the place of the largest."""
        import torch

        bound = [index.name for index in indices]
        if operation == "sum":
            factors = body.factors if isinstance(body, Product | Elementwise) else (body,)
            grids = list(map(self.grid, factors))
            used = {letter for names, _ in grids for letter in names}
            times = prod(self.length(index.size) for index in indices if index.name not in used)
            letters, total = self.multiplied(grids, [letter for letter in used if letter not in bound])
            return letters, total * times
        names, array = self.grid(body)
        (index,) = indices
        rest = [name for name in names if name not in bound]
        full = self.aligned((names, array), [*rest, index.name])
        full = full.expand([*full.shape[:-1], self.length(index.size)])
        top = full.amax(-1)
        if operation == "max":
            return tuple(rest), top
        place = torch.arange(full.shape[-1], dtype=torch.float64)
        first = torch.where(full == top.unsqueeze(-1), place, torch.tensor(float("inf"), dtype=torch.float64)).amin(-1)
        return tuple(rest), first

    def called(self, function: str, arguments: Sequence[Tree]) -> Grid:
        """A function entry by entry."""
        import torch

        if function in BASIC:
            return self.together(list(map(self.grid, arguments)), lambda its: getattr(torch, BASIC[function])(*its))
        if function == "pi":
            return (), torch.tensor(torch.pi, dtype=torch.float64)
        if function == "step":
            names, inner = self.grid(arguments[0])
            return names, (inner > 0).double()
        formula = OPS[function].formula
        if formula is None:
            raise TypeError(f"{function} is not computed here")
        return self.grid(formula(tuple(arguments), 0))


BASIC = {
    "exp": "exp", "log": "log", "max": "maximum", "min": "minimum", "erf": "erf", "abs": "abs", "sqrt": "sqrt", "tanh": "tanh",
    "sigmoid": "sigmoid", "relu": "relu",
}  # fmt: skip
"""Functions that torch computes itself: some so that nothing overflows on the way."""
