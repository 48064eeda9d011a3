"""Formulas as MathML Core, straight from the tree.

Owns the faces `MATHML` and `INLINE`, and `marked`, which marks quantities.  Only elements that every engine draws: no `menclose`,
and boxes are borders of the style sheet.  May import: blocks, symbols, written, formats.mathematics, tables.ops.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

from derive.formats.mathematics import Face
from derive.symbols import GREEK, Pen, Symbol, spell
from derive.tables.ops import OPS
from derive.tensors.shapes import ARRAY_FUNCTIONS
from derive.written import Tree

ACCENTS = {r"\hat": "^", r"\bar": "¯", r"\tilde": "~", r"\dot": "˙", r"\vec": "→"}
MARKS = {"-": "−", "*": "∗", "'": "′"}
FONTS = {r"\mathbf": "bold", r"\mathit": "italic"}
SCRIPT = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "𝒜ℬ𝒞𝒟ℰℱ𝒢ℋℐ𝒥𝒦ℒℳ𝒩𝒪𝒫𝒬ℛ𝒮𝒯𝒰𝒱𝒲𝒳𝒴𝒵", strict=True))


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _sign(text: str) -> str:
    return f"<mo>{escape(text)}</mo>"


def _character(token: str) -> str:
    if token.isdigit():
        return f"<mn>{token}</mn>"
    if token in "[](),+-*'":
        return f'<mo stretchy="false" lspace="0" rspace="0">{MARKS.get(token, token)}</mo>'
    return f"<mi>{GREEK.get(token[1:], token)}</mi>"


def _font(command: str, body: str, plain: str) -> str:
    """Letters of a font are one identifier, so that no engine puts room between them."""
    if not re.fullmatch(r"\w+", plain):
        return body
    if command == r"\mathcal":
        return f'<mi mathvariant="normal">{"".join(SCRIPT.get(letter, letter) for letter in plain)}</mi>'
    upright = ' mathvariant="normal"' if len(plain) == 1 and command not in FONTS else ""
    return f'<mi{upright} class="{FONTS.get(command, "upright")}">{escape(plain)}</mi>'


def _scripts(base: str, marks: Sequence[tuple[str, str]]) -> str:
    found = {sign: _row(body) for sign, body in marks}
    if len(found) == 2:
        return f"<msubsup>{_row(base)}{found['_']}{found['^']}</msubsup>"
    ((sign, body),) = found.items()
    element = "msub" if sign == "_" else "msup"
    return f"<{element}>{_row(base)}{body}</{element}>"


PEN = Pen(
    character=_character,
    accent=lambda command, body, plain: f'<mover accent="true">{_row(body)}<mo stretchy="false">{ACCENTS[command]}</mo></mover>',
    font=_font,
    scripts=_scripts,
    row=lambda pieces: "".join(pieces).replace("</mn><mn>", ""),
)


def _name(symbol: Symbol, name: str) -> str:
    if name.startswith("operation:"):
        return _word(symbol.text)
    return _row(spell(symbol, PEN))


def _word(text: str) -> str:
    """The name of a function: of one letter as it is, of more upright."""
    return f"<mi>{escape(text)}</mi>"


def _digits(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    minus = _sign("−") if mantissa.startswith("-") else ""
    shown = f"{minus}<mn>{mantissa.lstrip('-')}</mn>"
    if not exponent:
        return shown if not minus else _row(shown)
    power = _digits(str(int(exponent)))
    return _row(shown, _sign("·"), f"<msup><mn>10</mn>{power}</msup>")


TALL = ("<mfrac", "<munder", "<mtable", "<msqrt")


def _brackets(text: str) -> str:
    """Brackets as tall as what is in them; a bracket that may stretch stands apart from what is no taller than itself."""
    stretchy = "" if any(element in text for element in TALL) else ' stretchy="false"'
    return _row(f'<mo form="prefix"{stretchy}>(</mo>', text, f'<mo form="postfix"{stretchy}>)</mo>')


def _listed(items: Sequence[str]) -> str:
    return _sign(",").join(items)


def _column(rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<mtr>{''.join(f'<mtd>{_row(cell)}</mtd>' for cell in row)}</mtr>" for row in rows)
    return _row("<mo>(</mo>", f"<mtable>{cells}</mtable>", "<mo>)</mo>")


def _partial(of: str, wrt: str, direct: bool) -> str:
    fraction = f"<mfrac>{_row('<mi>∂</mi>', of)}{_row('<mi>∂</mi>', wrt)}</mfrac>"
    return f'<msub>{_row(fraction, "<mo>|</mo>")}<mtext>direct</mtext></msub>' if direct else fraction


SLASH = '<mo lspace="0.05em" rspace="0.05em">/</mo>'


def _slanted(of: str, wrt: str, direct: bool = False) -> str:
    slanted = _row("<mi>∂</mi>", of, SLASH, "<mi>∂</mi>", wrt)
    return f'<msub>{_row(slanted, "<mo>|</mo>")}<mtext>direct</mtext></msub>' if direct else slanted


def _slanted_second(of: str, first: str, then: str, square: str) -> str:
    return _row(SQUARED, of, SLASH, "<mi>∂</mi>", square or _row(first, "<mi>∂</mi>", then))


SQUARED = "<msup><mi>∂</mi><mn>2</mn></msup>"


def _second(of: str, first: str, then: str, square: str) -> str:
    below = square or _row(first, "<mi>∂</mi>", then)
    return f"<mfrac>{_row(SQUARED, of)}{_row('<mi>∂</mi>', below)}</mfrac>"


def _call(function: str, arguments: tuple[str, ...], part: int | None) -> str:
    if function in ARRAY_FUNCTIONS and part is None and (function not in OPS or len(arguments) == 1 or "<mn>" in arguments[1]):
        return _array_call(function, arguments)
    name = _word(OPS[function].text or function)
    if not arguments:
        return name
    if function == "step":
        return _indicator(arguments[0], _sign(">"), "<mn>0</mn>")
    if function == "sqrt":
        return f"<msqrt>{_row(arguments[0])}</msqrt>"
    if function == "abs":
        return _row('<mo stretchy="true" form="prefix">|</mo>', arguments[0], '<mo stretchy="true" form="postfix">|</mo>')
    if part is not None:
        name = f"<msub>{name}<mn>{part + 1}</mn></msub>"
    return _row(name, "<mo>&#x2061;</mo>", _brackets(_listed(arguments)))


def _indicator(*parts: str) -> str:
    return _row('<mn class="bold">1</mn>', "<mo>[</mo>", *parts, "<mo>]</mo>")


def _array_call(function: str, arguments: tuple[str, ...]) -> str:
    if function == "ones":
        return f'<msub><mn class="bold">1</mn>{_row(arguments[0])}</msub>'
    if function == "loss_of":
        return _row("<mi>ℓ</mi>", "<mo>&#x2061;</mo>", _brackets(arguments[0]))
    name = _word(function)
    if len(arguments) > 1:
        name = f"<msub>{name}{_row('<mtext>axis&#xa0;</mtext>', arguments[1])}</msub>"
    return _row(name, "<mo>&#x2061;</mo>", _brackets(arguments[0]))


def _over(operation: str, letters: tuple[str, ...], body: str, sizes: tuple[str, ...]) -> str:
    below = _row(_listed(letters))
    sign = '<mo movablelimits="false">∑</mo>' if operation == "sum" else _word(operation.replace("argmax", "arg max"))
    return _row(f"<munder>{sign}{below}</munder>", body)


def _delta(left: str, right: str) -> str:
    """Kronecker's δ; with an argmax, a statement in brackets."""
    if "arg max" in right:
        return _indicator(left, _sign("="), right)
    return f"<msub><mi>δ</mi>{_row(left, _sign(','), right)}</msub>"


def _einsum(subscripts: str, operands: tuple[str, ...]) -> str:
    letters = f"<mtext>{escape(subscripts.replace('->', ' → '))}</mtext>"
    return _row(f"<msub><mi>einsum</mi>{letters}</msub>", _brackets(_listed(operands)))


def _indexed(name: str, places: tuple[str, ...]) -> str:
    """A name with letters below, behind a comma where something stands there already: h2 at i is h with 2, i."""
    single = all(re.fullmatch(r"<mrow><mi>\w</mi></mrow>", place) for place in places)
    letters = "".join(places) if single else _listed(places)
    end = "</mrow></msub></mrow>"
    if name.startswith("<mrow><msub>") and name.endswith(end):
        return name.removesuffix(end) + _sign(",") + letters + end
    return f"<msub>{name}{_row(letters)}</msub>"


def _later(body: str, updates: int) -> str:
    if updates == 1:
        return f"<msup>{_row(body)}<mo>+</mo></msup>"
    return f'<msub>{_row(body, "<mo>|</mo>")}<mn>{updates}</mn></msub>'


def _shaped(body: str, shape: tuple[str, ...]) -> str:
    return f'<munder>{_row(body)}<mrow class="shape">{_brackets(_sign("×").join(shape))}</mrow></munder>'


MATHML = Face(
    number=_digits,
    name=_name,
    minus=_sign("−"),
    dot=_sign("·"),
    near='<mspace width="0.17em"></mspace>',
    touch="",
    brackets=_brackets,
    power=lambda base, exponent: f"<msup>{_row(base)}{_row(exponent)}</msup>",
    partial=_partial,
    slanted=_slanted,
    second=_second,
    signal=lambda symbol: _row(spell(symbol, PEN)),
    later=_later,
    call=_call,
    quotient=lambda top, bottom: f"<mfrac>{_row(top)}{_row(bottom)}</mfrac>",
    exponential=lambda exponent: f"<msup><mi>e</mi>{_row(exponent)}</msup>",
    listing=lambda items: _column([(item,) for item in items]),
    elementwise=_sign("⊙"),
    matrix_product='<mspace width="0.22em"></mspace>',
    bracket_product=_sign("·"),
    transpose=lambda body: f'<msup>{_row(body)}<mi mathvariant="normal">T</mi></msup>',
    relations={"=": _sign("="), ">=": _sign("≥"), "<=": _sign("≤"), ">": _sign(">"), "<": _sign("<")},
    indexed=_indexed,
    over=_over,
    delta=_delta,
    within=lambda place, size: _indicator("<mn>0</mn>", _sign("≤"), place, _sign("<"), size),
    einsum=_einsum,
    rows=_column,
    shaped=_shaped,
    plus=_sign("+"),
    negative='<mo form="prefix">−</mo>',
    leads_with_digit=lambda text: text.removeprefix("<mrow>").startswith("<mn>"),
)
RELATIONS = {"=": "=", "≈": "≈", "iff": "⟺", "": ""}
"""The sign of each relation between the lines of a chain."""


INLINE = replace(MATHML, partial=_slanted, second=_slanted_second)
"""The face of formulas among words, whose derivatives are no taller than a line."""


def marked(face: Face, mark: Callable[[Tree], str]) -> Face:
    """A face with an attribute on every quantity that `mark` gives one for, such as `data-q="w5"`."""

    def leaf(tree: Tree, text: str) -> str:
        attribute = mark(tree)
        return f"<mrow {attribute}>{text}</mrow>" if attribute else text

    return replace(face, leaf=leaf)
