"""Variants: an id brings the same paper back, every gate turns away what it says, and the programs compute what the steps say."""

import ast
import csv
import inspect
import math
import random
import re
from collections import Counter
from decimal import Decimal

import pytest
from conftest import work_out

import derive
from derive.cli import main
from derive.errors import InputError, LimitError, UsageError
from derive.exercises import programs
from derive.exercises.draws import digest_of, is_id, read_id, rounding_of, slot_of, stem_of
from derive.exercises.keys import entries_of
from derive.exercises.programs import build_bounded, build_program
from derive.exercises.reckoning import true_values
from derive.exercises.sheets import make_sheet
from derive.exercises.variants import Variants, has_tie, near_tie
from derive.keypages import GATES, rejections
from derive.reader import read_formula
from derive.rounding import Rounding
from derive.tables.ops import OPS
from derive.written import Later, Name, Number, Partial

RELU = """
[given]
x1 = 0.5
x2 = 0.8
w1 = 0.4
w2 = -0.3
b = 0.2
v = 0.7
t = 1
[forward]
z = "w1*x1 + w2*x2 + b"
h = "relu(z)"
y = "sigmoid(v*h)"
L = "1/2*(t - y)^2"
[train]
learning_rate = 0.1
"""

EXAMPLES = """
[given]
w = 0.35
b = 0.15
[forward]
z = "w*x + b"
y = "sigmoid(z)"
L = "1/2*(t - y)^2"
[train]
learning_rate = 0.5
[ask]
"second w" = "w@2"
[[examples]]
x = 0.45
t = 0.25
[[examples]]
x = 0.85
t = 0.65
"""


@pytest.fixture(scope="module")
def q1():
    return Variants(derive.find("q1"), "q1", Rounding())


@pytest.fixture(scope="module")
def relu():
    return Variants(derive.load_text(RELU), "relu", Rounding())


# --- ids --------------------------------------------------------------------------------------------------------------


def test_an_id_brings_the_same_paper_back_in_another_process(q1):
    paper = q1.paper(7, 12)
    again = Variants(derive.find("q1"), "q1", Rounding()).again(paper.id)
    assert again == paper
    assert derive.render(again.work) == derive.render(paper.work)


def test_a_paper_does_not_depend_on_how_many_are_made(q1):
    alone = Variants(derive.find("q1"), "q1", Rounding()).paper(7, 5)
    assert [q1.paper(7, number).problem.given for number in range(1, 6)][-1] == alone.problem.given


def test_other_seeds_and_numbers_give_other_papers(q1):
    drawn = {tuple(q1.paper(seed, number).problem.given.values()) for seed in (1, 2) for number in (1, 2, 3)}
    assert len(drawn) == 6


def test_an_id_of_an_edited_problem_is_refused(q1):
    edited = derive.load_text(derive.spec.BUILT_IN.joinpath("q1.toml").read_text().replace("w5 = 0.40", "w5 = 0.41"))
    with pytest.raises(UsageError, match="another version of this problem"):
        Variants(edited, "q1", Rounding()).again(q1.paper(7, 1).id)
    with pytest.raises(UsageError, match="was the file edited since"):
        rounding_of(edited, read_id(q1.paper(7, 1).id))


def test_words_may_be_edited_and_the_ids_stay():
    text = derive.spec.BUILT_IN.joinpath("q1.toml").read_text()
    assert digest_of(derive.load_text(text.replace("Question 1", "Aufgabe 1")), Rounding()) == digest_of(derive.load_text(text), Rounding())


@pytest.mark.parametrize("rounding", [Rounding(), Rounding(digits=4), Rounding(places=5), Rounding("hand", 4, 4), Rounding("hand", 3)])
def test_an_id_says_how_its_paper_is_rounded(rounding):
    problem = derive.find("mazur")
    assert rounding_of(problem, read_id(f"mazur-1-001-{digest_of(problem, rounding)}")) == rounding


@pytest.mark.parametrize("text", ["", "q1", "q1-7-012", "q1-7-12-3f9a2c", "../q1-7-012-3f9a2c", "q1-7-012-3F9A2C", "q1-٧-012-3f9a2c", "q1-7-012-3f9a2c\nx"])
def test_what_is_no_id_is_refused(text):
    assert not is_id(text)
    with pytest.raises(UsageError, match="no paper id"):
        read_id(text)


@pytest.mark.parametrize("name", ["a/b/../c.toml", "-", "=1+1.toml", "a b\n.toml", "نمره.toml", "x" * 500])
def test_a_stem_holds_nothing_but_letters_digits_and_underscores(name):
    assert re.fullmatch(r"[A-Za-z0-9_]{1,32}", stem_of(name))


# --- drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["0.15", "-0.40", "2.50", "0.05", "7", "-12", "1.5e-3", "0.123456", "0.80"])
def test_a_drawn_number_is_written_like_the_original(text):
    slot, original = slot_of(-1, "w", Number(text), False), Decimal(text)
    for chance in range(200):
        drawn = slot.drawn(random.Random(chance).getrandbits(64))
        assert Decimal(drawn).as_tuple().exponent == original.as_tuple().exponent
        assert original.as_tuple().sign == Decimal(drawn).as_tuple().sign
        assert Decimal("0.4") <= Decimal(drawn) / original <= Decimal("2.1")
        assert not ("." in text and drawn.partition("e")[0].endswith("0"))
        assert ("e" in drawn) == ("e" in text)


def test_every_number_in_the_range_can_be_drawn():
    slot = slot_of(-1, "w", Number("0.15"), False)
    assert {slot.drawn(k) for k in range(100)} == {f"0.{m:02d}" for m in range(8, 30) if m % 10}


KEPT = [("0", False), ("1", False), ("-1", False), ("0.01", True), ("0.99", True), ("1", True), ("0.0", False)]


@pytest.mark.parametrize(("text", "target"), KEPT)
def test_zeros_ones_and_yes_or_no_targets_stay(text, target):
    slot = slot_of(-1, "t", Number(text), target)
    assert slot.kept
    assert slot.drawn(12345) == text


def test_a_target_of_a_sigmoid_stays_below_one():
    slot = slot_of(-1, "t", Number("0.75"), True)
    assert all(0 < float(slot.drawn(k)) < 1 for k in range(500))


def test_the_learning_rate_and_the_network_stay(q1):
    paper = q1.paper(3, 1)
    assert paper.problem.train == q1.problem.train
    assert paper.problem.network == q1.problem.network
    assert paper.problem.title == q1.problem.title


def test_numbers_of_examples_are_drawn_too():
    papers = Variants(derive.load_text(EXAMPLES), "ex", Rounding())
    paper = papers.paper(1, 1)
    assert paper.problem.given != papers.problem.given
    for old, new in zip(papers.problem.examples, paper.problem.examples, strict=True):
        assert old.keys() == new.keys()
        assert old["x"] != new["x"]
    assert entries_of(paper.work)[0].label == "second w"


# --- gates: each is fed what it is there to turn away ------------------------------------------------------------------


def drawn_as(papers, **numbers):
    return [numbers.get(slot.name, slot.typed.text) for slot in papers.slots]


def test_the_gates_are_all_tried_and_all_named():
    source = inspect.getsource(Variants)
    assert [gate for gate in GATES if f'"{gate}"' not in source] == []


@pytest.mark.parametrize(
    ("gate", "numbers"),
    [
        ("dead", {"w1": "0.2", "w2": "-0.5", "b": "0.1"}),  # z = 0.1 − 0.4 + 0.1 < 0
        ("kink", {"w1": "0.3", "w2": "-0.4", "b": "0.2"}),  # z = 0.15 − 0.32 + 0.2 = 0.03
        ("ugly", {"x1": "0.8", "x2": "0.8"}),
        ("ugly", {}),  # the original itself
    ],
)
def test_relu_gates(relu, gate, numbers):
    assert relu.gate(drawn_as(relu, **numbers)) == gate


def test_a_saturated_unit_is_turned_away(relu):
    """z = 0.5·0.4 − 0.8·0.3 + 0.2 = 0.16, so that u = 9·v·z is 4.464 for v = 3.1 and 1.872 for v = 1.3."""
    bent = Variants(derive.load_text(RELU.replace("sigmoid(v*h)", "sigmoid(u)").replace('y = ', 'u = "9*v*h"\ny = ')), "bent", Rounding())
    assert bent.gate(drawn_as(bent, v="1.3")) in (None, "tie", "slip")
    assert bent.gate(drawn_as(bent, v="3.1")) == "saturated"


def test_a_vanishing_signal_is_turned_away():
    deep = derive.load_text(RELU.replace("sigmoid(v*h)", "tanh(u)").replace("y = ", 'u = "v*h"\ny = ').replace("t = 1", "t = 0.503"))
    papers = Variants(deep, "deep", Rounding(), slips=False)
    near = math.tanh(0.9 * (0.5 * 0.4 - 0.3 * 0.8 + 0.7))
    assert papers.gate(drawn_as(papers, v="0.9", b="0.7", t=f"{near:.6f}")) == "vanishing"


def test_a_gate_does_not_ask_for_more_than_the_original_has():
    """A network whose one ReLU is dead by design may be dead in its variants too."""
    dead = Variants(derive.load_text(RELU.replace("b = 0.2", "b = -0.9")), "dead", Rounding(), slips=False)
    assert ("dead", "z") in dead.excused
    assert dead.paper(1, 1).work.states[0].values["z"] < 0


TIES = [("0.12345", 4, True), ("0.123450009", 4, True), ("0.1234499991", 4, True), ("0.12346", 4, False), ("2.5", 1, True), ("0", 3, False)]


@pytest.mark.parametrize(("value", "digits", "tie"), TIES)
def test_a_tie_is_seen_from_both_sides(value, digits, tie):
    assert near_tie(Decimal(value), Rounding(digits=digits)) is tie
    assert near_tie(-Decimal(value), Rounding(digits=digits)) is tie


def test_no_paper_has_a_tie_and_both_ways_to_look_agree(q1):
    for number in range(1, 15):
        paper = q1.paper(4, number)
        assert not has_tie(paper.work, q1.sheet)
        texts = [slot.drawn(0) if slot.kept else paper.problem.given[slot.name].text for slot in q1.slots]
        values = q1.program(*q1.inputs(texts))
        assert not q1.has_near_tie(values)
        for value in values:
            if value:
                assert near_tie(Decimal(value), Rounding()) is False


def test_equal_inputs_hide_a_slip(q1):
    """With x1 = x2 a wrong index between them changes nothing, so no marker could see it."""
    typed = drawn_as(q1, x1="0.09", x2="0.09")
    assert q1.slip_gate(q1.inputs(typed)) is not None
    assert q1.gate(typed) == "ugly"


def test_on_every_paper_every_slip_shows_and_none_looks_like_another():
    """Recomputed in 40-digit decimals from the slip's own sheet, for each id of the table and a few places of each."""
    papers = Variants(derive.find("mazur"), "mazur", Rounding())
    sheet = make_sheet(papers.paper(7, 1).problem)
    from derive.tables.slips import candidates

    right, seen, found = true_values(sheet), {}, Counter()
    original = true_values(make_sheet(papers.problem))
    for slipped in candidates(sheet)[::7]:
        wrong = true_values(sheet.done_wrong(slipped.rows, slipped.ways, {}))
        moved = [key for key in sheet.base if key in wrong and wrong[key] != right[key]]
        if not moved or any(key not in wrong for key in sheet.base):
            continue
        own = [key for key in slipped.where if key in sheet.base]
        assert any(Rounding().show(wrong[key]) != Rounding().show(right[key]) for key in own), slipped
        signature = tuple(Rounding().show(wrong[key]) for key in sheet.base)
        exact = tuple(wrong[key] for key in sheet.base)
        slip, values = seen.setdefault(signature, (slipped.slip, exact))
        assert slip == slipped.slip or max(abs(a - b) for a, b in zip(values, exact, strict=True)) < Decimal("1e-30"), (slip, slipped)
        found[slipped.slip] += 1
    assert original
    assert len(found) >= 8


def test_when_no_draw_passes_the_gate_that_blocks_is_named(monkeypatch):
    papers = Variants(derive.load_text(RELU), "relu", Rounding(digits=1), slips=True)
    monkeypatch.setattr(Variants, "slip_gate", lambda self, inputs: "all alike")
    with pytest.raises(LimitError, match=r"turned away by the gate 'slip'|turned away by the gate"):
        papers.paper(1, 1)


def test_nothing_to_draw_is_said():
    with pytest.raises(InputError, match="nothing to draw"):
        Variants(derive.load_text('[given]\na = 1\n[forward]\nf = "2*a"\n'), "one", Rounding())


def test_rejections_are_one_sentence():
    assert rejections(30, ["tie"] * 7 + ["saturated"] * 5).startswith("30 papers; 12 draws rejected: 7 ties at rounding, 5 saturated units")
    assert rejections(3, []) == "3 papers; no draw was rejected"


# --- programs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["q1", "mazur"])
def test_a_program_computes_what_the_derivation_shows(name):
    work = work_out(name)
    sheet = make_sheet(work.problem)
    outputs = tuple(key for key in sheet.base if not isinstance(key, Later))
    found = build_program(sheet.rows, tuple(sheet.given), outputs)(*(float(number.text) for number in sheet.given.values()))
    for key, value in zip(outputs, found, strict=True):
        if key in work.states[0].values:
            assert math.isclose(value, work.states[0].values[key], rel_tol=1e-13)


# Mazur prints these gradients and weights; the program has to give them from his numbers.
def test_a_program_gives_mazurs_published_numbers():
    sheet = make_sheet(derive.find("mazur"))
    keys = (Partial("E_total", "w5"), Later(Name("w5"), 1), Later(Name("w1"), 1))
    found = build_program(sheet.rows, tuple(sheet.given), keys)(*(float(number.text) for number in sheet.given.values()))
    assert found == pytest.approx((0.082167041, 0.35891648, 0.149780716), abs=6e-10)


@pytest.mark.parametrize("function", [name for name, op in OPS.items() if not op.listed and not op.spread])
def test_every_operation_runs_on_floats_as_it_does_in_decimals(function):
    op = OPS[function]
    tree = read_formula(f"{function}({', '.join(op.example)})")
    from derive.arithmetic import compile_tree, precision

    with precision(50):
        expected = float(compile_tree(tree)({}))
    (found,), (error,) = build_bounded({"f": tree}, (), ("f",))()
    assert abs(found - expected) <= error + 1e-16 * abs(expected)
    assert build_program({"f": tree}, (), ("f",))() == (found,)


@pytest.mark.parametrize("name", ["q1", "mazur"])
def test_the_bound_of_an_error_holds_and_is_small(name):
    """Against 40-digit decimals, at many drawn papers."""
    papers = Variants(derive.find(name), name, Rounding())
    sheet = papers.sheet
    bounded = build_bounded(sheet.rows, tuple(sheet.given), tuple(sheet.rows))
    for number in range(20):
        texts = papers.draw(9, number)
        truth = true_values(make_sheet(papers.with_numbers(texts), updates=sheet.updates))
        for key, value, error in zip(sheet.rows, *bounded(*papers.inputs(texts)), strict=True):
            assert abs(Decimal(value) - truth[key]) <= Decimal(error)
            assert error <= 1e-11 * max(abs(value), 1e-6)


def test_a_program_is_made_of_nothing_anybody_typed():
    sheet = make_sheet(derive.find("mazur"))
    program = build_program(sheet.rows, tuple(sheet.given), tuple(sheet.rows))
    code = program.__code__
    assert all(re.fullmatch(r"[av]\d+", name) for name in code.co_varnames)
    assert set(code.co_names) <= {"k_exp"}
    assert all(constant is None or isinstance(constant, float) for constant in code.co_consts)
    assert program.__globals__["__builtins__"] == {}
    for node in ast.walk(ast.parse(inspect.getsource(programs))):
        assert not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"))


def test_a_long_sum_is_no_problem_for_the_compiler():
    names = [f"a{k}" for k in range(3000)]
    tree = read_formula(" + ".join(names[:300]))
    rows = {"s": tree}
    assert build_program(rows, names[:300], ("s",))(*[0.5] * 300) == (150.0,)


def test_with_numpy_the_same_function_runs_on_arrays(q1):
    numpy = pytest.importorskip("numpy", reason="NumPy is not installed; nothing needs it")
    sheet, outputs = q1.sheet, tuple(q1.sheet.base)
    plain = build_program(sheet.rows, tuple(sheet.given), outputs)
    vector = build_program(sheet.rows, tuple(sheet.given), outputs, programs.numpy_kernels())
    rows = [q1.inputs(q1.draw(1, number)) for number in range(50)]
    columns = vector(*numpy.array(rows).T)
    for place, row in enumerate(rows):
        for value, column in zip(plain(*row), columns, strict=True):
            found = column[place] if numpy.ndim(column) else column
            assert math.isclose(value, found, rel_tol=1e-13)


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys):
    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    return command


@pytest.mark.parametrize(("style", "kinds"), [("text", ["key.txt", "paper.txt"]), ("latex", ["tex"]), ("markdown", ["key.md", "paper.md"]), ("json", ["json"])])
def test_a_folder_of_papers_keys_and_one_answer_sheet(run, tmp_path, style, kinds):
    folder = tmp_path / "papers"
    status, out, err = run("key", "q1", "--variants", 3, "--seed", 7, "-o", folder, "--format", style)
    assert (status, out) == (0, "")
    assert err.startswith("derive: 3 papers; ")
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 3 * len(kinds) + 1
    rows = list(csv.DictReader((folder / "answers.csv").open(encoding="utf-8")))
    assert len(rows) == 3
    for row in rows:
        assert [name.removeprefix(row["paper"]).lstrip("-.") for name in names if name.startswith(row["paper"])] == kinds
        text = (folder / f"{row['paper']}{'.' if len(kinds) == 1 else '-'}{kinds[0]}").read_text(encoding="utf-8")
        assert row["paper"] in text
        assert row["dL/dw5"] in text


def test_the_answer_sheet_holds_what_the_printed_id_gives_again(run, tmp_path):
    run("key", "q1", "--variants", 2, "--seed", 7, "-o", tmp_path / "papers")
    rows = list(csv.DictReader((tmp_path / "papers" / "answers.csv").open(encoding="utf-8")))
    for row in rows:
        for command in (["key", row["paper"]], ["key", "q1", "--paper", row["paper"]]):
            status, out, _ = run(*command)
            assert status == 0
            assert row["paper"] in out
            assert all(f"[ {row[name].replace('-', '−')} ]" in out for name in row if name != "paper")


def test_the_same_command_writes_the_same_bytes(run, tmp_path):
    for folder in ("a", "b"):
        run("key", "mazur", "--variants", 2, "-o", tmp_path / folder, "--format", "latex")
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("a", "b"))
    assert first == second


def test_a_full_folder_is_left_alone(run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    status, _, err = run("key", "q1", "--variants", 2, "-o", tmp_path)
    assert (status, "--force" in err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert run("key", "q1", "--variants", 2, "-o", tmp_path, "--force")[0] == 0
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_hostile_file_name_stays_in_the_folder(run, tmp_path):
    problem = tmp_path / "=cmd|' $(x)..toml"
    problem.write_text(RELU, encoding="utf-8")
    assert run("key", problem, "--variants", 1, "-o", tmp_path / "papers")[0] == 0
    names = [path.name for path in (tmp_path / "papers").iterdir()]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)
    assert {path.name for path in tmp_path.iterdir()} == {"papers", problem.name}


def test_worksheets_are_files_of_their_own(run, tmp_path):
    for style, end in (("text", "txt"), ("latex", "tex")):
        folder = tmp_path / style
        assert run("key", "q1", "--variants", 1, "-o", folder, "--format", style, "--worksheet")[0] == 0
        (name,) = [path.name for path in folder.iterdir() if "worksheet" in path.name]
        assert name.endswith(f"-worksheet.{end}")


def test_papers_that_repeat_each_other_are_told(run, tmp_path):
    """One number of one digit: seven papers cannot all differ."""
    problem = tmp_path / "tiny.toml"
    problem.write_text('[given]\na = 3\n[forward]\nf = "2*a"\n')
    status, _, err = run("key", problem, "--variants", 7, "-o", tmp_path / "papers")
    assert status == 0
    assert "papers with the same numbers as one before: " in err
