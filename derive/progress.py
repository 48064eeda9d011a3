"""A progress bar for long work, on a terminal's standard error and in notebooks; nothing anywhere else, and nothing for short work.

Owns `track`.  Rich is imported when a bar is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 1.0
"""Seconds that work may take before a bar is drawn."""

Item = TypeVar("Item")


def track(items: Iterable[Item], total: int, doing: str, language: str = "en") -> Iterator[Item]:
    """The items one by one, with a bar while it takes long; `doing` is a key of the catalogue's `[progress]`.

    >>> list(track([1, 2], 2, "judging"))
    [1, 2]
    """
    if not _is_watched():
        yield from items
        return
    bar, start = None, monotonic()
    try:
        for count, item in enumerate(items):
            if bar is None and count and monotonic() - start > PATIENCE:
                bar = _bar(total, doing, language)
            if bar is not None:
                bar.update(bar.task_ids[0], completed=count)
            yield item
    finally:
        if bar is not None:
            bar.stop()


def _is_watched() -> bool:
    """Whether somebody sees what is drawn: a terminal, or a notebook's page."""
    shell = sys.modules.get("IPython")
    in_notebook = shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
    return in_notebook or (sys.stderr is not None and sys.stderr.isatty())


def _bar(total: int, doing: str, language: str) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from derive.sentences import Speaker

    said = TextColumn("{task.description}", markup=False)
    bar = Progress(said, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    bar.add_task(Speaker(language).word("progress", doing), total=total)
    bar.start()
    return bar
