"""A page as Markdown with GitHub's $$ formulas.

Owns `render_markdown` and `aligned`.  May import: bidi, blocks, symbols, formats.latex.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from derive.bidi import PLAIN, Run, Setting, isolated, numerals, runs, setting_of
from derive.blocks import Blank, Boxed, Equations, Figure, Heading, Matrix, Page, Part, Prose, Table, Text
from derive.formats.latex import RELATIONS, ZWNJ, as_formula, formula, inline, matrix, number, right_sides
from derive.formats.latex import words as tex_words
from derive.formats.text import picture_lines
from derive.symbols import Script

BLANK_WIDTH = 16


def escape(text: str) -> str:
    r"""Text as Markdown prints it literally.

    >>> escape("a_b <script>")
    'a\\_b &lt;script&gt;'
    """
    safe = "".join(character for character in text if character.isprintable() or character == ZWNJ)
    safe = safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]{}|$#~!])", r"\\\1", safe)


def words(text: Text, script: Script, setting: Setting = PLAIN) -> str:
    """A sentence with its formulas, `$`…`$` so that no underscore in them is taken for emphasis.

    From right to left, formulas with only signs between them are one, and what else reads from left to right is isolated.
    """
    if not setting.right_to_left:
        return "".join(_part(part, script, setting) for part in text)
    return "".join(_run(run, script, setting) for run in runs(text))


def _run(run: Run, script: Script, setting: Setting) -> str:
    said = "".join(_part(part, script, setting) for part in run.parts)
    if not run.left or run.formula is not None:
        return said
    signs = all(isinstance(part, str) or not isinstance(part, Boxed | Blank) for part in run.parts)
    whole = as_formula(run.parts, script, setting) if signs and any(not isinstance(part, str) for part in run.parts) else None
    return isolated(said) if whole is None else f"$`{whole}`$"


def _part(part: Part, script: Script, setting: Setting) -> str:
    """A final answer among words is bold."""
    if isinstance(part, Blank):
        return "\\_" * BLANK_WIDTH
    if isinstance(part, Boxed):
        return f"**$`{inline(part.tree, script, setting)}`$**"
    return escape(numerals(part, setting.digits)) if isinstance(part, str) else f"$`{inline(part, script, setting)}`$"


def aligned(block: Equations, script: Script, setting: Setting = PLAIN) -> str:
    """A chain of lines as one formula, the reasons in a column of their own: from right to left their numbers, see `reasons`."""
    lines = []
    told = 0
    for row in block.rows:
        left = "" if row.left is None else formula(row.left, script, setting)
        if not row.relation:
            lines.append(f"& {left}")
            continue
        why = ""
        if row.reason:
            told += 1
            why = number(str(told), setting) if setting.right_to_left else tex_words(row.reason, script, setting)
            why = f" && ({why})" if setting.right_to_left else rf" && \text{{{why}}}"
        first, *more = right_sides(row.right, script, setting)
        lines.append(f"{left} & {RELATIONS[row.relation]} {first}" + ("" if more else why))
        lines += [rf"& \qquad {rest}" + (why if rest is more[-1] else "") for rest in more]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def reasons(block: Equations, script: Script, setting: Setting) -> Iterable[str]:
    """The reasons of a chain as a list: a formula sets every part of a text from left to right, so words cannot stand in it."""
    told = [row.reason for row in block.rows if row.relation and row.reason]
    for place, reason in enumerate(told, start=1):
        yield f"- $`({number(str(place), setting)})`$ {words(reason, script, setting)}"


def _lines(page: Page) -> Iterable[str]:
    script, setting = page.script, setting_of(page)
    for block in page.blocks:
        match block:
            case Heading(level, text):
                yield from ("#" * level + " " + words((text,), script, setting), "")
            case Prose(parts):
                yield from (words(parts, script, setting), "")
            case Equations():
                yield from ("$$", aligned(block, script, setting), "$$", "")
                if setting.right_to_left and (why := list(reasons(block, script, setting))):
                    yield from (*why, "")
            case Table():
                yield "| " + " | ".join(words((name,), script, setting) for name in block.head) + " |"
                yield "|" + " --- |" * len(block.head)
                yield from ("| " + " | ".join(words(cell, script, setting) for cell in row) + " |" for row in block.rows)
                yield ""
            case Matrix():
                yield from ("$$", matrix(block, script, setting), "$$", "")
            case Figure():
                if lines := picture_lines(block, script):
                    fenced = ("```text", *lines, "```", "")
                    yield from ('<div dir="ltr">', "", *fenced, "</div>", "") if setting.right_to_left else fenced


def render_markdown(page: Page) -> str:
    """The page as Markdown; from right to left in an element that says so."""
    body = "\n".join(_lines(page)).rstrip("\n") + "\n"
    return f'<div dir="rtl">\n\n{body}\n</div>\n' if page.direction == "rtl" else body
