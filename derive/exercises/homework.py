"""Somebody's function held against the derivation: run on random inputs, each judged by the audit, and what they agree on.

Owns `audit_homework`.  A slip is named for a number only where it explains that number on every input.  May import:
written, arithmetic, intervals, problem, tables.slips, exercises.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from derive.arithmetic import Key, key_of, spelled
from derive.exercises.answers import Entry, Paper, reading_of
from derive.exercises.audit import audit_papers, derived_formula, leaf_of
from derive.exercises.bindings import Purpose, Values, arguments_for, flattened, purpose_of, quantity_of_key
from derive.exercises.inputs import draw_inputs
from derive.exercises.processes import open_runner
from derive.exercises.reckoning import true_values
from derive.exercises.sheets import Sheet, make_sheet
from derive.exercises.verdicts import SEVERITY, Audit, Judged, Named, Note, Trial
from derive.intervals import Digits
from derive.problem import Problem
from derive.tables.slips import Slipped, candidates
from derive.written import ZERO, Negative, Number, Partial, Tree

INPUTS = 5
"""Random inputs: a unit that is dead at one of them, or two numbers that happen to be alike, is not so at all."""

DOUBLE, SINGLE = 10, 5
"""Digits to which a number in double or single precision is judged, as if by a hand that keeps so many in every intermediate.

Double precision keeps nearly 16, so that an honest computation has a margin of a million, also where it cancels: the audit knows
where digits are lost.  No slip comes as near as that on every input.
"""

SLACK = 1e-6
"""By what share of itself, or of the largest gradient, a number may miss what a slip gives."""

NOT_FINITE, NOTHING = "not-finite", "nothing-returned"
"""What is wrong with some entries: the notes that say so."""

NEAR = 1e-4
"""By what share a number may miss for it to be said how near it comes."""


def audit_homework(problem: Problem, code: str, seed: int = 1, seconds: float = 10.0) -> Audit:
    """The function `file.py:name` run in a process of its own, and what it returned judged.

    Raises UsageError or InputError for what is wrong with the file or the function, LimitError where it takes too long.
    """
    runs: list[_Run] = []
    with open_runner(code, seconds) as runner:
        purpose = purpose_of(runner.function)
        where = f"{runner.path.name}: {runner.function}"
        for number, drawn in enumerate(draw_inputs(problem, seed, INPUTS), start=1):
            case = _Case.made(drawn)
            arguments = arguments_for(runner.parameters, case.values, problem, where)
            place = f"input {number}"
            returned, single = runner.call(*arguments.filled(case.values, problem.train.parameters), place)
            answers = tuple(_answers(returned, purpose, drawn, where))
            runs.append(_Run(case, answers, single, arguments.passed))
    digits = SINGLE if all(run.is_single for run in runs) else DOUBLE
    agreed = _agreed(runs, digits, purpose)
    places = {slip.where: formula for slip in agreed.slips if (formula := _formula(slip.where, runs[0].case)) is not None}
    order = tuple(answer.quantity for answer in runs[0].answers if not answer.key and answer.quantity is not None)
    given = tuple({**run.case.problem.given, **_rate(run.case.problem)} for run in runs)
    file, _, function = code.rpartition(":")
    return replace(agreed, trial=Trial(file, function, seed, given, digits, order, places))


def _rate(problem: Problem) -> dict[str, Number]:
    rate = problem.train.learning_rate
    return {} if rate is None else {"learning_rate": rate}


# --- one input ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """A problem with random numbers, its sheet, the true values, and what a function may ask for."""

    problem: Problem
    sheet: Sheet
    truth: Mapping[Key, Decimal]
    values: Values

    def value_of(self, quantity: Tree) -> Decimal | None:
        """The true value of a quantity that is one of the sheet's."""
        key = key_of(self.sheet.plain(quantity))
        return None if key is None else self.truth.get(key)

    @property
    def scale(self) -> float:
        """The size of the largest partial."""
        return max((abs(float(value)) for key, value in self.truth.items() if isinstance(key, Partial)), default=0.0)

    @classmethod
    def made(cls, problem: Problem) -> _Case:
        sheet = make_sheet(problem)
        truth = true_values(sheet)
        values: dict[str, Any] = {str(key): float(value) for key, value in truth.items() if isinstance(key, str)}
        loss = problem.train.loss
        values |= {
            f"d{key.wrt}": float(value)
            for key, value in truth.items()
            if isinstance(key, Partial) and key.of == loss and f"d{key.wrt}" not in values
        }
        return cls(problem, sheet, truth, values)


@dataclass(frozen=True)
class _Answer:
    """A number that was returned: its key, "" in a list, and the quantity it stands for, or why for none."""

    key: str
    name: str
    value: float | None
    quantity: Tree | None = None
    fault: str = ""


@dataclass(frozen=True)
class _Run:
    """What a function returned on one input."""

    case: _Case
    answers: tuple[_Answer, ...]
    single: bool
    passed: frozenset[str] = frozenset()

    def computed(self, quantity: Tree) -> frozenset[Tree]:
        """What the function itself may have computed on the way to a quantity: all that it rests on, down to what was passed."""
        sheet, loss = self.case.sheet, self.case.problem.train.loss
        gradients = self.passed.difference(self.case.problem.known)
        known = {*self.passed, *(Partial(loss, name.removeprefix("d")) for name in gradients)}
        todo = [key] if (key := key_of(sheet.plain(quantity))) is not None else []
        found: set[Key] = set()
        while todo:
            here = todo.pop()
            if here not in found and here not in known:
                found.add(here)
                todo += sheet.needs.get(here, ())
        return frozenset(map(leaf_of, found))

    @property
    def is_single(self) -> bool:
        """Whether every number is one of single precision: it says so, or no digits stand behind those."""
        return self.single or all(_fits_single(answer.value or 0.0) for answer in self.answers)


def _fits_single(value: float) -> bool:
    try:
        return math.isfinite(value) and bool(struct.unpack("f", struct.pack("f", value))[0] == value)
    except OverflowError:
        return False


def _answers(returned: Any, purpose: Purpose, problem: Problem, where: str) -> Iterator[_Answer]:
    """The numbers that were returned, each under the quantity it stands for.  Raises InputError."""
    reading = reading_of(problem)
    seen: dict[Tree, _Answer] = {}
    for key, value in flattened(returned, purpose, problem, where):
        typed = key if isinstance(key, str) else ""
        quantity, fault = quantity_of_key(key, purpose, problem, reading) if isinstance(key, str) else (key, "")
        answer = _Answer(typed, typed if key_of(quantity or ZERO) is None else spelled(quantity), value, quantity, fault)
        if not isinstance(value, float):
            answer = replace(answer, value=None, fault=fault or "a list stands where one number was expected")
        before = seen.setdefault(quantity, answer) if quantity is not None else answer
        if before is answer:
            yield answer
        elif before.value != answer.value:
            said = f"stands for {answer.name} once more, with another number than '{before.key}'"
            yield replace(answer, name=typed, quantity=None, fault=said)


def _audited(run: _Run, digits: int, number: int, purpose: Purpose, search: bool = False) -> Audit:
    """The audit of one input; gradients of which nothing came back are unreadable lines."""
    place = f"input {number + 1}"
    entries = [_entry(answer, run.case, digits, place) for answer in run.answers]
    returned = {answer.quantity for answer in run.answers}
    wanted = purpose.expected(run.case.problem) if purpose.name != "forward" else ()
    if returned & {*wanted}:
        entries += [
            Entry(place, spelled(quantity), "", quantity, verdict="missing", fault=NOTHING)
            for quantity in wanted
            if quantity not in returned
        ]
    (audit,) = audit_papers(run.case.problem, [Paper(entries=tuple(entries))], digits=Digits(digits), search=search)
    return audit


def _entry(answer: _Answer, case: _Case, digits: int, place: str) -> Entry:
    """A returned number as an answer with so many digits."""
    value, quantity = answer.value, answer.quantity
    text = "" if value is None else repr(value)
    entry = Entry(place, answer.name, text, quantity)
    if quantity is None or value is None or answer.fault:
        return replace(entry, verdict="unknown" if quantity is None else "unreadable", fault=answer.fault)
    if not math.isfinite(value):
        return replace(entry, verdict="unreadable", fault=NOT_FINITE)
    return replace(entry, sides=(_number(value, case.value_of(quantity), digits),), typed=(text,))


def _number(value: float, truth: Decimal | None, digits: int) -> Tree:
    """A float as it would be typed with so many significant digits; 0 with as many decimals as tell it from the truth."""
    if not value:
        return Number(f"{0:.{max(digits, digits - truth.adjusted() if truth else 0)}f}")
    number = Number(f"{Decimal(f'{abs(value):.{digits - 1}e}'):f}")
    return Negative(number) if value < 0 else number


# --- what the inputs agree on ---------------------------------------------------------------------------------------------


def _agreed(runs: Sequence[_Run], digits: int, purpose: Purpose) -> Audit:
    """One audit of all inputs: each line at the first input that shows its verdict, with the slips that explain it on every input.

    Slips are searched for at the inputs at which some line is first wrong, and then done on the others.
    """
    audits = [_audited(run, digits, place, purpose) for place, run in enumerate(runs)]
    lines, first = [], dict[str, int]()
    for name in dict.fromkeys(line.name for audit in audits for line in audit.lines):
        line, place = _agreed_line(name, audits, runs)
        lines.append(line)
        if line.verdict == "wrong":
            first[name] = place
    found: dict[_SlipKey, Named] = {}
    for place in sorted(set(first.values())):
        told = _audited(runs[place], digits, place, purpose, search=True).slips
        told = tuple(replace(slip, tie=slip.tie and slip.tie + 1000 * place) for slip in told)  # each audit counts its ties
        for name in (name for name, shown in first.items() if shown == place):
            possible = runs[place].computed(next(line.entry.quantity or ZERO for line in lines if line.name == name))
            own = [slip for slip in told if name in slip.explains and slip.where in possible]
            for slip in _explaining(name, own, told, runs):
                known = found.setdefault(_slip_key(slip), replace(slip, explains=()))
                found[_slip_key(slip)] = replace(known, explains=(*known.explains, name))
    slips = _untied(found.values())
    named = [replace(line, slips=tuple(dict.fromkeys(slip.id for slip in slips if line.name in slip.explains))) for line in lines]
    return replace(audits[0], lines=tuple(named), slips=slips)


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


def _agreed_line(name: str, audits: Sequence[Audit], runs: Sequence[_Run]) -> tuple[Judged, int]:
    """One quantity over all inputs, and the first input that shows its verdict."""
    found = [next((line for line in audit.lines if line.name == name), None) for audit in audits]
    lines = {place: _as_code(line, run.case) for place, (line, run) in enumerate(zip(found, runs, strict=True)) if line is not None}
    worst = max((line.verdict for line in lines.values()), key=SEVERITY.index)
    place, line = next((place, line) for place, line in lines.items() if line.verdict == worst)
    if worst == "wrong":
        line = replace(line, formula=_formula(line.entry.quantity, runs[place].case))
    right = [place for place, line in lines.items() if line.verdict == "right"]
    if worst == "right" or not right:
        return line, place
    inputs = {"wrong": _counted(place for place in lines if place not in right), "right": _counted(right)}
    return replace(line, notes=(*line.notes, Note("some-inputs", inputs))), place


def _formula(quantity: Tree | None, case: _Case) -> Tree | None:
    """The formula that a number should be of."""
    if isinstance(quantity, Partial) and not quantity.direct:
        return derived_formula(case.problem, quantity)
    key = None if quantity is None else key_of(case.sheet.plain(quantity))
    return None if key is None else case.sheet.rows.get(key)


_SlipKey = tuple[Any, ...]


def _slip_key(slip: Named) -> _SlipKey:
    return slip.id, slip.where, slip.variant, slip.said, slip.number


def _explaining(name: str, slips: Sequence[Named], every: Sequence[Named], runs: Sequence[_Run]) -> list[Named]:
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
            kept = firm if _gives(name, [*firm, *others], runs) else []
        for number, tied in ties.items():
            beside = [group[0] for other, group in ties.items() if other != number]
            kept += [slip for same in _alike(tied) if _gives(name, [*firm, *others, *beside, *same], runs) for slip in same]
        if kept:
            return [*firm, *(slip for slip in kept if slip not in firm)]
    return []


def _alike(slips: Iterable[Named]) -> Iterable[list[Named]]:
    """The places of each of several slips that tie."""
    found: dict[tuple[str, str], list[Named]] = {}
    for slip in slips:
        found.setdefault((slip.id, slip.variant), []).append(slip)
    return found.values()


def _gives(name: str, slips: Sequence[Named], runs: Sequence[_Run]) -> bool:
    """Whether slips, done on the sheet of every input, give the number that was returned there."""
    for run in runs:
        answer = next((answer for answer in run.answers if answer.name == name), None)
        if answer is None or answer.quantity is None or answer.value is None:
            return False
        value = _value_with(slips, answer.quantity, run.case)
        if value is None or not math.isclose(answer.value, value, rel_tol=SLACK, abs_tol=SLACK * run.case.scale):
            return False
    return True


def _value_with(slips: Sequence[Named], quantity: Tree, case: _Case) -> float | None:
    """What a quantity comes to with slips done."""
    done = [_row_of(slip, case) for slip in slips]
    key = key_of(case.sheet.plain(quantity))
    if key is None or not all(done):
        return None
    rows = {key: tree for slipped in done if slipped for key, tree in slipped.rows.items()}
    ways = {way: paths for slipped in done if slipped for way, paths in slipped.ways.items()}
    given: dict[Key, Number] = {
        slipped.given: slip.number for slipped, slip in zip(done, slips, strict=True) if slipped and slipped.given and slip.number
    }
    value = true_values(case.sheet.done_wrong(rows, ways, given)).get(key)
    return None if value is None else float(value)


def _row_of(slip: Named, case: _Case) -> Slipped | None:
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


def _as_code(line: Judged, case: _Case) -> Judged:
    """A line as it is judged of code: a rounding is no matter, what is no number is wrong, and how near a number comes is said."""
    if line.verdict == "rounded":
        line = replace(line, verdict="right")
    quantity = line.entry.quantity
    truth = None if quantity is None else case.value_of(quantity)
    if line.entry.fault in (NOT_FINITE, NOTHING):
        verdict = "wrong" if line.entry.fault == NOT_FINITE else line.verdict
        notes = (Note(line.entry.fault),)
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
