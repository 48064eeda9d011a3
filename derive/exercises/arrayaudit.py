"""The audit over arrays: every typed formula compared with the nudged equations at small unequal sizes, numbers entry by entry.

Owns `audit_array_paper` and `array_formula`.  Whatever form a book prints a gradient in, it is right when its entries are.  May
import: errors, written, arithmetic, checks, exercises, tensors.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import product

from derive.arithmetic import compile_tree, precision
from derive.errors import DeriveError, FormulaError
from derive.exercises.answers import Entry, Paper
from derive.exercises.audit import audit_papers
from derive.exercises.verdicts import SEVERITY, Audit, Judged, Link, Named, Note, Verdict
from derive.problem import Problem
from derive.rounding import Rounding
from derive.tensors.expansion import Expansion, places
from derive.tensors.judges import Slope, sample, small_sizes, telling_points
from derive.tensors.shapes import shape_of
from derive.tensors.work import as_scalars, derive_arrays, written_out
from derive.witnesses import FINE_DIGITS, FINE_NUDGE, NUDGE, SMALLEST_SCALE, TOLERANCE, WORKING_DIGITS
from derive.written import (
    Index,
    Indexed,
    Later,
    Listing,
    MatrixProduct,
    Name,
    Negative,
    Number,
    Partial,
    Product,
    Quotient,
    Size,
    Sum,
    Transpose,
    Tree,
    number,
    rebuild,
    walk,
)

MOST_TURNED = 6
"""Factors of which every choice is tried transposed."""


def audit_array_paper(problem: Problem, paper: Paper, rounding: Rounding | None = None) -> Audit:
    """One person's answers judged.  The right formulas are those of our own derivation."""
    return _ArrayAuditor(problem, paper, rounding).audit()


def array_formula(problem: Problem, quantity: Tree) -> Tree | None:
    """The formula of an array as the derivation ends it; None for what has none."""
    return _ArrayAuditor(problem, Paper(), None).expected(quantity)


@dataclass(frozen=True)
class _Case:
    """A problem written out, with points at which its values are known."""

    expansion: Expansion
    points: tuple[Slope, ...]
    digits: int


def _case(problem: Problem, digits: int, nudge: Decimal, sizes: Mapping[str, int] | None = None) -> _Case:
    expansion = sample(problem, sizes or small_sizes(problem), random.Random("answers"))  # noqa: S311  (numbers to compute with)
    with precision(digits):
        points = tuple(telling_points(expansion, "answers", nudge))
        for point in points:
            point |= {name: Decimal(given.text) for name, given in problem.train.given.items()}
    return _Case(expansion, points, digits)


class _ArrayAuditor:
    def __init__(self, problem: Problem, paper: Paper, rounding: Rounding | None) -> None:
        self.problem, self.paper, self.rounding = problem, paper, rounding
        self.cases: dict[bool, _Case] = {}
        self.answers: dict[Tree, Tree | None] = {}

    def case(self, fine: bool) -> _Case:
        if fine not in self.cases:
            self.cases[fine] = _case(self.problem, FINE_DIGITS, FINE_NUDGE) if fine else _case(self.problem, WORKING_DIGITS, NUDGE)
        return self.cases[fine]

    def audit(self) -> Audit:
        lines: list[Judged] = []
        slips: list[Named] = []
        numeric = [entry for entry in self.paper.entries if not entry.verdict and _is_numeric(entry.sides[-1])]
        by_number = dict(zip(map(id, numeric), self.numbers(numeric), strict=True)) if numeric else {}
        for entry in self.paper.entries:
            if entry.verdict:
                lines.append(self.not_judged(entry, slips))
                continue
            judged = by_number.get(id(entry)) or self.formula(entry, slips)
            lines.append(judged)
        return Audit(self.problem, self.paper, tuple(lines), tuple(slips))

    def not_judged(self, entry: Entry, slips: list[Named]) -> Judged:
        verdict = {"missing": "unreadable"}.get(entry.verdict, entry.verdict)
        turned = self.turned_shapes(entry) if entry.verdict == "unreadable" and "do not fit" in entry.fault else None
        if turned is not None:
            wrong, right = turned
            assert entry.quantity is not None
            slips.append(Named("transposed", entry.quantity, (entry.name,), (wrong, right)))
            read = replace(entry, sides=(wrong,), verdict="", fault="")
            return Judged(read, "wrong", formula=self.expected(entry.quantity), slips=("transposed",))
        if entry.quantity is not None and "do not fit" in entry.fault:
            notes = (Note("shapes", {"fault": entry.fault}),)
            return Judged(replace(entry, fault=""), "wrong", formula=self.expected(entry.quantity), notes=notes)
        return Judged(entry, verdict)

    # --- formulas -----------------------------------------------------------------------------------------------------

    def formula(self, entry: Entry, slips: list[Named]) -> Judged:
        quantity = entry.quantity
        assert quantity is not None
        verdicts = [self.compare(quantity, side) for side in entry.sides]
        links = tuple(
            Link(left, right, "right" if before.verdict == after.verdict == "right" else "wrong")
            for left, right, before, after in zip(entry.typed, entry.typed[1:], verdicts, verdicts[1:], strict=False)
        )
        worst = next((v for v in verdicts if v.verdict == "wrong"), verdicts[-1])
        if worst.verdict == "right":
            return Judged(entry, "right", formula=entry.sides[-1], links=links)
        if worst.verdict == "undecided":
            return Judged(entry, "undecided", notes=(Note(worst.reason),), links=links)
        at = verdicts.index(worst)
        found = self.explained(entry, quantity, entry.sides[at])
        slips += found
        notes = (
            (Note("witness", {"given": worst.values[0], "expected": worst.values[1]}),)
            if worst.values[0]
            else (Note(worst.reason),)
        )
        return Judged(
            entry, "wrong", formula=self.expected(quantity), slips=tuple(slip.id for slip in found), notes=notes, links=links
        )

    def expected(self, quantity: Tree) -> Tree | None:
        """Our own formula for a quantity; for an entry or a minus, that of the whole."""
        body = quantity.body if isinstance(quantity, Negative) else quantity
        base = body.base if isinstance(body, Indexed) else body
        if base not in self.answers:
            self.answers[base] = None
            if isinstance(base, Partial):
                try:
                    work = derive_arrays(self.problem, of=base.of, wrt=(base.wrt,))
                    self.answers[base] = work.partials[-1].answer
                except DeriveError:
                    pass
            elif isinstance(base, Later) and isinstance(base.body, Name) and base.body.name in self.problem.train.parameters:
                self.answers[base] = self.problem.train.rows(base.body.name).get(base)
            elif isinstance(base, Name) and base.name in self.problem.network.by_goal:
                self.answers[base] = self.problem.network.by_goal[base.name].rhs
        found = self.answers[base]
        return Negative(found) if found is not None and isinstance(quantity, Negative) else found

    def compare(self, quantity: Tree, formula: Tree) -> Verdict:
        verdict = self.compared(self.case(fine=False), quantity, formula)
        return self.compared(self.case(fine=True), quantity, formula) if verdict.verdict == "wrong" else verdict

    def known(self, quantity: Tree) -> Tree:
        """A quantity in what a point knows: an updated parameter by the rule, where that is one equation.  Raises KeyError."""
        match quantity:
            case Later(Name(name), 1) if not self.problem.train.own:
                return self.problem.train.rows(name)[quantity]
            case Later():
                raise KeyError(quantity)
        return quantity

    def compared(self, case: _Case, quantity: Tree, formula: Tree) -> Verdict:
        try:
            pairs = list(_pairs(case.expansion, self.known(quantity), formula))
        except _ShapeError:
            return Verdict("wrong", "other-shape")
        except (TypeError, KeyError, DeriveError):
            return Verdict("undecided", "no-formula")
        compared = 0
        with precision(case.digits):
            compiled = [(compile_tree(wanted), compile_tree(given)) for wanted, given in pairs]
            for point in case.points:
                _sweep(point, pairs)
                for truth, claim in compiled:
                    try:
                        expected, given = truth(point), claim(point)
                    except ArithmeticError:
                        continue
                    except KeyError:  # a value after an update, which no equation gives
                        return Verdict("undecided", "no-formula")
                    compared += 1
                    if abs(given - expected) > TOLERANCE * max(abs(expected), abs(given), SMALLEST_SCALE):
                        return Verdict("wrong", "", {}, (f"{given:.8g}", f"{expected:.8g}"))
        return Verdict("right") if compared >= len(pairs) else Verdict("undecided", "undefined")

    # --- slips --------------------------------------------------------------------------------------------------------

    def explained(self, entry: Entry, quantity: Tree, formula: Tree) -> list[Named]:
        """The one slip that makes the formula of the right one: turned over, or off by a constant factor."""
        right = self.expected(quantity) or quantity
        match quantity:
            case Later(Name(name), 1) if not self.problem.train.own:
                climbing = Sum((Product((Number("2"), Name(name))), Negative(self.problem.train.rows(name)[quantity])))
                if self.compare(climbing, formula).verdict == "right":
                    return [Named("ascent", quantity, (entry.name,))]
        if self.compare(quantity, Transpose(formula)).verdict == "right":
            return [Named("transposed", quantity, (entry.name,), (formula, right))]
        for edited in self.turnings(formula):
            if self.compare(quantity, edited).verdict == "right":
                return [Named("transposed", quantity, (entry.name,), (formula, edited))]
        ratio = self.ratio(self.case(fine=False), quantity, formula)
        if ratio is None:
            return []
        if ratio == -1:
            return [Named("loss-sign", quantity, (entry.name,), (formula, right))]
        return [Named("missing-factor", quantity, (entry.name,), (factor,)) for factor in self.factor(ratio, quantity, formula)]

    def factor(self, ratio: Fraction, quantity: Tree, formula: Tree) -> list[Tree]:
        """What a constant factor is: a number where it stays the same at other sizes, else a size or one over it."""
        small = small_sizes(self.problem)
        try:
            other = _case(self.problem, WORKING_DIGITS, NUDGE, {name: length + 5 for name, length in small.items()})
            again = self.ratio(other, quantity, formula)
        except DeriveError:
            return []
        if again == ratio:
            return [number(ratio)]
        for name, length in sorted(small.items()):
            if again is not None and [ratio, again] == [length, length + 5]:
                return [Size(name)]
            if again is not None and [1 / ratio, 1 / again] == [length, length + 5]:
                return [Quotient(number(1), Size(name))]
        return []

    def ratio(self, case: _Case, quantity: Tree, formula: Tree) -> Fraction | None:
        """The small fraction by which every entry is off, or None."""
        ratios: set[Fraction] = set()
        try:
            pairs = list(_pairs(case.expansion, self.known(quantity), formula))
        except (_ShapeError, TypeError, KeyError, DeriveError):
            return None
        with precision(case.digits):
            for point in case.points:
                _sweep(point, pairs)
                for wanted, given in pairs:
                    try:
                        right, typed = compile_tree(wanted)(point), compile_tree(given)(point)
                    except (ArithmeticError, KeyError):
                        return None
                    if not right and not typed:
                        continue
                    if not right:
                        return None
                    exact = Fraction(typed / right).limit_denominator(1000)
                    if abs(typed / right - Decimal(exact.numerator) / Decimal(exact.denominator)) > TOLERANCE:
                        return None
                    ratios.add(exact)
        return ratios.pop() if len(ratios) == 1 and 0 not in ratios and 1 not in ratios else None

    def turned_shapes(self, entry: Entry) -> tuple[Tree, Tree] | None:
        """For a formula whose shapes do not fit: itself, and with factors transposed so that it is right; else None."""
        from derive.exercises.arrayanswers import ArrayReading

        assert entry.quantity is not None
        try:
            formula = ArrayReading(self.problem).loose(entry.typed[-1], entry.quantity)
        except FormulaError:
            return None
        for edited in self.turnings(formula):
            if self.compare(entry.quantity, edited).verdict == "right":
                return formula, edited
        return None

    def turnings(self, formula: Tree) -> Iterator[Tree]:
        """The formula with some factors transposed, where the shapes fit."""
        assert self.problem.arrays is not None
        for edited in _turned_choices(formula):
            try:
                shape_of(edited, self.problem.arrays.shapes)
            except FormulaError:
                continue
            yield edited

    # --- numbers ------------------------------------------------------------------------------------------------------

    def numbers(self, entries: Sequence[Entry]) -> list[Judged]:
        """Numbers judged by the audit of scalars, on the problem written out; a line is as good as its worst entry."""
        written = as_scalars(self.problem)
        if written is None:
            return [Judged(entry, "undecided", notes=(Note("no-numbers"),)) for entry in entries]
        scalar, expansion = written
        rounds: list[dict[Tree, tuple[int, Entry]]] = []  # an entry answered twice is judged twice
        spoiled: set[int] = set()
        for at, entry in enumerate(entries):
            assert entry.quantity is not None
            try:
                pairs = list(_pairs(expansion, entry.quantity, entry.sides[-1]))
            except (_ShapeError, TypeError, KeyError):
                spoiled.add(at)
                continue
            free = next((one for one in rounds if not any(wanted in one for wanted, _ in pairs)), None)
            if free is None:
                rounds.append(free := {})
            for wanted, given in pairs:
                free[wanted] = (at, replace(entry, quantity=wanted, sides=(given,), typed=(entry.typed[-1],)))
        found: list[list[Judged]] = [[] for _ in entries]
        for one in rounds:
            (audit,) = audit_papers(scalar, [Paper("", "", tuple(part for _, part in one.values()))], self.rounding)
            for (owner, _), line in zip(one.values(), audit.lines, strict=True):
                found[owner].append(line)
        judged = []
        for at, entry in enumerate(entries):
            if at in spoiled:
                judged.append(Judged(entry, "wrong", notes=(Note("other-shape"),)))
                continue
            worst = max(found[at], key=lambda line: SEVERITY.index(line.verdict))
            slips = tuple(dict.fromkeys(slip for line in found[at] for slip in line.slips))
            judged.append(replace(worst, entry=entry, slips=slips, value=None, formula=self.array_of(entry, found[at], expansion)))
        return judged

    def array_of(self, entry: Entry, lines: Sequence[Judged], expansion: Expansion) -> Tree | None:
        """The right numbers of an answer, as an array of its shape."""
        assert entry.quantity is not None
        if any(line.value is None for line in lines):
            return None
        block = expansion.block(entry.quantity, {})
        rounding = self.rounding or Rounding()
        return written_out(
            {at: rounding.number(line.value) for at, line in zip(block.cells, lines, strict=True) if line.value is not None},
            block.shape,
        )


def _sweep(point: Slope, pairs: Sequence[tuple[Tree, Tree]]) -> None:
    """Every total derivative in some formulas, by every path; a point alone would nudge one equation that mentions both."""
    partials = [node for pair in pairs for tree in pair for node in walk(tree) if isinstance(node, Partial) and not node.direct]
    for of in dict.fromkeys(partial.of for partial in partials):
        if of not in point.rates and of in point.network.by_goal:
            point.rates[of] = point.swept(of)


class _ShapeError(Exception):
    """The shape of an answer is not that of its quantity."""


def _pairs(expansion: Expansion, quantity: Tree, formula: Tree) -> Iterator[tuple[Tree, Tree]]:
    """What should stand at each entry, and what the formula puts there.

    A vector may be a column or a row; else the shapes have to be the same.  Raises _ShapeError.
    """
    letters = sorted({node.name: node for node in walk(quantity) if isinstance(node, Index)}.values(), key=lambda index: index.name)
    for place in places(expansion.lengths(tuple(index.size for index in letters))):
        env = dict(zip((index.name for index in letters), place, strict=True))
        wanted, given = expansion.block(quantity, env), expansion.block(formula, env)
        plain = [tuple(k for k in block.shape if k != 1) for block in (wanted, given)]
        turned = wanted.shape != given.shape and len(wanted.shape) == len(given.shape)
        if plain[0] != plain[1] or turned:
            raise _ShapeError
        yield from zip(wanted.cells.values(), (given.cells[at] for at in places(given.shape)), strict=True)


def _is_numeric(tree: Tree) -> bool:
    """Whether an answer is a number or a nested list of numbers."""
    match tree:
        case Number():
            return True
        case Negative(body):
            return isinstance(body, Number)
        case Listing(items):
            return all(map(_is_numeric, items))
    return False


def _turned_choices(tree: Tree) -> Iterator[Tree]:
    """The formula with some factors of its matrix products transposed, fewest first."""
    factors: list[Tree] = []

    def collect(node: Tree) -> Tree:
        if isinstance(node, MatrixProduct):
            for side in (node.left, node.right):
                if isinstance(side, MatrixProduct):
                    collect(side)
                elif side not in factors:
                    factors.append(side)
            return node
        return rebuild(node, collect)

    collect(tree)
    factors = factors[:MOST_TURNED]

    def turned(node: Tree, chosen: Sequence[Tree]) -> Tree:
        if isinstance(node, MatrixProduct):
            return MatrixProduct(*(turn(side, chosen) for side in (node.left, node.right)))
        return rebuild(node, lambda part: turned(part, chosen))

    def turn(side: Tree, chosen: Sequence[Tree]) -> Tree:
        if side in chosen:
            return side.body if isinstance(side, Transpose) else Transpose(side)
        return turned(side, chosen)

    choices = [pick for pick in product((False, True), repeat=len(factors)) if any(pick)]
    for pick in sorted(choices, key=sum):
        yield turned(tree, [factor for factor, yes in zip(factors, pick, strict=True) if yes])
