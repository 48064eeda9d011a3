"""Answers to a problem over arrays: formulas of matrices, index forms, nested lists of numbers.

Owns `ArrayReading`, which reads one answer after the other; files are taken apart by `exercises.answers`.  May import: errors,
problem, exercises.answers, tensors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from derive.errors import FormulaError
from derive.exercises.answers import Entry
from derive.problem import Problem
from derive.reader import NAME, fold_characters
from derive.tensors.problems import sizes_in
from derive.tensors.reader import UNKNOWN, ranges_of, read_array_formula, with_ranges
from derive.tensors.shapes import shape_of
from derive.written import Index, Indexed, Later, Name, Negative, Partial, Tree, walk

_EQUALS = re.compile(r"(?<![<>])=(?!=)")

_PARTIAL = re.compile(r"∂\s*(\w+)(?=\s*(?:\[[^\[\]]*\]\s*)?/)|(?<=/)\s*∂\s*(\w+)")


def spelt(text: str) -> str:
    """The signs of the page as they are typed.  Raises FormulaError for LaTeX, where a product without a sign may be either kind.

    >>> spelt("∂L/∂Z @ Xᵀ ⊙ M")
    'dL/dZ @ X.T * M'
    """
    if "\\" in text:
        raise FormulaError("LaTeX is not read for problems over arrays; write dL/dW = dL/dZ @ X.T")
    return _PARTIAL.sub(lambda found: f"d{found[1] or found[2]}", text).replace("ᵀ", ".T").replace("⊙", "*")


@dataclass(frozen=True)
class _Known:
    """The names that are quantities, for the reader of JSON files."""

    known: frozenset[str]


class ArrayReading:
    """What is known while a file of answers is read: the problem, its shapes, and its labels."""

    def __init__(self, problem: Problem) -> None:
        assert problem.arrays is not None
        self.problem, self.shapes = problem, problem.arrays.shapes
        self.sizes = sizes_in(self.shapes)
        self.glossary = _Known(frozenset((*problem.network.quantities, *problem.train.given)))
        self.labels = {ask.label.strip(): ask.tree for ask in problem.asks}

    def entry(self, place: str, name: str, text: str) -> Entry:
        """One answer, already cut at its first '='."""
        try:
            quantity = self.quantity(name)
        except FormulaError as error:
            return Entry(place, name, text, verdict="unknown", fault=str(error))
        entry = Entry(place, name, text, quantity)
        if text.strip() in ("", "?"):
            return replace(entry, verdict="missing", fault="no answer is given")
        typed = tuple(side.strip() for side in _EQUALS.split(fold_characters(text)))
        try:
            sides = tuple(self.formula(side, quantity) for side in typed)
        except FormulaError as error:
            return replace(entry, typed=typed, verdict="unreadable", fault=str(error))
        return replace(entry, sides=sides, typed=typed)

    def quantity(self, name: str) -> Tree:
        """A left side: `dL/dW`, `-dL/dZ`, `dL/dW[i,j]`, `Z[0,1]`, or a label of [ask].  Raises FormulaError."""
        if name.strip() in self.labels:
            return self.labels[name.strip()]
        text = spelt(fold_characters(name)).strip()
        inside = [part.strip() for found in re.findall(r"\[([^\[\]]*)\]", text) for part in found.split(",")]
        letters = [part for part in inside if NAME.match(part) and part not in self.glossary.known and part not in self.sizes]
        tree = read_array_formula(
            text, self.glossary.known, self.shapes, self.sizes, dict.fromkeys(letters, UNKNOWN), quantities=True
        )
        body = tree.body if isinstance(tree, Negative) else tree
        base = body.base if isinstance(body, Indexed) else body
        match base:
            case Partial(of, wrt):
                if wrt not in self.problem.network.above(of) or of == wrt:
                    raise FormulaError(f"'{of}' does not depend on '{wrt}'")
            case Name():
                pass
            case Later(Name(name), updates):
                if updates != 1 or name not in self.problem.train.parameters or self.problem.train.learning_rate is None:
                    raise FormulaError(f"'{name}' is not known after {updates} updates here")
            case _:
                raise FormulaError("the left side should be a quantity or a derivative: Z, dL/dW, dL/dW[i,j]")
        return with_ranges(tree, ranges_of(tree, self.shapes))

    def formula(self, text: str, quantity: Tree) -> Tree:
        """A right side; the letters of the left side stand in it.  Raises FormulaError."""
        if not text:
            raise FormulaError("nothing stands beside an '='")
        tree = self.loose(text, quantity)
        shape_of(tree, self.shapes)
        return tree

    def loose(self, text: str, quantity: Tree) -> Tree:
        """A right side whose shapes need not fit.  Raises FormulaError."""
        letters = {node.name: node.size for node in walk(quantity) if isinstance(node, Index)}
        return read_array_formula(spelt(text), self.glossary.known, self.shapes, self.sizes, letters, quantities=True)

    def conflicts_marked(self, entries: list[Entry]) -> tuple[Entry, ...]:
        """The entries; a quantity that is answered in two ways is judged twice."""
        return tuple(entries)
