"""Pages on a terminal: headings and tables in colour, reasons dim, lines broken to its width, nothing interpreted as markup.

Owns `print_pages`.  May import: bidi, blocks, written, formats.text, formats.breaks, formats.ascii.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from derive.bidi import TURN, carried, width, without_marks
from derive.blocks import Equations, Figure, Heading, Matrix, Page, Prose, Table, Text
from derive.formats.ascii import ascii_spelling
from derive.formats.breaks import broken, broken_pair, wrapped
from derive.formats.text import (
    Spelling,
    chain_lines,
    line_of_words,
    matrix_lines,
    padded,
    picture_lines,
    spelling_of,
    table_cells,
)
from derive.written import Tree

if TYPE_CHECKING:
    from rich.console import Console

INDENT, GAP, REASON_INDENT = 2, 3, 8
"""Columns: of a formula, between it and its reason, and of a reason that stands below because the line is full."""

BETWEEN = 3
"""Columns between those of a table, one of them at each of its sides."""

NARROW = 36
"""Columns from which on left sides are waited for, and lines that go on stand deeper than the right side."""


SPELLINGS: dict[str, Callable[[Page], Spelling]] = {
    "text": spelling_of,
    "text-unmarked": lambda page: spelling_of(page, without_marks),
    "text-ascii": ascii_spelling,
}
"""How a page is set in each kind of text."""


def print_pages(pages: Iterable[Page], console: Console, style: str = "text") -> None:
    """Draw pages one below the other, in one of the kinds of text."""
    for page in pages:
        _Drawing(page, console, SPELLINGS[style](page)).draw()


class _Drawing:
    """One page on a console."""

    def __init__(self, page: Page, console: Console, spelling: Spelling) -> None:
        self.page, self.console, self.spelling, self.room = page, console, spelling, console.width

    def draw(self) -> None:
        """Draw every block."""
        for block in self.page.blocks:
            match block:
                case Figure():
                    drawn = picture_lines(block, self.page.script, self.spelling)
                    if not drawn or max(map(width, drawn)) > self.room:
                        continue
                    self.put(drawn)
                case Heading(level, text):
                    self.put(self.lines_of((text,)), "bold underline" if level == 1 else "bold cyan")
                case Prose(parts):
                    self.put(self.lines_of(parts))
                case Equations():
                    self.chain(block)
                case Table():
                    self.table(block)
                case Matrix():
                    self.put(matrix_lines(block, self.page.script, self.spelling, self.room))
            self.put([""])

    def lines_of(self, text: Text) -> list[str]:
        """Words over as many lines as it takes."""
        return carried(wrapped(line_of_words(text, self.page.script, self.spelling), self.room))

    def put(self, lines: Iterable[str], style: str = "", end: str = "\n") -> None:
        """Lines as they are: a line that is too long all the same is left whole."""
        from rich.text import Text as Styled

        for line in lines:
            self.console.print(Styled(self.spelling.letters(line), style=style), soft_wrap=True, end=end)

    def chain(self, block: Equations) -> None:
        """The lines of a chain, each with its reason beside it, or below where there is no room."""
        lines = chain_lines(block, self.page.script, self.spelling)
        if any(INDENT + width(line.formula) > self.room for line in lines):
            lines = chain_lines(block, self.page.script, self.spelling, margin=2 if self.room < NARROW else self.room // 3)
        start, deeper = min((line.start for line in lines if line.start), default=0), 0 if self.room < NARROW else 2
        column = max((width(line.formula) for line in lines if line.reason), default=0)
        for formula, shapes, reason, _ in lines:
            room, hanging = self.room - INDENT, start + deeper
            whole = broken_pair(formula, shapes, room, hanging) if shapes else broken(formula, room, hanging)
            drawn = [self.spelling.held(line) for line in whole]
            beside = len(drawn) == 1 and INDENT + column + GAP + width(reason) <= self.room
            if reason and beside:
                self.put([" " * INDENT + padded(drawn[0], column + GAP)], end="")
                self.put([reason], "dim")
                continue
            self.put([" " * INDENT + line for line in drawn])
            if reason:
                deep = min(REASON_INDENT, self.room // 5)
                self.put([" " * deep + line for line in carried(wrapped(reason, self.room - deep))], "dim")

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
        from rich.text import Text as Styled

        def words(cell: str, columns: int) -> Styled:
            return Styled(self.spelling.letters("\n".join(carried(wrapped(cell, columns)))))

        head, *rows = cells
        grid = Grid(show_edge=False, box=box.ASCII if self.spelling.letters("─") == "-" else box.HEAVY_HEAD)
        for cell, columns in zip(head, widths, strict=True):
            grid.add_column(words(cell, columns), width=columns)
        for row in rows:
            grid.add_row(*map(words, row, widths))
        self.console.print(Padding(grid, (0, 0, 0, INDENT), expand=False))

    def records(self, cells: Sequence[Sequence[str]], fixed: Sequence[bool]) -> None:
        """The rows of a table one by one, each cell behind the name of its column."""
        head, *rows = cells
        for place, row in enumerate(rows):
            self.put([""] * bool(place))
            for name, cell, whole in zip(head, row, fixed, strict=True):
                turn = TURN if self.spelling.right_to_left else ""
                said = turn + (f"{name}: {cell}" if name else cell).replace(TURN, "")
                self.put(" " * INDENT + line for line in carried((broken if whole else wrapped)(said, self.room - INDENT, INDENT)))
