"""Operations entry by entry in our equations.  To add one, add a row to `ENTRYWISE`, or to `SHAPED` if it has settings.

Owns `ENTRYWISE`, `SHAPED`, `wrapped` and `entrywise`.  May import: models.sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.models.sheet import Sheet, Value, Weight, typed_number

ENTRYWISE: dict[str, tuple[str, str]] = {
    "relu": ("a", "relu({0})"),
    "sigmoid": ("a", "sigmoid({0})"),
    "tanh": ("a", "tanh({0})"),
    "silu": ("a", "silu({0})"),
    "mish": ("a", "mish({0})"),
    "selu": ("a", "1.0507009873554805*relu({0}) - 1.7580993408473766*(1 - exp(min(0, {0})))"),
    "relu6": ("a", "min(6, relu({0}))"),
    "hardswish": ("a", "{0}*min(6, relu({0} + 3))/6"),
    "log_sigmoid": ("a", "log(sigmoid({0}))"),
    "tanhshrink": ("a", "{0} - tanh({0})"),
    "gt": ("m", "step({0} - {1})"),
    "lt": ("m", "step({1} - {0})"),
    "ge": ("m", "1 - step({1} - {0})"),
    "le": ("m", "1 - step({0} - {1})"),
    "softsign": ("a", "{0}/(1 + abs({0}))"),
    "exp": ("e", "exp({0})"),
    "log": ("g", "log({0})"),
    "sqrt": ("s", "sqrt({0})"),
    "rsqrt": ("s", "1/sqrt({0})"),
    "abs": ("y", "abs({0})"),
    "square": ("y", "{0}^2"),
    "reciprocal": ("y", "1/{0}"),
    "erf": ("y", "erf({0})"),
    "neg": ("y", "-{0}"),
    "add": ("y", "{0} + {1}"),
    "sub": ("y", "{0} - {1}"),
    "rsub": ("y", "{1} - {0}"),
    "mul": ("y", "{0}*{1}"),
    "div": ("y", "{0}/{1}"),
    "rdiv": ("y", "{1}/{0}"),
    "maximum": ("y", "max({0}, {1})"),
    "minimum": ("y", "min({0}, {1})"),
}
"""Operations entry by entry: what the result is called, and the formula."""


def wrapped(value: Any) -> Value:
    """A tensor, or a number as one.  Raises ValueError."""
    if isinstance(value, Value):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Value(typed_number(value), number=True)
    raise ValueError(f"a {type(value).__name__} is no number")


def entrywise(s: Sheet, name: str, *operands: Any) -> Value:
    """A row of `ENTRYWISE`."""
    stem, template = ENTRYWISE[name]
    values = [wrapped(operand) for operand in operands]
    whole = next((value for value in values if not value.number), values[0])
    return s.entrywise(stem, template, *values, layer=s.layer_of(whole) if len(values) == 1 else None)


def _pow(s: Sheet, input: Value, exponent: Any) -> Value:
    if isinstance(exponent, Value) and not exponent.number:
        return s.entrywise("y", "{0}^{1}", input, exponent)
    return s.entrywise("y", "{0}^{1}", input, wrapped(exponent))


def _leaky_relu(s: Sheet, input: Value, negative_slope: float = 0.01, inplace: bool = False) -> Value:
    slope = typed_number(negative_slope)
    template = "leaky_relu({0})" if negative_slope == 0.01 else f"relu({{0}}) - {slope}*relu(-{{0}})"
    return s.entrywise("a", template, input, layer=s.layer_of(input))


def _elu(s: Sheet, input: Value, alpha: float = 1.0, inplace: bool = False) -> Value:
    template = "elu({0})" if alpha == 1 else f"relu({{0}}) + {typed_number(alpha)}*(exp(min(0, {{0}})) - 1)"
    return s.entrywise("a", template, input, layer=s.layer_of(input))


def _gelu(s: Sheet, input: Value, approximate: str = "none") -> Value:
    return s.entrywise("a", "gelu({0})" if approximate == "none" else "gelu_tanh({0})", input, layer=s.layer_of(input))


def _softplus(s: Sheet, input: Value, beta: float = 1, threshold: float = 20) -> Value:
    if beta != 1:
        raise ValueError("softplus with another beta than 1")
    return s.entrywise("a", "softplus({0})", input, layer=s.layer_of(input))


def _where(s: Sheet, condition: Value, input: Any, other: Any) -> Value:
    """One or the other, as a comparison says, which is 1 or 0."""
    return s.entrywise("y", "{0}*{1} + (1 - {0})*{2}", condition, wrapped(input), wrapped(other))


def _prelu(s: Sheet, input: Value, weight: Weight) -> Value:
    """A leaky unit whose slope is a parameter, one for all or one for each channel."""
    layer, count = s.layer(), weight.tensor.numel()
    slope = s.weight(weight, "alpha", layer, [s.axes_of(s.keys(input, 1)) if count > 1 else one(s)])
    for axis in range(2, len(input.groups)) if count > 1 else ():
        slope = s.unsqueezed(slope, axis - 1)
    return s.entrywise("a", "relu({0}) - {1}*relu(-{0})", input, slope, layer=s.layer_of(input))


def one(s: Sheet) -> tuple[str, ...]:
    """An axis of length 1, which has no name."""
    key = s.key("d")
    s.axes.new(key, 1, "d")
    s.axes.parts.setdefault(key, ())
    return ()


def _clamp(s: Sheet, input: Value, min: Any = None, max: Any = None) -> Value:
    template = "{0}" if max is None else f"min({typed_number(max)}, {{0}})"
    return s.entrywise("y", template if min is None else f"max({typed_number(min)}, {template})", input)


def _hardtanh(s: Sheet, input: Value, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Value:
    return _clamp(s, input, min_val, max_val)


SHAPED: dict[str, Callable[..., Value]] = {
    "pow": _pow,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "softplus": _softplus,
    "clamp": _clamp,
    "hardtanh": _hardtanh,
    "where": _where,
    "prelu": _prelu,
}
"""Operations entry by entry with settings of their own."""
