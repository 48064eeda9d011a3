"""Whether slips can be told apart on one paper: every slip of the table must give a visibly different number.

Owns `SlipTable`.  May import: written, arithmetic, rounding, tables.slips, exercises.sheets, exercises.programs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from derive.arithmetic import Key
from derive.exercises.programs import LENIENT, build_family
from derive.exercises.sheets import Sheet
from derive.rounding import Rounding
from derive.tables.slips import candidates
from derive.written import Tree


@dataclass(frozen=True)
class SlipTable:
    """Every slip done on the first pass of a sheet: `program` gives the outputs done right, then done with each slip.

    Slips that are the same algebra on this network (the same numbers at any point) stand once; `own` are the outputs each is made
    at.  Few `telling` outputs tell most of them apart.
    """

    given: tuple[Key, ...]
    program: Callable[..., tuple[float, ...]]
    names: tuple[str, ...]
    own: tuple[tuple[int, ...], ...]
    width: int
    telling: tuple[int, ...]

    @classmethod
    def made(cls, sheet: Sheet, inputs: Sequence[float], drawn: Sequence[bool], rounding: Rounding) -> SlipTable:
        """The slips of a sheet that change anything near these inputs, one for each way of changing it.

        Only `drawn` inputs are moved to look near by.  A slip that the original itself does not show at these digits is left out.
        """
        outputs, given = tuple(sheet.base), tuple(sheet.given)
        at = {key: place for place, key in enumerate(outputs)}
        found: list[Mapping[Key, Tree]] = []
        slips: list[tuple[str, tuple[int, ...]]] = []
        for slipped in candidates(sheet):
            wrong = sheet.done_wrong(slipped.rows, slipped.ways, {}).rows
            if all(key in wrong for key in outputs):
                found.append(wrong)
                slips.append((slipped.slip, tuple(at[key] for key in slipped.where if key in at)))
        near = [_moved(inputs, drawn, k) for k in (1, 2)]
        program, width = build_family([sheet.base, *found], given, outputs, LENIENT), len(outputs)
        here, *tables = [_split(program(*point), width) for point in (inputs, *near)]
        spell = _spelling(rounding)
        seen = {tuple(f"{v:.9e}" for table in tables for v in table[0]): -1}
        for place, (_, own) in enumerate(slips, 1):
            numbers = [v for table in tables for v in table[place]]
            visible = not own or any(spell % here[0][k] != spell % here[place][k] for k in own)
            if visible and all(map(math.isfinite, numbers)):
                seen.setdefault(tuple(f"{v:.9e}" for v in numbers), place)
        kept = [place - 1 for place in sorted(seen.values()) if place > 0]
        program = build_family([sheet.base, *(found[place] for place in kept)], given, outputs, LENIENT)
        names, places = tuple([slips[place][0] for place in kept]), tuple([slips[place][1] for place in kept])
        telling = _telling([[spell % value for value in tables[0][place + 1]] for place in kept], width)
        return cls(given, program, names, places, width, telling)

    def fault(self, inputs: Sequence[float], rounding: Rounding) -> str | None:
        """The slip that does not show where it is made, or the two that look alike on the whole paper, at the digits shown."""
        right, *wrong = _split(self.program(*inputs), self.width)
        spell = _spelling(rounding)
        shown_right = [spell % value for value in right]
        few = self.telling
        first: dict[tuple[str, ...], int] = {}
        others: dict[tuple[str, ...], dict[Shown, int]] = {}

        def shown(place: int) -> Shown:
            """What the paper shows that is not right."""
            both = enumerate(zip(wrong[place], right, strict=True))
            told = [(at, spell % value) for at, (value, true) in both if value != true]
            return tuple([(at, text) for at, text in told if text != shown_right[at]])

        for place, (name, own, values) in enumerate(zip(self.names, self.own, wrong, strict=True)):
            if own and all(spell % values[at] == shown_right[at] for at in own):
                return f"{name} does not show"
            told = tuple([spell % values[at] for at in few])
            before = first.setdefault(told, place)
            if before != place:  # the rest of the paper is looked at only where these few tell nothing
                alike = others.setdefault(told, {})
                if not alike:
                    alike[shown(before)] = before
                same = alike.setdefault(shown(place), place)
                if self.names[same] != name:
                    return f"{name} looks like {self.names[same]}"
        return None


Shown = tuple[tuple[int, str], ...]
"""Some outputs and the digits they show."""

TELLING = 4
"""Outputs that are looked at first."""


def _telling(shown: Sequence[Sequence[str]], width: int) -> tuple[int, ...]:
    """The outputs that tell most slips apart, one after the other."""
    found: list[int] = []
    for _ in range(min(TELLING, width)):
        counts = {at: len({tuple(texts[k] for k in (*found, at)) for texts in shown}) for at in range(width) if at not in found}
        found.append(max(counts, key=lambda at: counts[at]))
    return tuple(found)


def _moved(inputs: Sequence[float], drawn: Sequence[bool], k: int) -> list[float]:
    """The inputs with the drawn ones a little off, each by another share, so that nothing coincides by chance."""
    return [
        value * (1 + k * 1e-3 * math.sin(7 * place + k)) if move else value
        for place, (value, move) in enumerate(zip(inputs, drawn, strict=True), start=1)
    ]


def _spelling(rounding: Rounding) -> str:
    """The format that shows a float at the digits of a page, near enough to tell two numbers apart."""
    return f"%.{rounding.digits - 1}e" if rounding.places is None else f"%.{rounding.places}f"


def _split(values: Sequence[float], width: int) -> list[Sequence[float]]:
    return [values[start : start + width] for start in range(0, len(values), width)]
