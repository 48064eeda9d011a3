"""Papers judged anywhere: a unit of work that is pure, can be sent to another process, and gives the same wherever it is done.

Owns `Marking`, `marking_of`, `judge_papers` and `variant_of`.  What a process works out for a marking (the reader, the answer keys)
it keeps for the next papers.  May import: errors, exercises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from derive.errors import DeriveError
from derive.exercises.answers import Paper, read_submission, reading_of
from derive.exercises.audit import audit_paper, make_answer_key, refused
from derive.exercises.submissions import Submission
from derive.exercises.verdicts import Audit
from derive.intervals import Digits
from derive.problem import Problem
from derive.rounding import Rounding
from derive.written import Tree

KEYS_KEPT = 64
"""Answer keys of variants that a process keeps."""


@dataclass(frozen=True, eq=False)
class Marking:
    """What papers are judged by: the problem, the quantities somebody answers, the rounding, and the id of a paper that names none.

    With None for that id, none is looked at: all papers have the numbers of the problem.  Without `search` wrong lines are not
    explained.  Two markings that judge alike have the same `mark`.
    """

    problem: Problem
    quantities: tuple[Tree, ...]
    rounding: Rounding | None
    paper: str | None = None
    digits: Digits | None = None
    search: bool = True
    mark: str = field(init=False)

    def __post_init__(self) -> None:
        told = repr((self.problem, self.problem.arrays, self.quantities, self.rounding, self.paper, self.digits, self.search))
        object.__setattr__(self, "mark", sha256(told.encode()).hexdigest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Marking) and other.mark == self.mark

    def __hash__(self) -> int:
        return hash(self.mark)


def marking_of(problem: Problem, names: Iterable[str], rounding: Rounding, paper: str = "") -> Marking:
    """The marking of papers whose answers have these left sides."""
    reading = reading_of(problem)
    read = (reading.entry("", name, "").quantity for name in names)
    quantities = dict.fromkeys(part for quantity in read if quantity is not None for part in _parts(quantity, problem))
    return Marking(problem, tuple(quantities), rounding, paper)


def _parts(quantity: Tree, problem: Problem) -> tuple[Tree, ...]:
    """The scalars a quantity is made of; none where its sizes do not fit."""
    if not problem.vectors:
        return (quantity,)
    from derive.vectors import components

    try:
        found = components(quantity, problem.vectors)
    except (TypeError, ValueError, IndexError):
        return ()
    return (quantity,) if len(found) == 1 else tuple(found)


def judge_papers(marking: Marking, papers: tuple[Submission | Paper, ...]) -> tuple[Audit, ...]:
    """Some papers judged.  Raises what judging them raises, if it is no fault of a paper's id."""
    judge = judge_of(marking)
    return tuple(map(judge, papers))


@lru_cache(maxsize=2)
def judge_of(marking: Marking) -> Callable[[Submission | Paper], Audit]:
    """What judges one paper by a marking."""
    reading = reading_of(marking.problem)

    @lru_cache(maxsize=KEYS_KEPT)
    def judge_variant(paper: str) -> Callable[[Paper], Audit]:
        problem = variant_of(marking.problem, paper) if paper else marking.problem
        return _judge(problem, marking)

    def judge(given: Submission | Paper) -> Audit:
        paper = given if isinstance(given, Paper) else read_submission(given, reading)
        own = "" if marking.paper is None else paper.variant or marking.paper
        try:
            found = judge_variant(own)
        except DeriveError as error:
            if own in ("", marking.paper):
                raise
            return refused(marking.problem, paper, str(error))  # a wrong id costs that paper only
        return found(paper)

    return judge


def _judge(problem: Problem, marking: Marking) -> Callable[[Paper], Audit]:
    if problem.decision is not None:
        from derive.exercises.decided import audit_decision

        return lambda paper: audit_decision(problem, paper)
    if problem.arrays is not None:
        from derive.exercises.arrayaudit import audit_array_paper

        return lambda paper: audit_array_paper(problem, paper, marking.rounding)
    key = make_answer_key(problem, marking.quantities, marking.rounding)
    return lambda paper: audit_paper(key, paper, marking.digits, marking.search)


def variant_of(problem: Problem, paper: str) -> Problem:
    """The problem of one paper.  Raises UsageError for an id that is none of this problem's."""
    from derive.exercises.draws import read_id, rounding_of
    from derive.exercises.variants import Variants

    found = read_id(paper)
    return Variants(problem, found.stem, rounding_of(problem, found)).again(paper).problem
