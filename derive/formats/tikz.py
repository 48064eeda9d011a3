r"""A picture as TikZ, for documents; its words are set by whoever asks for it.

Owns `draw_tikz`.  May import: pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from derive.pictures import Item, Label, Mark, Picture, Point, Stroke, Unit, Words

POINTS = 0.75
"""Points of a document to one length of a picture."""

WIDEST = 465.0
"""How wide a picture may be, in points; a wider one is made smaller, letters too."""

STROKES = {
    "edge": "black!60",
    "loop": "black!60,-stealth",
    "axis": "black!60",
    "guide": "black!45,densely dotted",
    "curve": "blue!60!black,thick",
    "slope": "red!70!black,thick",
    "boundary": "blue!25,line width=4.5pt",
    "neuron": "red!70!black,thick,dashed",
    "bar": "blue!35",
    "region": "blue!8",
}
UNITS = {"hidden": "blue!60!black", "output": "blue!60!black,very thick", "loss": "red!70!black,very thick", "input": "black"}
"""How each kind of line and unit is drawn; any other unit is grey, a target dashed."""

SIZES = {"tick": r"\scriptsize", "title": r"\small"}
"""How large words are; any other label is in between."""

SMALL = r"\footnotesize"
DOTS = {"⋮": r"$\vdots$", "⋯": r"$\cdots$"}
ANCHORS = {"start": "west", "middle": "center", "end": "east"}

Spell = Callable[[Words], str]


def draw_tikz(picture: Picture, spell: Spell) -> Iterator[str]:
    r"""The lines of a `tikzpicture`; `spell` sets words and formulas as LaTeX."""
    scale = min(1.0, WIDEST / (picture.width * POINTS))
    smaller = f",scale={scale:.3f},transform shape" if scale < 1 else ""
    yield rf"\begin{{tikzpicture}}[x={POINTS}pt,y=-{POINTS}pt,line cap=round{smaller}]"
    for item in picture.items:
        yield from _drawn(item, spell, scale)
    yield r"\end{tikzpicture}"


def _drawn(item: Item, spell: Spell, scale: float) -> Iterator[str]:
    match item:
        case Stroke():
            soft = item.kind in ("edge", "loop") and len(item.points) > 2
            style = STROKES[item.kind] + (f",rounded corners={8 * scale:.1f}pt" if soft else "")
            command, end = (r"\fill", " -- cycle") if item.filled else (r"\draw", "")
            yield rf"{command}[{style}] {' -- '.join(map(_at, item.points))}{end};"
        case Unit():
            yield from _unit(item, spell, scale)
        case Label(kind="dots"):
            ((sign, *_),) = (item.text,)
            yield rf"\node at {_at((item.x, item.y))} {{{DOTS[str(sign)]}}};"
        case Label():
            ground = "fill=white," if item.kind in ("weight", "point") else ""
            style = f"{ground}anchor={ANCHORS[item.anchor]},inner sep=1pt,font={SIZES.get(item.kind, SMALL)}"
            yield rf"\node[{style}] at {_at((item.x, item.y))} {{{spell(item.text)}{_under(item, spell)}}};"
        case Mark():
            inside = "black" if item.kind == "class0" else "white"
            yield rf"\filldraw[fill={inside}] {_at((item.x, item.y))} circle[radius=2.2pt];"


def _unit(unit: Unit, spell: Spell, scale: float) -> Iterator[str]:
    style = UNITS.get(unit.kind, "black!60") + (",densely dashed" if unit.kind == "target" else "")
    middle, half = (unit.x, unit.y), unit.width / 2
    if half > unit.radius:
        corners = (unit.x - half, unit.y - unit.radius), (unit.x + half, unit.y + unit.radius)
        soft = f"rounded corners={0.99 * POINTS * scale * unit.radius:.1f}pt"
        yield rf"\filldraw[{style},{soft},fill=white] {_at(corners[0])} rectangle {_at(corners[1])};"
    else:
        yield rf"\filldraw[{style},fill=white] {_at(middle)} circle[radius={POINTS * unit.radius:.1f}pt];"
    name, under = spell((unit.name,)), _under(unit, spell)
    if unit.small:
        yield rf"\node[inner sep=0pt,font={SMALL}] at {_at(middle)} {{{name}{under}}};"
    elif under:
        yield rf"\node[inner sep=0pt] at {_at((unit.x, unit.y - 9))} {{{name}}};"
        yield rf"\node[inner sep=0pt] at {_at((unit.x, unit.y + 11))} {{{under.removeprefix(' ')}}};"
    else:
        yield rf"\node[inner sep=0pt] at {_at(middle)} {{{name}}};"


def _under(item: Unit | Label, spell: Spell) -> str:
    """A value or a shape, set small."""
    words: Words = (item.value,) if item.value is not None else item.shape
    return rf" {{\scriptsize {spell(words)}}}" if words else ""


def _at(point: Point) -> str:
    return f"({point[0]:g},{point[1]:g})"
