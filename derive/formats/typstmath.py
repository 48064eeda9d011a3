"""Formulas as Typst writes them between dollars, and text as its strings.

Owns the faces `TYPST` and `INLINE`, `formula`, `inline`, `roomy`, `quoted` and `printable`.  Every text from outside is a string
or a letter with its meaning taken away.  May import: blocks, bidi, symbols, formats.mathematics, tables.ops.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from derive.bidi import DIGITS, PLAIN, Setting
from derive.blocks import Blank, Boxed, Shown
from derive.formats.mathematics import Face, in_digits, write
from derive.symbols import GREEK, Pen, Script, Symbol, spell
from derive.tables.ops import OPS
from derive.tensors.shapes import ARRAY_FUNCTIONS

KEPT = "\u200c\u200d"
"""Characters that print nothing and still matter: Persian words are written with them."""


def printable(text: str) -> str:
    """Text on one line, without what moves a printer: any white space is a space, control characters are left out."""
    return "".join(c if c.isprintable() or c in KEPT else " " for c in text if c.isprintable() or c.isspace() or c in KEPT)


def quoted(text: str) -> str:
    r"""Text as a string of Typst's code.

    >>> quoted('a "b" \\u{41}')
    '"a \\"b\\" \\\\u{41}"'
    """
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


ACCENTS = {r"\hat": "hat", r"\bar": "macron", r"\tilde": "tilde", r"\dot": "dot", r"\vec": "arrow"}
FONTS = {r"\mathbf": "upright(bold({}))", r"\mathit": "italic({})", r"\mathcal": "cal({})"}
ATTACHED = {"_": "b", "^": "t"}
MARKS = {"-": "−", "*": "∗", "'": "zws'"}


def _character(token: str) -> str:
    """A bracket or a comma of a name stands for itself and closes nothing."""
    if token in "[](),":
        return "\\" + token
    return MARKS.get(token) or GREEK.get(token[1:], token)


def _row(pieces: Sequence[str]) -> str:
    """Pieces side by side; letters in a row would be one word, digits in a row are one number."""
    row = ""
    for piece in pieces:
        apart = row[-1:].isalnum() and piece[:1].isalnum() and not (row[-1:].isdigit() and piece[:1].isdigit())
        row += " " * apart + piece
    return row


def _grouped(body: str) -> str:
    """What stands above or below, in brackets unless it is one letter or one number.

    >>> _grouped("12"), _grouped("i j")
    ('12', '(i j)')
    """
    return body if re.fullmatch(r"\d+|[A-Za-z]", body) else f"({body})"


def _scripts(base: str, marks: Sequence[tuple[str, str]]) -> str:
    """A base with its marks; one that has marks of its own is kept together."""
    if "_" not in base and "^" not in base:
        return base + "".join(f"{sign}{_grouped(body)}" for sign, body in marks)
    return f"attach({base}, {', '.join(f'{ATTACHED[sign]}: {body}' for sign, body in marks)})"


PEN = Pen(
    character=_character,
    accent=lambda command, body, plain: f"{ACCENTS[command]}({body})",
    font=lambda command, body, plain: FONTS.get(command, "upright({})").format(body),
    scripts=_scripts,
    row=_row,
)


def _name(symbol: Symbol, name: str) -> str:
    return _operator(symbol.text) if name.startswith("operation:") else spell(symbol, PEN)


def _operator(text: str) -> str:
    """The name of a function: of one letter as it is, of more upright."""
    return text if len(text) == 1 else f"op({quoted(text)})"


def _number(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    shown = mantissa if re.fullmatch(r"-?\d+(\.\d+)?", mantissa) else quoted(mantissa)
    return f"{shown} dot 10^({int(exponent)})" if exponent else shown


def _partial(of: str, wrt: str, direct: bool) -> str:
    fraction = f"frac(∂ {of}, ∂ {wrt})"
    return f"lr({fraction} |)_(upright(d i r e c t))" if direct else fraction


def _inline_partial(of: str, wrt: str, direct: bool) -> str:
    return f"∂ {of} slash ∂ {wrt}" + ("|_(upright(d i r e c t))" if direct else "")


def _tall(written: str) -> str:
    """A formula with a fraction in it as large as one that stands alone."""
    return f"display({written})" if "frac(" in written else written


def _twice(first: str, then: str, square: str) -> str:
    return f"∂ {square}" if square else f"∂ {first} thin ∂ {then}"


def _call(function: str, arguments: tuple[str, ...], part: int | None) -> str:
    if function in ARRAY_FUNCTIONS and part is None and (function not in OPS or len(arguments) == 1 or arguments[1].isdigit()):
        return _array_call(function, arguments)
    name = _operator(OPS[function].text or function)
    if not arguments:
        return name
    if function == "step":
        return f"upright(bold(1)) [{arguments[0]} > 0]"
    if function in ("sqrt", "abs"):
        return f"{function}({arguments[0]})"
    below = "" if part is None else f"_{part + 1}"
    return f"{name}{below} ({', '.join(arguments)})"


def _array_call(function: str, arguments: tuple[str, ...]) -> str:
    if function == "ones":
        return f"upright(bold(1))_{_grouped(arguments[0])}"
    if function == "loss_of":
        return f"ℓ ({', '.join(arguments)})"
    along = f'_("axis" {arguments[1]})' if len(arguments) > 1 else ""
    return f"{_operator(function)}{along} ({arguments[0]})"


_BELOW = re.compile(r"([^_^]+)_(?:(\w+)|\(((?:\\.|[^()\\]|\((?:\\.|[^()\\])*\))*)\))")


def _indexed(name: str, places: tuple[str, ...]) -> str:
    """A name with letters below, behind a comma where something stands there already: h2 at i is h_(2,i)."""
    plain = all(re.fullmatch(r"[A-Za-z]", place) for place in places)
    letters = (" " if plain and len(places) < 5 else r"\,").join(places)
    if below := _BELOW.fullmatch(name):
        return rf"{below[1]}_({below[2] or below[3]}\,{letters})"
    return f"attach({name}, b: {letters})" if "_" in name or "^" in name else f"{name}_{_grouped(letters)}"


def _over(operation: str, letters: tuple[str, ...], body: str, sizes: tuple[str, ...]) -> str:
    sign = {"sum": "∑", "max": "max", "argmax": 'op("arg max", limits: #true)'}[operation]
    below = r"\,".join(letters)
    return f"{sign}_{_grouped(below)} {body}"


def _delta(left: str, right: str) -> str:
    """Kronecker's δ; with an argmax, a statement in brackets."""
    if "arg max" in right:
        return f"upright(bold(1)) [{left} = {right}]"
    comma = r"\," if len(left + right) > 2 else " "
    return f"δ_({left}{comma}{right})"


def _einsum(subscripts: str, operands: tuple[str, ...]) -> str:
    letters = quoted(subscripts.replace("->", " → "))
    return f'op("einsum")_({letters}) ({", ".join(operands)})'


TYPST = Face(
    number=_number,
    name=_name,
    minus=" - ",
    dot=" dot ",
    near=" thin ",
    touch=" ",
    brackets=lambda text: f"({text})",
    power=lambda base, exponent: f"{base}^{_grouped(exponent)}",
    partial=_partial,
    slanted=lambda of, wrt: f"∂ {of} slash ∂ {wrt}",
    second=lambda of, first, then, square: f"frac(∂^2 {of}, {_twice(first, then, square)})",
    signal=lambda symbol: spell(symbol, PEN),
    later=lambda body, updates: f"attach({body}, t: +)" if updates == 1 else f"lr({body} |)_{updates}",
    call=_call,
    quotient=lambda top, bottom: f"frac({_tall(top)}, {_tall(bottom)})",
    exponential=lambda exponent: f"e^{_grouped(exponent)}",
    listing=lambda items: f"vec({', '.join(items)})",
    elementwise=" ⊙ ",
    matrix_product=" thin ",
    bracket_product=" dot ",
    transpose=lambda body: f"attach({body}, t: upright(sans(T)))",
    relations={"=": "=", ">=": "≥", "<=": "≤", ">": ">", "<": "<"},
    indexed=_indexed,
    over=_over,
    delta=_delta,
    within=lambda place, size: f"upright(bold(1)) [0 ≤ {place} < {size}]",
    einsum=_einsum,
    rows=lambda rows: f"mat({'; '.join(', '.join(row) for row in rows)})",
    shaped=lambda body, shape: f"limits({body})_(({' × '.join(shape)}))",
    leads_with_digit=lambda text: text[0].isdigit() or text[0] == '"',
)

INLINE = replace(
    TYPST,
    partial=_inline_partial,
    quotient=lambda top, bottom: f"frac({top}, {bottom})",
    second=lambda of, first, then, square: f"∂^2 {of} slash {_twice(first, then, square)}",
)
"""The face of formulas among words; a fraction there is no taller than a line by itself."""

FACES = {digits: in_digits(TYPST, digits) for digits in DIGITS}
INLINE_FACES = {digits: in_digits(INLINE, digits) for digits in DIGITS}
"""The faces for each script of digits."""

RELATIONS = {"=": "=", "≈": "≈", "iff": "⟺", "": ""}


def formula(shown: Shown, script: Script, setting: Setting = PLAIN) -> str:
    """One formula, as it stands between dollars; a final answer in a box.

    >>> from derive.reader import read_formula
    >>> formula(read_formula("w1*(1 - h2)"), Script())
    'w_1 dot (1 - h_2)'
    """
    return _shown(shown, FACES[setting.digits], script, "boxed(display({}))")


def inline(shown: Shown, script: Script, setting: Setting = PLAIN) -> str:
    """One formula among words."""
    return _shown(shown, INLINE_FACES[setting.digits], script, "boxed({})")


def _shown(shown: Shown, face: Face, script: Script, box: str) -> str:
    match shown:
        case Boxed(tree):
            return box.format(write(tree, face, script))
        case Blank():
            return "blank"
    return write(shown, face, script)


def roomy(shown: Shown, script: Script, setting: Setting = PLAIN) -> str:
    """One formula in a cell of a table, where a fraction has room."""
    if isinstance(shown, Boxed):
        return f"boxed({roomy(shown.tree, script, setting)})"
    return _tall(inline(shown, script, setting))
