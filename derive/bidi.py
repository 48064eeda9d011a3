"""Which way words run: what in a sentence reads from left to right whatever stands around it, and which digits numbers have.

A right-to-left paragraph turns round whatever is not held together: -0.0217 comes out as 0.0217-, x = 5 as 5 = x.  So a sentence
is taken apart into runs, and each format holds those together that read from left to right.

Owns `runs`, `pieces`, `numerals`, `Setting`, `width`, and the direction marks of plain text, also of what goes on over several
lines.  May import: blocks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from derive.blocks import Page, Part, Text


@dataclass(frozen=True)
class Setting:
    """How a page is set besides the names of its quantities: the digits of its numbers, see `Page`, and which way it runs."""

    digits: str = "latin"
    right_to_left: bool = False


PLAIN = Setting()


def setting_of(page: Page) -> Setting:
    """How a page is set."""
    return Setting(page.digits, page.direction == "rtl")


# --- marks of plain text ----------------------------------------------------------------------------------------------

LEFT, RIGHT, END, TURN = "\u2066", "\u2067", "\u2069", "\u200f"
"""What opens a part that reads from left to right, one from right to left, what closes either, and what turns a whole line."""

WEIGHTLESS = re.compile("[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u200b-\u200f\u20d0-\u20ff\u2060-\u2069]")
"""Characters that take no column: accents and vowel signs, joiners, direction marks."""


_MARKS = str.maketrans("", "", "\u2066\u2067\u2068\u2069\u200e\u200f")


def width(text: str) -> int:
    """The columns a text takes: an accent stands above the letter before it, a direction mark nowhere."""
    return len(text) if text.isascii() else len(text) - len(WEIGHTLESS.findall(text))


def isolated(text: str, mark: str = LEFT) -> str:
    """The text held together, whatever stands around it."""
    return f"{mark}{text}{END}" if text else text


def without_marks(text: str) -> str:
    """The text without direction marks, for what does not know them; no column moves."""
    return text.translate(_MARKS)


def carried(lines: Iterable[str]) -> list[str]:
    r"""A text that was broken into lines, its marks in each of them: what goes on below is held together and turned there too.

    >>> [line.encode("ascii", "backslashreplace").decode() for line in carried([f"{TURN}a {LEFT}b =", f"  c{END} d"])]
    ['\\u200fa \\u2066b =\\u2069', '  \\u200f\\u2066c\\u2069 d']
    """
    found: list[str] = []
    turn, opened = "", ""
    for line in lines:
        words = line.lstrip(" ")
        before = line[: len(line) - len(words)] + (turn + opened if words else "")
        turn = TURN if not found and words.startswith(TURN) else turn
        for mark in re.findall(f"[{LEFT}{RIGHT}{END}]", words):
            opened = opened[:-1] if mark == END else opened + mark
        found.append(before + words + END * len(opened))
    return found


# --- digits -----------------------------------------------------------------------------------------------------------

DIGITS = ("latin", "persian")
"""The scripts of digits a page may have."""

_TO_LATIN = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩٫−", "01234567890123456789.-")
_TO_PERSIAN = str.maketrans("0123456789.", "۰۱۲۳۴۵۶۷۸۹٫")


def latin(number: str) -> str:
    """A number as the reader of formulas takes it: Latin digits, a point, a hyphen for minus.

    >>> latin("−۱۲٫۵")
    '-12.5'
    """
    return number.translate(_TO_LATIN)


def persian(text: str) -> str:
    """The numbers of a text that names no quantity, such as the markup of a number, in Persian digits.

    >>> persian("1.50·10^(−12)")
    '۱٫۵۰·۱۰^(−۱۲)'
    """
    return re.sub(r"[0-9]+(?:\.[0-9]+)?", lambda found: found[0].translate(_TO_PERSIAN), text)


def numerals(text: str, digits: str) -> str:
    """Words with their numbers in a script of digits; names and ids keep theirs.

    >>> numerals("w5 = -0.0217, q1-7-012-698b9a", "persian")
    'w5 = −۰٫۰۲۱۷, q1-7-012-698b9a'
    """
    if digits == "latin" and (text.isascii() or not re.search("[٠-٩۰-۹]", text)):
        return text
    told = []
    for kind, piece in pieces(text):
        if kind == "number":
            piece = latin(piece) if digits == "latin" else persian(latin(piece)).replace("-", "−")
        told.append(piece)
    return "".join(told)


# --- pieces of a text ---------------------------------------------------------------------------------------------------

_KEPT = {**{c: c for c in "-+._/@^:')]e"}, "−": "-", "±": "+", "٫": ".", "E": "e", "½": "L", **dict.fromkeys("،؛؟٪«»", "R")}


def _classes(text: str) -> str:
    """A letter for each character: L and e read to the right, R to the left, D is a digit, s space, n what goes with others."""
    found: list[str] = []
    for character in text:
        kind = unicodedata.bidirectional(character)
        if character in _KEPT:
            code = _KEPT[character]
        elif character.isdecimal():
            code = "D"
        elif kind in ("NSM", "BN") and found:
            code = found[-1]  # an accent or a joiner goes with the letter before it
        else:
            code = {"L": "L", "R": "R", "AL": "R", "AN": "R"}.get(kind, "s" if character.isspace() else "n")
        found.append(code)
    return "".join(found)


_PIECE = re.compile(
    r"(?P<number>(?<![LeD_.])(?:(?<![\])])[-+])?D+(?:\.D+)?(?:e[-+]?D+)?(?![LeD_])(?!\.D)(?!-[D]*[Le]))"
    r"|(?P<name>[LeD_]+(?:[-./@^:'][LeD_]+)*)"
    r"|(?P<words>R+)"
)


def pieces(text: str) -> list[tuple[str, str]]:
    """A text as numbers, names (any word or id in letters read from left to right), words from right to left, and what is between.

    >>> pieces("پرسش 1: w5 ≈ −0.0217")
    [('words', 'پرسش'), ('', ' '), ('number', '1'), ('', ': '), ('name', 'w5'), ('', ' ≈ '), ('number', '−0.0217')]
    """
    found: list[tuple[str, str]] = []
    last = 0
    for match in _PIECE.finditer(_classes(text)):
        start, end = match.span()
        found += [("", text[last:start])] if start > last else []
        found.append((match.lastgroup or "", text[start:end]))
        last = end
    return [*found, ("", text[last:])] if last < len(text) else found


# --- runs of a sentence -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A part of a sentence; `left` says that it reads from left to right and has to be held together."""

    parts: Text
    left: bool

    @property
    def formula(self) -> Part | None:
        """The one formula the run is, if it is just that."""
        return self.parts[0] if self.left and len(self.parts) == 1 and not isinstance(self.parts[0], str) else None


_PAIRS = {")": "(", "]": "[", "}": "{"}
_BEFORE, _AFTER = "∂∇√-−+±#", "+⁺′!%"
"""What belongs to the name or number it stands before, or behind."""


@dataclass(frozen=True)
class _Item:
    """A formula, a number or a name; words; or one character between them, of no kind."""

    part: Part
    kind: str

    @property
    def core(self) -> bool:
        return self.kind in ("formula", "number", "name")

    @property
    def opens(self) -> bool:
        return self.kind == "" and self.part in ("(", "[", "{")

    @property
    def closes(self) -> bool:
        return self.kind == "" and self.part in _PAIRS


def runs(text: Text) -> tuple[Run, ...]:
    """A sentence of a right-to-left language in runs, in the order in which they are said.

    Formulas, numbers and names with nothing but signs between them are one run; a comma, a semicolon or quotation marks of the
    language part them, and so do a full stop and a colon unless names stand on both sides.  A sentence without a word of the
    language is one run.

    >>> [(run.left, *run.parts) for run in runs(("وزن w5 = −0.4 است.",))]
    [(False, 'وزن '), (True, 'w5 = −0.4'), (False, ' است.')]
    """
    items = [item for part in text for item in _items(part)]
    if not any(item.kind == "words" for item in items):
        return _merged(_trimmed(items)) if any(item.core for item in items) else _merged([(item, False) for item in items])
    marked: list[tuple[_Item, bool]] = []
    segment: list[_Item] = []
    for item, wall in zip(items, _walls(items), strict=True):
        if wall:
            marked += [*_held(segment), (item, False)]
            segment = []
        else:
            segment.append(item)
    return _merged([*marked, *_held(segment)])


def _is_foreign(text: str) -> bool:
    """Whether a text is of several Latin words and no word from right to left."""
    return len(re.findall(r"[^\W\d_]{2,}", text)) > 1 and "R" not in _classes(text) and text == text.strip()


def _items(part: Part) -> Iterable[_Item]:
    if not isinstance(part, str):
        yield _Item(part, "formula")
        return
    if _is_foreign(part):  # a citation, a title: it reads from left to right as a whole
        yield _Item(part, "name")
        return
    for kind, piece in pieces(part):
        if kind:
            yield _Item(piece, kind)
        else:
            yield from (_Item(character, "") for character in piece)


def _walls(items: Sequence[_Item]) -> list[bool]:
    """Which items part what stands on their sides: words, brackets that words part from each other, and the end of a statement."""
    walls = [item.kind == "words" for item in items]
    opened: list[int] = []
    for place, item in enumerate(items):
        if walls[place]:
            for left in opened:
                walls[left] = True
            opened = []
        elif item.opens:
            opened.append(place)
        elif item.closes:
            if opened and items[opened[-1]].part == _PAIRS[str(item.part)]:
                opened.pop()
            else:
                walls[place] = True
    for left in opened:
        walls[left] = True
    for place, item in enumerate(items[:-1]):
        if item.kind == "" and item.part in (".", ":", ";") and items[place + 1].part == " ":
            beside = [items[k].kind for k in (place - 1, place + 2) if 0 <= k < len(items)]
            walls[place] = walls[place] or beside != ["name", "name"]
    return walls


def _held(segment: Sequence[_Item]) -> list[tuple[_Item, bool]]:
    """The items between two walls, each with whether it belongs to the run there."""
    cores = [place for place, item in enumerate(segment) if item.core]
    if not cores:
        return [(item, False) for item in segment]
    closed: dict[int, int] = {}
    opened: list[int] = []
    for place, item in enumerate(segment):
        if item.opens:
            opened.append(place)
        elif item.closes:
            closed[opened.pop()] = place
    first = cores[0]
    while first and (first - 1 in closed or str(segment[first - 1].part) in _BEFORE):
        first -= 1
    last = max([cores[-1], *(end for start, end in closed.items() if start >= first)])
    while last + 1 < len(segment) and str(segment[last + 1].part) in _AFTER:
        last += 1
    return [(item, first <= place <= last) for place, item in enumerate(segment)]


def _trimmed(items: Sequence[_Item]) -> list[tuple[_Item, bool]]:
    """All items in one run, but for the space around them."""
    inked = [place for place, item in enumerate(items) if item.part != " "]
    return [(item, inked[0] <= place <= inked[-1]) for place, item in enumerate(items)]


def _merged(marked: Sequence[tuple[_Item, bool]]) -> tuple[Run, ...]:
    found: list[tuple[list[Part], bool]] = []
    for item, left in marked:
        if not found or found[-1][1] != left:
            found.append(([], left))
        parts = found[-1][0]
        last = parts[-1] if parts else None
        if isinstance(item.part, str) and isinstance(last, str):
            parts[-1] = last + item.part
        else:
            parts.append(item.part)
    return tuple(Run(tuple(parts), left) for parts, left in found)
