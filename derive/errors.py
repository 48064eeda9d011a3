"""What can go wrong, in the words of the person who typed the input.

Owns the exceptions and the exit status each one means.  Imports nothing of ours.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class DeriveError(Exception):
    """A failure that is told in one line; `exit_status` is what the command returns."""

    exit_status = 70


class UsageError(DeriveError):
    """The command was called with words that do not fit."""

    exit_status = 2


class InputError(DeriveError):
    """An input cannot be read or is not valid; the message names file and place."""

    exit_status = 3


class LimitError(DeriveError):
    """The input is valid but asks for more than the limits allow."""

    exit_status = 4


class FormulaError(DeriveError):
    """A typed formula cannot be read; `position` counts characters from 1."""

    exit_status = 3

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class JudgementError(DeriveError):
    """A line of our own does not hold.  It is our fault, so nothing is printed."""

    exit_status = 70


JOINERS = "\u200c\u200d"
"""The half-space of Persian, and its opposite."""


def printable(text: str) -> str:
    """Text from a file without what moves a terminal; the half-space of Persian is kept.

    >>> printable("a" + chr(27) + "[2Jb")
    'a[2Jb'
    """
    return "".join(c for c in text if c.isprintable() or c in "\n\u200c\u200d").replace("\n", " ")


def shown(text: object, length: int = 60) -> str:
    """Text from outside as it may stand in a message: at most so long, and nothing that moves a terminal.

    >>> shown("a" + chr(27) + "[2J"), shown("abcdefgh", 6)
    ('a?[2J', 'abc...')
    """
    raw = str(text)
    safe = "".join(c if c.isprintable() or c in JOINERS else "?" for c in raw[: length + 1])
    return safe if len(raw) <= length else safe[: length - 3] + "..."


LONGEST_WORD = 60
"""Nothing is suggested for a longer word: comparing costs its length times that of every known one."""


def suggest(word: str, known: Iterable[str]) -> str:
    """A tail for a message: what was probably meant, or nothing.

    >>> suggest("sigmiod", ["sigmoid", "tanh"])
    "; did you mean 'sigmoid'?"
    >>> suggest("qqq", ["sigmoid", "tanh"])
    ''
    """
    from difflib import get_close_matches

    if len(word) > LONGEST_WORD:
        return ""
    close = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
