"""The parser as data: each command with its arguments and the words that may stand for them.

Owns `Argument`, `Command`, `top_options` and `commands`, which completion and the man page are made from.  May import: options,
spec, starters, tables.rules, explainpages.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from derive.explainpages import groups
from derive.options import COMMANDS, parser
from derive.spec import built_in_names
from derive.starters import ACTIVATIONS, BIASES, LOSSES
from derive.tables.rules import RULES

FILES = ("problem", "answers", "code", "output")
"""Arguments that may be the name of a file."""


def known_words() -> Mapping[str, tuple[str, ...]]:
    """The words an argument can be, where the parser itself does not say them."""
    return {
        "problem": built_in_names(),
        "name": tuple(name for names in groups().values() for name in names),
        "activation": ACTIVATIONS,
        "loss": LOSSES,
        "biases": BIASES,
        "rule": tuple(RULES),
    }


@dataclass(frozen=True)
class Argument:
    """An option by its `flags`, or a positional argument, which has none.

    `metavar` is what stands for its value, "" where it takes none; `words` are what that can be, besides `files`.  `excludes` are
    flags that cannot stand beside it.
    """

    flags: tuple[str, ...]
    metavar: str
    help: str
    words: tuple[str, ...] = ()
    files: bool = False
    repeated: bool = False
    required: bool = True
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """A command: its name, a line and a sentence on it, its options and its positional arguments."""

    name: str
    line: str
    description: str
    options: tuple[Argument, ...]
    positional: tuple[Argument, ...]


def top_options() -> tuple[Argument, ...]:
    """The options that stand before a command."""
    return tuple(argument for argument in _arguments(parser()) if argument.flags)


def commands() -> tuple[Command, ...]:
    """Every command, in the order of the help.

    >>> show = next(command for command in commands() if command.name == "show")
    >>> [argument.metavar for argument in show.positional], show.options[-1].flags
    (['PROBLEM'], ('--carry',))
    """
    parsers = _subparsers(parser()).choices
    found = []
    for name, (line, description, _) in COMMANDS.items():
        arguments = _arguments(parsers[name])
        options = tuple(argument for argument in arguments if argument.flags)
        found.append(Command(name, line, description, options, tuple(a for a in arguments if not a.flags)))
    return tuple(found)


def _subparsers(top: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    return next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))


def _arguments(command: argparse.ArgumentParser) -> list[Argument]:
    words = known_words()
    actions = [action for action in command._actions if not isinstance(action, argparse._SubParsersAction)]
    return [_argument(action, command, words) for action in actions]


def _argument(action: argparse.Action, command: argparse.ArgumentParser, words: Mapping[str, tuple[str, ...]]) -> Argument:
    takes = action.nargs != 0
    choices = tuple(map(str, action.choices)) if action.choices is not None else words.get(action.dest, ())
    metavar = action.metavar if isinstance(action.metavar, str) else "|".join(choices) or action.dest.upper()
    beside = [group._group_actions for group in command._mutually_exclusive_groups if action in group._group_actions]
    return Argument(
        flags=tuple(action.option_strings),
        metavar=metavar if takes else "",
        help=(action.help or "").replace("%%", "%"),
        words=choices if takes else (),
        files=action.dest in FILES,
        repeated=isinstance(action, argparse._AppendAction),
        required=action.nargs != "?",
        excludes=tuple(flag for group in beside for other in group if other is not action for flag in other.option_strings),
    )
