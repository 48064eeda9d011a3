"""A page as text in ASCII only, for what carries no more: formulas as they are typed, words in the nearest letters.

Owns `ascii_spelling`, the table `LETTERS`, and `render_ascii`.  May import: errors, blocks, symbols, formats.text, tables.ops.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from derive.blocks import Page
from derive.errors import UsageError
from derive.formats.canvas import ASCII as LINES
from derive.formats.text import TEXT, Spelling, spelled_out
from derive.symbols import ACCENTS, GREEK, Symbol
from derive.tables.ops import OPS

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵃᵇᵀ", "0123456789+-nabT", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))

LETTERS = {
    **{letter: command for command, letter in GREEK.items() if not command.startswith("var")},
    "∂": "d", "∇": "grad ", "∫": "integral ", "√": "sqrt ", "∑": "sum ", "∞": "infinity", "ℓ": "l", "′": "'",
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "−": "-", "·": "*", "⋅": "*", "⊙": "*", "×": "x", "÷": "/",
    "±": "+-", "≈": "~=", "≠": "!=", "≥": ">=", "≤": "<=", "→": "->", "←": "<-", "⇔": "<=>", "⇒": "=>", "∈": " in ",
    "–": "-", "—": "--", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "،": ",", "؛": ";", "؟": "?", "٫": ".", "٬": ",",
    "█": "#", "▓": "%", "▒": "~", "░": "-", "●": "o", "○": "o", "◯": "o", "■": "#", "□": "#",
    "▶": ">", "►": ">", "▸": ">", "◀": "<", "◄": "<", "▲": "^", "▼": "v", "╱": "/", "╲": "\\", "╳": "X",
    **dict.fromkeys("─━═┄┅┈┉╌╍╴╶╸╺", "-"),
    **dict.fromkeys("│┃║┆┇┊┋╎╏╵╷╹╻", "|"),
}  # fmt: skip
"""What a character that is not ASCII is spelled as; what a picture is drawn with is spelled in one character."""

_ACCENTED = re.compile(rf"(?<![^\W\d_])([^\W\d_])([{''.join(ACCENTS.values())}])(?![^\W\d_])")
_NAMES = {accent: name for name, accent in ACCENTS.items()}


def transliterated(text: str) -> str:
    """Words in ASCII; a letter that stands alone under an accent is a quantity, and its accent is said.

    >>> transliterated("∂L/∂ŷ ≈ ½·10⁻⁸ — “déjà vu”, ۱۲٫۵")
    'dL/dyhat ~= 1/2*10^-8 -- "deja vu", 12.5'
    """
    if text.isascii():
        return text
    text = _ACCENTED.sub(lambda found: found[1] + _NAMES[found[2]], unicodedata.normalize("NFD", text))
    text = re.sub(f"[{''.join(RAISED)}]+", lambda run: "^" + "".join(RAISED[c] for c in run[0]), text)
    text = re.sub(f"[{''.join(LOWERED)}]+", lambda run: "_" + "".join(LOWERED[c] for c in run[0]), text)
    return "".join(character if character.isascii() else _letter(character) for character in text)


def _letter(character: str) -> str:
    """One character: by the table, else what it is made of, else a question mark."""
    if character in LETTERS:
        return LETTERS[character]
    if "\u2500" <= character <= "\u257f":
        return "+"
    if unicodedata.decimal(character, None) is not None:
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) in ("Mn", "Cf"):
        return ""
    return "".join(part for part in unicodedata.normalize("NFKD", character) if part.isascii()) or "?"


def _name(symbol: Symbol, name: str) -> str:
    """A name with every accent said; the sign of an operation, or its typed name where the sign is no word."""
    kind, _, function = name.rpartition(":")
    if kind == "operation":
        return _sign(function)
    return transliterated("".join(_NAMES.get(character, character) for character in unicodedata.normalize("NFD", symbol.text)))


def _sign(function: str) -> str:
    sign = transliterated(OPS[function].text)
    return sign if sign.isidentifier() else function


def _call(function: str, arguments: tuple[str, ...], part: int | None) -> str:
    if function == "sqrt":
        return f"sqrt({arguments[0]})"
    written = TEXT.call(function, arguments, None)
    if function in OPS and (sign := OPS[function].text):
        written = _sign(function) + written.removeprefix(sign)
    return written if part is None else f"{written}[{part + 1}]"


def _power(base: str, exponent: str) -> str:
    return f"{base}^{exponent}" if re.fullmatch(r"\w+", exponent) else f"{base}^({exponent})"


ASCII = Spelling(
    replace(
        TEXT,
        number=lambda text: text,
        name=_name,
        minus=" - ",
        dot=" * ",
        near="*",
        power=_power,
        partial=lambda of, wrt, direct: f"d{of}/d{wrt}" + ("|direct" if direct else ""),
        slanted=lambda of, wrt: f"d{of}/d{wrt}",
        second=lambda of, first, then, square: f"d2{of}/d{square or f'{first}d{then}'}",
        signal=lambda symbol: _name(symbol, ""),
        later=lambda body, updates: f"{body}@{updates}",
        call=_call,
        exponential=None,
        elementwise=" * ",
        matrix_product=" @ ",
        bracket_product=" @ ",
        transpose=lambda body: f"{body}^T",
        relations={"=": "=", ">=": ">=", "<=": "<=", ">": ">", "<": "<"},
        over=lambda operation, letters, body, sizes: TEXT.over(operation, letters, body, sizes).replace("Σ", "sum"),
        delta=lambda left, right: transliterated(TEXT.delta(left, right)),
        within=lambda place, size: f"[0 <= {place} < {size}]",
        einsum=lambda subscripts, operands: f"einsum({subscripts}; {', '.join(operands)})",
        fractions={},
    ),
    {"=": "=", "≈": "~=", "iff": "<=>", "": " "},
    "Hessian of ",
    letters=transliterated,
    lines=LINES,
)
"""Formulas in ASCII, as near to what can be typed as a page allows."""


def ascii_spelling(page: Page) -> Spelling:
    """How a page is set in ASCII.  Raises UsageError for one whose words or digits have no such letters."""
    if page.language != "en":
        raise UsageError("--ascii writes English only")
    if page.digits != "latin":
        raise UsageError("--ascii writes Latin digits only")
    return ASCII


def render_ascii(page: Page) -> str:
    """The page as plain text in ASCII."""
    return spelled_out(page, ascii_spelling(page))
