"""The derivation as a sheet of named formulas, each from those before it, so that any of them can be done wrong on purpose.

Owns `Sheet`: every value, partial and update of a problem under its key, with the formula it comes from, for as many updates as
are asked about.  A slip is a rewriting of some of these formulas.  No SymPy is loaded for the usual operations.  May import:
errors, written, arithmetic, slopes, network, problem, updates, values, tables.ops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from derive.arithmetic import Arithmetic, Evaluator, Key, compile_tree, key_of, mentioned
from derive.handwriting import tidy
from derive.intervals import INTERVALS
from derive.network import LABEL_NAME, TARGET_NAME, Network
from derive.problem import Problem
from derive.slopes import Slopes
from derive.tables.ops import OPS
from derive.tables.rules import COUNT
from derive.written import ZERO, Call, Later, Name, Number, Partial, Tree, add, multiply, rebuild, substitute, walk

Rows = dict[Key, Tree]


@dataclass(frozen=True)
class Path:
    """One way back: the quantity `user` moves with slope `slope`; its own partial stands before it unless it is the output."""

    user: str
    slope: Tree


Ways = Mapping[tuple[Partial, str], tuple[Path, ...]]
"""For some partials and users, the ways that stand in place of that one."""


@dataclass(frozen=True)
class Sheet:
    """The formulas of a problem in the order of computing: `base` before any update, `rows` for all `updates`.

    `paths` lists, for each partial, the ways it is summed over.  `given` are the numbers typed in the problem, by key.  `overlaid`
    are formulas of later updates that differ from those of the first.
    """

    problem: Problem
    base: Rows
    paths: Mapping[Partial, tuple[Path, ...]]
    updates: int
    given: Mapping[Key, Number]
    overlaid: Rows = field(default_factory=dict)
    reordered: bool = False
    memory: dict[tuple[int | str, int], tuple[Any, Any]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def network(self) -> Network:
        """The named equations."""
        return self.problem.network

    @cached_property
    def rows(self) -> Rows:
        """Every formula, those after the updates too."""
        found = dict(self.base)
        for k in range(1, self.updates + 1):
            found |= {self.later_key(key, k): self.later(tree, k) for key, tree in self.base.items() if self.moves(key)}
        return _in_order(found | self.overlaid) if self.reordered else found | self.overlaid

    def moves(self, key: Key) -> bool:
        """Whether a key has another value after each update."""
        return not isinstance(key, str) or key in self.moving

    @cached_property
    def needs(self) -> dict[Key, tuple[Key, ...]]:
        """The keys each formula mentions."""
        return {key: mentioned(tree) for key, tree in self.rows.items()}

    @cached_property
    def uses(self) -> dict[Key, frozenset[Key]]:
        """The same, to look one up."""
        return {key: frozenset(needs) for key, needs in self.needs.items()}

    @cached_property
    def bounds(self) -> dict[Key, Evaluator]:
        """Each formula as a function of intervals."""
        return {key: self.evaluator(tree, INTERVALS) for key, tree in self.rows.items()}

    @cached_property
    def patterns(self) -> dict[Any, Any]:
        """What a reckoning remembers about papers that print the same lines."""
        return {}

    @cached_property
    def points(self) -> dict[Any, Any]:
        """Where formulas were judged, with what was worked out there."""
        return {}

    @cached_property
    def derived(self) -> dict[Partial, Tree | None]:
        """The formulas of derivatives as the derivation ends them."""
        return {}

    @cached_property
    def predictions(self) -> dict[Any, Any]:
        """Where a line stands for each way to slip, if it is all that is printed."""
        return {}

    @cached_property
    def order(self) -> dict[Key, int]:
        """The place of each key in the order of computing; given ones stand first."""
        return {key: place for place, key in enumerate((*self.given, *self.rows))}

    @cached_property
    def moving(self) -> frozenset[str]:
        """The names whose values differ from one update to the next."""
        train, network = self.problem.train, self.network
        seeds = {*train.parameters, *(name for example in self.problem.examples for name in example)}
        own = {COUNT, *train.states, *train.passing} if train.brought else ()
        return frozenset(own).union(*(network.below(name) for name in seeds if name in network.users))

    @cached_property
    def of_rule(self) -> dict[Key, Number]:
        """What the update is given: the rate, the hyperparameters, the number of each update, and states of 0 before the first."""
        train = self.problem.train
        counts: dict[Key, Number] = {
            self.later_key(name, k): number for k in range(1, self.updates + 1) for name, number in train.started(k).items()
        }
        first: dict[str, Number] = {**train.given, **train.started(0)}
        return counts | {name: number for name, number in first.items()}  # noqa: C416

    @cached_property
    def moved(self) -> dict[str, tuple[Key, ...]]:
        """For each parameter that moves, the keys of its update, its own last."""
        train = self.problem.train
        keys = {name: tuple(key for goal in train.rows(name) if (key := key_of(goal)) is not None) for name in train.parameters}
        return {name: own for name, own in keys.items() if own[-1] in self.base}

    def later_key(self, key: Key, k: int) -> Key:
        """The key of the same thing after `k` more updates."""
        tree = self.later(Name(key) if isinstance(key, str) else key, k)
        found = key_of(tree)
        assert found is not None
        return found

    def later(self, tree: Tree, k: int) -> Tree:
        """The same formula after `k` more updates; what no update moves stays as it is."""

        def move(leaf: Tree) -> Tree | None:
            match leaf:
                case Name(name):
                    return Later(leaf, k) if name in self.moving else None
                case Partial(of, wrt, direct):
                    return Later(Partial(of, wrt, direct), k)
                case Later(body, updates):
                    return Later(body, updates + k)
            return None

        return substitute(tree, move) if k else tree

    def plain(self, tree: Tree) -> Tree:
        """A formula as the sheet files its parts: `L@0` is L, `x1@2` is x1, and `(2*L)@1` is 2*(L@1)."""
        if isinstance(tree, Later):
            return self.later(self.plain(tree.body), tree.updates)
        return tree if isinstance(tree, Name | Partial) else rebuild(tree, self.plain)

    def evaluator(self, tree: Tree, arithmetic: Arithmetic) -> Evaluator:
        """A formula as a function, compiled once."""
        found: Evaluator = self.recall(id(arithmetic), tree, lambda: compile_tree(tree, arithmetic))
        return found

    def mentions(self, tree: Tree) -> frozenset[Key]:
        """The keys a formula mentions, read off once."""
        found: frozenset[Key] = self.recall("mentions", tree, lambda: frozenset(mentioned(tree)))
        return found

    def recall(self, what: int | str, thing: Any, work_out: Callable[[], Any]) -> Any:
        """What was worked out about a thing before, or else now.  A thing is known by its identity: to compare trees costs more."""
        key = (what, id(thing))
        if key not in self.memory:
            self.memory[key] = (thing, work_out())
        return self.memory[key][1]

    def formulas(self, rows: Rows, ways: Ways) -> Rows:
        """The formulas that stand otherwise when some rows and some ways back do, after later updates too."""
        changed = dict(rows)
        for partial in dict.fromkeys(partial for partial, _ in ways):
            paths = (other for path in self.paths[partial] for other in ways.get((partial, path.user), (path,)))
            changed[partial] = self.back(partial.of, tuple(paths))
        for k in range(1, self.updates + 1):
            changed |= {self.later_key(key, k): self.later(tree, k) for key, tree in changed.items() if self.moves(key)}
        return changed

    def done_wrong(self, rows: Rows, ways: Ways, given: Mapping[Key, Number]) -> Sheet:
        """The same sheet with some formulas, ways back or given numbers done otherwise."""
        paths = {
            partial: tuple(other for path in own for other in ways.get((partial, path.user), (path,)))
            for partial, own in self.paths.items()
        }
        changed: Rows = {**rows, **{p: self.back(p.of, own) for p, own in paths.items() if own != self.paths[p]}}
        kept = {key: tree for key, tree in changed.items() if key in self.base}
        overlaid = {key: tree for key, tree in changed.items() if key not in self.base}
        return Sheet(
            self.problem,
            {**self.base, **kept},
            paths,
            self.updates,
            {**self.given, **given},
            {**self.overlaid, **overlaid},
            True,
            dict(self.memory),
        )

    # --- what the slips ask about -------------------------------------------------------------------------------------

    def back(self, of: str, paths: tuple[Path, ...]) -> Tree:
        """The sum over ways back, as the formula of a partial."""
        return add(*(path_tree(of, path) for path in paths)) if paths else ZERO

    @cached_property
    def targets(self) -> frozenset[str]:
        """The free names that are compared with outputs: t…, or a y… that is not computed."""
        train = self.problem.train
        return frozenset(
            name
            for name in self.network.free
            if name not in train.parameters and (TARGET_NAME.fullmatch(name) or LABEL_NAME.fullmatch(name))
        )

    @cached_property
    def loss_edges(self) -> tuple[tuple[Partial, Path], ...]:
        """The partials and ways where a loss is differentiated by an output: its equation holds a target, or its row says loss."""
        network, loss = self.network, self.problem.train.loss

        def is_loss(goal: str) -> bool:
            calls = (node for node in walk(network.by_goal[goal].rhs) if isinstance(node, Call))
            return bool(self.targets & set(network.mentions[goal])) or any(OPS[call.function].kind == "loss" for call in calls)

        edges = [
            (partial, path)
            for partial, paths in self.paths.items()
            if partial.of == loss and partial.wrt in network.by_goal
            for path in paths
        ]
        found = [(partial, path) for partial, path in edges if is_loss(path.user)]
        return tuple(found or [(partial, path) for partial, path in edges if path.user == loss])

    @cached_property
    def depth(self) -> dict[str, int]:
        """The layer of each computed quantity: how many equations lie between it and the free names."""
        found = dict.fromkeys(self.network.free, 0)
        for equation in self.network.equations:
            found[equation.goal] = 1 + max((found[name] for name in self.network.mentions[equation.goal]), default=0)
        return found

    def layer_of(self, key: Key) -> int:
        """The layer a key belongs to."""
        match key:
            case Partial(_, wrt):
                return self.depth[wrt] if wrt in self.network.by_goal else max(self.depth[u] for u in self.network.users[wrt])
            case Later(Name(name)):
                return max(self.depth[u] for u in self.network.users[name])
            case str():
                return self.depth[key]
        return 0


def _in_order(rows: Rows) -> Rows:
    """Rows in an order in which they can be computed: a slip may use what comes later."""
    found: Rows = {}
    waiting: set[Key] = set()

    def visit(key: Key) -> None:
        if key in found or key in waiting:
            return
        waiting.add(key)
        for need in mentioned(rows[key]):
            if need in rows:
                visit(need)
        found[key] = rows[key]

    for key in rows:
        visit(key)
    return found


def path_tree(of: str, path: Path) -> Tree:
    """One term of a partial: ∂of/∂user times the slope."""
    return path.slope if path.user == of else multiply(Partial(of, path.user), path.slope)


def make_sheet(problem: Problem, partials: Iterable[Partial] = (), updates: int = 0) -> Sheet:
    """The sheet of a problem: the forward pass, the partials of the loss by everything on the way to a parameter, those asked
    for, and the update; all of it again for each of `updates` further passes.
    """
    network, train, slopes = problem.network, problem.train, Slopes(by_heart=True)
    rows: Rows = {equation.goal: equation.rhs for equation in network.equations}
    goals: dict[str, list[str]] = {train.loss: list(train.parameters)}
    for partial in partials:
        if partial.direct:
            tree = slopes.differentiate(network.by_goal[partial.of].rhs, partial.wrt, network.by_goal[partial.of].outputs)
            rows[partial] = tree
        else:
            goals.setdefault(partial.of, []).append(partial.wrt)
    paths: dict[Partial, tuple[Path, ...]] = {}
    local: dict[str, dict[str, Tree]] = {}
    everything = frozenset(network.quantities)
    for of, wanted in goals.items():
        above = network.above(of)
        useful = frozenset().union(*(network.below(name) for name in wanted if name in above)) & above
        for name in reversed(network.quantities):
            if name not in useful or name == of:
                continue
            ways = []
            for user in network.users[name]:
                if user in useful:
                    if user not in local:
                        equation = network.by_goal[user]
                        local[user] = slopes.gradient(equation.rhs, equation.outputs, everything)
                    if name in local[user]:
                        ways.append(Path(user, tidy(local[user][name])))
            paths[Partial(of, name)] = tuple(ways)
            rows[Partial(of, name)] = add(*(path_tree(of, way) for way in ways)) if ways else ZERO
    if train.learning_rate is not None:
        for name in train.parameters:
            if Partial(train.loss, name) in rows:
                rows |= {key: tree for goal, tree in train.rows(name).items() if (key := key_of(goal)) is not None}
    last = updates if train.learning_rate is not None else 0
    sheet = Sheet(problem, rows, paths, last, {})
    return replace(sheet, given={**_given(problem, last), **sheet.of_rule})


def _given(problem: Problem, updates: int) -> dict[Key, Number]:
    given: dict[Key, Number] = {name: value for name, value in problem.example(0).items()}  # noqa: C416
    for k in range(1, updates + 1):
        for name in problem.examples[k % len(problem.examples)] if problem.examples else ():
            if name not in problem.train.parameters:
                given[Later(Name(name), k)] = problem.example(k)[name]
    return given
