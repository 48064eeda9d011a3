"""The laws: the reasons a line may give, each with an example; those for inequalities also say how they rewrite one.

Owns `LAWS`.  A line that names a law without a row here cannot be printed.  The words a page puts beside a line, and what a
law says in general, are in the language catalogue under the same name.  May import: written, handwriting, tables.formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from derive.handwriting import tidy
from derive.tables.formulas import log
from derive.written import (
    ONE,
    ZERO,
    Call,
    MatrixProduct,
    Name,
    Negative,
    Number,
    Quotient,
    Relation,
    Sum,
    Tree,
    add,
    multiply,
    number,
    subtract,
)

TURNED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}


@dataclass(frozen=True)
class Rewriting:
    """What a law made of an inequality, and what has to be proved for it.

    The difference of the new sides is `factor` times that of the old ones, `positive` or negative; or, with `inverse`, the old
    sides are that strictly increasing function of the new ones.  `conditions` must hold everywhere.
    """

    relation: Relation
    factor: Tree = ONE
    positive: bool = True
    inverse: str | None = None
    conditions: tuple[Relation, ...] = ()


@dataclass(frozen=True)
class Law:
    """A reason: the smallest example, and how it rewrites an inequality (None: not)."""

    name: str
    example: str
    rewrite: Callable[[Relation], Rewriting | None] | None = None


def _over_positive(relation: Relation) -> Rewriting | None:
    """Both sides times their denominators."""
    if not isinstance(relation.left, Quotient) and not isinstance(relation.right, Quotient):
        return None
    left, right = _fraction(relation.left), _fraction(relation.right)
    if left[1] == right[1]:
        below, new = left[1], Relation(relation.sign, left[0], right[0])
    else:
        below = multiply(right[1], left[1], tight=True)
        new = Relation(relation.sign, multiply(right[1], left[0]), multiply(right[0], left[1]))
    return Rewriting(new, below, conditions=(Relation(">", below, ZERO),))


def _fraction(tree: Tree) -> tuple[Tree, Tree]:
    if isinstance(tree, Quotient):
        return tree.top, tree.bottom
    if isinstance(tree, Number) and tree.value.denominator != 1:
        return number(tree.value.numerator), number(tree.value.denominator)
    return tree, ONE


def _numbers_apart(relation: Relation) -> Rewriting | None:
    """A number beside an exponential goes to the other side."""
    for here, there in ((relation.left, relation.right), (relation.right, relation.left)):
        if isinstance(here, Sum) and isinstance(there, Number) and any(isinstance(t, Number) for t in here.terms):
            numbers = [term for term in here.terms if isinstance(term, Number)]
            rest = add(*(term for term in here.terms if not isinstance(term, Number)))
            moved = tidy(subtract(there, add(*numbers)))
            sides = (rest, moved) if here is relation.left else (moved, rest)
            return Rewriting(Relation(relation.sign, *sides))
    return None


def _logarithm(relation: Relation) -> Rewriting | None:
    """ln of both sides, where both are exponentials or positive numbers."""
    sides = (relation.left, relation.right)
    if not any(isinstance(side, Call) and side.function == "exp" for side in sides):
        return None
    new = []
    for side in sides:
        match side:
            case Call("exp", (inner,)):
                new.append(inner)
            case Number() if side.value > 0:
                new.append(ZERO if side.value == 1 else log(side))
            case _:
                return None
    conditions = tuple(Relation(">", side, ZERO) for side in sides if not isinstance(side, Number))
    return Rewriting(Relation(relation.sign, *new), inverse="exp", conditions=conditions)


def _minus_over(relation: Relation) -> Rewriting | None:
    """0 ≤ −z as z ≤ 0: z added on both sides."""
    match relation:
        case Relation(sign, Number("0"), Negative(body)):
            return Rewriting(Relation(sign, body, ZERO))
    return None


def _moved(relation: Relation) -> Rewriting | None:
    return _numbers_apart(relation) or _minus_over(relation) or _one_side(relation)


def is_linear(tree: Tree) -> bool:
    """Whether a side is made of inner products and names only."""
    terms = tree.terms if isinstance(tree, Sum) else (tree,)
    return any(isinstance(term, MatrixProduct) for term in terms) and all(isinstance(t, MatrixProduct | Name) for t in terms)


def _one_side(relation: Relation) -> Rewriting | None:
    """Everything on the left."""
    if not (is_linear(relation.left) and is_linear(relation.right)):
        return None
    return Rewriting(Relation(relation.sign, subtract(relation.left, relation.right), ZERO))


def _gathered(relation: Relation) -> Rewriting | None:
    """u·x + b − (v·x + c) as (u − v)·x + (b − c)."""
    match relation:
        case Relation(sign, Sum((Sum((MatrixProduct(u, x), b)), Negative(Sum((MatrixProduct(v, y), c))))), Number("0")) if x == y:
            return Rewriting(Relation(sign, Sum((MatrixProduct(subtract(u, v), x), subtract(b, c))), ZERO))
    return None


def _turned(relation: Relation) -> Rewriting | None:
    """(u − v)·x + (b − c) ≥ 0 as (v − u)·x + (c − b) ≤ 0."""
    match relation:
        case Relation(sign, Sum((MatrixProduct(Sum((u, Negative(v))), x), Sum((b, Negative(c))))), Number("0")):
            turned = Sum((MatrixProduct(subtract(v, u), x), subtract(c, b)))
            return Rewriting(Relation(TURNED[sign], turned, ZERO), Negative(ONE), positive=False)
    return None


LAWS: dict[str, Law] = {
    law.name: law
    for law in (
        Law("definition", "z = w·x + b"),
        Law("operation", "σ(z) = 1/(1 + e^(−z))"),
        Law("chain-rule", "∂L/∂w = ∂L/∂y · ∂y/∂w"),
        Law("chain-rule-sum", "∂L/∂h = ∂L/∂u · ∂u/∂h + ∂L/∂v · ∂v/∂h"),
        Law("local-slopes", "∂(w·x)/∂w = x"),
        Law("differentiate", "∂(y − t)²/∂y = 2(y − t)"),
        Law("no-slope", "∂step(z)/∂z = 0"),
        Law("simplify", "½ · 2(t − y) · (−1) = y − t"),
        Law("reuse-signal", "∂L/∂w = δ · h"),
        Law("update-rule", "w⁺ = w − η ∂L/∂w"),
        Law("numbers", "0.1 · 0.5"),
        Law("value", "0.05"),
        Law("stack", "∂f/∂z = (∂f/∂z₁, ∂f/∂z₂)"),
        Law("found-above", "(a₁, a₂)"),
        Law("vector-form", "(u₁v₁, u₂v₂) = u ⊙ v"),
        Law("entry", "(W X)_in = Σ_j W_ij X_jn"),
        Law("kronecker", "∂X_jn/∂X_kl = δ_jk δ_nl"),
        Law("contract", "Σ_k G_k δ_ki = G_i"),
        Law("index-form", "a_i b_i + a_i c_i = a_i (b_i + c_i)"),
        Law("insert-found", "∂L/∂p_k = −y_k/p_k"),
        Law("known-sum", "Σ_k y_k = 1"),
        Law("matrix-form", "Σ_n G_in X_jn = (G Xᵀ)_ij"),
        Law("divide-by-positive", "a/(a + b) = 1/(1 + b/a)"),
        Law("exponentials", "eᵃ/eᵇ = e^(a − b)"),
        Law("common-denominator", "a/c ≥ b/c ⇔ a ≥ b, c > 0", _over_positive),
        Law("increasing-function", "eᵃ ≥ eᵇ ⇔ a ≥ b", _logarithm),
        Law("move-terms", "a ≥ b ⇔ a − b ≥ 0", _moved),
        Law("distribute", "u·x + b − (v·x + c) = (u − v)·x + (b − c)", _gathered),
        Law("turn-sign", "a − b ≥ 0 ⇔ b − a ≤ 0", _turned),
        Law("match", "u·x + c ≤ 0, v·x + d ≤ 0: u = v, c = d"),
    )
}

SIMPLIFYING = ("common-denominator", "increasing-function", "move-terms", "distribute")
"""The laws that bring an inequality down to a linear one, in the order they are tried."""
