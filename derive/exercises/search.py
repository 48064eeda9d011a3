"""The search for the slips that explain a paper's wrong lines: the fewest that give the printed digits.

Owns `explain` and `Explanation`.  A slip is named only when chance would hardly give the same digits: each line it gives counts by
how unlikely its digits are, each slip costs by how many others were tried.  May import: arithmetic, intervals,
exercises.sheets, exercises.reckoning, tables.slips.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from derive.arithmetic import Key
from derive.exercises.reckoning import PATTERNS_KEPT, Reckoning
from derive.exercises.sheets import Rows, Sheet
from derive.intervals import Interval, Printed, cut, nearest
from derive.tables.slips import SLIPS, Slipped, candidates, garbles
from derive.written import Negative, Number, Tree

MOST_BITS = 20.0
"""What one line can count at most: beyond a chance of one in a million, more digits prove nothing more."""

ENTRANCE = 4.0
"""Bits that any explanation costs, so that chance alone gives few."""

BREAK = 6.0
"""Bits that a line costs which the slip would have changed and which stands unchanged."""

COMPUTED = 3.0
"""Bits for a wrong line from which later lines go on: it was worked out, not miscopied."""

NEAR = 3.0
"""Units of the last digit within which an error of arithmetic is likelier than a slip."""

EXACT = 1.5
"""Numbers that a slip holds when it gives the very digits that are printed."""

ODD_NUMBER = 4.0
"""Bits by which a number solved for may be less likely than the slip it ties with; a stranger number is no explanation."""

GARBLES = 8
"""Ways to garble a number of a few digits."""

MOST_TIES = 4
MOST_SLIPS = 5
BEAM = 6
"""Sets of slips that go on to the next round."""


@dataclass(frozen=True)
class Explanation:
    """A slip with the lines it gives; `number` is what stands in place of a given one; `ties` give the same digits.

    `breaks` are lines that it would have changed and that stand unchanged, so that it was made in the lines it gives alone.  A slip
    of copying (`copied`) changes no formula.
    """

    slipped: Slipped
    explains: tuple[Key, ...]
    bits: float
    number: Number | None = None
    ties: tuple[Explanation, ...] = ()
    breaks: tuple[Key, ...] = ()
    copied: bool = False
    exact: bool = True

    @property
    def id(self) -> str:
        """The id of the slip."""
        return self.slipped.slip


@dataclass(frozen=True)
class Case:
    """What is known while searching: the paper reckoned with the slips found so far, and the lines still open.

    Of some wrong lines the lines after them tell more: `copied` ones were right when they were used, `computed` ones were not.
    """

    reckoning: Reckoning
    open: frozenset[Key]
    closed: frozenset[Key]
    copied: frozenset[Key] = frozenset()
    computed: frozenset[Key] = frozenset()
    symbols: bool = False

    @property
    def sheet(self) -> Sheet:
        """The sheet with the slips found so far."""
        return self.reckoning.sheet


def explain(reckoning: Reckoning, wrong: Iterable[Key], symbols: bool = False) -> tuple[tuple[Explanation, ...], Case]:
    """The slips that explain the wrong lines, and the case with them taken as made: what it leaves open stays unexplained.

    With `symbols`, the numbers are those of a seeded point: no digits were copied, no given number was misread.

    Slips are added one at a time to the sets found so far; the best few sets go on, until the best leaves nothing open or no
    further slip is worth its cost.
    """
    open_ = frozenset(wrong)
    reckoning = replace(reckoning, also=tuple(keys[-1] for keys in reckoning.sheet.moved.values()))
    closed = frozenset(key for key in reckoning.own[1] if key not in open_)
    best = Hypothesis(Case(reckoning, open_, closed, *_told_by_later_lines(reckoning, open_), symbols))
    kept = [best]
    for _ in range(MOST_SLIPS):
        if not best.case.open:
            break
        longer: dict[frozenset[tuple[str, tuple[Key, ...]]], Hypothesis] = {}
        for child in (child for hypothesis in kept for child in _longer(hypothesis)):
            known = longer.get(child.signature)
            if known is None or known.bits < child.bits:
                longer[child.signature] = child
        kept = sorted(longer.values(), key=lambda h: (-h.bits, len(h.slips), h.places))[:BEAM]
        best = max((best, *kept[:1]), key=lambda h: h.bits)
    return _finished(reckoning, best), best.case


def _finished(start: Reckoning, best: Hypothesis) -> tuple[Explanation, ...]:
    """The slips with the lines each is needed for, and those of their ties that give the same beside the other slips."""
    every = [key for slip in best.slips for key in slip.explains]
    finished = []
    for slip in best.slips:
        others = [other for other in best.slips if other is not slip]
        without = _reckoned(start, others)
        if slip.copied or slip.breaks:
            finished.append(slip)
            continue
        local = {key for other in others if other.copied or other.breaks for key in other.explains}
        needed = tuple(key for key in every if key not in local and not without.follows(key))
        if needed:
            fitting = (tie for tie in slip.ties if tie.copied or all(map(_reckoned(start, [*others, tie]).follows, needed)))
            finished.append(replace(slip, explains=needed, ties=tuple(fitting)))
    return tuple(finished)


def _reckoned(start: Reckoning, slips: Iterable[Explanation]) -> Reckoning:
    """The paper reckoned with slips taken as made."""
    sheet = start.sheet
    for found in slips:
        if not (found.copied or found.breaks):
            given: dict[Key, Number] = {found.slipped.given: found.number} if found.number is not None else {}
            sheet = sheet.done_wrong(found.slipped.rows, found.slipped.ways, given)
    return replace(start, sheet=sheet)


@dataclass(frozen=True)
class Hypothesis:
    """Some slips taken as made, what they leave open, and what they are worth together."""

    case: Case
    slips: tuple[Explanation, ...] = ()
    bits: float = 0.0

    @property
    def signature(self) -> frozenset[tuple[str, tuple[Key, ...]]]:
        """The slips whatever their order."""
        return frozenset((e.id + e.slipped.variant + (e.number.text if e.number else ""), e.slipped.where) for e in self.slips)

    @property
    def places(self) -> int:
        """At how many places the slips are made."""
        return sum(len(e.slipped.where) for e in self.slips)


def _longer(hypothesis: Hypothesis) -> Iterator[Hypothesis]:
    """The hypothesis with each slip that is worth adding."""
    if not hypothesis.case.open:
        return
    found = sorted(_explanations(hypothesis.case), key=lambda e: (-e.bits, len(e.slipped.where)))
    for explanation in [explanation for explanation in found if explanation.bits > 0][: 2 * BEAM]:
        ties = _ties(explanation, found)
        slips = (*hypothesis.slips, replace(explanation, ties=ties))
        yield Hypothesis(_with(hypothesis.case, explanation), slips, hypothesis.bits + explanation.bits)


def _ties(best: Explanation, found: Iterable[Explanation]) -> tuple[Explanation, ...]:
    """Other slips that give the same digits: one of each kind, the likeliest first."""
    ties: list[Explanation] = []
    for other in found:
        same = set(other.explains) == set(best.explains) and other.exact >= best.exact and len(other.breaks) <= len(best.breaks)
        likely = other.number is None or other.bits > best.bits - ODD_NUMBER
        if same and likely and other.id != best.id and all(other.id != tie.id for tie in ties):
            ties.append(other)
    return tuple(ties[:MOST_TIES])


def _with(case: Case, found: Explanation) -> Case:
    """The case with a slip taken as made: its lines follow now."""
    reckoning = _reckoned(case.reckoning, [found])
    explained = frozenset(found.explains)
    return Case(reckoning, case.open - explained, case.closed | explained, case.copied, case.computed, case.symbols)


def _told_by_later_lines(reckoning: Reckoning, wrong: frozenset[Key]) -> tuple[frozenset[Key], frozenset[Key]]:
    """The wrong lines whose right value was used afterwards, and those whose printed value was."""
    honest, own, follows = reckoning.honest[0], *reckoning.own
    votes: dict[Key, list[bool]] = {}
    for later, sources in reckoning.sources.items():
        for source in sources:
            if source in wrong and source in honest:
                repaired = reckoning.predict(later, own, {}, {source: honest[source]})
                from_right = repaired is not None and reckoning.printed[later].admits(repaired)
                if from_right != follows[later]:
                    votes.setdefault(source, []).append(from_right)
    copied = frozenset(key for key, said in votes.items() if all(said))
    return copied, frozenset(key for key, said in votes.items() if not any(said))


def _explanations(case: Case) -> Iterator[Explanation]:
    """Every candidate that gives at least one open line, with what it is worth."""
    touching = [way for way in _ways_on_paper(case) if way.lines.keys() & case.open and not (case.symbols and way.slipped.given)]
    tried: dict[tuple[str, Key], int] = {}
    for way in touching:
        for key in way.lines.keys() & case.open:
            tried[way.slipped.slip, key] = tried.get((way.slipped.slip, key), 0) + 1
    known: dict[int, tuple[float, bool]] = {}
    for way in touching:
        for number, changed in _numbers(way.slipped, set(way.lines), case) if way.slipped.given else ((None, {}),):
            explanation = _weigh(way, number, changed, case, tried, known)
            if explanation is not None:
                yield explanation
    for key in () if case.symbols else case.open:
        garbled = _garbled(key, case)
        if garbled is not None:
            yield garbled


def _garbled(key: Key, case: Case) -> Explanation | None:
    """The line as a garble of the digits that should stand there."""
    reckoning = case.reckoning
    printed = reckoning.printed[key]
    meant: dict[str, None] = {}
    for choice in reckoning.choices(key):
        for value in reckoning.exactly(key, {}, choice):
            for shift in (0, -1, 1, -2, 2):
                unit = printed.unit.scaleb(shift)
                meant |= dict.fromkeys(f"{kept(Decimal(value), unit):f}" for kept in (nearest, cut))
    for text in meant:
        for kind, garbled in garbles(text):
            if Decimal(garbled) == printed.value:
                bits = 3.32 * max(1, printed.significant) + (COMPUTED if key in case.copied else 0.0)
                cost = ENTRANCE + math.log2(GARBLES) + math.log2(4 / SLIPS["garbled-digits"].common)
                slipped = Slipped("garbled-digits", (key,), variant=kind, said=(_number(printed.text), _number(text)))
                return Explanation(slipped, (key,), bits - cost, copied=True)
    return None


def _number(text: str) -> Tree:
    return Negative(Number(text[1:])) if text.startswith("-") else Number(text)


def _lines_by_formula(case: Case) -> dict[Key, set[Key]]:
    """For each formula or given number, the printed lines that are computed with it."""
    reckoning, found = case.reckoning, dict[Key, set[Key]]()
    for key in case.open | case.closed:
        for inner in (*reckoning.hidden[key], key):
            found.setdefault(inner, set()).add(key)
            for need in case.sheet.needs[inner]:
                if need in case.sheet.given:
                    found.setdefault(need, set()).add(key)
    return found


@dataclass(frozen=True)
class _Way:
    """A way to slip on a sheet, with the formulas it changes; `keys` are those and the given number.

    On a paper, `lines` are those that are computed with anything it changes.  Ways that change the same formulas behind a line have
    the same number there.
    """

    slipped: Slipped
    rows: Rows
    keys: tuple[Key, ...]
    lines: Mapping[Key, int] = field(default_factory=dict)


def _ways_on_paper(case: Case) -> tuple[_Way, ...]:
    """Every way to slip that touches a line, the same for all papers that print the same lines."""
    reckoning, sheet = case.reckoning, case.sheet
    which = ("ways", tuple(reckoning.printed), reckoning.also)
    found: tuple[_Way, ...] | None = sheet.patterns.get(which)
    if found is None:
        lines, numbers, on_paper = _lines_by_formula(case), dict[tuple[Key | int, ...], int](), []
        for way in _ways_to_slip(sheet):
            touched = {}
            for key in set().union(*(lines[key] for key in way.keys if key in lines)):
                behind = (*reckoning.hidden[key], key)
                alike = (key, *(id(way.rows[inner]) for inner in behind if inner in way.rows))
                touched[key] = numbers.setdefault(alike, len(numbers))
            if touched:
                on_paper.append(replace(way, lines=touched))
        if len(sheet.patterns) >= PATTERNS_KEPT:
            sheet.patterns.clear()
        found = sheet.patterns[which] = tuple(on_paper)
    return found


def _ways_to_slip(sheet: Sheet) -> tuple[_Way, ...]:
    def prepare() -> tuple[_Way, ...]:
        ways = []
        same: dict[Tree, Tree] = {}  # of equal formulas one, so that they are known by their identity
        for slipped in candidates(sheet):
            changed = sheet.formulas(slipped.rows, slipped.ways)
            rows = {key: same.setdefault(tree, tree) for key, tree in changed.items()}
            ways.append(_Way(slipped, rows, (*rows, slipped.given) if slipped.given else tuple(rows)))
        return tuple(ways)

    found: tuple[_Way, ...] = sheet.recall("slips", sheet.base, prepare)
    return found


def _weigh(
    way: _Way,
    number: Number | None,
    changed: Mapping[Key, Interval],
    case: Case,
    tried: Mapping[tuple[str, Key], int],
    known: dict[int, tuple[float, bool]],
) -> Explanation | None:
    """What a candidate is worth: the bits of the lines it gives, less what it costs.

    Many ways change the same formulas behind a line; what is `known` of one holds for the others.
    """
    reckoning, slipped, rows, touched = case.reckoning, way.slipped, way.rows, way.lines.keys()
    worth: dict[Key, float] = {}
    exact = True
    for key in (touched & case.open) - case.copied:
        if number is None:
            alike = way.lines[key]
            if alike not in known:
                known[alike] = _bits_of(key, rows, changed, reckoning, alike)
            bits, exactly = known[alike]
        else:
            bits, exactly = _bits_of(key, rows, changed, reckoning)
        if bits:
            worth[key] = bits + (COMPUTED if key in case.computed else 0.0)
            exact = exact and exactly
    if not worth:
        return None
    breaks = [key for key in touched & case.closed if not _still(key, rows, changed, reckoning)]
    count = max(tried[slipped.slip, key] for key in worth)
    cost = ENTRANCE + math.log2(count) + math.log2(4 / SLIPS[slipped.slip].common) + BREAK * len(breaks)
    if number is not None:
        cost += _bits_of_number(number, case.sheet.given[slipped.given])
    explains = tuple(sorted(worth, key=case.sheet.order.__getitem__))
    return Explanation(slipped, explains, sum(worth.values()) - cost, number, breaks=tuple(breaks), exact=exact)


def _still(key: Key, rows: Rows, changed: Mapping[Key, Interval], reckoning: Reckoning) -> bool:
    printed = reckoning.printed[key]
    return any(printed.admits(raw) for raw in reckoning.predictions(key, rows, changed))


def _bits_of(
    key: Key, rows: Rows, changed: Mapping[Key, Interval], reckoning: Reckoning, alike: int = -1
) -> tuple[float, bool]:
    """How unlikely it is that chance gives these digits, 0 where the slip does not give them; and whether it gives them exactly.

    Ways that change the same formulas are `alike`; what they come to is the same for all papers that print nothing but this line.
    """
    printed, expected = reckoning.printed[key], reckoning.honest[0].get(key)
    best = (0.0, False)
    for choice in reckoning.choices(key):
        if alike < 0 or len(reckoning.printed) > 1:
            raw = reckoning.predict(key, reckoning.own[0], rows, {**choice, **changed})
        elif (key, alike) in reckoning.sheet.predictions:
            raw = reckoning.sheet.predictions[key, alike]
        else:
            raw = reckoning.sheet.predictions[key, alike] = reckoning.predict(key, reckoning.own[0], rows, choice)
        if raw is not None and printed.admits(raw):
            exact = any(printed.admits(Interval(value, value)) for value in reckoning.exactly(key, rows, {**choice, **changed}))
            best = max(best, (surprise(printed, raw, expected, exact), exact))
    return best


def surprise(printed: Printed, given: Interval, expected: Interval | None, exact: bool) -> float:
    """The bits of a line: of all numbers of as many digits, how few the slip gives; little where it is a few units off at most."""
    unit, value = float(printed.unit), float(printed.value)
    spread = 9.0 * 10 ** max(0, printed.significant - 1)
    if expected is not None:
        off = abs(value - expected.middle) / unit
        spread = spread if off > NEAR else min(spread, 4 + 2 * off)
    held = EXACT if exact else (given.high - given.low) / unit + 1.5
    return min(MOST_BITS, max(0.0, math.log2(spread / held)))


# --- another number in place of a given one -----------------------------------------------------------------------------


def _numbers(slipped: Slipped, touched: set[Key], case: Case) -> Iterator[tuple[Number, dict[Key, Interval]]]:
    """The numbers that, in place of the given one, would give an open line: as short as they come, and those a garble makes."""
    reckoning, name = case.reckoning, slipped.given
    typed = case.sheet.given[name]
    seen: set[Decimal] = {Decimal(typed.text)}
    lines = sorted(touched & case.open, key=case.sheet.order.__getitem__)
    for key in lines[:3]:
        for value in _short_solutions(key, name, typed, reckoning):
            if value not in seen:
                seen.add(value)
                point = Interval(float(value), float(value))
                yield Number(f"{value:f}"), {name: point}


def _short_solutions(key: Key, name: str, typed: Number, reckoning: Reckoning) -> Iterator[Decimal]:
    """Short decimals that give a printed line when they stand for a given number."""
    printed, start = reckoning.printed[key], float(typed.text)

    def line(x: float) -> float | None:
        raw = reckoning.predict(key, reckoning.own[0], {}, {name: Interval(x, x)})
        return None if raw is None else raw.middle - float(printed.value)

    most = max(2, len(typed.text.partition(".")[2]) + 1)
    for begin in (start, 0.0):
        solved = _solve(line, begin)
        if solved is None:
            continue
        x, slope = solved
        room = 3 * float(printed.unit) / abs(slope) + 1e-12
        for places in range(most + 1):
            nearest = Decimal(repr(round(x, places)))
            if abs(float(nearest) - x) <= room:
                yield nearest.normalize() + 0


def _solve(line: Any, start: float) -> tuple[float, float] | None:
    """Where a function is 0, by secants from a start, and its slope there; None where it does not settle."""
    x0, x1 = start, start + (abs(start) or 1.0) * 0.05
    y0, y1 = line(x0), line(x1)
    for _ in range(30):
        if y0 is None or y1 is None or y1 == y0 or not math.isfinite(y1):
            return None
        slope = (y1 - y0) / (x1 - x0)
        x0, y0, x1 = x1, y1, x1 - y1 / slope
        if not math.isfinite(x1) or abs(x1) > 1e6:
            return None
        y1 = line(x1)
        if abs(x1 - x0) <= 1e-10 * (abs(x1) + 1e-9):
            return x1, slope
    return None


def _bits_of_number(number: Number, typed: Number) -> float:
    """What it costs that a number could have been any other of as many digits; less for one made of the same digits."""
    digits = number.text.lstrip("-").replace(".", "").lstrip("0")
    same = sorted(digits.rstrip("0")) == sorted(typed.text.lstrip("-").replace(".", "").strip("0"))
    return 2.0 if same else 3.32 * max(1, len(digits))
