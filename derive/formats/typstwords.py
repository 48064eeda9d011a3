"""Sentences in Typst's markup: words that nothing in them can turn into code, and formulas among them.

Owns `escape` and `words`.  May import: blocks, symbols, bidi, formats.typstmath.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from derive.bidi import PLAIN, Setting, numerals, runs
from derive.blocks import Shown, Text
from derive.formats.typstmath import inline, printable
from derive.symbols import Script

MARKUP = r"""[\\#$*_`<@\[\]~'"]|/(?=[/*])|-(?=[-?])|\.(?=\.)|(?<![^\W_])-(?=\w)"""
"""What is markup anywhere: commands, comments, dashes, dots, and the hyphen that would become a minus."""

OPENING = r"\A( *)([-+=/])|\A( *\d+)(\.)(?= |\Z)"
"""What makes a heading or a list of a line that begins with it."""

_INSIDE, _WHOLE = re.compile(f"()()()(){MARKUP}"), re.compile(f"{OPENING}|{MARKUP}")


def escape(text: str, opens: bool = True) -> str:
    r"""Text as Typst's markup prints it literally; `opens` says that a line may begin with it.

    >>> escape('50% of #read("/etc/passwd") // $x$')
    '50% of \\#read(\\"/etc/passwd\\") \\// \\$x\\$'
    >>> escape("1. = 2"), escape("1. = 2", opens=False)
    ('1\\. = 2', '1. = 2')
    """
    pattern = _WHOLE if opens else _INSIDE
    return pattern.sub(lambda found: f"{found[1] or found[3] or ''}\\{found[2] or found[4] or found[0]}", printable(text))


TIED = (" = ", " ≈ ")
"""Relations that stand on one line with the formulas on their sides."""

Show = Callable[[Shown, Script, Setting], str]


def words(text: Text, script: Script, setting: Setting = PLAIN, show: Show = inline) -> str:
    """A sentence with its formulas.  From right to left, what reads the other way is held together by the prelude's `held`."""
    if not setting.right_to_left:
        return _row(text, script, setting, show)
    said = ""
    for run in runs(text):
        held = run.left and run.formula is None
        row = _row(run.parts, script, setting, show, opens=held or not said.strip())
        said += f"#held[{row}];" if held else row
    return said


def _row(text: Text, script: Script, setting: Setting, show: Show, opens: bool = True) -> str:
    """Words and formulas; strings side by side are one, so that none gives another a meaning."""
    said, strings = "", ""
    for part in (*text, None):
        if isinstance(part, str):
            strings += part
            continue
        told = escape(numerals(strings, setting.digits), opens=opens and not said.strip())
        said += told.replace(" ", "~") if strings in TIED and said and part is not None else told
        strings = ""
        if part is not None:
            said += f"${show(part, script, setting)}$"
    return said
