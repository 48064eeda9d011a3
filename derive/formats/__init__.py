"""How it looks: one module for each output.  To add an output, add a file here and a row to `FORMATS`.

Owns `FORMATS`, `BANKS`, `render`, `render_bank`, `draw_page`, `draw_pages` and `finished`.  Each format is imported when it is
used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from derive.errors import UsageError

if TYPE_CHECKING:
    from derive.blocks import Page
    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.exercises.classes import Class, Summary
    from derive.exercises.verdicts import Audit
    from derive.quizpages import Quiz
    from derive.rounding import Rounding
    from derive.tensors.work import ArrayDerivation

FORMATS: dict[str, tuple[str, str]] = {
    "text": ("text", "render_text"),
    "text-unmarked": ("text", "render_unmarked"),
    "text-ascii": ("ascii", "render_ascii"),
    "latex": ("latex", "render_latex"),
    "latex-fragment": ("latex", "render_fragment"),
    "markdown": ("markdown", "render_markdown"),
    "html": ("html", "render_html"),
    "svg": ("svg", "render_svg"),
    "typst": ("typst", "render_typst"),
}
"""Formats drawn from a page: module and function.  Text may be in ASCII only, or without the invisible marks that hold numbers and
formulas together among words from right to left."""

DATA: dict[str, dict[str, tuple[str, str]]] = {
    "json": {
        "Derivation": ("json", "render_json"),
        "ArrayDerivation": ("arrayjson", "render_arrays"),
        "ModelDerivation": ("modeljson", "render_model"),
        "Proof": ("json", "render_json"),
        "Audit": ("auditjson", "render_audit"),
        "Class": ("auditjson", "render_class"),
    },
    "csv": {"Class": ("gradebook", "render_gradebook")},
}
"""Formats drawn from the work itself, its digits being data: module and function for each kind of work."""


BANKS: dict[str, tuple[str, str]] = {
    "moodle": ("moodle", "render_moodle"),
    "stack": ("stack", "render_stack"),
    "rexams": ("rexams", "render_rexams"),
    "csv": ("itemtable", "render_table"),
}
"""Formats of questions that a machine marks: module and function, which takes the quizzes of one or many papers."""

FORMULAS = ("stack",)
"""Of these, the formats that can tell whether two formulas are equal."""

APART = ("rexams",)
"""Of these, the formats in which each paper is a file of its own."""

def render_bank(quizzes: Sequence[Quiz[Any]], style: str) -> str:
    """The questions of some papers in a format of `BANKS`.  Raises UsageError for formulas in a format that takes numbers only."""
    module, function = BANKS[style]
    if style not in FORMULAS and any(quiz.in_symbols for quiz in quizzes):
        raise UsageError(f"--format {style} asks for numbers, and this problem has none; --format stack asks for formulas")
    write: Callable[[Sequence[Quiz[Any]]], str] = getattr(import_module(f"derive.formats.{module}"), function)
    return write(quizzes)


def render(
    work: Derivation | ArrayDerivation | Proof | Audit | Class | Summary,
    style: str = "text",
    language: str = "en",
    rounding: Rounding | None = None,
    level: str = "full",
    digits: str = "latin",
) -> str:
    """A derivation, proof, audit or class in one format: any of `FORMATS` (svg is its first picture) or json; a class as csv too.

    `rounding` says how many digits an audit shows of what was expected; a derivation has its own.  `level` says how much of a page
    is shown: brief, steps or full.  `digits` is the script of its numbers, latin or persian; data keep theirs.

    >>> import derive
    >>> render(derive.derive(derive.find("q2")), "markdown").splitlines()[0]
    '# Question 2'
    """
    if style in DATA:
        kind = type(work).__name__
        if kind not in DATA[style]:
            raise UsageError(f"--format {style} does not go with this")
        module, function = DATA[style][kind]
        write: Callable[..., str] = getattr(import_module(f"derive.formats.{module}"), function)
        if rounding is None and kind in ("Audit", "Class"):
            from derive.rounding import Rounding

            rounding = Rounding(digits=17)
        return write(work, rounding) if style == "json" and kind in ("Audit", "Class") else write(work)
    from derive.pages import page_of

    return draw_page(page_of(work, language, rounding, level, digits), style)


TOGETHER: dict[str, tuple[str, str]] = {"html": ("html", "document"), "typst": ("typst", "document")}
"""Formats in which several pages are one document, not one text after the other: module and function."""


def draw_pages(pages: Sequence[Page], style: str) -> str:
    """Several pages in a format of `FORMATS`, as one text."""
    if style == "svg" and len(pages) > 1:
        raise UsageError("--format svg is one picture: add --paper-only or --key-only")
    if style not in TOGETHER:
        return "\n".join(draw_page(page, style) for page in pages)
    module, function = TOGETHER[style]
    draw: Callable[[Sequence[Page]], str] = getattr(import_module(f"derive.formats.{module}"), function)
    return draw(pages)


def draw_page(page: Page, style: str) -> str:
    """One page in a format of `FORMATS`."""
    module, function = FORMATS[style]
    draw: Callable[[Page], str] = getattr(import_module(f"derive.formats.{module}"), function)
    return draw(page)


COMPILERS: dict[str, tuple[str, str]] = {"pdf": ("pdf", "compile_pdf")}
"""What makes the bytes of a format that is compiled: module and function."""


def finished(text: str, style: str) -> str | bytes:
    """What a format makes of its text: itself, or the bytes compiled from it."""
    if style not in COMPILERS:
        return text
    module, function = COMPILERS[style]
    compiling: Callable[[str], bytes] = getattr(import_module(f"derive.formats.{module}"), function)
    return compiling(text)
