"""A new problem file: from flags, from questions; what is refused, and that what is written loads and is derived."""

import io
import os
import re
import signal
import subprocess
import sys

import pytest
from conftest import COMMAND, PLACE
from hypothesis import example, given, settings
from hypothesis import strategies as st

import derive
from derive.catalogues import LANGUAGES
from derive.cli import main
from derive.starters import ACTIVATIONS, BIASES, LOSSES
from derive.tables.rules import RULES

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


@example({"activation": "gelu_tanh", "sizes": "1,2"})  # sqrt(2/pi()) inside a vector: a call with no arguments
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


def test_a_persian_title_keeps_its_half_space(run):
    title = "شبکه\u200cی کوچک"
    status, text, error = run("new", "--title", title)
    assert (status, error) == (0, "")
    assert derive.load_text(text).title == title


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_commented_is_what_can_be_chosen(language, run):
    """A student who reads the comments finds every word of the tables, whatever language they are in."""
    text = run("new", "--lang", language)[1]
    assert derive.load_text(text) == derive.load_text(run("new")[1])
    for known in (ACTIVATIONS, LOSSES, BIASES, tuple(RULES)):
        assert all(re.search(rf"# .*\b{word}\b", text) for word in known)
    symbols = run("new", "--symbols", "--lang", language)[1]
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
