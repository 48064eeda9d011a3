"""Second derivatives: against SymPy's, against nudges in mpmath, against published matrices, and spoiled on purpose."""

import itertools
import json
import math
import random
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import mpmath
import pytest
import sympy
from hypothesis import assume, given, settings
from strategies import networks
from test_oracles import FEW, MPMATH, POLICIES, away_from_kinks, check_numeric_lines, close, forward, roughly

import derive
from derive.arithmetic import compile_tree, key_of, mpmath_arithmetic, precision
from derive.checks import judge_second, witness_of
from derive.curvature import definiteness, is_straight
from derive.errors import InputError, JudgementError, LimitError, UsageError
from derive.formats.latex import right_sides
from derive.formats.plain import typed
from derive.scripts import script_of
from derive.slopes import Slopes
from derive.tables.ops import OPS
from derive.written import TWO, Call, Name, Negative, Nested, Number, Partial, Product, Second, Sum, multiply, substitute

EXPECTED = Path(__file__).parent / "expected"


def values_of(work):
    """The entries as mpmath numbers, by the two names in the order of the page."""
    with mpmath.workdps(60):
        return {
            (entry.first, entry.then): mpmath.mpf(str(work.states[0].values[Second(entry.of, *sorted((entry.first, entry.then)))]))
            for entry in work.hessian.entries
        }


def problem(text):
    return derive.load_text('title = "T"\n' + text)


def ends(names):
    """Two parameters of the first layer and two of the last."""
    return tuple(dict.fromkeys((*names[:2], *names[-2:])))


# --- oracles -------------------------------------------------------------------------------------------------------------


@given(networks(most=4))
@settings(max_examples=20, **FEW)
def test_entries_are_the_forward_pass_nudged_twice(drawn):
    assume(away_from_kinks(drawn))
    found = values_of(derive.derive(drawn.problem, hessian=True))
    with mpmath.workdps(150):
        start = {free: mpmath.mpf(text) for free, text in drawn.numbers.items()}
        nudge = mpmath.mpf("1e-35")

        def loss(moves):
            values = dict(start)
            for name, by in moves:
                values[name] += by
            return forward(drawn.typed, values, *MPMATH)["L"]

        for (first, then), value in found.items():
            corners = [a * b * loss([(first, a * nudge), (then, b * nudge)]) for a in (1, -1) for b in (1, -1)]
            assert close(value, sum(corners) / (4 * nudge**2)), (first, then)


@given(networks(most=3))
@settings(max_examples=8, **FEW)
def test_entries_are_sympys(drawn):
    assume(away_from_kinks(drawn))
    network = drawn.problem.network
    composed = network.expression("L", composed=True)
    symbols = {name: sympy.Symbol(name, real=True) for name in network.free}
    names = drawn.problem.train.parameters
    found = values_of(derive.derive(drawn.problem, wrt=ends(names), hessian=True))  # SymPy takes seconds for all of them
    flat = {"Heaviside": lambda z, *_: mpmath.mpf(z > 0), "Max": max, "DiracDelta": lambda *_: mpmath.mpf(0)}
    curves = [sympy.diff(composed, symbols[first], symbols[then]) for first, then in found]
    with mpmath.workdps(60):
        compute = sympy.lambdify(list(symbols.values()), curves, modules=[flat, "mpmath"], cse=True)
        expected = compute(*(mpmath.mpf(drawn.numbers[name]) for name in symbols))
        for (pair, value), other in zip(found.items(), expected, strict=True):
            assert close(value, other), pair


@given(networks(most=3))
@settings(max_examples=8, **FEW)
def test_the_other_order_gives_the_same(drawn):
    names = drawn.problem.train.parameters[:4]
    there, back = (values_of(derive.derive(drawn.problem, wrt=order, hessian=True)) for order in (names, names[::-1]))
    with mpmath.workdps(60):
        assert all(close(value, back[then, first]) for (first, then), value in there.items())


@given(networks(most=2))
@settings(max_examples=3, **FEW)
def test_every_line_is_proved(drawn):
    work = derive.derive(drawn.problem, wrt=ends(drawn.problem.train.parameters), prove=True, hessian=True)
    assert {"sympy-diff", "nudge-twice-40-digits"} <= set(work.checks.judges)
    assert work.checks.judged == work.checks.lines


@pytest.mark.parametrize("policy", POLICIES)
def test_numeric_lines_hold_as_printed(policy):
    @given(networks(most=4))
    @settings(max_examples=8, **FEW)
    def hold(drawn):
        try:
            work = derive.derive(drawn.problem, POLICIES[policy], hessian=True)
        except InputError:
            assert POLICIES[policy].carry == "hand"
            return
        with mpmath.workdps(80):
            assert sum(map(check_numeric_lines, work.hessian.steps)) >= len(work.hessian.entries) // 4

    hold()


def in_numbers(tree, values):
    """A symbolic line with mpmath; second derivatives are looked up too."""
    second = {key: Name(f"second{place}") for place, key in enumerate(values) if isinstance(key, Second | Nested)}
    named = substitute(tree, lambda leaf: second.get(key_of(leaf)))
    return roughly(named, {**values, **{name.name: values[key] for key, name in second.items()}})


@pytest.mark.parametrize("name", ["q1", "mazur"])
def test_answers_read_back_give_their_value(name):
    work = derive.derive(derive.find(name), wrt=["w5", "w1"], hessian=True)
    with mpmath.workdps(60):
        values = {key: mpmath.mpf(str(value)) for key, value in work.states[0].values.items()}
        for step in work.hessian.steps:
            read = work.problem.read(typed(step.answer))
            assert typed(read) == typed(step.answer)
            goal = work.problem.read(typed(step.goal))
            assert close(in_numbers(read, values), in_numbers(goal, values), 35), typed(step.goal)


# --- published -----------------------------------------------------------------------------------------------------------

POINTS = [((0.5, -1.0), 1), ((1.5, 0.3), 0), ((-0.7, 0.8), 1)]


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def regression(forward_text):
    examples = "".join(f"[[examples]]\nx1 = {x}\nx2 = {y}\nt = {t}\n" for (x, y), t in POINTS)
    trained = '[train]\nloss = "L"\nparameters = ["w1", "w2"]\nbatch = "sum"\nlearning_rate = 0.1\n'
    return problem(f"[given]\nw1 = 0.8\nw2 = 0.3\n[forward]\n{forward_text}\n{trained}{examples}")


def test_logistic_regression():
    """H = Σ y(1 − y) x xᵀ: Bishop, Pattern Recognition and Machine Learning, eq. 4.97; positive definite for inputs that span."""
    work = derive.derive(regression('z = "w1*x1 + w2*x2"\ny = "sigmoid(z)"\nL = "bce(y, t)"'), hessian=True)
    outputs = [sigmoid(0.8 * x[0] + 0.3 * x[1]) for x, _ in POINTS]
    found = values_of(work)
    for (first, then), value in found.items():
        i, j = (("w1", "w2").index(name) for name in (first, then))
        expected = sum(y * (1 - y) * x[i] * x[j] for y, (x, _) in zip(outputs, POINTS, strict=True))
        assert float(value) == pytest.approx(expected, rel=1e-12)
    assert len(found) == 3
    assert work.hessian.definite == "positive"


def test_linear_regression():
    """H = Σ x xᵀ for ½ Σ (w·x − t)²: Bishop, eq. 4.95; it does not depend on the targets."""
    work = derive.derive(regression('y = "w1*x1 + w2*x2"\nL = "half_squared_error(y, t)"'), hessian=True)
    for (first, then), value in values_of(work).items():
        i, j = (("w1", "w2").index(name) for name in (first, then))
        assert float(value) == pytest.approx(sum(x[i] * x[j] for x, _ in POINTS), rel=1e-12)
    assert work.hessian.definite == "positive"


SOFTMAX = """
[given]
z1 = 0.5
z2 = -0.3
z3 = 0.1
t1 = 1
t2 = 0
t3 = 0
[forward]
"y1, y2, y3" = "softmax(z1, z2, z3)"
L = "cross_entropy([y1, y2, y3], [t1, t2, t3])"
[train]
parameters = ["z1", "z2", "z3"]
"""


def test_softmax_with_cross_entropy():
    """∂²L/∂z_k∂z_j = y_k(I_kj − y_j) for targets that sum to 1: the derivative, Bishop eq. 4.106, of y − t; singular."""
    work = derive.derive(problem(SOFTMAX), hessian=True)
    powers = [math.exp(z) for z in (0.5, -0.3, 0.1)]
    y = [power / sum(powers) for power in powers]
    for (first, then), value in values_of(work).items():
        k, j = (int(name[1]) - 1 for name in (first, then))
        assert float(value) == pytest.approx(y[k] * ((k == j) - y[j]), rel=1e-12)
    assert work.hessian.definite == ""
    assert "definite" not in derive.render(work)


def test_by_quantities_within_the_network():
    """∂²L/∂net² = σ'(net)² + (y − t) σ''(net) for ½(y − t)²."""
    work = derive.derive(derive.find("q1"), wrt=["net_y1", "net_y2"], hessian=True)
    found = {pair: float(value) for pair, value in values_of(work).items()}
    y = 0.791820118
    assert found["net_y1", "net_y1"] == pytest.approx((y * (1 - y)) ** 2 + (y - 0.01) * y * (1 - y) * (1 - 2 * y), rel=1e-8)
    assert found["net_y1", "net_y2"] == 0
    assert work.hessian.definite == "indefinite"


# --- judged --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small():
    return derive.derive(derive.find("q1"), wrt=["w5", "w1", "b2"], hessian=True)


def spoiled(step, place):
    """A step with one of its symbolic lines doubled, or, where it is 0, raised by 1."""
    lines = [line for line in step.lines if not line.numeric]
    tree = lines[place].tree
    wrong = Number("1") if tree == Number("0") else multiply(TWO, tree)
    return replace(step, lines=(*lines[:place], replace(lines[place], tree=wrong), *lines[place + 1 :]))


@pytest.mark.parametrize("side", ["steps", "mirrored"])
def test_every_spoiled_line_is_found(small, side):
    hessian, network = small.hessian, small.problem.network
    assert judge_second(hessian, network, {}, False)[0] == []
    steps = getattr(hessian, side)
    for at, step in enumerate(steps):
        for place in range(sum(not line.numeric for line in step.lines)):
            changed = (*steps[:at], spoiled(step, place), *steps[at + 1 :])
            findings, _ = judge_second(replace(hessian, **{side: changed}), network, {}, False)
            assert [finding.goal for finding in findings] == [step.goal], (typed(step.goal), place)


def test_an_entry_is_judged_by_the_forward_pass_alone(small):
    """Not even a wrong first derivative behind the network moves what an entry is compared with."""
    network = small.hessian.network
    wrong = {"dL/dw5", "dL/dnet_y1"}
    equations = tuple(replace(e, rhs=Sum((e.rhs, Name("w5")))) if e.goal in wrong else e for e in network.equations)
    bent = replace(small.hessian, network=replace(network, equations=equations))
    start = {name: Decimal(place) / 10 for place, name in enumerate(small.problem.network.free, start=1)}
    with precision(80):
        nudge = Decimal("1e-22")
        points = [witness_of(hessian)(small.problem.network, start, nudge) for hessian in (small.hessian, bent)]
        first, second = (point[Second("L", "w5", "b2")] for point in points)
        inner = [point[Nested(Partial("L", "w5"), Name("w5"))] for point in points]
    assert first == second
    assert inner[0] != inner[1]


def test_a_wrong_second_slope_prints_nothing(monkeypatch):
    """A slope that is wrong only where a gradient is differentiated: the first derivatives stand, the second stop the page."""
    true, factor = Slopes.differentiate, Sum((Number("1"), Negative(Name("y1"))))

    def wrong(self, tree, name, outputs):
        slope = true(self, tree, name, outputs)
        return multiply(TWO, slope) if tree == factor and name == "y1" else slope

    monkeypatch.setattr(Slopes, "differentiate", wrong)
    derive.derive(derive.find("q1"), wrt=["w5"])
    with pytest.raises(JudgementError, match=r"d\(dL/dw5\)/dy1: a line \(local-slopes\)"):
        derive.derive(derive.find("q1"), wrt=["w5"], hessian=True)


# --- which way it curves -------------------------------------------------------------------------------------------------


def test_definiteness_is_that_of_the_eigenvalues():
    source = random.Random(7)
    seen = set()
    for size in (1, 2, 3, 5):
        for _ in range(60):
            rows = [[Decimal(0)] * size for _ in range(size)]
            shift = source.choice([-20, 0, 20])
            for i in range(size):
                for j in range(i + 1):
                    rows[i][j] = rows[j][i] = Decimal(source.randint(-6, 6) + shift * (i == j)) * Decimal("1e-3")
            values = list(mpmath.eigsy(mpmath.matrix([[str(e) for e in row] for row in rows]), eigvals_only=True))
            low, high = min(values), max(values)
            wanted = (
                "positive" if low > 1e-9 else "negative" if high < -1e-9 else "indefinite" if low < -1e-9 and high > 1e-9 else ""
            )
            assert definiteness(rows) == wanted, rows
            seen.add(wanted)
    assert seen == {"positive", "negative", "indefinite", ""}


def test_a_margin_too_small_to_be_safe_is_not_decided():
    nearly = [[Decimal(1), Decimal(1)], [Decimal(1), 1 + Decimal("1e-21")]]
    assert definiteness(nearly) == ""
    assert definiteness([[Decimal(0)] * 2] * 2) == ""


RELU = """
[given]
x = 0.5
w = {w}
v = 0.30
b = 0.1
t = 0.2
[forward]
z = "w*x + b"
a = "relu(z)"
y = "v*a"
L = "half_squared_error(y, t)"
"""


def test_relu_curves_only_through_the_loss():
    """With z > 0 the loss is ½(v(wx + b) − t)²; with z < 0 it does not change with w."""
    found = values_of(derive.derive(problem(RELU.format(w="0.8")), wrt=["w", "v"], hessian=True))
    assert float(found["w", "w"]) == pytest.approx((0.3 * 0.5) ** 2)
    assert float(found["w", "v"]) == pytest.approx(0.5 * 0.3 * 0.5 + 0.5 * (0.3 * 0.5 - 0.2))
    assert set(values_of(derive.derive(problem(RELU.format(w="-0.8")), wrt=["w", "v"], hessian=True)).values()) == {0}


def test_conventions_at_a_kink_are_said():
    work = derive.derive(problem(RELU.format(w="-0.20")), wrt=["w", "v"], hessian=True)
    page = derive.render(work)
    assert "ReLU has a kink at 0; its slope there is taken to be 0." in page
    assert (
        "ReLU is straight on either side of its kink: its second derivative is 0 there, and it is taken to be 0 at the kink too."
        in page
    )
    assert "a stands exactly at the kink" in page
    assert "away from kinks (Schwarz)" in page
    assert work.hessian.definite == ""


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.kink])
def test_straight_operations_have_no_curve(name):
    """Second differences across smooth ground, in floats, vanish exactly where an operation is said to be straight."""
    names = OPS[name].arguments
    compute = compile_tree(Call(name, tuple(map(Name, names))), mpmath_arithmetic())
    with mpmath.workdps(60):
        curves = []
        for point in ("0.7", "-0.6"):
            at = {key: mpmath.mpf(point) * (place + 1) for place, key in enumerate(names)}
            nudge = mpmath.mpf("1e-10")
            for key, other in itertools.product(names, names):
                corners = []
                for by, also in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                    there = {**at, key: at[key] + by * nudge}
                    corners.append(by * also * compute({**there, other: there[other] + also * nudge}))
                curves.append(abs(mpmath.fsum(corners)) / (4 * nudge**2))
        assert is_straight(name) == (max(curves) < 1e-6)


# --- the page, the command, the data ---------------------------------------------------------------------------------------

ENDINGS = {"text": "txt", "latex": "tex", "markdown": "md", "json": "json"}


@pytest.mark.parametrize("style", ENDINGS)
def test_page(style, rewrite):
    rounding = derive.Rounding(digits=17) if style == "json" else None
    page = derive.render(derive.derive(derive.find("q1"), rounding, wrt=["w5", "w7"], hessian=True), style)
    path = EXPECTED / f"q1-hessian.{ENDINGS[style]}"
    if rewrite:
        path.write_text(page, encoding="utf-8")
    assert page == path.read_text(encoding="utf-8")


def test_jupyter_shows_the_matrix():
    bundle = derive.derive(derive.find("q1"), wrt=["w5", "w7"], hessian=True)._repr_mimebundle_()
    assert r"\nabla^{2} L \approx \begin{pmatrix} -0.0169791 & -0.0170307 \\ -0.0170307" in bundle["text/latex"]


def test_a_sum_of_long_terms_is_broken_whatever_its_digits():
    few, many_digits = (
        Sum((Product((Name("w"), *(Number(digits),) * 5)), Product((Name("v"), *(Number(digits),) * 5))))
        for digits in ("0.1", "0.123456")
    )
    script = derive.load_text('[forward]\nf = "w*v"\n')
    assert [len(right_sides(tree, script_of(script))) for tree in (few, many_digits)] == [2, 2]
    assert len(right_sides(Sum((Name("w"), Name("v"))), script_of(script))) == 1


def test_json_holds_both_orders():
    data = json.loads(derive.render(derive.derive(derive.find("q1"), wrt=["w5", "w7"], hessian=True), "json"))
    assert data["hessian"]["w5"]["w7"] == data["hessian"]["w7"]["w5"]
    assert data["hessian"]["w5"]["w7"]["formula"] == "d(dL/dw5)/dy1*y1*(1 - y1)*h2"
    assert float(data["hessian"]["w5"]["w7"]["value"]) == pytest.approx(-0.0170307, abs=1e-7)
    assert [step["goal"] for step in data["steps"]][-1] == "d2L/dw7dw7"


def test_without_the_option_nothing_is_said_of_it():
    work = derive.derive(derive.find("q1"), wrt=["w5"])
    assert work.hessian is None
    assert "hessian" not in json.loads(derive.render(work, "json"))


def test_symbols_alone_give_formulas_and_no_matrix():
    work = derive.derive(derive.find("q2"), wrt=["w1_11", "w3_1"], hessian=True)
    page = derive.render(work)
    assert "∂²f/∂(w^[1]_11)² = " in page
    assert "∂²f/∂(w^[3]_1)² = 0   ∂f/∂w^[3]_1 does not change with w^[3]_1" in page
    assert "∇²" not in page
    assert r"\partial^{2} f}{\partial \left(w^{[1]}_{11}\right)^{2}}" in derive.render(work, "latex")


def test_a_step_is_found_in_either_order(small):
    assert small.step("d2L/dw1dw5") == small.step("d2L/dw5dw1")
    assert small.step("d2L/db2^2").answer == small.step("d2L/db2db2").answer
    assert isinstance(small.step("d(dL/dw5)/dnet_y1").goal, Nested)


def test_a_wide_matrix_tells_amsmath_and_a_narrow_one_leaves_it_alone():
    wide = derive.render(derive.derive(derive.find("mazur"), hessian=True), "latex")
    assert "MaxMatrixCols" not in wide
    names = " + ".join(f"a{k}^2" for k in range(11))
    given_ = "".join(f"a{k} = 1\n" for k in range(11))
    text = f'[given]\n{given_}[forward]\nf = "{names}"\n[train]\nparameters = {[f"a{k}" for k in range(11)]}\n'.replace("'", '"')
    assert r"\setcounter{MaxMatrixCols}{11}" in derive.render(derive.derive(problem(text), hessian=True), "latex")


def many(count):
    names = ", ".join(f'"w{k}"' for k in range(count))
    return problem(f'[forward]\nL = "{" + ".join(f"w{k}^2" for k in range(count))}"\n[train]\nparameters = [{names}]\n')


def test_too_many_quantities_are_a_limit():
    with pytest.raises(LimitError, match=r"--hessian: 61 quantities give 1,891 entries; name 60 at most with --wrt"):
        derive.derive(many(61), hessian=True)
    assert len(derive.derive(many(61), wrt=["w3", "w4"], hessian=True).hessian.entries) == 3


@pytest.mark.parametrize(
    ("wrt", "message"),
    [
        (["w5", "net_y1"], "--hessian: 'net_y1' depends on 'w5', so it cannot be held while 'w5' moves"),
        (["L"], "--wrt L: is what is differentiated"),
    ],
)
def test_what_has_no_meaning_is_refused(wrt, message):
    with pytest.raises(UsageError) as caught:
        derive.derive(derive.find("q1"), wrt=wrt, hessian=True)
    assert str(caught.value) == message


def test_nothing_trained_is_said():
    with pytest.raises(UsageError, match="choose quantities with --wrt"):
        derive.derive(problem('[forward]\nf = "x1*x2"\n'), hessian=True)
