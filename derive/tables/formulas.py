"""What the rows of `ops` are made of.

Owns `Op`, the record of one operation, and the formulas and slopes that take more than a line.  May import: written, handwriting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from derive.handwriting import spread
from derive.written import (
    ONE,
    TWO,
    ZERO,
    Call,
    Listing,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Tree,
    add,
    number,
    subtract,
)

Arguments = tuple[Tree, ...]


@dataclass(frozen=True)
class Op:
    """One operation.

    `formula(arguments, part)` writes it out, or is missing for the primitives, which have a row in `primitives`.
    `slope(outputs, arguments, part, at)` writes the derivative of output `part` by the argument numbered `at` (lists opened),
    in terms of the outputs where a class teaches it so; None leaves it to SymPy.
    `arguments` names the arguments.  `seams(arguments)` are 0 where two pieces of the operation meet; where the slope jumps there
    it is a `kink`, and the convention that the page states is used.  `lowest` is told of an operation on one argument that falls up
    to that place and rises from there on (−∞ where it only rises): its bounds on an interval then need no bounds of its parts.
    `listed` ones may be lists of equal length, over which they add up or, `averaged`, take the mean; `spread` takes any number and
    has as many outputs.
    """

    name: str
    kind: str
    title: str
    arguments: tuple[str, ...]
    formula: Callable[[Arguments, int], Tree] | None = None
    slope: Callable[[Arguments, Arguments, int, int], Tree | None] = lambda outputs, arguments, part, at: None
    seams: Callable[[Arguments], tuple[Tree, ...]] = lambda arguments: ()
    kink: bool = False
    lowest: float | None = None
    latex: str = ""
    text: str = ""
    listed: bool = False
    averaged: bool = False
    spread: bool = False
    example: tuple[str, ...] = ("0.3",)

    def fault(self, arguments: Arguments) -> str | None:
        """What is wrong with these arguments, or None."""
        usage = f"{self.name}({', '.join(self.arguments)})"
        if self.spread:
            return None if arguments and not any(isinstance(a, Listing) for a in arguments) else f"write {usage}"
        if len(arguments) != len(self.arguments):
            return f"{self.name} takes {len(self.arguments)} argument{'s' * (len(self.arguments) > 1)}: {usage}"
        sizes = [len(a.items) if isinstance(a, Listing) else 0 for a in arguments]
        if any(sizes) and not self.listed:
            return f"{self.name} takes no lists: {usage}"
        return None if len(set(sizes)) == 1 else f"the lists given to {self.name} differ in length"


def unary(
    name: str,
    kind: str,
    title: str,
    formula: Callable[[Tree], Tree] | None,
    slope: Callable[[Tree, Tree], Tree],
    **more: Any,
) -> Op:
    """A row with one argument z and one output a: `slope(a, z)`."""
    return Op(
        name,
        kind,
        title,
        ("z",),
        None if formula is None else lambda arguments, part: formula(arguments[0]),
        lambda outputs, arguments, part, at: slope(outputs[0], arguments[0]),
        **more,
    )


def pairs(arguments: Arguments) -> tuple[tuple[Tree, Tree], ...]:
    """Predictions with their targets, of `(y, t)` or of two lists."""
    flat = spread(arguments)
    half = len(flat) // 2
    return tuple(zip(flat[:half], flat[half:], strict=True))


def exp(z: Tree) -> Tree:
    """e^z, written."""
    return Call("exp", (z,))


def log(z: Tree) -> Tree:
    """ln z, written."""
    return Call("log", (z,))


def step(z: Tree) -> Tree:
    """1 where z > 0, else 0, written."""
    return Call("step", (z,))


def call(function: str, *arguments: Tree) -> Tree:
    """An operation at its arguments, written."""
    return Call(function, arguments)


def times(*factors: Tree) -> Tree:
    """Factors side by side, written: z Φ(z)."""
    return Product(factors, tight=True)


HALF, PI = Quotient(ONE, TWO), call("pi")


def one_minus_square(a: Tree) -> Tree:
    """1 − a², the slope of tanh in terms of its output."""
    return subtract(ONE, Power(a, TWO))


def normal_cdf(z: Tree) -> Tree:
    """Φ(z) = ½(1 + erf(z/√2)), the share of a standard normal distribution that lies below z (NIST DLMF, section 7.20(iii))."""
    return times(HALF, Sum((ONE, call("erf", Quotient(z, call("sqrt", TWO))))))


def normal_pdf(z: Tree) -> Tree:
    """φ(z) = e^{−z²/2}/√(2π), the slope of Φ."""
    return Quotient(exp(Negative(Quotient(Power(z, TWO), TWO))), call("sqrt", times(TWO, PI)))


def gelu_slope(a: Tree, z: Tree) -> Tree:
    """Φ(z) + z φ(z), by the product rule on z Φ(z) (Hendrycks and Gimpel 2016, section 2)."""
    return Sum((call("normal_cdf", z), times(z, call("normal_pdf", z))))


def _gelu_bend(z: Tree) -> Tree:
    cubed = times(Number("0.044715"), Power(z, Number("3")))
    return call("tanh", times(call("sqrt", Quotient(TWO, PI)), Sum((z, cubed))))


def gelu_tanh(z: Tree) -> Tree:
    """z/2 (1 + tanh(√(2/π)(z + 0.044715 z³))), the approximation of z Φ(z) in Hendrycks and Gimpel 2016, section 2."""
    return times(Quotient(z, TWO), Sum((ONE, _gelu_bend(z))))


def gelu_tanh_slope(a: Tree, z: Tree) -> Tree:
    """The product rule on z/2 and 1 + tanh u, with u' = √(2/π)(1 + 3 · 0.044715 z²)."""
    inner = times(call("sqrt", Quotient(TWO, PI)), Sum((ONE, times(Number("0.134145"), Power(z, TWO)))))
    bend = _gelu_bend(z)
    return Sum((times(HALF, Sum((ONE, bend))), times(Quotient(z, TWO), one_minus_square(bend), inner)))


def silu_slope(a: Tree, z: Tree) -> Tree:
    """a + σ(z)(1 − a), in terms of the output (Ramachandran, Zoph and Le 2017, with β = 1)."""
    return Sum((a, times(call("sigmoid", z), subtract(ONE, a))))


def mish_slope(a: Tree, z: Tree) -> Tree:
    """The product rule on z tanh(softplus(z)); the slope of softplus is σ (Misra 2019)."""
    bend = call("tanh", call("softplus", z))
    return Sum((bend, times(z, one_minus_square(bend), call("sigmoid", z))))


def half_squared_error(arguments: Arguments, part: int) -> Tree:
    """½ Σ (t − y)²."""
    terms = [Power(subtract(t, y), TWO) for y, t in pairs(arguments)]
    return Product((Quotient(ONE, TWO), add(*terms)), tight=True)


def mean_squared_error(arguments: Arguments, part: int) -> Tree:
    """(1/n) Σ (y − t)²."""
    terms = [Power(subtract(y, t), TWO) for y, t in pairs(arguments)]
    return terms[0] if len(terms) == 1 else Product((Quotient(ONE, number(len(terms))), add(*terms)), tight=True)


def binary_cross_entropy(arguments: Arguments, part: int) -> Tree:
    """−(t ln y + (1 − t) ln(1 − y))."""
    y, t = arguments
    return Negative(Sum((Product((t, log(y)), tight=True), Product((subtract(ONE, t), log(subtract(ONE, y))), tight=True))))


def cross_entropy(arguments: Arguments, part: int) -> Tree:
    """−Σ t ln y."""
    terms = [Product((t, log(y)), tight=True) for y, t in pairs(arguments)]
    return Negative(add(*terms))


def hinge_gaps(arguments: Arguments) -> tuple[Tree, ...]:
    """How far each 1 − t y is from 0, where the hinge loss has its kink."""
    return tuple(subtract(ONE, times(t, y)) for y, t in pairs(arguments))


def hinge(arguments: Arguments, part: int) -> Tree:
    """Σ max(0, 1 − t y), for targets of −1 and 1 (Cortes and Vapnik 1995 penalise the same slack)."""
    return add(*(call("max", ZERO, gap) for gap in hinge_gaps(arguments)))


def hinge_slope(outputs: Arguments, arguments: Arguments, part: int, at: int) -> Tree:
    """−t by the prediction where the margin is too small, else 0; −y by the target."""
    both = pairs(arguments)
    y, t = both[at % len(both)]
    return Negative(times(t if at < len(both) else y, step(subtract(ONE, times(t, y)))))


def huber(arguments: Arguments, part: int) -> Tree:
    """Σ ½ min(1, |y − t|)² + max(0, |y − t| − 1): ½(y − t)² up to a distance of 1, then straight on (Huber 1964, with k = 1)."""
    far = [call("abs", subtract(y, t)) for y, t in pairs(arguments)]
    terms = [(times(HALF, Power(call("min", ONE, d), TWO)), call("max", ZERO, subtract(d, ONE))) for d in far]
    return Sum(tuple(part for both in terms for part in both))


def huber_seams(arguments: Arguments) -> tuple[Tree, ...]:
    """y − t − 1 and y − t + 1 for each pair: there the parabola goes on as a straight line."""
    return tuple(seam for y, t in pairs(arguments) for seam in (Sum((y, Negative(t), Negative(ONE))), Sum((y, Negative(t), ONE))))


def huber_slope(outputs: Arguments, arguments: Arguments, part: int, at: int) -> Tree:
    """y − t cut off at −1 and 1, by the prediction; its opposite by the target."""
    both = pairs(arguments)
    y, t = both[at % len(both)]
    clipped = call("max", Negative(ONE), call("min", ONE, subtract(y, t)))
    return clipped if at < len(both) else Negative(clipped)


def kullback_leibler(arguments: Arguments, part: int) -> Tree:
    """Σ t ln(t/y), of the targets from the predictions (Kullback and Leibler 1951)."""
    return add(*(times(t, log(Quotient(t, y))) for y, t in pairs(arguments)))


def of_prediction(slope: Callable[[int, Tree, Tree], Tree]) -> Callable[[Arguments, Arguments, int, int], Tree | None]:
    """A loss's slope by a prediction: `slope(n, y, t)`; the slope by a target is left to SymPy."""

    def by_argument(outputs: Arguments, arguments: Arguments, part: int, at: int) -> Tree | None:
        both = pairs(arguments)
        return slope(len(both), *both[at]) if at < len(both) else None

    return by_argument


def softmax(arguments: Arguments, part: int) -> Tree:
    """e^{z_k} / Σ e^{z_j}."""
    return Quotient(exp(arguments[part]), add(*map(exp, arguments)))


def softmax_slope(outputs: Arguments, arguments: Arguments, part: int, at: int) -> Tree:
    """y_k (1 − y_k) on the diagonal, −y_k y_j off it (Bishop, Pattern Recognition and Machine Learning, eq. 4.106)."""
    mine, other = outputs[part], outputs[at]
    return Product((mine, subtract(ONE, mine)), tight=True) if part == at else Negative(Product((mine, other), tight=True))


def maximum_slope(outputs: Arguments, arguments: Arguments, part: int, at: int) -> Tree:
    """1 for the larger argument, 0 for the smaller; a tie goes to the first."""
    second = step(subtract(arguments[1], arguments[0]))
    return second if at else subtract(ONE, second)


def minimum_slope(outputs: Arguments, arguments: Arguments, part: int, at: int) -> Tree:
    """1 for the smaller argument, 0 for the larger; a tie goes to the first."""
    second = step(subtract(*arguments))
    return second if at else subtract(ONE, second)


def at_zero(arguments: Arguments) -> tuple[Tree, ...]:
    """The seam of an operation with one piece below 0 and one above."""
    return arguments


def at_tie(arguments: Arguments) -> tuple[Tree, ...]:
    """The seam of an operation that chooses one of two."""
    return (subtract(*arguments),)
