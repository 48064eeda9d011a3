"""derive: backpropagation written the way a good teacher writes it on the board, every line judged before it is printed.

    text --reader--> trees --spec--> Problem --backward--> steps --values--> numbers --checks--> Derivation
    Derivation --pages--> Page --formats--> text, LaTeX, Markdown, JSON
    Derivation --emission--> NumPy, PyTorch, C
    somebody's text --answers--> entries --audit--> verdicts and slips --auditpages--> Page

Nothing heavy is imported until it is needed.

>>> import derive
>>> worked = derive.derive(derive.find("q1"))
>>> print(derive.render(worked, "text").splitlines()[0])
Question 1
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself would cost a tenth of the start-up
if TYPE_CHECKING:
    from typing import Any

    from derive.derivation import Derivation
    from derive.editions import Edition, make_papers
    from derive.emission.files import emit
    from derive.errors import DeriveError
    from derive.exercises.answers import load_answers, read_answers
    from derive.exercises.audit import audit_papers
    from derive.exercises.homework import audit_homework
    from derive.formats import render
    from derive.models.reading import from_torch
    from derive.problem import Problem
    from derive.rounding import Rounding
    from derive.spec import built_in_names, find, load, load_text
    from derive.tensors.work import ArrayDerivation
    from derive.works import derive

__version__ = "0.1.0"

_HOME = {
    "ArrayDerivation": "tensors.work",
    "Derivation": "derivation",
    "DeriveError": "errors",
    "Edition": "editions",
    "Problem": "problem",
    "Rounding": "rounding",
    "audit_homework": "exercises.homework",
    "audit_papers": "exercises.audit",
    "built_in_names": "spec",
    "derive": "works",
    "emit": "emission.files",
    "find": "spec",
    "from_torch": "models.reading",
    "load": "spec",
    "load_answers": "exercises.answers",
    "load_text": "spec",
    "make_papers": "editions",
    "read_answers": "exercises.answers",
    "render": "formats",
}

__all__ = [
    "ArrayDerivation",
    "Derivation",
    "DeriveError",
    "Edition",
    "Problem",
    "Rounding",
    "__version__",
    "audit_homework",
    "audit_papers",
    "built_in_names",
    "derive",
    "emit",
    "find",
    "from_torch",
    "load",
    "load_answers",
    "load_text",
    "make_papers",
    "read_answers",
    "render",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(f"derive.{_HOME[name]}"), name)
    raise AttributeError(f"module 'derive' has no attribute '{name}'")
