"""What is said of an operation that is not known: its name in PyTorch, the line of the user's source, and what to do.

Owns `HINTS`, `name_of`, `user_line` and `leaves`.  May import: models.operations.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from derive.models.operations import READ

HINTS = {
    "unknown": "write it with operations that are known (the README lists them), or add a row to derive/models/operations.py",
    "way": "write this part of the model otherwise, or leave it out",
    "data": "give the model without this, or the branch you want as a model of its own",
    "fault": "this is our fault, please report it with the model",
}


def name_of(func: Callable[..., Any]) -> str:
    """The last part of an operation's name in PyTorch; of a property, that of the property."""
    from torch.overrides import resolve_name

    name = getattr(func, "__name__", "")
    if name == "__get__":
        full = resolve_name(func) or ""
        attribute = full.removesuffix(".__get__").rpartition(".")[2]
        return attribute if attribute in ("T", "mT", "H") else "__get__"
    plain = name.strip("_") if name.startswith("__") and name not in READ else name
    return plain or str(func)


def is_users(filename: str) -> bool:
    """Whether a line of source is the user's own."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return (
        not filename.startswith((ours, "<")) and f"{os.sep}site-packages{os.sep}" not in filename and "/lib/python" not in filename
    )


def user_line(frames: Iterable[traceback.FrameSummary]) -> str:
    """The last line of the user's own among some: `net.py line 12`; nothing where there is none."""
    own = [frame for frame in frames if is_users(frame.filename)]
    return f"{os.path.basename(own[-1].filename)} line {own[-1].lineno}" if own else ""


def leaves(item: Any) -> Iterator[Any]:
    """What a nest of tuples, lists and dictionaries holds."""
    if isinstance(item, tuple | list):
        for inner in item:
            yield from leaves(inner)
    elif isinstance(item, dict):
        for inner in item.values():
            yield from leaves(inner)
    else:
        yield item
