"""Shapes: how many axes a quantity has and how long each is, in names or numbers.

Owns `Shape`, `shape_of` and `broadcast`.  Shapes that do not fit are refused with both of them and the place.  May import: errors,
written, tables.ops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from derive.errors import FormulaError
from derive.tables.ops import OPS
from derive.written import (
    ONE,
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
    Relation,
    Rows,
    Rule,
    Shaped,
    Size,
    Sum,
    Transpose,
    Tree,
    Within,
    children,
    walk,
)

Shape = tuple[Tree, ...]
Shapes = Mapping[str, Shape]

REDUCING = ("sum", "mean", "max")
"""Functions that put an axis, or all of them, into one number."""

ARRAY_FUNCTIONS: dict[str, str] = {
    "sum": "sum(A) or sum(A, axis)",
    "mean": "mean(A) or mean(A, axis)",
    "max": "max(A), max(A, axis) or max(a, b)",
    "softmax": "softmax(A, axis)",
    "ones": "ones(N), a vector of ones",
    "diag": "diag(v), the matrix with v on its diagonal",
    "loss_of": "loss_of(Y), some number that depends on Y",
}
"""The functions of whole arrays, each with its usage; besides, every operation of the table acts component by component."""


def spell_size(size: Tree) -> str:
    """A size as it is typed.

    >>> spell_size(Sum((Size("n"), Negative(Size("m")), ONE)))
    'n-m+1'
    """
    match size:
        case Number(text):
            return text
        case Size(name) | Name(name):
            return name
        case Sum(terms):
            text = spell_size(terms[0])
            for term in terms[1:]:
                text += f"-{spell_size(term.body)}" if isinstance(term, Negative) else f"+{spell_size(term)}"
            return text
        case Negative(body):
            return f"-{spell_size(body)}"
        case Product(factors):
            return "*".join(_bracketed(factor) for factor in factors)
        case Quotient(top, bottom):
            return f"{_bracketed(top)}/{_bracketed(bottom)}"
    raise TypeError(f"a {type(size).__name__} is no size")


def size_value(size: Tree, sizes: Mapping[str, int]) -> int | None:
    """How long an axis is; a fraction is cut to whole steps; None where a name has no number."""

    def value(tree: Tree) -> int:
        match tree:
            case Number():
                return int(Fraction(tree.text))
            case Size(name):
                return sizes[name]
            case Sum(terms):
                return sum(map(value, terms))
            case Negative(body):
                return -value(body)
            case Product(factors):
                result = 1
                for factor in factors:
                    result *= value(factor)
                return result
            case Quotient(top, bottom):
                return value(top) // value(bottom)
        raise TypeError(f"a {type(tree).__name__} is no size")

    try:
        return value(size)
    except (KeyError, ZeroDivisionError):
        return None


def check_size(tree: Tree) -> Tree:
    """The tree, if it says how long an axis is.  Raises FormulaError.

    >>> check_size(Sum((Size("n"), ONE)))
    Sum(terms=(Size(name='n'), Number(text='1')))
    """
    for node in walk(tree):
        if not (isinstance(node, Size | Sum | Negative | Product | Quotient) or (isinstance(node, Number) and node.text.isdigit())):
            raise FormulaError("a size is made of names of sizes and whole numbers, added, multiplied and divided")
    return tree


def _bracketed(size: Tree) -> str:
    text = spell_size(size)
    return f"({text})" if isinstance(size, Sum | Negative) else text


def spell_shape(shape: Shape) -> str:
    """A shape as it is written: `(m, d)`."""
    return f"({', '.join(map(spell_size, shape))})"


def broadcast(shapes: Sequence[Shape], place: str) -> Shape:
    """The shape of arrays that act component by component, as NumPy has it: aligned at the last axis, 1 fits every size.

    Raises FormulaError with the two shapes that do not fit.

    >>> spell_shape(broadcast([(Size("m"), Size("N")), (Size("m"), ONE)], "+"))
    '(m, N)'
    """
    result: Shape = ()
    for shape in shapes:
        longer, shorter = (result, shape) if len(result) >= len(shape) else (shape, result)
        padded = (ONE,) * (len(longer) - len(shorter)) + shorter
        axes = []
        for one, other in zip(longer, padded, strict=True):
            if one != other and ONE not in (one, other):
                hint = _broadcast_hint(result, shape)
                raise FormulaError(
                    f"shapes {spell_shape(result)} and {spell_shape(shape)} do not fit at '{place}': "
                    f"{spell_size(one)} is not {spell_size(other)}{hint}"
                )
            axes.append(other if one == ONE else one)
        result = tuple(axes)
    return result


def _broadcast_hint(one: Shape, other: Shape) -> str:
    """What probably was meant: a column, or the transpose."""
    for long, short in ((one, other), (other, one)):
        if len(long) == 2 and short == long[:1]:
            return f"; a column has the shape ({spell_size(short[0])}, 1)"
        if len(long) == len(short) == 2 and long == short[::-1]:
            return "; transpose one of them with .T"
    return ""


def shape_of(tree: Tree, shapes: Shapes) -> Shape:
    """The shape of a formula.  Raises FormulaError where two shapes do not fit."""
    match tree:
        case Number() | Size() | Index() | Delta() | Within() | Relation():
            return ()
        case Over(_, _, body):
            return shape_of(body, shapes)
        case Name(name):
            return shapes.get(name, ())
        case Partial(of, wrt):
            return (*shapes.get(of, ()), *shapes.get(wrt, ()))
        case Shaped(body) | Later(body):
            return shape_of(body, shapes)
        case Indexed(base, at):
            return shape_of(base, shapes)[len(at) :]
        case Rule(indices):
            return tuple(index.size if isinstance(index, Index) else ONE for index in indices)
        case Sum(parts) | Product(parts) | Elementwise(parts):
            sign = "+" if isinstance(tree, Sum) else "*"
            return broadcast([shape_of(part, shapes) for part in parts], sign)
        case Negative() | Quotient() | Power():
            sign = {"Quotient": "/", "Power": "^", "Negative": "-"}[type(tree).__name__]
            return broadcast([shape_of(part, shapes) for part in children(tree)], sign)
        case Transpose(body):
            inner = shape_of(body, shapes)
            return (ONE, *inner) if len(inner) == 1 else inner[::-1]
        case MatrixProduct(left, right):
            return product_shape(shape_of(left, shapes), shape_of(right, shapes))
        case Rows(rows):
            return (Number(str(len(rows))), Number(str(len(rows[0]))))
        case Listing(items):
            return (Number(str(len(items))), *shape_of(items[0], shapes))
        case Einsum():
            return einsum_shape(tree, shapes)
        case Call():
            return _call_shape(tree, shapes)
    raise FormulaError(f"a {type(tree).__name__.lower()} has no shape")


def product_shape(left: Shape, right: Shape) -> Shape:
    """The shape of `left @ right`; a vector is a column on the right of `@` and, as NumPy has it, a row on its left.

    A row times a vector is a number; a vector times a row is their outer product.
    """
    if not left or not right:
        raise FormulaError(f"'@' is for vectors and matrices, not for shapes {spell_shape(left)} and {spell_shape(right)}; write *")
    if len(left) == 1 and len(right) == 2 and right[0] == ONE:
        return (left[0], right[1])
    inner, against = left[-1], right[0] if len(right) == 1 else right[-2]
    if inner != against:
        raise FormulaError(
            f"shapes {spell_shape(left)} and {spell_shape(right)} do not fit at '@': {spell_size(inner)} is not "
            f"{spell_size(against)}{_product_hint(left, right)}"
        )
    if len(right) == 1:
        return () if len(left) == 1 or (len(left) == 2 and left[0] == ONE) else left[:-1]
    rows = left[-2:-1] if len(left) > 1 else ()
    leading = broadcast([left[:-2], right[:-2]], "@")
    return (*leading, *rows, right[-1])


def _product_hint(left: Shape, right: Shape) -> str:
    if len(left) == 2 and len(right) == 2:
        if left[1] == right[1]:
            return "; transpose the right one with .T"
        if left[0] == right[0]:
            return "; transpose the left one with .T"
        if left[0] == right[1]:
            return "; the other way round they fit"
    if len(left) == 2 and len(right) == 1 and left[0] == right[0]:
        return "; transpose the left one with .T"
    return ""


def axis_of(call: Call, rank: int) -> int | None:
    """The axis a reduction is taken along, counted from 0, or None for all of them.  Raises FormulaError."""
    if len(call.arguments) == 1:
        return None
    given = call.arguments[1]
    value = -given.body.value if isinstance(given, Negative) and isinstance(given.body, Number) else None
    value = given.value if isinstance(given, Number) else value
    if value is None or value.denominator != 1 or not -rank <= value < rank:
        raise FormulaError(f"{call.function}: the axis should be a whole number from 0 to {rank - 1}")
    return int(value) % rank


def reduces(call: Call, shapes: Shapes) -> bool:
    """Whether a call puts axes of its first argument into one number; `max(A, 0)` is along axis 0, `max(0, A)` component by
    component.
    """
    if call.function not in REDUCING:
        return False
    return (
        call.function != "max"
        or len(call.arguments) == 1
        or (
            isinstance(call.arguments[1], Number) and call.arguments[1].text.isdigit() and shape_of(call.arguments[0], shapes) != ()
        )
    )


def check_counted(sizes: Iterable[Tree]) -> None:
    """Whether each size is the number of its entries, as a mean needs it.

    Raises FormulaError for one with a quotient, which is cut to whole steps: as it stands, it would be a number with a fraction.
    """
    for size in sizes:
        if any(isinstance(node, Quotient) for node in walk(size)):
            hint = "give it a name of its own in [shapes]"
            raise FormulaError(f"a mean over {spell_size(size)} entries, a size that is cut to whole steps; {hint}")


def _call_shape(call: Call, shapes: Shapes) -> Shape:
    name, arguments = call.function, call.arguments
    inner = [shape_of(argument, shapes) for argument in arguments]
    if name == "loss_of":
        return ()
    if name == "ones":
        return tuple(map(check_size, arguments))
    if name == "diag":
        if len(inner[0]) != 1:
            raise FormulaError(f"diag takes a vector, not the shape {spell_shape(inner[0])}")
        return (*inner[0], *inner[0])
    if reduces(call, shapes):
        if not inner[0]:
            raise FormulaError(f"{name}: there is no axis in a single number")
        axis = axis_of(call, len(inner[0]))
        if name == "mean":
            check_counted(inner[0] if axis is None else inner[0][axis : axis + 1])
        kept = (ONE,) if len(arguments) > 2 else ()
        return () if axis is None else (*inner[0][:axis], *kept, *inner[0][axis + 1 :])
    if name == "softmax" and inner[0]:
        axis_of(call, len(inner[0]))
        if len(arguments) == 1 and len(inner[0]) > 1:
            raise FormulaError(f"softmax of the shape {spell_shape(inner[0])} needs its axis: softmax(A, 0)")
        return inner[0]
    if OPS[name].listed and any(inner):
        shape = broadcast(inner, name)
        if OPS[name].averaged:
            check_counted(shape)
        return ()
    return broadcast(inner, name)


def einsum_letters(call: Einsum) -> tuple[tuple[str, ...], str]:
    """The letters of each operand and those kept.  Raises FormulaError."""
    text = call.subscripts.replace(" ", "")
    before, arrow, after = text.partition("->")
    operands = tuple(before.split(","))
    used = set(before) - {","}
    if not arrow or not all(part.isalpha() and part.isascii() for part in operands) or not set(after) <= used:
        raise FormulaError(f"einsum: '{call.subscripts}' should look like \"ij,jk->ik\"")
    if len(set(after)) != len(after) or any(len(set(part)) != len(part) for part in operands):
        raise FormulaError("einsum: a letter stands twice on one array")
    if len(operands) != len(call.operands):
        raise FormulaError(f"einsum: {len(operands)} groups of letters for {len(call.operands)} arrays")
    return operands, after


def einsum_sizes(call: Einsum, shapes: Shapes) -> dict[str, Tree]:
    """The size each letter runs over.  Raises FormulaError."""
    operands, _ = einsum_letters(call)
    sizes: dict[str, Tree] = {}
    for letters, operand in zip(operands, call.operands, strict=True):
        shape = shape_of(operand, shapes)
        if len(shape) != len(letters):
            raise FormulaError(f"einsum: '{letters}' has {len(letters)} letters for the shape {spell_shape(shape)}")
        for letter, size in zip(letters, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise FormulaError(
                    f"einsum: '{letter}' runs over {spell_size(sizes[letter])} and over {spell_size(size)}, in {spell_shape(shape)}"
                )
    return sizes


def einsum_shape(call: Einsum, shapes: Shapes) -> Shape:
    """The shape of an einsum."""
    sizes = einsum_sizes(call, shapes)
    return tuple(sizes[letter] for letter in einsum_letters(call)[1])
