"""A tree as one line of text, in any face.

Owns `write` and the record `Face` that a format fills in.  Brackets and dots are placed here, by precedence, once for all
formats.  May import: written, symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from derive.symbols import Script, Symbol
from derive.written import (
    Call,
    Elementwise,
    Later,
    Listing,
    MatrixProduct,
    Name,
    Negative,
    Nested,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Relation,
    Second,
    Sum,
    Transpose,
    Tree,
)

RELATION, SUM, SIGN, PRODUCT, POWER, ATOM = range(6)


@dataclass(frozen=True)
class Face:
    """How one format spells each kind of node; every function takes and gives text.

    `slanted` is a partial inside another, no taller than a name; `second` is a second derivative, and is given the two names it is
    taken by and, where they are one, its square.
    `dot` joins loose factors, `near` tight ones, `touch` a factor and the bracket behind it.  `fractions` are the fractions that
    have a character of their own; `quotient` None writes a/b; `exponential` None writes exp(…).
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
    quotient: Callable[[str, str], str] | None = None
    exponential: Callable[[str], str] | None = None
    fractions: Mapping[tuple[str, str], str] = field(default_factory=dict)


def write(tree: Tree, face: Face, script: Script) -> str:
    """The text of a tree in one face."""
    return _write(tree, face, script)[0]


def _inside(tree: Tree, least: int, face: Face, script: Script) -> str:
    """The text of a part, in brackets where its precedence is below `least`."""
    text, precedence = _write(tree, face, script)
    return face.brackets(text) if precedence < least else text


def _write(tree: Tree, face: Face, script: Script) -> tuple[str, int]:
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
        case Second(of, first, then):
            return _second(of, first, then, face, script), POWER
        case Nested(of, wrt, direct):
            return face.partial(_differential(of, face, script), _differential(wrt, face, script), direct), POWER
        case Negative(body):
            return face.minus.strip() + _inside(body, PRODUCT, face, script), SIGN
        case Quotient(Number(top), Number(bottom)) if (top, bottom) in face.fractions:
            return face.fractions[top, bottom], ATOM
        case Quotient(above, below):
            if face.quotient is not None:
                return face.quotient(write(above, face, script), write(below, face, script)), PRODUCT
            return f"{_inside(above, PRODUCT, face, script)}/{_inside(below, POWER, face, script)}", PRODUCT
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
            return face.elementwise.join(_inside(part, PRODUCT, face, script) for part in parts), PRODUCT
        case MatrixProduct(left, right):
            sides = [_inside(part, PRODUCT + place, face, script) for place, part in enumerate((left, right))]
            return (face.bracket_product if isinstance(left, Sum) else face.matrix_product).join(sides), PRODUCT
        case Transpose(body):
            return face.transpose(_inside(body, ATOM, face, script)), POWER
        case Relation(sign, left, right):
            return f"{write(left, face, script)} {face.relations[sign]} {write(right, face, script)}", RELATION
    raise TypeError(f"no way to write a {type(tree).__name__}")


def _second(of: str, first: str, then: str, face: Face, script: Script) -> str:
    above, below, last = (face.name(script.symbol(name), name) for name in (of, first, then))
    square = write(Power(Name(first), Number("2")), face, script) if first == then else ""
    return face.second(above, below, last, square)


def _differential(leaf: Name | Partial, face: Face, script: Script) -> str:
    """What stands behind a ∂: a name, the δ of a partial, or the partial in brackets."""
    if isinstance(leaf, Name) or (face.signal is not None and leaf.signal and script.signal(leaf) is not None):
        return write(leaf, face, script)
    of, wrt = (face.name(script.symbol(name), name) for name in (leaf.of, leaf.wrt))
    return face.brackets(face.slanted(of, wrt))


def _sum(terms: tuple[Tree, ...], face: Face, script: Script) -> str:
    text = _inside(terms[0], SIGN, face, script)
    for term in terms[1:]:
        if isinstance(term, Negative):
            text += face.minus + _inside(term.body, PRODUCT, face, script)
        else:
            text += " + " + _inside(term, PRODUCT, face, script)
    return text


def _product(factors: tuple[Tree, ...], tight: bool, face: Face, script: Script) -> str:
    text = ""
    for place, factor in enumerate(factors):
        part, precedence = _write(factor, face, script)
        slashed = isinstance(factor, Quotient) and face.quotient is None and precedence == PRODUCT
        bracketed = precedence < PRODUCT or (slashed and (place > 0 or face.near != face.dot))
        part = face.brackets(part) if bracketed else part
        if place == 0:
            text = part
        elif not tight or part[0].isdigit() or _is_decimal(factors[place - 1]):
            text += face.dot + part
        else:
            text += (face.touch if bracketed else face.near) + part
    return text


def _is_decimal(tree: Tree) -> bool:
    return isinstance(tree, Number) and not (tree.text.isdigit() and len(tree.text) < 3)
