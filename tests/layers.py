"""The built-in problems over arrays, each with its forward pass written a second time: by hand in NumPy, and with PyTorch's functions.

Nothing here is read from a problem file, and nothing of `derive.tensors` is used: `evaluate` computes a written formula as
tensors/shapes.py says NumPy would, and every derivative it meets is a central difference of the forward pass below.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import product

import numpy

from derive.written import (
    Call,
    Delta,
    Einsum,
    Elementwise,
    Index,
    Indexed,
    Listing,
    MatrixProduct,
    Name,
    Negative,
    Number,
    Over,
    Partial,
    Power,
    Product,
    Quotient,
    Rows,
    Rule,
    Shaped,
    Size,
    Sum,
    Transpose,
    Within,
    walk,
)

NUDGE = 1e-5
"""A central difference with it is right to about 1e-9 of numbers near 1, in 64 bits."""


def sigmoid(z):
    return 1 / (1 + numpy.exp(-z))


def softmax(z, axis):
    top = numpy.exp(z - z.max(axis, keepdims=True))
    return top / top.sum(axis, keepdims=True)


# --- one forward pass ------------------------------------------------------------------------------------------------------


class Pass:
    """One forward pass: `at` writes a quantity down as it is made, with a nudge where one was asked for."""

    def __init__(self, layer, free, upstream, nudges=None):
        self.nudges, self.values = nudges or {}, {}
        layer.forward(self.at, {name: self.at(name, value) for name, value in free.items()})
        self.values = {name: numpy.stack(made) if isinstance(made, list) else made for name, made in self.values.items()}
        if layer.outputs:
            self.values["L"] = sum((upstream[name] * self.values[name]).sum() for name in layer.outputs)

    def at(self, name, value, step=None):
        """`value`, nudged; with a `step`, it is that step of a quantity made step by step."""
        if name in self.nudges:
            value = value + (self.nudges[name] if step is None else self.nudges[name][step])
        if step is None:
            self.values[name] = value
        else:
            self.values.setdefault(name, []).append(value)
        return value


@dataclass(frozen=True)
class Layer:
    """A problem's forward pass.

    `forward(at, q)` makes every quantity under its name; a loss of which nothing is known reads `outputs`.  `draw` changes what was
    drawn where not every number will do.  `torch(torch, F, q)` makes the outputs, or the loss L, with PyTorch's own functions.
    """

    sizes: dict[str, int]
    shapes: dict[str, tuple[int, ...]]
    forward: Callable
    torch: Callable
    outputs: tuple[str, ...] = ()
    draw: Callable = field(default=lambda q, source: None)


class World:
    """A layer at drawn numbers: the value of every quantity, and every derivative as a central difference."""

    def __init__(self, layer, seed=0):
        source = numpy.random.default_rng(seed)
        self.layer, self.sizes = layer, layer.sizes
        self.free = {name: numpy.asarray(source.uniform(-1.5, 1.5, shape)) for name, shape in layer.shapes.items()}
        layer.draw(self.free, source)
        shapes = {
            name: numpy.shape(value) for name, value in Pass(layer, self.free, dict.fromkeys(layer.outputs, 0.0)).values.items()
        }
        self.upstream = {name: source.uniform(-1, 1, shapes[name]) for name in layer.outputs}
        self.values = Pass(layer, self.free, self.upstream).values
        self.partial = cache(self.difference)

    def nudged(self, nudges):
        return Pass(self.layer, self.free, self.upstream, nudges).values

    def difference(self, of, wrt):
        """∂of/∂wrt through every path, all entries of `of` by all entries of `wrt`."""
        shape = numpy.shape(self.values[wrt])
        result = numpy.zeros((*numpy.shape(self.values[of]), *shape))
        for place in numpy.ndindex(*shape):
            nudge = numpy.zeros(shape)
            nudge[place] = NUDGE
            slope = (self.nudged({wrt: nudge})[of] - self.nudged({wrt: -nudge})[of]) / (2 * NUDGE)
            result[(..., *place)] = slope
        return result

    def direct(self, of, wrt):
        """∂of/∂wrt along one equation only; known for the loss of which nothing is told."""
        if of == "L" and wrt in self.upstream:
            return self.upstream[wrt]
        raise NotImplementedError(of, wrt)

    def value(self, goal):
        return self.partial(goal.of, goal.wrt) if isinstance(goal, Partial) else self.values[goal.name]


# --- a written formula, computed --------------------------------------------------------------------------------------------

FUNCTIONS = {
    "sigmoid": sigmoid,
    "tanh": numpy.tanh,
    "relu": lambda z: numpy.maximum(z, 0),
    "leaky_relu": lambda z: numpy.where(z > 0, z, z / 100),
    "softplus": lambda z: numpy.log1p(numpy.exp(z)),
    "identity": lambda z: z,
    "square": numpy.square,
    "sqrt": numpy.sqrt,
    "exp": numpy.exp,
    "log": numpy.log,
    "step": lambda z: (numpy.asarray(z) > 0).astype(float),
    "bce": lambda y, t: -t * numpy.log(y) - (1 - t) * numpy.log(1 - y),
    "half_squared_error": lambda y, t: ((t - y) ** 2).sum() / 2,
    "mse": lambda y, t: ((t - y) ** 2).mean(),
    "cross_entropy": lambda y, t: -(t * numpy.log(y)).sum(),
    "normal_cdf": lambda z: (1 + numpy.vectorize(math.erf)(z / math.sqrt(2))) / 2,
    "normal_pdf": lambda z: numpy.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    "gelu": lambda z: z * (1 + numpy.vectorize(math.erf)(z / math.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + numpy.exp(-z)),
    "elu": lambda z: numpy.where(z > 0, z, numpy.expm1(z)),
    "mish": lambda z: z * numpy.tanh(numpy.log1p(numpy.exp(z))),
    "hinge": lambda y, t: numpy.maximum(0, 1 - t * y).sum(),
    "huber": lambda y, t: numpy.where(abs(y - t) <= 1, (y - t) ** 2 / 2, abs(y - t) - 0.5).sum(),
    "kl": lambda y, t: (t * numpy.log(t / y)).sum(),
    "diag": numpy.diag,
    "min": numpy.minimum,
    "max": numpy.maximum,
    "abs": numpy.abs,
}
REDUCTIONS = {"sum": numpy.sum, "mean": numpy.mean, "max": numpy.max}


def length(size, sizes):
    """How long an axis is; a fraction is cut to whole steps."""
    match size:
        case Number(text):
            return int(text)
        case Size(name):
            return sizes[name]
        case Sum(terms):
            return sum(length(term, sizes) for term in terms)
        case Negative(body):
            return -length(body, sizes)
        case Product(factors):
            return int(numpy.prod([length(factor, sizes) for factor in factors]))
        case Quotient(top, bottom):
            return length(top, sizes) // length(bottom, sizes)
    raise TypeError(size)


def runs(indices, sizes):
    """Every value of some letters together."""
    for numbers in product(*(range(length(index.size, sizes)) for index in indices)):
        yield dict(zip((index.name for index in indices), numbers, strict=True))


def matrix_product(left, right):
    """A vector is a column on the right of @ and a row on its left; a column times a row is their outer product; a row times a vector
    is a number.
    """
    if left.ndim == 1 and right.ndim == 2 and right.shape[0] == 1:
        return left[:, None] @ right
    made = left @ right
    return made[0] if left.ndim == 2 and left.shape[0] == 1 and right.ndim == 1 else made


def entry(array, place):
    """An entry, or the slice that fewer places pick; outside of the array it is 0."""
    if all(0 <= k < size for k, size in zip(place, array.shape, strict=False)):
        return array[place]
    return numpy.zeros(array.shape[len(place) :])


def evaluate(tree, world, env):
    """A written formula as an array; `env` has a number for each letter that stands free."""

    def at(inner, extra=None):
        return evaluate(inner, world, {**env, **(extra or {})})

    match tree:
        case Number(text):
            return float(text)
        case Size(name):
            return world.sizes[name]
        case Index(name):
            return env[name]
        case Name(name):
            return world.values[name]
        case Partial(of, wrt, direct):
            return world.direct(of, wrt) if direct else world.partial(of, wrt)
        case Indexed(base, places):
            return entry(numpy.asarray(at(base)), tuple(int(at(place)) for place in places))
        case Sum(terms):
            return sum(map(at, terms[1:]), at(terms[0]))
        case Product(factors) | Elementwise(factors):
            made = at(factors[0])
            for factor in factors[1:]:
                made = made * at(factor)
            return made
        case Negative(body):
            return -at(body)
        case Quotient(top, bottom):
            return at(top) / at(bottom)
        case Power(base, exponent):
            return at(base) ** at(exponent)
        case MatrixProduct(left, right):
            return matrix_product(at(left), at(right))
        case Transpose(body):
            whole = at(body)
            return whole[None, :] if whole.ndim == 1 else whole.T
        case Einsum(subscripts, operands):
            return numpy.einsum(subscripts, *map(at, operands))
        case Shaped(body):
            return at(body)
        case Listing(items):
            return numpy.array([at(item) for item in items])
        case Rows(rows):
            return numpy.array([[at(item) for item in row] for row in rows])
        case Delta(left, right):
            return float(at(left) == at(right))
        case Within(place, size):
            return float(0 <= at(place) < length(size, world.sizes))
        case Over(operation, indices, body):
            values = [at(body, letters) for letters in runs(indices, world.sizes)]
            return {"sum": sum, "max": max, "argmax": lambda them: int(numpy.argmax(them))}[operation](values)
        case Rule(indices, body):
            shape = [length(index.size, world.sizes) for index in indices]
            return numpy.array([at(body, letters) for letters in runs(indices, world.sizes)]).reshape(shape)
        case Call("loss_of"):
            return world.values["L"]
        case Call("ones", sizes):
            return numpy.ones([length(size, world.sizes) for size in sizes])
        case Call("softmax", arguments):
            return softmax(at(arguments[0]), int(at(arguments[1])))
        case Call(name, arguments) if name in REDUCTIONS and (name != "max" or len(arguments) == 1):
            axis = int(at(arguments[1])) if len(arguments) > 1 else None
            return REDUCTIONS[name](at(arguments[0]), axis=axis, keepdims=len(arguments) > 2)
        case Call(name, arguments):
            return FUNCTIONS[name](*map(at, arguments))
    raise TypeError(tree)


def free_letters(tree):
    """The letters that no sum of the tree binds: those of the slice it speaks of."""
    bound = {index.name for node in walk(tree) if isinstance(node, Over | Rule) for index in node.indices}
    return sorted({node for node in walk(tree) if isinstance(node, Index) and node.name not in bound}, key=lambda index: index.name)


def speaks_of_one_equation(world, tree):
    """Whether a line mentions ∂y/∂x along one equation that is told, which only the lines of the chain rule do."""
    return any(
        isinstance(node, Partial) and node.direct and (node.of != "L" or node.wrt not in world.upstream) for node in walk(tree)
    )


def both_sides(world, goal, line, whole=None):
    """What stands on the two sides of a line, array against array: what is claimed, and what a forward pass, or `whole`, says."""
    whole = numpy.asarray(world.value(goal) if whole is None else whole)
    letters = [a for a in line.at if isinstance(a, Index)] if line.at else free_letters(line.tree)
    for env in runs(letters, world.sizes):
        place = tuple(env.get(getattr(a, "name", ""), 0) for a in line.at or letters)
        # a vector is a column, so axes of length 1 come and go
        yield numpy.squeeze(evaluate(line.tree, world, env)), numpy.squeeze(whole[place])


def agree(claimed, true, within=1e-6):
    return claimed.shape == true.shape and numpy.allclose(
        claimed, true, rtol=within, atol=within * max(1e-2, numpy.abs(true).max(initial=0))
    )


# --- the layers -------------------------------------------------------------------------------------------------------------


def positive(*names):
    """Small positive numbers for some quantities, as ε and λ are."""
    return lambda q, source: q.update((name, numpy.asarray(source.uniform(0.1, 0.4))) for name in names)


def one_hot(q, source):
    """A target whose entries add up to 1."""
    q["y"] = source.dirichlet(numpy.ones(len(q["y"])))


def shares(q, source):
    """A distribution without a 0."""
    q["q"] = source.dirichlet(numpy.full(len(q["q"]), 5.0))


def smoothed(q, source):
    one_hot(q, source)
    q["epsilon"] = numpy.array(0.1)


def between_0_and_1(q, source):
    q["y"] = source.uniform(0.1, 0.9, q["y"].shape)


def words(q, source):
    q["ids"] = numpy.array([2, 0, 2, 4])  # a word that comes twice, and words that do not come


def mask(q, source):
    q["M"] = numpy.array([[1.0, 0, 1], [0, 1, 1]])
    q["q"] = numpy.array(0.75)


def attention(at, q):
    S = at("S", q["Q"] @ q["K"].T / numpy.sqrt(q["Q"].shape[1]))
    P = at("P", softmax(S, 1))
    at("O", P @ q["V"])


def avgpool(at, q):
    m, s = 3, 2
    at("z", numpy.array([q["x"][start : start + m].mean() for start in range(0, len(q["x"]) - m + 1, s)]))


def maxpool(at, q):
    m, s = 3, 2
    at("z", numpy.array([q["x"][start : start + m].max() for start in range(0, len(q["x"]) - m + 1, s)]))


def normalised(at, q):
    """Batch normalisation of examples in rows, layer normalisation of examples in columns: both along axis 0."""
    C = at("C", q["X"] - at("mu", q["X"].mean(0)))
    s = at("s", numpy.sqrt(at("v", (C * C).mean(0)) + q["epsilon"]))
    at("Y", q["gamma"] * at("H", C / s) + q["beta"])


def rmsnorm(at, q):
    root = at("r", numpy.sqrt(at("q", (q["X"] ** 2).mean(0)) + q["epsilon"]))
    at("Y", q["gamma"] * at("H", q["X"] / root))


def conv1d(at, q):
    s, p, m = 2, 1, len(q["w"])
    padded = numpy.pad(q["x"], p)
    at("z", numpy.array([q["w"] @ padded[start : start + m] + q["b"] for start in range(0, len(padded) - m + 1, s)]))


def conv2d(at, q):
    s, p, (_, _, a, b) = 2, 1, q["F"].shape
    padded = numpy.pad(q["X"], ((0, 0), (p, p), (p, p)))
    rows, columns = (range(0, padded.shape[axis] - side + 1, s) for axis, side in ((1, a), (2, b)))
    windows = numpy.array([[padded[:, i : i + a, j : j + b] for j in columns] for i in rows])
    at("Z", numpy.einsum("klab,ijlab->kij", q["F"], windows) + q["c"][:, None, None])


def crossentropy(at, q):
    p = at("p", softmax(q["z"], 0))
    at("L", -(q["y"] * numpy.log(p)).sum())


def labelsmoothing(at, q):
    mixed = at("q", (1 - q["epsilon"]) * q["y"] + q["epsilon"] / len(q["y"]))
    p = at("p", softmax(q["z"], 0))
    at("L", -(mixed * numpy.log(p)).sum())


def dense(at, q):
    at("Z", q["W"] @ q["X"] + q["b"])


def dropout(at, q):
    at("Y", numpy.where(q["M"] == 1, q["X"] / q["q"], 0))


def embedding(at, q):
    at("Y", q["E"][q["ids"]])


def gru(at, q):
    r = at("r", sigmoid(at("zr", q["Wr"] @ q["x"] + q["Rr"] @ q["h0"])))
    u = at("u", sigmoid(at("zu", q["Wu"] @ q["x"] + q["Ru"] @ q["h0"])))
    kept = at("q", r * q["h0"])
    n = at("n", numpy.tanh(at("zn", q["Wn"] @ q["x"] + q["Rn"] @ kept)))
    at("h", u * q["h0"] + (1 - u) * n)


def logistic(at, q):
    p = at("p", sigmoid(at("z", q["X"] @ q["w"])))
    at("L", -(q["y"] * numpy.log(p) + (1 - q["y"]) * numpy.log(1 - p)).sum())


def logits(at, q):
    p = at("p", sigmoid(q["z"]))
    at("L", -(q["y"] * numpy.log(p) + (1 - q["y"]) * numpy.log(1 - p)).sum())


def lstm(at, q):
    z = {gate: at(f"z{gate}", q[f"W{gate}"] @ q["x"] + q[f"R{gate}"] @ q["h0"] + q[f"b{gate}"]) for gate in "figo"}
    f, i, g, o = (at(gate, (numpy.tanh if gate == "g" else sigmoid)(z[gate])) for gate in "figo")
    c = at("c", f * q["c0"] + i * g)
    at("h", o * at("k", numpy.tanh(c)))


def mlp(at, q):
    a = q["x"]
    for layer in (1, 2, 3):
        a = at(f"a{layer}", sigmoid(at(f"z{layer}", q[f"W{layer}"] @ a + q[f"b{layer}"])))
    at("L", ((q["t"] - a) ** 2).sum() / 2)


def multihead(at, q):
    heads = range(len(q["Wq"]))
    Q, K, V = (
        at(name, numpy.array([q["X"] @ q[weights][h] for h in heads])) for name, weights in (("Q", "Wq"), ("K", "Wk"), ("V", "Wv"))
    )
    S = at("S", numpy.array([Q[h] @ K[h].T for h in heads]) / numpy.sqrt(Q.shape[2]))
    P = at("P", softmax(S, 2))
    O = at("O", numpy.array([P[h] @ V[h] for h in heads]))
    at("Y", sum(O[h] @ q["Wo"][h] for h in heads))


def residual(at, q):
    a = at("a", numpy.maximum(at("z", q["W1"] @ q["x"]), 0))
    at("y", q["x"] + q["W2"] @ a)


def ridge(at, q):
    r = at("r", q["X"] @ q["w"] - q["y"])
    at("L", (r @ r) / (2 * len(r)) + q["lambda"] / 2 * (q["w"] @ q["w"]))


def activations(at, q):
    z1, z2, z3, z4, z5 = (q[f"z{k}"] for k in range(1, 6))
    at("a1", z1 * (1 + numpy.vectorize(math.erf)(z1 / numpy.sqrt(2))) / 2)
    at("a2", z2 / (1 + numpy.exp(-z2)))
    at("a3", numpy.where(z3 > 0, z3, numpy.expm1(z3)))
    at("a4", numpy.log1p(numpy.exp(z4)))
    at("a5", z5 * numpy.tanh(numpy.log1p(numpy.exp(z5))))


def hinge(at, q):
    y = at("y", q["X"] @ q["w"] + q["b"])
    at("L", numpy.maximum(0, 1 - q["t"] * y).sum() / len(y))


def huber(at, q):
    y = at("y", q["X"] @ q["w"])
    e = abs(y - q["t"])
    at("L", numpy.where(e <= 1, e**2 / 2, e - 0.5).sum() / len(y))


def kl(at, q):
    top = numpy.exp(q["z"])
    p = at("p", top / top.sum())
    at("L", (q["q"] * numpy.log(q["q"] / p)).sum())


def lasso(at, q):
    r = at("r", q["X"] @ q["w"] - q["y"])
    at("L", (r @ r) / (2 * len(r)) + q["lambda"] * numpy.abs(q["w"]).sum())


def rnn(at, q):
    h = numpy.zeros(len(q["W"]))
    for t, x in enumerate(q["x"]):
        h = at("h", numpy.tanh(at("z", q["W"] @ h + q["U"] @ x + q["b"], t)), t)


def rnn3(at, q):
    h = q["h0"]
    for t in (1, 2, 3):
        h = at(f"h{t}", numpy.tanh(at(f"z{t}", q["W"] @ h + q["U"] @ q[f"x{t}"] + q["b"])))


def only_softmax(at, q):
    at("p", softmax(q["z"], 0))


# --- the same with PyTorch ----------------------------------------------------------------------------------------------------


def with_weights(torch, module, weights, *inputs):
    """A module of PyTorch's at these weights, so that a gradient reaches them."""
    return torch.func.functional_call(module.double(), weights, inputs)


def torch_lstm(torch, F, q):
    order = "ifgo"  # PyTorch stacks the gates in this order
    stacked = {
        name: torch.cat([q[f"{letter}{gate}"] for gate in order])
        for name, letter in (("weight_ih", "W"), ("weight_hh", "R"), ("bias_ih", "b"))
    }
    weights = stacked | {"bias_hh": torch.zeros_like(stacked["bias_ih"])}
    h, c = with_weights(torch, torch.nn.LSTMCell(len(q["x"]), len(q["h0"])), weights, q["x"], (q["h0"], q["c0"]))
    return {"h": h, "c": c}


def torch_gru(torch, F, q):
    """By hand: nn.GRUCell multiplies r with Rn·h0, this problem (Cho et al., equation 8) with h0 before Rn."""
    r = F.sigmoid(F.linear(q["x"], q["Wr"]) + F.linear(q["h0"], q["Rr"]))
    u = F.sigmoid(F.linear(q["x"], q["Wu"]) + F.linear(q["h0"], q["Ru"]))
    n = F.tanh(F.linear(q["x"], q["Wn"]) + F.linear(r * q["h0"], q["Rn"]))
    return {"h": torch.lerp(n, q["h0"], u)}


def torch_rnn(torch, F, q):
    weights = {"weight_ih_l0": q["U"], "weight_hh_l0": q["W"], "bias_ih_l0": q["b"], "bias_hh_l0": torch.zeros_like(q["b"])}
    return {"h": with_weights(torch, torch.nn.RNN(q["U"].shape[1], len(q["b"])), weights, q["x"])[0]}


def torch_rnn3(torch, F, q):
    cell, h, made = torch.nn.RNNCell(q["U"].shape[1], len(q["b"])), q["h0"], {}
    weights = {"weight_ih": q["U"], "weight_hh": q["W"], "bias_ih": q["b"], "bias_hh": torch.zeros_like(q["b"])}
    for t in (1, 2, 3):
        made[f"h{t}"] = h = with_weights(torch, cell, weights, q[f"x{t}"], h)
    return made


def torch_multihead(torch, F, q):
    H, e, d = q["Wq"].shape
    stacked = torch.cat([q[name].permute(0, 2, 1).reshape(H * d, e) for name in ("Wq", "Wk", "Wv")])
    out = q["Wo"].reshape(H * d, e).T
    x = q["X"][:, None, :]  # (rows, batch, e)
    Y, _ = F.multi_head_attention_forward(x, x, x, e, H, stacked, None, None, None, False, 0.0, out, None, need_weights=False)
    return {"Y": Y[:, 0, :]}


def torch_mlp(torch, F, q):
    a = q["x"]
    for layer in (1, 2, 3):
        a = F.sigmoid(F.linear(a, q[f"W{layer}"], q[f"b{layer}"]))
    return {"L": F.mse_loss(a, q["t"], reduction="sum") / 2}


GATES = "figo"
LAYERS = {
    "attention": Layer(
        {"n": 2, "m": 3, "d": 4, "v": 5},
        {"Q": (2, 4), "K": (3, 4), "V": (3, 5)},
        attention,
        lambda torch, F, q: {"O": F.scaled_dot_product_attention(q["Q"][None], q["K"][None], q["V"][None])[0]},
        outputs=("O",),
    ),
    "avgpool": Layer(
        {"n": 8, "m": 3, "s": 2},
        {"x": (8,)},
        avgpool,
        lambda torch, F, q: {"z": F.avg_pool1d(q["x"][None], 3, 2)[0]},
        outputs=("z",),
    ),
    "batchnorm": Layer(
        {"N": 4, "d": 3},
        {"X": (4, 3), "gamma": (3,), "beta": (3,), "epsilon": ()},
        normalised,
        lambda torch, F, q: {"Y": F.batch_norm(q["X"], None, None, q["gamma"], q["beta"], training=True, eps=q["epsilon"].item())},
        outputs=("Y",),
        draw=positive("epsilon"),
    ),
    "conv1d": Layer(
        {"n": 8, "m": 3, "s": 2, "p": 1},
        {"x": (8,), "w": (3,), "b": ()},
        conv1d,
        lambda torch, F, q: {"z": F.conv1d(q["x"][None, None], q["w"][None, None], q["b"][None], stride=2, padding=1)[0, 0]},
        outputs=("z",),
    ),
    "conv2d": Layer(
        {"C": 2, "h": 5, "w": 4, "K": 3, "a": 2, "b": 3, "s": 2, "p": 1},
        {"X": (2, 5, 4), "F": (3, 2, 2, 3), "c": (3,)},
        conv2d,
        lambda torch, F, q: {"Z": F.conv2d(q["X"][None], q["F"], q["c"], stride=2, padding=1)[0]},
        outputs=("Z",),
    ),
    "crossentropy": Layer(
        {"K": 4}, {"z": (4,), "y": (4,)}, crossentropy, lambda torch, F, q: {"L": F.cross_entropy(q["z"], q["y"])}, draw=one_hot
    ),
    "dense": Layer(
        {"m": 2, "d": 3, "N": 4},
        {"W": (2, 3), "X": (3, 4), "b": (2, 1)},
        dense,
        lambda torch, F, q: {"Z": F.linear(q["X"].T, q["W"], q["b"][:, 0]).T},
        outputs=("Z",),
    ),
    # by hand: F.dropout draws its mask itself
    "dropout": Layer(
        {"N": 2, "d": 3},
        {"X": (2, 3), "M": (2, 3), "q": ()},
        dropout,
        lambda torch, F, q: {"Y": torch.where(q["M"] > 0, q["X"] / q["q"], 0)},
        outputs=("Y",),
        draw=mask,
    ),
    "embedding": Layer(
        {"V": 5, "d": 3, "N": 4},
        {"E": (5, 3), "ids": (4,)},
        embedding,
        lambda torch, F, q: {"Y": F.embedding(q["ids"], q["E"])},
        outputs=("Y",),
        draw=words,
    ),
    "gru": Layer(
        {"d": 3, "m": 2},
        {"x": (3,), "h0": (2,), **{f"W{gate}": (2, 3) for gate in "run"}, **{f"R{gate}": (2, 2) for gate in "run"}},
        gru,
        torch_gru,
        outputs=("h",),
    ),
    "labelsmoothing": Layer(
        {"K": 4},
        {"z": (4,), "y": (4,), "epsilon": ()},
        labelsmoothing,
        lambda torch, F, q: {"L": F.cross_entropy(q["z"], q["y"], label_smoothing=0.1)},
        draw=smoothed,
    ),
    "activations": Layer(
        {"n": 4},
        {f"z{k}": (4,) for k in range(1, 6)},
        activations,
        lambda torch, F, q: {
            f"a{k}": f(q[f"z{k}"]) for k, f in enumerate((F.gelu, F.silu, F.elu, F.softplus, F.mish), start=1)
        },
        outputs=("a1", "a2", "a3", "a4", "a5"),
    ),
    "hinge": Layer(
        {"N": 5, "d": 3},
        {"X": (5, 3), "w": (3,), "b": (), "t": (5,)},
        hinge,
        lambda torch, F, q: {"L": F.relu(1 - q["t"] * (q["X"] @ q["w"] + q["b"])).mean()},
    ),
    "huber": Layer(
        {"N": 5, "d": 3},
        {"X": (5, 3), "w": (3,), "t": (5,)},
        huber,
        lambda torch, F, q: {"L": F.huber_loss(q["X"] @ q["w"], q["t"])},
    ),
    "kl": Layer(
        {"K": 4},
        {"z": (4,), "q": (4,)},
        kl,
        lambda torch, F, q: {"L": F.kl_div(F.log_softmax(q["z"], 0), q["q"], reduction="sum")},
        draw=shares,
    ),
    "lasso": Layer(
        {"N": 4, "d": 3},
        {"X": (4, 3), "w": (3,), "y": (4,), "lambda": ()},
        lasso,
        lambda torch, F, q: {
            "L": F.mse_loss(F.linear(q["X"], q["w"][None])[:, 0], q["y"]) / 2
            + q["lambda"] * F.l1_loss(q["w"], torch.zeros_like(q["w"]), reduction="sum")
        },
        draw=positive("lambda"),
    ),
    "layernorm": Layer(
        {"N": 3, "d": 4},
        {"X": (4, 3), "gamma": (4, 1), "beta": (4, 1), "epsilon": ()},
        normalised,
        lambda torch, F, q: {"Y": F.layer_norm(q["X"].T, (4,), q["gamma"][:, 0], q["beta"][:, 0], q["epsilon"].item()).T},
        outputs=("Y",),
        draw=positive("epsilon"),
    ),
    "logistic": Layer(
        {"N": 4, "d": 3},
        {"X": (4, 3), "w": (3,), "y": (4,)},
        logistic,
        lambda torch, F, q: {
            "L": F.binary_cross_entropy_with_logits(F.linear(q["X"], q["w"][None])[:, 0], q["y"], reduction="sum")
        },
        draw=between_0_and_1,
    ),
    "logits": Layer(
        {"N": 4},
        {"z": (4,), "y": (4,)},
        logits,
        lambda torch, F, q: {"L": F.binary_cross_entropy_with_logits(q["z"], q["y"], reduction="sum")},
        draw=between_0_and_1,
    ),
    "lstm": Layer(
        {"d": 3, "m": 2},
        {
            "x": (3,),
            "h0": (2,),
            "c0": (2,),
            **{f"{kind}{gate}": shape for gate in GATES for kind, shape in (("W", (2, 3)), ("R", (2, 2)), ("b", (2,)))},
        },
        lstm,
        torch_lstm,
        outputs=("h", "c"),
    ),
    "maxpool": Layer(
        {"n": 8, "m": 3, "s": 2},
        {"x": (8,)},
        maxpool,
        lambda torch, F, q: {"z": F.max_pool1d(q["x"][None], 3, 2)[0]},
        outputs=("z",),
    ),
    "mlp": Layer(
        {"n0": 5, "n1": 3, "n2": 4, "n3": 2},
        {"x": (5,), "t": (2,), "W1": (3, 5), "b1": (3,), "W2": (4, 3), "b2": (4,), "W3": (2, 4), "b3": (2,)},
        mlp,
        torch_mlp,
    ),
    "multihead": Layer(
        {"H": 2, "n": 4, "e": 6, "d": 3},  # PyTorch has it only with H·d = e
        {"X": (4, 6), "Wq": (2, 6, 3), "Wk": (2, 6, 3), "Wv": (2, 6, 3), "Wo": (2, 3, 6)},
        multihead,
        torch_multihead,
        outputs=("Y",),
    ),
    "residual": Layer(
        {"m": 3, "d": 4},
        {"x": (4,), "W1": (3, 4), "W2": (4, 3)},
        residual,
        lambda torch, F, q: {"y": q["x"] + F.linear(F.relu(F.linear(q["x"], q["W1"])), q["W2"])},
        outputs=("y",),
    ),
    "ridge": Layer(
        {"N": 4, "d": 3},
        {"X": (4, 3), "w": (3,), "y": (4,), "lambda": ()},
        ridge,
        lambda torch, F, q: {
            "L": F.mse_loss(F.linear(q["X"], q["w"][None])[:, 0], q["y"]) / 2 + q["lambda"] / 2 * q["w"].square().sum()
        },
        draw=positive("lambda"),
    ),
    "rmsnorm": Layer(
        {"N": 3, "d": 4},
        {"X": (4, 3), "gamma": (4, 1), "epsilon": ()},
        rmsnorm,
        lambda torch, F, q: {"Y": F.rms_norm(q["X"].T, (4,), q["gamma"][:, 0], q["epsilon"].item()).T},
        outputs=("Y",),
        draw=positive("epsilon"),
    ),
    "rnn": Layer({"T": 4, "d": 3, "m": 2}, {"U": (2, 3), "W": (2, 2), "b": (2,), "x": (4, 3)}, rnn, torch_rnn, outputs=("h",)),
    "rnn3": Layer(
        {"d": 3, "m": 2},
        {"U": (2, 3), "W": (2, 2), "b": (2,), "h0": (2,), "x1": (3,), "x2": (3,), "x3": (3,)},
        rnn3,
        torch_rnn3,
        outputs=("h1", "h2", "h3"),
    ),
    "softmax": Layer({"K": 4}, {"z": (4,)}, only_softmax, lambda torch, F, q: {"p": F.softmax(q["z"], 0)}),
}
"""A row for every built-in problem over arrays, with sizes that differ wherever the problem lets them."""
