r"""The manual page derive(1), made from the parser.

Owns `man_page`.  It is written with the man macros; `-` and `\` are escaped, a line never begins with a dot or a quote.  May
import: arguments, tables.endings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator

from derive import __version__
from derive.arguments import Argument, Command, commands, top_options
from derive.tables.endings import BANKS, ENDINGS

NAME = "backpropagation, derived line by line"

DESCRIPTION = (
    "derive turns a small neural network, written as named equations, into the derivation a teacher would put on the board: "
    "forward pass, error signals, every weight and bias gradient, the numbers, the update. Every line names its reason and is "
    "judged before it is printed.",
    "A PROBLEM is the name of a built-in one (derive list), the path to a problem file, or - for standard input. Results go to "
    "standard output, messages to standard error. A file appears only when it is complete.",
)

STATUSES = {
    "0": "Done.",
    "1": "Something checked is wrong (derive check --fail-on-wrong).",
    "2": "The command was called with words that do not fit, or its output cannot be written.",
    "3": "An input cannot be read or is invalid.",
    "4": "A limit was hit.",
    "70": "Our fault: please report it.",
    "130": "Interrupted; nothing is left half written.",
}

ENVIRONMENT = {
    "NO_COLOR": "If it is set to anything, no colours on a terminal.",
    "FORCE_COLOR": "If it is set to anything, colours even on a terminal that calls itself dumb. What goes to a pipe does not "
    "change: use --color always.",
    "TERM": "A terminal that is dumb gets neither colours nor bold letters.",
    "COLUMNS": "How broad the terminal is, where it does not say so itself.",
    "BROWSER": "What --open opens a page with.",
}

FILES = {
    "*.toml": "A problem file: [given] numbers, [forward] equations, [train], [ask] and more; derive new writes one to start "
    "from, and derive show PROBLEM --expand writes any problem out as one.",
}

EXAMPLES = {
    "derive show q1": "The whole derivation of a built-in problem.",
    "derive show q1 --wrt w5 -o w5.tex": "One gradient, as LaTeX.",
    "derive key q1 --variants 30 --seed 7 -o papers": "Thirty different papers with their keys.",
    "derive check q1 answers.txt": "An audit of somebody's answers.",
    "derive new --sizes 2,3,1 --activation tanh -o net.toml": "A problem file of your own.",
    "derive explain chain-rule": "A law, and a line that it allows.",
    'eval "$(derive completion bash)"': "Completion in this shell.",
}

SECTIONS = {"EXIT STATUS": STATUSES, "ENVIRONMENT": ENVIRONMENT, "FILES": FILES, "EXAMPLES": EXAMPLES}

SHARED = 3
"""Commands that have an option from which on it is described once for all of them."""


MOST_WORDS = 20
"""Words an option can be that are listed."""


def man_page() -> str:
    """The page in roff.

    >>> man_page().splitlines()[1]
    '.SH NAME'
    """
    return "\n".join(_lines()) + "\n"


def escaped(text: str) -> str:
    r"""Text as roff prints it literally.

    >>> print(escaped(r".SH in C:\x, naïve - 'q'"))
    \&.SH in C:\ex, na\[u00EF]ve \- \(aqq\(aq
    """
    marks = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}
    safe = "".join(marks.get(c, c if c.isascii() else f"\\[u{ord(c):04X}]") for c in text if c.isprintable())
    return rf"\&{safe}" if safe.startswith(".") else safe


def _bold(text: str) -> str:
    return rf"\fB{escaped(text)}\fR"


def _slanted(text: str) -> str:
    return rf"\fI{escaped(text)}\fR"


def _lines() -> Iterator[str]:
    every = commands()
    shared = _shared(every)
    yield f'.TH DERIVE 1 "" "derive {escaped(__version__)}" "User Commands"'
    yield from (".SH NAME", rf"derive \- {escaped(NAME)}", ".SH SYNOPSIS")
    for place, command in enumerate(every):
        yield from [".br"] * bool(place)
        yield " ".join([_bold(f"derive {command.name}"), *_usage(command)])
    yield ".SH DESCRIPTION"
    for place, paragraph in enumerate(DESCRIPTION):
        yield from [".PP"] * bool(place)
        yield escaped(paragraph)
    for option in top_options():
        yield from _entry(_option(option), option.help)
    yield ".SH COMMANDS"
    for command in every:
        yield from _command(command, shared)
    yield ".SH COMMON OPTIONS"
    for option in shared.values():
        yield from _entry(_option(option), option.help)
    yield ".SS Formats by the endings of files"
    for ending, style in (ENDINGS | BANKS).items():
        yield from _entry(_bold(f".{ending}"), style)
    for title, entries in SECTIONS.items():
        yield f".SH {title}"
        for name, text in entries.items():
            yield from _entry(_bold(name), text)


def _shared(every: Iterable[Command]) -> dict[tuple[tuple[str, ...], str], Argument]:
    """The options that `SHARED` commands have, and say the same about."""
    options = [option for command in every for option in command.options]
    times = Counter(map(_key, options))
    return {_key(option): option for option in options if times[_key(option)] >= SHARED}


def _key(option: Argument) -> tuple[tuple[str, ...], str]:
    return option.flags, option.help


def _command(command: Command, shared: Container[tuple[tuple[str, ...], str]]) -> Iterator[str]:
    yield f".SS derive {command.name}"
    yield escaped(command.description)
    for argument in command.positional:
        yield from _entry(_slanted(argument.metavar), argument.help)
    for option in command.options:
        if _key(option) not in shared:
            words = option.words if len(option.words) <= MOST_WORDS and option.metavar != "|".join(option.words) else ()
            yield from _entry(_option(option), option.help + (f": {', '.join(words)}" if words else ""))
    common = [_bold(option.flags[-1]) for option in command.options if _key(option) in shared]
    yield from (".PP", f"Common options: {', '.join(common)}.")


def _usage(command: Command) -> list[str]:
    """The arguments of a command in the synopsis."""
    named = [_slanted(argument.metavar) for argument in command.positional]
    optional = [text if argument.required else f"[{text}]" for text, argument in zip(named, command.positional, strict=True)]
    return [*optional, f"[{_slanted('options')}]"]


def _option(option: Argument) -> str:
    value = f" {_slanted(option.metavar)}" if option.metavar else ""
    return ", ".join(f"{_bold(flag)}{value}" for flag in option.flags)


def _entry(tag: str, text: str) -> tuple[str, str, str]:
    return (".TP", tag, escaped(text))
