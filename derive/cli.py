"""The command line.

Owns the options, the streams and the exit status.  Imports what it needs when it needs it: `--help` loads neither SymPy nor Rich.
"""

from __future__ import annotations

import argparse
import os
import sys

from derive import __version__
from derive.errors import DeriveError, UsageError

TYPE_CHECKING = False  # typing itself would cost a tenth of the start-up
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn

    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.exercises.classes import Class
    from derive.exercises.keys import Entry
    from derive.exercises.verdicts import Audit
    from derive.problem import Problem
    from derive.rounding import Rounding
    from derive.tensors.work import ArrayDerivation

STATUS = (
    "exit status: 0 done, 1 something checked is wrong, 2 usage, 3 unreadable or invalid input, 4 a limit was hit, 70 our fault"
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = _Parser(
        prog="derive", description="Backpropagation, derived line by line; every line judged before it is printed.", epilog=STATUS
    )
    top.add_argument("--version", action="version", version=f"derive {__version__}")
    commands = top.add_subparsers(prog="derive", dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    commands.add_parser("list", help="the built-in problems", description="The built-in problems.")
    show = commands.add_parser(
        "show", help="the derivation of a problem", description="The derivation: forward, backward, update.", epilog=STATUS
    )
    show.add_argument(
        "problem", metavar="PROBLEM", help="a built-in name (see derive list), a path to a problem file, or - for standard input"
    )
    show.add_argument("--of", metavar="Q", help="differentiate this quantity (the loss when left out)")
    show.add_argument("--wrt", metavar="Q", action="append", default=[], help="by this quantity only; may be given several times")
    show.add_argument("--hessian", action="store_true", help="also the second derivatives, by the same quantities")
    show.add_argument("--prove", action="store_true", help="also compare with SymPy's derivative of the fully composed output")
    show.add_argument("--expand", action="store_true", help="print the problem file written out equation by equation, and stop")
    show.add_argument("--level", choices=("index", "matrix", "components"),
                      help="over arrays: every line, what it comes to as matrices, or every gradient entry by entry")  # fmt: skip
    show.add_argument("--fragment", action="store_true", help="LaTeX without a preamble")
    _common(show, ("text", "latex", "markdown", "svg", "json"))
    key = commands.add_parser(
        "key",
        help="the paper and its answer key; with --variants, many of them",
        description="The paper (question, network, numbers, room for answers) and its key: every line worked out, answers boxed.",
        epilog=STATUS,
    )
    key.add_argument("problem", metavar="PROBLEM", help="a built-in name, a path to a problem file, -, or the id of a paper")
    shown = key.add_mutually_exclusive_group()
    shown.add_argument("--paper-only", action="store_true", help="only what students get")
    shown.add_argument("--key-only", action="store_true", help="only what markers get")
    shown.add_argument("--worksheet", action="store_true", help="the derivation with results left blank, to fill in")
    key.add_argument("--blank", metavar="Q", action="append", default=[],
                     help="with --worksheet: leave only this result blank; may be given several times")  # fmt: skip
    key.add_argument("--paper", metavar="ID", help="the variant with this id")
    key.add_argument("--variants", type=_count(1, 10_000), metavar="N", help="N papers with other numbers, into the folder -o")
    key.add_argument("--seed", type=_count(0, 99_999), default=1, metavar="S", help="another seed gives other papers (1)")
    key.add_argument("--force", action="store_true", help="write into a folder that is not empty")
    _common(key, ("text", "latex", "markdown", "json"))
    check = commands.add_parser(
        "check", help="audit somebody's answers", description="The audit of somebody's answers, line by line.", epilog=STATUS
    )
    check.add_argument("problem", metavar="PROBLEM", help="a built-in name or a path to a problem file")
    check.add_argument("answers", metavar="ANSWERS", help="text, CSV with a student column, or JSON; - for standard input")
    check.add_argument("--paper", metavar="ID", help="the variant that was answered, by the id printed on it")
    check.add_argument("--fail-on-wrong", action="store_true", help="exit with 1 if any line is wrong, carried or not readable")
    _common(check, ("text", "latex", "markdown", "json", "csv"))
    return top


def _common(command: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    """The options every command has."""
    command.add_argument("--format", choices=formats, default="text", help="text when left out")
    command.add_argument("-o", dest="output", metavar="FILE", help="write there instead of standard output")
    command.add_argument("--lang", choices=("en",), default="en", help="language of the page")
    digits = command.add_mutually_exclusive_group()
    digits.add_argument("--digits", type=_count(1, 34), metavar="N", help="significant digits shown (6; by hand 4; JSON 17)")
    digits.add_argument("--places", type=_count(0, 34), metavar="N", help="decimal places shown")
    carry = "full: round only what is shown; hand: round every intermediate and use the rounded value"
    command.add_argument("--carry", choices=("full", "hand"), default="full", help=carry)


class _count:  # noqa: N801  (argparse shows the name of a type in its messages)
    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def __call__(self, text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
        if not self.least <= value <= self.most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {self.least} to {self.most}")
        return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the value is the exit status."""
    import gc

    if sys.stdout is None:  # closed by whoever started us: there is nobody to write to
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    gc.disable()  # a short process: collecting while SymPy is imported costs more than it frees
    try:
        options = parser().parse_args(arguments)
        failed = {"list": _list, "show": _show, "key": _key, "check": _check}[options.command](options)
        sys.stdout.flush()
        return int(bool(failed))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    except DeriveError as error:
        print(f"derive: {error}", file=sys.stderr)
        if error.exit_status == 70:
            print("derive: this is our fault, not yours; please report it with the problem file", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the last stop: no traceback reaches the person who typed the input
        print(f"derive: internal error ({type(error).__name__}: {error}); this is our fault, please report it", file=sys.stderr)
        return 70
    finally:
        gc.enable()


def _list(options: argparse.Namespace) -> None:
    from derive.spec import built_in_names, find

    titles = [(name, find(name).title) for name in built_in_names()]
    width = max(len(name) for name, _ in titles)
    _write("".join(f"{name:<{width}}  {title}\n" for name, title in titles), None)


def _show(options: argparse.Namespace) -> None:
    from derive.spec import find, load_text

    if options.fragment and options.format != "latex":
        raise UsageError("--fragment goes with --format latex")
    matrices = options.level is not None
    if options.problem == "-":
        problem = load_text(sys.stdin.buffer.read(1 << 20), "standard input", matrices)
    else:
        problem = find(options.problem, matrices)
    if options.expand:
        from derive.formats.toml import render_problem

        _write(render_problem(problem), options.output)
        return
    _print(_work(problem, options), "latex-fragment" if options.fragment else options.format, options)


def _check(options: argparse.Namespace) -> bool:
    from derive.exercises.answers import load_answers, read_answers
    from derive.exercises.audit import audit_papers, refused
    from derive.spec import find, load_text

    name, paper = _paper_of(options.problem, options.paper)
    if name == options.answers == "-":
        raise UsageError("the problem and the answers cannot both come from standard input")
    problem = load_text(sys.stdin.buffer.read(1 << 20), "standard input") if name == "-" else find(name)
    if options.answers == "-":
        papers = read_answers(sys.stdin.buffer.read(1 << 26), problem, "standard input")
    else:
        papers = load_answers(options.answers, problem)
    ids = [found.variant or paper or "" for found in papers]
    rounding = _rounding(options)
    found: dict[str, Iterator[Audit]] = {}
    for text in dict.fromkeys(ids):
        its = [one for one, id_ in zip(papers, ids, strict=True) if id_ == text]
        try:
            found[text] = audit_papers(_variant(problem, text) if text else problem, its, rounding)
        except UsageError as error:
            if text == paper or len(papers) == 1:
                raise
            found[text] = iter([refused(problem, one, str(error)) for one in its])  # a wrong id costs that paper only
    audits = tuple(next(found[text]) for text in ids)
    if len(audits) == 1 and not audits[0].paper.student:
        _print(audits[0], options.format, options)
        return options.fail_on_wrong and audits[0].failed
    from derive.exercises.classes import Class

    grades = Class(problem, audits)
    if options.format == "text" and (options.output or "").endswith(".csv"):
        _print(grades, "csv", options)
        options.output = None
    _print(grades, options.format, options)
    return options.fail_on_wrong and grades.failed


def _paper_of(name: str, paper: str | None) -> tuple[str, str | None]:
    """The problem and the paper that are meant: the id of a paper names its problem too."""
    if paper is None and name.count("-") > 2 and not os.path.exists(name):
        from derive.exercises.draws import is_id, read_id

        if is_id(name):
            return read_id(name).stem, name
    return name, paper


def _variant(problem: Problem, paper: str) -> Problem:
    """The problem of one paper.  Raises UsageError for an id that is none of this problem's."""
    from derive.exercises.draws import read_id, rounding_of
    from derive.exercises.variants import Variants

    found = read_id(paper)
    return Variants(problem, found.stem, rounding_of(problem, found)).again(paper).problem


def _print(work: Derivation | ArrayDerivation | Proof | Audit | Class, style: str, options: argparse.Namespace) -> None:
    if style == "text" and options.output is None and sys.stdout.isatty():
        from derive.formats.terminal import print_page
        from derive.pages import page_of

        _speak_utf8()
        print_page(page_of(work, options.lang, _rounding(options)))
        return
    from derive.formats import render

    _write(render(work, style, options.lang, _rounding(options)), options.output)


def _rounding(options: argparse.Namespace) -> Rounding:
    from derive.rounding import Rounding

    usual = {"full": 17 if options.format == "json" else 6, "hand": 4}[options.carry]
    places = options.places
    if options.carry == "hand" and options.digits is None and places is None:
        places = 4
    return Rounding(options.carry, options.digits or usual, places)


def _key(options: argparse.Namespace) -> None:
    from derive.exercises.draws import read_id, rounding_of, stem_of
    from derive.exercises.variants import Variants
    from derive.formats.keys import draw_page, render_key
    from derive.keypages import sheets_of, worksheet_of
    from derive.spec import find, load_text

    if options.blank and not options.worksheet:
        raise UsageError("--blank goes with --worksheet")
    if options.worksheet and options.format == "json":
        raise UsageError("--worksheet is a page: --format text, markdown or latex")
    name, paper = _paper_of(options.problem, options.paper)
    problem = load_text(sys.stdin.buffer.read(1 << 20), "standard input") if name == "-" else find(name)
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
        work = _work(problem, argparse.Namespace(**{**vars(options), **_AS_TEXT}))
    style = options.format
    if options.worksheet:
        from derive.derivation import Derivation

        if not isinstance(work, Derivation):
            raise UsageError("--worksheet is for derivations of named numbers")
        text = draw_page(worksheet_of(work, options.blank, paper or "", options.lang), style)
    else:
        sheets = sheets_of(work, paper or "", options.lang)
        only = sheets.paper if options.paper_only else sheets.key if options.key_only else None
        if only is not None and style == "json":
            raise UsageError("--paper-only and --key-only are pages: --format text, markdown or latex")
        text = render_key(sheets, work, style, paper or "") if only is None else draw_page(only, style)
    _write(text, options.output)


_AS_TEXT: dict[str, object] = {"of": None, "wrt": [], "prove": False, "hessian": False, "level": None, "format": "text"}
"""A key is of the whole problem, and its digits are those of a page in every format: an id names one paper."""


MANY = 50
"""Papers from which on it pays to make a template of the page first; the bytes are the same either way."""


def _variants(problem: Problem, stem: str, options: argparse.Namespace) -> None:
    from derive.exercises.keys import answer_sheet, entries_of
    from derive.exercises.variants import Variants
    from derive.folders import check_folder, write_folder
    from derive.formats.keys import ENDINGS, draw_page, key_files
    from derive.keypages import rejections, repeated, sheets_of, worksheet_of

    if options.output is None:
        raise UsageError(f"--variants writes many files: add -o DIR, a folder for them, such as -o {stem}-papers")
    if options.paper is not None:
        raise UsageError("--paper is one paper and --variants many; give one of the two")
    check_folder(options.output, options.force)
    family = Variants(problem, stem, _rounding(argparse.Namespace(**{**vars(options), **_AS_TEXT})))
    files: dict[str, str] = {}
    answers: list[tuple[str, tuple[Entry, ...]]] = []
    rejected: list[str] = []
    drawn: set[str] = set()
    template = None
    if options.variants >= MANY and not options.worksheet and options.format != "json":
        from derive.formats.templates import template_of

        template = template_of(family, options.format, options.lang)
    for number in range(1, options.variants + 1):
        filled = template.paper(options.seed, number) if template is not None else None
        if filled is not None:
            made = dict(filled.files)
            rejected += filled.rejected
            drawn.add(repr(filled.numbers))
            answers.append((filled.id, filled.answers))
        else:
            variant = family.paper(options.seed, number)
            made = key_files(sheets_of(variant.work, variant.id, options.lang), variant.work, options.format, variant.id)
            rejected += variant.rejected
            drawn.add(repr(family.numbers_of(variant.problem)))
            answers.append((variant.id, entries_of(variant.work)))
        if options.worksheet:
            page = worksheet_of(variant.work, options.blank, variant.id, options.lang)
            made[f"{variant.id}-worksheet.{ENDINGS[options.format]}"] = draw_page(page, options.format)
        kept = {"-key.": not options.paper_only, "-paper.": not options.key_only}
        files |= {name: text for name, text in made.items() if all(keep for mark, keep in kept.items() if mark in name)}
    write_folder(options.output, {**files, "answers.csv": answer_sheet(answers)}, options.force)
    print(f"derive: {rejections(options.variants, rejected, options.lang)}", file=sys.stderr)
    if len(drawn) < options.variants:
        print(f"derive: {repeated(options.variants - len(drawn), options.lang)}", file=sys.stderr)


def _work(problem: Problem, options: argparse.Namespace) -> Derivation | ArrayDerivation | Proof:
    if problem.decision is not None:
        from derive.decisions import prove_decisions

        if options.of or options.wrt:
            raise UsageError("--of and --wrt are for derivations; this problem is a decision")
        if options.hessian:
            raise UsageError("--hessian is for derivations; this problem is a decision")
        return prove_decisions(problem)
    from derive.works import derive

    return derive(problem, _rounding(options), options.of, options.wrt, options.prove, options.level, options.hessian)


def _speak_utf8() -> None:
    """Standard output takes every character, whatever the locale says."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", newline="\n")


def _write(text: str, output: str | None) -> None:
    """Write a whole text or nothing: a file appears only when it is complete."""
    if output is None:
        _speak_utf8()
        sys.stdout.write(text)
        return
    from pathlib import Path

    path = Path(output)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(f"-o {output}: {error.strerror}") from None
