"""The command `new`: a commented problem file from options, or on a terminal from a few questions.

Owns `run_new`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from derive.errors import UsageError, shown
from derive.sentences import Speaker
from derive.starters import ACTIVATIONS, FIELDS, LOSSES, chosen, problem_file, sizes_of
from derive.streams import tell, write_text
from derive.tables.rules import RULES

if TYPE_CHECKING:
    import argparse


LONGEST_PATH = 4096


def run_new(options: argparse.Namespace) -> None:
    """Write a problem file.  Raises UsageError for what does not fit, and where a file would be written over."""
    output = options.output
    if output is not None and Path(output).exists() and not options.force:
        raise UsageError(f"-o {shown(output, LONGEST_PATH)}: is there already; add --force to write over it")
    typed = {name: getattr(options, name) for name in FIELDS}
    seated = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    asking = not any(typed.values()) and seated
    choices = _Questions(options.lang).ask() if asking else chosen(typed)
    path = Path(output).name if output is not None else "FILE"
    write_text(problem_file(choices, path, options.lang), output)
    if asking and output is not None:
        tell(Speaker(options.lang).word("new", "written", path=shown(output, LONGEST_PATH)))


class _Questions:
    """The questions on a terminal, each asked until its answer can be used."""

    def __init__(self, language: str) -> None:
        self.speaker = Speaker(language)
        self.answers: dict[str, str] = {}

    def ask(self) -> dict[str, str]:
        """Every choice; the activations are asked for twice, the seed only where there are numbers."""
        for name, field in FIELDS.items():
            if name == "activation":
                self.activations()
            elif name == "seed" and self.answers["values"] != "numbers":
                self.answers[name] = field.default
            else:
                self.answers[name] = self.answer(name, name, field.default, KNOWN.get(name, ()))
        return self.answers

    def activations(self) -> None:
        """The activation of the hidden layers, where there are any, and that of the output."""
        layers = len(sizes_of(self.answers)) - 1
        hidden = ""
        if layers > 1:
            hidden = self.answer("hidden", "activation", FIELDS["activation"].default, ACTIVATIONS).split(",")[0]
        before = f"{hidden}," * (layers - 1)
        self.answers["activation"] = self.answer("output", "activation", FIELDS["activation"].default, ACTIVATIONS, before)

    def answer(self, question: str, name: str, usual: str, known: tuple[str, ...], before: str = "") -> str:
        """What is answered, read; nothing typed means the usual answer."""
        for text in self.typed(question, usual, known):
            try:
                return FIELDS[name].read(before + text, self.answers)
            except UsageError as error:
                print(f"  {error}", file=sys.stderr)
        raise UsageError("the questions were left; nothing is written")

    def typed(self, question: str, usual: str, known: tuple[str, ...]) -> Iterator[str]:
        """Each line that is typed, until the input ends."""
        if known:
            print(f"  ({', '.join(known)})", file=sys.stderr)
        while True:
            print(f"{self.speaker.word('new', f'{question}-question')} [{usual}]: ", end="", file=sys.stderr, flush=True)
            line = sys.stdin.readline()
            if not line:
                print(file=sys.stderr)
                return
            yield line.strip() or usual


KNOWN = {"loss": LOSSES, "rule": tuple(RULES)}
"""The words that a question can be answered with, where it does not say them."""
