"""Second derivatives: each partial is one more named equation, and the same reverse walk differentiates it once more.

Owns `Hessian`, `extended`, `second_steps`, and the test of definiteness.  No second-derivative rule is written by hand.
May import: errors, written, tables.ops, slopes, network, backward.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from derive.backward import Line, Step, derive_partials
from derive.errors import LimitError, UsageError
from derive.network import Equation, Network
from derive.slopes import Slopes
from derive.tables.ops import OPS
from derive.written import ZERO, Call, Name, Nested, Partial, Second, Tree, substitute

SHORT = 8
"""Nodes of a derivative so short that it is written out where it is used: x1 · y(1 − y).  Slopes of slopes soon fill a line."""

MOST_QUANTITIES = 60
"""Quantities a Hessian may be taken by; of more, the page would hold thousands of entries."""


@dataclass(frozen=True)
class Hessian:
    """The second derivatives of `of` by `quantities`, every pair once: ∂(∂of/∂first)/∂then with `first` the earlier of the two.

    `steps` hold what the entries are built from too, `mirrored` the entries off the diagonal derived in the other order, for the
    judges.  `network` is the forward pass with the partials behind it.  `definite` is "positive", "negative", "indefinite", or ""
    where that is not decided.
    """

    of: str
    quantities: tuple[str, ...]
    network: Network
    steps: tuple[Step, ...]
    mirrored: tuple[Step, ...]
    definite: str = ""

    @property
    def entries(self) -> tuple[Second, ...]:
        """The entries on and above the diagonal, row by row."""
        names = self.quantities
        return tuple(Second(self.of, first, then) for place, first in enumerate(names) for then in names[place:])


def gradient_name(partial: Partial) -> str:
    """The name a partial has among the equations; no quantity can be called so."""
    return f"d{partial.of}/d{partial.wrt}"


def leaf_of(name: str) -> Name | Partial:
    """What a name of the extended equations stands for.

    >>> leaf_of("dL/dw5"), leaf_of("y1")
    (Partial(of='L', wrt='w5', direct=False, signal=False), Name(name='y1'))
    """
    of, slash, wrt = name.partition("/")
    return Partial(of[1:], wrt[1:]) if slash else Name(name)


def extended(network: Network, steps: Iterable[Step]) -> Network:
    """The network with an equation behind it for each partial: its answer.

    >>> from derive.reader import read_formula
    >>> net = Network((Equation("L", read_formula("w^2")),))
    >>> extended(net, derive_partials(net, "L", ["w"], Slopes())).equations[1]
    Equation(goal='dL/dw', rhs=Product(factors=(Number(text='2'), Name(name='w')), tight=True), siblings=())
    """

    def named(leaf: Tree) -> Tree | None:
        return Name(gradient_name(leaf)) if isinstance(leaf, Partial) else None

    found = [Equation(gradient_name(step.goal), substitute(step.answer, named)) for step in steps if isinstance(step.goal, Partial)]
    return Network((*network.equations, *found))


def second_steps(network: Network, of: str, names: Sequence[str], partials: Sequence[Step], slopes: Slopes) -> Hessian:
    """Every second derivative of `of` by these quantities; `partials` are the steps of the first ones.

    Raises UsageError where one quantity depends on another, LimitError for too many.
    """
    _check(network, of, names)
    own = tuple(step for step in partials if isinstance(step.goal, Partial) and step.goal.of == of)
    whole = extended(network, own)
    signals = (Partial(of, pre, signal=True) for pre in network.pre_activations)
    rewrite = _Rewriting(of, frozenset(names), {gradient_name(partial): partial for partial in signals})
    steps: list[Step] = []
    mirrored: list[Step] = []
    for place, first in enumerate(names):
        goal = gradient_name(Partial(of, first))
        for found, by in ((steps, names[place:]), (mirrored, names[:place])):
            walked = derive_partials(whole, goal, by, slopes, named=False, inline=SHORT) if by else ()
            found += [rewrite.step(step) for step in walked]
            reached = {step.goal.wrt for step in walked if isinstance(step.goal, Partial)}
            still = [name for name in by if name not in reached]
            found += [Step("second", Second(of, first, name), (Line(ZERO, "no-slope", (goal, name)),)) for name in still]
    return Hessian(of, tuple(names), whole, tuple(steps), tuple(mirrored))


def _check(network: Network, of: str, names: Sequence[str]) -> None:
    """Whether a Hessian by these quantities means something and fits a page.  Raises UsageError and LimitError."""
    if len(names) > MOST_QUANTITIES:
        entries = len(names) * (len(names) + 1) // 2
        raise LimitError(f"--hessian: {len(names)} quantities give {entries:,} entries; name {MOST_QUANTITIES} at most with --wrt")
    if not names:
        raise UsageError(f"--hessian: '{of}' depends on no trained parameter; choose quantities with --wrt")
    if of in names:
        raise UsageError(f"--wrt {of}: is what is differentiated")
    for name in names:
        above = network.above(name) - {name}
        held = [other for other in names if other in above]
        if held:
            raise UsageError(f"--hessian: '{name}' depends on '{held[0]}', so it cannot be held while '{held[0]}' moves")


@dataclass(frozen=True)
class _Rewriting:
    """Steps over the extended equations into what is written: names of partials become partials again, δ where they have one."""

    of: str
    names: frozenset[str]
    signals: Mapping[str, Partial]

    def step(self, step: Step) -> Step:
        lines = tuple(replace(line, tree=substitute(line.tree, self.leaf)) for line in step.lines)
        goal = self.leaf(step.goal)
        assert goal is not None
        return Step("second", goal, lines)

    def leaf(self, tree: Tree) -> Tree | None:
        match tree:
            case Name(name):
                return self.quantity(name)
            case Partial(of, wrt, direct):
                above, below = self.quantity(of), self.quantity(wrt)
                if isinstance(above, Name) and isinstance(below, Name):
                    return tree
                if isinstance(above, Partial) and {above.wrt, wrt} <= self.names and not direct:
                    return Second(self.of, above.wrt, wrt)
                return Nested(above, below, direct)
        return None

    def quantity(self, name: str) -> Name | Partial:
        return self.signals.get(name) or leaf_of(name)


def is_straight(function: str) -> bool:
    """Whether the slopes of an operation do not change but at its kinks.

    >>> is_straight("relu"), is_straight("sigmoid")
    (True, False)
    """
    slopes, names = Slopes(), OPS[function].arguments
    call = Call(function, tuple(map(Name, names)))
    first = [slopes.differentiate(call, name, ()) for name in names]
    return all(slopes.differentiate(slope, name, ()) == ZERO for slope in first for name in names)


UNITS = 10**20
"""Into how many units the largest entry is cut when signs are decided; values are good to twice as many digits."""


def definiteness(rows: Sequence[Sequence[Decimal]]) -> str:
    """Whether a symmetric matrix is "positive" or "negative" definite or "indefinite"; "" where that is not decided safely.

    Sylvester's law of inertia (Horn and Johnson, Matrix Analysis, 4.5.8) on exact leading minors, of the matrix moved along its
    diagonal by more than all its entries together are off, so that the signs found are those of the true matrix.

    >>> definiteness([[Decimal(2), Decimal(1)], [Decimal(1), Decimal(2)]]), definiteness([[Decimal(1)] * 2] * 2)
    ('positive', '')
    """
    largest = max(abs(Fraction(entry)) for row in rows for entry in row)
    if not largest:
        return ""
    cut = [[round(Fraction(entry) / largest * UNITS) for entry in row] for row in rows]
    low, high = (
        _signs([[entry + shift * (i == j) for j, entry in enumerate(row)] for i, row in enumerate(cut)])
        for shift in (-len(rows), len(rows))
    )
    if set(low) == {1}:
        return "positive"
    if set(high) == {-1}:
        return "negative"
    return "indefinite" if 1 in low and -1 in high and 0 not in (*low, *high) else ""


def _signs(rows: list[list[int]]) -> list[int]:
    """The signs of the pivots, as those of leading minors divided by the ones before (Bareiss 1968), to the first that is 0."""
    signs, before = [], 1
    while rows:
        minor = rows[0][0]
        signs.append((minor > 0) - (minor < 0) if before > 0 else (minor < 0) - (minor > 0))
        if not minor:
            break
        top = rows[0][1:]
        rows = [[(minor * e - first * above) // before for e, above in zip(rest, top, strict=True)] for first, *rest in rows[1:]]
        before = minor
    return signs
