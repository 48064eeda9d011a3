"""What the random inputs agree on: one verdict for each quantity, and the slips that explain it on every input.

Owns `agreed`, `can_search` and `right_formula`.  Slips are searched for on one input and then done on the sheets of the
others.  May import: written, arithmetic, tables.slips, exercises.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from derive.arithmetic import Key, key_of
from derive.exercises.audit import derived_formula, leaf_of
from derive.exercises.cases import NOT_FINITE, NOT_ZERO, NOTHING, OTHER_SIZE, Answer, Case, Run, audit_run
from derive.exercises.constants import constant_in_place, names_behind
from derive.exercises.reckoning import true_values
from derive.exercises.verdicts import SEVERITY, Audit, Judged, Named, Note
from derive.tables.slips import Slipped, candidates
from derive.written import Number, Partial, Tree

NEAR = 1e-4
"""By what share a number may miss for it to be said how near it comes."""

MOST_SEARCHED, MOST_ROWS = 3, 250
"""Wrong entries of an array in which slips are looked for, and formulas that a network may have for that.  The entries of several
arrays tell on each other: of many, two each are enough."""


def agreed(runs: Sequence[Run], digits: int, wanted: Collection[Tree]) -> Audit:
    """One audit of all inputs: each line at the first input that shows its verdict, with the slips that explain it on every input.

    The entries of an array are lines of their own; a slip that is named for some of them gives all of them.
    """
    audits = [audit_run(run, digits, place, wanted) for place, run in enumerate(runs)]
    lines, first = [], dict[str, int]()
    for name in dict.fromkeys(line.name for audit in audits for line in audit.lines):
        line, place = _agreed_line(name, audits, runs)
        lines.append(line)
        if line.verdict == "wrong":
            first[name] = place
    slips = _untied(_searched(first, runs, digits))
    explained = {name for slip in slips for name in slip.explains}
    slips += _typed_in([name for name in first if name not in explained], runs, digits)
    order = {line.name: place for place, line in enumerate(lines)}
    slips = tuple(replace(slip, explains=tuple(sorted(slip.explains, key=order.__getitem__))) for slip in slips)
    named = [replace(line, slips=tuple(dict.fromkeys(slip.id for slip in slips if line.name in slip.explains))) for line in lines]
    return replace(audits[0], lines=tuple(named), slips=slips)


def _searched(first: Mapping[str, int], runs: Sequence[Run], digits: int) -> Collection[Named]:
    """The slips that explain wrong lines, each found at the first input that shows the line."""
    found: dict[_SlipKey, Named] = {}
    tried: set[str] = set()
    for place in sorted(set(first.values())):
        run = runs[place]
        redone = _Redone([other for other in runs if other.case.sizes == run.case.sizes], digits)
        if not can_search(run):
            continue
        arrays: dict[str, list[Answer]] = {}
        for answer in run.answers:
            arrays.setdefault(answer.whole or answer.name, []).append(answer)
        here = {name for name, shown in first.items() if shown == place}
        wrong = {name: [answer.name for answer in cells if answer.name in here] for name, cells in arrays.items()}
        wrong = {name: cells for name, cells in wrong.items() if cells and name not in tried}
        most = MOST_SEARCHED if len(wrong) < MOST_SEARCHED else 2
        wrong = {name: cells[:: -(-len(cells) // most)] for name, cells in wrong.items()}
        tried |= wrong.keys()
        right = [cell.name for cells in arrays.values() for cell in [c for c in cells if c.name not in first][:most]]
        told = audit_run(run, digits, place, (), {*right, *(cell for cells in wrong.values() for cell in cells)}).slips
        told = tuple(replace(slip, tie=slip.tie and slip.tie + 1000 * place) for slip in told)  # each audit counts its ties
        for whole, cells in wrong.items():
            kept: dict[_SlipKey, Named] = {}
            for cell in cells:
                possible = run.computed(next(a.quantity for a in arrays[whole] if a.name == cell and a.quantity is not None))
                own = [slip for slip in told if cell in slip.explains and slip.where in possible]
                kept |= {_slip_key(slip): slip for slip in _explaining(cell, own, told, redone)}
            rest = [answer.name for answer in arrays[whole] if answer.name not in cells]
            kinds = {(slip.id, slip.variant) for slip in kept.values()}
            more = [slip for slip in told if (slip.id, slip.variant) in kinds]  # made at units that no searched entry shows
            for slips in (list(kept.values()), more):
                if not rest or all(redone.gives(cell, _chosen(slips)) for cell in rest):
                    kept = {_slip_key(slip): slip for slip in slips}
                    break
            else:
                continue
            explained = [answer.name for answer in arrays[whole] if answer.name in here]
            for key, slip in kept.items():
                known = found.setdefault(key, replace(slip, explains=()))
                names = explained if len(arrays[whole]) > 1 else [whole]
                found[key] = replace(known, explains=(*known.explains, *names))
    return found.values()


def can_search(run: Run) -> bool:
    """Whether slips are looked for: not in a large network, nor where what is differentiated is an array."""
    return len(run.case.sheet.base) <= MOST_ROWS and run.case.problem.train.loss in run.case.sheet.base


def _typed_in(names: Sequence[str], runs: Sequence[Run], digits: int) -> tuple[Named, ...]:
    """Numbers typed into the code, which explain lines that no slip of the table does."""
    found: dict[_SlipKey, Named] = {}
    left = list(names if runs[0].case.arrays is None and can_search(runs[0]) else ())
    for _ in range(2):  # what one number does not explain, two may
        alone = tuple(found.values())
        for name in list(left):
            answers = [answer for run in runs for answer in run.answers if answer.name == name]
            if len(answers) < len(runs) or answers[0].quantity is None:
                continue
            behind = names_behind(answers[0].quantity, runs[0])
            before = [slip for slip in alone if slip.where in behind]
            slip = constant_in_place(answers, runs, slack_of(digits), before)
            if slip is not None:
                left.remove(name)
                for one in (*before, slip):
                    known = found.get(_slip_key(one), replace(one, explains=()))
                    found[_slip_key(one)] = replace(known, explains=(*known.explains, name))
    return tuple(found.values())


def slack_of(digits: int) -> float:
    """By what share a number that is judged to so many digits may miss what a slip gives."""
    return float(10.0 ** (-3 * digits / 5))


def _chosen(slips: Iterable[Named]) -> list[Named]:
    """The slips, of each tie one kind."""
    kinds: dict[int, tuple[str, str]] = {}
    for slip in slips:
        kinds.setdefault(slip.tie, (slip.id, slip.variant))
    return [slip for slip in slips if not slip.tie or kinds[slip.tie] == (slip.id, slip.variant)]


def _untied(slips: Iterable[Named]) -> tuple[Named, ...]:
    """The slips; of a tie the plainest one where one is plainer, and what is left alone is no tie.

    A slope of 1, which some other activation has wherever it was tried, is a slope left out.
    """
    kinds: dict[int, set[str]] = {}
    for slip in slips:
        kinds.setdefault(slip.tie, set()).add(slip.id)
    for ids in (ids for tie, ids in kinds.items() if tie and "missing-slope" in ids):
        ids.discard("wrong-function")
    kept = (slip for slip in slips if slip.id in kinds[slip.tie])
    return tuple(replace(slip, tie=slip.tie if len(kinds[slip.tie]) > 1 else 0) for slip in kept)


def _agreed_line(name: str, audits: Sequence[Audit], runs: Sequence[Run]) -> tuple[Judged, int]:
    """One quantity over all inputs, and the first input that shows its verdict."""
    found = [next((line for line in audit.lines if line.name == name), None) for audit in audits]
    lines = {place: _as_code(line, run) for place, (line, run) in enumerate(zip(found, runs, strict=True)) if line is not None}
    worst = max((line.verdict for line in lines.values()), key=SEVERITY.index)
    place, line = next((place, line) for place, line in lines.items() if line.verdict == worst)
    if worst == "wrong":
        line = replace(line, formula=right_formula(line.entry.quantity, runs[place].case))
    right = [place for place, line in lines.items() if line.verdict == "right"]
    if worst == "right" or not right:
        return line, place
    inputs = {"wrong": _counted(place for place in lines if place not in right), "right": _counted(right)}
    return replace(line, notes=(*line.notes, Note("some-inputs", inputs))), place


def right_formula(quantity: Tree | None, case: Case) -> Tree | None:
    """The formula that a number should be of; an entry of an array has none of its own."""
    if case.arrays is not None:
        return None
    if isinstance(quantity, Partial) and not quantity.direct:
        return derived_formula(case.problem, quantity)
    key = None if quantity is None else key_of(case.sheet.plain(quantity))
    return None if key is None else case.sheet.rows.get(key)


_SlipKey = tuple[Any, ...]


def _slip_key(slip: Named) -> _SlipKey:
    return slip.id, slip.where, slip.variant, slip.said, slip.number


def _explaining(name: str, slips: Sequence[Named], every: Sequence[Named], redone: _Redone) -> list[Named]:
    """Of the slips that explain a line on one input, those that, done together, give its number on every input.

    Of a tie each is tried in turn.  Where a line rests on others that are wrong too, the slips of those are done as well.
    """
    firm = [slip for slip in slips if not slip.tie]
    ties: dict[int, list[Named]] = {}
    for slip in slips:
        if slip.tie:
            ties.setdefault(slip.tie, []).append(slip)
    kept: list[Named] = []
    for others in ([], [slip for slip in every if not slip.tie and slip not in firm]):
        if not ties:
            kept = firm if redone.gives(name, [*firm, *others]) else []
        for number, tied in ties.items():
            beside = [group[0] for other, group in ties.items() if other != number]
            kept += [slip for same in _alike(tied) if redone.gives(name, [*firm, *others, *beside, *same]) for slip in same]
        if kept:
            return [*firm, *(slip for slip in kept if slip not in firm)]
    return []


def _alike(slips: Iterable[Named]) -> Iterable[list[Named]]:
    """The places of each of several slips that tie."""
    found: dict[tuple[str, str], list[Named]] = {}
    for slip in slips:
        found.setdefault((slip.id, slip.variant), []).append(slip)
    return found.values()


class _Redone:
    """Some inputs with slips done on their sheets, each set of slips once; numbers are compared as loosely as their digits ask."""

    def __init__(self, runs: Sequence[Run], digits: int) -> None:
        self.runs, self.slack = runs, slack_of(digits)
        self.answers = [{answer.name: answer for answer in run.answers} for run in runs]
        self.values: dict[tuple[int, frozenset[_SlipKey]], Mapping[Key, Decimal]] = {}

    def gives(self, name: str, slips: Sequence[Named]) -> bool:
        """Whether slips, done on the sheet of every input, give the number that was returned there."""
        return all(self.gives_at(place, name, slips) for place in range(len(self.runs)))

    def gives_at(self, place: int, name: str, slips: Sequence[Named]) -> bool:
        """Whether they give it on one input."""
        answer, case = self.answers[place].get(name), self.runs[place].case
        if answer is None or answer.quantity is None or answer.value is None:
            return False
        key = key_of(case.sheet.plain(answer.quantity))
        value = None if key is None else self.with_slips(place, slips).get(key)
        least = self.slack * 1e-3 * case.scale
        return value is not None and math.isclose(answer.value, float(value), rel_tol=self.slack, abs_tol=least)

    def with_slips(self, place: int, slips: Sequence[Named]) -> Mapping[Key, Decimal]:
        """Every value with slips done; none where one of them has no place there."""
        key = place, frozenset(map(_slip_key, slips))
        if key not in self.values:
            sheet = self.runs[place].case.sheet
            done = [(slipped, slip) for slip in slips if (slipped := _row_of(slip, self.runs[place].case)) is not None]
            rows = {goal: tree for slipped, _ in done for goal, tree in slipped.rows.items()}
            ways = {way: paths for slipped, _ in done for way, paths in slipped.ways.items()}
            given: dict[Key, Number] = {slipped.given: slip.number for slipped, slip in done if slipped.given and slip.number}
            self.values[key] = {} if len(done) < len(slips) else true_values(sheet.done_wrong(rows, ways, given))
        return self.values[key]


def _row_of(slip: Named, case: Case) -> Slipped | None:
    """The slip of the table that a named one is, at its one place."""
    every: tuple[Slipped, ...] = case.sheet.recall("candidates", case.sheet.base, lambda: candidates(case.sheet))
    for slipped in every:
        if (slipped.slip, slipped.variant, slipped.said) == (slip.id, slip.variant, slip.said):
            for key in slipped.where:
                if leaf_of(key) == slip.where:
                    rows = {goal: tree for goal, tree in slipped.rows.items() if goal == key}
                    return replace(slipped, rows=rows, ways={way: paths for way, paths in slipped.ways.items() if way[0] == key})
    return None


def _counted(places: Iterable[int]) -> str:
    return ", ".join(str(place + 1) for place in places)


def _as_code(line: Judged, run: Run) -> Judged:
    """A line as it is judged of code: a rounding is no matter, what is no number is wrong, and how near a number comes is said."""
    if line.verdict == "rounded":
        line = replace(line, verdict="right")
    quantity = line.entry.quantity
    truth = None if quantity is None else run.case.value_of(quantity)
    parts = next((answer.parts for answer in run.answers if answer.name == line.name), ())
    if line.entry.fault in (NOT_FINITE, NOT_ZERO, NOTHING, OTHER_SIZE):
        verdict = line.verdict if line.entry.fault == NOTHING else "wrong"
        notes = (Note(line.entry.fault, dict(parts)),)
        line = replace(line, entry=replace(line.entry, fault=""), verdict=verdict, value=truth, notes=notes)
    elif line.verdict != "right":
        line = replace(line, notes=tuple(note for note in line.notes if note.key not in OF_ROUNDING))
    if line.verdict == "wrong" and truth and line.entry.typed:
        off = abs(float(line.entry.text) / float(truth) - 1)
        if off < NEAR:
            line = replace(line, notes=(*line.notes, Note("near", {"digits": math.floor(-math.log10(off))})))
    return line


OF_ROUNDING = ("cut", "off-by-one", "no-rounding")
"""Notes on the last digit of a number, which code does not round."""
