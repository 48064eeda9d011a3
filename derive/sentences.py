"""Sentences from the catalogue of a language, with their places filled by words and formulas.

Owns `Speaker`, `speaker_of`, and what every page opens with.  May import: errors, written, problem, blocks, catalogues.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from derive.blocks import Block, Heading, Part, Prose, Text
from derive.catalogues import LANGUAGES, catalogue
from derive.errors import UsageError, shown, suggest
from derive.problem import Problem, Words
from derive.written import Tree


@dataclass(frozen=True)
class Speaker:
    """Sentences of one language; `words` are those that a problem brings of its own.  Raises UsageError for an unknown language."""

    language: str
    words: Words = field(default_factory=Words)

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            known = f" (known: {', '.join(LANGUAGES)})"
            raise UsageError(f"unknown language '{shown(self.language)}'" + suggest(self.language, LANGUAGES) + known)

    def say(self, section: str, key: str, **parts: Any) -> Text:
        """A sentence with its places filled by terms of the field, words, formulas, or rows of these.

        >>> from derive.written import Name
        >>> Speaker("en").say("slope", "formula", name=Name("L"))
        ('the formula of ', Name(name='L'))
        """
        spoken: list[Part] = []
        for piece in _pieces(self.language, section, key):
            if piece.startswith("{:"):
                spoken.append(self.term(piece[2:-1]))
            elif piece.startswith("{"):
                part = parts[piece[1:-1]]
                spoken += part if isinstance(part, tuple) else (str(part) if isinstance(part, int) else part,)
            else:
                spoken.append(piece)
        return _in_one(spoken)

    def term(self, name: str) -> str:
        """A term of the field, the problem's own before that of the language; with a capital letter if the name has one.

        >>> Speaker("en").term("loss"), Speaker("en", Words(terms={"loss": "cost"})).term("Loss")
        ('loss', 'Cost')
        """
        small = name[0].lower() + name[1:]
        found = self.words.terms.get(small) or catalogue(self.language)["term"][small]
        return found if name == small else found[0].upper() + found[1:]

    def word(self, section: str, key: str, **parts: Any) -> str:
        """A sentence without formulas."""
        return "".join(str(part) for part in self.say(section, key, **parts))

    def heading(self, key: str) -> Heading:
        """A heading of the second level."""
        return Heading(2, self.word("heading", key))

    def prose(self, key: str, **parts: Any) -> Prose:
        """A paragraph of one sentence."""
        return Prose(self.say("text", key, **parts))

    @property
    def comma(self) -> str:
        """What stands between the parts of a list."""
        return self.word("text", "comma")

    @property
    def semicolon(self) -> str:
        """What stands between statements."""
        return self.word("text", "semicolon")

    @property
    def gap(self) -> str:
        """What stands between the first and the last of many."""
        return self.word("text", "gap")

    def label(self, label: str) -> str:
        """What the problem calls one of its questions."""
        return self.words.asks.get(label, label)


@cache
def _pieces(language: str, section: str, key: str) -> list[str]:
    """A sentence of the catalogue, its words and its places in turn."""
    return re.split(r"(\{:?[\w-]+\})", catalogue(language)[section][key])


def _in_one(parts: Iterable[Part]) -> Text:
    """The parts, words that follow each other in one."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, str) and isinstance(last, str):
            found[-1] = last + part
        elif part != "":
            found.append(part)
    return tuple(found)


def speaker_of(problem: Problem, language: str = "en") -> Speaker:
    """The sentences of a language in the words of a problem."""
    return Speaker(language, problem.words.get(language, Words()))


def separated(texts: Iterable[Text], separator: str) -> Text:
    """Words and formulas with a separator between them."""
    parts: list[Part] = []
    for text in texts:
        parts += [separator, *text] if parts else text
    return tuple(parts)


def series(items: Iterable[Tree], separator: str) -> Text:
    """Formulas with a separator between them."""
    return separated(((item,) for item in items), separator)


def title_of(problem: Problem, speaker: Speaker) -> str:
    """The title of a problem."""
    return speaker.words.title or problem.title


def opening(problem: Problem, speaker: Speaker) -> list[Block]:
    """The question and its source, where the problem gives them."""
    question, source = speaker.words.question or problem.question, speaker.words.source or problem.source
    blocks: list[Block] = [Prose((question,))] if question else []
    return [*blocks, speaker.prose("source", source=source)] if source else blocks
