"""Typed formulas over arrays: `A @ B`, `sum(A, 0)`, einsum, and index equations.

Owns `read_array_formula`, `read_equation` and `read_size`.  The grammar is that of `reader`, with

    atom       … | A[i, j+1] | dL/dW[i, j] | sum(j, k, …) | sum(j < m, …) | max(j, …) | argmax(j, …) | delta(i, j) | within(i, n)

May import: errors, written, reader, tensors.shapes, tensors.components.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from derive.errors import FormulaError, shown, suggest
from derive.reader import NAME, Parser, Token, fold_characters, read_formula, tokenize
from derive.tables.ops import ALIASES, OPS
from derive.tensors.algebra import affine
from derive.tensors.components import relettered
from derive.tensors.shapes import ARRAY_FUNCTIONS, Shape, Shapes, check_counted, check_size, spell_shape, spell_size
from derive.written import (
    ONE,
    Call,
    Delta,
    Einsum,
    Index,
    Indexed,
    Name,
    Over,
    Partial,
    Product,
    Quotient,
    Rule,
    Size,
    Tree,
    Within,
    multiply,
    rebuild,
    substitute,
    walk,
)

UNKNOWN = Size("?")
"""The size of a letter before it is known over what it runs."""

SUMMING = ("sum", "max", "mean", "argmax")


def read_size(text: str, known: Collection[str] | None = None) -> Tree:
    """A size: a name, a whole number, or a formula of them, `(n - m)/s + 1`, cut to whole steps.  Raises FormulaError."""
    return substitute(read_formula(text, known), lambda leaf: Size(leaf.name) if isinstance(leaf, Name) else None)


def read_array_formula(
    text: str,
    names: Collection[str],
    shapes: Shapes,
    sizes: Collection[str],
    letters: Mapping[str, Tree] | None = None,
    quantities: bool = False,
) -> Tree:
    """The tree of a typed formula over arrays; `letters` are those that stand on the left side, each with its size.

    Among `quantities`, fewer letters than axes pick a slice: `dL/dz[t+1]`.  Raises FormulaError.
    """
    tokens = _tokens(text)
    if not tokens:
        raise FormulaError("the formula is empty")
    known = frozenset(names)
    parser = ArrayParser(tokens, known, quantities, text, frozenset(sizes), dict.fromkeys(letters or ()))
    tree = parser.relation()
    if parser.here is not None:
        parser.refuse_here()
    return settle_letters(tree, shapes, letters or {}, slices=quantities)


def read_equation(text: str, goal: str, names: Collection[str], shapes: Shapes, sizes: Collection[str]) -> Tree:
    """An index equation's right side as a rule: `z[i] = sum(j, w[j]*x[i+j])`.  Raises FormulaError."""
    left, right = split_equation(text) or ("", "")
    found = re.fullmatch(r"\s*(\w+)\s*\[([^\[\]]*)\]\s*", fold_characters(left), re.ASCII)
    if found is None or found[1] != goal:
        raise FormulaError(f"an index equation begins with {goal}[i] = …, a letter for each axis")
    letters = [part.strip() for part in found[2].split(",")]
    for letter in letters:
        if not NAME.match(letter) or letter in names or letter in sizes:
            raise FormulaError(f"'{shown(letter)}' cannot be a letter here: a letter is a name that nothing else has")
    if len(set(letters)) != len(letters):
        raise FormulaError("a letter stands twice on the left side")
    shape = shapes.get(goal)
    if shape is not None and len(shape) != len(letters):
        raise FormulaError(f"{goal} has the shape {spell_shape(shape)}, which is not {len(letters)} letters")
    known: dict[str, Tree] = {} if shape is None else dict(zip(letters, shape, strict=True))
    own = {letter: known.get(letter, UNKNOWN) for letter in letters}
    body = read_array_formula(right, {*names, goal}, shapes, sizes, own)
    ranges = ranges_of(body, shapes) | known
    for letter in letters:
        if letter not in ranges:
            raise FormulaError(f"over what '{letter}' runs is not known: give the shape of {goal} in [shapes]")
    return Rule(tuple(Index(letter, ranges[letter]) for letter in letters), with_ranges(body, ranges))


def split_equation(text: str) -> tuple[str, str] | None:
    """The two sides of an index equation, or None where there is no '='."""
    found = re.search(r"(?<![<>=])=(?!=)", text)
    return None if found is None else (text[: found.start()], text[found.end() :])


def ranges_of(tree: Tree, shapes: Shapes) -> dict[str, Tree]:
    """Over what each letter runs: the axis at which it stands alone.  Raises FormulaError where two axes differ."""
    ranges: dict[str, Tree] = {}
    for node in walk(tree):
        for index in node.indices if isinstance(node, Over) else ():
            if index.size != UNKNOWN and ranges.setdefault(index.name, index.size) != index.size:
                raise FormulaError(
                    f"'{index.name}' runs over {spell_size(ranges[index.name])} and over {spell_size(index.size)}: use two letters"
                )
    for node in walk(tree):
        if not isinstance(node, Indexed):
            continue
        shape = _full_shape(node.base, shapes)
        for a, size in zip(node.at, shape, strict=False):
            if isinstance(a, Index) and ranges.setdefault(a.name, size) != size and a.size == UNKNOWN:
                raise FormulaError(
                    f"'{a.name}' runs over {spell_size(ranges[a.name])} and, in the shape {spell_shape(shape)}, "
                    f"over {spell_size(size)}"
                )
    return ranges


def _full_shape(base: Tree, shapes: Shapes) -> Shape:
    if isinstance(base, Partial):
        return (*shapes.get(base.of, ()), *shapes.get(base.wrt, ()))
    return shapes.get(base.name, ()) if isinstance(base, Name) else ()


def settle_letters(tree: Tree, shapes: Shapes, letters: Mapping[str, Tree], slices: bool = False) -> Tree:
    """The tree with the size of every letter known.  Raises FormulaError for a letter that never stands alone at an axis."""
    for node in walk(tree):
        if isinstance(node, Indexed):
            if isinstance(node.base, Name) and node.base.name not in shapes:
                raise FormulaError(f"the shape of '{node.base.name}' is not known here: give it in [shapes]")
            shape = _full_shape(node.base, shapes)
            if len(node.at) > len(shape) or (len(node.at) < len(shape) and not slices):
                raise FormulaError(f"{_said(node.base)} has the shape {spell_shape(shape)}, which is not {len(node.at)} letters")
    known = {letter: size for letter, size in letters.items() if size != UNKNOWN}
    ranges = ranges_of(tree, shapes) | known
    settled = with_ranges(tree, ranges)
    for node in walk(settled):
        for index in node.indices if isinstance(node, Over) else ():
            if index.size == UNKNOWN:
                raise FormulaError(f"over what '{index.name}' runs is not known: write sum({index.name} < n, …) with its size")
    return settled


def with_ranges(tree: Tree, ranges: Mapping[str, Tree]) -> Tree:
    """The tree with sizes for the letters that have none yet."""
    places: dict[str, Tree] = {name: Index(name, size) for name, size in ranges.items()}
    return _mean_opened(relettered(tree, places))


def _mean_opened(tree: Tree) -> Tree:
    match tree:
        case Over("mean", indices, body):
            check_counted(index.size for index in indices)
            count = multiply(*(index.size for index in indices))
            return Product((Quotient(ONE, count), Over("sum", indices, _mean_opened(body))), tight=True)
    return rebuild(tree, _mean_opened)


def _said(tree: Tree) -> str:
    return tree.name if isinstance(tree, Name) else f"d{tree.of}/d{tree.wrt}" if isinstance(tree, Partial) else "this"


_QUOTED = re.compile(r"\"([A-Za-z,\-> ]{0,80})\"|'([A-Za-z,\-> ]{0,80})'")


def _tokens(text: str) -> list[Token]:
    """The words of a formula, the letters of an einsum among them."""
    tokens: list[Token] = []
    last = 0
    for found in _QUOTED.finditer(text):
        tokens += [t._replace(position=t.position + last) for t in tokenize(text[last : found.start()])]
        tokens.append(Token("string", found[1] or found[2] or "", found.start() + 1, False))
        last = found.end()
    return [*tokens, *(t._replace(position=t.position + last) for t in tokenize(text[last:]))]


class ArrayParser(Parser):
    """The grammar of formulas, with arrays, their entries, and letters."""

    def __init__(
        self,
        tokens: list[Token],
        names: frozenset[str],
        quantities: bool,
        text: str,
        sizes: frozenset[str],
        letters: Mapping[str, None],
    ) -> None:
        super().__init__(tokens, names, quantities, text)
        self.sizes, self.letters = sizes, list(letters)
        self.indexed = False

    def named(self, token: Token) -> Tree:
        """A name: a function, a letter, a size or a quantity."""
        name, opens = token.text, self.is_sign("(")
        if opens and name not in (self.names or ()):
            if name == "einsum":
                return self.einsum(token)
            if name in ("delta", "within"):
                self.take()
                both = self.items(")")
                if len(both) != 2:
                    raise FormulaError(f"{name} takes two places: {name}(i, j)", token.position)
                return Delta(*both) if name == "delta" else Within(*both)
            if name in SUMMING and (letters := self.declared()) is not None:
                return self.over(name, letters)
            if name in ARRAY_FUNCTIONS:
                return self.array_call(token)
        if name in self.letters:
            return Index(name, UNKNOWN)
        if name in self.sizes and name not in (self.names or ()):
            return Size(name)
        if not opens and name in ARRAY_FUNCTIONS and name not in (self.names or ()):
            raise FormulaError(f"'{name}' is a function: write {ARRAY_FUNCTIONS[name]}")
        if opens and name not in OPS and name not in ALIASES and name not in (self.names or ()) and name != "partial":
            raise FormulaError(f"unknown function '{shown(name)}'" + suggest(name, (*OPS, *ARRAY_FUNCTIONS, "einsum")))
        return super().named(token)

    def array_call(self, token: Token) -> Tree:
        """A function of arrays."""
        name = token.text
        self.take()
        arguments = self.items(")")
        most = {"sum": 2, "mean": 2, "max": 2, "softmax": 2, "ones": 1, "diag": 1, "loss_of": 9}[name]
        if len(arguments) > most:
            raise FormulaError(f"{name} takes {ARRAY_FUNCTIONS[name]}", token.position)
        if name == "loss_of" and not all(isinstance(a, Name) for a in arguments):
            raise FormulaError("loss_of takes names: loss_of(Y)", token.position)
        return Call(name, arguments)

    def einsum(self, token: Token) -> Tree:
        """An einsum, its letters in quotes."""
        self.take()
        first = self.take()
        if first.kind != "string":
            raise FormulaError('einsum begins with its letters in quotes: einsum("ij,jk->ik", A, B)', token.position)
        self.expect(",")
        return Einsum(first.text, self.items(")"))

    def declared(self) -> list[tuple[str, Tree]] | None:
        """The letters a sum runs over, `sum(j, k < m, …)`; None where the first word is no new letter."""
        start = self.at
        self.take()
        found: list[tuple[str, Tree]] = []
        while (token := self.here) is not None and token.kind == "name":
            after = self.peek(1)
            fresh = token.text not in (self.names or ()) and token.text not in self.sizes and token.text not in OPS
            if not fresh or after is None or after.text not in (",", "<"):
                break
            self.take()
            size: Tree = UNKNOWN
            if self.take().text == "<":
                size = check_size(self.sum())
                self.expect(",")
            found.append((token.text, size))
        if not found:
            self.at = start
            return None
        return found

    def over(self, operation: str, declared: list[tuple[str, Tree]]) -> Tree:
        """A sum or maximum over declared letters."""
        names = [name for name, _ in declared]
        if set(names) & set(self.letters) or len(set(names)) != len(names):
            raise FormulaError(f"a letter is used twice: {', '.join(names)}")
        self.letters += names
        body = self.sum()
        self.expect(")")
        self.letters = self.letters[: len(self.letters) - len(names)]
        if operation in ("max", "argmax") and len(names) > 1:
            raise FormulaError(f"{operation} runs over one letter; write {operation}(i, {operation}(j, …))")
        return Over(operation, tuple(Index(name, size) for name, size in declared), body)

    def after(self, tree: Tree, token: Token) -> Tree:
        """What may hang on an atom: letters in square brackets too."""
        if isinstance(tree, Name | Partial) and self.is_sign("["):
            self.take()
            tree = Indexed(tree, self.items("]"))
            if not self.is_sign(".T"):
                return tree
        return super().after(tree, token)

    def direct_partial(self, token: Token) -> Tree:
        """`partial(L, h)`, and with letters `partial(z[k], h[i])`."""
        self.take()
        both = self.items(")")
        bases = [part.base if isinstance(part, Indexed) else part for part in both]
        match bases:
            case [Name(of), Name(wrt)]:
                places = [part.at if isinstance(part, Indexed) else () for part in both]
                slope = Partial(of, wrt, direct=True)
                return Indexed(slope, (*places[0], *places[1]), len(places[0])) if any(places) else slope
        raise FormulaError("partial takes two names: partial(of, by)", token.position)

    def derivative(self, token: Token) -> Tree | None:
        """`dZ[k, n]/dW[i, j]` besides `dL/dW`."""
        if not self.quantities or self.names is None or not token.text.startswith("d") or token.text in self.names:
            return super().derivative(token)
        if not self.is_sign("[") or token.text[1:] not in self.names:
            return super().derivative(token)
        start = self.at
        self.take()
        upper = self.items("]")
        below = self.peek(1)
        if self.is_sign("/") and below is not None and below.text.startswith("d") and below.text[1:] in self.names:
            self.at += 2
            lower: tuple[Tree, ...] = ()
            if self.is_sign("["):
                self.take()
                lower = self.items("]")
            return Indexed(Partial(token.text[1:], below.text[1:]), (*upper, *lower), len(upper))
        self.at = start
        return super().derivative(token)


def lagged_names(rule: Tree, known: Collection[str]) -> tuple[str, ...]:
    """The names a recurrence takes only from an earlier step: always at the first letter less a whole number.

    Raises FormulaError for a name that is not yet `known` and is taken otherwise.
    """
    if not isinstance(rule, Rule):
        return ()
    first = rule.indices[0]
    found: dict[str, None] = {}
    for node in walk(rule.body):
        match node:
            case Indexed(Name(name), at) if name not in known:
                if not (at and _is_before(at[0], first)):
                    raise FormulaError(
                        f"'{name}' is used before it is given; a recurrence takes it from a step before: {name}[t-1]"
                    )
                found[name] = None
    return tuple(found)


def _is_before(place: Tree, letter: Tree) -> bool:
    sums = affine(place)
    step = sums.get(None, 0)
    return sums.get(letter) == 1 and step < 0 and step.denominator == 1 and len(sums) == 2
