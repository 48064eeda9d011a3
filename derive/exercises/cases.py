"""One input of somebody's function: the problem with random numbers, what the function may ask for, and what it returned.

Owns `Case`, `Answer`, `Run`, `cases_of`, `run_of` and `audit_run`.  Arrays are taken apart into their entries, each an answer of
its own.  May import: written, arithmetic, intervals, reader, problem, vectors, tables.layers, exercises.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from derive.arithmetic import Key, key_of, spelled
from derive.exercises.answers import Entry, Paper, reading_of
from derive.exercises.audit import audit_papers, leaf_of
from derive.exercises.bindings import Purpose, Values, entries_of, flattened, has_keys, quantity_of_key
from derive.exercises.inputs import draw_inputs
from derive.exercises.reckoning import true_values
from derive.exercises.sheets import Sheet, make_sheet
from derive.exercises.verdicts import Audit
from derive.intervals import Digits
from derive.problem import Numbers, Problem
from derive.reader import LEARNING_RATE
from derive.tables.layers import rows_of
from derive.vectors import components
from derive.written import ZERO, Later, Name, Negative, Number, Partial, Tree

if TYPE_CHECKING:
    from derive.exercises.arrayinputs import ArrayInput

NOT_FINITE, NOT_ZERO, NOTHING, OTHER_SIZE, TURNED = "not-finite", "not-zero", "nothing-returned", "has-shape", "turned"
"""What is wrong with some entries; all but the last are the notes that say so."""


@dataclass(frozen=True)
class Case:
    """A problem of named numbers with random ones, its sheet, the true values, and what a function may ask for.

    `given` are the numbers as a page shows them; `arrays` is there for a problem over arrays, of which `problem` is the entries.
    """

    problem: Problem
    sheet: Sheet
    truth: Mapping[Key, Decimal]
    values: Values
    given: Mapping[str, Numbers]
    arrays: ArrayInput | None = None

    def value_of(self, quantity: Tree) -> Decimal | None:
        """The true value of a quantity that is one of the sheet's."""
        key = key_of(self.sheet.plain(quantity))
        return None if key is None else self.truth.get(key)

    @property
    def sizes(self) -> Mapping[str, int]:
        """The lengths of the axes, by the names of sizes."""
        return {} if self.arrays is None else self.arrays.expansion.sizes

    @property
    def scale(self) -> float:
        """The size of the largest partial."""
        return max((abs(float(value)) for key, value in self.truth.items() if isinstance(key, Partial)), default=0.0)

    def cells_of(self, quantity: Tree) -> tuple[Tree, ...]:
        """The entries of a quantity, row by row; itself where it is a number."""
        if self.arrays is None:
            match quantity:
                case Later(Name(name), updates) if name in self.problem.vectors:  # an entry that no update moves keeps its value
                    moving = {*self.problem.moving, *self.problem.train.states}
                    entries = entries_of(name, self.problem)
                    return tuple(Later(Name(entry), updates) if entry in moving else Name(entry) for entry in entries)
            return components(quantity, self.problem.vectors)
        keys = dict(self.arrays.expansion.keys(quantity))
        return tuple(leaf_of(key) for key in keys.values())

    def shape_of(self, quantity: Tree) -> tuple[int, ...]:
        """The shape of a quantity."""
        if self.arrays is None:
            shapes = {name: _shape(grid) or () for name, grid in self.problem.vectors.items()}
        else:
            shapes = self.arrays.expansion.shapes
        match quantity:
            case Later(Name(name)) | Name(name):
                return shapes.get(name, ())
            case Partial(of, wrt):
                return (*shapes.get(of, ()), *shapes.get(wrt, ()))
        return ()

    def keys_passed(self, names: Collection[str]) -> frozenset[Key]:
        """The keys of the values that were passed under some names."""
        found: set[Key] = set()
        loss = self.problem.train.loss
        for name in names:
            source = self.problem if self.arrays is None else self.arrays.expansion.problem
            gradient = Partial(loss, name.removeprefix("d").removesuffix("_direct"), name.endswith("_direct"))
            quantity: Tree = Name(name) if name in source.known else gradient
            found |= {key for cell in self.cells_of(quantity) if (key := key_of(cell)) is not None}
        return frozenset(found)


def cases_of(problem: Problem, seed: int, count: int) -> Iterator[Case]:
    """So many cases of a problem.  Raises as `draw_inputs` does."""
    if problem.arrays is None:
        for drawn in draw_inputs(problem, seed, count):
            sheet, truth = _worked(drawn)
            values: dict[str, Any] = {str(key): float(value) for key, value in truth.items() if isinstance(key, str)}
            loss = drawn.train.loss
            gradients = {name: truth[key] for name in drawn.network.quantities if (key := Partial(loss, name)) in truth}
            values = {f"d{name}": float(value) for name, value in gradients.items()} | values
            values |= _grouped(values, drawn)
            yield Case(drawn, sheet, truth, values, {**drawn.given, **_rate(drawn)})
        return
    from derive.exercises.arrayinputs import draw_array_inputs

    for found in draw_array_inputs(problem, seed, count):
        sheet, truth = _worked(found.written)
        given = {**found.given, **_rate(found.written)}
        yield Case(found.written, sheet, truth, found.values(truth), given, found)


def _grouped(values: Values, problem: Problem) -> dict[str, Any]:
    """The vectors and matrices of which every entry has a value, and the gradients by them, in nested lists."""
    found = dict[str, Any]()
    for name, grid in problem.vectors.items():
        for d in ("", "d"):
            if f"{d}{name}" not in values and all(f"{d}{entry}" in values for row in rows_of(grid) for entry in row):
                found[f"{d}{name}"] = [values[d + row] if isinstance(row, str) else [values[d + e] for e in row] for row in grid]
    return found


def _worked(problem: Problem) -> tuple[Sheet, Mapping[Key, Decimal]]:
    """The sheet, with the gradients by what is given too, and its values."""
    network, loss = problem.network, problem.train.loss
    free = [Partial(loss, name) for name in network.free if name in network.above(loss)]
    direct = [Partial(loss, name, True) for name in network.mentions.get(loss, ()) if name in network.by_goal]
    sheet = make_sheet(problem, [*free, *direct])
    return sheet, true_values(sheet)


def _rate(problem: Problem) -> dict[str, Number]:
    rate = problem.train.learning_rate
    return {} if rate is None else {LEARNING_RATE: rate}


# --- what was returned ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """A number that was returned: its key, "" in a list, and the quantity it stands for, or why for none.

    `whole` is the name of the array that it is an entry of, `array` its quantity; `parts` fill the sentence about a fault.
    """

    key: str
    name: str
    value: float | None
    quantity: Tree | None = None
    fault: str = ""
    whole: str = ""
    array: Tree | None = None
    parts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Run:
    """What a function returned on one input; `passed` are the keys of what it was given each by itself."""

    case: Case
    answers: tuple[Answer, ...]
    single: bool
    passed: frozenset[Key] = frozenset()
    order: tuple[Tree, ...] = ()

    def computed(self, quantity: Tree) -> frozenset[Tree]:
        """What the function itself may have computed on the way to a quantity: all that it rests on, down to what was passed."""
        sheet = self.case.sheet
        todo = [key] if (key := key_of(sheet.plain(quantity))) is not None else []
        found: set[Key] = set()
        while todo:
            here = todo.pop()
            if here not in found and here not in self.passed:
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


def run_of(case: Case, problem: Problem, returned: Any, single: bool, passed: Collection[str], purpose: Purpose, where: str) -> Run:
    """What was returned on one input, read.  Raises InputError where it cannot be."""
    reading = reading_of(problem)
    seen: dict[Tree, Answer] = {}
    answers: list[Answer] = []
    order: list[Tree] = []
    for key, value in flattened(returned, purpose, problem, where):
        typed = key if isinstance(key, str) else ""
        quantity, fault = quantity_of_key(key, purpose, problem, reading) if isinstance(key, str) else (key, "")
        plain = key_of(quantity or ZERO) is not None and not (isinstance(quantity, Later) and quantity.updates > 1)
        name = spelled(quantity) if plain else typed
        called = typed
        if quantity is not None and case.arrays is not None and not plain:
            quantity, fault = None, "is no whole array: return all entries of one"
            called = f"'{typed}'"  # an entry of another answer may be called so
        if quantity is None:
            answers.append(Answer(typed, called, value if isinstance(value, float) else None, fault=fault))
            continue
        order += [] if typed else [quantity]
        for cell in _cells(Answer(typed, name, None, quantity), value, case):
            known = cell if cell.fault or cell.quantity is None else seen.setdefault(cell.quantity, cell)
            if known is cell:
                answers.append(cell)
            elif known.value != cell.value:
                fault = f"stands for {cell.name}, as '{known.key}' does, which is another number"
                answers.append(Answer(typed, typed, None, fault=fault))
                break
    return Run(case, tuple(answers), single, case.keys_passed(passed), tuple(order))


def _cells(answer: Answer, value: Any, case: Case) -> Iterator[Answer]:
    """An answer as it stands where it is a number, or entry by entry; a matrix that is turned over is read turned back."""
    assert answer.quantity is not None
    numbers = _bare(value)
    found, wanted = _shape(numbers), case.shape_of(answer.quantity)
    whole = answer.name if wanted and case.arrays is not None else ""
    turned = bool(whole) and len(wanted) == 2 and found == wanted[::-1] != wanted
    if turned:
        numbers = [list(row) for row in zip(*numbers, strict=True)]
    elif found is None or _long(found) != _long(wanted) or (len(found) == len(wanted) and found != wanted):
        shapes = (("given", "?" if found is None else _spelled(found)), ("expected", _spelled(wanted)))
        yield replace(answer, fault=OTHER_SIZE, parts=shapes, whole=whole, array=answer.quantity)
        return
    for cell, number in zip(case.cells_of(answer.quantity), _flat(numbers), strict=True):
        name = spelled(cell) if wanted else answer.name
        if isinstance(cell, Partial) and wanted and _is_idle(cell, case):
            if number:
                yield replace(answer, name=name, fault=NOT_ZERO, whole=whole, array=answer.quantity)
            continue
        parts = ((TURNED, ""),) if turned else ()
        yield replace(answer, name=name, value=number, quantity=cell, whole=whole, array=answer.quantity, parts=parts)


def _bare(value: Any) -> Any:
    """What was returned in nested lists only: an array among other things is marked as one."""
    if isinstance(value, list):
        return list(map(_bare, value))
    return value["array"] if isinstance(value, dict) and not has_keys(value) else value


def _is_idle(cell: Partial, case: Case) -> bool:
    """Whether nothing depends on an entry: an array's is then written nowhere, and the entry of a vector not above the loss."""
    network = case.problem.network
    return cell.wrt not in network.order or (case.arrays is None and cell.wrt not in network.above(cell.of))


def _shape(numbers: Any) -> tuple[int, ...] | None:
    """The shape of a nested list, or None where its rows differ."""
    if not isinstance(numbers, list | tuple):
        return ()
    if not numbers:
        return (0,)
    shapes = {_shape(item) for item in numbers}
    if len(shapes) != 1 or None in shapes:
        return None
    return (len(numbers), *(shapes.pop() or ()))


def _long(shape: tuple[int, ...]) -> list[int]:
    """The axes that are longer than 1: a vector may be a column."""
    return [length for length in shape if length != 1]


def _spelled(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"


def _flat(numbers: Any) -> Iterator[float]:
    if isinstance(numbers, list):
        for item in numbers:
            yield from _flat(item)
    else:
        yield numbers


# --- one input judged -----------------------------------------------------------------------------------------------------


def audit_run(run: Run, digits: int, number: int, wanted: Collection[Tree], only: Collection[str] | None = None) -> Audit:
    """The audit of one input, to so many digits; what is `wanted` and did not come back is an unreadable line.

    With `only`, slips are looked for, in the answers of those names.
    """
    place = f"input {number + 1}"
    entries = [_entry(answer, run.case, digits, place) for answer in run.answers if only is None or answer.name in only]
    returned = {answer.whole or answer.name for answer in run.answers}
    misshapen = (answer.quantity for answer in run.answers if answer.fault == OTHER_SIZE and answer.quantity is not None)
    returned |= {spelled(cell) for quantity in misshapen for cell in run.case.cells_of(quantity)}
    missing = [quantity for quantity in wanted if spelled(quantity) not in returned]
    if only is None and len(missing) < len(wanted):
        entries += [Entry(place, spelled(quantity), "", quantity, verdict="missing", fault=NOTHING) for quantity in missing]
    paper = Paper(entries=tuple(entries))
    (audit,) = audit_papers(run.case.problem, [paper], digits=Digits(digits), search=only is not None)
    return audit


def _entry(answer: Answer, case: Case, digits: int, place: str) -> Entry:
    """A returned number as an answer with so many digits."""
    value, quantity = answer.value, answer.quantity
    text = "" if value is None else repr(value)
    entry = Entry(place, answer.name, text, quantity)
    if quantity is None or value is None or answer.fault:  # a fault of a whole array stands in its own line
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
