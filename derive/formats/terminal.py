"""A page on a terminal, drawn by Rich: headings and tables in colour, reasons dim, nothing interpreted as markup.

Owns `print_page`.  May import: bidi, blocks, formats.text.
"""

from __future__ import annotations

from derive.bidi import setting_of, width, without_marks
from derive.blocks import Equations, Figure, Heading, Matrix, Page, Prose, Table
from derive.formats.text import equation_lines, line_of_words, matrix_lines, padded, picture_lines, table_cells

INDENT, GAP, REASON_INDENT = 2, 3, 8
"""Columns: of a formula, between it and its reason, and of a reason that stands below because the line is full."""


def print_page(page: Page, bidi_marks: bool = True) -> None:
    """Draw the page on standard output; without `bidi_marks` for a terminal that does not know them."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table as Grid
    from rich.text import Text

    def text(words: str, style: str = "") -> Text:
        return Text(words if bidi_marks else without_marks(words), style=style)

    console = Console(markup=False, emoji=False, highlight=False)
    setting = setting_of(page)
    for block in page.blocks:
        match block:
            case Heading(level, title):
                console.print(text(line_of_words((title,), page.script, setting), "bold underline" if level == 1 else "bold cyan"))
            case Prose(parts):
                console.print(text(line_of_words(parts, page.script, setting)))
            case Equations():
                lines = equation_lines(block, page.script, setting)
                column = max(width(line) for line, reason in lines if reason) if any(reason for _, reason in lines) else 0
                for line, reason in lines:
                    beside = INDENT + column + GAP + width(reason) <= console.width
                    shown = padded(line, column + GAP) if beside else line
                    console.print(text(" " * INDENT + shown), end="" if reason and beside else "\n")
                    if reason:
                        console.print(text(reason if beside else " " * REASON_INDENT + reason, "dim"))
            case Table():
                head, *rows = table_cells(block, page.script, setting)
                table = Grid(show_edge=False)
                for cell in head:
                    table.add_column(text(cell))
                for row in rows:
                    table.add_row(*map(text, row))
                console.print(Padding(table, (0, 0, 0, 2)))
            case Matrix():
                for line in matrix_lines(block, page.script, setting):
                    console.print(text(line))
            case Figure():
                drawn = picture_lines(block, page.script, setting)
                if not drawn or max(map(width, drawn)) > console.width:
                    continue
                for line in drawn:
                    console.print(text(line))
        console.print()
