"""The notebooks run in this interpreter without an error, print what an independent computation gives, and are stored clean."""

import cmath
import json
import math
import re
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import derive

HOME = Path(__file__).parent.parent / "notebooks"
QUESTIONS = ("q1", "q2", "q3")
ARRAYS = ("layers", "losses", "sequences")
NAMES = (*QUESTIONS, *ARRAYS, "optimisers", "tour")
MOST_OUTPUT = 1_500_000


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A kernel `python3` that is this interpreter, whatever else is installed, and that no settings of a user reach."""
    spec = tmp_path / "data" / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "data"))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    return tmp_path


def read(name):
    return nbformat.read(HOME / f"{name}.ipynb", as_version=4)


def run(name, folder):
    """The executed notebook; any cell that raises fails the test.  Run in an empty folder, as a student would."""
    book = read(name)
    probe = nbformat.v4.new_code_cell("import sys; print(sys.executable)")
    book.cells.append(probe)
    NotebookClient(book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    assert printed(book.cells.pop()).strip() == sys.executable
    return book


def printed(*cells):
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", ()) if output.output_type == "stream")


def slope(function, values, name):
    """The derivative by a complex step: exact to the last digits of a float, and no rule of differentiation in it."""
    return function({**values, name: values[name] + 1e-30j}).imag / 1e-30


def sigmoid(z):
    return 1 / (1 + cmath.exp(-z))


Q1 = {"x1": 0.05, "x2": 0.10, "w1": 0.15, "w2": 0.20, "w3": 0.25, "w4": 0.30, "w5": 0.40, "w6": 0.45, "w7": 0.50, "w8": 0.55,
      "b1": 0.35, "b2": 0.80, "t1": 0.01, "t2": 0.99}  # fmt: skip


def loss(v):
    h1, h2 = (sigmoid(v[a] * v["x1"] + v[b] * v["x2"] + v["b1"]) for a, b in (("w1", "w3"), ("w2", "w4")))
    y1, y2 = (sigmoid(v[a] * h1 + v[b] * h2 + v["b2"]) for a, b in (("w5", "w7"), ("w6", "w8")))
    return ((v["t1"] - y1) ** 2 + (v["t2"] - y2) ** 2) / 2


Q2 = {"x1": 0.5, "x2": -1, "w1_11": 0.1, "w1_12": 0.2, "w1_21": 0.3, "w1_22": 0.4,
      "w2_11": 0.5, "w2_12": 0.6, "w2_21": 0.7, "w2_22": 0.8, "w3_1": 0.9, "w3_2": 1}  # fmt: skip


def output(v):
    a = [sigmoid(v[f"w1_{k}1"] * v["x1"] + v[f"w1_{k}2"] * v["x2"]) for k in (1, 2)]
    b = [sigmoid(v[f"w2_{k}1"] * a[0] + v[f"w2_{k}2"] * a[1]) for k in (1, 2)]
    return v["w3_1"] * b[0] + v["w3_2"] * b[1]


def facts_q1():
    moved = {name: value - 0.5 * slope(loss, Q1, name) if name[0] in "wb" else value for name, value in Q1.items()}
    assert f"{slope(loss, Q1, 'w5'):.10f}" == "0.0766136947"
    yield "dL/dw5 0.0766136947"
    yield f"dL/dw1 {slope(loss, Q1, 'w1'):.10f}"
    yield from (f"{name}: {Q1[name]:.2f} -> {moved[name]:.10f}" for name in Q1 if name[0] in "wb")
    yield f"loss {loss(Q1).real:.10f} -> {loss(moved).real:.10f}"
    for w5 in (-5.0, -2.0, 0.40, 2.0, 5.0):
        changed = {**Q1, "w5": w5}
        yield f"L {loss(changed).real:.6f}   dL/dw5 {slope(loss, changed, 'w5'):.6f}"


def facts_q2():
    value = f"{slope(output, Q2, 'w1_11'):.10f}"
    yield f"delta4 {value}"
    yield f"sympy  {value}"
    yield "difference: 0\n"
    yield from (f"df/d{name}: difference 0\n" for name in ("z2_1", "z2_2", "z1_1", "z1_2"))


def facts_q3():
    yield "decide alike: 1000 of 1000"
    yield "decide alike with the sign swapped: 0 of 1000"
    yield "below 1e-12: True"
    gap = (0.2 + 0.6 - 0.4) - (0.5 - 0.5 + 0.1)  # σ(z) = (1 + tanh(z/2))/2
    first, second = (1 - math.tanh(gap / 2)) / 2, (1 + math.tanh(gap / 2)) / 2
    yield f"softmax {first:.10f} {second:.10f}   neuron {second:.10f}"
    yield "neuron 0.5   both class 0: True"


def facts_arrays(name):
    """Every gradient that is checked, each by a cell that raises unless the measured slopes agree."""
    for cell in read(name).cells:
        if cell.cell_type == "code":
            yield from (f"{quantity:10} largest entry" for quantity in re.findall(r"^check\(\"(.+?)\"", cell.source, flags=re.MULTILINE))


def facts_optimisers():
    """Two updates of every rule, each by a cell that raises unless the recurrence in plain Python agrees."""
    yield from (f"{name} after two updates:" for name in ("weightdecay", "momentum", "nesterov", "rmsprop", "adam"))


def facts_tour():
    for w5 in ("-2", "0.40", "2", "5"):
        changed = {**Q1, "w5": float(w5)}
        told, slopes = rounded(loss(changed).real), rounded(slope(loss, changed, "w5"))
        yield f"w5 = {w5:5}  L = {told:9}  dL/dw5 = {slopes}"
    for rate in (0.5, 0.25):
        moved = {name: value - rate * slope(loss, Q1, name) if name[0] in "wb" else value for name, value in Q1.items()}
        yield f"learning rate {rate}: loss {loss(Q1).real:.6f} -> {loss(moved).real:.6f}"
    yield from ("h1 right", "dL/dw5 wrong loss-sign", "dL/dw7 wrong loss-sign")


def rounded(value, digits=6):
    """To so many significant digits, zeros kept."""
    return f"{value:#.{digits}g}"


FACTS = {"tour": facts_tour, "optimisers": facts_optimisers, "q1": facts_q1, "q2": facts_q2, "q3": facts_q3} | {name: partial(facts_arrays, name) for name in ARRAYS}


@pytest.mark.parametrize("name", NAMES)
def test_runs_and_prints_the_facts(name, kernel):
    book = run(name, kernel)
    text = printed(*book.cells)
    for fact in FACTS[name]():
        assert fact in text
    streams = {output.name for cell in book.cells for output in cell.get("outputs", ()) if output.output_type == "stream"}
    assert streams == {"stdout"}, "a notebook warns"
    size = sum(len(json.dumps(cell.outputs)) for cell in book.cells if cell.cell_type == "code")
    assert size < MOST_OUTPUT


# --- layers, losses, sequences: a section for every built-in problem over arrays ---------------------------------------------


def sections(book):
    """The cells of a notebook under each of its headings."""
    found = {}
    for cell in book.cells:
        if cell.cell_type == "markdown" and (heading := re.match(r"##? (.+)", cell.source)):
            under = found.setdefault(heading[1], [])
        under.append(cell)
    return found


def built_in_arrays():
    return [name for name in derive.built_in_names() if derive.find(name).arrays is not None]


@pytest.mark.parametrize("name", built_in_arrays())
def test_every_problem_over_arrays_has_its_section(name):
    """With the derivation shown, and a check against measured slopes."""
    call = f'derive.derive(derive.find("{name}")'
    found = [cells for book in ARRAYS for cells in sections(read(book)).values() if any(call in cell.source for cell in cells)]
    assert len(found) == 1, f"no section, or several, that show {name}"
    assert any(re.search(r"^ *check\(", cell.source, flags=re.MULTILINE) for cell in found[0] if cell.cell_type == "code")


@pytest.mark.parametrize("name", ARRAYS)
def test_a_check_finds_a_wrong_formula(name):
    import numpy

    scope = {}
    exec(read(name).cells[1].source, scope)
    at = numpy.array([[0.5, -1.0, 2.0]])
    scope["check"]("right", 3 * at**2, lambda x: numpy.sum(x**3), at)
    for wrong in (2 * at**2, 3 * at[0] ** 2, -3 * at**2, 3 * at**2 + numpy.array([0, 0, 1e-4])):
        with pytest.raises(AssertionError):
            scope["check"]("wrong", wrong, lambda x: numpy.sum(x**3), at)


def test_q1_measures_every_gradient_it_derives(kernel):
    rows = re.findall(r"dL/d(\w+)   derive (\S+)   measured (\S+)", printed(*run("q1", kernel).cells))
    assert sorted(name for name, _, _ in rows) == sorted(name for name in Q1 if name[0] in "wb")
    for name, derived, measured in rows:
        assert float(derived) == pytest.approx(slope(loss, Q1, name), abs=6e-8)
        assert float(measured) == pytest.approx(float(derived), abs=2e-7)


@pytest.mark.parametrize("name", NAMES)
def test_stored_clean(name):
    """No outputs, no counts, fixed ids, and the very bytes that nbformat writes: nothing changes when it is saved again."""
    book = read(name)
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert book.metadata.kernelspec.name == "python3"
    assert [cell.id for cell in book.cells] == [f"{name}-{place:02}" for place in range(1, len(book.cells) + 1)]
    for cell in book.cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)
    stored = (HOME / f"{name}.ipynb").read_text(encoding="utf-8")
    assert stored == nbformat.writes(book, indent=1).rstrip("\n") + "\n"
    assert len(stored) < 40_000


@pytest.mark.parametrize("name", NAMES)
def test_words_then_code(name):
    """A short text before every code cell: two to four sentences."""
    cells = read(name).cells
    assert [cell.cell_type for cell in cells] == ["markdown", "code"] * (len(cells) // 2)
    for cell in cells[::2]:
        words = re.sub(r"^#.*$", "", cell.source, flags=re.MULTILINE)
        assert 2 <= len(re.findall(r"[.?!:](?:\s|$)", words)) <= 6, cell.source


def test_the_text_in_q1_is_the_built_in_problem():
    from derive.spec import BUILT_IN

    text = (BUILT_IN / "q1.toml").read_text(encoding="utf-8").partition("[words.fa]")[0].strip()
    assert any(text in cell.source for cell in read("q1").cells)
