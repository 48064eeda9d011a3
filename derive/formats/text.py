"""A page as plain text: Unicode, one formula a line, never wrapped.

Owns `render_text`, the face `TEXT`, and `Spelling`, which every kind of text has of its own.  May import: bidi, blocks, symbols,
formats.mathematics, tables.ops.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from derive.bidi import DIGITS, RIGHT, TURN, isolated, numerals, runs, width, without_marks
from derive.blocks import Blank, Boxed, Equations, Figure, Heading, Matrix, Page, Prose, Shown, Table, Text
from derive.formats.canvas import BOXES, Characters, draw_canvas
from derive.formats.mathematics import Face, in_digits, write
from derive.symbols import Script
from derive.tables.ops import OPS
from derive.tensors.shapes import ARRAY_FUNCTIONS

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
REASON_COLUMN = 72


def _number(text: str) -> str:
    mantissa, _, exponent = text.replace("-", "−").partition("e")
    return f"{mantissa}·10{str(int(exponent.replace('−', '-'))).translate(_RAISED)}" if exponent else mantissa


def _power(base: str, exponent: str) -> str:
    if re.fullmatch(r"\d{1,2}", exponent, re.ASCII):
        return base + exponent.translate(_RAISED)
    return f"{base}^{exponent}" if re.fullmatch(r"\w+", exponent) else f"{base}^({exponent})"


def _call(function: str, arguments: tuple[str, ...], part: int | None) -> str:
    if function in ARRAY_FUNCTIONS and part is None and (function not in OPS or len(arguments) == 1 or arguments[1].isdigit()):
        return _array_call(function, arguments)
    name = OPS[function].text or function
    if not arguments:
        return name
    if function == "step":
        return f"[{arguments[0]} > 0]"
    if function == "sqrt":
        return f"√{arguments[0]}" if re.fullmatch(r"[\w.\u0302]+", arguments[0]) else f"√({arguments[0]})"
    if function == "abs":
        return f"|{arguments[0]}|"
    return f"{name}({', '.join(arguments)})" + (
        "" if part is None else str(part + 1).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    )


def _array_call(function: str, arguments: tuple[str, ...]) -> str:
    if function == "ones":
        return f"1_{arguments[0]}"
    if function in ("diag", "loss_of"):
        return f"{function.removesuffix('_of')}({', '.join(arguments)})"
    along = f", axis {arguments[1]}" if len(arguments) > 1 else ""
    return f"{function}({arguments[0]}{along})"


def _over(operation: str, letters: tuple[str, ...], body: str, sizes: tuple[str, ...]) -> str:
    sign = {"sum": "Σ"}.get(operation, operation)
    return f"{sign}_{letters[0]} {body}" if len(letters) == 1 else f"{sign}_({','.join(letters)}) {body}"


MARKED = ("\x02", "\x03", "\x04")
"""What stands around a factor and the shape under it until the line is laid out; no text of a page has them."""


def stacked(text: str) -> tuple[str, str]:
    """A formula in which shapes are marked, as a line and the line of shapes below it.

    >>> a, b, c = MARKED
    >>> stacked(f"{a}W{b}(m, d){c} x")
    ('W      x', '(m, d)')
    """
    upper, lower = "", ""
    for piece in re.split(f"({MARKED[0]}[^{MARKED[2]}]*{MARKED[2]})", text):
        if not piece.startswith(MARKED[0]):
            upper += piece
            continue
        body, shape = piece[1:-1].split(MARKED[1])
        lower = f"{lower:<{len(upper)}}"
        width = max(len(body), len(shape))
        upper, lower = upper + f"{body:<{width}}", lower + f"{shape:<{width}}"
    return upper.rstrip(), lower.rstrip()


TEXT = Face(
    number=_number,
    name=lambda symbol, name: symbol.text,
    minus=" − ",
    dot=" · ",
    near="·",
    touch="",
    brackets=lambda text: f"({text})",
    power=_power,
    partial=lambda of, wrt, direct: f"∂{of}/∂{wrt}" + ("|direct" if direct else ""),
    slanted=lambda of, wrt: f"∂{of}/∂{wrt}",
    second=lambda of, first, then, square: f"∂²{of}/∂{square or f'{first}∂{then}'}",
    signal=lambda symbol: symbol.text,
    later=lambda body, updates: f"{body}⁺" if updates == 1 else f"{body}@{updates}",
    call=_call,
    exponential=lambda exponent: f"e^{exponent}" if re.fullmatch(r"\w+", exponent) else f"e^({exponent})",
    listing=lambda items: f"({', '.join(items)})",
    elementwise=" ⊙ ",
    matrix_product=" ",
    bracket_product=" · ",
    transpose=lambda body: f"{body}ᵀ",
    relations={"=": "=", ">=": "≥", "<=": "≤", ">": ">", "<": "<"},
    indexed=lambda name, places: f"{name}[{','.join(places)}]",
    over=_over,
    delta=lambda left, right: f"[{left} = {right}]" if "arg" in right else f"δ[{left},{right}]",
    within=lambda place, size: f"[0 ≤ {place} < {size}]",
    einsum=lambda subscripts, operands: f"einsum({subscripts.replace('->', '→')}; {', '.join(operands)})",
    rows=lambda rows: f"[{', '.join('[' + ', '.join(row) + ']' for row in rows)}]",
    shaped=lambda body, shape: f"{MARKED[0]}{body}{MARKED[1]}({', '.join(shape)}){MARKED[2]}",
    fractions={("1", "2"): "½", ("1", "3"): "⅓", ("2", "3"): "⅔", ("1", "4"): "¼", ("3", "4"): "¾"},
)


def _in_line(text: str) -> str:
    """A number whose power of ten stands in the line, where digits cannot be raised."""
    mantissa, _, exponent = text.partition("e")
    power = str(int(exponent)).replace("-", "−") if exponent else ""
    return mantissa.replace("-", "−") + (f"·10^({power})" if power.startswith("−") else f"·10^{power}" if power else "")


FACES = {digits: in_digits(TEXT if digits == "latin" else replace(TEXT, number=_in_line), digits) for digits in DIGITS}
"""The face for each script of digits."""


@dataclass(frozen=True)
class Spelling:
    """How a page of text is set: its characters, its digits, and which way its words run.

    `face` and `relations` spell formulas, `hessian` is what stands before one; `digits` is the script of the numbers among words.
    `letters` gives words the characters the text may have, and whatever else is on a line at the end; `lines` draw pictures.
    """

    face: Face = TEXT
    relations: Mapping[str, str] = field(default_factory=lambda: {"=": "=", "≈": "≈", "iff": "⇔", "": " "})
    hessian: str = "∇²"
    digits: str = "latin"
    right_to_left: bool = False
    letters: Callable[[str], str] = str
    lines: Characters = BOXES

    def held(self, text: str) -> str:
        """A text that reads from left to right, held together where words around it may not."""
        return isolated(text) if self.right_to_left else text


UNICODE = Spelling()


def spelling_of(page: Page, letters: Callable[[str], str] = str) -> Spelling:
    """How a page is set in Unicode."""
    return Spelling(FACES[page.digits], digits=page.digits, right_to_left=page.direction == "rtl", letters=letters)


BLANK_WIDTH = 24


def formula(shown: Shown, script: Script, spelling: Spelling = UNICODE) -> str:
    """One formula as text; a final answer in brackets."""
    match shown:
        case Boxed(tree):
            return f"[ {write(tree, spelling.face, script)} ]"
        case Blank():
            return "_" * BLANK_WIDTH
    return write(shown, spelling.face, script)


def words(text: Text, script: Script, spelling: Spelling = UNICODE) -> str:
    """A sentence with its formulas; from right to left, what reads from left to right in it is isolated."""

    def said(parts: Text) -> str:
        spelled = (
            spelling.letters(numerals(p, spelling.digits)) if isinstance(p, str) else formula(p, script, spelling) for p in parts
        )
        return "".join(spelled)

    if not spelling.right_to_left:
        return said(text)
    return "".join([isolated(said(run.parts)) if run.left else said(run.parts) for run in runs(text)])


def _turns(text: Text, spelling: Spelling) -> bool:
    """Whether words run from right to left."""
    return spelling.right_to_left and not all(run.left for run in runs(text))


def cell_words(text: Text, script: Script, spelling: Spelling) -> str:
    """Words that stand beside others in a line, held together."""
    said = words(text, script, spelling)
    return isolated(said, RIGHT) if _turns(text, spelling) else said


def line_of_words(text: Text, script: Script, spelling: Spelling) -> str:
    """Words that have a line to themselves, which runs their way."""
    said = words(text, script, spelling)
    return TURN + said if _turns(text, spelling) else said


class Line(NamedTuple):
    """A line of a chain: the formula, the shapes below it, why it holds, and the column in which its right side begins."""

    formula: str
    shapes: str
    reason: str
    start: int


def chain_lines(block: Equations, script: Script, spelling: Spelling = UNICODE, margin: int | None = None) -> list[Line]:
    """The lines of a chain: left sides stand once, relations below each other; beyond `margin` a left side is not waited for."""
    lines: list[Line] = []
    broadest = max(len(spelling.relations[row.relation]) for row in block.rows)
    column = 0
    for row in block.rows:
        left = "" if row.left is None else formula(row.left, script, spelling)
        reason = cell_words(row.reason, script, spelling)
        if row.relation == "":
            column = 2
            lines.append(Line(left, "", reason, 0))
            continue
        column = max(column, width(left) if margin is None else min(width(left), margin))
        right, shapes = stacked(formula(row.right, script, spelling))
        before = f"{padded(left, column)} {spelling.relations[row.relation].rjust(broadest)} "
        lines.append(Line(before + right, " " * width(before) + shapes if shapes else "", reason, width(before)))
    return lines


def equation_lines(block: Equations, script: Script, spelling: Spelling = UNICODE) -> list[tuple[str, str]]:
    """The lines of a chain, each with its reason; shapes are a line of their own."""
    lines: list[tuple[str, str]] = []
    for line in chain_lines(block, script, spelling):
        lines.append((spelling.held(line.formula), line.reason))
        if line.shapes:
            lines.append((spelling.held(line.shapes), ""))
    return lines


def table_cells(block: Table, script: Script, spelling: Spelling = UNICODE) -> list[list[str]]:
    """The cells of a table as text, the head first; from right to left each is held together, and so is their order in a line."""
    rows = [[cell_words(cell, script, spelling) for cell in row] for row in (tuple((name,) for name in block.head), *block.rows)]
    return [[TURN + first, *rest] for first, *rest in rows] if spelling.right_to_left else rows


def aligned_lines(lines: Sequence[tuple[str, str]]) -> Iterable[str]:
    """The lines of a chain with their reasons in a column."""
    column = min(max([width(line) for line, _ in lines]), REASON_COLUMN)
    return [f"  {padded(line, column)}   {reason}".rstrip() if reason else f"  {line}".rstrip() for line, reason in lines]


def aligned_cells(cells: Sequence[Sequence[str]]) -> Iterable[str]:
    """The rows of a table, the head underlined, columns below each other."""
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    lines = ["  " + "   ".join([padded(cell, most) for cell, most in zip(row, widths, strict=True)]) for row in cells]
    turn = TURN if cells[0][0].startswith(TURN) else ""
    return [line.rstrip() for line in (lines[0], f"  {turn}" + "   ".join("-" * most for most in widths), *lines[1:])]


def padded(text: str, columns: int) -> str:
    """The text with spaces behind it, so many columns wide."""
    return text + " " * (columns - width(text))


def matrix_lines(block: Matrix, script: Script, spelling: Spelling = UNICODE, room: int | None = None) -> list[str]:
    """A matrix, the names of its columns above it and those of its rows beside it; so many columns at once as there is room for."""
    return [spelling.held(line) for line in _matrix_lines(block, script, spelling, room)]


def _matrix_lines(block: Matrix, script: Script, spelling: Spelling, room: int | None) -> list[str]:
    left = f"  {spelling.hessian}{formula(block.of, script, spelling)} {spelling.relations[block.relation]}"
    names = [formula(label, script, spelling) for label in block.labels]
    columns = [["", *names]]
    for name, column in zip(names, zip(*block.rows, strict=True), strict=True):
        columns.append([name, *(formula(cell, script, spelling) for cell in column)])
    columns = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    rows = ["   ".join(row) for row in zip(*columns, strict=True)]
    lines = [f"{left if place == 0 else '':<{len(left)}} {row}".rstrip() for place, row in enumerate(rows)]
    if room is None or max(map(len, lines)) <= room:
        return lines
    lines, (labels, *columns) = [left], columns
    while columns:
        most = max(1, (room - 2 - len(labels[0])) // (3 + max(map(len, (column[0] for column in columns)))))
        lines += ["  " + "   ".join(row) for row in zip(labels, *columns[:most], strict=True)]
        columns = columns[most:]
    return lines


def picture_lines(block: Figure, script: Script, spelling: Spelling = UNICODE) -> list[str]:
    """The drawing of a network; none for any other picture, which needs finer lines."""
    drawn = draw_canvas(block.picture, lambda tree: formula(tree, script, spelling), spelling.lines)
    return [spelling.held(f"  {line}".rstrip()) for line in drawn]


def render_text(page: Page) -> str:
    """The page as plain text."""
    return spelled_out(page, spelling_of(page))


def render_unmarked(page: Page) -> str:
    """The page as plain text without direction marks, for what does not know them."""
    return spelled_out(page, spelling_of(page, without_marks))


def spelled_out(page: Page, spelling: Spelling) -> str:
    """The page as plain text in any spelling."""
    return spelling.letters("\n".join(_lines(page, spelling)).rstrip("\n") + "\n")


def _lines(page: Page, spelling: Spelling) -> Iterable[str]:
    for block in page.blocks:
        match block:
            case Heading(level, text):
                heading = line_of_words((text,), page.script, spelling)
                turn = TURN if spelling.right_to_left else ""
                yield from (heading, turn + ("=" if level == 1 else "-") * width(heading), "")
            case Prose(parts):
                yield from (line_of_words(parts, page.script, spelling), "")
            case Equations():
                yield from aligned_lines(equation_lines(block, page.script, spelling))
                yield ""
            case Table():
                yield from aligned_cells(table_cells(block, page.script, spelling))
                yield ""
            case Matrix():
                yield from (*matrix_lines(block, page.script, spelling), "")
            case Figure():
                if drawn := picture_lines(block, page.script, spelling):
                    yield from (*drawn, "")
