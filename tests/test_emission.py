"""Code written from a derivation: it is run, and its numbers are those of the derivation, which are good to 40 digits."""

import ast
import runpy
from dataclasses import replace

import pytest
from conftest import worked
from hypothesis import given, settings
from strategies import networks

import derive
from derive.emission.programs import program_of
from derive.written import Later, Name, Number, Partial

PROBLEMS = {name: derive.find(name) for name in derive.built_in_names()}
NAMED = [name for name, problem in PROBLEMS.items() if problem.arrays is None and problem.decision is None]


def numbered(work):
    """The derivation, with numbers for what it has none for."""
    problem, given = work.problem, work.problem.example(0)
    missing = {name: Number(f"0.{3 + 7 * place % 61}") for place, name in enumerate(problem.network.free) if name not in given}
    return derive.derive(replace(problem, given={**problem.given, **missing})) if missing else work


def ran(work, path, language="numpy"):
    """The functions of the file."""
    path.write_text(derive.emit(work, language), encoding="utf-8")
    return runpy.run_path(str(path))


def agree(found, expected):
    """Whether numbers agree to 12 digits, or where they are small to 15 places."""
    assert found.keys() >= expected.keys()
    return [name for name, value in expected.items() if not abs(found[name] - float(value)) <= 1e-12 * abs(float(value)) + 1e-15] == []


def assert_computes(module, work):
    """Forward, backward and update give what the derivation gives, at every number of updates it has, each from its own numbers."""
    train, network, loss = work.problem.train, work.problem.network, work.problem.train.loss
    for state in work.states:
        known = {key: float(value) for key, value in state.values.items() if isinstance(key, str)}
        gradients = {key.wrt: value for key, value in state.values.items() if key in {Partial(loss, name) for name in train.parameters}}
        passed = {f"d{loss}_d{name}": float(value) for name, value in gradients.items()}
        moved = {key.body.name: value for key, value in state.values.items() if isinstance(key, Later)}
        pick = module["pick"]
        assert agree(module["forward"](**pick(module["forward"], known)), {name: state.values[name] for name in network.by_goal})
        assert agree(module["backward"](**pick(module["backward"], known)), gradients)
        if moved:
            assert agree(module["update"](**pick(module["update"], known | passed)), moved)
            assert set(train.parameters) >= moved.keys() - set(train.states)


@pytest.mark.parametrize("name", NAMED)
def test_functions_compute_what_the_page_says(name, tmp_path, capsys):
    work = worked(name)
    module = ran(work, tmp_path / "page.py")
    assert module["main"]() == 0
    assert ("page" if work.states and work.updates else "central differences") in capsys.readouterr().out
    if numbered(work) is not work:
        module = ran(numbered(work), tmp_path / "numbered.py")
        assert module["main"]() == 0
    assert_computes(module, numbered(work))


@settings(max_examples=15, deadline=None)
@given(networks())
def test_networks_of_any_wiring(drawn):
    import tempfile
    from pathlib import Path

    work = derive.derive(drawn.problem)
    with tempfile.TemporaryDirectory() as folder:
        assert_computes(ran(work, Path(folder) / "page.py"), work)


def test_the_file_fails_where_a_number_is_another(tmp_path, capsys):
    text = derive.emit(worked("q1"), "numpy")
    for right, wrong, told in (
        ("dL_dw5 = delta_y1*h1", "dL_dw5 = delta_y1*h2", "backward: w5 is"),
        ("h1 = sigmoid(net_h1)", "h1 = sigmoid(net_h2)", "forward: h1 is"),
        ("w5_new = w5 - learning_rate*dL_dw5", "w5_new = w5 + learning_rate*dL_dw5", "update 1: w5 is"),
    ):
        assert text.count(right) == 1
        path = tmp_path / "wrong.py"
        path.write_text(text.replace(right, wrong), encoding="utf-8")
        assert runpy.run_path(str(path))["main"]() == 1
        assert told in capsys.readouterr().out
    path.write_text(derive.emit(worked("q2"), "numpy").replace("delta_2_1*a1_1", "delta_2_1*a1_2"), encoding="utf-8")
    assert runpy.run_path(str(path))["main"]() == 1


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
y = "sigmoid(w_new)"
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


def test_names_that_are_taken_get_others(tmp_path):
    work = derive.derive(derive.load_text(HOSTILE_NAMES))
    program = program_of(work)
    assert set(program.forward.goals) == {"w_new", "delta_y", "y", "range", "L"}
    text = derive.emit(work, "numpy")
    assert "lambda is lambda_" in text
    assert ran(work, tmp_path / "page.py")["main"]() == 0
    assert Name("w_") in program.work.problem.network.equations[0].rhs.terms[2].factors


@pytest.mark.parametrize(
    "arguments",
    [("--of", "L"), ("--wrt", "w5"), ("--hessian",), ("--format", "latex"), ("--digits", "3"), ("--places", "3"), ("--carry", "hand"),
     ("--lang", "fa"), ("--open",), ("--level", "brief"), ("--ascii",)],
)  # fmt: skip
def test_what_only_a_page_has_is_refused(arguments, run):
    status, out, told = run("show", "q1", "--emit", "numpy", *arguments)
    assert (status, out) == (2, "")
    assert told.count("\n") == 1
    assert arguments[0] in told


def test_a_number_that_no_float_holds_is_named(run, tmp_path):
    path = tmp_path / "far.toml"
    path.write_text('[given]\nx = 1e-400\nw = 2\n[forward]\ny = "w*x"\n[train]\nparameters = ["w"]\n')
    status, out, told = run("show", path, "--emit", "numpy")
    assert (status, out) == (2, "")
    assert "1e-400" in told
