"""A problem as a problem file: every equation, whatever shorthand it was typed in.

Owns `render_problem` and `quoted`.  May import: spec, wording, formats.plain.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from derive.formats.plain import typed
from derive.problem import Arrays, Numbers, Problem
from derive.wording import TEXTS
from derive.written import Call, Indexed, Name, Number, Rule


def render_problem(problem: Problem) -> str:
    r"""The TOML text of a problem; it loads as the same problem.

    >>> from derive.spec import load_text
    >>> text = render_problem(load_text('[layers]\nsizes = [1, 1]\n'))
    >>> print(text[text.index("z1_1"):].splitlines()[0])
    z1_1 = "w1_11*x1 + b1_1"
    """
    return "\n".join(_lines(problem)).rstrip("\n") + "\n"


def quoted(text: str) -> str:
    """A TOML string; JSON escapes are TOML escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _lines(problem: Problem) -> Iterable[str]:
    for key in ("title", "source", "question", "notation"):
        if getattr(problem, key):
            yield f"{key} = {quoted(getattr(problem, key))}"
    yield from _numbers("[given]", problem.given)
    if problem.arrays is not None:
        yield from _array_sections(problem.arrays)
    yield from ("", "[forward]")
    done: set[str] = set()
    for equation in problem.network.equations:
        goals, rhs = equation.siblings or (equation.goal,), equation.rhs
        if isinstance(rhs, Call):
            rhs = Call(rhs.function, rhs.arguments)
        if equation.goal not in done:
            key = quoted(", ".join(goals)) if len(goals) > 1 else goals[0]
            left = f"{typed(Indexed(Name(equation.goal), rhs.indices))} = " if isinstance(rhs, Rule) else ""
            yield f"{key} = {quoted(left + typed(rhs))}"
            done.update(goals)
    train = problem.train
    yield from ("", "[train]", f"loss = {quoted(train.loss)}", f"parameters = {json.dumps(list(train.parameters))}")
    if train.learning_rate is not None:
        yield f"learning_rate = {train.learning_rate.text}"
    yield f"rule = {quoted(train.rule)}"
    yield from (f"{name} = {number.text}" for name, number in train.numbers.items())
    yield from _texts("[names]", problem.names)
    if problem.vectors:
        yield from ("", "[vectors]", *(f"{name} = {json.dumps(grid)}" for name, grid in problem.vectors.items()))
    yield from _texts("[ask]", {ask.label: ask.text for ask in problem.asks})
    for language, words in problem.words.items():
        own = {key: text for key in TEXTS if (text := getattr(words, key))}
        yield from _texts(f"[words.{language}]", {**own, **words.terms})
        yield from _texts(f"[words.{language}.ask]", words.asks)
    for example in problem.examples:
        yield from _numbers("[[examples]]", example)
    if problem.decision is not None:
        yield from ("", "[shapes]", *(f"{name} = {json.dumps([problem.decision.dimension])}" for name in problem.decision.vectors))
        yield from _texts("[decision]", {name: typed(rule) for name, rule in problem.decision.rules.items()})


def _array_sections(arrays: Arrays) -> Iterable[str]:
    if arrays.given or arrays.sizes:
        yield from ("", "[given]", *(f"{name} = {size}" for name, size in sorted(arrays.sizes.items())))
        yield from (f"{name} = {_nested(value)}" for name, value in arrays.given.items())
    yield from ("", "[shapes]")
    for name, shape in arrays.shapes.items():
        yield f"{name} = [{', '.join(size.text if isinstance(size, Number) else quoted(typed(size)) for size in shape)}]"
    if arrays.facts:
        yield from ("", "[assume]")
        for fact in arrays.facts:
            axis = f", {fact.axis}" if len(arrays.shapes[fact.name]) > 1 else ""
            yield f"{quoted(f'sum({fact.name}{axis})')} = {fact.total}"


def _nested(value: Numbers) -> str:
    return value.text if isinstance(value, Number) else f"[{', '.join(map(_nested, value))}]"


def _numbers(head: str, numbers: Mapping[str, Number]) -> Iterable[str]:
    if numbers:
        yield from ("", head, *(f"{name} = {number.text}" for name, number in numbers.items()))


def _texts(head: str, texts: Mapping[str, str]) -> Iterable[str]:
    if texts:
        yield from ("", head, *(f"{quoted(name)} = {quoted(text)}" for name, text in texts.items()))
