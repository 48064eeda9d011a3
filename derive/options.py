"""The options of every command.

Owns the argument parser, what its words may be, and `read_options`.  Imports nothing heavy: help, completion and the man page
are made from it.
"""

from __future__ import annotations

import argparse
import sys

from derive import __version__
from derive.catalogues import LANGUAGES
from derive.errors import UsageError
from derive.tables.endings import BANKS, CODE, COMPILED, ENDINGS, ending_of, format_of

TYPE_CHECKING = False  # typing itself would cost a tenth of the start-up
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

STATUS = (
    "exit status: 0 done, 1 something checked is wrong, 2 usage, 3 unreadable or invalid input, 4 a limit was hit, 70 our fault, "
    "130 interrupted"
)


FORMATS = tuple(style for style in ENDINGS.values() if style != "csv")
"""What a page can be written in; CSV is for a class, and for questions as other banks of them are."""


VIEWED = ENDINGS.get("html", "text")
"""What --open makes of a page when nothing else is said."""

TIME_LIMIT = 10.0
"""Seconds that a line, or a student's function, may take, unless --time-limit says otherwise."""

PAGE_LEVELS = {"brief": "results", "steps": "with the chain rule", "full": "every line"}
ARRAY_LEVELS = {
    "index": "over arrays, every line", "matrix": "what it comes to as matrices", "components": "gradients entry by entry",
}  # fmt: skip
"""How much of each chain a page shows, and how far arrays are written out."""


def read_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of a command line.  Where no format is given, the ending of the file that is written says which.

    Raises UsageError for what the parser does not take.
    """
    words = sys.argv[1:] if arguments is None else arguments
    options = parser(next((word for word in words if not word.startswith("-")), "")).parse_args(words)
    if vars(options).get("output") == "":
        raise UsageError("-o: the name of a file is missing")
    if "format" in options:
        options.explicit = options.format is not None
        folder = vars(options).get("variants") is not None
        usual = VIEWED if options.open else "text"
        options.format = options.format or format_of(None if folder else options.output, options.formats, usual)
        if options.open and folder:
            raise UsageError("--open is for one page, and --variants writes many")
        if options.format in COMPILED:
            from derive.formats.pdf import require_compiler

            if options.output is None and not options.open:
                raise UsageError(f"--format {options.format} is not text: add -o FILE.{ending_of(options.format)}")
            require_compiler()
        if options.ascii and options.format != "text":
            raise UsageError("--ascii goes with --format text")
    return options


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


class _Version(argparse.Action):
    """Looks at the versions only when they are asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            sympy = f"SymPy {version('sympy')}"
        except PackageNotFoundError:
            sympy = "SymPy is not installed"
        python = ".".join(map(str, sys.version_info[:3]))
        sys.stdout.write(f"derive {__version__} ({sympy}, Python {python})\n")
        parser.exit()


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The commands and their options; with `only`, those of one command, which is all that a run needs."""
    top = _Parser(
        prog="derive", description="Backpropagation, derived line by line; every line judged before it is printed.", epilog=STATUS
    )
    top.add_argument("--version", action=_Version, nargs=0, help="the versions of derive, SymPy and Python")
    commands = top.add_subparsers(prog="derive", dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, (told, description, fill) in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=description, epilog=STATUS)
        if only is None or only == name:
            fill(command)
    return top


def _list(command: argparse.ArgumentParser) -> None:
    _letters(command)


def _show(command: argparse.ArgumentParser) -> None:
    command.add_argument("problem", metavar="PROBLEM",
                         help="a built-in name (see derive list), a path to a problem file, - for standard input, or FILE.py:NAME: "
                         "that Python file is run, and NAME in it is a PyTorch module")  # fmt: skip
    _model(command)
    command.add_argument("--of", metavar="Q", help="differentiate this quantity (the loss when left out)")
    command.add_argument("--wrt", metavar="Q", action="append", default=[],
                         help="by this quantity only; may be given several times")  # fmt: skip
    command.add_argument("--hessian", action="store_true", help="also the second derivatives, by the same quantities")
    command.add_argument("--prove", action="store_true", help="also compare with SymPy's derivative of the fully composed output")
    command.add_argument("--expand", action="store_true", help="print the problem written out equation by equation, and stop")
    command.add_argument("--emit", choices=tuple(CODE),
                         help="code instead of a page: functions forward, backward and update, and a test of them")  # fmt: skip
    levels = PAGE_LEVELS | ARRAY_LEVELS
    command.add_argument("--level", choices=tuple(levels), help="; ".join(f"{name}: {told}" for name, told in levels.items()))
    command.add_argument("--fragment", action="store_true", help="LaTeX without a preamble")
    _page(command)
    _numbers(command)


def _model(command: argparse.ArgumentParser) -> None:
    """What goes with a PyTorch module."""
    command.add_argument("--input", metavar="SIZES", action="append", default=[],
                         help="with FILE.py:NAME: the sizes of one example, 2 or 1,28,28, a batch of which is made up; or the name "
                         "of a tensor in the file; once for each input of the module")  # fmt: skip
    command.add_argument("--no-batch", action="store_true", help="with --input: these are the sizes of the whole input")
    command.add_argument("--loss", metavar="NAME", help="with FILE.py:NAME: the loss behind the module, such as mse; "
                         "left out, what comes back to it is given")  # fmt: skip
    command.add_argument("--target", metavar="NAME", help="with --loss: the tensor in the file that is the target")
    command.add_argument("--weights", action="store_true",
                         help="with FILE.py:NAME: the weights as numbers, and inputs and a target that are tensors")  # fmt: skip


def _key(command: argparse.ArgumentParser) -> None:
    command.add_argument("problem", metavar="PROBLEM", help="a built-in name, a path to a problem file, -, or the id of a paper")
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--paper-only", action="store_true", help="only what students get")
    shown.add_argument("--key-only", action="store_true", help="only what markers get")
    shown.add_argument("--worksheet", action="store_true", help="the derivation with results left blank, to fill in")
    command.add_argument("--blank", metavar="Q", action="append", default=[],
                         help="with --worksheet: leave only this result blank; may be given several times")  # fmt: skip
    command.add_argument("--paper", metavar="ID", help="the variant with this id")
    command.add_argument("--variants", type=_count(1, 10_000), metavar="N", help="N papers with other numbers, into the folder -o")
    command.add_argument("--seed", type=_count(0, 99_999), default=1, metavar="S", help="another seed gives other papers (1)")
    command.add_argument("--jobs", type=_count(1, 256), metavar="N", help="with --variants: make them with N worker processes")
    command.add_argument("--cluster", metavar="ADDRESS",
                         help="with --variants: make them on a Dask cluster: its scheduler, such as tcp://host:8786")  # fmt: skip
    command.add_argument("--force", action="store_true", help="write into a folder that is not empty")
    _page(command, (*FORMATS, *BANKS.values()))
    _numbers(command)


def _check(command: argparse.ArgumentParser) -> None:
    command.add_argument("problem", metavar="PROBLEM", help="a built-in name or a path to a problem file")
    command.add_argument("answers", metavar="ANSWERS", nargs="?",
                         help="text, CSV with a student column, or JSON; - for standard input; left out with --code")  # fmt: skip
    command.add_argument("--code", metavar="FILE.py:FUNCTION",
                         help="instead of ANSWERS: run this function on random inputs, in a process of its own with limits on "
                         "time and memory, and judge the numbers it returns. No other option of this command runs a file of "
                         "yours; the process is no sandbox: what it runs can do what you can")  # fmt: skip
    command.add_argument("--jobs", type=_count(1, 256), metavar="N",
                         help="judge answers with N worker processes; a line that takes too long costs that line only")  # fmt: skip
    command.add_argument("--cluster", metavar="ADDRESS", help="judge answers on a Dask cluster: its scheduler, such as tcp://host:8786")
    command.add_argument("--time-limit", type=_seconds, metavar="S",
                         help="with --code: end it after S seconds; with --jobs: give a line up after S seconds (10)")  # fmt: skip
    command.add_argument("--seed", type=_count(0, 99_999), metavar="S",
                         help="with --code: another seed gives other inputs (1)")  # fmt: skip
    command.add_argument("--paper", metavar="ID", help="the variant that was answered, by the id printed on it")
    command.add_argument("--fail-on-wrong", action="store_true", help="exit with 1 if any line is wrong, carried or not readable")
    _page(command, (*FORMATS, "csv"))
    _numbers(command)


def _explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", nargs="?", help="chain-rule, loss-sign, sigmoid, adam (derive explain lists them)")
    _page(command, tuple(style for style in FORMATS if style != "json"))


def _new(command: argparse.ArgumentParser) -> None:
    command.add_argument("--title", metavar="TEXT", help="the title of the page")
    command.add_argument("--sizes", metavar="N,N,...", help="units in each layer, inputs first (2,2,1)")
    command.add_argument("--activation", metavar="NAME[,NAME]",
                         help="of every layer; of the hidden layers and the output; or one for each layer (sigmoid)")  # fmt: skip
    command.add_argument("--loss", metavar="NAME", help="the loss (half_squared_error)")
    command.add_argument("--biases", metavar="WHICH", help="each: one for every unit; shared: one for every layer; none (each)")
    command.add_argument("--learning-rate", metavar="X", help="the learning rate (0.5)")
    command.add_argument("--rule", metavar="NAME", help="the update rule (sgd)")
    values = command.add_mutually_exclusive_group()
    values.add_argument("--numbers", dest="values", action="store_const", const="numbers", help="give every name a number")
    values.add_argument("--symbols", dest="values", action="store_const", const="symbols", help="leave every name a symbol")
    command.add_argument("--seed", metavar="S", help="another seed gives other numbers (1)")
    command.add_argument("-o", dest="output", metavar="FILE", help="write there instead of standard output")
    command.add_argument("--force", action="store_true", help="write over a file that is there")
    _language(command)


def _completion(command: argparse.ArgumentParser) -> None:
    command.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


def _page(command: argparse.ArgumentParser, formats: tuple[str, ...] = FORMATS) -> None:
    """What every command that writes a page takes."""
    command.set_defaults(formats=formats)
    command.add_argument("--format", choices=formats, help="left out: by the ending of -o FILE, else text")
    command.add_argument("-o", dest="output", metavar="FILE", help="write there instead of standard output")
    _language(command)
    command.add_argument("--color", choices=("auto", "always", "never"), default="auto",
                         help="auto: on a terminal that has colours, unless NO_COLOR is set")  # fmt: skip
    command.add_argument("--digits-script", choices=("latin", "persian"), default="latin", help="the digits of a page")
    command.add_argument("--no-bidi-marks", dest="bidi_marks", action="store_false",
                         help="text without the invisible marks that keep -0.5 in order among Persian words")  # fmt: skip
    _letters(command)
    command.add_argument("--open", action="store_true",
                         help="open the page with the system's viewer: the file of -o, or one that is made for it")  # fmt: skip


def _language(command: argparse.ArgumentParser) -> None:
    command.add_argument("--lang", choices=LANGUAGES, default="en", help="language of the page")


def _letters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--ascii", action="store_true", help="text in ASCII only, formulas as they are typed")


def _numbers(command: argparse.ArgumentParser) -> None:
    """What every command that shows numbers takes."""
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


def _seconds(text: str) -> float:
    value = float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else 0.0
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0.1 to 3600")
    return value


COMMANDS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "list": ("the built-in problems", "The built-in problems.", _list),
    "show": ("the derivation of a problem", "The derivation: forward, backward, update.", _show),
    "key": (
        "the paper and its answer key; with --variants, many of them",
        "The paper (question, network, numbers, room for answers) and its key: every line worked out, answers boxed.",
        _key,
    ),
    "check": (
        "audit somebody's answers, or the code that computes them",
        "The audit of somebody's answers, line by line; or of the numbers that a Python function of theirs returns.",
        _check,
    ),
    "explain": (
        "a law, a slip, an operation or an update rule on a page",
        "What a law, a slip, an operation or an update rule is, with an example worked for it. Without a name: what there is.",
        _explain,
    ),
    "new": (
        "write a problem file to start from",
        "A commented problem file to change. Without any of these options it asks a few questions, on a terminal.",
        _new,
    ),
    "completion": (
        "completion for a shell",
        "Print the completion script for a shell: source it, or put it where the shell looks for such scripts.",
        _completion,
    ),
    "man": ("the manual page", "Print the manual page in roff: derive man | man -l -", lambda command: None),
}
"""For each command a line on it, a sentence on it, and its options."""
