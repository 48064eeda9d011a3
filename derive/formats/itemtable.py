"""The questions of some papers as CSV: a row for each, with what is accepted and what each slip gives.

Owns `render_table`.  No cell is a formula to a spreadsheet; quantities are as they are typed.  May import: exercises.keys,
quizpages, rounding, formats.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

from derive.exercises.gradings import Grading
from derive.exercises.keys import defused
from derive.formats.plain import typed, typed_words
from derive.formats.webtex import in_ascii
from derive.quizpages import Question, Quiz
from derive.rounding import spell

COLUMNS = (
    "paper", "title", "label", "quantity", "question", "value", "tolerance", "low", "high", "digits", "places", "feedback",
)  # fmt: skip


MARK = "\ufeff"
"""What tells a spreadsheet that the letters are those of Unicode."""


def render_table(quizzes: Sequence[Quiz[Grading]]) -> str:
    """The whole table; behind the fixed columns stand value, tolerance and feedback of each slip."""
    most = max(len(question.wrong) for quiz in quizzes for question in quiz.questions)
    slips = [f"slip {k} {what}" for k in range(1, most + 1) for what in ("value", "tolerance", "feedback")]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, *slips])
    for quiz in quizzes:
        for question in quiz.questions:
            row = _row(quiz, question)
            writer.writerow([defused(in_ascii(cell)) for cell in (*row, *[""] * (len(COLUMNS) + len(slips) - len(row)))])
    table = stream.getvalue()
    return table if table.isascii() else MARK + table


def _row(quiz: Quiz[Grading], question: Question[Grading]) -> list[str]:
    grading = question.grading
    shown, tolerance, places = Decimal(grading.shown), grading.tolerance, grading.asked.places

    row = [quiz.paper_id, quiz.title, question.label, typed(grading.tree), typed_words((*question.find, " ", *question.carry))]
    row += [grading.shown, spell(tolerance), spell(shown - tolerance), spell(shown + tolerance)]
    row += [str(grading.asked.digits) if places is None else "", "" if places is None else str(places)]
    row.append(" ".join(typed_words(line) for line in question.general))
    for wrong, feedback in zip(grading.wrong, question.wrong, strict=True):
        row += [spell(wrong.value), spell(wrong.tolerance), typed_words(feedback)]
    return row
