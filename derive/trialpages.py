"""What a page says of a function that was run: on which random inputs, how its numbers were read, and how they were judged.

Owns `trial_blocks`, `code_named`, `given_number` and `apart`.  May import: errors, written, problem, rounding, exercises.verdicts,
blocks, sentences.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from math import prod
from pathlib import Path

from derive.blocks import Block, Heading, Prose, Table, Text
from derive.errors import shown
from derive.exercises.verdicts import Judged, Trial
from derive.problem import Numbers
from derive.rounding import Rounding
from derive.sentences import Speaker, series
from derive.written import Listing, Name, Negative, Number, Rows, Tree

MOST_DIGITS = 17
"""Digits that tell any two numbers of double precision apart."""


MOST_SHOWN = 40
"""Entries of an array that is written out on the page."""


def given_number(line: Judged, rounding: Rounding) -> Number | None:
    """The number that a function returned, with as many digits as the page shows; None for what is none."""
    try:
        value = Decimal(line.entry.text)
    except InvalidOperation:
        return None
    return rounding.number(value) if value.is_finite() else None


def apart(line: Judged, rounding: Rounding) -> Rounding:
    """The rounding, with more digits where a wrong number would look like the right one."""
    found = rounding
    while line.verdict == "wrong" and line.value is not None and found.digits < MOST_DIGITS:
        number = given_number(line, found)
        if number is None or number != found.number(line.value):
            break
        found = replace(found, digits=found.digits + 1, places=None)
    return found


def trial_blocks(trial: Trial, speaker: Speaker) -> list[Block]:
    """The inputs, how a list was read, and a line on what was run."""
    blocks: list[Block] = [Heading(2, speaker.word("trial", "inputs-heading")), _inputs_table(trial, speaker)]
    if trial.order:
        blocks.append(Prose(speaker.say("trial", "order", names=series(trial.order, speaker.comma))))
    if trial.arrays:
        blocks.append(Prose(speaker.say("trial", f"arrays-{trial.arrays}")))
    ran = speaker.say("trial", "ran", function=code_named(trial), n=len(trial.inputs), seed=trial.seed, digits=trial.digits)
    return [*blocks, Prose(ran)]


def code_named(trial: Trial) -> str:
    """The file without its folder, and the function."""
    return shown(f"{Path(trial.file).name}:{trial.function}", 200)


def _inputs_table(trial: Trial, speaker: Speaker) -> Table:
    inputs = trial.inputs[:1] if any(isinstance(numbers, tuple) for numbers in trial.inputs[0].values()) else trial.inputs
    places = (speaker.word("audit", "at-input", n=str(place + 1)) for place in range(len(inputs)))
    head = (speaker.word("trial", "quantity"), *places)
    rows: list[tuple[Text, ...]] = [((Name(name),), *((_cell(numbers[name]),) for numbers in inputs)) for name in inputs[0]]
    return Table(head, tuple(rows))


def _cell(numbers: Numbers) -> Tree | str:
    """A number or array as it is written; of a large one only its shape."""
    shape, inner = list[int](), numbers
    while isinstance(inner, tuple):
        shape.append(len(inner))
        inner = inner[0]
    return "×".join(map(str, shape)) if prod(shape) > MOST_SHOWN else _written(numbers)


def _written(numbers: Numbers) -> Tree:
    """A number, or a nested list of them, as it is written."""
    if isinstance(numbers, Number):
        return Negative(Number(numbers.text[1:])) if numbers.text.startswith("-") else numbers
    rows = [tuple(map(_written, row)) for row in numbers if isinstance(row, tuple)]
    if rows and all(isinstance(item, Number | Negative) for row in rows for item in row):
        return Rows(tuple(rows))
    return Listing(tuple(map(_written, numbers)))
