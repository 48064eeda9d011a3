"""What is taken along axes: sums, means, the largest, softmax, and normalisation.

Owns `REDUCTIONS`, `reduced`, `soft_max` and `normalised`.  May import: models.entries, models.sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from derive.models.entries import entrywise
from derive.models.sheet import Letters, Sheet, Value, size, summed, typed_number


def reduced(s: Sheet, input: Value, function: str, dim: Any = None, keepdim: bool = False, stem: str = "y") -> Value:
    """A sum, a mean or the largest entry along some axes, or all."""
    rank = len(input.groups)
    over = sorted({axis % rank for axis in ((dim,) if isinstance(dim, int) else dim if dim is not None else range(rank))})
    axes = s.all_keys(input)
    kept = [() if axis in over else keys for axis, keys in enumerate(axes)]

    def body(letters: list[list[str]], more: Letters) -> str:
        inner = {axis: more.take(axes[axis]) for axis in over}
        text = s.entry(input, [inner.get(axis, letters[axis]) for axis in range(rank)])
        bound = [letter for axis in over for letter in inner[axis]]
        if function == "max":
            for letter in reversed(bound):
                text = f"max({letter}, {text})"
            return text
        return summed(bound, text, function)

    if function == "max" and sum(len(axes[axis]) for axis in over) > 1:  # the place of the largest is one letter
        for axis in reversed(over):
            input = reduced(s, input, "max", axis, True)
        return input if keepdim else s.reshaped(input, [n for axis, n in enumerate(s.lengths(input)) if axis not in over])
    if len(over) == rank and input.plain and function != "max":
        name = s.fresh(stem)
        s.forward[name] = f"{function}({input.name})"
        result = s.declare(name, kept)
    else:
        result = s.define(stem, kept, body)
    if not keepdim:
        for axis in reversed(over):
            result = s.squeezed(result, axis)
    return result


def reduction(function: str) -> Callable[..., Value]:
    """The row of a reduction."""

    def row(s: Sheet, input: Value, dim: Any = None, keepdim: bool = False) -> Value:
        return reduced(s, input, function, dim, keepdim)

    return row


def _max(s: Sheet, input: Value, dim: Any = None, keepdim: bool = False) -> Value | tuple[Value, None]:
    if isinstance(dim, Value):
        return entrywise(s, "maximum", input, dim)
    found = reduced(s, input, "max", dim, keepdim)
    return found if dim is None else (found, None)


def _amax(s: Sheet, input: Value, dim: Any = None, keepdim: bool = False) -> Value:
    return reduced(s, input, "max", dim, keepdim)


def soft_max(s: Sheet, input: Value, dim: int | None = None) -> Value:
    """Softmax along one axis."""
    if dim is None:
        raise ValueError("softmax without dim")
    axis = dim % len(input.groups)
    layer = s.layer_of(input)
    keys = s.axes_of(s.keys(input, axis))
    if input.keep is not None:
        return _masked_softmax(s, input, input.keep, axis)
    if input.plain and len(input.groups[axis]) == 1:
        name = s.fresh("p", layer)
        s.forward[name] = f"softmax({input.name}, {input.groups[axis][0]})"
        return s.declare(name, s.all_keys(input))

    def body(letters: list[list[str]], more: Letters) -> str:
        k = more.take(keys)
        below = s.entry(input, [*letters[:axis], k, *letters[axis + 1 :]])
        return f"exp({s.entry(input, letters)})/{summed(k, f'exp({below})')}"

    return s.define("p", s.all_keys(input), body, layer)


def _masked_softmax(s: Sheet, input: Value, keep: Value, axis: int) -> Value:
    """Softmax over the places a mask of zeros and ones keeps."""
    raised = s.entrywise("e", "{1}*exp({0})", replace(input, keep=None), keep)
    return s.entrywise("p", "{0}/{1}", raised, reduced(s, raised, "sum", axis, True, "s"))


def _softmax(s: Sheet, input: Value, dim: int | None = None, dtype: None = None) -> Value:
    return soft_max(s, input, dim)


def _log_softmax(s: Sheet, input: Value, dim: int | None = None, dtype: None = None) -> Value:
    return entrywise(s, "log", soft_max(s, input, dim))


def normalised(s: Sheet, input: Value, over: Sequence[int], eps: float, weight: Any, bias: Any, own: Sequence[int]) -> Value:
    """Centred and scaled by mean and variance along some axes, then by γ and β along their `own`."""
    layer = s.layer()
    mean = reduced(s, input, "mean", tuple(over), True, "mu")
    centred = s.entrywise("c", "{0} - {1}", input, mean)
    variance = reduced(s, s.entrywise("u", "{0}^2", centred), "mean", tuple(over), True, "v")
    deviation = s.entrywise("s", f"sqrt({{0}} + {typed_number(eps)})", variance)
    return scaled(s, s.entrywise("x", "{0}/{1}", centred, deviation), weight, bias, own, layer)


def scaled(s: Sheet, input: Value, weight: Any, bias: Any, own: Sequence[int], layer: int) -> Value:
    """An input times γ plus β, which have the axes `own` of it."""
    axes = [s.axes_of(s.keys(input, axis)) for axis in own]
    gamma = s.weight(weight, "gamma", layer, axes) if weight is not None else None
    beta = s.weight(bias, "beta", layer, axes) if bias is not None else None
    for axis in range(own[-1] + 1, len(input.groups)):
        gamma = s.unsqueezed(gamma, axis - own[0]) if gamma else None
        beta = s.unsqueezed(beta, axis - own[0]) if beta else None
    present = [value for value in (gamma, beta) if value is not None]
    template = ("{0}" if gamma is None else "{1}*{0}") + ("" if beta is None else f" + {{{len(present)}}}")
    return s.entrywise("y", template, input, *present) if present else input


def _batch_norm(
    s: Sheet, input: Value, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Value:  # fmt: skip
    over = [axis for axis in range(len(input.groups)) if axis != 1]
    if training:
        s.remarks["batch-norm-training", ""] = None
        return normalised(s, input, over, eps, weight, bias, [1])
    s.remarks["batch-norm-running", ""] = None
    layer, keys = s.layer(), [s.axes_of(s.keys(input, 1))]
    centre, spread_ = (s.weight(tensor, stem, layer, keys) for tensor, stem in ((running_mean, "mu"), (running_var, "v")))
    for axis in range(2, len(input.groups)):
        centre, spread_ = s.unsqueezed(centre, axis - 1), s.unsqueezed(spread_, axis - 1)
    centred = s.entrywise("x", f"({{0}} - {{1}})/sqrt({{2}} + {typed_number(eps)})", input, centre, spread_)
    return scaled(s, centred, weight, bias, [1], layer)


def _layer_norm(
    s: Sheet, input: Value, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Value:
    rank = len(input.groups)
    own = list(range(rank - len(normalized_shape), rank))
    return normalised(s, input, own, eps, weight, bias, own)


def _group_norm(s: Sheet, input: Value, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Value:
    shape = s.lengths(input)
    parted = s.reshaped(input, (shape[0], num_groups, shape[1] // num_groups, *shape[2:]))
    scaled_ = normalised(s, parted, range(2, len(shape) + 1), eps, None, None, [1])
    return scaled(s, s.reshaped(scaled_, shape), weight, bias, [1], s.layer())


def _softmin(s: Sheet, input: Value, dim: int | None = None, dtype: None = None) -> Value:
    return soft_max(s, entrywise(s, "neg", input), dim)


def _log_sum(s: Sheet, input: Value, dim: Any, keepdim: bool = False) -> Value:
    return entrywise(s, "log", reduced(s, entrywise(s, "exp", input), "sum", dim, keepdim))


def _variance(
    s: Sheet, input: Value, dim: Any = None, unbiased: bool = True, keepdim: bool = False, correction: int | None = None
) -> Value:
    """The mean square distance from the mean; unless told otherwise, over one less than there are."""
    rank = len(input.groups)
    over = [axis % rank for axis in ((dim,) if isinstance(dim, int) else range(rank) if dim is None else dim)]
    less = (1 if unbiased else 0) if correction is None else correction
    square = s.entrywise("u", "({0} - {1})^2", input, reduced(s, input, "mean", over, True, "mu"))
    if not less:
        return reduced(s, square, "mean", over, keepdim, "v")
    count = "*".join(size(key) for axis in over for key in s.keys(input, axis))
    return s.entrywise("v", f"{{0}}/({count} - {less})", reduced(s, square, "sum", over, keepdim))


def _deviation(s: Sheet, *arguments: Any, **settings: Any) -> Value:
    return entrywise(s, "sqrt", _variance(s, *arguments, **settings))


def _norm(s: Sheet, input: Value, p: Any = 2, dim: Any = None, keepdim: bool = False, ord: Any = None, dtype: None = None) -> Value:
    if (p if ord is None else ord) not in (2, 2.0, "fro"):
        raise ValueError("another norm than the root of the sum of squares")
    return entrywise(s, "sqrt", reduced(s, s.entrywise("u", "{0}^2", input), "sum", dim, keepdim))


def _normalize(s: Sheet, input: Value, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> Value:
    return s.entrywise("y", f"{{0}}/max({typed_number(eps)}, {{1}})", input, _norm(s, input, p, dim, True))


def _cosine(s: Sheet, x1: Value, x2: Value, dim: int = 1, eps: float = 1e-8) -> Value:
    product = reduced(s, entrywise(s, "mul", x1, x2), "sum", dim)
    least = typed_number(eps)
    return s.entrywise("y", f"{{0}}/(max({least}, {{1}})*max({least}, {{2}}))", product, _norm(s, x1, 2, dim), _norm(s, x2, 2, dim))


def _distance(s: Sheet, x1: Value, x2: Value, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Value:
    return _norm(s, s.entrywise("y", f"{{0}} - {{1}} + {typed_number(eps)}", x1, x2), p, -1, keepdim)


def _rms_norm(s: Sheet, input: Value, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Value:
    rank = len(input.groups)
    own = list(range(rank - len(normalized_shape), rank))
    mean = reduced(s, s.entrywise("u", "{0}^2", input), "mean", tuple(own), True, "v")
    root = s.entrywise("s", f"sqrt({{0}} + {typed_number(2.220446049250313e-16 if eps is None else eps)})", mean)
    return scaled(s, s.entrywise("x", "{0}/{1}", input, root), weight, None, own, s.layer())


def _instance_norm(
    s: Sheet, input: Value, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Value:  # fmt: skip
    if not use_input_stats:
        raise ValueError("instance_norm with running statistics")
    return normalised(s, input, range(2, len(input.groups)), eps, weight, bias, [1])


def _weight_norm(s: Sheet, v: Value, g: Value, dim: int = 0) -> Value:
    """A weight by its direction and its length."""
    return s.entrywise("W", "{1}*{0}/{2}", v, g, _norm(s, v, 2, [axis for axis in range(len(v.groups)) if axis != dim], True))


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "sum": reduction("sum"),
    "mean": reduction("mean"),
    "max": _max,
    "amax": _amax,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "rms_norm": _rms_norm,
    "softmin": _softmin,
    "logsumexp": _log_sum,
    "var": _variance,
    "std": _deviation,
    "norm": _norm,
    "normalize": _normalize,
    "cosine_similarity": _cosine,
    "pairwise_distance": _distance,
    "weight_norm": _weight_norm,
}
"""Operations along axes by their name in PyTorch."""
