"""The pipeline: a problem into a judged derivation.

Owns `Derivation`, `Answer` and `derive`.  May import everything above pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from derive.arithmetic import compile_tree, key_of, precision, was_exact
from derive.backward import Line, Step, derive_partials
from derive.checks import (
    COMPOSED,
    FORWARD_AGAIN,
    NUDGED,
    NUDGED_TWICE,
    RECOMPUTED,
    Checks,
    demand,
    judge_composed,
    judge_numbers,
    judge_second,
    judge_symbols,
    judge_values,
    witness_of,
)
from derive.curvature import Hessian, definiteness, second_steps
from derive.displays import Stepwise
from derive.errors import FormulaError, InputError, UsageError, suggest
from derive.network import Equation
from derive.problem import Ask, Problem, missing_numbers
from derive.rounding import Rounding
from derive.slopes import Slopes
from derive.tables.ops import OPS
from derive.unrolled import CLOSED_FORM, judge_equations, judge_moves
from derive.values import State, revisit, run, with_numbers
from derive.vectors import components, vector_steps
from derive.witnesses import Point, kinks_hit
from derive.written import Call, Later, Name, Partial, Second, Tree, substitute, walk


@dataclass(frozen=True)
class Answer:
    """What the problem asked for: the label, the quantity as typed, the formula it comes to, and its value where it has one."""

    ask: Ask
    formula: Tree
    values: tuple[Decimal, ...] | None = None
    exact: bool = False


@dataclass(frozen=True)
class Derivation(Stepwise):
    """A problem worked out: every step, every value, what was asked, and who judged it.

    `losses` are the loss before and after one update, on the first example, each with whether it is exact.
    `states` are the values before any update, after one, and so on; the last is the furthest that is printed or asked for.
    `excerpt` names the steps that a page shows, where it is not to show them all.
    """

    problem: Problem
    rounding: Rounding
    forward: tuple[Step, ...]
    partials: tuple[Step, ...]
    vectors: tuple[Step, ...]
    updates: tuple[Step, ...]
    answers: tuple[Answer, ...]
    states: tuple[State, ...]
    checks: Checks
    requested: tuple[Partial, ...] = ()
    losses: tuple[tuple[Decimal, bool], ...] = ()
    hessian: Hessian | None = None
    excerpt: tuple[Tree, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order of the page."""
        seconds = self.hessian.steps if self.hessian is not None else ()
        return (*self.forward, *self.partials, *self.vectors, *seconds, *self.updates)

    @property
    def options(self) -> Mapping[str, Any]:
        """How it was derived, beside its rounding and what was asked of it."""
        return {"prove": COMPOSED in self.checks.judges, "hessian": self.hessian is not None}

    def find_step(self, quantity: str) -> Step:
        """The step of a quantity as it is typed.  Raises FormulaError for a quantity without one."""
        wanted = key_of(self.problem.read(quantity))
        for step in self.steps if wanted is not None else ():
            if key_of(step.goal) == wanted:
                return step
        raise FormulaError(f"no step for '{quantity}'")


KINDS = ("forward", "partial", "vector", "update")
"""The kinds of step every derivation has, in the order of the page."""


def derive(
    problem: Problem,
    rounding: Rounding | None = None,
    of: str | None = None,
    wrt: Sequence[str] = (),
    prove: bool = False,
    hessian: bool = False,
) -> Derivation:
    """Work a problem out and judge every line of it.

    With `of` or `wrt`, only those partials (and what they need).  With `hessian`, the second derivatives by the same quantities,
    which are the trained parameters when none are named.  Raises UsageError for a quantity the problem does not have, LimitError
    where there are too many for a Hessian, JudgementError if a line of ours does not hold.
    """
    rounding = rounding or Rounding()
    network, train = problem.network, problem.train
    requested = _requested(problem, of, wrt)
    slopes = Slopes()
    targets: dict[str, list[str]] = {}
    for partial in requested or tuple(Partial(train.loss, name) for name in train.parameters):
        targets.setdefault(partial.of, []).append(partial.wrt)
    asks = () if requested else problem.asks
    if not requested:
        for partial in _asked_partials(problem, asks):
            targets.setdefault(partial.of, []).append(partial.wrt)
    moves = not requested and train.learning_rate is not None
    partials: tuple[Step, ...] = ()
    vectors: tuple[Step, ...] = ()
    for goal, names in targets.items():
        steps = derive_partials(network, goal, tuple(dict.fromkeys(names)), slopes, named=goal == train.loss)
        partials += steps
        vectors += vector_steps(steps, problem.vectors, goal)
    forward = () if requested else tuple(_forward_step(equation) for equation in network.equations)
    symbolic = (*forward, *partials, *vectors)
    curved = _hessian(problem, requested, partials, slopes) if hessian else None
    judges = [NUDGED]
    findings, judged = judge_symbols(network, symbolic, problem.vectors)
    if prove and not findings:
        findings = judge_composed(network, symbolic, problem.vectors)
        judges.append(COMPOSED)
    if curved is not None and not findings:
        findings, judged_second = judge_second(curved, network, problem.vectors, prove)
        judged += judged_second
        judges.append(NUDGED_TWICE)
    demand(findings)

    updates = tuple(step for name in problem.moving for step in _update_steps(problem, name)) if moves else ()
    demand(judge_equations(train, updates))
    furthest = max((_passes(node, problem) for ask in asks for node in walk(ask.tree) if isinstance(node, Later)), default=0)
    complete = not missing_numbers(problem)
    seconds = curved.steps if curved is not None else ()
    states = run(problem, (*partials, *seconds), rounding, max(furthest, int(moves)) if complete else 0)
    worked = tuple(_with_numbers(step, states, rounding) for step in (*symbolic, *seconds, *updates))
    if rounding.carry == "full":
        witness = Point if curved is None else witness_of(curved)
        demand([*judge_values(network, (*partials, *seconds), states, witness), *judge_moves(problem, states)])
        if any(goal in states[0].values for goal in network.by_goal):
            judges.append(FORWARD_AGAIN)
    findings, recomputed = judge_numbers(worked)
    demand(findings)
    if recomputed:
        judges.append(RECOMPUTED)
    if train.own and updates:
        judges.append(CLOSED_FORM)


    if curved is not None:
        steps = tuple(step for step in worked if step.kind == "second")
        curved = replace(curved, steps=steps, definite=_definite(curved, problem, states[0], rounding))
    forward, partials, vectors, updates = (tuple(s for s in worked if s.kind == kind) for kind in KINDS)
    return Derivation(
        problem,
        rounding,
        forward,
        partials,
        vectors,
        updates,
        answers=tuple(_answer(ask, problem, worked, states) for ask in asks),
        states=states,
        checks=Checks(sum(len(step.lines) for step in worked), judged + recomputed + len(updates), tuple(judges)),
        requested=requested,
        losses=tuple(_loss(problem, revisit(problem, state, rounding)) for state in states[:2]) if moves and complete else (),
        hessian=curved,
    )


def _requested(problem: Problem, of: str | None, wrt: Sequence[str]) -> tuple[Partial, ...]:
    if of is None and not wrt:
        return ()
    network = problem.network
    goal = problem.train.loss if of is None else problem.aliases.get(of, of)
    names = tuple(wrt) or problem.train.parameters
    asked = []
    for typed in names:
        partial = Partial(goal, problem.aliases.get(typed, typed))
        for option, name in (("--of", partial.of), ("--wrt", partial.wrt)):
            if name not in network.quantities:
                raise UsageError(f"{option} {name}: no such quantity" + suggest(name, network.quantities))
        if partial.wrt not in network.above(partial.of):
            if wrt:
                raise UsageError(f"--wrt {typed}: '{goal}' does not depend on it")
            continue
        asked.append(partial)
    return tuple(asked)


def _hessian(problem: Problem, requested: Sequence[Partial], partials: Sequence[Step], slopes: Slopes) -> Hessian:
    """The second derivatives by what was asked for, else by every trained parameter the loss depends on."""
    of = requested[0].of if requested else problem.train.loss
    reached = {step.goal.wrt for step in partials if isinstance(step.goal, Partial) and step.goal.of == of}
    names = [partial.wrt for partial in requested] or [name for name in problem.train.parameters if name in reached]
    return second_steps(problem.network, of, tuple(dict.fromkeys(names)), partials, slopes)


def _definite(hessian: Hessian, problem: Problem, state: State, rounding: Rounding) -> str:
    """Which way the matrix curves, where its values are known to 40 digits and no convention enters them."""
    keys = {key_of(entry) for entry in hessian.entries}
    if rounding.carry == "hand" or not keys <= state.values.keys() or kinks_hit(problem.network, state.values):
        return ""
    names = hessian.quantities
    return definiteness([[state.values[Second(hessian.of, *sorted((row, column)))] for column in names] for row in names])


def _loss(problem: Problem, state: State) -> tuple[Decimal, bool]:
    return state.values[problem.train.loss], problem.train.loss in state.exact


def _forward_step(equation: Equation) -> Step:
    lines = [Line(equation.rhs, "definition", (equation.goal,))]
    call = equation.rhs
    if isinstance(call, Call) and (formula := OPS[call.function].formula) is not None:
        lines.append(Line(formula(call.arguments, call.part or 0), "operation", (call.function,)))
    return Step("forward", Name(equation.goal), tuple(lines))


def _update_steps(problem: Problem, name: str) -> list[Step]:
    rule, rows = problem.train.rule, problem.train.rows(name)
    return [Step("update", goal, (Line(tree, "update-rule", (rule,)),)) for goal, tree in rows.items()]


def _passes(later: Later, problem: Problem) -> int:
    """How many updates a later value takes; what an update works out on its way needs that one too."""
    return later.updates + (isinstance(later.body, Name) and later.body.name in problem.train.passing)


def _with_numbers(step: Step, states: Sequence[State], rounding: Rounding) -> Step:
    """The step with numbers from the values before any update; the goal of an update has its value one state later."""
    goal = step.goal
    later = states[goal.updates] if isinstance(goal, Later) and goal.updates < len(states) else states[0]
    key = key_of(goal.body if isinstance(goal, Later) else goal)
    if key is None or key not in later.values or (isinstance(goal, Later) and len(states) == 1):
        return step
    return with_numbers(step, states[0], later.values[key], key in later.exact, rounding)


def _asked_partials(problem: Problem, asks: Sequence[Ask]) -> list[Partial]:
    """Every partial the asks mention, vectors taken apart."""
    found = []
    for ask in asks:
        inside = [node.body for node in walk(ask.tree) if isinstance(node, Later)]
        for tree in (ask.tree, *inside):
            found += [cell for node in walk(tree) if isinstance(node, Partial) for cell in components(node, problem.vectors)]
    return [partial for partial in found if isinstance(partial, Partial)]


def _answer(ask: Ask, problem: Problem, steps: Sequence[Step], states: Sequence[State]) -> Answer:
    answers: dict[Tree, Tree] = {step.goal: step.answer for step in steps}
    formula = substitute(ask.tree, lambda leaf: answers.get(leaf) if isinstance(leaf, Partial) or leaf == ask.tree else None)
    values, exact = [], True
    for cell in components(ask.tree, problem.vectors) if ask.vector else (ask.tree,):
        value = _value(cell, states)
        if value is None:
            return Answer(ask, formula)
        values.append(value[0])
        exact = exact and value[1]
    return Answer(ask, formula, tuple(values), exact)


def _value(tree: Tree, states: Sequence[State]) -> tuple[Decimal, bool] | None:
    """The value of an expression over quantities, each taken from the state it asks for."""
    later = {node: f"@{place}" for place, node in enumerate(node for node in walk(tree) if isinstance(node, Later))}
    values: dict[Any, Decimal] = dict(states[0].values)
    exact = all(key_of(node) in states[0].exact for node in walk(tree) if key_of(node) is not None and not later)
    for node, name in later.items():
        inner = _value(node.body, (states[node.updates],)) if node.updates < len(states) else None
        if inner is None:
            return None
        values[name], exact = inner[0], exact and inner[1]
    plain = substitute(tree, lambda leaf: Name(later[leaf]) if isinstance(leaf, Later) else None)
    try:
        with precision(120):
            value = compile_tree(plain)(values)
            return value, exact and was_exact()
    except KeyError:
        return None
    except ArithmeticError:
        raise InputError(f"ask: '{plain}' has no value at the given numbers") from None
