"""A problem over arrays as one over its entries, with everything that is asked for entry by entry.

Owns `by_entries`.  May import: errors, written, problem, scripts, tensors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from derive.errors import InputError, UsageError
from derive.problem import Ask, Problem
from derive.scripts import script_of
from derive.tensors.expansion import Expansion, cell_name, places
from derive.tensors.work import as_scalars
from derive.written import Later, Name, Partial, Tree

MOST_ASKED = 60
"""Numbers that one paper may ask for."""


def by_entries(problem: Problem) -> Problem:
    """The problem over the entries of its arrays, `W[0,1]`; asked for are, as on its paper, the gradients and what it asks itself.

    Raises InputError where numbers are missing, LimitError for large arrays, UsageError where more is asked for than one paper
    holds, or what has no entries of its own.
    """
    written = as_scalars(problem)
    if written is None:
        raise InputError(f"{problem.title or 'the problem'}: a quiz over arrays needs a number for every entry")
    scalar, expansion = written
    loss = problem.train.loss
    gradients = (Ask(f"d{loss}/d{name}", "", Partial(loss, name)) for name in problem.moving)
    own = {ask.tree: ask for ask in (*gradients, *problem.asks)}
    asks = tuple(part for ask in own.values() for part in _entries(ask, expansion))
    if len(asks) > MOST_ASKED:
        raise UsageError(f"the entries asked for are {len(asks)}, and a quiz asks for {MOST_ASKED} numbers at most")
    return replace(scalar, asks=asks, names={**problem.names, **_names(problem, expansion)}, words=problem.words)


def _entries(ask: Ask, expansion: Expansion) -> Iterator[Ask]:
    for place, tree in _cells(ask.tree, expansion):
        label = ask.label + (f"[{','.join(map(str, place))}]" if place else "")
        yield Ask(label, label, tree)


def _cells(tree: Tree, expansion: Expansion) -> Iterator[tuple[tuple[int, ...], Tree]]:
    """The entries of a quantity, of the slope of a number by it, or of its value after an update."""

    def of(name: str) -> Iterator[tuple[tuple[int, ...], str]]:
        for place in places(expansion.shapes.get(name, ())):
            yield place, cell_name(name, place)

    match tree:
        case Name(name):
            yield from ((place, Name(cell)) for place, cell in of(name))
        case Partial(number, name) if not expansion.shapes.get(number, ()):
            yield from ((place, Partial(number, cell)) for place, cell in of(name))
        case Later(Name(name), updates):
            yield from ((place, Later(Name(cell), updates)) for place, cell in of(name))
        case _:
            raise UsageError("a quiz over arrays asks for quantities, for derivatives of a number by them, and for new values")


def _names(problem: Problem, expansion: Expansion) -> dict[str, str]:
    """How entries are written: with their places below, behind what stands there already."""
    script, names = script_of(problem), {}
    for name, shape in expansion.shapes.items():
        written = script.symbol(name).latex
        below = re.fullmatch(r"([^_^]+)_\{((?:[^{}]|\{[^{}]*\})*)\}", written)
        if shape and (below or not set("_^") & set(written)):
            for place in places(shape):
                marks = ",".join(map(str, place))
                names[cell_name(name, place)] = f"{below[1]}_{{{below[2]},{marks}}}" if below else f"{written}_{{{marks}}}"
    return names
