"""Named formulas as one straight-line function of floats, for thousands of variants of one problem.

Owns `build_program`, which computes values, `build_bounded`, which also bounds how far floats may have strayed, and the kernels they
run on.  A function is assembled from syntax nodes: our written trees give the operators, names are generated (`v0`, `v1` …), and
constants are floats, so nothing that anybody typed is ever run as code.  What two formulas share is computed once.  May import:
written, arithmetic, tables.ops.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from types import CodeType, FunctionType
from typing import Any

from derive.arithmetic import Key, key_of
from derive.tables.ops import OPS
from derive.written import Call, Later, Name, Negative, Number, Partial, Power, Product, Quotient, Sum, Tree

Kernels = Mapping[str, Callable[..., Any]]

FLOATS: Kernels = {
    "exp": math.exp,
    "log": math.log,
    "max": max,
    "step": lambda z: 1.0 if z > 0 else 0.0,
    "power": math.pow,
}
"""The primitives on Python floats."""


def numpy_kernels() -> Kernels:
    """The same on NumPy arrays.  Raises ImportError where NumPy is not installed: nothing here needs it."""
    import numpy

    return {
        "exp": numpy.exp,
        "log": numpy.log,
        "max": numpy.maximum,
        "step": lambda z: numpy.heaviside(z, 0.0),
        "power": numpy.power,
    }


LONGEST = 40
"""Operations on one line; longer formulas go on over several, so that no compiler runs out of depth."""

_OPERATORS: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div()}


class _Values:
    """Every value to be computed, each once: an operation and the numbers of its arguments."""

    def __init__(self, rows: Mapping[Key, Tree], inputs: Sequence[Key]) -> None:
        self.rows = rows
        self.nodes: list[tuple[Any, ...]] = []
        self.numbers: dict[tuple[Any, ...], int] = {}
        self.named: dict[Key, int] = {key: self.put(("input", place)) for place, key in enumerate(inputs)}
        for key, tree in rows.items():
            self.named[key] = self.tree(tree)

    def put(self, node: tuple[Any, ...]) -> int:
        if node[0] in ("+", "*") and node[1] > node[2]:  # exactly the same float the other way round
            node = (node[0], node[2], node[1])
        if node not in self.numbers:
            self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return self.numbers[node]

    def constant(self, value: Fraction) -> int:
        return self.put(("constant", float(value)))

    def fold(self, operator: str, parts: Sequence[int]) -> int:
        total = parts[0]
        for part in parts[1:]:
            total = self.put((operator, total, part))
        return total

    def tree(self, tree: Tree) -> int:
        fixed = _fixed(tree)
        if fixed is not None:
            return self.constant(fixed)
        match tree:
            case Name() | Partial() | Later():
                key = key_of(tree)
                assert key is not None
                return self.named[key]
            case Sum(terms):
                total = self.tree(terms[0])
                for term in terms[1:]:
                    minus = isinstance(term, Negative)
                    total = self.put(("-" if minus else "+", total, self.tree(term.body if isinstance(term, Negative) else term)))
                return total
            case Product(factors):
                return self.fold("*", [self.tree(factor) for factor in factors])
            case Negative(body):
                return self.put(("negative", self.tree(body)))
            case Quotient(top, bottom):
                return self.put(("/", self.tree(top), self.tree(bottom)))
            case Power(base, Number(text)) if text in ("2", "3"):
                return self.fold("*", [self.tree(base)] * int(text))
            case Power(base, exponent):
                return self.put(("power", self.tree(base), self.tree(exponent)))
            case Call(function, arguments, part):
                formula = OPS[function].formula
                if formula is not None:
                    return self.tree(formula(arguments, part or 0))
                return self.put((function, *map(self.tree, arguments)))
        raise TypeError(f"a {type(tree).__name__} has no single value")


def _fixed(tree: Tree) -> Fraction | None:
    """The value of a number or a fraction of numbers."""
    match tree:
        case Number():
            return tree.value
        case Negative(Number() as body):
            return -body.value
        case Quotient(Number() as top, Number() as bottom) if bottom.value:
            return top.value / bottom.value
    return None


def build_program(
    rows: Mapping[Key, Tree], inputs: Sequence[Key], outputs: Sequence[Key], kernels: Kernels = FLOATS
) -> Callable[..., tuple[Any, ...]]:
    """A function of the inputs, in order, that gives the outputs, in order; each row is computed from the inputs and the rows above it.

    On floats it raises ArithmeticError or ValueError where a value does not exist.

    >>> from derive.written import multiply
    >>> double = build_program({"b": multiply(Number("2"), Name("a"))}, ["a"], ["b"])
    >>> double(0.25)
    (0.5,)
    """
    values = _Values(rows, inputs)
    wanted = [values.named[key] for key in outputs]
    uses = _uses(values, wanted)
    written: dict[int, ast.expr] = {}
    weight: dict[int, int] = {}
    body: list[ast.stmt] = []
    for place, node in enumerate(values.nodes):
        if not uses[place]:
            continue
        expression = _expression(node, written)
        weight[place] = 1 + sum(weight[part] for part in node[1:]) if _computes(node) else 0
        if _computes(node) and (uses[place] > 1 or place in wanted or weight[place] >= LONGEST):
            body.append(_assign(f"v{place}", expression))
            expression, weight[place] = _name(f"v{place}"), 0
        written[place] = expression
    body.append(ast.Return(ast.Tuple([written[place] for place in wanted], ast.Load())))
    return _function(len(inputs), body, kernels)


UNIT = 1.2e-16
"""A little more than half the distance from 1 to the next float."""


def _error_of_quotient(a: float, b: float, v: float, ea: float, eb: float) -> float:
    return (ea + abs(v) * eb) / (abs(b) - eb) + UNIT * abs(v) if abs(b) > eb else math.inf


def _error_of_power(a: float, b: float, v: float, ea: float, eb: float) -> float:
    if a <= ea:
        return math.inf
    return abs(v) * (math.expm1(abs(b) * ea / (a - ea) + eb * abs(math.log(a))) + 4 * UNIT)


BOUNDS: Kernels = {
    "error_of_/": _error_of_quotient,
    "error_of_power": _error_of_power,
    "error_of_exp": lambda a, v, ea: v * (math.expm1(ea) + 3 * UNIT),
    "error_of_log": lambda a, v, ea: ea / (a - ea) + 3 * UNIT * abs(v) if a > ea else math.inf,
    "error_of_max": lambda a, b, v, ea, eb: max(ea, eb),
    "error_of_step": lambda a, v, ea: 0.0 if abs(a) > ea else math.inf,
    "abs": abs,
}
"""How far a primitive of floats may stray, given how far its arguments may have."""


def build_bounded(
    rows: Mapping[Key, Tree], inputs: Sequence[Key], outputs: Sequence[Key]
) -> Callable[..., tuple[tuple[float, ...], tuple[float, ...]]]:
    """The same function on floats, with a bound for the error of each output beside it: inputs are as typed, rounded to a float once.

    The bounds follow every operation (at most half a unit in the last place for + − × ÷, three for exp and log), so a shown digit
    that the bound cannot change is the right one.
    """
    values = _Values(rows, inputs)
    wanted = [values.named[key] for key in outputs]
    uses = _uses(values, wanted)
    body: list[ast.stmt] = []
    terms: dict[int, ast.expr] = {}
    errors: dict[int, ast.expr] = {}
    for place, node in enumerate(values.nodes):
        if not uses[place]:
            continue
        name, error = f"v{place}", f"e{place}"
        if node[0] == "constant":
            terms[place], errors[place] = ast.Constant(node[1]), ast.Constant(UNIT * abs(node[1]))
            continue
        terms[place], errors[place] = _name(name if _computes(node) else f"a{node[1]}"), _name(error)
        if _computes(node):
            body.append(_assign(name, _expression(node, terms)))
        body.append(_assign(error, _error(node, terms, errors, terms[place])))
    found, bounds = ([part[place] for place in wanted] for part in (terms, errors))
    body.append(ast.Return(ast.Tuple([ast.Tuple(found, ast.Load()), ast.Tuple(bounds, ast.Load())], ast.Load())))
    return _function(len(inputs), body, {**FLOATS, **BOUNDS})


def _error(node: tuple[Any, ...], terms: Mapping[int, ast.expr], errors: Mapping[int, ast.expr], value: ast.expr) -> ast.expr:
    rounding = ast.BinOp(ast.Constant(UNIT), ast.Mult(), _call("abs", [value]))
    match node:
        case ("input", _):
            return rounding
        case ("negative", body):
            return errors[body]
        case ("+" | "-", left, right):
            return _plus(errors[left], errors[right], rounding)
        case ("*", left, right):
            crossed = [
                ast.BinOp(_call("abs", [terms[here]]), ast.Mult(), errors[there]) for here, there in ((left, right), (right, left))
            ]
            return _plus(*crossed, ast.BinOp(errors[left], ast.Mult(), errors[right]), rounding)
    arguments = [terms[part] for part in node[1:]]
    return _call(f"error_of_{node[0]}", [*arguments, value, *(errors[part] for part in node[1:])])


def _plus(first: ast.expr, *rest: ast.expr) -> ast.expr:
    for part in rest:
        first = ast.BinOp(first, ast.Add(), part)
    return first


def _computes(node: tuple[Any, ...]) -> bool:
    return node[0] not in ("input", "constant")


def _uses(values: _Values, wanted: Sequence[int]) -> list[int]:
    """How often each value is used on the way to the outputs."""
    uses = [0] * len(values.nodes)
    for place in wanted:
        uses[place] += 1
    for place in range(len(values.nodes) - 1, -1, -1):
        if uses[place] and _computes(values.nodes[place]):
            for part in values.nodes[place][1:]:
                uses[part] += 1
    return uses


def _expression(node: tuple[Any, ...], written: Mapping[int, ast.expr]) -> ast.expr:
    match node:
        case ("input", place):
            return _name(f"a{place}")
        case ("constant", value):
            return ast.Constant(value)
        case ("negative", body):
            return ast.UnaryOp(ast.USub(), written[body])
        case (("+" | "-" | "*" | "/") as operator, left, right):
            return ast.BinOp(written[left], _OPERATORS[operator], written[right])
    return _call(node[0], [written[part] for part in node[1:]])


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _call(function: str, arguments: list[ast.expr]) -> ast.expr:
    return ast.Call(_name("k_" + function.replace("/", "quotient")), arguments, [])


def _assign(name: str, expression: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], expression)


def _function(inputs: int, body: list[ast.stmt], kernels: Kernels) -> Callable[..., tuple[Any, ...]]:
    """The function with this body; its globals are the kernels and nothing else."""
    arguments = ast.arguments([], [ast.arg(f"a{place}") for place in range(inputs)], None, [], [], None, [])
    module = ast.Module([ast.FunctionDef("program", arguments, body, [])], [])
    code = compile(ast.fix_missing_locations(module), "<program>", "exec")
    own = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
    scope = {"k_" + name.replace("/", "quotient"): kernel for name, kernel in kernels.items()}
    return FunctionType(own, {**scope, "__builtins__": {}})
