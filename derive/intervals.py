"""Numbers that are only known to lie between two bounds, and numbers as somebody printed them.

Owns `Interval`, its arithmetic for `compile_tree`, `Printed`, and how far a rounding or a cut can move a number.  May import:
errors, written, tables.primitives, tables.ops, arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

from derive.arithmetic import Arithmetic, compile_tree
from derive.tables.ops import OPS
from derive.tables.primitives import PRIMITIVES
from derive.written import Name, Negative, Number, Tree

EXACT = Context(prec=2000, rounding=ROUND_HALF_UP)


class Interval:
    """All numbers from `low` to `high`.  Raises ArithmeticError where an operation has no value on a part of it.

    >>> Interval(1, 2) * Interval(-1, 3)
    Interval(-2, 6)
    """

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __repr__(self) -> str:
        return f"Interval({self.low:g}, {self.high:g})"

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __mul__(self, other: Interval) -> Interval:
        a, b, c, d = self.low, self.high, other.low, other.high
        if a >= 0 and c >= 0:
            return Interval(a * c, b * d)
        corners = (a * c, a * d, b * c, b * d)
        return Interval(min(corners), max(corners))

    def __truediv__(self, other: Interval) -> Interval:
        if other.low <= 0 <= other.high:
            raise ArithmeticError("division by an interval that holds 0")
        return self * Interval(1 / other.high, 1 / other.low)

    def hull(self, other: Interval) -> Interval:
        """The smallest interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    @property
    def middle(self) -> float:
        """Half way between the bounds."""
        return (self.low + self.high) / 2


def _increasing(function: Callable[..., float]) -> Callable[..., Interval]:
    def ends(*arguments: Interval) -> Interval:
        try:
            return Interval(function(*[a.low for a in arguments]), function(*[a.high for a in arguments]))
        except ValueError:
            raise ArithmeticError("a function without a value on the whole interval") from None

    return ends


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z)) if z > -700 else 0.0


def _power(base: Interval, exponent: Interval) -> Interval:
    n = exponent.low
    if exponent.low != exponent.high or (n != int(n) and base.low < 0) or (n < 0 and base.low <= 0 <= base.high):
        raise ArithmeticError("a power without a value on the whole interval")
    ends = sorted((base.low**n, base.high**n))
    low = 0.0 if n > 0 and n % 2 == 0 and base.low < 0 < base.high else ends[0]
    return Interval(low, ends[1])


def _point(text: str) -> Interval:
    value = float(text)
    return Interval(value, value)


FLOATS = Arithmetic(float, math.pow, {name: primitive.floats for name, primitive in PRIMITIVES.items()})
"""Python's floats; they raise ArithmeticError or ValueError where there is no value."""


def _falling_to(lowest: float, formula: Tree) -> Callable[[Interval], Interval]:
    """A formula of z that falls up to the place where it is lowest, and rises from there on."""
    evaluate = compile_tree(formula, FLOATS)

    def ends(z: Interval) -> Interval:
        at_low, at_high = evaluate({"z": z.low}), evaluate({"z": z.high})
        least = evaluate({"z": lowest}) if z.low < lowest < z.high else min(at_low, at_high)
        return Interval(least, max(at_low, at_high))

    return ends


INTERVALS = Arithmetic(
    _point,
    _power,
    {
        **{name: _increasing(primitive.floats) for name, primitive in PRIMITIVES.items()},
        **{
            op.name: _falling_to(op.lowest, op.formula((Name("z"),), 0))
            for op in OPS.values()
            if op.lowest is not None and op.formula is not None
        },
        "sigmoid": _increasing(_sigmoid),
        "tanh": _increasing(math.tanh),
        "softplus": _increasing(lambda z: math.log1p(math.exp(z))),
    },
)
"""Operations of which the table knows where they rise act on the two ends, so that no bound is lost to a name that stands twice in
their formulas; the last three are written so that floats neither overflow nor lose their digits."""


@dataclass(frozen=True)
class Digits:
    """How many digits a paper shows: significant ones, or decimal places where every number of it has as many."""

    digits: int = 4
    places: int | None = None

    def unit(self, size: float) -> float:
        """The value of the last digit that is kept of a number of this size."""
        if self.places is not None:
            return 10.0**-self.places
        return 10.0 ** (math.floor(math.log10(size)) - self.digits + 1) if size else 0.0

    def widen(self, value: Interval) -> Interval:
        """Where a number may stand once it was rounded (by up to half a unit) or cut (towards 0, by up to a unit)."""
        down = self.unit(abs(value.low))
        up = self.unit(abs(value.high))
        return Interval(value.low - (down if value.low > 0 else down / 2), value.high + (up if value.high < 0 else up / 2))


    def rounded(self, value: Interval) -> Interval:
        """A number rounded to these digits."""
        unit = self.unit(abs(value.middle))
        nearest = round(value.middle / unit) * unit if unit else 0.0
        return Interval(nearest, nearest)


def nearest(value: Decimal, unit: Decimal) -> Decimal:
    """A value rounded to a multiple of a unit, halves away from 0."""
    return EXACT.multiply(EXACT.divide(value, unit).to_integral_value(ROUND_HALF_UP), unit)


def cut(value: Decimal, unit: Decimal) -> Decimal:
    """A value cut towards 0 to a multiple of a unit.

    >>> cut(Decimal("-0.0129"), Decimal("0.001"))
    Decimal('-0.012')
    """
    return EXACT.multiply(EXACT.divide(value, unit).to_integral_value(ROUND_DOWN), unit)


@dataclass(frozen=True)
class Printed:
    """A number as somebody wrote it; `unit` is the value of its last digit.

    A single digit without a point, as in `y = 1`, is taken to claim one decimal more.

    >>> read_printed(Number("0.79")).rounds(Decimal("0.7918")), read_printed(Number("0.791")).cuts(Decimal("0.7918"))
    (True, True)
    """

    text: str
    value: Decimal
    unit: Decimal

    @property
    def significant(self) -> int:
        """The significant digits that are written."""
        return len(self.text.lstrip("-").partition("e")[0].replace(".", "").lstrip("0"))

    @property
    def places(self) -> int:
        """The decimals that are written."""
        return len(self.text.partition("e")[0].partition(".")[2])

    def rounds(self, value: Decimal) -> bool:
        """Whether the value, rounded half up to the digits written, is what is written."""
        return nearest(value, self.unit) == self.value

    def cuts(self, value: Decimal) -> bool:
        """Whether the value, cut off after the digits written, is what is written."""
        return cut(value, self.unit) == self.value

    def admits(self, interval: Interval) -> bool:
        """Whether some number of the interval, rounded or cut to the digits written, is what is written."""
        value, unit = float(self.value), float(self.unit)
        slack = unit * 1e-9 + abs(value) * 1e-13
        below = unit if value <= 0 else unit / 2
        above = unit if value >= 0 else unit / 2
        return interval.high >= value - below - slack and interval.low <= value + above + slack

    @property
    def around(self) -> Interval:
        """Every number that these digits can stand for."""
        value, unit = float(self.value), float(self.unit)
        return Interval(value - (unit if value <= 0 else unit / 2), value + (unit if value >= 0 else unit / 2))


def read_printed(tree: Tree) -> Printed | None:
    """The printed number a tree is, with its sign; None where it is anything else.

    >>> read_printed(Negative(Number("0.0740")))
    Printed(text='-0.0740', value=Decimal('-0.0740'), unit=Decimal('0.0001'))
    """
    sign, body = ("-", tree.body) if isinstance(tree, Negative) else ("", tree)
    if not isinstance(body, Number):
        return None
    value = Decimal(sign + body.text)
    unit = Decimal(1).scaleb(int(value.as_tuple().exponent))
    if body.text.isdigit() and len(body.text.lstrip("0")) < 2:
        unit = Decimal("0.1")
    return Printed(sign + body.text, value, unit)
