"""What Jupyter shows for a derivation, a proof or an audit: LaTeX and text in one bundle.

Owns `mimebundle`.  May import: pages, formats.latex, formats.markdown, formats.text.
"""

from __future__ import annotations

from derive.blocks import Equations, Heading, Matrix, Page
from derive.decisions import Proof
from derive.derivation import Derivation
from derive.exercises.verdicts import Audit
from derive.formats.latex import escape, matrix
from derive.formats.markdown import aligned
from derive.formats.text import render_text
from derive.pages import page_of
from derive.tensors.work import ArrayDerivation


def mimebundle(work: Derivation | ArrayDerivation | Proof | Audit) -> dict[str, str]:
    """The chains of lines and the Hessian as LaTeX for MathJax, and the whole page as text."""
    page = page_of(work)
    return {"text/latex": _latex(page), "text/plain": render_text(page)}


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
