"""Somebody's answers, as they were typed: text, CSV of a class, JSON.

Owns `Entry`, `Paper`, `reading_of` and the three file formats.  Nothing is judged here and nothing is evaluated; one bad answer
costs that answer only.  May import: errors, written, reader, symbols, tables, problem, texreader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.errors import JOINERS, FormulaError, InputError, shown
from derive.problem import Problem, check_quantity, has_stray_list
from derive.reader import MAX_DIGITS, MAX_EXPONENT, fold_characters, read_formula
from derive.symbols import GREEK
from derive.tables.ops import OPS
from derive.texreader import ACCENTS, FONTS, FRACTIONS, Glossary, letters_of, plain_formula
from derive.written import (
    Call,
    Later,
    Listing,
    MatrixProduct,
    Name,
    Negative,
    Nested,
    Number,
    Partial,
    Power,
    Relation,
    Second,
    Transpose,
    Tree,
    rebuild,
    walk,
)

MAX_BYTES = 1024 * 1024
MAX_CLASS_BYTES = 64 * 1024 * 1024
MAX_LINE = 20_000
MAX_ENTRIES = 20_000
MAX_JSON_DEPTH = 32

_NUMBER = re.compile(r"(-?)\+?((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)", re.ASCII)
_COMMA = re.compile(r"[-+]?(\d+)\s*[,،]\s*(\d+)", re.ASCII)
_EQUALS = re.compile(r"(?<![<>])=|≈|\\approx(?![A-Za-z])")
_DOUBLED = re.compile(r"(==|:=|=>)")
_MARKS = re.compile("[\u200c\u200e\u200f\u2066\u2067\u2068\u2069]")
_DIGIT_RUN = re.compile(r"[0-9۰-۹٠-٩٫٬.]+")
_E_POWER = re.compile(r"(?<![A-Za-z0-9_])e[ \t]*(?:\^|\*\*)")
_OF_SYMBOLS = re.compile(rf"[∂{''.join(GREEK.values())}]|\\(?:{'|'.join((*GREEK, *ACCENTS, *FONTS, *FRACTIONS, 'partial'))})")
_PAPER = re.compile(r"#\s*paper\s*:\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One answer.

    `name` is its left side and `text` the rest, both as typed; `quantity` and `sides` are what they mean.  `verdict` is "" when it
    can be judged, else "unreadable", "unknown" (no quantity of this problem) or "missing", and `fault` says why.  `strangers` are
    names on the right that the problem does not have and that differ from its own only in their indices.
    """

    place: str
    name: str
    text: str
    quantity: Tree | None = None
    sides: tuple[Tree, ...] = ()
    typed: tuple[str, ...] = ()
    verdict: str = ""
    fault: str = ""
    notes: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paper:
    """The answers of one person; `variant` is the id of the paper they belong to, when the file names one."""

    student: str = ""
    variant: str = ""
    entries: tuple[Entry, ...] = ()


def load_answers(path: Path | str, problem: Problem) -> tuple[Paper, ...]:
    """The answers in a file.  Raises InputError where it is no regular file, too large, or cannot be read at all."""
    path = Path(path)
    try:
        if not path.is_file():
            raise InputError(f"{path}: " + ("not a regular file" if path.exists() else "no such file"))
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES and _class_header(data[:4096].decode("utf-8-sig", "replace")):
                data += stream.read(MAX_CLASS_BYTES + 1 - len(data))
    except ValueError:
        raise InputError("the path of the answers holds a NUL character") from None
    except OSError as error:
        raise InputError(f"{shown(path)}: {error.strerror}") from None
    return read_answers(data, problem, path.name)


def read_answers(data: bytes | str, problem: Problem, where: str = "answers") -> tuple[Paper, ...]:
    r"""The papers in a file: text, JSON (it opens with `{` or `[`) or CSV (its first line is a header with a column "student").

    Raises InputError only for a file that cannot be read at all; what is wrong with one answer stands in its entry.

    >>> from derive.spec import find
    >>> (paper,) = read_answers("dL/dw5 = -0.0766\nh9 = 1", find("q1"))
    >>> paper.entries[0].quantity, paper.entries[0].sides
    (Partial(of='L', wrt='w5', direct=False, signal=False), (Negative(body=Number(text='0.0766')),))
    >>> paper.entries[1].verdict, paper.entries[1].fault
    ('unknown', "unknown name 'h9'; the problem has h1, h2")
    """
    try:
        text = _decoded(data)
        reading = reading_of(problem)
        if text.lstrip()[:1] in ("{", "["):
            return tuple(_json_papers(text, reading))
        header = _class_header(text)
        if header:
            return tuple(_class_papers(text, header, reading))
        return (_text_paper(text, reading),)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def reading_of(problem: Problem) -> Any:
    """What reads the answers to a problem, one after the other; over arrays their formulas have another grammar."""
    if problem.arrays is None:
        return _Reading(problem)
    from derive.exercises.arrayanswers import ArrayReading

    return ArrayReading(problem)


def _decoded(data: bytes | str) -> str:
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
    limit = MAX_CLASS_BYTES if size > MAX_BYTES and _class_header(text) else MAX_BYTES
    if size > limit:
        raise InputError(f"the file is over the limit of {limit // (1024 * 1024)} MiB")
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- one answer -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Left:
    """A left side, read once for the whole file; `number` tells quantities apart."""

    quantity: Tree | None
    number: int = -1
    verdict: str = ""
    fault: str = ""
    vector: bool = False


class _Reading:
    """What is known while a file is read: the problem, how its quantities are written, and the left sides met so far."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.glossary = problem, Glossary(problem)
        self.lefts: dict[str, _Left] = {}
        self.numbers: dict[Tree, int] = {}
        self.labels = {_one_space(ask.label): ask.tree for ask in problem.asks}

    def entry(self, place: str, name: str, text: str) -> Entry:
        """One answer, already cut at its first '='."""
        found = _NUMBER.fullmatch(text)
        left = self.lefts.get(name)
        if left is None:
            left = self.left(name)
        if left.verdict:
            return Entry(place, name, text, verdict=left.verdict, fault=left.fault)
        if found and len(found[2]) <= MAX_DIGITS:
            side = _number(found)
            if side is not None:
                return Entry(place, name, text, left.quantity, (side,), (text,))
        return self.written_out(place, name, text, left)

    def written_out(self, place: str, name: str, text: str, left: _Left) -> Entry:
        """An answer that is no plain number."""
        entry = Entry(place, name, text, left.quantity, notes=_notes(text))
        if text.strip() in ("", "?", "؟"):
            return replace(entry, verdict="missing", fault="no answer is given")
        sides: list[Tree] = []
        typed: list[str] = []
        strangers: dict[str, None] = {}
        try:
            if doubled := _DOUBLED.search(text):
                raise FormulaError(f"'{doubled[0]}' is not read; write one '='")
            typed = [side.strip() for side in _EQUALS.split(text)]
            for side in typed:
                if not side:
                    raise FormulaError("nothing stands beside an '='")
                tree, strange = self.side(side, left)
                sides.append(tree)
                strangers.update(dict.fromkeys(strange))
        except FormulaError as error:
            which = f" (in '{shown(typed[len(sides)], 30)}')" if len(typed) > 1 and typed[len(sides)] else ""
            return replace(entry, typed=tuple(typed), verdict="unreadable", fault=_told(error) + which)
        return replace(entry, sides=tuple(sides), typed=tuple(typed), strangers=tuple(strangers))

    def side(self, text: str, left: _Left) -> tuple[Tree, tuple[str, ...]]:
        """One side of a chain, and its strangers.  Raises FormulaError."""
        folded = text if text.isascii() else fold_characters(text)
        found = _NUMBER.fullmatch(folded)
        if found and len(found[2]) <= MAX_DIGITS and (side := _number(found)) is not None:
            return side, ()
        if comma := _COMMA.fullmatch(folded):
            raise FormulaError(f"',' is not a decimal sign; write {shown(f'{comma[1]}.{comma[2]}', 30)}")
        tree, strangers = self.formula(text, strange=True)
        self.check_side(tree, left)
        return tree, strangers

    def formula(self, text: str, strange: bool) -> tuple[Tree, tuple[str, ...]]:
        """A formula over the quantities of the problem, and its strangers.  Raises FormulaError."""
        plain = plain_formula(text, self.glossary, strange)
        names = self.glossary.known
        powers_of_e = "e" not in names and _E_POWER.search(plain.text) is not None
        if plain.strangers or powers_of_e:
            names = names | {*plain.strangers, *(("e",) if powers_of_e else ())}
        try:
            tree = read_formula(plain.text, names, quantities=True)
        except FormulaError as error:
            if plain.text != text:  # the place is that of a text nobody typed
                error.position = None
            raise
        if powers_of_e:
            tree = _exponentials(tree)
            if any(isinstance(node, Name) and node.name == "e" for node in walk(tree)):
                raise FormulaError("'e' is read only with a power: e^(…); write exp(1) for the number")
        return tree, plain.strangers

    def check_side(self, tree: Tree, left: _Left) -> None:
        """Whether a right side can be judged.  Raises FormulaError."""
        checked: set[Tree] = set()
        listed = False
        for node in walk(tree):
            match node:
                case Number():
                    pass
                case Relation():
                    raise FormulaError("a comparison has no value")
                case Partial() | Second() | Nested() | Later():
                    if node not in checked:
                        check_quantity(node, self.problem)
                        checked.add(node)
                case Listing():
                    listed = True
                case Call(function, _, None) if OPS[function].spread and not left.vector:
                    raise FormulaError(f"{function} has several outputs: write {function}(…)[1]")
                case Name(name) if name in self.problem.vectors and not left.vector and name not in self.problem.network.order:
                    raise FormulaError(f"'{name}' is a vector; name its components")
                case MatrixProduct() | Transpose() if not left.vector:
                    raise FormulaError("matrices are not read here in this version")
        if listed and not left.vector and has_stray_list(tree):
            raise FormulaError("a list is no quantity")

    def left(self, name: str) -> _Left:
        """A left side, from the cache or read now."""
        if name not in self.lefts:
            if len(self.lefts) > MAX_ENTRIES:
                self.lefts.clear()
            self.lefts[name] = self.read_left(name)
        return self.lefts[name]

    def read_left(self, name: str) -> _Left:
        try:
            if not name.strip():
                raise FormulaError("nothing stands before the '='; write quantity = answer")
            if comma := _COMMA.fullmatch(fold_characters(name).strip()):
                raise FormulaError(f"',' is not a decimal sign; write {shown(f'{comma[1]}.{comma[2]}', 30)}")
            tree = self.labels.get(_one_space(name))
            if tree is None:
                tree, _ = self.formula(name, strange=False)
                check_quantity(tree, self.problem)
        except FormulaError as error:
            if not _is_formula(name):
                return _Left(None, verdict="unreadable", fault=_told(error))
            return _Left(None, verdict="unknown", fault=_told(error) + self.relatives(name, str(error)))
        number = self.numbers.setdefault(tree, len(self.numbers))
        vector = any(
            isinstance(node, Name | Partial)
            and not self.problem.vectors.keys().isdisjoint((node.name,) if isinstance(node, Name) else (node.of, node.wrt))
            for node in walk(tree)
        )
        return _Left(tree, number, vector=vector)

    def relatives(self, name: str, message: str) -> str:
        """A tail for the message about a name with a wrong index: the names with the same letters."""
        if "; did you mean" in message or not self.glossary.is_stranger(name):
            return ""
        same = [known for known in self.problem.network.quantities if letters_of(known) == letters_of(name)]
        return f"; the problem has {', '.join(same[:6])}" + (", …" if len(same) > 6 else "")

    def conflicts_marked(self, entries: list[Entry]) -> tuple[Entry, ...]:
        """The entries; where two give different numbers for one quantity, neither is taken."""
        groups: dict[int, list[int]] = {}
        for at, entry in enumerate(entries):
            if not entry.verdict and len(entry.sides) == 1 and isinstance(entry.sides[0], Number | Negative):
                groups.setdefault(self.left(entry.name).number, []).append(at)
        for places in groups.values():
            if len(places) > 1 and len({entries[at].text for at in places}) > 1:
                self.mark_conflict(entries, places)
        return tuple(entries)

    def mark_conflict(self, entries: list[Entry], places: list[int]) -> None:
        """Answers to one quantity: unless the plain numbers among them agree, they become unreadable."""
        values = {at: value for at in places if (value := _plain_value(entries[at].sides[0])) is not None}
        first = {value: at for at, value in reversed(values.items())}
        if len(first) > 1:
            said = " and ".join(f"{shown(entries[at].text, 20)} ({entries[at].place})" for at in sorted(first.values())[:3])
            for at in values:
                fault = f"answered more than once, {said}: keep the one that counts"
                entries[at] = replace(entries[at], verdict="unreadable", fault=fault)


def _is_formula(text: str) -> bool:
    """Whether a left side would be one in some other problem."""
    try:
        if "\\" in text:
            text = re.sub(r"\s", "", text)
        read_formula(_OF_SYMBOLS.sub("q", re.sub(r"[{}^\[\]]", "", text)))
    except FormulaError:
        return False
    return True


def _number(found: re.Match[str]) -> Tree | None:
    """The number a match of `_NUMBER` stands for, its digits as typed; None where it is over a limit."""
    sign, digits = found.groups()
    if "e" in digits or "E" in digits:
        exponent = int(re.split("[eE]", digits)[1])
        if abs(exponent) > MAX_EXPONENT:
            return None
    else:
        digits = "0" + digits if digits[0] == "." else digits.rstrip(".") if digits[-1] == "." else digits
    return Negative(Number(digits)) if sign else Number(digits)


def _plain_value(tree: Tree) -> Fraction | None:
    """The rational a plain number stands for, or None."""
    match tree:
        case Number():
            return tree.value
        case Negative(Number() as body):
            return -body.value
    return None


def _exponentials(tree: Tree) -> Tree:
    """Powers of e as the exponential."""
    match tree:
        case Power(Name("e"), exponent):
            return Call("exp", (_exponentials(exponent),))
    return rebuild(tree, _exponentials)


def _told(error: FormulaError) -> str:
    at = f" (at character {error.position})" if error.position else ""
    return shown(str(error), 240) + at


def _one_space(label: str) -> str:
    return " ".join(_MARKS.sub("", label).split())


def _notes(text: str) -> tuple[str, ...]:
    """What the report should mention about the characters of an answer: keys of its remarks."""
    if text.isascii():
        return ()
    notes = []
    if any(re.search("[0-9.]", run[0]) and re.search("[^0-9.]", run[0]) for run in _DIGIT_RUN.finditer(text)):
        notes.append("mixed-digits")
    if _MARKS.search(text):
        notes.append("direction-marks")
    return tuple(notes)


# --- plain text -----------------------------------------------------------------------------------------------------------


def _text_paper(text: str, reading: _Reading) -> Paper:
    entries: list[Entry] = []
    variant = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if "#" in line:
            line, _, comment = line.partition("#")
            if not line.strip() and (named := _PAPER.match("#" + comment)):
                variant = _identifier(named[1])
        if not line.strip(" \t\ufeff"):
            continue
        if len(entries) >= MAX_ENTRIES:
            raise InputError(f"line {number}: more than {MAX_ENTRIES:,} answers in one file")
        entries.append(_text_entry(f"line {number}", line.strip(" \t"), reading))
    return Paper("", variant, reading.conflicts_marked(entries))


def _text_entry(place: str, line: str, reading: _Reading) -> Entry:
    if len(line) > MAX_LINE:
        return Entry(place, shown(line), "", verdict="unreadable", fault=f"the line is longer than {MAX_LINE:,} characters")
    name, sign, text = line.partition("=")
    if not line.isascii() or "\\" in line:
        first = _EQUALS.search(line)
        if first and (not sign or first.start() < len(name)):
            name, sign, text = line[: first.start()], first[0], line[first.end() :]
    name, text = name.rstrip(), text.strip()
    if not sign:
        return Entry(place, name, "", verdict="unreadable", fault="no '=' on the line: write quantity = number or formula")
    if text[:1] == "=" or name[-1:] in (":", "<", ">"):
        wrong = f"{name[-1]}=" if name[-1:] in (":", "<", ">") else "=="
        return Entry(place, name, text, verdict="unreadable", fault=f"'{wrong}' is not read; write one '='")
    return reading.entry(place, name, text)


def _identifier(text: object) -> str:
    """A student's name or the id of a paper: one line, printable; the joiners of Persian names stay."""
    return "".join(c if c.isprintable() or c in JOINERS else "?" for c in str(text).strip()[:200])


# --- CSV of a class -------------------------------------------------------------------------------------------------------


def _class_header(text: str) -> str:
    """The delimiter of a CSV file whose first line is a header with a column "student"; "" for any other text."""
    first = text.removeprefix("\ufeff").lstrip("\r\n")[:MAX_LINE].replace("\r", "\n").partition("\n")[0]
    for delimiter in ",;\t":
        if "student" in (cell.strip().strip('"').strip().lower() for cell in first.split(delimiter)):
            return delimiter
    return ""


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """The rows that hold anything, numbered, with what is wrong with the row.

    Each line is read for itself, so that a quote left open costs one row.
    """
    import csv

    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip(" \t" + delimiter):
            fault = "a quote is opened and not closed" if line.count('"') % 2 else ""
            try:
                row = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
            except csv.Error as error:
                row, fault = line[:MAX_LINE].split(delimiter), f"the row cannot be read: {shown(error)}"
            yield number, [cell.strip() for cell in row], fault


def _class_papers(text: str, delimiter: str, reading: _Reading) -> list[Paper]:
    rows = _rows(text, delimiter)
    _, header, _ = next(rows)
    columns = [cell.lower() for cell in header]
    if columns.count("student") != 1:
        raise InputError('row 1: the column "student" stands more than once')
    long = "quantity" in columns and "answer" in columns
    student_at = columns.index("student")
    paper_at = columns.index("paper") if "paper" in columns else -1
    papers: dict[tuple[str, str, int], list[Entry]] = {}
    for number, row, fault in rows:
        while len(row) > len(header) and not row[-1]:
            row.pop()
        if len(row) > len(header) and not fault:
            fault = f"the row has {len(row)} cells for {len(header)} columns; write 1.5 for 1,5, or put quotes around the cell"
        row += [""] * (len(header) - len(row))
        variant = row[paper_at] if paper_at >= 0 and not fault else ""
        entries = papers.setdefault((row[student_at], variant, 0 if row[student_at] else number), [])
        cells = {columns[at]: cell for at, cell in enumerate(row[: len(header)])} if long else {}
        answers = (
            [(f"row {number}", cells["quantity"], cells["answer"])]
            if long
            else [
                (f"row {number}, column {shown(header[at], 40)}", header[at], row[at])
                for at in range(len(header))
                if at not in (student_at, paper_at)
            ]
        )
        for place, name, cell in answers:
            cell = cell.removeprefix("'")
            if fault:
                entries.append(Entry(place, name, cell, verdict="unreadable", fault=fault))
            else:
                entries.append(_cell_entry(place, name, cell, reading))
    return [
        Paper(_identifier(student), _identifier(variant), reading.conflicts_marked(entries))
        for (student, variant, _), entries in papers.items()
    ]


def _cell_entry(place: str, name: str, text: str, reading: _Reading) -> Entry:
    """An answer whose two parts stand apart already, in a cell or under a key."""
    name, text = name.strip(), text.strip()
    if len(name) + len(text) > MAX_LINE:
        fault = f"the answer is longer than {MAX_LINE:,} characters"
        return Entry(place, shown(name), shown(text), verdict="unreadable", fault=fault)
    if "\n" in text or "\n" in name:
        return Entry(place, shown(name), shown(text), verdict="unreadable", fault="an answer stands on one line")
    if text.startswith("="):
        return Entry(place, name, text, verdict="unreadable", fault="an answer does not begin with '='")
    return reading.entry(place, name, text)


# --- JSON -----------------------------------------------------------------------------------------------------------------


class _Digits(str):
    """The digits of a JSON number, kept as typed."""


def _json_papers(text: str, reading: _Reading) -> list[Paper]:
    document = _parse_json(text)
    items = document if isinstance(document, list) else [document]
    papers = []
    for number, item in enumerate(items, start=1):
        place = f"[{number}]." if isinstance(document, list) else ""
        if not isinstance(item, dict):
            raise InputError(f'{place.rstrip(".") or "the file"}: should hold an object: {{"h1": "0.594"}}')
        papers.append(_json_paper(item, place, reading))
    return papers


def _json_paper(item: Mapping[str, Any], place: str, reading: _Reading) -> Paper:
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
        quantities = reading.glossary.known
        meta = {key for key in ("student", "paper", "schema", "title") if key not in quantities}
        triples = [(f"{place}answers.{shown(key, 40)}", key, value) for key, value in item.items() if key not in meta]
    if len(triples) > MAX_ENTRIES:
        raise InputError(f"{place}more than {MAX_ENTRIES:,} answers on one paper")
    entries = [_json_entry(at, name, value, reading) for at, name, value in triples]
    return Paper(_identifier(told["student"]), _identifier(told["paper"]), reading.conflicts_marked(entries))


def _json_entry(place: str, name: str, value: Any, reading: _Reading) -> Entry:
    if value is None:
        value = ""
    if not isinstance(value, str):
        return Entry(place, name, "", verdict="unreadable", fault="an answer is a number, or a formula in quotes")
    return _cell_entry(place, name, value, reading)


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
