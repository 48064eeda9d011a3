"""An answer as it follows from the writer's own earlier answers, right or wrong, with how far rounding can take it from there.

Owns `Carried` and `carried_from`.  May import: written, arithmetic, tables.ops, exercises.slipvalues, rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from derive.arithmetic import Key, key_of
from derive.exercises.slipvalues import SlipValues
from derive.rounding import Rounding, spell
from derive.tables.ops import OPS
from derive.written import (
    ONE,
    Call,
    Later,
    Name,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Tree,
    add,
    multiply,
    rebuild,
)

MOST_NODES = 600
"""Parts of a formula beyond which nobody's marking system is asked to work it out."""


@dataclass(frozen=True)
class Carried:
    """A formula of other answers, the `sources` by their keys.

    A hand that goes on from them ends within `unit` times `size`: the same formula with every sign a plus, times its steps.
    """

    tree: Tree
    sources: tuple[Key, ...]
    size: Tree
    unit: float


class _UnboundedError(Exception):
    """A formula of which is not known how far rounding can take it."""


def carried_from(values: SlipValues, key: Key, answers: Mapping[Key, Tree], kept: Rounding) -> Carried | None:
    """An asked key from the other answers it rests on, which stand for themselves; None where it rests on none, or on too much."""
    composer = _Composer(values, {other: answer for other, answer in answers.items() if other != key}, kept)
    tree = composer.opened(values.sheet.rows[key])
    if not composer.used or composer.nodes > MOST_NODES:
        return None
    try:
        steps, size = _bound(tree, composer.misses, kept.places is not None)
    except _UnboundedError:
        return None
    unit = 10.0 ** (1 - kept.digits) if kept.places is None else 10.0**-kept.places
    return Carried(tree, tuple(composer.used), size, (steps + 2) * unit)  # 2: what is typed is rounded once more


class _Composer:
    """Opens a formula down to earlier answers and numbers; `misses` has the steps each number may be off by."""

    def __init__(self, values: SlipValues, answers: Mapping[Key, Tree], kept: Rounding) -> None:
        self.values, self.answers, self.kept = values, answers, kept
        self.used: dict[Key, None] = {}
        self.misses: dict[str, float] = {}
        self.nodes = 0
        self.resting: dict[Key, bool] = {}

    def rests(self, key: Key) -> bool:
        """Whether a key is an earlier answer or is worked out from one."""
        if key not in self.resting:
            needs = self.values.sheet.needs.get(key, ())
            self.resting[key] = key in self.answers or any(self.rests(need) for need in needs)
        return self.resting[key]

    def opened(self, tree: Tree) -> Tree:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            return tree
        if isinstance(tree, Name | Partial | Later):
            key = key_of(tree)
            assert key is not None
            if key in self.answers:
                self.used[key] = None
                return self.answers[key]
            if key in self.values.sheet.given:
                return Number(self.values.sheet.given[key].text)
            return self.opened(self.values.sheet.rows[key]) if self.rests(key) else self.number(key)
        if isinstance(tree, Call) and (formula := OPS[tree.function].formula) is not None:
            return self.opened(formula(tree.arguments, tree.part or 0))
        return rebuild(tree, self.opened)

    def number(self, key: Key) -> Tree:
        """A value that rests on no answer, at the digits of floats, and how many steps of rounding it may be off by."""
        exactly = self.values.right(None)
        if key not in exactly:
            self.values.work_out(key, exactly, None, None)
        rounded = self.values.right(self.kept)
        if key not in rounded:
            self.values.work_out(key, rounded, None, self.kept)
        value, reach = exactly[key], rounded[key]
        text = spell(Decimal(repr(abs(value))))
        unit = abs(value) * 10.0 ** (1 - self.kept.digits) if self.kept.places is None else 10.0**-self.kept.places
        self.misses[text] = max(reach.high - value, value - reach.low) / unit if unit else 0.0
        return Negative(Number(text)) if value < 0 else Number(text)


def _bound(tree: Tree, misses: Mapping[str, float], absolute: bool) -> tuple[float, Tree]:
    """The steps of rounding in a formula, and its size; `absolute` where each step misses by the same, whatever the number."""
    match tree:
        case Number(text):
            bare = Number(text.removeprefix("-"))
            return misses.get(bare.text, 0.0), ONE if absolute and bare.value < 1 else bare
        case Name():
            read = Call("abs", (tree,))
            return 1.0, Call("max", (read, ONE)) if absolute else read
        case Negative(body):
            return _bound(body, misses, absolute)
        case Sum(terms):
            parts = [_bound(term, misses, absolute) for term in terms]
            return sum(steps for steps, _ in parts) + len(parts) - 1, add(*(size for _, size in parts))
        case Product(factors):
            parts = [_bound(factor, misses, absolute) for factor in factors]
            return sum(steps for steps, _ in parts) + len(parts) - 1, multiply(*(size for _, size in parts))
        case Quotient(top, bottom) if not isinstance(bottom, Number):
            (above, size), (below, other) = _bound(top, misses, absolute), _bound(bottom, misses, absolute)
            return above + below + 1, Quotient(multiply(size, other), Power(bottom, Number("2")))
        case Quotient(top, bottom):
            above, size = _bound(top, misses, absolute)
            return above + 1, Quotient(size, bottom)
        case Power(base, Number(text)) if text.isdigit():
            steps, size = _bound(base, misses, absolute)
            return steps * int(text) + int(text) - 1, Power(size, Number(text))
        case Call("exp", (argument,)):
            steps, size = _bound(argument, misses, absolute)
            return steps + 1, multiply(tree, add(ONE, size))
        case Call("tanh" | "abs", (argument,)):
            steps, size = _bound(argument, misses, absolute)
            return steps + 3, add(ONE, size)
    raise _UnboundedError
