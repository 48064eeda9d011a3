"""What Jupyter shows: the HTML page's fragment, LaTeX and text in one bundle.

Owns `mimebundle` and `Graph`.  May import: displays, pages, sentences, formats.folding, formats.html, formats.latex,
formats.markdown, formats.svg, formats.text.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, replace
from typing import Any

from derive.blocks import Equations, Figure, Heading, Matrix, Page
from derive.displays import Displayed, ShownStep, Stepwise
from derive.formats.folding import program
from derive.formats.html import fragment, name_of
from derive.formats.latex import escape, matrix
from derive.formats.markdown import aligned
from derive.formats.svg import draw_svg
from derive.formats.text import picture_lines, render_text
from derive.pages import page_of
from derive.sentences import Speaker


def mimebundle(shown: Displayed) -> dict[str, str]:
    """The whole page as HTML and as text, and its chains of lines as LaTeX."""
    work: Any = shown
    if isinstance(shown, ShownStep):
        work = replace(shown.work, excerpt=(shown.goal,))  # type: ignore[type-var]
    page = page_of(work)
    latex = _latex(page)
    return {"text/html": _guarded(page, latex), "text/latex": latex, "text/plain": render_text(page)}


PUT = """for (const host of document.querySelectorAll("[data-page='NAME']:not([data-filled])")) {
  host.dataset.filled = "";
  host.innerHTML = PAGE.replaceAll("NAME", "NAME" + Math.random().toString(36).slice(2));
}
"""
"""Puts the page where its LaTeX stands; two outputs of the same page have names of their own."""


def _guarded(page: Page, latex: str) -> str:
    """The page where scripts run, and LaTeX where they do not.

    GitHub, and a notebook that is not trusted, leave out styles and flatten MathML to its letters, so that a fraction would read as
    something else.  What they are given is LaTeX, which they typeset; the script puts the page in its place.
    """
    name = name_of(page)
    content = json.dumps(fragment(page)).replace("</", "<\\/").replace("<!--", "<\\!--")
    told = html.escape(latex, quote=False).replace("\n\n", "<br><br>")
    put = PUT.replace("NAME", name).replace("PAGE", content)
    return f'<div data-page="{name}">{told}</div><script>{put}{program()}</script>'


@dataclass(frozen=True)
class Graph:
    """The picture of a derivation's network: SVG in a notebook, a drawing in characters on a terminal."""

    work: Stepwise

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """The first figure of the page.  A network too large to draw is told in words alone."""
        work: Any = replace(self.work, excerpt=())  # type: ignore[type-var]
        page = page_of(work)
        figure = next((block for block in page.blocks if isinstance(block, Figure)), None)
        if figure is None:
            return {"text/plain": Speaker(page.language).word("picture", "none")}
        drawn = "\n".join(picture_lines(figure, page.script)) or figure.picture.alt
        return {"image/svg+xml": draw_svg(figure.picture, page.script, alone=True), "text/plain": drawn}


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
