"""A picture as SVG: for a page, whose style sheet colours it, or as a file of its own.

Owns `render_svg`, `draw_svg` and `SVG_STYLE`.  No colour, style or script stands in an element: everything is a class.  May import:
blocks, bidi, pictures, symbols, written, errors, formats.mathematics, formats.text, formats.svgwords.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import hypot
from pathlib import Path
from unicodedata import bidirectional

from derive.bidi import numerals
from derive.blocks import Figure, Page
from derive.errors import UsageError
from derive.formats.markup import tag
from derive.formats.mathematics import write
from derive.formats.svgwords import breadth_of, spans
from derive.formats.text import FACES
from derive.pictures import Label, Mark, Picture, Point, Stroke, Unit, Words
from derive.symbols import Script
from derive.written import Tree

SIZES = {"unit": 15, "weight": 13, "small": 12, "value": 11, "tick": 11, "title": 13, "point": 12, "note": 12, "dots": 20}
"""How high the letters of each kind of words are."""

BEND = 14.0
"""How softly a line turns."""


@dataclass(frozen=True)
class _Drawing:
    picture: Picture
    script: Script
    interactive: bool
    digits: str

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
                    yield tag("circle", cx=f"{item.x:g}", cy=f"{item.y:g}", r="4", class_=f"mark {item.kind}", data_key=item.key)

    def stroke(self, stroke: Stroke) -> str:
        """A line; where it can be clicked, a broader one that is not seen takes the click."""
        d = _path(stroke.points, stroke.kind in ("edge", "loop")) + ("Z" if stroke.filled else "")
        if stroke.kind not in ("edge", "loop"):
            return tag("path", d=d, class_=stroke.kind)
        drawn = tag("path", d=d, class_="line") + (tag("path", d=_head(stroke.points), class_="head") if stroke.arrow else "")
        labelled = any(isinstance(item, Label) and item.edge == stroke.edge for item in self.picture.items)
        if self.interactive and stroke.key:
            drawn = tag("path", d=d, class_="hit") + drawn
        return self.group(drawn, stroke.kind, stroke.key, stroke.edge, reached=not labelled)

    def unit(self, unit: Unit) -> str:
        """A unit with its words; each further quantity it stands for has a group around it."""
        half = unit.width / 2
        box = {"x": unit.x - half, "y": unit.y - unit.radius, "width": unit.width, "height": 2 * unit.radius, "rx": unit.radius}
        words = tag("rect", class_="body", **{key: f"{value:g}" for key, value in box.items()})
        size, low = (SIZES["small"], SIZES["value"] - 1) if unit.small else (SIZES["unit"], SIZES["value"])
        name = tag("tspan", self.spans((unit.name,), size), class_="name")
        under = self.under(unit.value, unit.shape, low)
        if unit.small or not under:
            words += self.text(name + under, unit.x, unit.y, size, "small" if unit.small else "")
        else:
            words += self.text(name, unit.x, unit.y - 8, size) + self.text(under.replace(' dx="5"', ""), unit.x, unit.y + 11, low)
        told = self.group(words, f"unit {unit.kind}", unit.key, "", unit.name, unit.value)
        for key in unit.also:
            told = tag("g", told, data_key=key, data_path=" ".join(self.picture.paths.get(key, ())) if self.interactive else "")
        return told

    def label(self, label: Label) -> str:
        """Words, on a ground that hides lines behind them where they are a weight's."""
        size, words = SIZES[label.kind], ""
        if label.kind in ("weight", "point"):
            width = min(label.width, self.width(label))
            left = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
            box = {"x": left, "y": label.y - label.height / 2, "width": width, "height": label.height, "rx": 3}
            words = tag("rect", class_="ground", **{key: f"{value:g}" for key, value in box.items()})
        if label.kind != "weight":
            return words + self.text(self.spans(label.text, size), label.x, label.y, size, label.kind, label.anchor)
        name = tag("tspan", self.spans(label.text, size), class_="name")
        words += self.text(name + self.under(label.value, label.shape, SIZES["value"]), label.x, label.y, size)
        (tree,) = label.text
        assert not isinstance(tree, str)
        return self.group(words, "weight", label.key, label.edge, tree, label.value)

    def width(self, label: Label) -> float:
        """How wide a label's words come out, about."""
        under: Words = (label.value,) if label.value is not None else label.shape
        parts = ((label.text, SIZES[label.kind]), (under, SIZES["value"]))
        return 8 + 5 * bool(under) + sum(breadth_of(words, self.script, size, self.digits) for words, size in parts)

    def spans(self, words: Words, size: float) -> str:
        """Words and formulas as pieces of a text."""
        return spans(words, self.script, size, self.digits)

    def under(self, value: Tree | None, shape: Words, size: float) -> str:
        """A value or a shape."""
        words: Words = (value,) if value is not None else shape
        kind = "value" if value is not None else "shape"
        return tag("tspan", self.spans(words, size), class_=kind, dx="5") if words else ""

    @staticmethod
    def text(told: str, x: float, y: float, size: float, kind: str = "", anchor: str = "middle") -> str:
        """A text whose letters stand around the height y; one from right to left has its start at the right."""
        turned = any(bidirectional(letter) in ("R", "AL") for letter in told)
        anchor = {"start": "end", "end": "start"}.get(anchor, anchor) if turned else anchor
        place = {"x": f"{x:g}", "y": f"{round(y + 0.33 * size, 1):g}", "text_anchor": anchor}
        return tag("text", told, class_=kind, direction="rtl" if turned else "", **place)

    def group(
        self, body: str, kind: str, key: str, edge: str, name: Tree | None = None, value: Tree | None = None, reached: bool = True
    ) -> str:
        """What belongs to one quantity or edge; an interactive one is a button that knows its name and the edges of its path."""
        more: dict[str, str] = {}
        if self.interactive and key:
            face = FACES[self.digits]
            told = write(name, face, self.script) if name is not None else self.script.symbol(key).text
            said = told if value is None else f"{told} = {write(value, face, self.script)}"
            more = {"data_name": told, "data_path": " ".join(self.picture.paths.get(key, ())), "tabindex": "0" if reached else "-1"}
            more |= {"role": "button", "aria_pressed": "false", "aria_label": said}
        return tag("g", body, class_=kind, data_key=key, data_edge=edge, **more)


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


def draw_svg(picture: Picture, script: Script, interactive: bool = False, alone: bool = False, digits: str = "latin") -> str:
    """A picture as one element; an `interactive` one has a button for each quantity with a path, one `alone` its style."""
    interactive = interactive and bool(picture.paths)
    alt = numerals(picture.alt, digits)
    width, height = f"{picture.width:g}", f"{picture.height:g}"
    head = tag("title", escape(alt)) + (tag("style", SVG_STYLE + ALONE) if alone else "")
    told = {"role": "group", "aria_label": alt} if interactive else {"role": "img"}
    size = {"viewBox": f"0 0 {width} {height}", "width": width, "height": height}
    named = {"xmlns": "http://www.w3.org/2000/svg"} if alone else {}
    body = head + "".join(_Drawing(picture, script, interactive, digits).items())
    return tag("svg", body, **named, class_="picture", **size, **told)


def render_svg(page: Page) -> str:
    """The first picture of a page as a file.  Raises UsageError for a page without one."""
    for block in page.blocks:
        if isinstance(block, Figure):
            return draw_svg(block.picture, page.script, alone=True, digits=page.digits) + "\n"
    raise UsageError("there is no picture of this; --format svg is for networks and decisions that can be drawn")
