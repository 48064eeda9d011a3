"""The id of a paper, and the numbers it stands for: each given number drawn anew from a hash.

Owns `PaperId`, `read_id`, `digest_of` and `Slot`.  May import: errors, written, problem, rounding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from derive.errors import UsageError, shown
from derive.problem import Problem
from derive.rounding import Rounding
from derive.written import Number


@dataclass(frozen=True)
class PaperId:
    """What a paper's id says: `q1-7-012-3f9a2c` is paper 12 of seed 7; the last part is a digest of the problem and the rounding.

    >>> str(read_id("q1-7-012-3f9a2c")), read_id("q1-7-012-3f9a2c").number
    ('q1-7-012-3f9a2c', 12)
    """

    stem: str
    seed: int
    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.stem}-{self.seed}-{self.number:03d}-{self.digest}"


_ID = re.compile(r"([A-Za-z0-9_]{1,32})-(\d{1,18})-(\d{3,5})-([0-9a-f]{6})", re.ASCII)


def read_id(text: str) -> PaperId:
    """The parts of an id.  Raises UsageError for what is none."""
    found = _ID.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"'{shown(text)}' is no paper id; one looks like q1-7-012-3f9a2c")
    return PaperId(found[1], int(found[2]), int(found[3]), found[4])


def is_id(text: str) -> bool:
    """Whether a text looks like a paper's id."""
    return _ID.fullmatch(text.strip()) is not None


def stem_of(name: str) -> str:
    """The first part of an id, from the name or path of a problem: letters, digits and _ only.

    >>> stem_of("../my home work.toml"), stem_of("-")
    ('my_home_work', 'problem')
    """
    last = re.split(r"[/\\]", name)[-1].removesuffix(".toml")
    return re.sub(r"[^A-Za-z0-9]+", "_", last).strip("_")[:32] or "problem"


def digest_of(problem: Problem, rounding: Rounding) -> str:
    """Six characters that change when the mathematics or the numbers of a problem do, or the digits shown; words do not matter."""
    parts = (
        1,  # of this way of drawing; a new number makes old ids unknown rather than silently different
        problem.network.equations,
        tuple(problem.given.items()),
        tuple(tuple(example.items()) for example in problem.examples),
        problem.train,
        tuple((ask.label, ask.tree) for ask in problem.asks),
        rounding,
        *([tuple(problem.train.numbers.items())] if problem.train.numbers else []),  # ids made before there were any stay good
    )
    return sha256(repr(parts).encode()).hexdigest()[:6]


def rounding_of(problem: Problem, paper: PaperId) -> Rounding:
    """The rounding a paper was made with.  Raises UsageError where the problem never made that paper."""
    for carry in ("full", "hand"):
        usual = {"full": 6, "hand": 4}[carry]
        for rounding in (
            *(Rounding(carry, digits) for digits in (usual, *range(1, 35))),
            *(Rounding(carry, usual, places) for places in range(35)),
        ):
            if digest_of(problem, rounding) == paper.digest:
                return rounding
    raise UsageError(f"paper {paper}: was not made from this problem as it stands now; was the file edited since?")


# --- drawing ----------------------------------------------------------------------------------------------------------

TARGETS_KEPT = frozenset(map(Decimal, ("0", "1", "-1", "0.01", "0.99", "0.1", "0.9", "0.05", "0.95")))
"""Targets that say yes or no rather than how much: they stay."""


@dataclass(frozen=True)
class Slot:
    """One given number and what may stand in its place: `typed` once more, or another mantissa from `low` to `high`.

    `example` counts from 0; -1 stands for [given].
    """

    example: int
    name: str
    typed: Number
    low: int = 0
    high: int = 0

    @property
    def kept(self) -> bool:
        """Whether the number stays as typed."""
        return not self.high

    def drawn(self, chance: int) -> str:
        """The number that a 64-bit chance picks, with as many decimals as the original and no 0 at their end."""
        if not self.high:
            return self.typed.text
        count = self.high - self.low + 1 - (self.high // 10 - (self.low - 1) // 10) * self.decimal
        mantissa = self.low + chance % count
        if self.decimal:
            mantissa = _without_zeros(self.low, chance % count)
        return self.spelled(mantissa)

    @property
    def decimal(self) -> bool:
        """Whether the number has decimals."""
        return "." in self.typed.text

    def spelled(self, mantissa: int) -> str:
        """A mantissa written as the original is."""
        digits, e, exponent = self.typed.text.partition("e")
        places = len(digits.partition(".")[2])
        text = f"{mantissa:0{places + 1}d}"
        text = f"{text[:-places]}.{text[-places:]}" if places else text
        return ("-" if digits.startswith("-") else "") + text + e + exponent


def _without_zeros(low: int, place: int) -> int:
    """The number at this place among those from `low` up that do not end in 0.

    >>> [_without_zeros(8, place) for place in range(5)]
    [8, 9, 11, 12, 13]
    """
    before = (low - 1) - (low - 1) // 10  # how many such numbers stand below
    nines, rest = divmod(before + place, 9)
    return nines * 10 + rest + 1


def slot_of(example: int, name: str, number: Number, target: bool) -> Slot:
    """How a given number is drawn anew: the same sign and decimals, from half to twice its size; 0 and a plain 1 stay.

    >>> slot_of(-1, "w1", Number("0.15"), False)
    Slot(example=-1, name='w1', typed=Number(text='0.15'), low=8, high=29)
    """
    value = Decimal(number.text)
    mantissa = int("".join(filter(str.isdigit, number.text.partition("e")[0])))
    if not value or (abs(value) == 1 and "." not in number.text) or (target and value in TARGETS_KEPT):
        return Slot(example, name, number)
    low, high = (mantissa + 1) // 2, 2 * mantissa
    if target and abs(value) < 1:
        high = min(high, 10 ** len(number.text.partition("e")[0].partition(".")[2]) - 1)
    if "." in number.text:
        low, high = low + (low % 10 == 0), high - (high % 10 == 0)
    return Slot(example, name, number, low, high) if high > low else Slot(example, name, number)
