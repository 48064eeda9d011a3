"""A problem as a problem file: every equation, whatever shorthand it was typed in.

Owns `render_problem`.  May import: spec, formats.plain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from derive.formats.plain import typed
from derive.problem import Problem
from derive.written import Call, Number


def render_problem(problem: Problem) -> str:
    r"""The TOML text of a problem; it loads as the same problem.

    >>> from derive.spec import load_text
    >>> text = render_problem(load_text('[layers]\nsizes = [1, 1]\n'))
    >>> print(text[text.index("z1_1"):].splitlines()[0])
    z1_1 = "w1_11*x1 + b1_1"
    """
    return "\n".join(_lines(problem)).rstrip("\n") + "\n"


def _quoted(text: str) -> str:
    """A TOML string; JSON escapes are TOML escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _lines(problem: Problem) -> Iterable[str]:
    for key in ("title", "source", "question", "notation"):
        if getattr(problem, key):
            yield f"{key} = {_quoted(getattr(problem, key))}"
    yield from _numbers("[given]", problem.given)
    yield from ("", "[forward]")
    done: set[str] = set()
    for equation in problem.network.equations:
        goals, rhs = equation.siblings or (equation.goal,), equation.rhs
        if isinstance(rhs, Call):
            rhs = Call(rhs.function, rhs.arguments)
        if equation.goal not in done:
            key = _quoted(", ".join(goals)) if len(goals) > 1 else goals[0]
            yield f"{key} = {_quoted(typed(rhs))}"
            done.update(goals)
    train = problem.train
    yield from ("", "[train]", f"loss = {_quoted(train.loss)}", f"parameters = {json.dumps(list(train.parameters))}")
    if train.learning_rate is not None:
        yield f"learning_rate = {train.learning_rate.text}"
    yield f"rule = {_quoted(train.rule)}"
    yield from (f"{name} = {number.text}" for name, number in train.numbers.items())
    yield from _texts("[names]", problem.names)
    if problem.vectors:
        yield from ("", "[vectors]", *(f"{name} = {json.dumps(grid)}" for name, grid in problem.vectors.items()))
    yield from _texts("[ask]", {ask.label: ask.text for ask in problem.asks})
    for example in problem.examples:
        yield from _numbers("[[examples]]", example)
    if problem.decision is not None:
        yield from ("", "[shapes]", *(f"{name} = {json.dumps([problem.decision.dimension])}" for name in problem.decision.vectors))
        yield from _texts("[decision]", {name: typed(rule) for name, rule in problem.decision.rules.items()})


def _numbers(head: str, numbers: Mapping[str, Number]) -> Iterable[str]:
    if numbers:
        yield from ("", head, *(f"{name} = {number.text}" for name, number in numbers.items()))


def _texts(head: str, texts: Mapping[str, str]) -> Iterable[str]:
    if texts:
        yield from ("", head, *(f"{_quoted(name)} = {_quoted(text)}" for name, text in texts.items()))
