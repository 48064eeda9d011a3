"""Variants of a problem: the same network with other numbers, each named by an id that brings it back.

Owns `Variants`, `Variant` and the gates that a draw must pass.  Everything is drawn from a hash of the problem, the seed and the
number of the paper; nothing else enters.  May import: errors, written, arithmetic, rounding, network, problem, derivation,
tables.ops, exercises.sheets, exercises.programs, exercises.draws, exercises.distinct.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from hashlib import shake_256
from itertools import groupby
from struct import unpack
from typing import Any

from derive.arithmetic import DECIMAL, Key, precision
from derive.derivation import Derivation, derive
from derive.errors import InputError, LimitError, UsageError
from derive.exercises.distinct import SlipTable
from derive.exercises.draws import PaperId, Slot, digest_of, read_id, slot_of
from derive.exercises.programs import build_program
from derive.exercises.sheets import Sheet, make_sheet
from derive.network import TARGET_NAME
from derive.problem import Problem, missing_numbers
from derive.rounding import Rounding
from derive.written import Call, Later, Name, Number, Partial, Tree, walk

MOST_DRAWS = 2_000
"""Draws tried for one paper."""

KINK, SATURATED, VANISHED, NEAR_TIE = 0.05, 4.0, 1e-4, 1e-3
"""How near a kink, how far out on a sigmoid, how small an error signal, how near a rounding tie (in units of the last digit)."""


@dataclass(frozen=True)
class Variant:
    """A paper: its id, its problem, the work on it, and the gates that turned away the draws before it."""

    id: str
    problem: Problem
    work: Derivation
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variants:
    """All variants of one problem under one rounding; what is the same for all of them is prepared once.

    >>> import derive
    >>> papers = Variants(derive.find("q1"), "q1", Rounding())
    >>> paper = papers.paper(seed=7, number=12)
    >>> papers.again(paper.id).problem.given == paper.problem.given
    True
    """

    problem: Problem
    stem: str
    rounding: Rounding
    slips: bool = True

    def __post_init__(self) -> None:
        problem = self.problem
        if problem.decision is not None:
            raise UsageError("this problem is a proof: it has no numbers to draw anew")
        if problem.arrays is not None:
            raise InputError("variants are drawn for problems of named numbers, not for those with [shapes]")
        missing = missing_numbers(problem)
        if missing:
            raise InputError(f"variants need a number for every name; missing: {', '.join(missing[:8])}")
        if all(slot.kept for slot in self.slots):
            raise InputError("every given number is 0, 1 or a target: there is nothing to draw anew")

    @cached_property
    def digest(self) -> str:
        """The last part of every id."""
        return digest_of(self.problem, self.rounding)

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Every given number, those of the examples behind the others."""
        free = self.problem.network.free_set

        def of(place: int, numbers: Mapping[str, Number]) -> list[Slot]:
            return [
                slot_of(place, name, number, _is_target(name, self.problem)) for name, number in numbers.items() if name in free
            ]

        every = enumerate((self.problem.given, *self.problem.examples), start=-1)
        return tuple(slot for place, numbers in every for slot in of(place, numbers))

    @cached_property
    def sheet(self) -> Sheet:
        """The formulas, as far as the page shows them."""
        later = [node.updates for ask in self.problem.asks for node in walk(ask.tree) if isinstance(node, Later)]
        moves = self.problem.train.learning_rate is not None
        partials = [node for ask in self.problem.asks if not ask.vector for node in walk(ask.tree) if isinstance(node, Partial)]
        return make_sheet(self.problem, partials, max([int(moves), *later]))

    @cached_property
    def wiring(self) -> tuple[int | float, ...]:
        """For each input of the programs, the slot it is read from, or a number that never changes."""
        count = len(self.problem.examples)
        at = {(slot.example, slot.name): place for place, slot in enumerate(self.slots)}

        def source(key: Key, number: Number) -> int | float:
            name, k = (key.body.name, key.updates) if isinstance(key, Later) and isinstance(key.body, Name) else (str(key), 0)
            for here in ((k % count if count else -1, name), (-1, name)):
                if here in at:
                    return at[here]
            return float(number.text)

        return tuple(source(key, number) for key, number in self.sheet.given.items())

    @cached_property
    def outputs(self) -> tuple[Key, ...]:
        """The quantities that a key shows: the first pass, the partials, the new parameters, the loss after each update."""
        loss = self.problem.train.loss
        after = (Later(Name(loss), k) for k in range(1, self.sheet.updates + 1))
        return (*self.sheet.base, *(key for key in after if key in self.sheet.rows))

    @cached_property
    def program(self) -> Callable[..., tuple[float, ...]]:
        """The outputs, and behind them how far each kink is, as a function of the inputs."""
        gaps: dict[Key, Tree] = {f"kink {place}": gap for place, (_, gap) in enumerate(self.kinks)}
        return build_program({**self.sheet.rows, **gaps}, tuple(self.sheet.given), (*self.outputs, *gaps))

    @cached_property
    def kinks(self) -> tuple[tuple[str, Tree], ...]:
        """The quantities with a kink, each with what is 0 there."""
        return tuple((seam.goal, seam.gap) for seam in self.problem.network.seams if seam.kink)

    # --- one paper --------------------------------------------------------------------------------------------------------

    def draw(self, seed: int, number: int, attempt: int = 0) -> tuple[str, ...]:
        """The numbers of one draw, a text for each slot."""
        source = f"{self.digest}/{seed}/{number}/{attempt}".encode()
        chances = unpack(f"<{len(self.slots)}Q", shake_256(source).digest(8 * len(self.slots)))
        return tuple([slot.drawn(chance) for slot, chance in zip(self.slots, chances, strict=True)])

    def inputs(self, texts: Sequence[str]) -> list[float]:
        """A draw as the inputs of the programs."""
        values = list(map(float, texts))
        return [values[source] if isinstance(source, int) else source for source in self.wiring]

    def with_numbers(self, texts: Sequence[str]) -> Problem:
        """The problem with a draw in place of its given numbers."""
        given, examples = dict(self.problem.given), [dict(example) for example in self.problem.examples]
        for slot, text in zip(self.slots, texts, strict=True):
            (given if slot.example < 0 else examples[slot.example])[slot.name] = Number(text)
        return replace(self.problem, given=given, examples=tuple(examples))

    def numbers_of(self, problem: Problem) -> tuple[str, ...]:
        """The draw a variant was made of."""
        sources = (problem.given, *problem.examples)
        return tuple(sources[slot.example + 1][slot.name].text for slot in self.slots)

    def accepted(self, seed: int, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The first draw that the gates on floats let through, and the gates that turned away those before it."""
        rejected: list[str] = []
        for attempt in range(MOST_DRAWS):
            texts = self.draw(seed, number, attempt)
            gate = self.gate(texts)
            if gate is None:
                return texts, tuple(rejected)
            rejected.append(gate)
        raise self._blocked(rejected)

    def _blocked(self, rejected: Sequence[str]) -> LimitError:
        worst, times = Counter(rejected).most_common(1)[0]
        return LimitError(f"no draw passed in {len(rejected)} tries; {times} of them were turned away by the gate '{worst}'")

    def paper(self, seed: int, number: int) -> Variant:
        """Paper `number` of a seed, worked out and judged.  Raises LimitError where no draw passes the gates."""
        rejected: list[str] = []
        for attempt in range(MOST_DRAWS):
            texts = self.draw(seed, number, attempt)
            gate = self.gate(texts)
            if gate is None:
                problem = self.with_numbers(texts)
                work = derive(problem, self.rounding)
                if not has_tie(work, self.sheet):
                    return Variant(str(PaperId(self.stem, seed, number, self.digest)), problem, work, tuple(rejected))
                gate = "tie"
            rejected.append(gate)
        raise self._blocked(rejected)

    def again(self, text: str) -> Variant:
        """The paper that bears an id.  Raises UsageError where it is none of this problem's."""
        found = read_id(text)
        if found.digest != self.digest:
            raise UsageError(
                f"paper {found}: was made from another version of this problem, or with other digits "
                f"(its mark is {found.digest}, this one's {self.digest})"
            )
        return self.paper(found.seed, found.number)

    # --- the gates --------------------------------------------------------------------------------------------------------

    def gate(self, texts: Sequence[str]) -> str | None:
        """The first gate that turns a draw away, or None."""
        if not self.groups_allowed(texts):
            return "ugly"
        inputs = self.inputs(texts)
        try:
            values = self.program(*inputs)
        except (ArithmeticError, ValueError):
            return "no-value"
        for gate, key in self.faults(values):
            if (gate, key) not in self.excused:
                return gate
        if self.has_near_tie(values):
            return "tie"
        if self.slips and self.slip_gate(inputs) is not None:
            return "slip"
        return None

    def faults(self, values: Sequence[float]) -> Iterator[tuple[str, Any]]:
        """What the quantities themselves are turned away for: the gate and the quantity."""
        kinks, dead, bent, signals = self.watched
        for place, goal in kinks:
            if not abs(values[place]) >= KINK:
                yield "kink", goal
        for place, goal in dead:
            if not values[place] > 0:
                yield "dead", goal
        for place, goal in bent:
            if not abs(values[place]) <= SATURATED:
                yield "saturated", goal
        places = self.rounding.places
        least = VANISHED if places is None else max(VANISHED, 100 * 10.0**-places)
        for place, goal in signals:
            if not abs(values[place]) >= least:
                yield "vanishing", goal

    @cached_property
    def watched(self) -> tuple[tuple[tuple[int, str], ...], ...]:
        """Where the gates look: kinks, inputs of ReLU, inputs of sigmoid and tanh, error signals."""
        at = {key: place for place, key in enumerate(self.outputs)}
        calls = [e.rhs for e in self.problem.network.equations if isinstance(e.rhs, Call)]
        inputs = [(call.function, argument.name) for call in calls for argument in call.arguments[:1] if isinstance(argument, Name)]
        network, loss = self.problem.network, self.problem.train.loss
        kinks = tuple((len(self.outputs) + place, f"{goal} {place}") for place, (goal, _) in enumerate(self.kinks))
        dead = tuple((at[name], name) for function, name in inputs if function == "relu" and name in at)
        bent = tuple((at[name], name) for function, name in inputs if function in ("sigmoid", "tanh") and name in at)
        signals = tuple((at[Partial(loss, pre)], pre) for pre in network.pre_activations if Partial(loss, pre) in at)
        return kinks, dead, bent, signals

    @cached_property
    def excused(self) -> frozenset[tuple[str, Any]]:
        """What the original is guilty of itself: that is not held against its variants."""
        try:
            return frozenset(self.faults(self.program(*self.inputs([slot.typed.text for slot in self.slots]))))
        except (ArithmeticError, ValueError):
            return frozenset()

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Numbers that should differ from each other: the weights into one layer, the inputs of one example."""
        depth, network = self.sheet.depth, self.problem.network

        def group(place: int) -> tuple[int, int]:
            slot = self.slots[place]
            trained = slot.name in self.problem.train.parameters
            return slot.example, min((depth[user] for user in network.users[slot.name]), default=0) * 2 + trained

        drawn = sorted((place for place, slot in enumerate(self.slots) if not slot.kept), key=group)
        found = tuple(tuple(places) for _, places in groupby(drawn, key=group))
        typed = [slot.typed.text for slot in self.slots]
        return tuple(places for places in found if len({typed[place] for place in places}) == len(places) > 1)

    def groups_allowed(self, texts: Sequence[str]) -> bool:
        """Whether no number stands twice among those that should differ, and no draw repeats the original."""
        for places in self.groups:
            if len({texts[place] for place in places}) < len(places):
                return False
        return any(text != slot.typed.text for text, slot in zip(texts, self.slots, strict=True))

    def has_near_tie(self, values: Iterable[float]) -> bool:
        """Whether some shown value stands so near a rounding tie that two honest ways to round it could differ.

        By hand, every intermediate is rounded, which these floats do not do; `has_tie` looks at that.
        """
        if self.rounding.carry == "hand":
            return False
        limit, digits, places = NEAR_TIE * 1.001, self.rounding.digits, self.rounding.places
        for value in values:
            if value:
                scale = 10.0 ** (places if places is not None else digits - 1 - math.floor(math.log10(abs(value))))
                if abs((abs(value) * scale) % 1 - 0.5) < limit:
                    return True
        return False

    # --- telling slips apart ----------------------------------------------------------------------------------------------

    def slip_gate(self, inputs: Sequence[float]) -> str | None:
        """What a marker could not tell apart on this paper, or None: a slip whose own number looks right, or two slips alike."""
        first = dict(zip(self.sheet.given, inputs, strict=True))
        return self.slip_table.fault([first[key] for key in self.slip_table.given], self.rounding)

    @cached_property
    def slip_table(self) -> SlipTable:
        """Every slip of the table done on the sheet of the original."""
        sheet = make_sheet(self.problem)
        typed = [slot.typed.text for slot in self.slots]
        place_of = dict(zip(self.sheet.given, self.wiring, strict=True))
        drawn = [isinstance(place := place_of[key], int) and not self.slots[place].kept for key in sheet.given]
        inputs = dict(zip(self.sheet.given, self.inputs(typed), strict=True))
        return SlipTable.made(sheet, [inputs[key] for key in sheet.given], drawn, self.rounding)


def _is_target(name: str, problem: Problem) -> bool:
    return bool(TARGET_NAME.fullmatch(name)) or (
        name not in problem.train.parameters and problem.network.users.get(name) == (problem.train.loss,)
    )


def has_tie(work: Derivation, sheet: Sheet) -> bool:
    """Whether a number on the page stands within a thousandth of a unit of a rounding tie, in 40-digit arithmetic."""
    rounding, state = work.rounding, work.states[0]
    values = [value for value, _ in work.losses]
    values += [value for answer in work.answers for value in answer.values or ()]
    values += [work.states[1].values[name] for name in work.problem.train.parameters] if len(work.states) > 1 else []
    if rounding.carry == "hand":  # what is kept is rounded already: look at what it was rounded from
        with precision(60):
            for key, tree in sheet.base.items():
                if not isinstance(key, Later) and all(need in state.values for need in sheet.needs[key]):
                    values.append(sheet.evaluator(tree, DECIMAL)(state.values))
    else:
        values += [value for key, value in state.values.items() if key not in state.typed]
    return any(near_tie(value, rounding) for value in values)


def near_tie(value: Decimal, rounding: Rounding) -> bool:
    """Whether a value is within a thousandth of a unit in its last shown digit from the middle between two of them.

    >>> near_tie(Decimal("0.12345002"), Rounding(digits=4)), near_tie(Decimal("0.123449"), Rounding(digits=4))
    (True, False)
    """
    if not value:
        return False
    places = rounding.places if rounding.places is not None else rounding.digits - 1 - value.adjusted()
    with precision(60):
        return abs(abs(value).scaleb(places) % 1 - Decimal("0.5")) < Decimal(str(NEAR_TIE))
