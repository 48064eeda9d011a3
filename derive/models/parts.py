"""A tensor looked at otherwise, cut, and put together with others.

Owns `PARTS` and what other tables use of it.  May import: models.axes, models.entries, models.sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from derive.models.entries import wrapped
from derive.models.sheet import Letters, Sheet, Value, single, size


def _permute(s: Sheet, input: Value, *dims: Any) -> Value:
    order = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return s.permuted(input, [axis % len(input.groups) for axis in order])


def transposed(s: Sheet, input: Value, dim0: int, dim1: int) -> Value:
    """The tensor with two axes exchanged."""
    order = list(range(len(input.groups)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return s.permuted(input, order)


def _turned(s: Sheet, input: Value) -> Value:
    return s.permuted(input, tuple(reversed(range(len(input.groups)))))


def _last_turned(s: Sheet, input: Value) -> Value:
    return transposed(s, input, -1, -2)


def _unsqueeze(s: Sheet, input: Value, dim: int) -> Value:
    return s.unsqueezed(input, dim % (len(input.groups) + 1))


def picked(s: Sheet, input: Value, axis: int, index: int) -> Value:
    """One place along an axis."""
    keys = s.keys(input, axis)
    length = prod(s.axes.lengths(keys))
    if not keys or length == 1:
        return s.squeezed(input, axis)
    index %= length
    at: list[str] = []
    for key in reversed([s.axes.find(key) for key in keys]):
        index, place = divmod(index, s.axes.length[key])
        last = place == s.axes.length[key] - 1 and place > 0
        s.axes.least[key] = max(s.axes.least.get(key, 0), 2 if last else place + 1)
        at.insert(0, f"{size(key)} - 1" if last else str(place))
    rest = s.apart(input, [axis])
    return s.define("y", rest, lambda letters, _: s.entry(input, [*letters[:axis], at, *letters[axis:]]))


def cut(s: Sheet, input: Value, axis: int, start: int, length: int, step: int = 1) -> Value:
    """Some places along an axis."""
    keys = s.keys(input, axis)
    if length == prod(s.axes.lengths(keys)) and step == 1:
        return input
    input = s.flattened(input, axis)
    key = single(s, s.keys(input, axis))
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


def joined(s: Sheet, tensors: Sequence[Any], dim: int = 0) -> Value:
    """Tensors one after the other along an axis: outside its own places each counts as 0."""
    values = [wrapped(value) for value in tensors]
    rank = len(values[0].groups)
    axis = dim % rank
    values = [s.flattened(value, axis) for value in values]
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


def stacked(s: Sheet, tensors: Sequence[Any], dim: int = 0) -> Value:
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


def _flip(s: Sheet, input: Value, dims: Any) -> Value:
    """The last place first, along some axes."""
    return turned(s, input, [axis % len(input.groups) for axis in ((dims,) if isinstance(dims, int) else dims)])


def turned(s: Sheet, input: Value, over: Sequence[int]) -> Value:
    """The tensor from its last place to its first, along some axes."""
    keys = {axis: single(s, s.keys(input, axis)) for axis in over if s.keys(input, axis)}

    def body(letters: list[list[str]], _: Letters) -> str:
        at = [[f"{size(keys[axis])} - 1 - {its[0]}"] if axis in keys else its for axis, its in enumerate(letters)]
        return s.entry(input, at)

    return s.define("y", s.all_keys(input), body)


def _pad(
    s: Sheet, input: Value, pad: Sequence[int], mode: str = "constant", value: float | None = None, *, shape: Sequence[int]
) -> Value:
    """Zeros before and after: an entry outside counts as 0."""
    if mode != "constant" or value:
        raise ValueError(f"pad with mode = '{mode}': only zeros are known")
    rank = len(input.groups)
    before = {rank - 1 - k: pad[2 * k] for k in range(len(pad) // 2) if pad[2 * k] or pad[2 * k + 1]}
    axes = [
        s.axes_of(s.axis(shape[axis], s.axes.stem[single(s, keys)])) if axis in before else s.axes_of(keys)
        for axis, keys in enumerate(s.all_keys(input))
    ]

    def body(letters: list[list[str]], _: Letters) -> str:
        return s.entry(input, [[f"{its[0]} - {before[axis]}"] if before.get(axis) else its for axis, its in enumerate(letters)])

    return s.define("y", axes, body)


def _glu(s: Sheet, input: Value, dim: int = -1) -> Value:
    one, other = _chunk(s, input, 2, dim)
    return s.entrywise("y", "{0}*sigmoid({1})", one, other)


def _pixel_shuffle(s: Sheet, input: Value, upscale_factor: int) -> Value:
    """Channels that become the places between those of an image."""
    *ahead, channels, h, w = s.lengths(input)
    r, rank = upscale_factor, len(ahead)
    parted = s.reshaped(input, [*ahead, channels // r**2, r, r, h, w])
    order = [*range(rank), rank, rank + 3, rank + 1, rank + 4, rank + 2]
    return s.reshaped(s.permuted(parted, order), [*ahead, channels // r**2, h * r, w * r])


PARTS: dict[str, Callable[..., Any]] = {
    "permute": _permute,
    "transpose": transposed,
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
    "cat": joined,
    "stack": stacked,
    "flip": _flip,
    "pad": _pad,
    "glu": _glu,
    "pixel_shuffle": _pixel_shuffle,
}
"""Operations on parts of tensors by their name in PyTorch."""
