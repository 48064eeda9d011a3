"""The command `key` in a format that a machine marks: a bank of questions instead of a page.

Owns `run_bank`.  Imports what it needs when it needs it.
"""

from __future__ import annotations

import argparse

from derive.errors import UsageError
from derive.progress import track
from derive.requests import paper_named, problem_named, rounding_asked, work_asked
from derive.streams import deliver, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from derive.quizpages import Quiz, Work
    from derive.rounding import Rounding

AS_A_PAGE: dict[str, object] = {"of": None, "wrt": [], "prove": False, "hessian": False, "level": None, "format": "text"}
"""What is asked of a key; its digits are those of a page in every format."""


def run_bank(options: argparse.Namespace) -> None:
    """The questions of a paper, or with --variants of many, in one file; R/exams has a file for each paper."""
    from derive.exercises.draws import read_id, rounding_of, stem_of
    from derive.exercises.variants import Variants

    for option in ("worksheet", "paper_only", "key_only"):
        if vars(options)[option]:
            raise UsageError(f"--{option.replace('_', '-')} is a page, and --format {options.format} is none")
    for option in ("jobs", "cluster"):
        if vars(options)[option]:
            raise UsageError(f"--{option} makes pages, and --format {options.format} is none")
    if options.digits_script != "latin":
        raise UsageError("--digits-script is for pages; the digits of questions are those that are typed")
    name, paper = paper_named(options.problem, options.paper)
    problem = problem_named(name)
    if options.variants is not None:
        if paper is not None:
            raise UsageError("--paper is one paper and --variants many; give one of the two")
        family = Variants(problem, stem_of(name), rounding_asked(_as_a_page(options)))
        _many(family, options)
        return
    if options.force:
        raise UsageError("--force goes with --variants")
    if paper is not None:
        rounding = rounding_of(problem, read_id(paper))
        variant = Variants(problem, read_id(paper).stem, rounding).again(paper)
        quiz = _quiz(variant.work, rounding, variant.id, options.lang)
    else:
        quiz = _quiz(work_asked(problem, _as_a_page(options)), rounding_asked(_as_a_page(options)), "", options.lang)
    deliver(_written((quiz,), options.format), options.format, options)


def _as_a_page(options: argparse.Namespace) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(options), **AS_A_PAGE})


def _quiz(work: Work, rounding: Rounding, paper_id: str, language: str) -> Quiz[Any]:
    """The quiz of a paper: in numbers where there are any, else in symbols."""
    from derive.problem import missing_numbers
    from derive.quizpages import formula_quiz_of, quiz_of

    if work.problem.arrays is None and work.problem.decision is None and missing_numbers(work.problem):
        return formula_quiz_of(work, paper_id, language)
    return quiz_of(work, rounding, paper_id, language)


def _written(quizzes: tuple[Quiz[Any], ...], style: str) -> str:
    from derive.formats import render_bank

    return render_bank(quizzes, style)


def _many(family: object, options: argparse.Namespace) -> None:
    """All papers into a folder: one file of all, or of each where the format wants that, and the sheet of answers."""
    from derive.exercises.keys import answer_sheet, entries_of
    from derive.exercises.variants import Variants
    from derive.folders import check_folder, write_folder
    from derive.formats import APART
    from derive.keypages import rejections, repeated
    from derive.tables.endings import ending_of

    assert isinstance(family, Variants)
    if options.output is None:
        raise UsageError(f"--variants writes many files: add -o DIR, a folder for them, such as -o {family.stem}-papers")
    check_folder(options.output, options.force)
    quizzes, answers, drawn = [], [], set()
    rejected: list[str] = []
    for number in track(range(1, options.variants + 1), options.variants, "variants", options.lang):
        variant = family.paper(options.seed, number)
        quizzes.append(_quiz(variant.work, family.rounding, variant.id, options.lang))
        answers.append((variant.id, entries_of(variant.work)))
        rejected += variant.rejected
        drawn.add(repr(family.numbers_of(variant.problem)))
    end = ending_of(options.format)
    if options.format in APART:
        files = {f"{quiz.paper_id}.{end}": _written((quiz,), options.format) for quiz in quizzes}
    else:
        files = {f"{family.stem}-questions.{end}": _written(tuple(quizzes), options.format)}
    write_folder(options.output, {**files, "answers.csv": answer_sheet(answers)}, options.force)
    tell(rejections(options.variants, rejected, options.lang))
    if len(drawn) < options.variants:
        tell(repeated(options.variants - len(drawn), options.lang))
