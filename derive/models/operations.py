"""What each operation of PyTorch means in our equations.  To add one, add a row to `OPERATIONS` or `ENTRYWISE`.

Owns `OPERATIONS`, `ENTRYWISE` and the tables of what is looked at, read or drawn.  A row's function takes the arguments of the
operation by their own names; a tensor comes as a `Value`, what is called `weight` or `bias` as the `Weight` it is.  It raises
ValueError, with what is the matter, for what is not known here.  May import: models.axes, models.sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from derive.models.axes import Keys
from derive.models.sheet import Letters, Sheet, Value, Weight, size, typed_number

Ints = int | Sequence[int]

ENTRYWISE: dict[str, tuple[str, str]] = {
    "relu": ("a", "relu({0})"),
    "sigmoid": ("a", "sigmoid({0})"),
    "tanh": ("a", "tanh({0})"),
    "silu": ("a", "silu({0})"),
    "mish": ("a", "mish({0})"),
    "selu": ("a", "1.0507009873554805*relu({0}) - 1.7580993408473766*(1 - exp(min(0, {0})))"),
    "relu6": ("a", "min(6, relu({0}))"),
    "hardtanh": ("a", "max(-1, min(1, {0}))"),
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

SAME = ("contiguous", "clone", "to", "float", "double", "type_as", "type", "identity", "requires_grad_", "alias")
"""What leaves every entry as it is."""

RESHAPING = ("view", "reshape", "flatten", "unflatten", "squeeze", "view_as", "reshape_as", "ravel")
"""What only groups the axes otherwise."""

READ = (
    "item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__contains__", "__array__", "is_nonzero", "equal",
    "allclose",
)  # fmt: skip
"""What makes the course of the program depend on the values of a tensor."""

DRAWN = ("randn_like", "rand_like", "randn", "rand", "normal", "bernoulli", "randint")
"""What draws numbers: they are given to the derivation."""

PICKED = ("argmax", "argmin", "argsort", "gt", "lt", "ge", "le", "eq", "ne", "detach", "sign", "round", "floor", "ceil")
"""What has no slope to speak of: its result may be returned or thrown away, but not computed with."""

ALIASES = {
    "iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "truediv": "div", "true_divide": "div", "divide": "div",
    "multiply": "mul", "subtract": "sub", "rtruediv": "rdiv", "negative": "neg", "special_expit": "sigmoid", "matmul": "matmul",
    "rmatmul": "rmatmul", "mm": "matmul", "bmm": "matmul", "mv": "matmul", "concat": "cat", "concatenate": "cat", "absolute": "abs",
    "swapaxes": "transpose", "getitem": "getitem", "rmul": "mul", "radd": "add", "clip": "clamp", "special_erf": "erf",
}  # fmt: skip
"""Other names of the same operation."""


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


# --- sums of products -----------------------------------------------------------------------------------------------------


def summed(letters: Sequence[str], body: str, function: str = "sum") -> str:
    """A sum over letters; over none it is its body."""
    return f"{function}({', '.join(letters)}, {body})" if letters else body


def two_axes(value: Value) -> bool:
    """Whether a tensor is a matrix as `@` takes it: two axes of its own, in either order."""
    return [len(group) for group in value.groups] == [1, 1] and len(value.base) == 2


def as_matrix(value: Value) -> str:
    """A matrix as it is typed."""
    return value.name if value.plain else f"{value.name}.T"


def _linear(s: Sheet, input: Value, weight: Weight | Value, bias: Weight | Value | None = None) -> Value:
    """W x + b for every row of the input."""
    layer = s.layer()
    out, into = weight_shape(s, weight)
    inner, outer = s.axis(into, "d"), s.axis(out, "d")
    s.axes.unify(s.keys(input, -1), inner)
    inner, outer = s.axes_of(s.keys(input, -1)), s.axes_of(outer)
    w = s.weight(weight, "W", layer, [outer, inner])
    b = s.weight(bias, "b", layer, [outer]) if bias is not None else None
    return affine(s, input, w, b, "z", layer)


def affine(s: Sheet, input: Value, w: Value, b: Value | None, stem: str, layer: int) -> Value:
    """W x + b for every row of the input, the weight and the bias being known."""
    outer, inner = s.axes_of(s.keys(w, 0)), s.axes_of(s.keys(w, 1))
    axes = [*s.all_keys(input)[:-1], outer]
    if two_axes(input) and two_axes(w) and (b is None or len(b.base) == 1):
        name = s.fresh(stem, layer)
        turned = s.permuted(w, (1, 0))
        s.forward[name] = f"{as_matrix(input)} @ {as_matrix(turned)}" + (f" + {b.name}" if b else "")
        return s.declare(name, axes)

    def body(letters: list[list[str]], more: Letters) -> str:
        k = more.take(inner)
        text = summed(k, f"{s.entry(w, [letters[-1], k])}*{s.entry(input, [*letters[:-1], k])}")
        return text + (f" + {s.entry(b, [letters[-1]])}" if b else "")

    return s.define(stem, axes, body, layer)


def weight_shape(s: Sheet, weight: Weight | Value) -> tuple[int, ...]:
    """The shape of a weight in the example."""
    return tuple(weight.tensor.shape) if isinstance(weight, Weight) else s.lengths(weight)


def _matmul(s: Sheet, input: Value, other: Value) -> Value:
    """A product of matrices, the axes before the last two side by side."""
    one, two = len(input.groups) == 1, len(other.groups) == 1
    left = s.unsqueezed(input, 0) if one else input
    right = s.unsqueezed(other, 1) if two else other
    s.axes.unify(s.keys(left, -1), s.keys(right, -2))
    inner = s.axes_of(s.keys(left, -1))
    rank = max(len(left.groups), len(right.groups))
    leading: list[Keys] = []
    for axis in range(-rank, -2):
        runs = [s.keys(value, axis) for value in (left, right) if len(value.groups) >= -axis and value.groups[axis]]
        for keys in runs:
            s.axes.unify(runs[0], keys)
        leading.append(s.axes_of(runs[0]) if runs else ())
    if two_axes(left) and two_axes(right) and rank == 2 and not one and not two:
        name = s.fresh("y")
        s.forward[name] = f"{as_matrix(left)} @ {as_matrix(right)}"
        return s.declare(name, [s.keys(left, 0), s.keys(right, 1)])

    def body(letters: list[list[str]], more: Letters) -> str:
        k = more.take(inner)
        factors = []
        for value, last in ((left, [letters[-2], k]), (right, [k, letters[-1]])):
            own = letters[rank - len(value.groups) : -2]
            own = [its if group else [] for group, its in zip(value.groups, own, strict=False)]
            factors.append(s.entry(value, [*own, *last]))
        return summed(k, "*".join(factors))

    result = s.define("y", [*leading, s.keys(left, -2), s.keys(right, -1)], body)
    if two:
        result = s.squeezed(result, rank - 1)
    return s.squeezed(result, len(result.groups) - (1 if two else 2)) if one else result


def _rmatmul(s: Sheet, input: Value, other: Value) -> Value:
    return _matmul(s, other, input)


def _addmm(s: Sheet, input: Value, mat1: Value, mat2: Value) -> Value:
    return entrywise(s, "add", _matmul(s, mat1, mat2), input)


def _einsum(s: Sheet, equation: str, *operands: Any) -> Value:
    """A sum of products by its letters."""
    values = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], list | tuple) else list(operands)
    before, arrow, after = equation.replace(" ", "").partition("->")
    parts = before.split(",")
    if not arrow or not before.replace(",", "").isalpha() or any(len(set(part)) != len(part) for part in parts):
        raise ValueError(f"einsum: '{equation}' should look like 'ij,jk->ik'")
    axes: dict[str, Keys] = {}
    for part, value in zip(parts, values, strict=True):
        for axis, letter in enumerate(part):
            s.axes.unify(axes.setdefault(letter, s.keys(value, axis)), s.keys(value, axis))

    def body(letters: list[list[str]], more: Letters) -> str:
        at = dict(zip(after, letters, strict=True))
        rest = [letter for letter in axes if letter not in at]
        at |= {letter: more.take(s.axes_of(axes[letter])) for letter in rest}
        factors = [s.entry(value, [at[letter] for letter in part]) for part, value in zip(parts, values, strict=True)]
        return summed([letter for name in rest for letter in at[name]], "*".join(factors))

    return s.define("y", [s.axes_of(axes[letter]) for letter in after], body)


# --- windows --------------------------------------------------------------------------------------------------------------


def spread(given: Any, count: int, usual: Any = None) -> tuple[int, ...]:
    """One number for each axis of a window."""
    given = usual if given is None or given == [] else given
    return (given,) * count if isinstance(given, int) else tuple(given)


def place(stride: int, letter: str, step: int, inner: str, padding: int) -> str:
    """A place under a window: `2*i + u - 1`."""
    text = (letter if stride == 1 else f"{stride}*{letter}") + " + " + (inner if step == 1 else f"{step}*{inner}")
    return text + (f" - {padding}" if padding else "")


def single(s: Sheet, keys: Keys) -> str:
    """The one axis a run consists of.  Raises ValueError."""
    if len(keys) != 1:
        raise ValueError("an axis that was put together from others (by flatten or view)")
    return s.axes.find(keys[0])


STEMS = {1: ("h",), 2: ("h", "w"), 3: ("h", "w", "d")}
KERNELS = {1: ("p",), 2: ("p", "q"), 3: ("p", "q", "K")}


def _slid(s: Sheet, into: Sequence[Keys], lengths: Sequence[int], stride: Sequence[int], reach: Sequence[int]) -> list[Keys]:
    """The axes of what a window leaves, and what that says of small lengths."""
    found = []
    for keys, length, step, far, stem in zip(into, lengths, stride, reach, STEMS[len(into)], strict=True):
        out = s.axes_of(s.axis(length, stem))
        if not keys:
            found.append(out)
            continue
        s.axes.windows.add((single(s, keys), step, single(s, out) if out else "", far))
        found.append(out)
    return found


def convolution(count: int) -> Callable[..., Value]:
    """The row of a convolution over so many axes."""

    def row(
        s: Sheet, input: Value, weight: Weight | Value, bias: Weight | Value | None = None, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1, *, shape: Sequence[int],
    ) -> Value:  # fmt: skip
        if groups != 1:
            raise ValueError(f"groups = {groups}: only convolutions that join all channels are known")
        layer = s.layer()
        kernel = weight_shape(s, weight)
        steps, gaps = spread(stride, count), spread(dilation, count)
        if padding == "same":
            if any((k - 1) * gap % 2 for k, gap in zip(kernel[2:], gaps, strict=True)):
                raise ValueError("padding = 'same' with a kernel of even length")
            pads = tuple((k - 1) * gap // 2 for k, gap in zip(kernel[2:], gaps, strict=True))
        else:
            pads = spread(0 if padding == "valid" else padding, count)
        axes = s.all_keys(input)
        channels = axes[-count - 1]
        own = [s.axis(k, stem) for k, stem in zip(kernel[2:], KERNELS[count], strict=True)]
        made, read = s.axis(kernel[0], "C"), s.axis(kernel[1], "C")
        s.axes.unify(channels, read)
        channels, made = s.axes_of(channels), s.axes_of(made)
        w = s.weight(weight, "W", layer, [made, channels, *own])
        b = s.weight(bias, "b", layer, [made]) if bias is not None else None
        out = _slid(s, axes[-count:], shape[-count:], steps, [1 - pad for pad in pads])

        def body(letters: list[list[str]], more: Letters) -> str:
            ahead, k, at = letters[: -count - 1], letters[-count - 1], letters[-count:]
            l, inner = more.take(channels), [more.take(keys) for keys in own]
            under = [
                [place(step, i[0] if i else "0", gap, u[0], pad) if u else place_of(step, i, pad)]
                for step, i, gap, u, pad in zip(steps, at, gaps, inner, pads, strict=True)
            ]
            bound = [*l, *(u for its in inner for u in its)]
            text = summed(bound, f"{s.entry(w, [k, l, *inner])}*{s.entry(input, [*ahead, l, *under])}")
            return text + (f" + {s.entry(b, [k])}" if b else "")

        return s.define("z", [*axes[: -count - 1], made, *out], body, layer)

    return row


def place_of(step: int, letters: Sequence[str], padding: int) -> str:
    """A place under a window of length 1."""
    letter = letters[0] if letters else "0"
    return (letter if step == 1 else f"{step}*{letter}") + (f" - {padding}" if padding else "")


def transposed_convolution(count: int) -> Callable[..., Value]:
    """The row of a transposed convolution: every entry is spread over a window."""

    def row(
        s: Sheet, input: Value, weight: Weight | Value, bias: Weight | Value | None = None, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, dilation: Any = 1, *, shape: Sequence[int],
    ) -> Value:  # fmt: skip
        if groups != 1 or spread(dilation, count) != (1,) * count:
            raise ValueError("groups or dilation: only transposed convolutions without them are known")
        layer = s.layer()
        kernel = weight_shape(s, weight)
        steps, pads = spread(stride, count), spread(padding, count)
        axes = s.all_keys(input)
        own = [s.axis(k, stem) for k, stem in zip(kernel[2:], KERNELS[count], strict=True)]
        read, made = s.axis(kernel[0], "C"), s.axis(kernel[1], "C")
        s.axes.unify(axes[-count - 1], read)
        channels, made = s.axes_of(axes[-count - 1]), s.axes_of(made)
        w = s.weight(weight, "W", layer, [channels, made, *own])
        b = s.weight(bias, "b", layer, [made]) if bias is not None else None
        out = [s.axes_of(s.axis(length, stem)) for length, stem in zip(shape[-count:], STEMS[count], strict=True)]
        for keys in (*out, *axes[-count:], *own):
            single(s, keys)

        def body(letters: list[list[str]], more: Letters) -> str:
            ahead, k, at = letters[: -count - 1], letters[-count - 1], letters[-count:]
            l, inner = more.take(channels), [more.take(keys) for keys in axes[-count:]]
            under = [
                [i[0] + (f" + {pad}" if pad else "") + " - " + (u[0] if step == 1 else f"{step}*{u[0]}")]
                for step, i, u, pad in zip(steps, at, inner, pads, strict=True)
            ]
            bound = [*l, *(u for its in inner for u in its)]
            text = summed(bound, f"{s.entry(w, [l, k, *under])}*{s.entry(input, [*ahead, l, *inner])}")
            return text + (f" + {s.entry(b, [k])}" if b else "")

        return s.define("z", [*axes[: -count - 1], made, *out], body, layer)

    return row


def pooling(count: int, function: str) -> Callable[..., Value]:
    """The row of a pooling over so many axes: the mean of a window, or its largest entry."""

    def row(
        s: Sheet, input: Value, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
        return_indices: bool = False, count_include_pad: bool = True, divisor_override: Any = None, *, shape: Sequence[int],
    ) -> Value:  # fmt: skip
        kernel = spread(kernel_size, count)
        steps, pads = spread(stride, count, kernel_size), spread(padding, count)
        plain = not (ceil_mode or return_indices or divisor_override) and spread(dilation, count) == (1,) * count
        if not plain or (any(pads) and (function == "max" or not count_include_pad)):
            raise ValueError("ceil_mode, dilation, return_indices or padding: only pooling without them is known")
        return window(s, input, function, kernel, steps, pads, shape)

    def averaging(
        s: Sheet, input: Value, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: Any = None, *, shape: Sequence[int],
    ) -> Value:  # fmt: skip
        return row(s, input, kernel_size, stride, padding, 1, ceil_mode, False, count_include_pad, divisor_override, shape=shape)

    return row if function == "max" else averaging


def window(
    s: Sheet, input: Value, function: str, kernel: Sequence[int], steps: Sequence[int], pads: Sequence[int], shape: Sequence[int]
) -> Value:
    """What a window of so many entries along each of the last axes comes to."""
    count = len(kernel)
    whole = [k == length and not pad for k, length, pad in zip(kernel, s.lengths(input)[-count:], pads, strict=True)]
    if any(whole):  # a window over a whole axis is no window
        over = [axis - count for axis in range(count) if whole[axis]]
        rest = [axis for axis in range(count) if not whole[axis]]
        input = reduced(s, input, function, over, True)
        if not rest:
            return input
        kernel, steps = ([its[axis] if axis in rest else 1 for axis in range(count)] for its in (kernel, steps))
    axes = s.all_keys(input)
    out = _slid(s, axes[-count:], shape[-count:], steps, [k - pad for k, pad in zip(kernel, pads, strict=True)])
    out = [() if full else keys for full, keys in zip(whole, out, strict=True)]
    ahead = axes[:-count]

    def under(step: int, i: list[str], u: str, pad: int) -> list[str]:
        return [place(step, i[0], 1, u, pad) if i else u + (f" - {pad}" if pad else "")]

    if function == "mean":

        def mean(letters: list[list[str]], more: Letters) -> str:
            inner = [more.one(stem) for stem in KERNELS[count]]
            windows = zip(whole, steps, letters[-count:], inner, pads, strict=True)
            at = [[] if full else under(step, i, u, pad) for full, step, i, u, pad in windows]
            bound = [f"{u} < {k}" for full, u, k in zip(whole, inner, kernel, strict=True) if not full]
            return summed(bound, s.entry(input, [*letters[:-count], *at]), "mean")

        return s.define("y", [*ahead, *out], mean)
    value = input
    for axis in reversed(range(count)):  # one axis at a time: the place of the largest is one letter
        if whole[axis]:
            continue
        now = [*ahead, *axes[-count : len(axes) - count + axis], *out[axis:]]

        def largest(letters: list[list[str]], more: Letters, value: Value = value, axis: int = axis) -> str:
            u = more.one(KERNELS[count][axis])
            at = list(letters)
            at[len(ahead) + axis] = under(steps[axis], letters[len(ahead) + axis], u, 0)
            return f"max({u} < {kernel[axis]}, {s.entry(value, at)})"

        value = s.define("y" if axis == 0 else "r", now, largest)
    return value


def adaptive(count: int, function: str) -> Callable[..., Value]:
    """The row of a pooling that is told how long its result is to be."""

    def row(s: Sheet, input: Value, output_size: Any, return_indices: bool = False, *, shape: Sequence[int]) -> Value:
        into = s.lengths(input)[-count:]
        wanted = shape[-count:]
        if return_indices or any(a % b for a, b in zip(into, wanted, strict=True)):
            raise ValueError(f"windows of unequal lengths, from {into} to {tuple(wanted)}")
        if set(wanted) == {1}:
            return reduced(s, input, function, tuple(range(-count, 0)), True)
        kernel = [a // b for a, b in zip(into, wanted, strict=True)]
        return window(s, input, function, kernel, kernel, (0,) * count, shape)

    return row


# --- along axes -----------------------------------------------------------------------------------------------------------


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


def _embedding(
    s: Sheet, input: Value, weight: Weight | Value, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Value:  # fmt: skip
    """Rows of a table, by their places."""
    if padding_idx is not None or max_norm is not None or scale_grad_by_freq:
        raise ValueError("padding_idx, max_norm or scale_grad_by_freq: they make the gradient another one than the derivative")
    layer = s.layer()
    many, wide = weight_shape(s, weight)
    columns = s.axes_of(s.axis(wide, "d"))
    table = s.weight(weight, "E", layer, [s.axes_of(s.axis(many, "V")), columns])
    return s.define(
        "y", [*s.all_keys(input), columns], lambda letters, _: s.entry(table, [[s.entry(input, letters[:-1])], letters[-1]]), layer
    )


def _dropout(s: Sheet, input: Value, p: float = 0.5, training: bool = True, inplace: bool = False) -> Value:
    """Outside training every entry stays as it is; the mask of a training run comes as a constant, by `_masked`."""
    s.remarks["dropout-off", ""] = None
    return input


# --- parts of a tensor ------------------------------------------------------------------------------------------------------


def _permute(s: Sheet, input: Value, *dims: Any) -> Value:
    order = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return s.permuted(input, [axis % len(input.groups) for axis in order])


def _transpose(s: Sheet, input: Value, dim0: int, dim1: int) -> Value:
    order = list(range(len(input.groups)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return s.permuted(input, order)


def _turned(s: Sheet, input: Value) -> Value:
    return s.permuted(input, tuple(reversed(range(len(input.groups)))))


def _last_turned(s: Sheet, input: Value) -> Value:
    return _transpose(s, input, -1, -2)


def _unsqueeze(s: Sheet, input: Value, dim: int) -> Value:
    return s.unsqueezed(input, dim % (len(input.groups) + 1))


def picked(s: Sheet, input: Value, axis: int, index: int) -> Value:
    """One place along an axis."""
    keys = s.keys(input, axis)
    length = prod(s.axes.lengths(keys))
    if not keys or length == 1:
        return s.squeezed(input, axis)
    key = single(s, keys)
    index %= length
    last = index == length - 1 and index > 0
    s.axes.least[key] = max(s.axes.least.get(key, 0), 2 if last else index + 1)
    at = f"{size(key)} - 1" if last else str(index)
    rest = s.apart(input, [axis])
    return s.define("y", rest, lambda letters, _: s.entry(input, [*letters[:axis], [at], *letters[axis:]]))


def cut(s: Sheet, input: Value, axis: int, start: int, length: int, step: int = 1) -> Value:
    """Some places along an axis."""
    keys = s.keys(input, axis)
    if length == prod(s.axes.lengths(keys)) and step == 1:
        return input
    key = single(s, keys)
    new = s.axes_of(s.axis(length, s.axes.stem[key]))
    s.axes.windows.add((key, step, single(s, new) if new else "", start + 1))
    axes = [new if k == axis else its for k, its in enumerate(s.all_keys(input))]

    def body(letters: list[list[str]], _: Letters) -> str:
        i = letters[axis][0] if letters[axis] else "0"
        at = (i if step == 1 else f"{step}*{i}") + (f" + {start}" if start else "")
        return s.entry(input, [*letters[:axis], [at], *letters[axis + 1 :]])

    return s.define("y", axes, body)


def _getitem(s: Sheet, input: Value, index: Any) -> Value:
    """Indexing by whole numbers, slices, None and …; by a tensor of whole numbers alone, rows."""
    if isinstance(index, Value):
        rows = s.keys(input, 0)
        return s.define(
            "y", [*s.all_keys(index), *s.all_keys(input)[1:]],
            lambda letters, _: s.entry(input, [[s.entry(index, letters[: len(index.groups)])], *letters[len(index.groups) :]]),
        ) if rows else input  # fmt: skip
    parts = list(index) if isinstance(index, tuple | list) else [index]
    if not all(part is None or part is Ellipsis or isinstance(part, int | slice) for part in parts) or any(
        isinstance(part, bool) for part in parts
    ):
        raise ValueError("indexing by a tensor or a mask beside other places")
    counted = sum(1 for part in parts if part is not None and part is not Ellipsis)
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        parts[at : at + 1] = [slice(None)] * (len(input.groups) - counted)
    value, axis = input, 0
    for part in parts:
        if part is None:
            value, axis = s.unsqueezed(value, axis), axis + 1
        elif isinstance(part, int):
            value = picked(s, value, axis, part)
        else:
            start, stop, step = part.indices(s.lengths(value)[axis])
            if step < 1:
                raise ValueError("a step backwards")
            value, axis = cut(s, value, axis, start, len(range(start, stop, step)), step), axis + 1
    return value


def _select(s: Sheet, input: Value, dim: int, index: int) -> Value:
    return picked(s, input, dim % len(input.groups), index)


def _narrow(s: Sheet, input: Value, dim: int, start: int, length: int) -> Value:
    return cut(s, input, dim % len(input.groups), start, length)


def _unbind(s: Sheet, input: Value, dim: int = 0) -> tuple[Value, ...]:
    axis = dim % len(input.groups)
    return tuple(picked(s, input, axis, k) for k in range(s.lengths(input)[axis]))


def _split(s: Sheet, tensor: Value, split_size_or_sections: Any, dim: int = 0) -> tuple[Value, ...]:
    axis = dim % len(tensor.groups)
    total = s.lengths(tensor)[axis]
    each = split_size_or_sections
    sizes = [min(each, total - k) for k in range(0, total, each)] if isinstance(each, int) else list(each)
    if len(set(sizes)) == 1:
        return _chunk(s, tensor, len(sizes), axis)
    return tuple(cut(s, tensor, axis, sum(sizes[:k]), length) for k, length in enumerate(sizes))


def _chunk(s: Sheet, input: Value, chunks: int, dim: int = 0) -> tuple[Value, ...]:
    axis = dim % len(input.groups)
    total = s.lengths(input)[axis]
    if total % chunks == 0:  # as many axes of their own: the weights before it fall apart as well
        shape = list(s.lengths(input))
        parted = s.reshaped(input, [*shape[:axis], chunks, total // chunks, *shape[axis + 1 :]])
        return tuple(picked(s, parted, axis, k) for k in range(chunks))
    return _split(s, input, -(-total // chunks), axis)


def _cat(s: Sheet, tensors: Sequence[Any], dim: int = 0) -> Value:
    """Tensors one after the other along an axis: outside its own places each counts as 0."""
    values = [wrapped(value) for value in tensors]
    rank = len(values[0].groups)
    axis = dim % rank
    for k in range(rank):
        for value in values[1:]:
            if k != axis:
                s.axes.unify(s.keys(values[0], k), s.keys(value, k))
    own = [single(s, s.keys(value, axis)) for value in values]
    joined = s.axis(sum(s.axes.lengths(own)), s.axes.stem[own[0]])
    key = single(s, joined)
    s.axes.terms.setdefault(key, tuple(own))
    axes = [joined if k == axis else s.axes_of(keys) for k, keys in enumerate(s.all_keys(values[0]))]

    def body(letters: list[list[str]], _: Letters) -> str:
        parts = []
        for k, value in enumerate(values):
            before = "".join(f" - {size(other)}" for other in own[:k])
            parts.append(s.entry(value, [*letters[:axis], [letters[axis][0] + before], *letters[axis + 1 :]]))
        return " + ".join(parts)

    return s.define("y", axes, body)


def _stack(s: Sheet, tensors: Sequence[Any], dim: int = 0) -> Value:
    """Tensors side by side along a new axis."""
    values = [wrapped(value) for value in tensors]
    axis = dim % (len(values[0].groups) + 1)
    for k in range(len(values[0].groups)):
        for value in values[1:]:
            s.axes.unify(s.keys(values[0], k), s.keys(value, k))
    new = s.axes_of(s.axis(len(values), "S"))
    if new:
        s.axes.least[new[0]] = len(values)
    axes = [s.axes_of(keys) for keys in s.all_keys(values[0])]

    def body(letters: list[list[str]], _: Letters) -> str:
        own = [*letters[:axis], *letters[axis + 1 :]]
        if not new:
            return s.entry(values[0], own)
        return " + ".join(f"delta({letters[axis][0]}, {k})*{s.entry(value, own)}" for k, value in enumerate(values))

    return s.define("y", [*axes[:axis], new, *axes[axis:]], body)


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


def _clamp(s: Sheet, input: Value, min: Any = None, max: Any = None) -> Value:
    template = "{0}" if max is None else f"min({typed_number(max)}, {{0}})"
    return s.entrywise("y", template if min is None else f"max({typed_number(min)}, {template})", input)


def _attention(
    s: Sheet, query: Value, key: Value, value: Value, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Value:  # fmt: skip
    """softmax(Q Kᵀ/√d) V."""
    if dropout_p or enable_gqa:
        raise ValueError("dropout_p or enable_gqa: only attention without them is known")
    if is_causal:
        attn_mask = s.bring.causal(s.lengths(query)[-2], s.lengths(key)[-2])
    return attended(s, query, key, value, attn_mask, scale)


def attended(s: Sheet, query: Value, key: Value, value: Value, mask: Any = None, scale: float | None = None) -> Value:
    """softmax(Q Kᵀ/√d) V, the axes before the last two side by side; a mask says which places are attended to."""
    width = prod(s.axes.lengths(s.keys(query, -1)))
    below = f"{{0}}/sqrt({width})" if scale is None else f"{{0}}*{typed_number(scale)}"
    scores = s.entrywise("y", below, _matmul(s, query, _transpose(s, key, -1, -2)))
    if mask is not None:
        scores = replace(scores, keep=s.bring.kept(mask))
    return _matmul(s, soft_max(s, scores, -1), value)


def _masked_fill(s: Sheet, input: Value, mask: Any, value: float) -> Value:
    """Entries put to −∞, so that a softmax leaves nothing of them."""
    if value not in (float("-inf"), -1e9, -1e20) and not (isinstance(value, float) and value < -1e30):
        raise ValueError("a mask filled with another number than −inf")
    if input.keep is not None:
        raise ValueError("a second mask")
    return replace(input, keep=s.bring.kept(mask, turned=True))


OPERATIONS: dict[str, Callable[..., Any]] = {
    "linear": _linear,
    "matmul": _matmul,
    "rmatmul": _rmatmul,
    "addmm": _addmm,
    "einsum": _einsum,
    "conv1d": convolution(1),
    "conv2d": convolution(2),
    "conv3d": convolution(3),
    "conv_transpose1d": transposed_convolution(1),
    "conv_transpose2d": transposed_convolution(2),
    "max_pool1d": pooling(1, "max"),
    "max_pool2d": pooling(2, "max"),
    "avg_pool1d": pooling(1, "mean"),
    "avg_pool2d": pooling(2, "mean"),
    "adaptive_avg_pool1d": adaptive(1, "mean"),
    "adaptive_avg_pool2d": adaptive(2, "mean"),
    "adaptive_max_pool1d": adaptive(1, "max"),
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "embedding": _embedding,
    "dropout": _dropout,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "sum": reduction("sum"),
    "mean": reduction("mean"),
    "max": _max,
    "amax": _amax,
    "permute": _permute,
    "transpose": _transpose,
    "t": _turned,
    "T": _turned,
    "mT": _last_turned,
    "unsqueeze": _unsqueeze,
    "getitem": _getitem,
    "select": _select,
    "narrow": _narrow,
    "unbind": _unbind,
    "split": _split,
    "chunk": _chunk,
    "cat": _cat,
    "stack": _stack,
    "pow": _pow,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "softplus": _softplus,
    "masked_fill": _masked_fill,
    "clamp": _clamp,
    "scaled_dot_product_attention": _attention,
}
"""Operations by the last part of their name in PyTorch; a row that asks for `shape` is told that of the result."""
