"""The equations of a model as they are written, one for each operation that was recorded.

Owns `Sheet`, `Letters`, what is typed, and `Value`, a tensor of the model as a quantity of the problem looked at in some
order of its axes.  Flattening, transposing and adding axes of length 1 write nothing: they only look at it otherwise.  May import:
models.axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import prod
from typing import Any

from derive.models.axes import Axes, Keys

Body = Callable[[list[list[str]], "Letters"], str]
Group = tuple[int, ...]
"""The axes of a quantity that one axis of a tensor stands for; none for an axis of length 1."""

LETTERS = {
    "N": "nr",
    "S": "ts", "C": "ckl", "h": "iu", "w": "jv", "p": "up", "q": "vq", "V": "k", "H": "ab", "G": "ga", "d": "kijl", "K": "kc",
}  # fmt: skip
"""The letters of an axis by what it is called, those it takes first."""
SPARE = "ijklpqrsuvabctmnfgowxyz"


@dataclass(frozen=True)
class Value:
    """A tensor: the quantity, its axes, and for each axis of the tensor those it stands for.  A `number` is the same everywhere.

    With `keep`, a mask of zeros and ones, the entries that are not kept are −∞.
    """

    name: str
    base: Keys = ()
    groups: tuple[Group, ...] = ()
    number: bool = False
    keep: Value | None = None

    @property
    def flat(self) -> tuple[int, ...]:
        """The axes of the quantity in the order the tensor has them."""
        return tuple(place for group in self.groups for place in group)

    @property
    def plain(self) -> bool:
        """Whether the tensor has the quantity's axes in their own order."""
        return self.flat == tuple(range(len(self.base)))


@dataclass(frozen=True)
class Weight:
    """A tensor that belongs to the model, before an operation says what it is to be called."""

    path: str
    tensor: Any


@dataclass(frozen=True)
class Parameter:
    """Which entries of a model's tensor a name stands for: all, or rows from `start` to `stop` of its first axis."""

    path: str
    start: int | None = None
    stop: int | None = None


@dataclass
class Sheet:
    """What was written so far: shapes, equations, parameters, inputs, constants, and remarks for the page.

    `bring` makes constants of the numbers a model brings along.
    """

    axes: Axes
    bring: Any = None
    shapes: dict[str, Keys] = field(default_factory=dict)
    forward: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    remarks: dict[tuple[str, str], None] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    declared: dict[str, Value] = field(default_factory=dict)
    layers: int = 0
    marks: int = 0

    # --- names --------------------------------------------------------------------------------------------------------

    def fresh(self, stem: str, layer: int | None = None) -> str:
        """A name that nothing else has: the stem and the number of its layer, or the next that is free."""
        if layer is None:
            number = 1
            while f"{stem}{number}" in self.shapes:
                number += 1
            return f"{stem}{number}"
        name, again = f"{stem}{layer}", 1
        while name in self.shapes:
            again += 1
            name = f"{stem}{layer}_{again}"
        return name

    def layer(self) -> int:
        """The number of the next layer with weights."""
        self.layers += 1
        return self.layers

    def layer_of(self, value: Value) -> int | None:
        """The number of the layer a quantity belongs to, which its activation shares: 2 of z2."""
        digits = value.name.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return int(digits) if digits.isascii() and digits.isdigit() else None

    def key(self, what: str) -> str:
        """A key for an axis that begins here; the same one when the model is recorded again."""
        self.marks += 1
        return f"{self.marks}.{what}"

    def axis(self, length: int, stem: str) -> Keys:
        """An axis that begins here."""
        return self.axes.new(self.key(stem), length, stem)

    # --- quantities ---------------------------------------------------------------------------------------------------

    def declare(self, name: str, axes: Sequence[Keys]) -> Value:
        """A quantity with these axes, each perhaps a product of others."""
        base: list[str] = []
        groups: list[Group] = []
        for keys in axes:
            groups.append(tuple(range(len(base), len(base) + len(keys))))
            base += keys
        self.shapes[name] = tuple(base)
        self.declared[name] = value = Value(name, tuple(base), tuple(groups))
        return value

    def keys(self, value: Value, axis: int) -> Keys:
        """The axes that one axis of a tensor stands for."""
        return tuple(value.base[place] for place in value.groups[axis])

    def all_keys(self, value: Value) -> list[Keys]:
        """The same for every axis."""
        return [self.keys(value, axis) for axis in range(len(value.groups))]

    def lengths(self, value: Value) -> tuple[int, ...]:
        """The shape of a tensor in the example."""
        return tuple(prod(self.axes.lengths(keys)) for keys in self.all_keys(value))

    def define(self, stem: str, axes: Sequence[Keys], body: Body, layer: int | None = None) -> Value:
        """A new quantity by an index equation: `body` writes its right side, given the letters of each axis and what is left."""
        name = self.fresh(stem, layer)
        value = self.declare(name, axes)
        letters = Letters(self.axes)
        mine = [letters.take(keys) for keys in axes]
        right = body(mine, letters)
        flat = [letter for group in mine for letter in group]
        self.forward[name] = f"{name}[{','.join(flat)}] = {right}" if flat else right
        return value

    def whole(self, stem: str, formula: str, like: Value, layer: int | None = None) -> Value:
        """A new quantity by a formula over whole arrays, with the axes of another."""
        name = self.fresh(stem, layer)
        value = self.declare(name, self.all_keys(like))
        self.forward[name] = formula
        return value

    @staticmethod
    def entry(value: Value, letters: Sequence[Sequence[str]]) -> str:
        """An entry of a tensor, given the places of each of its axes."""
        if value.number or not value.base:
            return value.name
        places = [""] * len(value.base)
        for group, its in zip(value.groups, letters, strict=True):
            for place, letter in zip(group, its, strict=True):
                places[place] = letter
        return f"{value.name}[{','.join(places)}]"

    def entrywise(self, stem: str, template: str, *operands: Value, layer: int | None = None) -> Value:
        """An operation entry by entry, `{0} + {1}`, tensors stretched as NumPy does it.  Raises ValueError if they do not fit."""
        rank = max(len(value.groups) for value in operands)
        axes: list[Keys] = []
        for axis in range(-rank, 0):
            runs = [self.keys(v, axis) for v in operands if len(v.groups) >= -axis and v.groups[axis]]
            longest = max((prod(self.axes.lengths(keys)) for keys in runs), default=1)
            for keys in runs:
                if prod(self.axes.lengths(keys)) == 1 and longest > 1:
                    self.axes.drop(keys[0])
                self.axes.unify(runs[0], keys)
            axes.append(self.axes_of(runs[0]) if runs else ())

        def aligned(value: Value, letters: Sequence[Sequence[str]]) -> list[Sequence[str]]:
            own = letters[rank - len(value.groups) :]
            return [its if group else () for group, its in zip(value.groups, own, strict=True)]

        def fits(value: Value) -> bool:
            """Whether NumPy would align the quantity itself in the same way."""
            marked = [[f"{axis}.{k}" for k in range(len(keys))] for axis, keys in enumerate(axes)]
            all_places = [place for group in marked for place in group]
            own = [place for its in aligned(value, marked) for place in its]
            return value.number or (value.plain and own == all_places[len(all_places) - len(own) :])

        if all(map(fits, operands)):
            name = self.fresh(stem, layer)
            result = self.declare(name, axes)
            self.forward[name] = template.format(*(value.name for value in operands))
            return result
        return self.define(
            stem, axes, lambda letters, _: template.format(*(self.entry(v, aligned(v, letters)) for v in operands)), layer
        )

    def axes_of(self, keys: Iterable[str]) -> Keys:
        """The keys that stand for these."""
        return tuple(self.axes.find(key) for key in keys)

    def apart(self, value: Value, index: Sequence[int]) -> list[Keys]:
        """The axes of a tensor but for some."""
        return [keys for axis, keys in enumerate(self.all_keys(value)) if axis not in index]

    def weight(
        self, weight: Weight | Value, stem: str, layer: int | None, axes: Sequence[Keys], rows: tuple[int, int] | None = None
    ) -> Value:
        """A parameter, or `rows` of one, with the axes an operation needs it to have.  Raises ValueError where they do not fit."""
        if isinstance(weight, Value):
            known = weight
        else:
            parameter = Parameter(weight.path, *(rows or (None, None)))
            name = next((name for name, other in self.parameters.items() if other == parameter), None)
            if name is None:
                name = self.fresh(stem, layer)
                self.parameters[name] = parameter
                if not weight.tensor.requires_grad:
                    self.constants[name] = weight.tensor if rows is None else weight.tensor[rows[0] : rows[1]]
                return self.declare(name, axes)
            known = self.declared[name]
        for axis, keys in enumerate(axes):
            self.axes.unify(keys, self.keys(known, axis))
        return known

    def flattened(self, value: Value, axis: int) -> Value:
        """The tensor with an axis that was put together from others as one axis of its own.

        Where the one ends is typed as the number it is in this model.
        """
        keys = self.keys(value, axis)
        if len(keys) < 2:
            return value
        lengths = self.axes.lengths(keys)
        new = self.axes_of(self.axis(prod(lengths), self.axes.stem[self.axes.find(keys[0])]))
        axes = [new if k == axis else self.axes_of(its) for k, its in enumerate(self.all_keys(value))]

        def body(letters: list[list[str]], more: Letters) -> str:
            inner = more.take(keys)
            steps = [prod(lengths[k + 1 :]) for k in range(len(keys))]
            at = " + ".join(letter if step == 1 else f"{step}*{letter}" for letter, step in zip(inner, steps, strict=True))
            entry = self.entry(value, [*letters[:axis], inner, *letters[axis + 1 :]])
            return summed(inner, f"delta({letters[axis][0]}, {at})*{entry}")

        return self.define("y", axes, body)

    # --- looking at a tensor otherwise ----------------------------------------------------------------------------------

    def permuted(self, value: Value, order: Sequence[int]) -> Value:
        """The tensor with its axes in another order."""
        return replace(value, groups=tuple(value.groups[axis] for axis in order))

    def reshaped(self, value: Value, shape: Sequence[int]) -> Value:
        """The tensor with axes flattened or taken apart.  Raises ValueError where they do not nest."""
        if value.number:
            return replace(value, groups=((),) * len(shape))
        groups = self.axes.regrouped(self.all_keys(value), shape)
        return replace(value, groups=tuple(tuple(value.groups[axis][k] for axis, k in group) for group in groups))

    def unsqueezed(self, value: Value, axis: int) -> Value:
        """The tensor with one more axis of length 1."""
        return replace(value, groups=(*value.groups[:axis], (), *value.groups[axis:]))

    def squeezed(self, value: Value, axis: int) -> Value:
        """The tensor without an axis of length 1.  Raises Refined where that has a name."""
        if value.groups[axis]:
            self.axes.drop(self.keys(value, axis)[0])
        return replace(value, groups=(*value.groups[:axis], *value.groups[axis + 1 :]))


class Letters:
    """The letters of one equation, each used once."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        self.taken: set[str] = set()

    def take(self, keys: Iterable[str]) -> list[str]:
        """A letter for each of some axes."""
        return [self.one(self.axes.stem[self.axes.find(key)]) for key in keys]

    def one(self, stem: str) -> str:
        """A letter for an axis of this name."""
        supply: tuple[str, ...] = (*LETTERS.get(stem, ""), *SPARE, *(f"i{k}" for k in range(1, 100)))
        for letter in supply:
            if letter not in self.taken:
                self.taken.add(letter)
                return letter
        raise ValueError


def typed_number(number: float) -> str:
    """A number as it is typed in a formula; the square root of a whole number as such.

    >>> [typed_number(x) for x in (2, 0.5, 1e-05, 8**0.5, -1)]
    ['2', '0.5', '0.00001', 'sqrt(8)', '(-1)']
    """
    if number < 0:
        return f"(-{typed_number(-number)})"
    text: str = format(Decimal(repr(number)), "f")
    if float(number).is_integer():
        return str(int(number))
    square = int(number * number + 0.5)
    if len(text) > 12 and square > 1 and square**0.5 == number:
        return f"sqrt({square})"
    return text


def size(key: str) -> str:
    """Where the name of a size will stand."""
    return f"⟦{key}⟧"


def summed(letters: Sequence[str], body: str, function: str = "sum") -> str:
    """A sum over letters; over none it is its body."""
    return f"{function}({', '.join(letters)}, {body})" if letters else body


def single(s: Sheet, keys: Keys) -> str:
    """The one axis a run consists of.  Raises ValueError."""
    if len(keys) != 1:
        raise ValueError("an axis that was put together from others (by flatten or view)")
    return s.axes.find(keys[0])


def weight_shape(s: Sheet, weight: Weight | Value) -> tuple[int, ...]:
    """The shape of a weight in the example."""
    return tuple(weight.tensor.shape) if isinstance(weight, Weight) else s.lengths(weight)
