"""A page on a terminal, drawn by Rich: headings and tables in colour, reasons dim, nothing interpreted as markup.

Owns `print_page`.  May import: pages, formats.text.
"""

from __future__ import annotations

from derive.blocks import Equations, Heading, Matrix, Page, Prose, Table
from derive.formats.text import equation_lines, matrix_lines, padded, table_cells, width, words

INDENT, GAP, REASON_INDENT = 2, 3, 8
"""Columns: of a formula, between it and its reason, and of a reason that stands below because the line is full."""


def print_page(page: Page) -> None:
    """Draw the page on standard output."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table as Grid
    from rich.text import Text

    console = Console(markup=False, emoji=False, highlight=False)
    for block in page.blocks:
        match block:
            case Heading(level, text):
                console.print(Text(text, style="bold underline" if level == 1 else "bold cyan"))
            case Prose(parts):
                console.print(Text(words(parts, page.script)))
            case Equations():
                lines = equation_lines(block, page.script)
                column = max(width(line) for line, reason in lines if reason) if any(reason for _, reason in lines) else 0
                for line, reason in lines:
                    beside = INDENT + column + GAP + len(reason) <= console.width
                    shown = padded(line, column + GAP) if beside else line
                    console.print(Text(" " * INDENT + shown), end="" if reason and beside else "\n")
                    if reason:
                        console.print(Text(reason if beside else " " * REASON_INDENT + reason, style="dim"))
            case Table():
                head, *rows = table_cells(block, page.script)
                table = Grid(show_edge=False)
                for cell in head:
                    table.add_column(Text(cell))
                for row in rows:
                    table.add_row(*map(Text, row))
                console.print(Padding(table, (0, 0, 0, 2)))
            case Matrix():
                for line in matrix_lines(block, page.script):
                    console.print(Text(line))
        console.print()
