"""What an HTML page hides and shows without a script: how deep each step is shown, and symbols or numbers.

Owns `SHOWS`, `first_rows`, `rounded_rows`, `is_rounded`, and what a page brings along: `style`, `typeface` and `program`.  May
import: blocks, formats.svg.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from derive.blocks import LEVELS, RIGHT_TO_LEFT, Row
from derive.formats.svg import SVG_STYLE

SHOWS = {"both": "a", "symbols": "y", "numbers": "n"}
"""What the switch shows, and the letter of each in the marks of rows."""


def _views(rows: Sequence[Row]) -> Iterator[tuple[str, list[int]]]:
    """Each way a chain can be shown, with the rows that are then visible."""
    numbered = any(row.numeric for row in rows)
    for level, deep in LEVELS.items():
        for show, letter in SHOWS.items():
            hidden = {"both": None, "symbols": True, "numbers": False if numbered else None}[show]
            yield level[0] + letter, [k for k, row in enumerate(rows) if row.depth <= deep and row.numeric is not hidden]


def first_rows(rows: Sequence[Row]) -> list[str]:
    """For each row that has no left side of its own, the views in which it is the first and needs one."""
    found: list[list[str]] = [[] for _ in rows]
    for view, seen in _views(rows):
        if seen and rows[seen[0]].left is None:
            found[seen[0]].append(view)
    return list(map(" ".join, found))


def rounded_rows(rows: Sequence[Row]) -> list[str]:
    """For each row with an =, the views in which rows before it are folded away and one of them was a rounding."""
    found: list[list[str]] = [[] for _ in rows]
    for view, seen in _views(rows):
        for before, place in zip([-1, *seen], seen, strict=False):
            if rows[place].relation == "=" and rows[place].left is None and is_rounded(rows[before + 1 : place]):
                found[place].append(view)
    return list(map(" ".join, found))


def is_rounded(rows: Sequence[Row]) -> bool:
    """Whether a rounding stands in some rows."""
    return any(row.relation == "≈" for row in rows)


HIDDEN = {"symbols": ".numeric, svg .value", "numbers": ".numbered > .symbolic, svg .name:has(+ .value)"}
"""What each side of the switch hides."""


@cache
def style() -> str:
    """The style sheet: `page.css`, that of pictures, and what each level and each side of the switch hides and shows."""
    rules = [(Path(__file__).parent / "page.css").read_text(encoding="utf-8"), SVG_STYLE]
    rules += [f".derive{_chosen('show', show)} :is({hidden}) {{ display: none; }}" for show, hidden in HIDDEN.items()]
    for level, deep in LEVELS.items():
        deeper = [f".d{depth}" for depth in LEVELS.values() if depth > deep]
        rules += [f"{scope} :is({', '.join(deeper)}) {{ display: none; }}" for scope in _steps(level) if deeper]
        for show, letter in SHOWS.items():
            view = level[0] + letter
            for scope in _steps(level, _chosen("show", show)):
                rules.append(f"{scope} [data-first~={view}] > .left {{ visibility: visible; height: auto; }}")
                rules.append(f"{scope} [data-folded~={view}] .plain {{ display: none; }}")
                rules.append(f"{scope} [data-folded~={view}] .folded {{ display: block math; }}")
    return "\n".join(rules) + "\n"


def _chosen(switch: str, value: str) -> str:
    return f":has([data-switch={switch}] [value={value}]:checked)"


def _steps(level: str, condition: str = "") -> tuple[str, str]:
    """The steps shown at a level: because the whole page is, or because their own button says so."""
    return (
        f".derive{condition}{_chosen('level', level)} .step:not([data-level])",
        f".derive{condition} .step[data-level={level}]",
    )


@cache
def typeface(language: str) -> str:
    """The typeface of a language that not every machine has letters for, inside the page: Vazirmatn, for Persian."""
    if language not in RIGHT_TO_LEFT:
        return ""
    rules = ""
    for name, weight in (("Regular", 400), ("Bold", 700)):
        font = (Path(__file__).parent.parent / "fonts" / f"Vazirmatn-NL-{name}.woff2").read_bytes()
        source = f"url(data:font/woff2;base64,{base64.b64encode(font).decode()}) format('woff2')"
        rules += f"@font-face {{ font-family: Vazirmatn; font-weight: {weight}; src: {source}; }}\n"
    return rules


@cache
def program() -> str:
    """The script."""
    return (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
