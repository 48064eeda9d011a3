"""The options of every command.

Owns the argument parser, what its words may be, and `read_options`.  Imports nothing heavy: help, completion and the man page
are made from it.
"""

from __future__ import annotations

import argparse

from derive import __version__
from derive.catalogues import LANGUAGES
from derive.errors import UsageError
from derive.tables.endings import COMPILED, ENDINGS, ending_of, format_of

TYPE_CHECKING = False  # typing itself would cost a tenth of the start-up
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

STATUS = (
    "exit status: 0 done, 1 something checked is wrong, 2 usage, 3 unreadable or invalid input, 4 a limit was hit, 70 our fault"
)


FORMATS = tuple(style for style in ENDINGS.values() if style != "csv")
"""What a page can be written in; CSV is for a class."""


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of a command line.  Where no format is given, the ending of the file that is written says which.

    Raises UsageError for what the parser does not take.
    """
    options = parser().parse_args(arguments)
    if "format" in options:
        options.explicit = options.format is not None
        folder = vars(options).get("variants") is not None
        options.format = options.format or format_of(None if folder else options.output, options.formats)
        if options.format in COMPILED:
            from derive.formats.pdf import require_compiler

            if options.output is None:
                raise UsageError(f"--format {options.format} is not text: add -o FILE.{ending_of(options.format)}")
            require_compiler()
    return options


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
    _common(show)
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
    _common(key)
    check = commands.add_parser(
        "check", help="audit somebody's answers", description="The audit of somebody's answers, line by line.", epilog=STATUS
    )
    check.add_argument("problem", metavar="PROBLEM", help="a built-in name or a path to a problem file")
    check.add_argument("answers", metavar="ANSWERS", help="text, CSV with a student column, or JSON; - for standard input")
    check.add_argument("--paper", metavar="ID", help="the variant that was answered, by the id printed on it")
    check.add_argument("--fail-on-wrong", action="store_true", help="exit with 1 if any line is wrong, carried or not readable")
    _common(check, (*FORMATS, "csv"))
    return top


def _common(command: argparse.ArgumentParser, formats: tuple[str, ...] = FORMATS) -> None:
    """The options every command has."""
    command.set_defaults(formats=formats)
    command.add_argument("--format", choices=formats, help="left out: by the ending of -o FILE, else text")
    command.add_argument("-o", dest="output", metavar="FILE", help="write there instead of standard output")
    command.add_argument("--lang", choices=LANGUAGES, default="en", help="language of the page")
    digits = command.add_mutually_exclusive_group()
    digits.add_argument("--digits", type=_count(1, 34), metavar="N", help="significant digits shown (6; by hand 4; JSON 17)")
    digits.add_argument("--places", type=_count(0, 34), metavar="N", help="decimal places shown")
    command.add_argument("--digits-script", choices=("latin", "persian"), default="latin", help="the digits of a page")
    command.add_argument("--no-bidi-marks", dest="bidi_marks", action="store_false",
                         help="text without the invisible marks that keep -0.5 in order among Persian words")  # fmt: skip
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
