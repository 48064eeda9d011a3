"""Where a page goes: a file, a pipe, a terminal; its colours there, and its characters.

Owns `put_work`, `put_pages`, `deliver`, `output_asked`, `open_asked`, `style_asked`, `write_text`, `write_parts` and `tell`.  A
pipe gets the same bytes whatever surrounds it; what a terminal can do is asked of its encoding and its environment.
"""

from __future__ import annotations

import os
import sys

from derive.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence
    from io import StringIO

    from rich.console import Console

    from derive.blocks import Page
    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.exercises.classes import Class, Summary
    from derive.exercises.verdicts import Audit
    from derive.rounding import Rounding
    from derive.tensors.work import ArrayDerivation

OURS = "∂δσ²⁺⁻ᵀ√½≈·−≥→─│…"
"""A terminal that has these characters has all of ours, or nearly."""

ENDLESS = 1_000_000
"""Columns of what is no terminal: nothing is broken there."""


def put_work(
    work: Derivation | ArrayDerivation | Proof | Audit | Class | Summary,
    style: str,
    options: argparse.Namespace,
    rounding: Rounding,
    level: str = "full",
) -> None:
    """Write any work in one format, a page of it down to a level, where the options say."""
    from derive.formats import DATA, render

    if style in DATA:
        deliver(render(work, style, options.lang, rounding), style, options)
        return
    from derive.pages import page_of

    put_pages((page_of(work, options.lang, rounding, level, options.digits_script),), style, options)


def put_pages(pages: Sequence[Page], style: str, options: argparse.Namespace) -> None:
    """Write pages one below the other, where the options say; text is drawn on a terminal."""
    from derive.formats import draw_pages
    from derive.tables.endings import source_of

    kind = style_asked(options, source_of(style))
    if style == "text" and options.output is None and not options.open and (_on_terminal() or options.color == "always"):
        from io import StringIO

        from derive.formats.terminal import print_pages

        drawn = StringIO()
        print_pages(pages, _console(drawn, options.color), kind)
        write_text(drawn.getvalue(), None)
        return
    deliver(draw_pages(pages, kind), style, options)


def deliver(text: str, style: str, options: argparse.Namespace) -> None:
    """Write what a format makes of its text where the options say, and open it if they say so.

    Raises UsageError where there is no viewer.
    """
    from derive.formats import finished

    content = finished(text, style)
    output = output_asked(options, style)
    if isinstance(content, str):
        write_text(content, output)
    else:
        assert output is not None
        _write_whole([content], output)
    open_asked(options, output)


def output_asked(options: argparse.Namespace, style: str) -> str | None:
    """The file to write: the one that is named, one for a viewer, or none."""
    return options.output or (_new_file(style) if options.open else None)


def open_asked(options: argparse.Namespace, output: str | None) -> None:
    """Open what was written, if the options say so.  Raises UsageError where there is no viewer."""
    if options.open and output is not None:
        import webbrowser
        from pathlib import Path

        if not webbrowser.open(Path(output).resolve().as_uri()):
            raise UsageError(f"--open: no viewer was found; the page is {output}")


def _new_file(style: str) -> str:
    """A file that stays, for a viewer to open."""
    from tempfile import mkstemp

    from derive.tables.endings import ending_of

    number, path = mkstemp(prefix="derive-", suffix=f".{ending_of(style)}")
    os.close(number)
    return path


def style_asked(options: argparse.Namespace, style: str) -> str:
    """The format that is meant: of text there are several kinds, see `FORMATS`."""
    if style != "text":
        return style
    return "text-ascii" if is_plain(options) else "text" if options.bidi_marks else "text-unmarked"


def is_plain(options: argparse.Namespace) -> bool:
    """Whether text is to be in ASCII only: because it is asked for, or because the terminal has no other characters."""
    if options.ascii:
        return True
    told = vars(options)
    if not _on_terminal() or told.get("output") is not None:
        return False
    if told.get("lang", "en") != "en" or told.get("digits_script", "latin") != "latin":  # ASCII has no such letters
        return False
    try:
        OURS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _on_terminal() -> bool:
    return sys.stdout.isatty()


def _console(drawn: StringIO, color: str) -> Console:
    """What is drawn on as if it were the terminal; Rich would end the process itself where a pipe breaks.

    NO_COLOR takes colours away and leaves bold and dim; FORCE_COLOR gives them to a terminal that calls itself dumb.
    """
    import shutil

    from rich.console import Console

    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown") and not os.environ.get("FORCE_COLOR")
    styled = color == "always" or (color == "auto" and not dumb)
    return Console(
        file=drawn,
        color_system="standard" if styled else None,
        no_color=color == "auto" and bool(os.environ.get("NO_COLOR")),
        force_terminal=styled,
        width=max(10, shutil.get_terminal_size().columns) if _on_terminal() else ENDLESS,
        height=25,  # without a height Rich takes a dumb terminal to be 80 columns wide
        markup=False,
        emoji=False,
        highlight=False,
    )


def tell(message: str) -> None:
    """A line on standard error, if there is one."""
    if sys.stderr is not None:
        print(f"derive: {message}", file=sys.stderr)


def speak_utf8() -> None:
    """Standard output takes every character, whatever the locale says."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", newline="\n")


def write_text(text: str, output: str | None) -> None:
    """Write a whole text or nothing: a file appears only when it is complete."""
    if output is None:
        if not text.isascii():
            speak_utf8()
        sys.stdout.write(text)
        return
    _write_whole([text.encode()], output)


def write_parts(parts: Iterable[str], output: str | None) -> None:
    """Write a text that comes in parts: to standard output as it comes, into a file when it is complete."""
    if output is not None:
        _write_whole((part.encode() for part in parts), output)
        return
    speak_utf8()
    for part in parts:
        sys.stdout.write(part)


def is_device(output: str) -> bool:
    """Whether what is there is no file but a device or a pipe, in whose place nothing can be put."""
    return os.path.exists(output) and not os.path.isfile(output) and not os.path.isdir(output)


def _write_whole(parts: Iterable[bytes], output: str) -> None:
    from contextlib import suppress
    from pathlib import Path

    path = Path(output)
    try:
        if path.is_dir():
            raise UsageError(f"-o {output}: Is a directory")
        path = path.resolve()
        if is_device(output):
            with open(output, "wb") as device:  # by its own name: what it leads to may have none
                device.writelines(parts)
            return
        partial = path.with_name(f".derive-{os.getpid()}.partial")
        try:
            with partial.open("wb") as stream:
                stream.writelines(parts)
            partial.replace(path)
        finally:  # whatever stopped us, nothing is left half done
            with suppress(OSError):
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"-o {output}: {error.strerror}") from None
