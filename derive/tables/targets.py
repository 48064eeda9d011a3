"""The languages code is written in: how each spells a number, a power, the operations, a loop.

Owns `Target`, `Syntax` and `TARGETS`.  To add a language, add a row; where its files are laid out as no other's are, also a module
in `emission`.  An operation that a row does not have is a function of its own in the file, made of its formula in `ops`.  Imports
nothing of ours.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Syntax:
    """How statements are spelled; `{0}`, `{1}` and `{2}` are the parts.

    `loop` and `backwards` run a letter from 0 to below a length, or down from there; `close` ends what they began.  `let` makes a
    number, `count` a whole one, `put` gives a new value, `add` adds to one.  `when` is a number under a condition, else 0, and
    `inside` the condition that a place is one of an axis.  `largest` keeps the larger of a number so far and another, `argmax` with
    it where that was.  `at` opens the places of an entry, `between` stands between them; `held` is an entry of an array that is
    still being written.  `whole_part` divides and cuts.
    """

    comment: str = "# {0}"
    loop: str = "for {0} in range({1}):"
    backwards: str = "for {0} in reversed(range({1})):"
    close: str = ""
    let: str = "{0} = {1}"
    count: str = "{0} = {1}"
    put: str = "{0} = {1}"
    add: str = "{0} += {1}"
    when: str = "({1} if {0} else 0.0)"
    both: str = " and "
    inside: str = "0 <= {0} < {1}"
    largest: str = "{0} = max({0}, {1})"
    argmax: tuple[str, ...] = ("if {1} > {0}:", "    {0}, {2} = {1}, {3}")
    lowest: str = "-math.inf"
    between: str = ", "
    held: str = "{0}"
    whole_part: str = "//"
    real: str = "{0}"


@dataclass(frozen=True)
class Target:
    """One language, or one library of it.

    `layout` names the module of `emission` that lays out a file.  `calls` are the operations it has, `{0}` and `{1}` standing for
    the arguments; `constants` spells those of numbers alone, where that differs.  `helpers` are functions written out for
    operations it has not: the lines of a definition.  `imports` says what stands at the top of the file where one of the words is
    used in it.  `reserved` are words no quantity may be called by.  For problems of named numbers `scalars` stands in; `library`
    is what a target that computes with whole arrays calls its functions by.
    """

    title: str
    layout: str
    number: Callable[[str], str]
    power: Callable[[str, str, bool], str]
    calls: Mapping[str, str]
    imports: Mapping[str, str]
    reserved: frozenset[str]
    helpers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    syntax: Syntax = field(default_factory=Syntax)
    library: str = ""
    scalars: Target | None = None


def _python_number(text: str) -> str:
    return str(int(text)) if text.isdigit() else text


def _python_power(base: str, exponent: str, whole: bool) -> str:
    return f"{base}**{exponent}" if exponent.isalnum() else f"{base}**({exponent})"


def _math_power(base: str, exponent: str, whole: bool) -> str:
    """A root of a negative number is an error, not a complex number."""
    return _python_power(base, exponent, whole) if whole else f"pow({base}, {exponent})"


PYTHON = frozenset(keyword.kwlist) | frozenset(
    ("dict", "larger", "math", "max", "np", "pick", "range", "reversed", "smaller", "sum", "tensor", "torch")
)
"""What a function of the file may call, and what the language keeps for itself."""

ONE_BY_ONE = ("exp", "log", "sqrt", "tanh", "erf")
"""Functions that every library calls the same."""

MATH = Target(
    title="Python",
    layout="python",
    number=_python_number,
    power=_math_power,
    calls={
        **{name: f"{name}({{0}})" for name in ONE_BY_ONE},
        "pi": "pi",
        "max": "max({0}, {1})",
        "min": "min({0}, {1})",
        "abs": "abs({0})",
    },
    helpers={"step": ("def step(z):", "return 1 if z > 0 else 0")},
    imports={name: f"from math import {name}" for name in (*ONE_BY_ONE, "pi", "pow")},
    reserved=PYTHON,
)

ON_NUMBERS = {**{name: f"math.{name}({{0}})" for name in ONE_BY_ONE}, "abs": "abs({0})"}
"""Functions of numbers alone, where a library has its own for arrays."""

NUMPY = Target(
    title="NumPy",
    layout="python",
    number=_python_number,
    power=_python_power,
    calls={
        **{name: f"np.{name}({{0}})" for name in ONE_BY_ONE if name != "erf"},
        "pi": "math.pi",
        "max": "np.maximum({0}, {1})",
        "min": "np.minimum({0}, {1})",
        "abs": "np.abs({0})",
        "sum": "np.sum({0})",
        "sum along": "np.sum({0}, axis={1})",
        "sum kept": "np.sum({0}, axis={1}, keepdims=True)",
        "mean": "np.mean({0})",
        "mean along": "np.mean({0}, axis={1})",
        "mean kept": "np.mean({0}, axis={1}, keepdims=True)",
        "max over": "np.max({0})",
        "max along": "np.max({0}, axis={1})",
        "max kept": "np.max({0}, axis={1}, keepdims=True)",
        "ones": "np.ones({0})",
        "zeros": "np.zeros({0})",
        "array": "np.array({0})",
        "places": "np.array({0})",
        "turned": "np.transpose({0}, ({1}))",
        "diag": "np.diag({0})",
        "outer": "np.outer({0}, {1})",
        "einsum": "np.einsum({0})",
        "reshape": "np.reshape({0}, {1})",
        "stretch": "np.broadcast_to({0}, {1})",
    },
    constants=ON_NUMBERS,
    helpers={
        "step": ("def step(z):", "return np.where(z > 0, 1.0, 0.0)"),
        "erf": ("def erf(z):", "return np.vectorize(math.erf, otypes=[float])(z)"),
        "softmax": ("def softmax(z, axis):", "e = np.exp(z)", "return e/np.sum(e, axis=axis, keepdims=True)"),
    },
    imports={"np": "import numpy as np", "math": "import math"},
    reserved=PYTHON,
    library="np",
    scalars=MATH,
)

TORCH = replace(
    NUMPY,
    title="PyTorch",
    calls={
        **{name: f"torch.{name}({{0}})" for name in ONE_BY_ONE},
        "pi": "math.pi",
        "max": "larger({0}, {1})",
        "min": "smaller({0}, {1})",
        "abs": "torch.abs({0})",
        "sum": "torch.sum({0})",
        "sum along": "torch.sum({0}, dim={1})",
        "sum kept": "torch.sum({0}, dim={1}, keepdim=True)",
        "mean": "torch.mean({0})",
        "mean along": "torch.mean({0}, dim={1})",
        "mean kept": "torch.mean({0}, dim={1}, keepdim=True)",
        "max over": "torch.max({0})",
        "max along": "torch.amax({0}, dim={1})",
        "max kept": "torch.amax({0}, dim={1}, keepdim=True)",
        "ones": "torch.ones({0}, dtype=torch.float64)",
        "zeros": "torch.zeros({0}, dtype=torch.float64)",
        "array": "tensor({0})",
        "places": "torch.tensor({0})",
        "turned": "torch.permute({0}, ({1}))",
        "diag": "torch.diag({0})",
        "outer": "torch.outer({0}, {1})",
        "einsum": "torch.einsum({0})",
        "reshape": "torch.reshape({0}, {1})",
        "stretch": "torch.broadcast_to({0}, {1})",
    },
    helpers={
        "step": ("def step(z):", "return (tensor(z) > 0).to(torch.float64)"),
        "max": ("def larger(a, b):", "return torch.maximum(tensor(a), tensor(b))"),
        "min": ("def smaller(a, b):", "return torch.minimum(tensor(a), tensor(b))"),
        "softmax": ("def softmax(z, axis):", "e = torch.exp(z)", "return e/torch.sum(e, dim=axis, keepdim=True)"),
    },
    imports={"torch": "import torch", "math": "import math"},
    syntax=Syntax(held="{0}.clone()"),
    library="torch",
    scalars=None,
)

TARGETS: dict[str, Target] = {
    "numpy": NUMPY,
    "torch": TORCH,
}
