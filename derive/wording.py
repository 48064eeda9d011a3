"""What a problem file says in each language: [words.fa] and its like.

Owns `read_words`.  Every message says place, what is wrong and what was probably meant.  May import: errors, catalogues, problem.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from derive.catalogues import LANGUAGES, catalogue
from derive.errors import InputError, printable, shown, suggest
from derive.problem import Words

TEXTS = ("title", "source", "question")
"""What a problem may say again in each language."""


def read_words(section: Mapping[str, Any], labels: Collection[str]) -> dict[str, Words]:
    """The words of [words] by language; `labels` are those of [ask].  Raises InputError.

    >>> read_words({"en": {"loss": "cost", "ask": {"a": "the answer"}}}, ["a"])["en"].terms
    {'loss': 'cost'}
    >>> read_words({"en": {"los": "cost"}}, [])
    Traceback (most recent call last):
    derive.errors.InputError: words.en.los: no page has such a word; did you mean 'loss'?
    """
    found = {}
    for language, words in section.items():
        place = f"words.{shown(language)}"
        if language not in LANGUAGES:
            raise InputError(f"{place}: unknown language" + suggest(language, LANGUAGES) + f" (known: {', '.join(LANGUAGES)})")
        if not isinstance(words, dict):
            raise InputError(f"{place}: should be a section, written [{place}]")
        terms = catalogue(language)["term"]
        for key in words:
            if key != "ask" and key not in TEXTS and key not in terms:
                raise InputError(f"{place}.{shown(key)}: no page has such a word" + suggest(key, (*TEXTS, "ask", *terms)))
        asks = words.get("ask", {})
        if not isinstance(asks, dict):
            raise InputError(f"{place}.ask: should be a section, written [{place}.ask]")
        for label in asks:
            if label not in labels:
                raise InputError(f"{place}.ask.{shown(label)}: [ask] has no such label" + suggest(label, labels))
        texts = {key: _text(words[key], f"{place}.{key}") for key in words if key != "ask"}
        told = {label: _text(text, f"{place}.ask.{shown(label)}") for label, text in asks.items()}
        own = {key: texts.pop(key) for key in TEXTS if key in texts}
        found[language] = Words(**own, terms=texts, asks=told)
    return found


def _text(value: Any, place: str) -> str:
    if type(value) is not str or not value.strip():
        raise InputError(f"{place}: should be text in quotes")
    return printable(value)
