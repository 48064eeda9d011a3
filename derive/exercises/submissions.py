"""Files of answers taken apart into submissions: who answered what, as typed, nothing read yet.

Owns `Cell`, `Submission`, `decoded`, `split_answers` and the files: plain text, JSON, and the rows of a CSV.  One bad answer costs
that answer only.  May import: errors.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from derive.errors import JOINERS, InputError, shown

MAX_BYTES = 1024 * 1024
MAX_CLASS_BYTES = 64 * 1024 * 1024
MAX_LINE = 20_000
MAX_ENTRIES = 20_000
MAX_JSON_DEPTH = 32

EQUALS = re.compile(r"(?<![<>])=|≈|\\approx(?![A-Za-z])")
_PAPER = re.compile(r"#\s*paper\s*:\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Cell:
    """One answer as it stands in a file: its left side and the rest.

    Where it cannot be judged, `verdict` and `fault` say so; `note` is a key of the notes that says why it was given up.
    """

    place: str
    name: str
    text: str
    verdict: str = ""
    fault: str = ""
    note: str = ""


@dataclass(frozen=True)
class Submission:
    """The answers of one person, not read yet; `variant` is the id of the paper they belong to, when the file names one."""

    student: str = ""
    variant: str = ""
    cells: tuple[Cell, ...] = ()


def split_answers(text: str, known: Collection[str]) -> tuple[Submission, ...]:
    """The submissions in a text: JSON (it opens with `{` or `[`), CSV (its first line has a column "student"), or lines.

    `known` are the quantities of the problem, which a key of JSON may be.  Raises InputError for what cannot be read at all.

    >>> (one,) = split_answers("h1 = 0.594  # near", ())
    >>> one.cells
    (Cell(place='line 1', name='h1', text='0.594', verdict='', fault='', note=''),)
    """
    if text.lstrip()[:1] in ("{", "["):
        return tuple(_json_submissions(text, known))
    delimiter = class_delimiter(text)
    if delimiter:
        lines = iter(text.split("\n"))
        table = read_header(lines, delimiter)
        grouped: dict[tuple[str, str, int], list[Cell]] = {}
        for row in table.rows(enumerate(lines, table.number + 1)):
            grouped.setdefault(row.key, []).extend(row.cells)
        return tuple(submission_of(key, cells) for key, cells in grouped.items())
    return (_text_submission(text),)


def decoded(data: bytes | str) -> str:
    """The text of a file, its lines ended alike.  Raises InputError where it is too large or no text."""
    if isinstance(data, str):
        text = data.removeprefix("\ufeff")
        size = len(text)
    else:
        size = len(data)
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise InputError("is UTF-16; save it as UTF-8")
        if data[:4] == b"PK\x03\x04" or (data[:1] == b"\x80" and data[1:2] <= b"\x05"):
            raise InputError("is no text: it should hold answers, one a line")
        try:
            text = data[: MAX_CLASS_BYTES + 1].decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"is not UTF-8 text (byte {error.start + 1})") from None
    limit = MAX_CLASS_BYTES if size > MAX_BYTES and class_delimiter(text) else MAX_BYTES
    if size > limit:
        raise InputError(f"the file is over the limit of {limit // (1024 * 1024)} MiB")
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- plain text -----------------------------------------------------------------------------------------------------------


def _text_submission(text: str) -> Submission:
    cells: list[Cell] = []
    variant = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if "#" in line:
            line, _, comment = line.partition("#")
            if not line.strip() and (named := _PAPER.match("#" + comment)):
                variant = _identifier(named[1])
        if not line.strip(" \t\ufeff"):
            continue
        if len(cells) >= MAX_ENTRIES:
            raise InputError(f"line {number}: more than {MAX_ENTRIES:,} answers in one file")
        cells.append(_line_cell(f"line {number}", line.strip(" \t")))
    return Submission("", variant, tuple(cells))


def _line_cell(place: str, line: str) -> Cell:
    if len(line) > MAX_LINE:
        return _bad(place, shown(line), "", f"the line is longer than {MAX_LINE:,} characters")
    name, sign, text = line.partition("=")
    if not line.isascii() or "\\" in line:
        first = EQUALS.search(line)
        if first and (not sign or first.start() < len(name)):
            name, sign, text = line[: first.start()], first[0], line[first.end() :]
    name, text = name.rstrip(), text.strip()
    if not sign:
        return _bad(place, name, "", "no '=' on the line: write quantity = number or formula")
    if text[:1] == "=" or name[-1:] in (":", "<", ">"):
        wrong = f"{name[-1]}=" if name[-1:] in (":", "<", ">") else "=="
        return _bad(place, name, text, f"'{wrong}' is not read; write one '='")
    return Cell(place, name, text)


def _bad(place: str, name: str, text: str, fault: str) -> Cell:
    return Cell(place, name, text, "unreadable", fault)


def _identifier(text: object) -> str:
    """A student's name or the id of a paper: one line, printable; the joiners of Persian names stay."""
    return "".join(c if c.isprintable() or c in JOINERS else "?" for c in str(text).strip()[:200])


# --- CSV of a class -------------------------------------------------------------------------------------------------------


def class_delimiter(text: str) -> str:
    """The delimiter of a CSV whose first line is a header with a column "student"; "" for any other text."""
    first = text.removeprefix("\ufeff").lstrip("\r\n")[:MAX_LINE].replace("\r", "\n").partition("\n")[0]
    for delimiter in ",;\t":
        if "student" in (cell.strip().strip('"').strip().lower() for cell in first.split(delimiter)):
            return delimiter
    return ""


Key = tuple[str, str, int]
"""Whose row it is: the student, the paper, and for a row without a name its number."""


@dataclass(frozen=True)
class Row:
    """One row of a class: whose it is, and its answers."""

    key: Key
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """The header of a class: its cells, where the student and the paper stand (−1: nowhere), and the number of its line.

    A `long` table has one answer in a row, under "quantity" and "answer"; any other has a column for each quantity.
    """

    header: tuple[str, ...]
    delimiter: str
    number: int
    student: int
    paper: int
    long: bool

    @cached_property
    def columns(self) -> tuple[tuple[int, str, str], ...]:
        """The columns with answers: where they stand, what heads them, and how a report calls them."""
        others = (place for place in range(len(self.header)) if place not in (self.student, self.paper))
        return tuple((place, self.header[place], f"column {shown(self.header[place], 40)}") for place in others)

    @property
    def names(self) -> tuple[str, ...]:
        """The left sides that head the columns, each once; none in a long table."""
        return () if self.long else tuple(dict.fromkeys(tidy_name(name) for _, name, _ in self.columns))

    def rows(self, lines: Iterable[tuple[int, str]]) -> Iterator[Row]:
        """The rows that hold anything, of numbered lines.  Each is read for itself, so that a quote left open costs one row."""
        for number, line in lines:
            row = self.read(number, line)
            if row is not None:
                yield row

    def read(self, number: int, line: str, fault: str = "") -> Row | None:
        """A numbered line as a row, None where it holds nothing; `fault` is what is wrong with it already."""
        if not line.strip(" \t" + self.delimiter):
            return None
        cells, wrong = _cells_of(line, self.delimiter)
        return self.row(number, cells, fault or wrong)

    def row(self, number: int, row: list[str], fault: str = "") -> Row:
        """One row, already in cells, with what is wrong with it as a whole."""
        columns = len(self.header)
        while len(row) > columns and not row[-1]:
            row.pop()
        if len(row) > columns and not fault:
            fault = f"the row has {len(row)} cells for {columns} columns; write 1.5 for 1,5, or put quotes around the cell"
        row += [""] * (columns - len(row))
        student = row[self.student]
        variant = row[self.paper] if self.paper >= 0 and not fault else ""
        if self.long:
            at = {name.lower(): place for place, name in enumerate(self.header)}
            answers = [(f"row {number}", row[at["quantity"]], row[at["answer"]])]
        else:
            answers = [(f"row {number}, {column}", name, row[place]) for place, name, column in self.columns]
        unquoted = [(place, name, text.removeprefix("'")) for place, name, text in answers]
        if fault:
            cells = [_bad(place, tidy_name(name), text, fault) for place, name, text in unquoted]
        else:
            cells = [answer_cell(place, name, text) for place, name, text in unquoted]
        return Row((student, variant, 0 if student else number), tuple(cells))


def read_header(lines: Iterator[str], delimiter: str) -> Table:
    """The header, which is the first line that holds anything.  Raises InputError where it is none."""
    number, line = next(pair for pair in enumerate(lines, start=1) if pair[1].strip(" \t" + delimiter))
    header = tuple(_cells_of(line, delimiter)[0])
    columns = [cell.lower() for cell in header]
    if columns.count("student") != 1:
        raise InputError('row 1: the column "student" stands more than once')
    paper = columns.index("paper") if "paper" in columns else -1
    return Table(header, delimiter, number, columns.index("student"), paper, "quantity" in columns and "answer" in columns)


def _cells_of(line: str, delimiter: str) -> tuple[list[str], str]:
    import csv

    fault = "a quote is opened and not closed" if line.count('"') % 2 else ""
    try:
        row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error as error:
        row, fault = line[:MAX_LINE].split(delimiter), f"the row cannot be read: {shown(error)}"
    return [cell.strip() for cell in row], fault


def submission_of(key: Key, cells: Iterable[Cell]) -> Submission:
    """What a student handed in, of all rows that are theirs."""
    return Submission(_identifier(key[0]), _identifier(key[1]), tuple(cells))


def tidy_name(name: str) -> str:
    """A left side as a report names it."""
    name = name.strip()
    return shown(name) if len(name) > MAX_LINE or "\n" in name else name


def answer_cell(place: str, name: str, text: str) -> Cell:
    """An answer whose two parts stand apart already, in a cell or under a key."""
    name, tidy, text = name.strip(), tidy_name(name), text.strip()
    if len(name) + len(text) > MAX_LINE:
        return _bad(place, tidy, shown(text), f"the answer is longer than {MAX_LINE:,} characters")
    if "\n" in text or "\n" in name:
        return _bad(place, tidy, shown(text), "an answer stands on one line")
    if text.startswith("="):
        return _bad(place, name, text, "an answer does not begin with '='")
    return Cell(place, name, text)


# --- JSON -----------------------------------------------------------------------------------------------------------------


class _Digits(str):
    """The digits of a JSON number, kept as typed."""


def _json_submissions(text: str, known: Collection[str]) -> list[Submission]:
    document = _parse_json(text)
    items = document if isinstance(document, list) else [document]
    papers = []
    for number, item in enumerate(items, start=1):
        place = f"[{number}]." if isinstance(document, list) else ""
        if not isinstance(item, dict):
            raise InputError(f'{place.rstrip(".") or "the file"}: should hold an object: {{"h1": "0.594"}}')
        papers.append(_json_submission(item, place, known))
    return papers


def _json_submission(item: Mapping[str, Any], place: str, known: Collection[str]) -> Submission:
    if "cells" in item and "nbformat" in item:
        raise InputError("is a notebook, not a file of answers")
    told = {}
    for key in ("student", "paper"):
        told[key] = item.get(key, "")
        if not isinstance(told[key], str):
            raise InputError(f"{place}{key}: should be text in quotes")
    answers = item.get("answers")
    lines = item.get("lines")
    triples: list[tuple[str, Any, Any]]
    if isinstance(answers, dict):
        triples = [(f"{place}answers.{shown(key, 40)}", key, value) for key, value in answers.items()]
    elif isinstance(lines, list):
        triples = []
        for number, line in enumerate(lines, start=1):
            if not isinstance(line, dict) or not isinstance(line.get("name"), str):
                raise InputError(f'{place}lines[{number}]: should be {{"name": "h1", "given": "0.594"}}')
            triples.append((f"{place}lines[{number}]", line["name"], line.get("given")))
    elif answers is not None or lines is not None:
        raise InputError(f'{place}{"answers" if answers is not None else "lines"}: should be {{"h1": "0.594"}}')
    else:
        meta = {key for key in ("student", "paper", "schema", "title") if key not in known}
        triples = [(f"{place}answers.{shown(key, 40)}", key, value) for key, value in item.items() if key not in meta]
    if len(triples) > MAX_ENTRIES:
        raise InputError(f"{place}more than {MAX_ENTRIES:,} answers on one paper")
    cells = tuple(_json_cell(at, name, value) for at, name, value in triples)
    return Submission(_identifier(told["student"]), _identifier(told["paper"]), cells)


def _json_cell(place: str, name: str, value: Any) -> Cell:
    if value is None:
        value = ""
    if not isinstance(value, str):
        return _bad(place, name, "", "an answer is a number, or a formula in quotes")
    return answer_cell(place, name, value)


def _parse_json(text: str) -> Any:
    import json

    _check_depth(text)

    def refuse_constant(name: str) -> Any:
        raise InputError(f"{_line_of(text, name)}{name} is not a number to compute with")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise InputError(f"{_line_of(text, json.dumps(twice, ensure_ascii=False), 2)}the key '{shown(twice)}' stands twice")
        return found

    try:
        document = json.loads(
            text, parse_float=_Digits, parse_int=_Digits, parse_constant=refuse_constant, object_pairs_hook=unique
        )
    except json.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}: is not valid JSON: {error.msg}") from None
    except RecursionError:
        raise InputError("is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"is not valid JSON: {shown(error)}") from None
    if "\\" in text and (found := re.search(r"\\u[dD][89a-fA-F]", text)) and _has_surrogate(document):
        raise InputError(f"line {text.count(chr(10), 0, found.start()) + 1}: holds half a character (a lone surrogate)")
    return document


def _check_depth(text: str) -> None:
    """Refuse what is nested too deeply, with its line, before anything builds it."""
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return
    depth = 0
    for found in re.finditer(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', text, re.DOTALL):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_JSON_DEPTH:
                line = text.count("\n", 0, found.start()) + 1
                raise InputError(f"line {line}: is nested more than {MAX_JSON_DEPTH} deep")
        elif mark in "]}":
            depth -= 1


def _line_of(text: str, wanted: str, occurrence: int = 1) -> str:
    """The line of a word, as the beginning of a message, or nothing where it cannot be found."""
    at = -1
    for _ in range(occurrence):
        at = text.find(wanted, at + 1)
        if at < 0:
            return ""
    return "line {}: ".format(text.count("\n", 0, at) + 1)


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, dict):
        return any(_has_surrogate(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(_has_surrogate, value))
