"""Programs: named formulas as one function of floats or arrays, equal to what a person would type, and nothing typed is ever run."""

import ast
import math
import random
from decimal import Decimal
from pathlib import Path

import pytest

import derive
from derive.exercises import programs
from derive.exercises.programs import LENIENT, build_bounded, build_family, build_program, make_program
from derive.exercises.reckoning import true_values
from derive.exercises.sheets import make_sheet
from derive.reader import read_formula
from derive.tables.slips import candidates
from derive.written import Later, Name, Number, Partial


def program_of(formula, *names):
    return build_program({"result": read_formula(formula)}, names, ["result"])


def by_hand(x1, x2, w1, w2, w3, w4, w5, w6, w7, w8, b1, b2, t1, t2):
    """Question 1 as one would type it: the gradients of w1, w5, b1 and b2, from the forward pass and four error signals."""
    h1, h2 = (1 / (1 + math.exp(-z)) for z in (w1 * x1 + w3 * x2 + b1, w2 * x1 + w4 * x2 + b1))
    y1, y2 = (1 / (1 + math.exp(-z)) for z in (w5 * h1 + w7 * h2 + b2, w6 * h1 + w8 * h2 + b2))
    out1, out2 = (y1 - t1) * y1 * (1 - y1), (y2 - t2) * y2 * (1 - y2)
    in1, in2 = (out1 * w5 + out2 * w6) * h1 * (1 - h1), (out1 * w7 + out2 * w8) * h2 * (1 - h2)
    return in1 * x1, out1 * h1, in1 + in2, out1 + out2


def test_it_gives_the_numbers_mazur_published():
    sheet = make_sheet(derive.find("mazur"))
    new = [Later(Name("w1"), 1), Later(Name("w5"), 1)]
    assert make_program(sheet, (), tuple(new)).run() == pytest.approx((0.149780716, 0.35891648), abs=5e-9)


def test_any_numbers_give_what_hand_written_code_gives():
    sheet = make_sheet(derive.find("q1"))
    names = ("x1", "x2", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "b1", "b2", "t1", "t2")
    run = make_program(sheet, names, tuple(Partial("L", name) for name in ("w1", "w5", "b1", "b2"))).run
    source = random.Random(1)
    for _ in range(100):
        values = [source.uniform(-2, 2) for _ in names]
        assert run(*values) == pytest.approx(by_hand(*values), rel=1e-12)


def test_arrays_give_what_floats_give():
    numpy = pytest.importorskip("numpy")
    sheet = make_sheet(derive.find("q1"))
    outputs = tuple(sheet.rows)
    one, many = (make_program(sheet, ("w5", "x1"), outputs, kernels).run for kernels in ("math", "numpy"))
    points = [(0.1 * k, 1 - 0.2 * k) for k in range(10)]
    table = numpy.broadcast_arrays(*many(*numpy.array(points).T))
    for place, point in enumerate(points):
        assert [column[place] for column in table] == pytest.approx(one(*point), rel=1e-12)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("max(a, b)", 3.0),
        ("step(a) + step(b)", 1.0),
        ("step(0*a)", 0.0),  # the step of 0 is 0, as everywhere in the house
        ("relu(a) + relu(b)", 3.0),
        ("leaky_relu(a)", -0.02),
        ("log(b)", math.log(3)),
        ("tanh(b)", math.tanh(3)),
        ("min(a, b) + abs(a)", 0.0),
        ("erf(a)", math.erf(-2)),
        ("pi()*b", 3 * math.pi),
        ("gelu(b)", 3 * (1 + math.erf(3 / math.sqrt(2))) / 2),
        ("huber(a, b)", 4.5),
        ("b^0.5", math.sqrt(3)),
        ("a^3", -8.0),
        ("-(a - b)", 5.0),
        ("-a - b", -1.0),
        ("1/2*2*a*(0 - 1)", 2.0),
        ("(-a)*(-b)/(-b)", 2.0),
        ("0*a + b", 3.0),
    ],
)
def test_each_operation_on_floats_and_on_arrays(formula, value):
    assert program_of(formula, "a", "b")(-2.0, 3.0) == pytest.approx((value,), rel=1e-12)
    numpy = pytest.importorskip("numpy")
    rows = {"result": read_formula(formula)}
    (column,) = build_program(rows, ["a", "b"], ["result"], programs.numpy_kernels())(numpy.array([-2.0]), numpy.array([3.0]))
    assert numpy.broadcast_to(column, 1)[0] == pytest.approx(value, rel=1e-12)


def test_what_stands_twice_is_computed_once():
    calls = []
    kernels = {**programs.FLOATS, "exp": lambda z: calls.append(z) or math.exp(z)}
    rows = {"y": read_formula("sigmoid(z)"), "slope": read_formula("sigmoid(z)*(1 - sigmoid(z))")}
    build_program(rows, ["z"], ["y", "slope"], kernels)(0.5)
    assert calls == [-0.5]


def test_what_no_output_needs_is_not_computed():
    rows = {"bad": read_formula("1/(a - a)"), "good": read_formula("2*a")}
    assert build_program(rows, ["a"], ["good"])(3.0) == (6.0,)


def test_a_missing_value_is_an_error_or_with_lenient_kernels_nan():
    rows = {"b": read_formula("1/a"), "c": read_formula("log(a)"), "d": read_formula("exp(1000 - a)"), "e": read_formula("2 + a")}
    with pytest.raises((ArithmeticError, ValueError)):
        build_program(rows, ["a"], ["b"])(0.0)
    *lost, kept = build_program(rows, ["a"], list(rows), LENIENT)(0.0)
    assert all(map(math.isnan, lost))
    assert kept == 2.0


@pytest.mark.parametrize("name", ["q1", "mazur"])
def test_a_family_gives_what_each_member_gives_alone(name):
    """Members share what they have in common; done wrong on purpose in every way of the table, none may leak into another."""
    sheet = make_sheet(derive.find(name))
    slips = [slipped for slipped in candidates(sheet) if not slipped.given]
    family = [
        sheet.rows,
        *(sheet.done_wrong(slipped.rows, slipped.ways, {}).rows for slipped in random.Random(1).sample(slips, 60)),
    ]
    inputs, outputs = tuple(sheet.given), tuple(sheet.rows)
    values = [float(number.text) * 1.01 for number in sheet.given.values()]
    together = build_family(family, inputs, outputs, LENIENT)(*values)
    alone = [value for rows in family for value in build_program(rows, inputs, outputs, LENIENT)(*values)]
    assert together == pytest.approx(alone, rel=1e-12, nan_ok=True)


def test_the_bounds_hold_against_forty_digits():
    sheet = make_sheet(derive.find("q1"))
    outputs = tuple(sheet.rows)
    found, bounds = build_bounded(sheet.rows, tuple(sheet.given), outputs)(*(float(n.text) for n in sheet.given.values()))
    truth = true_values(sheet)
    for key, value, bound in zip(outputs, found, bounds, strict=True):
        assert abs(Decimal(value) - truth[key]) <= Decimal(bound), key
        assert bound < 1e-13


def test_a_formula_as_long_as_a_wide_layer_compiles():
    """2,000 terms on one line would be deeper than the compiler goes."""
    names = [f"x{k}" for k in range(2000)]
    assert program_of(" + ".join(names), *names)(*([1.0] * 2000)) == (2000.0,)


def test_a_hostile_name_is_never_run():
    """A name can be anything in a sheet made by a program; in the function it is only a generated one."""
    evil = "__import__('os').abort()"
    run = build_program({"b": Name(evil)}, [evil], ["b"])
    assert run(1.5) == (1.5,)
    assert run.__code__.co_names == ()
    assert run.__globals__["__builtins__"] == {}


def test_constants_are_plain_floats():
    run = build_program({"b": read_formula("2*a + 1/3")}, ["a"], ["b"])
    assert {type(constant) for constant in run.__code__.co_consts if constant is not None} == {float}


def test_numpy_is_imported_only_where_arrays_are_asked_for():
    tree = ast.parse(Path(programs.__file__).read_text(encoding="utf-8"))
    inside = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and "import numpy" in ast.unparse(node)}
    assert inside == {"numpy_kernels"}
    assert "import numpy" not in "\n".join(ast.unparse(node) for node in tree.body if not isinstance(node, ast.FunctionDef))


def test_a_given_number_that_is_no_input_is_a_constant():
    sheet = make_sheet(derive.find("q1"))
    key = Later(Name("w5"), 1)
    fixed = make_program(sheet, (), (key,)).run()
    assert make_program(sheet, ("learning_rate",), (key,)).run(0.5) == pytest.approx(fixed, rel=1e-15)
    assert make_program(sheet, ("learning_rate",), (key,)).run(0.0) == (0.40,)
    assert sheet.given["w5"] == Number("0.40")
