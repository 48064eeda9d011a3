"""Digits that a bound cannot change: a float with its error, as a page may show it.

Owns `Undecided`, `in_digits` and `is_near`.  Imports nothing of ours.
"""

from __future__ import annotations

import math
from decimal import Decimal
from math import floor, log10


class Undecided(Exception):  # noqa: N818  (it is no error: the full way decides)
    """Floats cannot tell a digit here, or a number is written in a way the template has no room for."""


def in_digits(value: float, error: float, digits: int, places: int | None) -> str:
    """The digits of a float whose bound cannot change them.  Raises Undecided where it could."""
    size = abs(value)
    if not 1e-6 < size < 1e6:
        raise Undecided
    limit = math.inf
    if places is None:
        places, limit = digits - 1 - floor(log10(size)), _POWERS[digits]
    if places <= 0:
        raise Undecided
    scale = _POWERS[places]
    scaled = size * scale
    nearest = floor(scaled + 0.5)
    if not 0.5 - abs(scaled - nearest) > error * scale + 1e-15 * scaled or nearest >= limit:
        raise Undecided
    return "%.*f" % (places, value)  # noqa: UP031  (twice as fast)


def is_near(value: float, error: float, target: Decimal) -> bool:
    """Whether a line with an exponential in it, known so nearly, rounds to its value.  Raises Undecided where that is too close."""
    exponent = target.as_tuple().exponent
    assert isinstance(exponent, int)
    half, off, error = 10.0**exponent / 2, abs(value - float(target)), error + 4e-16 * abs(value)
    if not abs(off - half) > error:
        raise Undecided
    return off < half


_POWERS = [10.0**k for k in range(60)]
