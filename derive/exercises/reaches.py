"""Where a number can stand after a whole calculation in which every step was rounded or cut.

Owns `Reach`, `REACHES`, `point` and `widened`.  Where `reckoning` asks about one paper's printed lines, this asks about every hand
there could be: whatever it writes down on its way, in whatever order.  May import: arithmetic, intervals, rounding,
tables.primitives.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from derive.arithmetic import Arithmetic
from derive.intervals import INTERVALS, Interval
from derive.rounding import Rounding
from derive.tables.primitives import PRIMITIVES


class Reach(Interval):
    """Where a number can stand when every step to it was rounded or cut at the digits `kept`; None keeps them all.

    `size` is the same formula with every sign a plus, and `most` the largest product in it, with factors smaller than 1 taken as 1:
    by these a step can miss, whichever way sums and products are ordered or multiplied out.
    """

    __slots__ = ("kept", "most", "size")

    def __init__(self, low: float, high: float, size: float, most: float, kept: Rounding | None) -> None:
        super().__init__(low, high)
        self.size, self.most, self.kept = size, most, kept

    def __add__(self, other: Interval) -> Reach:
        size = self.size + _size(other)
        return widened(Interval.__add__(self, other), size, max(self.most, _most(other), size), _kept(self, other))

    def __mul__(self, other: Interval) -> Reach:
        return widened(Interval.__mul__(self, other), self.size * _size(other), self.most * _most(other), _kept(self, other))

    def __neg__(self) -> Reach:
        return Reach(-self.high, -self.low, self.size, self.most, self.kept)

    def __truediv__(self, other: Interval) -> Reach:
        least = min(abs(other.low), abs(other.high)) or 1.0
        found = Interval.__truediv__(self, other)
        return widened(found, self.size / least, self.most * max(1.0, 1 / least), _kept(self, other))


def _size(number: Interval) -> float:
    return number.size if isinstance(number, Reach) else max(abs(number.low), abs(number.high))


def _most(number: Interval) -> float:
    return number.most if isinstance(number, Reach) else max(1.0, _size(number))


def _kept(*numbers: Interval) -> Rounding | None:
    return next((n.kept for n in numbers if isinstance(n, Reach) and n.kept is not None), None)


def widened(found: Interval, size: float, most: float, kept: Rounding | None, steps: int = 1) -> Reach:
    """A result of one step, or of several, with what it may miss by."""
    slack = 0.0
    if kept is not None:
        slack = steps * (size * 10.0 ** (1 - kept.digits) if kept.places is None else most * 10.0**-kept.places)
    return Reach(found.low - slack, found.high + slack, size, most, kept)


def _called(kernel: Callable[..., Interval], steps: int) -> Callable[..., Reach]:
    """A function by its value alone; one worked out in several steps may miss by several of what is near 1 in them."""

    def call(*arguments: Interval) -> Reach:
        found = kernel(*arguments)
        value = _size(Interval(found.low, found.high))
        size = value if steps == 1 else max(1.0, value)
        return widened(found, size, max(1.0, value), _kept(*arguments), steps)

    return call


def _raised(base: Interval, exponent: Interval) -> Reach:
    found, n = INTERVALS.power(base, exponent), exponent.high
    value = max(abs(found.low), abs(found.high))
    size, most = (_size(base) ** n, _most(base) ** n) if n > 0 else (value, max(1.0, value))
    return widened(found, size, most, _kept(base, exponent), max(1, math.ceil(n) - 1))


def point(text: str, kept: Rounding | None = None) -> Reach:
    """A number that is given."""
    value = float(text)
    return Reach(value, value, abs(value), max(1.0, abs(value)), kept)


REACHES = Arithmetic(
    point,
    _raised,
    {
        name: _called(kernel, 1 if name in PRIMITIVES else 3)
        for name, kernel in INTERVALS.primitives.items()
        if name != "sigmoid"  # its formula holds z once: worked out step by step
    },
)
"""Intervals that every step widens; what nothing rounded comes near, such as ½, stays what it is."""
