"""Where a page goes: a file, a pipe, a terminal.

Owns `put_work`, `put_text` and `write_text`.
"""

from __future__ import annotations

import sys

from derive.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.exercises.classes import Class
    from derive.exercises.verdicts import Audit
    from derive.rounding import Rounding
    from derive.tensors.work import ArrayDerivation


def put_work(
    work: Derivation | ArrayDerivation | Proof | Audit | Class,
    style: str,
    language: str,
    rounding: Rounding,
    output: str | None,
    digits: str = "latin",
    bidi_marks: bool = True,
) -> None:
    """Write any work in one format, into a file or to standard output; Rich draws the text on a terminal."""
    if style == "text" and output is None and sys.stdout.isatty():
        from derive.formats.terminal import print_page
        from derive.pages import page_of

        speak_utf8()
        print_page(page_of(work, language, rounding, digits=digits), bidi_marks)
        return
    from derive.formats import render
    from derive.tables.endings import source_of

    put_text(render(work, source_of(style), language, rounding, digits=digits, bidi_marks=bidi_marks), style, output)


def put_text(text: str, style: str, output: str | None) -> None:
    """Write what a format makes of its text."""
    from derive.formats import finished

    content = finished(text, style)
    if isinstance(content, str):
        write_text(content, output)
    else:
        assert output is not None
        _write_whole(content, output)


def speak_utf8() -> None:
    """Standard output takes every character, whatever the locale says."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", newline="\n")


def write_text(text: str, output: str | None) -> None:
    """Write a whole text or nothing: a file appears only when it is complete."""
    if output is None:
        speak_utf8()
        sys.stdout.write(text)
        return
    _write_whole(text.encode(), output)


def _write_whole(content: bytes, output: str) -> None:
    from pathlib import Path

    path = Path(output)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(f"-o {output}: {error.strerror}") from None
