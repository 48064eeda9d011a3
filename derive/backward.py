"""The derivation: one short reverse walk over the named equations.

Owns `Line`, `Step` and `derive_partials`.  For each quantity: who uses it; one product for each user; their sum.  No backward
rule is written by hand for any layer.  May import: written, handwriting, slopes, network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from derive.handwriting import tidy
from derive.network import Network
from derive.slopes import Slopes
from derive.written import ONE, ZERO, Partial, Product, Tree, add, multiply, walk


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a step: `goal = tree`, by a law of the table; `about` holds what the law's sentence mentions.

    `relation` is `=` where no rounding happened and `≈` where one did.  A line with numbers in place is `numeric`.  `holds` lists
    the side conditions that were proved for it.  With `at`, the line is about the entry of the goal at that place.
    """

    tree: Tree
    law: str
    about: tuple[str, ...] = ()
    relation: str = "="
    numeric: bool = False
    holds: tuple[Tree, ...] = ()
    at: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A goal and the chain of lines that leads to its answer; `kind` is forward, partial, vector, update, asked or decision."""

    kind: str
    goal: Tree
    lines: tuple[Line, ...]

    @property
    def answer(self) -> Tree:
        """The last line without numbers in place: the formula a student should end with."""
        return next(line.tree for line in reversed(self.lines) if not line.numeric)


def derive_partials(
    network: Network, of: str, by: Iterable[str], slopes: Slopes, named: bool = True, inline: int | None = None
) -> tuple[Step, ...]:
    """Every step from `of` back to the quantities `by`, the output first; what `of` does not depend on is left out.

    With `named`, ∂of/∂z of a pre-activation z is an error signal: it gets a name, δ, and is reused by it.  With `inline`, a
    partial of more nodes is not written out where it is used, not even where that is the only place.

    >>> from derive.network import Equation
    >>> from derive.reader import read_formula
    >>> net = Network((Equation("z", read_formula("w*x")), Equation("a", read_formula("sigmoid(z)"))))
    >>> [step.goal.wrt for step in derive_partials(net, "a", ["w"], Slopes())]
    ['z', 'w']
    """
    return _Walk(network, of, slopes, named, inline).steps(tuple(by))


LONGEST_CHAIN = 4
"""Factors a chain-rule line may have before it starts again from a partial already found."""

LARGEST_INLINE = 24
"""Nodes a formula may have to be written out again where it already has a name, so that text stays linear in the weights."""


ALWAYS_INLINE = 5
"""Nodes of a formula so small that its name would be longer: y − t, −t/y."""


def reverse_order(network: Network, of: str, by: Iterable[str]) -> list[str]:
    """Every quantity on a path from one of `by` to `of`, those next to `of` first; a free name stands with the quantity it
    enters last.
    """
    above = network.above(of)
    by = tuple(name for name in by if name in above and name != of)
    on_path = _down_from(network, by) & above | {of}
    heights = {of: 0}
    for name in reversed(network.quantities):
        if name in on_path and name != of:
            later = [user for user in network.users[name] if user in heights]  # a recurrence also has users before it
            heights[name] = max(heights[user] for user in later) + 1
    place = {name: i for i, name in enumerate(by)}
    wanted = [name for name in heights if name != of]
    wanted.sort(key=lambda n: (heights[n], n in network.by_goal, place.get(n, 0) if n in network.free_set else network.order[n]))
    return wanted


class _Walk:
    def __init__(self, network: Network, of: str, slopes: Slopes, named: bool, inline: int | None) -> None:
        self.network, self.of, self.slopes, self.named, self.inline = network, of, slopes, named, inline
        self.gradients: dict[str, dict[str, Tree]] = {}
        self.answers: dict[str, Tree] = {}
        self.chains: dict[str, tuple[Tree, ...]] = {}
        self.inlining: set[str] = set()
        self.below: dict[str, frozenset[str]] = {}

    def steps(self, by: tuple[str, ...]) -> tuple[Step, ...]:
        wanted = reverse_order(self.network, self.of, by)
        self.on_path = frozenset(wanted) | {self.of}
        self.readers = dict.fromkeys(wanted, 0)
        for name in wanted:
            for user in self.network.users[name]:
                if user in self.readers:
                    self.readers[user] += 1
        return tuple(Step("partial", Partial(self.of, name), self.lines(name)) for name in wanted)

    def lines(self, name: str) -> tuple[Line, ...]:
        users = [user for user in self.network.users[name] if user in self.on_path]
        slopes = {user: self.slope(user, name) for user in users}
        users = [user for user in users if slopes[user] != ZERO]
        if not users:
            return (self.finish(name, Line(ZERO, "no-slope", (self.of, name))),)
        single = users[0] if len(users) == 1 else None
        leaf = single is not None and self.is_signal(single) and name not in self.network.by_goal
        opened = leaf and single is not None and _size(self.answers[single]) <= LARGEST_INLINE
        outer = {user: ONE if user == self.of else self.answers[user] if opened else self.outer(user) for user in users}
        lines = []
        if single != self.of:
            lines.append(self.chain_line(name, users, leaf))
        if opened or not leaf:
            written = add(*(flat_product(outer[user], slopes[user]) for user in users))
            via = self.chain_goals(name, written) if opened else tuple(users)
            lines.append(Line(written, "differentiate" if single == self.of else "local-slopes", via))
            tidied = tidy(written)
            if tidied != written:
                lines.append(Line(tidied, "simplify"))
        if leaf and single is not None:
            reused = flat_product(Partial(self.of, single, signal=True), tidy(slopes[single]))
            lines.append(Line(reused, "reuse-signal", (single,)))
        if any(outer[user] == self.answers.get(user) for user in users if not self.is_signal(user)):
            self.inlining.add(name)
        self.finish(name, lines[-1])
        return tuple(lines)

    def finish(self, name: str, line: Line) -> Line:
        self.answers[name] = line.tree
        return line

    def slope(self, user: str, name: str) -> Tree:
        """∂user/∂name along the equation of `user` alone."""
        if user not in self.gradients:
            equation = self.network.by_goal[user]
            self.gradients[user] = self.slopes.gradient(equation.rhs, equation.outputs, self.on_path)
        return self.gradients[user].get(name, ZERO)

    def is_signal(self, name: str) -> bool:
        return self.named and name != self.of and name in self.network.pre_activations

    def outer(self, user: str) -> Tree:
        """∂of/∂user as the next step writes it: its δ; else written out, if short or needed only here; else by its name ∂."""
        if self.is_signal(user):
            return Partial(self.of, user, signal=True)
        answer, size = self.answers[user], _size(self.answers[user])
        if self.inline is not None:
            return answer if size <= self.inline else Partial(self.of, user)
        once = self.readers[user] == 1 and (user not in self.inlining or size <= LARGEST_INLINE)
        return answer if once or size <= ALWAYS_INLINE else Partial(self.of, user)

    def chain_goals(self, name: str, written: Tree) -> tuple[str, ...]:
        """The quantities whose slopes stand in the line a chain became; a partial used by its name is none of them."""
        kept = set(walk(written))
        partials = [factor for factor in self.chains[name] if isinstance(factor, Partial) and factor not in kept]
        return tuple(factor.of for factor in partials if factor.wrt in self.network.mentions[factor.of])

    def chain_line(self, name: str, users: list[str], opened: bool) -> Line:
        terms = []
        for user in users:
            last = Partial(user, name, direct=self.is_ambiguous(user, name, users))
            before: tuple[Tree, ...] = (Partial(self.of, user),)
            if user == self.of:
                before = ()
            elif len(users) == 1 and (opened or not self.is_signal(user)):
                before = self.chains.get(user, before)
            if len(before) >= LONGEST_CHAIN:
                before = (Partial(self.of, user),)
            terms.append(multiply(*before, last))
        if len(users) == 1:
            only = terms[0]
            self.chains[name] = only.factors if isinstance(only, Product) else (only,)
        return Line(add(*terms), "chain-rule" if len(users) == 1 else "chain-rule-sum", (name, self.of, *users))

    def is_ambiguous(self, user: str, name: str, users: list[str]) -> bool:
        """Whether `name` reaches `user` by another way too, so that ∂user/∂name must say that it holds the rest."""
        if len(users) == 1:
            return False
        for other in users:
            if other not in self.below:
                self.below[other] = self.network.below(other)
        return any(user in self.below[other] for other in users if other != user)


def _size(tree: Tree) -> int:
    return sum(1 for _ in walk(tree))


def flat_product(*factors: Tree) -> Tree:
    """The product of the factors; loose products among them are opened."""
    flat: list[Tree] = []
    for factor in factors:
        flat += factor.factors if isinstance(factor, Product) and not factor.tight else (factor,)
    return multiply(*flat)


def _down_from(network: Network, names: tuple[str, ...]) -> set[str]:
    found, todo = set(names), list(names)
    while todo:
        for user in network.users[todo.pop()]:
            if user not in found:
                found.add(user)
                todo.append(user)
    return found
