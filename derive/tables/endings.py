"""The formats of files, by how their names end.

Owns `ENDINGS`, `BANKS`, `COMPILED` and `CODE`.  A row makes a choice of `--format`, and what `-o` takes for a file of that ending.
Imports nothing of ours.
"""

from __future__ import annotations

from os.path import basename

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

ENDINGS = {
    "txt": "text",
    "tex": "latex",
    "md": "markdown",
    "html": "html",
    "svg": "svg",
    "typ": "typst",
    "pdf": "pdf",
    "json": "json",
    "csv": "csv",
}
"""The format a file is written in, by its ending."""

BANKS = {"xml": "moodle", "stack.xml": "stack", "Rmd": "rexams", "csv": "csv"}
"""The formats of questions that a machine marks, by the ending of the file."""

COMPILED = {"pdf": "typst"}
"""Formats that are bytes and go into a file only, and the format of the text each is made from."""


CODE = {"numpy": "py", "torch": "py", "c": "c"}
"""The languages of `--emit`, and how a file in each ends."""


def format_of(path: str | None, formats: Collection[str], usual: str = "text") -> str:
    """The format, among these, of a file with this name; the usual one where the name does not say.

    >>> format_of("out/q1.TEX", ("text", "latex")), format_of("q1.tex", ("text",)), format_of("tex", ("latex",))
    ('latex', 'text', 'text')
    >>> format_of("q1.xml", ("moodle", "stack")), format_of("q1.stack.xml", ("moodle", "stack"))
    ('moodle', 'stack')
    """
    name = basename(path or "").lower()
    ends = [ending for ending in (*ENDINGS, *BANKS) if name[1:].endswith(f".{ending.lower()}")]
    found = (ENDINGS | BANKS)[max(ends, key=len)] if ends else usual
    return found if found in formats else usual


def ending_of(style: str) -> str:
    """How a file in this format ends, or in a kind of it.

    >>> ending_of("markdown"), ending_of("text-ascii")
    ('md', 'txt')
    """
    return next(ending for ending, its in (ENDINGS | BANKS).items() if its == style.partition("-")[0])


def source_of(style: str) -> str:
    """The format of the text that this one is made from, which is mostly itself.

    >>> source_of("pdf"), source_of("latex")
    ('typst', 'latex')
    """
    return COMPILED.get(style, style)
