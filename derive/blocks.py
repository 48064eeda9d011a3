"""What a page is made of: headings, paragraphs, chains of lines, tables, pictures.

Owns `Page`, its blocks, and `LEVELS`, how much of a page is shown.  May import: written, symbols, pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from derive.pictures import Picture
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
    """One line of a chain: the left side on the first row only, a relation, the right side, and why.

    `depth` says for whom the line is: 0 for everybody, the result; 1 with the chain rule; 2 for who wants every line.  A line with
    numbers in place is `numeric`.
    """

    left: Tree | None
    relation: str
    right: Shown
    reason: Text = ()
    depth: int = 0
    numeric: bool = False


@dataclass(frozen=True)
class Equations:
    """A chain of lines with one left side."""

    rows: tuple[Row, ...]

    def to_depth(self, depth: int) -> Equations:
        """The rows no deeper than this, true as they then stand: a rounding between two of them stays an ≈, a left side moves on.

        A reason speaks of the line before; where results stand alone it is left out with that line.
        """
        kept: list[Row] = []
        left: Tree | None = None
        rounded = skipped = False
        for row in self.rows:
            left, rounded = row.left or left, row.relation == "≈" or (rounded and row.left is None)
            if row.depth > depth:
                skipped = True
                continue
            reason = () if skipped and not depth else row.reason
            kept.append(replace(row, left=left, relation="≈" if rounded else row.relation, reason=reason))
            left, rounded, skipped = None, False, False
        return Equations(tuple(kept))


@dataclass(frozen=True)
class Table:
    """A table; cells are words and formulas.  `marks` say what each row is, for formats with colours: the verdict on a line."""

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matrix:
    """The Hessian of a quantity as a matrix of numbers; the labels name its rows, and its columns in the same order."""

    of: Name
    relation: str
    labels: tuple[Tree, ...]
    rows: tuple[tuple[Tree, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture, and what stands under it."""

    picture: Picture
    caption: Text = ()


Block = Heading | Prose | Equations | Table | Matrix | Figure


@dataclass(frozen=True)
class Page:
    """What a reader meets, in order, and how each name on it is written.

    `digits` is the script of its numbers, latin or persian: of values and exponents, not of the marks of names; `level` the deepest
    one of `LEVELS` that it has.
    """

    title: str
    language: str
    script: Script
    blocks: tuple[Block, ...]
    digits: str = "latin"
    level: str = "full"

    @property
    def direction(self) -> str:
        """The way its words run: rtl or ltr."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def at_level(self, level: str) -> Page:
        """The page with only the lines of a level of `LEVELS`."""
        deep = LEVELS[level]
        cut = (block.to_depth(deep) if isinstance(block, Equations) else block for block in self.blocks)
        return replace(self, blocks=tuple(cut), level=level)


RIGHT_TO_LEFT = frozenset({"fa"})

LEVELS = {"brief": 0, "steps": 1, "full": 2}
"""How deep the lines of each level are."""
