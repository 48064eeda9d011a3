"""Answers to a decision problem: the parameters of the one neuron that decides as softmax does.

Owns `audit_decision`.  May import: arithmetic, decisions, exercises.verdicts.
"""

from __future__ import annotations

import random
from decimal import Decimal

from derive.arithmetic import compile_tree, precision
from derive.decisions import prove_decisions
from derive.exercises.answers import Entry, Paper
from derive.exercises.verdicts import Audit, Judged, Named, Note
from derive.problem import Problem
from derive.witnesses import TOLERANCE, WORKING_DIGITS
from derive.written import Negative, Tree, names_in, subtract

POINTS = 5


def audit_decision(problem: Problem, paper: Paper) -> Audit:
    """The answers for the weight and the bias of the neuron; with both signs turned, the two classes are swapped."""
    facts = prove_decisions(problem).facts
    straight = facts["found"] == subtract(facts["u"], facts["v"])
    first, second = (facts["b"], facts["c"]) if straight else (facts["c"], facts["b"])
    expected = {facts["w"]: facts["found"], facts["d"]: subtract(first, second)}
    lines, swapped = [], []
    for entry in paper.entries:
        formula = expected.get(entry.quantity) if entry.quantity is not None else None
        if entry.verdict or formula is None:
            verdict = {"missing": "unreadable", "": "undecided"}.get(entry.verdict, entry.verdict)
            lines.append(Judged(entry, verdict, notes=() if entry.verdict else (Note("not-of-decision"),)))
        elif same(entry.sides[-1], formula):
            lines.append(Judged(entry, "right", formula=formula))
        else:
            turned = same(Negative(entry.sides[-1]), formula)
            swapped += [entry] if turned else []
            lines.append(Judged(entry, "wrong", formula=formula, slips=("swapped-classes",) if turned else ()))
    slips = tuple(_swapped(entry) for entry in swapped)
    return Audit(problem, paper, tuple(lines), slips)


def _swapped(entry: Entry) -> Named:
    assert entry.quantity is not None
    return Named("swapped-classes", entry.quantity, (entry.name,))


def same(left: Tree, right: Tree) -> bool:
    """Whether two linear combinations are the same: at seeded points, each vector taken as one number."""
    source = random.Random("decided")  # noqa: S311  (points to compute at, not secrets)
    names = sorted({*names_in(left), *names_in(right)})
    with precision(WORKING_DIGITS):
        for _ in range(POINTS):
            point = {name: Decimal(f"{source.uniform(-2, 2):.12f}") for name in names}
            try:
                difference = compile_tree(left)(point) - compile_tree(right)(point)
            except (ArithmeticError, TypeError):
                return False
            if abs(difference) > TOLERANCE:
                return False
    return True
