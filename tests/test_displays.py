"""What a notebook can do with a derivation, and the bar that long work shows."""

import html
import os
import pty
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from fractions import Fraction

import pytest
from conftest import heard, work_out

import derive
from derive import progress
from derive.errors import DeriveError, InputError, UsageError


@pytest.mark.parametrize("name", derive.built_in_names())
def test_everything_shows_itself_as_html_latex_and_text(name):
    bundle = work_out(name)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/latex", "text/plain"}
    assert "<html" not in bundle["text/html"]
    # where no script runs, what is left is the LaTeX, with nothing of the page in it
    left = re.sub(r"<script>.*?</script>", "", bundle["text/html"], flags=re.DOTALL)
    assert re.findall(r"<(\w+)", left) == ["div", *["br"] * left.count("<br>")]
    assert html.unescape(left).count("$$") == bundle["text/latex"].count("$$") > 0


@pytest.mark.parametrize("name", [name for name in derive.built_in_names() if name != "q3"])
def test_every_name_the_tab_key_offers_is_a_step(name):
    work = work_out(name)
    offered = work._ipython_key_completions_()
    assert len(offered) >= len({step.goal for step in work.steps if step.kind == "partial"})
    for quantity in offered:
        if "@" not in quantity:
            assert work[quantity].lines == work.find_step(quantity).lines


def test_a_step_shows_itself_and_nothing_else():
    shown = work_out("q1")["dL/dw5"]._repr_mimebundle_()
    assert "δ_y1 · h1" in shown["text/plain"]
    assert "∂L/∂w7" not in shown["text/plain"]
    assert shown["text/html"].count(r'class=\"step\"') == 1


@pytest.mark.parametrize("value", [0.3, "0.3", Decimal("0.3")])
def test_other_numbers_are_derived_as_a_file_with_them_is(value):
    """The same as if the file had said so: `numbers` is no second way to compute."""
    from importlib.resources import files

    text = (files("derive") / "problems" / "q1.toml").read_text(encoding="utf-8")
    typed = derive.derive(derive.load_text(text.replace("w5 = 0.40", "w5 = 0.3").replace("learning_rate = 0.5", "learning_rate = 0.1")))
    moved = work_out("q1").numbers(w5=value, learning_rate="0.1")
    assert derive.render(moved, "text") == derive.render(typed, "text")


def test_arrays_take_nested_lists_and_numpy_arrays():
    import numpy

    text = '[shapes]\nx = [2]\nw = [2]\n[given]\nx = [1, 2]\nw = [3, 4]\n[forward]\nL = "sum(w*x)^2"\n[train]\nparameters = ["w"]\n'
    work = derive.derive(derive.load_text(text))
    for other in ([5, 6], numpy.array([5, 6])):
        # L = (x·w)², so ∂L/∂w = 2(x·w)x = 2·17·(1, 2)
        cells = work.numbers(w=other).step("dL/dw").lines[-1].tree
        assert "34" in str(cells)
        assert "68" in str(cells)
    with pytest.raises(InputError, match="a list of 3 where"):
        work.numbers(w=[1, 2, 3])


WRONG = {
    "no such name": ({"w55": 1}, UsageError, "did you mean 'w5'"),
    "computed": ({"h1": 1}, UsageError, "'h1' is not a given number"),
    "no number": ({"w5": "x"}, InputError, "'x' is not a number"),
    "code": ({"w5": "__import__('os')"}, InputError, "is not a number"),
    "a truth value": ({"w5": True}, InputError, "true is not a number"),
    "a list": ({"w5": [1]}, InputError, "should be a number"),
    "not finite": ({"w5": float("nan")}, InputError, "nan is not a number"),
    "a fraction": ({"w5": Fraction(1, 3)}, InputError, "should be a number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_number_is_refused_in_one_line(case):
    numbers, kind, message = WRONG[case]
    with pytest.raises(kind, match=message) as caught:
        work_out("q1").numbers(**numbers)
    assert "\n" not in str(caught.value)


def test_numbers_of_examples_are_left_as_they_are():
    text = '[given]\nw = 2\n[forward]\nL = "(w*x - t)^2"\n[train]\nlearning_rate = 0.1\n[[examples]]\nx = 1\nt = 1\n[[examples]]\nx = 2\nt = 1\n'
    work = derive.derive(derive.load_text(text))
    with pytest.raises(DeriveError, match="belongs to the training examples"):
        work.numbers(x=3)
    assert work.numbers(w=3).step("dL/dw").lines[-1].tree.text == "4"  # 2(3·1 − 1)·1


# --- the bar --------------------------------------------------------------------------------------------------------------


def test_no_bar_where_nobody_looks(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", -1)
    assert list(progress.track(range(3), 3, "judging")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


SLOW = """
from derive import progress
progress.PATIENCE = {patience}
assert list(progress.track(range(3), 3, "judging")) == [0, 1, 2]
"""


@pytest.mark.parametrize(("patience", "bar"), [(-1, True), (60, False)])
def test_a_bar_on_a_terminal_when_it_takes_long(patience, bar):
    ours, theirs = pty.openpty()
    code = SLOW.format(patience=patience)
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(theirs)
        drawn = heard(ours)
    os.close(ours)
    assert process.returncode == 0
    assert (b"judging lines" in drawn) == bar
    if not bar:
        assert drawn == b""


@pytest.mark.parametrize("name", ["q1", "dense", "lstm"])
def test_the_graph_is_a_picture_and_a_drawing(name):
    bundle = work_out(name).graph()._repr_mimebundle_()
    root = ElementTree.fromstring(bundle["image/svg+xml"])
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "╮" in bundle["text/plain"]


def test_the_graph_shows_the_numbers_it_was_given():
    drawn = work_out("q1").numbers(w5="0.37").graph()._repr_mimebundle_()["image/svg+xml"]
    assert "0.37" in drawn
    assert "0.40" not in drawn
