"""The functions that Python's decimals lack, to as many digits as the context asks for.

Owns `erf` and `pi`.  Imports nothing of ours.
"""

from __future__ import annotations

from decimal import Context, Decimal, getcontext, localcontext
from functools import lru_cache

GUARD = 20


def pi() -> Decimal:
    """π, by π/4 = 4 arctan(1/5) − arctan(1/239) (Machin 1706).

    >>> from derive.arithmetic import precision
    >>> with precision(30):
    ...     pi()
    Decimal('3.14159265358979323846264338328')
    """
    return +_pi_beyond(getcontext().prec)


@lru_cache(maxsize=32)
def _pi_beyond(digits: int) -> Decimal:
    """π with some digits more than asked, so that rounding it is seen as a rounding."""
    places = digits + GUARD // 2
    one = 10 ** (places + GUARD // 2)  # each division may lose a unit, far behind the places that are kept
    scaled = 4 * (4 * _arctan_of_inverse(5, one) - _arctan_of_inverse(239, one)) // 10 ** (GUARD // 2)
    with localcontext(Context(prec=places + 1)):
        return Decimal(scaled).scaleb(-places)


def _arctan_of_inverse(n: int, one: int) -> int:
    """arctan(1/n) in units of 1/one: the sum of (−1)^k / ((2k + 1) n^{2k+1})."""
    power, total, k = one // n, 0, 1
    while power:
        total += power // k if k % 4 == 1 else -(power // k)
        power //= n * n
        k += 2
    return total


def erf(z: Decimal) -> Decimal:
    """The error function, (2/√π) ∫ e^{−u²} du from 0 to z.

    By (2/√π) e^{−z²} Σ 2ⁿ z^{2n+1} / (1·3·…·(2n+1)), all of whose terms have the sign of z (NIST DLMF, eq. 7.6.2).
    """
    if not z:
        return Decimal(0)
    digits = getcontext().prec
    with localcontext() as context:
        context.prec = digits + GUARD
        square, size = z * z, Decimal(1)
        if square < 3 * context.prec:  # else 1 − erf |z| < e^{−z²} is less than the digits can show
            term = total = abs(z)
            n = 0
            while term > total.scaleb(-context.prec):
                n += 1
                term = term * 2 * square / (2 * n + 1)
                total += term
            size = 2 * total * (-square).exp() / pi().sqrt()
        below_one = 1 - Decimal(1).scaleb(-digits - GUARD // 2)  # never 1, so that rounding it is seen as a rounding
    return +min(size, below_one).copy_sign(z)
