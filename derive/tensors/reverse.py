"""The reverse walk on entries: every equation in its component form, differentiated with Kronecker deltas, contracted.

Owns `derive_entries` and `Found`.  A layer is its forward equations; no backward rule is written by hand for any of them.  May
import: written, handwriting, slopes, network, backward, tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.backward import Line, Step, reverse_order
from derive.handwriting import tidy, turned
from derive.network import Network
from derive.problem import Fact
from derive.slopes import Slopes
from derive.tensors.algebra import (
    Formulas,
    Pattern,
    Term,
    contract,
    counted,
    factored,
    fresh,
    gathered,
    groups_of,
    guarded,
    has_delta,
    inserted,
    moved,
    renamed_outputs,
    terms_of,
    times,
    tree_of,
)
from derive.tensors.components import Place, Space, apart, component, letters_in, relettered
from derive.tensors.matrices import recognise
from derive.tensors.shapes import Shape
from derive.written import (
    ZERO,
    Call,
    Delta,
    Index,
    Indexed,
    Name,
    Over,
    Partial,
    Product,
    Size,
    Tree,
    add,
    children,
    names_in,
    rebuild,
)


@dataclass(frozen=True)
class Found:
    """The entries of one derivative: at `place` (the letters of what is differentiated first), the sum of `terms`."""

    place: Place
    terms: tuple[Term, ...]


def derive_entries(
    network: Network, of: str, by: Iterable[str], space: Space, facts: Sequence[Fact] = (), named: bool = True
) -> tuple[Step, ...]:
    """Every step from `of` back to the quantities `by`, each in index form and, where it is recognised, as matrices."""
    walker = _EntryWalk(network, of, tuple(by), space, facts, named)
    return tuple(Step("partial", Partial(of, name), walker.lines(name)) for name in walker.order())


MOST_TERMS = 3
"""Terms a formula may have that is written without the names of the derivatives found on the way."""


class _EntryWalk:
    def __init__(self, network: Network, of: str, by: tuple[str, ...], space: Space, facts: Sequence[Fact], named: bool) -> None:
        self.network, self.of, self.by, self.space, self.facts, self.named = network, of, by, space, facts, named
        self.slopes = Slopes(by_heart=True)
        self.found: dict[str, Found] = {}
        self.around: set[str] = set()  # the letters on the left of the step at hand, which no sum in it may bind
        self.of_place = space.place(self.shape(of))
        self.patterns = [pattern for equation in network.equations if (pattern := self.pattern(equation.goal)) is not None]

    def shape(self, name: str) -> Shape:
        return self.space.shapes.get(name, ())

    def order(self) -> list[str]:
        wanted = reverse_order(self.network, self.of, self.by)
        self.on_path = frozenset(wanted) | {self.of}
        opaque = self.opaque(self.of)
        return [name for name in wanted if name not in opaque]

    def opaque(self, goal: str) -> frozenset[str]:
        """The quantities of which nothing is known but that the output depends on them."""
        if not self.is_unknown(goal):
            return frozenset()
        users = self.network.users
        return frozenset(name for name in names_in(self.network.by_goal[goal].rhs) if users[name] == (goal,))

    def is_unknown(self, goal: str) -> bool:
        """Whether a quantity is some number of which only its arguments are told."""
        equation = self.network.by_goal.get(goal)
        return equation is not None and isinstance(equation.rhs, Call) and equation.rhs.function == "loss_of"

    def is_signal(self, name: str) -> bool:
        return self.named and name != self.of and name in self.network.pre_activations

    def pattern(self, goal: str) -> Pattern | None:
        """The goal in place of what its equation makes of it, where that is a product with something below the line."""
        if self.is_unknown(goal):
            return None
        place = self.space.place(self.shape(goal))
        terms = terms_of(component(self.network.by_goal[goal].rhs, place, self.space), self.space)
        if len(terms) != 1 or terms[0].over or terms[0].deltas or terms[0].coefficient != 1 or len(terms[0].atoms) < 2:
            return None
        powers = [power for tree, power in terms[0].atoms if not isinstance(tree, Size)]
        if len(powers) != len(terms[0].atoms) or min(powers) > 0 or max(powers) < 0:
            return None
        return Pattern(goal, place, terms[0].atoms, frozenset(letters_in(*place)))

    # --- one derivative -----------------------------------------------------------------------------------------------

    def lines(self, name: str) -> tuple[Line, ...]:
        place = self.space.place(self.shape(name), letters_in(*self.of_place))
        whole = (*self.of_place, *place)
        self.around = letters_in(*whole)
        users = [user for user in self.network.users[name] if user in self.on_path]
        at = {user: self.user_place(user, whole) for user in users}
        local = {user: self.local(user, name, at[user], place) for user in users}
        users = [user for user in users if local[user]]
        if not users:
            return self.finish(name, whole, [Line(ZERO, "no-slope", (self.of, name), at=whole)], [])
        lines: list[Line] = []
        if users != [self.of]:
            chain = add(*(self.chain(user, name, at[user], place, users) for user in users))
            lines.append(Line(chain, "chain-rule" if len(users) == 1 else "chain-rule-sum", (name, self.of, *users), at=whole))
        raw = [self.onward(user, at[user], term) for user in users for term in local[user]]
        has_letters = any(term.deltas for term in raw)
        lines.append(Line(tree_of(raw), "kronecker" if has_letters else "local-slopes", tuple(users), at=whole))
        terms = [term for one in raw if (term := contract(one, self.space)) is not None]
        if has_letters:
            lines.append(Line(tree_of(terms), "contract", at=whole))
        terms = self.simplified(terms)
        lines.append(Line(factored(terms), "index-form", at=whole))
        named = factored(terms)
        short = self.insert(terms, self.short(name, users, len(terms)))
        if short is not None:
            put, used = short
            lines.append(Line(tree_of(put), "insert-found", used, at=whole))
            terms = self.simplified(put)
            lines.append(Line(factored(terms), "simplify", at=whole))
        settled = self.settled(terms)
        if settled is not None:
            terms, known = settled
            lines.append(Line(factored(terms), "known-sum", known, at=whole))
        return self.finish(name, whole, lines, terms, named, short[1] if short is not None else ())

    def user_place(self, user: str, taken: Place) -> Place:
        return self.of_place if user == self.of else self.space.place(self.shape(user), letters_in(*taken))

    def chain(self, user: str, name: str, at: Place, place: Place, users: Sequence[str]) -> Tree:
        slope = entry(Partial(user, name, direct=self.is_ambiguous(user, users)), at, place)
        if user == self.of:
            return slope
        letters = tuple(index for index in at if isinstance(index, Index))
        product = Product((entry(Partial(self.of, user), self.of_place, at), slope), tight=True)
        return Over("sum", letters, product) if letters else product

    def is_ambiguous(self, user: str, users: Sequence[str]) -> bool:
        """Whether another user, or an earlier step, reaches this one too, so that its slope holds everything else."""
        again = any(user in self.network.below(later) for later in self.network.users.get(user, ()))
        return again or any(user in self.network.below(other) for other in users if other != user)

    def onward(self, user: str, at: Place, slope: Term) -> Term:
        """∂of/∂user times a slope of its equation, summed over the entries of the user."""
        if user == self.of:
            return slope
        outer = entry(Partial(self.of, user, signal=self.is_signal(user)), self.of_place, at)
        letters = tuple(index for index in at if isinstance(index, Index))
        return times(Term(atoms=((outer, Fraction(1)),), over=letters), slope, self.space)

    def local(self, user: str, name: str, at: Place, place: Place) -> list[Term]:
        """∂user/∂name entry by entry, with a δ wherever an entry meets itself."""
        if self.is_unknown(user):
            own = entry(Partial(user, name, direct=True), (), place)
            return [Term(atoms=((own, Fraction(1)),))]
        taken = letters_in(*at, *place, *self.of_place)
        rhs = component(self.network.by_goal[user].rhs, at, self.space, taken, opened=False)
        output: Tree = Indexed(Name(user), at) if at else Name(user)
        terms = self.slope(rhs, name, place, (output,))
        return [renamed_outputs(term, self.patterns) for term in terms]

    def slope(self, tree: Tree, name: str, place: Place, outputs: tuple[Tree, ...]) -> list[Term]:
        nodes = list(dict.fromkeys(entries_in(tree)))
        marks = {node: Name(f"@{k}") for k, node in enumerate(nodes)}
        marked = with_marks(tree, marks)
        back: dict[Tree, Tree] = {mark: node for node, mark in marks.items()}
        found: list[Term] = []
        for node in nodes:
            if name not in names_in(node):
                continue
            inner = self.inner(node, name, place)
            if not inner:
                continue
            outer = self.slopes.differentiate(marked, marks[node].name, outputs)
            if outer == ZERO:
                continue
            factor = terms_of(Product((with_marks(tidy(outer), back),)), self.space)
            # a sum that was renamed among the factors must not bind a letter of the δ
            found += [times(fresh(one, other.letters, self.space), other, self.space) for one in factor for other in inner]
        return found

    def inner(self, node: Tree, name: str, place: Place) -> list[Term]:
        """How an entry, or a sum of some, moves with an entry of `name`."""
        match node:
            case Name():
                return [Term()] if node.name == name else []
            case Indexed(Name(base), at):
                if base != name:
                    return []
                return [Term(deltas=tuple(Delta(a, b) for a, b in zip(at, place, strict=True) if b != ZERO))]
            case Over("sum", indices, body):
                return [
                    replace(term, over=(*indices, *term.over)) for term in self.slope(body, name, place, ()) if term.coefficient
                ]
            case Over("max", indices, body):
                return [self.largest(term, indices, body) for term in self.slope(body, name, place, ())]
        return []

    def largest(self, term: Term, indices: tuple[Index, ...], body: Tree) -> Term:
        """A maximum moves with its largest entry only, the first where several are equal."""
        taken = term.letters | letters_in(body, *indices)
        fresh_ones: dict[str, Tree] = {}
        for index in indices:
            fresh_ones[index.name] = new = self.space.letter(index.size, taken)
            taken.add(new.name)
        bound = tuple(fresh_ones[index.name] for index in indices)
        (index,) = indices
        pick = Over("argmax", tuple(b for b in bound if isinstance(b, Index)), relettered(body, fresh_ones))
        chosen = (Delta(index, pick), Fraction(1))
        return Term(term.coefficient, (*term.atoms, chosen), term.deltas, (*indices, *term.over))

    # --- what is done to the terms ------------------------------------------------------------------------------------

    def simplified(self, terms: Iterable[Term]) -> list[Term]:
        fixed = [new for term in terms if (new := contract(term, self.space)) is not None]
        named = [renamed_outputs(term, self.patterns) for term in gathered(fixed)]
        return [_signed(term) for term in gathered(named)]

    def short(self, name: str, users: Sequence[str], count: int) -> list[str]:
        """The users whose derivative is written out rather than named: one product without a sum; for an error signal, whatever
        its activation has if it is a few terms, so that δ is given by the next δ.
        """
        found = [user for user in users if user != self.of and not self.is_signal(user) and user in self.found]
        if self.is_signal(name) and count == 1:
            return [user for user in found if len(self.found[user].terms) <= MOST_TERMS]
        return [user for user in found if len(self.found[user].terms) == 1 and not self.found[user].terms[0].over]

    def insert(self, terms: Sequence[Term], names: Sequence[str], split: bool = False) -> tuple[list[Term], tuple[str, ...]] | None:
        """The terms with what was found for some derivatives in their place, and for which; `split` multiplies sums out."""
        formulas: Formulas = {Partial(self.of, name): self.formula(name, split) for name in names}
        used = tuple(name for name in names if any(_base(tree) == Partial(self.of, name) for t in terms for tree, _ in t.atoms))
        if not used:
            return None
        put = [fresh(new, self.around, self.space) for term in terms for new in inserted(term, formulas, self.space)]
        return put, used

    def formula(self, name: str, split: bool) -> Callable[[tuple[Tree, ...]], list[Term]]:
        found = self.found[name]

        def at(place: tuple[Tree, ...]) -> list[Term]:
            taken = letters_in(*place) | self.around
            into = {p.name: to for p, to in zip(found.place, place, strict=True) if isinstance(p, Index)}
            terms = [fresh(term, taken, self.space) for term in found.terms]
            for index, to in zip(found.place, place, strict=True):
                if isinstance(index, Index):
                    terms = [guarded(term, index, to, self.space) for term in terms]
            terms = [moved(term, into) for term in terms]
            if split or len(terms) == 1:
                return terms
            return [Term(atoms=((tree_of(terms), Fraction(1)),))]

        return at

    def settled(self, terms: Sequence[Term]) -> tuple[list[Term], tuple[str, ...]] | None:
        """The terms with sums whose value the problem gives, or the equations say, put in; and what adds up to what."""
        known: dict[str, None] = {}
        result: list[Term] = []
        for term in terms:
            new, names = self.with_totals(term, deep=True)
            known |= names
            if new.coefficient:
                result.append(new)
        return (self.simplified(result), tuple(known)) if known else None

    def with_totals(self, term: Term, deep: bool) -> tuple[Term, dict[str, None]]:
        """A term with the sums put in whose value is known: from what is given, and when `deep` from the equations too."""
        term = counted(term)
        outside, groups = groups_of(term)
        kept, over, coefficient = list(outside), list[Index](), term.coefficient
        known: dict[str, None] = {}
        for letters, atoms in groups:
            value = self.total(letters, atoms, deep)
            if value is None:
                kept += atoms
                over += letters
            else:
                coefficient *= value
                base = _base(atoms[0][0])
                known[f"{base.name if isinstance(base, Name) else ''}={value}"] = None
        order = {tree: k for k, (tree, _) in enumerate(term.atoms)}
        kept.sort(key=lambda atom: order.get(atom[0], len(order)))
        atoms_kept = tuple(atom for atom in kept if atom[0] in order)
        return Term(coefficient, atoms_kept, term.deltas, tuple(over)), known

    def total(self, letters: tuple[Index, ...], atoms: Sequence[tuple[Tree, Fraction]], deep: bool) -> Fraction | None:
        """What a sum of entries of one array comes to by what is given, or by the equations; None where neither says."""
        if len(atoms) != 1 or atoms[0][1] != 1 or len(letters) != 1:
            return None
        tree = atoms[0][0]
        for fact in self.facts:
            if isinstance(tree, Indexed) and tree.base == Name(fact.name) and tree.at[fact.axis] == letters[0]:
                whole = letters[0].size == self.shape(fact.name)[fact.axis]  # and not on a diagonal, Σ_i Y[i,i]
                if whole and sum(letters[0].name in letters_in(a) for a in tree.at) == 1:
                    return fact.total
        return self.computed(Term(atoms=((tree, Fraction(1)),), over=letters)) if deep else None

    def computed(self, term: Term) -> Fraction | None:
        """The number a sum is, once its entries are written as their equations make them, a few times over; else None."""
        terms = [term]
        for _ in range(3):
            goals = {_base(tree) for term in terms for tree, _ in term.atoms}
            formulas: Formulas = {
                goal: self.equation(goal.name) for goal in goals if isinstance(goal, Name) and goal.name in self.network.by_goal
            }
            if not formulas:
                return None
            opened = [new for term in terms for new in inserted(term, formulas, self.space)]
            terms = gathered(self.with_totals(term, deep=False)[0] for term in opened)
            if not terms:
                return Fraction(0)
            if len(terms) == 1 and not terms[0].atoms and not terms[0].over and not terms[0].deltas:
                return terms[0].coefficient
            if len(terms) > 8:
                return None
        return None

    def equation(self, goal: str) -> Callable[[tuple[Tree, ...]], list[Term]]:
        rhs = self.network.by_goal[goal].rhs
        return lambda place: terms_of(component(rhs, place, self.space, letters_in(*place)), self.space, open_all=True)

    # --- the last lines -----------------------------------------------------------------------------------------------

    def finish(
        self,
        name: str,
        place: Place,
        lines: list[Line],
        terms: Sequence[Term],
        named: Tree | None = None,
        used: tuple[str, ...] = (),
    ) -> tuple[Line, ...]:
        """The lines, and behind them what they come to as matrices: with the names of what was found above, and without."""
        self.found[name] = Found(place, tuple(terms))
        compact, inserted_names = self.compact(name, place, terms)
        kept = _without_repeats([*lines, *compact])
        forms = [(factored(terms) if named is None else named, ()), (factored(terms), used), (kept[-1].tree, inserted_names)]
        last: Tree | None = None
        for tree, about in forms if place else ():
            whole = recognise(_with_deltas_apart(tree, self.space), place, self.space)
            if whole is not None and whole != last:
                kept.append(Line(whole, "matrix-form" if last is None else "insert-found", (name,) if last is None else about))
                last = whole
        return tuple(replace(line, tree=apart(line.tree, letters_in(*line.at), self.space)) for line in kept)

    def compact(self, name: str, place: Place, terms: Sequence[Term]) -> tuple[list[Line], tuple[str, ...]]:
        """The same without the names of the derivatives found on the way, where that comes to a few terms."""
        now, used = list(terms), dict[str, None]()
        if name not in self.by:
            return [], ()
        for _ in range(6):
            mentioned = {_base(tree) for term in now for tree, _ in term.atoms}
            names = [
                other
                for other in self.found
                if other != name
                and Partial(self.of, other) in mentioned
                and not self.is_signal(other)
                and other in self.network.by_goal
            ]
            put = self.insert(now, names, split=True)
            if put is None:
                break
            used |= dict.fromkeys(put[1])
            now = self.simplified(put[0])
            if len(now) > MOST_TERMS + 3:
                return [], ()
        if not used:
            return [], ()
        lines = [Line(tree_of(now), "insert-found", tuple(used), at=place)]
        settled = self.settled(now)
        if settled is not None:
            now = settled[0]
            lines.append(Line(tree_of(now), "known-sum", settled[1], at=place))
        if len(now) > MOST_TERMS or not all(_is_flat(term) for term in now):
            return [], ()
        lines.append(Line(factored(now, one_fraction=len(now) > 2), "simplify", at=place))
        return lines, tuple(used)


def _with_deltas_apart(tree: Tree, space: Space) -> Tree:
    """A sum in which a δ stands, multiplied out, so that diagonal matrices stand alone."""
    return tree_of(terms_of(tree, space)) if has_delta(tree) else tree


def _is_flat(term: Term) -> bool:
    """Whether no sum of the term is over more than one letter, so that a reader takes it in at a glance."""
    _, groups = groups_of(term)
    return all(len(letters) == 1 for letters, _ in groups)


def _without_repeats(lines: Sequence[Line]) -> list[Line]:
    """The lines; one that says what the line before it says is left out, the more telling law kept."""
    kept: list[Line] = []
    for line in lines:
        if kept and kept[-1].tree == line.tree:
            if kept[-1].law not in ("kronecker", "chain-rule", "chain-rule-sum", "local-slopes", "contract", "insert-found"):
                kept[-1] = line
            continue
        kept.append(line)
    return kept


def entry(partial: Partial, upper: Place, lower: Place) -> Tree:
    """A derivative of one entry by one entry; without letters, the derivative itself."""
    return Indexed(partial, (*upper, *lower), len(upper)) if upper or lower else partial


def _base(tree: Tree) -> Tree:
    """What an entry is an entry of; an error signal is its derivative."""
    base = tree.base if isinstance(tree, Indexed) else tree
    return Partial(base.of, base.wrt, base.direct) if isinstance(base, Partial) else base


def _signed(term: Term) -> Term:
    """−(t − y) as y − t."""
    if term.coefficient >= 0:
        return term
    for place, (tree, power) in enumerate(term.atoms):
        other = turned(tree) if power == 1 else None
        if other is not None:
            atoms = (*term.atoms[:place], (other, power), *term.atoms[place + 1 :])
            return replace(term, coefficient=-term.coefficient, atoms=atoms)
    return term


def entries_in(tree: Tree) -> Iterable[Tree]:
    """The entries, names, sizes and sums a component form is made of, outermost first."""
    if isinstance(tree, Indexed | Name | Over | Size | Index):
        yield tree
        return
    for part in children(tree):
        yield from entries_in(part)


def with_marks(tree: Tree, marks: Mapping[Tree, Tree] | Mapping[Tree, Name]) -> Tree:
    """The tree with other trees for some of its nodes."""
    if tree in marks:
        return marks[tree]
    if isinstance(tree, Indexed | Over):
        return tree
    return rebuild(tree, lambda part: with_marks(part, marks))
