"""What a tree means: a number to as many digits as wanted, or a SymPy expression.

Owns the arithmetics (decimal, mpmath, SymPy), the evaluator they share, and the way back from SymPy to a tree.  May import:
errors, written, tables.primitives, tables.ops.  SymPy and mpmath are loaded only by the functions that use them, and never see text
from outside: a name becomes `Symbol(name)` only after our own grammar has accepted it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, getcontext, localcontext
from fractions import Fraction
from operator import itemgetter
from typing import Any, TypeVar

from derive.errors import LimitError
from derive.tables.ops import OPS
from derive.tables.primitives import PRIMITIVES
from derive.written import (
    Call,
    Later,
    Name,
    Negative,
    Nested,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Second,
    Sum,
    Tree,
    number,
    walk,
)

Evaluator = Callable[[Mapping[Any, Any]], Any]

DIGITS = 40
"""Significant digits every value is good for."""


@dataclass(frozen=True)
class Arithmetic:
    """How numbers are read and how the primitives act; + − × ÷ are the operators of the number type."""

    number: Callable[[str], Any]
    power: Callable[[Any, Any], Any]
    primitives: Mapping[str, Callable[..., Any]]


HALF = Decimal("0.5")


def _decimal_power(base: Decimal, exponent: Decimal) -> Decimal:
    """A power; a square root knows when it is exact, which a power of one half does not."""
    return base.sqrt() if exponent == HALF else base**exponent


DECIMAL = Arithmetic(
    Decimal,
    _decimal_power,
    {name: primitive.decimals for name, primitive in PRIMITIVES.items()},
)


def mpmath_arithmetic() -> Arithmetic:
    """Numbers of mpmath: a second opinion on what `DECIMAL` computes."""
    import mpmath

    def real(value: Any) -> Any:
        if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
            raise ArithmeticError("not a real number")
        return value

    def on_reals(kernel: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments: real(kernel(*arguments))

    kernels = {name: on_reals(primitive.mpmath(mpmath)) for name, primitive in PRIMITIVES.items()}
    return Arithmetic(mpmath.mpf, on_reals(mpmath.power), kernels)


def sympy_arithmetic() -> Arithmetic:
    """SymPy expressions with exact rationals."""
    import sympy

    def rational(text: str) -> Any:
        value = Number(text).value
        return sympy.Rational(value.numerator, value.denominator)

    def with_all(kernel: Callable[..., Any], beside: tuple[int, ...]) -> Callable[..., Any]:
        return lambda *arguments: kernel(*arguments, *beside)

    kernels = {name: with_all(primitive.sympy(sympy), primitive.beside) for name, primitive in PRIMITIVES.items()}
    return Arithmetic(rational, lambda base, exponent: base**exponent, kernels)


Key = str | Partial | Second | Nested | Later


def key_of(tree: Tree) -> Key | None:
    """Under what a leaf's value is filed: a name by its text, a derivative written plainly and a later value by themselves.

    >>> key_of(Second("L", "w2", "w1"))
    Second(of='L', first='w1', then='w2')
    """
    match tree:
        case Name(name):
            return name
        case Partial():
            return _plain(tree)
        case Second(of, first, then):
            return tree if first <= then else Second(of, then, first)
        case Nested(of, wrt, direct):
            return Nested(_plain(of), _plain(wrt), direct)
        case Later(body, updates) if isinstance(body, Name | Partial):
            return Later(_plain(body), updates)
    return None


def mentioned(tree: Tree) -> tuple[Key, ...]:
    """The keys a formula mentions, each once."""
    return tuple(dict.fromkeys(key for node in walk(tree) if (key := key_of(node)) is not None))


Leaf = TypeVar("Leaf", Name, Partial, Name | Partial)


def _plain(leaf: Leaf) -> Leaf:
    """A partial that is written by its short name, written out."""
    return Partial(leaf.of, leaf.wrt, leaf.direct) if isinstance(leaf, Partial) else leaf


def spelled(key: Any) -> str:
    """A key as its quantity is typed.

    >>> spelled(Second("L", "w1", "w2")), spelled(Nested(Partial("L", "w1"), Name("y")))
    ('d2L/dw1dw2', 'd(dL/dw1)/dy')
    """
    match key:
        case Name(name):
            return name
        case Partial(of, wrt):
            return f"d{of}/d{wrt}"
        case Second(of, first, then):
            return f"d2{of}/d{first}d{then}"
        case Nested(of, wrt):
            above, below = (leaf.name if isinstance(leaf, Name) else f"({spelled(leaf)})" for leaf in (of, wrt))
            return f"d{above}/d{below}"
        case Later(Name(updated)):
            return f"{updated}+"
    return str(key)


def compile_tree(tree: Tree, arithmetic: Arithmetic = DECIMAL) -> Evaluator:
    """A function of the values of names (keyed by their text), and of partials and later values (keyed by themselves).

    >>> compile_tree(Product((Name("a"), Number("0.5"))))({"a": Decimal(3)})
    Decimal('1.5')
    """

    def build(node: Tree) -> Evaluator:
        match node:
            case Name(name):
                return itemgetter(name)
            case Number(text):
                constant = arithmetic.number(text)
                return lambda values: constant
            case Sum(terms):
                return _folded([build(term) for term in terms], lambda a, b: a + b)
            case Product(factors):
                return _folded([build(factor) for factor in factors], lambda a, b: a * b)
            case Negative(body):
                inner = build(body)
                return lambda values: -inner(values)
            case Quotient(top, bottom):
                above, below = build(top), build(bottom)
                return lambda values: above(values) / below(values)
            case Power(base, exponent):
                raised, by, power = build(base), build(exponent), arithmetic.power
                return lambda values: power(raised(values), by(values))
            case Call(function, arguments, part):
                op, own = OPS[function], arithmetic.primitives.get(function)
                if own is None and op.formula is not None:
                    return build(op.formula(arguments, part or 0))
                kernel, inputs = own or arithmetic.primitives[function], [build(argument) for argument in arguments]
                return lambda values: kernel(*[value(values) for value in inputs])
            case Partial() | Second() | Nested() | Later():
                return itemgetter(key_of(node))
        raise TypeError(f"a {type(node).__name__} has no single value")

    return build(tree)


def _folded(parts: list[Evaluator], join: Callable[[Any, Any], Any]) -> Evaluator:
    first, rest = parts[0], parts[1:]

    def fold(values: Mapping[Any, Any]) -> Any:
        total = first(values)
        for part in rest:
            total = join(total, part(values))
        return total

    return fold


@contextmanager
def precision(digits: int) -> Iterator[Context]:
    """Decimal arithmetic to so many digits, its flags cleared."""
    with localcontext(Context(prec=digits)) as context:
        yield context


def forget_rounding() -> None:
    """Begin to watch for rounding anew."""
    getcontext().clear_flags()


def was_exact() -> bool:
    """Whether nothing was rounded since `precision` was entered or `forget_rounding` called."""
    return not getcontext().flags[Inexact]


def settle(compute: Callable[[], dict[Any, Decimal]]) -> dict[Any, Decimal]:
    """The results of `compute`, good to 40 digits: computed at growing precision until two runs agree.

    Raises ArithmeticError where a value is undefined, LimitError where 3,840 digits do not settle it.
    """
    digits = 60
    with precision(digits):
        before = compute()
    while digits < 3840:
        digits *= 2
        with precision(digits):
            after = compute()
            if all(_agree(before[key], after[key]) or _vanishes(after[key], digits) for key in after):
                return {key: Decimal(0) if _vanishes(value, digits) else value for key, value in after.items()}
        before = after
    raise LimitError("a value is lost to cancellation even at 3,840 digits")


def _agree(rough: Decimal, fine: Decimal) -> bool:
    return abs(rough - fine) <= abs(fine).scaleb(-DIGITS)


def _vanishes(value: Decimal, digits: int) -> bool:
    """Whether a value is the rest of a cancellation: smaller than anything these digits could tell from 0."""
    return abs(value) < Decimal(1).scaleb(20 - digits)


class _Symbols(dict[Any, Any]):
    """Real SymPy symbols, made when first asked for."""

    def __missing__(self, key: Any) -> Any:
        import sympy

        self[key] = symbol = sympy.Symbol(spelled(key), real=True)
        return symbol


def to_sympy(tree: Tree, values: Mapping[Any, Any] | None = None) -> Any:
    """The SymPy expression a tree stands for; names are real symbols unless `values` says otherwise.

    >>> to_sympy(Product((Name("a"), Number("0.50"))))
    a/2
    """
    return compile_tree(tree, sympy_arithmetic())(_Symbols() if values is None else _Symbols(values))


def primitive_of(expression: Any) -> str | None:
    """The primitive that a SymPy expression is a call of, if it is one."""
    import sympy

    return next((name for name, primitive in PRIMITIVES.items() if isinstance(expression, primitive.sympy(sympy))), None)


def from_sympy(expression: Any) -> Tree:
    """A tree for a small SymPy expression: positive terms first, numbers before names.

    Raises TypeError for what our tables cannot say.
    """
    import sympy

    if isinstance(expression, sympy.Symbol):
        return Name(expression.name)
    if isinstance(expression, sympy.Rational):
        return number(Fraction(int(expression.p), int(expression.q)))
    arguments = list(expression.args)
    if isinstance(expression, sympy.Add):
        terms = sorted(map(from_sympy, expression.as_ordered_terms()), key=lambda term: isinstance(term, Negative))
        return Sum(tuple(terms))
    if isinstance(expression, sympy.Mul):
        coefficient, _ = expression.as_coeff_Mul()
        if coefficient.is_negative:
            return Negative(from_sympy(-expression))
        top, bottom = expression.as_numer_denom()
        if bottom != 1:
            return Quotient(from_sympy(top), from_sympy(bottom))
        return Product(tuple(map(from_sympy, expression.as_ordered_factors())), tight=True)
    name = primitive_of(expression)
    if name is not None and len(arguments) == len(OPS[name].arguments) + len(PRIMITIVES[name].beside):
        return Call(name, tuple(map(from_sympy, arguments[: len(OPS[name].arguments)])))
    if isinstance(expression, sympy.Pow):
        base, exponent = arguments
        if exponent.is_negative:
            return Quotient(Number("1"), from_sympy(base**-exponent))
        return Power(from_sympy(base), from_sympy(exponent))
    raise TypeError(f"no way to write a SymPy {type(expression).__name__}")
