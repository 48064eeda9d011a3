"""Code written from a derivation: it is run, and its numbers are those of the derivation, which are good to 40 digits."""

import ast
import keyword
import random
import re
import runpy
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy
import pytest
from conftest import missing, worked
from hypothesis import given, reject, settings
from strategies import networks, problem_of

import derive
from derive.arithmetic import precision
from derive.emission.c import interface_of
from derive.emission.programs import program_of
from derive.network import Equation, Network
from derive.problem import Problem
from derive.tables.ops import OPS
from derive.tables.rules import RULES
from derive.tables.targets import TARGETS
from derive.tensors.expansion import cell_name, places
from derive.tensors.judges import sample, slope_points, small_sizes
from derive.tensors.shapes import size_value
from derive.updates import Train
from derive.witnesses import NUDGE, WORKING_DIGITS
from derive.written import Later, Name, Number, Partial, Power, Product

PROBLEMS = {name: derive.find(name) for name in derive.built_in_names()}
NAMED = [name for name, problem in PROBLEMS.items() if problem.arrays is None and problem.decision is None]
ARRAYS = [name for name, problem in PROBLEMS.items() if problem.arrays is not None]


@pytest.fixture(params=["numpy", pytest.param("torch", marks=pytest.mark.torch)])
def language(request):
    if request.param == "torch":
        pytest.importorskip("torch", reason="torch is not installed, so nothing was tried with it")
    return request.param


def numbered(work):
    """The derivation, with numbers for what it has none for."""
    problem, given = work.problem, work.problem.example(0)
    missing = {name: Number(f"0.{3 + 7 * place % 61}") for place, name in enumerate(problem.network.free) if name not in given}
    return derive.derive(replace(problem, given={**problem.given, **missing})) if missing else work


def ran(work, path, language="numpy"):
    """What is in the file, once it is run."""
    path.write_text(derive.emit(work, language), encoding="utf-8")
    return runpy.run_path(str(path))


def agree(found, expected):
    """Whether numbers or arrays agree to 12 digits, or where they are small to 15 places; their shapes are the same."""
    for name, value in expected.items():
        one, other = numpy.asarray(found[name], dtype=float), numpy.asarray(value, dtype=float)
        assert one.shape == other.shape, name
        assert numpy.all(abs(one - other) <= 1e-12 * abs(other) + 1e-15), name
    return True


def called(module, name, numbers, language):
    """What a function gives for those of the numbers that it takes."""
    taken = module["pick"](module[name], numbers)
    if language == "torch":
        import torch

        taken = {name: n if isinstance(n, int) else torch.as_tensor(numpy.asarray(n)) for name, n in taken.items()}
    return module[name](**taken)


def assert_computes(module, work, language="numpy"):
    """Forward, backward and update give what the derivation gives, at every number of updates it has, each from its own numbers."""
    train, network, loss = work.problem.train, work.problem.network, work.problem.train.loss
    for state in work.states:
        known = {key: float(value) for key, value in state.values.items() if isinstance(key, str)}
        gradients = {name: state.values[key] for name in train.parameters if (key := Partial(loss, name)) in state.values}
        passed = {f"d{loss}_d{name}": float(value) for name, value in gradients.items()}
        moved = {key.body.name: value for key, value in state.values.items() if isinstance(key, Later)}
        assert agree(called(module, "forward", known, language), {name: state.values[name] for name in network.by_goal})
        assert agree(called(module, "backward", known, language), gradients)
        if moved:
            assert agree(called(module, "update", known | passed, language), moved)


@pytest.mark.parametrize("name", NAMED)
def test_functions_compute_what_the_page_says(name, language, tmp_path, capsys):
    work = worked(name)
    module = ran(work, tmp_path / "page.py", language)
    assert module["main"]() == 0
    assert ("page" if work.updates else "central differences") in capsys.readouterr().out
    if numbered(work) is not work:
        module = ran(numbered(work), tmp_path / "numbered.py", language)
        assert module["main"]() == 0
    assert_computes(module, numbered(work), language)


@cache
def point_of(name):
    """Arrays at a point at which every derivative was found by nudging the equations written out, to more digits than a float has."""
    program = program_of(worked(name))
    problem = program.problem
    expansion = sample(problem, small_sizes(problem), random.Random("emitted"))
    with precision(WORKING_DIGITS):
        point = next(slope_points(expansion, "emitted", NUDGE, 1))

        def array(key):
            names = (key,) if isinstance(key, str) else (key.of, key.wrt)
            shapes = [expansion.shapes.get(name, ()) for name in names]
            found = numpy.empty(sum(shapes, ()))
            for place in places(found.shape):
                parts = (place[: len(shapes[0])], place[len(shapes[0]) :])
                cells = [cell_name(*pair) for pair in zip(names, parts, strict=False)]
                found[place] = point[cells[0] if isinstance(key, str) else Partial(*cells, key.direct)]
            return found

        values = {name: array(name) for name in problem.network.quantities if name not in expansion.integers}
        values |= {name: numpy.array([int(n.text) for n in rows]) for name, rows in expansion.integers.items()}
        keys = [key for key in (*program.backward.goals, *program.backward.inputs) if isinstance(key, Partial)]
        return {**values, **expansion.sizes}, {key: array(key) for key in keys}


def spelled(name):
    return name + "_" * keyword.iskeyword(name)


@pytest.mark.parametrize("name", ARRAYS)
def test_functions_of_arrays_compute_what_nudges_say(name, language, tmp_path, capsys):
    module = ran(worked(name), tmp_path / "page.py", language)
    assert module["main"]() == 0
    assert "central differences" in capsys.readouterr().out
    program = program_of(worked(name))
    values, slopes = point_of(name)
    known = {spelled(key): value for key, value in values.items()}
    known |= {f"d{key.of}_d{spelled(key.wrt)}" + "_direct" * key.direct: slopes[key] for key in program.upstream}
    train = program.problem.train
    assert agree(called(module, "forward", known, language), {spelled(goal): values[goal] for goal in program.forward.goals})
    found = called(module, "backward", known, language)
    trained = {key: value for key, value in slopes.items() if key.of == train.loss and key.wrt in train.parameters}
    assert {key.wrt for key in trained} == set(train.parameters)
    assert agree(found, {spelled(key.wrt): value for key, value in trained.items()})
    assert len(found) == len(program.backward.goals)
    others = [numpy.asarray(value) for name, value in found.items() if name not in {spelled(key.wrt) for key in trained}]
    for key in set(program.backward.goals) - trained.keys():  # by whatever name
        expected = slopes[key]
        assert any(other.shape == expected.shape and numpy.allclose(other, expected, 1e-12, 1e-15) for other in others)


RECURRENCE = """
[shapes]
W = ["m", "m"]
b = ["m"]
x = ["T", "m"]
y = ["T", "m"]
z = ["T", "m"]
h = ["T", "m"]
[given]
W = [[0.5, -0.4], [0.2, 0.9]]
b = [0.1, -0.2]
x = [[1, 2], [0.5, -1], [1, 1], [0.3, 0.2]]
y = [[1, 2], [0.5, -1], [1, 1], [0.3, 0.2]]
[forward]
z = "z[t,i] = sum(j, W[i,j]*h[t-1,j]) + x[t,i] + b[i]"
h = "tanh(z)"
L = "sum((h - y)^2)/2 + 0.1*sum(W^2)"
[train]
learning_rate = 0.1
rule = "RULE"
"""


MIXED = """
[shapes]
E = ["V", "d"]
ids = ["N"]
Y = ["N", "d"]
w = ["k"]
C = ["N", "d - k + 1"]
M = ["N"]
A = ["N", "N"]
u = ["N"]
z = ["N", "(d + 2*p - k)/s + 1"]
[given]
E = [[0.1, 0.2, 0.3, -0.4], [0.5, -0.6, 0.7, 0.8], [0.9, 1.0, -1.1, 1.2]]
ids = [2, 0, 2]
w = [0.5, -0.25]
s = 2
p = 1
u = [0.3, 0.1, -0.2]
t = 2
[forward]
Y = "Y[n,j] = E[ids[n], j]"
C = "C[n,i] = sum(j, w[j]*Y[n,i+j])"
M = "max(C, 1)"
A = "softmax(Y @ Y.T / sqrt(d), 1)"
O = "einsum('nm,m->n', A, M)"
z = "z[n,i] = sum(j, w[j]*Y[n,s*i + j - p])"
L = "sum((O - u)^2) + t*sum(z^2) + log(sum(exp(C)))"
[train]
parameters = ["E", "w"]
learning_rate = 0.1
rule = "rmsprop"
"""
"""A table looked up, a stride and padding, an attention, an einsum and the largest of a row, with numbers."""


FORMS = """
[shapes]
a = ["m"]
c = ["n"]
r = [1, "n"]
k = ["m", 1]
A = ["m", "n"]
B = ["q", "m", "n"]
D = ["q", "n", "m"]
G = ["m", "n"]
K = ["m", 1]
[given]
a = [0.5, -0.3]
c = [0.2, 0.7, -0.4]
r = [[0.3, -0.6, 0.9]]
k = [[1.5], [-0.5]]
A = [[0.1, 0.2, 0.3], [-0.4, 0.5, -0.6]]
B = [[[0.1, -0.2, 0.3], [0.4, 0.5, 0.6]], [[0.7, -0.8, 0.9], [1.0, -1.1, 1.2]]]
D = [[[0.3, 0.1], [0.2, 0.5], [0.4, -0.6]], [[-0.1, 0.2], [0.3, 0.7], [0.9, 0.8]]]
[forward]
outer = "a @ c.T"
inner = "a.T @ a"
row = "r @ c"
spread = "k * r + A"
G = "diag(a) @ A"
batch = "B @ D"
turned = "B.T"
K = "mean(A, 1)"
big = "max(A)"
col = "a.T @ A"
L = "sum(outer * A) + inner*row + sum(tanh(spread)) + sum(G^2) + sum(exp(batch)) + sum(turned^3) + sum(K^2) + big^2 + sum(col^2) + mse(A @ c, a)"
[train]
parameters = ["a", "c", "r", "k", "A", "B", "D"]
learning_rate = 0.01
rule = "nesterov"
"""
"""Rows, columns, inner and outer products, products in batches, an array turned over, a mean that keeps its axis."""

MOVING = {**{rule: RECURRENCE.replace("RULE", rule) for rule in RULES}, "mixed": MIXED, "forms": FORMS}


@cache
def moving(name):
    return derive.derive(derive.load_text(MOVING[name]))


@missing("cc")
def test_arrays_with_numbers_move_as_on_the_page_in_c(tmp_path):
    for name in MOVING:
        told, _ = compiled(moving(name), {}, moving(name).problem.arrays.sizes, tmp_path)
        assert "update 1" in told


@pytest.mark.parametrize("name", MOVING)
def test_arrays_with_numbers_move_as_on_the_page(name, language, tmp_path, capsys):
    work = moving(name)
    assert ran(work, tmp_path / "page.py", language)["main"]() == 0
    told = capsys.readouterr().out
    assert "update 1" in told
    assert ("autograd" in told) == (language == "torch")


def initial(value):
    """A number or array as C begins a variable with."""
    value = numpy.asarray(value).tolist()
    return f"{{{', '.join(map(initial, value))}}}" if isinstance(value, list) else repr(value)


def compiled(work, known, sizes, folder):
    """What the three functions give in C, one after the other, each from known numbers; the test of the file has passed before."""
    interface = interface_of(work, TARGETS["c"])
    program, spellings, lines = interface.program, interface.spellings, ["if (selftest()) return 1;", 'puts("---");']
    for function in program.functions:
        lines.append("{")
        lines += ["Numbers numbers = {0};"] if interface.is_record(function) else []
        for key in interface.keys:
            used = key in function.inputs or key in map(interface.stored, function.kept)
            start = initial(known[key]) if key in known and used else None
            if key in interface.arrays and used:
                lines.append(f"{interface.declared(key, sizes)}{f' = {start}' if start else ''};")
            elif start and used:
                lines.append(f"numbers.{spellings.of(key)} = {start};")
        lines.append(interface.call(function, sizes))
        for key in function.kept:
            count, flat = interface.length(key, sizes), interface.flat(key)
            lines.append(f'for (int at = 0; at < {count}; at++) printf("%.17g\\n", ({flat})[at]);')
        lines.append("}")
    text = derive.emit(work, "c").replace("int main(void)", "static int selftest(void)")
    (folder / "page.c").write_text(text + "\n".join(["int main(void) {", *lines, "return 0; }\n"]), encoding="utf-8")
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "page.c", "-o", "page", "-lm"]
    assert subprocess.run(command, cwd=folder, capture_output=True, text=True).stderr == ""
    ran = subprocess.run([folder / "page"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    told, _, printed = ran.stdout.partition("---\n")
    numbers = iter(printed.split())
    given = {}
    for function in program.functions:
        for key in function.kept:
            shape = [size_value(size, sizes) for size in program.shape(interface.stored(key))]
            flat = [float(next(numbers)) for _ in range(interface.length(key, sizes))]
            given[key] = numpy.array(flat).reshape(shape)
    return told, given


@missing("cc")
@pytest.mark.parametrize("name", NAMED)
def test_c_computes_what_the_page_says(name, tmp_path):
    work = numbered(worked(name))
    values = work.states[0].values
    told, given = compiled(work, {key: float(value) for key, value in values.items()}, {}, tmp_path)
    assert "all agree with the page" in told
    assert {key for key in values if isinstance(key, Later)} <= given.keys()
    assert agree(given, {key: values[key] for key in given})


@missing("cc")
@pytest.mark.parametrize("name", ARRAYS)
def test_c_computes_over_arrays_what_nudges_say(name, tmp_path):
    program, (values, slopes) = program_of(worked(name)), point_of(name)
    told, given = compiled(worked(name), {**values, **slopes}, values, tmp_path)
    assert "all agree with central differences" in told
    assert agree(given, {key: {**values, **slopes}[key] for key in given})
    assert {key for key in given if isinstance(key, Partial)} == {key for key in slopes if key not in program.upstream}


def emitted(drawn, language):
    """A network worked out and written; one whose numbers run away is another."""
    try:
        work = derive.derive(drawn.problem)
        return work, derive.emit(work, language)
    except derive.DeriveError as error:
        if not any(told in str(error) for told in ("outside the range", "too large a number", "has no value")):
            raise
        reject()


@settings(max_examples=10, deadline=None)
@given(networks())
def test_networks_of_any_wiring(drawn):
    work, _ = emitted(drawn, "numpy")
    with TemporaryDirectory() as folder:
        assert_computes(ran(work, Path(folder) / "page.py"), work)


@missing("cc")
@settings(max_examples=5, deadline=None)
@given(networks())
def test_networks_of_any_wiring_in_c(drawn):
    work, _ = emitted(drawn, "c")
    values = work.states[0].values
    with TemporaryDirectory() as folder:
        _, given = compiled(work, {key: float(value) for key, value in values.items()}, {}, Path(folder))
    assert agree(given, {key: values[key] for key in given})


WRONG = {
    "numpy": (
        ("dL_dw5 = delta_y1*h1", "dL_dw5 = delta_y1*h2", "backward: w5 is"),
        ("h1 = sigmoid(net_h1)", "h1 = sigmoid(net_h2)", "forward: h1 is"),
        ("w5_new = w5 - learning_rate*dL_dw5", "w5_new = w5 + learning_rate*dL_dw5", "update 1: w5 is"),
    ),
    "c": (("dL_dw5 = delta_y1*h1", "dL_dw5 = delta_y1*h2", "backward: dL_dw5 is"), ("w5 - learning_rate", "w5 + learning_rate", "w5 is")),
}


C99 = ["-std=c99", "-pedantic"]


def run_c(text, folder, *standards):
    """What a C file prints, and its exit status; not a word from the compiler, in its own C or in others too."""
    (folder / "page.c").write_text(text, encoding="utf-8")
    for asked in (*standards, ["-O1"]):
        made = subprocess.run(["cc", *asked, "-Wall", "-Wextra", "page.c", "-o", "page", "-lm"], cwd=folder, capture_output=True)
        assert (made.returncode, made.stderr) == (0, b"")
    ran = subprocess.run([folder / "page"], capture_output=True, text=True)
    return ran.returncode, ran.stdout


def test_the_file_fails_where_a_number_is_another(tmp_path, capsys):
    text, path = derive.emit(worked("q1"), "numpy"), tmp_path / "wrong.py"
    for right, wrong, told in WRONG["numpy"]:
        assert text.count(right) == 1
        path.write_text(text.replace(right, wrong), encoding="utf-8")
        assert runpy.run_path(str(path))["main"]() == 1
        assert told in capsys.readouterr().out
    path.write_text(derive.emit(worked("q2"), "numpy").replace("delta_2_1*a1_1", "delta_2_1*a1_2"), encoding="utf-8")
    assert runpy.run_path(str(path))["main"]() == 1


@missing("cc")
def test_the_file_in_c_fails_where_a_number_is_another(tmp_path):
    text = derive.emit(worked("q1"), "c")
    assert run_c(text, tmp_path)[0] == 0
    for right, wrong, told in WRONG["c"]:
        assert text.count(right) == 1
        status, out = run_c(text.replace(right, wrong), tmp_path)
        assert status == 1
        assert told in out
    assert run_c(derive.emit(worked("q2"), "c").replace("delta_2_1*a1_1", "delta_2_1*a1_2"), tmp_path)[0] == 1


HOSTILE = '"""\nimport os\r# coding: rot13\\ */ /* ??/\n\u2028\u202e\u2066\x00\x1b\ud800 // \'\'\' {L} %s \\'

HOSTILE_NAMES = """
title = "Words that are taken"
[given]
lambda = 0.3
in = 0.5
double = -0.7
dL_dw = 0.2
w = 0.4
w_ = 0.6
np = 0.9
pick = 0.8
linux = 1.1
[forward]
w_new = "w*in + lambda*double + w_*dL_dw + np*pick"
delta_y = "w_new^2 + linux"
ratio = "w/in"
y = "sigmoid(w_new)*ratio"
range = "y*delta_y"
L = "1/2*(range - in)^2"
[train]
learning_rate = 0.1
rule = "adam"
[names]
w = "w*"
in = "*"
"""


def test_what_an_author_writes_stays_in_comments(tmp_path):
    plain = worked("q1")
    hostile = replace(plain, problem=replace(plain.problem, title=HOSTILE, source=HOSTILE, question=HOSTILE))
    one, other = (ast.parse(derive.emit(work, "numpy")).body[1:] for work in (plain, hostile))
    assert [ast.dump(node) for node in one] == [ast.dump(node) for node in other]
    assert ran(hostile, tmp_path / "page.py")["main"]() == 0


AT_KINK = """
[shapes]
W = ["m", "n"]
x = ["n"]
c = []
[given]
W = [[0, 0, 0], [1, 2, 1]]
c = 2
[forward]
y = "relu(W @ x)"
L = "sum(y^3) + sum(y) + c*sum(x)"
[train]
parameters = ["W", "c"]
"""
"""The first row stands at the kink of ReLU whatever x is drawn; the slope there is a convention, and whole numbers are floats."""


def test_a_kink_among_given_numbers_is_passed_over(language, tmp_path, capsys):
    text = derive.emit(derive.derive(derive.load_text(AT_KINK)), language)
    path = tmp_path / "page.py"
    for source, status in ((text, 0), (text.replace("dL_dc = ", "dL_dc = 2*"), 1)):
        path.write_text(source, encoding="utf-8")
        assert runpy.run_path(str(path))["main"]() == status
    capsys.readouterr()


@missing("cc")
def test_a_kink_among_given_numbers_is_passed_over_in_c(tmp_path):
    text = derive.emit(derive.derive(derive.load_text(AT_KINK)), "c")
    assert run_c(text, tmp_path)[0] == 0
    assert run_c(text.replace("numbers->dL_dc = ", "numbers->dL_dc = 2.0*"), tmp_path)[0] == 1


def test_nothing_to_differentiate_is_no_fault(language, tmp_path):
    work = derive.derive(derive.load_text('[given]\nx = 1\n[forward]\ny = "2*x"\n[train]\nparameters = []\n'))
    assert ran(work, tmp_path / "page.py", language)["main"]() == 0


@missing("cc")
@pytest.mark.parametrize("given", ["[given]\nx = 1\n", ""])
def test_nothing_to_differentiate_is_no_fault_in_c(given, tmp_path):
    work = derive.derive(derive.load_text(given + '[forward]\ny = "2*x"\n[train]\nparameters = []\n'))
    assert run_c(derive.emit(work, "c"), tmp_path)[0] == 0


@missing("cc")
def test_a_text_alone_is_drawn_in_c(tmp_path):
    text = """
[shapes]
E = ["V", "d"]
ids = ["N"]
Y = ["N", "d"]
[given]
E = [[1, 2], [3, 4], [5, 6]]
[forward]
Y = "Y[n,j] = E[ids[n], j]"
L = "sum(Y^2)"
[train]
parameters = ["E"]
"""
    assert run_c(derive.emit(derive.derive(derive.load_text(text)), "c"), tmp_path)[0] == 0


@pytest.mark.parametrize("name", ["w); import os; (", 'w"""', "é", "1"])
def test_a_name_that_a_program_made_is_a_name_in_code(name, tmp_path):
    network = Network((Equation("y", Product((Name(name), Name("x")))), Equation("L", Power(Name("y"), Number("2")))))
    problem = Problem("", network, Train("L", (name,), Number("0.5")), {name: Number("2"), "x": Number("3")})
    assert ran(derive.derive(problem), tmp_path / "page.py")["main"]() == 0


@missing("cc")
def test_what_an_author_writes_stays_in_comments_of_c(tmp_path):
    """Without its comments the file is that of the same problem with a plain title."""
    plain = worked("q1")
    hostile = replace(plain, problem=replace(plain.problem, title=HOSTILE, source=HOSTILE, question=HOSTILE))
    one, other = (re.sub(r"/\*.*?\*/", "", derive.emit(work, "c"), flags=re.DOTALL) for work in (plain, hostile))
    assert one == other
    assert run_c(derive.emit(hostile, "c"), tmp_path, C99)[0] == 0


def test_names_that_are_taken_get_others(tmp_path):
    work = derive.derive(derive.load_text(HOSTILE_NAMES))
    program = program_of(work)
    assert set(program.forward.goals) == {"w_new", "delta_y", "ratio", "y", "range", "L"}
    text = derive.emit(work, "numpy")
    assert "lambda is lambda_, since lambda is taken" in " ".join(text.split())
    assert ran(work, tmp_path / "page.py")["main"]() == 0


@missing("cc")
def test_names_that_are_taken_get_others_in_c(tmp_path):
    text = derive.emit(derive.derive(derive.load_text(HOSTILE_NAMES)), "c")
    assert run_c(text, tmp_path, C99)[0] == 0
    assert "double is double_, since double is taken" in re.sub(r"\s(\* )?", " ", text)


@pytest.mark.parametrize(
    "arguments",
    [("--of", "L"), ("--wrt", "w5"), ("--hessian",), ("--format", "latex"), ("--digits", "3"), ("--places", "3"), ("--carry", "hand"),
     ("--lang", "fa"), ("--open",), ("--level", "brief"), ("--level", "matrix"), ("--ascii",), ("--expand",), ("--digits-script", "persian")],
)  # fmt: skip
def test_what_only_a_page_has_is_refused(arguments, run):
    status, out, told = run("show", "q1", "--emit", "numpy", *arguments)
    assert (status, out) == (2, "")
    assert told.count("\n") == 1
    assert arguments[0] in told


def test_a_decision_has_no_code(run):
    assert run("show", "q3", "--emit", "c") == (2, "", "derive: --emit is for derivations; this problem is a decision\n")


def test_layers_are_written_as_matrices_where_that_is_asked_for(run, tmp_path):
    path, code = tmp_path / "mlp.toml", tmp_path / "mlp.py"
    path.write_text("[layers]\nsizes = [3, 4, 2]\n")
    assert run("show", path, "--emit", "numpy", "--level", "matrix", "-o", code)[0] == 0
    assert "z1 = W1 @ x + b1" in code.read_text(encoding="utf-8")
    assert runpy.run_path(str(code))["main"]() == 0


def test_numbers_that_cancel_are_compared_as_far_as_floats_go(tmp_path, capsys):
    """2104·190.066539 − 399900 leaves 7 of the 16 digits of a float; the file says so, and still sees a wrong sign."""
    text = """
[given]
x = 2104
t = 399900
w = 190.066539
[forward]
y = "w*x"
r = "y - t"
L = "1/2*r^2"
[train]
parameters = ["w"]
learning_rate = 1e-7
"""
    code = derive.emit(derive.derive(derive.load_text(text)), "numpy")
    assert "to 6 digits" in code
    path = tmp_path / "page.py"
    for source, status in ((code, 0), (code.replace("dL_dw = r*x", "dL_dw = -r*x"), 1)):
        path.write_text(source, encoding="utf-8")
        assert runpy.run_path(str(path))["main"]() == status
    capsys.readouterr()


OPERATIONS = [op for op in OPS.values() if op.arguments]


def everything():
    """A network of every operation of the table, each at the example of its row."""
    typed, given = [], {}
    for op in OPERATIONS:
        names = [f"u_{op.name}_{k}" for k in range(len(op.example))]
        given |= dict(zip(names, op.example, strict=True))
        goals = tuple(f"q_{op.name}_{k}" for k in range(len(names))) if op.spread else (f"q_{op.name}",)
        typed.append((goals, f"{op.name}({', '.join(names)})"))
        if op.listed:
            given |= {f"v_{op.name}_{k}": number for k, number in enumerate(op.example)}
            pairs = [f"[u_{op.name}_{k}, v_{op.name}_{k}]" for k in range(2)]
            typed.append(((f"r_{op.name}",), f"{op.name}({', '.join(pairs)})"))
    goals = [goal for group, _ in typed for goal in group]
    return problem_of([*typed, (("L",), " + ".join(f"{goal}^2" for goal in goals) + " + pi()")], given, "0.001")


def test_every_operation_is_spelled(language, tmp_path):
    work = derive.derive(everything())
    module = ran(work, tmp_path / "page.py", language)
    assert_computes(module, work, language)
    assert module["main"]() == 0


@missing("cc")
def test_every_operation_is_spelled_in_c(tmp_path):
    work = derive.derive(everything())
    values = work.states[0].values
    _, given = compiled(work, {key: float(value) for key, value in values.items()}, {}, tmp_path)
    assert agree(given, {key: values[key] for key in given})


def test_a_value_that_no_float_holds_is_named(run, tmp_path):
    path = tmp_path / "far.toml"
    path.write_text('[given]\nx = 1e200\nw = 2\n[forward]\ny = "w*x^2"\n[train]\nparameters = ["w"]\n')
    for language in TARGETS:
        status, out, told = run("show", path, "--emit", language)
        assert (status, out) == (2, "")
        assert "2.000e+400" in told


def test_a_number_that_no_float_holds_is_named(run, tmp_path):
    path = tmp_path / "far.toml"
    path.write_text('[given]\nx = 1e-400\nw = 2\n[forward]\ny = "w*x"\n[train]\nparameters = ["w"]\n')
    status, out, told = run("show", path, "--emit", "numpy")
    assert (status, out) == (2, "")
    assert "1e-400" in told
