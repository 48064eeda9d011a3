"""A page as Markdown with GitHub's $$ formulas.

Owns `render_markdown` and `aligned`.  May import: pages, symbols, formats.latex.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from derive.blocks import Blank, Boxed, Equations, Heading, Matrix, Page, Part, Prose, Table, Text
from derive.formats.latex import RELATIONS, formula, inline, matrix, reason_of, right_sides
from derive.symbols import Script

BLANK_WIDTH = 16


def escape(text: str) -> str:
    r"""Text as Markdown prints it literally.

    >>> escape("a_b <script>")
    'a\\_b &lt;script&gt;'
    """
    safe = "".join(character for character in text if character.isprintable())
    safe = safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]{}|$#~!])", r"\\\1", safe)


def words(text: Text, script: Script) -> str:
    """A sentence with its formulas, `$`…`$` so that no underscore in them is taken for emphasis."""
    return "".join(_part(part, script) for part in text)


def _part(part: Part, script: Script) -> str:
    """A final answer among words is bold."""
    if isinstance(part, Blank):
        return "\\_" * BLANK_WIDTH
    if isinstance(part, Boxed):
        return f"**$`{inline(part.tree, script)}`$**"
    return escape(part) if isinstance(part, str) else f"$`{inline(part, script)}`$"


def aligned(block: Equations, script: Script) -> str:
    """A chain of lines as one formula, the reasons in a column of their own."""
    lines = []
    for row in block.rows:
        left = "" if row.left is None else formula(row.left, script)
        if not row.relation:
            lines.append(f"& {left}")
            continue
        reason = reason_of(row, script)
        first, *more = right_sides(row.right, script)
        lines.append(f"{left} & {RELATIONS[row.relation]} {first}" + (rf" && \text{{{reason}}}" if reason and not more else ""))
        lines += [rf"& \qquad {rest}" + (rf" && \text{{{reason}}}" if reason and rest is more[-1] else "") for rest in more]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _lines(page: Page) -> Iterable[str]:
    for block in page.blocks:
        match block:
            case Heading(level, text):
                yield from ("#" * level + " " + escape(text), "")
            case Prose(parts):
                yield from (words(parts, page.script), "")
            case Equations():
                yield from ("$$", aligned(block, page.script), "$$", "")
            case Table():
                yield "| " + " | ".join(map(escape, block.head)) + " |"
                yield "|" + " --- |" * len(block.head)
                yield from ("| " + " | ".join(words(cell, page.script) for cell in row) + " |" for row in block.rows)
                yield ""
            case Matrix():
                yield from ("$$", matrix(block, page.script), "$$", "")


def render_markdown(page: Page) -> str:
    """The page as Markdown."""
    return "\n".join(_lines(page)).rstrip("\n") + "\n"
