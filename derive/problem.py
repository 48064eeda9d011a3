"""A problem, checked: what a file says, or what a program builds.

Owns `Problem` and its parts.  May import: errors, written, reader, network, tables.layers, tables.rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from derive.errors import FormulaError
from derive.network import Network
from derive.reader import LEARNING_RATE, read_formula
from derive.tables.layers import Grid
from derive.tables.rules import RULES
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


@dataclass(frozen=True)
class Train:
    """What is trained and how: `batch` is "", "mean" or "sum"."""

    loss: str
    parameters: tuple[str, ...]
    learning_rate: Number | None = None
    rule: str = "sgd"
    batch: str = ""


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

    def example(self, updates: int) -> Mapping[str, Number]:
        """The given numbers after so many updates: those of the example that the next update would use."""
        if not self.examples:
            return self.given
        return {**self.given, **self.examples[updates % len(self.examples)]}

    def read(self, text: str) -> Tree:
        """A typed expression over the quantities of this problem.  Raises FormulaError."""
        rate = (LEARNING_RATE,) if self.train.learning_rate is not None else ()
        known = (*self.network.quantities, *self.vectors, *self.aliases, *rate)
        tree = read_formula(text, known, quantities=True)
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


def updated_tree(problem: Problem, name: str) -> Tree:
    """What a parameter becomes by one update, as written."""
    return RULES[problem.train.rule].update(Name(name), Partial(problem.train.loss, name), Name(LEARNING_RATE))
