"""A formula of whole arrays as an expression of a library that computes with them.

Owns `WholeWriter`.  Where NumPy's shapes are not those of the page, as for a column or a row, the expression says what turns one
into the other.  May import: written, tables.ops, tensors.shapes, emission.formulas.
"""

from __future__ import annotations

from collections.abc import Callable

from derive.arithmetic import Key, key_of
from derive.emission.formulas import Vocabulary, Writer
from derive.tables.ops import OPS
from derive.tables.targets import Target
from derive.tensors.shapes import Shape, Shapes, axis_of, einsum_letters, reduces, shape_of
from derive.written import (
    ONE,
    Call,
    Einsum,
    Indexed,
    MatrixProduct,
    Name,
    Number,
    Over,
    Shaped,
    Transpose,
    Tree,
)


class WholeWriter(Writer):
    """Writes formulas over whole arrays."""

    def __init__(self, target: Target, spelled: Callable[[Key], str], used: Vocabulary, shapes: Shapes) -> None:
        super().__init__(target, spelled, used)
        self.shapes = shapes

    def shape(self, tree: Tree) -> Shape:
        """The shape of a formula."""
        return shape_of(tree, self.shapes)

    def fitted(self, tree: Tree, wanted: Shape) -> str:
        """The expression, in the shape it is wanted in: a vector is a column, an array may be stretched."""
        shape, text = self.shape(tree), self.write(tree)
        if shape == wanted:
            return text
        same = [size for size in shape if size != ONE] == [size for size in wanted if size != ONE]
        return self.called("reshape" if same else "stretch", (text, self.sizes(wanted)), None)

    def sizes(self, shape: Shape) -> str:
        """A shape."""
        lengths = [self.place(size) for size in shape]
        return f"({', '.join(lengths)}{',' * (len(lengths) == 1)})"

    def room(self, shape: Shape) -> str:
        """A shape to fill, which for a vector is its length."""
        return self.place(shape[0]) if len(shape) == 1 else self.sizes(shape)

    def lowered(self, tree: Tree) -> Tree:
        """The tree with identifiers for its leaves, and the library's own way with shapes."""
        match tree:
            case Shaped(body):
                return self.lowered(body)
            case Transpose(body):
                return self.transposed(body)
            case MatrixProduct(left, right):
                return self.product(left, right)
            case Einsum():
                before, after = einsum_letters(tree)
                letters = f'"{",".join(before)}->{after}"'
                return Call("einsum", (Name(", ".join([letters, *map(self.write, tree.operands)])),))
            case Over(_, indices, body):
                runs = " ".join(f"for {self.place(index)} in range({self.place(index.size)})" for index in indices)
                return Name(f"sum({self.write(body)} {runs})")
            case Indexed(base, at):
                key = key_of(base)
                assert key is not None
                return Name(f"{self.spelled(key)}[{', '.join(map(self.place, at))}]")
            case Call(_, arguments) if self.shape(tree) or any(map(self.shape, arguments)):
                return self.of_arrays(tree)
        return super().lowered(tree)

    def transposed(self, body: Tree) -> Tree:
        """A matrix turned over; a vector as a row."""
        rank = len(self.shape(body))
        if rank == 1:
            return Name(f"{self.atom(body)}[None, :]")
        if rank == 2:
            return Transpose(super().lowered(body) if isinstance(body, Name) else self.lowered(body))
        return Call("turned", (self.lowered(body), Name(", ".join(map(str, reversed(range(rank)))))))

    def product(self, left: Tree, right: Tree) -> Tree:
        """A product of matrices and vectors; where one is a vector turned over, an inner or an outer product."""
        one, other = self.shape(left), self.shape(right)
        if len(one) == 1 and len(other) == 2 and other[0] == ONE:
            if isinstance(right, Transpose) and len(self.shape(right.body)) == 1:
                return Call("outer", (self.lowered(left), self.lowered(right.body)))
            return Name(f"({self.atom(left)}[:, None]*{self.atom(right)})")
        if len(other) == 1 and len(one) == 2 and one[0] == ONE:
            if isinstance(left, Transpose) and len(self.shape(left.body)) == 1:
                return MatrixProduct(self.lowered(left.body), self.lowered(right))
            return Name(f"({self.atom(left)} @ {self.atom(right)})[0]")
        return MatrixProduct(self.lowered(left), self.lowered(right))

    def of_arrays(self, call: Call) -> Tree:
        """An operation on arrays: along an axis, over all of one, or entry by entry."""
        name, arguments = call.function, call.arguments
        if name == "ones":
            return Call("ones", (Name(self.room(self.shape(call))),))
        if name == "softmax":
            axis = axis_of(call, len(self.shape(arguments[0]))) or 0
            return Call("softmax", (self.lowered(arguments[0]), Number(str(axis))))
        if reduces(call, self.shapes):
            axes = axis_of(call, len(self.shape(arguments[0])))
            body = self.lowered(arguments[0])
            if axes is None:
                return Call("max over" if name == "max" else name, (body,))
            return Call(f"{name} {'kept' if len(arguments) > 2 else 'along'}", (body, Number(str(axes))))
        return super().lowered(call)

    def helper_formula(self, function: str, formula: str) -> str:
        """A loss of whole arrays is that of each pair of entries, added up or averaged."""
        op = OPS[function]
        if not op.listed:
            return formula
        return self.called("mean" if op.averaged else "sum", (formula,), None)
