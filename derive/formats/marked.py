"""A page with marks in place of its numbers, taken apart so that numbers can be put in quickly.

Owns `Strings`, the marks, and the columns of text that numbers of other lengths move.  May import: blocks, exercises.nearly,
formats.text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from derive.bidi import setting_of, width
from derive.blocks import Block, Equations, Page, Table
from derive.exercises.nearly import Undecided
from derive.formats.text import REASON_COLUMN, aligned_cells, aligned_lines, equation_lines, render_text, table_cells

STRANGE = re.compile(r"0\.7770\d{4}0777|777000777777-777|[\x00\x01]")
"""What no page may hold of itself if it is to be taken apart."""

_MARK = re.compile(r"0\.7770(\d{4})0777|(777000777777-777)")
SEED, NUMBER = 777000777777, 777


def mark(place: int) -> str:
    """The digits that stand for the number at a place.

    >>> mark(12)
    '0.777000120777'
    """
    return f"0.7770{place:04d}0777"


Gaps = Mapping[tuple[bool, bool, str], str]


@dataclass(frozen=True)
class Strings:
    """A text with marks in it, taken apart: the places of the marks, and the gaps before them; `end` stands behind the last.

    What a gap holds depends on the signs of the numbers at its sides (brackets) and on the relation before the number.  `usual` are
    the gaps with positive numbers behind ≈, numbers left out; `beside` are the gaps that touch a mark.
    """

    places: tuple[int, ...]
    gaps: tuple[Gaps, ...]
    end: Mapping[bool, str]
    usual: tuple[str, ...]
    beside: Mapping[int, tuple[int, ...]]

    def filled(self, texts: Sequence[str], minus: Sequence[int], equal: Sequence[int]) -> str:
        """The text with numbers in place of the marks; `minus` are the marks below 0, `equal` those behind =."""
        parts = list(self.usual)
        parts[1::2] = [texts[place] for place in self.places]
        negative, exact, places, gaps = set(minus), set(equal), self.places, self.gaps
        for mark in (*minus, *equal):
            for k in self.beside.get(mark, ()):
                before = k > 0 and places[k - 1] in negative
                if k < len(places):
                    here = places[k]
                    parts[2 * k] = gaps[k][before, here in negative, "=" if here in exact else "≈"]
                else:
                    parts[2 * k] = self.end[before]
        return "".join(parts)


def strings_of(versions: Sequence[tuple[Callable[[int], bool], str, str]]) -> Strings:
    """One text in all its versions, taken apart."""
    places, _ = split_marks(versions[0][2])
    gaps: list[dict[tuple[bool, bool, str], str]] = [{} for _ in places]
    end: dict[bool, str] = {}
    for minus, relation, text in versions:
        found, between = split_marks(text)
        if found != places:
            raise Undecided
        before = False
        for k, place in enumerate(places):
            here = place >= 0 and minus(place)
            if gaps[k].setdefault((before, here, relation), between[k]) != between[k]:
                raise Undecided
            before = here
        if end.setdefault(before, between[-1]) != between[-1]:
            raise Undecided
    usual = [part for gap in gaps for part in (gap[False, False, "≈"], "")]
    beside: dict[int, list[int]] = {}
    for k, place in enumerate(places):
        beside.setdefault(place, []).extend((k, k + 1))
    near = {place: tuple(dict.fromkeys(both)) for place, both in beside.items()}
    return Strings(tuple(places), tuple(gaps), end, (*usual, end[False]), near)


def split_marks(text: str) -> tuple[list[int], list[str]]:
    """The places of the marks in a text, −1 for the paper's id, and the gaps around them."""
    places, between, last = [], [], 0
    for found in _MARK.finditer(text):
        places.append(-1 if found[2] else int(found[1]))
        between.append(text[last : found.start()])
        last = found.end()
    return places, [*between, text[last:]]


BREAK, CELL = "\x00", "\x01"
"""What stands before a part with columns and between the cells of a table; no page holds either."""


@dataclass(frozen=True)
class Chain:
    """The lines of a chain with reasons, whose column depends on how long the lines with numbers below them come out."""

    lines: tuple[tuple[str, str], ...]
    drawn: dict[int, str]

    def headed(self, tail: str) -> str:
        """The chain, its lines with numbers given (and what stands behind it, after an empty line)."""
        longest = max(map(width, tail[: tail.index("\n\n")].split("\n"))) - 2
        if longest not in self.drawn:
            lines = list(aligned_lines([*self.lines, ("x" * longest, "")]))
            self.drawn[longest] = "".join(f"{line}\n" for line in lines[:-1])
        return self.drawn[longest] + tail


def alignment(block: Block, page: Page) -> list[Chain | None]:
    """What has to be aligned anew in a block for each variant: a chain, a table (None), or nothing."""
    if isinstance(block, Table):
        return [None] if _MARK.search(_unaligned(block, page)) else []
    if isinstance(block, Equations):
        lines = equation_lines(block, page.script, setting_of(page))
        static = [(line, reason) for line, reason in lines if not _MARK.search(line)]
        if (
            any(_MARK.search(reason) for _, reason in lines)
            or lines[: len(static)] != static
            or any(r for _, r in lines[len(static) :])
        ):
            if 1 < len(lines) > len(static) and any(reason for _, reason in lines):
                raise Undecided
            return []
        return [Chain(tuple(static), {})] if _moves(lines, static) else []
    return []


def joined(page: Page, chains: Sequence[Chain | None]) -> str:
    """A page of text; where nothing has to be aligned, it ends as it should."""
    text = "".join(_unaligned(block, page) for block in page.blocks)
    return text if chains else text.rstrip("\n") + "\n"


def _moves(lines: Sequence[tuple[str, str]], static: Sequence[tuple[str, str]]) -> bool:
    """Whether the column of reasons depends on the lines with numbers."""
    reasons = any(reason for _, reason in static)
    return reasons and 0 < len(static) < len(lines) and max(width(line) for line, _ in static) < REASON_COLUMN


def _unaligned(block: Block, page: Page) -> str:
    """A block of text with `BREAK` where `_alignment` has something to align."""
    if isinstance(block, Table):
        cells = table_cells(block, page.script, setting_of(page))
        if not any(_MARK.search(cell) for row in cells for cell in row):
            return "".join(f"{line}\n" for line in (*aligned_cells(cells), ""))
        return BREAK + "\n".join(CELL.join(row) for row in cells) + "\n\n"
    if isinstance(block, Equations):
        lines = equation_lines(block, page.script, setting_of(page))
        static = [pair for pair in lines if not _MARK.search(pair[0])]
        if _moves(lines, static):
            return BREAK + "".join(f"  {line}\n" for line, _ in lines[len(static) :]) + "\n"
        return "".join(f"{line}\n" for line in (*aligned_lines(lines), ""))
    text = render_text(replace(page, blocks=(block,)))
    return f"{text}\n" if text.strip() else ""  # a picture that text leaves out


def _table(piece: str) -> str:
    """The rows of a table aligned, and what stands behind them."""
    rows, gap, rest = piece.partition("\n\n")
    return "\n".join(aligned_cells([row.split(CELL) for row in rows.split("\n")])) + gap + rest


def assembled(text: str, chains: Sequence[Chain | None]) -> str:
    """A page with its columns aligned."""
    if not chains:
        return text
    drawn, *pieces = text.split(BREAK)
    parts = [drawn]
    for chain, piece in zip(chains, pieces, strict=True):
        parts.append(_table(piece) if chain is None else chain.headed(piece))
    return "".join(parts).rstrip("\n") + "\n"
