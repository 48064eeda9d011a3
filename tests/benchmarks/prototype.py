"""The derivation of a layered net as a careful hand writes it in SymPy: what `derive` is measured against.

Imports SymPy alone, so that a process that runs it costs what such a script costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import sympy
from sympy.printing.latex import LatexPrinter


def print_prototype(sizes: Sequence[int], slopes: bool) -> list[str]:
    """Every line of the prototype as LaTeX, by one printer."""
    printer = LatexPrinter()
    return [printer.doprint(line) for line in Prototype(sizes, slopes).lines()]


class Prototype:
    """The derivation of a layered net as SymPy expressions (real symbols), one for each line that derive prints.

    With `slopes`, the slope of each z comes from `sympy.diff` of its equation; else it is read off the layer, which is the least a
    prototype can do.  In a wide net a δ written out is short in the last layer only, so only there do the parameters repeat it.
    """

    def __init__(self, sizes: Sequence[int], slopes: bool) -> None:
        self.slopes, self.last = slopes, len(sizes) - 1
        ranges = [range(1, size + 1) for size in sizes]
        self.a = [[symbol("x", k) for k in ranges[0]]]
        self.w, self.b, self.z, self.delta, self.affine = [[]], [[]], [[]], [[]], [[]]
        for layer, (inputs, units) in enumerate(pairwise(ranges), start=1):
            before = self.a[-1]
            self.w.append([[symbol("w", j, layer, k) for k in inputs] for j in units])
            for column, letter in ((self.b, "b"), (self.z, "z"), (self.a, "a"), (self.delta, r"\delta")):
                column.append([symbol(letter, j, layer) for j in units])
            rows = zip(self.w[-1], self.b[-1], strict=True)
            self.affine.append([sympy.Add(*(w * a for w, a in zip(row, before, strict=True)), b) for row, b in rows])
        self.t = [symbol("t", k) for k in ranges[-1]]

    def lines(self) -> Iterator[sympy.Expr]:
        """Every right side: forward, then backward from the loss."""
        sigmoid = sympy.Function(r"\sigma")
        for z, a, affine in zip(self.z[1:], self.a[1:], self.affine[1:], strict=True):
            yield from affine
            for pre, _ in zip(z, a, strict=True):
                yield sigmoid(pre)
                yield 1 / (1 + sympy.exp(-pre))
        yield sympy.Function("SE")(*self.a[-1], *self.t)
        yield sympy.Rational(1, 2) * sympy.Add(*((t - a) ** 2 for a, t in zip(self.a[-1], self.t, strict=True)))
        incoming = [a - t for a, t in zip(self.a[-1], self.t, strict=True)]
        yield from incoming
        for layer in range(self.last, 0, -1):
            yield from self.backward(layer, incoming)
            if layer > 1:
                incoming = [self.sent_back(layer, k) for k in range(len(self.a[layer - 1]))]
                for k, sent in enumerate(incoming):
                    below, zs = self.a[layer - 1][k], self.z[layer]
                    yield sympy.Add(*(partial("L", z) * partial(z, below) for z in zs))
                    yield sent

    def backward(self, layer: int, incoming: Sequence[sympy.Expr]) -> Iterator[sympy.Expr]:
        """The lines of ∂L/∂z, ∂L/∂w and ∂L/∂b of one layer."""
        signals = []
        for a, z, outer in zip(self.a[layer], self.z[layer], incoming, strict=True):
            signals.append(outer * a * (1 - a))
            yield partial("L", a) * partial(a, z)
            yield signals[-1]
        for j, (a, z, signal) in enumerate(zip(self.a[layer], self.z[layer], signals, strict=True)):
            parameters = [*zip(self.w[layer][j], self.a[layer - 1], strict=True), (self.b[layer][j], sympy.S.One)]
            for parameter, known in parameters:
                slope = self.slope(layer, j, parameter, known)
                yield partial("L", a) * partial(a, z) * partial(z, parameter)
                if layer == self.last:
                    yield signal * slope
                yield self.delta[layer][j] * slope

    def sent_back(self, layer: int, k: int) -> sympy.Expr:
        """∂L/∂a of a unit below, by the δ above it."""
        below = self.a[layer - 1][k]
        return sympy.Add(*(d * self.slope(layer, j, below, self.w[layer][j][k]) for j, d in enumerate(self.delta[layer])))

    def slope(self, layer: int, j: int, by: sympy.Symbol, known: sympy.Expr) -> sympy.Expr:
        """The slope of z by one of the names in its equation."""
        return sympy.diff(self.affine[layer][j], by) if self.slopes else known


def symbol(letter: str, unit: int, layer: int = 0, column: int = 0) -> sympy.Symbol:
    """A quantity by its layer above and its unit below."""
    above, below = f"^{{[{layer}]}}" if layer else "", f"{unit},{column}" if column else f"{unit}"
    return sympy.Symbol(f"{letter}{above}_{{{below}}}", real=True)


def partial(of: object, wrt: object) -> sympy.Symbol:
    """A partial derivative as a symbol of its own, as the chain rule is written."""
    return sympy.Symbol(rf"\frac{{\partial {of}}}{{\partial {wrt}}}", real=True)
