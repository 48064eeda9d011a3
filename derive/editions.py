"""Many papers of one problem with their keys: each is made for itself, by any process, and comes out the same.

Owns `Edition`, `MadePaper` and `make_papers`.  What a process works out for an edition (the family, its template) it keeps for the
next papers.  May import everything above the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from derive.exercises.keys import Entry, entries_of
from derive.exercises.variants import Variants
from derive.formats import draw_page, finished
from derive.formats.keys import WHOLE, key_files
from derive.keypages import sheets_of, worksheet_of
from derive.problem import Problem
from derive.rounding import Rounding
from derive.tables.endings import ending_of, source_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from derive.formats.templates import KeyTemplate

TOGETHER, AHEAD = 8, 32
"""Papers in one unit of work, and units that are under way or done before they are asked for."""


@dataclass(frozen=True, eq=False)
class Edition:
    """How papers are made: the problem and the first part of their ids, the seed, how numbers are shown, the format, the language.

    `style` is the kind of text where `format` has several (see `FORMATS`).  With `only` there is one page, "paper" or "key", with
    `worksheet` another one on which the results in `blank` are left out.  A `templated` edition is made from a template where the
    problem has one: that pays for many papers, and the bytes are the same.
    """

    problem: Problem
    stem: str
    seed: int
    rounding: Rounding
    format: str = "text"
    style: str = ""
    language: str = "en"
    digits: str = "latin"
    only: str = ""
    worksheet: bool = False
    blank: tuple[str, ...] = ()
    templated: bool = False
    mark: str = field(init=False)

    def __post_init__(self) -> None:
        told = [value for name, value in vars(self).items() if name != "mark"]
        object.__setattr__(self, "style", self.style or source_of(self.format))
        object.__setattr__(self, "mark", sha256(repr((told, self.problem.arrays, self.problem.words)).encode()).hexdigest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Edition) and other.mark == self.mark

    def __hash__(self) -> int:
        return hash(self.mark)


@dataclass(frozen=True)
class MadePaper:
    """A paper: its id, its files by name, its answers, the gates that turned away draws before it, and the numbers it has."""

    id: str
    files: Mapping[str, str | bytes]
    answers: tuple[Entry, ...]
    rejected: tuple[str, ...]
    numbers: tuple[str, ...]


def make_papers(edition: Edition, numbers: Iterable[int], executor: Executor | None = None) -> Iterator[MadePaper]:
    """The papers with these numbers, in order, made here or by the workers of an executor.

    Raises UsageError and InputError for a problem without variants, LimitError where no draw passes the gates.

    >>> import derive
    >>> edition = Edition(derive.find("q1"), "q1", 7, Rounding(), "latex")
    >>> [(paper.id, list(paper.files)) for paper in make_papers(edition, [12])]
    [('q1-7-012-698b9a', ['q1-7-012-698b9a.tex'])]
    """
    if executor is None:
        yield from map(maker_of(edition), numbers)
        return
    from derive.crews import in_order, persistent

    submit = persistent(executor, lambda unit: (make_unit, edition, unit))
    yield from in_order(submit, numbers, TOGETHER, AHEAD)


def make_unit(edition: Edition, numbers: tuple[int, ...]) -> tuple[MadePaper, ...]:
    """Some papers, as a unit of work."""
    return tuple(map(maker_of(edition), numbers))


@lru_cache(maxsize=2)
def maker_of(edition: Edition) -> Callable[[int], MadePaper]:
    """What makes the papers of an edition."""
    family = Variants(edition.problem, edition.stem, edition.rounding)
    template = _template(family, edition)

    def make(number: int) -> MadePaper:
        filled = template.paper(edition.seed, number) if template is not None else None
        if filled is not None:
            return _finished(edition, MadePaper(filled.id, filled.files, filled.answers, filled.rejected, filled.numbers))
        variant = family.paper(edition.seed, number)
        sheets = sheets_of(variant.work, variant.id, edition.language, edition.digits)
        end = ending_of(edition.style)
        if edition.only and edition.style in WHOLE:  # one document would hold both
            page = sheets.paper if edition.only == "paper" else sheets.key
            files = {f"{variant.id}-{edition.only}.{end}": draw_page(page, edition.style)}
        else:
            files = key_files(sheets, variant.work, edition.style, variant.id)
        if edition.worksheet:
            sheet = worksheet_of(variant.work, edition.blank, variant.id, edition.language, edition.digits)
            files[f"{variant.id}-worksheet.{end}"] = draw_page(sheet, edition.style)
        answers = entries_of(variant.work)
        return _finished(edition, MadePaper(variant.id, files, answers, variant.rejected, family.numbers_of(variant.problem)))

    return make


def _template(family: Variants, edition: Edition) -> KeyTemplate | None:
    usual = edition.style != "json" and not edition.style.startswith("text-") and edition.digits == "latin"
    if not edition.templated or edition.worksheet or not usual or (edition.only and edition.style in WHOLE):
        return None
    from derive.formats.templates import template_of

    return template_of(family, edition.style, edition.language)


def _finished(edition: Edition, paper: MadePaper) -> MadePaper:
    """The paper with the files that are wanted of it, in their last form."""
    left_out = {"paper": "-key.", "key": "-paper."}.get(edition.only)
    before, end = ending_of(edition.style), ending_of(edition.format)
    files: dict[str, Any] = {
        name.removesuffix(before) + end: finished(text, edition.format)  # type: ignore[arg-type]  # text until here
        for name, text in paper.files.items()
        if left_out is None or left_out not in name
    }
    return MadePaper(paper.id, files, paper.answers, paper.rejected, paper.numbers)
