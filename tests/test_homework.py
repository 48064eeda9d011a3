"""`derive check --code`: functions as students write them, what the audit says of each, and files that mean harm."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import derive
from derive.cli import main
from derive.errors import InputError
from derive.exercises.bindings import gradient_named
from derive.exercises.homework import audit_homework
from derive.exercises.inputs import draw_inputs
from derive.written import Number, Quotient, Size

FORWARD = "x1, x2, h1, h2, y1, y2, t1, t2, w1, w2, w3, w4, w5, w6, w7, w8"
OUTPUTS = """
    d1 = (y1 - t1) * y1 * (1 - y1)
    d2 = (y2 - t2) * y2 * (1 - y2)
"""
HIDDEN = """
    e1 = (d1 * w5 + d2 * w6) * h1 * (1 - h1)
    e2 = (d1 * w7 + d2 * w8) * h2 * (1 - h2)
"""
RETURNED = """
    return dict(w1=e1 * x1, w2=e2 * x1, w3=e1 * x2, w4=e2 * x2, b1=e1 + e2,
                w5=d1 * h1, w6=d2 * h1, w7=d1 * h2, w8=d2 * h2, b2=d1 + d2)
"""
Q1 = f"def backward({FORWARD}, **more):{OUTPUTS}{HIDDEN}{RETURNED}"
"""Question 1 by hand: each wrong function below is this one with one thing done otherwise."""

ALL = {"w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8", "b1", "b2"}
BELOW_1 = {"w1", "w3", "b1"}
"""What the error of h1 reaches."""


@pytest.fixture(autouse=True)
def _three_inputs(monkeypatch):
    """Three inputs have targets of either kind and arrays of other sizes; five, which take longer, are for `test_the_command`."""
    monkeypatch.setattr("derive.exercises.homework.INPUTS", 3)


def judged(problem, source, tmp_path, function="backward", **options):
    path = tmp_path / "homework.py"
    path.write_text(source, encoding="utf-8")
    problem = derive.find(problem) if isinstance(problem, str) else problem
    return audit_homework(problem, f"{path}:{function}", **options)


STYLES = {
    "names": Q1,
    "a dictionary": f"def backward(given):\n    {FORWARD} = (given[name] for name in '{FORWARD}'.split(', ')){OUTPUTS}{HIDDEN}{RETURNED}",
    "weights and cache": "def backward(weights, cache):\n    assert set(weights) == set('w1 w2 w3 w4 w5 w6 w7 w8 b1 b2'.split())\n"
    f"    {FORWARD} = (cache[name] for name in '{FORWARD}'.split(', ')){OUTPUTS}{HIDDEN}{RETURNED}",
    "all by name": Q1.replace(f"backward({FORWARD}, **more):", f"backward(**q):\n    {FORWARD} = (q[name] for name in '{FORWARD}'.split(', '))"),
    "in order": Q1.replace("**more", "/"),
    "other keys": Q1.replace("dict(w1=", "dict(dL_dw1=").replace(" w2=", " dw2=").replace(" w3=", " grad_w3=").replace(" w4=", " w4_grad="),
    "a list": Q1 + "\n_by_name = backward\ndef backward(**q):\n    g = _by_name(**q)\n"
    "    return tuple(g[name] for name in 'w5 w6 w7 w8 b2 w1 w2 w3 w4 b1'.split())",
    "with error signals": Q1.replace("dict(", "dict(h1=h1, delta_y1=d1, ").replace(" b2=d1 + d2)", " b2=d1 + d2) | {'dL/dnet_h1': e1, 'dL/dy2': y2 - t2}"),
    "prints": "print('start')\n" + Q1.replace("    d1 =", "    print('{\"returned\": 1}'); d1 =", 1),
    "numpy": "import numpy as np\n" + Q1.replace("y1 - t1", "np.float64(y1) - t1"),
    "single precision": "import numpy as np\n" + Q1.replace("return dict(", "return dict((k, np.float32(v)) for k, v in dict(").replace("d1 + d2)", "d1 + d2).items())"),
    "a neighbour": "import other_file\n" + Q1.replace("(y1 - t1)", "other_file.difference(y1, t1)"),
    "by differences of two losses": "import math\nS = lambda z: 1 / (1 + math.exp(-z))\n"
    "def loss(x1, x2, t1, t2, w1, w2, w3, w4, w5, w6, w7, w8, b1, b2):\n"
    "    h1, h2 = S(w1*x1 + w3*x2 + b1), S(w2*x1 + w4*x2 + b1)\n"
    "    y1, y2 = S(w5*h1 + w7*h2 + b2), S(w6*h1 + w8*h2 + b2)\n"
    "    return ((t1 - y1)**2 + (t2 - y2)**2) / 2\n"
    "def backward(x1, x2, t1, t2, w1, w2, w3, w4, w5, w6, w7, w8, b1, b2):\n"
    "    q, found = dict(locals()), {}\n"
    "    for name in ('w1','w2','w3','w4','w5','w6','w7','w8','b1','b2'):\n"
    "        h = 1e-3\n"
    "        at = lambda k: loss(**(q | {name: q[name] + k * h}))\n"
    "        found[name] = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)\n"
    "    return found",
}


@pytest.mark.parametrize("style", [style for style in STYLES if not style.startswith("by differences")])
def test_a_right_function_is_right_however_it_is_written(style, tmp_path):
    (tmp_path / "other_file.py").write_text("def difference(a, b):\n    return a - b\n")
    if "numpy" in STYLES[style]:
        pytest.importorskip("numpy")
    audit = judged("q1", STYLES[style], tmp_path)
    assert {line.verdict for line in audit.lines} == {"right"}
    assert not {f"dL/d{name}" for name in ALL} - {line.name for line in audit.lines}
    assert len(audit.trial.order) == (10 if style == "a list" else 0)
    assert audit.trial.digits == (5 if style == "single precision" else 10)


def test_differences_are_wrong_and_the_page_says_how_near_they_come(tmp_path):
    audit = judged("q1", STYLES["by differences of two losses"], tmp_path)
    notes = [note for line in audit.lines for note in line.notes if line.verdict == "wrong"]
    assert all(note.key in ("near", "some-inputs") for note in notes)
    assert all(note.parts["digits"] >= 6 for note in notes if note.key == "near")
    assert audit.slips == ()


SLIPS = [
    ("loss-sign", "d1 = (y1 - t1)", "d1 = (t1 - y1)", {"w5", "w7", "b2", "w1", "w2", "w3", "w4", "b1"}),
    ("missing-slope", "* h1 * (1 - h1)", "* h1", BELOW_1),
    ("slope-of-input", "* h1 * (1 - h1)", "* more['net_h1'] * (1 - more['net_h1'])", BELOW_1),
    ("missing-path", "d1 * w5 + d2 * w6", "d1 * w5", BELOW_1),
    ("wrong-index", "d1 * w5 + d2 * w6", "d1 * w5 + d2 * w7", BELOW_1),
    ("uses-updated-weights", "d1 * w5 + d2 * w6", "d1 * (w5 - more['learning_rate'] * d1 * h1) + d2 * (w6 - more['learning_rate'] * d2 * h1)", BELOW_1),
    ("missing-factor", "d1 = (y1 - t1)", "d1 = 2 * (y1 - t1)", {"w5", "w7", "b2", "w1", "w2", "w3", "w4", "b1"}),
    ("extra-path", "d1 * w5 + d2 * w6", "d1 * w5 + d2 * w6 + d2 * w6", BELOW_1),
    ("inverted", "* h1 * (1 - h1)", "/ (h1 * (1 - h1))", BELOW_1),
    ("wrong-function", "* h1 * (1 - h1)", "* (1 - h1**2)", BELOW_1),
    ("wrong-given", "w1=e1 * x1", "w1=e1 * 0.05", {"w1"}),
    ("wrong-given", "    d1 =", "    x1, t2 = 0.05, 0.98; d1 =", {"w6", "w8", "b2", "w1", "w2", "w3", "w4", "b1"}),
    ("", "w1=e1 * x1", "w1=e1 * x1 * 1.37", {"w1"}),
]
"""Slips as they are made in code: the slip, what is right, what stands there instead, the gradients that come out wrong."""


@pytest.mark.parametrize(("slip", "right", "instead", "wrong"), [row for row in SLIPS if row[3]], ids=lambda value: value if isinstance(value, str) else "")
def test_a_slip_in_code_is_named(slip, right, instead, wrong, tmp_path):
    assert right in Q1
    audit = judged("q1", Q1.replace(right, instead, 1), tmp_path)
    assert {line.name.removeprefix("dL/d") for line in audit.lines if line.verdict == "wrong"} == wrong
    assert all(slip in line.slips for line in audit.lines if line.verdict == "wrong") if slip else audit.slips == ()
    assert all(line.formula is not None for line in audit.lines if line.verdict == "wrong")


def test_what_is_right_on_some_inputs_only_is_said_with_the_inputs(tmp_path):
    audit = judged("q1", "def backward(y1, t1, h1):\n    return {'w5': abs(y1 - t1) * y1 * (1 - y1) * h1}", tmp_path)
    (line,) = [line for line in audit.lines if line.name == "dL/dw5"]
    (note,) = [note for note in line.notes if note.key == "some-inputs"]
    targets = [numbers["t1"].text for numbers in audit.trial.inputs]
    assert note.parts["wrong"] == ", ".join(str(k) for k, t in enumerate(targets, start=1) if t == "0.99")
    assert note.parts["right"] == ", ".join(str(k) for k, t in enumerate(targets, start=1) if t == "0.01")
    assert line.slips == ()  # a turned sign would show on every input


@pytest.mark.parametrize("label", ["1", "0", "-1", "0.9"])
def test_a_formula_for_one_label_is_not_right_for_the_other(label, tmp_path):
    given = f"[given]\nw = 0.5\nx = 1\nt = {label}\n"
    problem = derive.load_text(f'{given}[forward]\nz = "w*x"\ny = "sigmoid(z)"\nL = "1/2*(t - y)^2"\n[train]\nparameters = ["w"]')
    path = tmp_path / "homework.py"
    path.write_text(f"def backward(x, y):\n    return {{'w': (y - {label}) * y * (1 - y) * x}}")
    audit = audit_homework(problem, f"{path}:backward")
    assert [(line.verdict, line.slips) for line in audit.lines] == [("wrong", ("wrong-given",))]
    assert audit.slips[0].number.text == label


def test_what_is_missing_unknown_or_no_number_is_a_line_of_its_own(tmp_path):
    source = Q1.replace("w1=e1 * x1, w2=e2 * x1", "w1=float('nan'), h9=1, dw5=d1 * h1 + 1", 1)
    audit = judged("q1", source, tmp_path)
    lines = {line.name: line for line in audit.lines}
    assert (lines["dL/dw1"].verdict, lines["dL/dw1"].notes[0].key) == ("wrong", "not-finite")
    assert (lines["dL/dw2"].verdict, lines["dL/dw2"].notes[0].key) == ("unreadable", "nothing-returned")
    assert lines["h9"].verdict == "unknown"
    assert "stands for dL/dw5, as 'dw5' does" in lines["w5"].entry.fault


def test_a_page_says_where_slips_were_not_looked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("derive.exercises.agreement.MOST_ROWS", 10)
    audit = judged("q1", Q1.replace("d1 = (y1 - t1)", "d1 = (t1 - y1)", 1), tmp_path)
    page = derive.render(audit, "text")
    assert audit.slips == ()
    assert "Slips were not looked for" in page
    assert "No slip of the table" not in page


def test_forward_and_update_are_judged_as_such(tmp_path):
    forward = "import math\ndef forward(x1, x2, w1, w3, b1):\n    net_h1 = w1*x1 + w3*x2 + b1\n    return {'net_h1': net_h1, 'h1': 1/(1 + math.exp(%snet_h1))}"
    right, wrong = (judged("q1", forward % sign, tmp_path, "forward") for sign in "-+")
    assert [line.verdict for line in right.lines] == ["right", "right"]
    assert [(line.name, line.verdict) for line in wrong.lines] == [("net_h1", "right"), ("h1", "wrong")]
    update = "def update(w5, dw5, lr):\n    return {'w5': w5 %s lr * dw5}"
    down, up = (judged("q1", update % sign, tmp_path, "update") for sign in "-+")
    assert [(line.name, line.verdict) for line in down.lines][:1] == [("w5+", "right")]
    assert up.lines[0].slips == ("ascent",)


@pytest.mark.parametrize(("name", "gradient"), [("dw5", "w5"), ("dL_dh1", "h1"), ("dL/dw5", "w5"), ("grad_w5", "w5"), ("w5_grad", "w5"), ("delta_h1", "net_h1"), ("delta_net_h1", "net_h1"), ("w5", None), ("dt9", None)])
def test_how_code_calls_a_gradient(name, gradient):
    assert gradient_named(name, derive.find("q1")) == gradient


@pytest.mark.parametrize("name", ["q1", "q2", "mazur", "adam", "momentum"])
def test_random_inputs_are_the_same_for_a_seed_short_and_never_0(name):
    problem = derive.find(name)
    draws = [[drawn.given for drawn in draw_inputs(problem, seed, 3)] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    numbers = [float(number.text) for given in draws[0] for key, number in given.items() if key in problem.train.parameters]
    assert all(numbers)
    assert min(numbers) < 0 < max(numbers)
    assert all(len(number.text) <= 7 for given in draws[0] for number in given.values())


HOSTILE = [
    ("while True: pass", 4, "took longer than 0.5 s; see --time-limit"),
    ("import time\ndef backward(x1):\n    time.sleep(99)", 4, "took longer than 0.5 s (input 1)"),
    ("import os, signal\ndef backward(x1):\n    os.kill(os.getpid(), signal.SIGSTOP)", 4, "took longer than 0.5 s (input 1)"),
    ("def backward(x1):\n    return [0] * (10 << 30)", 3, "line 2: MemoryError (more than 2 GiB) (input 1)"),
    ("import sys\ndef backward(x1):\n    sys.exit('bye')", 3, "line 3: leaves by sys.exit(bye) (input 1)"),
    ("import os\ndef backward(x1):\n    os._exit(3)", 3, "its process ended with status 3 and returned nothing (input 1)"),
    ("import os, signal\ndef backward(x1):\n    os.kill(os.getpid(), signal.SIGSEGV)", 3, "its process was ended by SIGSEGV"),
    ("def inner(x):\n    return x / 0\ndef backward(x1):\n    return inner(x1)", 3, "line 2: ZeroDivisionError: float division by zero (input 1)"),
    ("class E(Exception):\n    def __str__(self): raise self\ndef backward(x1):\n    raise E", 3, "line 4: E (input 1)"),
    ("def backward(x1):\n    raise ValueError('\\x1b[2J' + 'z' * 999)", 3, "line 2: ValueError: ?[2Jzzz"),
    ("def backward(x1):\n    return x1 +", 3, "line 2: SyntaxError: invalid syntax"),
    ("import nosuchmodule", 3, "line 1: ModuleNotFoundError: No module named 'nosuchmodule'; it runs with "),
    ("backward = 3", 3, "'backward' is no function (int)"),
    ("def backwards(x1): pass", 3, "has no function 'backward'; did you mean 'backwards'?"),
    ("def backward(W1): pass", 3, "asks for 'W1', which is no quantity of this problem; did you mean 'w1'?"),
    ("def backward(x1): return None", 3, "should return numbers, or a dictionary of numbers by name; it is None (input 1)"),
    ("def backward(x1): return {'w5': '0.5'}", 3, "['w5'] is a str (input 1)"),
    ("def backward(x1):\n    d = {}; d['w5'] = d; return d", 3, "['w5'] is too large (input 1)"),
    ("def backward(x1): return {str(k): 1.0 for k in range(999)}", 3, "returned a dictionary of 999 keys"),
    ("def backward(x1): return [1, 2, 3]", 3, "returned 3 numbers without names, and 10 were expected, in the order w5, w6"),
    ("import os\ndef backward(x1):\n    for fd in range(3, 20):\n        try: os.write(fd, b'{\"returned\": 1}\\n')\n        except OSError: pass", 3, "wrote into the channel for its answers"),
    ("def backward(x1):\n    open('big', 'wb').write(b'x' * (20 << 20)); return {}", 3, "line 2: OSError: [Errno 27] File too large"),
    ("def backward(x1): return input()", 3, "line 1: EOFError"),
]
"""Files that go wrong or mean harm: the exit status, and what the one line says."""


@pytest.mark.parametrize(("source", "status", "message"), HOSTILE, ids=[row[2][:40] for row in HOSTILE])
def test_what_goes_wrong_in_a_file_is_one_line(source, status, message, tmp_path, capsys):
    path = tmp_path / "homework.py"
    path.write_text(source)
    seconds = "0.5" if status == 4 else "9"
    assert main(["check", "q1", "--code", f"{path}:backward", "--time-limit", seconds]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("derive: homework.py")
    assert err.count("\n") == 1
    assert len(err) < 400
    assert message in err


def test_children_end_with_the_process(tmp_path):
    source = f"import os, time\ndef backward(x1):\n    if os.fork() == 0:\n        open({str(tmp_path / 'child')!r}, 'w').write(str(os.getpid()))\n        time.sleep(99)\n    time.sleep(0.3)\n    return dict(w5=x1)"
    judged("q1", source, tmp_path)
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        try:
            gone = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            gone = True
        if gone:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {child} is still there")


def test_nothing_is_left_beside_the_file(tmp_path):
    judged("q1", "open('here', 'w').write('x')\n" + Q1, tmp_path)
    assert os.listdir(tmp_path) == ["homework.py"]


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.undo()
    path = tmp_path / "homework.py"
    path.write_text(Q1.replace("d1 * w5 + d2 * w6", "d1 * w5", 1))
    code = ["check", "q1", "--code", f"{path}:backward"]
    assert main(code) == 0
    page = capsys.readouterr().out
    assert "∂L/∂h1: the path through net_y2 was left out (missing-path). It explains dL/dw1, dL/dw3, dL/db1." in page
    assert "∂L/∂h1   δ_y1 · w5 + δ_y2 · w6" in page
    assert main([*code, "--format", "json", "--fail-on-wrong"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "derive/audit-1"
    assert data["score"]["wrong"] == 3
    assert (data["trial"]["seed"], len(data["trial"]["inputs"])) == (1, 5)
    for arguments in (["answers.txt", *code[2:]], [], [*code[2:], "--paper", "q1-7-012-698b9a"], [*code[2:], "--carry", "hand"], [*code[2:], "--jobs", "2"], [*code[2:], "--cluster", "tcp://localhost:1"], ["answers.txt", "--seed", "2"], ["--code", "homework"], [*code[2:], "--time-limit", "0"]):
        assert main(["check", "q1", *arguments]) == 2, arguments
    assert main(["check", "q3", *code[2:]]) == 3


def test_another_folder_and_an_own_process(tmp_path):
    (tmp_path / "homework.py").write_text(STYLES["prints"])
    command = [sys.executable, "-m", "derive", "check", "q1", "--code", "homework.py:backward", "--lang", "fa"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(derive.__file__))})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("درست") >= 10


@pytest.mark.parametrize(("name", "functions"), [("q1", ("backward", "update")), ("q2", ("backward",)), ("adam", ("update",))])
def test_the_code_we_write_ourselves_is_right(name, functions, tmp_path):
    assert main(["show", name, "--emit", "numpy", "-o", str(tmp_path / "ours.py")]) == 0
    for function in functions:
        audit = audit_homework(derive.find(name), f"{tmp_path / 'ours.py'}:{function}")
        assert {line.verdict for line in audit.lines} == {"right"}


# --- arrays ---------------------------------------------------------------------------------------------------------------

MLP = """
import numpy as np
def backward(*, x, t, a1, a2, a3, z1, W2, W3, **more):
    d3 = (a3 - t) * a3 * (1 - a3)
    d2 = (W3.T @ d3) * a2 * (1 - a2)
    d1 = (W2.T @ d2) * a1 * (1 - a1)
    return {"W3": np.outer(d3, a2), "b3": d3, "W2": np.outer(d2, a1), "b2": d2, "dL_dW1": np.outer(d1, x), "db1": d1}
"""
LAYER = "def backward(dout, X, W):\n    return {'W': dout @ X.T, 'b': dout.sum(1), 'dX': W.T @ dout}"

ARRAYS = [
    ("mlp", MLP, " * a1 * (1 - a1)", "", dict.fromkeys(("W1", "b1"), ("missing-slope",))),
    ("dense", LAYER, "", "", {}),
    ("dense", LAYER, "dout @ X.T", "(dout @ X.T).tolist()", {}),
    ("dense", LAYER, "dout @ X.T", "X @ dout.T", {"W": ("transposed",)}),
    ("dense", LAYER, "dout.sum(1)", "dout", {"b": ()}),
    ("dense", LAYER, "dout @ X.T", "-dout @ X.T", {"W": ("loss-sign",)}),
    ("dense", LAYER, "dout @ X.T", "dout @ X.T + 1e-6", {"W": ()}),
]
"""Functions over arrays: the problem, the function, what is right in it, what stands there instead, the wrong gradients with their slips."""


@pytest.mark.parametrize(("name", "source", "right", "instead", "wrong"), ARRAYS, ids=[f"{row[0]} {row[3]}" for row in ARRAYS])
def test_arrays_are_judged_entry_by_entry_and_said_as_a_whole(name, source, right, instead, wrong, tmp_path):
    pytest.importorskip("numpy")
    assert right in source
    audit = judged(name, source.replace(right, instead, 1) if right else source, tmp_path)
    assert {line.name.removeprefix("dL/d"): line.slips for line in audit.lines if line.verdict != "right"} == wrong
    assert {line.verdict for line in audit.lines} <= {"right", "wrong"}
    assert audit.trial.arrays == "numpy"
    assert {partial.wrt for partial in audit.trial.places} >= set(wrong)  # the formula of each wrong one is there


@pytest.mark.parametrize(
    ("returned", "verdict"),
    [("[]", "wrong"), ("[[1, 2, 3], [1, 2]]", "wrong"), ("[[[[1.0]]]]", "wrong"), ("0 * dout @ X.T", "wrong"), ("dout @ X.T, 'dL/dW[0,1]': 1.0", "unknown")],
)
def test_what_is_no_such_array_is_a_line_and_no_crash(returned, verdict, tmp_path):
    pytest.importorskip("numpy")
    audit = judged("dense", LAYER.replace("dout @ X.T", returned), tmp_path)
    assert verdict in {line.verdict for line in audit.lines}
    assert {line.name: line.verdict for line in audit.lines}["dL/db"] == "right"


def test_a_mean_for_a_sum_is_the_size_whatever_the_size(tmp_path):
    pytest.importorskip("numpy")
    audit = judged("dense", LAYER.replace("dout.sum(1)", "dout.mean(1)"), tmp_path)
    (slip,) = audit.slips
    assert (slip.id, slip.explains) == ("missing-factor", ("dL/db",))
    assert slip.said == (Quotient(Number("1"), Size("N")),)


@pytest.mark.parametrize("name", ["embedding", "lstm"])
def test_the_code_we_write_over_arrays_is_right(name, tmp_path):
    pytest.importorskip("numpy")
    assert main(["show", name, "--emit", "numpy", "-o", str(tmp_path / "ours.py")]) == 0
    audit = audit_homework(derive.find(name), f"{tmp_path / 'ours.py'}:backward")
    assert {line.verdict for line in audit.lines} == {"right"}


# --- vectors and matrices of named numbers --------------------------------------------------------------------------------

LAYERS = '[layers]\nsizes = [3, 2, 2]\nactivations = "sigmoid"\nloss = "half_squared_error"\n[train]\nlearning_rate = 0.5'
BY_MATRIX = """import numpy as np
def backward(W1, b1, W2, b2, x, t):
    assert (W1.shape, b1.shape, W2.shape, x.shape) == ((2, 3), (2,), (2, 2), (3,))
    a1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
    a2 = 1 / (1 + np.exp(-(W2 @ a1 + b2)))
    d2 = (a2 - t) * a2 * (1 - a2)
    d1 = (W2.T @ d2) * a1 * (1 - a1)
    found = {"W1": np.outer(d1, x), "dL_db1": d1, "dL/dW2": np.outer(d2, a1), "db2": d2}
    return found
"""
BELOW_D1 = ("w1_11", "w1_12", "w1_13", "b1_1", "w1_21", "w1_22", "w1_23", "b1_2")

VECTORS = [
    ("W2.T @ d2", "W2 @ d2", dict.fromkeys(BELOW_D1, "transposed")),
    ('"dL_db1": d1', '"b1": [d1[:1], d1[1:]], "delta1": d1[:, None], "dL/dz2": [list(d2)], "a1": a1, "dL/da2": a2 - t', {}),
    ('"dL_db1": d1, ', "", {"b1_1": "nothing-returned", "b1_2": "nothing-returned"}),
    ("np.outer(d1, x)", "np.outer(x, d1)", {"W1": {"given": "3×2", "expected": "2×3"}}),
    ("d1, x)", "d1, x), 'w1_12': 1.0", {"w1_12": "unknown"}),
    ("return found", "return list(found.values())", {}),
]
"""What is right in the function, what stands there instead, and the entries that are not right, with what is said of them."""


@pytest.mark.parametrize(("right", "instead", "wrong"), VECTORS, ids=[row[1] for row in VECTORS])
def test_vectors_and_matrices_are_passed_whole_and_judged_entry_by_entry(right, instead, wrong, tmp_path):
    pytest.importorskip("numpy")
    assert right in BY_MATRIX
    audit = judged(derive.load_text(LAYERS), BY_MATRIX.replace(right, instead, 1), tmp_path)
    lines = {line.name.removeprefix("dL/d"): line for line in audit.lines}
    said = {name: [*line.slips, *(note.parts or note.key for note in line.notes), line.verdict] for name, line in lines.items()}
    assert {name: words[0] for name, words in said.items() if words[0] != "right"} == wrong
    assert {"b2_1", "b2_2", "w2_11", "w2_12", "w2_21", "w2_22"} <= {name for name in lines if name not in wrong}


def test_dictionaries_have_vectors_and_matrices_too(tmp_path):
    pytest.importorskip("numpy")
    source = "def update(params, cache):\n    return {name: params[name] - cache['learning_rate'] * cache['d' + name] for name in ('W1', 'b1', 'W2', 'b2')}"
    audit = judged(derive.load_text(LAYERS), source, tmp_path, "update")
    assert {line.verdict for line in audit.lines} == {"right"}
    assert {"w1_23+", "b2_2+"} < {line.name for line in audit.lines}


@pytest.mark.parametrize("frozen", ["w1", "w2"])
def test_of_a_vector_only_what_is_trained_moves(frozen, tmp_path):
    trained = "w1" if frozen == "w2" else "w2"
    problem = derive.load_text(f'[forward]\nz = "w1*x1 + w2*x2"\nL = "1/2*(t - z)^2"\n[vectors]\nw = ["w1", "w2"]\n[train]\nparameters = ["{trained}"]\nlearning_rate = 0.5')
    step = "[w[0] - lr * dw[0], w[1]]" if trained == "w1" else "[w[0], w[1] - lr * dw[1]]"
    audit = judged(problem, f"def update(w, dw, lr):\n    return {{'w': {step}}}", tmp_path, "update")
    assert {line.name: line.verdict for line in audit.lines} == {f"{trained}+": "right", frozen: "right"}


@pytest.mark.parametrize(("name", "told"), [("w1", "; did you mean 'W1'?"), ("W3", "; it has x, W1, z1, a1, b1, W2, z2, a2, b2, t, w1_11, x1, …")])
def test_of_a_stranger_the_vectors_are_told_first(name, told, tmp_path):
    with pytest.raises(InputError, match=re.escape(f"backward asks for '{name}', which is no quantity of this problem{told}")):
        judged(derive.load_text(LAYERS), f"def backward({name}): pass", tmp_path)


@pytest.mark.torch
def test_autograd_is_right_in_single_precision(tmp_path):
    pytest.importorskip("torch")
    source = (
        "import torch\ndef backward(x, t, W1, b1, W2, b2, W3, b3):\n"
        "    p = {k: torch.tensor(v, requires_grad=True, dtype=torch.float32) for k, v in locals().items()}\n"
        "    a = p['x']\n"
        "    for k in '123':\n        a = torch.sigmoid(p['W' + k] @ a + p['b' + k])\n"
        "    (((a - p['t'])**2).sum() / 2).backward()\n"
        "    return {k: v.grad for k, v in p.items() if k != 't'}"
    )
    audit = judged("mlp", source, tmp_path, seconds=60.0)
    assert {line.verdict for line in audit.lines} == {"right"}
    assert (len(audit.lines), audit.trial.digits) == (7, 5)
