"""Any work into a Page of blocks; the sentences are made by the module of its kind, from the catalogue of a language.

Owns `PAGES` and `page_of`.  Each kind of page is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from derive.rounding import Rounding
from derive.sentences import speaker_of

if TYPE_CHECKING:
    from derive.blocks import Page
    from derive.decisions import Proof
    from derive.derivation import Derivation
    from derive.exercises.classes import Class, Summary
    from derive.exercises.verdicts import Audit
    from derive.tensors.work import ArrayDerivation

PAGES: dict[str, tuple[str, str]] = {
    "Derivation": ("derivationpages", "derivation_page"),
    "ArrayDerivation": ("arraypages", "array_page"),
    "ModelDerivation": ("modelpages", "model_page"),
    "Proof": ("proofpages", "proof_page"),
    "Audit": ("auditpages", "audit_page"),
    "Class": ("auditpages", "class_page"),
    "Summary": ("auditpages", "class_page"),
}
"""For each kind of work, the module and the function that make its page."""


def page_of(
    work: Derivation | ArrayDerivation | Proof | Audit | Class | Summary,
    language: str = "en",
    rounding: Rounding | None = None,
    level: str = "full",
    digits: str = "latin",
) -> Page:
    """The page of a derivation, a proof, an audit or a class, down to a level.

    `rounding` is for what an audit expected, `digits` are those of `Page`.
    """
    module, function = PAGES[type(work).__name__]
    make: Callable[..., Page] = getattr(import_module(f"derive.{module}"), function)
    speaker = speaker_of(work.problem, language)
    page = make(work, speaker, rounding or Rounding()) if function == "audit_page" else make(work, speaker)
    return replace(page.at_level(level), digits=digits)
