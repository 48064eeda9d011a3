"""The gradebook of a class as CSV: a row for each student, a column for each item.

Owns `render_gradebook`, and `gradebook_lines` for a class that comes paper by paper.  May import: exercises.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from derive.exercises.classes import Class, Marks, marks_of
from derive.exercises.keys import defused
from derive.exercises.verdicts import VERDICTS


def render_gradebook(grades: Class) -> str:
    """The gradebook: student, paper, how many lines of each verdict, the slips named, then the verdict on each item."""
    return "".join(gradebook_lines(grades.names, map(marks_of, grades.audits)))


def gradebook_lines(names: Sequence[str], papers: Iterable[Marks]) -> Iterator[str]:
    """The lines of a gradebook with these items, each when its paper is there."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")

    def line(cells: Sequence[object]) -> str:
        stream.seek(0)
        stream.truncate()
        table.writerow(cells)
        return stream.getvalue()

    yield line(["student", "paper", *VERDICTS, "missing", "slips", *map(defused, names)])
    for marks in papers:
        verdicts: dict[str, str] = {}
        for name, verdict, _ in marks.lines:
            verdicts[name] = f"{verdicts[name]} {verdict}" if name in verdicts else verdict
        missing = sum(name not in verdicts for name in names)
        student, paper, counts = defused(marks.student), defused(marks.variant), marks.score.values()
        yield line(
            [student, paper, *counts, missing, " ".join(marks.slips), *(verdicts.get(name, "missing") for name in names)]
        )
