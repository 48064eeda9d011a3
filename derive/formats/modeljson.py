"""The derivation of a PyTorch module as data: that of its arrays, with the names in the model and how it compared with autograd.

Owns `render_model`.  May import: models.reading, formats.arrayjson.
"""

from __future__ import annotations

import json

from derive.formats.arrayjson import render_arrays
from derive.models.reading import ModelDerivation


def render_model(work: ModelDerivation) -> str:
    """The derivation as JSON; `rows` of a parameter are the first, and the one after the last."""
    data = json.loads(render_arrays(work))
    model, comparison = work.model, work.comparison
    assert model is not None
    assert comparison is not None
    data["model"] = {
        "parameters": {
            name: {"path": its.path, **({} if its.start is None else {"rows": [its.start, its.stop]})}
            for name, its in model.parameters.items()
        },
        "sizes": dict(model.sizes),
        "autograd": {"inputs": comparison.draws, "gradients": comparison.gradients, "largest": f"{comparison.largest:.17g}"},
    }
    return json.dumps(data, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
