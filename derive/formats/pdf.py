"""A Typst document as a PDF, by the compiler in the `typst` wheel.

Owns `compile_pdf` and `require_compiler`.  Imports: errors, and the wheel when it is needed.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from derive.errors import DeriveError, UsageError, shown

MISSING = (
    "a PDF needs the Typst compiler: pip install 'derive-backprop[pdf]'; "
    "or write -o q1.tex and run pdflatex on it, or -o q1.html and print it from the browser"
)

FOREIGN = re.compile(r"[\u0530-\u1dff\u2d30-\ud7ff\uf900-\ufdff\ufe70-\ufeff\U00010800-\U0001cfff\U0001e000-\U0003ffff]")
"""Letters that no font in the wheel draws; fonts of the system are looked for where a page has one."""


FONTS = Path(__file__).parent.parent / "fonts"
"""The letters of Persian that the package brings along."""


def require_compiler() -> None:
    """Raises UsageError where the compiler is not installed."""
    if find_spec("typst") is None:
        raise UsageError(MISSING)


def compile_pdf(source: str) -> bytes:
    """The PDF of a document: the same bytes every time, dated only where SOURCE_DATE_EPOCH says when.

    The compiler sees an empty folder and nothing else.  Raises UsageError where it is not installed, DeriveError for a document
    it does not take, which is a fault of ours.
    """
    require_compiler()
    import typst

    dated = f"#set document(date: {_date()})\n{source}"
    with TemporaryDirectory(prefix="derive-") as empty:
        try:
            fonts = typst.Fonts(include_system_fonts=bool(FOREIGN.search(source)), font_paths=[str(FONTS)])
            compiler = typst.Compiler(dated.encode(), root=empty, font_paths=fonts)
            compiled = compiler.compile(format="pdf")
        except RuntimeError as error:
            raise DeriveError(f"Typst does not take the page: {shown(error, 200)}") from None
    assert isinstance(compiled, bytes)
    return compiled


def _date() -> str:
    """The date of the document, as Typst's code has it."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not seconds:
        return "none"
    try:
        date = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH: '{shown(seconds)}' is no number of seconds since 1970") from None
    parts = ("year", "month", "day", "hour", "minute", "second")
    return f"datetime({', '.join(f'{part}: {getattr(date, part)}' for part in parts)})"
