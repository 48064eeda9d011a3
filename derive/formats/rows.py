"""A long sum over several rows, the same in every format that sets type.

Owns `rows_of_sum`.  May import: blocks, written.
"""

from __future__ import annotations

from collections.abc import Sequence

from derive.blocks import Shown
from derive.written import Name, Negative, Nested, Number, Partial, Second, Sum, Tree, walk

WIDEST = 12
"""Terms of a sum that stand on one line."""

LONG_TERM, LONG_LINE = 30, 70
"""How broad a term is with which a sum is broken by breadth, and how broad its lines then are; see `_breadth`."""


def rows_of_sum(tree: Shown) -> list[tuple[str, Shown]]:
    """The rows of a right side: the sign a row begins with, none on the first, and what stands on it.

    >>> from derive.written import Name
    >>> rows_of_sum(Name("a"))
    [('', Name(name='a'))]
    """
    starts = _starts(tree.terms) if isinstance(tree, Sum) else [0]
    if not isinstance(tree, Sum) or len(starts) == 1:
        return [("", tree)]
    rows: list[tuple[str, Shown]] = []
    for start, end in zip(starts, [*starts[1:], len(tree.terms)], strict=True):
        first, *rest = tree.terms[start:end]
        sign = "" if start == 0 else "-" if isinstance(first, Negative) else "+"
        head = first.body if start and isinstance(first, Negative) else first
        rows.append((sign, Sum((head, *rest))))
    return rows


def _starts(terms: Sequence[Tree]) -> list[int]:
    """The terms with which the rows of a sum begin."""
    breadths = [_breadth(term) for term in terms]
    longest = LONG_LINE if max(breadths) >= LONG_TERM else sum(breadths)
    starts, room = [0], longest
    for place, breadth in enumerate(breadths):
        if place > starts[-1] and (breadth > room or place == starts[-1] + WIDEST):
            starts.append(place)
            room = longest
        room -= breadth
    return starts


def _breadth(term: Tree) -> int:
    """How broad a term is, about, in characters: the same whatever digits its numbers have."""
    breadths = {Number: 7, Name: 3, Partial: 6, Nested: 10, Second: 10}
    return sum(breadths.get(type(node), 1) for node in walk(term))
