"""A page on a terminal, drawn by Rich: headings and tables in colour, reasons dim, nothing interpreted as markup.

Owns `print_page`.  May import: pages, formats.text.
"""

from __future__ import annotations

from derive.blocks import Equations, Heading, Page, Prose, Table
from derive.formats.text import equation_lines, table_cells, words


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
                grid = Grid.grid(padding=(0, 3))
                grid.add_column(no_wrap=False)
                grid.add_column(style="dim")
                for line, reason in equation_lines(block, page.script):
                    grid.add_row(Text(line), Text(reason))
                console.print(Padding(grid, (0, 0, 0, 2)))
            case Table():
                head, *rows = table_cells(block, page.script)
                table = Grid(show_edge=False)
                for cell in head:
                    table.add_column(Text(cell))
                for row in rows:
                    table.add_row(*map(Text, row))
                console.print(Padding(table, (0, 0, 0, 2)))
        console.print()
