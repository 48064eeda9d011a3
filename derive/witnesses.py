"""Points at which every quantity has a value, and partials that nobody derived: nudged, or from SymPy's own derivative.

Owns `Point`, `ComposedPoint`, the two that know second derivatives, and `points`.  May import: errors, written,
tables.primitives, arithmetic, network, curvature.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, getcontext
from typing import Any

from derive.arithmetic import precision, primitive_of, to_sympy
from derive.curvature import gradient_name
from derive.errors import LimitError
from derive.network import Network
from derive.tables.primitives import PRIMITIVES
from derive.written import Name, Nested, Partial, Second, walk

WORKING_DIGITS = 80
NUDGE = Decimal("1e-22")
TOLERANCE = Decimal("1e-40")
"""A central difference with this nudge errs by 1e-44 times the third derivative, and cancels 22 of the working digits."""

FINE_DIGITS, FINE_NUDGE = 200, Decimal("1e-70")
SMALLEST_SCALE = Decimal("1e-9")
LEAST_POINTS, MOST_POINTS, MOST_DRAWS, NEAR = 2, 8, 64, 16


class Point(dict[Any, Any]):
    """The values of every quantity at one point, and, when asked for a partial, its true value by nudging the forward pass."""

    def __init__(self, network: Network, start: Mapping[str, Decimal], nudge: Decimal = NUDGE) -> None:
        super().__init__(start)
        self.network, self.nudge = network, nudge
        self.rates: dict[str, dict[str, Decimal]] = {}
        for equation in network.equations:
            self[equation.goal] = network.compiled[equation.goal](self)

    def __missing__(self, key: Any) -> Decimal:
        if not isinstance(key, Partial):
            raise KeyError(key)
        if key.direct:
            return self.nudged_alone(key.of, key.wrt)
        users = self.network.users[key.wrt]
        if len(users) == 1:  # its only way on: nudge it there, and nudge what it moves through the rest
            (user,) = users
            onward = Decimal(1) if user == key.of else self[Partial(key.of, user)]
            self[key] = rate = self.nudged_alone(user, key.wrt) * onward
            return rate
        if key.wrt not in self.rates:
            self.rates[key.wrt] = self.nudged(key.wrt)
        return self.rates[key.wrt].get(key.of, Decimal(0))

    def nudged(self, name: str) -> dict[str, Decimal]:
        """How fast everything below a quantity moves with it, by central differences; its own equation is switched off."""
        network = self.network
        below = sorted(network.below(name) - {name}, key=network.order.__getitem__)
        here = {goal: self[goal] for goal in (name, *below)}
        sides = []
        try:
            for nudge in (self.nudge, -self.nudge):
                self[name] = here[name] + nudge
                for goal in below:
                    self[goal] = network.compiled[goal](self)
                sides.append({goal: self[goal] for goal in below})
        finally:  # a point without a value beside it is still itself
            self.update(here)
        return {goal: (sides[0][goal] - sides[1][goal]) / (2 * self.nudge) for goal in below}

    def nudged_alone(self, of: str, name: str) -> Decimal:
        """The same along one equation only, everything else in it held."""
        formula, here = self.network.compiled[of], self[name]
        try:
            self[name] = here + self.nudge
            above = formula(self)
            self[name] = here - self.nudge
            below = formula(self)
        finally:
            self[name] = here
        return Decimal((above - below) / (2 * self.nudge))


def kinks_hit(network: Network, values: Mapping[Any, Decimal]) -> tuple[str, ...]:
    """The quantities whose equation stands exactly at a kink at these values."""
    hit = [goal for goal, needs, gap in network.kinks if all(name in values for name in needs) and not gap(values)]
    return tuple(dict.fromkeys(hit))


Witness = Callable[[Network, Mapping[str, Decimal], Decimal], Point]
"""What makes a point of a network, the values of its free names, and a nudge."""


def span(draw: int) -> tuple[float, float]:
    """Between what a number is drawn: of both signs and between 0 and 1 in turn, and 4 times as far with every 16 draws, for a kink
    that stands far out.

    >>> span(0), span(1), span(17)
    ((-1.5, 1.5), (0.05, 0.95), (0.2, 3.8))
    """
    low, high = ((-1.5, 1.5), (0.05, 0.95))[draw % 2]
    reach = 4 ** (draw // NEAR)
    return low * reach, high * reach


def points(network: Network, seed: str, witness: Witness = Point, nudge: Decimal = NUDGE) -> Iterable[Point]:
    """Seeded random points at which the whole network has a value and stands at no kink; behind the first eight only those on a
    side of a kink on which none stood before.

    Raises LimitError where none is found.
    """
    source = random.Random(seed)  # noqa: S311  (points to compute at, not secrets)
    found, seen = 0, set[tuple[int, bool]]()
    for draw in range(MOST_DRAWS):
        low, high = span(draw)
        start = {name: Decimal(f"{source.uniform(low, high):.12f}") for name in network.free}
        try:
            point = witness(network, start, nudge)
        except ArithmeticError:
            continue
        if kinks_hit(network, point):  # there a slope is a convention, and a nudge says nothing
            continue
        sides = {(place, gap(point) > 0) for place, (_, _, gap) in enumerate(network.kinks)}
        if found < MOST_POINTS or not sides <= seen:
            yield point
        found += 1
        seen |= sides
        if found >= MOST_POINTS and len(seen) == 2 * len(network.kinks):
            return
    if not found:
        raise LimitError("the network has no value at any of 64 random points, so nothing can be judged (a negative logarithm?)")


LARGEST_COMPOSED = 20_000
"""Nodes a composed output may have to be given to SymPy whole."""


class ComposedPoint(Point):
    """A point whose partials come from SymPy's own derivative of the fully composed output, not from a nudge."""

    def __missing__(self, key: Any) -> Decimal:
        if not isinstance(key, Partial):
            raise KeyError(key)
        self[key] = value = self.derivative(key.of, key.wrt, key.direct)
        return value

    def derivative(self, of: str, wrt: str, direct: bool) -> Decimal:
        """∂of/∂wrt here, through the whole network or along the equation of `of` alone."""
        return self.sympys(self.network.expression(of) if direct else self.composed(of, wrt), wrt)

    def composed(self, of: str, *by: str) -> Any:
        """A quantity written out down to the free names and those it is differentiated by."""
        import sympy

        needed = self.network.above(of)
        built = {name: sympy.Symbol(name, real=True) for name in by}
        for equation in self.network.equations:
            if equation.goal in needed and equation.goal not in by:
                built[equation.goal] = to_sympy(equation.rhs, built)
        return built[of]

    def sympys(self, expression: Any, *by: str) -> Decimal:
        """The value here of SymPy's derivative of an expression by these names, one after the other."""
        import mpmath
        import sympy

        derivative = sympy.diff(expression, *(sympy.Symbol(name, real=True) for name in by))
        with mpmath.workdps(WORKING_DIGITS):
            values = {s: mpmath.mpf(str(self[s.name])) for s in expression.free_symbols}
            return Decimal(mpmath.nstr(walk_sympy(derivative, values), 80))


class SecondPoint(Point):
    """A point that knows second derivatives too, by nudging two quantities of the forward pass at once.

    `whole` is the network with an equation behind it for each partial; only the derivative of such an equation by something within
    it, which no forward pass knows, is nudged there.
    """

    kind: type[Point] = Point

    def __init__(self, network: Network, start: Mapping[str, Decimal], nudge: Decimal = NUDGE, *, whole: Network) -> None:
        super().__init__(network, start, nudge)
        self.behind = self.kind(whole, start, nudge)
        self.sides: dict[tuple[str, Decimal], Mapping[Any, Any]] = {}
        self.below: dict[str, list[str]] = {}

    def __missing__(self, key: Any) -> Decimal:
        match key:
            case Second(of, first, then):
                self[key] = value = self.second(of, first, then)
                return value
            case Nested(of, wrt, direct):
                above, below = (leaf.name if isinstance(leaf, Name) else gradient_name(leaf) for leaf in (of, wrt))
                rate: Decimal = self.behind[Partial(above, below, direct)]
                return rate
        return super().__missing__(key)

    def second(self, of: str, first: str, then: str) -> Decimal:
        """∂²of/∂first∂then by second central differences of the forward pass, the equations of both switched off.

        They cancel twice the digits a first difference cancels, so they are taken to as many more.
        """
        nudge = self.nudge
        with precision(getcontext().prec - nudge.adjusted()):
            above, below = (self.side(first, by) for by in (nudge, -nudge))
            if first == then:
                return Decimal((above[of] - 2 * self.side(first, Decimal(0))[of] + below[of]) / nudge**2)
            corners = [self.moved(side, then, by)[of] for side in (above, below) for by in (nudge, -nudge)]
            return Decimal((corners[0] - corners[1] - corners[2] + corners[3]) / (4 * nudge**2))

    def side(self, name: str, by: Decimal) -> Mapping[Any, Any]:
        """Every value when one quantity stands a little elsewhere."""
        if (name, by) not in self.sides:
            self.sides[name, by] = self.moved({quantity: self[quantity] for quantity in self.network.quantities}, name, by)
        return self.sides[name, by]

    def moved(self, values: Mapping[Any, Any], name: str, by: Decimal) -> Mapping[Any, Any]:
        """The same with one more quantity moved, and what depends on it computed anew; its own equation is switched off."""
        network = self.network
        if name not in self.below:
            self.below[name] = sorted(network.below(name) - {name}, key=network.order.__getitem__)
        after = {**values, name: values[name] + by}
        for goal in self.below[name]:
            after[goal] = network.compiled[goal](after)
        return after


class ComposedSecondPoint(SecondPoint, ComposedPoint):
    """The same with SymPy's own second derivative of the fully composed output."""

    kind = ComposedPoint

    def second(self, of: str, first: str, then: str) -> Decimal:
        """∂²of/∂first∂then here."""
        return self.sympys(self.composed(of, first, then), first, then)


def walk_sympy(expression: Any, values: dict[Any, Any]) -> Any:
    """The value of a SymPy expression with mpmath, every shared part computed once; `values` grows by what was computed."""
    import mpmath
    import sympy

    if expression not in values:
        parts = [walk_sympy(part, values) for part in expression.args]
        match expression:
            case sympy.Add():
                value = mpmath.fsum(parts)
            case sympy.Mul():
                value = mpmath.fprod(parts)
            case sympy.Pow():
                value = mpmath.power(*parts)
            case sympy.Rational():
                value = mpmath.mpf(expression.p) / expression.q
            case sympy.DiracDelta():
                value = mpmath.mpf(0)
            case _ if (name := primitive_of(expression)) is not None:
                primitive = PRIMITIVES[name]
                value = primitive.mpmath(mpmath)(*parts[: len(parts) - len(primitive.beside)])
            case _:
                value = getattr(mpmath, expression.func.__name__)(*parts)
        values[expression] = value
    return values[expression]


def composed_size(network: Network, name: str) -> int:
    """The nodes a quantity has when everything is written out down to the free names, counted without writing it."""
    sizes: dict[str, int] = dict.fromkeys(network.free, 1)
    for equation in network.equations:
        sizes[equation.goal] = sum(sizes[node.name] if isinstance(node, Name) else 1 for node in walk(equation.rhs))
    return sizes[name]
