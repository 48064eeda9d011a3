"""The picture of a network in characters, for a terminal and a text: names in boxes, and lines between them.

Columns and rows are those of the picture; only the lengths are new, since a character is no point.  Lines run level, turn by one
row a column, and have the name of their weight in their level part.

Owns `draw_canvas`, and `BOXES` and `ASCII`, the characters it may draw with.  May import: bidi, pictures, written, formats.plans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from derive.bidi import width
from derive.formats.plans import HEIGHTS, Piece, Plan, is_upright
from derive.pictures import Label, Picture, Stroke, Unit
from derive.written import Tree


@dataclass(frozen=True)
class Characters:
    """What lines, turns and crossings are drawn with."""

    level: str
    upright: str
    rising: str
    falling: str
    crossed: str
    joined: str
    corners: str
    left: str
    right: str
    arrow: str
    dots: Mapping[str, str]


BOXES = Characters("─", "│", "╱", "╲", "╳", "┼", "╭╮╰╯", "┤", "├", "▼", {"⋮": "⋮", "⋯": "⋯"})
ASCII = Characters("-", "|", "/", "\\", "X", "+", "++++", "|", "|", "v", {"⋮": ":", "⋯": "..."})


def draw_canvas(picture: Picture, spell: Callable[[Tree], str], characters: Characters = BOXES) -> list[str]:
    """The lines of the drawing, names written by `spell`; none where it could not be read, or where the picture is no network."""
    if not any(isinstance(item, Unit) for item in picture.items):
        return []
    plans = (Plan(picture, spell, height, room) for height in HEIGHTS for room in (1, 0))
    plan = next((plan for plan in plans if plan.is_readable), None)
    return _Paper(plan, characters).lines() if plan is not None else []


class _Paper:
    """Characters by place, and a plan drawn with them."""

    def __init__(self, plan: Plan, characters: Characters) -> None:
        self.plan, self.characters = plan, characters
        self.cells: dict[tuple[int, int], str] = {}

    def put(self, column: int, row: int, character: str) -> None:
        """One character of a line; where another line is, both are seen to cross."""
        there, signs = self.cells.get((column, row), character), self.characters
        slanted = (signs.rising, signs.falling, signs.crossed)
        if there == character or (there in slanted and character not in slanted):
            character = there
        elif there in slanted:
            character = signs.crossed
        elif character not in slanted:
            character = signs.joined
        self.cells[column, row] = character

    def write(self, column: int, row: int, text: str) -> None:
        """A text upon whatever is there; an accent goes with the letter before it."""
        for letter in text:
            if width(letter):
                self.cells[column, row] = letter
                column += 1
            else:
                self.cells[column - 1, row] += letter

    def lines(self) -> list[str]:
        """The whole drawing, line by line."""
        plan = self.plan
        for piece in plan.pieces:
            self.piece(piece)
        for column, row in plan.bends:
            self.level(plan.edges[column][0], plan.edges[column][1], row)
        for piece in plan.pieces:
            if piece.text:
                self.write(self.text_at(piece) - 1, piece.row, f" {piece.text} ")
        for unit in plan.units:
            self.unit(unit)
        for item in plan.picture.items:
            match item:
                case Stroke(kind="loop"):
                    self.loop(item)
                case Stroke(kind="edge") if is_upright(item):
                    self.own(item)
                case Label(kind="dots"):
                    self.dots(item)
        first, last = min(row for _, row in self.cells), max(row for _, row in self.cells)
        rows = [{column: sign for (column, at), sign in self.cells.items() if at == row} for row in range(first, last + 1)]
        return ["".join(row.get(column, " ") for column in range(max(row, default=-1) + 1)) for row in rows]

    def text_at(self, piece: Piece) -> int:
        """Where the name of a weight begins: below each other in one gap."""
        ahead = max(abs(other.row - other.start) for other in self.plan.pieces if other.gap == piece.gap and other.text)
        return self.plan.edges[piece.gap][1] + ahead + 2

    def level(self, start: int, end: int, row: int) -> None:
        """A level line up to a column."""
        for column in range(start, end):
            self.put(column, row, self.characters.level)

    def turn(self, column: int, row: int, end: int) -> None:
        """A line that rises or falls by a row a column, from below or above a row to another."""
        sign, step = (self.characters.falling, 1) if end > row else (self.characters.rising, -1)
        for place, at in enumerate(range(row + step, end + step, step)):
            self.put(column + place, at, sign)

    def piece(self, piece: Piece) -> None:
        """One part of an edge: to its name and from there on, or level and then up or down to the unit."""
        left, right = self.plan.edges[piece.gap][1], self.plan.edges[piece.gap + 1][0]
        if piece.text:
            before, after = abs(piece.row - piece.start), abs(piece.end - piece.row)
            self.turn(left, piece.start, piece.row)
            self.level(left + before, right - after, piece.row)
            self.turn(right - after, piece.row, piece.end)
        elif piece.turns <= right - left - 2:
            self.level(left, right - piece.turns, piece.start)
            self.turn(right - piece.turns, piece.start, piece.end)
        else:
            self.upright(left, right, piece)

    def upright(self, left: int, right: int, piece: Piece) -> None:
        """Level, straight up or down, and level into the unit."""
        at, corners = right - 3, self.characters.corners
        falls = piece.end > piece.start
        self.level(left, at, piece.start)
        self.put(at, piece.start, corners[1] if falls else corners[3])
        for row in range(min(piece.start, piece.end) + 1, max(piece.start, piece.end)):
            self.put(at, row, self.characters.upright)
        self.put(at, piece.end, corners[2] if falls else corners[0])
        self.level(at + 1, right, piece.end)

    def unit(self, unit: Unit) -> None:
        """A unit in its box, or in brackets, with what leads to it from the edge of its column."""
        plan, signs = self.plan, self.characters
        column, row, name = plan.middles.index(unit.x), plan.row(unit.y), plan.name(unit)
        start, end = plan.edges[column]
        left = start + (end - start - plan.breadth(unit)) // 2
        right = left + plan.breadth(unit)
        entered = any(piece.gap == column - 1 and piece.end == row for piece in plan.pieces)
        leaves = any(piece.gap == column and piece.start == row for piece in plan.pieces)
        self.level(start, left if entered else start, row)
        self.level(right, end if leaves else right, row)
        if unit.small:
            self.write(left, row, name)
            return
        line = signs.level * (right - left - 2)
        self.write(left, row - 1, signs.corners[0] + line + signs.corners[1])
        self.write(left, row, (signs.left if entered else signs.upright) + name + (signs.right if leaves else signs.upright))
        self.write(left, row + 1, signs.corners[2] + line + signs.corners[3])

    def own(self, edge: Stroke) -> None:
        """The edge from a bias down to the unit below it."""
        plan, (x, y) = self.plan, edge.points[0]
        column = [unit for unit in plan.units if abs(unit.x - x) < 1]
        above = min(column, key=lambda unit: abs(unit.y - y))
        below = min((unit for unit in column if unit.y > y), key=lambda unit: unit.y)
        start, end = plan.edges[plan.middles.index(above.x)]
        for row in range(plan.span(above)[1] + 1, plan.span(below)[0]):
            self.put((start + end) // 2, row, self.characters.upright)

    def loop(self, loop: Stroke) -> None:
        """The way of a unit back to itself, above its box, with the name of its weight above that."""
        plan, signs = self.plan, self.characters
        column = [unit for unit in plan.units if abs(sum(x for x, _ in loop.points) / 4 - unit.x) < 1]
        unit = min(column, key=lambda unit: min(abs(unit.y - y) for _, y in loop.points))  # a target may stand above it
        start, end = plan.edges[plan.middles.index(unit.x)]
        row, middle = plan.row(unit.y), (start + end) // 2
        self.write(middle - 1, row - 2, signs.corners[0] + signs.level + signs.corners[1])
        self.write(middle - 1, row - 1, signs.arrow)
        self.write(middle + 1, row - 1, signs.joined)
        labels = (item for item in plan.picture.items if isinstance(item, Label) and item.edge == loop.edge)
        text = ", ".join(plan.spelled(label.text) for label in labels)
        self.write(middle - width(text) // 2, row - 3, text)

    def dots(self, label: Label) -> None:
        """What is left out."""
        gap, sign = self.plan.gap_at(label.x + 1), self.characters.dots[str(label.text[0])]
        start, end = self.plan.edges[gap]
        if label.x - self.plan.middles[gap] > 1:  # between columns
            start, end = end, self.plan.edges[gap + 1][0]
        self.write((start + end - width(sign)) // 2, self.plan.row(label.y), sign)
