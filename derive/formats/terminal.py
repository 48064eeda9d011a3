"""Pages on a terminal: headings and tables in colour, reasons dim, lines broken to its width, nothing interpreted as markup.

Owns `print_pages`.  May import: pages, formats.text, formats.breaks, formats.ascii.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from derive.blocks import Equations, Heading, Matrix, Page, Prose, Table
from derive.formats.ascii import ASCII, in_ascii, transliterated
from derive.formats.breaks import broken, broken_pair, wrapped
from derive.formats.text import UNICODE, chain_lines, matrix_lines, padded, table_cells, width, words
from derive.written import Tree

if TYPE_CHECKING:
    from rich.console import Console

INDENT, GAP, REASON_INDENT = 2, 3, 8
"""Columns: of a formula, between it and its reason, and of a reason that stands below because the line is full."""

BETWEEN = 3
"""Columns between those of a table, one of them at each of its sides."""

NARROW = 36
"""Columns from which on left sides are waited for, and lines that go on stand deeper than the right side."""


def print_pages(pages: Iterable[Page], console: Console, ascii_only: bool = False) -> None:
    """Draw pages one below the other."""
    for page in pages:
        _Drawing(in_ascii(page) if ascii_only else page, console, ascii_only).draw()


class _Drawing:
    """One page on a console."""

    def __init__(self, page: Page, console: Console, ascii_only: bool) -> None:
        self.page, self.console, self.room = page, console, console.width
        self.ascii_only, self.spelling = ascii_only, ASCII if ascii_only else UNICODE

    def draw(self) -> None:
        """Draw every block."""
        script = self.page.script
        for block in self.page.blocks:
            match block:
                case Heading(level, text):
                    self.put(wrapped(text, self.room), "bold underline" if level == 1 else "bold cyan")
                case Prose(parts):
                    self.put(wrapped(words(parts, script, self.spelling), self.room))
                case Equations():
                    self.chain(block)
                case Table():
                    self.table(block)
                case Matrix():
                    self.put(matrix_lines(block, script, self.spelling, self.room))
            self.put([""])

    def put(self, lines: Iterable[str], style: str = "", end: str = "\n") -> None:
        """Lines as they are: a line that is too long all the same is left whole."""
        from rich.text import Text

        for line in lines:
            self.console.print(Text(transliterated(line) if self.ascii_only else line, style=style), soft_wrap=True, end=end)

    def chain(self, block: Equations) -> None:
        """The lines of a chain, each with its reason beside it, or below where there is no room."""
        lines = chain_lines(block, self.page.script, self.spelling)
        if any(INDENT + width(line.formula) > self.room for line in lines):
            lines = chain_lines(block, self.page.script, self.spelling, margin=2 if self.room < NARROW else self.room // 3)
        start, deeper = min((line.start for line in lines if line.start), default=0), 0 if self.room < NARROW else 2
        column = max((width(line.formula) for line in lines if line.reason), default=0)
        for formula, shapes, reason, _ in lines:
            room, hanging = self.room - INDENT, start + deeper
            drawn = broken_pair(formula, shapes, room, hanging) if shapes else broken(formula, room, hanging)
            beside = len(drawn) == 1 and INDENT + column + GAP + width(reason) <= self.room
            if reason and beside:
                self.put([" " * INDENT + padded(drawn[0], column + GAP)], end="")
                self.put([reason], "dim")
                continue
            self.put([" " * INDENT + line for line in drawn])
            if reason:
                deep = min(REASON_INDENT, self.room // 5)
                self.put([" " * deep + line for line in wrapped(reason, self.room - deep)], "dim")

    def table(self, block: Table) -> None:
        """A table; where its formulas would have to be broken, each row as a list of what stands in it."""
        cells = table_cells(block, self.page.script, self.spelling)
        columns = list(zip(*cells, strict=True))
        fixed = [all(len(row[k]) == 1 and isinstance(row[k][0], Tree) for row in block.rows) for k in range(len(columns))]
        widths = [max(map(width, column)) for column in columns]
        least = [
            most if whole else max(width(word) for cell in column for word in cell.split(" "))
            for column, whole, most in zip(columns, fixed, widths, strict=True)
        ]
        room = self.room - INDENT - BETWEEN * len(columns) + 1
        if sum(least) > room:
            self.records(cells, fixed)
            return
        while sum(widths) > room:
            spare = [most - low for most, low in zip(widths, least, strict=True)]
            widest = max(range(len(widths)), key=lambda k: (spare[k] > 0, widths[k]))
            widths[widest] -= 1
        self.grid(cells, widths)

    def grid(self, cells: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
        """A table with columns of these widths."""
        from rich import box
        from rich.padding import Padding
        from rich.table import Table as Grid
        from rich.text import Text

        head, *rows = cells
        grid = Grid(show_edge=False, box=box.ASCII if self.ascii_only else box.HEAVY_HEAD)
        for cell, columns in zip(head, widths, strict=True):
            grid.add_column(Text(cell), width=columns)
        for row in rows:
            grid.add_row(*map(Text, row))
        self.console.print(Padding(grid, (0, 0, 0, INDENT), expand=False))

    def records(self, cells: Sequence[Sequence[str]], fixed: Sequence[bool]) -> None:
        """The rows of a table one by one, each cell behind the name of its column."""
        head, *rows = cells
        for place, row in enumerate(rows):
            self.put([""] * bool(place))
            for name, cell, whole in zip(head, row, fixed, strict=True):
                lines = (broken if whole else wrapped)(f"{name}: {cell}" if name else cell, self.room - INDENT, INDENT)
                self.put(" " * INDENT + line for line in lines)
