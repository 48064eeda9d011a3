"""The text of a variant's key from its numbers alone, the same bytes as working it out in full.

Owns `KeyTemplate`.  The symbolic lines of all variants are the same and are judged once; for each variant the values are floats
with proved bounds, the forward pass is done a second time in decimals, and every line with numbers is recomputed from the digits it
shows.  What floats cannot decide is left to the full way.  May import everything above cli.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

from derive.arithmetic import DECIMAL, Key, key_of
from derive.backward import Line, Step
from derive.blocks import Page
from derive.exercises.draws import read_id
from derive.exercises.keys import Entry, asked_of
from derive.exercises.nearly import Undecided, in_digits, is_near
from derive.exercises.programs import build_bounded, build_program
from derive.exercises.variants import Variants
from derive.formats.keys import key_files
from derive.formats.marked import NUMBER, SEED, STRANGE, Chain, Strings, alignment, assembled, joined, mark, strings_of
from derive.keypages import Sheets, sheets_of
from derive.rounding import Rounding
from derive.tables.ops import OPS
from derive.tables.primitives import PRIMITIVES
from derive.values import NAMED, OPENED, State
from derive.written import Call, Later, Name, Number, Power, Quotient, Tree, rebuild, substitute, walk

MOST_GUARDS = 4
"""Guard digits tried before the full way is taken."""


class _Marks(Rounding):
    """A rounding under which every number stands as it is: numbers are marks."""

    def show(self, value: Decimal, exact: bool = False, guard: int = 0) -> str:
        """The mark."""
        return f"{value:f}"


@dataclass(frozen=True)
class _Recomputed:
    """A line with numbers: the quantities that stand in it, the marks they stand at, and how it is computed from what it shows.

    A `curved` line has a root, an exponential or the like in it and is done in floats with a bound, others in decimals; these are
    `exact` unless a constant fraction in them does not end.  A `pure` line has short decimals only: where all their digits fit, it
    follows an =.
    """

    quantities: tuple[int, ...]
    marks: tuple[int, ...]
    tree: Tree
    curved: bool
    exact: bool
    pure: bool
    alone: Callable[..., tuple[Any, ...]]
    constants: tuple[Decimal, ...] = ()


@dataclass(frozen=True)
class _Valued:
    """A step with a value: its quantity, and the lines with numbers before it."""

    quantity: int
    lines: tuple[_Recomputed, ...]


def supported(family: Variants) -> bool:
    """Whether the keys of a family can be had from a template: full precision, no examples, an update of one equation, no [ask]."""
    problem = family.problem
    drawn = (slot.typed.text for slot in family.slots if not slot.kept)
    quotients = (
        node.bottom
        for e in problem.network.equations
        for node in walk(e.rhs)
        if isinstance(node, Quotient) and not _constant(node.bottom)
    )
    powers = (node for e in problem.network.equations for node in walk(e.rhs) if isinstance(node, Power))
    return (
        family.rounding.carry == "full"
        and not problem.examples
        and not problem.asks
        and not problem.vectors
        and problem.train.learning_rate is not None
        and not problem.train.own
        and all("." in text and "e" not in text for text in drawn)
        and not any(quotients)
        and all(isinstance(node.exponent, Number) and node.exponent.text in ("2", "3") for node in powers)
    )


def _constant(tree: Tree) -> bool:
    return all(key_of(node) is None for node in walk(tree))


class KeyTemplate:
    """The papers and keys of one family of variants as a template.  Raises Undecided where the family has none.

    >>> import derive
    >>> family = Variants(derive.find("q1"), "q1", Rounding())
    >>> template = KeyTemplate(family, "text")
    >>> paper = family.paper(1, 1)
    >>> found = template.fill(1, 1, family.numbers_of(paper.problem))
    >>> found.files == key_files(sheets_of(paper.work, paper.id), paper.work, "text", paper.id)
    True
    """

    def __init__(self, family: Variants, style: str, language: str = "en") -> None:
        if not supported(family):
            raise Undecided
        self.family, self.rounding, self.language, self.style = family, family.rounding, language, style
        self.work = family.paper(0, 1).work
        self.problem = self.work.problem
        sheet, loss = family.sheet, self.problem.train.loss
        self.names = tuple(slot.name for slot in family.slots)
        self.keys: tuple[Key, ...] = (*self.names, *sheet.base, Later(Name(loss), 1))
        self.at = {key: place for place, key in enumerate(self.keys)}
        if len(self.at) != len(self.keys):
            raise Undecided
        computed = self.keys[len(self.names) :]
        self.bounded = build_bounded(sheet.rows, tuple(sheet.given), computed)
        self.marks: list[int] = list(range(len(self.keys)))
        self.exact = self._exact()
        self._second()
        self.steps = self._steps()
        self._together()
        significant = Context(prec=self.rounding.digits, rounding=ROUND_HALF_UP)
        self.round = self.rounding.round if self.rounding.places is not None else significant.plus
        self.documents = self._documents()
        needed = {self.marks[place] for _, text, _ in self.documents for place in text.places if place >= 0}
        self.wanted = tuple(place in needed for place in range(len(self.names), len(self.keys)))
        self.asked = [(label, tree, self._place(tree, needed)) for label, tree, _ in asked_of(self.problem)]

    # --- made once --------------------------------------------------------------------------------------------------------

    def _exact(self) -> frozenset[int]:
        """The computed quantities that are short decimals, on every variant: sums and products of given ones."""
        state, sheet = self.work.states[0], self.family.sheet
        short = set(state.typed)
        found: set[Key] = set()
        for key, tree in sheet.base.items():
            if not _has_curve(_opened(tree, {})) and all(need in short or need in found for need in sheet.needs[key]):
                found.add(key)
        for key in found & state.values.keys():
            if key not in state.exact or len(state.values[key].as_tuple().digits) > 18:
                raise Undecided
        if any(key in state.exact and key not in found for key in state.values if key not in state.typed):
            raise Undecided
        return frozenset(self.at[key] for key in found if key in state.values)

    def _second(self) -> None:
        """The forward pass, and whatever is exact, once more in decimals."""
        sheet, constants = self.family.sheet, dict[str, Decimal]()
        wanted = [key for key in sheet.base if isinstance(key, str) or self.at[key] in self.exact]
        rows = {key: _opened(sheet.base[key], constants) for key in sheet.base if key in wanted}
        inputs = (*sheet.given, *constants)
        self.again = build_program(rows, inputs, wanted, _DECIMALS)
        self.again_keys = tuple(self.at[key] for key in wanted)
        self.again_constants = tuple(constants.values())

    def _new_mark(self, quantity: int) -> int:
        self.marks.append(quantity)
        return len(self.marks) - 1

    def _steps(self) -> tuple[_Valued, ...]:
        """Every step that ends in a value, and the trees its marks stand in."""
        found = []
        self.marked: dict[Tree, tuple[tuple[Tree, dict[Tree, int]], ...]] = {}
        for step in self.work.steps:
            if not any(line.law == "value" for line in step.lines):
                if any(line.numeric for line in step.lines):
                    raise Undecided
                continue
            key = key_of(step.goal)
            if key is None or key not in self.at:
                raise Undecided
            opened = [line.tree for line in step.lines if line.law in OPENED]
            named = [line.tree for line in step.lines if line.law in NAMED]
            trees = [tree for tree in opened[-1:] + named if (leaves := _leaves(tree)) and tree not in leaves]
            if len(trees) != sum(line.law == "numbers" for line in step.lines):
                raise Undecided
            lines, marked = [], []
            for tree in trees:
                leaves = [leaf for leaf in dict.fromkeys(_leaves(tree)) if key_of(leaf) in self.at]
                quantities = [self.at[k] for leaf in leaves if (k := key_of(leaf)) is not None]
                places = [self._new_mark(quantity) for quantity in quantities]
                lines.append(self._recomputed(tree, leaves, quantities, places))
                marked.append((tree, dict(zip(leaves, places, strict=True))))
            self.marked[step.goal] = tuple(marked)
            found.append(_Valued(self.at[key], tuple(lines)))
        return tuple(found)

    def _recomputed(self, tree: Tree, leaves: list[Tree], quantities: list[int], places: list[int]) -> _Recomputed:
        constants: dict[str, Decimal] = {}
        kept = {leaf: number for leaf in _leaves(tree) if (number := self._kept(leaf)) is not None}
        plain = substitute(tree, kept.get)
        keys = [key for leaf in leaves if (key := key_of(leaf)) is not None]
        pure = all(quantity < len(self.names) or quantity in self.exact for quantity in quantities)
        opened = _opened(plain, constants)
        if _has_curve(opened):
            program: Callable[..., tuple[Any, ...]] = build_bounded({"line": plain}, keys, ("line",))
            return _Recomputed(tuple(quantities), tuple(places), plain, True, False, pure, program)
        if sum(1 for _ in walk(opened)) > 24:  # so many factors of up to eight digits that 200 might not hold them
            raise Undecided
        program = build_program({"line": opened}, (*keys, *constants), ("line",), _DECIMALS)
        exact = all(_ends(node) for node in walk(plain) if isinstance(node, Quotient))
        return _Recomputed(tuple(quantities), tuple(places), plain, False, exact, pure, program, tuple(constants.values()))

    def _together(self) -> None:
        """All lines as two functions of the digits shown: one in decimals, one in floats with bounds."""
        constants: dict[str, Decimal] = {}
        lines = [line for step in self.steps for line in step.lines]
        flat: dict[Key, Tree] = {f"line {k}": _opened(line.tree, constants) for k, line in enumerate(lines) if not line.curved}
        bent: dict[Key, Tree] = {f"line {k}": line.tree for k, line in enumerate(lines) if line.curved}
        self.flat = build_program(flat, (*self.keys, *constants), tuple(flat), _DECIMALS)
        self.flat_constants = tuple(constants.values())
        self.bent = build_bounded(bent, self.keys, tuple(bent))

    def _place(self, tree: Tree, needed: Collection[int]) -> int:
        """Where an answer stands among the quantities of the page."""
        key = key_of(tree)
        if key is None or self.at.get(key) not in needed:
            raise Undecided
        return self.at[key]

    def _kept(self, leaf: Tree) -> Number | None:
        """The number a leaf is on every variant."""
        key = key_of(leaf)
        return self.work.states[0].typed.get(key) if isinstance(key, str) and key not in self.at else None

    # --- the page with marks ----------------------------------------------------------------------------------------------

    def _marked(self, minus: Callable[[int], bool], relation: str) -> Sheets:
        """The paper and the key with a mark in place of each number that differs from one variant to the next."""

        def number(place: int) -> Number:
            return Number(("-" if minus(place) else "") + mark(place))

        def lines_of(step: Step) -> Step:
            if step.goal not in self.marked:
                return step
            trees = iter(self.marked[step.goal])
            lines = []
            for line in step.lines:
                if line.law == "numbers":
                    tree, places = next(trees)
                    here = {leaf: number(place) for leaf, place in places.items()}
                    kept = {leaf: fixed for leaf in _leaves(tree) if (fixed := self._kept(leaf)) is not None}
                    pure = all(self.marks[p] < len(self.names) or self.marks[p] in self.exact for p in places.values())
                    shown = substitute(tree, {**kept, **here}.get)
                    line = replace(line, tree=shown, relation=relation if pure and places else line.relation)
                elif line.law == "value":
                    key = key_of(step.goal)
                    assert key is not None
                    line = Line(number(self.at[key]), "value", relation=relation, numeric=True)
                lines.append(line)
            return replace(step, lines=tuple(lines))

        work, first = self.work, self.work.states[0]
        typed = {name: number(self.at[name]) if name in self.at else value for name, value in first.typed.items()}
        values = {key: Decimal(number(self.at[key]).text) for key in first.values if key in self.at}
        state = State(0, values, first.exact, typed)
        given = {name: typed.get(name, value) for name, value in self.problem.given.items()}
        loss = self.problem.train.loss
        after = self.at[Later(Name(loss), 1)]
        ends = (number(self.at[loss]), number(after))
        losses = tuple((Decimal(end.text), exact) for end, (_, exact) in zip(ends, work.losses, strict=True))
        marked = replace(
            work,
            problem=replace(self.problem, given=given),
            rounding=_Marks(work.rounding.carry, work.rounding.digits, work.rounding.places),
            forward=tuple(map(lines_of, work.forward)),
            partials=tuple(map(lines_of, work.partials)),
            updates=tuple(map(lines_of, work.updates)),
            states=(state, work.states[1]),
            losses=losses,
        )
        paper = f"{self.family.stem}-{SEED}-{NUMBER}-{self.family.digest}"
        return sheets_of(marked, paper, self.language)

    def _documents(self) -> tuple[tuple[str, Strings, tuple[Chain | None, ...]], ...]:
        """The files of a paper: how their names end, their text with marks, and what in it has to be aligned anew."""
        bits = max(1, len(self.marks).bit_length())
        signs: list[Callable[[int], bool]] = [lambda place: False, lambda place: True]
        for bit in range(bits):
            signs += [lambda place, b=bit: bool(place >> b & 1), lambda place, b=bit: not place >> b & 1]  # type: ignore[misc]
        real = key_files(sheets_of(self.work, "x", self.language), self.work, self.style, "x")
        if any(STRANGE.search(text) for text in real.values()):
            raise Undecided
        every = [(minus, relation, self._marked(minus, relation)) for minus in signs for relation in "=≈"]
        paper = str(replace(read_id(f"x-1-001-{self.family.digest}"), stem=self.family.stem, seed=SEED, number=NUMBER))
        if self.style != "text":
            drawn = [(minus, relation, key_files(sheets, self.work, self.style, paper)) for minus, relation, sheets in every]
            names = drawn[0][2]
            return tuple(
                (name.removeprefix(paper), strings_of([(m, r, files[name]) for m, r, files in drawn]), ()) for name in names
            )
        found = []
        for kind in ("paper", "key"):
            pages: list[tuple[Callable[[int], bool], str, Page]] = [(m, r, getattr(sheets, kind)) for m, r, sheets in every]
            first = pages[0][2]
            chains = tuple(chain for block in first.blocks for chain in alignment(block, first))
            texts = [(minus, relation, joined(page, chains)) for minus, relation, page in pages]
            found.append((f"-{kind}.txt", strings_of(texts), chains))
        return tuple(found)

    # --- filled for each variant ------------------------------------------------------------------------------------------

    def fill(self, seed: int, number: int, texts: Sequence[str]) -> Filled:
        """The files of one paper and its answers.  Raises Undecided where only the full way can tell."""
        return self.put_in(seed, number, self.figures(texts))

    def figures(self, texts: Sequence[str]) -> Figures:
        """Every number of one paper, each line with numbers recomputed from the digits it shows.  Raises Undecided."""
        values, errors = self.bounded(*self.family.inputs(texts))
        typed = [Decimal(text) for text in texts]
        digits = _Digits(self, texts, values, errors, self.second(typed, values, errors))
        shown = digits.all()
        decimals = [*typed, *map(Decimal, shown[len(texts) :])]
        out = [shown[quantity] for quantity in self.marks]
        equal: list[int] = []
        rounded = self.round
        with localcontext(_WIDE):
            flat = iter(self.flat(*decimals, *self.flat_constants))
            bent = iter(zip(*self.bent(*map(float, decimals)), strict=True))
            for step in self.steps:
                quantity = step.quantity
                target = decimals[quantity]
                same = digits.exact.get(quantity) == target
                for line in step.lines:
                    if line.curved:
                        same, good = False, is_near(*next(bent), target)
                    else:
                        result = next(flat)
                        same = result == target
                        good = same or rounded(result) == target
                        same = same and line.exact
                    if not good:
                        same = self.with_guards(line, target, digits, out)
                    if line.pure and digits.fit(line, out):
                        equal.append(line.marks[0])
                if same:
                    equal.append(quantity)
        minus = [place for place, text in enumerate(out) if text[0] == "-"]
        for place in minus:
            out[place] = out[place][1:]
        return Figures(shown, out, minus, equal)

    def put_in(self, seed: int, number: int, figures: Figures) -> Filled:
        """The files with these figures in them."""
        name, shown = f"{seed}-{number:03d}", figures.shown
        paper, out = f"{self.family.stem}-{name}-{self.family.digest}", [*figures.out, name]
        files = {
            paper + end: assembled(text.filled(out, figures.minus, figures.equal), chains) for end, text, chains in self.documents
        }
        return Filled(paper, files, tuple([Entry(label, tree, (shown[place],)) for label, tree, place in self.asked]))

    def paper(self, seed: int, number: int) -> Filled | None:
        """Paper `number` of a seed as `Variants.paper` would make it, or None where only that can tell."""
        texts, rejected = self.family.accepted(seed, number)
        try:
            return replace(self.fill(seed, number, texts), numbers=texts, rejected=rejected)
        except Undecided:
            return None

    def second(self, typed: Sequence[Decimal], values: Sequence[float], errors: Sequence[float]) -> dict[int, Decimal]:
        """The forward pass once more, in decimals, which the floats must agree with; gives what is exact in it."""
        count = len(typed)
        with localcontext(_AGAIN):
            given = [typed[source] if isinstance(source, int) else Decimal(repr(source)) for source in self.family.wiring]
            again = self.again(*given, *self.again_constants)
        for place, value in zip(self.again_keys, again, strict=True):
            first = values[place - count]
            if not abs(first - float(value)) <= errors[place - count] + 1e-16 * abs(first):
                raise Undecided
        return {place: value for place, value in zip(self.again_keys, again, strict=True) if place in self.exact}

    def with_guards(self, line: _Recomputed, target: Decimal, digits: _Digits, out: list[str]) -> bool:
        """Puts as many more digits into a line as it takes to give its value, and says whether it then is that value."""
        for guard in range(1, MOST_GUARDS):
            known, guarded = digits.known[guard], digits.guarded
            shown = [known.get(quantity) or guarded(quantity, guard) for quantity in line.quantities]
            if line.curved:
                (value,), (error,) = line.alone(*[float(decimal) for _, decimal in shown])
                good, same = is_near(value, error, target), False
            else:
                (result,) = line.alone(*[decimal for _, decimal in shown], *line.constants)
                same = result == target
                good = same or self.round(result) == target
                same = same and line.exact
            if good:
                for mark, (text, _) in zip(line.marks, shown, strict=True):
                    out[mark] = text
                return same
        raise Undecided


@dataclass(frozen=True)
class Figures:
    """The numbers of one paper: of every quantity and at every mark without their signs, which marks are below 0 or follow an =."""

    shown: Sequence[str]
    out: Sequence[str]
    minus: Sequence[int]
    equal: Sequence[int]


@dataclass(frozen=True)
class Filled:
    """One paper: its id, its files by name, and its answers."""

    id: str
    files: Mapping[str, str]
    answers: tuple[Entry, ...]
    numbers: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


def template_of(family: Variants, style: str, language: str = "en") -> KeyTemplate | None:
    """The template of a family, or None where it has none."""
    try:
        return KeyTemplate(family, style, language)
    except Undecided:
        return None


class _Digits:
    """The digits of one variant's quantities: floats with bounds, and decimals where they are exact."""

    def __init__(
        self,
        template: KeyTemplate,
        typed: Sequence[str],
        values: Sequence[float],
        errors: Sequence[float],
        exact: Mapping[int, Decimal],
    ) -> None:
        self.template, self.typed, self.values, self.errors, self.exact = template, typed, values, errors, exact
        self.known: list[dict[int, tuple[str, Decimal]]] = [{} for _ in range(MOST_GUARDS)]

    def all(self) -> list[str]:
        """Every quantity as the page shows it; what stands nowhere is not looked at."""
        found, count, exact = list(self.typed), len(self.typed), self.exact
        places, digits = self.template.rounding.places, self.template.rounding.digits
        for place, needed in enumerate(self.template.wanted, count):
            if not needed:
                found.append("0.0")
            elif place in exact:
                found.append(self.exactly(place, 0))
            else:
                found.append(in_digits(self.values[place - count], self.errors[place - count], digits, places))
        return found

    def guarded(self, place: int, guard: int) -> tuple[str, Decimal]:
        """One quantity with some more digits."""
        count, rounding = len(self.typed), self.template.rounding
        if place < count:
            text = self.typed[place]
        elif place in self.exact:
            text = self.exactly(place, guard)
        else:
            more = None if rounding.places is None else rounding.places + guard
            text = in_digits(self.values[place - count], self.errors[place - count], rounding.digits + guard, more)
        found = self.known[guard][place] = (text, Decimal(text))
        return found

    def fit(self, line: _Recomputed, out: Sequence[str]) -> bool:
        """Whether a pure line shows all digits of its numbers."""
        exact = self.exact
        return all(q not in exact or Decimal(out[mark]) == exact[q] for q, mark in zip(line.quantities, line.marks, strict=True))

    def exactly(self, place: int, guard: int) -> str:
        """All digits of a short decimal, where they fit."""
        text = self.template.rounding.show(self.exact[place], True, guard)
        if "." not in text or "e" in text:
            raise Undecided
        return text


def _ends(quotient: Quotient) -> bool:
    """Whether a fraction of numbers is a decimal that ends."""
    if not isinstance(quotient.top, Number) or not isinstance(quotient.bottom, Number):
        return False
    rest = (quotient.top.value / quotient.bottom.value).denominator
    return 10**40 % rest == 0


_AGAIN, _WIDE = Context(prec=19), Context(prec=200, rounding=ROUND_HALF_UP)
_DECIMALS = {**DECIMAL.primitives, "power": DECIMAL.power}


def _leaves(tree: Tree) -> list[Tree]:
    return [node for node in walk(tree) if key_of(node) is not None]


def _opened(tree: Tree, constants: dict[str, Decimal]) -> Tree:
    """The tree with its operations written out and its numbers as names, so that decimals can take their place."""
    match tree:
        case Number(text):
            constants[f"#{text}"] = Decimal(text)
            return Name(f"#{text}")
        case Power(base, Number(text) as exponent) if text in ("2", "3"):  # done by multiplying
            return Power(_opened(base, constants), exponent)
        case Call(function, arguments, part):
            formula = OPS[function].formula
            if formula is not None:
                return _opened(formula(arguments, part or 0), constants)
    return rebuild(tree, lambda part: _opened(part, constants))


def _has_curve(tree: Tree) -> bool:
    """Whether a tree with its operations opened can be irrational at fractions."""
    for node in walk(tree):
        if isinstance(node, Call) and not PRIMITIVES[node.function].rational:
            return True
        if isinstance(node, Power) and not isinstance(node.exponent, Number):
            return True
    return False
