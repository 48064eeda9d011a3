"""What makes the command pleasant: formats by file names, and all that follows."""

import csv
import gc
import io
import os
import re
import runpy
import shutil
import signal
import struct
import subprocess
import sys
import time
import types
from functools import cache
from pathlib import Path

import pytest
from conftest import work_out
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import derive
from derive.arguments import commands, top_options
from derive.blocks import Equations, Heading, Table
from derive.cli import main
from derive.completions import completion_script
from derive.exercises.answers import read_answers
from derive.exercises.audit import audit_papers
from derive.explainpages import EXAMPLES, MADE, MADE_IN, explained, groups, list_page
from derive.formats import draw_page, render
from derive.formats.ascii import ASCII, LETTERS, transliterated
from derive.formats.breaks import FACTORS, OPERATORS, broken, wrapped
from derive.formats.mathematics import write
from derive.formats.plain import typed
from derive.formats.terminal import print_pages
from derive.formats.text import UNICODE, chain_lines, width
from derive.keypages import sheets_of
from derive.manpages import escaped, man_page
from derive.options import COMMANDS
from derive.pages import page_of
from derive.reader import read_formula
from derive.sentences import catalogue
from derive.starters import ACTIVATIONS, BIASES, LOSSES
from derive.symbols import Script
from derive.tables.endings import ENDINGS
from derive.tables.laws import LAWS
from derive.tables.ops import OPS
from derive.tables.rules import RULES
from derive.tables.slips import SLIPS
from derive.works import derive as work_problem

COMMAND = [sys.executable, "-m", "derive"]
PLACE = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "PYTHONPATH") if name in os.environ}


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

PAGE_ENDINGS = {ending: style for ending, style in ENDINGS.items() if style != "csv"}


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


# --- ASCII ----------------------------------------------------------------------------------------------------------------

ALL = derive.built_in_names()


@cache
def worked(name):
    return work_out(name)


def stay(page, plain):
    """That a page in ASCII has a question mark for a letter only where the other page has one."""
    assert page.isascii()
    assert page.count("?") == plain.count("?")
    assert page.count("\n") == plain.count("\n")


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


def drawn(page, columns, ascii_only=False):
    stream = io.StringIO()
    print_pages((page,), Console(file=stream, width=columns, height=25, color_system=None), ascii_only)
    return stream.getvalue()


@pytest.mark.parametrize("ascii_only", [False, True], ids=["unicode", "ascii"])
@pytest.mark.parametrize("columns", [20, 40, 80, 1000])
def test_a_page_of_any_breadth_says_the_same(columns, ascii_only):
    for page in pages():
        text = drawn(page, columns, ascii_only)
        assert not ascii_only or text.isascii()
        tight, numbers = squeezed(text), set(NUMBER.findall(text))
        spelling = ASCII if ascii_only else UNICODE
        for block in page.blocks:
            for line in chain_lines(block, page.script, spelling) if isinstance(block, Equations) else ():
                assert line.shapes or squeezed(line.formula) in tight
                assert set(NUMBER.findall(line.formula)) <= numbers
        for line in text.splitlines():
            assert width(line.rstrip()) <= columns or len(broken(line.strip(), columns, 0)) == 1


def on_terminal(*arguments, columns=80, **environment):
    """What a terminal of this breadth is sent, and the exit status."""
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**PLACE, "TERM": "xterm", **environment}
    with subprocess.Popen([*COMMAND, *arguments], env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        sent = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            sent += part
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


def test_an_interrupt_while_a_file_is_written(run, tmp_path, monkeypatch):
    def interrupted(self, *arguments, **options):
        self.open("w").write("half")
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.write_text", interrupted)
    for arguments in (["show", "q2", "-o", tmp_path / "page"], ["key", "q1", "--variants", 2, "-o", tmp_path / "papers"]):
        assert run(*arguments) == (130, "", "")
        assert not list(tmp_path.iterdir())


# --- a new problem file ---------------------------------------------------------------------------------------------------

FLAGS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20),
        "sizes": st.lists(st.integers(1, 3), min_size=2, max_size=4).map(lambda sizes: ",".join(map(str, sizes))),
        "activation": st.lists(st.sampled_from(ACTIVATIONS), min_size=1, max_size=3).map(",".join),
        "loss": st.sampled_from(LOSSES),
        "biases": st.sampled_from(BIASES),
        "learning-rate": st.sampled_from(["0.5", "1", "0.01", "۰٫۱"]),
        "rule": st.sampled_from(tuple(RULES)),
        "seed": st.integers(0, 99999).map(str),
        "numbers": st.none(),
        "symbols": st.none(),
    },
)


@given(FLAGS)
@settings(max_examples=60, deadline=None)
def test_whatever_is_asked_for_the_file_loads_and_is_derived(flags):
    """Or a line says which option does not go with which."""
    stream = io.StringIO()
    stream.reconfigure = lambda **options: None
    out, sys.stdout, err, sys.stderr = sys.stdout, stream, sys.stderr, io.StringIO()
    try:
        status = main(["new", *(f"--{name}" if value is None else f"--{name}={value}" for name, value in flags.items())])
        said = sys.stderr.getvalue()
    finally:
        sys.stdout, sys.stderr = out, err
    if status:
        assert (status, said.count("\n"), stream.getvalue()) == (2, 1, "")
        assert re.match(r"derive: (argument )?--(title|activation|loss|symbols|numbers)\b", said)
        return
    text = stream.getvalue()
    problem = derive.load_text(text)
    assert derive.derive(problem).checks.judged > 5
    assert bool(problem.given) == ("symbols" not in flags)
    assert all(re.fullmatch(r"-?(0\.\d\d|1|0)", number.text) for number in problem.given.values())
    assert problem.title == flags.get("title", "A small network").strip()
    assert problem.train.rule == flags.get("rule", "sgd")


def test_most_flags_can_be_had_together(run):
    """So that the test above does not pass by refusing."""
    for activation in ACTIVATIONS:
        for loss in LOSSES:
            done = run("new", "--sizes", "2,2", "--activation", activation, "--loss", loss, "--symbols")[0]
            assert done == (2 if loss in ("bce", "cross_entropy", "kl") and activation not in ("sigmoid", "softmax") else 0)


NEW = [
    (["--sizes", "2"], "--sizes: should be two or more whole numbers from 1, inputs first, such as 2,2,1"),
    (["--sizes", "2,0"], "--sizes: should be two or more"),
    (["--sizes", "9999,9999"], "--sizes: that is more than 100,000 weights"),
    (["--sizes", "20,20"], "--numbers: numbers are for networks with at most 300 of them; this one should stay in symbols"),
    (["--activation", "sigmiod"], "--activation: 'sigmiod' is none of sigmoid, tanh,"),
    (["--activation", "relu,relu,relu"], "--activation: should be one name, two (hidden layers, output layer), or 2, one for each layer"),
    (["--activation", "softmax"], "--activation: softmax of a single unit is 1"),
    (["--loss", "bce", "--activation", "relu"], "--loss: bce takes logarithms of the outputs"),
    (["--biases", "some"], "--biases: 'some' is none of each, shared, none"),
    (["--learning-rate", "0"], "--learning-rate: should be a number above 0"),
    (["--learning-rate", "fast"], "--learning-rate: should be a number above 0"),
    (["--rule", "adm"], "--rule: 'adm' is none of sgd, momentum, nesterov, rmsprop, adam, adamw; did you mean 'adam'?"),
    (["--seed", "-1"], "--seed: should be a whole number from 0 to 99999"),
    (["--title", " "], "--title: should be a line"),
    (["--title", "a\nb"], "--title: should be a line"),
    (["--numbers", "--symbols"], "argument --symbols: not allowed with argument --numbers"),
]


@pytest.mark.parametrize(("flags", "message"), NEW, ids=[" ".join(flags) for flags, _ in NEW])
def test_what_cannot_be_new_is_said_in_a_line(flags, message, run, tmp_path):
    status, out, err = run("new", *flags, "-o", tmp_path / "net.toml")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"derive: {message}")
    assert not list(tmp_path.iterdir())


def test_a_file_is_not_written_over_without_force(run, tmp_path):
    path = tmp_path / "net.toml"
    assert run("new", "--seed", "5", "-o", path) == (0, "", "")
    before = path.read_text(encoding="utf-8")
    assert "derive show net.toml" in before
    assert run("show", path)[0] == 0
    assert run("new", "--seed", "6", "-o", path) == (2, "", f"derive: -o {path}: is there already; add --force to write over it\n")
    assert path.read_text(encoding="utf-8") == before
    assert run("new", "--seed", "6", "--force", "-o", path) == (0, "", "")
    assert path.read_text(encoding="utf-8") != before
    assert run("new", "--seed", "5", "--force", "-o", path) == (0, "", "")
    assert path.read_text(encoding="utf-8") == before


def test_what_is_commented_is_what_can_be_chosen(run):
    """A student who reads the comments finds every word of the tables."""
    text = run("new")[1]
    for known in (ACTIVATIONS, LOSSES, BIASES, tuple(RULES)):
        assert all(re.search(rf"# .*\b{word}\b", text) for word in known)
    symbols = run("new", "--symbols")[1]
    assert derive.load_text(symbols.replace("# [given]\n# ", "[given]\n")).given


def converse(answers, *arguments, interrupt=False):
    """A conversation on a terminal: a line for each question, and at the end Ctrl-D or Ctrl-C."""
    pytest.importorskip("termios")
    ours, theirs = os.openpty()
    environment = {**PLACE, "TERM": "dumb"}
    with subprocess.Popen([*COMMAND, "new", *arguments], env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        said = b""

        def hear():
            nonlocal said
            try:
                part = os.read(ours, 65536)
            except OSError:
                part = b""
            said += part
            return bool(part)

        for answer in answers:
            heard = len(said)
            while b"]: " not in said[heard:]:
                assert hear(), said.decode()
            os.write(ours, answer.encode() + b"\n")
        heard = len(said)
        if interrupt is not None:
            while b"]: " not in said[heard:]:
                assert hear(), said.decode()
            if interrupt:
                process.send_signal(signal.SIGINT)
            else:
                os.write(ours, b"\x04")
        while hear():
            pass
    os.close(ours)
    return process.returncode, said.decode().replace("\r\n", "\n")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_questions_are_asked_until_they_are_answered(tmp_path):
    path = tmp_path / "net.toml"
    answers = ["My \"net\"", "2", "2, 3, 2", "relo", "relu", "softmax", "mse", "", "", "adam", "", "7"]
    status, said = converse(answers, "-o", str(path), interrupt=None)
    assert status == 0
    assert "should be two or more whole numbers from 1, inputs first, such as 2,2,1" in said
    assert "'relo' is none of" in said
    assert f"{path} is written" in said
    problem = derive.load(path)
    assert problem.title == 'My "net"'
    assert len(problem.given) == 2 + 9 + 8 + 2
    assert problem.train.rule == "adam"
    assert [node.rhs.function for node in problem.network.equations if node.goal in ("a1_1", "a2_1")] == ["relu", "softmax"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("interrupt", "expected"), [(True, 130), (False, 2)])
@pytest.mark.parametrize("answers", [[], ["T", "2,2,1", "tanh"]])
def test_questions_that_are_left_leave_nothing(answers, interrupt, expected, tmp_path):
    status, said = converse(answers, "-o", str(tmp_path / "net.toml"), interrupt=interrupt)
    assert status == expected
    assert "Traceback" not in said
    assert not list(tmp_path.iterdir())


def test_no_question_is_asked_where_nobody_sits():
    done = subprocess.run([*COMMAND, "new"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert derive.load_text(done.stdout).title == "A small network"


# --- explaining -----------------------------------------------------------------------------------------------------------

EXPLAINED = [(group, name) for group, names in groups().items() for name in names]
EVERY = pytest.mark.parametrize(("group", "name"), EXPLAINED, ids=[f"{group} {name}" for group, name in EXPLAINED])
WORDS = catalogue("en")


@cache
def explanation(name):
    return explained(name)


def test_everything_in_the_tables_is_explained_under_a_name_of_its_own():
    names = [name for _, name in EXPLAINED]
    assert len(set(names)) == len(names)
    assert set(names) == {*LAWS, *SLIPS, *OPS, *RULES}
    assert (EXAMPLES.keys(), MADE.keys()) == (LAWS.keys(), SLIPS.keys())
    assert (WORDS["law-statement"].keys(), WORDS["slip-statement"].keys()) == (LAWS.keys(), SLIPS.keys())


@EVERY
def test_every_page_has_an_example_and_is_drawn_in_every_format(group, name, run):
    page = explanation(name)
    assert isinstance(page.blocks[0], Heading)
    assert any(isinstance(block, Equations | Table) for block in page.blocks)
    status, text, error = run("explain", name)
    assert (status, error) == (0, "")
    assert name in text
    for style in ("text-ascii", "latex", "markdown"):
        drawn_page = draw_page(page, style)
        assert name in drawn_page.replace("\\", "")
        assert style != "text-ascii" or drawn_page.isascii()


@pytest.mark.parametrize("law", LAWS)
def test_the_line_with_a_reason_is_one_of_the_law(law):
    """Worked out again: as many lines have a reason as the step, or the whole proof's step, has lines of that law."""
    example = EXAMPLES[law]
    problem = derive.load_text(example.problem) if "\n" in example.problem else derive.find(example.problem)
    chain = next(block for block in explanation(law).blocks if isinstance(block, Equations))
    reasons = [row.reason for row in chain.rows if row.reason]
    if example.step:
        lines = derive.derive(problem).step(example.step).lines
        assert len(reasons) == sum(line.law == law for line in lines) > 0
        assert [line.tree for line in lines][-1] == chain.rows[-1].right
    else:
        steps = [step for part in worked(example.problem).parts for step in part.steps]
        counts = {sum(line.law == law for line in step.lines) for step in steps}
        assert len(reasons) in counts - {0}


@pytest.mark.parametrize("slip", SLIPS)
def test_the_answers_with_a_slip_are_found_to_have_that_slip_and_no_other(slip):
    problem = derive.find(MADE_IN)
    (audit,) = audit_papers(problem, read_answers(MADE[slip], problem), derive.Rounding())
    assert {found.id for found in audit.slips} == {slip}
    assert not any(found.tie for found in audit.slips)
    assert f"({slip})" in draw_page(explanation(slip), "text")


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.kink])
def test_a_kink_is_stated(name):
    assert WORDS["kink"][name] in draw_page(explanation(name), "text")


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_shown_with_all_its_equations(rule):
    chain = [block for block in explanation(rule).blocks if isinstance(block, Equations)]
    own = [goal for goal, _ in RULES[rule].equations]
    assert len(own) == 1 or len(chain[0].rows) == len(own)
    assert "≈ 0." in draw_page(explanation(rule), "text") or "= 0." in draw_page(explanation(rule), "text")


@pytest.mark.parametrize(
    ("typed_name", "meant"),
    [("chain rule", "chain-rule"), ("Chain-Rule", "chain-rule"), ("ReLU", "relu"), ("σ", "sigmoid"), ("ln", "log"), ("leaky relu", "leaky_relu"), ("loss_sign", "loss-sign")],
)
def test_a_name_may_be_spelled_otherwise(typed_name, meant, run):
    assert run("explain", typed_name) == run("explain", meant)


def test_an_unknown_name_is_answered_with_what_was_meant(run, tmp_path):
    path = tmp_path / "page"
    for word, tail in (("chian-rule", "; did you mean 'chain-rule'?"), ("qqq", ""), ("\x1b[2J", ""), ("", "")):
        said = run("explain", word, "-o", path)
        assert said == (2, "", f"derive: nothing is called '{word.replace(chr(27), '?')}'{tail} (derive explain lists what can be explained)\n")
        assert not path.exists()


def test_the_list_has_everything_in_its_group(run):
    status, text, error = run("explain")
    assert (status, error) == (0, "")
    assert text == draw_page(list_page(), "text")
    tables = [block for block in list_page().blocks if isinstance(block, Table)]
    assert [[row[0][0] for row in table.rows] for table in tables] == [list(names) for names in groups().values()]
    assert all(row[1] for table in tables for row in table.rows)


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed, so no document was compiled")
def test_explanations_compile(tmp_path):
    bodies = "\n".join(draw_page(explanation(name), "latex-fragment") for _, name in EXPLAINED)
    document = draw_page(list_page(), "latex").replace(r"\end{document}", f"{bodies}\n\\end{{document}}")
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert b"Missing character" not in (tmp_path / "all.log").read_bytes()


# --- completion -----------------------------------------------------------------------------------------------------------

COMPLETED = [  # what is typed in a folder with answers.txt, net.toml and page.tex; what it can become
    ("derive ", set(COMMANDS)),
    ("derive sh", {"show"}),
    ("derive show q", {"q1", "q2", "q3"}),
    ("derive show --wrt w5 --hessian q", {"q1", "q2", "q3"}),
    ("derive show ne", {"nesterov", "net.toml"}),
    ("derive show q1 -o pa", {"page.tex"}),
    ("derive show --fr", {"--fragment"}),
    ("derive show q1 --format m", {"markdown"}),
    ("derive key q2 --carry ", {"full", "hand"}),
    ("derive check q", {"q1", "q2", "q3"}),
    ("derive check q1 an", {"answers.txt"}),
    ("derive check q1 answers.txt --format c", {"csv"}),
    ("derive explain ch", {"chain-rule", "chain-rule-sum"}),
    ("derive explain missing-", {"missing-slope", "missing-path", "missing-factor", "missing-rate"}),
    ("derive new --loss cr", {"cross_entropy"}),
    ("derive new --rule adam", {"adam", "adamw"}),
    ("derive completion ", {"bash", "zsh", "fish"}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("folder")
    for name in ("answers.txt", "net.toml", "page.tex"):
        (path / name).write_text("", encoding="utf-8")
    for shell in ("bash", "zsh", "fish"):
        (path / f".{shell}").mkdir()
        (path / f".{shell}" / "_derive").write_text(completion_script(shell), encoding="utf-8")
    return path


def missing(shell):
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed, so its completion was not tried")


@missing("bash")
@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_completion_in_bash(line, expected, folder):
    words = line.split(" ")
    program = 'source .bash/_derive; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _derive; printf "%s\\n" "${COMPREPLY[@]}"; complete -p derive'
    done = subprocess.run(["bash", "-c", program, "bash", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    *found, registered = done.stdout.splitlines()
    assert (set(found), done.stderr, registered) == (expected, "", "complete -F _derive derive")


@missing("bash")
def test_completion_in_bash_behind_an_equals_sign(folder):
    """Bash makes three words of --format=mark."""
    program = 'source .bash/_derive; COMP_WORDS=(derive show q1 --format = mark); COMP_CWORD=5; _derive; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("markdown\n", "")


@missing("fish")
@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_completion_in_fish(line, expected, folder):
    program = "source .fish/_derive; complete -C $argv[1]"
    done = subprocess.run(["fish", "-N", "-c", program, line], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ({found.split("\t")[0] for found in done.stdout.splitlines()}, done.stderr) == (expected, "")


@missing("zsh")
@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_completion_in_zsh(line, expected, folder):
    """On a terminal, as zsh completes nowhere else: what it writes when the Tab key is hit twice."""
    pytest.importorskip("termios")
    ours, theirs = os.openpty()
    setup = "PS1=; autoload -Uz compinit; compinit -u -D; fpath=($PWD/.zsh $fpath); autoload -Uz _derive; compdef _derive derive; LISTMAX=0; unsetopt beep; echo REA''DY\n"
    with subprocess.Popen(["zsh", "-f", "-i"], cwd=folder, env={**PLACE, "TERM": "dumb", "COLUMNS": "80"}, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as shell:
        os.close(theirs)
        os.set_blocking(ours, False)

        def hear(until):
            said, end = "", time.monotonic() + 20
            while not until(said) and time.monotonic() < end:
                try:
                    said += os.read(ours, 65536).decode()
                except BlockingIOError:
                    time.sleep(0.01)
            return said

        os.write(ours, setup.encode())
        hear(lambda said: "READY" in said)
        os.write(ours, line.encode() + b"\t\t")
        heard = hear(lambda said: all(word in said for word in expected))
        shell.kill()
    os.close(ours)
    assert {word for word in expected if word in heard} == expected, heard
    assert "command not found" not in heard


def test_a_flag_takes_a_value_in_every_command_or_in_none():
    """The scripts rely on it to count arguments."""
    taking = {flag for command in commands() for option in command.options if option.metavar for flag in option.flags}
    bare = {flag for command in commands() for option in command.options if not option.metavar for flag in option.flags}
    assert not taking & bare
    assert len(taking) > 10


# --- the manual page ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def manual(tmp_path_factory):
    path = tmp_path_factory.mktemp("man") / "derive.1"
    path.write_text(man_page(), encoding="utf-8")
    return path


LINTERS = [["groff", "-ww", "-man", "-Tutf8", "-z"], ["man", "--warnings", "-l"], ["mandoc", "-T", "lint", "-W", "warning"]]


@pytest.mark.parametrize("linter", [pytest.param(linter, marks=missing(linter[0]), id=linter[0]) for linter in LINTERS])
def test_the_manual_page_has_no_fault(linter, manual):
    environment = {**PLACE, "MANPAGER": "cat", "PAGER": "cat"}
    done = subprocess.run([*linter, manual], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@missing("man")
def test_the_manual_page_says_what_help_says(manual):
    environment = {**PLACE, "MANPAGER": "cat", "MANWIDTH": "10000", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": "", "GROFF_NO_SGR": "1"}
    done = subprocess.run(["man", "-l", manual], env=environment, capture_output=True, text=True, timeout=60, check=False)
    text = " ".join(re.sub(".\b", "", done.stdout).replace("‐\n", "").split())
    for part in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"):
        assert f" {part} " in text
    for command in commands():
        assert f"derive {command.name}" in text
        assert command.description in text
        for argument in (*command.options, *command.positional, *top_options()):
            assert argument.help in text, argument
            assert all(flag in text for flag in argument.flags)
    for name in ("NO_COLOR", "FORCE_COLOR", "BROWSER"):
        assert name in text


def test_roff_is_escaped():
    """A line of text is never a request, and a backslash never an escape."""
    for text in (".br", "'br", "a\\fBb", "a\nb"):
        line = escaped(text)
        assert "\n" not in line
        assert line[0] not in ".'"
        assert not re.search(r"\\(?![e\-&(\[])", line)
    requests = {line.split()[0] for line in man_page().splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".PP", ".br"}


def test_the_commands_print_what_is_shipped(run):
    assert run("man") == (0, man_page(), "")
    for shell in ("bash", "zsh", "fish"):
        assert run("completion", shell) == (0, completion_script(shell), "")


HOOK = Path(__file__).parent.parent / ".hatch.py"


def test_the_wheel_brings_the_manual_page_and_the_completions(monkeypatch):
    """The hook is run as the build does, on a stand-in for the class of the build backend."""
    interface = types.ModuleType("interface")
    interface.BuildHookInterface = type("BuildHookInterface", (), {"root": str(HOOK.parent)})
    monkeypatch.setitem(sys.modules, "hatchling.builders.hooks.plugin.interface", interface)
    monkeypatch.setattr(sys, "path", list(sys.path))
    hook, data = runpy.run_path(str(HOOK))["SharedPages"](), {"shared_data": {}}
    hook.initialize("standard", data)
    found = {place: Path(path).read_text(encoding="utf-8") for path, place in data["shared_data"].items()}
    hook.finalize("standard", data, "")
    assert found.pop("share/man/man1/derive.1") == man_page()
    assert set(found.values()) == {completion_script(shell) for shell in ("bash", "zsh", "fish")}
    assert not any(Path(path).exists() for path in data["shared_data"])
