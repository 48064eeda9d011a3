"""The primitives: the few functions that every kind of number evaluates itself; all other operations are formulas over them.

Owns `PRIMITIVES` and `UNIT`.  To add a primitive, add a row here and one without a formula in `ops`.  May import:
tables.decimals.  mpmath, SymPy and NumPy are handed in by whoever has loaded them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from derive.tables.decimals import erf, pi

Kernel = Callable[..., Any]
Library = Callable[[Any], Kernel]

UNIT = 1.2e-16
"""A little more than half the distance from 1 to the next float."""


@dataclass(frozen=True)
class Primitive:
    """One function on each kind of number.  None falls as an argument grows, so that an interval is mapped by its ends.

    `decimals` is good to the digits of the context; `floats` and `decimals` raise ArithmeticError or ValueError where there is no
    value.  `strays(*arguments, value, *errors)` bounds how far a float may be off, given how far its arguments may be.  `mpmath`,
    `numpy` and `sympy` find the function in that library; SymPy's is a class, `beside` what it wants behind our arguments.
    `rational` ones give a fraction for fractions.
    """

    decimals: Kernel
    floats: Kernel
    strays: Callable[..., float]
    mpmath: Library
    numpy: Library
    sympy: Callable[[Any], Any]
    beside: tuple[int, ...] = ()
    rational: bool = False


def _decimal_log(z: Decimal) -> Decimal:
    if z <= 0:
        raise ArithmeticError("logarithm of a number that is not positive")
    return z.ln()


PRIMITIVES: dict[str, Primitive] = {
    "exp": Primitive(
        decimals=Decimal.exp,
        floats=math.exp,
        strays=lambda a, v, ea: v * (math.expm1(ea) + 3 * UNIT),
        mpmath=lambda lib: lib.exp,
        numpy=lambda lib: lib.exp,
        sympy=lambda lib: lib.exp,
    ),
    "log": Primitive(
        decimals=_decimal_log,
        floats=math.log,
        strays=lambda a, v, ea: ea / (a - ea) + 3 * UNIT * abs(v) if a > ea else math.inf,
        mpmath=lambda lib: lib.log,
        numpy=lambda lib: lib.log,
        sympy=lambda lib: lib.log,
    ),
    "max": Primitive(
        decimals=max,
        floats=max,
        strays=lambda a, b, v, ea, eb: max(ea, eb),
        mpmath=lambda lib: max,
        numpy=lambda lib: lib.maximum,
        sympy=lambda lib: lib.Max,
        rational=True,
    ),
    "min": Primitive(
        decimals=min,
        floats=min,
        strays=lambda a, b, v, ea, eb: max(ea, eb),
        mpmath=lambda lib: min,
        numpy=lambda lib: lib.minimum,
        sympy=lambda lib: lib.Min,
        rational=True,
    ),
    "erf": Primitive(
        decimals=erf,
        floats=math.erf,
        strays=lambda a, v, ea: 1.13 * ea + 4 * UNIT * abs(v),  # its slope is at most 2/√π
        mpmath=lambda lib: lib.erf,
        numpy=lambda lib: lib.vectorize(math.erf, otypes=[float]),
        sympy=lambda lib: lib.erf,
    ),
    "pi": Primitive(
        decimals=pi,
        floats=lambda: math.pi,
        strays=lambda v: UNIT * v,
        mpmath=lambda lib: lambda: +lib.pi,
        numpy=lambda lib: lambda: lib.pi,
        sympy=lambda lib: type(lib.pi),
    ),
    "step": Primitive(
        decimals=lambda z: Decimal(z > 0),
        floats=lambda z: 1.0 if z > 0 else 0.0,
        strays=lambda a, v, ea: 0.0 if abs(a) > ea else math.inf,
        mpmath=lambda lib: lambda z: lib.mpf(z > 0),
        numpy=lambda lib: lambda z: lib.heaviside(z, 0.0),
        sympy=lambda lib: lib.Heaviside,
        beside=(0,),
        rational=True,
    ),
}
