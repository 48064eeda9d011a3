"""A page as plain text: Unicode, one formula a line, never wrapped.

Owns `render_text` and the face `TEXT`.  May import: pages, symbols, written, formats.mathematics, tables.ops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from derive.blocks import Blank, Boxed, Equations, Heading, Matrix, Page, Prose, Shown, Table, Text
from derive.formats.mathematics import Face, write
from derive.symbols import ACCENTS, Script
from derive.tables.ops import OPS
from derive.tensors.shapes import ARRAY_FUNCTIONS

_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
REASON_COLUMN = 72


def _number(text: str) -> str:
    mantissa, _, exponent = text.replace("-", "−").partition("e")
    return f"{mantissa}·10{exponent.replace('−', '-').translate(_RAISED)}" if exponent else mantissa


def _power(base: str, exponent: str) -> str:
    if re.fullmatch(r"\d{1,2}", exponent):
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

RELATIONS = {"=": "=", "≈": "≈", "iff": "⇔", "": " "}


BLANK_WIDTH = 24


def formula(shown: Shown, script: Script) -> str:
    """One formula as text; a final answer in brackets."""
    match shown:
        case Boxed(tree):
            return f"[ {write(tree, TEXT, script)} ]"
        case Blank():
            return "_" * BLANK_WIDTH
    return write(shown, TEXT, script)


def words(text: Text, script: Script) -> str:
    """A sentence with its formulas."""
    return "".join(part if isinstance(part, str) else formula(part, script) for part in text)


def equation_lines(block: Equations, script: Script) -> list[tuple[str, str]]:
    """The lines of a chain, each with its reason: left sides stand once, relations below each other."""
    lines: list[tuple[str, str]] = []
    margin = 0
    for row in block.rows:
        left = "" if row.left is None else formula(row.left, script)
        reason = words(row.reason, script)
        if row.conditions:
            reason += f" ({', '.join(words(condition, script) for condition in row.conditions)})"
        if row.relation == "":
            margin = 2
            lines.append((left, reason))
            continue
        margin = max(margin, width(left)) if row.left is not None else margin
        right, shapes = stacked(formula(row.right, script))
        lines.append((f"{padded(left, margin)} {RELATIONS[row.relation]} {right}", reason))
        if shapes:
            lines.append((f"{'':<{margin}}   {shapes}", ""))
    return lines


def table_cells(block: Table, script: Script) -> list[list[str]]:
    """The cells of a table as text, the head first."""
    return [list(block.head), *([words(cell, script) for cell in row] for row in block.rows)]


def aligned_lines(lines: Sequence[tuple[str, str]]) -> Iterable[str]:
    """The lines of a chain with their reasons in a column."""
    column = min(max([width(line) for line, _ in lines]), REASON_COLUMN)
    return [f"  {padded(line, column)}   {reason}".rstrip() if reason else f"  {line}".rstrip() for line, reason in lines]


def aligned_cells(cells: Sequence[Sequence[str]]) -> Iterable[str]:
    """The rows of a table, the head underlined, columns below each other."""
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    lines = ["  " + "   ".join([padded(cell, most) for cell, most in zip(row, widths, strict=True)]) for row in cells]
    return [line.rstrip() for line in (lines[0], "  " + "   ".join("-" * most for most in widths), *lines[1:])]


def width(text: str) -> int:
    """The columns a text takes: an accent stands above the letter before it."""
    return len(text) if text.isascii() else len(text) - sum(map(text.count, ACCENTS.values()))


def padded(text: str, columns: int) -> str:
    """The text with spaces behind it, so many columns wide."""
    return text + " " * (columns - width(text))


def matrix_lines(block: Matrix, script: Script) -> list[str]:
    """A matrix with the names of its columns above it and those of its rows beside it."""
    left = f"∇²{formula(block.of, script)} {RELATIONS[block.relation]}"
    names = [formula(label, script) for label in block.labels]
    table = [["", *names], *([name, *(formula(cell, script) for cell in row)] for name, row in zip(names, block.rows, strict=True))]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rows = ["   ".join([cell.rjust(width) for cell, width in zip(row, widths, strict=True)]) for row in table]
    return [f"  {left if place == 0 else '':<{len(left)}} {row}".rstrip() for place, row in enumerate(rows)]


def render_text(page: Page) -> str:
    """The page as plain text."""
    return "\n".join(_lines(page)).rstrip("\n") + "\n"


def _lines(page: Page) -> Iterable[str]:
    for block in page.blocks:
        match block:
            case Heading(1, text):
                yield from (text, "=" * len(text), "")
            case Heading(_, text):
                yield from (text, "-" * len(text), "")
            case Prose(parts):
                yield from (words(parts, page.script), "")
            case Equations():
                yield from aligned_lines(equation_lines(block, page.script))
                yield ""
            case Table():
                yield from aligned_cells(table_cells(block, page.script))
                yield ""
            case Matrix():
                yield from (*matrix_lines(block, page.script), "")
