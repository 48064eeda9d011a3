"""The update on a page: the rule in symbols, what its letters mean, and every equation of every parameter with its numbers.

Owns `update_blocks`, `rule_blocks`, `update_symbols`, and the lists of names and numbers that other pages use too.  May import:
written, reader, blocks, sentences, derivation, updates, tables.rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from derive.backward import Line, Step
from derive.blocks import Block, Equations, Row, Table, Text
from derive.derivation import Derivation
from derive.reader import LEARNING_RATE
from derive.sentences import Speaker, separated, series
from derive.tables.rules import COUNT, OLD
from derive.updates import Train
from derive.written import Later, Name, Number, Partial, Relation, Tree

MOST_NAMES = 16
"""Names that a list gives in full."""


def listed_names(names: Sequence[str], speaker: Speaker) -> Text:
    """The names; of very many, the first and the last."""
    if len(names) <= MOST_NAMES:
        return series(map(Name, names), speaker.comma)
    return series((Name(names[0]), Name(names[-1])), speaker.gap)


def equalities(numbers: Mapping[str, Number], speaker: Speaker) -> Text:
    """Names with their numbers: a = 1, b = 2."""
    return separated(((Relation("=", Name(name), number),) for name, number in numbers.items()), speaker.comma)


def update_symbols(train: Train, speaker: Speaker) -> Iterable[tuple[Text, Text]]:
    """The letters of the update with their meanings: the rate, the hyperparameters, and what the rule keeps of each parameter."""
    yield (Name(LEARNING_RATE),), speaker.say("role", "rate")
    for name in train.numbers:
        yield (Name(name),), speaker.say("hyperparameter", name)
    for own in train.own:
        names = tuple(train.names(parameter)[own.name] for parameter in train.parameters)
        yield listed_names(names, speaker), speaker.say("own", own.word)
    if train.counts:
        yield (Name(COUNT),), speaker.say("role", "count")


def update_blocks(work: Derivation, speaker: Speaker) -> list[Block]:
    """The rule, and the table of the update; nothing where nothing moves."""
    train = work.problem.train
    if not work.updates:
        return []
    table = _several(work, speaker) if train.own else _single(work, speaker)
    blocks: list[Block] = [speaker.heading("update"), *rule_blocks(train, speaker), table]
    idle = tuple(name for name in train.parameters if name not in work.problem.moving)
    return [*blocks, speaker.prose("idle", loss=Name(train.loss), names=listed_names(idle, speaker))] if idle else blocks


def rule_blocks(train: Train, speaker: Speaker) -> list[Block]:
    """The rule for any parameter θ: in the sentence where it is one equation, else below it."""
    theta, rows = OLD.name, train.rows(OLD.name)
    rule, numbers = speaker.word("rule", train.rule), equalities(train.given, speaker)
    if not train.own:
        ((goal, tree),) = rows.items()
        return [speaker.prose("update", rule=rule, formula=(goal, " = ", tree), numbers=numbers)]
    blocks: list[Block] = [speaker.prose("update-several", rule=rule, parameter=Name(theta), numbers=numbers)]
    blocks.append(Equations(tuple(Row(goal, "=", tree) for goal, tree in rows.items())))
    states = [Name(train.names(theta)[own.name]) for own in train.own if own.state]
    if states:
        blocks.append(speaker.prose("update-states", states=(*series(states, " = "), " = ", Number("0"))))
    if train.counts:
        blocks.append(speaker.prose("update-count", count=Name(COUNT)))
    return blocks


def _single(work: Derivation, speaker: Speaker) -> Table:
    """A row for each parameter: old, gradient, and how the new value is worked out."""
    head = tuple(speaker.word("column", key) for key in ("parameter", "old", "gradient", "change", "new"))
    rows = []
    for step in work.updates:
        goal = step.goal
        assert isinstance(goal, Later)
        assert isinstance(goal.body, Name)
        gradient = Partial(work.problem.train.loss, goal.body.name)
        worked, value = _worked(step)
        cells: list[Tree | None] = [goal.body, gradient]
        if value is not None:
            cells = [work.states[0].leaf(cell, work.rounding) for cell in cells if cell is not None]
        shown: list[Text] = [(cell,) if cell is not None else () for cell in (*cells, worked)]
        rows.append(((goal.body,), *shown, _value(goal, value)))
    return Table(head, tuple(rows))


def _several(work: Derivation, speaker: Speaker) -> Table:
    """A row for each equation of each parameter."""
    head = tuple(speaker.word("column", key) for key in ("quantity", "change", "value"))
    rows: list[tuple[Text, ...]] = []
    for step in work.updates:
        worked, value = _worked(step)
        rows.append(((step.goal,), (worked,), _value(step.goal, value)))
    return Table(head, tuple(rows))


def _worked(step: Step) -> tuple[Tree, Line | None]:
    """How a step is worked out, with numbers where it has them, and the line with its value."""
    lines = {line.law: line for line in step.lines}
    return lines.get("numbers", lines["update-rule"]).tree, lines.get("value")


def _value(goal: Tree, value: Line | None) -> Text:
    return ("= ", goal) if value is None else (value.relation + " ", value.tree)
