"""Many papers judged by the workers of an executor, in order, a few ahead of what is asked for.

Owns `judged`.  A unit that fails is taken apart until the line is found that does it: that line is undecided, everything else is
judged as usual.  Units are pure, so that one which is done twice does no harm.  May import: crews, exercises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from derive.crews import in_order, is_final, submitted, tell_future, told_plainly
from derive.exercises.answers import Paper
from derive.exercises.classes import Marks, marks_of
from derive.exercises.marking import Marking, judge_papers
from derive.exercises.submissions import Submission
from derive.exercises.verdicts import Audit

TOGETHER = 8
"""Papers in one unit of work."""

AHEAD = 64
"""Units that are under way or done before they are asked for."""

Given = Submission | Paper
Found = TypeVar("Found", Audit, Marks)


def mark_papers(marking: Marking, papers: tuple[Given, ...]) -> tuple[Marks, ...]:
    """Some papers judged, of which only the marks are kept."""
    return tuple(map(marks_of, judge_papers(marking, papers)))


def judged(
    executor: Executor, judge: Callable[[Marking, tuple[Given, ...]], tuple[Found, ...]], marking: Marking, papers: Iterable[Given]
) -> Iterator[Found]:
    """What `judge` (`judge_papers` or `mark_papers`) finds of each paper, in order.

    Raises our own errors where the problem itself cannot be judged, UsageError where the executor takes no work.
    """
    apart = ThreadPoolExecutor(4)
    try:
        yield from in_order(_Bench(executor, judge, marking, apart).judge, papers, TOGETHER, AHEAD)
    finally:
        apart.shutdown(wait=False, cancel_futures=True)


class _Bench:
    """Where units are judged, and taken apart when they fail."""

    def __init__(self, executor: Executor, judge: Callable[..., Any], marking: Marking, apart: ThreadPoolExecutor) -> None:
        self.executor, self.function, self.marking, self.apart = executor, judge, marking, apart

    def submit(self, marking: Marking, unit: tuple[Given, ...]) -> Future[Any]:
        """A unit for a worker.  Raises UsageError where the executor takes none."""
        return submitted(self.executor, self.function, marking, unit)

    def judge(self, unit: tuple[Given, ...]) -> Future[Any]:
        """A unit judged, or where it fails its papers one by one."""
        outer: Future[Any] = Future()

        def done(inner: Future[Any]) -> None:
            error = None if inner.cancelled() else inner.exception()
            if inner.cancelled():
                outer.cancel()
            elif error is None or is_final(error):
                tell_future(outer, None if error else inner.result(), error and told_plainly(error))
            else:
                try:
                    self.apart.submit(self.take_apart, unit, error, outer)
                except RuntimeError:  # nobody asks any more
                    outer.cancel()

        self.submit(self.marking, unit).add_done_callback(done)
        return outer

    def take_apart(self, unit: tuple[Given, ...], error: BaseException, outer: Future[Any]) -> None:
        """Give a future what is found when a unit that failed is done in parts."""
        try:
            found = self.one_by_one(unit, error)
        except BaseException as final:  # whoever asks for the result is told
            tell_future(outer, error=told_plainly(final))
        else:
            tell_future(outer, found)

    def one_by_one(self, unit: tuple[Given, ...], error: BaseException) -> tuple[Any, ...]:
        """The papers of a unit that failed, each alone."""
        if len(unit) == 1:
            return (self.line_by_line(unit[0], error),)
        found = []
        for paper, (value, failed) in zip(unit, self.tried([(self.marking, paper) for paper in unit]), strict=True):
            found.append(value if failed is None else self.line_by_line(paper, failed))
        return tuple(found)

    def line_by_line(self, paper: Given, error: BaseException) -> Any:
        """A paper that failed: without the lines that fail alone, else without its slips, else without a judgement."""
        alone = self.tried([(self.marking, _with_lines(paper, (line,))) for line in _lines_of(paper)])
        faults = {place: failed for place, (_, failed) in enumerate(alone) if failed is not None}
        left = _given_up(paper, faults)
        accident = _note_of(error) == "worker-died"  # it may have been no fault of the paper
        often = [self.marking] if faults or accident else []
        for marking in (*often, replace(self.marking, search=False)):
            ((value, failed),) = self.tried([(marking, left)])
            if failed is None:
                return value
            error = failed
        ((value, failed),) = self.tried([(self.marking, _given_up(paper, dict.fromkeys(range(len(_lines_of(paper))), error)))])
        if failed is not None:
            raise failed
        return value

    def tried(self, units: Sequence[tuple[Marking, Given]]) -> list[tuple[Any, BaseException | None]]:
        """What is found of each paper, or what stopped it.  Raises what no other try would change."""
        futures = [self.submit(marking, (paper,)) for marking, paper in units]
        found: list[tuple[Any, BaseException | None]] = []
        for future in futures:
            try:
                ((value),) = future.result()
                found.append((value, None))
            except Exception as error:
                if is_final(error):
                    raise
                found.append((None, error))
        return found


NOTES = {"KilledWorker": "worker-died"}
"""Of other executors' errors, the note that fits."""


def _note_of(error: BaseException) -> str:
    return getattr(error, "note", NOTES.get(type(error).__name__, "judge-failed"))


def _lines_of(paper: Given) -> tuple[Any, ...]:
    return paper.cells if isinstance(paper, Submission) else paper.entries


def _with_lines(paper: Given, lines: tuple[Any, ...]) -> Given:
    return replace(paper, cells=lines) if isinstance(paper, Submission) else replace(paper, entries=lines)


def _given_up(paper: Given, faults: dict[int, BaseException]) -> Given:
    """The paper with some lines marked as not judged, and why."""
    lines = list(_lines_of(paper))
    for place, error in faults.items():
        if lines[place].verdict:  # it was not judged anyway
            continue
        note = _note_of(error)
        told = {"note": note} if isinstance(paper, Submission) else {"notes": (note,)}
        lines[place] = replace(lines[place], verdict="undecided", **told)
    return _with_lines(paper, tuple(lines))
