"""Random inputs: a problem with other numbers for everything that is given, seeded, with few digits.

Owns `draw_inputs`.  Numbers that are typed keep their size and their decimals; a weight may have either sign, and no weight and no
input is 0, which would hide a mistake behind it.  May import: errors, written, arithmetic, network, problem, works, witnesses,
tables.ops, exercises.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from derive.errors import InputError, LimitError
from derive.exercises.draws import TARGETS_KEPT, slot_of
from derive.exercises.reckoning import true_values
from derive.exercises.sheets import make_sheet
from derive.network import INPUT_NAME, LABEL_NAME, TARGET_NAME
from derive.problem import Problem
from derive.reader import LEARNING_RATE
from derive.tables.ops import OPS
from derive.witnesses import kinks_hit
from derive.works import renumber
from derive.written import Call, Number, walk

MOST_DRAWS = 200
"""Draws tried for one input."""

LARGEST = Decimal(10) ** 6
"""A draw at which something is larger than that is no sensible one."""


def draw_inputs(problem: Problem, seed: int, count: int) -> Iterator[Problem]:
    """The problem with so many sets of random numbers, one after the other, at each of which everything has a value.

    Raises InputError for a proof, LimitError where no draw has values.
    """
    if problem.decision is not None:
        raise InputError("this problem is a proof: there is no gradient to compute")
    whole = replace(problem, given=problem.example(0), examples=())
    for number in range(count):
        yield _drawn(whole, seed, number)


def _drawn(problem: Problem, seed: int, number: int) -> Problem:
    for attempt in range(MOST_DRAWS):
        source = random.Random(f"{seed}/{number}/{attempt}")  # noqa: S311  (numbers to compute with, not secrets)
        freely = attempt < MOST_DRAWS // 2
        drawn = renumber(problem, _numbers(problem, source, freely, turn=number if freely else 0))
        if is_sensible(drawn):
            return drawn
    raise LimitError("no random numbers were found at which every quantity has a value (a logarithm of what is below 0?)")


def is_sensible(problem: Problem) -> bool:
    """Whether everything has a value at these numbers, none stands at a kink, and none is huge."""
    sheet = make_sheet(problem)
    values = true_values(sheet)
    if any(key not in values for key in sheet.rows) or kinks_hit(problem.network, values):
        return False
    return all(abs(value) < LARGEST for value in values.values())


def _numbers(problem: Problem, source: random.Random, signs: bool, turn: int) -> dict[str, str]:
    """A number for every free name; `signs`, those of weights are drawn too; targets that say yes or no are those of a `turn`."""
    targets = [name for name in problem.network.free if is_target(name, problem)]
    found: dict[str, str] = {}
    for name in problem.network.free:
        typed = problem.given.get(name)
        if name in targets:
            continue
        trained = name in problem.train.parameters
        zero = typed is None or not Decimal(typed.text)
        text = hundredths(source) if typed is None or zero else _another(name, typed, trained, source)
        turned = signs and trained and source.random() < 0.5
        found[name] = text.removeprefix("-") if turned and text.startswith("-") else f"-{text}" if turned else text
    found |= _targets(problem, targets, source, turn)
    rate = problem.train.learning_rate
    return found if rate is None else found | {LEARNING_RATE: slot_of(-1, "", rate, False).drawn(source.getrandbits(64))}


def _another(name: str, typed: Number, trained: bool, source: random.Random) -> str:
    """Another number of the same size and decimals; a plain 1 of a weight or an input is drawn with decimals, another may be 3."""
    if abs(Decimal(typed.text)) == 1 and "." not in typed.text:
        return hundredths(source) if trained or INPUT_NAME.fullmatch(name) else typed.text.replace("1", source.choice("123"))
    return slot_of(-1, name, typed, False).drawn(source.getrandbits(64))


def hundredths(source: random.Random) -> str:
    """A number of two decimals, neither of them 0, from 0.11 to 0.99."""
    return f"0.{source.randint(1, 9)}{source.randint(1, 9)}"


def is_target(name: str, problem: Problem) -> bool:
    """Whether a free name is compared with an output."""
    if name in problem.train.parameters:
        return False
    users = problem.network.users.get(name, ())
    return bool(TARGET_NAME.fullmatch(name) or LABEL_NAME.fullmatch(name)) or users == (problem.train.loss,)


def _targets(problem: Problem, names: list[str], source: random.Random, turn: int) -> Mapping[str, str]:
    """Targets: those that say yes or no go round, or are drawn as the loss wants them; others are drawn as any number."""
    typed = {name: number.text for name in names if (number := problem.given.get(name)) is not None}
    kept = [name for name in typed if Decimal(typed[name]) in TARGETS_KEPT]
    found = dict(zip(kept, gone_round([typed[name] for name in kept], turn), strict=True))
    found |= {
        name: slot_of(-1, name, problem.given[name], True).drawn(source.getrandbits(64)) for name in typed if name not in found
    }
    missing = [name for name in names if name not in typed]
    if missing:
        found |= dict(zip(missing, _classes(problem, len(missing), source, turn), strict=True))
    return found


def gone_round(texts: list[str], turn: int) -> list[str]:
    """Targets that say yes or no, moved on by so many places; where they are all alike, every other turn has the opposite.

    >>> gone_round(["1", "0", "0"], 1), gone_round(["1"], 1), gone_round(["-1", "-1"], 3), gone_round(["0.01"], 1)
    (['0', '1', '0'], ['0'], ['1', '1'], ['0.99'])
    """
    if len(set(texts)) < 2 and turn % 2:
        return [text.removeprefix("-") if text.startswith("-") else str(1 - Decimal(text)) for text in texts]
    by = turn % len(texts) if texts else 0
    return texts[-by:] + texts[:-by] if by else texts


def _classes(problem: Problem, count: int, source: random.Random, turn: int) -> list[str]:
    """Targets nobody typed: classes where the loss is about classes, shares where it compares distributions."""
    calls = {node.function for equation in problem.network.equations for node in walk(equation.rhs) if isinstance(node, Call)}
    losses = {name for name in calls if OPS[name].kind == "loss"}
    if "hinge" in losses:
        return gone_round(["1", *("-1" for _ in range(count - 1))], turn) if count > 1 else [("1", "-1")[turn % 2]]
    if "kl" in losses:
        parts = [Decimal(source.randint(2, 90 // count)) / 100 for _ in range(count - 1)] or [Decimal("0.55")]
        return [*map(str, parts), str(1 - sum(parts))][-count:]
    if losses & {"bce", "cross_entropy"} or (not losses and "log" in calls):
        if losses == {"cross_entropy"} and count == 1:
            return [hundredths(source)]
        return gone_round(["1", *("0" for _ in range(count - 1))], turn)
    return [hundredths(source) for _ in range(count)]
