"""A tree as an expression of a programming language.

Owns `Writer`.  Brackets are placed as in every other format.  May import: errors, written, arithmetic, symbols, tables.ops,
tables.targets, formats.mathematics, formats.plain.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from derive.arithmetic import Key, key_of
from derive.errors import UsageError
from derive.formats.mathematics import Face, write
from derive.formats.plain import FACE
from derive.symbols import Script
from derive.tables.ops import OPS
from derive.tables.targets import Target
from derive.written import (
    Call,
    Index,
    Indexed,
    Listing,
    Name,
    Negative,
    Number,
    Product,
    Quotient,
    Size,
    Sum,
    Tree,
    rebuild,
    walk,
)

CONSTANT = "constant "
"""What stands before the name of an operation on numbers alone."""


@dataclass
class Vocabulary:
    """What a file turns out to use: operations it needs a function of its own for, words of the language, sizes by name."""

    operations: dict[str, None] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    sizes: dict[str, None] = field(default_factory=dict)

    def noted(self, text: str) -> str:
        """The text, its words remembered."""
        self.words.update(re.findall(r"[A-Za-z_]\w*", text))
        return text


@dataclass(frozen=True)
class Helper:
    """A function the file needs besides: its arguments, and the formula it gives back, or "" where the row has it written out."""

    name: str
    arguments: tuple[str, ...]
    formula: str


class Writer:
    """Writes formulas over named numbers in one language.  Raises UsageError for what the language cannot say."""

    def __init__(self, target: Target, spelled: Callable[[Key], str], used: Vocabulary) -> None:
        self.target, self.spelled, self.used = target, spelled, used
        self.face = self.face_of()

    def face_of(self) -> Face:
        """How the language spells each kind of node."""

        def power(base: str, exponent: str) -> str:
            return self.used.noted(self.target.power(base, exponent, exponent.removeprefix("-").isdigit()))

        return replace(FACE, number=self.number, power=power, call=self.called)

    def write(self, tree: Tree) -> str:
        """The expression of a tree."""
        return write(self.lowered(tree), self.face, Script())

    def atom(self, tree: Tree) -> str:
        """The expression, in brackets unless it is a name."""
        text = self.write(tree)
        return text if re.fullmatch(r"[\w.]+(\([^()]*\)|\[[^\[\]]*\])*", text) else f"({text})"

    def number(self, text: str) -> str:
        """A number as it is typed."""
        return signed(Number(text), self.target)

    def lowered(self, tree: Tree) -> Tree:
        """The tree with identifiers for its leaves, and formulas for operations on lists and for one output of several."""
        key = key_of(tree)
        if key is not None:
            return Name(self.spelled(key))
        match tree:
            case Size() | Index():
                return Name(self.target.syntax.real.format(self.place(tree)))
            case Call(function, arguments, part):
                formula = OPS[function].formula if function in OPS else None
                if formula is not None and (part is not None or any(isinstance(argument, Listing) for argument in arguments)):
                    return self.lowered(formula(arguments, part or 0))
                if function in self.target.constants and _is_constant(tree):
                    return Call(CONSTANT + function, tuple(map(self.lowered, arguments)))
        return rebuild(tree, self.lowered)

    def place(self, tree: Tree) -> str:
        """A place or a size, in whole numbers."""
        syntax = self.target.syntax
        match tree:
            case Number(text):
                return str(int(text))
            case Size(name):
                self.used.sizes[name] = None
                return self.spelled(name)
            case Index(name):
                return self.spelled(f"letter {name}")
            case Sum(terms):
                text = self.place(terms[0])
                for term in terms[1:]:
                    below = isinstance(term, Negative)
                    body = term.body if isinstance(term, Negative) else term
                    inner = self.place(body)
                    text += (" - " if below else " + ") + (f"({inner})" if below and isinstance(body, Sum) else inner)
                return text
            case Negative(body):
                return f"-{self.bracketed(body)}"
            case Product(factors):
                return "*".join(map(self.bracketed, factors))
            case Quotient(top, bottom):
                return f"{self.bracketed(top)}{syntax.whole_part}{self.bracketed(bottom)}"
            case Indexed(base, at):
                key = key_of(base)
                assert key is not None
                return f"{self.spelled(key)}[{syntax.between.join(map(self.place, at))}]"
        raise TypeError(f"a {type(tree).__name__} is no place")

    def bracketed(self, tree: Tree) -> str:
        """A part of a place, in brackets unless it is one word."""
        text = self.place(tree)
        return text if isinstance(tree, Number | Size | Index | Indexed) else f"({text})"

    def called(self, function: str, arguments: tuple[str, ...], part: int | None) -> str:
        """An operation at its arguments, the row's own or a function of the file."""
        constant = function.removeprefix(CONSTANT)
        template = self.target.calls.get(function) if constant == function else self.target.constants[constant]
        if function in self.target.helpers or template is None:
            self.used.operations[function] = None
        if template is not None:
            return self.used.noted(template.format(*arguments))
        return f"{function}({', '.join(arguments)})"

    def helpers(self) -> list[Helper]:
        """The functions the file needs besides, those that others call first."""
        found: dict[str, Helper] = {}

        def visit(function: str) -> None:
            if function in found:
                return
            arguments = OPS[function].arguments
            if function in self.target.helpers:
                self.used.noted(" ".join(self.target.helpers[function]))
                found[function] = Helper(function, arguments, "")
                return
            formula = OPS[function].formula
            if formula is None:
                raise UsageError(f"--emit: {self.target.title} has no way to spell {function}")
            inner = Vocabulary()
            text = self.helper_formula(function, Writer(self.target, str, inner).write(formula(tuple(map(Name, arguments)), 0)))
            for other in inner.operations:
                visit(other)
            self.used.words |= inner.words
            found[function] = Helper(function, arguments, text)

        for function in tuple(self.used.operations):
            visit(function)
        return list(found.values())

    def helper_formula(self, function: str, formula: str) -> str:
        """What a function of the file gives back."""
        return formula


def signed(number: Number, target: Target) -> str:
    """A number as it is typed, its sign before it.  Raises UsageError for one that no float holds."""
    text = number.text.removeprefix("-")
    value = float(text)
    if math.isinf(value) or (value == 0 and number.value != 0):
        raise UsageError(f"--emit: {number.text} is outside the range of the numbers that code computes with")
    return ("-" if text != number.text else "") + target.number(text)


def _is_constant(tree: Tree) -> bool:
    """Whether a formula is made of numbers and sizes alone."""
    return all(isinstance(node, Number | Size | Call | Quotient | Product | Sum | Negative) for node in walk(tree))
