"""A problem over arrays from its file: [shapes], equations of matrices, index equations, nested lists of numbers.

Owns `ArrayLoader`.  Every message says place, what is wrong and what was probably meant.  May import: errors, written, network,
problem, spec, tensors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from derive.errors import FormulaError, InputError, printable, shown, suggest
from derive.network import INPUT_NAME, TARGET_NAME, Equation, Network
from derive.problem import Arrays, Ask, Fact, Numbers, Problem
from derive.reader import MAX_CHARACTERS, check_name
from derive.spec import Loader
from derive.symbols import read_symbol
from derive.tables.notations import NOTATIONS
from derive.tables.ops import ALIASES, OPS
from derive.tensors.layers import expand_array_layers
from derive.tensors.reader import lagged_names, read_array_formula, read_equation, read_size, split_equation
from derive.tensors.shapes import ARRAY_FUNCTIONS, Shape, check_size, reduces, shape_of, size_value, spell_shape, spell_size
from derive.updates import Train
from derive.written import (
    ONE,
    Call,
    Delta,
    Index,
    Indexed,
    Listing,
    Name,
    Negative,
    Number,
    Over,
    Partial,
    Product,
    Relation,
    Rule,
    Second,
    Size,
    Sum,
    Tree,
    Within,
    children,
    names_in,
    walk,
)

MAX_AXES = 6
MAX_ENTRIES = 20_000

_NAMES = re.compile(r"(?<![A-Za-z0-9_.])[A-Za-z]\w*+(?!\s*\()")
_DECLARED = re.compile(r"\b(?:sum|mean|max)\s*\(\s*((?:[A-Za-z]\w*+\s*(?:<[^,()\[\]]*+)?,\s*)+)")
_PLACES = re.compile(r"\[([^\[\]]*)\]")


class ArrayLoader(Loader):
    """One problem file over arrays, section by section."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(document)
        if "layers" in document:
            if "forward" in document:
                raise InputError("[layers] expands into [forward]; give one of the two")
            self.document = {**document, **expand_array_layers(self.section("layers"), document)}

    def problem(self) -> Problem:
        """The problem, every section checked.  Raises InputError."""
        self.check_sections()
        for section in ("examples", "vectors"):
            if section in self.document:
                raise InputError(f'[{section}] does not go with [shapes]: put a batch into an axis, X = ["d", "N"]')
        texts = {key: self.text(key) for key in ("title", "source", "question")}
        declared = self.declared()
        network, shapes = self.equations(declared)
        integers = self.integers(network, shapes)
        given, sizes = self.numbers_of(network, shapes, integers)
        arrays = Arrays(shapes, sizes, given, self.facts(network, shapes, given), integers)
        train = self.array_train(network, arrays)
        problem = Problem(
            title=texts["title"] or "Problem",
            network=network,
            train=train,
            names=self.array_names(network, sizes_in(shapes)),
            notation=self.notation(),
            source=texts["source"],
            question=texts["question"],
            arrays=arrays,
        )
        return self.with_words(replace(problem, asks=self.array_asks(problem)))

    def notation(self) -> str:
        """The notation of [names] and [layers]."""
        text = self.text("notation") or ("ng" if "layers" in self.document else "plain")
        if text not in NOTATIONS:
            raise InputError(f"notation: unknown notation '{shown(text)}'" + suggest(text, NOTATIONS))
        return text

    # --- shapes and equations -----------------------------------------------------------------------------------------

    def declared(self) -> dict[str, Shape]:
        """The shapes as typed."""
        found: dict[str, Shape] = {}
        for name, axes in self.section("shapes").items():
            place = f"shapes.{shown(name)}"
            fault = self.name_fault(name)
            if fault:
                raise InputError(f"{place}: {fault}")
            if not isinstance(axes, list):
                raise InputError(f'{place}: should list its sizes: ["m", "d"], or [] for a number')
            if len(axes) > MAX_AXES:
                raise InputError(f"{place}: more than {MAX_AXES} axes")
            found[name] = tuple(self.size(axis, place) for axis in axes)
        return found

    @staticmethod
    def name_fault(name: str) -> str | None:
        """What is wrong with a name, or None."""
        if name in ARRAY_FUNCTIONS or name in ("einsum", "delta", "within", "argmax"):
            return f"'{name}' is the name of a function"
        return check_name(name)

    def size(self, axis: Any, place: str) -> Tree:
        """A size as typed."""
        if type(axis) is int and 0 < axis <= 1_000_000:
            return Number(str(axis))
        if type(axis) is str and not axis.strip().isdigit():
            try:
                return check_size(read_size(axis))
            except FormulaError as error:
                raise InputError(f"{place}: '{shown(axis)}' is no size: {error}") from None
        raise InputError(f'{place}: {shown(axis)} is no size: a name such as "N", or a whole number from 1')

    @cached_property
    def known(self) -> frozenset[str]:
        """The names formulas may use: given, computed, with a shape, or standing in a formula of matrices as a number."""
        section = self.section("forward")
        sizes = {name for axes in self.declared().values() for size in axes for name in _size_names(size)}
        found = set(self.section("shapes")) | {goal.strip() for goal in section} | set(self.section("given"))
        for text in section.values():
            if type(text) is str and split_equation(text) is None:
                bare = re.sub(r"\"[^\"]*\"|'[^']*'", " ", text[:MAX_CHARACTERS])
                found |= set(_NAMES.findall(bare)) - _summed_letters(bare)
        return frozenset(found - sizes - OPS.keys() - ALIASES.keys() - ARRAY_FUNCTIONS.keys())

    def equations(self, declared: Mapping[str, Shape]) -> tuple[Network, dict[str, Shape]]:
        """The network, and the shape of every quantity."""
        section = self.section("forward")
        if not section:
            raise InputError("[forward] is missing or empty: it holds the named equations" + self.near_miss("forward"))
        shapes: dict[str, Shape] = dict(declared)
        sizes = sizes_in(shapes)
        found: list[Equation] = []
        given: set[str] = set()
        goals = [key.strip() for key in section]
        for key, text in section.items():
            place, goal = f"forward.{shown(key)}", key.strip()
            fault = self.name_fault(goal)
            if fault or goal in sizes:
                raise InputError(f"{place}: {fault or f'{goal} is the name of a size'}")
            if isinstance(text, bool | dict | list):
                raise InputError(f"{place}: should be a formula in quotes")
            try:
                tree = self.right_side(goal, str(text), shapes, sizes)
                lagged = lagged_names(tree, given | (self.known - set(goals)))
                self.check_right_side(tree)
                if isinstance(tree, Rule):
                    check_entries(tree.body, shapes)
                shape = self.goal_shape(goal, tree, shapes, declared)
            except FormulaError as error:
                at = f" (at character {error.position})" if error.position else ""
                raise InputError(f"{place}: {error}{at}") from None
            if isinstance(tree, Call) and tree.function == "loss_of":
                same = next((equation.goal for equation in found if equation.rhs == tree), None)
                if same is not None:
                    raise InputError(f"{place}: of two losses of the same arrays nothing tells one from the other; use {same}")
            shapes[goal] = shape
            if isinstance(tree, Call) and len(shape) == len(declared.get(goal, ())) and reduces(tree, shapes) and ONE in shape:
                tree = self.kept(tree, shapes, shape)
            found.append(Equation(goal, tree, lagged=lagged))
            given.add(goal)
        for name in declared:
            if name not in given and not any(name in names_in(equation.rhs) for equation in found):
                raise InputError(f"shapes.{shown(name)}: no equation uses it" + suggest(name, self.known - {name}))
        return Network(tuple(found)), {**{name: () for equation in found for name in names_in(equation.rhs)}, **shapes}

    def right_side(self, goal: str, text: str, shapes: Mapping[str, Shape], sizes: frozenset[str]) -> Tree:
        """An equation's right side."""
        if split_equation(text) is not None:
            return read_equation(text, goal, self.known, shapes, sizes)
        tree = read_array_formula(text, self.known, shapes, sizes)
        for node in walk(tree):
            if isinstance(node, Call) and node.function == "loss_of" and node is not tree:
                raise FormulaError("loss_of stands alone: give it an equation of its own, and use that name here")
        told = {*self.section("shapes"), *self.section("given"), *(key.strip() for key in self.section("forward"))}
        for node in walk(tree):
            for place in node.at if isinstance(node, Indexed) else ():
                letter = next((name for name in names_in(place) if name not in told), None)
                if letter is not None:
                    hint = f'write {goal} = "{goal}[{letter}] = …", an index equation'
                    raise FormulaError(f"'{letter}' is no place here: {hint}, if it is a letter")
        return tree

    @staticmethod
    def check_right_side(tree: Tree) -> None:
        """Refuse what is no formula for a value."""
        for node in walk(tree):
            for place in node.at if isinstance(node, Indexed) else children(node) if isinstance(node, Delta) else ():
                check_place(place, isinstance(node, Indexed))
            if isinstance(node, Within):
                check_place(node.at, False)
                check_size(node.size)
            if isinstance(node, Over) and node.operation == "argmax":
                raise FormulaError("argmax is a place, which is no value: max(i, x[i]) is the largest entry")
            if isinstance(node, Partial):
                raise FormulaError("a derivative is no part of the forward pass")
            if isinstance(node, Relation):
                raise FormulaError("a comparison is no formula for a value")
            if isinstance(node, Listing):
                raise FormulaError("a list of names is not read here: give an array its shape in [shapes]")
            if isinstance(node, Call) and node.function in OPS and node.part is not None:
                raise FormulaError(f"{node.function}(…)[k] is not read here; write the entry as an index equation")

    def goal_shape(self, goal: str, tree: Tree, shapes: Mapping[str, Shape], declared: Mapping[str, Shape]) -> Shape:
        """The shape of a goal: that of its right side, which [shapes] may keep an axis of."""
        shape = shape_of(tree, shapes)
        wanted = declared.get(goal)
        if wanted is None or wanted == shape:
            return shape
        if isinstance(tree, Call) and reduces(tree, shapes) and len(tree.arguments) == 2:
            kept = shape_of(self.kept(tree, shapes, wanted), shapes)
            if kept == wanted:
                return wanted
        raise FormulaError(
            f"its right side has the shape {spell_shape(shape)}, but [shapes] gives {goal} the shape {spell_shape(wanted)}"
        )

    @staticmethod
    def kept(call: Call, shapes: Mapping[str, Shape], shape: Shape) -> Call:
        """A reduction that keeps its axis with size 1, where [shapes] says so."""
        return Call(call.function, (*call.arguments, ONE)) if len(call.arguments) == 2 and shape_of(call, shapes) != shape else call

    @staticmethod
    def integers(network: Network, shapes: Mapping[str, Shape]) -> dict[str, Tree]:
        """The quantities that are places in another one, E[ids[n], j], with the length of the axis they pick from."""
        found: dict[str, Tree] = {}
        for equation in network.equations:
            for node in walk(equation.rhs):
                if isinstance(node, Indexed) and isinstance(node.base, Name):
                    for a, size in zip(node.at, shapes.get(node.base.name, ()), strict=False):
                        for inner in walk(a):
                            if isinstance(inner, Name):
                                if inner.name in network.by_goal:
                                    raise InputError(
                                        f"forward.{equation.goal}: '{inner.name}' is computed, so it cannot be a place"
                                    )
                                found[inner.name] = size
        return found

    # --- numbers ------------------------------------------------------------------------------------------------------

    def numbers_of(
        self, network: Network, shapes: Mapping[str, Shape], integers: Mapping[str, Tree]
    ) -> tuple[dict[str, Numbers], dict[str, int]]:
        """The given numbers, and the sizes they settle; `integers` are places along an axis."""
        sizes: dict[str, int] = {}
        given: dict[str, Numbers] = {}
        names = sizes_in(shapes)
        section = self.section("given")
        for name, value in section.items():
            if name in names:
                if type(value) is not int or not 0 < value <= 1_000_000:
                    raise InputError(f"given.{name}: is a size: a whole number from 1")
                sizes[name] = value
        for name, value in section.items():
            place = f"given.{shown(name)}"
            if name in names:
                continue
            if name in network.by_goal:
                raise InputError(f"{place}: is also computed in [forward]; a name is given once")
            if name not in network.free:
                raise InputError(f"{place}: no equation uses it" + suggest(name, network.free))
            given[name] = self.nested(value, place, shapes[name], sizes)
        entries = [node for equation in network.equations for node in walk(equation.rhs) if isinstance(node, Indexed)]
        bare = {a.base if isinstance(a, Indexed) else a for node in entries for a in node.at}  # E[ids[n] - 1] may count from 1
        for name, size in integers.items():
            length = size_value(size, sizes) if Name(name) in bare else None
            for text in _texts(given.get(name, ())):
                if not text.isdigit() or (length is not None and int(text) >= length):
                    top = "" if length is None else f" to {length - 1}"
                    raise InputError(f"given.{name}: {text} is no place: a whole number from 0{top}")
        return given, sizes

    def nested(self, value: Any, place: str, shape: Shape, sizes: dict[str, int]) -> Numbers:
        """A nested list of numbers of a shape."""
        if not shape:
            if isinstance(value, list):
                raise InputError(f"{place}: a number is wanted; give a list its shape in [shapes]")
            return self.number(value, place)
        if not isinstance(value, list) or not value:
            raise InputError(f"{place}: should be a list of {spell_size(shape[0])} for the shape {spell_shape(shape)}")
        if len(value) > MAX_ENTRIES:
            raise InputError(f"{place}: more than {MAX_ENTRIES:,} entries")
        if isinstance(shape[0], Size):
            known = sizes.setdefault(shape[0].name, len(value))
        else:
            known = size_value(shape[0], sizes) or len(value)
        if known != len(value):
            raise InputError(f"{place}: a list of {len(value)} where {spell_size(shape[0])} = {known}")
        return tuple(self.nested(item, place, shape[1:], sizes) for item in value)

    def facts(self, network: Network, shapes: Mapping[str, Shape], given: Mapping[str, Numbers]) -> tuple[Fact, ...]:
        """[assume]: sums that the data has, such as "sum(y)" = 1."""
        found: list[Fact] = []
        for text, value in self.section("assume").items():
            place = f"assume.{shown(text)}"
            try:
                tree = read_array_formula(text, self.known, shapes, sizes_in(shapes))
                total = self.number(value, place).value
                match tree:
                    case Call("sum", (Name(name), *_)) if name in network.by_goal:
                        raise FormulaError(f"'{name}' is computed; only the data can be told to add up to something")
                    case Call("sum", (Name(name),)) if len(shapes.get(name, ())) == 1:
                        fact = Fact(name, 0, total)
                    case Call("sum", (Name(name), Number(axis))) if axis.isdigit():
                        fact = Fact(name, int(axis), total)
                    case _:
                        raise FormulaError('should be the sum of a given array along an axis: "sum(Y, 0)" = 1')
                if any(other.name == name for other in found):
                    raise FormulaError(f"sums of '{name}' are told already, and one axis is all that can be")
                for value in _sums(given[name], fact.axis) if name in given else ():
                    if value != total:
                        raise FormulaError(f"the numbers in [given] add up to {float(value):g}")
                found.append(fact)
            except FormulaError as error:
                raise InputError(f"{place}: {error}") from None
        return tuple(found)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def array_train(self, network: Network, arrays: Arrays) -> Train:
        """What is trained."""
        section = self.section("train")
        if "batch" in section:
            raise InputError("train.batch: does not go with [shapes]: put the batch into an axis")
        train = self.train(network, ())
        names = train.parameters if "parameters" in section else self.guess(network, arrays, train.loss)
        for name in names:
            if name in arrays.integers:
                raise InputError(f"train.parameters: '{name}' holds places, which do not move")
        if train.learning_rate is not None and arrays.shapes.get(train.loss):
            raise InputError(
                f"train.loss: '{train.loss}' has the shape {spell_shape(arrays.shapes[train.loss])}; "
                "only a number can be made smaller"
            )
        return replace(train, parameters=names)

    @staticmethod
    def guess(network: Network, arrays: Arrays, loss: str) -> tuple[str, ...]:
        """The parameters where none are named: what is no input or target by its name."""
        used = network.above(loss)

        def is_data(name: str) -> bool:
            low = name.lower()
            return (
                bool(INPUT_NAME.fullmatch(low) or TARGET_NAME.fullmatch(low))
                or low in ("y", "labels", "mask", "eps")
                or name in arrays.integers
            )

        found = tuple(name for name in network.free if name in used and not is_data(name))
        return found or tuple(name for name in network.free if name in used and name not in arrays.integers)

    def array_names(self, network: Network, sizes: frozenset[str]) -> dict[str, str]:
        """How names are written."""
        found = {}
        for name, source in self.section("names").items():
            if name not in network.quantities and name not in sizes:
                raise InputError(f"names.{shown(name)}: is not a quantity of this problem" + suggest(name, network.quantities))
            if type(source) is not str:
                raise InputError(f"names.{name}: should be text in quotes")
            try:
                read_symbol(source)
            except FormulaError as error:
                raise InputError(f"names.{name}: {error}") from None
            found[name] = source
        return found

    def array_asks(self, problem: Problem) -> tuple[Ask, ...]:
        """What is asked."""
        found = []
        assert problem.arrays is not None
        for label, text in self.section("ask").items():
            place = f"ask.{shown(label)}"
            if type(text) is not str:
                raise InputError(f"{place}: should be a quantity in quotes")
            try:
                tree = read_quantity(text, problem)
            except FormulaError as error:
                raise InputError(f"{place}: {error}") from None
            found.append(Ask(printable(label), text, tree))
        return tuple(found)


def check_entries(tree: Tree, shapes: Mapping[str, Shape]) -> None:
    """Refuse whole arrays among entries.  Raises FormulaError."""
    match tree:
        case Indexed():
            return
        case Name(name) if shapes.get(name):
            letters = ", ".join("ijklpq"[: len(shapes[name])])
            raise FormulaError(f"in an index equation an array stands with its letters: {name}[{letters}]")
        case Call("ones"):
            raise FormulaError("in an index equation an array stands with its letters; every entry of ones is 1")
    for part in children(tree):
        check_entries(part, shapes)


def check_place(tree: Tree, by_name: bool) -> None:
    """Refuse what is no place along an axis; `by_name`, one may be the entry of an array of places.  Raises FormulaError."""
    allowed = Index | Size | Sum | Negative | Product
    for node in walk(tree):
        whole = isinstance(node, Number) and node.text.isdigit()
        if not (whole or isinstance(node, allowed) or (by_name and isinstance(node, Name | Indexed))):
            raise FormulaError("a place is made of letters, sizes and whole numbers, added and multiplied")


def read_quantity(text: str, problem: Problem, seconds: bool = False) -> Tree:
    """A quantity of a problem over arrays, `Z` or `dL/dW`; with `seconds`, `d2L/dw^2` too.  Raises FormulaError."""
    assert problem.arrays is not None
    network = problem.network
    tree = read_array_formula(text, network.quantities, problem.arrays.shapes, sizes_in(problem.arrays.shapes), quantities=True)
    match tree:
        case Name():
            return tree
        case Partial(of, wrt):
            if wrt not in network.above(of) or wrt == of:
                raise FormulaError(f"'{of}' does not depend on '{wrt}'")
            return tree
        case Second() if seconds:
            return tree
    raise FormulaError("a quantity over arrays is asked for by its name or as a derivative: Z, dL/dW")


def _texts(given: Numbers) -> Iterator[str]:
    """The numbers of an array as typed, row by row."""
    if isinstance(given, Number):
        yield given.text
    else:
        for item in given:
            yield from _texts(item)


def _sums(given: Numbers, axis: int) -> Iterator[Fraction]:
    """The sums of an array along an axis."""
    assert not isinstance(given, Number)
    if axis:
        for item in given:
            yield from _sums(item, axis - 1)
    else:
        rows = [list(_texts(item)) for item in given]
        yield from (sum(map(Fraction, column), Fraction(0)) for column in zip(*rows, strict=True))


def sizes_in(shapes: Mapping[str, Shape]) -> frozenset[str]:
    """The names of sizes that stand in some shapes."""
    return frozenset(name for shape in shapes.values() for size in shape for name in _size_names(size))


def _summed_letters(text: str) -> set[str]:
    """The letters a formula sums over and uses as places: the n of `sum(n, z[n]*w[n])`."""
    summed = {name for words in _DECLARED.findall(text) for name in _NAMES.findall(words)}
    return summed & {name for words in _PLACES.findall(text) for name in _NAMES.findall(words)}


def _size_names(size: Tree) -> set[str]:
    return {node.name for node in walk(size) if isinstance(node, Size)}
