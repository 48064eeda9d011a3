"""Named formulas as one straight-line function of floats or of arrays, for thousands of variants of one problem.

Owns `Nodes`, the values to be computed, each once; `build_program`, `build_family`, which computes the same outputs in many ways,
`build_bounded`, which also bounds how far floats may have strayed, and `Program`; and the kernels they run on.  A function is
assembled from syntax nodes: our written trees give the operators, names are generated (`v0`, `v1` …), and constants are floats, so
nothing that anybody typed is ever run as code.  May import: written, arithmetic, tables.primitives, tables.ops,
exercises.sheets.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import CodeType, FunctionType
from typing import Any

from derive.arithmetic import Key, key_of, mentioned
from derive.exercises.sheets import Sheet
from derive.tables.ops import OPS
from derive.tables.primitives import PRIMITIVES, UNIT
from derive.written import Call, Later, Name, Negative, Number, Partial, Power, Product, Quotient, Sum, Tree

Kernels = Mapping[str, Callable[..., Any]]
Function = Callable[..., tuple[Any, ...]]
Node = tuple[Any, ...]

FLOATS: Kernels = {**{name: primitive.floats for name, primitive in PRIMITIVES.items()}, "power": math.pow}
"""The primitives on Python floats; they raise ArithmeticError or ValueError where there is no value."""


def numpy_kernels() -> Kernels:
    """The same on NumPy arrays.  Raises ImportError where NumPy is not installed: nothing else here needs it."""
    import numpy

    return {**{name: primitive.numpy(numpy) for name, primitive in PRIMITIVES.items()}, "power": numpy.power}


def _or_nan(kernel: Callable[..., float]) -> Callable[..., float]:
    def total(*arguments: float) -> float:
        try:
            return kernel(*arguments)
        except (ArithmeticError, ValueError):
            return math.nan

    return total


LENIENT: Kernels = {
    **{name: _or_nan(kernel) for name, kernel in FLOATS.items()},
    "quotient": lambda a, b: a / b if b else math.nan,
}
"""Primitives that give nan where there is no value, so that one wrong formula among many does not stop the others."""

LONGEST = 40
"""Operations on one line; longer formulas go on over several, so that no compiler runs out of depth."""

_OPERATORS: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div()}


@dataclass
class Nodes:
    """Every value to be computed, each once: an operation and the numbers of its arguments, those after it.

    Constants are folded, factors of ±1 dropped, and a sign is carried outwards until a difference absorbs it.
    """

    nodes: list[Node] = field(default_factory=list)
    places: dict[Node, int] = field(default_factory=dict)

    def put(self, *node: Any) -> int:
        """The number of a node, which is new only if no equal one is there."""
        if node[0] in ("+", "*") and node[1] > node[2]:  # exactly the same float the other way round
            node = (node[0], node[2], node[1])
        if node not in self.places:
            self.places[node] = len(self.nodes)
            self.nodes.append(node)
        return self.places[node]

    def value(self, tree: Tree, named: Mapping[Key, int]) -> int:
        """The number of the node of a formula, in which the names stand for these nodes."""
        return self.unsigned(*self.signed(tree, named))

    def unsigned(self, minus: bool, place: int) -> int:
        """The node, or the one of its opposite."""
        if not minus:
            return place
        match self.nodes[place]:
            case ("-", left, right):
                return self.put("-", right, left)
            case ("constant", value):
                return self.put("constant", -value)
        return self.put("negative", place)

    def signed(self, tree: Tree, named: Mapping[Key, int]) -> tuple[bool, int]:
        """A formula as a sign, true for minus, and a node."""
        fixed = _fixed(tree)
        if fixed is not None:
            return fixed < 0, self.put("constant", abs(float(fixed)))
        match tree:
            case Name() | Partial() | Later():
                key = key_of(tree)
                assert key is not None
                return False, named[key]
            case Sum(terms):
                return self.sum([self.signed(term, named) for term in terms])
            case Product(factors):
                return self.product(factors, named)
            case Negative(body):
                minus, place = self.signed(body, named)
                return not minus, place
            case Quotient(top, bottom):
                (minus, above), (other, below) = self.signed(top, named), self.signed(bottom, named)
                return minus != other, above if self.nodes[below] == ("constant", 1.0) else self.put("/", above, below)
            case Power(base, Number(text)) if text in ("2", "3"):
                minus, place = self.signed(base, named)
                square = self.put("*", place, place)
                return (False, square) if text == "2" else (minus, self.put("*", square, place))
            case Power(base, exponent):
                return False, self.put("power", self.value(base, named), self.value(exponent, named))
            case Call(function, arguments, part):
                formula = OPS[function].formula
                if formula is not None:
                    return self.signed(formula(arguments, part or 0), named)
                return False, self.put(function, *[self.value(argument, named) for argument in arguments])
        raise TypeError(f"a {type(tree).__name__} has no single value")

    def sum(self, terms: Sequence[tuple[bool, int]]) -> tuple[bool, int]:
        """Terms added from left to right, beginning with one that is not subtracted."""
        first = next((at for at, (minus, _) in enumerate(terms) if not minus), None)
        if first is None:
            _, place = self.sum([(False, place) for _, place in terms])
            return True, place
        total = terms[first][1]
        for minus, place in (*terms[:first], *terms[first + 1 :]):
            total = self.put("-" if minus else "+", total, place)
        return False, total

    def product(self, factors: Iterable[Tree], named: Mapping[Key, int]) -> tuple[bool, int]:
        """Factors multiplied from left to right, the constant ones first and together."""
        constant, total, minus = Fraction(1), None, False
        for factor in factors:
            fixed = _fixed(factor)
            if fixed is not None:
                constant *= fixed
                continue
            sign, place = self.signed(factor, named)
            minus, total = minus != sign, place if total is None else self.put("*", total, place)
        minus = minus != (constant < 0)
        if total is None or not constant:
            return minus, self.put("constant", abs(float(constant)))
        return minus, total if abs(constant) == 1 else self.put("*", self.put("constant", abs(float(constant))), total)

    def function(self, inputs: int, wanted: Sequence[int], kernels: Kernels) -> Function:
        """The function of so many inputs that gives the wanted nodes; nothing else is computed."""
        uses = self.uses(wanted)
        outputs = set(wanted)
        written: dict[int, ast.expr] = {}
        weight: dict[int, int] = {}
        body: list[ast.stmt] = []
        for place, node in enumerate(self.nodes):
            if not uses[place]:
                continue
            written[place], weight[place] = _expression(node, written, "quotient" in kernels), 0
            if _computes(node):
                weight[place] = 1 + sum(weight[part] for part in node[1:])
                if uses[place] > 1 or place in outputs or weight[place] >= LONGEST:
                    body.append(_assign(f"v{place}", written[place]))
                    written[place], weight[place] = _name(f"v{place}"), 0
        body.append(ast.Return(ast.Tuple([written[place] for place in wanted], ast.Load())))
        return _compiled(inputs, body, kernels)

    def uses(self, wanted: Sequence[int]) -> list[int]:
        """How often each value is used on the way to the wanted ones."""
        uses = [0] * len(self.nodes)
        for place in wanted:
            uses[place] += 1
        for place in range(len(self.nodes) - 1, -1, -1):
            if uses[place] and _computes(self.nodes[place]):
                for part in self.nodes[place][1:]:
                    uses[part] += 1
        return uses


def _fixed(tree: Tree) -> Fraction | None:
    """The value of a number, or of a fraction or product of numbers."""
    match tree:
        case Number():
            return tree.value
        case Negative(body):
            inner = _fixed(body) if isinstance(body, Number | Quotient) else None
            return None if inner is None else -inner
        case Quotient(Number() as top, Number() as bottom) if bottom.value:
            return top.value / bottom.value
    return None


def _computes(node: Node) -> bool:
    return node[0] not in ("input", "constant")


def _expression(node: Node, written: Mapping[int, ast.expr], divides_by_kernel: bool) -> ast.expr:
    match node:
        case ("input", place):
            return _name(f"a{place}")
        case ("constant", value):
            return ast.Constant(value)
        case ("negative", body):
            return ast.UnaryOp(ast.USub(), written[body])
        case ("/", top, bottom) if divides_by_kernel:
            return _call("quotient", [written[top], written[bottom]])
        case (("+" | "-" | "*" | "/") as operator, left, right):
            return ast.BinOp(written[left], _OPERATORS[operator], written[right])
    return _call(node[0], [written[part] for part in node[1:]])


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _call(function: str, arguments: list[ast.expr]) -> ast.expr:
    return ast.Call(_name(f"k_{function}"), arguments, [])


def _assign(name: str, expression: ast.expr) -> ast.stmt:
    return ast.Assign([ast.Name(name, ast.Store())], expression)


def _compiled(inputs: int, body: list[ast.stmt], kernels: Kernels) -> Function:
    """The function with this body; its globals are the kernels and nothing else."""
    arguments = ast.arguments([], [ast.arg(f"a{place}") for place in range(inputs)], None, [], [], None, [])
    module = ast.Module([ast.FunctionDef("program", arguments, body, [])], [])
    code = compile(ast.fix_missing_locations(module), "<program>", "exec")
    own = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
    return FunctionType(own, {**{f"k_{name}": kernel for name, kernel in kernels.items()}, "__builtins__": {}})


def _named(rows: Mapping[Key, Tree], inputs: Sequence[Key], nodes: Nodes) -> dict[Key, int]:
    """The node of each row; each is computed from the inputs and the rows above it."""
    named: dict[Key, int] = {key: nodes.put("input", place) for place, key in enumerate(inputs)}
    for key, tree in rows.items():
        named[key] = nodes.value(tree, named)
    return named


def _related(
    rows: Mapping[Key, Tree], first: Mapping[Key, Tree], known: Mapping[Key, int], needs: Mapping[Key, frozenset[Key]], nodes: Nodes
) -> Mapping[Key, int]:
    """The node of each row of another member: where neither a formula nor anything it needs differs, the node of the first."""
    named, moved = dict(known), set[Key]()
    for key, tree in rows.items():
        if tree is not first.get(key) or not moved.isdisjoint(needs[key]):
            named[key] = nodes.value(tree, named)
            if named[key] != known.get(key):
                moved.add(key)
    return named


def build_program(rows: Mapping[Key, Tree], inputs: Sequence[Key], outputs: Sequence[Key], kernels: Kernels = FLOATS) -> Function:
    """A function of the inputs, in order, that gives the outputs, in order; rows use the inputs and the rows above them.

    On floats it raises ArithmeticError or ValueError where a value does not exist.

    >>> from derive.written import multiply
    >>> double = build_program({"b": multiply(Number("2"), Name("a"))}, ["a"], ["b"])
    >>> double(0.25)
    (0.5,)
    """
    return build_family([rows], inputs, outputs, kernels)


def build_family(
    family: Sequence[Mapping[Key, Tree]], inputs: Sequence[Key], outputs: Sequence[Key], kernels: Kernels = FLOATS
) -> Function:
    """The outputs of each member of a family, one after the other, as one function: what members share is computed once.

    >>> from derive.written import multiply
    >>> twice, thrice = ({"b": multiply(Number(n), Name("a"))} for n in "23")
    >>> build_family([twice, thrice], ["a"], ["b"])(0.25)
    (0.5, 0.75)
    """
    nodes, first = Nodes(), family[0]
    known = _named(first, inputs, nodes)
    needs = {key: frozenset(mentioned(tree)) for key, tree in first.items()}
    others = [_related(rows, first, known, needs, nodes) for rows in family[1:]]
    return nodes.function(len(inputs), [named[key] for named in (known, *others) for key in outputs], kernels)


def _error_of_quotient(a: float, b: float, v: float, ea: float, eb: float) -> float:
    return (ea + abs(v) * eb) / (abs(b) - eb) + UNIT * abs(v) if abs(b) > eb else math.inf


def _error_of_power(a: float, b: float, v: float, ea: float, eb: float) -> float:
    if a <= ea:
        return math.inf
    return abs(v) * (math.expm1(abs(b) * ea / (a - ea) + eb * abs(math.log(a))) + 4 * UNIT)


BOUNDS: Kernels = {
    "error_of_quotient": _error_of_quotient,
    "error_of_power": _error_of_power,
    **{f"error_of_{name}": primitive.strays for name, primitive in PRIMITIVES.items()},
    "abs": abs,
}
"""How far a primitive of floats may stray, given how far its arguments may have."""


def build_bounded(
    rows: Mapping[Key, Tree], inputs: Sequence[Key], outputs: Sequence[Key]
) -> Callable[..., tuple[tuple[float, ...], tuple[float, ...]]]:
    """The same function on floats, with a bound for the error of each output: inputs are as typed, rounded to a float once.

    The bounds follow every operation (at most half a unit in the last place for + − × ÷, three for exp and log), so a shown digit
    that the bound cannot change is the right one.
    """
    nodes = Nodes()
    named = _named(rows, inputs, nodes)
    wanted = [named[key] for key in outputs]
    uses = nodes.uses(wanted)
    body: list[ast.stmt] = []
    terms: dict[int, ast.expr] = {}
    errors: dict[int, ast.expr] = {}
    for place, node in enumerate(nodes.nodes):
        if not uses[place]:
            continue
        name, error = f"v{place}", f"e{place}"
        if node[0] == "constant":
            terms[place], errors[place] = ast.Constant(node[1]), ast.Constant(UNIT * abs(node[1]))
            continue
        terms[place], errors[place] = _name(name if _computes(node) else f"a{node[1]}"), _name(error)
        if _computes(node):
            body.append(_assign(name, _expression(node, terms, False)))
        body.append(_assign(error, _error(node, terms, errors, terms[place])))
    found, bounds = ([part[place] for place in wanted] for part in (terms, errors))
    body.append(ast.Return(ast.Tuple([ast.Tuple(found, ast.Load()), ast.Tuple(bounds, ast.Load())], ast.Load())))
    return _compiled(len(inputs), body, {**FLOATS, **BOUNDS})


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
    return _call(f"error_of_{'quotient' if node[0] == '/' else node[0]}", [*arguments, value, *(errors[part] for part in node[1:])])


def _plus(first: ast.expr, *rest: ast.expr) -> ast.expr:
    for part in rest:
        first = ast.BinOp(first, ast.Add(), part)
    return first


@dataclass(frozen=True)
class Program:
    """A function of the values of `inputs`, in order, that gives the values of `outputs`, in order."""

    inputs: tuple[Key, ...]
    outputs: tuple[Key, ...]
    run: Function


def make_program(sheet: Sheet, inputs: tuple[Key, ...], outputs: tuple[Key, ...], kernels: str = "math") -> Program:
    """The formulas of a sheet as one function, of floats with the kernels "math" and of arrays with "numpy".

    Given numbers that are not among the inputs are constants.  Raises KeyError for an output that has no value, ImportError where
    NumPy is wanted and not installed; the function raises ArithmeticError or ValueError where a value does not exist.

    >>> from derive.exercises.sheets import make_sheet
    >>> from derive.spec import find
    >>> sheet = make_sheet(find("mazur"))
    >>> round(make_program(sheet, ("w1",), (Later(Name("w1"), 1),)).run(0.15)[0], 9)
    0.149780716
    """
    nodes = Nodes()
    named = _given_nodes(sheet, inputs, nodes)
    for key, tree in sheet.rows.items():
        if all(need in named for need in sheet.needs[key]):
            named[key] = nodes.value(tree, named)
    wanted = [named[key] for key in outputs]
    return Program(inputs, outputs, nodes.function(len(inputs), wanted, FLOATS if kernels == "math" else numpy_kernels()))


def _given_nodes(sheet: Sheet, inputs: Sequence[Key], nodes: Nodes) -> dict[Key, int]:
    """The nodes a program begins with: its inputs, and the given numbers that are not among them."""
    found: dict[Key, int] = {key: nodes.value(number, {}) for key, number in sheet.given.items() if key not in inputs}
    return found | {key: nodes.put("input", place) for place, key in enumerate(inputs)}
