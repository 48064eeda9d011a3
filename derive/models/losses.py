"""The losses of PyTorch in our equations, those a model calls itself and those asked for by name.

Owns `LOSSES` and `NAMED`.  To add a loss, add a row.  May import: models.axes, models.reductions, models.sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from derive.models.axes import Keys
from derive.models.reductions import soft_max
from derive.models.sheet import Letters, Sheet, Value

TARGET = "T"
"""The target of a loss that is put behind a model."""


def gathered(
    s: Sheet, reduction: str, axes: Sequence[Keys], body: Callable[[list[list[str]], Letters], str], sign: str = ""
) -> Value:
    """A loss of every entry, averaged, added up or left as it is."""
    if reduction == "none":
        return s.define("L", axes, lambda letters, more: sign + body(letters, more))
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction = '{reduction}'")
    letters = Letters(s.axes)
    bound = [letters.take(keys) for keys in axes]
    flat = [letter for its in bound for letter in its]
    text = body(bound, letters)
    name = s.fresh("L") if "L" in s.shapes else "L"
    s.forward[name] = f"{sign}{reduction}({', '.join(flat)}, {text})" if flat else sign + text
    return s.declare(name, [])


def matched(s: Sheet, input: Value, target: Value) -> list[Keys]:
    """The axes of a prediction and its target, which have to be the same."""
    if len(input.groups) != len(target.groups):
        raise ValueError("a prediction and a target of unequal shapes")
    if not target.number:
        for one, other in zip(s.all_keys(input), s.all_keys(target), strict=True):
            s.axes.unify(one, other)
    return [s.axes_of(keys) for keys in s.all_keys(input)]


def pairwise(template: str) -> Callable[..., Value]:
    """The row of a loss that compares entry with entry."""

    def row(s: Sheet, input: Value, target: Value, reduction: str = "mean") -> Value:
        axes = matched(s, input, target)
        return gathered(s, reduction, axes, lambda letters, _: template.format(s.entry(input, letters), s.entry(target, letters)))

    return row


def _bce(s: Sheet, input: Value, target: Value, weight: None = None, reduction: str = "mean") -> Value:
    if weight is not None:
        raise ValueError("binary cross-entropy with weights")
    return pairwise("bce({0}, {1})")(s, input, target, reduction)


def _bce_logits(
    s: Sheet, input: Value, target: Value, weight: None = None, reduction: str = "mean", pos_weight: None = None
) -> Value:
    if weight is not None or pos_weight is not None:
        raise ValueError("binary cross-entropy with weights")
    return pairwise("bce({0}, {1})")(s, s.entrywise("a", "sigmoid({0})", input, layer=s.layer_of(input)), target, reduction)


def _huber(s: Sheet, input: Value, target: Value, reduction: str = "mean", delta: float = 1.0) -> Value:
    if delta != 1:
        raise ValueError("the Huber loss with another delta than 1")
    return pairwise("huber({0}, {1})")(s, input, target, reduction)


def _smooth_l1(s: Sheet, input: Value, target: Value, reduction: str = "mean", beta: float = 1.0) -> Value:
    return _huber(s, input, target, reduction, beta)


def _cross_entropy(
    s: Sheet, input: Value, target: Value, weight: None = None, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Value:  # fmt: skip
    """Of scores: softmax, then the logarithm; the target is a class, or a share for each."""
    if weight is not None or label_smoothing:
        raise ValueError("weight or label_smoothing: only plain cross-entropy is known")
    axis = 1 if len(input.groups) > 1 else 0
    return likelihood(s, soft_max(s, input, axis), target, reduction, axis, "log({0})")


def _nll(s: Sheet, input: Value, target: Value, weight: None = None, ignore_index: int = -100, reduction: str = "mean") -> Value:
    if weight is not None:
        raise ValueError("nll_loss with weights")
    return likelihood(s, input, target, reduction, 1 if len(input.groups) > 1 else 0, "{0}")


def likelihood(s: Sheet, input: Value, target: Value, reduction: str, axis: int, template: str) -> Value:
    """What is taken of the entries at the target's places, or of all, times the target's shares."""
    classes = s.axes_of(s.keys(input, axis))
    others = [s.axes_of(keys) for keys in s.apart(input, [axis])]
    if len(target.groups) < len(input.groups):
        for one, other in zip(others, s.all_keys(target), strict=True):
            s.axes.unify(one, other)

        def told(letters: list[list[str]], more: Letters) -> str:
            return template.format(s.entry(input, [*letters[:axis], [s.entry(target, letters)], *letters[axis:]]))

        return gathered(s, reduction, others, told, "-")
    matched(s, input, target)

    def shared(letters: list[list[str]], more: Letters) -> str:
        k = more.take(classes)
        at = [*letters[:axis], k, *letters[axis:]]
        return f"sum({', '.join(k)}, {s.entry(target, at)}*{template.format(s.entry(input, at))})"

    if target.name == TARGET:
        s.sums[target.name] = str(target.groups[axis][0])
    return gathered(s, reduction, others, shared, "-")


LOSSES: dict[str, Callable[..., Any]] = {
    "mse_loss": pairwise("({0} - {1})^2"),
    "l1_loss": pairwise("abs({0} - {1})"),
    "smooth_l1_loss": _smooth_l1,
    "huber_loss": _huber,
    "binary_cross_entropy": _bce,
    "binary_cross_entropy_with_logits": _bce_logits,
    "cross_entropy": _cross_entropy,
    "nll_loss": _nll,
}
"""Losses by their name in torch.nn.functional."""

NAMED = {
    "mse": "mse_loss",
    "l1": "l1_loss",
    "huber": "huber_loss",
    "bce": "binary_cross_entropy",
    "bce_logits": "binary_cross_entropy_with_logits",
    "cross_entropy": "cross_entropy",
}
"""Losses that can be put behind a model, by their short names: torch.nn.functional's, with a target of the shape of the output."""
