"""A tree as one line of text, in any face.

Owns `write`, `in_digits` and the record `Face` that a format fills in.  Brackets and dots are placed here, by precedence, once for
all formats.  May import: written, symbols, bidi.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from derive.bidi import persian
from derive.symbols import Script, Symbol
from derive.written import (
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
    Nested,
    Number,
    Over,
    Partial,
    Power,
    Product,
    Quotient,
    Relation,
    Rows,
    Rule,
    Second,
    Shaped,
    Size,
    Sum,
    Transpose,
    Tree,
    Within,
)

RELATION, SUM, SIGN, PRODUCT, POWER, ATOM = range(6)


@dataclass(frozen=True)
class Face:
    """How one format spells each kind of node; every function takes and gives text.

    `slanted` is a partial inside another, no taller than a name; `second` is a second derivative, and is given the two names it is
    taken by and, where they are one, its square.
    `dot` joins loose factors, `near` tight ones, `touch` a factor and the bracket behind it.  `fractions` are the fractions that
    have a character of their own; `quotient` None writes a/b; `exponential` None writes exp(…).  `indexed` takes a name and the
    letters of its place, `over` an operation, its letters, what it is over, and how far each letter runs.  `negative` is the minus
    before a first term, where it is not `minus` without its room; `leads_with_digit` says whether a text needs a dot before it, and
    `leaf`, where it is given, marks the text of a quantity as standing for it.  `signs` is the face of the 2 in ∂²/∂w², where
    numbers have other digits.
    """

    number: Callable[[str], str]
    name: Callable[[Symbol, str], str]
    minus: str
    dot: str
    near: str
    touch: str
    brackets: Callable[[str], str]
    power: Callable[[str, str], str]
    partial: Callable[[str, str, bool], str]
    slanted: Callable[[str, str], str]
    second: Callable[[str, str, str, str], str]
    signal: Callable[[Symbol], str] | None
    later: Callable[[str, int], str]
    call: Callable[[str, tuple[str, ...], int | None], str]
    listing: Callable[[tuple[str, ...]], str]
    elementwise: str
    matrix_product: str
    bracket_product: str
    transpose: Callable[[str], str]
    relations: Mapping[str, str]
    indexed: Callable[[str, tuple[str, ...]], str]
    over: Callable[[str, tuple[str, ...], str, tuple[str, ...]], str]
    delta: Callable[[str, str], str]
    within: Callable[[str, str], str]
    einsum: Callable[[str, tuple[str, ...]], str]
    rows: Callable[[tuple[tuple[str, ...], ...]], str]
    shaped: Callable[[str, tuple[str, ...]], str] = lambda body, shape: body
    quotient: Callable[[str, str], str] | None = None
    exponential: Callable[[str], str] | None = None
    fractions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    plus: str = " + "
    negative: str = ""
    leads_with_digit: Callable[[str], bool] = lambda text: text[0].isdigit()
    leaf: Callable[[Tree, str], str] | None = None
    signs: Face | None = None


def in_digits(face: Face, digits: str) -> Face:
    """The face with its numbers in a script of digits, `latin` or `persian`; marks of names keep theirs.

    A number of the face may be markup, but the only digits in it are its own.
    """
    if digits == "latin":
        return face
    return replace(face, number=lambda text: persian(face.number(text)), fractions={}, signs=face)


def write(tree: Tree, face: Face, script: Script) -> str:
    """The text of a tree in one face."""
    return _write(tree, face, script)[0]


def _inside(tree: Tree, least: int, face: Face, script: Script) -> str:
    """The text of a part, in brackets where its precedence is below `least`."""
    text, precedence = _write(tree, face, script)
    return face.brackets(text) if precedence < least else text


def _write(tree: Tree, face: Face, script: Script) -> tuple[str, int]:
    text, precedence = _plain(tree, face, script)
    return (text if face.leaf is None else face.leaf(tree, text)), precedence


def _plain(tree: Tree, face: Face, script: Script) -> tuple[str, int]:
    """The text of a tree without its own mark; its parts have theirs."""
    match tree:
        case Name(name):
            symbol = script.symbol(name)
            return face.name(symbol, name), POWER if symbol.scripted else ATOM
        case Number(text):
            return face.number(text), SIGN if text[0] == "-" else PRODUCT if "e" in text else ATOM
        case Product(factors, tight):
            return _product(factors, tight, face, script), PRODUCT
        case Sum(terms):
            return _sum(terms, face, script), SUM
        case Partial(of, wrt, direct, signal):
            if signal and face.signal is not None and (delta := script.signal(tree)) is not None:
                return face.signal(delta), POWER if delta.scripted else ATOM
            above, below = face.name(script.symbol(of), of), face.name(script.symbol(wrt), wrt)
            return face.partial(above, below, direct), POWER
        case Size(name) | Index(name):
            return face.name(script.symbol(name), name), ATOM
        case Indexed():
            return _indexed(tree, face, script)
        case Over(operation, indices, body):
            letters = tuple(face.name(script.symbol(index.name), index.name) for index in indices)
            sizes = tuple(write(index.size, face, script) for index in indices)
            return face.over(operation, letters, _inside(body, PRODUCT, face, script), sizes), PRODUCT
        case Delta(left, right):
            return face.delta(write(left, face, script), write(right, face, script)), ATOM
        case Within(at, size):
            return face.within(write(at, face, script), write(size, face, script)), ATOM
        case Rule(_, body):
            return _plain(body, face, script)
        case Einsum(subscripts, operands):
            return face.einsum(subscripts, tuple(write(operand, face, script) for operand in operands)), ATOM
        case Shaped(body, shape):
            text, precedence = _write(body, face, script)
            return face.shaped(text, tuple(write(size, face, script) for size in shape)), precedence
        case Rows(rows):
            return face.rows(tuple(tuple(write(cell, face, script) for cell in row) for row in rows)), ATOM
        case Second(of, first, then):
            return _second(of, first, then, face, script), POWER
        case Nested(of, wrt, direct):
            return face.partial(_differential(of, face, script), _differential(wrt, face, script), direct), POWER
        case Negative(body):
            return (face.negative or face.minus.strip()) + _inside(body, PRODUCT, face, script), SIGN
        case Quotient(Number(top), Number(bottom)) if (top, bottom) in face.fractions:
            return face.fractions[top, bottom], ATOM
        case Quotient(above, below):
            if face.quotient is not None:
                return face.quotient(write(above, face, script), write(below, face, script)), PRODUCT
            top = write(above, face, script)
            mixed = _ends_open(above) or isinstance(_bare(above), MatrixProduct | Elementwise)
            top = face.brackets(top) if mixed else _inside(above, PRODUCT, face, script)
            return f"{top}/{_inside(below, POWER, face, script)}", PRODUCT
        case Power(base, exponent):
            return face.power(_inside(base, ATOM, face, script), write(exponent, face, script)), POWER
        case Call("exp", (argument,)) if face.exponential is not None:
            return face.exponential(write(argument, face, script)), POWER
        case Call(function, arguments, part):
            return face.call(function, tuple(write(argument, face, script) for argument in arguments), part), ATOM
        case Later(body, updates):
            return face.later(_inside(body, ATOM, face, script), updates), POWER
        case Listing(items):
            return face.listing(tuple(write(item, face, script) for item in items)), ATOM
        case Elementwise(parts):
            sides = [_beside(part, place > 0, face, script) for place, part in enumerate(parts)]
            return face.elementwise.join(sides), PRODUCT
        case MatrixProduct(left, right):
            first = _beside(left, isinstance(_bare(left), Elementwise | Quotient), face, script)
            second = _inside(right, POWER, face, script)
            return (face.bracket_product if isinstance(left, Sum) else face.matrix_product).join((first, second)), PRODUCT
        case Transpose(body):
            return face.transpose(_inside(body, ATOM, face, script)), POWER
        case Relation(sign, left, right):
            return f"{write(left, face, script)} {face.relations[sign]} {write(right, face, script)}", RELATION
    raise TypeError(f"no way to write a {type(tree).__name__}")


def _bare(tree: Tree) -> Tree:
    """A factor without the shape written under it."""
    return tree.body if isinstance(tree, Shaped) else tree


def _beside(tree: Tree, mixed: bool, face: Face, script: Script) -> str:
    """A factor of a product of arrays; products of another kind, and sums that would go on, stand in brackets."""
    bare = _bare(tree)
    mixed = mixed and isinstance(bare, MatrixProduct | Elementwise | Quotient | Product)
    return face.brackets(write(tree, face, script)) if mixed or _ends_open(bare) else _inside(tree, PRODUCT, face, script)


def _ends_open(tree: Tree) -> bool:
    """Whether a formula ends with a sum sign whose reach goes on with what stands behind it."""
    match tree:
        case Over():
            return True
        case Product(factors) | Elementwise(factors):
            return _ends_open(factors[-1])
        case MatrixProduct(_, right):
            return _ends_open(right)
        case Negative(body):
            return _ends_open(body)
    return False


def _indexed(tree: Indexed, face: Face, script: Script) -> tuple[str, int]:
    """An entry, `W_ij`; of a derivative, the letters stand with the quantity they belong to."""
    places = tuple(write(place, face, script) for place in tree.at)
    base = tree.base
    upper, lower = places[: tree.upper], places[tree.upper :]
    if isinstance(base, Second):
        first, then = (_placed(Name(n), side, face, script) for n, side in ((base.first, upper), (base.then, lower)))
        return face.second(face.name(script.symbol(base.of), base.of), first, then, ""), POWER
    if isinstance(base, Nested):
        one, other = _placed(base.of, upper, face, script), _placed(base.wrt, lower, face, script)
        return face.partial(one, other, base.direct), POWER
    if not isinstance(base, Partial):
        name = face.name(script.symbol(base.name), base.name) if isinstance(base, Name) else _inside(base, ATOM, face, script)
        return face.indexed(name, places), ATOM
    delta = script.signal(base) if base.signal and face.signal is not None else None
    if delta is not None and face.signal is not None:
        return face.indexed(face.signal(delta), places), ATOM
    above, below = (_placed(Name(n), side, face, script) for n, side in ((base.of, upper), (base.wrt, lower)))
    return face.partial(above, below, base.direct), POWER


def _second(of: str, first: str, then: str, face: Face, script: Script) -> str:
    above, below, last = (face.name(script.symbol(name), name) for name in (of, first, then))
    square = write(Power(Name(first), Number("2")), face.signs or face, script) if first == then else ""
    return face.second(above, below, last, square)


def _differential(leaf: Name | Partial, face: Face, script: Script) -> str:
    """What stands behind a ∂: a name, the δ of a partial, or the partial in brackets."""
    if isinstance(leaf, Name) or (face.signal is not None and leaf.signal and script.signal(leaf) is not None):
        return write(leaf, face, script)
    of, wrt = (face.name(script.symbol(name), name) for name in (leaf.of, leaf.wrt))
    return face.brackets(face.slanted(of, wrt))


def _placed(leaf: Name | Partial, places: tuple[str, ...], face: Face, script: Script) -> str:
    """What stands behind a ∂, at a place."""
    if isinstance(leaf, Name):
        name = face.name(script.symbol(leaf.name), leaf.name)
        return face.indexed(name, places) if places else name
    of, wrt = (face.name(script.symbol(name), name) for name in (leaf.of, leaf.wrt))
    return face.brackets(face.slanted(of, face.indexed(wrt, places) if places else wrt))


def _sum(terms: tuple[Tree, ...], face: Face, script: Script) -> str:
    text = _inside(terms[0], SIGN, face, script)
    for term in terms[1:]:
        if isinstance(term, Negative):
            text += face.minus + _inside(term.body, PRODUCT, face, script)
        else:
            text += face.plus + _inside(term, PRODUCT, face, script)
    return text


def _product(factors: tuple[Tree, ...], tight: bool, face: Face, script: Script) -> str:
    text = ""
    for place, factor in enumerate(factors):
        part, precedence = _write(factor, face, script)
        slashed = isinstance(factor, Quotient) and face.quotient is None and precedence == PRODUCT
        open_ended = place < len(factors) - 1 and _ends_open(factor)
        beside = slashed and (place > 0 or face.near != face.dot)
        bracketed = precedence < PRODUCT or open_ended or beside
        part = face.brackets(part) if bracketed else part
        if place == 0:
            text = part
        elif not tight or face.leads_with_digit(part) or _is_decimal(factors[place - 1]):
            text += face.dot + part
        else:
            text += (face.touch if bracketed else face.near) + part
    return text


def _is_decimal(tree: Tree) -> bool:
    return isinstance(tree, Number) and not (tree.text.isdigit() and len(tree.text) < 3)
