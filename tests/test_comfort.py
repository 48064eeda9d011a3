"""What makes the command pleasant: formats by file names, and all that follows."""

import csv
import gc
import io

import pytest

from derive.cli import main
from derive.tables.endings import COMPILED, ENDINGS


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


# --- formats by the endings of files --------------------------------------------------------------------------------------

PAGE_ENDINGS = {ending: style for ending, style in ENDINGS.items() if style != "csv" and style not in COMPILED}


@pytest.mark.parametrize(("ending", "style"), PAGE_ENDINGS.items())
def test_the_ending_of_the_file_says_the_format(ending, style, run, tmp_path):
    for command in ("show", "key"):
        asked, told = tmp_path / f"{command}.anything", tmp_path / f"{command}.{ending}"
        assert run(command, "q2", "--format", style, "-o", asked) == (0, "", "")
        assert run(command, "q2", "-o", told) == (0, "", "")
        assert told.read_bytes() == asked.read_bytes()
        assert run(command, "q2", "-o", tmp_path / f"{command}-.{ending.upper()}") == (0, "", "")
        assert (tmp_path / f"{command}-.{ending.upper()}").read_bytes() == asked.read_bytes()


def test_pages_of_two_endings_differ(run, tmp_path):
    for ending in PAGE_ENDINGS:
        assert run("show", "q2", "-o", tmp_path / f"page.{ending}")[0] == 0
    pages = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert len(set(pages.values())) == len(pages) == len(PAGE_ENDINGS)
    assert pages["page.tex"].startswith("\\documentclass")


@pytest.mark.parametrize("name", ["page", "page.tex.old", "page.csv", "d.tex/page", "tex", ".tex"])
def test_any_other_ending_is_text(name, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.tex").mkdir()
    assert run("show", "q2", "-o", name) == (0, "", "")
    assert (tmp_path / name).read_text(encoding="utf-8") == run("show", "q2")[1]


def test_a_format_that_is_named_wins(run, tmp_path):
    assert run("show", "q2", "--format", "text", "-o", tmp_path / "page.tex") == (0, "", "")
    assert (tmp_path / "page.tex").read_text(encoding="utf-8") == run("show", "q2")[1]
    assert run("show", "q2", "--fragment", "-o", tmp_path / "part.tex") == (0, "", "")
    assert (tmp_path / "part.tex").read_text(encoding="utf-8") == run("show", "q2", "--format", "latex", "--fragment")[1]


def test_a_folder_is_no_file_with_an_ending(run, tmp_path):
    assert run("key", "q1", "--variants", 2, "-o", tmp_path / "papers.tex")[0] == 0
    assert {path.suffix for path in (tmp_path / "papers.tex").iterdir()} == {".txt", ".csv"}


ANSWERS = "student,h1,y1\nAda,0.594476,0.791820\nBo,0.59,0.7\n"


def test_a_gradebook_is_for_a_class_and_leaves_the_page_on_the_screen(run, tmp_path):
    answers, grades = tmp_path / "answers.csv", tmp_path / "grades.csv"
    answers.write_text(ANSWERS, encoding="utf-8")
    page = run("check", "q1", answers)[1]
    assert run("check", "q1", answers, "-o", grades) == (0, page, "")
    assert [row["student"] for row in csv.DictReader(io.StringIO(grades.read_text(encoding="utf-8")))] == ["Ada", "Bo"]
    assert run("check", "q1", answers, "--format", "csv", "-o", grades) == (0, "", "")
    assert run("check", "q1", answers, "--format", "text", "-o", grades) == (0, "", "")
    assert grades.read_text(encoding="utf-8") == page
    answers.write_text("h1 = 0.594476\n", encoding="utf-8")
    page = run("check", "q1", answers)[1]
    assert run("check", "q1", answers, "-o", grades) == (0, "", "")
    assert grades.read_text(encoding="utf-8") == page
