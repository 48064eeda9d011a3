"""What Jupyter shows: the HTML page's fragment, LaTeX and text in one bundle.

Owns `mimebundle`.  May import: displays, pages, formats.html, formats.latex, formats.markdown, formats.text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from derive.blocks import Equations, Heading, Matrix, Page
from derive.displays import Displayed, ShownStep
from derive.formats.html import fragment
from derive.formats.latex import escape, matrix
from derive.formats.markdown import aligned
from derive.formats.text import render_text
from derive.pages import page_of


def mimebundle(shown: Displayed) -> dict[str, str]:
    """The whole page as HTML and as text, and its chains of lines as LaTeX for who typesets only that, as GitHub does."""
    work: Any = shown
    if isinstance(shown, ShownStep):
        work = replace(shown.work, excerpt=(shown.goal,))  # type: ignore[type-var]
    page = page_of(work)
    return {"text/html": fragment((page,)), "text/latex": _latex(page), "text/plain": render_text(page)}


def _latex(page: Page) -> str:
    parts, heading = [], ""
    for block in page.blocks:
        if isinstance(block, Heading):
            heading = rf"$\textbf{{{escape(block.text)}}}$"  # MathJax typesets only what stands between dollars
        elif isinstance(block, Equations | Matrix):
            if heading:
                parts.append(heading)
                heading = ""
            shown = aligned(block, page.script) if isinstance(block, Equations) else matrix(block, page.script)
            parts.append(f"$$\n{shown}\n$$")
    return "\n\n".join(parts)
