"""The gradebook of a class as CSV: a row for each student, a column for each item.

Owns `render_gradebook`.  May import: exercises.
"""

from __future__ import annotations

import csv
import io

from derive.exercises.classes import Class
from derive.exercises.keys import defused
from derive.exercises.verdicts import VERDICTS


def render_gradebook(grades: Class) -> str:
    """The gradebook: student, paper, how many lines of each verdict, the slips named, then the verdict on each item."""
    names = grades.names
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["student", "paper", *VERDICTS, "missing", "slips", *map(defused, names)])
    for audit in grades.audits:
        verdicts: dict[str, str] = {}
        for line in audit.lines:
            verdicts[line.name] = f"{verdicts[line.name]} {line.verdict}" if line.name in verdicts else line.verdict
        slips = " ".join(dict.fromkeys(slip.id for slip in audit.slips))
        missing = sum(name not in verdicts for name in names)
        student, paper = defused(audit.paper.student), defused(audit.paper.variant)
        counts = [audit.score[verdict] for verdict in VERDICTS]
        table.writerow([student, paper, *counts, missing, slips, *(verdicts.get(name, "missing") for name in names)])
    return stream.getvalue()
