"""The plane of two inputs on which two classifiers decide alike: one boundary, and points that both put on the same side.

Owns `boundary_picture` and `Plane`, the numbers it is drawn from.  May import: errors, written, arithmetic, decisions, vectors,
pictures, plots, frames, rounding, sentences, symbols, witnesses.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from derive.arithmetic import compile_tree, precision
from derive.decisions import COMPARE, Proof
from derive.errors import JudgementError
from derive.frames import shifted
from derive.pictures import Item, Mark, Picture, Stroke, Words
from derive.plots import Axes, label, spoken
from derive.rounding import spell
from derive.sentences import Speaker
from derive.symbols import Script
from derive.vectors import components
from derive.witnesses import WORKING_DIGITS
from derive.written import Name, Number, Relation, Tree, subtract

SIDE, POINTS, CLEAR = Decimal(3), 10, Decimal("0.35")
"""How far the plane reaches, how many points are tried on it, and how far from the boundary they stand."""

Place = tuple[Decimal, Decimal]


@dataclass(frozen=True)
class Plane:
    """A proof with numbers: the pair's parameters are seeded, the neuron's follow from them as the proof found."""

    proof: Proof

    @cached_property
    def vectors(self) -> dict[str, tuple[str, str]]:
        """Each vector with its two entries."""
        assert self.proof.problem.decision is not None
        return {name: (f"{name}_1", f"{name}_2") for name in self.proof.problem.decision.vectors}

    @cached_property
    def linear(self) -> tuple[Relation, Relation]:
        """What each rule comes to, the pair's first: class 0 where it holds."""
        answers = [part.steps[0].answer for part in self.proof.parts if part.key in ("softmax-rule", "logistic-rule")]
        first, second = answers
        assert isinstance(first, Relation)
        assert isinstance(second, Relation)
        return first, second

    @cached_property
    def numbers(self) -> dict[str, Decimal]:
        """Every parameter: seeded ones with one decimal, so that the boundary goes through the middle; the neuron's from them."""
        (part,) = (part for part in self.proof.parts if part.key == "to-logistic")
        found = {step.goal: step.answer for step in part.steps if isinstance(step.goal, Name)}
        own = [name for name in self.proof.problem.network.free if name != self.inputs and Name(name) not in found]
        entries = [entry for name in own for entry in self.vectors.get(name, (name,))]
        for seed in range(1000):
            source = random.Random(f"derive-plane-{seed}")  # noqa: S311
            drawn = {entry: Decimal(source.randint(-20, 20)).scaleb(-1) for entry in entries}
            for goal, tree in found.items():
                assert isinstance(goal, Name)
                for entry, cell in zip(self.vectors.get(goal.name, (goal.name,)), components(tree, self.vectors), strict=True):
                    drawn[entry] = compile_tree(cell)(drawn)
            across, up, level = self.line(self.linear[0], drawn)
            if min(abs(across), abs(up)) > Decimal("0.7") and Decimal("0.3") < abs(level) < min(abs(across), abs(up)):
                return drawn
        raise JudgementError("decision: no numbers were found to draw a plane with")

    @property
    def inputs(self) -> str:
        """The name of the vector of inputs."""
        x = self.proof.facts["x"]
        assert isinstance(x, Name)
        return x.name

    def at(self, place: Place) -> dict[str, Decimal]:
        """The two inputs by name."""
        return dict(zip(self.vectors[self.inputs], place, strict=True))

    def value(self, tree: Tree, point: Mapping[str, Any]) -> Decimal:
        """The value of a formula with vectors at a point."""
        return Decimal(compile_tree(components(tree, self.vectors)[0])(point))

    def line(self, rule: Relation, numbers: Mapping[str, Decimal]) -> tuple[Decimal, Decimal, Decimal]:
        """The coefficients of a linear rule: of each input, and what is left without them."""
        gap, zero, one = subtract(rule.left, rule.right), Decimal(0), Decimal(1)
        level, across, up = (self.value(gap, {**numbers, **self.at(place)}) for place in ((zero, zero), (one, zero), (zero, one)))
        return across - level, up - level, level

    def is_class_0(self, rule: Relation, place: Place) -> bool:
        """What a rule as it is typed says of two inputs, through every equation of the network."""
        point: dict[str, Any] = {**self.numbers, **self.at(place)}
        with precision(WORKING_DIGITS):
            for equation in self.proof.problem.network.equations:
                point[equation.goal] = self.value(equation.rhs, point)
            return bool(COMPARE[rule.sign](self.value(rule.left, point), self.value(rule.right, point)))

    @cached_property
    def points(self) -> list[tuple[Place, bool]]:
        """Seeded places, each with whether it is class 0.  Raises JudgementError where the two rules differ on one."""
        assert self.proof.problem.decision is not None
        rules, source = self.proof.problem.decision.rules.values(), random.Random("derive-points")  # noqa: S311
        found: list[tuple[Place, bool]] = []
        across, up, level = self.line(self.linear[0], self.numbers)
        while len(found) < POINTS:
            place = (Decimal(source.randint(-27, 27)).scaleb(-1), Decimal(source.randint(-27, 27)).scaleb(-1))
            apart = all(abs(place[0] - x) + abs(place[1] - y) > Decimal("0.8") for (x, y), _ in found)
            if apart and abs(across * place[0] + up * place[1] + level) > CLEAR * (across**2 + up**2).sqrt():
                said = {self.is_class_0(rule, place) for rule in rules}
                if len(said) > 1:
                    raise JudgementError("decision: the two classifiers differ at a point of the plane")
                found.append((place, said.pop()))
        return found

    def cut(self, rule: Relation) -> list[Place]:
        """The ends of the boundary of a linear rule on the edge of the plane."""
        across, up, level = self.line(rule, self.numbers)
        found: dict[Place, None] = {}
        for edge in (-SIDE, SIDE):
            found[edge, -(across * edge + level) / up] = None
            found[-(up * edge + level) / across, edge] = None
        return sorted(place for place in found if all(-SIDE <= x <= SIDE for x in place))

    def region(self) -> list[Place]:
        """The corners of the part of the plane that is class 0."""
        rule = self.linear[0]
        across, up, level = self.line(rule, self.numbers)
        corners = [(-SIDE, -SIDE), (SIDE, -SIDE), (SIDE, SIDE), (-SIDE, SIDE)]
        gaps = [across * x + up * y + level for x, y in corners]
        found: list[Place] = []
        for (here, gap), (after, other) in pairwise([*zip(corners, gaps, strict=True), (corners[0], gaps[0])]):
            if COMPARE[rule.sign](gap, 0):
                found.append(here)
            if gap * other < 0:
                part = gap / (gap - other)
                found.append((here[0] + part * (after[0] - here[0]), here[1] + part * (after[1] - here[1])))
        return found

    def room(self, wanted: bool) -> Place:
        """A place within one class where there is most room for words."""
        across, up, level = self.line(self.linear[0], self.numbers)
        length = (across**2 + up**2).sqrt()

        def free(place: Place) -> Decimal:
            x, y = place
            to_line = abs(across * x + up * y + level) / length
            return min(to_line, *(((x - a) ** 2 / 2 + (y - b) ** 2 * 2).sqrt() for (a, b), _ in self.points))

        places = [(Decimal(x) / 2, Decimal(y) / 2) for x in range(-4, 5) for y in range(-5, 6)]
        sign = self.linear[0].sign
        return max((p for p in places if COMPARE[sign](across * p[0] + up * p[1] + level, 0) is wanted), key=free)


def boundary_picture(proof: Proof, script: Script, speaker: Speaker) -> tuple[Picture, Words]:
    """The plane with the boundary of both classifiers, and a sentence with the numbers it is drawn from."""
    plane = Plane(proof)
    axes = Axes(-SIDE, SIDE, -SIDE, SIDE, 300, 300)
    items = list(_items(plane, axes, script, speaker))
    classes = [is_class_0 for _, is_class_0 in plane.points]
    first, second = (script.symbol(name).text for name in plane.vectors[plane.inputs])
    counts = {"zeros": str(sum(classes)), "ones": str(len(classes) - sum(classes))}
    alt = speaker.word("picture", "plane", first=first, second=second, reach=spell(SIDE), **counts)
    return shifted(items, alt), spoken(speaker, "boundary", **_numbers(plane))


def _items(plane: Plane, axes: Axes, script: Script, speaker: Speaker) -> Iterator[Item]:
    yield Stroke(tuple(axes.at(*place) for place in plane.region()), "region", filled=True)
    yield from axes.items(script)
    for kind, rule in zip(("boundary", "neuron"), plane.linear, strict=True):
        yield Stroke(tuple(axes.at(*place) for place in plane.cut(rule)), kind)
    for place, is_class_0 in plane.points:
        yield Mark(*axes.at(*place), "class0" if is_class_0 else "class1")
    for wanted, number in ((True, "0"), (False, "1")):
        words = spoken(speaker, "class", number=number)
        yield label(words, "note", *axes.at(*plane.room(wanted)), "middle", script)
    first, second = map(Name, plane.vectors[plane.inputs])
    yield label((first,), "title", *_beside(axes.at(SIDE, -SIDE), 10, 0), "start", script)
    yield label((second,), "title", *_beside(axes.at(-SIDE, SIDE), 0, -16), "middle", script)


def _beside(point: tuple[float, float], right: float, down: float) -> tuple[float, float]:
    return point[0] + right, point[1] + down


def _numbers(plane: Plane) -> dict[str, Words]:
    """The parameters of the pair and of the neuron, each with its number."""
    facts = plane.proof.facts
    groups = {"pair": ("u", "b", "v", "c"), "neuron": ("w", "d")}
    return {group: tuple(_equalities(plane, [facts[key] for key in keys])) for group, keys in groups.items()}


def _equalities(plane: Plane, names: Sequence[Tree]) -> Iterator[str | Tree]:
    for place, name in enumerate(names):
        assert isinstance(name, Name)
        numbers = [Number(spell(plane.numbers[entry])) for entry in plane.vectors.get(name.name, (name.name,))]
        yield from ([", "] if place else [])
        yield from (name, " = ")
        yield from numbers if len(numbers) == 1 else ("(", numbers[0], ", ", numbers[1], ")")
