"""How it looks: one module for each output.  To add an output, add a file here and a row to `FORMATS`.

Owns `FORMATS`, `render` and `draw_page`.  Each format is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from derive.errors import UsageError

if TYPE_CHECKING:
    from derive.blocks import Page
    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.exercises.classes import Class
    from derive.exercises.verdicts import Audit
    from derive.rounding import Rounding
    from derive.tensors.work import ArrayDerivation

FORMATS: dict[str, tuple[str, str]] = {
    "text": ("text", "render_text"),
    "text-ascii": ("ascii", "render_ascii"),
    "latex": ("latex", "render_latex"),
    "latex-fragment": ("latex", "render_fragment"),
    "markdown": ("markdown", "render_markdown"),
}
"""Formats drawn from a page: module and function."""

DATA: dict[str, dict[str, tuple[str, str]]] = {
    "json": {
        "Derivation": ("json", "render_json"),
        "ArrayDerivation": ("arrayjson", "render_arrays"),
        "Proof": ("json", "render_json"),
        "Audit": ("auditjson", "render_audit"),
        "Class": ("auditjson", "render_class"),
    },
    "csv": {"Class": ("gradebook", "render_gradebook")},
}
"""Formats drawn from the work itself, its digits being data: module and function for each kind of work."""


def render(
    work: Derivation | ArrayDerivation | Proof | Audit | Class,
    style: str = "text",
    language: str = "en",
    rounding: Rounding | None = None,
) -> str:
    """A derivation, proof, audit or class in one format: text, latex, latex-fragment, markdown or json; a class as csv too.

    `rounding` says how many digits an audit shows of what was expected; a derivation has its own.

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
        return write(work, rounding) if style == "json" and kind in ("Audit", "Class") else write(work)
    from derive.pages import page_of

    return draw_page(page_of(work, language, rounding), style)


def draw_page(page: Page, style: str) -> str:
    """One page in a format of `FORMATS`."""
    module, function = FORMATS[style]
    draw: Callable[[Page], str] = getattr(import_module(f"derive.formats.{module}"), function)
    return draw(page)
