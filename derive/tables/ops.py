"""The operations: what each computes, the slope a class teaches for it, where it has a kink.

Owns `OPS`.  To add an activation, a loss or a function, add a row; its tests appear by themselves.  May import: written,
handwriting.
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
    multiply,
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
    it is a `kink`, and the convention that the page states is used.
    `listed` ones may be lists of equal length; `spread` takes any number and has as many outputs.
    """

    name: str
    kind: str
    title: str
    arguments: tuple[str, ...]
    formula: Callable[[Arguments, int], Tree] | None = None
    slope: Callable[[Arguments, Arguments, int, int], Tree | None] = lambda outputs, arguments, part, at: None
    seams: Callable[[Arguments], tuple[Tree, ...]] = lambda arguments: ()
    kink: bool = False
    latex: str = ""
    text: str = ""
    listed: bool = False
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


def at_zero(arguments: Arguments) -> tuple[Tree, ...]:
    """The seam of an operation with one piece below 0 and one above."""
    return arguments


def at_tie(arguments: Arguments) -> tuple[Tree, ...]:
    """The seam of an operation that chooses one of two."""
    return (subtract(*arguments),)


LEAK = Number("0.01")

OPS: dict[str, Op] = {
    op.name: op
    for op in (
        unary(
            "sigmoid",
            "activation",
            "logistic sigmoid",
            lambda z: Quotient(ONE, Sum((ONE, exp(Negative(z))))),
            lambda a, z: Product((a, subtract(ONE, a)), tight=True),
            latex=r"\sigma",
            text="σ",
        ),
        unary(
            "tanh",
            "activation",
            "hyperbolic tangent",
            lambda z: Quotient(subtract(exp(z), exp(Negative(z))), Sum((exp(z), exp(Negative(z))))),
            lambda a, z: subtract(ONE, Power(a, TWO)),
            latex=r"\tanh",
        ),
        unary(
            "relu",
            "activation",
            "rectified linear unit",
            lambda z: Call("max", (ZERO, z)),
            lambda a, z: step(z),
            latex=r"\operatorname{ReLU}",
            text="ReLU",
            seams=at_zero,
            kink=True,
        ),
        unary(
            "leaky_relu",
            "activation",
            "leaky rectified linear unit",
            lambda z: Sum((Call("max", (ZERO, z)), Negative(Product((LEAK, Call("max", (ZERO, Negative(z)))), tight=True)))),
            lambda a, z: Sum((LEAK, Product((Number("0.99"), step(z)), tight=True))),
            latex=r"\operatorname{LeakyReLU}",
            text="LeakyReLU",
            seams=at_zero,
            kink=True,
        ),
        unary(
            "softplus",
            "activation",
            "softplus",
            lambda z: log(Sum((ONE, exp(z)))),
            lambda a, z: Call("sigmoid", (z,)),
            latex=r"\operatorname{softplus}",
        ),
        unary("identity", "activation", "identity", lambda z: z, lambda a, z: ONE, latex=r"\operatorname{id}", text="id"),
        Op(
            "softmax",
            "activation",
            "softmax",
            ("z1", "z2", "…"),
            softmax,
            softmax_slope,
            latex=r"\operatorname{softmax}",
            spread=True,
            example=("0.3", "-0.2", "0.7"),
        ),
        unary("exp", "function", "exponential", None, lambda a, z: a, latex=r"\exp"),
        unary("log", "function", "natural logarithm", None, lambda a, z: Quotient(ONE, z), latex=r"\ln", text="ln"),
        unary(
            "square",
            "function",
            "square",
            lambda z: Power(z, TWO),
            lambda a, z: multiply(TWO, z, tight=True),
            latex=r"\operatorname{square}",
        ),
        unary(
            "sqrt",
            "function",
            "square root",
            lambda z: Power(z, Quotient(ONE, TWO)),
            lambda a, z: Quotient(ONE, multiply(TWO, a, tight=True)),
            latex=r"\operatorname{sqrt}",
        ),
        unary("step", "function", "step", None, lambda a, z: ZERO, seams=at_zero, kink=True),
        Op(
            "max",
            "function",
            "larger of two",
            ("a", "b"),
            None,
            maximum_slope,
            seams=at_tie,
            kink=True,
            latex=r"\max",
            example=("0.3", "-0.2"),
        ),
        Op(
            "half_squared_error",
            "loss",
            "½ squared error",
            ("y", "t"),
            half_squared_error,
            of_prediction(lambda n, y, t: subtract(y, t)),
            latex=r"\tfrac{1}{2}\operatorname{SE}",
            text="½SE",
            listed=True,
            example=("0.3", "0.8"),
        ),
        Op(
            "mse",
            "loss",
            "mean squared error",
            ("y", "t"),
            mean_squared_error,
            of_prediction(lambda n, y, t: Product((TWO if n == 1 else Quotient(TWO, number(n)), subtract(y, t)), tight=True)),
            latex=r"\operatorname{MSE}",
            text="MSE",
            listed=True,
            example=("0.3", "0.8"),
        ),
        Op(
            "bce",
            "loss",
            "binary cross-entropy",
            ("y", "t"),
            binary_cross_entropy,
            of_prediction(lambda n, y, t: Quotient(subtract(y, t), Product((y, subtract(ONE, y)), tight=True))),
            latex=r"\operatorname{BCE}",
            text="BCE",
            example=("0.3", "0.8"),
        ),
        Op(
            "cross_entropy",
            "loss",
            "categorical cross-entropy",
            ("y", "t"),
            cross_entropy,
            of_prediction(lambda n, y, t: Negative(Quotient(t, y))),
            latex=r"\operatorname{CE}",
            text="CE",
            listed=True,
            example=("0.3", "0.8"),
        ),
    )
}

ALIASES = {"ln": "log", "σ": "sigmoid"}
