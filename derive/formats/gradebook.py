"""The gradebook of a class as CSV: a row for each student, a column for each item.

Owns `render_gradebook`.  May import: exercises.classes.
"""

from __future__ import annotations

import csv
import io

from derive.exercises.classes import Class
from derive.exercises.verdicts import VERDICTS


def cell(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula, without control characters.

    >>> cell("=1+1"), cell("h1")
    ("'=1+1", 'h1')
    """
    safe = "".join(character if character.isprintable() else " " for character in text)
    return f"'{safe}" if safe.lstrip()[:1] in ("=", "+", "-", "@") or text[:1] in "\t\r" else safe


def render_gradebook(grades: Class) -> str:
    """The gradebook: student, paper, how many lines of each verdict, the slips named, then the verdict on each item."""
    names = grades.names
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["student", "paper", *VERDICTS, "missing", "slips", *map(cell, names)])
    for audit in grades.audits:
        verdicts: dict[str, str] = {}
        for line in audit.lines:
            verdicts[line.name] = f"{verdicts[line.name]} {line.verdict}" if line.name in verdicts else line.verdict
        slips = " ".join(dict.fromkeys(slip.id for slip in audit.slips))
        missing = sum(name not in verdicts for name in names)
        student, paper = cell(audit.paper.student), cell(audit.paper.variant)
        counts = [audit.score[verdict] for verdict in VERDICTS]
        table.writerow([student, paper, *counts, missing, slips, *(verdicts.get(name, "missing") for name in names)])
    return stream.getvalue()
