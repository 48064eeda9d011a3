"""What Jupyter shows: the HTML page's fragment, LaTeX and text in one bundle.

Owns `mimebundle`.  May import: displays, pages, formats.html, formats.latex, formats.markdown, formats.text.
"""

from __future__ import annotations

import hashlib
import html
import json
from dataclasses import replace
from typing import Any

from derive.blocks import Equations, Heading, Matrix, Page
from derive.displays import Displayed, ShownStep
from derive.formats.html import fragment, program
from derive.formats.latex import escape, matrix
from derive.formats.markdown import aligned
from derive.formats.text import render_text
from derive.pages import page_of


def mimebundle(shown: Displayed) -> dict[str, str]:
    """The whole page as HTML and as text, and its chains of lines as LaTeX."""
    work: Any = shown
    if isinstance(shown, ShownStep):
        work = replace(shown.work, excerpt=(shown.goal,))  # type: ignore[type-var]
    page = page_of(work)
    latex = _latex(page)
    return {"text/html": _guarded(fragment((page,)), latex), "text/latex": latex, "text/plain": render_text(page)}


def _guarded(page: str, latex: str) -> str:
    """The page where scripts run, and LaTeX where they do not.

    GitHub, and a notebook that is not trusted, leave out styles and flatten MathML to its letters, so that a fraction would read as
    something else.  What they are given is LaTeX, which they typeset; the script puts the page in its place.
    """
    name = hashlib.sha256(page.encode()).hexdigest()[:12]
    content = json.dumps(page).replace("</", "<\\/").replace("<!--", "<\\!--")
    told = html.escape(latex, quote=False).replace("\n\n", "<br><br>")
    put = f'for (const host of document.querySelectorAll("[data-page=\'{name}\']")) {{ host.innerHTML = {content}; }}'
    return f'<div data-page="{name}">{told}</div><script>{put}\n{program()}</script>'


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
