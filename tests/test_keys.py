"""The paper, the key and the worksheet: what stands on each, and what must not."""

import csv
import io
import json
import re
import shutil
import subprocess

import pytest
from conftest import work_out

import derive
from derive.arithmetic import key_of
from derive.cli import main
from derive.errors import UsageError
from derive.exercises.keys import answer_sheet, asked_of, defused, entries_of
from derive.folders import write_folder
from derive.formats import draw_page
from derive.formats.exam import render_exam
from derive.formats.keys import render_key
from derive.keypages import sheets_of, worksheet_of

# Matt Mazur, "A Step by Step Backpropagation Example" (2015): the new weights he prints, to ten significant digits or so.
MAZUR = {
    "w1+": "0.149780716", "w2+": "0.19956143", "w3+": "0.24975114", "w4+": "0.29950229",
    "w5+": "0.35891648", "w6+": "0.408666186", "w7+": "0.511301270", "w8+": "0.561370121",
}  # fmt: skip
NAMES = ("q1", "q2", "q3", "mazur")


def only(page):
    return draw_page(page, "text")


def test_the_answers_of_mazurs_example_are_those_he_published():
    found = {entry.label: entry.shown[0] for entry in entries_of(work_out("mazur", rounding=derive.Rounding(places=8)))}
    for label, published in MAZUR.items():
        assert abs(float(found[label]) - float(published)) < 6e-9, label
    assert abs(float(found["E_total"]) - 0.298371109) < 6e-9


def test_without_an_ask_a_problem_asks_for_loss_gradients_and_new_parameters():
    labels = [label for label, _, _ in asked_of(derive.find("mazur"))]
    assert labels[:2] == ["E_total", "dE_total/dw5"]
    assert labels[-8:] == ["w5+", "w6+", "w7+", "w8+", "w1+", "w2+", "w3+", "w4+"]


def test_the_paper_gives_nothing_away():
    """Every number on the paper is a given one."""
    work = work_out("q1")
    paper = only(sheets_of(work).paper)
    given = {number.text for number in work.problem.given.values()} | {"0.5"}
    assert set(re.findall(r"\d+\.\d+", paper)) == given
    assert "[ " not in paper


@pytest.mark.parametrize("name", NAMES)
def test_paper_and_key_begin_alike(name):
    sheets = sheets_of(work_out(name), "q1-1-001-abcdef")
    front = len(sheets.front)
    assert sheets.paper.blocks[:front] == sheets.key.blocks[:front]
    assert "q1-1-001-abcdef" in only(sheets.paper)
    assert "q1-1-001-abcdef" in only(sheets.key)


@pytest.mark.parametrize("style", ["text", "latex", "markdown"])
@pytest.mark.parametrize("name", ["q1", "mazur"])
def test_every_answer_stands_in_a_box(name, style):
    work = work_out(name)
    key = draw_page(sheets_of(work).key, style)
    for entry in entries_of(work):
        digits = entry.shown[0].replace("-", "−") if style == "text" else entry.shown[0]
        boxes = {"text": [f"[ {digits} ]"], "latex": [rf"\boxed{{{digits}}}"], "markdown": [rf"\boxed{{{digits}}}", f"**$`{digits}`$**"]}
        assert any(box in key for box in boxes[style]), entry.label


def test_what_was_asked_in_other_words_is_boxed_where_it_is_answered():
    key = only(sheets_of(work_out("q2")).key)
    assert len(re.findall(r"= \[ .* \]", key)) == len(work_out("q2").answers)


def test_the_key_holds_the_whole_derivation_and_says_what_was_judged():
    work = work_out("q1")
    key, page = only(sheets_of(work).key), derive.render(work)
    unboxed = re.sub(r"\[ (\S+) \]", r"\1", key)
    for line in page[page.index("Forward pass") : page.index("Update\n")].splitlines():
        assert line in unboxed
    assert f"{work.checks.judged} of {work.checks.lines} lines judged, none failed" in key


# --- the worksheet ----------------------------------------------------------------------------------------------------


def test_a_worksheet_shows_no_result_unless_it_was_kept():
    """Without --blank every result is left out, and every line in which it would stand as a number."""
    work = work_out("q1")
    sheet = only(worksheet_of(work))
    state = work.states[0]
    for step in (*work.forward, *work.partials):
        key = key_of(step.goal)
        assert work.rounding.show(state.values[key], key in state.exact).replace("-", "−") not in sheet
    assert "(y1 − t1) · y1(1 − y1) · h1" in sheet


def test_one_blank_hides_one_result_everywhere():
    work = work_out("q1")
    sheet = only(worksheet_of(work, ["dL/dw5"]))
    assert "0.0766137" not in sheet
    assert "0.361693" not in sheet  # the new w5 would give it away
    assert "0.0768465" in sheet  # ∂L/∂w7 stays
    assert "0.594476" not in only(worksheet_of(work, ["h1"]))


def test_blanks_are_of_one_width():
    widths = {len(run) for run in re.findall(r"_{5,}", only(worksheet_of(work_out("q1"))))}
    assert len(widths) == 1


@pytest.mark.parametrize("typed", ["dL/dw99", "x1", "h1 +", "h1 + h2"])
def test_what_cannot_be_left_blank_is_said(typed):
    with pytest.raises(UsageError, match="--blank"):
        worksheet_of(work_out("q1"), [typed])


# --- LaTeX ------------------------------------------------------------------------------------------------------------

HOSTILE = r"\input{/etc/passwd} 50% & #1 $x_1^2$ ~{}\end{document} <b> \write18{rm} ^^5c"


def hostile():
    return derive.derive(derive.load_text(f"title = '{HOSTILE}'\nsource = '{HOSTILE}'\nquestion = '{HOSTILE}'\n[given]\na = 0.5\n[forward]\nf = 'a*b'\n"))


def test_a_hostile_title_is_text_in_the_exam_file():
    source = render_exam(sheets_of(hostile(), r"x\input{y}"), r"x\input{y}")
    assert r"\input{/etc" not in source
    assert source.count(r"\end{document}") == 1
    assert r"\write18" not in source.replace(r"\textbackslash{}write18", "")


@pytest.mark.tex
@pytest.mark.parametrize("name", [*NAMES, "hostile"])
@pytest.mark.parametrize("key", [False, True], ids=["paper", "key"])
def test_one_file_compiles_into_both_documents(name, key, tmp_path):
    if shutil.which("pdflatex") is None or not subprocess.run(["kpsewhich", "exam.cls"], capture_output=True, check=False).stdout:
        pytest.skip("pdflatex or exam.cls is missing: apt-get install texlive-latex-extra")
    work = hostile() if name == "hostile" else work_out(name)
    (tmp_path / "exam.tex").write_text(render_exam(sheets_of(work, "q1-7-001-abcdef"), "q1-7-001-abcdef"), encoding="utf-8")
    job = r"\def\withkey{}\input{exam.tex}" if key else "exam.tex"
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-jobname=out", job]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "out.pdf").stat().st_size > 5000


def test_the_switch_is_one_commented_line():
    lines = render_exam(sheets_of(work_out("q1"))).splitlines()
    assert r"%\printanswers" in lines[:5]


# --- data -------------------------------------------------------------------------------------------------------------


def test_json_holds_the_answers_as_strings():
    work = work_out("q1")
    data = json.loads(render_key(sheets_of(work), work, "json"))
    assert data["schema"] == "derive/key-1"
    assert data["answers"]["dL/dw5"] == "0.0766137"
    assert data["given"]["w5"] == "0.40"
    assert data["worked"]["schema"] == "derive/derivation-1"


CELLS = [
    ("=1+1", "'=1+1"), ("@x", "'@x"), ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"), ("-2+3", "'-2+3"), ("\t=1", "' =1"), (" =1", "' =1"),
    ("\r=1", "' =1"), ("＝1", "'＝1"), ("-0.25", "-0.25"), ("+1.5e-7", "+1.5e-7"), ("0.10", "0.10"), ("δ1", "δ1"), ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "safe"), CELLS)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(cell, safe):
    assert defused(cell) == safe


def test_the_answer_sheet_is_csv_with_a_hostile_label_defused():
    work = derive.derive(derive.load_text('[given]\na = 2\n[forward]\nf = "3*a"\n[ask]\n"=HYPERLINK(1),x" = "-1*df/da"\n'))
    rows = list(csv.reader(io.StringIO(answer_sheet([("p-1", entries_of(work))]))))
    assert rows == [["paper", "'=HYPERLINK(1),x"], ["p-1", "-3"]]


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_folder_is_written_whole_or_not_at_all(tmp_path):
    there = tmp_path / "papers"
    with pytest.raises(ValueError, match="plain file name"):
        write_folder(str(there), {"a.txt": "a", "../b.txt": "b"})
    with pytest.raises(UsageError):
        write_folder(str(tmp_path / "no" / "such"), {"a.txt": "a"})
    assert list(tmp_path.iterdir()) == []
    write_folder(str(there), {"a.txt": "a", "b.txt": "b"})
    assert sorted(path.name for path in there.iterdir()) == ["a.txt", "b.txt"]


def test_a_folder_with_something_in_it_needs_force(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        write_folder(str(tmp_path), {"a.txt": "a"})
    write_folder(str(tmp_path), {"a.txt": "a"}, force=True)
    assert (tmp_path / "mine.txt").read_text() == "mine"
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        write_folder(str(tmp_path), {"a.txt": "new", "b.txt": "b"}, force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt", "mine.txt"]
    assert (tmp_path / "a.txt").read_text() == "a"


def test_a_link_in_the_folder_is_replaced_and_not_followed(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("safe")
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "a.txt").symlink_to(outside)
    write_folder(str(folder), {"a.txt": "new"}, force=True)
    assert outside.read_text() == "safe"
    assert (folder / "a.txt").read_text() == "new"


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys):
    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    return command


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("style", ["text", "latex", "markdown", "json"])
def test_every_problem_has_a_key_in_every_format(run, name, style):
    status, out, err = run("key", name, "--format", style)
    assert (status, err) == (0, "")
    assert out.endswith("\n")


def test_the_paper_stands_before_the_key(run):
    _, both, _ = run("key", "q1")
    _, paper, _ = run("key", "q1", "--paper-only")
    _, key, _ = run("key", "q1", "--key-only")
    assert both.index("Your answers") < both.index("Forward pass")
    assert paper.splitlines()[4:] == both.splitlines()[4 : len(paper.splitlines())]
    assert "Forward pass" in key
    assert "Forward pass" not in paper


REFUSED = [
    (2, "-o DIR", ["key", "q1", "--variants", "3"]),
    (2, "--blank goes with --worksheet", ["key", "q1", "--blank", "h1"]),
    (2, "--worksheet is a page", ["key", "q1", "--worksheet", "--format", "json"]),
    (2, "is for derivations of named numbers", ["key", "q3", "--worksheet"]),
    (2, "no numbers", ["key", "q3", "--variants", "2", "-o", "DIR"]),
    (3, "variants need a number", ["key", "q2", "--variants", "2", "-o", "DIR"]),
    (2, "no paper id", ["key", "q1", "--paper", "nonsense"]),
    (2, "was not made from this problem", ["key", "q1", "--paper", "q1-7-001-000000"]),
    (2, "from 1 to 10000", ["key", "q1", "--variants", "0", "-o", "DIR"]),
]


@pytest.mark.parametrize(("status", "message", "arguments"), REFUSED)
def test_a_command_that_does_not_fit_says_what_to_type(run, tmp_path, status, message, arguments):
    found, out, err = run(*(str(tmp_path / "papers") if argument == "DIR" else argument for argument in arguments))
    assert found == status
    assert message in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


# --- what a student needs, and nothing that answers -------------------------------------------------------------------


def test_the_paper_says_how_to_update():
    assert "θ⁺ = θ − η · ∂L/∂θ" in only(sheets_of(work_out("q1")).paper)


def test_the_paper_says_the_slope_at_a_kink():
    problem = derive.load_text('[given]\nw = 2\nx = 3\n[forward]\nz = "w*x"\nL = "relu(z)"\n')
    assert "its slope there is taken to be 0" in only(sheets_of(derive.derive(problem)).paper)


def test_the_paper_of_a_proof_shows_the_two_classifiers_and_no_answer():
    paper = only(sheets_of(work_out("q3")).paper)
    assert "softmax(z1, z2)" in paper
    assert "ŷ_1 ≥ ŷ_2" in paper
    assert "w_s2 − w_s1" not in paper


def test_a_formula_left_blank_is_written_out_nowhere():
    assert "w^[3]_1 · a^[2]_1(1 − a^[2]_1)" not in only(worksheet_of(work_out("q2")))


def test_a_worksheet_ends_with_the_update():
    assert only(worksheet_of(work_out("q1"))).rstrip().endswith("____")
