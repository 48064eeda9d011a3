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

    `loop` and `backwards` run a letter from 0 to below a length, or down from there; `close` ends what they began. `fixed`
    names a result, `let` makes a number, `count` a whole one, `put` gives a new value, `add` adds to one. `when` is a number
    under a condition, else 0, and `inside` the condition that a place is one of an axis. `largest` keeps the larger of a number
    so far and another, `argmax` with it where that was. `at` opens the places of an entry, `between` stands between them;
    `held` is an entry of an array that is still being written. `whole_part` divides and cuts.
    """

    comment: str = "# {0}"
    loop: str = "for {0} in range({1}):"
    backwards: str = "for {0} in reversed(range({1})):"
    close: str = ""
    fixed: str = "{0} = {1}"
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

C_WORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register restrict
return short signed sizeof static struct switch typedef union unsigned void volatile while _Bool _Complex _Imaginary alignas
alignof asm bool constexpr false fortran i386 linux nullptr static_assert thread_local true typeof typeof_unqual unix BUFSIZ
DOMAIN EOF FILE FILENAME_MAX FOPEN_MAX HUGE HUGE_VAL HUGE_VALF HUGE_VALL INFINITY L_tmpnam MAXFLOAT NAN NULL OVERFLOW PLOSS
SEEK_CUR SEEK_END SEEK_SET SING TLOSS TMP_MAX UNDERFLOW X_TLOSS errno getc getchar math_errhandling putc putchar size_t
stderr stdin stdout FP_FAST_FMA FP_FAST_FMAF FP_FAST_FMAL FP_ILOGB0 FP_ILOGBNAN FP_INFINITE FP_NAN FP_NORMAL FP_SUBNORMAL
FP_ZERO MATH_ERRNO MATH_ERREXCEPT M_1_PI M_2_PI M_2_SQRTPI M_E M_LN10 M_LN2 M_LOG10E M_LOG2E M_PI M_PI_2 M_PI_4 M_SQRT1_2
M_SQRT2 fpclassify isfinite isgreater isgreaterequal isinf isless islessequal islessgreater isnan isnormal isunordered
signbit Numbers all_finite backward compare compared different fill forward furthest level main number numbers printf puts report
squares uniform update
"""
"""Keywords of C up to C23, words that compilers keep without being told to, macros of the headers, and what the file defines."""


def _bared(text: str) -> str:
    """A text without the brackets around all of it."""
    depth = [text[: place + 1].count("(") - text[: place + 1].count(")") for place in range(len(text))]
    return text[1:-1] if text.startswith("(") and 0 not in depth[:-1] else text


def _c_number(text: str) -> str:
    return f"{int(text)}.0" if text.isdigit() else text


C = Target(
    title="C",
    layout="c",
    number=_c_number,
    power=lambda base, exponent, whole: f"pow({_bared(base)}, {exponent})",
    calls={
        **{name: f"{name}({{0}})" for name in ONE_BY_ONE},
        "pi": "3.14159265358979323846",
        "max": "fmax({0}, {1})",
        "min": "fmin({0}, {1})",
        "abs": "fabs({0})",
    },
    helpers={"step": ("static double step(double z)", "{", "    return z > 0.0 ? 1.0 : 0.0;", "}")},
    imports={},
    reserved=frozenset(C_WORDS.split()) | {*ONE_BY_ONE, "fabs", "fmax", "fmin", "pow"},
    syntax=Syntax(
        comment="/* {0} */",
        loop="for (int {0} = 0; {0} < {1}; {0}++) {{",
        backwards="for (int {0} = {1} - 1; {0} >= 0; {0}--) {{",
        close="}",
        fixed="const double {0} = {1};",
        let="double {0} = {1};",
        count="int {0} = {1};",
        put="{0} = {1};",
        add="{0} += {1};",
        when="({0} ? {1} : 0.0)",
        both=" && ",
        inside="0 <= {0} && {0} < {1}",
        largest="{0} = fmax({0}, {1});",
        argmax=("if ({1} > {0}) {{", "    {0} = {1};", "    {2} = {3};", "}}"),
        lowest="-INFINITY",
        between="][",
        whole_part="/",
        real="(double){0}",
    ),
)

TARGETS: dict[str, Target] = {
    "numpy": NUMPY,
    "torch": TORCH,
    "c": C,
}
