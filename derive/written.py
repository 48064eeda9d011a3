"""The tree: an expression as it is written on paper.

Owns the node types and the few ways to build and walk them.  A tree keeps the order, the signs and the digits its writer
chose; what it means is in `arithmetic`, how it looks is in `formats`.  Imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its digits as typed: `0.40` stays `0.40`."""

    text: str

    @property
    def value(self) -> Fraction:
        """The exact rational the digits stand for."""
        return Fraction(self.text)


@dataclass(frozen=True, slots=True)
class Name:
    """A quantity of the problem, or a placeholder in a table row."""

    name: str


@dataclass(frozen=True, slots=True)
class Partial:
    """The derivative of one quantity by another.

    Total (every path through the network) unless `direct`, which holds everything else that the equation of `of` mentions.
    A `signal` is the same number written by its short name, δ.
    """

    of: str
    wrt: str
    direct: bool = False
    signal: bool = False


@dataclass(frozen=True, slots=True)
class Second:
    """The second derivative of one quantity by two others, or twice by the same: ∂²of/∂first∂then."""

    of: str
    first: str
    then: str


@dataclass(frozen=True, slots=True)
class Nested:
    """The derivative of a partial, as its formula was found, or by one: ∂(∂L/∂w)/∂y, ∂(∂L/∂w)/∂δ; `direct` as in a `Partial`."""

    of: Name | Partial
    wrt: Name | Partial
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """A value after some updates: `w5+` is `Later(Name("w5"), 1)`."""

    body: Tree
    updates: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Terms in the order they are written; a subtracted term is a `Negative`."""

    terms: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Negative:
    """Minus something."""

    body: Tree


@dataclass(frozen=True, slots=True)
class Product:
    """Factors in the order they are written; `tight` ones stand together without a dot, as in y(1 − y)."""

    factors: tuple[Tree, ...]
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Quotient:
    """A fraction."""

    top: Tree
    bottom: Tree


@dataclass(frozen=True, slots=True)
class Power:
    """A base to an exponent."""

    base: Tree
    exponent: Tree


@dataclass(frozen=True, slots=True)
class Call:
    """An operation of the table at its arguments; `part` picks one output of an operation with several, from 0."""

    function: str
    arguments: tuple[Tree, ...]
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Several arguments that belong together: `[y1, y2]` in `mse([y1, y2], [t1, t2])`; a column where a vector stands."""

    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Elementwise:
    """The product of vectors component by component, written ⊙."""

    factors: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """A matrix times a vector or matrix, or the inner product of two vectors."""

    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Transpose:
    """A matrix or vector turned over its diagonal."""

    body: Tree


@dataclass(frozen=True, slots=True)
class Relation:
    """A statement that two sides compare: `sign` is one of `=`, `>=`, `<=`, `>`, `<`."""

    sign: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Size:
    """The size of an axis, by its name: N in `X: (N, d)`."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """A letter that runs from 0 over an axis; `size` is where it stops."""

    name: str
    size: Tree


@dataclass(frozen=True, slots=True)
class Indexed:
    """A component: `W[i, j]`; with fewer letters than axes, the slice they pick.

    The first `upper` letters of a derivative belong to what is differentiated: `dp[i]/dz[j]`.
    """

    base: Tree
    at: tuple[Tree, ...]
    upper: int = 0


@dataclass(frozen=True, slots=True)
class Over:
    """One operation over every value of some letters: `sum`, `max`, or `argmax`, the first place of the largest."""

    operation: str
    indices: tuple[Index, ...]
    body: Tree


@dataclass(frozen=True, slots=True)
class Delta:
    """Kronecker's δ: 1 where both sides are the same place, else 0."""

    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Within:
    """1 where 0 ≤ `at` < `size`, else 0."""

    at: Tree
    size: Tree


@dataclass(frozen=True, slots=True)
class Rule:
    """An index equation's right side: what stands at each place `indices`."""

    indices: tuple[Tree, ...]
    body: Tree


@dataclass(frozen=True, slots=True)
class Einsum:
    """A sum of products in Einstein's notation: `subscripts` says which letters each operand has, and which are kept."""

    subscripts: str
    operands: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Shaped:
    """A factor with its shape written under it."""

    body: Tree
    shape: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A matrix with its entries written out, row by row."""

    rows: tuple[tuple[Tree, ...], ...]


Tree = (
    Number
    | Name
    | Partial
    | Second
    | Nested
    | Later
    | Sum
    | Negative
    | Product
    | Quotient
    | Power
    | Call
    | Listing
    | Elementwise
    | MatrixProduct
    | Transpose
    | Relation
    | Size
    | Index
    | Indexed
    | Over
    | Delta
    | Within
    | Rule
    | Einsum
    | Shaped
    | Rows
)

ZERO, ONE, TWO = Number("0"), Number("1"), Number("2")


def number(value: int | Fraction) -> Tree:
    """A whole number or a fraction, written the plain way: `-3/2` is minus three over two."""
    if value < 0:
        return Negative(number(-value))
    if isinstance(value, int) or value.denominator == 1:
        return Number(str(int(value)))
    return Quotient(Number(str(value.numerator)), Number(str(value.denominator)))


def add(*terms: Tree) -> Tree:
    """The sum of the terms; of one term, that term.

    >>> add(Name("a")) == Name("a")
    True
    """
    return terms[0] if len(terms) == 1 else Sum(terms)


def subtract(left: Tree, right: Tree) -> Tree:
    """left − right."""
    return Sum((left, Negative(right)))


def multiply(*factors: Tree, tight: bool = False) -> Tree:
    """The product of the factors, ones left out; of a single factor, that factor."""
    kept = tuple(factor for factor in factors if factor != ONE)
    return kept[0] if len(kept) == 1 else Product(kept, tight) if kept else ONE


def children(tree: Tree) -> tuple[Tree, ...]:
    """The parts directly below a node, left to right."""
    match tree:
        case Sum(parts) | Product(parts) | Call(_, parts) | Listing(parts) | Elementwise(parts):
            return parts
        case Negative(body) | Transpose(body) | Later(body) | Over(_, _, body) | Shaped(body):
            return (body,)
        case Quotient(first, second) | Power(first, second) | MatrixProduct(first, second) | Relation(_, first, second):
            return (first, second)
        case Delta(first, second) | Within(first, second):
            return (first, second)
        case Indexed(base, parts):
            return (base, *parts)
        case Rule(parts, body):
            return (*parts, body)
        case Einsum(_, parts):
            return parts
        case Rows(rows):
            return tuple(part for row in rows for part in row)
    return ()


def rebuild(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """The same node with `change` done to each of its parts."""
    match tree:
        case Sum(parts):
            return Sum(tuple(map(change, parts)))
        case Product(parts, tight):
            return Product(tuple(map(change, parts)), tight)
        case Call(function, parts, part):
            return Call(function, tuple(map(change, parts)), part)
        case Negative(body):
            return Negative(change(body))
        case Quotient(top, bottom):
            return Quotient(change(top), change(bottom))
        case Power(base, exponent):
            return Power(change(base), change(exponent))
        case Listing(parts):
            return Listing(tuple(map(change, parts)))
        case Elementwise(parts):
            return Elementwise(tuple(map(change, parts)))
        case MatrixProduct(left, right):
            return MatrixProduct(change(left), change(right))
        case Transpose(body):
            return Transpose(change(body))
        case Later(body, updates):
            return Later(change(body), updates)
        case Relation(sign, left, right):
            return Relation(sign, change(left), change(right))
        case Indexed(base, at, upper):
            return Indexed(change(base), tuple(map(change, at)), upper)
        case Over(operation, indices, body):
            return Over(operation, indices, change(body))
        case Delta(left, right):
            return Delta(change(left), change(right))
        case Within(at, size):
            return Within(change(at), change(size))
        case Rule(indices, body):
            return Rule(tuple(map(change, indices)), change(body))
        case Einsum(subscripts, operands):
            return Einsum(subscripts, tuple(map(change, operands)))
        case Shaped(body, shape):
            return Shaped(change(body), shape)
        case Rows(rows):
            return Rows(tuple(tuple(map(change, row)) for row in rows))
    return tree


def substitute(tree: Tree, replace: Callable[[Tree], Tree | None]) -> Tree:
    """Every leaf for which `replace` gives a tree, replaced by it; nothing else is touched.

    >>> substitute(Sum((Name("a"), ONE)), {Name("a"): TWO}.get)
    Sum(terms=(Number(text='2'), Number(text='1')))
    """
    if isinstance(tree, Number | Name | Partial | Second | Nested | Later | Index | Size):
        new = replace(tree)
        return tree if new is None else new
    return rebuild(tree, lambda part: substitute(part, replace))


def walk(tree: Tree) -> Iterator[Tree]:
    """Every node of a tree, the root first, left to right."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Name | Number):
            waiting.extend(reversed(children(node)))


def names_in(tree: Tree) -> tuple[str, ...]:
    """The names a tree mentions, each once, in the order they are written.

    >>> names_in(Sum((Name("b"), Name("a"), Name("b"))))
    ('b', 'a')
    """
    return tuple(dict.fromkeys(node.name for node in walk(tree) if isinstance(node, Name)))
