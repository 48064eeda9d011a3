"""Sums of products: linear layers, products of matrices, einsum, attention, and rows picked from a table.

Owns `PRODUCTS`, `affine`, `attended` and `weight_shape`.  May import: models.axes, models.entries, models.parts, models.reductions,
models.sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

from derive.models.axes import Keys
from derive.models.entries import entrywise
from derive.models.parts import transposed
from derive.models.reductions import soft_max
from derive.models.sheet import Letters, Sheet, Value, Weight, summed, typed_number, weight_shape


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
    scores = s.entrywise("y", below, _matmul(s, query, transposed(s, key, -1, -2)))
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


def _bilinear(s: Sheet, input1: Value, input2: Value, weight: Weight | Value, bias: Weight | Value | None = None) -> Value:
    """xᵀ W y + b, a matrix for each output."""
    layer = s.layer()
    out, one, two = (s.axis(length, "d") for length in weight_shape(s, weight))
    s.axes.unify(s.keys(input1, -1), one)
    s.axes.unify(s.keys(input2, -1), two)
    first, second, outer = s.axes_of(s.keys(input1, -1)), s.axes_of(s.keys(input2, -1)), s.axes_of(out)
    w = s.weight(weight, "W", layer, [outer, first, second])
    b = s.weight(bias, "b", layer, [outer]) if bias is not None else None
    for keys, other in zip(s.all_keys(input1)[:-1], s.all_keys(input2)[:-1], strict=True):
        s.axes.unify(keys, other)

    def body(letters: list[list[str]], more: Letters) -> str:
        j, k = more.take(first), more.take(second)
        factors = (s.entry(w, [letters[-1], j, k]), s.entry(input1, [*letters[:-1], j]), s.entry(input2, [*letters[:-1], k]))
        return summed([*j, *k], "*".join(factors)) + (f" + {s.entry(b, [letters[-1]])}" if b else "")

    return s.define("z", [*s.all_keys(input1)[:-1], outer], body, layer)


PRODUCTS: dict[str, Callable[..., Any]] = {
    "linear": _linear,
    "matmul": _matmul,
    "rmatmul": _rmatmul,
    "addmm": _addmm,
    "einsum": _einsum,
    "embedding": _embedding,
    "scaled_dot_product_attention": _attention,
    "masked_fill": _masked_fill,
    "bilinear": _bilinear,
}
"""Sums of products by their name in PyTorch."""
