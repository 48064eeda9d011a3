"""Sums of products of entries: Kronecker deltas contracted, like terms joined, names used for what they stand for.

Owns `Term`, `terms_of`, `tree_of` and the few laws that rewrite a list of terms.  It proves nothing: every line is judged at
numbers.  May import: written, tensors.shapes, tensors.components.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from derive.tensors.components import Space, letters_in, relettered
from derive.tensors.shapes import shape_of
from derive.written import (
    ONE,
    ZERO,
    Delta,
    Elementwise,
    Index,
    Indexed,
    Name,
    Negative,
    Number,
    Over,
    Partial,
    Power,
    Product,
    Quotient,
    Size,
    Sum,
    Tree,
    Within,
    add,
    children,
    multiply,
    number,
    walk,
)

Atom = tuple[Tree, Fraction]
Formulas = Mapping[Tree, Callable[[tuple[Tree, ...]], "Sequence[Term]"]]
"""For a name or derivative, what stands at each place of it."""


@dataclass(frozen=True)
class Term:
    """A number times powers of atoms times deltas, summed over some letters; no letter is bound twice."""

    coefficient: Fraction = Fraction(1)
    atoms: tuple[Atom, ...] = ()
    deltas: tuple[Delta, ...] = ()
    over: tuple[Index, ...] = ()

    @property
    def letters(self) -> set[str]:
        """Every letter of the term."""
        trees = [tree for tree, _ in self.atoms]
        return letters_in(*trees, *self.deltas, *self.over)


def has_delta(tree: Tree) -> bool:
    """Whether a δ stands in a tree."""
    return any(isinstance(node, Delta) for node in walk(tree))


def terms_of(tree: Tree, space: Space, open_all: bool = False) -> list[Term]:
    """A tree as a sum of terms; a sum among factors stays whole unless a δ stands in it, or `open_all`."""
    match tree:
        case Number():
            return [Term(tree.value)] if tree.value else []
        case Sum(parts):
            return [term for part in parts for term in terms_of(part, space, open_all)]
        case Negative(body):
            return [replace(term, coefficient=-term.coefficient) for term in _factor_terms(body, space, open_all)]
        case Product(factors) | Elementwise(factors):
            result = [Term()]
            for factor in factors:
                inner = _factor_terms(factor, space, open_all)
                result = [times(one, other, space) for one in result for other in inner]
            return result
        case Quotient(top, bottom):
            below = _inverse(bottom)
            return [times(term, below, space) for term in _factor_terms(top, space, open_all)]
        case Power(base, Number(text)) if text.isdigit():
            return _power(base, int(text), space, open_all)
        case Delta(left, right):
            whole = any(isinstance(node, Over) for side in (left, right) for node in walk(side))  # an argmax fixes no letter
            return [Term(atoms=((tree, Fraction(1)),))] if whole else [Term(deltas=(tree,))]
        case Over("sum", indices, body):
            return [replace(term, over=(*indices, *term.over)) for term in _factor_terms(body, space, open_all)]
    return [Term(atoms=((tree, Fraction(1)),))]


def _factor_terms(tree: Tree, space: Space, open_all: bool) -> list[Term]:
    if isinstance(tree, Sum) and not open_all and not has_delta(tree):
        return [Term(atoms=((tree, Fraction(1)),))]
    return terms_of(tree, space, open_all)


def _power(base: Tree, exponent: int, space: Space, open_all: bool) -> list[Term]:
    if open_all and exponent <= 3:
        return terms_of(Product((base,) * exponent), space, open_all)
    if isinstance(base, Product | Quotient | Negative | Number):
        (term,) = terms_of(base, space)
        if not term.over and not term.deltas:
            return [Term(term.coefficient**exponent, tuple((tree, power * exponent) for tree, power in term.atoms))]
    return [Term(atoms=((base, Fraction(exponent)),))]


def _inverse(tree: Tree) -> Term:
    """One over a tree; a sum below a fraction line stays whole."""
    match tree:
        case Number() if tree.value:
            return Term(1 / tree.value)
        case Negative(body):
            inner = _inverse(body)
            return replace(inner, coefficient=-inner.coefficient)
        case Product(factors):
            result = Term()
            for factor in factors:
                inner = _inverse(factor)
                result = Term(result.coefficient * inner.coefficient, joined(result.atoms, inner.atoms))
            return result
        case Power(base, Number(text)) if text.isdigit():
            inner = _inverse(base)
            power = int(text)
            return Term(inner.coefficient**power, tuple((tree, p * power) for tree, p in inner.atoms))
        case Quotient(top, bottom):
            up, down = _inverse(bottom), _inverse(top)
            turned = tuple((tree, -power) for tree, power in up.atoms)
            return Term(down.coefficient / up.coefficient, joined(turned, down.atoms))
    return Term(atoms=((tree, Fraction(-1)),))


def joined(one: Iterable[Atom], other: Iterable[Atom]) -> tuple[Atom, ...]:
    """Powers of the same atom added, in the order the atoms are first met."""
    powers: dict[Tree, Fraction] = {}
    for tree, power in (*one, *other):
        powers[tree] = powers.get(tree, Fraction(0)) + power
    return tuple((tree, power) for tree, power in powers.items() if power)


def times(one: Term, other: Term, space: Space) -> Term:
    """The product of two terms; letters bound in both are renamed in the second."""
    clash = {index.name for index in other.over} & one.letters
    clash |= {index.name for index in one.over} & other.letters
    if clash:
        taken = one.letters | other.letters
        places: dict[str, Tree] = {}
        for index in other.over:
            if index.name in clash:
                places[index.name] = new = space.letter(index.size, taken)
                taken.add(new.name)
        other = moved(other, places)
    return Term(
        one.coefficient * other.coefficient,
        joined(one.atoms, other.atoms),
        (*one.deltas, *other.deltas),
        (*one.over, *other.over),
    )


def moved(term: Term, places: Mapping[str, Tree]) -> Term:
    """The term with other places for some letters."""
    atoms = [(relettered(tree, places), power) for tree, power in term.atoms]
    deltas = [relettered(delta, places) for delta in term.deltas]
    over = [relettered(index, places) for index in term.over]
    kept = tuple(dict.fromkeys(index for index in over if isinstance(index, Index)))
    return Term(term.coefficient, joined((), atoms), tuple(d for d in deltas if isinstance(d, Delta)), kept)


# --- places ---------------------------------------------------------------------------------------------------------------


def affine(tree: Tree) -> dict[Tree | None, Fraction]:
    """A place as a sum of whole multiples: the letter, or what else it is, to its factor; None is for the number.

    >>> i, j = Index("i", ONE), Index("j", ONE)
    >>> affine(Sum((i, Product((Number("2"), j)), Negative(ONE)))) == {i: 1, j: 2, None: -1}
    True
    """
    match tree:
        case Number():
            return {None: tree.value} if tree.value else {}
        case Sum(terms):
            return _added(*map(affine, terms))
        case Negative(body):
            return {key: -factor for key, factor in affine(body).items()}
        case Product(factors):
            known = [factor for factor in factors if isinstance(factor, Number)]
            others = [factor for factor in factors if not isinstance(factor, Number)]
            scale = Fraction(1)
            for factor in known:
                scale *= factor.value
            if len(others) == 1:
                return {key: scale * factor for key, factor in affine(others[0]).items()}
            return {multiply(*others, tight=True): scale} if others else {None: scale}
    return {tree: Fraction(1)}


def _added(*parts: Mapping[Tree | None, Fraction]) -> dict[Tree | None, Fraction]:
    total: dict[Tree | None, Fraction] = {}
    for part in parts:
        for key, factor in part.items():
            total[key] = total.get(key, Fraction(0)) + factor
    return {key: factor for key, factor in total.items() if factor}


def place_of(sums: Mapping[Tree | None, Fraction]) -> Tree:
    """A sum of whole multiples as a place: positive parts first, the number last."""
    terms: list[Tree] = []
    for key, factor in sorted(sums.items(), key=lambda item: (item[0] is None, item[1] < 0)):
        size = abs(factor)
        body = number(size) if key is None else key if size == 1 else Product((number(size), key), tight=True)
        terms.append(Negative(body) if factor < 0 else body)
    return add(*terms) if terms else ZERO


def _solved(delta: Delta, over: Sequence[Index]) -> tuple[Index, Tree] | None:
    """A bound letter and the place a δ fixes it to: the first in `over` that can be solved for."""
    gap = _added(affine(delta.left), {key: -factor for key, factor in affine(delta.right).items()})
    for index in over:
        factor = gap.get(index)
        others = [key for key in gap if key is not None and key != index]
        inside = any(index.name in letters_in(key) for key in others)  # s·i: not a whole multiple of i alone
        if factor in (1, -1) and not inside:
            assert factor is not None
            return index, place_of({key: -value / factor for key, value in gap.items() if key != index})
    return None


def contract(term: Term, space: Space) -> Term | None:
    """The term with every δ used up that fixes a bound letter; None where a δ is 0.

    A letter that was fixed to a place outside its range would have given nothing: where no entry with that letter says so by
    itself, a `Within` does.
    """
    deltas = list(term.deltas)
    kept: list[Delta] = []
    while deltas:
        delta = deltas.pop(0)
        gap = _added(affine(delta.left), {key: -factor for key, factor in affine(delta.right).items()})
        if not gap:
            continue
        if list(gap) == [None]:
            return None
        solved = _solved(delta, term.over)
        if solved is None:
            kept.append(delta)
            continue
        index, place = solved
        rest = Term(term.coefficient, term.atoms, tuple(deltas) + tuple(kept), tuple(i for i in term.over if i != index))
        term = moved(guarded(rest, index, place, space), {index.name: place})
        deltas, kept = list(term.deltas), []
    return replace(term, deltas=tuple(kept))


def guarded(term: Term, index: Index, place: Tree, space: Space) -> Term:
    """The term, with a `Within` of a letter that is about to become a place outside its range where no entry says so by itself."""
    inside = place == ZERO or (isinstance(place, Index) and place.size == index.size)
    if inside or any(power > 0 and _guards(tree, index, space) for tree, power in term.atoms):
        return term
    return replace(term, atoms=(*term.atoms, (Within(index, index.size), Fraction(1))))


def _guards(tree: Tree, index: Index, space: Space) -> bool:
    """Whether an atom is 0 where a letter leaves its range: an entry with that letter alone at an axis of that length."""
    match tree:
        case Indexed(base, at):
            return (index, index.size) in zip(at, shape_of(base, space.shapes), strict=False)
        case Within(place, size):
            return place == index and size == index.size
    return False


# --- back to a tree -------------------------------------------------------------------------------------------------------


def counted(term: Term) -> Term:
    """A sum over a letter that stands nowhere is so many times the rest."""
    used = letters_in(*(tree for tree, _ in term.atoms), *term.deltas)
    idle = [index for index in term.over if index.name not in used]
    if not idle:
        return term
    coefficient, atoms = term.coefficient, term.atoms
    for index in idle:
        if isinstance(index.size, Number):
            coefficient *= index.size.value
        else:
            atoms = joined(atoms, ((index.size, Fraction(1)),))
    return Term(coefficient, atoms, term.deltas, tuple(index for index in term.over if index not in idle))


def groups_of(term: Term) -> tuple[list[Atom], list[tuple[tuple[Index, ...], list[Atom]]]]:
    """The atoms outside every sum, and the sums: letters that meet in an atom belong to one sum."""
    atoms = [*term.atoms, *((delta, Fraction(1)) for delta in term.deltas)]
    bound = {index.name for index in term.over}
    groups: list[tuple[set[str], list[Atom]]] = []
    outside: list[Atom] = []
    for atom in atoms:
        mine = letters_in(atom[0]) & bound
        if not mine:
            outside.append(atom)
            continue
        touching = [group for group in groups if group[0] & mine]
        merged: tuple[set[str], list[Atom]] = (mine.union(*(names for names, _ in touching)), [])
        members = [other for _, others in touching for other in others] + [atom]
        merged[1].extend(sorted(members, key=atoms.index))
        groups = [group for group in groups if not group[0] & mine] + [merged]
    named = [(tuple(index for index in term.over if index.name in names), members) for names, members in groups]
    return outside, sorted(named, key=lambda group: atoms.index(group[1][0]))


def tree_of(terms: Sequence[Term]) -> Tree:
    """A list of terms as it is written; a positive term first."""
    if not terms:
        return ZERO
    trees = [_term_tree(counted(term)) for term in terms]
    first = next((place for place, tree in enumerate(trees) if not isinstance(tree, Negative)), 0)
    trees.insert(0, trees.pop(first))
    return add(*trees)


def _term_tree(term: Term) -> Tree:
    outside, groups = groups_of(term)
    sizes: list[Tree] = []
    below: list[Tree] = []
    above_sizes: list[Tree] = []
    for atom in outside:
        tree, power = atom
        is_size = isinstance(tree, Size)
        if power < 0:
            (sizes if is_size else below).append(_powered(tree, -power))
        elif is_size:
            above_sizes.append(_powered(tree, power))
    places = {atom: place for place, atom in enumerate([*term.atoms, *((d, Fraction(1)) for d in term.deltas)])}
    placed = [(places[atom], _powered(*atom)) for atom in outside if atom[1] > 0 and not isinstance(atom[0], Size)]
    placed += [(places[members[0]], Over("sum", letters, _fraction(members))) for letters, members in groups]
    factors = [tree for _, tree in sorted(placed, key=lambda pair: pair[0])]
    coefficient = abs(term.coefficient)
    top = [number(coefficient.numerator)] if coefficient.numerator != 1 else []
    bottom = [number(coefficient.denominator)] if coefficient.denominator != 1 else []
    decimal = _decimal(coefficient)
    if decimal is not None:
        top, bottom = [decimal], []
    lead: list[Tree] = []
    if bottom or sizes:
        lead = [Quotient(multiply(*top, *above_sizes) if top or above_sizes else ONE, multiply(*bottom, *sizes))]
        if below or not factors:  # one fraction rather than two
            quotient = lead[0]
            assert isinstance(quotient, Quotient)
            above = [] if quotient.top == ONE else [quotient.top]
            tree = Quotient(multiply(*above, *factors, tight=True), multiply(quotient.bottom, *below, tight=True))
            return Negative(tree) if term.coefficient < 0 else tree
    else:
        lead = [*top, *above_sizes]
    result = multiply(*lead, *factors, tight=True)
    if below:
        result = Quotient(result, multiply(*below, tight=True))
    return Negative(result) if term.coefficient < 0 else result


def _decimal(value: Fraction) -> Tree | None:
    """A coefficient that was typed as a decimal, such as 0.01 or 0.9; halves, quarters and the like stay fractions."""
    denominator = value.denominator
    if denominator % 5 or 10**6 % denominator:
        return None
    places = next(k for k in range(1, 8) if 10**k % denominator == 0)
    digits = str(value.numerator * 10**places // denominator).rjust(places + 1, "0")
    return Number(f"{digits[:-places]}.{digits[-places:]}")


def _fraction(atoms: Sequence[Atom]) -> Tree:
    above = [_powered(tree, power) for tree, power in atoms if power > 0]
    below = [_powered(tree, -power) for tree, power in atoms if power < 0]
    top = multiply(*above, tight=True) if above else ONE
    return Quotient(top, multiply(*below, tight=True)) if below else top


def _powered(tree: Tree, power: Fraction) -> Tree:
    return tree if power == 1 else Power(tree, number(power))


# --- laws -----------------------------------------------------------------------------------------------------------------


def spelled(tree: Tree, masked: frozenset[str] = frozenset()) -> str:
    """A tree as a string to sort by, some of its letters masked."""
    match tree:
        case Index(name):
            return "·" if name in masked else name
        case Name(name) | Size(name):
            return name
        case Number(text):
            return text
        case Partial(of, wrt, direct):
            return f"d{of}/d{wrt}{direct}"
    label = getattr(tree, "function", getattr(tree, "operation", ""))
    return f"{type(tree).__name__}{label}({','.join(spelled(part, masked) for part in children(tree))})"


def like(term: Term) -> tuple[object, ...]:
    """What like terms have in common: everything but the coefficient, whatever their bound letters are called."""
    masked = frozenset(index.name for index in term.over)
    atoms = sorted(term.atoms, key=lambda atom: (spelled(atom[0], masked), atom[1]))
    order: list[str] = []
    for tree, _ in (*atoms, *((d, 1) for d in term.deltas)):
        order += [node.name for node in walk(tree) if isinstance(node, Index) and node.name in masked]
    sizes = {index.name: index.size for index in term.over}
    new: dict[str, Tree] = {name: Index(f"#{k}", sizes[name]) for k, name in enumerate(dict.fromkeys(order))}
    renamed = moved(term, new)
    return (
        frozenset(renamed.atoms),
        frozenset(renamed.deltas),
        frozenset((index.name, index.size) for index in renamed.over),
    )


def gathered(terms: Iterable[Term]) -> list[Term]:
    """Like terms joined, what cancels left out."""
    found: dict[tuple[object, ...], Term] = {}
    for term in map(counted, terms):
        key = like(term)
        before = found.get(key)
        found[key] = term if before is None else replace(before, coefficient=before.coefficient + term.coefficient)
    return [term for term in found.values() if term.coefficient]


@dataclass(frozen=True)
class Pattern:
    """A quantity that its equation makes a product with something below the fraction line, so that it may stand for that."""

    name: str
    at: tuple[Tree, ...]
    atoms: tuple[Atom, ...]
    free: frozenset[str]


def renamed_outputs(term: Term, patterns: Sequence[Pattern]) -> Term:
    """The term with quantities in place of what their equations make of them: x̂ for (x − μ)/s."""
    for pattern in patterns:
        while (new := _recognised(term, pattern)) is not None:
            term = new
    return term


def _recognised(term: Term, pattern: Pattern) -> Term | None:
    def search(left: Sequence[Atom], atoms: Mapping[Tree, Fraction], binding: dict[str, Tree]) -> dict[str, Tree] | None:
        if not left:
            return binding
        wanted, power = left[0]
        for tree, has in atoms.items():
            if has * power > 0 and abs(has) >= abs(power):
                bound = _unify(wanted, tree, dict(binding), pattern.free)
                if bound is not None and (found := search(left[1:], atoms, bound)) is not None:
                    return found
        return None

    binding = search(pattern.atoms, dict(term.atoms), {})
    if binding is None or any(isinstance(a, Index) and a.name not in binding for a in pattern.at):
        return None
    used = [(relettered(tree, binding), -power) for tree, power in pattern.atoms]
    have = dict(term.atoms)
    spent = []
    for tree, power in used:
        target = next((t for t in have if _alike(t, tree)), None)
        if target is None:
            return None
        spent.append((target, power))
    entry = Indexed(Name(pattern.name), tuple(relettered(a, binding) for a in pattern.at)) if pattern.at else Name(pattern.name)
    positions = [list(have).index(tree) for tree, _ in spent]
    atoms = list(term.atoms)
    atoms.insert(min(positions), (entry, Fraction(1)))
    return replace(term, atoms=joined(atoms, spent))


def _unify(pattern: Tree, tree: Tree, binding: dict[str, Tree], free: frozenset[str]) -> dict[str, Tree] | None:
    """The places that make the pattern's letters the tree's, or None; letters bound inside may differ in name."""
    match pattern, tree:
        case Index(name), _ if name in free:
            if not isinstance(tree, Index | Number | Sum | Negative | Product):
                return None
            return binding if binding.setdefault(name, tree) == tree else None
        case Index(name), Index():
            return binding if binding.setdefault(f"bound {name}", tree) == tree else None
        case Over(operation, mine, body), Over(other, theirs, inner) if operation == other and len(mine) == len(theirs):
            for one, two in zip(mine, theirs, strict=True):
                binding[f"bound {one.name}"] = two
            return _unify(body, inner, binding, free)
    if type(pattern) is not type(tree):
        return None
    parts, others = children(pattern), children(tree)
    if not parts:
        return binding if pattern == tree else None
    if len(parts) != len(others) or getattr(pattern, "function", "") != getattr(tree, "function", ""):
        return None
    for part, other_part in zip(parts, others, strict=True):
        found = _unify(part, other_part, binding, free)
        if found is None:
            return None
        binding = found
    return binding


def _alike(one: Tree, other: Tree) -> bool:
    """Whether two trees are the same but for the names of their bound letters."""
    if one == other:
        return True
    bound = letters_in(one) & {i.name for node in walk(one) if isinstance(node, Over) for i in node.indices}
    if not bound:
        return False
    binding = _unify(one, other, {}, frozenset())
    return binding is not None and all(
        not key.startswith("bound ") or key[6:] in bound or (isinstance(value, Index) and value.name == key[6:])
        for key, value in binding.items()
    )


def common_factor(terms: Sequence[Term], one_fraction: bool) -> tuple[Term, list[Term]] | None:
    """What all the terms have in common, and the terms without it; None where that is nothing.

    With `one_fraction`, what is below the fraction line of one of them is taken out of all, so that one fraction is left.
    """
    if len(terms) < 2:
        return None
    bound = {index.name for term in terms for index in term.over}
    shared: list[Atom] = []
    for tree in dict.fromkeys(tree for term in terms for tree, _ in term.atoms):
        if letters_in(tree) & bound:
            continue
        powers = [dict(term.atoms).get(tree, Fraction(0)) for term in terms]
        least, most = min(powers), max(powers)
        if least > 0 or (one_fraction and least < 0):
            shared.append((tree, least))
        elif most < 0 and not isinstance(tree, Size):
            shared.append((tree, most))
    scale = Fraction(-1) if all(term.coefficient < 0 for term in terms) else Fraction(1)
    if not shared and scale == 1:
        return None
    rest = [
        replace(term, coefficient=term.coefficient * scale, atoms=joined(term.atoms, [(tree, -power) for tree, power in shared]))
        for term in terms
    ]
    return Term(scale, tuple(shared)), rest


def factored(terms: Sequence[Term], one_fraction: bool = False) -> Tree:
    """The terms as a tree, what they have in common written once."""
    found = common_factor(terms, one_fraction)
    if found is None:
        return tree_of(terms)
    shared, rest = found
    inner = tree_of(rest)
    lead = _term_tree(replace(shared, coefficient=abs(shared.coefficient)))
    if isinstance(lead, Quotient) and lead.top == ONE and not one_fraction:
        result: Tree = Quotient(inner, lead.bottom)
    else:
        result = multiply(*(lead.factors if isinstance(lead, Product) else (lead,)), inner, tight=True)
    return Negative(result) if shared.coefficient < 0 else result


def inserted(term: Term, replacements: Formulas, space: Space) -> list[Term]:
    """The term with sums of terms in place of some of its atoms."""
    result = [Term(term.coefficient, (), term.deltas, term.over)]
    taken = term.letters
    for tree, power in term.atoms:
        base = tree.base if isinstance(tree, Indexed) else tree
        at = tree.at if isinstance(tree, Indexed) else ()
        if base in replacements and power == int(power) and power > 0:
            for _ in range(int(power)):
                inner = replacements[base](at)
                result = [times(one, fresh(other, taken | one.letters, space), space) for one in result for other in inner]
        else:
            result = [replace(one, atoms=joined(one.atoms, ((tree, power),))) for one in result]
    return result


def fresh(term: Term, taken: set[str], space: Space) -> Term:
    """The term with bound letters that are not taken."""
    used = set(taken)
    places: dict[str, Tree] = {}
    for index in term.over:
        if index.name in used:
            places[index.name] = space.letter(index.size, used | term.letters)
        used.add(getattr(places.get(index.name, index), "name", index.name))
    return moved(term, places) if places else term
