"""How it looks: one module for each output.  To add an output, add a file here and a row to `FORMATS`.

Owns `FORMATS` and `render`.  Each format is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derive.blocks import Page
    from derive.decisions import Proof
    from derive.derivation import Derivation

FORMATS: dict[str, tuple[str, str]] = {
    "text": ("text", "render_text"),
    "latex": ("latex", "render_latex"),
    "latex-fragment": ("latex", "render_fragment"),
    "markdown": ("markdown", "render_markdown"),
}
"""Formats drawn from a page: module and function.  JSON is drawn from the derivation itself, its digits being data."""


def render(work: Derivation | Proof, style: str = "text", language: str = "en") -> str:
    """A derivation or proof in one format: text, latex, latex-fragment, markdown or json.

    >>> import derive
    >>> render(derive.derive(derive.find("q2")), "markdown").splitlines()[0]
    '# Question 2'
    """
    if style == "json":
        from derive.formats.json import render_json

        return render_json(work)
    from derive.pages import page_of

    module, function = FORMATS[style]
    draw: Callable[[Page], str] = getattr(import_module(f"derive.formats.{module}"), function)
    return draw(page_of(work, language))
