"""A problem, checked: what a file says, or what a program builds.

Owns `Problem` and its parts.  May import: errors, written, reader, network, updates, tables.layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from derive.errors import FormulaError
from derive.network import Network
from derive.reader import LEARNING_RATE, read_formula
from derive.tables.layers import Grid
from derive.updates import Train
from derive.written import (
    Call,
    Later,
    Listing,
    MatrixProduct,
    Name,
    Nested,
    Number,
    Partial,
    Relation,
    Second,
    Transpose,
    Tree,
    children,
    substitute,
    walk,
)


@dataclass(frozen=True)
class Ask:
    """Something the problem wants answered: its own label, the text as typed, and the tree; `vector` when it names a vector."""

    label: str
    text: str
    tree: Tree
    vector: bool = False


@dataclass(frozen=True)
class Decision:
    """Two classifiers, each with the statement that means class 0; `dimension` is the name of the number of inputs."""

    rules: Mapping[str, Relation]
    vectors: tuple[str, ...]
    dimension: str


Numbers = Number | tuple["Numbers", ...]
"""A number, or a list of such."""


@dataclass(frozen=True)
class Fact:
    """What a problem says of its data: added up along `axis`, `name` gives `total` everywhere."""

    name: str
    axis: int
    total: Fraction


@dataclass(frozen=True)
class Arrays:
    """What a problem over arrays says besides its equations.

    `shapes` has every quantity's, `sizes` the numbers known for names of sizes, `given` the numbers of quantities as nested lists.
    `integers` are the quantities that are places of another's axis, with its length.  `judged_at` has the small lengths at which
    lines are judged, where others would not fit together; without it they are chosen.  `lifted` are shifts that are drawn larger at
    every other point, so that a ReLU behind what is centred lets everything through there.
    """

    shapes: Mapping[str, tuple[Tree, ...]]
    sizes: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, Numbers] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    integers: Mapping[str, Tree] = field(default_factory=dict)
    judged_at: Mapping[str, int] = field(default_factory=dict)
    lifted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Words:
    """What a problem says in one language: its own texts, other terms of the field, and its labels for what it asks."""

    title: str = ""
    source: str = ""
    question: str = ""
    terms: Mapping[str, str] = field(default_factory=dict)
    asks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """A problem, checked: what a file says, or what a program builds."""

    title: str
    network: Network
    train: Train
    given: Mapping[str, Number] = field(default_factory=dict)
    examples: tuple[Mapping[str, Number], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    notation: str = "plain"
    vectors: Mapping[str, Grid] = field(default_factory=dict)
    asks: tuple[Ask, ...] = ()
    decision: Decision | None = None
    source: str = ""
    question: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    batch_size: int = 0
    arrays: Arrays | None = field(default=None, repr=False)  # ids of papers are a digest of the rest
    words: Mapping[str, Words] = field(default_factory=dict, repr=False)  # by language

    def example(self, updates: int) -> Mapping[str, Number]:
        """The given numbers after so many updates: those of the example that the next update would use."""
        if not self.examples:
            return self.given
        return {**self.given, **self.examples[updates % len(self.examples)]}

    @cached_property
    def trained(self) -> frozenset[str]:
        """The parameters, to look one up."""
        return frozenset(self.train.parameters)

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """The parameters that the loss depends on: an update leaves any other as it is."""
        reached = self.network.above(self.train.loss)
        return tuple(name for name in self.train.parameters if name in reached)

    @property
    def known(self) -> tuple[str, ...]:
        """Every name that stands for something: quantities, vectors, and what the update brings."""
        rate = (LEARNING_RATE,) if self.train.learning_rate is not None else ()
        return (*self.network.quantities, *self.vectors, *rate, *self.train.brought)

    def read(self, text: str) -> Tree:
        """A typed expression over the quantities of this problem.  Raises FormulaError."""
        tree = read_formula(text, (*self.known, *self.aliases), quantities=True)
        return substitute(tree, self._unalias) if self.aliases else tree

    def _unalias(self, leaf: Tree) -> Tree | None:
        match leaf:
            case Name(name) if name in self.aliases:
                return Name(self.aliases[name])
            case Partial(of, wrt):
                return Partial(self.aliases.get(of, of), self.aliases.get(wrt, wrt))
            case Second(of, first, then):
                return Second(*(self.aliases.get(name, name) for name in (of, first, then)))
            case Later(body, updates):
                return Later(substitute(body, self._unalias), updates)
        return None


def has_stray_list(tree: Tree) -> bool:
    """Whether a list stands anywhere but as a whole argument of an operation."""
    if isinstance(tree, Call):
        inside = [
            item for argument in tree.arguments for item in (argument.items if isinstance(argument, Listing) else (argument,))
        ]
        return any(map(has_stray_list, inside))
    return isinstance(tree, Listing) or any(map(has_stray_list, children(tree)))


def check_quantity(tree: Tree, problem: Problem, later: bool = False) -> None:
    """Whether a quantity can be had in this problem.  Raises FormulaError."""
    if has_stray_list(tree):
        raise FormulaError("a list is no quantity")
    for node in walk(tree):
        match node:
            case MatrixProduct() | Transpose():
                raise FormulaError("matrices are not read here in this version")
            case Partial(of, wrt):
                whole = problem.vectors.keys() & {of, wrt}
                if of in problem.vectors:
                    raise FormulaError(f"the derivative of the vector '{of}' is not one vector; ask for that of a component")
                for name in (of, wrt):
                    if name in problem.train.brought:
                        raise FormulaError(f"'{name}' belongs to the update, not to the network; it has no derivative here")
                if not whole and wrt not in problem.network.above(of):
                    raise FormulaError(f"'{of}' does not depend on '{wrt}'")
            case Later(_, updates):
                if updates and problem.train.learning_rate is None:
                    raise FormulaError("values after an update need learning_rate in [train]")
                if updates:
                    missing = missing_numbers(problem)
                    if missing:
                        raise FormulaError(f"values after an update need numbers for every name; missing: {', '.join(missing)}")
            case Second() | Nested():
                raise FormulaError("second derivatives are worked out by 'derive show --hessian' only")
            case Relation():
                raise FormulaError("a comparison has no value")


def missing_numbers(problem: Problem) -> tuple[str, ...]:
    """The free names without a value."""
    have = problem.example(0)
    return tuple(name for name in problem.network.free if name not in have)
