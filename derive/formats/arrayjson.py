"""A derivation over arrays as data: the schema of `json`, values as nested lists of strings.

Owns `render_arrays`.  May import: problem, tensors.work, scripts, formats.latex, formats.plain, formats.json.
"""

from __future__ import annotations

import json
from typing import Any

from derive.backward import Line, Step
from derive.formats.json import frame
from derive.formats.latex import formula
from derive.formats.plain import typed
from derive.scripts import script_of
from derive.symbols import Script
from derive.tensors.expansion import Expansion
from derive.tensors.work import ArrayDerivation, nested_values, slice_of
from derive.values import State
from derive.written import Later, Name, Partial, Second, Tree


def render_arrays(work: ArrayDerivation) -> str:
    """The derivation as JSON."""
    script, problem = script_of(work.problem), work.problem
    assert problem.arrays is not None
    loss = problem.train.loss
    steps = {step.goal: step for step in work.steps}

    def entry(goal: Tree) -> dict[str, Any]:
        tree, place = steps[goal].answer, _place(step_line(steps[goal]))
        found = {"latex": formula(tree, script), "formula": typed(tree), "value": value(goal)}
        return found | ({"at": place} if place else {})

    def value(tree: Tree, state: State | None = work.states[0] if work.states else None) -> Any:
        return (
            None
            if state is None or problem.arrays is None
            else nested_values(Expansion(problem, problem.arrays.sizes), tree, state, work.rounding)
        )

    after = work.states[1] if len(work.states) > 1 else None
    values = {name: found for name in problem.network.quantities if (found := value(Name(name))) is not None}
    gradients = {name: entry(Partial(loss, name)) for name in problem.train.parameters if Partial(loss, name) in steps}
    asked = {}
    for ask in problem.asks if not work.requested else ():
        asked[ask.label] = {"quantity": ask.text, **entry(ask.tree)}
    data = {
        **frame(problem.title, problem.source),
        "shapes": {name: [typed(size) for size in shape] for name, shape in work.space.shapes.items()},
        "values": values,
        "gradients": gradients,
        "partials": {typed(partial): entry(partial) for partial in work.requested},
        "asked": asked,
        "updated": {name: value(Name(name), after) for name in problem.train.parameters} if after is not None else {},
        **({"hessian": _square(work, script)} if work.seconds else {}),
        "steps": [_step(step, script) for step in work.steps],
        "checks": {"lines": work.checks.lines, "judged": work.checks.judged, "failed": 0, "judges": list(work.checks.judges)},
    }
    return json.dumps(data, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _square(work: ArrayDerivation, script: Script) -> dict[str, Any]:
    """The second derivatives as a table: by the first quantity, then by the second."""
    found: dict[str, dict[str, Any]] = {}
    for step in work.seconds:
        if isinstance(step.goal, Second):
            line = step_line(step)
            entry = {"latex": formula(line.tree, script), "formula": typed(line.tree), **({"at": _place(line)} if line.at else {})}
            found.setdefault(step.goal.first, {})[step.goal.then] = entry
    return found


def step_line(step: Step) -> Line:
    """The line whose formula is the answer of a step."""
    return next(line for line in reversed(step.lines) if not line.numeric)


def _place(line: Line) -> list[str]:
    """The letters that belong on the left: those of an entry, or of the slice that a line of matrices speaks of."""
    return [] if line.numeric else [typed(place) for place in line.at or slice_of(line.tree)]


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
    return {**data, "at": place} if (place := _place(line)) else data
