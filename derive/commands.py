"""The commands that take a few lines: `list`, `show`, `check`, `explain`, `completion`, `man`.

Owns `run_list`, `run_show`, `run_check`, `run_explain`, `run_completion` and `run_man`.  Imports what it needs when it needs it.
"""

from __future__ import annotations

from derive.errors import UsageError
from derive.requests import level_asked, paper_named, problem_named, rounding_asked, shown_problem, work_asked
from derive.streams import is_plain, put_pages, put_work, write_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from derive.derivation import Derivation
    from derive.problem import Problem
    from derive.tensors.work import ArrayDerivation


def run_list(options: argparse.Namespace) -> None:
    """The built-in problems with their titles."""
    from derive.spec import built_in_names, find

    titles = [(name, find(name).title) for name in built_in_names()]
    width = max(len(name) for name, _ in titles)
    text = "".join(f"{name:<{width}}  {title}\n" for name, title in titles)
    if is_plain(options):
        from derive.formats.ascii import transliterated

        text = transliterated(text)
    write_text(text, None)


def run_show(options: argparse.Namespace) -> None:
    """The derivation of a problem, or with --expand its equations."""
    if options.fragment and options.format != "latex":
        raise UsageError("--fragment goes with --format latex")
    problem = shown_problem(options)
    if options.emit is not None:
        from derive.emission.files import emit

        write_text(emit(_whole_work(problem, options), options.emit), options.output)
        return
    if options.expand:
        from derive.formats.toml import render_problem

        write_text(render_problem(problem), options.output)
        return
    style = "latex-fragment" if options.fragment else options.format
    level = level_asked(options)
    put_work(work_asked(problem, options), style, options, rounding_asked(options), level)


def _whole_work(problem: Problem, options: argparse.Namespace) -> Derivation | ArrayDerivation:
    """The derivation that code is written from.  Raises UsageError for options that only a page or a part of it has."""
    from derive.options import ARRAY_LEVELS
    from derive.works import derive

    told = {"--of": options.of, "--wrt": options.wrt, "--hessian": options.hessian, "--expand": options.expand,
            "--format": options.explicit, "--open": options.open, "--digits": options.digits, "--places": options.places,
            "--carry": options.carry != "full", "--lang": options.lang != "en", "--ascii": options.ascii,
            "--digits-script": options.digits_script != "latin", "--level": level_asked(options) != "full"}  # fmt: skip
    for option, given in told.items():
        if given is not None and given is not False and given != []:
            raise UsageError(f"--emit writes the whole derivation, to full precision, with English comments; leave {option} out")
    if problem.decision is not None:
        raise UsageError("--emit is for derivations; this problem is a decision")
    return derive(problem, prove=options.prove, level=options.level if options.level in ARRAY_LEVELS else None)


def run_check(options: argparse.Namespace) -> bool:
    """The audit of somebody's answers, of a class, or of code; whether --fail-on-wrong has something to fail on."""
    if options.code is not None:
        from derive.codecommand import check_code

        return check_code(options)
    if options.answers is None:
        raise UsageError("check needs ANSWERS to judge, or a function with --code FILE.py:FUNCTION")
    if options.seed is not None:
        raise UsageError("--seed goes with --code: answers are judged at the numbers of the problem")
    name, paper = paper_named(options.problem, options.paper)
    if name == options.answers == "-":
        raise UsageError("the problem and the answers cannot both come from standard input")
    from derive.classcommand import run_answers

    return run_answers(options, problem_named(name), paper)


def run_explain(options: argparse.Namespace) -> None:
    """The page about one thing, or the list of all that can be explained."""
    from dataclasses import replace

    from derive.explainpages import explained, list_page

    page = list_page(options.lang) if options.name is None else explained(options.name, options.lang)
    put_pages((replace(page, digits=options.digits_script),), options.format, options)


def run_completion(options: argparse.Namespace) -> None:
    """The completion script for a shell."""
    from derive.completions import completion_script

    write_text(completion_script(options.shell), None)


def run_man(options: argparse.Namespace) -> None:
    """The manual page."""
    from derive.manpages import man_page

    write_text(man_page(), None)
