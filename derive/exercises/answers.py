"""Somebody's answers, read: the quantity on the left of each, and the formulas on the right.

Owns `Entry`, `Paper` and what reads them.  Nothing is judged here and nothing is evaluated; one bad answer costs that answer only.
May import: errors, written, reader, symbols, tables, problem, texreader, exercises.submissions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from derive.errors import JOINERS, FormulaError, InputError, shown
from derive.exercises.submissions import (
    EQUALS,
    MAX_BYTES,
    MAX_CLASS_BYTES,
    MAX_ENTRIES,
    Submission,
    class_delimiter,
    decoded,
    split_answers,
)
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

_NUMBER = re.compile(r"(-?)\+?((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)", re.ASCII)
_COMMA = re.compile(r"[-+]?(\d+)\s*[,،]\s*(\d+)", re.ASCII)
_DOUBLED = re.compile(r"(==|:=|=>)")
_MARKS = re.compile("[\u200c\u200e\u200f\u2066\u2067\u2068\u2069]")
_DIGIT_RUN = re.compile(r"[0-9۰-۹٠-٩٫٬.]+")
_E_POWER = re.compile(r"(?<![A-Za-z0-9_])e[ \t]*(?:\^|\*\*)")
_OF_SYMBOLS = re.compile(rf"[∂{''.join(GREEK.values())}]|\\(?:{'|'.join((*GREEK, *ACCENTS, *FONTS, *FRACTIONS, 'partial'))})")


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
            if len(data) > MAX_BYTES and class_delimiter(data[:4096].decode("utf-8-sig", "replace")):
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
        reading = reading_of(problem)
        return tuple(read_submission(one, reading) for one in split_answers(decoded(data), reading.glossary.known))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def read_submission(submission: Submission, reading: Any) -> Paper:
    """What somebody handed in, read by what `reading_of` gives."""
    entries = [
        Entry(cell.place, cell.name, cell.text, verdict=cell.verdict, fault=cell.fault, notes=(cell.note,) if cell.note else ())
        if cell.verdict
        else reading.entry(cell.place, cell.name, cell.text)
        for cell in submission.cells
    ]
    return Paper(submission.student, submission.variant, reading.conflicts_marked(entries))


def reading_of(problem: Problem) -> Any:
    """What reads the answers to a problem; over arrays their formulas have another grammar."""
    if problem.arrays is None:
        return _Reading(problem)
    from derive.exercises.arrayanswers import ArrayReading

    return ArrayReading(problem)


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
            typed = [side.strip() for side in EQUALS.split(text)]
            for side in typed:
                if not side:
                    raise FormulaError("nothing stands beside an '='")
                tree, strange = self.side(side, left)
                sides.append(tree)
                strangers.update(dict.fromkeys(strange))
        except FormulaError as error:
            side_shown = shown(typed[len(sides)], 30).strip(JOINERS) if len(typed) > 1 else ""
            which = f" (in '{side_shown}')" if side_shown else ""
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
