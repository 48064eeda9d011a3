"""A key as files or as one text: the paper and the worked key in any format, and the same as data.

Owns `render_key`, `titled_pages`, `key_files` and the schema `derive/key-1`.  May import: derivation, decisions, blocks, keypages,
exercises.keys, tables.endings, formats.
"""

from __future__ import annotations

import json
from dataclasses import replace

from derive.blocks import Heading, Page
from derive.decisions import Proof
from derive.derivation import Derivation
from derive.exercises.keys import entries_of
from derive.formats import draw_page, draw_pages
from derive.formats.arrayjson import render_arrays
from derive.formats.exam import render_exam
from derive.formats.json import render_json
from derive.keypages import Sheets
from derive.sentences import Speaker
from derive.tables.endings import ending_of
from derive.tensors.work import ArrayDerivation

WHOLE = ("latex", "json")
"""Formats in which paper and key are one document rather than two pages."""


def render_key(sheets: Sheets, work: Derivation | ArrayDerivation | Proof, style: str, paper_id: str = "") -> str:
    """Paper and key as one text, each under a heading that says which it is; LaTeX is one exam file, JSON the data."""
    if style == "latex":
        return render_exam(sheets, paper_id)
    if style == "json":
        return _data(work, paper_id)
    return draw_pages(titled_pages(sheets), style)


def titled_pages(sheets: Sheets) -> tuple[Page, Page]:
    """Paper and key, each under a heading that says which it is."""
    speaker = Speaker(sheets.language)
    return _titled(sheets.paper, speaker.word("key", "paper-title")), _titled(sheets.key, speaker.word("key", "key-title"))


def _titled(page: Page, kind: str) -> Page:
    top, *rest = page.blocks
    assert isinstance(top, Heading)
    title = f"{top.text}: {kind}"
    return replace(page, title=title, blocks=(Heading(1, title), *rest))


def key_files(sheets: Sheets, work: Derivation | ArrayDerivation | Proof, style: str, paper_id: str) -> dict[str, str]:
    """The files of one variant by name: a paper and a key, or the one exam file that is both, or the data."""
    end = ending_of(style)
    if style in WHOLE:
        return {f"{paper_id}.{end}": render_key(sheets, work, style, paper_id)}
    return {f"{paper_id}-paper.{end}": draw_page(sheets.paper, style), f"{paper_id}-key.{end}": draw_page(sheets.key, style)}


def _data(work: Derivation | ArrayDerivation | Proof, paper_id: str) -> str:
    """The schema `derive/key-1`: what was given, what is asked with its answers, and the derivation's own data."""
    problem = work.problem
    answers = {}
    if isinstance(work, Derivation):
        for entry in entries_of(work):
            value: str | list[str] | None = list(entry.shown) if entry.vector else entry.shown[0] if entry.shown else None
            answers[entry.label] = value if value else None
    data = {
        "schema": "derive/key-1",
        "paper": paper_id or None,
        "title": problem.title,
        "question": problem.question,
        "given": {name: number.text for name, number in problem.given.items()},
        "examples": [{name: number.text for name, number in example.items()} for example in problem.examples],
        "answers": answers,
        "worked": json.loads(render_arrays(work) if isinstance(work, ArrayDerivation) else render_json(work)),
    }
    return json.dumps(data, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
