"""The command `key`: a paper and its key, a worksheet, or many papers in a folder.

Owns `run_key`.  Imports what it needs when it needs it.
"""

from __future__ import annotations

import argparse
from functools import partial

from derive import __version__
from derive.errors import UsageError
from derive.progress import track
from derive.requests import executor_asked, paper_named, problem_named, rounding_asked, work_asked
from derive.streams import deliver, put_pages, style_asked, tell
from derive.tables.endings import BANKS, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.editions import MadePaper
    from derive.problem import Problem
    from derive.tensors.work import ArrayDerivation


def run_key(options: argparse.Namespace) -> None:
    """The paper and its key; with --variants, many of them."""
    from derive.exercises.draws import read_id, rounding_of, stem_of
    from derive.exercises.variants import Variants
    from derive.formats.keys import WHOLE, render_key, titled_pages
    from derive.keypages import sheets_of, worksheet_of

    if options.blank and not options.worksheet:
        raise UsageError("--blank goes with --worksheet")
    if options.worksheet and options.format == "json":
        raise UsageError("--worksheet is a page, and JSON is none")
    if options.format in BANKS.values():
        from derive.bankcommand import run_bank

        run_bank(options)
        return
    name, paper = paper_named(options.problem, options.paper)
    problem = problem_named(name)
    if options.variants is not None:
        _variants(problem, stem_of(name), options)
        return
    for option in ("force", "jobs", "cluster"):
        if vars(options)[option]:
            raise UsageError(f"--{option} goes with --variants")
    work: Derivation | ArrayDerivation | Proof
    if paper is not None:
        rounding = rounding_of(problem, read_id(paper))
        variant = Variants(problem, read_id(paper).stem, rounding).again(paper)
        paper, work = variant.id, variant.work
    else:
        work = work_asked(problem, argparse.Namespace(**{**vars(options), **_AS_TEXT}))
    style, digits = options.format, options.digits_script
    if options.worksheet:
        from derive.derivation import Derivation

        if not isinstance(work, Derivation):
            raise UsageError("--worksheet is for derivations of named numbers")
        put_pages((worksheet_of(work, options.blank, paper or "", options.lang, digits),), style, options)
        return
    sheets = sheets_of(work, paper or "", options.lang, digits)
    only = sheets.paper if options.paper_only else sheets.key if options.key_only else None
    if only is not None and style == "json":
        raise UsageError("--paper-only and --key-only are pages, and JSON is none")
    if only is None and style in WHOLE:
        deliver(render_key(sheets, work, style, paper or ""), style, options)
    else:
        put_pages(titled_pages(sheets) if only is None else (only,), style, options)


_AS_TEXT: dict[str, object] = {"of": None, "wrt": [], "prove": False, "hessian": False, "level": None, "format": "text"}
"""A key is of the whole problem, and its digits are those of a page in every format: an id names one paper."""


MODULES = ("sympy", "derive.editions", "derive.formats.templates", "derive.checks")
"""What workers make papers with."""

MANY = 50
"""Papers from which on it pays to make a template of the page first; the bytes are the same either way."""


def _variants(problem: Problem, stem: str, options: argparse.Namespace) -> None:
    from derive.editions import Edition, make_papers, maker_of
    from derive.folders import GrowingFolder, check_folder, write_folder

    if options.output is None:
        raise UsageError(f"--variants writes many files: add -o DIR, a folder for them, such as -o {stem}-papers")
    only = "paper" if options.paper_only else "key" if options.key_only else ""
    if only and options.format == "json":
        raise UsageError("--paper-only and --key-only are pages, and JSON is none")
    if options.paper is not None:
        raise UsageError("--paper is one paper and --variants many; give one of the two")
    check_folder(options.output, options.force)
    rounding, style = rounding_asked(argparse.Namespace(**{**vars(options), **_AS_TEXT})), source_of(options.format)
    edition = Edition(
        problem, stem, options.seed, rounding, options.format, style_asked(options, style), options.lang, options.digits_script,
        only, options.worksheet, tuple(options.blank), options.variants >= MANY,
    )  # fmt: skip
    papers = _Collected()
    count, numbers = options.variants, range(1, options.variants + 1)
    if options.jobs is None and options.cluster is None:

        def files() -> Iterator[tuple[str, str | bytes]]:
            for paper in track(make_papers(edition, numbers), count, "variants", options.lang):
                papers.add(*_record(paper))
                yield from paper.files.items()
            yield "answers.csv", papers.sheet.text()

        write_folder(options.output, files(), options.force)
    else:
        with (
            executor_asked(options, None, partial(maker_of, edition), MODULES) as executor,
            GrowingFolder(options.output, f"derive {__version__} key {count} {edition.mark}", options.force) as growing,
        ):
            done = min(growing.done, count)
            if done:
                tell(f"goes on from {growing.place.name}: {done:,} of {count:,} papers are made already")
            elif growing.ledger.other:
                tell(f"{growing.place.name} was of other papers; it is begun anew")
            for paper in track(make_papers(edition, numbers[done:], executor), count - done, "variants", options.lang):
                growing.add(paper.files, _record(paper))
            for record in growing.ledger.records():
                papers.add(*record)
            growing.finish({"answers.csv": papers.sheet.text()})
    papers.tell(options.lang)


class _Collected:
    """What is kept of the papers until all are made: the rows of the answer sheet, the rejected draws, which numbers were drawn."""

    def __init__(self) -> None:
        from derive.exercises.keys import AnswerRows

        self.sheet, self.gates = AnswerRows(), list[str]()
        self.drawn: set[str] = set()

    def add(
        self, paper: str, answers: Iterable[tuple[str, Sequence[str]]], rejected: Iterable[str], numbers: Iterable[str]
    ) -> None:
        """One more paper: its id, the labels and digits of its answers, the gates that turned draws away, its numbers."""
        self.sheet.add(paper, answers)
        self.gates += rejected
        self.drawn.add(" ".join(numbers))

    def tell(self, language: str) -> None:
        """Say how many draws were turned away, and how many papers repeat another."""
        from derive.keypages import rejections, repeated

        papers = len(self.sheet.rows)
        tell(rejections(papers, self.gates, language))
        if len(self.drawn) < papers:
            tell(repeated(papers - len(self.drawn), language))


def _record(paper: MadePaper) -> tuple[Any, ...]:
    return paper.id, [(entry.label, entry.shown) for entry in paper.answers], paper.rejected, paper.numbers
