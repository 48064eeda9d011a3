"""How numbers are shown, and which ones are used from then on.

Owns `Rounding`: the two policies and the only place where a number is rounded.  Imports: errors, written.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from derive.written import Number

_WIDE = Context(prec=5000, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Rounding:
    """A rounding policy; halves are rounded away from zero, as by hand.

    `carry` is "full" (round only what is shown) or "hand" (every intermediate is rounded and the rounded value used from then on).
    Numbers are rounded to `places` decimals if that is given, else to `digits` significant digits.

    >>> Rounding(digits=4).show(Decimal("0.00045865018"))
    '0.0004587'
    >>> Rounding("hand", places=3).keep(Decimal("0.0005"))
    Decimal('0.001')
    """

    carry: str = "full"
    digits: int = 6
    places: int | None = None

    def round(self, value: Decimal, guard: int = 0) -> Decimal:
        """The value rounded to what is shown, with `guard` more digits."""
        if self.places is not None:
            return _WIDE.quantize(value, Decimal(1).scaleb(-(self.places + guard)))
        if not value:
            return Decimal(0)
        return Context(prec=self.digits + guard, rounding=ROUND_HALF_UP).plus(value)

    def keep(self, value: Decimal) -> Decimal:
        """The value used from then on."""
        return self.round(value) if self.carry == "hand" else value

    def show(self, value: Decimal, exact: bool = False, guard: int = 0) -> str:
        """The digits of a value: all of them where it is exact and they fit, else rounded with its trailing zeros kept."""
        rounded = self.round(value, guard)
        if exact and rounded == value:
            rounded = _WIDE.normalize(value)
        elif self.places is None and rounded:
            missing = self.digits + guard - len(rounded.as_tuple().digits)
            rounded = (
                _WIDE.quantize(rounded, Decimal(1).scaleb(rounded.adjusted() - self.digits - guard + 1)) if missing > 0 else rounded
            )
        return spell(rounded)

    def number(self, value: Decimal, exact: bool = False, guard: int = 0) -> Number:
        """The shown digits as a leaf of a tree."""
        return Number(self.show(value, exact, guard))


def spell(value: Decimal) -> str:
    """The digits of a decimal: plain where a person would write it plainly, else with a power of ten.

    >>> spell(Decimal("1.50E-12")), spell(Decimal("-0.0"))
    ('1.50e-12', '0.0')
    """
    if not value:
        value = abs(value)
    if value and not -7 <= value.adjusted() <= 14:
        mantissa = _WIDE.scaleb(value, -value.adjusted())
        return f"{mantissa:f}e{value.adjusted()}"
    return f"{value:f}"
