"""What a file of code says beside its code: the printed formulas, and what the file is.

Owns `bare`, `said` and `explained`.  Whatever the author of a problem wrote comes through `bare`; each language then keeps its own
comment signs out of it.  May import: written, symbols, formats.mathematics, formats.text, emission.programs, emission.spellings.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from derive.emission.programs import Program, Statement, tree_of
from derive.emission.spellings import Spellings
from derive.emission.trials import is_numbered
from derive.formats.mathematics import write
from derive.formats.text import TEXT
from derive.symbols import Script
from derive.written import Indexed, Later, Name, Partial, Tree

JOINERS = "\u200c\u200d"
"""The half-spaces of Persian, the only characters without a shape that a comment keeps."""


def bare(text: str) -> str:
    r"""The text in one line, without characters that cannot be seen: a line end, an escape, a turn of direction.

    >>> bare("a\nb\u202ec\x00")
    'a b c '
    """
    hidden = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return "".join(" " if unicodedata.category(c) in hidden and c not in JOINERS else c for c in text)


def said(statement: Statement, script: Script) -> str:
    """A line as it is printed, its goal before it."""
    line, goal = statement.line, _goal(tree_of(statement.goal), script)
    left = Indexed(goal, line.at) if line.at else goal
    return bare(f"{write(left, TEXT, script)} = {write(line.tree, TEXT, script)}")


def _goal(goal: Tree, script: Script) -> Tree:
    """A goal by its δ, where it has one."""
    return replace(goal, signal=True) if isinstance(goal, Partial) and script.signal(goal) is not None else goal


USAGE = (
    "The forward pass, the backward pass and the update as the page of this problem has them: a line of code for each",
    "result, in the order of the page, its formula in a comment as it is printed there.",
    "",
)


def explained(program: Program, spellings: Spellings) -> list[str]:
    """What the file is, in lines; the first is the title."""
    problem, script = program.problem, spellings.script
    lines = [problem.title or "A derivation", ""]
    lines += USAGE
    examples = []
    for key in (*program.backward.goals, *(program.update.goals if program.update is not None else ())):
        match key:
            case Partial() | Later(Name()):
                kind = type(key), script.signal(key) is not None if isinstance(key, Partial) else False
                examples += [(kind, f"{write(_goal(tree_of(key), script), TEXT, script)} is {spellings.of(key)}")]
    if examples:
        lines.append("Names: " + ", ".join(dict(reversed(examples)).values()) + ".")
    if spellings.changed:
        renamed = ", ".join(f"{old} is {new}" for old, new in spellings.changed.items())
        lines.append(f"Taken words have an underscore: {renamed}.")
    return [*lines, "", *_tested(is_numbered(program))]


def _tested(numbered: bool) -> list[str]:
    if numbered:
        return [
            "Run as a program, the file compares what it computes with the numbers of the page, to 12 digits, and fails where",
            "they differ.",
        ]
    return [
        "The page has symbols and no numbers for them.  Run as a program, the file draws numbers, with a fixed seed, compares",
        "every derivative with a central difference of the forward pass, and fails where they differ.",
    ]
