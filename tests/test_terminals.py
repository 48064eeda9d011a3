"""Terminals of every kind: their characters, their breadth, their colours; and streams that are closed, full or left."""

import io
import os
import re
import signal
import struct
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
from conftest import COMMAND, PLACE, heard, work_out, worked
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import derive
from derive.bidi import END, LEFT, RIGHT, width, without_marks
from derive.blocks import Equations
from derive.exercises.answers import read_answers
from derive.exercises.audit import audit_papers
from derive.formats import draw_page, render
from derive.formats.ascii import ASCII, LETTERS, transliterated
from derive.formats.breaks import FACTORS, OPERATORS, broken, wrapped
from derive.formats.mathematics import write
from derive.formats.plain import typed
from derive.formats.terminal import SPELLINGS, print_pages
from derive.formats.text import UNICODE, chain_lines
from derive.keypages import sheets_of
from derive.pages import page_of
from derive.reader import read_formula
from derive.symbols import Script
from derive.works import derive as work_problem

# --- ASCII ----------------------------------------------------------------------------------------------------------------

ALL = derive.built_in_names()


def stay(page, plain):
    """That a page in ASCII has a question mark for a letter only where the other page has one."""
    assert page.isascii()
    assert page.count("?") == plain.count("?")
    assert len(undrawn(page)) == len(undrawn(plain))


def undrawn(page):
    """The lines of a page but for its drawing: names spelled out in ASCII may leave no room for one."""
    head, _, rest = page.partition("\n-----------\n\n")  # the heading before it
    drawing = re.match(r"(?: .*\n)+\n", rest)
    return (head + (rest[drawing.end() :] if drawing else rest)).splitlines()


@pytest.mark.parametrize("name", ALL)
def test_pages_and_keys_in_ascii(name):
    work = worked(name)
    stay(render(work, "text-ascii"), render(work, "text"))
    sheets = sheets_of(work)
    for page in (sheets.paper, sheets.key):
        stay(draw_page(page, "text-ascii"), draw_page(page, "text"))


@pytest.mark.parametrize("name", [name for name in ALL if derive.find(name).decision is None])
def test_audits_in_ascii(name):
    problem = derive.find(name)
    loss = problem.train.loss
    answers = f"{loss} = 12345.678\nd{loss}/d{problem.train.parameters[0]} = {loss} + δ\nno = 1\n".encode()
    for audit in audit_papers(problem, read_answers(answers, problem, "answers"), derive.Rounding()):
        stay(render(audit, "text-ascii"), render(audit, "text"))


def test_every_command_has_it(run, tmp_path):
    answers = tmp_path / "answers.txt"
    answers.write_text("dL/dy1 = t1 - y1\n", encoding="utf-8")
    for call in (["show", "q1"], ["key", "q1"], ["key", "q1", "--worksheet"], ["check", "q1", answers], ["list"]):
        plain, page = run(*call), run(*call, "--ascii")
        assert (plain[0], plain[2]) == (page[0], page[2]) == (0, "")
        assert page[1].isascii()
        assert plain[1].isascii() == (call == ["list"])
    assert run("key", "q1", "--variants", 2, "--ascii", "-o", tmp_path / "papers")[0] == 0
    assert all(path.read_text(encoding="utf-8").isascii() for path in (tmp_path / "papers").iterdir())
    assert run("show", "q1", "--ascii", "-o", tmp_path / "page.tex") == (2, "", "derive: --ascii goes with --format text\n")


@pytest.mark.parametrize("command", ["show", "key"])
def test_persian_cannot_be_ascii(command, run):
    assert run(command, "q1", "--ascii", "--lang", "fa") == (2, "", "derive: --ascii writes English only\n")
    assert run(command, "q1", "--ascii", "--digits-script", "persian") == (2, "", "derive: --ascii writes Latin digits only\n")


@pytest.mark.parametrize("name", [name for name in ALL if derive.find(name).arrays is None and derive.find(name).decision is None])
def test_formulas_in_ascii_are_those_that_can_be_typed(name):
    """Read back, each is the formula that the page without ASCII limits came from."""
    signs = {"sigma(": "sigmoid(", "ln(": "log("}
    count = 0
    for step in worked(name).steps:
        for line in step.lines if step.kind != "vector" else ():
            text = write(line.tree, ASCII.face, Script())
            for sign, function in signs.items():
                text = text.replace(sign, function)
            if "|direct" not in text:
                assert typed(read_formula(text)) == typed(read_formula(typed(line.tree)))
                count += 1
    assert count > 20


def test_the_table_of_letters_leads_to_ascii():
    assert all(text.isascii() and not letter.isascii() for letter, text in LETTERS.items())


@given(st.text())
def test_any_text_can_be_transliterated(text):
    assert transliterated(text).isascii()
    assert transliterated(transliterated(text)) == transliterated(text)


@given(st.text(st.sampled_from("─│┌┐└┘├┤┬┴┼╭╮╯╰━┃╋●▶█▒ ab")))
def test_what_is_drawn_keeps_its_columns(drawing):
    assert len(transliterated(drawing)) == len(drawing)


# --- narrow terminals -----------------------------------------------------------------------------------------------------

SHOWN = ("q1", "q2", "q3", "dense", "batchnorm", "adam")


@cache
def pages():
    second = work_problem(derive.find("q1"), wrt=["w5", "w1"], hessian=True)
    return (*(page_of(worked(name)) for name in SHOWN), page_of(second), page_of(work_problem(derive.find("mlp", True), level="matrix")))


@cache
def formulas():
    """Every line of every chain of the pages, in both spellings."""
    chains = [(block, page.script) for page in pages() for block in page.blocks if isinstance(block, Equations)]
    return [line.formula for spelling in (UNICODE, ASCII) for block, script in chains for line in chain_lines(block, script, spelling)]


def squeezed(text):
    return "".join(text.split())


@given(data=st.data(), room=st.integers(8, 90), indent=st.integers(0, 7))
@settings(max_examples=300, deadline=None)
def test_a_broken_formula_goes_on_with_an_operator(data, room, indent):
    text = data.draw(st.sampled_from(formulas()))
    first, *rest = broken(text, room, indent)
    assert squeezed(first + "".join(rest)) == squeezed(text)
    assert sorted(" ".join((first, *rest)).split()) == sorted(text.split()) or any(line.lstrip()[0] in "·*" for line in rest)
    for before, line in zip((first, *rest), rest, strict=False):
        assert line.startswith(" " * indent)
        assert before.split()[-1] not in OPERATORS
        begins, nothing_better = line.split()[0], not OPERATORS.keys() & before.split()[2:]
        assert begins in OPERATORS or begins[0] in FACTORS or before.endswith(",") or nothing_better
    assert broken(text, 10_000, indent) == [text]


@given(st.text(st.sampled_from("ab =·1")), st.integers(4, 30), st.integers(0, 3))
def test_wrapped_words_are_all_there(text, room, indent):
    lines = wrapped(text, room, indent)
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= room or len(line.split()) == 1 for line in lines)


NUMBER = re.compile(r"−?-?\d+\.\d+")


def drawn(page, columns, style="text"):
    stream = io.StringIO()
    print_pages((page,), Console(file=stream, width=columns, height=25, color_system=None), style)
    return stream.getvalue()


@pytest.mark.parametrize("style", ["text", "text-ascii"])
@pytest.mark.parametrize("columns", [20, 40, 80, 1000])
def test_a_page_of_any_breadth_says_the_same(columns, style):
    for page in pages():
        text = drawn(page, columns, style)
        assert style == "text" or text.isascii()
        tight, numbers = squeezed(text), set(NUMBER.findall(text))
        spelling = SPELLINGS[style](page)
        for block in page.blocks:
            for line in chain_lines(block, page.script, spelling) if isinstance(block, Equations) else ():
                assert line.shapes or squeezed(line.formula) in tight
                assert set(NUMBER.findall(line.formula)) <= numbers
        for line in text.splitlines():
            assert width(line.rstrip()) <= columns or len(broken(line.strip(), columns, 0)) == 1


@pytest.mark.parametrize("columns", [20, 40, 60, 1000])
@pytest.mark.parametrize("name", SHOWN)
def test_a_persian_page_is_held_together_line_by_line(name, columns):
    """A terminal turns each line by itself, so each has to open and close what it holds together."""
    page = page_of(worked(name), "fa", digits="persian")
    text, bare = drawn(page, columns), drawn(page, columns, "text-unmarked")
    assert without_marks(text) == bare != text
    tight, spelling = squeezed(bare), SPELLINGS["text"](page)
    for block in page.blocks:
        for line in chain_lines(block, page.script, spelling) if isinstance(block, Equations) else ():
            assert line.shapes or squeezed(line.formula) in tight
    for line in text.splitlines():
        depth = 0
        for mark in re.findall(f"[{LEFT}{RIGHT}{END}]", line):
            depth += -1 if mark == END else 1
            assert depth >= 0
        assert depth == 0
        assert width(line.rstrip()) <= columns or len(broken(without_marks(line).strip(), columns, 0)) == 1


def on_terminal(*arguments, columns=80, **environment):
    """What a terminal of this breadth is sent, and the exit status."""
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**PLACE, "TERM": "xterm", **environment}
    with subprocess.Popen([*COMMAND, *arguments], env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        sent = heard(ours)
    os.close(ours)
    return sent.decode().replace("\r\n", "\n"), process.returncode


def test_a_terminal_is_asked_how_broad_it_is():
    for columns in (20, 40):
        page, status = on_terminal("show", "q1", columns=columns)
        assert status == 0
        lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", page).splitlines()]
        assert max(width(line) for line in lines if len(broken(line.strip(), columns, 0)) > 1 or width(line) <= columns) == columns


COLOURS = [
    ({}, "auto", True, True),
    ({"NO_COLOR": "1"}, "auto", False, True),
    ({"NO_COLOR": ""}, "auto", True, True),
    ({"TERM": "dumb"}, "auto", False, False),
    ({"TERM": "dumb", "FORCE_COLOR": "1"}, "auto", True, True),
    ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, "auto", False, True),
    ({"NO_COLOR": "1", "TERM": "dumb"}, "always", True, True),
    ({"FORCE_COLOR": "1"}, "never", False, False),
]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("environment", "option", "coloured", "styled"), COLOURS)
def test_colours(environment, option, coloured, styled):
    page, status = on_terminal("show", "q2", "--wrt", "w1_11", "--color", option, **environment)
    assert status == 0
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-7]m", page)) == coloured
    assert ("\x1b[" in page) == styled


def test_colours_in_a_pipe_are_there_when_asked_for_and_break_no_line(run, tmp_path):
    plain, coloured = run("show", "q1")[1], run("show", "q1", "--color", "always")[1]
    assert "\x1b[" not in plain
    assert "\x1b[1;36m" in coloured
    longest = max(plain.splitlines(), key=len)
    assert longest.strip() in coloured
    assert run("show", "q1", "--color", "always", "-o", tmp_path / "page") == (0, "", "")
    assert (tmp_path / "page").read_text(encoding="utf-8") == plain


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize("arguments", [["show", "q1"], ["key", "q1"], ["list"]])
def test_a_terminal_without_our_characters_gets_ascii(arguments):
    page, status = on_terminal(*arguments, PYTHONIOENCODING="latin-1")
    assert status == 0
    assert page.isascii()
    assert "Question 1" in page


# --- what can happen to a stream ------------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["show", "q1"], ["show", "q1", "--color", "always"], ["show", "q1", "--format", "json"], ["list"]])
def test_a_full_disk_is_said(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, b"derive: standard output: No space left on device\n")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("show - <&-", 3, "derive: standard input: is closed\n"),
        ("show nosuch 2>&-", 3, ""),
        ("--help | head -1 >/dev/null", 0, ""),
        ("show q1 --help | true", 0, ""),
        ("show q1 --color always | head -1 >/dev/null", 0, ""),
        ("key q1 | head -1 >/dev/null", 0, ""),
        ("show q1 --wrt w5 >&- 2>&-", 0, ""),
    ],
)
def test_closed_streams(command, status, said):
    shell = f"set -o pipefail; {sys.executable} -m derive {command}"
    done = subprocess.run(["bash", "-c", shell], env={**PLACE}, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (status, said)


READY = "import sys; from derive.cli import main; print('ready', flush=True); sys.exit(main())"


@pytest.mark.skipif(os.name == "nt", reason="signals differ there")
@pytest.mark.parametrize(
    ("arguments", "output", "whole"),
    [
        (["key", "q1", "--variants", "2000"], "papers", 4001),
        (["key", "q1", "--variants", "40", "--worksheet"], "papers", 121),
        (["show", "multihead"], "page.txt", len(render(work_out("multihead")).encode())),
        (["show", "lstm", "--format", "latex"], "page.tex", len(render(work_out("lstm"), "latex").encode())),
        (["show", "multihead", "--color", "always"], None, None),
    ],
)
@pytest.mark.parametrize("delay", [0.05, 0.4, 1.0])
def test_an_interrupt_leaves_nothing_half_written(arguments, output, whole, delay, tmp_path):
    written = ["-o", str(tmp_path / output)] if output else []
    call = [sys.executable, "-c", READY, *arguments, *written]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1].decode()
    assert "Traceback" not in error
    left = {path.name: len(list(path.iterdir())) if path.is_dir() else path.stat().st_size for path in tmp_path.iterdir()}
    assert process.returncode in (0, 130)
    if process.returncode == 130:
        assert error == ""
    if left or process.returncode == 0:  # it was done, or nearly
        assert left == ({output: whole} if output else {})


class Interrupted:
    """A file that is interrupted once something of it is written."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stream.close()

    def write(self, data):
        self.stream.write(bytes(data)[:4])
        raise KeyboardInterrupt

    def writelines(self, parts):
        self.write(b"".join(parts))


def test_an_interrupt_while_a_file_is_written(run, tmp_path, monkeypatch):
    opened = Path.open

    def interrupted(self, mode="r", *arguments, **options):
        stream = opened(self, mode, *arguments, **options)
        return Interrupted(stream) if mode == "wb" else stream

    monkeypatch.setattr("pathlib.Path.open", interrupted)
    for arguments in (["show", "q2", "-o", tmp_path / "page"], ["key", "q1", "--variants", 2, "-o", tmp_path / "papers"]):
        assert run(*arguments) == (130, "", "")
        assert not list(tmp_path.iterdir())
