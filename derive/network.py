"""A network is a list of named equations, each name given before it is used, once.

Owns `Equation`, `Seam` and `Network` and what can be read off their wiring.  May import: errors, written, arithmetic, tables.ops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from derive.arithmetic import Evaluator, compile_tree, to_sympy
from derive.errors import InputError
from derive.tables.ops import OPS
from derive.written import Call, Name, Tree, names_in, walk


@dataclass(frozen=True)
class Equation:
    """`goal = rhs`.  The outputs of an operation with several (softmax) are `siblings`, each with its own equation.

    What a recurrence takes from the time step before, `h[t-1]`, is `lagged`: it may be given further down, or be the goal itself.
    """

    goal: str
    rhs: Tree
    siblings: tuple[str, ...] = ()
    lagged: tuple[str, ...] = field(default=(), repr=False)  # ids of papers are a digest of the rest

    @property
    def outputs(self) -> tuple[Tree, ...]:
        """The names under which the outputs of the right side are known."""
        return tuple(map(Name, self.siblings or (self.goal,)))


@dataclass(frozen=True)
class Seam:
    """Where two pieces of an operation in the equation of `goal` meet: `gap` is 0 there; at a `kink` the slope jumps."""

    goal: str
    gap: Tree
    kink: bool


@dataclass(frozen=True)
class Network:
    """Named equations in an order in which they can be computed.  Raises InputError where a name is used before it is given.

    >>> from derive.reader import read_formula
    >>> net = Network((Equation("z", read_formula("w*x + b")), Equation("a", read_formula("sigmoid(z)"))))
    >>> net.free, net.users["z"], sorted(net.below("x"))
    (('w', 'x', 'b'), ('a',), ['a', 'x', 'z'])
    """

    equations: tuple[Equation, ...]

    def __post_init__(self) -> None:
        defined_at = {}
        for place, equation in enumerate(self.equations):
            if equation.goal in defined_at:
                raise InputError(f"forward.{equation.goal}: is given twice")
            defined_at[equation.goal] = place
        for place, equation in enumerate(self.equations):
            for name in names_in(equation.rhs):
                if defined_at.get(name, -1) >= place and name not in equation.lagged:
                    why = self._cycle(equation.goal, name)
                    raise InputError(f"forward.{equation.goal}: '{name}' is used before it is given{why}")

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs: the equations, from which the rest is worked out again."""
        return {"equations": self.equations}

    def _cycle(self, goal: str, name: str) -> str:
        uses = {e.goal: names_in(e.rhs) for e in self.equations}
        seen, todo = set(), [name]
        while todo:
            here = todo.pop()
            if here == goal:
                return " (they depend on each other in a circle)" if name != goal else " (it depends on itself)"
            if here not in seen:
                seen.add(here)
                todo += [n for n in uses.get(here, ()) if n in uses]
        return "; put its equation above"

    @cached_property
    def by_goal(self) -> dict[str, Equation]:
        """Each equation under the name it gives."""
        return {equation.goal: equation for equation in self.equations}

    @cached_property
    def mentions(self) -> dict[str, tuple[str, ...]]:
        """The names each equation uses directly."""
        return {equation.goal: names_in(equation.rhs) for equation in self.equations}

    @cached_property
    def free(self) -> tuple[str, ...]:
        """The names no equation gives, in the order of their first use."""
        return tuple(dict.fromkeys(n for names in self.mentions.values() for n in names if n not in self.by_goal))

    @cached_property
    def free_set(self) -> frozenset[str]:
        """The free names, to look one up."""
        return frozenset(self.free)

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """Every name: the free ones, then the goals in order."""
        return (*self.free, *self.by_goal)

    @cached_property
    def users(self) -> dict[str, tuple[str, ...]]:
        """The goals that use each name directly."""
        found: dict[str, list[str]] = {name: [] for name in self.quantities}
        for goal, names in self.mentions.items():
            for name in names:
                found[name].append(goal)
        return {name: tuple(goals) for name, goals in found.items()}

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each name in the order of computing."""
        return {name: place for place, name in enumerate(self.quantities)}

    def below(self, name: str) -> frozenset[str]:
        """The name itself and every quantity that depends on it."""
        found, todo = {name}, [name]
        while todo:
            for goal in self.users[todo.pop()]:
                if goal not in found:
                    found.add(goal)
                    todo.append(goal)
        return frozenset(found)

    def above(self, name: str) -> frozenset[str]:
        """The name itself and every quantity it depends on."""
        found, todo = {name}, [name]
        while todo:
            for used in self.mentions.get(todo.pop(), ()):
                if used not in found:
                    found.add(used)
                    todo.append(used)
        return frozenset(found)

    @cached_property
    def activations(self) -> dict[str, str]:
        """Which pre-activation each activation of a unit belongs to: `{"h1": "net_h1"}`.

        An activation is an equation that is one operation of the kind `activation` on names.
        """
        found = {}
        for equation in self.equations:
            call = equation.rhs
            if isinstance(call, Call) and call.function in OPS and OPS[call.function].kind == "activation":
                argument = call.arguments[call.part or 0]
                if isinstance(argument, Name) and argument.name in self.by_goal:
                    found[equation.goal] = argument.name
        return found

    @cached_property
    def pre_activations(self) -> dict[str, str]:
        """The one activation of each pre-activation: `{"net_h1": "h1"}`; "" where there are several."""
        found: dict[str, str] = {}
        for activation, pre in self.activations.items():
            found[pre] = "" if pre in found else activation
        return found

    @cached_property
    def compiled(self) -> dict[str, Evaluator]:
        """Each equation as a function of the values before it, in decimal arithmetic."""
        return {equation.goal: compile_tree(equation.rhs) for equation in self.equations}

    @cached_property
    def seams(self) -> tuple[Seam, ...]:
        """Where the pieces of operations meet."""
        found = []
        for equation in self.equations:
            for node in walk(equation.rhs):
                if isinstance(node, Call):
                    op = OPS[node.function]
                    found += [Seam(equation.goal, gap, op.kink) for gap in op.seams(node.arguments)]
        return tuple(found)

    @cached_property
    def kinks(self) -> tuple[tuple[str, tuple[str, ...], Evaluator], ...]:
        """Where operations have kinks: the goal, the names that decide, and a function that is 0 exactly there."""
        return tuple((seam.goal, names_in(seam.gap), compile_tree(seam.gap)) for seam in self.seams if seam.kink)

    def expression(self, name: str, composed: bool = False) -> Any:
        """The SymPy expression of a quantity: its own equation, or everything down to the free names when `composed`.

        >>> from derive.reader import read_formula
        >>> Network((Equation("a", read_formula("2x")), Equation("b", read_formula("a^2")))).expression("b", composed=True)
        4*x**2
        """
        if not composed:
            return to_sympy(self.by_goal[name].rhs)
        needed = self.above(name)
        built: dict[str, Any] = {}
        for equation in self.equations:
            if equation.goal in needed:
                built[equation.goal] = to_sympy(equation.rhs, built)
        return built[name]


INPUT_NAME = re.compile(r"(x|i|in|inp|input)\d*(_\d+)*")
TARGET_NAME = re.compile(r"(t|target|label)\d*(_\w+)?")
CONSTANT_NAME = re.compile(r"(lam|lambda|alpha|beta|gamma|eps|epsilon|rho|mu|tau)\d*(_\w+)?")
LABEL_NAME = re.compile(r"y\d*(_\d+)?")


def guess_parameters(network: Network, loss: str, examples: Iterable[str] = ()) -> tuple[str, ...]:
    """Every free name that is not an input or a target by its name: x…, i… and t…, or a free y… that only the loss uses."""
    told = set(examples)

    def is_data(name: str) -> bool:
        if name in told or INPUT_NAME.fullmatch(name) or TARGET_NAME.fullmatch(name):
            return True
        return bool(LABEL_NAME.fullmatch(name)) and not any(name in network.mentions[a] for a in network.activations.values())

    used = network.above(loss)
    return tuple(name for name in network.free if name in used and not is_data(name))
