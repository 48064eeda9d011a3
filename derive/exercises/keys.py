"""What an answer key answers: the quantities a problem asks for, each with its value.

Owns `Entry`, `asked_of`, `entries_of`, the answer sheet of many papers as CSV, and the defusing of its cells.  May import: written,
arithmetic, problem, derivation.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from derive.arithmetic import key_of
from derive.derivation import Derivation
from derive.problem import Problem
from derive.written import Later, Name, Partial, Tree


@dataclass(frozen=True)
class Entry:
    """One thing asked for: its label, as an answer file would name it; the tree; and its shown digits, none where it has no value.

    `label` is the asker's own where the problem asks in its own words.
    """

    label: str
    tree: Tree
    shown: tuple[str, ...] = ()
    vector: bool = False


def asked_of(problem: Problem) -> tuple[tuple[str, Tree, bool], ...]:
    """What a problem wants answered: its [ask]; without one, the loss, every gradient and every new parameter."""
    if problem.asks:
        return tuple((ask.label, ask.tree, ask.vector) for ask in problem.asks)
    train = problem.train
    found: list[tuple[str, Tree]] = [(train.loss, Name(train.loss))]
    found += [(f"d{train.loss}/d{name}", Partial(train.loss, name)) for name in problem.moving]
    if train.learning_rate is not None:
        found += [(f"{name}+", Later(Name(name), 1)) for name in problem.moving]
    return tuple((label, tree, False) for label, tree in found)


def entries_of(work: Derivation) -> tuple[Entry, ...]:
    """The answers of a derivation, in the order of the question.

    >>> import derive
    >>> [(e.label, e.shown[0]) for e in entries_of(derive.derive(derive.find("q1")))][1:3]
    [('dL/dw5', '0.0766137'), ('dL/dw6', '-0.0178341')]
    """
    if work.answers:
        return tuple(
            Entry(a.ask.label, a.ask.tree, tuple(work.rounding.show(v, a.exact) for v in a.values or ()), a.ask.vector)
            for a in work.answers
        )
    return tuple(Entry(label, tree, _shown(work, tree)) for label, tree, _ in asked_of(work.problem))


def _shown(work: Derivation, tree: Tree) -> tuple[str, ...]:
    updates, plain = (tree.updates, tree.body) if isinstance(tree, Later) else (0, tree)
    key = key_of(plain)
    if len(work.states) <= updates or key is None or key not in work.states[updates].values:
        return ()
    state = work.states[updates]
    return (work.rounding.show(state.values[key], key in state.exact),)


# --- the answer sheet -------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_FORMULA = tuple("=@+-＝＠＋－")

HALF_SPACE = "\u200c"
"""The half-space of Persian, the one character without ink that words need."""


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; a number stays a number.

    >>> defused("=cmd()"), defused("-0.25"), defused("-w"), defused("dL/dw5")
    ("'=cmd()", '-0.25', "'-w", 'dL/dw5')
    """
    if _NUMBER.fullmatch(cell):
        return cell
    safe = "".join(c if c.isprintable() or c == HALF_SPACE else " " for c in cell)
    return f"'{safe}" if safe.lstrip().startswith(_FORMULA) or cell[:1].isspace() else safe


class AnswerRows:
    """The rows of an answer sheet as they come: of each paper its id and its digits, under columns that all papers share."""

    def __init__(self) -> None:
        self.columns: dict[str, int] = {"paper": 0}
        self.rows: list[list[str]] = []

    def add(self, paper: str, answers: Iterable[tuple[str, Sequence[str]]]) -> None:
        """One more paper, with the label of each answer and the digits it shows; a vector has a column for each component."""
        row = [paper, *[""] * (len(self.columns) - 1)]
        for label, shown in answers:
            for k, digits in enumerate(shown, 1):
                place = self.columns.setdefault(f"{label}[{k}]" if len(shown) > 1 else label, len(self.columns))
                row += [""] * (place + 1 - len(row))
                row[place] = digits
        self.rows.append(row)

    def text(self) -> str:
        """The sheet as CSV."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(map(defused, self.columns))
        writer.writerows([*map(defused, row), *[""] * (len(self.columns) - len(row))] for row in self.rows)
        return stream.getvalue()


def answer_sheet(papers: Iterable[tuple[str, Sequence[Entry]]]) -> str:
    """One row for each paper, a column for each quantity; a vector has a column for each component."""
    sheet = AnswerRows()
    for paper, entries in papers:
        sheet.add(paper, ((entry.label, entry.shown) for entry in entries))
    return sheet.text()
