"""The update rules: how a parameter moves.

Owns `RULES`.  Each row writes the new value of a parameter from its old value, its gradient and the learning rate.  May import:
written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from derive.written import Product, Tree, subtract


@dataclass(frozen=True)
class Rule:
    """An update rule: `update(old, gradient, rate)` is the new value, as written."""

    name: str
    title: str
    update: Callable[[Tree, Tree, Tree], Tree]


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "sgd",
            "gradient descent: against the gradient, by the learning rate",
            lambda old, gradient, rate: subtract(old, Product((rate, gradient))),
        ),
    )
}
