"""A grid with lengths: how wide words are, how large units, how far apart columns and rows.

Owns `Frame`, `Box`, `breadth`, how wide words are set, and `shifted`, which closes a picture.  May import: written, symbols,
wiring, columns, pictures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

from derive.columns import Grid, Spot, route
from derive.pictures import Item, Label, Picture, Point, Stroke, Unit, Words
from derive.symbols import Script
from derive.wiring import Link, Node, Wiring
from derive.written import Index, Name, Negative, Number, Quotient, Size, Sum, Tree, children

NAME, WEIGHT, VALUE = 8.6, 7.4, 6.0
"""How wide a letter is, about: of a unit's name, of the name of a weight or a small unit, of a value or a shape."""

SCRIPT = 0.72
"""How much of that a letter above or below the line takes."""

TYPED = 7
"""Characters that are kept free for a given number, whatever digits it has: variants of a paper have the same picture."""

ROUND, PLAIN, FLAT = 28.0, 22.0, 11.0
"""Radius of a unit with something under its name, of one with its name only, and of a small one."""

LABEL_HEIGHT, LINE = 17.0, 19.0
"""How high a label is, and how far the middles of two labels are apart."""

STEEPEST = 0.4
"""How much of the height of two full layers the room between them takes, so that lines with labels do not run too steep."""

MOST_LABELS = 25
"""Weights between two columns from which on their names are left out."""


def letters(tree: Tree, script: Script) -> float:
    """How many letters of full size a formula is wide, about."""
    match tree:
        case Name(name) | Size(name) | Index(name):
            base, *marks = re.split(r"[_^]", script.symbol(name).text)
            return len(base) + SCRIPT * max(map(len, marks), default=0)
        case Number(text):
            return len(text)
        case Sum(terms):
            return sum(letters(term, script) for term in terms) + 3 * (len(terms) - 1)
        case Negative(body):
            return 1 + letters(body, script)
        case Quotient(top, bottom):
            return letters(top, script) + letters(bottom, script) + 1 + 2 * isinstance(top, Sum) + 2 * isinstance(bottom, Sum)
    return sum(letters(part, script) for part in children(tree)) + 0.5 * len(children(tree))


def breadth(words: Words, script: Script) -> float:
    """How many letters wide words and formulas are."""
    return sum(len(part) if isinstance(part, str) else letters(part, script) for part in words)


@dataclass(frozen=True)
class Box:
    """What a label or a unit covers."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> Point:
        """Its middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def meets(self, other: Box) -> bool:
        """Whether two boxes share some of the plane."""
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom


def around(x: float, y: float, width: float, height: float) -> Box:
    """The box around a middle."""
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def covered(item: Item) -> Box:
    """The box that an item covers."""
    match item:
        case Stroke(points):
            xs, ys = zip(*points, strict=True)
            return Box(min(xs), min(ys), max(xs), max(ys))
        case Unit():
            return around(item.x, item.y, item.width, 2 * item.radius)
        case Label():
            left = {"start": item.x, "middle": item.x - item.width / 2, "end": item.x - item.width}[item.anchor]
            return Box(left, item.y - item.height / 2, left + item.width, item.y + item.height / 2)
    return around(item.x, item.y, 8, 8)


MARGIN = 10.0


def shifted(items: Sequence[Item], alt: str, paths: Mapping[str, tuple[str, ...]] | None = None) -> Picture:
    """A picture with its corner at 0, everything inside it."""
    boxes = [covered(item) for item in items]
    left, top = min(box.left for box in boxes) - MARGIN, min(box.top for box in boxes) - MARGIN
    width, height = max(box.right for box in boxes) - left + MARGIN, max(box.bottom for box in boxes) - top + MARGIN
    return Picture(round(width, 1), round(height, 1), tuple(_moved(item, -left, -top) for item in items), alt, paths or {})


def _moved(item: Item, right: float, down: float) -> Item:
    if isinstance(item, Stroke):
        return replace(item, points=tuple((round(x + right, 1), round(y + down, 1)) for x, y in item.points))
    return replace(item, x=round(item.x + right, 1), y=round(item.y + down, 1))


def _apart(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Middles of rows nearest to where they are wanted, in their order, none overlapping: neighbours that would are moved as one.

    >>> _apart([0.0, 0.0, 100.0], [10.0, 10.0, 10.0])
    [-5.0, 5.0, 100.0]
    """
    offsets = [0.0, *accumulate((one + other) / 2 for one, other in pairwise(heights))]
    groups: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        groups.append((want - offset, 1))
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            (one, count), (other, more) = groups[-2:]
            groups[-2:] = [((one * count + other * more) / (count + more), count + more)]
    starts = [start for start, count in groups for _ in range(count)]
    return [start + offset for start, offset in zip(starts, offsets, strict=True)]


ALIGNING = 9
"""How often each column is moved towards its neighbours."""


@dataclass(frozen=True)
class Frame:
    """A grid with lengths.

    `values` are the numbers that are shown, `shapes` the words for shapes; weights are `named` on their edges or not, and
    `numbered`, with their number or shape behind, or not.
    """

    wiring: Wiring
    grid: Grid
    script: Script
    values: Mapping[str, Number]
    shapes: Mapping[str, Words]
    named: bool
    numbered: bool

    # --- how large things are -----------------------------------------------------------------------------------------

    @cached_property
    def free(self) -> frozenset[str]:
        """What is given rather than computed."""
        return frozenset(name for name in self.wiring.nodes if not any(self.wiring.inward[name])) | self.wiring.users.keys()

    def value_width(self, name: str) -> float:
        """How wide the value of a quantity is, or its shape; 0 where it has neither."""
        if name in self.values:
            return VALUE * (TYPED if name in self.free else len(self.values[name].text))
        return VALUE * breadth(self.shapes.get(name, ()), self.script)

    @cached_property
    def radius(self) -> float:
        """The radius of the units that are not small."""
        return ROUND if any(self.value_width(node.name) for node in self.wiring.nodes.values() if not node.aside) else PLAIN

    def unit(self, name: str, x: float, y: float) -> Unit:
        """One unit at its place."""
        node, tree = self.wiring.nodes[name], Name(name)
        width, under = letters(tree, self.script), self.value_width(name)
        if node.aside:
            wide = WEIGHT * width + (under + 5 if under else 0) + 14
            return self._filled(node, Unit(x, y, FLAT, max(wide, 2 * FLAT), tree, node.kind, name, small=True))
        wide = max(2 * self.radius, NAME * width + 18, under + 14)
        return self._filled(node, Unit(x, y, self.radius, wide, tree, node.kind, name))

    def _filled(self, node: Node, unit: Unit) -> Unit:
        shape = () if node.name in self.values else self.shapes.get(node.name, ())
        return replace(unit, value=self.values.get(node.name), shape=shape, also=node.keys[:-1])

    def label_width(self, tree: Tree, key: str) -> float:
        """How wide a weight's label is."""
        under = self.value_width(key) if self.numbered and tree == Name(key) else 0
        return WEIGHT * letters(tree, self.script) + (under + 5 if under else 0) + 6

    # --- columns and rows ---------------------------------------------------------------------------------------------

    @cached_property
    def labelled(self) -> dict[int, list[Link]]:
        """The edges that have a label, by the column they leave from; none where units or too many labels are left out."""
        found: dict[int, list[Link]] = {}
        column = self.grid.column
        for link in self.grid.links:
            if link.weights and self.named and not self.grid.cut & {column[link.source], column[link.target]}:
                found.setdefault(column[link.source], []).append(link)
        return {place: links for place, links in found.items() if len(links) <= MOST_LABELS}

    def fans(self, place: int) -> tuple[int, int]:
        """How many units of a column have labelled edges, and to how many units of the next columns those lead."""
        links = [link for link in self.labelled.get(place, ()) if not link.back]
        return len({link.source for link in links}) or 1, len({link.target for link in links}) or 1

    def part(self, place: int) -> float:
        """How far along an edge its label stands.

        Between two full layers labels are equally spaced at 1/(n + 1) of the way, where n units share that end of their edges.
        """
        sources, targets = self.fans(place)
        return 1 / (targets + 1) if targets <= sources else 1 - 1 / (sources + 1)

    @cached_property
    def pitch(self) -> float:
        """How far apart two units of a column are."""
        beside = sum(2 * FLAT + 10 for pairs in (self.grid.above, self.grid.below) if pairs)
        lines = [LINE * (min(self.fans(place)) + 1) for place in self.labelled]
        return max(2 * self.radius + 22 + beside, *lines) if lines else 2 * self.radius + 22 + beside

    def height(self, spot: Spot) -> float:
        """The height of a row."""
        if spot.kind == "unit" and not self.wiring.nodes[spot.name].aside:
            return self.pitch
        return 44 if spot.kind == "dots" else 2 * FLAT + 12

    @cached_property
    def xs(self) -> list[tuple[float, float]]:
        """Each column's middle, and how wide it is."""
        found: list[tuple[float, float]] = []
        left = 0.0
        for place, (rows, feet) in enumerate(zip(self.grid.rows, self.grid.feet, strict=True)):
            names = [spot.name for spot in rows if spot.kind == "unit"]
            beside = [own for pairs in (self.grid.above, self.grid.below) for unit, own in pairs.items() if unit in names]
            width = max((self.unit(name, 0, 0).width for name in (*names, *beside, *feet)), default=20.0)
            found.append((left + width / 2, width))
            left += width + self.space(place)
        return found

    def space(self, place: int) -> float:
        """The room between a column and the next."""
        widths = [self.label_width(*weight) for link in self.labelled.get(place, ()) if not link.back for weight in link.weights]
        usual = 100.0 if self.grid.gap and place == self.grid.gap - 1 else 56.0
        steep = STEEPEST * self.pitch * max(self.fans(place)) if min(self.fans(place)) > 2 else 0
        return max(usual, steep, (max(widths) / 2 + 8) * (min(self.fans(place)) + 1)) if widths else usual

    @property
    def width(self) -> float:
        """How wide the units are together."""
        return self.xs[-1][0] + self.xs[-1][1] / 2

    @cached_property
    def levels(self) -> list[list[float]]:
        """How low each row of each column is: near the middle of what it is joined to, as far apart as the rows are high."""
        column = self.grid.column
        beside: dict[tuple[int, Spot], list[tuple[int, Spot]]] = {}
        for link in self.grid.links:
            if not link.back:
                for one, other in pairwise(enumerate(route(link, column), start=column[link.source])):
                    beside.setdefault(one, []).append(other)
                    beside.setdefault(other, []).append(one)
        found = [_apart([0.0] * len(rows), [self.height(spot) for spot in rows]) for rows in self.grid.rows]
        for sweep in range(ALIGNING):
            order = range(len(found)) if sweep % 2 == 0 else range(len(found) - 1, -1, -1)
            for place in order:
                at = {(p, spot): y for p, rows in enumerate(self.grid.rows) for spot, y in zip(rows, found[p], strict=True)}
                wanted = []
                for spot, own in zip(self.grid.rows[place], found[place], strict=True):
                    near = [at[other] for other in dict.fromkeys(beside.get((place, spot), ())) if other in at]
                    wanted.append(sum(near) / len(near) if near else own)
                found[place] = _apart(wanted, [self.height(spot) for spot in self.grid.rows[place]])
        return found

    @cached_property
    def spots(self) -> dict[tuple[int, Spot], Point]:
        """Where each spot is; small units stand above or below their own, or at the foot of a column."""
        found: dict[tuple[int, Spot], Point] = {}
        away = self.radius + FLAT + 10
        for place, rows in enumerate(self.grid.rows):
            x = self.xs[place][0]
            for spot, y in zip(rows, self.levels[place], strict=True):
                found[place, spot] = (x, y)
                for pairs, side in ((self.grid.above, -away), (self.grid.below, away)):
                    if spot.kind == "unit" and spot.name in pairs:
                        found[place, Spot(pairs[spot.name])] = (x, y + side)
            low = self.levels[place][-1] + self.height(rows[-1]) / 2
            if rows[-1].name in self.grid.below:
                low = max(low, self.levels[place][-1] + away + FLAT + 4)
            for name in self.grid.feet[place]:
                found[place, Spot(name)] = (x, low + FLAT + 6)
                low += 2 * FLAT + 12
        return found
