r"""Blocks and sentences as HTML with formulas in TeX, `\(…\)`: what learning platforms show with MathJax.

Owns `literal`, `in_ascii`, `math`, `sentence` and `paragraphs`.  Nothing that somebody typed is a formula, a place to answer in, or
a tag there.  May import: bidi, blocks, symbols, formats.latex, formats.markdown, formats.markup, formats.svg.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterable
from html import escape

from derive.bidi import Run, runs
from derive.blocks import Blank, Block, Equations, Figure, Heading, Matrix, Part, Prose, Shown, Table, Text
from derive.formats.latex import ZWNJ, inline, matrix
from derive.formats.markdown import aligned
from derive.formats.markup import tag
from derive.formats.svg import draw_svg
from derive.symbols import Script

JOINER = "&#8288;"
"""A word joiner: it has no width, and parts a backslash from the bracket that would begin a formula."""

_GUARDED = {"\\": "&#92;" + JOINER, "$": "&#36;" + JOINER}
_GUARDED |= {character: f"&#{ord(character)};" for character in "{}[]@#~`"}
"""Characters by which some platform begins a formula, a gap, a value or a file, as entities."""


def literal(text: str) -> str:
    r"""Text as it stands: no tag, no formula, no gap; digits are ASCII.

    >>> literal(r"a<b {1:NM:=5} \(x\) ۴")
    'a&lt;b &#123;1:NM:=5&#125; &#92;&#8288;(x&#92;&#8288;) 4'
    """
    shown = "".join(character if character.isprintable() or character == ZWNJ else " " for character in in_ascii(text))
    return "".join(_GUARDED.get(character) or escape(character) for character in shown)


def in_ascii(text: str) -> str:
    """Text with its digits in ASCII, whatever script they are of.

    >>> in_ascii("پرسش ۱")
    'پرسش 1'
    """
    return text if text.isascii() else "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def tex(formula: str) -> str:
    """TeX among HTML; nothing in it looks like a gap or a value of a platform."""
    return escape(re.sub(r"([{\[])(?=[@#\[]|\d*:)", r"\1 ", formula), quote=False)


def math(shown: Shown, script: Script) -> str:
    """A formula among words."""
    return "\\(" + tex(inline(shown, script)) + "\\)"


def sentence(parts: Text, script: Script, right_to_left: bool = False) -> str:
    """A sentence with its formulas; from right to left, what reads from left to right in it is held together."""
    held = runs(parts) if right_to_left else (Run(parts, left=False),)
    written = ""
    for run in held:
        said = "".join(_part(part, script) for part in run.parts)
        written += tag("bdi", said, dir="ltr") if run.left else said
    return written


def _part(part: Part, script: Script) -> str:
    if isinstance(part, Blank):
        return "____"
    return literal(part) if isinstance(part, str) else math(part, script)


def paragraphs(blocks: Iterable[Block], script: Script, right_to_left: bool = False, pictures: bool = True) -> str:
    """The blocks one after the other; pictures are left out where they are not wanted."""
    return "\n".join(_written(blocks, script, right_to_left, pictures))


def _written(blocks: Iterable[Block], script: Script, right_to_left: bool, pictures: bool) -> Iterable[str]:
    def said(parts: Text) -> str:
        return sentence(parts, script, right_to_left)

    for block in blocks:
        match block:
            case Heading(_, text):
                yield tag("h4", said((text,)))
            case Prose(parts):
                yield tag("p", said(parts))
            case Equations():
                yield tag("div", "\\[" + tex(aligned(block, script)) + "\\]", dir="ltr")
            case Matrix():
                yield tag("div", "\\[" + tex(matrix(block, script)) + "\\]", dir="ltr")
            case Table():
                head = tag("tr", "".join(tag("th", said((name,)), scope="col") for name in block.head))
                body = "".join(tag("tr", "".join(tag("td", said(cell)) for cell in row)) for row in block.rows)
                yield tag("table", tag("thead", head) + tag("tbody", body))
            case Figure() if pictures:
                yield _picture(block, script, said(block.caption))


def _picture(figure: Figure, script: Script, caption: str) -> str:
    """A picture inside the page, as a file that no platform has to keep."""
    drawn = base64.b64encode(draw_svg(figure.picture, script, alone=True).encode()).decode()
    image = f'<img alt="{literal(figure.picture.alt)}" style="max-width:100%" src="data:image/svg+xml;base64,{drawn}"/>'
    return tag("p", image + (f"<br/>{caption}" if caption else ""), dir="ltr")
