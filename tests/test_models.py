"""What reads modules without PyTorch: the sizes of a model, the names of files, and what is said where it is missing."""

import os
import subprocess
import sys

import pytest
from conftest import COMMAND, PLACE

import derive
from derive.errors import DeriveError
from derive.models.axes import Axes, Refined
from derive.models.files import is_python, read_file


def test_without_pytorch_the_extra_is_named(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError")
    (tmp_path / "model.py").write_text("net = 1")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run([*COMMAND, "show", "model.py:net", "--input", "2"], cwd=tmp_path, env={**PLACE, "PYTHONPATH": path}, capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "derive: PyTorch is not installed: pip install 'derive-backprop[torch]'\n"


def test_nothing_else_runs_a_file(tmp_path, monkeypatch):
    """A problem file or a built-in name never runs Python; only FILE.py:NAME does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('ran', 'w')")
    for name in ("evil.py", "evil", "evil.py:"):
        with pytest.raises(DeriveError):
            read_file(name, ["2"]) if is_python(name) else derive.find(name)
    assert not (tmp_path / "ran").exists()


def test_an_axis_that_must_be_a_product_is_taken_apart():
    axes = Axes()
    for key, length in (("c", 3), ("h", 4), ("f", 12)):
        axes.new(key, length, "d")
    with pytest.raises(Refined):
        axes.unify(("c", "h"), ("f",))
    for _ in range(3):
        try:
            axes.unify((*axes.expanded("c"), *axes.expanded("h")), axes.expanded("f"))
        except Refined:
            continue
    assert axes.expanded("f") == ("c", "h")
    with pytest.raises(ValueError, match=r"^$"):
        axes.unify(("c",), ("h",))


def test_small_lengths_let_windows_fit():
    """Where lines are judged a window of 2 in steps of 2 fits into what it slides over, and axes of one array differ."""
    axes = Axes()
    for key, length, stem in (("n", 3, "N"), ("c", 2, "C"), ("in", 12, "h"), ("out", 6, "h")):
        axes.new(key, length, stem)
    axes.windows.add(("in", 2, "out", 2))
    small = axes.small([("n", "c", "in"), ("n", "c", "out")])
    assert small["in"] >= 2 * small["out"]
    assert len({small[key] for key in ("n", "c", "in")}) == 3
    assert axes.named([("n", "c", "in"), ("n", "c", "out")], ["C1"]) == {"n": "N", "c": "C2", "in": "h1", "out": "h2"}
