"""An audit as data: the schema `derive/audit-1`; a class as a list of them.

Owns `render_audit` and `render_class`.  May import: exercises, rounding, sentences, auditpages, formats.plain.
"""

from __future__ import annotations

import json
from typing import Any

from derive.auditpages import slip_sentence
from derive.exercises.classes import Class
from derive.exercises.verdicts import Audit, Judged, Named, Trial
from derive.formats.plain import typed
from derive.problem import Numbers
from derive.rounding import Rounding
from derive.sentences import Speaker
from derive.written import Number, Tree

SCHEMA, CLASS_SCHEMA = "derive/audit-1", "derive/class-1"


def render_audit(audit: Audit, rounding: Rounding) -> str:
    """The audit as JSON."""
    return _text(_audit(audit, rounding))


def render_class(grades: Class, rounding: Rounding) -> str:
    """Every audit of a class as JSON."""
    return _text({"schema": CLASS_SCHEMA, "papers": [_audit(audit, rounding) for audit in grades.audits]})


def _text(data: dict[str, Any]) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _audit(audit: Audit, rounding: Rounding) -> dict[str, Any]:
    paper = {key: value for key, value in (("student", audit.paper.student), ("paper", audit.paper.variant)) if value}
    return {
        "schema": SCHEMA,
        "problem": {"title": audit.problem.title},
        **paper,
        **({"trial": _trial(audit.trial)} if audit.trial is not None else {}),
        "lines": [_line(line, rounding) for line in audit.lines],
        "slips": [_slip(slip) for slip in audit.slips],
        "conventions": [
            {"id": convention.id, "text": Speaker("en").word("convention", convention.id), "lines": list(convention.lines)}
            for convention in audit.conventions
        ],
        "score": audit.score,
    }


def _trial(trial: Trial) -> dict[str, Any]:
    """What a function was run on."""
    return {
        "code": f"{trial.file}:{trial.function}",
        "seed": trial.seed,
        "digits": trial.digits,
        "inputs": [{name: _plain(value) for name, value in numbers.items()} for numbers in trial.inputs],
        **({"order": [typed(name) for name in trial.order]} if trial.order else {}),
    }


def _plain(value: Numbers) -> Any:
    return value.text if isinstance(value, Number) else [_plain(item) for item in value]


def _line(line: Judged, rounding: Rounding) -> dict[str, Any]:
    expected = None
    if line.value is not None:
        expected = rounding.show(line.value)
    elif line.formula is not None:
        expected = typed(line.formula)
    found: dict[str, Any] = {
        "name": line.name,
        "given": line.entry.text,
        "expected": expected,
        "verdict": line.verdict,
        "slips": list(line.slips),
    }
    notes = [*(note.key for note in line.notes), *line.entry.notes]
    more = {
        "place": line.entry.place,
        "fault": line.entry.fault,
        "notes": notes,
        "carried_from": list(line.sources),
        "witness": dict(line.witness),
        "chain": [{"left": link.left, "right": link.right, "verdict": link.verdict} for link in line.links],
    }
    return found | {key: value for key, value in more.items() if value}


def _slip(slip: Named) -> dict[str, Any]:
    words = slip_sentence(slip, Speaker("en"))
    found: dict[str, Any] = {
        "id": slip.id,
        "where": place_of(slip),
        "text": "".join(typed(part) if isinstance(part, Tree) else str(part) for part in words),
        "explains": list(slip.explains),
    }
    if slip.number is not None and slip.given is not None:
        found |= {"number": slip.number.text, "given": slip.given.text}
    return found | ({"tie": slip.tie} if slip.tie else {})


def place_of(slip: Named) -> str:
    """Where a slip was made, as it is typed: `w5+`, `dL/dy1`, `t2`."""
    place = typed(slip.where)
    return f"{place.removesuffix('@1')}+" if place.endswith("@1") else place
