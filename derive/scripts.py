"""How the names of one problem are written: the problem's own, and a δ for each error signal.

Owns `script_of`.  May import: written, symbols, vectors, problem, tables.ops.
"""

from __future__ import annotations

import re

from derive.problem import Problem
from derive.reader import LEARNING_RATE
from derive.symbols import Script, Symbol, signal_symbol
from derive.tables.layers import rows_of
from derive.tables.ops import OPS
from derive.written import (
    Partial,
)

RESERVED = {
    LEARNING_RATE: Symbol(r"\eta", "η"),
    "θ": Symbol(r"\theta", "θ"),
    **{f"operation:{name}": Symbol(op.latex, op.text or name) for name, op in OPS.items()},
}
"""Written names that no problem can type: the learning rate, any parameter, and the operations by their sign."""


def script_of(problem: Problem) -> Script:
    """The written names of a problem: its own, and a δ for each error signal.

    A signal is named by the activation it belongs to; components of a vector that was asked for take the label asked for.
    """
    network = problem.network
    labels = {f"label:{ask.label}": symbol for ask in problem.asks if (symbol := label_symbol(ask.label)) is not None}
    arrays = {name for name, shape in problem.arrays.shapes.items() if shape} if problem.arrays is not None else set()
    vectors = frozenset({*problem.vectors, *arrays})
    plain = Script(problem.names, problem.notation, vectors, extra=RESERVED)
    extra = {**RESERVED, **labels, **problem.train.symbols(plain.symbol)}
    script = Script(problem.names, problem.notation, vectors, extra=extra)
    loss = problem.train.loss
    for pre, activation in network.pre_activations.items():
        if pre != loss:
            written = script.symbol(pre)
            owner = written if written.scripted or not activation else script.symbol(activation)
            script.signals[loss, pre] = signal_symbol(owner)
    for name, grid in problem.vectors.items():
        if all(entry in network.pre_activations for row in rows_of(grid) for entry in row):
            script.signals[loss, name] = signal_symbol(script.symbol(name))
    for ask in problem.asks:
        label = label_symbol(ask.label)
        match ask.tree:
            case Partial(of, wrt) if ask.vector and label is not None:
                script.signals[of, wrt] = label
                for place, (entry, *_) in enumerate(rows_of(problem.vectors[wrt]), start=1):
                    script.signals[of, entry] = label_symbol(ask.label, place) or label
    return script


def label_symbol(label: str, place: int | None = None) -> Symbol | None:
    """An ask's label as a symbol, if it is δ with a number: δ2, and its first component δ2,1."""
    found = re.fullmatch(r"(?:δ|delta)_?(\d+)", label.strip())
    if found is None:
        return None
    below = found[1] if place is None else f"{found[1]},{place}"
    return Symbol(rf"\delta_{{{below}}}", f"δ{below}" if place is None else f"δ_{below}")
