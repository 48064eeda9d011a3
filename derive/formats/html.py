"""A page as one HTML file: formulas in MathML, the picture in SVG, style and script inside, nothing fetched.

Owns `render_html`, `document` and `fragment`.  What folds is in `folding`; the script, `page.js`, adds what answers a click.  May
import: bidi, blocks, sentences, written, formats.folding, formats.markup, formats.mathml, formats.rows, formats.svg, formats.text.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape

from derive.bidi import DIGITS, Run, numerals, runs
from derive.blocks import (
    LEVELS,
    Blank,
    Block,
    Boxed,
    Equations,
    Figure,
    Heading,
    Matrix,
    Page,
    Part,
    Prose,
    Row,
    Shown,
    Table,
    Text,
)
from derive.formats.folding import SHOWS, first_rows, is_rounded, program, rounded_rows, style, typeface
from derive.formats.markup import tag
from derive.formats.mathematics import in_digits, write
from derive.formats.mathml import INLINE, MATHML, RELATIONS, marked
from derive.formats.rows import rows_of_sum
from derive.formats.svg import draw_svg
from derive.formats.text import formula as text_of
from derive.sentences import Speaker
from derive.written import Indexed, Later, Name, Partial, Relation, Tree


def quantity_of(tree: Tree) -> str:
    """The typed name of the quantity a formula is, "" for one that is none: what an interactive page calls it."""
    match tree:
        case Name(name):
            return "" if ":" in name else name
        case Partial(of, wrt):
            return f"d{of}/d{wrt}"
        case Indexed(base):
            return quantity_of(base)
        case Later(body):
            return f"{quantity_of(body)}@{tree.updates}"
    return ""


def _mark(tree: Tree) -> str:
    quantity = quantity_of(tree) if isinstance(tree, Name | Partial | Indexed | Later) else ""
    return f'data-q="{escape(quantity)}"' if quantity else ""


FACE = marked(MATHML, _mark)
FACES = {digits: (in_digits(FACE, digits), in_digits(marked(INLINE, _mark), digits)) for digits in DIGITS}
"""For each script of digits, the face of a formula on a line of its own, and of one among words."""


@dataclass(frozen=True)
class _Writer:
    """Writes the blocks of one page; `name` sets it apart from others in one document."""

    page: Page
    name: str

    @property
    def speaker(self) -> Speaker:
        return Speaker(self.page.language)

    def word(self, key: str) -> str:
        """A word of the page's own furniture."""
        return self.speaker.word("html", key)

    # --- formulas and sentences ---------------------------------------------------------------------------------------

    def formula(self, shown: Shown, before: str = "", block: bool = False) -> str:
        """One formula, no taller than a line among words unless it is a `block`; a final answer in a box."""
        if isinstance(shown, Blank):
            return '<span class="blank"></span>'
        boxed = isinstance(shown, Boxed)
        high, low = FACES[self.page.digits]
        body = write(shown.tree if isinstance(shown, Boxed) else shown, high if block else low, self.page.script)
        body = tag("mrow", body, class_="boxed") if boxed else body
        return tag("math", before + body, dir="ltr", displaystyle="true" if block else "")

    def words(self, parts: Text) -> str:
        """A sentence with its formulas, none of them parted from the comma behind it; what reads to the right is held together."""
        written = ""
        for run in runs(parts) if self.page.direction == "rtl" else (Run(parts, left=False),):
            said = "".join(self.part(part) for part in run.parts)
            written += tag("bdi", said, dir="ltr") if run.left else said
        return re.sub(r"(</math>(?:</bdi>)?)(?=[,.;:)،؛])", "\\1\u2060", written)

    def part(self, part: Part) -> str:
        """Words, or a formula among them."""
        return literal(numerals(part, self.page.digits)) if isinstance(part, str) else self.formula(part)

    # --- chains -------------------------------------------------------------------------------------------------------

    def chain(self, block: Equations, reachable: bool = False) -> str:
        """The lines of a chain below each other, each with its reason."""
        firsts, rounded = first_rows(block.rows), rounded_rows(block.rows)
        left: Tree | None = None
        rows = ""
        for row, first, folded in zip(block.rows, firsts, rounded, strict=True):
            left = row.left or left
            if isinstance(row.left, Relation) and row.relation:  # a statement stands on a line of its own
                rows += tag("li", self.row(replace(row, relation=""), None), class_="row d0 symbolic")
                row, left = replace(row, left=None), None
            kind = f"row d{row.depth} {'numeric' if row.numeric else 'symbolic'}"
            reach = "-1" if reachable else ""
            rows += tag("li", self.row(row, left), class_=kind, data_first=first, data_folded=folded, tabindex=reach)
        numbered = " numbered" if any(row.numeric for row in block.rows) else ""
        return tag("div", tag("ol", rows, class_=f"chain{numbered}"), class_="scroll")

    def row(self, row: Row, left: Tree | None) -> str:
        """One line: the left side, written again where a line above may be folded away, the right side, and why."""
        if not row.relation:
            assert row.left is not None
            return tag("span", self.formula(row.left, block=True), class_="statement")
        side = "" if left is None else self.formula(left, block=True)
        why = self.words(row.reason)
        own = "left" if row.left is not None else "left again"
        return tag("span", side, class_=own) + tag("span", self.right(row), class_="right") + tag("span", why, class_="why")

    def right(self, row: Row) -> str:
        """The right side with its relation before it; where a line that is folded away was a rounding, that is an ≈."""
        relation = _relation(RELATIONS[row.relation])
        if row.relation == "=":
            relation = tag("mrow", relation, class_="plain") + tag("mrow", _relation("≈"), class_="folded")
        if isinstance(row.right, Blank):
            return f"{tag('math', relation, dir='ltr')} {self.formula(row.right)}"
        goes_on = '<mspace width="2em"></mspace>'
        rows = rows_of_sum(row.right)
        signs = [relation, *(goes_on + _relation(sign.replace("-", "−")) for sign, _ in rows[1:])]
        return "".join(self.formula(part, sign, block=True) for sign, (_, part) in zip(signs, rows, strict=True))

    def step(self, block: Equations, goal: Tree, place: int) -> str:
        """A chain that folds to its result; it knows its goal, and the quantity whose path lights up with it."""
        last = max(place for place, row in enumerate(block.rows) if row.left is not None)  # the value is of that left side
        value = self.formula(block.rows[-1].right, _relation("≈" if is_rounded(block.rows[last:]) else "="))
        quantity, name = quantity_of(goal), text_of(goal, self.page.script)
        head = tag("summary", tag("h3", self.formula(goal), aria_label=name) + tag("span", value, class_="value"))
        says = {f"data_{level}": self.word(f"more-{level}") for level in LEVELS}
        button = tag("button", literal(self.word("more-full")), type="button", class_="more", hidden=True, **says)
        told = {"data_goal": quantity, "data_key": _key_of(goal), "data_name": name}
        body = head + button + self.chain(block, reachable=True)
        return tag("details", body, class_="step", open=True, id=f"{self.name}-{place}", **told)

    # --- tables -------------------------------------------------------------------------------------------------------

    def table(self, block: Table) -> str:
        """A table; a broad one is set row by row where the page is narrow, and its roles keep it a table to a screen reader."""
        names = "".join(tag("th", self.words((cell,)), scope="col", role="columnheader") for cell in block.head)
        head = tag("tr", names, role="row")
        rows = ""
        for row, mark in zip(block.rows, block.marks or ("",) * len(block.rows), strict=True):
            named = zip(row, block.head, strict=True)
            cells = "".join(tag("td", self.words(cell), role="cell", data_label=label) for cell, label in named)
            rows += tag("tr", cells, role="row", data_verdict=mark)
        parts = tag("thead", head, role="rowgroup") + tag("tbody", rows, role="rowgroup")
        table = tag("table", parts, role="table", class_="broad" if len(block.head) > 3 else "")
        return _scrolling(table, ", ".join(block.head))

    def matrix(self, block: Matrix) -> str:
        """A matrix as a table whose rows and columns have names."""
        names = [self.formula(label) for label in block.labels]
        left = self.formula(block.of, "<msup><mo>∇</mo><mn>2</mn></msup>") + f" {RELATIONS[block.relation]}"
        head = tag("td", left) + "".join(tag("th", name, scope="col") for name in names)
        rows = ""
        for name, row in zip(names, block.rows, strict=True):
            rows += tag("tr", tag("th", name, scope="row") + "".join(tag("td", self.formula(cell)) for cell in row))
        body = tag("table", tag("thead", tag("tr", head)) + tag("tbody", rows), class_="matrix")
        return _scrolling(body, f"∇²{text_of(block.of, self.page.script)}")

    # --- the page -----------------------------------------------------------------------------------------------------

    def blocks(self, blocks: Iterable[Block], start: int = 0) -> Iterator[str]:
        """The blocks one after the other, each heading with what follows it in a section; the first is the page's block `start`."""
        in_section = False
        for place, block in enumerate(blocks, start):
            match block:
                case Heading(1, title):
                    yield tag("h1", self.words((title,)), id=self.name)
                case Heading(_, title):
                    label = f"{self.name}-{place}"
                    yield "</section>" if in_section else ""
                    yield f'<section aria-labelledby="{self.name} {label}">' + tag("h2", self.words((title,)), id=label)
                    in_section = True
                case Prose(parts):
                    yield f"<p>{self.words(parts)}</p>"
                case Equations():
                    goal = _goal_of(block)
                    yield self.chain(block) if goal is None or len(block.rows) == 1 else self.step(block, goal, place)
                case Table():
                    yield self.table(block)
                case Matrix():
                    yield self.matrix(block)
                case Figure() if block is not self.drawn:
                    yield self.picture(block)
        if in_section:
            yield "</section>"

    def article(self) -> str:
        """The whole page: its head, the switches, and the sections."""
        blocks = self.page.blocks
        heads = [place for place, block in enumerate(blocks) if isinstance(block, Heading) and block.level > 1]
        starts = (place for place, block in enumerate(blocks) if place in heads or isinstance(block, Equations | Table))
        cut = next(starts, len(blocks))
        header = tag("header", "".join(self.blocks(blocks[:cut])) + self.contents(heads))
        body = tag("div", "".join(self.blocks(blocks[cut:], cut)), class_="body")
        if self.drawn is None:
            return tag("article", header + self.switches() + body)
        beside = tag("div", self.picture(self.drawn, interactive=True) + self.switches(), class_="beside")
        return tag("article", header + beside + body, class_="drawn")

    @property
    def drawn(self) -> Figure | None:
        """The picture that answers a click: the one of the network, which stands beside the page."""
        figures = (block for block in self.page.blocks if isinstance(block, Figure))
        return next((figure for figure in figures if figure.picture.paths), None)

    def picture(self, figure: Figure, interactive: bool = False) -> str:
        """A picture with its caption; where it answers clicks, the place that says what was chosen."""
        body = draw_svg(figure.picture, self.page.script, interactive, digits=self.page.digits)
        if figure.caption:
            body += tag("figcaption", self.words(figure.caption))
        if interactive:
            said = self.speaker.word("html", "said", name="{name}", n="{n}")  # filled in by the script
            body += tag("output", "", class_="told", data_hint=self.word("hint"), data_said=said)
        return tag("figure", body, class_="drawing")

    def contents(self, heads: Sequence[int]) -> str:
        """Links to the sections, where there are several."""
        links = ""
        for place in heads:
            heading = self.page.blocks[place]
            assert isinstance(heading, Heading)
            links += tag("li", tag("a", self.words((heading.text,)), href=f"#{self.name}-{place}"))
        label = f"{self.word('contents')}: {self.page.title}"
        return tag("nav", tag("ul", links), aria_label=label) if len(heads) > 2 else ""

    def switches(self) -> str:
        """How much of each step is shown, and symbols or numbers: where there is something to choose."""
        rows = [row for block in self.page.blocks if isinstance(block, Equations) for row in block.rows]
        here = [level for level, deep in LEVELS.items() if deep <= LEVELS[self.page.level]]
        levels = self.choice("level", here, self.page.level, not any(row.depth for row in rows))
        shows = self.choice("show", tuple(SHOWS), "both", not any(row.numeric for row in rows))
        return tag("div", levels + shows, class_="switches")

    def choice(self, kind: str, values: Sequence[str], chosen: str, hidden: bool) -> str:
        """One switch; hidden where there is nothing to choose."""
        labels = tag("legend", literal(self.word(kind)))
        for value in values:
            checked = " checked" if value == chosen else ""
            button = f'<input type="radio" name="{self.name}-{kind}" value="{value}"{checked}>'
            labels += tag("label", button + literal(self.word(f"{kind}-{value}")))
        return tag("fieldset", labels, data_switch=kind, hidden=hidden)


def _relation(sign: str) -> str:
    return tag("mo", sign, form="infix")


def _scrolling(body: str, label: str) -> str:
    return tag("div", body, class_="scroll", tabindex="0", role="region", aria_label=label)


ZWNJ = "\u200c"


def literal(words: str) -> str:
    """Text as it stands, nothing in it taken for markup; what is not printed is left out, but for the half-space of Persian.

    >>> literal("<b> & c")
    '&lt;b&gt; &amp; c'
    """
    return escape("".join(character for character in words if character.isprintable() or character == ZWNJ))


def _goal_of(block: Equations) -> Tree | None:
    """What a chain comes to, where that is one quantity, perhaps an entry of it first and then the whole."""
    lefts = [row.left for row in block.rows if row.left is not None]
    quantities = set(map(quantity_of, lefts))
    return lefts[-1] if lefts and len(quantities) == 1 and quantities != {""} and block.rows[0].relation else None


def _key_of(goal: Tree) -> str:
    """The quantity whose path belongs to a goal: w5 for ∂L/∂w5, for w5⁺ and for w5."""
    match goal:
        case Partial(_, wrt):
            return wrt
        case Later(body) | Indexed(body):
            return _key_of(body)
        case Name(name):
            return name
    return ""


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


# --- documents ------------------------------------------------------------------------------------------------------------


def name_of(page: Page) -> str:
    """A name that no other page is likely to have."""
    return "d" + hashlib.sha256(repr(page.blocks).encode()).hexdigest()[:8]


def fragment(page: Page) -> str:
    """A page as one element with its style, to stand in a notebook or a site that runs `program` beside it."""
    name = name_of(page)
    return f"<style>{style() + typeface(page.language)}</style>{_root(page, name)}"


def _root(page: Page, name: str) -> str:
    """A page in an element that nothing on another page answers to; `name` begins the names in it."""
    goals = [_goal_of(block) for block in page.blocks if isinstance(block, Equations)]
    of = Counter(goal.of for goal in goals if isinstance(goal, Partial)).most_common(1)
    what = of[0][0] if of else ""
    return tag("div", _Writer(page, name).article(), class_="derive", lang=page.language, dir=page.direction, data_of=what)


def document(pages: Sequence[Page]) -> str:
    """The pages as one file that fetches nothing: no script runs but its own, no style but its own."""
    first = pages[0]
    roots = "".join(_root(page, f"p{place}") for place, page in enumerate(pages))
    sheet = style() + typeface(first.language)
    policy = (
        f"default-src 'none'; style-src '{_digest(sheet)}'; script-src '{_digest(program())}'; img-src data:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        f'<!doctype html>\n<html lang="{first.language}" dir="{first.direction}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f'<link rel="icon" href="data:,">\n<title>{literal(first.title)}</title>\n<style>{sheet}</style>\n</head>\n<body>\n'
        f"<main>{roots}</main>\n<script>{program()}</script>\n</body>\n</html>\n"
    )


def render_html(page: Page) -> str:
    """The page as one self-contained HTML file."""
    return document((page,))
