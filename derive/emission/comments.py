"""What a file of code says beside its code: the printed formulas, and what the file is.

Owns `bare`, `said`, `explained`, `folded` and `commented`.  Whatever the author of a problem wrote comes through `bare`; each
language then keeps its own comment signs out of it.  May import: written, symbols, formats.mathematics, formats.text,
tensors.work, emission.programs, emission.spellings, emission.trials.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log10
from textwrap import wrap

from derive.emission.programs import Program, Statement, tree_of
from derive.emission.spellings import Spellings
from derive.emission.strays import NEAR
from derive.emission.trials import is_numbered, near_of
from derive.formats.mathematics import write
from derive.formats.text import TEXT
from derive.symbols import Script
from derive.tensors.work import slice_of
from derive.written import Indexed, Later, Partial, Tree

JOINERS = "\u200c\u200d"
"""The half-spaces of Persian, the only characters without a shape that a comment keeps."""

COLUMNS, WIDTH, FOLD = 116, 120, 100
"""Where a sentence is wrapped, how long a line of code is, and where a list of names or numbers is folded."""


def bare(text: str) -> str:
    r"""The text in one line, without characters that cannot be seen: a line end, an escape, a turn of direction.

    >>> bare("a\nb\u202ec\x00")
    'a b c '
    """
    hidden = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return "".join(" " if unicodedata.category(c) in hidden and c not in JOINERS else c for c in text)


def said(statement: Statement, script: Script) -> str:
    """A line as it is printed, its goal before it."""
    line = statement.line
    at = line.at or slice_of(line.tree)
    goal = _goal(tree_of(statement.goal), script)
    return bare(f"{write(Indexed(goal, at) if at else goal, TEXT, script)} = {write(line.tree, TEXT, script)}")


def _goal(goal: Tree, script: Script) -> Tree:
    """A goal by its δ, where it has one."""
    return replace(goal, signal=True) if isinstance(goal, Partial) and script.signal(goal) is not None else goal


def explained(program: Program, spellings: Spellings, usage: str) -> list[str]:
    """What the file is, in lines; the first is the title.  `usage` says how its functions are called."""
    passes = "forward, backward and update" if program.update is not None else "forward and backward"
    sentences = [
        f"The page of this problem as code: {passes}, a line for each result, its formula in a comment as it is printed.  " + usage,
        *_names(program, spellings),
        _tested(program),
    ]
    lines = [program.problem.title or "A derivation"]
    for sentence in sentences:
        lines += ["", *wrap(bare(sentence), COLUMNS, break_long_words=False, break_on_hyphens=False)]
    return lines


def folded(head: str, items: Sequence[str], tail: str, last: str = ",") -> list[str]:
    """A list of items in one line, or in as many as they take, with `last` behind the last; `head` may be indented.

    What stands behind the last item is followed by the tail in a line of its own, unless it is the tail.

    >>> folded("f(", ["a", "b"], ")")
    ['f(a, b)']
    """
    whole = head + ", ".join(items) + tail
    if len(whole) <= WIDTH:
        return [whole]
    indent = " " * (len(head) - len(head.lstrip())) + "    "
    lines, line = [], indent
    for item in items:
        if len(line) + len(item) > FOLD and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += f"{item}, "
    end = [] if last == tail else [indent[4:] + tail]
    return [head.rstrip(), *lines, line.rstrip().removesuffix(",") + last, *end]


def commented(code: Sequence[str], comments: Sequence[str]) -> list[str]:
    """Lines with what they compute, as it is printed: behind a single line where there is room, else above."""
    if len(code) == len(comments) == 1 and len(code[0]) + len(comments[0]) < WIDTH - 6:
        return [f"{code[0]}  {comments[0]}"]
    indent = " " * (len(code[0]) - len(code[0].lstrip())) if code else ""
    return [*(indent + comment for comment in comments), *code]


def _names(program: Program, spellings: Spellings) -> Iterator[str]:
    """What is called otherwise than on the page, an example of each kind, and what has to be given besides."""
    script, examples = spellings.script, dict[object, str]()
    for function in program.functions:
        for key in (*function.goals, *function.inputs):
            if isinstance(key, Partial | Later):
                goal = _goal(tree_of(key), script)
                kind = type(goal), getattr(goal, "signal", False), getattr(goal, "direct", False)
                examples.setdefault(kind, f"{write(goal, TEXT, script)} is {spellings.of(key)}")
    renamed = [f"{old} is {new}, since {old} is taken" for old, new in spellings.changed.items()]
    if examples or renamed:
        yield "Names: " + ", ".join([*examples.values(), *renamed]) + "."
    if program.upstream:
        given = " and ".join(spellings.of(key) for key in program.upstream)
        loss = write(tree_of(program.problem.train.loss), TEXT, script)
        yield f"Of {loss} the page says only what it depends on: backward is given {given}, which comes back from there."


def _tested(program: Program) -> str:
    if is_numbered(program):
        near = near_of(program)
        count = round(-log10(near))
        digits = f"to {count} digits, those below 0.001 to {count + 3} places"
        digits += " (they cancel, and floats keep no more)" if near > NEAR else ""
        return f"Run as a program, the file compares its results with the page's, {digits}, and exits with 1 where one differs."
    return (
        "The page has symbols without numbers.  Run as a program, the file draws numbers, with a fixed seed, compares the "
        "derivatives by what the network is given with those found otherwise, and exits with 1 where one differs."
    )
