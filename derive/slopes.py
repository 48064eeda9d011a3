"""The derivative of one equation by one of the names it mentions, as it is written on the board.

Owns `Slopes`.  Each operation is differentiated once, on placeholders: by the slope its row teaches, else by SymPy; the result
is instantiated wherever the operation stands.  May import: written, handwriting, arithmetic, tables.ops.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from derive.arithmetic import from_sympy, to_sympy
from derive.handwriting import spread
from derive.tables.ops import OPS
from derive.written import (
    ONE,
    TWO,
    ZERO,
    Call,
    Listing,
    Name,
    Negative,
    Number,
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
)


@dataclass
class Slopes:
    """Derivatives of operations, each taken once and then reused; one such notebook serves one derivation.

    With `by_heart`, the slopes of −u, u/v and whole powers are those every student knows, and SymPy is not even loaded for them.

    >>> u, n = Name("u"), Number("2")
    >>> Slopes().differentiate(Power(u, n), "u", ())
    Product(factors=(Number(text='2'), Name(name='u')), tight=True)
    """

    known: dict[Any, Tree] = field(default_factory=dict)
    by_heart: bool = False

    def gradient(self, tree: Tree, outputs: tuple[Tree, ...], wanted: Container[str]) -> dict[str, Tree]:
        """The derivative by every wanted name of the tree, in one pass over its terms, so that a long sum costs its length."""
        collected: dict[str, list[Tree]] = {}
        for term in tree.terms if isinstance(tree, Sum) else (tree,):
            for name in (name for name in names_in(term) if name in wanted):
                slope = self.differentiate(term, name, () if isinstance(tree, Sum) else outputs)
                if slope != ZERO:
                    collected.setdefault(name, []).append(slope)
        return {name: add(*slopes) for name, slopes in collected.items()}

    def differentiate(self, tree: Tree, name: str, outputs: tuple[Tree, ...]) -> Tree:
        """∂tree/∂name, zeros and ones dropped, nothing else tidied.

        `outputs` are the names under which the outputs of `tree` are known when it is a single operation, so that the slope of
        a = σ(z) can be written a(1 − a).
        """
        match tree:
            case Name():
                return ONE if tree.name == name else ZERO
            case Number():
                return ZERO
            case Sum(terms):
                kept = [slope for slope in (self.differentiate(term, name, ()) for term in terms) if slope != ZERO]
                return add(*kept) if kept else ZERO
            case Negative(body):
                return self._chain(self._operation("negative", (body,), 0), body, name)
            case Product(factors):
                return self._product(factors, name, tree.tight)
            case Quotient(top, bottom):
                return self._all_arguments("quotient", (top, bottom), name)
            case Power(base, exponent):
                return self._all_arguments("power", (base, exponent), name)
            case Call():
                return self._call(tree, name, outputs)
        raise TypeError(f"a {type(tree).__name__} is not part of a scalar equation")

    def _product(self, factors: tuple[Tree, ...], name: str, tight: bool) -> Tree:
        """u · v by u is v, wherever u stands: its slope takes its place among the others."""
        terms = []
        for i, factor in enumerate(factors):
            if name in names_in(factor):
                slope = self.differentiate(factor, name, ())
                if slope != ZERO:
                    terms.append(multiply(*factors[:i], slope, *factors[i + 1 :], tight=tight))
        return add(*terms) if terms else ZERO

    def _all_arguments(self, operation: str, arguments: tuple[Tree, ...], name: str) -> Tree:
        terms = []
        for at, argument in enumerate(arguments):
            if name in names_in(argument):
                term = self._chain(self._operation(operation, arguments, at), argument, name)
                if term != ZERO:
                    terms.append(term)
        return add(*terms) if terms else ZERO

    def _chain(self, outer: Tree, argument: Tree, name: str) -> Tree:
        inner = self.differentiate(argument, name, ())
        return ZERO if ZERO in (outer, inner) else multiply(outer, inner)

    def _operation(self, operation: str, arguments: tuple[Tree, ...], at: int) -> Tree:
        """The slope of an arithmetic operation, from SymPy on placeholders u and v."""
        places: tuple[Tree, ...] = tuple(Name(f"u{i}") for i in range(len(arguments)))
        if operation == "power" and not names_in(arguments[1]):
            places = (places[0], arguments[1])
        build: Callable[..., Tree] = {"negative": Negative, "quotient": Quotient, "power": Power}[operation]
        formula = build(*places)
        return self._instantiate((operation, *places[1:], at), formula, arguments, at)

    def _call(self, call: Call, name: str, outputs: tuple[Tree, ...]) -> Tree:
        op, flat, part = OPS[call.function], spread(call.arguments), call.part or 0
        count = len(flat) if op.spread else 1
        if len(outputs) < count:  # one output of several, taken by its number, has a name; the others have none
            named = dict.fromkeys((part,), outputs[0]) if outputs else {}
            outputs = tuple(named.get(k, Call(call.function, call.arguments, k if op.spread else None)) for k in range(count))
        terms = []
        for at, argument in enumerate(flat):
            if name in names_in(argument):
                slope = op.slope(outputs, call.arguments, part, at)
                if slope is None:
                    slope = self._from_formula(call, flat, at)
                term = self._chain(slope, argument, name)
                if term != ZERO:
                    terms.append(term)
        return add(*terms) if terms else ZERO

    def _from_formula(self, call: Call, flat: tuple[Tree, ...], at: int) -> Tree:
        """The slope of an operation whose row teaches none, from its formula."""
        count = iter(range(len(flat)))

        def place(argument: Tree) -> Tree:
            return rebuild(argument, place) if isinstance(argument, Listing) else Name(f"u{next(count)}")

        arguments = tuple(map(place, call.arguments))
        shape = tuple(len(a.items) if isinstance(a, Listing) else 0 for a in call.arguments)
        return self._instantiate((call.function, call.part, shape, at), Call(call.function, arguments, call.part), flat, at)

    def _instantiate(self, key: Any, formula: Tree, arguments: tuple[Tree, ...], at: int) -> Tree:
        remembered = remember(formula, at) if self.by_heart else None
        if remembered is not None:
            self.known[key] = remembered
        if key not in self.known:
            import sympy

            slope = sympy.diff(to_sympy(formula), sympy.Symbol(f"u{at}", real=True))
            self.known[key] = from_sympy(slope if slope.is_polynomial() else sympy.powsimp(slope))
        places: dict[Tree, Tree] = {Name(f"u{i}"): argument for i, argument in enumerate(arguments)}
        return substitute(self.known[key], places.get)


def remember(formula: Tree, at: int) -> Tree | None:
    """The slope of −u, u/v or a whole power of u by its argument numbered `at`, written as SymPy's would be; else None.

    >>> remember(Power(Name("u"), Number("3")), 0)
    Product(factors=(Number(text='3'), Power(base=Name(name='u'), exponent=Number(text='2'))), tight=True)
    """
    match formula:
        case Negative():
            return Negative(ONE)
        case Quotient(top, bottom):
            return Negative(Quotient(top, Power(bottom, TWO))) if at else Quotient(ONE, bottom)
        case Power(base, Number(text)) if text.isdigit() and int(text) > 1:
            lower = Number(str(int(text) - 1))
            return multiply(Number(text), base if lower == ONE else Power(base, lower), tight=True)
    return None
