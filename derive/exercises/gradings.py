"""What may be accepted for each answer, and what each slip would give: a key for machines, which cannot ask back.

Owns `Grading`, `Wrong`, `gradings_of` and `items_of`.  An answer is accepted wherever a hand that makes no slip can end, whatever
it rounds or cuts on its way and in whatever order it works; it is asked for with so many digits that no slip ends there too.  May
import: errors, written, arithmetic, intervals, problem, rounding, tables.slips, exercises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context, Decimal
from functools import cached_property

from derive.arithmetic import Key
from derive.errors import InputError, UsageError
from derive.exercises.answers import Entry
from derive.exercises.audit import AnswerKey, make_answer_key, scalar_parts
from derive.exercises.carrying import Carried, carried_from
from derive.exercises.keys import asked_of
from derive.exercises.reaches import Reach, widened
from derive.exercises.slipvalues import Slippery, SlipValues
from derive.intervals import Interval
from derive.problem import Problem, missing_numbers
from derive.rounding import Rounding
from derive.tables.slips import SLIPS, Slipped
from derive.written import Name, Negative, Tree

MOST_DIGITS = 10
"""Digits a pocket calculator shows: no question asks for more."""

MOST_WRONG = 20
"""Wrong answers that are named for one question, the likeliest."""

MOST_ALIKE = 4
"""Of these, how many of one slip, made here or there."""

MOST_TIES = 3
"""Slips that are named for one wrong answer."""


@dataclass(frozen=True)
class Wrong:
    """A wrong answer and how far about it the same slip can end; `slips` all end there, the likeliest first."""

    value: Decimal
    tolerance: Decimal
    slips: tuple[Slipped, ...]


@dataclass(frozen=True)
class Grading:
    """One answer as a machine marks it.

    `shown` is the value at the digits asked for, and everything within `tolerance` of it is accepted.  `alike` are slips that give
    the same value, or one that ten digits do not tell from it.  `carried` is the answer as it follows from the other answers, in
    which `ans2` is the second one.
    """

    label: str
    tree: Tree
    key: Key
    negative: bool
    value: Decimal
    asked: Rounding
    shown: str
    tolerance: Decimal
    wrong: tuple[Wrong, ...] = ()
    alike: tuple[Slipped, ...] = ()
    carried: Carried | None = None

    def accepts(self, number: Decimal) -> bool:
        """Whether a typed number is taken for right."""
        return abs(number - Decimal(self.shown)) <= self.tolerance


def gradings_of(problem: Problem, rounding: Rounding) -> tuple[Grading, ...]:
    """How each answer of a problem with numbers is marked, asked for with at least the digits of `rounding`.

    Raises InputError where numbers are missing; UsageError for more than ten digits, and where even at ten rounding may take a step
    out of its domain.

    >>> import derive
    >>> loss, *_ = gradings_of(derive.find("q1"), Rounding(digits=4))
    >>> loss.shown, loss.accepts(Decimal("0.32339451")), loss.accepts(Decimal("0.6467885"))
    ('0.32339426', True, False)
    """
    if max(rounding.digits, rounding.places or 0) > MOST_DIGITS:
        raise UsageError(f"a quiz asks for {MOST_DIGITS} digits or decimal places at most")
    missing = missing_numbers(problem)
    if missing:
        raise InputError(f"{problem.title or 'the problem'}: no number is given for {', '.join(missing)}")
    entries = items_of(problem)
    marker = _Marker(make_answer_key(problem, (entry.quantity for entry in entries if entry.quantity is not None)), entries)
    return marker.mark(rounding)


def items_of(problem: Problem) -> tuple[Entry, ...]:
    """What is asked for, number by number: a vector has one item for each component."""
    items = []
    for label, tree, _ in asked_of(problem):
        parts = scalar_parts(Entry("", label, "", tree), problem)
        items += [replace(part, name=f"{label}[{k}]" if len(parts) > 1 else label) for k, part in enumerate(parts, 1)]
    return tuple(items)


@dataclass
class _Marker:
    """One problem on its way to its gradings."""

    answers: AnswerKey
    entries: tuple[Entry, ...]

    def key_of(self, entry: Entry) -> tuple[Key, bool]:
        assert entry.quantity is not None
        return self.answers.keys[entry.quantity]

    @cached_property
    def values(self) -> SlipValues:
        return SlipValues(self.answers.sheet, tuple(dict.fromkeys(self.key_of(entry)[0] for entry in self.entries)))

    def mark(self, rounding: Rounding) -> tuple[Grading, ...]:
        """The gradings of all items: each with the fewest digits that tell it from every slip that can be told at all."""
        open_: dict[Key, list[Slippery]] = {key: [] for key in self.values.asked}
        alike: dict[Key, list[Slippery]] = {key: [] for key in self.values.asked}
        for slip in self.values.slips:
            for key in slip.asked:
                value = self.values.wrong(slip, key, None)
                if value is None:
                    continue
                if not self.values.is_right(value, key):
                    open_[key].append(slip)
                elif not self.values.is_no_slip(slip, key):
                    alike[key].append(slip)
        told: dict[Key, list[tuple[Rounding, int]]] = {key: [] for key in self.values.asked}
        for kept in _finer(rounding):
            try:
                self.values.right(kept)
            except (ArithmeticError, ValueError):
                continue
            for key, slips in open_.items():
                if slips or not told[key]:
                    accepted = self.accepted(key, kept)
                    slips[:] = [slip for slip in slips if not _apart(self.values.wrong(slip, key, kept), *accepted)]
                    told[key].append((kept, len(slips)))
            if not any(open_.values()):
                break
        if not all(told.values()):
            raise UsageError("even with ten digits, rounding may take a step of this problem to where it has no value")
        gradings = []
        for entry in self.entries:
            key, _ = self.key_of(entry)
            kept = next(kept for kept, left in told[key] if left == len(open_[key]))
            gradings.append(self.grading(entry, kept, [*alike[key], *open_[key]]))
        return tuple(gradings)

    def accepted(self, key: Key, kept: Rounding) -> tuple[Decimal, Decimal]:
        """The value at the digits kept, and how far from it a hand without a slip can end."""
        shown = Decimal(kept.show(self.answers.truth[key]))
        return shown, _distance(self.values.right(kept)[key], shown, kept)

    def grading(self, entry: Entry, kept: Rounding, alike: Iterable[Slippery]) -> Grading:
        """One item with its wrong answers."""
        assert entry.quantity is not None
        key, negative = self.key_of(entry)
        shown, tolerance = self.accepted(key, kept)
        found: list[tuple[Decimal, Decimal, list[Slipped]]] = []
        counts: dict[str, int] = {}
        for slip in sorted((slip for slip in self.values.slips if key in slip.asked), key=_unlikely):
            value, name = self.values.wrong(slip, key, None), slip.slipped.slip
            if value is None or self.values.is_right(value, key):
                continue
            beside = next((slips for middle, around, slips in found if abs(Decimal(value) - middle) <= around), None)
            if beside is not None:
                if len(beside) < MOST_TIES and all(name != other.slip for other in beside):
                    beside.append(slip.slipped)
            elif len(found) < MOST_WRONG and counts.get(name, 0) < MOST_ALIKE:
                end = self.values.wrong(slip, key, kept)
                if end is not None and _apart(end, shown, tolerance):
                    counts[name] = counts.get(name, 0) + 1
                    middle = Decimal(kept.show(Decimal(end.middle)))
                    found.append((middle, _distance(end, middle, kept), [slip.slipped]))
        wrong = tuple(Wrong(-middle if negative else middle, around, tuple(slips)) for middle, around, slips in found)
        value = -self.answers.truth[key] if negative else self.answers.truth[key]
        text = kept.show(value, kept.round(value) == value)
        return Grading(
            entry.name, entry.quantity, key, negative, value, kept, text, tolerance, wrong,
            tuple(slip.slipped for slip in alike), carried_from(self.values, key, self.typed, kept),
        )  # fmt: skip

    @cached_property
    def typed(self) -> dict[Key, Tree]:
        """The answers by their keys, as they stand in a formula."""
        found: dict[Key, Tree] = {}
        for place, entry in enumerate(self.entries, 1):
            key, negative = self.key_of(entry)
            found.setdefault(key, Negative(Name(f"ans{place}")) if negative else Name(f"ans{place}"))
        return found


def _finer(rounding: Rounding) -> Iterator[Rounding]:
    """The digits asked for, then more and more."""
    plain = Rounding(digits=rounding.digits, places=rounding.places)
    if plain.places is None:
        yield from (replace(plain, digits=digits) for digits in range(plain.digits, max(plain.digits, MOST_DIGITS) + 1))
    else:
        yield from (replace(plain, places=places) for places in range(plain.places, max(plain.places, MOST_DIGITS) + 1))


def _apart(end: Interval | None, shown: Decimal, tolerance: Decimal) -> bool:
    """Whether nothing of where a slip can end is accepted."""
    return end is None or Decimal(end.low) > shown + tolerance or Decimal(end.high) < shown - tolerance


def _unlikely(slip: Slippery) -> tuple[float, int]:
    return -SLIPS[slip.slipped.slip].common, len(slip.slipped.where)


def _distance(reach: Reach, shown: Decimal, kept: Rounding) -> Decimal:
    """How far from a number a hand can end, the answer itself rounded or cut once more; three digits of it, and rather more."""
    edge = widened(reach, max(abs(reach.low), abs(reach.high)), 1.0, kept)
    return Context(prec=3, rounding=ROUND_CEILING).plus(max(Decimal(edge.high) - shown, shown - Decimal(edge.low)))
