"""How the units of a network hang together: which is drawn, what each stands for, and what stands on the edges between them.

Owns `Node`, `Link`, `Wiring`, `wiring_of` and `Routes`, the edges a gradient travels.  May import: written, network,
problem, roles.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from derive.network import CONSTANT_NAME
from derive.problem import Problem
from derive.roles import role_of
from derive.tables.ops import OPS
from derive.written import (
    Call,
    Einsum,
    Elementwise,
    Indexed,
    MatrixProduct,
    Name,
    Negative,
    Number,
    Over,
    Product,
    Quotient,
    Rule,
    Sum,
    Transpose,
    Tree,
    names_in,
)


@dataclass(frozen=True)
class Node:
    """One unit: the quantities it stands for, the last of which names it, and what it is.

    An `aside` is no step on the way from the inputs to the loss: a bias, a target, a parameter or constant by itself.
    """

    keys: tuple[str, ...]
    kind: str
    aside: bool = False

    @property
    def name(self) -> str:
        """The quantity it is named by."""
        return self.keys[-1]


@dataclass(frozen=True)
class Link:
    """An edge from one unit to another; `weights` are what its source is multiplied by, each with its typed quantity.

    What goes `back` is taken from the time step before.
    """

    source: str
    target: str
    weights: tuple[tuple[Tree, str], ...] = ()
    back: bool = False

    @property
    def id(self) -> str:
        """What the edge is called."""
        return f"{self.source}>{self.target}"

    @property
    def key(self) -> str:
        """The one weight it stands for, or ""."""
        keys = {key for _, key in self.weights}
        return keys.pop() if len(keys) == 1 else ""


@dataclass(frozen=True)
class Wiring:
    """The units by name, in the order of computing, and the edges between them."""

    nodes: Mapping[str, Node]
    links: tuple[Link, ...]
    loss: str

    @cached_property
    def inward(self) -> dict[str, list[Link]]:
        """The edges into each unit."""
        return self._by(lambda link: link.target)

    @cached_property
    def outward(self) -> dict[str, list[Link]]:
        """The edges out of each unit."""
        return self._by(lambda link: link.source)

    def _by(self, end: Callable[[Link], str]) -> dict[str, list[Link]]:
        found: dict[str, list[Link]] = {name: [] for name in self.nodes}
        for link in self.links:
            found[end(link)].append(link)
        return found

    @cached_property
    def users(self) -> dict[str, tuple[str, ...]]:
        """For each typed quantity, the units whose own equations it goes into as a weight."""
        found: dict[str, dict[str, None]] = {}
        for link in self.links:
            for _, key in link.weights:
                found.setdefault(key, {})[link.target] = None
        return {key: tuple(names) for key, names in found.items() if key}

    @cached_property
    def unit_of(self) -> dict[str, str]:
        """The unit that each quantity belongs to."""
        return {key: node.name for node in self.nodes.values() for key in node.keys}


class Routes(Mapping[str, tuple[str, ...]]):
    """For each quantity, the ids of the edges its gradient travels from the loss back to it; each found when it is asked for.

    >>> import derive
    >>> Routes(wiring_of(derive.find("q1")))["w5"]
    ('y1>L', 'h1>y1')
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._above = _reached(wiring.loss, {name: [link.source for link in links] for name, links in wiring.inward.items()})
        self._after = {name: [link.target for link in links] for name, links in wiring.outward.items()}
        self._keys = dict.fromkeys((*wiring.unit_of, *wiring.users))

    def __getitem__(self, key: str) -> tuple[str, ...]:
        wiring = self._wiring
        users = wiring.users.get(key, ())
        if key not in self._keys:
            raise KeyError(key)
        starts = (*users, *([wiring.unit_of[key]] if key in wiring.unit_of else []))
        below = frozenset().union(*(_reached(start, self._after) for start in starts))
        own = {link.id for user in users for link in wiring.inward[user] if key in (weight for _, weight in link.weights)}
        return tuple(
            link.id
            for link in reversed(wiring.links)
            if link.target in self._above and (link.source in below or (link.id in own and link.target in below))
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _reached(start: str, after: Mapping[str, Collection[str]]) -> frozenset[str]:
    found, todo = {start}, [start]
    while todo:
        for name in after[todo.pop()]:
            if name not in found:
                found.add(name)
                todo.append(name)
    return frozenset(found)


def wiring_of(problem: Problem) -> Wiring:
    """The wiring of a problem, read off its equations.

    A pre-activation and its one activation are one unit.  A parameter times a quantity is an edge with a weight; a parameter by
    itself in a sum is a bias.  Anything else that an equation mentions is an edge without a name.

    >>> import derive
    >>> [link.id for link in wiring_of(derive.find("adam")).links]
    ['x1>y', 'x2>y', 'b>y', 't>L', 'y>L']
    """
    return _Wirer(problem).whole()


@dataclass(frozen=True)
class _Term:
    """One term of a right side: either a quantity with its weight, or a parameter alone, or any other formula."""

    mentioned: tuple[str, ...]
    weight: Tree | None = None
    key: str = ""
    alone: bool = False


class _Wirer:
    def __init__(self, problem: Problem) -> None:
        self.problem, self.network = problem, problem.network
        self.shapes = problem.arrays.shapes if problem.arrays is not None else {}
        self.roles = {name: role_of(problem, name) for name in self.network.free}
        self.merged = {
            pre: activation
            for pre, activation in self.network.pre_activations.items()
            if self.network.users[pre] == (activation,) and problem.train.loss != pre and pre not in self.network.activations
        }
        self.comparing = {user for name, role in self.roles.items() if role == "target" for user in self.network.users[name]}
        self.bare = not any(role == "input" for role in self.roles.values())
        self.terms = {equation.goal: self._terms(equation.rhs) for equation in self.network.equations}
        self.weighted = {term.mentioned[0] for terms in self.terms.values() for term in terms if term.weight is not None}
        self.added = {term.mentioned[0] for terms in self.terms.values() for term in terms if term.alone}

    def whole(self) -> Wiring:
        """Every unit and every edge."""
        links: dict[tuple[str, str], Link] = {}
        for equation in self.network.equations:
            target = self.merged.get(equation.goal, equation.goal)
            for term in self.terms[equation.goal]:
                for name in term.mentioned:
                    source = self.merged.get(name, name)
                    if source == target and name not in equation.lagged:
                        continue  # an activation is drawn with its pre-activation
                    before = links.get((source, target), Link(source, target))
                    weights = before.weights if term.weight is None else (*before.weights, (term.weight, term.key))
                    links[source, target] = Link(source, target, weights, before.back or name in equation.lagged)
        used = {link.source for link in links.values()}
        nodes = {}
        for name in self.network.quantities:
            if name in self.network.by_goal and name not in self.merged:
                pre = self.network.activations.get(name, "")
                nodes[name] = Node((pre, name) if self.merged.get(pre) == name else (name,), self._kind(name))
            elif name in used and name in self.roles:
                nodes[name] = self._source(name)
        return Wiring(nodes, tuple(links.values()), self.problem.train.loss)

    def _source(self, name: str) -> Node:
        """The node of a name that no equation gives."""
        role = self.roles[name]
        if role == "target":
            return Node((name,), role, aside=True)
        if role == "input" or (name in self.weighted and role != "parameter") or (self.shapes.get(name) and role == "constant"):
            return Node((name,), "input" if role == "input" else "constant")
        if name in self.added and self.network.users[name]:
            return Node((name,), "bias", aside=True)
        return Node((name,), role, aside=not self.bare or role == "constant")

    def _kind(self, name: str) -> str:
        """What a computed quantity is."""
        network, loss = self.network, self.problem.train.loss
        if self.problem.decision is not None:
            return "hidden" if network.users[name] else "output"
        rhs = network.by_goal[loss].rhs
        unknown = isinstance(rhs, Call) and rhs.function == "loss_of"
        if name == loss:
            return "loss" if unknown else role_of(self.problem, name)
        compared = any(user in self.comparing for user in network.users[name])
        return "output" if compared or (unknown and loss in network.users[name]) else "hidden"

    # --- the terms of a right side ------------------------------------------------------------------------------------

    def _terms(self, rhs: Tree) -> tuple[_Term, ...]:
        body = rhs.body if isinstance(rhs, Rule) else rhs
        if isinstance(body, Call) and len(body.arguments) == 1 and body.function in OPS and OPS[body.function].kind == "activation":
            body = body.arguments[0]
        if not isinstance(body, Sum):
            return (self._term(body, False),)
        return tuple(self._term(term, True) for term in body.terms)

    def _term(self, term: Tree, added: bool) -> _Term:
        mentioned, body = names_in(term), term.body if isinstance(term, Negative) else term
        bare = _stripped(body)
        if added and isinstance(bare, Name) and self._rank(bare.name) != QUANTITY and not self.bare:
            return _Term(mentioned, alone=True)
        factors = [_stripped(factor) for factor in _factors(body)]
        names = sorted((factor.name for factor in factors if isinstance(factor, Name)), key=self._rank)
        plain = len(names) == 2 and set(names) == set(mentioned) and all(isinstance(factor, Name | Number) for factor in factors)
        if not plain or self.bare or self._rank(names[0]) == self._rank(names[1]) or CONSTANT_NAME.fullmatch(names[1]):
            return _Term(mentioned)
        kept = tuple(factor for factor in factors if factor != Name(names[1]))
        weight: Tree = kept[0] if len(kept) == 1 else Product(kept, tight=True)
        return _Term((names[1],), Negative(weight) if body is not term else weight, names[0])

    def _rank(self, name: str) -> int:
        """Which of two factors is the weight: a parameter, else a number that is given, else neither."""
        role = self.roles.get(name, "")
        given = role == "constant" and not self.shapes.get(name)
        return 0 if role == "parameter" else 1 if given else QUANTITY


QUANTITY = 2


def _stripped(tree: Tree) -> Tree:
    """What an array or an entry of one is of."""
    match tree:
        case Negative(body) | Transpose(body):
            return _stripped(body)
        case Indexed(base):
            return _stripped(base)
    return tree


def _factors(tree: Tree) -> tuple[Tree, ...]:
    """What a product is made of, whatever way it is a product of numbers or arrays."""
    match tree:
        case Product(parts) | Elementwise(parts) | Einsum(_, parts):
            return tuple(factor for part in parts for factor in _factors(part))
        case MatrixProduct(left, right):
            return (*_factors(left), *_factors(right))
        case Over("sum", _, body):
            return _factors(body)
        case Quotient(top, bottom) if not names_in(bottom):
            return _factors(top)
    return (tree,)
