"""The update rules: how a parameter moves.

Owns `RULES`.  A row is a list of named equations over placeholders, and beside it, for the judge, what they come to written another
way: from all gradients so far, without the last value of any state.  To add a rule, add a row (and its words in languages/); its
tests appear by themselves.  May import: written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import mul

from derive.written import ONE, TWO, Call, Later, Name, Power, Product, Quotient, Sum, Tree, subtract

OLD, GRADIENT, RATE = Name("θ"), Name("g"), Name("η")
"""Placeholders: the parameter before the update, the loss differentiated by it, and the learning rate."""

COUNT = "k"
"""The number of the update, from 1; the papers call it t, which is a target here."""

DECAY = "weight_decay"


@dataclass(frozen=True)
class Hyperparameter:
    """A number of a rule: its name in [train], how it is written, and its published value, "" where it is left out unless typed.

    All are at least 0; one that is `below_one` would divide by 0, or forget nothing, at 1.
    """

    name: str
    latex: str
    text: str
    default: str
    below_one: bool = True


@dataclass(frozen=True)
class Own:
    """A quantity of a rule: its name, how it is written, and its word in the languages.

    A `state` is 0 before the first update and keeps its value for the next; anything else is worked out anew in each.  Of a
    `divisor` the root is divided by.
    """

    name: str
    latex: str
    text: str
    word: str
    state: bool = True
    divisor: bool = False


@dataclass(frozen=True)
class Past:
    """What a parameter has been through when it moves for the k-th time: its k gradients (with the decay added, where that is how
    the rule takes it), and its value before.  `powers` gives 1, b, b² … of a number, as many as there are gradients.
    """

    gradients: Sequence[Decimal]
    old: Decimal
    rate: Decimal
    numbers: Mapping[str, Decimal]
    powers: Callable[[Decimal], Sequence[Decimal]]

    def faded(self, base: Decimal, values: Sequence[Decimal]) -> Decimal:
        """Σ base^(k−i)·value_i: the last value counts whole, each one before it `base` times as much as the one after it."""
        return sum(map(mul, self.powers(base), reversed(values)), Decimal(0))

    @property
    def squares(self) -> list[Decimal]:
        """The gradients squared."""
        return [gradient * gradient for gradient in self.gradients]


@dataclass(frozen=True)
class Rule:
    """An update rule.

    `equations` give its own quantities by name, in the order of computing, and last θ, the parameter, as old minus a step; a
    state's name is its old value, `Later(…, 1)` its new one.  `unrolled` gives the same quantities from the past.  A decay that is
    `decoupled` stands in the equations themselves; for any other rule it is added to the gradient.
    """

    name: str
    numbers: tuple[Hyperparameter, ...]
    own: tuple[Own, ...]
    equations: tuple[tuple[str, Tree], ...]
    unrolled: Callable[[Past], Mapping[str, Decimal]]
    decoupled: bool = False


LAMBDA = Hyperparameter(DECAY, r"\lambda", "λ", "", below_one=False)
MU = Hyperparameter("momentum", r"\mu", "μ", "0.9")
RHO = Hyperparameter("rho", r"\rho", "ρ", "0.9")
BETA1, BETA2 = Hyperparameter("beta1", r"\beta_{1}", "β1", "0.9"), Hyperparameter("beta2", r"\beta_{2}", "β2", "0.999")
EPSILON = Hyperparameter("epsilon", r"\varepsilon", "ε", "1e-8", below_one=False)

DECAYED = Own("g", "g", "g", "decayed-gradient", state=False)
"""The gradient with the decay added, for the rules that take it so."""


def new(state: str) -> Tree:
    """The new value of a state."""
    return Later(Name(state), 1)


def average(rate: Hyperparameter, state: str, value: Tree) -> Tree:
    """A running average: rate·old + (1 − rate)·value."""
    return Sum((Product((Name(rate.name), Name(state))), Product((subtract(ONE, Name(rate.name)), value))))


def corrected(rate: Hyperparameter, state: str) -> Tree:
    """A running average that began at 0, divided by the weight that real values have in it."""
    return Quotient(new(state), subtract(ONE, Power(Name(rate.name), Name(COUNT))))


def down(direction: Tree) -> Tree:
    """The parameter less the rate times a direction."""
    return subtract(OLD, Product((RATE, direction)))


def root(square: Tree) -> Tree:
    """√square + ε."""
    return Sum((Call("sqrt", (square,)), Name(EPSILON.name)))


SQUARED = Power(GRADIENT, TWO)
VELOCITY = ("v", Sum((Product((Name(MU.name), Name("v"))), GRADIENT)))
MOMENTS = (
    ("m", average(BETA1, "m", GRADIENT)),
    ("v", average(BETA2, "v", SQUARED)),
    ("mhat", corrected(BETA1, "m")),
    ("vhat", corrected(BETA2, "v")),
)
OF_ADAM = (
    Own("m", "m", "m", "first-moment"),
    Own("v", "v", "v", "second-moment", divisor=True),
    Own("mhat", r"\hat{m}", "m̂", "first-corrected", state=False),
    Own("vhat", r"\hat{v}", "v̂", "second-corrected", state=False),
)


def _momentum(past: Past, ahead: bool) -> Mapping[str, Decimal]:
    mu = past.numbers["momentum"]
    v = past.faded(mu, past.gradients)
    step = past.gradients[-1] + mu * v if ahead else v
    return {"v": v, "θ": past.old - past.rate * step}


def _rmsprop(past: Past) -> Mapping[str, Decimal]:
    rho = past.numbers["rho"]
    s = (1 - rho) * past.faded(rho, past.squares)
    return {"s": s, "θ": past.old - past.rate / (s.sqrt() + past.numbers["epsilon"]) * past.gradients[-1]}


def _adam(past: Past, decay: Decimal = Decimal(0)) -> Mapping[str, Decimal]:
    """Moments as weighted means of all gradients (eq. 1 of the paper); corrected ones are divided by the sum of the weights."""
    beta1, beta2, ones = past.numbers["beta1"], past.numbers["beta2"], (Decimal(1),) * len(past.gradients)
    first, second = past.faded(beta1, past.gradients), past.faded(beta2, past.squares)
    mhat, vhat = first / past.faded(beta1, ones), second / past.faded(beta2, ones)
    kept = past.old * (1 - past.rate * decay)
    return {
        "m": (1 - beta1) * first,
        "v": (1 - beta2) * second,
        "mhat": mhat,
        "vhat": vhat,
        "θ": kept - past.rate * mhat / (vhat.sqrt() + past.numbers["epsilon"]),
    }


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("sgd", (LAMBDA,), (), (("θ", down(GRADIENT)),), lambda past: {"θ": past.old - past.rate * past.gradients[-1]}),
        # Polyak 1964, "Some methods of speeding up the convergence of iteration methods" (the heavy ball), with the velocity as
        # PyTorch's SGD keeps it: the learning rate is applied to the whole velocity, not to the gradient that enters it.
        Rule(
            "momentum",
            (MU, LAMBDA),
            (Own("v", "v", "v", "velocity"),),
            (VELOCITY, ("θ", down(new("v")))),
            lambda past: _momentum(past, ahead=False),
        ),
        # Nesterov 1983 as Sutskever, Martens, Dahl & Hinton 2013 write it (eqs. 3 and 4), but in terms of the point where the
        # gradient is taken, and with the rate outside the velocity: PyTorch's SGD(nesterov=True).
        Rule(
            "nesterov",
            (MU, LAMBDA),
            (Own("v", "v", "v", "velocity"),),
            (VELOCITY, ("θ", down(Sum((GRADIENT, Product((Name(MU.name), new("v")))))))),
            lambda past: _momentum(past, ahead=True),
        ),
        # Tieleman & Hinton 2012, Coursera, lecture 6.5; ε stands outside the root, as in PyTorch's RMSprop, whose ρ is 0.99.
        Rule(
            "rmsprop",
            (RHO, EPSILON, LAMBDA),
            (Own("s", "s", "s", "mean-square", divisor=True),),
            (("s", average(RHO, "s", SQUARED)), ("θ", subtract(OLD, Product((Quotient(RATE, root(new("s"))), GRADIENT))))),
            _rmsprop,
        ),
        # Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", Algorithm 1 and its defaults.
        Rule(
            "adam",
            (BETA1, BETA2, EPSILON, LAMBDA),
            OF_ADAM,
            (*MOMENTS, ("θ", subtract(OLD, Quotient(Product((RATE, Name("mhat"))), root(Name("vhat")))))),
            _adam,
        ),
        # Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", Algorithm 2, the rate on both terms and λ = 0.01 as in
        # PyTorch's AdamW; the paper gives no default.
        Rule(
            "adamw",
            (BETA1, BETA2, EPSILON, Hyperparameter(DECAY, r"\lambda", "λ", "0.01", below_one=False)),
            OF_ADAM,
            (*MOMENTS, ("θ", down(Sum((Quotient(Name("mhat"), root(Name("vhat"))), Product((Name(DECAY), OLD))))))),
            lambda past: _adam(past, past.numbers[DECAY]),
            decoupled=True,
        ),
    )
}
