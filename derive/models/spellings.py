"""What was recorded as it is typed: equations with names for sizes, how names are written, and numbers.

Owns `Equations`, `equations_of`, `elementary`, `written_name`, `typed_numbers` and `shortest`.  May import: errors, models.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from derive.errors import InputError, LimitError
from derive.models.axes import MARK, Axes
from derive.models.runs import Recording

MOST_NUMBERS = 2_000
"""Weights and other numbers that are written out."""
GREEK = {"alpha": r"\alpha", "gamma": r"\gamma", "beta": r"\beta", "mu": r"\mu", "epsilon": r"\varepsilon"}
"""Names that are written as Greek letters."""
NAMES = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True)
class Equations:
    """What was recorded, as it is typed: the shapes, the equations, and the last of them."""

    goal: str
    shapes: Mapping[str, list[str]]
    forward: Mapping[str, str]
    names: Mapping[str, str] = field(compare=False)


def equations_of(run: Recording) -> Equations:
    """The equations of a run, those alone that lead to what comes out.  Raises InputError."""
    sheet, axes = run.sheet, run.sheet.axes
    if any(value.number for value in run.outputs):
        raise InputError("the model gives the same number whatever its input")
    forward = dict(sheet.forward)
    goal = run.outputs[0].name
    if len(run.outputs) > 1 or run.outputs[0].base or goal not in forward:
        goal = sheet.fresh("L") if "L" in sheet.shapes else "L"
        forward[goal] = f"loss_of({', '.join(dict.fromkeys(value.name for value in run.outputs))})"
    used = _reached(forward, goal)
    shapes = {name: elementary(axes, keys) for name, keys in sheet.shapes.items() if name in used}
    names = axes.named(shapes.values(), sheet.shapes)
    return Equations(
        goal,
        {name: [axes.text(key, names) for key in keys] for name, keys in shapes.items()},
        {
            name: MARK.sub(lambda found: _bracketed(axes.text(found[1], names)), text)
            for name, text in forward.items()
            if name in used
        },
        names,
    )


def _bracketed(size: str) -> str:
    """A size as it stands in a formula."""
    return f"({size})" if " " in size else size


def elementary(axes: Axes, keys: Sequence[str]) -> tuple[str, ...]:
    """The axes that some are made of, each by the key that stands for it."""
    return tuple(axes.find(inner) for key in keys for inner in axes.expanded(key))


def _reached(forward: Mapping[str, str], goal: str) -> dict[str, None]:
    """The names that what comes out depends on, in the order of the equations."""
    found, waiting = {goal}, [goal]
    while waiting:
        for name in NAMES.findall(MARK.sub("0", forward.get(waiting.pop(), ""))):
            if name not in found:
                found.add(name)
                waiting.append(name)
    free = [name for name in found if name not in forward]
    return dict.fromkeys((*free, *(name for name in forward if name in found)))


def written_name(name: str) -> str | None:
    """How a name is written, where that is more than its letter and number."""
    found = re.fullmatch(r"([A-Za-z]+?)(\d+)(_\d+)?", name)
    if found is None:
        return None
    stem, number = found[1], found[2]
    if stem in GREEK:
        return f"{GREEK[stem]}_{{{number}}}"
    if len(stem) == 2:
        return f"{stem[0]}_{{{stem[1]}{number}}}"
    return None


def typed_numbers(run: Recording, names: Sequence[str]) -> dict[str, Any]:
    """The numbers of quantities as they are typed.  Raises LimitError for very many."""
    given = run.given()
    count = sum(given[name].numel() for name in names)
    if count > MOST_NUMBERS:
        raise LimitError(f"the model has {count:,} weights and other numbers; up to {MOST_NUMBERS:,} are written out")

    def typed(item: Any, whole: bool) -> Any:
        if isinstance(item, list):
            return [typed(inner, whole) for inner in item]
        return str(int(item)) if whole else shortest(item)

    return {name: typed(given[name].tolist(), run.sheet.inputs.get(name) == "integer") for name in names}


def shortest(number: float) -> str:
    """The fewest digits that give the same number, in single precision if it is one of those.

    >>> import struct
    >>> shortest(struct.unpack("f", struct.pack("f", 0.1))[0]), shortest(1 / 3), shortest(-2.0)
    ('0.1', '0.3333333333333333', '-2')
    """
    single = _as_single(number)
    for digits in range(1, 10):
        text = f"{number:.{digits}g}"
        if single == number == _as_single(float(text)):
            break
    else:
        text = repr(number)
    plain = format(Decimal(text), "f")
    return plain.rstrip("0").removesuffix(".") if "." in plain else plain


def _as_single(number: float) -> float:
    try:
        single: float = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return math.inf
    return single
