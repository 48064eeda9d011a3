"""What is trained and how: the rule of the table, written for one parameter.

Owns `Train` and what its rule brings to a problem: equations, names, numbers and symbols.  May import: written, symbols, reader,
tables.rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from derive.reader import LEARNING_RATE
from derive.symbols import Symbol
from derive.tables.rules import COUNT, DECAY, DECAYED, GRADIENT, OLD, RATE, RULES, Own, Rule
from derive.written import ZERO, Later, Name, Number, Partial, Product, Sum, Tree, substitute, walk


@dataclass(frozen=True)
class Train:
    """What is trained and how: `batch` is "", "mean" or "sum"; `numbers` are the hyperparameters of the rule, those left out too.

    The numbers do not show in the text of a Train: ids of papers made before there were any are a digest of it.
    """

    loss: str
    parameters: tuple[str, ...]
    learning_rate: Number | None = None
    rule: str = "sgd"
    batch: str = ""
    numbers: Mapping[str, Number] = field(default_factory=dict, repr=False)

    @property
    def row(self) -> Rule:
        """The rule."""
        return RULES[self.rule]

    @property
    def decays_gradient(self) -> bool:
        """Whether weight decay is added to the gradient before the rule sees it."""
        return DECAY in self.numbers and not self.row.decoupled

    @property
    def own(self) -> tuple[Own, ...]:
        """The quantities that the update of each parameter has of its own."""
        return (DECAYED, *self.row.own) if self.decays_gradient else self.row.own

    @property
    def counts(self) -> bool:
        """Whether the number of the update enters the rule."""
        return any(node == Name(COUNT) for _, tree in self.row.equations for node in walk(tree))

    @property
    def given(self) -> dict[str, Number]:
        """The numbers that the update is given: the rate and the hyperparameters; none where nothing moves."""
        return {} if self.learning_rate is None else {LEARNING_RATE: self.learning_rate, **self.numbers}

    def names(self, parameter: str) -> dict[str, str]:
        """What the names in the equations of the rule stand for when they are about one parameter.

        >>> Train("L", ("w5",), Number("0.5"), "momentum").names("w5")
        {'v': 'v_w5', 'θ': 'w5'}
        """
        return {**{own.name: f"{own.name}_{parameter}" for own in self.own}, OLD.name: parameter}

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the states, each 0 before the first update."""
        return tuple(f"{own.name}_{parameter}" for parameter in self.parameters for own in self.own if own.state)

    @property
    def passing(self) -> tuple[str, ...]:
        """The names of what is worked out anew in each update."""
        return tuple(f"{own.name}_{parameter}" for parameter in self.parameters for own in self.own if not own.state)

    @cached_property
    def brought(self) -> tuple[str, ...]:
        """Every name that the rule brings to the problem beside the learning rate; none where nothing moves."""
        if self.learning_rate is None:
            return ()
        return (*self.numbers, *((COUNT,) if self.counts else ()), *self.states, *self.passing)

    def started(self, updates: int) -> dict[str, Number]:
        """What the update after so many others begins with beside values: the number of the update and, at first, states of 0."""
        found = {COUNT: Number(str(updates + 1))} if self.counts and self.given else {}
        return found | (dict.fromkeys(self.states, ZERO) if self.given and not updates else {})

    def gradient(self, parameter: str) -> Name | Partial:
        """The gradient that the rule sees: that of the loss, or the one with the decay added."""
        return Name(self.names(parameter)[DECAYED.name]) if self.decays_gradient else Partial(self.loss, parameter)

    def rows(self, parameter: str) -> dict[Name | Later, Tree]:
        """The equations of the update of one parameter, in the order of computing; the last gives its new value.

        >>> [goal.body.name for goal in Train("L", ("w",), Number("0.5"), "momentum").rows("w")]
        ['v_w', 'w']
        """
        found: dict[Name | Later, Tree] = {}
        gradient, names = self.gradient(parameter), self.names(parameter)
        if isinstance(gradient, Name):
            found[gradient] = Sum((Partial(self.loss, parameter), Product((Name(DECAY), Name(parameter)))))
        here: dict[Tree, Tree] = {Name(short): Name(name) for short, name in names.items()}
        here |= {GRADIENT: gradient, RATE: Name(LEARNING_RATE)}
        lasting = {OLD.name, *(own.name for own in self.row.own if own.state)}
        for goal, tree in self.row.equations:
            name = Name(names[goal])
            here[Later(Name(goal), 1)] = Later(name, 1)
            found[Later(name, 1) if goal in lasting else name] = substitute(tree, here.get)
        return found

    def symbols(self, symbol: Callable[[str], Symbol]) -> dict[str, Symbol]:
        """How the names it brings are written, given how parameters are."""
        if not self.brought:
            return {}
        found = {number.name: Symbol(number.latex, number.text) for number in self.row.numbers}
        for parameter in (*self.parameters, OLD.name):
            below = symbol(parameter)
            for own in self.own:
                written = Symbol(f"{own.latex}_{{{below.latex}}}", f"{own.text}_{below.text}")
                found[f"{own.name}_{parameter}"] = written
        return found
