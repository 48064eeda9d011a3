"""The layered shorthand over arrays: one matrix a layer, sizes in numbers or names.

Owns `expand_array_layers`.  A layer states its forward equations only.  May import: errors, tables.ops.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from derive.errors import InputError, shown, suggest
from derive.tables.ops import OPS

KEYS = ("sizes", "activations", "loss", "biases", "batch")


def expand_array_layers(section: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """The sections [shapes], [forward], [train] and [given] that [layers] stand for; a size n0, n1 … may have a number.

    With `batch = "N"` the examples are the columns of X.  Raises InputError.

    >>> expand_array_layers({"sizes": [784, 10], "loss": "none"}, {})["forward"]
    {'z1': 'W1 @ x + b1', 'a1': 'sigmoid(z1)'}
    """
    for key in section:
        if key not in KEYS:
            raise InputError(f"layers.{shown(key)}: unknown key" + suggest(key, KEYS))
    typed = section.get("sizes")
    if not isinstance(typed, list) or len(typed) < 2 or not all(_is_size(size) for size in typed):
        raise InputError('layers.sizes: should list two or more sizes, inputs first: [784, 30, 10] or ["n0", "n1", "n2"]')
    count = len(typed) - 1
    names = [size if type(size) is str else f"n{place}" for place, size in enumerate(typed)]
    if len(set(names)) != len(names):
        raise InputError("layers.sizes: each layer's size has a name of its own")
    activations = section.get("activations", "sigmoid")
    activations = [activations] * count if isinstance(activations, str) else activations
    known = [name for name, op in OPS.items() if op.kind == "activation"]
    if not isinstance(activations, list) or len(activations) != count:
        raise InputError(f"layers.activations: should be one name, or a list of {count}")
    for name in activations:
        if name not in known:
            raise InputError(f"layers.activations: unknown activation '{shown(name)}'" + suggest(str(name), known))
    losses = [name for name, op in OPS.items() if op.kind == "loss" and op.listed]
    loss = section.get("loss", "half_squared_error")
    if loss not in (*losses, "none"):
        raise InputError(f"layers.loss: over arrays should be one of {', '.join(losses)}, none" + suggest(str(loss), losses))
    biases = {True: "each", False: "none"}.get(section.get("biases", "each"), section.get("biases", "each"))
    if biases not in ("each", "none"):
        raise InputError('layers.biases: over arrays should be "each" (one a unit) or "none"')
    batch = section.get("batch")
    if batch is not None and not _is_size(batch):
        raise InputError('layers.batch: should be the number of examples, a name or a number: "N"')
    return _sections(names, typed, activations, loss, biases == "each", batch, document)


def _is_size(size: Any) -> bool:
    return (type(size) is int and 0 < size <= 1_000_000) or (type(size) is str and size.isidentifier() and size.isascii())


def _sections(
    names: list[str], typed: list[Any], activations: list[str], loss: str, biased: bool, batch: Any, document: Mapping[str, Any]
) -> dict[str, Any]:
    columns = [] if batch is None else ["N" if type(batch) is int else batch]
    case = str.lower if batch is None else str.upper  # a vector is lower-case, a matrix upper-case
    shapes: dict[str, Any] = {case("x"): [names[0], *columns]}
    forward: dict[str, Any] = {}
    parameters: list[str] = []
    before = case("x")
    for layer, (inner, width) in enumerate(pairwise(names), start=1):
        weight, bias, pre, post = f"W{layer}", f"b{layer}", f"{case('z')}{layer}", f"{case('a')}{layer}"
        shapes[weight] = [width, inner]
        parameters.append(weight)
        forward[pre] = f"{weight} @ {before}"
        if biased:
            shapes[bias] = [width, 1] if columns else [width]
            parameters.append(bias)
            forward[pre] += f" + {bias}"
        spread = OPS[activations[layer - 1]].spread
        forward[post] = f"{activations[layer - 1]}({pre}{', 0' if spread else ''})"
        before = post
    if loss != "none":
        shapes[case("t")] = [names[-1], *columns]
        forward["L"] = f"{loss}({before}, {case('t')})"
    numbers = {name: size for name, size in zip(names, typed, strict=True) if type(size) is int}
    if type(batch) is int:
        numbers["N"] = batch
    train = dict(document.get("train", {})) if isinstance(document.get("train", {}), dict) else document["train"]
    if isinstance(train, dict):
        train.setdefault("parameters", parameters[::-1])
    given = document.get("given", {})
    return {
        "shapes": shapes,
        "forward": forward,
        "train": train,
        "given": {**numbers, **given} if isinstance(given, dict) else given,
    }
