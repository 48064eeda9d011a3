"""Where a page goes: a file, a pipe, a terminal.

Owns `put_work` and `write_text`.
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

    write_text(render(work, style, language, rounding, digits=digits, bidi_marks=bidi_marks), output)


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
    from pathlib import Path

    path = Path(output)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise UsageError(f"-o {output}: {error.strerror}") from None
