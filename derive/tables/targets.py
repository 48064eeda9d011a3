"""The languages code is written in: how each spells a number, a power and the operations.

Owns `Target` and `TARGETS`.  To add a language, add a row; where its files are laid out as no other's are, also a module in
`emission`.  An operation that a row does not have is a function of its own in the file, made of its formula in `ops`.  Imports
nothing of ours.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Target:
    """One language, or one library of it.

    `layout` names the module of `emission` that lays out a file.  `calls` are the operations it has, `{0}` and `{1}` standing for
    the arguments; `constants` spells those of numbers alone, where that differs.  `helpers` are functions written out for
    operations it has not: the lines of a definition.  `imports` says what stands at the top of the file where one of the words is
    used in it.  `reserved` are words no quantity may be called by.  For problems of named numbers `scalars` stands in.
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
    scalars: Target | None = None


def _python_number(text: str) -> str:
    return str(int(text)) if text.isdigit() else text


def _c_number(text: str) -> str:
    return f"{int(text)}.0" if text.isdigit() else text


def _python_power(base: str, exponent: str, whole: bool) -> str:
    return f"{base}**{exponent}" if exponent.isalnum() else f"{base}**({exponent})"


def _math_power(base: str, exponent: str, whole: bool) -> str:
    """A root of a negative number is an error, not a complex number."""
    return _python_power(base, exponent, whole) if whole else f"pow({base}, {exponent})"


PYTHON = frozenset(keyword.kwlist) | frozenset(("dict", "len", "math", "np", "pick", "range", "sum", "torch"))
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

TARGETS: dict[str, Target] = {
    "numpy": MATH,
}
