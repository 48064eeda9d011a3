"""How a teacher tidies a line: ones and zeros dropped, numbers and equal terms gathered, equal factors cancelled, −(t − y)
turned to y − t.

Owns `tidy` and `turned`.  It never changes the order of what it keeps, and it proves nothing: the judges compare what it wrote
with the forward pass.  May import: written.
"""

from __future__ import annotations

from fractions import Fraction

from derive.written import (
    ONE,
    ZERO,
    Listing,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Tree,
    multiply,
    number,
    rebuild,
    walk,
)


def tidy(tree: Tree) -> Tree:
    """The same expression as a teacher would leave it.

    >>> from derive.written import Name, subtract
    >>> t, y = Name("t"), Name("y")
    >>> raw = Product((Quotient(ONE, Number("2")), Product((Number("2"), subtract(t, y))), Negative(ONE)))
    >>> tidy(raw) == subtract(y, t)
    True
    """
    match tree:
        case Sum():
            return _tidy_sum(tree)
        case Product() | Quotient() | Negative():
            return _tidy_product(tree)
        case Power(base, exponent):
            base, exponent = tidy(base), tidy(exponent)
            return ONE if exponent == ZERO else base if exponent == ONE else Power(base, exponent)
    return rebuild(tree, tidy)


def _tidy_sum(tree: Sum) -> Tree:
    counts: dict[Tree, int] = {}
    constant, constant_at = Fraction(0), 0
    for term in (tidy(term) for term in tree.terms):
        for part in term.terms if isinstance(term, Sum) else (term,):
            value = _constant(part)
            if value is None:
                sign, body = (-1, part.body) if isinstance(part, Negative) else (1, part)
                counts[body] = counts.get(body, 0) + sign
            else:
                constant_at = constant_at if constant else len(counts)
                constant += value
    kept = [_times(count, body) for body, count in counts.items() if count]
    if constant:
        decimals = any(isinstance(node, Number) and "." in node.text for node in walk(tree))
        kept.insert(constant_at, _coefficient(constant, decimals))
    if not kept:
        return ZERO
    first_positive = next((i for i, term in enumerate(kept) if not isinstance(term, Negative)), 0)
    kept.insert(0, kept.pop(first_positive))
    return kept[0] if len(kept) == 1 else Sum(tuple(kept))


def _times(count: int, body: Tree) -> Tree:
    """A term that stands so many times; a − a is gone before."""
    if abs(count) > 1:
        return _tidy_product(Product((number(count), body), tight=True))
    return Negative(body) if count < 0 else body


def _constant(tree: Tree) -> Fraction | None:
    match tree:
        case Number():
            return tree.value
        case Negative(body):
            value = _constant(body)
            return None if value is None else -value
        case Quotient(Number() as top, Number() as bottom) if bottom.value:
            return top.value / bottom.value
    return None


def _coefficient(value: Fraction, decimals: bool) -> Tree:
    """A number as its neighbours are typed: a decimal among decimals where it ends, else a fraction."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if not decimals or rest != 1 or value.denominator == 1:
        return number(value)
    places = next(k for k in range(1, 2000) if (value * 10**k).denominator == 1)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    positive = Number(f"{digits[:-places]}.{digits[-places:]}")
    return Negative(positive) if value < 0 else positive


class _Factors:
    """A product taken apart: one exact coefficient, the factors above and below, each with the tight group it stood in."""

    def __init__(self) -> None:
        self.coefficient = Fraction(1)
        self.decimals = False
        self.above: list[tuple[Tree, int]] = []
        self.below: list[tuple[Tree, int]] = []
        self.groups = 0

    def take(self, tree: Tree, below: bool, group: int) -> None:
        match tree:
            case Number() if tree.value or not below:
                self.decimals = self.decimals or "." in tree.text
                self.coefficient *= 1 / tree.value if below else tree.value
            case Negative(body):
                self.coefficient = -self.coefficient
                self.take(body, below, group)
            case Product(factors, tight):
                if tight and not group:
                    self.groups += 1
                    group = self.groups
                for factor in factors:
                    self.take(factor, below, group)
            case Quotient(top, bottom):
                self.take(top, below, group)
                self.take(bottom, not below, group)
            case _:
                self.keep(tidy(tree), below, group)

    def keep(self, tree: Tree, below: bool, group: int) -> None:
        if isinstance(tree, Number | Negative | Product | Quotient):
            self.take(tree, below, group)
            return
        here, other = (self.below, self.above) if below else (self.above, self.below)
        for i, (factor, _) in enumerate(other):
            if factor == tree:
                del other[i]
                return
        here.append((tree, group))


def _tidy_product(tree: Tree) -> Tree:
    factors = _Factors()
    factors.take(tree, below=False, group=0)
    if not factors.coefficient:
        return ZERO
    coefficient = factors.coefficient
    if coefficient < 0:
        for i, (factor, group) in enumerate(factors.above):
            other = turned(factor)
            if other is not None:
                factors.above[i] = (other, group)
                coefficient = -coefficient
                break
    negative, coefficient = coefficient < 0, abs(coefficient)
    above = _regroup(factors.above)
    if factors.below:
        top: list[Tree] = [number(coefficient.numerator)] if coefficient.numerator != 1 else []
        bottom: list[Tree] = [number(coefficient.denominator)] if coefficient.denominator != 1 else []
        bottom += [factor for factor, _ in factors.below]
        result: Tree = Quotient(_join([*top, *above]), _join(bottom))
    else:
        leading = [] if coefficient == 1 else [_coefficient(coefficient, factors.decimals)]
        result = _join([*leading, *above])
    return Negative(result) if negative else result


def _join(parts: list[Tree]) -> Tree:
    """Factors side by side; a number or fraction stands tight before its bracket."""
    if len(parts) == 2 and isinstance(parts[0], Number | Quotient):
        return multiply(*parts, tight=True)
    return multiply(*parts)


def turned(tree: Tree) -> Tree | None:
    """b − a for a − b, where neither is a number (1 − y stays as it is)."""
    match tree:
        case Sum((first, Negative(second))) if not isinstance(first, Negative | Number) and not isinstance(second, Number):
            return Sum((second, Negative(first)))
    return None


def _regroup(factors: list[tuple[Tree, int]]) -> list[Tree]:
    regrouped: list[Tree] = []
    for i, (factor, group) in enumerate(factors):
        if group and i and factors[i - 1][1] == group:
            last = regrouped.pop()
            before = last.factors if isinstance(last, Product) else (last,)
            regrouped.append(Product((*before, factor), tight=True))
        else:
            regrouped.append(factor)
    return regrouped


def spread(items: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """Arguments one after the other, lists opened."""
    return tuple(part for item in items for part in (item.items if isinstance(item, Listing) else (item,)))
