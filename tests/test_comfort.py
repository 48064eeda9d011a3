"""Formats by the endings of files, pages that are opened, versions."""

import csv
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import sympy
from conftest import COMMAND, PLACE, worked

import derive
from derive.blocks import LEVELS
from derive.formats import render
from derive.options import ARRAY_LEVELS, PAGE_LEVELS
from derive.tables.endings import COMPILED, ENDINGS

# --- formats by the endings of files -----------------------------------------------------------------------------------

PAGE_ENDINGS = {ending: style for ending, style in ENDINGS.items() if style != "csv" and style not in COMPILED}


@pytest.mark.parametrize(("ending", "style"), PAGE_ENDINGS.items())
def test_the_ending_of_the_file_says_the_format(ending, style, run, tmp_path):
    for command in ("show", "key") if style != "svg" else ("show",):  # a key has two pictures
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


# --- opening a page, versions, levels ----------------------------------------------------------------------------------

@pytest.fixture
def viewer(tmp_path, monkeypatch):
    """A viewer that writes down what it was asked to show."""
    if os.name == "nt":
        pytest.skip("needs a POSIX shell")
    script, seen = tmp_path / "viewer", tmp_path / "seen"
    script.write_text(f'#!/bin/sh\necho "$1" >> {seen}\n', encoding="utf-8")
    script.chmod(0o755)
    (tmp_path / "made").mkdir()

    def show(*arguments, **environment):
        environment = {**PLACE, "BROWSER": f"{script} %s", "TMPDIR": str(tmp_path / "made"), **environment}
        done = subprocess.run([*COMMAND, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=60, check=False)
        shown = [Path(unquote(urlsplit(line).path)) for line in seen.read_text(encoding="utf-8").splitlines()] if seen.exists() else []
        return done.returncode, done.stdout, done.stderr, shown

    return show


def test_the_file_that_is_written_is_opened(viewer, tmp_path):
    page = tmp_path / "my page.tex"
    assert viewer("show", "q2", "--open", "-o", page) == (0, "", "", [page])
    assert page.read_text(encoding="utf-8") == render(worked("q2"), "latex")
    assert not list((tmp_path / "made").iterdir())


@pytest.mark.parametrize(
    ("arguments", "ending"),
    [(["show", "q2"], None), (["key", "q1"], None), (["key", "q1", "--format", "latex"], "tex"), (["show", "q1", "--format", "json"], "json"), (["explain", "chain-rule", "--format", "markdown"], "md")],
)
def test_a_page_without_a_file_is_opened_in_one_that_stays(arguments, ending, viewer, tmp_path):
    status, out, err, shown = viewer(*arguments, "--open")
    assert (status, out, err, len(shown)) == (0, "", "", 1)
    usual = next(ending for ending, style in ENDINGS.items() if style == ENDINGS.get("html", "text"))
    assert shown == list((tmp_path / "made").iterdir())
    assert shown[0].suffix == f".{ending or usual}"
    assert shown[0].stat().st_size > 100


def test_an_audit_is_opened_and_its_gradebook_is_not_opened_twice(viewer, tmp_path):
    answers = tmp_path / "answers.csv"
    answers.write_text(ANSWERS, encoding="utf-8")
    assert len(viewer("check", "q1", answers, "--open")[3]) == 1
    status, out, _, shown = viewer("check", "q1", answers, "--open", "-o", tmp_path / "grades.csv")
    assert (status, shown[1:]) == (0, [tmp_path / "grades.csv"])
    assert "Question 1" in out


def test_without_a_viewer_the_page_is_there_all_the_same(viewer, tmp_path):
    page = tmp_path / "page.txt"
    said = viewer("show", "q2", "--open", "-o", page, BROWSER="", PATH="")
    assert said == (2, "", f"derive: --open: no viewer was found; the page is {page}\n", [])
    assert page.exists()


def test_many_papers_are_not_opened(run, tmp_path):
    said = run("key", "q1", "--variants", 2, "--open", "-o", tmp_path / "papers")
    assert said == (2, "", "derive: --open is for one page, and --variants writes many\n")


def test_the_versions_are_told_and_sympy_is_not_loaded():
    code = "import sys; from derive.cli import main; status = main(['--version']); print(status, 'sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    told, after = done.stdout.splitlines()
    python = ".".join(map(str, sys.version_info[:3]))
    assert told == f"derive {derive.__version__} (SymPy {sympy.__version__}, Python {python})"
    assert after == "0 False"


# --- levels ---------------------------------------------------------------------------------------------------------------


def test_the_levels_of_the_options_are_those_of_pages():
    assert list(LEVELS) == list(PAGE_LEVELS)


CHAIN_LINES = {
    "q1": r"∂L/∂w5 = ∂L/∂y1 · ∂y1/∂net_y1 · ∂net_y1/∂w5 .*chain rule",
    "dense": r"∂L/∂W\[i,j\] = Σ_\(k,n\) ∂L/∂Z\[k,n\]·∂Z\[k,n\]/∂W\[i,j\] .*chain rule",
    "q3": r"⇔ e\^z1",
}
RESULTS = {
    "q1": r"∂L/∂w5 = δ_y1 · h1\n +≈ 0\.0766137\n",
    "dense": r"∂L/∂W = ∂L/∂Z Xᵀ\n",
    "q3": r"ŷ ≤ 0\.5\n +⇔ W_l x \+ b_l ≤ 0\n",
}


@pytest.mark.parametrize("name", CHAIN_LINES)
def test_brief_shows_results_and_steps_the_chain_rule(name, run):
    brief, steps = (run("show", name, "--level", level)[1] for level in ("brief", "steps"))
    assert re.search(RESULTS[name], brief)
    assert "chain rule" not in brief
    assert not re.search(CHAIN_LINES[name], brief)
    assert re.search(CHAIN_LINES[name], steps)


@pytest.mark.parametrize("name", CHAIN_LINES)
@pytest.mark.parametrize("style", [style for style in ENDINGS.values() if style not in ("json", "csv", *COMPILED)])
def test_a_level_cuts_a_page_in_every_format(style, name, run):
    brief, steps, full = (run("show", name, "--format", style, "--level", level) for level in PAGE_LEVELS)
    assert run("show", name, "--format", style) == full
    if style == "svg":  # a picture has no lines to leave out
        assert brief == steps == full
    else:
        assert brief[1] == render(worked(name), style, level="brief")
        assert len(brief[1]) < len(steps[1]) <= len(full[1])


def test_levels_that_do_not_go_together_are_refused(run, tmp_path):
    layers = tmp_path / "layers.toml"
    layers.write_text("[layers]\nsizes = [2, 2, 1]\n", encoding="utf-8")
    assert "x1, x2 → z^[1]_1, z^[1]_2 → " in run("show", layers, "--level", "brief")[1]
    assert "x → z^[1] → " in run("show", layers, "--level", "matrix")[1]
    whole = run("show", "dense", "--format", "json")
    assert run("show", "dense", "--format", "json", "--level", "full") == whole
    for level in ("brief", "steps"):
        refused = f"derive: --level {level} is for pages; JSON has every line\n"
        assert run("show", "dense", "--format", "json", "--level", level) == (2, "", refused)
    for name in ("q1", "q3"):
        for level in ARRAY_LEVELS:
            status, page, said = run("show", name, "--level", level)
            assert (status, page) == (2, "")
            assert said == f"derive: --level {level} is for problems over arrays: those with [shapes], or with [layers]\n"


