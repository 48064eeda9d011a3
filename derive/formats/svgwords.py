"""Words and formulas in a picture: names as pieces of text, each as far above or below the line as it belongs.

SVG has no subscripts of its own that every browser draws, so each piece says how far it stands from the one before.

Owns `spans` and `breadth_of`.  May import: bidi, pictures, symbols, written, formats.markup, formats.mathematics, formats.text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import takewhile
from unicodedata import normalize

from derive.bidi import DIGITS, numerals
from derive.formats.markup import tag
from derive.formats.mathematics import in_digits, write
from derive.formats.text import TEXT
from derive.pictures import Words
from derive.symbols import ACCENTS, GREEK, Pen, Script, spell

UP, DOWN, UPRIGHT, END = "\ue000\ue001\ue002\ue003"
"""What stands around the marks of a name, and around letters that are upright, until its pieces are placed; no name has them."""

PEN = Pen(
    character=lambda token: GREEK.get(token[1:], "′" if token == "'" else token.replace("-", "−")),
    accent=lambda command, body, plain: normalize("NFC", plain + ACCENTS[command[1:]]),
    font=lambda command, body, plain: f"{UPRIGHT}{plain}{END}",
    scripts=lambda base, marks: base + "".join(f"{UP if sign == '^' else DOWN}{body}{END}" for sign, body in marks),
    row="".join,
)


def _call(function: str, arguments: tuple[str, ...], part: int | None) -> str:
    """The name of a function stands upright, a Greek letter does not."""
    text = TEXT.call(function, arguments, part)
    name = text.partition("(")[0]
    return f"{UPRIGHT}{name}{END}{text[len(name) :]}" if len(name) > 1 and name.isalpha() else text


def _sign(text: str) -> str:
    return f"{UPRIGHT}{text}{END}" if len(text) > 1 else text


FACE = replace(TEXT, call=_call, name=lambda symbol, name: _sign(symbol.text) if ":" in name else spell(symbol, PEN))
FACES = {digits: in_digits(FACE, digits) for digits in DIGITS}
"""The face for each script of digits."""

SMALLER = 0.72
"""How large letters above and below the line are."""


@dataclass(frozen=True)
class _Run:
    """Letters of one kind: how far below the line, how small, whether slanted; `mark` is the sign of the innermost mark."""

    text: str
    drop: float
    scale: float
    slanted: bool
    mark: str

    @property
    def width(self) -> float:
        """How wide it is in letters as high as the line, about."""
        return self.scale * sum(0.3 if letter in "[](),.′" else 0.5 for letter in self.text)


ACCENT = "\u0300-\u036f\u20d0-\u20ff"
PIECES = re.compile(rf"[{UP}{DOWN}{UPRIGHT}{END}]|(?:[^\W\d_][{ACCENT}]*)+|[^{UP}{DOWN}{UPRIGHT}{END}A-Za-z\u0370-\u03ff{ACCENT}]+")
"""Marks, letters with their accents, and anything else in a row."""


def _runs(spelled: str) -> list[_Run]:
    found: list[_Run] = []
    waiting = [(0.0, 1.0, True, "")]
    for piece in PIECES.findall(spelled):
        drop, scale, slanted, mark = waiting[-1]
        if piece in (UP, DOWN):
            waiting.append((drop + scale * (-0.4 if piece == UP else 0.25), scale * SMALLER, True, piece))
        elif piece == UPRIGHT:
            waiting.append((drop, scale, False, mark))
        elif piece == END:
            waiting.pop()
        else:
            found.append(_Run(piece, drop, scale, slanted and piece[0].isalpha(), mark))
    return found


def _all_runs(words: Words, script: Script, digits: str) -> list[_Run]:
    runs: list[_Run] = []
    for part in words:
        if isinstance(part, str):
            runs.append(_Run(numerals(part, digits), 0, 1, False, ""))
        else:
            runs += _runs(write(part, FACES[digits], script))
    return runs


def breadth_of(words: Words, script: Script, size: float, digits: str) -> float:
    """How broad words come out with letters so high, about."""
    return size * sum(run.width for run in _all_runs(words, script, digits))


def spans(words: Words, script: Script, size: float, digits: str) -> str:
    """Words and formulas as pieces; the last brings the line back."""
    runs = _all_runs(words, script, digits)
    told, drop = "", 0.0
    for place, run in enumerate(runs):
        shift, back = (run.drop - drop) * size, 0.0
        above = runs[place - 1].mark if place else ""
        if above and run.mark and above != run.mark:  # a mark below one above stands under it
            back = -size * _last_mark(runs[:place])
        classes = " ".join(("it",) * run.slanted + (("s1",) if 0.6 < run.scale < 1 else ("s2",) if run.scale < 1 else ()))
        told += tag("tspan", escape(run.text), class_=classes, dx=length(back), dy=length(shift))
        drop = run.drop
    return told + (tag("tspan", "\u2009", dy=length(-drop * size)) if drop else "")


def _last_mark(runs: Sequence[_Run]) -> float:
    """How wide the mark is that ends a name."""
    mark = runs[-1].mark
    return sum(run.width for run in takewhile(lambda run: run.mark == mark, reversed(runs)))


def length(value: float) -> str:
    """A length; "" for none."""
    return "" if abs(value) < 0.05 else f"{round(value, 1):g}"
