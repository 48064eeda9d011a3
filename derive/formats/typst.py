"""A page as a Typst document.

Owns `render_typst` and `document`.  How chains and tables are laid out stands in `prelude.typ`, how pictures are drawn in
`picture.typ`.  May import: blocks, symbols, bidi, formats.typstmath, formats.typstwords, formats.rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from derive.bidi import PLAIN, Setting, setting_of
from derive.blocks import Equations, Figure, Heading, Matrix, Page, Prose, Table, Text
from derive.formats.preambles import FONTS
from derive.formats.rows import rows_of_sum
from derive.formats.typstmath import RELATIONS, formula, quoted, roomy
from derive.formats.typstwords import words
from derive.pictures import Item, Label, Mark, Stroke, Unit
from derive.symbols import Script


def _chain(block: Equations, script: Script, setting: Setting) -> Iterable[str]:
    """A row of the prelude's `chain` for each line: left side, relation and right side, reason."""
    yield "#chain("
    for row in block.rows:
        left = "[]" if row.left is None else f"${formula(row.left, script, setting)}$"
        if not row.relation:
            yield f"  ([], {left}, []),"
            continue
        lines = rows_of_sum(row.right)
        for place, (sign, part) in enumerate(lines):
            start = f"quad {sign} med" if place else RELATIONS[row.relation]
            reason = words(row.reason, script, setting) if place == len(lines) - 1 else ""
            yield f"  ({'[]' if place else left}, ${start} {formula(part, script, setting)}$, [{reason}]),"
    yield ")"


def _table(block: Table, script: Script, setting: Setting) -> Iterable[str]:
    yield f"#sheet({len(block.head)},"
    yield "  " + " ".join(f"[{words((cell,), script, setting)}]," for cell in block.head)
    for row in block.rows:
        yield "  " + " ".join(f"[{words(cell, script, setting, roomy)}]," for cell in row)
    yield ")"


def _matrix(block: Matrix, script: Script, setting: Setting) -> str:
    rows = "; ".join(", ".join(formula(cell, script, setting) for cell in row) for row in block.rows)
    return f"#fitted($∇^2 {formula(block.of, script, setting)} {RELATIONS[block.relation]} mat({rows})$)"


# --- pictures ---------------------------------------------------------------------------------------------------------


def _figure(block: Figure, script: Script, setting: Setting) -> Iterable[str]:
    picture = block.picture
    caption = words(block.caption, script, setting)
    yield f"#picture({picture.width:g}, {picture.height:g}, {quoted(picture.alt)}, [{caption}],"
    yield from (f"  {_item(item, script, setting)}," for item in picture.items)
    yield ")"


def _item(item: Item, script: Script, setting: Setting) -> str:
    """What the call of the prelude's function for an item of a picture is."""

    def told(text: Text) -> str:
        said = words(text, script, setting)
        return f"[#turned[{said}];]" if setting.right_to_left and any(isinstance(part, str) for part in text) else f"[{said}]"

    match item:
        case Stroke():
            points = " ".join(f"({x:g}, {y:g})," for x, y in item.points)
            return f"path({quoted(item.kind)}, ({points}){', arrow: true' * item.arrow}{', filled: true' * item.filled})"
        case Unit():
            under = (item.value,) if item.value is not None else item.shape
            place = f"{item.x:g}, {item.y:g}, {item.radius:g}, {item.width:g}"
            return f"unit({quoted(item.kind)}, {place}, {told((item.name,))}, {told(under)}{', small: true' * item.small})"
        case Label():
            under = (item.value,) if item.value is not None else item.shape
            place = f"{item.x:g}, {item.y:g}, {item.width:g}, {item.height:g}"
            return f"words({quoted(item.kind)}, {place}, {quoted(item.anchor)}, {told(item.text)}, {told(under)})"
        case Mark():
            return f"mark({quoted(item.kind)}, {item.x:g}, {item.y:g})"


# --- the document -----------------------------------------------------------------------------------------------------


def _body(page: Page) -> Iterable[str]:
    script, setting = page.script, setting_of(page)
    for block in page.blocks:
        match block:
            case Heading(level, text):
                yield f"{'=' * level} {words((text,), script, setting)}"
            case Prose(parts):
                said = words(parts, script, setting)
                yield f"#lead[{said}]" if said.endswith(":") else said
            case Equations():
                yield from _chain(block, script, setting)
            case Table():
                yield from _table(block, script, setting)
            case Matrix():
                yield _matrix(block, script, setting)
            case Figure():
                yield from _figure(block, script, setting)
        yield ""


OURS = "Vazirmatn NL"
"""The typeface that the package brings along for a machine that has none with Persian letters."""

PRELUDE, DRAWING = ((Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("prelude.typ", "picture.typ"))


def render_typst(page: Page) -> str:
    """The page as a complete document."""
    return document((page,))


def document(pages: Sequence[Page]) -> str:
    """Several pages as one document, each begun on a new sheet and counted from 1."""
    first = pages[0]
    drawing = DRAWING if any(isinstance(block, Figure) for page in pages for block in page.blocks) else ""
    head = f"#set document(title: {quoted(first.title)})\n#set text(lang: {quoted(first.language)}, dir: {first.direction})\n"
    if setting_of(first) != PLAIN:
        head += f"#set text(font: ({', '.join(map(quoted, ('New Computer Modern', FONTS[0], OURS, *FONTS[1:])))}))\n"
    if first.digits == "persian":
        head += '#set page(numbering: "۱")\n'
    sheets = ("\n".join(_body(page)) for page in pages)
    return f"{PRELUDE}{drawing}{head}\n" + "\n#new-sheet\n\n".join(sheets)
