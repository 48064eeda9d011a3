"""Where the units of a network stand, in columns from the inputs to the loss and in rows within each; no lengths yet.

Owns `Spot`, `Grid` and `grid_of`.  Columns are by the longest path; rows keep the written order unless another has fewer crossings.
May import: wiring.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from derive.wiring import Link, Wiring

MOST_ROWS, MOST_COLUMNS, ENDS = 8, 12, 3
"""Units a column may have, columns a picture may have; of more, so many first ones are drawn, and as many last columns."""

CROWDED = 16
"""Places in one column from which on nobody could follow a line."""

SWEEPS = 4


@dataclass(frozen=True)
class Spot:
    """A place in a column: a unit, or a bend of the lines from a unit that pass this column, or dots for what is left out."""

    name: str
    kind: str = "unit"


@dataclass(frozen=True)
class Grid:
    """The columns from the left, each from the top; `feet` are the small units below each column.

    `above` and `below` are the small units that stand with one unit: its own bias, its own target.  `links` are the edges drawn,
    `gap` is the place before which columns are left out, 0 where none is, and `cut` are the columns with units left out.
    """

    rows: tuple[tuple[Spot, ...], ...]
    feet: tuple[tuple[str, ...], ...]
    above: Mapping[str, str]
    below: Mapping[str, str]
    links: tuple[Link, ...]
    gap: int
    cut: frozenset[int]

    @property
    def column(self) -> dict[str, int]:
        """The column of each unit that is drawn."""
        found = {spot.name: place for place, rows in enumerate(self.rows) for spot in rows if spot.kind == "unit"}
        found |= {name: place for place, names in enumerate(self.feet) for name in names}
        return found | {own: found[unit] for own, unit in (*_turned(self.above), *_turned(self.below))}

    @property
    def is_crowded(self) -> bool:
        """Whether a column is too full to be read."""
        return any(len(rows) + len(feet) > CROWDED for rows, feet in zip(self.rows, self.feet, strict=True))


def _turned(pairs: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((own, unit) for unit, own in pairs.items())


def grid_of(wiring: Wiring, most_columns: int = MOST_COLUMNS) -> Grid:
    """The grid of a wiring; of more columns than `most_columns` the first and the last few.

    >>> import derive
    >>> from derive.wiring import wiring_of
    >>> [[spot.name for spot in rows] for rows in grid_of(wiring_of(derive.find("q1"))).rows]
    [['x1', 'x2'], ['h1', 'h2'], ['y1', 'y2'], ['L']]
    """
    column = _columns(wiring)
    above, below = _own_biases(wiring, column), _own_targets(wiring, column)
    beside = {*above.values(), *below.values()}
    count = 1 + max(column.values())
    members: list[list[str]] = [[] for _ in range(count)]
    feet: list[list[str]] = [[] for _ in range(count)]
    for name in sorted(wiring.nodes, key=lambda name: not wiring.inward[name]):  # an input that comes late stands below
        if name not in beside:
            (feet if wiring.nodes[name].aside else members)[column[name]].append(name)
    for place in range(count):
        if not members[place]:
            members[place], feet[place] = feet[place], []
    kept = list(range(count)) if count <= most_columns else [*range(ENDS), *range(count - ENDS, count)]
    gap = ENDS if len(kept) < count else 0
    cut = frozenset(new for new, old in enumerate(kept) if len(members[old]) > MOST_ROWS)
    rows = [_few(members[old]) for old in kept]
    low = [tuple(spot.name for spot in _few(feet[old]) if spot.kind == "unit") for old in kept]
    where = {spot.name: new for new, spots in enumerate(rows) for spot in spots if spot.kind == "unit"}
    above = {unit: own for unit, own in above.items() if unit in where}
    below = {unit: own for unit, own in below.items() if unit in where}
    where |= {name: new for new, names in enumerate(low) for name in names}
    where |= {own: where[unit] for own, unit in (*_turned(above), *_turned(below))}
    links = tuple(
        link
        for link in wiring.links
        if link.source in where and link.target in where and (not gap or (where[link.source] < gap) == (where[link.target] < gap))
    )
    joined = {name for link in links for name in (link.source, link.target)}
    low = [tuple(name for name in names if name in joined) for names in low]
    return Grid(_ordered(rows, low, links, where), tuple(low), above, below, links, gap, cut)


def _columns(wiring: Wiring) -> dict[str, int]:
    """The column of each unit: computed ones by the longest path, any other just before its first user."""
    column: dict[str, int] = {}
    for name in wiring.nodes:
        if wiring.inward[name]:
            before = (link.source for link in wiring.inward[name] if not link.back)
            column[name] = 1 + max((column[source] for source in before if source in column), default=0)
    for name in wiring.nodes:
        if name not in column:
            column[name] = min(column[link.target] for link in wiring.outward[name]) - 1
    return column


def _own_biases(wiring: Wiring, column: Mapping[str, int]) -> dict[str, str]:
    """The biases that stand above their unit: where each unit of a column has one of its own."""
    owner: dict[str, str] = {}
    for name, node in wiring.nodes.items():
        if node.kind == "bias" and len(wiring.outward[name]) == 1:
            owner.setdefault(wiring.outward[name][0].target, name)
    several = [column[unit] for unit in owner]
    return owner if len(several) > len(set(several)) else {}


def _own_targets(wiring: Wiring, column: Mapping[str, int]) -> dict[str, str]:
    """The targets that stand below the output they are compared with, the first with the first."""
    found: dict[str, str] = {}
    for user in wiring.nodes:
        sources = [link.source for link in wiring.inward[user] if column[link.source] == column[user] - 1]
        targets = [name for name in sources if wiring.nodes[name].kind == "target" and len(wiring.outward[name]) == 1]
        outputs = [name for name in sources if wiring.nodes[name].kind == "output"]
        if len(targets) == len(outputs):
            found |= {unit: own for unit, own in zip(outputs, targets, strict=True) if unit not in found}
    return found


def _few(names: Sequence[str]) -> list[Spot]:
    """All names, or of many the first few, dots, and the last."""
    if len(names) <= MOST_ROWS:
        return [Spot(name) for name in names]
    return [*map(Spot, names[:ENDS]), Spot(names[ENDS], "dots"), Spot(names[-1])]


# --- rows -----------------------------------------------------------------------------------------------------------------


def route(link: Link, column: Mapping[str, int]) -> list[Spot]:
    """The spots a line passes: its ends, and a bend in each column between."""
    between = range(column[link.source] + 1, column[link.target])
    return [Spot(link.source), *(Spot(link.source, "bend") for _ in between), Spot(link.target)]


Piece = tuple[Spot, Spot]
"""A line from one column to the next."""


def _ordered(
    rows: Sequence[Sequence[Spot]], feet: Sequence[Sequence[str]], links: Sequence[Link], column: Mapping[str, int]
) -> tuple[tuple[Spot, ...], ...]:
    """The rows with bends put in, in the order with the fewest crossings that is found from the written one."""
    current = [list(spots) for spots in rows]
    pieces: list[dict[Piece, None]] = [{} for _ in current]
    for link in links:
        if not link.back:
            for place, (spot, after) in enumerate(pairwise(route(link, column)), start=column[link.source]):
                pieces[place][spot, after] = None
                if after.kind == "bend" and after not in current[place + 1]:
                    current[place + 1].append(after)

    def places(at: int) -> dict[Spot, int]:
        return {spot: place for place, spot in enumerate((*current[at], *map(Spot, feet[at])))}

    def crossings() -> int:
        return sum(_crossings(pieces[at], places(at), places(at + 1)) for at in range(len(current) - 1))

    best, fewest = [list(spots) for spots in current], crossings()
    for sweep in range(SWEEPS):
        for at in range(1, len(current)) if sweep % 2 == 0 else range(len(current) - 2, -1, -1):
            if sweep % 2 == 0:
                pairs, known = [(after, spot) for spot, after in pieces[at - 1]], places(at - 1)
            else:
                pairs, known = list(pieces[at]), places(at + 1)
            current[at] = _by_neighbours(current[at], pairs, known)
        if (found := crossings()) < fewest:
            best, fewest = [list(spots) for spots in current], found
    return tuple(map(tuple, best))


def _by_neighbours(spots: Sequence[Spot], pairs: Iterable[Piece], known: Mapping[Spot, int]) -> list[Spot]:
    """The spots of a column by the mean place of what they are joined to; those without a neighbour stay where they are."""
    beside: dict[Spot, list[int]] = {spot: [] for spot in spots}
    for spot, other in pairs:
        if spot in beside and other in known:
            beside[spot].append(known[other])
    means = {spot: sum(places) / len(places) if places else place for place, (spot, places) in enumerate(beside.items())}
    return sorted(spots, key=means.__getitem__)


def _crossings(pieces: Iterable[Piece], left: Mapping[Spot, int], right: Mapping[Spot, int]) -> int:
    """How many pairs of lines between two columns cross."""
    ends = sorted((left[spot], right[after]) for spot, after in pieces if spot in left and after in right)
    return sum(one[0] < other[0] and one[1] > other[1] for k, one in enumerate(ends) for other in ends[k + 1 :])
