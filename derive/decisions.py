"""When two classifiers decide alike: each decision rule down to one linear inequality, law by law, and both directions.

Owns `Proof` and `prove_decisions`.  SymPy cannot decide such an inequality in one call, so the chain is built from the laws
table; SymPy proves each law's side condition and each step, and 40-digit points, ties among them, have to agree.  May import:
errors, written, arithmetic, backward, checks, spec, tables.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from operator import ge, gt, le, lt
from typing import Any

from derive.arithmetic import compile_tree, precision, to_sympy
from derive.backward import Line, Step
from derive.checks import Checks
from derive.displays import Displayed
from derive.errors import InputError, JudgementError
from derive.problem import Problem
from derive.tables.laws import LAWS, SIMPLIFYING, TURNED, Rewriting
from derive.tables.ops import OPS
from derive.vectors import components
from derive.witnesses import WORKING_DIGITS
from derive.written import (
    ONE,
    ZERO,
    Call,
    MatrixProduct,
    Name,
    Negative,
    Number,
    Product,
    Quotient,
    Relation,
    Sum,
    Tree,
    rebuild,
    substitute,
    subtract,
    walk,
)

PROVED, AT_POINTS = "sympy-proof", "decide-40-digits"


@dataclass(frozen=True)
class Part:
    """One part of the proof: its key in the catalogue, the formulas its sentences mention, and its steps."""

    key: str
    steps: tuple[Step, ...]
    facts: Mapping[str, Tree]


@dataclass(frozen=True)
class Proof(Displayed):
    """A decision problem worked out.  `facts` are the formulas the answer mentions."""

    problem: Problem
    parts: tuple[Part, ...]
    facts: Mapping[str, Tree]
    checks: Checks

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order of the page."""
        return tuple(step for part in self.parts for step in part.steps)


def prove_decisions(problem: Problem) -> Proof:
    """The proof that the two rules of a decision problem can always be made the same, line by line.

    Raises InputError where the rules are not a softmax of two linear scores against one logistic neuron, or treat ties differently.
    """
    if problem.decision is None:
        raise InputError("the problem has no [decision]")
    engine = _Engine(problem)
    softmax, logistic = problem.decision.rules["softmax"], problem.decision.rules["logistic"]
    down, other = engine.simplify(softmax), engine.simplify(logistic)
    match down.answer, other.answer:
        case (
            Relation(sign, Sum((MatrixProduct(Sum((u, Negative(v))), x), Sum((b, Negative(c))))), Number("0")) as difference,
            Relation(wanted, Sum((MatrixProduct(Name() as w, y), Name() as d)), Number("0")) as linear,
        ) if x == y and all(isinstance(name, Name) for name in (u, v, b, c)):
            pass
        case _:
            raise InputError("decision: this version compares a softmax of two scores w @ x + b with one logistic neuron w @ x + b")
    if wanted not in (sign, TURNED[sign]):
        raise InputError("decision: the two rules treat ties differently, so no parameters make them agree everywhere")
    plus, minus = ((u, b), (v, c)) if wanted == sign else ((v, c), (u, b))
    found: dict[Tree, Tree] = {w: subtract(plus[0], minus[0]), d: subtract(plus[1], minus[1])}
    swapped: dict[Tree, Tree] = {w: subtract(minus[0], plus[0]), d: subtract(minus[1], plus[1])}
    row, level = (Name(engine.unused(name)) for name in ("u", "k"))
    family: dict[Tree, Tree] = {minus[0]: row, minus[1]: level, plus[0]: Sum((row, w)), plus[1]: Sum((level, d))}
    turning = () if wanted == sign else (engine.step(difference, "turn-sign"),)
    facts = {"w": w, "d": d, "u": u, "v": v, "b": b, "c": c, "row": row, "level": level, "softmax": softmax, "logistic": logistic,
             "swapped": swapped[w], "found": found[w], "x": x}  # fmt: skip
    parts = (
        Part("softmax-rule", (down,), facts),
        Part("logistic-rule", (other,), facts),
        Part("to-logistic", (*turning, *engine.assign(found, linear, difference)), facts),
        Part("swapped", (engine.swap(logistic, linear, swapped, softmax),), facts),
        Part("to-softmax", engine.assign(family, difference, linear), facts),
        Part("probabilities", engine.probabilities(softmax, logistic, found), facts),
    )
    lines = sum(len(step.lines) for part in parts for step in part.steps)
    return Proof(problem, parts, facts, Checks(lines, engine.judged, (PROVED, AT_POINTS)))


SIZES = (1, 2, 3, 5)
"""Numbers of inputs at which every statement is tried."""

COMPARE = {">=": ge, "<=": le, ">": gt, "<": lt}


class _Engine:
    """Builds the chains and has every line proved and tried; `judged` counts them."""

    def __init__(self, problem: Problem) -> None:
        assert problem.decision is not None
        self.problem, self.decision, self.judged = problem, problem.decision, 0
        self.equations: dict[Tree, Tree] = {Name(e.goal): e.rhs for e in problem.network.equations}
        self.points = [point for size in SIZES for point in self.points_of(size)]

    def unused(self, name: str) -> str:
        """A name for a free choice that the problem has not taken."""
        while name in self.problem.network.quantities:
            name += "0"
        return name

    # --- building -----------------------------------------------------------------------------------------------------

    def simplify(self, rule: Relation) -> Step:
        """The chain from a decision rule to one linear inequality."""
        lines: list[Line] = []
        here: Tree = rule
        while (line := self.next_line(here)) is not None and len(lines) < 20:
            lines.append(line)
            here = line.tree
        if not lines:
            raise InputError("decision: no law applies to the rule as it is written")
        return Step("decision", rule, tuple(lines))

    def next_line(self, here: Tree) -> Line | None:
        assert isinstance(here, Relation)
        for law in SIMPLIFYING:
            rewrite = LAWS[law].rewrite
            made = rewrite(here) if rewrite is not None else None
            if made is not None:
                return self.lawful(here, made, law)
        opened = substitute(here, self.opened)
        if opened == here:
            return None
        calls = [self.equations[node] for node in walk(here) if node in self.equations]
        functions = [call.function for call in calls if isinstance(call, Call)]
        law, about = ("operation", tuple(functions[:1])) if functions else ("definition", ())
        assert isinstance(opened, Relation)
        self.prove_equal(subtract(here.left, here.right), subtract(opened.left, opened.right))
        self.agree(here, opened)
        return Line(opened, law, about, relation="iff")

    def opened(self, leaf: Tree) -> Tree | None:
        """The right side of a name's equation, an operation written out."""
        rhs = self.equations.get(leaf)
        if isinstance(rhs, Call) and (formula := OPS[rhs.function].formula) is not None:
            return formula(rhs.arguments, rhs.part or 0)
        return rhs

    def lawful(self, before: Relation, made: Rewriting, law: str) -> Line:
        """The line a law made, its side conditions and the step itself proved by SymPy and tried at points."""
        for condition in made.conditions:
            self.prove_positive(subtract(condition.left, condition.right))
        new = made.relation
        if made.inverse is not None:
            self.prove_increasing(made.inverse)
            for old_side, new_side in ((before.left, new.left), (before.right, new.right)):
                self.prove_equal(old_side, Call(made.inverse, (new_side,)))
        else:
            self.prove_positive(made.factor if made.positive else Negative(made.factor))
            gain = subtract(new.left, new.right)
            self.prove_equal(gain, Product((made.factor, subtract(before.left, before.right))))
        self.agree(before, new)
        return Line(new, law, relation="iff", holds=made.conditions)

    def step(self, before: Relation, law: str) -> Step:
        """One line by one law."""
        rewrite = LAWS[law].rewrite
        made = rewrite(before) if rewrite is not None else None
        assert made is not None
        return Step("decision", before, (self.lawful(before, made, law),))

    def assign(self, values: Mapping[Tree, Tree], statement: Relation, wanted: Relation) -> tuple[Step, ...]:
        """The values that make one statement the other, a step for each; that they do is proved."""
        made = substitute(statement, values.get)
        assert isinstance(made, Relation)
        self.same(made, wanted)
        self.judged += len(values) - 1
        return tuple(Step("decision", name, (Line(tree, "match"),)) for name, tree in values.items())

    def swap(self, rule: Relation, linear: Relation, values: Mapping[Tree, Tree], softmax: Relation) -> Step:
        """What the neuron decides when the signs are the other way round: the opposite of the softmax."""
        made = substitute(linear, values.get)
        opposite = Relation(TURNED[softmax.sign], softmax.left, softmax.right)
        assert isinstance(made, Relation)
        self.agree(made, opposite)
        self.judged += 1
        if any(self.holds(made, point) == self.holds(softmax, point) for point in self.points if not point["tie"]):
            raise JudgementError("decision: the swapped parameters do not swap the classes")
        return Step("decision", rule, (Line(made, "match", relation="iff"), Line(opposite, "found-above", relation="iff")))

    def probabilities(self, softmax: Relation, logistic: Relation, found: Mapping[Tree, Tree]) -> tuple[Step, ...]:
        """ŷ₁ = σ(z₁ − z₂), and the neuron's output as the softmax output it equals."""
        first, second = softmax.left, softmax.right
        call = self.equations[first]
        assert isinstance(call, Call)
        z1, z2 = call.arguments
        e1, e2 = Call("exp", (z1,)), Call("exp", (z2,))
        lines = [
            Line(Quotient(e1, Sum((e1, e2))), "operation", ("softmax",)),
            Line(Quotient(ONE, Sum((ONE, Quotient(e2, e1)))), "divide-by-positive", holds=(Relation(">", e1, ZERO),)),
            Line(Quotient(ONE, Sum((ONE, Call("exp", (Negative(subtract(z1, z2)),))))), "exponentials"),
            Line(Call("sigmoid", (subtract(z1, z2),)), "operation", ("sigmoid",)),
        ]
        self.prove_positive(e1)
        for before, after in pairwise(lines):
            self.prove_equal(before.tree, after.tree)
        self.equal_at_points(first, [line.tree for line in lines])
        self.judged += len(lines)
        output = logistic.left
        neuron = self.equations[output]
        assert isinstance(neuron, Call)
        inside = substitute(substitute(neuron.arguments[0], self.equations.get), found.get)
        other, gap = (second, subtract(z2, z1)) if found_turned(found, self.equations[z1]) else (first, subtract(z1, z2))
        chain = [
            Line(Call("sigmoid", (inside,)), "match"),
            Line(Call("sigmoid", (gap,)), "definition"),
            Line(other, "found-above"),
        ]
        self.prove_equal(inside, substitute(gap, self.equations.get))
        partner = self.equations[other]
        assert isinstance(partner, Call)
        self.prove_equal(Call("sigmoid", (gap,)), Call(partner.function, partner.arguments, partner.part))
        self.equal_at_points(other, [line.tree for line in chain])
        self.judged += len(chain)
        return Step("decision", first, tuple(lines)), Step("decision", output, tuple(chain))

    # --- SymPy --------------------------------------------------------------------------------------------------------

    def sympy(self, tree: Tree) -> Any:
        """The meaning of a tree for any number of inputs: an inner product is a sum over a symbolic index."""
        import sympy

        size = sympy.Symbol(self.decision.dimension or "n", integer=True, positive=True)
        index = sympy.Symbol("i", integer=True)
        entries = {name: sympy.IndexedBase(name, real=True)[index] for name in (*self.decision.vectors, self.unused("u"))}
        inner: dict[Any, Any] = {}

        def hide(node: Tree) -> Tree:
            if isinstance(node, MatrixProduct):
                term = to_sympy(node.left, entries) * to_sympy(node.right, entries)
                place = f"inner{len(inner)}"
                inner[place] = sympy.Sum(term, (index, 1, size))
                return Name(place)
            return rebuild(node, hide)

        opened = tree
        while (deeper := substitute(opened, self.opened)) != opened:
            opened = deeper
        hidden = hide(opened)
        return to_sympy(hidden, inner)

    def prove_equal(self, left: Tree, right: Tree) -> None:
        import sympy

        if sympy.simplify(self.sympy(left) - self.sympy(right)) != 0:
            raise JudgementError("decision: SymPy does not confirm that two sides of a line are equal")

    def prove_positive(self, tree: Tree) -> None:
        if self.sympy(tree).is_positive is not True:
            raise JudgementError("decision: SymPy does not confirm a side condition: a factor is not known to be positive")

    def prove_increasing(self, function: str) -> None:
        """The slope of the function is positive everywhere."""
        import sympy

        place = sympy.Symbol("place", real=True)
        if sympy.diff(to_sympy(Call(function, (Name("place"),))), place).is_positive is not True:
            raise JudgementError(f"decision: SymPy does not confirm that {function} is increasing")

    def same(self, one: Relation, other: Relation) -> None:
        """Two linear statements are the same: their differences are equal, or opposite with the sign turned."""
        mine, theirs = subtract(one.left, one.right), subtract(other.left, other.right)
        self.prove_equal(mine, theirs if one.sign == other.sign else Negative(theirs))
        self.agree(one, other)

    # --- points -------------------------------------------------------------------------------------------------------

    def points_of(self, size: int) -> list[dict[str, Any]]:
        """Seeded points with so many inputs: three in general position, and ties of either rule."""
        source = random.Random(f"derive-{size}")  # noqa: S311
        vectors = {name: tuple(f"{name}_{k}" for k in range(1, size + 1)) for name in (*self.decision.vectors, self.unused("u"))}
        found = []
        for tie in (False, False, False, True):
            free = (
                {n for n in self.problem.network.free if n not in vectors}
                | {entry for row in vectors.values() for entry in row}
                | {self.unused("k")}
            )
            point: dict[str, Any] = {name: Decimal(f"{source.uniform(-2, 2):.6f}") for name in sorted(free)}
            point |= {"vectors": vectors, "tie": tie}
            if tie:
                self.level(point)
            with precision(WORKING_DIGITS):
                for equation in self.problem.network.equations:
                    point[equation.goal] = self.value(equation.rhs, point)
            found.append(point)
        return found

    def level(self, point: dict[str, Any]) -> None:
        """Biases moved so that the two scores are equal and the neuron's score is 0."""
        with precision(WORKING_DIGITS):
            scores = [rhs for rhs in self.equations.values() if isinstance(rhs, Sum)]
            for score, level in zip(scores[1:], (self.value(scores[0], point), Decimal(0)), strict=False):
                bias = score.terms[-1]
                if isinstance(bias, Name):
                    point[bias.name] += level - self.value(score, point)

    def value(self, tree: Tree, point: Mapping[str, Any]) -> Decimal:
        return Decimal(compile_tree(components(tree, point["vectors"])[0])(point))

    def holds(self, relation: Relation, point: Mapping[str, Any]) -> bool:
        with precision(WORKING_DIGITS):
            gap = self.value(relation.left, point) - self.value(relation.right, point)
            return bool(COMPARE[relation.sign](Decimal(0) if abs(gap) < Decimal("1e-60") else gap, 0))

    def equal_at_points(self, wanted: Tree, trees: list[Tree]) -> None:
        """Every tree has the value wanted, at every point.  Raises JudgementError."""
        with precision(WORKING_DIGITS):
            for point in self.points:
                value = self.value(wanted, point)
                if any(abs(self.value(tree, point) - value) > Decimal("1e-60") for tree in trees):
                    raise JudgementError("decision: two sides of an equation differ at a point")

    def agree(self, one: Relation, other: Tree) -> None:
        """Two statements have the same truth at every point, ties included.  Raises JudgementError with the point."""
        assert isinstance(other, Relation)
        for point in self.points:
            if self.holds(one, point) != self.holds(other, point):
                raise JudgementError("decision: two lines of a chain differ at a point")
        self.judged += 1


def found_turned(found: Mapping[Tree, Tree], score: Tree) -> bool:
    """Whether the neuron's weights are the second row minus the first."""
    own = {node for node in walk(score) if isinstance(node, Name)}
    return any(
        isinstance(tree, Sum) and isinstance(tree.terms[1], Negative) and tree.terms[1].body in own for tree in found.values()
    )
