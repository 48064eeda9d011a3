"""The picture of a network: its frame with lines drawn, a place for every label, and a sentence that says what is seen.

Owns `network_picture`.  May import: written, problem, wiring, columns, frames, pictures, scripts, sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from derive.columns import ENDS, MOST_COLUMNS, Grid, Spot, grid_of, route
from derive.frames import LABEL_HEIGHT, Box, Frame, around, breadth, shifted
from derive.pictures import Item, Label, Picture, Point, Stroke, Unit, Words
from derive.problem import Problem
from derive.scripts import script_of
from derive.sentences import Speaker
from derive.symbols import Script
from derive.wiring import Link, Routes, Wiring, wiring_of
from derive.written import Name, Number, Tree

WIDEST = 1000.0
"""A picture that would be wider leaves numbers out first, then the names of weights, then columns."""

LONGEST = 30
"""Characters of a shape that stands under a name; a longer one stands only where the notation is told."""


def network_picture(problem: Problem, values: Mapping[str, Number], speaker: Speaker) -> Picture | None:
    """The picture of a network, with the numbers of those quantities that have one in `values`; None where it could not be read.

    >>> import derive
    >>> network_picture(derive.find("q1"), {}, Speaker("en")).paths["w5"]
    ('y1>L', 'h1>y1')
    """
    wiring, script = wiring_of(problem), script_of(problem)
    shapes = {} if problem.arrays is None else problem.arrays.shapes
    shown = {name: _shape_words(shape, script) for name, shape in shapes.items()}
    for most in (MOST_COLUMNS, 2 * ENDS):
        grid = grid_of(wiring, most)
        for named, numbered in ((True, True), (True, False), (False, False)):
            frame = Frame(wiring, grid, script, values, shown, named, numbered)
            if frame.width <= WIDEST and not grid.is_crowded:
                return _drawn(frame, _told(wiring, grid, script, speaker))
    return None


def _told(wiring: Wiring, grid: Grid, script: Script, speaker: Speaker) -> str:
    """What the picture shows, for who cannot see it."""

    def listed(names: Iterable[str]) -> str:
        return speaker.comma.join(script.symbol(name).text for name in names)

    columns = []
    for rows in grid.rows:
        units = [spot for spot in rows if spot.kind != "bend"]
        columns.append(speaker.comma.join("…" if spot.kind == "dots" else script.symbol(spot.name).text for spot in units))
    columns[grid.gap : grid.gap] = ["…"] if grid.gap else []
    said = speaker.word("picture", "network", columns=speaker.word("picture", "then").join(columns))
    weighted = [link for link in grid.links if link.key]
    if weighted:
        first = weighted[0]
        ends = {"weight": listed([first.key]), "source": listed([first.source]), "target": listed([first.target])}
        said += " " + speaker.word("picture", "weights", **ends)
    for kind, key in (("bias", "biases"), ("target", "targets")):
        names = [name for name in grid.column if wiring.nodes[name].kind == kind]
        said += " " + speaker.word("picture", key, names=listed(names)) if names else ""
    return said


def _shape_words(shape: Sequence[Tree], script: Script) -> Words:
    parts: list[str | Tree] = []
    for size in shape:
        parts += [", ", size] if parts else [size]
    words = ("(", *parts, ")") if shape else ()
    return words if breadth(words, script) <= LONGEST else ()


def _drawn(frame: Frame, alt: str) -> Picture:
    """Everything at its place, shifted so that it begins at 0."""
    column = frame.grid.column
    units = {name: frame.unit(name, *frame.spots[place, Spot(name)]) for name, place in column.items()}
    lines = {link: _line(frame, link, units, column) for link in frame.grid.links}
    kinds = {False: "edge", True: "loop"}
    strokes = [Stroke(points, kinds[link.back], link.key, link.id, arrow=link.back) for link, points in lines.items()]
    taken = [around(unit.x, unit.y, unit.width + 4, 2 * unit.radius + 4) for unit in units.values()]
    items: list[Item] = [*strokes, *_labels(frame, lines, taken), *units.values(), *_dots(frame)]
    return shifted(items, alt, Routes(frame.wiring))


def _line(frame: Frame, link: Link, units: Mapping[str, Unit], column: Mapping[str, int]) -> tuple[Point, ...]:
    """The points of an edge: from the right of its source to the left of its target, level through the columns between."""
    source, target = units[link.source], units[link.target]
    if link.back:
        return _loop(frame, source, target)
    if frame.grid.above.get(link.target) == link.source:
        return ((source.x, source.y + source.radius), (target.x, target.y - target.radius))
    points = [(source.x + source.width / 2, source.y)]
    for place, spot in enumerate(route(link, column)[1:-1], start=column[link.source] + 1):
        x, y = frame.spots[place, spot]
        half = frame.xs[place][1] / 2
        points += [(x - half, y), (x + half, y)]
    return (*points, (target.x - target.width / 2, target.y))


def _loop(frame: Frame, source: Unit, target: Unit) -> tuple[Point, ...]:
    """The way back in time: out of the top of the source, over everything, into the top of the target."""
    top = min(y for _, y in frame.spots.values()) - frame.radius - 24
    right, left = source.x + source.radius * 0.6, target.x - target.radius * 0.6
    down = source.radius * 0.8
    return ((right, source.y - down), (right, top), (left, top), (left, target.y - down))


def _labels(frame: Frame, lines: Mapping[Link, Sequence[Point]], taken: list[Box]) -> Iterator[Label]:
    """The weights of each edge, each where nothing else stands."""
    for place, links in frame.labelled.items():
        for link in links:
            for tree, key in link.weights:
                width = frame.label_width(tree, key)
                boxes = list(_places(lines[link], width, frame.part(place), link.back))
                box = next((box for box in boxes if not any(box.meets(other) for other in taken)), boxes[0])
                taken.append(box)
                shown = tree == Name(key) and frame.numbered
                value = frame.values.get(key) if shown else None
                shape = frame.shapes.get(key, ()) if shown and value is None else ()
                yield Label(*box.middle, (tree,), "weight", width, LABEL_HEIGHT, key=key, edge=link.id, value=value, shape=shape)


def _places(points: Sequence[Point], width: float, part: float, back: bool) -> Iterator[Box]:
    """Where a label may stand, the best place first: on its first piece, or on its last; above a line that goes back."""
    if back:
        yield around((points[1][0] + points[2][0]) / 2, points[1][1] - LABEL_HEIGHT / 2 - 2, width, LABEL_HEIGHT)
        return
    for place in dict.fromkeys((0, len(points) - 2)):
        (x, y), (x1, y1) = points[place], points[place + 1]
        for along in (part, 0.5, 0.4, 0.6, 0.3, 0.7, 0.25, 0.75):
            yield around(x + along * (x1 - x), y + along * (y1 - y), width, LABEL_HEIGHT)


def _dots(frame: Frame) -> Iterator[Label]:
    """Dots for units and columns that are left out."""
    for (_, spot), (x, y) in frame.spots.items():
        if spot.kind == "dots":
            yield Label(x, y, ("⋮",), "dots", 12, 24)
    if frame.grid.gap:
        (x, width), (after, other) = frame.xs[frame.grid.gap - 1], frame.xs[frame.grid.gap]
        yield Label((x + width / 2 + after - other / 2) / 2, 0, ("⋯",), "dots", 24, 12)
