"""The quizzes of many papers of one problem: each is made for itself, by any process, and comes out the same.

Owns `MadeQuiz` and `make_quizzes`.  May import everything above the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from derive.editions import AHEAD, Edition
from derive.exercises.keys import Entry, entries_of
from derive.exercises.variants import Variants
from derive.problem import missing_numbers
from derive.quizpages import Quiz, Work, formula_quiz_of, quiz_of
from derive.rounding import Rounding

if TYPE_CHECKING:
    from concurrent.futures import Executor

TOGETHER = 2
"""Quizzes in one unit of work: each takes longer than a page."""


@dataclass(frozen=True)
class MadeQuiz:
    """A quiz, the answers of its paper, the gates that turned away draws before it, and the numbers it has."""

    quiz: Quiz[Any]
    answers: tuple[Entry, ...]
    rejected: tuple[str, ...]
    numbers: tuple[str, ...]


def make_quiz(work: Work, rounding: Rounding, paper_id: str = "", language: str = "en") -> Quiz[Any]:
    """The quiz of a paper: in numbers where it has any, else in symbols.  Raises UsageError for what is no derivation."""
    if work.problem.arrays is None and work.problem.decision is None and missing_numbers(work.problem):
        return formula_quiz_of(work, paper_id, language)
    return quiz_of(work, rounding, paper_id, language)


def make_quizzes(edition: Edition, numbers: Iterable[int], executor: Executor | None = None) -> Iterator[MadeQuiz]:
    """The quizzes of the papers with these numbers, in order, made here or by the workers of an executor."""
    if executor is None:
        yield from map(maker_of(edition), numbers)
        return
    from derive.crews import in_order, persistent

    submit = persistent(executor, lambda unit: (make_unit, edition, unit))
    yield from in_order(submit, numbers, TOGETHER, AHEAD)


def make_unit(edition: Edition, numbers: tuple[int, ...]) -> tuple[MadeQuiz, ...]:
    """Some quizzes, as a unit of work."""
    return tuple(map(maker_of(edition), numbers))


@lru_cache(maxsize=2)
def maker_of(edition: Edition) -> Callable[[int], MadeQuiz]:
    """What makes the quizzes of an edition."""
    family = Variants(edition.problem, edition.stem, edition.rounding)

    def make(number: int) -> MadeQuiz:
        variant = family.paper(edition.seed, number)
        quiz = make_quiz(variant.work, edition.rounding, variant.id, edition.language)
        return MadeQuiz(quiz, entries_of(variant.work), variant.rejected, family.numbers_of(variant.problem))

    return make
