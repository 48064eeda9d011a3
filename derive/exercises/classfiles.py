"""A file of answers as a stream: whatever its size, one submission at a time.

Owns `AnswerFile` and `open_answers`.  A class is read twice: first to see whether it can be read at all, what heads the answers and
whose rows stand apart, then to hand out its submissions.  May import: errors, exercises.submissions.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from derive.errors import InputError, shown
from derive.exercises.submissions import (
    MAX_BYTES,
    Cell,
    Key,
    Row,
    Submission,
    Table,
    class_delimiter,
    decoded,
    read_header,
    split_answers,
    submission_of,
)

MAX_STREAM_BYTES = 1024 * 1024 * 1024
MAX_ROW = 1024 * 1024
_PART = 1 << 18


@dataclass(frozen=True)
class AnswerFile:
    """What a file of answers holds: how many papers, the left sides they name, and a digest of its bytes.

    `submissions` hands out the papers in the order in which they begin; `is_class` says whether the file is a CSV of a class.
    """

    where: str
    names: tuple[str, ...]
    count: int
    digest: str
    is_class: bool
    submissions: Callable[[], Iterator[Submission]]


@contextmanager
def open_answers(source: Path | str | BinaryIO, known: Collection[str], where: str = "") -> Iterator[AnswerFile]:
    """A file of answers, or a stream that cannot go back, which is kept in a temporary file.

    `known` are the quantities of the problem.  Raises InputError where it is no regular file, too large, or cannot be read at all.
    """
    if isinstance(source, Path | str):
        path = Path(source)
        try:
            if not path.is_file():
                raise InputError(f"{path}: " + ("not a regular file" if path.exists() else "no such file"))
            stream = path.open("rb")
        except ValueError:
            raise InputError("the path of the answers holds a NUL character") from None
        except OSError as error:
            raise InputError(f"{shown(path)}: {error.strerror}") from None
        with stream:
            yield _surveyed(stream, known, where or path.name)
    else:
        from tempfile import TemporaryFile

        with TemporaryFile() as kept:
            head = source.read(MAX_BYTES + 1)
            kept.write(head)
            left = MAX_STREAM_BYTES + 1 - len(head) if _delimiter(head) else 0
            while left > 0 and (part := source.read(min(left, _PART))):
                kept.write(part)
                left -= len(part)
            yield _surveyed(kept, known, where)


def _delimiter(head: bytes) -> str:
    return class_delimiter(head[: 1 << 16].decode("utf-8-sig", "replace"))


def _surveyed(stream: BinaryIO, known: Collection[str], where: str) -> AnswerFile:
    try:
        stream.seek(0)
        head = stream.read(MAX_BYTES + 1)
        if _delimiter(head) and head[:4] != b"PK\x03\x04":
            return _survey_class(stream, where)
        whole = split_answers(decoded(head), known)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    names = dict.fromkeys(cell.name for one in whole for cell in one.cells)
    return AnswerFile(where, tuple(names), len(whole), sha256(head).hexdigest(), False, lambda: iter(whole))


# --- a class --------------------------------------------------------------------------------------------------------------


def _survey_class(stream: BinaryIO, where: str) -> AnswerFile:
    """The file read once.  Of each paper a number is kept, so that one whose rows do not stand together is noticed."""
    if stream.seek(0, os.SEEK_END) > MAX_STREAM_BYTES:
        raise InputError(f"the file is over the limit of {MAX_STREAM_BYTES >> 20} MiB")
    first = next(line for _, line, _ in _lines(stream) if line)
    rows = _Rows(stream, read_header((line for _, line, _ in _lines(stream)), class_delimiter(first)))
    digest = sha256()
    names = dict.fromkeys(rows.table.names)
    seen: set[int] = set()
    again: set[int] = set()
    count, last = 0, None
    for _, row in rows.read(digest.update):
        if rows.table.long:
            names |= {cell.name: None for cell in row.cells}
        if row.key != last:
            last, mark = row.key, hash(row.key)
            (again if mark in seen else seen).add(mark)
            count += 1
    if again:
        rows.find_apart(again)
        count -= sum(rows.runs[key] - 1 for key in rows.apart)
        if rows.table.long:  # left sides stand in the order of the papers
            names = dict.fromkeys(cell.name for one in rows.submissions() for cell in one.cells)
    return AnswerFile(where, tuple(names), count, digest.hexdigest(), True, rows.submissions)


class _Rows:
    """The rows of a class, as often as they are wanted; `apart` says where the rows stand of those who have some apart."""

    def __init__(self, stream: BinaryIO, table: Table) -> None:
        self.stream, self.table = stream, table
        self.apart: dict[Key, list[tuple[int, int]]] = {}
        self.runs: dict[Key, int] = {}

    def read(self, watch: Callable[[bytes], object] | None = None) -> Iterator[tuple[tuple[int, int], Row]]:
        """Each row with the byte at which its line begins and its number."""
        for number, (offset, line, whole) in enumerate(_lines(self.stream, watch), start=1):
            if number > self.table.number and (row := self.row(number, line, whole)) is not None:
                yield (offset, number), row

    def row(self, number: int, line: str, whole: bool) -> Row | None:
        """A line as a row, or None for an empty one."""
        return self.table.read(number, line, "" if whole else f"the row is longer than {MAX_ROW >> 20} MiB")

    def find_apart(self, marks: Collection[int]) -> None:
        """Look for the papers whose rows do not stand together, among those with these marks."""
        places: dict[Key, list[tuple[int, int]]] = {}
        last: Key | None = None
        for place, row in self.read():
            if hash(row.key) in marks:
                places.setdefault(row.key, []).append(place)
                self.runs[row.key] = self.runs.get(row.key, 0) + (row.key != last)
            last = row.key
        self.apart = {key: found for key, found in places.items() if self.runs[key] > 1}

    def submissions(self) -> Iterator[Submission]:
        """The papers, each where its first row stands."""
        key: Key | None = None
        cells: list[Cell] = []
        begun: set[Key] = set()
        for _, row in self.read():
            if row.key != key:
                if key is not None and key not in self.apart:
                    yield submission_of(key, cells)
                key, cells = row.key, []
                if key in self.apart and key not in begun:
                    begun.add(key)
                    yield submission_of(key, self.gathered(key))
            if row.key not in self.apart:
                cells += row.cells
        if key is not None and key not in self.apart:
            yield submission_of(key, cells)

    def gathered(self, key: Key) -> list[Cell]:
        """The answers of one paper from rows that stand apart."""
        found: list[Cell] = []
        for offset, number in self.apart[key]:
            _, line, whole = next(_lines(self.stream, start=offset))
            row = self.row(number, line, whole)
            found += row.cells if row is not None else ()
        return found


def _lines(stream: BinaryIO, watch: Callable[[bytes], object] | None = None, start: int = 0) -> Iterator[tuple[int, str, bool]]:
    """Each line with the byte at which it begins, and whether it is whole; of one that is too long only the beginning is kept.

    Raises InputError for what is not UTF-8.
    """
    offset, kept, dropped, position = start, b"", 0, start

    def line(content: bytes) -> tuple[int, str, bool]:
        content = content if offset else content.removeprefix(BOM_UTF8)
        try:
            return offset, content.decode("utf-8", "ignore" if dropped else "strict"), not dropped
        except UnicodeDecodeError as error:
            raise InputError(f"is not UTF-8 text (byte {offset + error.start + 1})") from None

    while True:
        stream.seek(position)  # whoever takes the lines may have read elsewhere in between
        part = stream.read(_PART)
        position += len(part)
        if watch is not None:
            watch(part)
        pieces = (kept + part).splitlines(keepends=True)
        kept = pieces.pop() if part and pieces and (pieces[-1][-1:] != b"\n") else b""
        for piece in pieces:
            yield line(piece.rstrip(b"\r\n"))
            offset, dropped = offset + len(piece) + dropped, 0
        if not part:
            return
        if len(kept) > MAX_ROW:
            dropped += len(kept) - MAX_ROW
            kept = kept[:MAX_ROW]
