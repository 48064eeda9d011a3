"""Windows that slide over axes: convolutions and pooling.

Owns `WINDOWS`.  May import: models.axes, models.reductions, models.sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from derive.models.axes import Keys
from derive.models.reductions import reduced
from derive.models.sheet import Letters, Sheet, Value, Weight, single, summed, weight_shape

STEMS = {1: ("h",), 2: ("h", "w"), 3: ("h", "w", "d")}
KERNELS = {1: ("p",), 2: ("p", "q"), 3: ("p", "q", "K")}


def spread(given: Any, count: int, usual: Any = None) -> tuple[int, ...]:
    """One number for each axis of a window."""
    given = usual if given is None or given == [] else given
    return (given,) * count if isinstance(given, int) else tuple(given)


def apart(s: Sheet, input: Value, count: int) -> Value:
    """The tensor with its last axes each one of its own, since a window slides from place to place."""
    for axis in range(len(input.groups) - count, len(input.groups)):
        input = s.flattened(input, axis)
    return input


def place(stride: int, letter: str, step: int, inner: str, padding: int) -> str:
    """A place under a window: `2*i + u - 1`."""
    text = (letter if stride == 1 else f"{stride}*{letter}") + " + " + (inner if step == 1 else f"{step}*{inner}")
    return text + (f" - {padding}" if padding else "")


def place_of(step: int, letters: Sequence[str], padding: int) -> str:
    """A place under a window of length 1."""
    letter = letters[0] if letters else "0"
    return (letter if step == 1 else f"{step}*{letter}") + (f" - {padding}" if padding else "")


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
        layer = s.layer()
        kernel = weight_shape(s, weight)
        steps, gaps = spread(stride, count), spread(dilation, count)
        if padding == "same":
            if any((k - 1) * gap % 2 for k, gap in zip(kernel[2:], gaps, strict=True)):
                raise ValueError("padding = 'same' with a kernel of even length")
            pads = tuple((k - 1) * gap // 2 for k, gap in zip(kernel[2:], gaps, strict=True))
        else:
            pads = spread(0 if padding == "valid" else padding, count)
        input = apart(s, input, count)
        axes = s.all_keys(input)
        channels = axes[-count - 1]
        own = [s.axis(k, stem) for k, stem in zip(kernel[2:], KERNELS[count], strict=True)]
        together: Keys = ()
        if groups > 1:  # every group of channels on its own
            together = s.axes_of(s.axis(groups, "G"))
            made, read = (
                s.axis(kernel[0] // groups, "C") if kernel[0] > groups else (),
                s.axis(kernel[1], "C") if kernel[1] > 1 else (),
            )
            s.axes.unify(channels, (*together, *read))
            together, made, channels = s.axes_of(together), (*s.axes_of(together), *s.axes_of(made)), s.axes_of(read)
        else:
            made, read = s.axis(kernel[0], "C"), s.axis(kernel[1], "C")
            s.axes.unify(channels, read)
            channels, made = s.axes_of(channels), s.axes_of(made)
        w = s.weight(weight, "W", layer, [made, channels, *own])
        b = s.weight(bias, "b", layer, [made]) if bias is not None else None
        out = _slid(s, axes[-count:], shape[-count:], steps, [1 - pad for pad in pads])
        for keys, gap, pad in zip(own, gaps, pads, strict=True):  # where lines are judged, no window lies in the padding alone
            for key in keys:
                s.axes.least[key] = max(s.axes.least.get(key, 0), -(-pad // gap) + 1)

        def body(letters: list[list[str]], more: Letters) -> str:
            ahead, k, at = letters[: -count - 1], letters[-count - 1], letters[-count:]
            l, inner = more.take(channels), [more.take(keys) for keys in own]
            under = [
                [place(step, i[0] if i else "0", gap, u[0], pad) if u else place_of(step, i, pad)]
                for step, i, gap, u, pad in zip(steps, at, gaps, inner, pads, strict=True)
            ]
            bound = [*l, *(u for its in inner for u in its)]
            text = summed(bound, f"{s.entry(w, [k, l, *inner])}*{s.entry(input, [*ahead, [*k[: len(together)], *l], *under])}")
            return text + (f" + {s.entry(b, [k])}" if b else "")

        return s.define("z", [*axes[: -count - 1], made, *out], body, layer)

    return row


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
        input = apart(s, input, count)
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
        if not plain or (function == "mean" and any(pads) and not count_include_pad):
            raise ValueError("ceil_mode, dilation or return_indices: only pooling without them is known")
        if function == "max" and any(pads) and not s.forward.get(input.name, "").startswith("relu("):
            raise ValueError("padding where entries may be negative: behind a ReLU it is known, an entry outside counts as 0")
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
    input = apart(s, input, count)
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
            at[len(ahead) + axis] = under(steps[axis], letters[len(ahead) + axis], u, pads[axis])
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


def _interpolate(
    s: Sheet, input: Value, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: None = None,
    recompute_scale_factor: None = None, antialias: bool = False, *, shape: Sequence[int],
) -> Value:  # fmt: skip
    """Every entry so many times as long, along each of the last axes."""
    into = s.lengths(input)
    if mode != "nearest" or any(b % a for a, b in zip(into, shape, strict=True)):
        raise ValueError(f"mode = '{mode}' to {tuple(shape)}: only 'nearest' by a whole factor is known")
    axes = s.all_keys(input)
    over = [axis for axis in range(2, len(shape)) if shape[axis] != into[axis]]
    out = list(axes)
    for axis in over:
        key = single(s, axes[axis])
        out[axis] = s.axes_of(s.axis(shape[axis], s.axes.stem[key]))
        s.axes.windows.add((single(s, out[axis]), shape[axis] // into[axis], key, 1))

    def body(letters: list[list[str]], more: Letters) -> str:
        at, bound, deltas = list(letters), [], []
        for axis in over:
            times, (i,), u = shape[axis] // into[axis], more.take(axes[axis]), more.one("p")
            at[axis] = [i]
            bound += [i, f"{u} < {times}"]
            deltas.append(f"delta({letters[axis][0]}, {times}*{i} + {u})")
        return summed(bound, "*".join([*deltas, s.entry(input, at)]))

    return s.define("y", out, body)


WINDOWS: dict[str, Callable[..., Value]] = {
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
    "interpolate": _interpolate,
    "adaptive_max_pool2d": adaptive(2, "max"),
}
"""Operations with windows by their name in PyTorch."""
