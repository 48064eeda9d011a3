"""The words of each language, as they stand in its catalogue.

Owns `catalogue` and `LANGUAGES`.  Imports nothing of ours.
"""

from __future__ import annotations

import os
from functools import cache

_FOLDER = os.path.join(os.path.dirname(__file__), "languages")

LANGUAGES = tuple(sorted(name.removesuffix(".toml") for name in os.listdir(_FOLDER) if name.endswith(".toml")))
"""The languages of pages: one file each."""


@cache
def catalogue(language: str) -> dict[str, dict[str, str]]:
    """The words of a language, section by section."""
    import tomllib

    with open(os.path.join(_FOLDER, f"{language}.toml"), "rb") as stream:
        return tomllib.load(stream)
