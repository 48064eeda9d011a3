"""What may be accepted for each answer of a problem in symbols: the right formula, that of each slip, what follows from others.

Owns `FormulaGrading` and `formula_gradings_of`.  May import: errors, written, arithmetic, intervals, problem, tables.ops,
tables.slips, exercises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from derive.arithmetic import Key, compile_tree, key_of, mentioned
from derive.errors import UsageError
from derive.exercises.audit import make_answer_key
from derive.exercises.gradings import MOST_ALIKE, MOST_TIES, MOST_WRONG, items_of
from derive.exercises.sheets import Rows, Sheet
from derive.intervals import FLOATS
from derive.problem import Problem
from derive.reader import LEARNING_RATE
from derive.tables.ops import OPS
from derive.tables.slips import SLIPS, Slipped, candidates
from derive.written import Call, Later, Name, Negative, Number, Partial, Tree, names_in, rebuild, substitute

MOST_NODES = 2000
"""Parts of a formula beyond which nobody is asked for it."""

POINTS = 3
"""Points at which two formulas are compared; a slip that agrees at all of them is another way to write the same."""


@dataclass(frozen=True)
class WrongFormula:
    """A wrong formula, and the slips that give it, the likeliest first."""

    formula: Tree
    slips: tuple[Slipped, ...]


@dataclass(frozen=True)
class FormulaGrading:
    """One answer as a machine marks it that can tell whether two formulas are equal.

    `formula` is in the names of the forward pass; `forward` says how some of these are a function of others, the last first, for
    whoever writes σ(z) for the output of a unit.  `names` are those of the formula, each with the one by which a computer algebra
    system knows it.  `carried` is the answer as it follows from the other answers, the `sources`; in it, `ans2` is the second one.
    """

    label: str
    tree: Tree
    key: Key
    formula: Tree
    names: tuple[tuple[str, str], ...] = ()
    forward: tuple[tuple[str, Tree], ...] = ()
    wrong: tuple[WrongFormula, ...] = ()
    carried: Tree | None = None
    sources: tuple[Key, ...] = ()


def formula_gradings_of(problem: Problem) -> tuple[FormulaGrading, ...]:
    """How each answer of a problem in symbols is marked.  Raises UsageError where an answer is too long to be asked for.

    >>> import derive
    >>> from derive.formats.plain import typed
    >>> typed(formula_gradings_of(derive.find("q2"))[0].formula)
    'w3_1*a2_1*(1 - a2_1)'
    """
    entries = items_of(problem)
    answers = make_answer_key(problem, (entry.quantity for entry in entries if entry.quantity is not None))
    sheet = answers.sheet
    typed: dict[Key, Tree] = {}
    for place, entry in enumerate(entries, 1):
        assert entry.quantity is not None
        key, negative = answers.keys[entry.quantity]
        typed.setdefault(key, Negative(Name(f"ans{place}")) if negative else Name(f"ans{place}"))
    slips = [(slipped, sheet.formulas(slipped.rows, slipped.ways)) for slipped in candidates(sheet) if not slipped.given]
    slips.sort(key=lambda pair: (-SLIPS[pair[0].slip].common, len(pair[0].where)))
    forward = tuple(
        (plain_name(equation.goal), _renamed(_spelled_out(equation.rhs)))
        for equation in reversed(problem.network.equations)
        if isinstance(equation.rhs, Call)
    )
    gradings = []
    for entry in entries:
        assert entry.quantity is not None
        key, negative = answers.keys[entry.quantity]
        formula = _opened(sheet, key, {}, {})
        used: dict[Key, None] = {}
        carried = _opened(sheet, key, {}, {other: tree for other, tree in typed.items() if other != key}, used)
        found = _wrong(sheet, key, formula, slips)
        wrong = tuple(WrongFormula(_renamed(_turned(other, negative)), ties) for other, ties in found)
        names = tuple((name, plain_name(name)) for name in names_in(formula))
        follows = _renamed(_turned(carried, negative)) if used else None
        right = _renamed(_turned(formula, negative))
        gradings.append(FormulaGrading(entry.name, entry.quantity, key, right, names, forward, wrong, follows, tuple(used)))
    return tuple(gradings)


RESERVED = re.compile(
    r"e|i|pi|phi|gamma|beta|zeta|psi|lambda|inf|minf|und|ind|true|false|and|or|not|if|then|else|for|do|while|in|step|thru|unless|"
    r"nounand|nounor|min|max|abs|exp|log|ln|sqrt|sin|cos|tan|sum|product|diff|int|limit|matrix|det|list|set|(ans|prt|way|seen)\d*",
    re.IGNORECASE,
)
"""Names that mean something else to a computer algebra system."""


def plain_name(name: str) -> str:
    """A name as a computer algebra system takes it: letters of ASCII, digits and `_`, and no word that it knows otherwise.

    >>> plain_name("w3_1"), plain_name("beta"), plain_name("η")
    ('w3_1', 'v_beta', 'v_3b7')
    """
    safe = "".join(c if c.isascii() and (c.isalnum() or c == "_") else f"{ord(c):x}" for c in name)
    taken = safe != name or RESERVED.fullmatch(safe)
    return f"v_{safe}" if taken else name


def _renamed(tree: Tree) -> Tree:
    return substitute(tree, lambda leaf: Name(plain_name(leaf.name)) if isinstance(leaf, Name) and not _ANSWER(leaf.name) else None)


_ANSWER = re.compile(r"ans\d+").fullmatch
"""What answers are called in a formula that follows from them."""


def _turned(tree: Tree, negative: bool) -> Tree:
    return Negative(tree) if negative else tree


def _opened(sheet: Sheet, key: Key, rows: Rows, answers: Mapping[Key, Tree], used: dict[Key, None] | None = None) -> Tree:
    """The formula of a key down to the names of the forward pass, or to `answers`, which are noted as `used`."""
    nodes = 0

    def open_row(now: Key) -> Tree:
        tree = rows.get(now, sheet.rows.get(now))
        if tree is None:
            raise UsageError("a quiz in symbols asks for values and derivatives of the first pass, and for the first update")
        return opened(tree)

    def opened(tree: Tree) -> Tree:
        nonlocal nodes
        nodes += 1
        if nodes > MOST_NODES:
            raise UsageError("an answer of this problem is too long a formula to be asked for in a quiz")
        leaf = key_of(tree)
        if leaf is not None and leaf in answers:
            if used is not None:
                used[leaf] = None
            return answers[leaf]
        if isinstance(tree, Partial | Later):
            assert leaf is not None
            return open_row(leaf)
        if isinstance(tree, Name) and tree.name == LEARNING_RATE and LEARNING_RATE in sheet.given:
            return Number(sheet.given[LEARNING_RATE].text)
        spelled = _spelled_out(tree)
        return rebuild(tree, opened) if spelled is tree else opened(spelled)

    return open_row(key)


def _spelled_out(tree: Tree) -> Tree:
    """A call of several arguments by its formula, for it may be of lists, and one of several numbers; anything else as it is."""
    formula = OPS[tree.function].formula if isinstance(tree, Call) and len(tree.arguments) != 1 else None
    return tree if formula is None or not isinstance(tree, Call) else formula(tree.arguments, tree.part or 0)


def _wrong(
    sheet: Sheet, key: Key, formula: Tree, slips: list[tuple[Slipped, Rows]]
) -> list[tuple[Tree, tuple[Slipped, ...]]]:
    """The wrong formulas that slips give, each once, with the slips that give it."""
    points = _points(sheet)
    right = _at_points(formula, points)
    found: dict[tuple[float, ...], tuple[Tree, list[Slipped]]] = {}
    counts: dict[str, int] = {}
    below = _below(sheet, key)
    for slipped, rows in slips:
        if below.isdisjoint(rows):
            continue
        other = _opened(sheet, key, rows, {})
        at = _at_points(other, points)
        if at is None or right is None or at == right:
            continue
        if at in found:
            ties = found[at][1]
            if len(ties) < MOST_TIES and all(slipped.slip != tie.slip for tie in ties):
                ties.append(slipped)
        elif len(found) < MOST_WRONG and counts.get(slipped.slip, 0) < MOST_ALIKE:
            counts[slipped.slip] = counts.get(slipped.slip, 0) + 1
            found[at] = (other, [slipped])
    return [(tree, tuple(ties)) for tree, ties in found.values()]


def _below(sheet: Sheet, key: Key) -> set[Key]:
    """The key, and the derivatives and updates it is opened into."""
    found, todo = {key}, [key]
    while todo:
        for need in mentioned(sheet.rows[todo.pop()]):
            if not isinstance(need, str) and need not in found and need in sheet.rows:
                found.add(need)
                todo.append(need)
    return found


def _points(sheet: Sheet) -> list[dict[str, float]]:
    """A few points with a forward pass at each; a computed name without a value there is any number."""
    network, points = sheet.network, []
    for k in range(POINTS):
        values = {name: 0.2 + 0.7 * abs(math.sin(7 * place + 13 * k + 1)) for place, name in enumerate(network.quantities)}
        for equation in network.equations:
            with suppress(ArithmeticError, ValueError):
                values[equation.goal] = float(compile_tree(equation.rhs, FLOATS)(values))
        points.append(values)
    return points


def _at_points(tree: Tree, points: list[dict[str, float]]) -> tuple[float, ...] | None:
    """A formula at some points, to nine digits; None where it has no value at any."""
    values = []
    for names in points:
        try:
            value = float(compile_tree(tree, FLOATS)(names))
        except (ArithmeticError, ValueError):
            value = math.nan
        values.append(float(f"{value:.9e}") if math.isfinite(value) else math.inf)
    return None if all(map(math.isinf, values)) else tuple(values)
