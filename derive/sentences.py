"""Sentences from the catalogue of a language, with their places filled by words and formulas.

Owns `Speaker`.  May import: blocks, written.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from derive.blocks import Block, Heading, Part, Prose, Text
from derive.written import (
    Tree,
)


@cache
def catalogue(language: str) -> dict[str, dict[str, str]]:
    """The words of a language."""
    path = Path(__file__).parent / "languages" / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


LANGUAGES = tuple(sorted(path.stem for path in (Path(__file__).parent / "languages").glob("*.toml")))


@dataclass(frozen=True)
class Speaker:
    """Sentences of one language."""

    language: str

    def say(self, section: str, key: str, **parts: Any) -> Text:
        """A sentence with its places filled by words, formulas, or rows of both.

        >>> from derive.written import Name
        >>> Speaker("en").say("slope", "formula", name=Name("L"))
        ('the formula of ', Name(name='L'))
        """
        spoken: list[Part] = []
        for piece in re.split(r"(\{\w+\})", catalogue(self.language)[section][key]):
            part = parts[piece[1:-1]] if re.fullmatch(r"\{\w+\}", piece) else piece
            spoken += part if isinstance(part, tuple) else (str(part) if isinstance(part, int) else part,)
        return tuple(part for part in spoken if part != "")

    def word(self, section: str, key: str, **parts: Any) -> str:
        """A sentence without formulas."""
        return "".join(str(part) for part in self.say(section, key, **parts))

    def heading(self, key: str) -> Heading:
        """A heading of the second level."""
        return Heading(2, self.word("heading", key))

    def prose(self, key: str, **parts: Any) -> Prose:
        """A paragraph of one sentence."""
        return Prose(self.say("text", key, **parts))


def series(items: Iterable[Tree], separator: str = ", ") -> Text:
    """Formulas with a separator between them."""
    parts: list[Part] = []
    for item in items:
        parts += [separator, item] if parts else [item]
    return tuple(parts)


def opening(question: str, source: str, speaker: Speaker) -> list[Block]:
    """The question and its source, where the problem gives them."""
    blocks: list[Block] = [Prose((question,))] if question else []
    return [*blocks, speaker.prose("source", source=source)] if source else blocks
