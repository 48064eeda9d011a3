"""Arrays from a file to the page: what is refused and how it is said, numbers, how work grows, and random problems."""

import json
import re
from dataclasses import replace

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layers import FUNCTIONS, Layer, World, agree, both_sides, sigmoid, softmax, speaks_of_one_equation

import derive
from derive.cli import main
from derive.errors import InputError, LimitError
from derive.formats.plain import typed
from derive.tables.ops import OPS
from derive.tensors.judges import judge_entries
from derive.written import TWO, Indexed, Name, multiply

# --- files that cannot be meant ----------------------------------------------------------------------------------------------

SHAPES = {
    "W": '["m", "d"]',
    "X": '["d", "N"]',
    "b": '["m"]',
    "x": '["T"]',
    "z": '["T"]',
    "E": '["V", "d"]',
    "ids": '["N"]',
    "Y": '["N", "d"]',
}


def problem_text(forward, rest="", shapes=""):
    """A file with these equations, and the shapes of the names in them."""
    lines = [f"{name} = {axes}" for name, axes in SHAPES.items() if re.search(rf"\b{name}\b", forward)]
    return "\n".join(["[shapes]", *(shapes.splitlines() or lines), "[forward]", forward, rest, ""])


PLACE = "a place is made of letters, sizes and whole numbers, added and multiplied"
SIZE = "a size is made of names of sizes and whole numbers, added, multiplied and divided"
EINSUM = "Z = 'einsum(\"{}\", W, X)'"
REFUSED = [
    # shapes that do not fit: both of them, the place, and what was probably meant
    ('Z = "X @ W"', "", "forward.Z: shapes (d, N) and (m, d) do not fit at '@': N is not m; the other way round they fit"),
    ('Z = "W @ W"', "", "forward.Z: shapes (m, d) and (m, d) do not fit at '@': d is not m; transpose the right one with .T"),
    ('Z = "W.T @ X"', "", "forward.Z: shapes (d, m) and (d, N) do not fit at '@': m is not d; transpose the left one with .T"),
    ('Z = "W @ b"', "", "forward.Z: shapes (m, d) and (m) do not fit at '@': d is not m; transpose the left one with .T"),
    ('Z = "W @ X + b"', "", "forward.Z: shapes (m, N) and (m) do not fit at '+': N is not m; a column has the shape (m, 1)"),
    ('Z = "W * X"', "", "forward.Z: shapes (m, d) and (d, N) do not fit at '*': m is not d"),
    ('Z = "W / W.T"', "", "forward.Z: shapes (m, d) and (d, m) do not fit at '/': m is not d; transpose one of them with .T"),
    ('Z = "W @ 2"', "", "forward.Z: '@' is for vectors and matrices, not for shapes (m, d) and (); write *"),
    ('L = "half_squared_error(W, X)"', "", "forward.L: shapes (m, d) and (d, N) do not fit at 'half_squared_error': m is not d"),
    ('L = "sum(2)"', "", "forward.L: sum: there is no axis in a single number"),
    ('Z = "sum(W, 2)"', "", "forward.Z: sum: the axis should be a whole number from 0 to 1"),
    ('Z = "mean(W, 1/2)"', "", "forward.Z: mean: the axis should be a whole number from 0 to 1"),
    ('Z = "sum(W, b)"', "", "forward.Z: sum: the axis should be a whole number from 0 to 1"),
    ('Z = "softmax(W, 5)"', "", "forward.Z: softmax: the axis should be a whole number from 0 to 1"),
    ('Z = "softmax(W)"', "", "forward.Z: softmax of the shape (m, d) needs its axis: softmax(A, 0)"),
    ('Z = "diag(W)"', "", "forward.Z: diag takes a vector, not the shape (m, d)"),
    (EINSUM.format("ij,ik->k"), "", "forward.Z: einsum: 'i' runs over m and over d, in (d, N)"),
    (EINSUM.format("ij->i"), "", "forward.Z: einsum: 1 groups of letters for 2 arrays"),
    (EINSUM.format("ijk,jk->i"), "", "forward.Z: einsum: 'ijk' has 3 letters for the shape (m, d)"),
    (EINSUM.format("ij,jk"), "", "forward.Z: einsum: 'ij,jk' should look like \"ij,jk->ik\""),
    (EINSUM.format("ii,jk->i"), "", "forward.Z: einsum: a letter stands twice on one array"),
    # names, functions, letters
    ('Z = "sofmax(W, 0)"', "", "forward.Z: unknown function 'sofmax'; did you mean 'softmax'?"),
    ('L = "sum(W, 0, 1)"', "", "forward.L: sum takes sum(A) or sum(A, axis) (at character 1)"),
    ('L = "loss_of(2*W)"', "", "forward.L: loss_of takes names: loss_of(Y) (at character 1)"),
    ('q = "q[i] = sum(j, W[i,j]*X[i,j])"', "", "forward.q: 'i' runs over m and, in the shape (d, N), over d"),
    ('q = "q[i] = sum(j, b[i+j])"', "", "forward.q: over what 'j' runs is not known: write sum(j < n, …) with its size"),
    ('q = "q[i] = 2*i"', "", "forward.q: over what 'i' runs is not known: give the shape of q in [shapes]"),
    ('q = "q[i,i] = W[i,i]"', "", "forward.q: a letter stands twice on the left side"),
    ('q = "r[i] = b[i]"', "", "forward.q: an index equation begins with q[i] = …, a letter for each axis"),
    ('q = "q[i] = W[i]"', "", "forward.q: W has the shape (m, d), which is not 1 letters"),
    ('q = "q[i] = sum(i, b[i])"', "", "forward.q: a letter is used twice: i"),
    (
        'z = "z[t] = sum(j < m, b[j+0]*x[t]) + sum(j < T, x[j+0]*x[t])"',
        "",
        "forward.z: 'j' runs over m and over T: use two letters",
    ),
    ('q = "q[W] = b[W]"', "", "forward.q: 'W' cannot be a letter here: a letter is a name that nothing else has"),
    (
        'z = "z[t] = z[t+1] + x[t]"',
        "",
        "forward.z: 'z' is used before it is given; a recurrence takes it from a step before: z[t-1]",
    ),
    (
        'z = "z[t] = 2*z[t] + x[t]"',
        "",
        "forward.z: 'z' is used before it is given; a recurrence takes it from a step before: z[t-1]",
    ),
    (
        'ids = "2*b"\nY = "Y[n,j] = E[ids[n], j]"',
        "",
        "forward.ids: its right side has the shape (m), but [shapes] gives ids the shape (N)",
    ),
    ('m = "sum(b)"', "", "forward.m: m is the name of a size"),
    ('L = "b >= 1"', "", "forward.L: a comparison is no formula for a value"),
    *[
        (f'z = "z[t] = {text}"', "", f"forward.z: {message}")
        for text, message in {
            "x[t/2]": PLACE,
            "x[t + 0.5]": PLACE,
            "x[10^6]*x[t]": PLACE,
            "x[t]*delta(t, x)": PLACE,
            "x[t]*within(1.5, T)": PLACE,
            "x[t]*within(t, x)": SIZE,
            "sum(j < x, x[j+0])*x[t]": SIZE,
            "sum(j < T^2, x[j+0])*x[t]": SIZE,
            "sum(j < 1.5, x[j+0])*x[t]": SIZE,
            "x[t]*argmax(j, x[j])": "argmax is a place, which is no value: max(i, x[i]) is the largest entry",
            "sum(x)*x[t]": "in an index equation an array stands with its letters: x[i]",
            "sum(ones(T))*x[t]": "in an index equation an array stands with its letters; every entry of ones is 1",
        }.items()
    ],
    *[(f'L = "sum(b)*sum(ones({text}))"', "", f"forward.L: {SIZE}") for text in ("b", "1.5", "m^2")],
    # numbers
    ('L = "sum(W)"', "[given]\nW = [[1, 2], [3]]", "given.W: a list of 1 where d = 2"),
    ('L = "sum(W)"', "[given]\nW = [1, 2]", "given.W: should be a list of d for the shape (d)"),
    ('L = "sum(W)"', "[given]\nW = 3", "given.W: should be a list of m for the shape (m, d)"),
    ('L = "sum(W)"', "[given]\nW = [[1, [2]]]", "given.W: a number is wanted; give a list its shape in [shapes]"),
    ('L = "sum(W)"', "[given]\nd = 3\nW = [[1, 2]]", "given.W: a list of 2 where d = 3"),
    ('L = "sum(W @ X)"', "[given]\nW = [[1, 2]]\nX = [[1], [2], [3]]", "given.X: a list of 3 where d = 2"),
    ('L = "sum(W)"', "[given]\nd = 0", "given.d: is a size: a whole number from 1"),
    ('L = "sum(W)"', "[given]\nd = 2.5", "given.d: is a size: a whole number from 1"),
    ('L = "sum(W)"', '[given]\nW = [["a"]]', "given.W: 'a' is not a number"),
    ('L = "sum(W)"', "[given]\nL = 2", "given.L: is also computed in [forward]; a name is given once"),
    ('L = "sum(W)"', "[given]\nw = 2", "given.w: no equation uses it"),
    # what is assumed, trained, asked
    ('L = "sum(b)"', '[assume]\n"sum(c)" = 1', "assume.sum(c): unknown name 'c'"),
    ('L = "sum(b)"', '[assume]\n"b" = 1', 'assume.b: should be the sum of a given array along an axis: "sum(Y, 0)" = 1'),
    ('L = "sum(W)"', '[assume]\n"sum(W)" = 1', 'assume.sum(W): should be the sum of a given array along an axis: "sum(Y, 0)" = 1'),
    ('L = "sum(b)"', '[assume]\n"sum(b)" = "x"', "assume.sum(b): 'x' is not a number"),
    ('q = "2*b"', '[assume]\n"sum(q)" = 1', "assume.sum(q): 'q' is computed; only the data can be told to add up to something"),
    (
        'L = "sum(b)"',
        '[assume]\n"sum(b, 0.0)" = 1',
        'assume.sum(b, 0.0): should be the sum of a given array along an axis: "sum(Y, 0)" = 1',
    ),
    ('L = "sum(b)"', "[given]\nb = [0.5, 0.4]\n[assume]\n'sum(b)' = 1", "assume.sum(b): the numbers in [given] add up to 0.9"),
    (
        'L = "sum(W)"',
        "[given]\nW = [[0.5, 1], [0.5, 1]]\n[assume]\n'sum(W, 1)' = 1",
        "assume.sum(W, 1): the numbers in [given] add up to 1.5",
    ),
    (
        'L = "sum(W)"',
        "[assume]\n'sum(W, 0)' = 1\n'sum(W, 1)' = 1",
        "assume.sum(W, 1): sums of 'W' are told already, and one axis is all that can be",
    ),
    *[
        (
            'Y = "Y[n,j] = E[ids[n], j]"',
            f"[given]\nE = [[1], [2]]\nids = [{place}]",
            f"given.ids: {place} is no place: a whole number from 0 to 1",
        )
        for place in ("2", "-1", "1.5")
    ],
    ('L = "sum(b)"', "[[examples]]\nb = [1]", '[examples] does not go with [shapes]: put a batch into an axis, X = ["d", "N"]'),
    ('L = "sum(b)"', '[vectors]\nv = ["b"]', '[vectors] does not go with [shapes]: put a batch into an axis, X = ["d", "N"]'),
    ('L = "sum(b)"', "[train]\nbatch = true", "train.batch: does not go with [shapes]: put the batch into an axis"),
    ('q = "2*b"', "[train]\nlearning_rate = 0.1", "train.loss: 'q' has the shape (m); only a number can be made smaller"),
    ('Y = "Y[n,j] = E[ids[n], j]"', '[train]\nparameters = ["ids"]', "train.parameters: 'ids' holds places, which do not move"),
    ('L = "sum(b)"', '[ask]\na = "dL/dq"', "ask.a: unknown quantity 'q' in dL/dq"),
    ('L = "sum(b)"', '[ask]\na = "db/dL"', "ask.a: 'b' does not depend on 'L'"),
    ('L = "sum(b)"', '[ask]\na = "sum(b)"', "ask.a: a quantity over arrays is asked for by its name or as a derivative: Z, dL/dW"),
    ('L = "b[\x1b[31m"', "", "is not valid TOML: Illegal character '\\x1b' (at line 4, column 8)"),
    (f'L = "{"(" * 80}b{")" * 80}"', "", "forward.L: brackets are nested more than 60 deep (at character 61)"),
    (f'L = "sum(b){"+ b@b" * 3000}"', "", "forward.L: the formula has more than 8,000 symbols"),
]
BAD_SHAPES = [
    ('b = "m"', 'shapes.b: should list its sizes: ["m", "d"], or [] for a number'),
    ("b = [0]", 'shapes.b: 0 is no size: a name such as "N", or a whole number from 1'),
    ("b = [1.5]", 'shapes.b: 1.5 is no size: a name such as "N", or a whole number from 1'),
    ('b = ["m-"]', "shapes.b: 'm-' is no size: the formula ends too early"),
    ('b = ["\\u001b[31m"]', "shapes.b: '?[31m' is no size: a control character (U+001B) does not belong in a formula"),
    ("b = [1, 1, 1, 1, 1, 1, 1]", "shapes.b: more than 6 axes"),
    ('b = ["m"]\nsum = ["m"]', "shapes.sum: 'sum' is the name of a function"),
    ('b = ["m"]\nc = ["m"]', "shapes.c: no equation uses it"),
    ('b = ["m"]\nL = ["m"]', "forward.L: its right side has the shape (), but [shapes] gives L the shape (m)"),
]
REFUSED += [
    ('L = "2*loss_of(W)"', "", "forward.L: loss_of stands alone: give it an equation of its own, and use that name here"),
    (
        'A = "loss_of(W)"\nB = "loss_of(W)"\nL = "A + 3*B"',
        "",
        "forward.B: of two losses of the same arrays nothing tells one from the other; use A",
    ),
]
REFUSALS = [(problem_text(forward, rest), message) for forward, rest, message in REFUSED]
REFUSALS += [(problem_text('L = "sum(b)"', shapes=shapes), message) for shapes, message in BAD_SHAPES]
REFUSALS += [
    (
        problem_text(f'z = "z[i] = sum(j, w[j]*x[2*i + j])"\nL = "{mean}"', shapes='x = ["n"]\nw = ["m"]\nz = ["(n - m)/2 + 1"]'),
        "forward.L: a mean over (n-m)/2+1 entries, a size that is cut to whole steps; give it a name of its own in [shapes]",
    )
    for mean in ("mean(z)", "mean(i, z[i]^2)", "mse(z, z)")
]
LISTED = [name for name, op in OPS.items() if op.kind == "loss" and op.listed]
REFUSALS += [
    ('[layers]\nsizes = ["a", "a"]', "layers.sizes: each layer's size has a name of its own"),
    (
        '[layers]\nsizes = ["a", "b"]\nactivations = "sigmiod"',
        "layers.activations: unknown activation 'sigmiod'; did you mean 'sigmoid'?",
    ),
    (
        '[layers]\nsizes = ["a", "b"]\nloss = "mes"',
        f"layers.loss: over arrays should be one of {', '.join(LISTED)}, none; did you mean 'mse'?",
    ),
    ('[layers]\nsizes = ["a", "b"]\nbatch = 0', 'layers.batch: should be the number of examples, a name or a number: "N"'),
]


@pytest.mark.parametrize(("text", "message"), REFUSALS, ids=[message[:60] for _, message in REFUSALS])
def test_a_file_that_cannot_be_meant_is_refused(text, message):
    with pytest.raises(InputError) as refused:
        derive.load_text(text, "q.toml")
    assert str(refused.value) == f"q.toml: {message}"


@pytest.mark.parametrize(("text", "message"), REFUSALS[::10], ids=[message[:60] for _, message in REFUSALS[::10]])
def test_the_command_says_so_in_one_line(text, message, tmp_path, capsys):
    (tmp_path / "q.toml").write_text(text, encoding="utf-8")
    status = main(["show", str(tmp_path / "q.toml")])
    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (3, "", 1)
    assert err.endswith(f"{message}\n")


LIMITS = [
    (problem_text('L = "sum(b)"', shapes="b = [1000000, 1000000]"), "the arrays have more than 2,000 entries together"),
    (problem_text('q = "q[i] = x[i+1000]"', shapes='x = ["n"]\nq = ["n - 1000"]'), "no small sizes were found"),
    (problem_text('L = "log(-1 - b @ b)"'), "nothing can be judged"),
    (problem_text('L = "sum(b)*sum(ones(1000000000))"'), "written out there are more than 200,000 terms"),
    (problem_text('z = "z[t] = x[t]*sum(j < 1000000000, x[j+0])"'), "written out there are more than 200,000 terms"),
    (
        problem_text(
            f"""L = 'einsum("a,b,c,d,e,f,g,h,i->", {", ".join(f"v{k}" for k in range(9))})'""",
            shapes="\n".join(f'v{k} = ["n{k}"]' for k in range(9)),
        ),
        "written out there are more than 200,000 terms",
    ),
    (problem_text(f'L = "{"b*sum(" * 30}b{")" * 30}"'), "a formula needs more than 12 letters of one size"),
    (problem_text(f'L = "sum({"@".join("A" * 9)})"', shapes='A = ["d", "d"]'), "give some of it names of their own"),
]


@pytest.mark.parametrize(("text", "message"), LIMITS, ids=[message for _, message in LIMITS])
def test_what_cannot_be_judged_is_a_limit(text, message):
    with pytest.raises(LimitError, match=message):
        derive.derive(derive.load_text(text))


# --- numbers -------------------------------------------------------------------------------------------------------------------

W = numpy.array([[0.15, -0.4, 0.25], [0.3, 0.1, -0.2]])
X = numpy.array([[0.5, -1.0], [0.25, 0.75], [1.5, 0.1]])
B = numpy.array([[0.35], [-0.1]])
T = numpy.array([[0.01, 0.99], [0.7, 0.2]])


def dense_text(rule="sgd"):
    return f"""
[shapes]
W = ["m", "d"]
X = ["d", "N"]
b = ["m", 1]
T = ["m", "N"]
[given]
W = {W.tolist()}
X = {X.tolist()}
b = {B.tolist()}
T = {T.tolist()}
[forward]
Z = "W @ X + b"
A = "sigmoid(Z)"
L = "half_squared_error(A, T)"
[train]
parameters = ["W", "b"]
learning_rate = 0.5
rule = "{rule}"
"""


def dense_by_hand():
    """Values and gradients as any course has them: δ = (A − T) ⊙ A ⊙ (1 − A), δXᵀ, δ1."""
    Z = W @ X + B
    A = sigmoid(Z)
    delta = (A - T) * A * (1 - A)
    gradients = {"W": delta @ X.T, "b": delta.sum(1, keepdims=True)}
    return {"Z": Z, "A": A, "L": ((T - A) ** 2).sum() / 2}, gradients


RULES = {
    "sgd": lambda gradient: 0.5 * gradient,
    # Kingma and Ba 2015, algorithm 1, at t = 1: both averages, set right, are the gradient and its square
    "adam": lambda gradient: 0.5 * gradient / (numpy.sqrt(gradient**2) + 1e-8),
}


def numbers(nested):
    """A nested list of strings as an array; the strings are numbers as typed."""
    return numpy.vectorize(float)(numpy.array(nested))


@pytest.mark.parametrize("rule", RULES)
def test_values_gradients_and_an_update_are_numpys(rule):
    work = derive.derive(derive.load_text(dense_text(rule)), derive.Rounding(digits=17))
    data = json.loads(derive.render(work, "json"))
    values, gradients = dense_by_hand()
    for name, value in values.items():
        numpy.testing.assert_allclose(numbers(data["values"][name]), value, rtol=1e-14)
    for name, gradient in gradients.items():
        numpy.testing.assert_allclose(numbers(data["gradients"][name]["value"]), gradient, rtol=1e-13)
        before = {"W": W, "b": B}[name]
        numpy.testing.assert_allclose(numbers(data["updated"][name]), before - RULES[rule](gradient), rtol=1e-12)
    assert data["values"]["W"] == [["0.15", "-0.4", "0.25"], ["0.3", "0.1", "-0.2"]]  # as typed


def test_by_hand_every_entry_is_computed_from_what_is_shown():
    """By hand to 3 places: Z, A and δ are rounded before they are used, as on paper."""
    work = derive.derive(derive.load_text(dense_text()), derive.Rounding("hand", places=3))
    data = json.loads(derive.render(work, "json"))
    Z, A = (numbers(data["values"][name]) for name in "ZA")
    assert numpy.array_equal(Z, (W @ X + B).round(3))
    assert numpy.array_equal(A, sigmoid(Z).round(3))
    gradients = {name: numbers(data["gradients"][name]["value"]) for name in "Wb"}
    # what stands between A and ∂L/∂W is rounded too, and each rounding is off by half of 0.001 at most
    delta = (A - T) * A * (1 - A)
    for name, exact in {"W": delta @ X.T, "b": delta.sum(1, keepdims=True)}.items():
        assert numpy.abs(gradients[name] - exact).max() < 0.002
        assert numpy.array_equal(gradients[name], gradients[name].round(3))


# --- work grows with the equations, not with the sizes -------------------------------------------------------------------------


def layered(sizes):
    return derive.load_text(f"[layers]\nsizes = {list(sizes)}\n", matrices=True)


def trees(work):
    return [(typed(step.goal), [(line.law, typed(line.tree)) for line in step.lines]) for step in work.steps]


def test_large_layers_are_derived_as_small_ones():
    small, large = (derive.derive(layered(sizes), level="matrix") for sizes in ([2, 2, 2], [784, 30, 10]))
    assert trees(small) == trees(large)
    assert large.problem.arrays.sizes == {"n0": 784, "n1": 30, "n2": 10}


def test_lines_grow_linearly_with_depth():
    counts = [sum(len(step.lines) for step in derive.derive(layered([3] * (depth + 1))).steps) for depth in (2, 6, 10)]
    assert counts[2] - counts[1] == counts[1] - counts[0] > 0


SHIFTED = [
    ('z = "z[i] = sum(j, w[j]*x[i+j])"', '["n - m + 1"]', "sum(j < m, within(k - j, n - m + 1)*w[j])"),
    ('z = "z[i] = x[i+1] - x[i-1]"', '["n"]', "within(i - 1, n) - within(i + 1, n)"),
    ('z = "z[i] = within(i+1, n)*x[i+1] + x[i]*delta(i, 0)"', '["n"]', "within(i - 1, n)*within((i - 1) + 1, n) + delta(0, i)"),
    ('z = "z[i] = v[i]*x[i]"', '["m"]', "within(j, m)*v[j]"),  # cut off: an entry of z beyond m is no entry
]


@pytest.mark.parametrize(("equation", "shape", "answer"), SHIFTED)
def test_what_is_put_in_for_a_derivative_holds_at_its_places_only(equation, shape, answer):
    """∂L/∂z is 1 at every place of z, and 0 where a shifted letter leaves it."""
    names = {"x": '["n"]', "z": shape} | ({"w": '["m"]'} if "w[" in equation else {"v": '["n"]'} if "v[" in equation else {})
    shapes = "\n".join(f"{name} = {axes}" for name, axes in names.items())
    work = derive.derive(derive.load_text(f'[shapes]\n{shapes}\n[forward]\n{equation}\nL = "sum(z)"\n'), wrt=("x",))
    assert typed(work.partials[-1].answer) == answer


def test_a_cut_off_axis_gets_no_gradient_beyond_the_cut():
    text = """
        [shapes]
        z = ["m"]
        v = ["n"]
        x = ["n"]
        [forward]
        z = "z[i] = v[i]*x[i]"
        L = "sum(z)"
        [given]
        m = 2
        v = [3, 5, 7]
        x = [1, 2, 4]
        [train]
        parameters = ["x"]
    """
    gradients = json.loads(derive.render(derive.derive(derive.load_text(text)), "json"))["gradients"]
    assert gradients["x"]["value"] == ["3", "5", "0"]


SUMS = [
    ("sum(k, B[k])", "ones(N)"),
    ("sum(i, A[i,i])", "sum(i < K, A[i, i])"),
    ("sum(j < N, B[j+0])", "(sum(i < N, B[i + 0]))*ones(N)"),
]


@pytest.mark.parametrize(("typed_sum", "answer"), SUMS)
def test_a_sum_that_is_given_is_not_that_of_a_diagonal_or_of_a_part(typed_sum, answer):
    name = "A" if "A" in typed_sum else "B"
    shape, axis = ('["K", "K"]', ", 0") if name == "A" else ('["K"]', "")
    text = f"""
        [shapes]
        {name} = {shape}
        x = ["N"]
        z = ["N"]
        [forward]
        z = "z[n] = x[n]*{typed_sum}"
        L = "sum(z)"
        [assume]
        "sum({name}{axis})" = 1
    """
    work = derive.derive(derive.load_text(text), wrt=("x",))
    assert typed(work.partials[-1].answer) == answer


OF_LENGTH_ONE = [
    {"y": '[1, "n"]', "W": '["n", "n"]', "x": '["n", 1]', "g": "(W @ x)*y.T"},  # an outer product of two rows
    {"c": '["m", 1]', "s": "[1, 1]", "g": "c + softmax(s, 0)"},
    {"M": '["m", "n"]', "g": "M*M^2"},  # small values: the scalar engine is asked with finer nudges
    {"q": '["n", "n"]', "s": "[1, 1]", "g": "relu(q)*relu(s)"},
    {"r": '[1, "n"]', "k": "[]", "q": '["n", "n"]', "g": "-(k*sum(r @ softmax(q, 0), 1))"},
    {"s": "[1, 1]", "k": "[]", "g": "k - sum(s, 1)"},
    {"r": '[1, "n"]', "v": '["n"]', "g": "relu(v*sum(r))"},  # a sum renamed beside a δ
]


@pytest.mark.parametrize("problem", OF_LENGTH_ONE, ids=lambda problem: problem["g"])
@pytest.mark.parametrize("loss", ["sum(g)", "sum(g^2)", "loss_of(g)"])
def test_axes_of_length_one_and_sums_beside_each_other_are_derived(problem, loss):
    shapes = "\n".join(f"{name} = {axes}" for name, axes in problem.items() if name != "g")
    parameters = json.dumps([name for name in problem if name != "g"])
    text = f'[shapes]\n{shapes}\n[forward]\ng = "{problem["g"]}"\nL = "{loss}"\n[train]\nparameters = {parameters}'
    checks = derive.derive(derive.load_text(text)).checks
    assert checks.judged == checks.lines


WRITTEN = [
    ({"A": '["n", "n"]', "x": '["n"]'}, "(A*A) @ x", "(A ⊙ A) x"),
    ({"A": '["n", "n"]', "x": '["n"]'}, "A*(A @ x)", "A ⊙ (A x)"),
    ({"A": '["m", "n"]', "x": '["m"]'}, "x @ A", "xᵀ A"),
    ({"x": '["n"]', "y": '["n"]'}, "2*(x @ y)", "2·xᵀ y"),
    ({"x": '["n"]', "y": '["n"]', "k": "[]"}, "k*x*y", "k·x ⊙ y"),
]


@pytest.mark.parametrize(("shapes", "formula", "written"), WRITTEN)
def test_products_are_told_apart_on_the_page(shapes, formula, written):
    """⊙ between arrays entry by entry, nothing between matrices, and a row where a vector stands on the left of a product."""
    lines = [f"{name} = {axes}" for name, axes in shapes.items()]
    text = "\n".join(["[shapes]", *lines, "[forward]", f'g = "{formula}"', 'L = "loss_of(g)"'])
    page = derive.render(derive.derive(derive.load_text(text)), "text")
    assert f"  g = {written}\n" in page
    assert ("taken entry by entry" in page) == ("⊙" in page.partition("Forward pass")[2])


def test_letters_may_be_summed_in_an_equation_of_a_number():
    text = problem_text('L = "sum(n, z[n]*z[n]) + max(i, z[i])"')
    assert typed(derive.derive(derive.load_text(text)).partials[-1].answer) == "2*z[n] + delta(n, argmax(j < T, z[j]))"


def test_the_largest_of_a_whole_matrix_is_the_first_of_the_largest_row():
    numbers = "[given]\nm = 2\nd = 3\nW = [[1, 5, 2], [5, 5, 4]]"
    work = derive.derive(derive.load_text(problem_text('L = "max(W)"', numbers)))
    assert json.loads(derive.render(work, "json"))["gradients"]["W"]["value"] == [["0", "1", "0"], ["0", "0", "0"]]


def test_a_window_of_so_many_entries_has_letters_of_its_own():
    """A letter that only runs to a number stands at no axis: those of the place of the largest are made for it."""
    text = """
        [shapes]
        x = ["n"]
        z = ["n/2"]
        [forward]
        z = "z[i] = max(j < 2, x[2*i + j])"
        L = "sum(z)"
        [train]
        parameters = ["x"]
        [given]
        x = [1, 5, 3, 2]
    """
    data = json.loads(derive.render(derive.derive(derive.load_text(text)), "json"))
    assert data["gradients"]["x"]["value"] == ["0", "1", "1", "0"]


@pytest.mark.parametrize("column", ["", ", 1"])
def test_second_derivatives_with_a_bias_that_is_one_number(column):
    """Least squares with a bias, columns or vectors: (2/N) XᵀX, (2/N) Xᵀ1 and 2."""
    text = f"""
        [shapes]
        X = ["N", "d"]
        w = ["d"{column}]
        b = []
        y = ["N"{column}]
        [forward]
        z = "X @ w + b"
        L = "mse(z, y)"
    """
    work = derive.derive(derive.load_text(text), hessian=True)
    assert work.checks.judged == work.checks.lines
    told = [[typed(line.tree) for line in work.step(name).lines] for name in ("d2L/dw^2", "d2L/dwdb", "d2L/db^2")]
    assert "2/N*sum(n < N, X[n, i]*X[n, k])" in told[0]
    assert told[1][-1] == "2/N*X.T @ ones(N)"
    assert told[2][-1] == "2"


def test_axes_that_cross_are_judged_with_either_one_longer():
    text = '[shapes]\nx = ["n"]\nz = ["m"]\n[forward]\nz = "z[i] = x[i]^2"\nL = "sum(z)"\n'
    work = derive.derive(derive.load_text(text))
    assert "(m = 3, n = 2 and m = 2, n = 3)" in derive.render(work, "text")
    line = work.partials[-1].lines[-1]
    short = replace(line, tree=multiply(TWO, Indexed(Name("x"), line.at)))  # right only while z reaches beyond x
    findings, _ = judge_entries(work.problem, [replace(work.partials[-1], lines=(short,))])
    assert findings


KINKED = problem_text('a = "relu(b)"\nL = "sum(a^2)"', "[given]\nb = [0, 1]")


def test_a_page_says_of_numbers_only_what_was_done_with_them():
    """At a kink gradients are not nudged; by hand no other library has the same numbers."""
    problem = derive.load_text(KINKED)
    page = derive.render(derive.derive(problem), "text")
    assert "a[0] stands exactly at the kink" in page
    assert "computed a second time" in page
    assert "every gradient compared with nudges there" not in page
    by_hand = derive.derive(problem, derive.Rounding(digits=3, carry="hand"))
    assert "mpmath-forward" not in by_hand.checks.judges
    assert by_hand.checks.lines - by_hand.checks.judged == sum(line.numeric for step in by_hand.steps for line in step.lines)


def test_places_may_count_from_one():
    text = problem_text('Y = "Y[n,j] = E[ids[n] - 1, j]"', "[given]\nE = [[3], [5]]\nids = [2, 1]")
    assert json.loads(derive.render(derive.derive(derive.load_text(text)), "json"))["values"]["Y"] == [["5"], ["3"]]


def test_sizes_stand_in_exponents_and_on_vectors_of_ones():
    work = derive.derive(derive.load_text(problem_text('z = "z[t] = x[t]^T + x[t]^t"\nL = "sum(z)*sum(ones(5))"')), wrt=("x",))
    assert typed(work.partials[-1].answer) == "5*(x[t]^(T - 1)*T + x[t]^(t - 1)*t)"


# --- random problems -------------------------------------------------------------------------------------------------------------

LENGTHS = {"a": 2, "b": 3, "c": 4}
ENTRYWISE = ["sigmoid", "tanh", "softplus", "square", "leaky_relu"]  # after a relu, entries stand at 0, where a nudge says nothing


@st.composite
def array_problems(draw):
    """Two to four equations, each on the one before, and a loss: the file, its shapes, and the equations as typed."""
    shapes, forward, count = {}, {}, iter(range(1, 100))

    def fresh(*axes):
        name = f"p{next(count)}"
        shapes[name] = axes
        return name

    axes = tuple(draw(st.permutations("abc"))[:2])
    now = fresh(*axes)
    seen = {now: axes}
    for number in range(draw(st.integers(2, 4))):
        goal = f"g{number}"
        other = draw(st.sampled_from([size for size in "abc" if size not in axes]))
        choices = ["entrywise", "scale", "add", "softmax", "again"]
        choices += ["left", "right", "vector", "column", "row", "reduce", "gram"] if len(axes) == 2 else ["weights", "outer"]
        kind = draw(st.sampled_from(choices))
        axis = draw(st.integers(0, len(axes) - 1))
        match kind:
            case "entrywise":
                text = f"{draw(st.sampled_from(ENTRYWISE))}({now})"
            case "scale":
                text = f"{now}*{fresh(*axes)}/2"
            case "add":
                text = f"{fresh()} - {now}"
            case "again":
                same = [name for name, its in seen.items() if its == axes]
                text = f"{now}*{draw(st.sampled_from(same))} + {draw(st.sampled_from(same))}"
            case "softmax":
                text = f"softmax({now}, {axis})"
            case "left":
                text, axes = f"{fresh(other, axes[0])} @ {now}", (other, axes[1])
            case "right":
                text, axes = f"{now}.T @ {fresh(axes[0], other)}", (axes[1], other)
            case "gram":
                text, axes = f"tanh({now} @ {now}.T)", (axes[0], axes[0])
            case "vector":
                text, axes = f"{now} @ {fresh(axes[1])}", axes[:1]
            case "column":
                text = f"{now} + {fresh(axes[0], 1)}"
            case "row":
                text = f"{now}*{fresh(axes[1])}"
            case "reduce":
                text = f"{draw(st.sampled_from(['sum', 'mean']))}({now}, {axis})"
                axes = axes[1:] if axis == 0 else axes[:1]
            case "weights":
                text, axes = f"{fresh(other, axes[0])} @ {now}", (other,)
            case "outer":
                text, axes = f"{fresh(other, axes[0])}*{now}", (other, axes[0])
        forward[goal], now = text, goal
        seen[goal] = axes
    forward["L"] = draw(st.sampled_from(["loss_of({})", "sum({}^2)", "mean(sigmoid({}))"])).format(now)
    lengths = {name: tuple(LENGTHS.get(size, 1) for size in its) for name, its in shapes.items()}
    lines = ["[shapes]", *(f"{name} = {json.dumps(list(its))}" for name, its in shapes.items())]
    lines += ["[forward]", *(f"{goal} = {json.dumps(text)}" for goal, text in forward.items())]
    return "\n".join([*lines, "[train]", f"parameters = {json.dumps(list(shapes))}", ""]), lengths, forward


def computed(lengths, forward):
    """The equations as typed, computed by NumPy itself."""
    names = {**FUNCTIONS, "softmax": softmax, "sum": numpy.sum, "mean": numpy.mean}
    unknown = forward["L"].startswith("loss_of")

    def run(at, q):
        known = dict(q)
        for goal, text in forward.items():
            if not (goal == "L" and unknown):
                known[goal] = at(goal, eval(text.replace("^", "**"), names, known))

    return Layer(LENGTHS, lengths, run, None, outputs=tuple(re.findall(r"loss_of\((\w+)\)", forward["L"])))


@given(array_problems())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_random_problems_are_what_the_nudged_forward_pass_says(drawn):
    text, lengths, forward = drawn
    work, world = derive.derive(derive.load_text(text)), World(computed(lengths, forward))
    assert {step.goal.wrt for step in work.partials} >= set(lengths)
    for step in work.steps:
        for line in step.lines:
            if not speaks_of_one_equation(world, line.tree):
                for claimed, true in both_sides(world, step.goal, line):
                    assert agree(claimed, true), f"{text}\n{typed(step.goal)} = {typed(line.tree)}"


FOUND = {
    "softmax does not move with what all its entries share": (
        {"p": (2, 3), "c": ()},
        {"g": "c - p", "q": "softmax(g, 1)", "L": "loss_of(q)"},
    ),
    "the same gradient in every row": ({"p": (2, 3), "q": (2, 3)}, {"g": "p*q/2", "s": "sum(g, 0)", "L": "loss_of(s)"}),
}
"""Problems that once failed, found by longer runs of the test above: the shapes of what is free, and the equations."""


@pytest.mark.parametrize("what", FOUND)
def test_what_was_found_by_drawing_stays_right(what):
    shapes, forward = FOUND[what]
    spelt = {name: [next(size for size, number in LENGTHS.items() if number == k) for k in shape] for name, shape in shapes.items()}
    lines = [f"{name} = {json.dumps(axes)}" for name, axes in spelt.items()]
    text = "\n".join(["[shapes]", *lines, "[forward]", *(f'{goal} = "{formula}"' for goal, formula in forward.items())])
    work, world = derive.derive(derive.load_text(text)), World(computed(shapes, forward))
    for step in work.partials:
        for claimed, true in both_sides(world, step.goal, step.lines[-1]):
            assert agree(claimed, true), typed(step.lines[-1].tree)
