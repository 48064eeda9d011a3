"""A tree as an expression of a programming language.

Owns `Writer`.  Brackets are placed as in every other format.  May import: errors, written, arithmetic, tables.ops, tables.targets,
formats.mathematics, formats.plain, emission.spellings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

from derive.arithmetic import Key, key_of
from derive.errors import UsageError
from derive.formats.mathematics import Face, write
from derive.formats.plain import FACE
from derive.symbols import Script
from derive.tables.ops import OPS
from derive.tables.targets import Target
from derive.written import Call, Index, Listing, Name, Number, Product, Quotient, Size, Tree, rebuild, walk

CONSTANT = "constant "
"""What stands before the name of an operation on numbers alone."""


class Writer:
    """Writes trees in one language; `used` gathers the operations that the file needs a function of its own for, and `words` every
    name of the language that was written.

    Raises UsageError for what the language cannot say.
    """

    def __init__(self, target: Target, spelled: Callable[[Key], str]) -> None:
        self.target, self.spelled = target, spelled
        self.used: dict[str, None] = {}
        self.words: set[str] = set()
        self.face = self.face_of()

    def face_of(self) -> Face:
        """How the language spells each kind of node."""
        return replace(
            FACE,
            number=self.number,
            power=lambda base, exponent: self.noted(self.target.power(base, exponent, exponent.removeprefix("-").isdigit())),
            call=self.called,
            matrix_product=" @ ",
        )

    def write(self, tree: Tree) -> str:
        """The expression of a tree."""
        return write(self.lowered(tree), self.face, Script())

    def number(self, text: str) -> str:
        """A number that a float can hold."""
        value = float(text)
        if math.isinf(value) or (value == 0 and Number(text).value != 0):
            raise UsageError(f"--emit: {text} is outside the range of the numbers that code computes with")
        return self.target.number(text)

    def signed(self, number: Number) -> str:
        """A number as it is typed, its sign before it."""
        text = number.text.removeprefix("-")
        return ("-" if text != number.text else "") + self.number(text)

    def lowered(self, tree: Tree) -> Tree:
        """The tree with identifiers for its leaves, and formulas for operations on lists and for one output of several."""
        key = key_of(tree)
        if key is not None:
            return Name(self.spelled(key))
        match tree:
            case Size(name):
                return Name(self.spelled(name))
            case Index(name):
                return Name(name)
            case Call(function, arguments, part):
                formula = OPS[function].formula if function in OPS else None
                if formula is not None and (part is not None or any(isinstance(argument, Listing) for argument in arguments)):
                    return self.lowered(formula(arguments, part or 0))
                numbers = Number | Call | Quotient | Product
                if function in self.target.constants and all(isinstance(node, numbers) for node in walk(tree)):
                    return Call(CONSTANT + function, tuple(map(self.lowered, arguments)))
        return rebuild(tree, self.lowered)

    def called(self, function: str, arguments: tuple[str, ...], part: int | None) -> str:
        """An operation at its arguments, the row's own or a function of the file."""
        constant = function.removeprefix(CONSTANT)
        template = self.target.calls.get(function) if constant == function else self.target.constants[constant]
        if template is not None:
            return self.noted(template.format(*arguments))
        self.used[function] = None
        return f"{function}({', '.join(arguments)})"

    def noted(self, text: str) -> str:
        """The text, its words remembered."""
        self.words.update(re.findall(r"[A-Za-z_]\w*", text))
        return text

    def helpers(self) -> list[tuple[str, tuple[str, ...], str]]:
        """The functions the file needs besides, those that others call first: name, arguments, and the formula they give back or ""
        where the row has it written out.
        """
        found: dict[str, tuple[str, tuple[str, ...], str]] = {}

        def visit(function: str) -> None:
            if function in found:
                return
            arguments = OPS[function].arguments
            if function in self.target.helpers:
                self.noted(" ".join(self.target.helpers[function]))
                found[function] = (function, arguments, "")
                return
            formula = OPS[function].formula
            if formula is None:
                raise UsageError(f"--emit: {self.target.title} has no way to spell {function}")
            inner = Writer(self.target, str)
            text = inner.write(formula(tuple(map(Name, arguments)), 0))
            for other in inner.used:
                visit(other)
            self.words |= inner.words
            found[function] = (function, arguments, text)

        for function in tuple(self.used):
            visit(function)
        return list(found.values())
