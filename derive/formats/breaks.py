"""Lines that are broader than the terminal, broken where that leaves them true.

Owns `broken` and `wrapped`.  A formula goes on below itself with an operator, never within a name or a number; what does not fit
even so is left to the terminal.  May import: formats.text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from derive.bidi import width

RELATIONS = ("=", "≈", "⇔", "≥", "≤", ">", "<", "~=", "<=>", ">=", "<=")
TERMS, FACTORS = ("+", "−", "-"), ("·", "⊙", "*", "@")
OPERATORS = {**dict.fromkeys(RELATIONS, 0), **dict.fromkeys(TERMS, 1), **dict.fromkeys(FACTORS, 2)}
"""What a line may begin with, and how bad that is beside the others."""

TIGHT, NO_OPERATOR = 3, 4
"""Worse still: before a factor written close behind a bracket, and before something that is no operator."""

_CLOSE = re.compile(r"[\])](?=[·*])")


def broken(text: str, room: int, indent: int) -> list[str]:
    """A formula over as many lines as it takes; all but the first begin with `indent` spaces.

    >>> broken("∂L/∂w5 = (y1 − t1) · y1(1 − y1) · h1", 20, 4)
    ['∂L/∂w5 = (y1 − t1)', '    · y1(1 − y1)', '    · h1']
    """
    lines: list[str] = []
    rest, before = text, ""
    while width(before + rest) > room:
        at = _best(list(_breaks(rest)), room - len(before))
        if at is None:
            break
        lines.append((before + rest[:at]).rstrip())
        rest, before = rest[at:].lstrip(), " " * indent
    return [*lines, before + rest]


def _breaks(text: str) -> Iterator[tuple[int, tuple[int, int]]]:
    """The places at which a formula may go on below, each with how bad that is: how deep in brackets, and before what."""
    depth = place = 0
    for token in text.split(" "):
        before = text[: max(place - 1, 0)]
        if token not in ("", "]") and before.strip() and before.split(" ")[-1] not in (*OPERATORS, "["):
            kind = 0 if before.endswith(",") else OPERATORS.get(token, NO_OPERATOR)
            yield place - 1, (depth + NO_OPERATOR * (kind == NO_OPERATOR), kind)
        for close in _CLOSE.finditer(token):
            yield place + close.end(), (depth + _depth(token[: close.end()]), TIGHT)
        depth += _depth(token)
        place += len(token) + 1


def _depth(text: str) -> int:
    """How many brackets more a text opens than it closes."""
    return sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))


def _best(breaks: list[tuple[int, tuple[int, int]]], room: int) -> int | None:
    """Of the breaks within reach the best, the last of equals, and not at the very beginning if there is another."""
    near = [(badness, -at) for at, badness in breaks if at <= room]
    late = [found for found in near if -found[1] > room // 3] or near
    return -min(late)[1] if late else min((at for at, _ in breaks), default=None)


def wrapped(text: str, room: int, indent: int = 0) -> list[str]:
    """Words over as many lines as it takes, broken at spaces only; all but the first begin with `indent` spaces.

    What an operator joins stays together where it fits on a line.

    >>> wrapped("the weight w5 = 0.40 and one more", 15, 2)
    ['the weight', '  w5 = 0.40 and', '  one more']
    """
    lines: list[str] = []
    line = ""
    for chunk in _chunks(text, room - indent):
        longer = f"{line} {chunk}" if line.strip() else line + chunk
        if width(longer) > room and line.strip():
            lines.append(line)
            longer = " " * indent + chunk
        line = longer
    return [*lines, line]


def _chunks(text: str, room: int) -> list[str]:
    """The words of a text, those at the sides of an operator joined with it, and what is in a box with its sides."""
    chunks: list[str] = []
    before = ""
    for word in text.split(" "):
        joined = f"{chunks[-1]} {word}" if chunks and (word in (*OPERATORS, "]") or before in (*OPERATORS, "[")) else ""
        if joined and width(joined) <= room:
            chunks[-1] = joined
        else:
            chunks.append(word)
        before = word
    return chunks


def broken_pair(upper: str, lower: str, room: int, indent: int) -> list[str]:
    """A formula with a line of shapes below it: both are broken in the same columns.

    >>> broken_pair("∂L/∂Z  Xᵀ     + S", "(m, N) (N, d)", 8, 1)
    ['∂L/∂Z', '(m, N)', ' Xᵀ', ' (N, d)', ' + S']
    """
    lines: list[str] = []
    before = ""
    while True:
        upper, lower = upper.ljust(len(lower)), lower.ljust(len(upper))
        free = [at for at in range(1, len(upper)) if _is_gap(upper, lower, at)]
        within = [at for at in free if at <= room - len(before)]
        fits = max(width(upper.rstrip()), len(lower.rstrip())) <= room - len(before)
        at = len(upper) if fits or not free else within[-1] if within else free[0]
        lines += [line for part in (upper, lower) if (line := (before + part[:at]).rstrip())]
        if at == len(upper):
            return lines
        upper, lower, before = upper[at + 1 :], lower[at + 1 :], " " * indent


def _is_gap(upper: str, lower: str, at: int) -> bool:
    """Whether nothing stands in a column, no bracket of a shape is open there, and no operator has just been written."""
    left = lower[:at]
    alone = upper[at] == lower[at] == " " and left.count("(") == left.count(")")
    return alone and bool(upper[:at].strip()) and upper[:at].split()[-1] not in OPERATORS and bool(upper[at:].strip())
