"""A derivation as data: the schema `derive/derivation-1`, keys sorted, numbers as strings.

Owns `render_json`.  May import: derivation, decisions, pages, formats.latex, formats.plain.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from derive.arithmetic import key_of
from derive.backward import Line, Step
from derive.decisions import Proof
from derive.derivation import Answer, Derivation
from derive.formats.latex import formula
from derive.formats.plain import typed
from derive.scripts import script_of
from derive.symbols import Script
from derive.values import State
from derive.written import Later, Name, Partial, Second, Tree

SCHEMA = "derive/derivation-1"


def render_json(work: Derivation | Proof) -> str:
    """The derivation as JSON."""
    data = _proof(work) if isinstance(work, Proof) else _derivation(work)
    return json.dumps(data, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _derivation(work: Derivation) -> dict[str, Any]:
    script, state = script_of(work.problem), work.states[0]
    answers = {key_of(step.goal): step.answer for step in work.steps}
    loss = work.problem.train.loss

    def entry(derivative: Partial | Second) -> dict[str, Any]:
        tree = answers[key_of(derivative)]
        return {"latex": formula(tree, script), "formula": typed(tree), "value": _value(work, state, derivative)}

    gradients = {name: entry(p) for name in work.problem.train.parameters if (p := Partial(loss, name)) in answers}
    after = work.states[1] if work.updates and len(work.states) > 1 else None

    def square(of: str, names: Sequence[str]) -> dict[str, Any]:
        return {row: {column: entry(Second(of, *sorted((row, column)))) for column in names} for row in names}

    return {
        **frame(work.problem.title, work.problem.source),
        **({} if work.hessian is None else {"hessian": square(work.hessian.of, work.hessian.quantities)}),
        "values": {n: value for n in work.problem.network.quantities if (value := _value(work, state, Name(n))) is not None},
        "gradients": gradients,
        "partials": {typed(partial): entry(partial) for partial in work.requested},
        "asked": {answer.ask.label: _asked(work, answer, script) for answer in work.answers},
        "updated": {n: _value(work, after, Name(n)) for n in work.problem.train.parameters} if after is not None else {},
        "steps": [_step(step, script) for step in work.steps],
        "checks": _checks(work),
    }


def _proof(work: Proof) -> dict[str, Any]:
    script = Script(work.problem.names, work.problem.notation)
    empty: dict[str, Any] = {key: {} for key in ("values", "gradients", "partials", "asked", "updated")}
    return {
        **frame(work.problem.title, work.problem.source),
        **empty,
        "steps": [_step(step, script) for step in work.steps],
        "checks": _checks(work),
    }


def frame(title: str, source: str) -> dict[str, Any]:
    """What every derivation's JSON begins with."""
    return {"schema": SCHEMA, "problem": {"title": title, **({"source": source} if source else {})}}


def _checks(work: Derivation | Proof) -> dict[str, Any]:
    checks = work.checks
    return {"lines": checks.lines, "judged": checks.judged, "failed": 0, "judges": list(checks.judges)}


def _value(work: Derivation, state: State, tree: Tree) -> str | None:
    key = key_of(tree)
    if key is None or key not in state.values:
        return None
    return work.rounding.show(state.values[key], key in state.exact)


def _asked(work: Derivation, answer: Answer, script: Script) -> dict[str, Any]:
    value: str | list[str] | None = None
    if answer.values is not None:
        shown = [work.rounding.show(number, answer.exact) for number in answer.values]
        value = shown if answer.ask.vector else shown[0]
    return {"quantity": answer.ask.text, "latex": formula(answer.formula, script), "formula": typed(answer.formula), "value": value}


def _step(step: Step, script: Script) -> dict[str, Any]:
    goal = step.goal
    name = f"{goal.body.name}+" if isinstance(goal, Later) and isinstance(goal.body, Name) else typed(goal)
    return {"goal": name, "lines": [_line(line, script) for line in step.lines]}


def _line(line: Line, script: Script) -> dict[str, Any]:
    data: dict[str, Any] = {
        "latex": formula(line.tree, script),
        "formula": typed(line.tree),
        "law": line.law,
        "relation": line.relation,
    }
    return {**data, "conditions": [typed(condition) for condition in line.holds]} if line.holds else data
