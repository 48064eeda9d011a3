"""The command: exit statuses, streams, files, and the same bytes whatever the surroundings."""

import ast
import gc
import io
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import mpmath
import pytest
from conftest import heard

import derive
from derive.cli import main
from derive.formats.plain import typed
from derive.reader import read_formula
from derive.spec import load_text

COMMAND = [sys.executable, "-m", "derive"]
FORMATS = {
    "text": ["--format", "text"],
    "latex": ["--format", "latex"],
    "fragment": ["--format", "latex", "--fragment"],
    "markdown": ["--format", "markdown"],
    "json": ["--format", "json"],
}
NAMES = ("mazur", "q1", "q2", "q3")


@pytest.fixture(autouse=True)
def collecting():
    """The command switches the collector off for its own short life; a test process lives on."""
    yield
    gc.enable()


@pytest.fixture
def run(capsys):
    """Runs the command in this process: exit status, standard output, standard error."""

    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    return command


def started(*arguments, **options):
    """The command in a process of its own; `environment` is added to a small clean one."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environment = {**kept, **options.pop("environment", {})}
    return subprocess.run([*COMMAND, *arguments], env=environment, capture_output=True, timeout=60, check=False, **options)


GOOD = [
    (["list"], "Question 1\n"),
    (["--version"], f"derive {derive.__version__}"),
    (["--help"], "usage: derive"),
    (["show", "--help"], "--carry"),
    (["show", "q1"], "Question 1"),
    (["show", "q2", "--wrt", "w1_11"], "Question 2"),
    (["show", "q3", "--format", "latex"], "\\documentclass"),
    (["show", "q1", "--prove", "--wrt", "w5"], "Question 1"),
    (["show", "q1", "--hessian", "--prove", "--wrt", "w5"], "∂²L/∂w5²"),
]
BAD = [
    ([], 2, "the following arguments are required: COMMAND (see derive --help)"),
    (["shwo", "q1"], 2, "invalid choice: 'shwo'"),
    (["show"], 2, "the following arguments are required: PROBLEM (see derive show --help)"),
    (["show", "q1", "--nonsense"], 2, "unrecognized arguments: --nonsense"),
    (["show", "q1", "--format", "docx"], 2, "argument --format: invalid choice: 'docx'"),
    (["show", "q1", "--digits", "0"], 2, "argument --digits: '0' is not a whole number from 1 to 34"),
    (["show", "q1", "--digits", "35"], 2, "argument --digits: '35' is not a whole number from 1 to 34"),
    (["show", "q1", "--digits", "four"], 2, "argument --digits: 'four' is not a whole number"),
    (["show", "q1", "--places", "-1"], 2, "argument --places: '-1' is not a whole number from 0 to 34"),
    (["show", "q1", "--places", "3", "--digits", "3"], 2, "argument --digits: not allowed with argument --places"),
    (["show", "q1", "--carry", "some"], 2, "argument --carry: invalid choice: 'some'"),
    (["show", "q1", "--fragment"], 2, "--fragment goes with --format latex"),
    (["show", "q1", "--wrt", "w55"], 2, "--wrt w55: no such quantity; did you mean 'w5'?"),
    (["show", "q1", "--of", "nety1"], 2, "--of nety1: no such quantity; did you mean 'net_y1'?"),
    (["show", "q1", "--of", "h1", "--wrt", "w5"], 2, "--wrt w5: 'h1' does not depend on it"),
    (["show", "q3", "--wrt", "bl"], 2, "--of and --wrt are for derivations; this problem is a decision"),
    (["show", "q1", "--hessian", "--wrt", "w5", "--wrt", "y1"], 2, "--hessian: 'y1' depends on 'w5', so it cannot be held"),
    (["show", "q3", "--hessian"], 2, "--hessian is for derivations; this problem is a decision"),
    (["show", "qq1"], 3, "no problem 'qq1'; did you mean 'q1'? (derive list names those built in)"),
    (["show", "nosuch.toml"], 3, "nosuch.toml: no such file"),
]


@pytest.mark.parametrize(("arguments", "beginning"), GOOD, ids=[" ".join(row[0]) for row in GOOD])
def test_what_is_done_ends_with_0_and_says_nothing_else(arguments, beginning, run):
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert beginning in out


@pytest.mark.parametrize(("arguments", "expected", "message"), BAD, ids=[" ".join(row[0]) for row in BAD])
def test_what_cannot_be_done_is_said_in_one_line(arguments, expected, message, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*arguments, *(["-o", "out.txt"] if arguments[:1] == ["show"] else []))
    assert (status, out) == (expected, "")
    assert err.startswith(f"derive: {message}") or (err.startswith("derive: argument COMMAND: ") and message in err)
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_value_that_does_not_exist_is_an_invalid_input_and_one_too_large_a_limit(run, tmp_path):
    path = tmp_path / "p.toml"
    path.write_text('[given]\nw = 0\n[forward]\nL = "1/w"\n', encoding="utf-8")
    status, out, err = run("show", path)
    assert (status, out) == (3, "")
    assert err.startswith("derive: L: has no value at the given numbers (division by zero")
    path.write_text('[given]\nw = 400\n[forward]\nL = "exp(exp(w))"\n', encoding="utf-8")
    status, out, err = run("show", path)
    assert (status, out) == (4, "")
    assert "too large" in err


def test_the_list_names_every_problem_with_its_title(run):
    lines = run("list")[1].splitlines()
    assert [line.split()[0] for line in lines] == list(derive.built_in_names())
    assert all(line.endswith(derive.find(line.split()[0]).title) for line in lines)


IMPORTED = """
import io, sys
from contextlib import redirect_stdout
from derive.cli import main
for arguments in {calls}:
    with redirect_stdout(io.StringIO()):
        assert main(arguments) == 0
print([name for name in ("sympy", "mpmath", "rich") if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("calls", "loaded"),
    [([["--help"], ["show", "--help"], ["--version"]], []), ([["show", "q1", "--wrt", "w5"]], ["sympy", "mpmath"])],
)
def test_help_loads_nothing_heavy(calls, loaded):
    """The second row shows that the first one would notice."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(calls=calls)], capture_output=True, text=True, timeout=60, check=True
    )
    found = ast.literal_eval(done.stdout.strip())
    assert found == loaded if not loaded else "sympy" in found


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("name", ["q1", "q3"])
def test_a_file_holds_what_is_printed(name, style, run, tmp_path):
    path = tmp_path / "page"
    status, printed, err = run("show", name, *FORMATS[style])
    assert (status, err) == (0, "")
    assert printed.endswith("\n")
    assert "\x1b" not in printed
    assert run("show", name, *FORMATS[style], "-o", path) == (0, "", "")
    assert path.read_bytes().decode() == printed
    assert [entry.name for entry in tmp_path.iterdir()] == ["page"]


def test_an_existing_file_is_replaced_whole(run, tmp_path):
    path = tmp_path / "page.json"
    path.write_text("x" * 1_000_000, encoding="utf-8")
    assert run("show", "q2", "--format", "json", "-o", path)[0] == 0
    assert json.loads(path.read_text(encoding="utf-8"))["problem"]["title"] == "Question 2"


def test_a_place_that_cannot_be_written_is_a_usage_error(run, tmp_path):
    for path, why in ((tmp_path / "missing" / "page", "No such file or directory"), (tmp_path, "Is a directory")):
        assert run("show", "q1", "-o", path) == (2, "", f"derive: -o {path}: {why}\n")
    assert not list(tmp_path.iterdir())


def forward(**moved):
    """Question 1 in mpmath, with some of its quantities moved by hand."""

    def sigmoid(z):
        return 1 / (1 + mpmath.exp(-z))

    v = {name: mpmath.mpf(number.text) for name, number in derive.find("q1").given.items()}

    def put(name, value):
        v[name] = value + moved.get(name, 0)

    for name in tuple(v):
        put(name, v[name])
    put("net_h1", v["w1"] * v["x1"] + v["w3"] * v["x2"] + v["b1"])
    put("net_h2", v["w2"] * v["x1"] + v["w4"] * v["x2"] + v["b1"])
    put("h1", sigmoid(v["net_h1"]))
    put("h2", sigmoid(v["net_h2"]))
    put("net_y1", v["w5"] * v["h1"] + v["w7"] * v["h2"] + v["b2"])
    put("net_y2", v["w6"] * v["h1"] + v["w8"] * v["h2"] + v["b2"])
    put("y1", sigmoid(v["net_y1"]))
    put("y2", sigmoid(v["net_y2"]))
    put("L", ((v["t1"] - v["y1"]) ** 2 + (v["t2"] - v["y2"]) ** 2) / 2)
    return v


def difference(of, wrt):
    step = mpmath.mpf(10) ** -25
    return (forward(**{wrt: step})[of] - forward(**{wrt: -step})[of]) / (2 * step)


@pytest.mark.parametrize(
    ("of", "wrt"),
    [("y1", ("w5", "h1")), ("L", ("net_h1", "b1", "h1")), (None, ("w1", "b2", "x1")), ("net_y2", ("net_h2",)), ("L", ("y1", "t1"))],
)
def test_only_what_is_asked_for_with_the_value_of_a_difference_quotient(of, wrt, run):
    options = [*(["--of", of] if of else []), *(part for name in wrt for part in ("--wrt", name))]
    status, out, err = run("show", "q1", "--format", "json", *options)
    assert (status, err) == (0, "")
    data, goal = json.loads(out), of or "L"
    assert set(data["partials"]) == {f"d{goal}/d{name}" for name in wrt}
    assert not data["updated"]
    problem = derive.find("q1")
    with mpmath.workdps(70):
        for name in wrt:
            entry = data["partials"][f"d{goal}/d{name}"]
            assert abs(mpmath.mpf(entry["value"]) / difference(goal, name) - 1) < mpmath.mpf(10) ** -16
            assert entry["latex"]
            assert problem.read(entry["formula"])


def test_of_alone_takes_every_parameter_it_depends_on(run):
    data = json.loads(run("show", "q1", "--of", "y1", "--format", "json")[1])
    assert set(data["partials"]) == {f"dy1/d{name}" for name in ("w5", "w7", "b2", "w1", "w2", "w3", "w4", "b1")}


def test_json_has_the_schema_of_the_contract(run):
    out = run("show", "q1", "--format", "json")[1]
    data = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert data["schema"] == "derive/derivation-1"
    assert set(data) == {"schema", "problem", "values", "gradients", "partials", "asked", "updated", "steps", "checks"}
    assert out == json.dumps(data, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
    assert set(data["gradients"]) == set(data["updated"]) == {*(f"w{k}" for k in range(1, 9)), "b1", "b2"}
    with mpmath.workdps(70):
        for name, entry in data["gradients"].items():
            gradient = difference("L", name)
            assert abs(mpmath.mpf(entry["value"]) / gradient - 1) < mpmath.mpf(10) ** -16
            moved = forward()[name] - gradient / 2
            assert abs(mpmath.mpf(data["updated"][name]) / moved - 1) < mpmath.mpf(10) ** -16
    checks = data["checks"]
    assert (checks["failed"], checks["lines"]) == (0, sum(len(step["lines"]) for step in data["steps"]))


def significant(text):
    return len(text.lstrip("-").replace(".", "").lstrip("0"))


def numbers(data):
    """The JSON numbers of question 1 that are not short by nature."""
    return {name: data["values"][name] for name in ("h1", "h2", "y1", "y2", "L")} | {n: e["value"] for n, e in data["gradients"].items()}


@pytest.mark.parametrize(("options", "digits"), [([], 17), (["--digits", "3"], 3), (["--digits", "34"], 34), (["--digits", "1"], 1)])
def test_so_many_digits(options, digits, run):
    found = numbers(json.loads(run("show", "q1", "--format", "json", *options)[1]))
    with mpmath.workdps(70):
        exact = forward()
        exact |= {name: difference("L", name) for name in found if name[0] in "wb"}
        for name, text in found.items():
            assert significant(text) == digits
            assert abs(mpmath.mpf(text) - exact[name]) <= mpmath.mpf(10) ** Decimal(text).as_tuple().exponent / 2


@pytest.mark.parametrize("places", [0, 2, 9])
def test_so_many_places(places, run):
    found = numbers(json.loads(run("show", "q1", "--format", "json", "--places", places)[1]))
    with mpmath.workdps(70):
        exact = forward()
        for name, text in found.items():
            assert -Decimal(text).as_tuple().exponent == places
            truth = exact[name] if name[0] not in "wb" else difference("L", name)
            assert abs(mpmath.mpf(text) - truth) <= mpmath.mpf(10) ** -places / 2


def test_by_hand_every_intermediate_is_rounded_and_used(run):
    """Four places, halves away from zero, each step computed here from the rounded ones before it."""
    data = json.loads(run("show", "q1", "--format", "json", "--carry", "hand")[1])

    def hand(value):
        return Decimal(mpmath.nstr(value, 40)).quantize(Decimal("0.0001"), "ROUND_HALF_UP")

    def sigmoid(z):
        return hand(1 / (1 + mpmath.exp(-mpmath.mpf(str(z)))))

    def rounded(value):
        return value.quantize(Decimal("0.0001"), "ROUND_HALF_UP")

    d = Decimal
    h1, h2 = sigmoid(d("0.3825")), sigmoid(d("0.39"))
    net_y1 = rounded(d("0.40") * h1 + d("0.50") * h2 + d("0.80"))
    net_y2 = rounded(d("0.45") * h1 + d("0.55") * h2 + d("0.80"))
    y1, y2 = sigmoid(net_y1), sigmoid(net_y2)
    loss = rounded(((d("0.01") - y1) ** 2 + (d("0.99") - y2) ** 2) / 2)
    delta = rounded((y1 - d("0.01")) * y1 * (1 - y1))
    wanted = {"h1": h1, "h2": h2, "net_y1": net_y1, "net_y2": net_y2, "y1": y1, "y2": y2, "L": loss}
    assert {name: Decimal(data["values"][name]) for name in wanted} == wanted
    assert Decimal(data["gradients"]["w5"]["value"]) == rounded(delta * h1)
    assert Decimal(data["updated"]["w5"]) == rounded(d("0.40") - d("0.5") * rounded(delta * h1))
    status, page, _ = run("show", "q1", "--carry", "hand")
    assert status == 0
    assert "rounded to 4 decimal places" in page


PROBLEM = '[given]\nw = 2\nx = 3\n[forward]\nL = "w*x^2"\n'


def test_a_dash_reads_standard_input(run, monkeypatch):
    def give(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    give(PROBLEM.encode())
    status, out, err = run("show", "-", "--format", "json")
    assert (status, err) == (0, "")
    assert json.loads(out)["gradients"]["w"]["value"] == "9"
    give(PROBLEM.replace("w*x", "w#x").encode())
    assert run("show", "-") == (3, "", "derive: standard input: forward.L: '#' does not belong in a formula (at character 2)\n")
    give(b"#" * (2 << 20))
    assert run("show", "-") == (3, "", "derive: standard input: the file is over the limit of 256 KiB\n")


def test_standard_input_in_a_process_of_its_own():
    done = started("show", "-", "--format", "json", input=PROBLEM.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["values"]["L"] == "18"


def equations(problem):
    """What each equation says; whether a dot stands between two factors is a matter of layout."""
    return [(e.goal, typed(e.rhs), e.siblings) for e in problem.network.equations]


def same_problem(first, second):
    assert equations(first) == equations(second)
    for field in ("title", "source", "question", "notation", "given", "examples", "names", "asks", "decision", "train"):
        assert getattr(first, field) == getattr(second, field), field
    assert dict(first.vectors) == dict(second.vectors)


LAYERED = {
    "layers": '[layers]\nsizes = [2, 3, 2]\nactivations = ["relu", "softmax"]\nloss = "cross_entropy"\n[train]\nlearning_rate = 0.1\n',
    "quotes": 'title = "a \\"quoted\\" \\\\ title, ۱"\n[forward]\nL = "1/2*(w*x - t)^2"\n'
    '[names]\nw = "\\\\hat w"\n[ask]\n"δ \\"1\\"" = "dL/dw"\n',
    "examples": PROBLEM.replace("x = 3\n", "") + "[train]\nlearning_rate = 0.5\n[[examples]]\nx = 3\n[[examples]]\nx = -4e-7\n",
    "brackets": '[forward]\na = "x - (y - z)"\nb = "a/(y*z)"\nc = "(-b)^2"\nd = "(a^b)^c"\nL = "2*(-d) - (a + b)*c/(d/a)"\n',
}


@pytest.mark.parametrize("name", [*NAMES, *LAYERED])
def test_what_is_expanded_loads_as_the_same_problem(name, run, tmp_path):
    path = tmp_path / "problem.toml"
    if name in LAYERED:
        path.write_text(LAYERED[name], encoding="utf-8")
    source = path if name in LAYERED else name
    status, out, err = run("show", source, "--expand")
    assert (status, err) == (0, "")
    assert "[layers]" not in out
    same_problem(load_text(out), derive.find(str(source)))
    path.write_text(out, encoding="utf-8")
    assert run("show", path, "--expand") == (0, out, "")


def test_an_expanded_batch_loads_with_the_same_equations(run, tmp_path):
    path = tmp_path / "batch.toml"
    batch = "[train]\nbatch = true\nlearning_rate = 0.5\n[[examples]]\nx = 3\n[[examples]]\nx = 4\n"
    path.write_text(PROBLEM.replace("x = 3\n", "") + batch, encoding="utf-8")
    status, out, _ = run("show", path, "--expand")
    assert status == 0
    assert equations(load_text(out)) == equations(derive.load(path))
    assert [goal for goal, *_ in equations(load_text(out))] == ["L_1", "L_2", "L"]


SURROUNDINGS = {
    "NO_COLOR": {"NO_COLOR": "1"},
    "dumb": {"TERM": "dumb"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    "narrow": {"COLUMNS": "20", "FORCE_COLOR": "1"},
}


def test_surroundings_change_nothing_that_goes_to_a_pipe(run):
    wanted = run("show", "q1")[1].encode()
    with ThreadPoolExecutor() as pool:
        done = dict(zip(SURROUNDINGS, pool.map(lambda e: started("show", "q1", environment=e), SURROUNDINGS.values()), strict=True))
    for name, result in done.items():
        assert (result.returncode, result.stderr, result.stdout == wanted) == (0, b"", True), name


def test_messages_and_help_survive_an_ascii_locale():
    for arguments, status in ((["show", "δ"], 3), (["show", "--help"], 0), (["show", "q1", "--wrt", "δ"], 2), (["list"], 0)):
        done = started(*arguments, environment=SURROUNDINGS["ASCII"])
        assert done.returncode == status
        assert b"Traceback" not in done.stderr
        assert b"internal error" not in done.stderr
        assert bool(done.stdout) == (status == 0)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"TERM": "dumb"}, id="dumb"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, id="NO_COLOR"),
        pytest.param({"TERM": "xterm", "COLUMNS": "20"}, id="narrow"),
        pytest.param(
            SURROUNDINGS["ASCII"], id="ASCII"
        ),
    ],
)
def test_a_terminal_of_any_kind_gets_a_page(environment):
    ours, theirs = os.openpty()
    kept = {"PATH": os.environ["PATH"]}
    call = [*COMMAND, "show", "q1", "--wrt", "w5"]
    with subprocess.Popen(call, env={**kept, **environment}, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        page = heard(ours)
        error = process.stderr.read()
    os.close(ours)
    assert (process.returncode, error) == (0, b"")
    assert b"Question 1" in page
    if environment.get("TERM") == "dumb" or "NO_COLOR" in environment:
        assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", page)


@pytest.mark.skipif(os.name == "nt", reason="pipes break differently there")
@pytest.mark.parametrize("arguments", [["show", "q1"], ["show", "q1", "--format", "json"], ["list"]])
def test_a_reader_that_leaves_early_is_no_error(arguments):
    ours, theirs = os.pipe()
    with subprocess.Popen([*COMMAND, *arguments], stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        os.close(ours)
        error = process.stderr.read()
    assert (process.returncode, error) == (0, b"")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_closed_standard_output_is_no_fault_of_ours():
    done = subprocess.run(
        ["sh", "-c", '"$0" -m derive show q1 --wrt w5 >&-', sys.executable], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


RENDERED = """
import hashlib, json
import derive
from derive.decisions import prove_decisions
found = {{}}
for name in {names}:
    problem = derive.find(name)
    work = prove_decisions(problem) if problem.decision else derive.derive(problem)
    for style in {styles}:
        found[name + " " + style] = hashlib.sha256(derive.render(work, style).encode()).hexdigest()
print(json.dumps([hash("derive"), found]))
"""


def test_the_same_bytes_whatever_the_hash_seed():
    program = RENDERED.format(names=["q1", "q2", "q3"], styles=["text", "latex", "latex-fragment", "markdown", "json"])

    def rendered(seed):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=True)
        return json.loads(done.stdout)

    with ThreadPoolExecutor(4) as pool:
        hashes, pages = zip(*pool.map(rendered, range(8)), strict=True)
    assert len(set(hashes)) == 8
    assert len(pages[0]) == 15
    different = {page for page in pages[0] if len({found[page] for found in pages}) != 1}
    assert not different


def test_what_is_piped_is_not_wrapped(tmp_path):
    long = " + ".join(f"w{k}*x{k}" for k in range(1, 80))
    path = tmp_path / "long.toml"
    path.write_text(f'[forward]\nz = "{long}"\nL = "sigmoid(z)"\n', encoding="utf-8")
    done = started("show", str(path), environment={"COLUMNS": "40"})
    assert (done.returncode, done.stderr) == (0, b"")
    written = " + ".join(f"w{k} · x{k}" for k in range(1, 80))
    assert written in done.stdout.decode()


def test_every_formula_in_json_is_read_back(run):
    """The gradients and the lines of every built-in derivation."""
    count = 0
    for name in ("mazur", "q1", "q2"):
        problem, data = derive.find(name), json.loads(run("show", name, "--format", "json")[1])
        for step in data["steps"]:
            for line in step["lines"]:
                read_formula(line["formula"])
                count += 1
        for entry in data["gradients"].values():
            problem.read(entry["formula"])
    assert count > 100


def test_softmax_in_json_is_read_back(run, tmp_path):
    path = tmp_path / "softmax.toml"
    path.write_text('[forward]\n"p, q" = "softmax(a, b)"\nL = "p*q"\n', encoding="utf-8")
    data = json.loads(run("show", path, "--format", "json")[1])
    assert all(read_formula(line["formula"]) for step in data["steps"] for line in step["lines"])
