"""Random small networks for Hypothesis: random wiring, shared names, one quantity used by several, numbers of both signs."""

from dataclasses import dataclass

from hypothesis import strategies as st

from derive.network import Equation, Network
from derive.reader import read_formula
from derive.spec import Problem, Train
from derive.written import Call, Number

UNARY = ("sigmoid", "tanh", "relu", "leaky_relu", "softplus", "identity", "square", "elu", "silu", "gelu", "gelu_tanh", "mish", "erf", "abs")
KINDS = ("affine", "affine", "unary", "unary", "unary", "product", "quotient", "power", "mixed", "softmax")
LOSSES = ("half_squared_error", "mse", "squares", "bce", "cross_entropy", "kl", "hinge", "huber")


@dataclass(frozen=True)
class Drawn:
    """A problem with the text each equation was typed as; several goals stand for the outputs of one softmax."""

    problem: Problem
    typed: tuple[tuple[tuple[str, ...], str], ...]

    @property
    def numbers(self):
        return {name: number.text for name, number in self.problem.given.items()}


def numbers(low=-150, high=150):
    """Decimals as they are typed, two places, none of them zero."""
    return st.integers(low, high).filter(bool).map(lambda n: f"{n / 100:.2f}")


def problem_of(typed, given, rate="0.5", loss=None):
    """A problem from typed equations and typed numbers; every free name is trained."""
    equations = []
    for goals, text in typed:
        tree = read_formula(text)
        if len(goals) == 1:
            equations.append(Equation(goals[0], tree))
        else:
            equations += [Equation(goal, Call(tree.function, tree.arguments, k), goals) for k, goal in enumerate(goals)]
    network = Network(tuple(equations))
    goal = loss or network.equations[-1].goal
    parameters = tuple(name for name in network.free if name in network.above(goal))
    values = {name: Number(given[name]) for name in network.free}
    return Problem("Random", network, Train(goal, parameters, Number(rate)), values)


@st.composite
def networks(draw, most=5):
    """A `Drawn` of two to `most` equations below a loss."""
    free = ["x1", "x2", "w1", "w2", "w3", "b"]
    given = {name: draw(numbers()) for name in free} | {"t1": draw(numbers(5, 95)), "t2": draw(numbers(5, 95))}
    typed, known = [], []

    def quantity():
        return draw(st.sampled_from([*known[-3:], *known[-3:], *free]))

    def weight():
        return draw(st.sampled_from(free))

    for place in range(1, draw(st.integers(2, most)) + 1):
        goal = f"q{place}"
        kind = draw(st.sampled_from(KINDS))
        if kind == "softmax":
            goals = (f"{goal}_1", f"{goal}_2")
            typed.append((goals, f"softmax({quantity()}, {quantity()})"))
            known += goals
            continue
        text = {
            "affine": lambda: f"{weight()}*{quantity()} + {weight()}*{quantity()} + {weight()}",
            "unary": lambda: f"{draw(st.sampled_from(UNARY))}({quantity()})",
            "product": lambda: f"{quantity()}*{quantity()}",
            "quotient": lambda: f"{quantity()}/(1 + {quantity()}^2)",
            "power": lambda: f"(1/2*{quantity()} - {quantity()})^{draw(st.integers(2, 3))}",
            "mixed": lambda: f"{quantity()}*tanh({quantity()}) - sqrt(1 + exp({quantity()}))",
        }[kind]()
        typed.append(((goal,), text))
        known.append(goal)
    first, second = quantity(), known[-1]
    kind = draw(st.sampled_from(LOSSES))
    if kind == "bce":
        typed += [(("y",), f"sigmoid({second})"), (("L",), "bce(y, t1)")]
    elif kind == "cross_entropy":
        typed += [(("y1", "y2"), f"softmax({first}, {second})"), (("L",), "cross_entropy([y1, y2], [t1, t2])")]
    elif kind == "kl":  # all names are trained: the targets, too, stay positive
        typed += [((f"{k}1", f"{k}2"), f"softmax({one}, {two})") for k, one, two in (("y", first, second), ("p", "t1", "t2"))]
        typed.append((("L",), "kl([y1, y2], [p1, p2])"))
    elif kind == "squares":
        typed.append((("L",), f"1/2*((t1 - {first})^2 + (t2 - {second})^2)"))
    else:
        typed.append((("L",), f"{kind}([{first}, {second}], [t1, t2])"))
    return Drawn(problem_of(typed, given), tuple(typed))


def renamed_loss(drawn, text):
    """The same network with one more equation, M, below the loss."""
    typed = (*drawn.typed, (("M",), text))
    return problem_of(typed, drawn.numbers, loss="M")


__all__ = ["Drawn", "networks", "numbers", "problem_of", "renamed_loss"]
