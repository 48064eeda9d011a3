"""A picture of a network in columns and rows of characters: where everything stands, and whether that can be read.

Owns `Plan` and `Piece`.  May import: bidi, pictures, written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from derive.bidi import width
from derive.pictures import Label, Picture, Stroke, Unit, Words
from derive.written import Tree

WIDEST, HIGHEST = 76, 44
"""Columns and rows that a picture may take; a larger one is not drawn."""

HEIGHTS = (18.0, 16.0, 14.0, 12.0, 10.0, 8.0)
"""How much of a picture one row stands for; the first with which nothing overlaps is taken."""

MOST_LINES = 12
"""Lines between two columns from which on nobody could tell them apart."""


@dataclass(frozen=True)
class Piece:
    """The part of an edge from one column to the next: its gap, the rows at its ends, and the name of its weight with its row."""

    gap: int
    start: int
    end: int
    text: str = ""
    row: int = 0

    @property
    def turns(self) -> int:
        """How many rows it turns by, which is how many columns it needs for that."""
        return abs(self.row - self.start) + abs(self.end - self.row) if self.text else abs(self.end - self.start)


@dataclass(frozen=True)
class Plan:
    """Which column and row everything has; a row stands for `height`, and `room` columns stand beside a name
    in its box; `spell` writes a name.
    """

    picture: Picture
    spell: Callable[[Tree], str]
    height: float
    room: int

    @cached_property
    def units(self) -> list[Unit]:
        """The units."""
        return [item for item in self.picture.items if isinstance(item, Unit)]

    @cached_property
    def middles(self) -> list[float]:
        """The middles of the columns of units in the picture."""
        return sorted({unit.x for unit in self.units})

    def spelled(self, words: Words) -> str:
        """Words as they stand in the drawing."""
        return "".join(part if isinstance(part, str) else self.spell(part) for part in words)

    def name(self, unit: Unit) -> str:
        """The name of a unit, in brackets where it has no box."""
        name = self.spelled((unit.name,))
        return f"({name})" if unit.small else " " * self.room + name + " " * self.room

    def breadth(self, unit: Unit) -> int:
        """How many columns a unit takes."""
        return width(self.name(unit)) + (0 if unit.small else 2)

    def row(self, y: float) -> int:
        """The row of a height."""
        return round(y / self.height)

    def gap_at(self, x: float) -> int:
        """The gap in which a place lies, by the column before it."""
        return max(k for k, middle in enumerate(self.middles) if k == 0 or middle <= x)

    @cached_property
    def pieces(self) -> list[Piece]:
        """The parts of all edges that lead from column to column."""
        names: dict[tuple[str, int], list[Label]] = {}
        for item in self.picture.items:
            if isinstance(item, Label) and item.kind == "weight":
                names.setdefault((item.edge, self.gap_at(item.x)), []).append(item)
        found = []
        for edge in self.picture.items:
            if isinstance(edge, Stroke) and edge.kind == "edge" and not is_upright(edge):
                for (x, y), (x1, y1) in list(pairwise(edge.points))[::2]:
                    gap = self.gap_at((x + x1) / 2)
                    own = names.get((edge.edge, gap), [])
                    text = ", ".join(self.spelled(label.text) for label in own)
                    row = self.row(own[0].y) if own else 0
                    found.append(Piece(gap, self.row(y), self.row(y1), text, row))
        return found

    @cached_property
    def bends(self) -> list[tuple[int, int]]:
        """Where an edge runs through a column: the column, and the row."""
        strokes = (item for item in self.picture.items if isinstance(item, Stroke) and item.kind == "edge")
        inner = ((point, edge) for edge in strokes if not is_upright(edge) for point in edge.points[1:-1:2])
        return list(dict.fromkeys((self.gap_at(x + 1) + 1, self.row(y)) for (x, y), _ in inner))

    def width_of(self, column: int) -> int:
        """How broad a column is."""
        return max(self.breadth(unit) for unit in self.units if unit.x == self.middles[column])

    def width_between(self, gap: int) -> int:
        """How broad the room between a column and the next is: enough for names, and for every line to turn."""
        needed = [5]
        for piece in self.pieces:
            if piece.gap == gap:
                needed.append(piece.turns + width(piece.text) + 5 if piece.text else min(piece.turns, STEEPEST) + 3)
        return max(needed)

    @cached_property
    def edges(self) -> list[tuple[int, int]]:
        """Where each column begins and ends."""
        widths = [self.width_of(column) for column in range(len(self.middles))]
        gaps = [self.width_between(gap) for gap in range(len(widths) - 1)]
        more = min(MOST_MORE, max(0, WIDEST - sum(widths) - sum(gaps)) // max(1, len(gaps)))
        starts = accumulate((width + gap + more for width, gap in zip(widths, gaps, strict=False)), initial=0)
        return [(start, start + width) for start, width in zip(starts, widths, strict=True)]

    @property
    def is_readable(self) -> bool:
        """Whether it is small enough, and nothing stands upon anything else."""
        rows = [self.row(unit.y) for unit in self.units]
        gaps = range(len(self.middles) - 1)
        drawn = [piece for piece in self.pieces if piece.text]
        apart = all(_differ([piece.row for piece in drawn if piece.gap == gap]) for gap in gaps)
        clear = all(sum(piece.gap == gap for piece in self.pieces) <= MOST_LINES for gap in gaps)
        small = self.edges[-1][1] <= WIDEST and max(rows) - min(rows) < HIGHEST
        loops = (item for item in self.picture.items if isinstance(item, Stroke) and item.kind == "loop")
        return apart and clear and small and all(map(self.is_own, loops)) and all(map(self.is_free, range(len(self.middles))))

    def is_own(self, loop: Stroke) -> bool:
        """Whether a line back leads from a unit to itself."""
        return any(abs(sum(x for x, _ in loop.points) / 4 - unit.x) < 1 for unit in self.units)

    def is_free(self, column: int) -> bool:
        """Whether units and passing lines of a column have rows of their own."""
        spans = [self.span(unit) for unit in self.units if unit.x == self.middles[column]]
        spans += [(row, row) for at, row in self.bends if at == column]
        tall = [first < last for first, last in sorted(spans)]
        spaces = [after[0] - before[1] - 1 for before, after in pairwise(sorted(spans))]
        return all(space >= (one and other) for space, (one, other) in zip(spaces, pairwise(tall), strict=True))

    def span(self, unit: Unit) -> tuple[int, int]:
        """The rows of a unit, the first and the last."""
        row, half = self.row(unit.y), 0 if unit.small else 1
        return row - half, row + half


def is_upright(edge: Stroke) -> bool:
    """Whether an edge leads down to the unit below."""
    return abs(edge.points[0][0] - edge.points[-1][0]) < 1


def _differ(rows: Sequence[int]) -> bool:
    return len(set(rows)) == len(rows)


MOST_MORE = 4
"""Columns that a gap gets beyond what it needs, where there is room."""

STEEPEST = 6
"""Rows by which an edge without a name turns; one that needs more goes straight up or down instead."""
