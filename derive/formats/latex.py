"""A page as LaTeX: a document that compiles with pdflatex or xelatex, or the fragment to paste into one.

Owns `render_latex`, `render_fragment`, `formula` and the face `LATEX`.  May import: pages, symbols, written,
formats.mathematics, tables.ops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from derive.bidi import DIGITS, PLAIN, Setting, latin, pieces, runs, setting_of
from derive.blocks import Blank, Block, Boxed, Equations, Figure, Heading, Matrix, Page, Prose, Shown, Table, Text
from derive.formats.mathematics import Face, in_digits, write
from derive.formats.preambles import preamble
from derive.formats.rows import rows_of_sum
from derive.formats.tikz import draw_tikz
from derive.symbols import GREEK, Script
from derive.tables.ops import OPS
from derive.tensors.shapes import ARRAY_FUNCTIONS
from derive.written import Quotient, Tree, walk


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
    along = rf"_{{\mathrm{{axis}}\ {arguments[1]}}}" if len(arguments) > 1 else ""
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

FACES = {digits: in_digits(LATEX, digits) for digits in DIGITS}
INLINE_FACES = {digits: in_digits(INLINE, digits) for digits in DIGITS}
"""The faces for each script of digits."""


def formula(shown: Shown, script: Script, setting: Setting = PLAIN) -> str:
    """One formula; a final answer in a box."""
    return _shown(shown, FACES[setting.digits], script)


def inline(shown: Shown, script: Script, setting: Setting = PLAIN) -> str:
    """One formula among words."""
    return _shown(shown, INLINE_FACES[setting.digits], script)


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
    return "".join(_ESCAPED.get(c, c) for c in text if c.isprintable() or c == ZWNJ)


ZWNJ = "\u200c"
"""The half-space of Persian."""


def words(text: Text, script: Script, setting: Setting = PLAIN) -> str:
    """A sentence with its formulas.

    From right to left a number is a formula too, and what reads from left to right is held together; so is a number in Persian
    digits, which the font of the words may not have.
    """
    if setting == PLAIN:
        return "".join(escape(part) if isinstance(part, str) else f"${inline(part, script)}$" for part in text)
    if not setting.right_to_left:
        return _with_numbers(text, script, setting)
    said = ((_held if run.left else _with_numbers)(run.parts, script, setting) for run in runs(text))
    return "".join(said)


def _with_numbers(text: Text, script: Script, setting: Setting) -> str:
    """Words with their numbers as formulas."""
    said = ""
    for part in text:
        if isinstance(part, str):
            said += "".join(f"${number(piece, setting)}$" if kind == "number" else escape(piece) for kind, piece in pieces(part))
        else:
            said += f"${inline(part, script, setting)}$"
    return said


def _held(text: Text, script: Script, setting: Setting) -> str:
    """What reads from left to right among words that do not: one formula where it has no words in it."""
    whole = as_formula(text, script, setting)
    return rf"\lr{{{_with_numbers(text, script, setting)}}}" if whole is None else f"${whole}$"


def number(typed: str, setting: Setting) -> str:
    """A number that stands in a text, as a formula."""
    return FACES[setting.digits].number(latin(typed))


_SIGNS = {c: c for c in " =()[]<>+/"} | {",": r",\ ", "−": "-"}
_SIGNS |= {"≈": r"\approx", "≤": r"\le", "≥": r"\ge", "→": r"\to", "…": r"\dots"}


def as_formula(text: Text, script: Script, setting: Setting) -> str | None:
    """Formulas and numbers with signs between them as one formula; None where there is a word between them."""
    told = ""
    for part in text:
        if not isinstance(part, str):
            told += inline(part, script, setting)
            continue
        for kind, piece in pieces(part):
            if kind != "number" and any(c not in _SIGNS for c in piece):
                return None
            told += number(piece, setting) if kind == "number" else "".join(_SIGNS[c] for c in piece)
    return told


def right_sides(tree: Shown, script: Script, setting: Setting = PLAIN) -> list[str]:
    """The right side of a row; a sum of many or long terms goes on over several rows."""
    signs = {"": "", "+": "{}+ ", "-": "{}- "}
    return [signs[sign] + formula(part, script, setting) for sign, part in rows_of_sum(tree)]


def _aligned(block: Equations, script: Script, setting: Setting) -> Iterable[str]:
    for row in block.rows:
        left = "" if row.left is None else formula(row.left, script, setting)
        reason = words(row.reason, script, setting)
        if reason and setting.right_to_left:
            reason = rf"\rl{{{reason}}}"
        if not row.relation:
            yield f"  & {left}"
            continue
        first, *more = right_sides(row.right, script, setting)
        tag = rf" \tag*{{\footnotesize {reason}}}" if reason else ""
        yield f"  {left} & {RELATIONS[row.relation]} {first}" + ("" if more else tag)
        for place, rest in enumerate(more, start=1):
            yield rf"  & \qquad {rest}" + (tag if place == len(more) else "")


def body(blocks: Iterable[Block], script: Script, setting: Setting = PLAIN) -> Iterable[str]:
    """The blocks one after the other."""
    for block in blocks:
        match block:
            case Heading(1, text):
                yield rf"\section*{{{words((text,), script, setting)}}}"
            case Heading(_, text):
                yield rf"\subsection*{{{words((text,), script, setting)}}}"
            case Prose(parts):
                yield words(parts, script, setting) + "\n"
            case Equations():
                yield "\\begin{align*}\n" + " \\\\\n".join(_aligned(block, script, setting)) + "\n\\end{align*}"
            case Table():
                yield from _table(block, script, setting)
            case Matrix():
                size = len(block.rows)
                small = next((command for least, command in SMALLER if size > least), "")
                wide = rf"\setcounter{{MaxMatrixCols}}{{{size}}}" if size > AMSMATH_COLUMNS else ""
                yield rf"\begin{{center}}{small}{wide}"
                yield rf"$\displaystyle {matrix(block, script, setting)}$\end{{center}}"
            case Figure():
                yield from _figure(block, script, setting)


def _figure(block: Figure, script: Script, setting: Setting) -> Iterable[str]:
    """A picture, which runs from left to right on every page, with what stands under it."""
    def spell(text: Text) -> str:
        said = words(text, script, setting)
        return rf"\rl{{{said}}}" if setting.right_to_left and not all(run.left for run in runs(text)) else said

    drawn = draw_tikz(block.picture, spell)
    yield r"\begin{center}"
    yield from (r"\lr{%", *drawn, "}") if setting.right_to_left else drawn
    if block.caption:
        yield rf"\par\smallskip\parbox{{0.85\linewidth}}{{\footnotesize {words(block.caption, script, setting)}}}"
    yield r"\end{center}"


AMSMATH_COLUMNS = 10
"""Columns a pmatrix may have before amsmath has to be told."""

SMALLER = ((8, r"\tiny\setlength{\arraycolsep}{1.5pt}"), (5, r"\scriptsize\setlength{\arraycolsep}{3pt}"))
"""From how many columns on a matrix is set smaller and closer, to fit the page."""


def matrix(block: Matrix, script: Script, setting: Setting = PLAIN) -> str:
    """A matrix as one formula."""
    rows = r" \\ ".join(" & ".join(formula(cell, script, setting) for cell in row) for row in block.rows)
    return rf"\nabla^{{2}} {formula(block.of, script)} {RELATIONS[block.relation]} \begin{{pmatrix}} {rows} \end{{pmatrix}}"


def _table(block: Table, script: Script, setting: Setting) -> Iterable[str]:
    narrow = "r" if setting.right_to_left else "l"
    columns = _columns(block, narrow) if len(block.head) > 2 else r"p{0.5\linewidth}p{0.42\linewidth}"
    stretch = "1.7" if any(isinstance(node, Quotient) for row in block.rows for cell in row for node in _nodes(cell)) else "1.3"
    yield rf"\begin{{center}}\renewcommand{{\arraystretch}}{{{stretch}}}\begin{{longtable}}{{{columns}}}"
    yield " & ".join(words((name,), script, setting) for name in block.head) + r" \\ \hline \endhead"
    for row in block.rows:
        yield " & ".join(words(cell, script, setting) for cell in row) + r" \\"
    yield r"\end{longtable}\end{center}"


def _nodes(cell: Text) -> Iterable[Tree]:
    for part in cell:
        tree = part.tree if isinstance(part, Boxed) else part
        if not isinstance(tree, str | Blank):
            yield from walk(tree)


WORDY = 22
"""Characters of words from which on the column of a table is set as a paragraph."""


def _columns(block: Table, narrow: str) -> str:
    """The columns of a table: those of words share the room that `narrow` ones, with numbers, leave."""
    widths = [max((_words_in(row[k]) for row in block.rows), default=0) for k in range(len(block.head))]
    wordy = [width > WORDY for width in widths]
    total = sum(width for width, is_wordy in zip(widths, wordy, strict=True) if is_wordy)
    room = max(0.3, 0.9 - 0.12 * wordy.count(False))
    shares = [max(0.18, room * width / total) if is_wordy else 0.0 for width, is_wordy in zip(widths, wordy, strict=True)]
    return "".join(rf"p{{{share:.2f}\linewidth}}" if share else narrow for share in shares)


def _words_in(cell: Text) -> int:
    return sum(len(part) for part in cell if isinstance(part, str))


def render_fragment(page: Page) -> str:
    """The page without a preamble, to paste into a document that loads amsmath, amssymb, longtable and, for a picture, tikz."""
    return "\n".join(body(page.blocks, page.script, setting_of(page))) + "\n"


def render_latex(page: Page) -> str:
    """The page as a complete document."""
    drawn = any(isinstance(block, Figure) for block in page.blocks)
    return preamble("article", setting_of(page), drawn) + "\\begin{document}\n" + render_fragment(page) + "\\end{document}\n"
