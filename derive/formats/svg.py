"""A picture as SVG: for a page, whose style sheet colours it, or as a file of its own.

Owns `render_svg`, `draw_svg` and `SVG_STYLE`.  No colour, style or script stands in an element: everything is a class.  May import:
blocks, pictures, symbols, written, errors, formats.mathematics, formats.text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from math import hypot
from pathlib import Path
from unicodedata import normalize

from derive.blocks import Figure, Page
from derive.errors import UsageError
from derive.formats.mathematics import write
from derive.formats.text import TEXT
from derive.pictures import Label, Mark, Picture, Point, Stroke, Unit, Words
from derive.symbols import ACCENTS, GREEK, Pen, Script, spell
from derive.written import Tree

# --- words ----------------------------------------------------------------------------------------------------------------

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


def _all_runs(words: Words, script: Script) -> list[_Run]:
    runs: list[_Run] = []
    for part in words:
        runs += [_Run(part, 0, 1, False, "")] if isinstance(part, str) else _runs(write(part, FACE, script))
    return runs


def _spans(words: Words, script: Script, size: float) -> str:
    """Words and formulas as pieces, each as far below the line as it belongs; the last piece brings the line back."""
    runs = _all_runs(words, script)
    spans, drop = "", 0.0
    for before, run in zip([None, *runs], runs, strict=False):
        shift, back = (run.drop - drop) * size, 0.0
        if before is not None and before.mark and before.mark != run.mark and run.mark:  # a mark below one above stands under it
            back = -before.width * size
        classes = " ".join(("it",) * run.slanted + (("s1",) if 0.6 < run.scale < 1 else ("s2",) if run.scale < 1 else ()))
        spans += _tag("tspan", escape(run.text), class_=classes, dx=_number(back), dy=_number(shift))
        drop = run.drop
    return spans + (_tag("tspan", "\u2009", dy=_number(-drop * size)) if drop else "")


# --- elements -------------------------------------------------------------------------------------------------------------


def _tag(name: str, body: str = "", **attributes: object) -> str:
    """An element; attributes are escaped, those that say nothing are left out."""
    said = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value != "")
    written = "".join(f' {key}="{escape(str(value))}"' for key, value in said)
    return f"<{name}{written}>{body}</{name}>" if body else f"<{name}{written}/>"


def _number(value: float) -> str:
    """A length; "" for none."""
    return "" if abs(value) < 0.05 else f"{round(value, 1):g}"


SIZES = {"unit": 15, "weight": 13, "small": 12, "value": 11, "tick": 11, "title": 13, "point": 12, "note": 12, "dots": 20}
"""How high the letters of each kind of words are."""

BEND = 14.0
"""How softly a line turns."""


@dataclass(frozen=True)
class _Drawing:
    picture: Picture
    script: Script
    interactive: bool

    def items(self) -> Iterator[str]:
        for item in self.picture.items:
            match item:
                case Stroke():
                    yield self.stroke(item)
                case Unit():
                    yield self.unit(item)
                case Label():
                    yield self.label(item)
                case Mark():
                    yield _tag("circle", cx=f"{item.x:g}", cy=f"{item.y:g}", r="4", class_=f"mark {item.kind}", data_key=item.key)

    def stroke(self, stroke: Stroke) -> str:
        """A line; where it can be clicked, a broader one that is not seen takes the click."""
        d = _path(stroke.points, stroke.kind in ("edge", "loop")) + ("Z" if stroke.filled else "")
        if stroke.kind not in ("edge", "loop"):
            return _tag("path", d=d, class_=stroke.kind)
        drawn = _tag("path", d=d, class_="line") + (_tag("path", d=_head(stroke.points), class_="head") if stroke.arrow else "")
        labelled = any(isinstance(item, Label) and item.edge == stroke.edge for item in self.picture.items)
        if self.interactive and stroke.key:
            drawn = _tag("path", d=d, class_="hit") + drawn
        return self.group(drawn, stroke.kind, stroke.key, stroke.edge, reached=not labelled)

    def unit(self, unit: Unit) -> str:
        """A unit with its words; each further quantity it stands for has a group around it."""
        half = unit.width / 2
        box = {"x": unit.x - half, "y": unit.y - unit.radius, "width": unit.width, "height": 2 * unit.radius, "rx": unit.radius}
        words = _tag("rect", class_="body", **{key: f"{value:g}" for key, value in box.items()})
        size, low = (SIZES["small"], SIZES["value"] - 1) if unit.small else (SIZES["unit"], SIZES["value"])
        name = _tag("tspan", _spans((unit.name,), self.script, size), class_="name")
        under = self.under(unit.value, unit.shape, low)
        if unit.small or not under:
            words += self.text(name + under, unit.x, unit.y, size, "small" if unit.small else "")
        else:
            words += self.text(name, unit.x, unit.y - 8, size) + self.text(under.replace(' dx="5"', ""), unit.x, unit.y + 11, low)
        told = self.group(words, f"unit {unit.kind}", unit.key, "", unit.name, unit.value)
        for key in unit.also:
            told = _tag("g", told, data_key=key, data_path=" ".join(self.picture.paths.get(key, ())) if self.interactive else "")
        return told

    def label(self, label: Label) -> str:
        """Words, on a ground that hides lines behind them where they are a weight's."""
        size, words = SIZES[label.kind], ""
        if label.kind in ("weight", "point"):
            width = min(label.width, self.width(label))
            left = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
            box = {"x": left, "y": label.y - label.height / 2, "width": width, "height": label.height, "rx": 3}
            words = _tag("rect", class_="ground", **{key: f"{value:g}" for key, value in box.items()})
        if label.kind != "weight":
            return words + self.text(_spans(label.text, self.script, size), label.x, label.y, size, label.kind, label.anchor)
        name = _tag("tspan", _spans(label.text, self.script, size), class_="name")
        words += self.text(name + self.under(label.value, label.shape, SIZES["value"]), label.x, label.y, size)
        (tree,) = label.text
        assert not isinstance(tree, str)
        return self.group(words, "weight", label.key, label.edge, tree, label.value)

    def width(self, label: Label) -> float:
        """How wide a weight's words come out, about."""
        under: Words = (label.value,) if label.value is not None else label.shape
        parts = ((label.text, SIZES[label.kind]), (under, SIZES["value"]))
        return 8 + 5 * bool(under) + sum(run.width * size for words, size in parts for run in _all_runs(words, self.script))

    def under(self, value: Tree | None, shape: Words, size: float) -> str:
        """A value or a shape."""
        words: Words = (value,) if value is not None else shape
        kind = "value" if value is not None else "shape"
        return _tag("tspan", _spans(words, self.script, size), class_=kind, dx="5") if words else ""

    @staticmethod
    def text(spans: str, x: float, y: float, size: float, kind: str = "", anchor: str = "middle") -> str:
        """A text whose letters stand around the height y."""
        return _tag("text", spans, x=f"{x:g}", y=f"{round(y + 0.33 * size, 1):g}", class_=kind, text_anchor=anchor)

    def group(
        self, body: str, kind: str, key: str, edge: str, name: Tree | None = None, value: Tree | None = None, reached: bool = True
    ) -> str:
        """What belongs to one quantity or edge; an interactive one is a button that knows its name and the edges of its path."""
        more: dict[str, str] = {}
        if self.interactive and key:
            told = write(name, TEXT, self.script) if name is not None else self.script.symbol(key).text
            said = told if value is None else f"{told} = {write(value, TEXT, self.script)}"
            more = {"data_name": told, "data_path": " ".join(self.picture.paths.get(key, ())), "tabindex": "0" if reached else "-1"}
            more |= {"role": "button", "aria_pressed": "false", "aria_label": said}
        return _tag("g", body, class_=kind, data_key=key, data_edge=edge, **more)


def _path(points: Sequence[Point], soft: bool) -> str:
    """The points joined; a soft line turns in a curve."""
    d = f"M{points[0][0]:g} {points[0][1]:g}"
    for before, point, after in zip(points, points[1:], points[2:], strict=False):
        if soft:
            (x, y), (x1, y1) = _towards(point, before), _towards(point, after)
            d += f"L{x:g} {y:g}Q{point[0]:g} {point[1]:g} {x1:g} {y1:g}"
        else:
            d += f"L{point[0]:g} {point[1]:g}"
    return d + (f"L{points[-1][0]:g} {points[-1][1]:g}" if len(points) > 1 else "")


def _towards(point: Point, other: Point) -> Point:
    """A point on the way from one to another, where a curve begins or ends."""
    part = min(0.5, BEND / (hypot(other[0] - point[0], other[1] - point[1]) or 1))
    return round(point[0] + part * (other[0] - point[0]), 1), round(point[1] + part * (other[1] - point[1]), 1)


def _head(points: Sequence[Point]) -> str:
    """The head of an arrow at the end of a line."""
    (x0, y0), (x, y) = points[-2:]
    length = hypot(x - x0, y - y0) or 1
    ux, uy = (x - x0) / length, (y - y0) / length
    corners = [(x, y), *((x - 9 * ux + side * 4 * uy, y - 9 * uy - side * 4 * ux) for side in (1, -1))]
    return "M" + "L".join(f"{round(a, 1):g} {round(b, 1):g}" for a, b in corners) + "Z"


# --- drawings -------------------------------------------------------------------------------------------------------------

SVG_STYLE = (Path(__file__).parent / "picture.css").read_text(encoding="utf-8")
"""The style of every picture."""

LIGHT = {"ink": "#1c1f24", "soft": "#5a616b", "line": "#dcd8cf", "card": "#fff"}
LIGHT |= {"accent": "#0a5ea8", "glow": "#fff3c9", "lit": "#b3410e"}
DARK = {"ink": "#e7e4dc", "soft": "#a9afb8", "line": "#363b43", "card": "#1d2025"}
DARK |= {"accent": "#7db7f0", "glow": "#4a3d12", "lit": "#ff9a62"}
"""The colours of a picture that is a file of its own."""


def _colours(colours: Mapping[str, str]) -> str:
    return f"svg.picture {{ background: var(--card); {' '.join(f'--{name}: {colour};' for name, colour in colours.items())} }}"


ALONE = f"""{_colours(LIGHT)}
@media (prefers-color-scheme: dark) {{ {_colours(DARK)} }}
@media print {{ {_colours(LIGHT)} }}
"""


def draw_svg(picture: Picture, script: Script, interactive: bool = False, alone: bool = False) -> str:
    """A picture as one element; an `interactive` one has a button for each quantity, one `alone` brings its style with it."""
    width, height = f"{picture.width:g}", f"{picture.height:g}"
    head = _tag("title", escape(picture.alt)) + (_tag("style", SVG_STYLE + ALONE) if alone else "")
    told = {"role": "group", "aria_label": picture.alt} if interactive else {"role": "img"}
    size = {"viewBox": f"0 0 {width} {height}", "width": width, "height": height}
    named = {"xmlns": "http://www.w3.org/2000/svg"} if alone else {}
    return _tag("svg", head + "".join(_Drawing(picture, script, interactive).items()), **named, class_="picture", **size, **told)


def render_svg(page: Page) -> str:
    """The first picture of a page as a file.  Raises UsageError for a page without one."""
    for block in page.blocks:
        if isinstance(block, Figure):
            return draw_svg(block.picture, page.script, alone=True) + "\n"
    raise UsageError("there is no picture of this; --format svg is for networks and decisions that can be drawn")
