"""What a picture is made of: lines, units, labels and marks at places of a plane; how they are drawn is a format's affair.

Owns `Picture` and its parts.  Lengths are about one pixel of a page at rest, x runs to the right and y downwards.  May import:
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from derive.written import Tree

Words = tuple[str | Tree, ...]
"""Words and formulas in a row."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Stroke:
    """A line through points, or where it is `filled` the area within it.

    `kind` says what it is: edge, loop (an edge back in time), axis, curve, slope, boundary, region, bar, guide.  `edge` is the id
    of the edge it is, "h1>y1", and `key` the typed quantity it stands for: the weight, or "".  An `arrow` ends in a head.
    """

    points: tuple[Point, ...]
    kind: str
    key: str = ""
    edge: str = ""
    arrow: bool = False
    filled: bool = False


@dataclass(frozen=True)
class Unit:
    """A unit: its name, and under it its value or its shape; `width` is twice the radius, or more where the words need it.

    `kind` is input, hidden, output, loss, bias, target, parameter or constant.  `also` are typed quantities that it stands for
    beside `key`: the pre-activation of an activation.  A `small` one has everything on one line.
    """

    x: float
    y: float
    radius: float
    width: float
    name: Tree
    kind: str
    key: str
    value: Tree | None = None
    shape: Words = ()
    also: tuple[str, ...] = ()
    small: bool = False


@dataclass(frozen=True)
class Label:
    """Words at a place, `width` by `height` around it; `anchor` says which part of the words stands there: start, middle or end.

    `kind` is weight, tick, title, dots, point or note.  A weight has the key of its quantity, the edge it belongs to, and its value
    or its shape where there is one.
    """

    x: float
    y: float
    text: Words
    kind: str
    width: float
    height: float
    anchor: str = "middle"
    key: str = ""
    edge: str = ""
    value: Tree | None = None
    shape: Words = ()


@dataclass(frozen=True)
class Mark:
    """A point that is marked: where a unit operates on a curve, or an example on a plane."""

    x: float
    y: float
    kind: str
    key: str = ""


Item = Stroke | Unit | Label | Mark


@dataclass(frozen=True)
class Picture:
    """A picture; what is drawn later lies above what is drawn before.

    `alt` says in a sentence what it shows.  `paths` has for each quantity the ids of the edges that its gradient travels, from the
    loss back to it.
    """

    width: float
    height: float
    items: tuple[Item, ...]
    alt: str
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)
