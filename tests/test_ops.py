"""The operations table: one body per table, over every row; a new row is tested as soon as it stands in OPS."""

import dataclasses
import itertools
import tomllib
from decimal import Decimal
from pathlib import Path

import mpmath
import pytest
import sympy
from conftest import work_out

import derive
from derive.arithmetic import compile_tree, precision, to_sympy, was_exact
from derive.errors import JudgementError
from derive.formats.latex import LATEX
from derive.formats.mathematics import write
from derive.formats.plain import FACE as PLAIN
from derive.formats.text import TEXT
from derive.handwriting import spread
from derive.intervals import INTERVALS, Interval
from derive.sentences import Speaker
from derive.slopes import Slopes
from derive.symbols import Script
from derive.tables.laws import LAWS
from derive.tables.ops import OPS
from derive.tables.primitives import PRIMITIVES
from derive.written import ZERO, Call, Listing, Name, Number, Partial, Product, substitute

CATALOGUE = tomllib.loads((Path(derive.__file__).parent / "languages" / "en.toml").read_text("utf-8"))

POINTS = (("2.3", "-0.7", "-1.1", "0.4"), ("0.3", "-0.7", "1.1", "0.4"), ("-1.2", "0.8", "-0.4", "0.9"), ("0.6", "0.2", "0.9", "0.3"), ("0.2", "0.9", "0.5", "0.1"))
"""Values of the arguments, in order; both signs, and two points at which logarithms have a value."""


def shapes(op):
    """The forms an operation can be called in: its names as arguments, and two lists of two where it takes lists."""
    if op.spread:
        return [tuple(Name(f"z{k}") for k in range(1, 4)), (Name("z1"), Name("z2"))]
    plain = tuple(Name(f"z{k}") for k in range(1, len(op.arguments) + 1))
    lists = (Listing((Name("z1"), Name("z2"))), Listing((Name("z3"), Name("z4"))))
    return [plain, lists] if op.listed else [plain]


CALLS = [
    pytest.param(name, shape, id=f"{name}-{k}") for name, op in OPS.items() if op.arguments for k, shape in enumerate(shapes(op))
]


def number_at(expression, point):
    """The value of an expression with 50 digits, or None where it is not a real number."""
    value = sympy.sympify(expression).subs(point)
    value = value.evalf(50) if not value.has(sympy.zoo, sympy.nan, sympy.oo) else sympy.nan
    return mpmath.mpf(str(value)) if value.is_real and value.is_finite else None


@pytest.mark.parametrize(("name", "shape"), CALLS)
def test_slope_is_the_derivative_of_the_formula(name, shape):
    op, flat = OPS[name], spread(shape)
    parts = range(len(flat)) if op.spread else (0,)
    calls = [Call(name, shape, part if op.spread else None) for part in parts]
    formulas = [to_sympy(op.formula(shape, part) if op.formula else calls[part]) for part in parts]
    outputs = tuple(Name(f"a{part}") for part in parts)
    back = dict(zip(outputs, calls, strict=True))
    compared, signs = 0, set()
    for part, at in itertools.product(parts, range(len(flat))):
        expected = sympy.diff(formulas[part], sympy.Symbol(flat[at].name, real=True))
        written = [Slopes().differentiate(calls[part], flat[at].name, outputs)]
        taught = op.slope(outputs, shape, part, at)
        written += [taught] if taught is not None else []
        for point in POINTS:
            numbers = {sympy.Symbol(leaf.name, real=True): sympy.Rational(text) for leaf, text in zip(flat, point, strict=False)}
            true = number_at(expected, numbers)
            if true is None or any(number_at(formula, numbers) is None for formula in formulas):
                continue
            for tree in written:
                given = number_at(to_sympy(substitute(tree, back.get)), numbers)
                assert abs(given - true) <= mpmath.mpf("1e-40") * max(1, abs(true)), (part, at, point)
                compared += 1
            signs.add(point[at][0] == "-")
    assert compared >= 2 * len(parts) * len(flat)
    assert len(signs) == 2 or name in {"log", "sqrt", "bce", "cross_entropy", "kl"}


# What the mathematics says the operations are, from mpmath's own functions.
MEANT = {
    "sigmoid": lambda z: (1 + mpmath.tanh(z / 2)) / 2,
    "tanh": mpmath.tanh,
    "relu": lambda z: (z + abs(z)) / 2,
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "elu": lambda z: z if z > 0 else mpmath.expm1(z),
    "silu": lambda z: z * (1 + mpmath.tanh(z / 2)) / 2,
    "gelu": lambda z: z * mpmath.ncdf(z),
    # of Hendrycks and Gimpel, with the tanh as a quotient of exponentials
    "gelu_tanh": lambda z: z / (1 + mpmath.exp(-mpmath.sqrt(8 / mpmath.pi) * (z + mpmath.mpf("0.044715") * z**3))),
    "mish": lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "identity": lambda z: z,
    "exp": mpmath.exp,
    "log": mpmath.ln,
    "square": lambda z: z * z,
    "sqrt": mpmath.sqrt,
    "step": lambda z: (1 + mpmath.sign(z)) / 2,
    "max": lambda a, b: (a + b + abs(a - b)) / 2,
    "min": lambda a, b: (a + b - abs(a - b)) / 2,
    "abs": abs,
    "erf": mpmath.erf,
    "normal_cdf": mpmath.ncdf,
    "normal_pdf": mpmath.npdf,
    "pi": lambda: 4 * mpmath.atan(1),
    "half_squared_error": lambda y, t: abs(y - t) ** 2 / 2,
    "mse": lambda y, t: abs(y - t) ** 2,
    "bce": lambda y, t: -t * mpmath.ln(y) - (1 - t) * mpmath.log1p(-y),
    "cross_entropy": lambda y, t: -t * mpmath.ln(y),
    "kl": lambda y, t: t * (mpmath.ln(t) - mpmath.ln(y)),
    "hinge": lambda y, t: 1 - t * y if t * y < 1 else 0,
    "huber": lambda y, t: (y - t) ** 2 / 2 if abs(y - t) <= 1 else abs(y - t) - mpmath.mpf(1) / 2,
    "softmax": lambda *z: 1 / sum(mpmath.exp(other - z[0]) for other in z),
}


@pytest.mark.parametrize("name", OPS)
def test_formula_is_what_the_name_means(name):
    op = OPS[name]
    compared = 0
    with mpmath.workdps(50):
        for point in POINTS:
            texts = point[: 3 if op.spread else len(op.arguments)]
            value = number_at(to_sympy(Call(name, tuple(map(Number, texts)), 0 if op.spread else None)), {})
            if value is not None:
                meant = MEANT[name](*map(mpmath.mpf, texts))
                assert abs(value - meant) <= mpmath.mpf("1e-40")
                compared += 1
    assert compared >= 2


def listed_loss_terms():
    return {"half_squared_error": "1/2*((t1 - y1)^2 + (t2 - y2)^2)", "mse": "((y1 - t1)^2 + (y2 - t2)^2)/2",
            "cross_entropy": "-t1*log(y1) - t2*log(y2)", "kl": "t1*log(t1/y1) + t2*log(t2/y2)",
            "hinge": "Max(0, 1 - t1*y1) + Max(0, 1 - t2*y2)",
            "huber": "Min(1, Abs(y1 - t1))^2/2 + Max(0, Abs(y1 - t1) - 1) + Min(1, Abs(y2 - t2))^2/2 + Max(0, Abs(y2 - t2) - 1)"}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.listed])
def test_lists_are_summed_or_averaged_as_meant(name):
    y1, y2, t1, t2 = sympy.symbols("y1 y2 t1 t2", real=True)
    given = to_sympy(Call(name, (Listing((Name("y1"), Name("y2"))), Listing((Name("t1"), Name("t2"))))))
    meant = sympy.sympify(listed_loss_terms()[name].replace("^", "**"), {"y1": y1, "y2": y2, "t1": t1, "t2": t2})
    points = [dict(zip((y1, t1, y2, t2), map(sympy.Rational, point), strict=True)) for point in POINTS]
    compared = [(number_at(given, point), number_at(meant, point)) for point in points]
    assert sum(one is not None for one, _ in compared) >= 2
    assert all(one == other or abs(one - other) < mpmath.mpf("1e-40") for one, other in compared)


def problem_with(name, shape):
    """A network whose arguments are all trained: z_k = w_k x_k, the operation, a loss."""
    op, flat = OPS[name], spread(shape)
    typed = ", ".join(f"[{', '.join(i.name for i in a.items)}]" if isinstance(a, Listing) else a.name for a in shape)
    values = ("0.3", "0.8", "0.7", "0.4")
    lines = ["[given]"]
    lines += [f"w{k} = {value}\nx{k} = 0.9" for k, value in enumerate(values[: len(flat)], start=1)]
    lines += ["[forward]", *(f'z{k} = "w{k}*x{k}"' for k in range(1, len(flat) + 1))]
    outputs = [f"a{k}" for k in range(1, len(flat) + 1)] if op.spread else ["a"]
    if op.kind == "loss":
        lines.append(f'L = "{name}({typed})"')
    else:
        key = f'"{", ".join(outputs)}"' if op.spread else "a"
        loss = " + ".join(f"(2 - {a})^{k}" for k, a in enumerate(outputs, start=2))
        lines += [f'{key} = "{name}({typed})"', f'L = "{loss}"']
    lines += ["[train]", f"parameters = {[f'w{k}' for k in range(1, len(flat) + 1)]}"]
    return derive.load_text("\n".join(lines))


@pytest.mark.parametrize(("name", "shape"), CALLS)
def test_small_network_is_derived(name, shape):
    problem = problem_with(name, shape)
    work = derive.derive(problem)
    assert work.checks.judges[:2] == ("nudge-40-digits", "mpmath-forward")
    composed = problem.network.expression("L", composed=True)
    numbers = {sympy.Symbol(key, real=True): sympy.Rational(number.text) for key, number in problem.given.items()}
    for parameter in problem.train.parameters:
        expected = number_at(sympy.diff(composed, sympy.Symbol(parameter, real=True)), numbers)
        found = mpmath.mpf(str(work.states[0].values[Partial("L", parameter)]))
        assert abs(found - expected) <= mpmath.mpf("1e-38") * max(1, abs(expected)), parameter


def spoiled(op, where):
    def slope(outputs, arguments, part, at):
        taught = op.slope(outputs, arguments, part, at)
        return Product((Number("1.01"), taught)) if at == where and taught not in (None, ZERO) else taught

    return dataclasses.replace(op, slope=slope)


def taught_arguments():
    for name, op in OPS.items():
        for place, shape in enumerate(shapes(op)):
            flat = spread(shape)
            outputs = tuple(Name(f"a{k}") for k in range(len(flat)))
            for at in range(len(flat)):
                if op.slope(outputs, shape, 0, at) not in (None, ZERO):
                    yield pytest.param(name, shape, at, id=f"{name}-{place}-z{at + 1}")


@pytest.mark.parametrize(("name", "shape", "at"), list(taught_arguments()))
def test_spoiled_slope_is_caught_and_blamed(monkeypatch, name, shape, at):
    monkeypatch.setitem(OPS, name, spoiled(OPS[name], at))
    with pytest.raises(JudgementError, match=rf"\AdL/dz{at + 1}: a line \((local-slopes|differentiate)\) gives"):
        derive.derive(problem_with(name, shape))


@pytest.mark.parametrize("face", [PLAIN, TEXT, LATEX], ids=["plain", "text", "latex"])
def test_no_two_rows_are_written_alike(face):
    formulas, calls = {}, {}
    for name, op in OPS.items():
        arguments = (Name("u"), Name("v"))[: 2 if op.spread else len(op.arguments)]
        call = Call(name, arguments, 0 if op.spread else None)
        formulas.setdefault(write(op.formula(arguments, 0) if op.formula else call, face, Script()), []).append(name)
        calls.setdefault(write(call, face, Script()), []).append(name)
    assert [names for names in (*formulas.values(), *calls.values()) if len(names) > 1] == []


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.kink])
def test_kink_has_its_sentence(name):
    assert CATALOGUE["kink"].get(name, "").endswith(".")
    page = derive.render(derive.derive(problem_with(name, shapes(OPS[name])[0])), "text")
    assert Speaker("en").word("kink", name) in page


def test_no_sentence_without_a_kink():
    assert CATALOGUE["kink"].keys() == {name for name, op in OPS.items() if op.kink}


def test_every_law_a_line_uses_is_in_the_tables():
    works = [work_out(name) for name in derive.built_in_names()]
    works += [derive.derive(problem_with(name, shapes(op)[0])) for name, op in OPS.items() if op.arguments]
    used = {line.law for work in works for step in work.steps for line in step.lines}
    assert len(used) > 10
    assert used <= LAWS.keys()
    assert used <= CATALOGUE["law"].keys()


def test_every_law_has_its_words():
    assert CATALOGUE["law"].keys() == LAWS.keys()


def test_an_operation_has_a_formula_or_is_a_primitive():
    assert {name for name, op in OPS.items() if op.formula is None} == PRIMITIVES.keys()


@pytest.mark.parametrize("digits", [5, 40, 120, 3840])
@pytest.mark.parametrize("function", ["erf", "pi"])
def test_decimals_are_good_to_the_last_digit(function, digits):
    """Against mpmath, up to the 3,840 digits that `settle` may ask for; half a unit, and a little for what is far behind."""
    points = [("0.3",), ("-1.7",), ("1e-30",), ("5.123456789",), ("-11.9",), ("1e5",)] if function == "erf" else [()]
    for point in points:
        with precision(digits):
            found = PRIMITIVES[function].decimals(*map(Decimal, point))
            assert not was_exact()
        with mpmath.workdps(digits + 30):
            meant = MEANT[function](*map(mpmath.mpf, point))
            unit = mpmath.mpf(10) ** (found.adjusted() - digits + 1)
            assert abs(mpmath.mpf(str(found)) - meant) <= unit * mpmath.mpf("0.501"), point


def test_erf_of_zero_is_exactly_zero():
    with precision(40):
        assert PRIMITIVES["erf"].decimals(Decimal(0)) == 0
        assert was_exact()


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.arguments and not op.spread and not op.listed])
def test_an_interval_holds_every_value_and_little_else(name):
    """Ends and middles of intervals of both kinds: on one side of the lowest place, and around it."""
    op, compared = OPS[name], 0
    evaluate = compile_tree(Call(name, tuple(Name(f"z{k}") for k in range(len(op.arguments)))), INTERVALS)
    for low, high in ((-2.1, -1.9), (-1.5, -0.5), (-0.8, -0.7), (-0.2, 0.3), (0.4, 0.6), (0.7, 0.75), (1.1, 2.4)):
        try:
            found = evaluate({f"z{k}": Interval(low, high) for k in range(len(op.arguments))})
        except ArithmeticError:
            continue
        values = []
        for z in [low + (high - low) * k / 200 for k in range(201)]:
            values.append(float(MEANT[name](*[mpmath.mpf(z)] * len(op.arguments))))
            assert found.low - 1e-12 <= values[-1] <= found.high + 1e-12, (name, z)
        if op.lowest is not None:
            assert found.low >= min(values) - 1e-4
            assert found.high <= max(values) + 1e-12
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.lowest is not None])
def test_it_falls_to_its_lowest_place_and_rises_from_there(name):
    lowest = OPS[name].lowest
    with mpmath.workdps(30):
        middle = mpmath.mpf(lowest) if lowest > -10 else mpmath.mpf(-10)
        values = [MEANT[name](middle + mpmath.mpf(k) / 50) for k in range(-400 if lowest > -10 else 0, 600)]
        place = values.index(min(values))
        assert place == (400 if lowest > -10 else 0)
        assert all(a > b for a, b in itertools.pairwise(values[: place + 1]))
        assert all(a < b for a, b in itertools.pairwise(values[place:]))
        if lowest > -10 and name != "abs":
            assert abs(mpmath.diff(MEANT[name], middle)) < 1e-14


def test_one_output_of_several_may_be_taken_by_its_number():
    """Softmax by parts is softmax at once."""
    parts = 'p1 = "softmax(z1, z2)[1]"\np2 = "softmax(z1, z2)[2]"'
    both, apart = (
        derive.derive(derive.load_text(f"""
[given]
x = 0.3
w1 = 0.7
w2 = -0.2
t1 = 1
t2 = 0
[forward]
z1 = "w1*x"
z2 = "w2*x"
{softmax}
L = "-(t1*log(p1) + t2*log(p2))"
[train]
parameters = ["w1", "w2"]
"""))
        for softmax in ('"p1, p2" = "softmax(z1, z2)"', parts)
    )
    assert both.states[0].values == apart.states[0].values
    assert apart.checks.judged == apart.checks.lines
