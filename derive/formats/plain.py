"""Formulas as they are typed: what `derive` prints here, its reader reads back.

Owns `typed` and `typed_words`.  May import: symbols, written, blocks, formats.mathematics.
"""

from __future__ import annotations

import re

from derive.blocks import Blank, Boxed, Text
from derive.formats.mathematics import Face, write
from derive.symbols import Script
from derive.tensors.shapes import REDUCING
from derive.written import Tree


def _power(base: str, exponent: str) -> str:
    return f"{base}^{exponent}" if re.fullmatch(r"\w+|\d+\.\d+", exponent, re.ASCII) else f"{base}^({exponent})"


def _call(function: str, arguments: tuple[str, ...], part: int | None) -> str:
    kept = arguments[:2] if function in REDUCING else arguments  # that an axis is kept is said by the shape of the goal
    call = f"{function}({', '.join(kept)})"
    return call if part is None else f"{call}[{part + 1}]"


def _over(operation: str, letters: tuple[str, ...], body: str, sizes: tuple[str, ...]) -> str:
    """The letters with how far they run, so that it is read back alone."""
    runs = ", ".join(f"{letter} < {size}" for letter, size in zip(letters, sizes, strict=True))
    return f"{operation}({runs}, {body})"


FACE = Face(
    number=lambda text: text,
    name=lambda symbol, name: name,
    minus=" - ",
    dot="*",
    near="*",
    touch="*",
    brackets=lambda text: f"({text})",
    power=_power,
    partial=lambda of, wrt, direct: f"partial({of}, {wrt})" if direct else f"d{of}/d{wrt}",
    slanted=lambda of, wrt: f"d{of}/d{wrt}",
    second=lambda of, first, then, square: f"d2{of}/d{first}d{then}",
    signal=None,
    later=lambda body, updates: f"{body}@{updates}",
    call=_call,
    listing=lambda items: f"[{', '.join(items)}]",
    elementwise="*",
    matrix_product=" @ ",
    bracket_product=" @ ",
    transpose=lambda body: f"{body}.T",
    relations={"=": "=", ">=": ">=", "<=": "<=", ">": ">", "<": "<", "iff": "<=>"},
    indexed=lambda name, places: f"{name}[{', '.join(places)}]",
    over=_over,
    delta=lambda left, right: f"delta({left}, {right})",
    within=lambda place, size: f"within({place}, {size})",
    einsum=lambda subscripts, operands: f'einsum("{subscripts}", {", ".join(operands)})',
    rows=lambda rows: f"[{', '.join('[' + ', '.join(row) + ']' for row in rows)}]",
)

_SCRIPT = Script()


def typed(tree: Tree) -> str:
    """The typed form of a tree.

    >>> from derive.reader import read_formula
    >>> typed(read_formula("1/2*(a - b)^2"))
    '1/2*(a - b)^2'
    """
    return write(tree, FACE, _SCRIPT)


def typed_words(text: Text) -> str:
    """A sentence with its formulas typed; room to write in is left out."""
    parts = (part.tree if isinstance(part, Boxed) else part for part in text if not isinstance(part, Blank))
    return "".join(part if isinstance(part, str) else typed(part) for part in parts)
