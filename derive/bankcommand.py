"""The command `key` in a format that a machine marks: a bank of questions instead of a page.

Owns `run_bank`.  Imports what it needs when it needs it.
"""

from __future__ import annotations

import argparse
from functools import partial

from derive.errors import UsageError
from derive.progress import track
from derive.requests import executor_asked, paper_named, problem_named, rounding_asked, work_asked
from derive.streams import deliver, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derive.problem import Problem
    from derive.rounding import Rounding

AS_A_PAGE: dict[str, object] = {"of": None, "wrt": [], "prove": False, "hessian": False, "level": None, "format": "text"}
"""What is asked of a key; its digits are those of a page in every format."""

MODULES = ("sympy", "derive.quizsets", "derive.exercises.search")
"""What workers make quizzes with."""


def run_bank(options: argparse.Namespace) -> None:
    """The questions of a paper, or with --variants of many, in one file; R/exams has a file for each paper."""
    from derive.exercises.draws import read_id, rounding_of, stem_of
    from derive.exercises.variants import Variants
    from derive.formats import render_bank
    from derive.quizsets import make_quiz

    for option in ("worksheet", "paper_only", "key_only"):
        if vars(options)[option]:
            raise UsageError(f"--{option.replace('_', '-')} is a page, and --format {options.format} is none")
    if options.digits_script != "latin":
        raise UsageError("--digits-script is for pages; the digits of questions are those that are typed")
    name, paper = paper_named(options.problem, options.paper)
    problem = problem_named(name)
    rounding = rounding_asked(argparse.Namespace(**{**vars(options), **AS_A_PAGE}))
    if options.variants is not None:
        if paper is not None:
            raise UsageError("--paper is one paper and --variants many; give one of the two")
        _many(problem, stem_of(name), rounding, options)
        return
    for option in ("force", "jobs", "cluster"):
        if vars(options)[option]:
            raise UsageError(f"--{option} goes with --variants")
    if paper is not None:
        rounding = rounding_of(problem, read_id(paper))
        variant = Variants(problem, read_id(paper).stem, rounding).again(paper)
        quiz = make_quiz(variant.work, rounding, variant.id, options.lang)
    else:
        work = work_asked(problem, argparse.Namespace(**{**vars(options), **AS_A_PAGE}))
        quiz = make_quiz(work, rounding, "", options.lang)
    deliver(render_bank((quiz,), options.format), options.format, options)


def _many(problem: Problem, stem: str, rounding: Rounding, options: argparse.Namespace) -> None:
    """All papers into a folder: one file of all, or of each where the format wants that, and the sheet of answers."""
    from derive.editions import Edition
    from derive.exercises.keys import answer_sheet
    from derive.folders import check_folder, write_folder
    from derive.formats import APART, render_bank
    from derive.keypages import rejections, repeated
    from derive.quizsets import make_quizzes, maker_of
    from derive.tables.endings import ending_of

    if options.output is None:
        raise UsageError(f"--variants writes many files: add -o DIR, a folder for them, such as -o {stem}-papers")
    check_folder(options.output, options.force)
    edition = Edition(problem, stem, options.seed, rounding, options.format, options.format, options.lang)
    numbers = range(1, options.variants + 1)
    with executor_asked(options, None, partial(maker_of, edition), MODULES) as executor:
        made = list(track(make_quizzes(edition, numbers, executor), options.variants, "variants", options.lang))
    end, quizzes = ending_of(options.format), [paper.quiz for paper in made]
    if options.format in APART:
        files = {f"{quiz.paper_id}.{end}": render_bank((quiz,), options.format) for quiz in quizzes}
    else:
        files = {f"{stem}-questions.{end}": render_bank(quizzes, options.format)}
    answers = answer_sheet((paper.quiz.paper_id, paper.answers) for paper in made)
    write_folder(options.output, {**files, "answers.csv": answers}, options.force)
    tell(rejections(options.variants, [gate for paper in made for gate in paper.rejected], options.lang))
    drawn = len({paper.numbers for paper in made})
    if drawn < options.variants:
        tell(repeated(options.variants - drawn, options.lang))
