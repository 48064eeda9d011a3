"""Curves with what a problem has on them: activations with their slopes, and the loss after each update.

Owns `activation_pictures`, `loss_picture`, and `Axes` for any plane.  Everything is computed with the derivation's own evaluator.
May import: written, arithmetic, slopes, tables.ops, network, values, rounding, pictures, frames, symbols, sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Any

from derive.arithmetic import Evaluator, compile_tree, precision
from derive.blocks import Blank, Boxed
from derive.frames import VALUE, WEIGHT, breadth, covered, shifted
from derive.network import Network
from derive.pictures import Item, Label, Mark, Picture, Point, Stroke, Words
from derive.rounding import Rounding, spell
from derive.sentences import Speaker
from derive.slopes import Slopes
from derive.symbols import Script
from derive.tables.ops import OPS
from derive.values import State
from derive.written import Call, Name, Number, Tree

DIGITS = 25
"""Digits of what a curve is drawn from."""


@dataclass(frozen=True)
class Axes:
    """A plane with two axes: which numbers it shows, and how large it is drawn."""

    left: Decimal
    right: Decimal
    low: Decimal
    high: Decimal
    width: float
    height: float

    def at(self, x: Decimal, y: Decimal) -> Point:
        """Where a point is drawn."""
        across, up = (x - self.left) / (self.right - self.left), (y - self.low) / (self.high - self.low)
        return float(across) * self.width, self.height - float(up) * self.height

    def items(self, script: Script) -> Iterator[Item]:
        """The axes at the left and below, numbers at them, and lines through 0."""
        yield Stroke((self.at(self.left, self.low), self.at(self.right, self.low)), "axis")
        yield Stroke((self.at(self.left, self.low), self.at(self.left, self.high)), "axis")
        for value in ticks(self.left, self.right):
            x, y = self.at(value, self.low)
            yield Stroke(((x, y), (x, y + 4)), "axis")
            yield tick(value, x, y + 13, "middle", script)
            if not value:
                yield Stroke((self.at(value, self.low), self.at(value, self.high)), "guide")
        for value in ticks(self.low, self.high):
            x, y = self.at(self.left, value)
            yield Stroke(((x, y), (x - 4, y)), "axis")
            yield tick(value, x - 7, y, "end", script)
            if not value:
                yield Stroke((self.at(self.left, value), self.at(self.right, value)), "guide")


def ticks(low: Decimal, high: Decimal, most: int = 8) -> list[Decimal]:
    """Round numbers between two ends, 1, 2 or 5 times a power of ten apart.

    >>> [str(value) for value in ticks(Decimal("-0.1"), Decimal("1.1"))]
    ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']
    """
    size = Decimal(1).scaleb((high - low).adjusted() - 1)
    step = next(size * factor for factor in (1, 2, 5, 10, 20, 50) if (high - low) / (size * factor) <= most)
    first, last = (low / step).to_integral_value(ROUND_CEILING), (high / step).to_integral_value(ROUND_FLOOR)
    return [step * count for count in range(int(first), int(last) + 1)]


def tick(value: Decimal, x: float, y: float, anchor: str, script: Script) -> Label:
    """A number at an axis."""
    return label((Number(spell(value.normalize() + 0)),), "tick", x, y, anchor, script)


def label(words: Words, kind: str, x: float, y: float, anchor: str, script: Script, key: str = "") -> Label:
    """Words as wide as they come out."""
    letter = VALUE if kind == "tick" else WEIGHT
    return Label(x, y, words, kind, letter * breadth(words, script) + 4, 16, anchor, key)


def spoken(speaker: Speaker, key: str, **parts: Any) -> Words:
    """A sentence about a picture, to stand in it or under it."""
    return tuple(part for part in speaker.say("picture", key, **parts) if not isinstance(part, Boxed | Blank))


# --- activations ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operating:
    """Where a unit stands on the curve of its activation."""

    name: str
    at: Decimal
    value: Decimal
    slope: Decimal


def activation_pictures(network: Network, state: State, rounding: Rounding, script: Script, speaker: Speaker) -> list[Picture]:
    """For each activation of the network its curve and its slope, with the units that have a value marked on both.

    Where a unit is so far out that nothing would be seen of the curve, it is not drawn.
    """
    found = [(name, operating_points(network, state, name)) for name in _activations(network)]
    seen = [(name, points) for name, points in found if points and all(abs(point.at) <= FARTHEST for point in points)]
    return [_Curves(name, points, rounding, script, speaker).picture() for name, points in seen]


FARTHEST = 40
"""How far from 0 a unit of a drawn curve is given its value."""


def _activations(network: Network) -> list[str]:
    calls = (equation.rhs for equation in network.equations)
    used = (rhs.function for rhs in calls if isinstance(rhs, Call) and len(rhs.arguments) == 1 and rhs.function in OPS)
    return [name for name in dict.fromkeys(used) if OPS[name].kind == "activation" and not OPS[name].spread]


def operating_points(network: Network, state: State, function: str) -> list[Operating]:
    """Where each unit with this activation stands: the value it is given, its own, and the slope there.

    Raises ArithmeticError where a value is undefined.
    """
    found = []
    with precision(DIGITS):
        for equation in network.equations:
            if isinstance(equation.rhs, Call) and equation.rhs.function == function and equation.goal in state.values:
                at = compile_tree(equation.rhs.arguments[0])(state.values)
                value = state.values[equation.goal]
                slope = _slope(function)({"a": value, "z": at})
                found.append(Operating(equation.goal, at, value, slope))
    return found


def _slope(function: str) -> Evaluator:
    """The slope of an activation, from its value a and what it is given, z."""
    return compile_tree(Slopes(by_heart=True).differentiate(Call(function, (Name("z"),)), "z", (Name("a"),)))


@dataclass(frozen=True)
class _Curves:
    function: str
    points: Sequence[Operating]
    rounding: Rounding
    script: Script
    speaker: Speaker

    def picture(self) -> Picture:
        """The curve, the slope in pieces where it jumps, and the units on both."""
        op, z = OPS[self.function], (Name("z"),)
        ends = [point.at for point in self.points]
        left = min(Decimal(-4), min(ends).to_integral_value(ROUND_FLOOR) - 1)
        right = max(Decimal(4), max(ends).to_integral_value(ROUND_CEILING) + 1)
        with precision(DIGITS):
            value = compile_tree(Call(self.function, z))
            slope = _slope(self.function)
            kinks = kinks_between(op.seams(z), left, right) if op.kink else []
            pieces = [self.sampled(a, b) for a, b in zip([left, *kinks], [*kinks, right], strict=True)]
            curve = [(x, value({"z": x})) for piece in pieces for x in piece]
            slopes = [[(x, slope({"z": x, "a": value({"z": x})})) for x in _beside(piece, kinks)] for piece in pieces]
        heights = [y for _, y in curve] + [y for piece in slopes for _, y in piece] + [Decimal(0)]
        room = (max(heights) - min(heights)) / 12
        axes = Axes(left, right, min(heights) - room, max(heights) + room, 460, 250)
        items: list[Item] = list(axes.items(self.script))
        items.append(Stroke(tuple(axes.at(x, y) for x, y in curve), "curve"))
        items += [Stroke(tuple(axes.at(x, y) for x, y in piece), "slope") for piece in slopes]
        items += self.marks(axes)
        items += self.names(axes, curve[-1], slopes[-1][-1])
        return shifted(items, self.alt(left, right))

    @staticmethod
    def sampled(start: Decimal, end: Decimal) -> list[Decimal]:
        """Places from one end to the other."""
        count = 60
        return [start + (end - start) * k / count for k in range(count + 1)]

    def marks(self, axes: Axes) -> Iterator[Item]:
        """The units on the curve and on the slope, those that stand nearly together named together."""
        for points in self.together(axes):
            for point in points:
                (x, y), (_, low) = axes.at(point.at, point.value), axes.at(point.at, point.slope)
                yield Stroke(((x, y), (x, low)), "guide")
                yield Mark(x, y, "operating", point.name)
                yield Mark(x, low, "operating", point.name)
        taken: list[Label] = []
        for points in self.together(axes):
            names: list[str | Tree] = []
            for point in points if len(points) < 5 else (points[0], points[-1]):
                names += [", " if len(points) < 5 else ", …, "] if names else []
                names.append(Name(point.name))
            x, y = axes.at(points[0].at, points[0].value)
            made = label(tuple(names), "point", x - 4, y - 12, "end", self.script)
            while any(covered(made).meets(covered(other)) for other in taken):
                made = label(tuple(names), "point", x - 4, made.y - 15, "end", self.script)
            taken.append(made)
            yield made

    def together(self, axes: Axes) -> list[list[Operating]]:
        """The units from left to right, those in one group whose marks would touch."""
        groups: list[list[Operating]] = []
        for point in sorted(self.points, key=lambda point: point.at):
            near = groups and axes.at(point.at, Decimal(0))[0] - axes.at(groups[-1][-1].at, Decimal(0))[0] < NEAR
            if near:
                groups[-1].append(point)
            else:
                groups.append([point])
        return groups

    def names(self, axes: Axes, curve: tuple[Decimal, Decimal], slope: tuple[Decimal, Decimal]) -> Iterator[Item]:
        """What each curve is, at its right end."""
        call, sign = Call(self.function, (Name("z"),)), Name(f"operation:{self.function}")
        (x, y), (_, low) = axes.at(*curve), axes.at(*slope)
        if abs(y - low) < 18:
            y, low = (low - 18, low) if y < low else (y, y - 18)
        yield label((call,), "title", x + 8, y, "start", self.script)
        yield label(spoken(self.speaker, "slope-of", operation=sign), "title", x + 8, low, "start", self.script)

    def alt(self, left: Decimal, right: Decimal) -> str:
        """What the picture shows, with the units and where they stand."""
        where = []
        for point in self.points[:MOST_TOLD]:
            numbers = {"at": point.at, "value": point.value, "slope": point.slope}
            shown = {key: _said(self.rounding.show(number)) for key, number in numbers.items()}
            where.append(self.speaker.word("picture", "operating", name=self.script.symbol(point.name).text, **shown))
        if len(self.points) > MOST_TOLD:
            where.append("…")
        op, points = OPS[self.function], self.speaker.semicolon.join(where)
        ends = {"left": _said(spell(left)), "right": _said(spell(right))}
        return self.speaker.word("picture", "activation", operation=op.text or op.name, points=points, **ends)


def _said(digits: str) -> str:
    """A number among words."""
    return digits.replace("-", "−")


NEAR = 7.0
"""How near the marks of two units are that are named together."""

MOST_TOLD = 12
"""Units whose places are told in words."""


def _beside(piece: Sequence[Decimal], kinks: Sequence[Decimal]) -> list[Decimal]:
    """The places of a piece; at a kink, where the slope is that of neither side, one next to it."""
    first, *rest, last = piece
    return [first + HAIR if first in kinks else first, *rest, last - HAIR if last in kinks else last]


HAIR = Decimal("1e-12")


def kinks_between(gaps: Sequence[Tree], left: Decimal, right: Decimal) -> list[Decimal]:
    """Where the gaps between the pieces of an operation of z close, between two ends."""
    found = set()
    for gap in map(compile_tree, gaps):
        places = [left + (right - left) * k / 64 for k in range(65)]
        for start, end in pairwise(places):
            before = gap({"z": start})
            if before and before * gap({"z": end}) < 0:
                low, high = start, end
                while high - low > HAIR:
                    middle = (low + high) / 2
                    low, high = (middle, high) if before * gap({"z": middle}) > 0 else (low, middle)
                found.add(high.quantize(HAIR).normalize())
            elif not before:
                found.add(start)
    return sorted(found - {left, right})


# --- the loss -------------------------------------------------------------------------------------------------------------


Told = tuple[str, Decimal, bool]
"""A loss: what stands under it, its value, and whether that is exact."""


def loss_picture(losses: Sequence[Told], name: str, rounding: Rounding, script: Script, speaker: Speaker) -> Picture:
    """The loss before and after as bars, each with its value; of more than two, a line from one to the next."""
    values = [value for _, value, _ in losses]
    low, high = min(*values, Decimal(0)), max(*values, Decimal(0))
    room = (high - low or Decimal(1)) / 8
    each = max(90.0, *(label((under,), "note", 0, 0, "middle", script).width + 10 for under, _, _ in losses))
    axes = Axes(Decimal(0), Decimal(len(losses)), low - (room if low else 0), high + room, each * len(losses), 150)
    base = [axes.at(Decimal(0), Decimal(0)), axes.at(axes.right, Decimal(0))]
    items: list[Item] = []
    places = []
    for place, (under, value, exact) in enumerate(losses):
        middle = Decimal(place) + Decimal("0.5")
        (x, y), (_, foot) = axes.at(middle, value), axes.at(middle, Decimal(0))
        places.append((x, y))
        if len(losses) == 2:
            corners = ((x - BAR, foot), (x - BAR, y), (x + BAR, y), (x + BAR, foot))
            items.append(Stroke(corners, "bar", filled=True))
        number = rounding.number(value, exact)
        items.append(label((number,), "tick", x, y + (-11 if value >= 0 else 11), "middle", script))
        items.append(label((under,), "note", x, foot + (13 if value >= 0 else -13), "middle", script))
    if len(losses) > 2:
        items = [Stroke(tuple(places), "curve"), *(Mark(x, y, "operating") for x, y in places), *items]
    items.append(Stroke(tuple(base), "axis"))
    items.append(label((Name(name),), "title", base[0][0] - 6, axes.at(Decimal(0), high)[1], "end", script))
    told = speaker.semicolon.join(f"{under}: {_said(rounding.show(value, exact))}" for under, value, exact in losses)
    return shifted(items, speaker.word("picture", "loss", name=script.symbol(name).text, values=told))


BAR = 24.0
"""Half of how broad a bar is."""
