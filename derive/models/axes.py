"""The sizes of a model: which axes are as long as one another, which are products of others, and what each is called.

Owns `Axes`.  An axis is known by a key, the place in the model it was first met; keys are told equal when an operation needs them
to be.  A model is recorded anew whenever an axis turns out to be a product of others, until nothing new is learnt.  May import:
errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import prod

Keys = tuple[str, ...]

MARK = re.compile("⟦(.*?)⟧")
"""Where the name of a size will stand, which is settled last."""

PALETTES = ((9, 2, 2), (5, 2, 2), (4, 2, 2), (3, 2, 2), (3, 1, 2), (3, 1, 1), (2, 2, 2), (2, 1, 2), (2, 1, 1))
"""The longest and the shortest an axis is made where lines are judged, and the shortest a width may be, from the best to the
cheapest; an axis a window has to fit into is longer all the same.
"""
EVERY = 9
"""The palette in which no two axes at all are equally long."""
MOST_WORK = 20_000
"""What judging may cost: the squares of the numbers of entries, since every entry is differentiated by every other."""


class Refined(Exception):  # noqa: N818  (no failure: the recording begins anew)
    """An axis turned out to be a product of others."""


class Axes:
    """What is known of the axes of a model so far."""

    def __init__(self) -> None:
        self.length: dict[str, int] = {}
        self.stem: dict[str, str] = {}
        self.parts: dict[str, Keys] = {}
        self.terms: dict[str, Keys] = {}
        self.windows: set[tuple[str, int, str, int]] = set()
        self.least: dict[str, int] = {}
        self.learnt = 0

    def call(self, key: str, stem: str) -> None:
        """Name an axis otherwise, now that it is known what it is."""
        key = self.find(key)
        if self.stem[key] != stem:
            self.stem[key] = stem
            self.learnt += 1

    def new(self, key: str, length: int, stem: str) -> Keys:
        """The axis met at a place: itself, or the axes it is known to be made of."""
        if key not in self.length:
            self.length[key], self.stem[key] = length, stem
        return self.expanded(key)

    def expanded(self, key: str) -> Keys:
        """The axes one is made of."""
        if key not in self.parts:
            return (key,)
        return tuple(inner for part in self.parts[key] for inner in self.expanded(part))

    def find(self, key: str) -> str:
        """The key that stands for all that are as long as this one."""
        found = self.expanded(key)
        return found[0] if len(found) == 1 else key

    def lengths(self, keys: Iterable[str]) -> tuple[int, ...]:
        """How long some axes are in the example."""
        return tuple(self.length[key] for key in keys)

    def drop(self, key: str) -> None:
        """Leave out an axis of length 1.  Raises Refined."""
        self.parts[self.find(key)] = ()
        raise Refined

    def split(self, key: str, length: int) -> None:
        """Make an axis the product of two, the second of this length.  Raises Refined."""
        key = self.find(key)
        first = self.new(f"{key}/", self.length[key] // length, self.stem[key])
        second = self.new(f"{key}/{length}", length, self.stem[key])
        self.parts[key] = (*first, *second)
        raise Refined

    def unify(self, one: Keys, other: Keys) -> None:
        """Tell two runs of axes to be the same.

        Raises Refined where an axis turns out to be a product, ValueError where they are not the same.
        """
        left, right = [[self.find(key) for key in keys] for keys in (one, other)]
        while left and right:
            a, b = left[0], right[0]
            if a != b and self.length[a] == self.length[b]:
                known = list(self.length)
                keep, gone = (a, b) if (a not in self.terms, known.index(a)) < (b not in self.terms, known.index(b)) else (b, a)
                if a in self.terms and b not in self.terms:
                    keep, gone = a, b
                self.parts[gone] = (keep,)
                self.learnt += 1
                left, right = [[self.find(key) for key in keys] for keys in (left, right)]
                a, b = left[0], right[0]
            if a == b:
                left.pop(0)
                right.pop(0)
                continue
            long, short = (a, b) if self.length[a] > self.length[b] else (b, a)
            if self.length[short] == 1:
                self.drop(short)
            if self.length[long] % self.length[short]:
                raise ValueError
            self.split(long, self.length[long] // self.length[short])
        for key in (*left, *right):
            if self.length[key] != 1:
                raise ValueError
            self.drop(key)

    def regrouped(self, axes: Sequence[Keys], shape: Sequence[int]) -> list[list[tuple[int, int]]]:
        """The elementary axes of an array, (axis, place in it), put into groups of other lengths.

        Raises Refined where one has to be split first, ValueError where the shapes do not nest.
        """
        flat = [(place, k, self.find(key)) for place, keys in enumerate(axes) for k, key in enumerate(keys)]
        groups: list[list[tuple[int, int]]] = []
        for wanted in shape:
            group: list[tuple[int, int]] = []
            have = 1
            while flat and (have < wanted or (wanted == 1 and not group and self.length[flat[0][2]] == 1)):
                place, k, key = flat[0]
                length, rest = self.length[key], wanted // have
                if wanted % (have * length):
                    if wanted % have or length % rest:
                        raise ValueError
                    self.split(key, length // rest)
                group.append((place, k))
                have *= length
                flat.pop(0)
            if have != wanted:
                raise ValueError
            groups.append(group)
        for _, _, key in flat:
            if self.length[key] != 1:
                raise ValueError
            self.drop(key)
        return groups

    # --- names --------------------------------------------------------------------------------------------------------

    def named(self, shapes: Iterable[Keys], taken: Iterable[str]) -> dict[str, str]:
        """A name for every axis that stands in some shapes, N for the batch, else its stem and a number."""
        names: dict[str, str] = {}
        used = set(taken)
        for key in dict.fromkeys(self.find(key) for keys in shapes for key in keys):
            if key in self.terms:
                continue
            stem = self.stem[key]
            number = 0 if len(stem) == 1 and stem in ("N", "S") else 1
            while (name := stem if number == 0 else f"{stem}{number}") in used:
                number += 1
            used.add(name)
            names[key] = name
        return names

    def text(self, key: str, names: Mapping[str, str]) -> str:
        """A size as it is typed."""
        key = self.find(key)
        if key in self.terms:
            return " + ".join(self.text(term, names) for term in self.terms[key])
        return names[key]

    # --- small lengths ------------------------------------------------------------------------------------------------

    def small(self, shapes: Sequence[Keys]) -> dict[str, int]:
        """A small length for every axis, as unequal as can be within an array, windows fitting into what they slide over."""
        shapes = [tuple(self.find(key) for key in keys) for keys in shapes]
        best: dict[str, int] = {}
        for palette in PALETTES:
            best = self._colour(shapes, palette)
            if sum(prod(self._small(key, best) for key in keys) ** 2 for keys in shapes) <= MOST_WORK:
                break
        return best

    def _colour(self, shapes: Sequence[Keys], palette: tuple[int, int, int]) -> dict[str, int]:
        most, least_of, least_wide = palette
        keys = list(dict.fromkeys(key for keys in shapes for key in keys if key not in self.terms))
        for sums in {key for keys in shapes for key in keys if key in self.terms}:
            keys += [part for term in self.terms[sums] for part in self.expanded(term) if part not in keys]
        beside: dict[str, set[str]] = {key: set() for key in keys}
        for shape in shapes:
            for key in shape:
                if key in beside:
                    beside[key] |= set(shape) - {key}
        found: dict[str, int] = {}
        for key in reversed(keys):  # what comes out first, since it says how long what goes in has to be
            short = {"h": least_of, "w": least_wide}.get(self.stem[key], 2)
            least = max(short, self.least.get(key, 0))
            for into, step, out, reach in self.windows:
                if self.find(into) == key and self.find(out) in found:
                    least = max(least, step * (found[self.find(out)] - 1) + reach)
            taken = set(found.values()) if most == EVERY else {found[other] for other in beside[key] if other in found}
            found[key] = next((k for k in range(least, max(most, least) + 1) if k not in taken), least)
        return found

    def _small(self, key: str, small: Mapping[str, int]) -> int:
        key = self.find(key)
        if key in self.terms:
            return sum(prod(self._small(part, small) for part in self.expanded(term)) for term in self.terms[key])
        return small[key]
