"""What a page is made of: headings, paragraphs, chains of lines, tables.

Owns `Page` and its blocks.  May import: written, symbols.
"""

from __future__ import annotations

from dataclasses import dataclass

from derive.symbols import Script
from derive.written import Name, Tree


@dataclass(frozen=True)
class Boxed:
    """A final answer: a formula in a box."""

    tree: Tree


@dataclass(frozen=True)
class Blank:
    """Room to write something in, of the same width whatever belongs there."""


BLANK = Blank()

Shown = Tree | Boxed | Blank
"""What stands where a formula may."""

Part = str | Shown
Text = tuple[Part, ...]


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    text: str


@dataclass(frozen=True)
class Prose:
    """A paragraph: words and formulas in a row."""

    parts: Text


@dataclass(frozen=True)
class Row:
    """One line of a chain: the left side on the first row only, a relation, the right side, and why."""

    left: Tree | None
    relation: str
    right: Shown
    reason: Text = ()
    conditions: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Equations:
    """A chain of lines with one left side."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table; cells are words and formulas."""

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]


@dataclass(frozen=True)
class Matrix:
    """The Hessian of a quantity as a matrix of numbers; the labels name its rows, and its columns in the same order."""

    of: Name
    relation: str
    labels: tuple[Tree, ...]
    rows: tuple[tuple[Tree, ...], ...]


Block = Heading | Prose | Equations | Table | Matrix


@dataclass(frozen=True)
class Page:
    """What a reader meets, in order, and how each name on it is written."""

    title: str
    language: str
    script: Script
    blocks: tuple[Block, ...]
