"""The command `key`: a paper and its key, a worksheet, or many papers in a folder.

Owns `run_key`.  Imports what it needs when it needs it.
"""

from __future__ import annotations

import argparse
from functools import partial

from derive.errors import UsageError
from derive.progress import track
from derive.requests import paper_named, problem_named, rounding_asked, work_asked
from derive.streams import deliver, put_pages, style_asked, tell
from derive.tables.endings import BANKS, ending_of, source_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.exercises.keys import Entry
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
    if options.format in BANKS:
        from derive.bankcommand import run_bank

        run_bank(options)
        return
    name, paper = paper_named(options.problem, options.paper)
    problem = problem_named(name)
    if options.variants is not None:
        _variants(problem, stem_of(name), options)
        return
    if options.force:
        raise UsageError("--force goes with --variants")
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


MANY = 50
"""Papers from which on it pays to make a template of the page first; the bytes are the same either way."""


def _variants(problem: Problem, stem: str, options: argparse.Namespace) -> None:
    from derive.exercises.keys import answer_sheet, entries_of
    from derive.exercises.variants import Variants
    from derive.folders import check_folder, write_folder
    from derive.formats import draw_page, finished
    from derive.formats.keys import WHOLE, key_files
    from derive.keypages import rejections, repeated, sheets_of, worksheet_of

    if options.output is None:
        raise UsageError(f"--variants writes many files: add -o DIR, a folder for them, such as -o {stem}-papers")
    only = options.paper_only or options.key_only
    if only and options.format == "json":
        raise UsageError("--paper-only and --key-only are pages, and JSON is none")
    if options.paper is not None:
        raise UsageError("--paper is one paper and --variants many; give one of the two")
    check_folder(options.output, options.force)
    family = Variants(problem, stem, rounding_asked(argparse.Namespace(**{**vars(options), **_AS_TEXT})))
    files: dict[str, str] = {}
    answers: list[tuple[str, tuple[Entry, ...]]] = []
    rejected: list[str] = []
    drawn: set[str] = set()
    style, digits = style_asked(options, source_of(options.format)), options.digits_script
    template = None
    usual = style != "json" and not style.startswith("text-") and digits == "latin"
    apart = bool(only) and style in WHOLE  # one document would hold both
    if options.variants >= MANY and not options.worksheet and usual and not apart:
        from derive.formats.templates import template_of

        template = template_of(family, style, options.lang)
    for number in track(range(1, options.variants + 1), options.variants, "variants", options.lang):
        filled = template.paper(options.seed, number) if template is not None else None
        if filled is not None:
            made = dict(filled.files)
            rejected += filled.rejected
            drawn.add(repr(filled.numbers))
            answers.append((filled.id, filled.answers))
        else:
            variant = family.paper(options.seed, number)
            sheets = sheets_of(variant.work, variant.id, options.lang, digits)
            made = key_files(sheets, variant.work, style, variant.id)
            if apart:
                kind, page = ("paper", sheets.paper) if options.paper_only else ("key", sheets.key)
                made = {f"{variant.id}-{kind}.{ending_of(style)}": draw_page(page, style)}
            rejected += variant.rejected
            drawn.add(repr(family.numbers_of(variant.problem)))
            answers.append((variant.id, entries_of(variant.work)))
        if options.worksheet:
            page = worksheet_of(variant.work, options.blank, variant.id, options.lang, digits)
            made[f"{variant.id}-worksheet.{ending_of(style)}"] = draw_page(page, style)
        kept = {"-key.": not options.paper_only, "-paper.": not options.key_only}
        files |= {name: text for name, text in made.items() if all(keep for mark, keep in kept.items() if mark in name)}
    ends, end = ending_of(style), ending_of(options.format)
    written = {name.removesuffix(ends) + end: partial(finished, text, options.format) for name, text in files.items()}
    write_folder(options.output, {**written, "answers.csv": answer_sheet(answers)}, options.force)
    tell(rejections(options.variants, rejected, options.lang))
    if len(drawn) < options.variants:
        tell(repeated(options.variants - len(drawn), options.lang))
