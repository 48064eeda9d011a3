"""The command `check` on a file of answers: one paper, or a class of any size, alone or with workers.

Owns `run_answers`.  A gradebook is written from a ledger beside it, in which every paper stands as soon as
it is judged.  Imports what it needs when it needs it.
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import islice

from derive import __version__
from derive.errors import InputError, JudgementError, LimitError, UsageError, shown
from derive.ledgers import Ledger
from derive.options import TIME_LIMIT
from derive.progress import track
from derive.requests import executor_asked, rounding_asked
from derive.streams import is_device, open_asked, output_asked, put_work, tell, write_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from derive.exercises.classes import Marks, Tally
    from derive.exercises.classfiles import AnswerFile
    from derive.exercises.marking import Marking
    from derive.problem import Problem

MODULES = ("derive.exercises.judging", "derive.exercises.search", "derive.exercises.formulas", "derive.exercises.chains")
"""What workers judge with."""

LISTED = 1_000
"""Students that the page beside a gradebook lists; of a larger class it has the items only."""


def run_answers(options: argparse.Namespace, problem: Problem, paper: str | None) -> bool:
    """The audit of a file of answers; whether --fail-on-wrong has something to fail on.

    Raises LimitError, when everything else is written, where some lines could not be judged in time.
    """
    import gc

    from derive.exercises.answers import reading_of
    from derive.exercises.classfiles import open_answers
    from derive.exercises.marking import judge_of, marking_of

    if options.time_limit is not None and options.jobs is None:
        raise UsageError("--time-limit goes with --jobs: only a worker of ours can be stopped")
    source = options.answers
    if source == "-":
        if sys.stdin is None:
            raise InputError("standard input: is closed")
        source = sys.stdin.buffer
    with open_answers(source, reading_of(problem).glossary.known, "" if source is options.answers else "standard input") as file:
        only = next(file.submissions()) if file.count == 1 else None
        marking = marking_of(problem, file.names, rounding_asked(options), (only.variant if only else "") or paper or "")
        if file.count > 1:
            gc.enable()  # a class is long work
        limit = options.time_limit or TIME_LIMIT
        with executor_asked(options, limit, partial(judge_of, marking), MODULES) as executor:
            if options.format == "csv" and (only is None or only.student):
                return _gradebook(options, marking, file, executor)
            return _whole(options, marking, file, executor)


def _whole(options: argparse.Namespace, marking: Marking, file: AnswerFile, executor: Executor | None) -> bool:
    """One paper, or a class in a format that needs all of it at once."""
    from derive.exercises.classes import Class, counted, marks_of
    from derive.exercises.judging import judged
    from derive.exercises.marking import judge_of, judge_papers

    papers, problem, rounding = file.submissions(), marking.problem, rounding_asked(options)
    found = map(judge_of(marking), papers) if executor is None else judged(executor, judge_papers, marking, papers)
    audits = tuple(track(found, file.count, "papers", options.lang))
    if len(audits) == 1 and not audits[0].paper.student:
        put_work(audits[0], "text" if options.format == "csv" and not options.explicit else options.format, options, rounding)
    else:
        put_work(Class(problem, audits), options.format, options, rounding)
    return _told(options, counted(problem, map(marks_of, audits)))


def _gradebook(options: argparse.Namespace, marking: Marking, file: AnswerFile, executor: Executor | None) -> bool:
    """The gradebook of a class, row by row, and beside a file the page of the class."""
    from itertools import starmap

    from derive.exercises.classes import Tally, marks_again
    from derive.formats.gradebook import gradebook_lines

    output, tally = output_asked(options, "csv"), Tally(marking.problem, LISTED)
    if output is None or is_device(output):  # rows go out as they come; there is nothing to go on from
        write_parts(gradebook_lines(file.names, tally.counting(_marks(options, marking, file, executor, 0))), output)
    else:
        with Ledger(output, _mark(marking, file)) as ledger:
            if ledger.done:
                tell(f"goes on from {ledger.path.name}: {ledger.done:,} of {file.count:,} papers are judged already")
            elif ledger.other:
                tell(f"{ledger.path.name} was of other answers, another problem or another version; it is begun anew")
            for marks in _marks(options, marking, file, executor, ledger.done):
                ledger.add(list(vars(marks).values()))
            write_parts(gradebook_lines(file.names, tally.counting(starmap(marks_again, ledger.records()))), output)
            ledger.remove()
        open_asked(options, output)
        if not options.explicit:  # who has a gradebook written wants to see the class too
            options.output, options.open = None, False
            put_work(tally.summary(), "text", options, rounding_asked(options))
    return _told(options, tally)


def _marks(
    options: argparse.Namespace, marking: Marking, file: AnswerFile, executor: Executor | None, done: int
) -> Iterator[Marks]:
    """The marks of each paper but those that are done, as they come."""
    from derive.exercises.classes import marks_of
    from derive.exercises.judging import judged, mark_papers
    from derive.exercises.marking import judge_of

    papers = islice(file.submissions(), done, None)
    found = map(marks_of, map(judge_of(marking), papers)) if executor is None else judged(executor, mark_papers, marking, papers)
    return track(found, file.count - done, "papers", options.lang)


def _mark(marking: Marking, file: AnswerFile) -> str:
    """What tells this run from every other: all that the records depend on."""
    return f"derive {__version__} check {marking.mark[:32]} {file.digest[:32]}"


def _told(options: argparse.Namespace, tally: Tally) -> bool:
    """Whether --fail-on-wrong has something to fail on.

    Raises LimitError where lines were given up, JudgementError where judging them failed.
    """
    if tally.lost:
        count = sum(tally.lost.values())
        first = ", ".join(map(shown, filter(None, tally.first_lost)))
        told = f"one line was not judged and counts as undecided: {first}"
        if count > 1:
            told = f"{count:,} lines were not judged and count as undecided; the first: {first}"
        if "judge-failed" in tally.lost:
            raise JudgementError(told)
        raise LimitError(f"{told}. A line may take {options.time_limit or TIME_LIMIT:g} seconds (--time-limit)")
    return bool(options.fail_on_wrong and tally.failed)
