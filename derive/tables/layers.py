"""The layered shorthand: sizes, activations, loss and biases into named equations.

Owns `expand_layers`.  A layer states its forward equations only.  May import: errors, written, network, tables.ops.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.network import Equation
from derive.tables.ops import OPS
from derive.written import Call, Listing, Name, Product, Sum, add

Grid = tuple[str, ...] | tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Layers:
    """A feed-forward network by its sizes, inputs first.

    `activations` has one name a layer; `biases` is "each" (one a unit), "shared" (one a layer) or "none"; `loss` is a loss of the
    operations table or None.
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str | None
    biases: str = "each"


def weight(layer: int, row: int, column: int, wide: bool) -> str:
    """The weight from unit `column` to unit `row`, `w1_12`, or `w1_1_12` in a network with more than nine units a layer."""
    return f"w{layer}_{row}_{column}" if wide else f"w{layer}_{row}{column}"


def expand_layers(layers: Layers) -> tuple[tuple[Equation, ...], dict[str, Grid]]:
    """The equations z = W a + b, a = f(z) unit by unit, the loss last; and the vectors and matrices they make up.

    >>> equations, vectors = expand_layers(Layers((1, 1), ("tanh",), "half_squared_error"))
    >>> [equation.goal for equation in equations], vectors["W1"]
    (['z1_1', 'a1_1', 'L'], (('w1_11',),))
    """
    sizes, wide = layers.sizes, max(layers.sizes) > 9
    before = [f"x{k}" for k in range(1, sizes[0] + 1)]
    vectors: dict[str, Grid] = {"x": tuple(before)}
    equations: list[Equation] = []
    for layer, (width, activation) in enumerate(zip(sizes[1:], layers.activations, strict=True), start=1):
        units = range(1, width + 1)
        rows = tuple(tuple(weight(layer, j, k, wide) for k in range(1, len(before) + 1)) for j in units)
        biases = {"each": [f"b{layer}_{j}" for j in units], "shared": [f"b{layer}"] * width, "none": []}[layers.biases]
        pre, post = [f"z{layer}_{j}" for j in units], [f"a{layer}_{j}" for j in units]
        for j in range(width):
            terms = [Product((Name(w), Name(a)), tight=True) for w, a in zip(rows[j], before, strict=True)]
            equations.append(Equation(pre[j], add(*terms, *map(Name, biases[j : j + 1]))))
        arguments = tuple(map(Name, pre))
        for j in range(width):
            if OPS[activation].spread:
                equations.append(Equation(post[j], Call(activation, arguments, j), tuple(post)))
            else:
                equations.append(Equation(post[j], Call(activation, (arguments[j],))))
        vectors |= {f"W{layer}": rows, f"z{layer}": tuple(pre), f"a{layer}": tuple(post)}
        if layers.biases == "each":
            vectors[f"b{layer}"] = tuple(biases)
        before = post
    if layers.loss is not None:
        targets = [f"t{k}" for k in range(1, len(before) + 1)]
        vectors["t"] = tuple(targets)
        equations.append(Equation("L", _loss(layers.loss, before, targets)))
    return tuple(equations), vectors


def _loss(name: str, outputs: list[str], targets: list[str]) -> Call | Sum:
    predicted, wanted = tuple(map(Name, outputs)), tuple(map(Name, targets))
    if len(outputs) == 1:
        return Call(name, (predicted[0], wanted[0]))
    if not OPS[name].listed:
        return Sum(tuple(Call(name, pair) for pair in zip(predicted, wanted, strict=True)))
    return Call(name, (Listing(predicted), Listing(wanted)))


def rows_of(grid: Grid) -> tuple[tuple[str, ...], ...]:
    """A vector as a column, a matrix as its rows."""
    return tuple(row if isinstance(row, tuple) else (row,) for row in grid)
