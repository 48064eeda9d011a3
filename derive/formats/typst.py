"""A page as a Typst document.

Owns `render_typst`, `document` and `escape`.  How chains and tables are laid out stands in `prelude.typ`.  May import: blocks,
symbols, formats.typstmath, formats.rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from derive.blocks import Block, Equations, Heading, Matrix, Page, Prose, Row, Shown, Table, Text
from derive.formats.rows import rows_of_sum
from derive.formats.typstmath import RELATIONS, formula, inline, printable, quoted, roomy
from derive.symbols import Script

MARKUP = r"""[\\#$*_`<@\[\]~'"]|/(?=[/*])|-(?=[-?])|\.(?=\.)|(?<![^\W_])-(?=\w)"""
"""What is markup anywhere: commands, comments, dashes, dots, and the hyphen that would become a minus."""

OPENING = r"\A( *)([-+=/])|\A( *\d+)(\.)(?= |\Z)"
"""What makes a heading or a list of a line that begins with it."""

_INSIDE, _WHOLE = re.compile(f"()()()(){MARKUP}"), re.compile(f"{OPENING}|{MARKUP}")


def escape(text: str, opens: bool = True) -> str:
    r"""Text as Typst's markup prints it literally; `opens` says that a line may begin with it.

    >>> escape('50% of #read("/etc/passwd") // $x$')
    '50% of \\#read(\\"/etc/passwd\\") \\// \\$x\\$'
    >>> escape("1. = 2"), escape("1. = 2", opens=False)
    ('1\\. = 2', '1. = 2')
    """
    pattern = _WHOLE if opens else _INSIDE
    return pattern.sub(lambda found: f"{found[1] or found[3] or ''}\\{found[2] or found[4] or found[0]}", printable(text))


def words(text: Text, script: Script, show: Callable[[Shown, Script], str] = inline) -> str:
    """A sentence with its formulas; strings side by side are one, so that none gives another a meaning."""
    said, strings = "", ""
    for part in (*text, None):
        if isinstance(part, str):
            strings += part
            continue
        said += escape(strings, opens=not said.strip())
        strings = ""
        if part is not None:
            said += f"${show(part, script)}$"
    return said


def _reason(row: Row, script: Script) -> str:
    """Why a row holds, with the side conditions proved for it."""
    reason = words(row.reason, script)
    conditions = ", ".join(words(condition, script) for condition in row.conditions)
    return f"{reason} ({conditions})" if conditions else reason


def _chain(block: Equations, script: Script) -> Iterable[str]:
    """A row of the prelude's `chain` for each line: left side, relation and right side, reason."""
    yield "#chain("
    for row in block.rows:
        left = "[]" if row.left is None else f"${formula(row.left, script)}$"
        if not row.relation:
            yield f"  ([], {left}, []),"
            continue
        lines = rows_of_sum(row.right)
        for place, (sign, part) in enumerate(lines):
            start = f"quad {sign} med" if place else RELATIONS[row.relation]
            reason = _reason(row, script) if place == len(lines) - 1 else ""
            yield f"  ({'[]' if place else left}, ${start} {formula(part, script)}$, [{reason}]),"
    yield ")"


def _table(block: Table, script: Script) -> Iterable[str]:
    yield f"#sheet({len(block.head)},"
    yield "  " + " ".join(f"[{escape(cell)}]," for cell in block.head)
    for row in block.rows:
        yield "  " + " ".join(f"[{words(cell, script, roomy)}]," for cell in row)
    yield ")"


def _matrix(block: Matrix, script: Script) -> str:
    rows = "; ".join(", ".join(formula(cell, script) for cell in row) for row in block.rows)
    return f"#fitted($∇^2 {formula(block.of, script)} {RELATIONS[block.relation]} mat({rows})$)"


def _body(blocks: Iterable[Block], script: Script) -> Iterable[str]:
    for block in blocks:
        match block:
            case Heading(level, text):
                yield f"{'=' * level} {escape(text)}"
            case Prose(parts):
                said = words(parts, script)
                yield f"#lead[{said}]" if said.endswith(":") else said
            case Equations():
                yield from _chain(block, script)
            case Table():
                yield from _table(block, script)
            case Matrix():
                yield _matrix(block, script)
        yield ""


PRELUDE = (Path(__file__).parent / "prelude.typ").read_text(encoding="utf-8")


def render_typst(page: Page) -> str:
    """The page as a complete document."""
    return document((page,))


def document(pages: Sequence[Page]) -> str:
    """Several pages as one document, each begun on a new sheet and counted from 1."""
    first = pages[0]
    head = f"#set document(title: {quoted(first.title)})\n#set text(lang: {quoted(first.language)}, dir: {first.direction})\n\n"
    sheets = ("\n".join(_body(page.blocks, page.script)) for page in pages)
    return PRELUDE + head + "\n#new-sheet\n\n".join(sheets)
