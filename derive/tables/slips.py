"""The slips: what people do instead of the right thing, each as a rewriting of the sheet.

Owns `Slipped` and `SLIPS`.  To add a slip, add a row: a function that yields every place where it can be made; its tests appear by
themselves.  Two slips are made on the line itself and not in the sheet, garbled-digits and false-arithmetic; their rows have no
places.  May import: written, arithmetic, network, tables.ops, exercises.sheets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import groupby, pairwise

from derive.arithmetic import Key
from derive.exercises.sheets import Path, Rows, Sheet, Ways
from derive.handwriting import spread
from derive.network import INPUT_NAME
from derive.reader import LEARNING_RATE
from derive.tables.ops import OPS
from derive.written import (
    ONE,
    TWO,
    Call,
    Later,
    Name,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Tree,
    add,
    multiply,
    names_in,
    rebuild,
    substitute,
    walk,
)


@dataclass(frozen=True)
class Slipped:
    """A slip made at certain places.

    `rows` and `ways` are the formulas and ways back it changes; `given`, the given number that may stand for another, which one is
    to be solved for.  `said` are formulas for the sentence about it: what was written, what was meant.  A slip made throughout has
    the single ones as its `parts`.
    """

    slip: str
    where: tuple[Key, ...]
    rows: Rows = field(default_factory=dict)
    ways: Ways = field(default_factory=dict)
    given: str = ""
    variant: str = ""
    said: tuple[Tree, ...] = ()
    parts: tuple[Slipped, ...] = ()


@dataclass(frozen=True)
class Slip:
    """A row: the id of the contract, every place a sheet has for it, and how common it is among ten slips."""

    id: str
    places: Callable[[Sheet], Iterable[Slipped]]
    common: float = 1.0


def put(tree: Tree, changes: Mapping[Tree, Tree]) -> Tree:
    """The tree with some of its leaves replaced."""
    return substitute(tree, changes.get)


def together(found: Iterable[Slipped], sheet: Sheet) -> Iterator[Slipped]:
    """Each slip alone, then done throughout a layer, then throughout the sheet; variants are not mixed."""
    for _, same in groupby(sorted(found, key=lambda s: s.variant), key=lambda s: s.variant):
        single = list(same)
        yield from single
        layers: dict[int, list[Slipped]] = {}
        for slipped in single:
            layers.setdefault(sheet.layer_of(slipped.where[0]), []).append(slipped)
        if len(layers) > 1:
            yield from (_joined(group) for group in layers.values() if len(group) > 1)
        if len(single) > 1:
            yield _joined(single)


def _joined(group: list[Slipped]) -> Slipped:
    rows: Rows = {}
    ways: dict[tuple[Partial, str], tuple[Path, ...]] = {}
    for slipped in group:
        rows |= slipped.rows
        ways |= slipped.ways
    where = tuple(dict.fromkeys(key for s in group for key in s.where))
    return replace(group[0], where=where, rows=rows, ways=ways, parts=tuple(group))


def _way(slip: str, partial: Partial, path: Path, *instead: Path, variant: str = "", said: tuple[Tree, ...] = ()) -> Slipped:
    return Slipped(slip, (partial,), ways={(partial, path.user): instead}, variant=variant, said=said)


def _slopes_of_activations(sheet: Sheet) -> Iterator[tuple[Partial, Path, str]]:
    """The partials by a pre-activation, with the way back through its one activation."""
    activations = sheet.network.activations
    for partial, paths in sheet.paths.items():
        for path in paths:
            call = sheet.network.by_goal[path.user].rhs
            if activations.get(path.user) == partial.wrt and isinstance(call, Call) and len(call.arguments) == 1:
                yield partial, path, call.function


def loss_sign(sheet: Sheet) -> Iterator[Slipped]:
    """t − y for the slope y − t."""
    found = (
        _way("loss-sign", partial, path, Path(path.user, _negated(path.slope)), said=(_negated(path.slope), path.slope))
        for partial, path in sheet.loss_edges
    )
    return together(found, sheet)


def _negated(tree: Tree) -> Tree:
    match tree:
        case Negative(body):
            return body
        case Sum((first, Negative(second))):
            return Sum((second, Negative(first)))
    return Negative(tree)


def _updates(sheet: Sheet) -> Iterator[tuple[Later, str, Tree]]:
    """The last equation of each parameter's update, the one that gives its new value."""
    for name, keys in sheet.moved.items():
        key = keys[-1]
        assert isinstance(key, Later)
        yield key, name, sheet.base[key]


def ascent(sheet: Sheet) -> Iterator[Slipped]:
    """The update adds the gradient, or whatever its rule makes of it."""
    found = (
        Slipped("ascent", (key,), {key: Sum((old, step))}, said=(Name(name),))
        for key, name, tree in _updates(sheet)
        for old, step in _old_and_step(tree)
    )
    return together(found, sheet)


def _old_and_step(tree: Tree) -> Iterator[tuple[Tree, Tree]]:
    match tree:
        case Sum((old, Negative(step))):
            yield old, step


def missing_slope(sheet: Sheet) -> Iterator[Slipped]:
    """The slope of the activation left out, or a factor of it."""

    def places() -> Iterator[Slipped]:
        for partial, path, _ in _slopes_of_activations(sheet):
            if path.slope != ONE:
                yield _way("missing-slope", partial, path, Path(path.user, ONE), said=(path.slope,))
            factors = path.slope.factors if isinstance(path.slope, Product) else ()
            for place, factor in enumerate(factors):
                rest = multiply(*factors[:place], *factors[place + 1 :])
                yield _way("missing-slope", partial, path, Path(path.user, rest), variant=f"part {place}", said=(factor,))

    return together(places(), sheet)


def slope_of_input(sheet: Sheet) -> Iterator[Slipped]:
    """The slope of the activation taken at the wrong one of its input and its output."""

    def places() -> Iterator[Slipped]:
        for partial, path, function in _slopes_of_activations(sheet):
            inside, outside = Name(partial.wrt), Name(path.user)
            names = names_in(path.slope)
            if path.user in names:
                at_input = substitute(path.slope, lambda leaf: inside if leaf == outside else None)  # noqa: B023
                yield _way("slope-of-input", partial, path, Path(path.user, at_input), said=(at_input, path.slope))
                again = Call(function, (outside,))
                twice = substitute(path.slope, lambda leaf: again if leaf == outside else None)  # noqa: B023
                yield _way("slope-of-input", partial, path, Path(path.user, twice), variant="twice", said=(twice, path.slope))
            elif partial.wrt in names:
                at_output = substitute(path.slope, lambda leaf: outside if leaf == inside else None)  # noqa: B023
                yield _way("slope-of-input", partial, path, Path(path.user, at_output), said=(at_output, path.slope))

    return together(places(), sheet)


def missing_path(sheet: Sheet) -> Iterator[Slipped]:
    """One of several ways back left out, here or wherever it could be."""
    found = (
        _way("missing-path", partial, path, variant=path.user, said=(Name(path.user),))
        for partial, paths in sheet.paths.items()
        if len(paths) > 1
        for path in paths
    )
    return together(found, sheet)


def extra_path(sheet: Sheet) -> Iterator[Slipped]:
    """A way back counted twice, or one taken through a unit beside the right one."""
    for partial, paths in sheet.paths.items():
        for path in paths:
            if len(paths) > 1 or path.user != partial.of:
                yield _way("extra-path", partial, path, path, path, variant="twice", said=(Name(path.user),))
            for other in beside(path.user, sheet):
                if partial.of != path.user and other not in {p.user for p in paths} and Partial(partial.of, other) in sheet.paths:
                    yield _way("extra-path", partial, path, path, Path(other, path.slope), said=(Name(other),))


def beside(name: str, sheet: Sheet) -> tuple[str, ...]:
    """The quantities that stand where this one stands: other weights, biases, inputs, or units of its layer."""
    network, parameters = sheet.network, sheet.problem.train.parameters
    if name in network.by_goal:
        pre = network.pre_activations
        alike = (other for other in network.by_goal if sheet.depth[other] == sheet.depth[name] and (other in pre) == (name in pre))
    elif name in parameters:
        added = _is_added(name, sheet)
        alike = (other for other in parameters if _is_added(other, sheet) == added)
    else:
        kind = _kind_of_data(name, sheet)
        alike = (other for other in network.free if other not in parameters and _kind_of_data(other, sheet) == kind)
    found = tuple(other for other in alike if other != name)
    return (
        found if len(found) <= WIDEST else tuple(o for o in found if sheet.network.users[o] == sheet.network.users[name])[:WIDEST]
    )


WIDEST = 16
"""Quantities beside one that are tried in its place."""


def _kind_of_data(name: str, sheet: Sheet) -> str:
    return "target" if name in sheet.targets else "input" if INPUT_NAME.fullmatch(name) else "constant"


def _is_added(name: str, sheet: Sheet) -> bool:
    """Whether a parameter stands alone as a term of a sum, as a bias does."""
    return any(name in _bare_terms(sheet.network.by_goal[user].rhs) for user in sheet.network.users[name])


def _bare_terms(tree: Tree) -> tuple[str, ...]:
    return tuple(term.name for term in tree.terms if isinstance(term, Name)) if isinstance(tree, Sum) else ()


def wrong_index(sheet: Sheet) -> Iterator[Slipped]:
    """A weight, unit or input in place of the right one: in the forward pass, in a slope, behind a slope, in an update."""
    for key, tree in sheet.base.items():
        if isinstance(key, str) and key in sheet.network.by_goal:
            for wrong, said in _misnamed(key, tree, sheet):
                yield Slipped("wrong-index", (key,), {key: wrong}, said=said)
    for partial, paths in sheet.paths.items():
        for path in paths:
            for wrong, said in _misnamed(partial, path.slope, sheet):
                yield _way("wrong-index", partial, path, Path(path.user, wrong), said=said)
            for other in beside(path.user, sheet):
                if path.user != partial.of and Partial(partial.of, other) in sheet.paths:
                    said = (Partial(partial.of, other), Partial(partial.of, path.user))
                    yield _way("wrong-index", partial, path, Path(other, path.slope), said=said)
    for name, keys in sheet.moved.items():
        for other in beside(name, sheet):
            moved = Partial(sheet.problem.train.loss, name)
            another = Partial(sheet.problem.train.loss, other)
            for right, instead in ((moved, another), (Name(name), Name(other))):
                rows: Rows = {key: put(sheet.base[key], {right: instead}) for key in keys}
                rows = {key: wrong for key, wrong in rows.items() if wrong != sheet.base[key]}
                if instead in sheet.paths or isinstance(instead, Name):
                    yield Slipped("wrong-index", tuple(rows), rows, said=(instead, right))


def _misnamed(key: Key, tree: Tree, sheet: Sheet) -> Iterator[tuple[Tree, tuple[Tree, Tree]]]:
    """The tree once for each of its names and each quantity beside it that is known by then."""
    for name in names_in(tree):
        for other in beside(name, sheet):
            if sheet.order.get(other, 0) < sheet.order[key]:
                yield put(tree, {Name(name): Name(other)}), (Name(other), Name(name))


def _layers(sheet: Sheet) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], dict[tuple[str, str], str]]]:
    """The dense layers: pre-activations, the quantities they are fed, and the weight between each two."""
    fed: dict[tuple[str, ...], list[str]] = {}
    weights: dict[tuple[str, str], str] = {}
    parameters = sheet.problem.train.parameters
    for equation in sheet.network.equations:
        terms = equation.rhs.terms if isinstance(equation.rhs, Sum) else ()
        pairs = [term.factors for term in terms if isinstance(term, Product) and len(term.factors) == 2]
        found = {}
        for left, right in pairs:
            if isinstance(left, Name) and isinstance(right, Name):
                weight, source = (left.name, right.name) if left.name in parameters else (right.name, left.name)
                if weight in parameters and source not in parameters:
                    found[source] = weight
        if len(found) > 1:
            fed.setdefault(tuple(found), []).append(equation.goal)
            weights |= {(equation.goal, source): weight for source, weight in found.items()}
    for sources, goals in fed.items():
        if len(goals) > 1:
            yield tuple(goals), sources, weights


def transposed(sheet: Sheet) -> Iterator[Slipped]:
    """The weights of a layer read along the wrong side of their matrix."""
    loss = sheet.problem.train.loss
    for goals, sources, weights in _layers(sheet):
        flat = [weights[goal, source] for goal in goals for source in sources]
        turned = {(goal, source): flat[j * len(goals) + k] for k, goal in enumerate(goals) for j, source in enumerate(sources)}
        rows = {goal: put(sheet.base[goal], {Name(weights[goal, s]): Name(turned[goal, s]) for s in sources}) for goal in goals}
        said = (Name(turned[goals[0], sources[1]]), Name(weights[goals[0], sources[1]]))
        yield Slipped("transposed", goals, dict(rows.items()), said=said)
        ways: dict[tuple[Partial, str], tuple[Path, ...]] = {}
        for source in sources:
            partial = Partial(loss, source)
            for path in sheet.paths.get(partial, ()):
                if path.user in goals:
                    slope = put(path.slope, {Name(weights[path.user, source]): Name(turned[path.user, source])})
                    ways[partial, path.user] = (Path(path.user, slope),)
        if ways:
            yield Slipped("transposed", tuple(partial for partial, _ in ways), ways=ways, variant="back", said=said)


def uses_updated_weights(sheet: Sheet) -> Iterator[Slipped]:
    """Error signals sent back through weights that had already moved."""
    moved: dict[Tree, Tree] = {Name(name): key for key, name, _ in _updates(sheet)}

    def places() -> Iterator[Slipped]:
        for partial, paths in sheet.paths.items():
            ways: dict[tuple[Partial, str], tuple[Path, ...]] = {}
            for path in paths:
                slope = put(path.slope, moved)
                if slope != path.slope:
                    ways[partial, path.user] = (Path(path.user, slope),)
            if ways and partial.wrt in sheet.network.by_goal:
                used = {name for path in paths for name in names_in(path.slope) if Name(name) in moved}
                yield Slipped("uses-updated-weights", (partial,), ways=ways, said=tuple(Name(name) for name in sorted(used)))

    return together(places(), sheet)


def missing_factor(sheet: Sheet) -> Iterator[Slipped]:
    """A constant factor of the loss left out or added: in its value, in its slope, or in both; or one of an equation left out."""
    loss = sheet.problem.train.loss
    outputs = len(sheet.loss_edges)
    count = max(outputs, sheet.problem.batch_size)
    factors: dict[str, Tree] = {"2": TWO, "1/2": Quotient(ONE, TWO)}
    if count > 2:
        factors |= {str(count): Number(str(count)), f"1/{count}": Quotient(ONE, Number(str(count)))}
    for label, factor in factors.items():
        value = {loss: _times(factor, sheet.base[loss])}
        slopes = [
            _way("missing-factor", partial, path, Path(path.user, _times(factor, path.slope)), variant=label, said=(factor,))
            for partial, path in sheet.loss_edges
        ]
        yield Slipped("missing-factor", (loss,), dict(value.items()), variant=label, said=(factor,))
        whole = list(together(slopes, sheet))
        yield from whole
        if whole:
            yield replace(whole[-1], rows=dict(value.items()), where=(loss, *whole[-1].where))
    for key, tree in sheet.base.items():
        if isinstance(key, str) and key in sheet.network.by_goal and key != loss:
            for changed, constant in _without_constants(tree):
                yield Slipped("missing-factor", (key,), {key: changed}, said=(constant,))


def _times(factor: Tree, tree: Tree) -> Tree:
    return multiply(factor, *(tree.factors if isinstance(tree, Product) and not tree.tight else (tree,)))


def _is_constant(tree: Tree) -> bool:
    return isinstance(tree, Number) or (
        isinstance(tree, Quotient) and isinstance(tree.top, Number) and isinstance(tree.bottom, Number)
    )


def _without_constants(tree: Tree) -> Iterator[tuple[Tree, Tree]]:
    """The tree once for each constant factor in it, that factor left out."""
    for node in walk(tree):
        if isinstance(node, Product):
            for place, factor in enumerate(node.factors):
                if _is_constant(factor) and len(node.factors) > 1:
                    fewer = multiply(*node.factors[:place], *node.factors[place + 1 :], tight=node.tight)
                    yield _swapped(tree, node, fewer), factor


def _swapped(tree: Tree, old: Tree, new: Tree) -> Tree:
    """The tree with one of its nodes replaced by another."""
    return new if tree is old else rebuild(tree, lambda part: _swapped(part, old, new))


def inverted(sheet: Sheet) -> Iterator[Slipped]:
    """Divided where to multiply, or a fraction upside down."""
    for partial, paths in sheet.paths.items():
        for path in paths:
            if path.user != partial.of and path.slope != ONE:
                yield _way("inverted", partial, path, Path(path.user, Quotient(ONE, path.slope)), said=(path.slope,))
            for node in walk(path.slope):
                if isinstance(node, Quotient) and not _is_constant(node):
                    turned = _swapped(path.slope, node, Quotient(node.bottom, node.top))
                    yield _way("inverted", partial, path, Path(path.user, turned), said=(node,))
    for key, tree in sheet.base.items():
        if isinstance(key, str) and key in sheet.network.by_goal:
            opened = tree
            if isinstance(tree, Call) and (formula := OPS[tree.function].formula) is not None:
                opened = formula(tree.arguments, tree.part or 0)
            for node in walk(opened):
                if isinstance(node, Quotient) and not _is_constant(node):
                    yield Slipped("inverted", (key,), {key: _swapped(opened, node, Quotient(node.bottom, node.top))}, said=(node,))
                if isinstance(node, Product) and len(node.factors) == 2 and all(isinstance(f, Name) for f in node.factors):
                    yield Slipped("inverted", (key,), {key: _swapped(opened, node, Quotient(*node.factors))}, said=(node,))
    rate = Name(LEARNING_RATE)
    found = (
        Slipped("inverted", (key,), {key: put(tree, {rate: Quotient(ONE, rate)})}, said=(rate,)) for key, _, tree in _updates(sheet)
    )
    yield from together(found, sheet)


def missing_rate(sheet: Sheet) -> Iterator[Slipped]:
    """The learning rate left out, or applied twice."""
    rate = Name(LEARNING_RATE)
    found = (
        Slipped("missing-rate", (key,), {key: put(tree, {rate: instead})}, variant=variant, said=(rate,))
        for variant, instead in (("left-out", ONE), ("twice", Power(rate, TWO)))
        for key, _, tree in _updates(sheet)
    )
    return together(found, sheet)


def wrong_given(sheet: Sheet) -> Iterator[Slipped]:
    """Another number in place of a given one; which, is solved for."""
    used = {name for tree in sheet.base.values() for name in names_in(tree)}
    begun = sheet.problem.train.started(0)  # what nobody gave: the number of the update, and states of 0
    for key in sheet.given:
        if isinstance(key, str) and key in used and key not in begun:
            yield Slipped("wrong-given", (key,), given=key)


def bias_left_out(sheet: Sheet) -> Iterator[Slipped]:
    """A bias missing in the forward pass, or not updated though it is trained."""

    def forward() -> Iterator[Slipped]:
        for key, tree in sheet.base.items():
            for name in _bare_terms(tree) if isinstance(key, str) and isinstance(tree, Sum) else ():
                if name in sheet.network.free and name not in sheet.targets and not INPUT_NAME.fullmatch(name):
                    kept = tuple(term for term in tree.terms if term != Name(name)) if isinstance(tree, Sum) else ()
                    if kept:
                        yield Slipped("bias-left-out", (key,), {key: add(*kept)}, variant="forward", said=(Name(name),))

    yield from together(forward(), sheet)
    found = (
        Slipped("bias-left-out", (key,), {key: Name(name)}, variant="update", said=(Name(name),))
        for key, name, _ in _updates(sheet)
        if _is_added(name, sheet)
    )
    yield from together(found, sheet)


def stale_forward(sheet: Sheet) -> Iterator[Slipped]:
    """Values of an earlier pass used: in a later forward pass, in its gradients, or in its updates."""
    for k in range(1, sheet.updates + 1):

        def earlier(leaf: Tree, k: int = k) -> Tree | None:
            match leaf:
                case Later(Name(name), updates) if updates == k and name in sheet.network.by_goal:
                    return sheet.later(Name(name), k - 1)
                case Later(Partial(), updates) if updates == k:
                    return sheet.later(leaf.body, k - 1)
            return None

        kinds: dict[str, Rows] = {"forward": {}, "backward": {}, "update": {}}
        for key, tree in sheet.base.items():
            if not sheet.moves(key):
                continue
            later, kind = (
                sheet.later_key(key, k),
                "forward" if key in sheet.network.by_goal else "backward" if isinstance(key, Partial) else "update",
            )
            if kind == "forward":
                kinds[kind][later] = sheet.later(Name(str(key)), k - 1)
                yield Slipped("stale-forward", (later,), {later: kinds[kind][later]}, variant=f"{kind}-{k}")
                continue
            if kind == "backward":
                forward_only = substitute(
                    sheet.later(tree, k),
                    lambda leaf: None if isinstance(leaf, Later) and isinstance(leaf.body, Partial) else earlier(leaf),
                )
                changed = forward_only
            else:
                changed = substitute(sheet.later(tree, k), earlier)
            if changed != sheet.later(tree, k):
                kinds[kind][later] = changed
                yield Slipped("stale-forward", (later,), {later: changed}, variant=f"{kind}-{k}")
        for kind, rows in kinds.items():
            if len(rows) > 1:
                yield Slipped("stale-forward", tuple(rows), rows, variant=f"{kind}-{k}")


def wrong_function(sheet: Sheet) -> Iterator[Slipped]:
    """Another activation, its slope with it or without, another loss, or logarithms to another base."""
    yield from together(_other_activations(sheet), sheet)
    yield from _other_losses(sheet)
    yield from _other_bases(sheet)


def _other_activations(sheet: Sheet) -> Iterator[Slipped]:
    activations = [op for op in OPS.values() if op.kind == "activation" and len(op.arguments) == 1]
    backward = {path.user: (partial, path) for partial, path, _ in _slopes_of_activations(sheet)}
    for key, tree in sheet.base.items():
        if isinstance(key, str) and isinstance(tree, Call) and len(tree.arguments) == 1:
            for op in activations:
                if op.name == tree.function or OPS[tree.function].kind != "activation":
                    continue
                other: Rows = {key: Call(op.name, tree.arguments)}
                said = (Name(f"operation:{op.name}"), Name(f"operation:{tree.function}"))
                yield Slipped("wrong-function", (key,), other, variant=op.name, said=said)
                if key in backward:
                    partial, path = backward[key]
                    slope = op.slope((Name(key),), tree.arguments, 0, 0)
                    if slope is not None and slope != path.slope:
                        ways = {(partial, path.user): (Path(path.user, slope),)}
                        yield Slipped("wrong-function", (key,), other, ways, variant=f"{op.name} and slope", said=said)
                        yield Slipped("wrong-function", (partial,), {}, ways, variant=f"{op.name} slope", said=said)


def _other_losses(sheet: Sheet) -> Iterator[Slipped]:
    loss = sheet.problem.train.loss
    tree = sheet.base[loss]
    if not (isinstance(tree, Call) and OPS[tree.function].kind == "loss"):
        return
    taught = OPS[tree.function]
    for op in OPS.values():
        if op.kind == "loss" and op.name != tree.function and op.fault(tree.arguments) is None:
            said = (Name(f"operation:{op.name}"), Name(f"operation:{tree.function}"))
            other: Rows = {loss: Call(op.name, tree.arguments)}
            ways: dict[tuple[Partial, str], tuple[Path, ...]] = {}
            for at, argument in enumerate(spread(tree.arguments)):
                if isinstance(argument, Name) and Partial(loss, argument.name) in sheet.paths:
                    slope = op.slope((Name(loss),), tree.arguments, 0, at)
                    if slope is not None and slope != taught.slope((Name(loss),), tree.arguments, 0, at):
                        ways[Partial(loss, argument.name), loss] = (Path(loss, slope),)
            yield Slipped("wrong-function", (loss,), other, variant=op.name, said=said)
            if ways:  # cross-entropy and the divergence have the same slopes
                yield Slipped("wrong-function", (loss,), other, ways, variant=op.name, said=said)
                yield Slipped("wrong-function", tuple(partial for partial, _ in ways), {}, ways, variant=op.name, said=said)


def _other_bases(sheet: Sheet) -> Iterator[Slipped]:
    for base in ("10", "2"):

        def rebased(tree: Tree, base: str = base) -> Tree:
            inner = rebuild(tree, rebased)
            return Quotient(inner, Call("log", (Number(base),))) if isinstance(inner, Call) and _is_logarithm(inner) else inner

        for key, tree in sheet.base.items():
            if isinstance(key, str) and key in sheet.network.by_goal and (other := rebased(tree)) != tree:
                yield Slipped("wrong-function", (key,), {key: other}, variant=f"log{base}", said=(Call("log", (Number(base),)),))


def _is_logarithm(call: Call) -> bool:
    """Whether an operation is ln, or a loss that is a sum of logarithms: to another base both are divided by its logarithm."""
    op = OPS[call.function]
    if op.kind != "loss" or op.formula is None:
        return op.name == "log"
    return any(isinstance(node, Call) and node.function == "log" for node in walk(op.formula(call.arguments, 0)))


def garbles(text: str) -> Iterator[tuple[str, str]]:
    """A number's digits as a hurried hand copies them: what happened, and what then stands there.

    >>> sorted(set(dict(garbles("0.25"))))
    ['doubled', 'dropped', 'moved', 'transposed']
    """
    sign, body = ("-", text[1:]) if text.startswith("-") else ("", text)
    first = next((place for place, c in enumerate(body) if c in "123456789"), None)
    if first is None or "e" in body:
        return
    places = [place for place in range(first, len(body)) if body[place] != "."]
    for here, there in pairwise(places):
        if body[here] != body[there]:
            turned = list(body)
            turned[here], turned[there] = turned[there], turned[here]
            yield "transposed", sign + "".join(turned)
    for place in places:
        yield "doubled", sign + body[:place] + body[place] + body[place:]
        if len(places) > 1:
            yield "dropped", sign + (body[:place] + body[place + 1 :]).removesuffix(".")
    for move in (-2, -1, 1, 2):
        yield "moved", f"{Decimal(text).scaleb(move):f}"


def nowhere(sheet: Sheet) -> Iterator[Slipped]:
    """No place in the sheet: these slips are made on the line itself."""
    return iter(())


SLIPS: dict[str, Slip] = {
    slip.id: slip
    for slip in (
        Slip("loss-sign", loss_sign, 4),
        Slip("ascent", ascent, 3),
        Slip("missing-slope", missing_slope, 3),
        Slip("slope-of-input", slope_of_input, 2),
        Slip("missing-path", missing_path, 3),
        Slip("extra-path", extra_path),
        Slip("wrong-index", wrong_index, 2),
        Slip("transposed", transposed, 2),
        Slip("uses-updated-weights", uses_updated_weights, 2),
        Slip("missing-factor", missing_factor, 2),
        Slip("inverted", inverted),
        Slip("missing-rate", missing_rate, 3),
        Slip("wrong-given", wrong_given, 2),
        Slip("bias-left-out", bias_left_out, 3),
        Slip("stale-forward", stale_forward),
        Slip("wrong-function", wrong_function),
        Slip("garbled-digits", nowhere, 2),
        Slip("false-arithmetic", nowhere),
    )
}


def candidates(sheet: Sheet) -> tuple[Slipped, ...]:
    """Every slip at every place of a sheet."""
    return tuple(slipped for slip in SLIPS.values() for slipped in slip.places(sheet))
