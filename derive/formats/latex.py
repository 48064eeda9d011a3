"""A page as LaTeX: a document that compiles with pdflatex or xelatex, or the fragment to paste into one.

Owns `render_latex`, `render_fragment`, `formula` and the face `LATEX`.  May import: pages, symbols, written,
formats.mathematics, tables.ops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from derive.blocks import Blank, Block, Boxed, Equations, Heading, Matrix, Page, Prose, Row, Shown, Table, Text
from derive.formats.mathematics import Face, write
from derive.symbols import GREEK, Script
from derive.tables.ops import OPS
from derive.tensors.shapes import ARRAY_FUNCTIONS
from derive.written import Name, Negative, Nested, Number, Partial, Quotient, Second, Sum, Tree, walk


def _number(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _call(function: str, arguments: tuple[str, ...], part: int | None) -> str:
    if function in ARRAY_FUNCTIONS and part is None and (function not in OPS or len(arguments) == 1 or arguments[1].isdigit()):
        return _array_call(function, arguments)
    if not arguments:
        return OPS[function].latex
    if function == "step":
        return rf"\mathbf{{1}}\left[{arguments[0]} > 0\right]"
    if function == "sqrt":
        return rf"\sqrt{{{arguments[0]}}}"
    if function == "abs":
        return rf"\left|{arguments[0]}\right|"
    below = "" if part is None else f"_{{{part + 1}}}"
    return rf"{OPS[function].latex}{below}\left({', '.join(arguments)}\right)"


def _later(body: str, updates: int) -> str:
    return f"{{{body}}}^{{+}}" if updates == 1 else rf"\left.{body}\right|_{{{updates}}}"


def _array_call(function: str, arguments: tuple[str, ...]) -> str:
    if function == "ones":
        return rf"\mathbf{{1}}_{{{arguments[0]}}}"
    if function == "loss_of":
        return rf"\ell\left({', '.join(arguments)}\right)"
    along = rf"_{{\text{{axis }}{arguments[1]}}}" if len(arguments) > 1 else ""
    return rf"\operatorname{{{function}}}{along}\left({arguments[0]}\right)"


def _indexed(name: str, places: tuple[str, ...]) -> str:
    """A name with letters below, behind a comma where something stands there already: h2 at i is h_{2,i}."""
    plain = all(re.fullmatch(r"[A-Za-z]", place) for place in places)
    letters = ("" if plain and len(places) < 5 else ",").join(places)
    if below := re.fullmatch(r"([^_^]+)_\{((?:[^{}]|\{[^{}]*\})*)\}", name):
        return f"{below[1]}_{{{below[2]},{letters}}}"
    return f"{{{name}}}_{{{letters}}}" if "_" in name or "^" in name else f"{name}_{{{letters}}}"


def _over(operation: str, letters: tuple[str, ...], body: str, sizes: tuple[str, ...]) -> str:
    sign = {"sum": r"\sum", "max": r"\max", "argmax": r"\operatorname*{arg\,max}"}[operation]
    return rf"{sign}_{{{','.join(letters)}}} {body}"


def _delta(left: str, right: str) -> str:
    """Kronecker's δ; with an argmax, a statement in brackets."""
    if "arg" in right:
        return rf"\mathbf{{1}}\left[{left} = {right}\right]"
    return rf"\delta_{{{left}{',' * (len(left + right) > 2)}{right}}}"


def _einsum(subscripts: str, operands: tuple[str, ...]) -> str:
    letters = subscripts.replace("->", r" \to ")
    return rf"\operatorname{{einsum}}_{{{letters}}}\left({', '.join(operands)}\right)"


def _shaped(body: str, shape: tuple[str, ...]) -> str:
    sizes = r" \times ".join(shape) if len(shape) > 1 else shape[0]
    return rf"\underset{{({sizes})}}{{{body}}}"


def _twice(first: str, then: str, square: str) -> str:
    return rf"\partial {square}" if square else rf"\partial {first} \, \partial {then}"


LATEX = Face(
    number=_number,
    name=lambda symbol, name: symbol.latex,
    minus=" - ",
    dot=r" \cdot ",
    near=r" \, ",
    touch=" ",
    brackets=lambda text: rf"\left({text}\right)",
    power=lambda base, exponent: f"{base}^{{{exponent}}}",
    partial=lambda of, wrt, direct: (
        rf"\left.\frac{{\partial {of}}}{{\partial {wrt}}}\right|_{{\text{{direct}}}}"
        if direct
        else rf"\frac{{\partial {of}}}{{\partial {wrt}}}"
    ),
    slanted=lambda of, wrt: rf"\partial {of} / \partial {wrt}",
    second=lambda of, first, then, square: rf"\frac{{\partial^{{2}} {of}}}{{{_twice(first, then, square)}}}",
    signal=lambda symbol: symbol.latex,
    later=_later,
    call=_call,
    quotient=lambda top, bottom: rf"\frac{{{top}}}{{{bottom}}}",
    exponential=lambda exponent: f"e^{{{exponent}}}",
    listing=lambda items: r"\begin{pmatrix} " + r" \\ ".join(items) + r" \end{pmatrix}",
    elementwise=r" \odot ",
    matrix_product=r" \, ",
    bracket_product=r" \cdot ",
    transpose=lambda body: rf"{{{body}}}^{{\mathsf{{T}}}}",
    relations={"=": "=", ">=": r"\ge", "<=": r"\le", ">": ">", "<": "<"},
    indexed=_indexed,
    over=_over,
    delta=_delta,
    within=lambda place, size: rf"\mathbf{{1}}\left[0 \le {place} < {size}\right]",
    einsum=_einsum,
    rows=lambda rows: r"\begin{pmatrix} " + r" \\ ".join(" & ".join(row) for row in rows) + r" \end{pmatrix}",
    shaped=_shaped,
)

INLINE = replace(
    LATEX,
    quotient=lambda top, bottom: rf"\tfrac{{{top}}}{{{bottom}}}",
    partial=lambda of, wrt, direct: rf"\partial {of} / \partial {wrt}" + (r"|_{\text{direct}}" if direct else ""),
    second=lambda of, first, then, square: rf"\partial^{{2}} {of} / {_twice(first, then, square)}",
)
"""The face of formulas among words, no taller than a line."""

RELATIONS = {"=": "=", "≈": r"\approx", "iff": r"\iff", "": ""}

WIDEST = 12
"""Terms of a sum that stand on one line."""

LONG_TERM, LONG_LINE = 30, 70
"""How broad a term is with which a sum is broken by breadth, and how broad its lines then are; see `_breadth`."""


def formula(shown: Shown, script: Script) -> str:
    """One formula; a final answer in a box."""
    return _shown(shown, LATEX, script)


def inline(shown: Shown, script: Script) -> str:
    """One formula among words."""
    return _shown(shown, INLINE, script)


def _shown(shown: Shown, face: Face, script: Script) -> str:
    match shown:
        case Boxed(tree):
            return rf"\boxed{{{write(tree, face, script)}}}"
        case Blank():
            return r"\underline{\hspace{12em}}"
    return write(shown, face, script)


_ESCAPED = {c: f"\\{c}" for c in "{}$&#_%"} | {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
_ESCAPED |= {letter: rf"$\{command}$" for command, letter in GREEK.items() if not command.startswith("var")}
_ESCAPED |= {
    "ŷ": r"$\hat{y}$",
    "→": r"$\to$",
    "≈": r"$\approx$",
    "−": r"$-$",
    "∂": r"$\partial$",
    "…": r"$\dots$",
}
_ESCAPED |= {"<": r"$<$", ">": r"$>$", "⁺": r"$^+$", "½": r"$\tfrac12$", "⊙": r"$\odot$"}
_ESCAPED |= {"·": r"$\cdot$", "≥": r"$\ge$", "≤": r"$\le$", "⇔": r"$\Leftrightarrow$", "²": "$^2$", "ᵀ": r"$^{\mathsf{T}}$"}
_ESCAPED |= {"′": "$'$", "₁": "$_1$", "₂": "$_2$", "ᵃ": "$^a$", "ᵇ": "$^b$"}


def escape(text: str) -> str:
    r"""Text as LaTeX prints it literally.

    >>> escape(r"50% of \input{x}")
    '50\\% of \\textbackslash{}input\\{x\\}'
    """
    return "".join(_ESCAPED.get(character, character) for character in text if character.isprintable())


def words(text: Text, script: Script) -> str:
    """A sentence with its formulas."""
    return "".join(escape(part) if isinstance(part, str) else f"${inline(part, script)}$" for part in text)


def right_sides(tree: Shown, script: Script) -> list[str]:
    """The right side of a row; a sum of many or long terms goes on over several rows."""
    starts = _starts(tree.terms) if isinstance(tree, Sum) else [0]
    if not isinstance(tree, Sum) or len(starts) == 1:
        return [formula(tree, script)]
    rows = []
    for start, end in zip(starts, [*starts[1:], len(tree.terms)], strict=True):
        terms = tree.terms[start:end]
        first = terms[0]
        sign = "" if start == 0 else "{}" + ("-" if isinstance(first, Negative) else "+") + " "
        head = first.body if start and isinstance(first, Negative) else first
        rows.append(sign + formula(Sum((head, *terms[1:])), script))
    return rows


def _starts(terms: Sequence[Tree]) -> list[int]:
    """The terms with which the rows of a sum begin."""
    breadths = [_breadth(term) for term in terms]
    longest = LONG_LINE if max(breadths) >= LONG_TERM else sum(breadths)
    starts, room = [0], longest
    for place, breadth in enumerate(breadths):
        if place > starts[-1] and (breadth > room or place == starts[-1] + WIDEST):
            starts.append(place)
            room = longest
        room -= breadth
    return starts


def _breadth(term: Tree) -> int:
    """How broad a term is, about, in characters: the same whatever digits its numbers have."""
    breadths = {Number: 7, Name: 3, Partial: 6, Nested: 10, Second: 10}
    return sum(breadths.get(type(node), 1) for node in walk(term))


def reason_of(row: Row, script: Script) -> str:
    """Why a row holds, with the side conditions proved for it."""
    reason = words(row.reason, script)
    conditions = ", ".join(words(condition, script) for condition in row.conditions)
    return f"{reason} ({conditions})" if conditions else reason


def _aligned(block: Equations, script: Script) -> Iterable[str]:
    for row in block.rows:
        left = "" if row.left is None else formula(row.left, script)
        reason = reason_of(row, script)
        if not row.relation:
            yield f"  & {left}"
            continue
        first, *more = right_sides(row.right, script)
        tag = rf" \tag*{{\footnotesize {reason}}}" if reason else ""
        yield f"  {left} & {RELATIONS[row.relation]} {first}" + ("" if more else tag)
        for place, rest in enumerate(more, start=1):
            yield rf"  & \qquad {rest}" + (tag if place == len(more) else "")


def body(blocks: Iterable[Block], script: Script) -> Iterable[str]:
    """The blocks one after the other."""
    for block in blocks:
        match block:
            case Heading(1, text):
                yield rf"\section*{{{escape(text)}}}"
            case Heading(_, text):
                yield rf"\subsection*{{{escape(text)}}}"
            case Prose(parts):
                yield words(parts, script) + "\n"
            case Equations():
                yield "\\begin{align*}\n" + " \\\\\n".join(_aligned(block, script)) + "\n\\end{align*}"
            case Table():
                yield from _table(block, script)
            case Matrix():
                size = len(block.rows)
                small = next((command for least, command in SMALLER if size > least), "")
                wide = rf"\setcounter{{MaxMatrixCols}}{{{size}}}" if size > AMSMATH_COLUMNS else ""
                yield rf"\begin{{center}}{small}{wide}"
                yield rf"$\displaystyle {matrix(block, script)}$\end{{center}}"


AMSMATH_COLUMNS = 10
"""Columns a pmatrix may have before amsmath has to be told."""

SMALLER = ((8, r"\tiny\setlength{\arraycolsep}{1.5pt}"), (5, r"\scriptsize\setlength{\arraycolsep}{3pt}"))
"""From how many columns on a matrix is set smaller and closer, to fit the page."""


def matrix(block: Matrix, script: Script) -> str:
    """A matrix as one formula."""
    rows = r" \\ ".join(" & ".join(formula(cell, script) for cell in row) for row in block.rows)
    return rf"\nabla^{{2}} {formula(block.of, script)} {RELATIONS[block.relation]} \begin{{pmatrix}} {rows} \end{{pmatrix}}"


def _table(block: Table, script: Script) -> Iterable[str]:
    columns = _columns(block) if len(block.head) > 2 else r"p{0.5\linewidth}p{0.42\linewidth}"
    stretch = "1.7" if any(isinstance(node, Quotient) for row in block.rows for cell in row for node in _nodes(cell)) else "1.3"
    yield rf"\begin{{center}}\renewcommand{{\arraystretch}}{{{stretch}}}\begin{{longtable}}{{{columns}}}"
    yield " & ".join(map(escape, block.head)) + r" \\ \hline \endhead"
    for row in block.rows:
        yield " & ".join(words(cell, script) for cell in row) + r" \\"
    yield r"\end{longtable}\end{center}"


def _nodes(cell: Text) -> Iterable[Tree]:
    for part in cell:
        tree = part.tree if isinstance(part, Boxed) else part
        if not isinstance(tree, str | Blank):
            yield from walk(tree)


WORDY = 22
"""Characters of words from which on the column of a table is set as a paragraph."""


def _columns(block: Table) -> str:
    """The columns of a table: those of words share the room that those of numbers leave."""
    widths = [max((_words_in(row[k]) for row in block.rows), default=0) for k in range(len(block.head))]
    wordy = [width > WORDY for width in widths]
    total = sum(width for width, is_wordy in zip(widths, wordy, strict=True) if is_wordy)
    room = max(0.3, 0.9 - 0.12 * wordy.count(False))
    shares = [max(0.18, room * width / total) if is_wordy else 0.0 for width, is_wordy in zip(widths, wordy, strict=True)]
    return "".join(rf"p{{{share:.2f}\linewidth}}" if share else "l" for share in shares)


def _words_in(cell: Text) -> int:
    return sum(len(part) for part in cell if isinstance(part, str))


def render_fragment(page: Page) -> str:
    """The page without a preamble, to paste into a document that loads amsmath, amssymb and longtable."""
    return "\n".join(body(page.blocks, page.script)) + "\n"


PREAMBLE = r"""\documentclass[10pt,a4paper,fleqn]{article}
\usepackage{iftex}
\ifpdftex\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\else\usepackage{fontspec}\fi
\usepackage{amsmath,amssymb,longtable}
\usepackage[margin=18mm]{geometry}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
\allowdisplaybreaks
\begin{document}
"""


def render_latex(page: Page) -> str:
    """The page as a complete document."""
    return PREAMBLE + render_fragment(page) + "\\end{document}\n"
