"""How a typed name is written: w5 as w₅, or as a course writes layers and units.

Owns `NOTATIONS`.  Each row is a list of patterns; the first that fits a whole name gives its LaTeX.  Imports nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notation:
    """A course's way of writing names; `rows` are (pattern, LaTeX template), and `vectors` the same for names of vectors."""

    name: str
    title: str
    rows: tuple[tuple[str, str], ...]
    vectors: tuple[tuple[str, str], ...] = ()


_LAYER_UNIT = r"(?P<letter>[A-Za-z]+)(?P<layer>\d+)_(?P<unit>\d+)"
_LAYER_ROW_COLUMN = r"(?P<letter>[A-Za-z]+)(?P<layer>\d+)_(?P<row>\d+)_(?P<column>\d+)"
_LAYER = r"(?P<letter>[A-Za-z]+)(?P<layer>\d+)"

NOTATIONS: dict[str, Notation] = {
    notation.name: notation
    for notation in (
        Notation("plain", "names as typed: w5, net_h1", ()),
        Notation(
            "ng",
            "layer in square brackets above, unit below (Andrew Ng's courses)",
            (
                (_LAYER_UNIT, "{letter}^{{[{layer}]}}_{{{unit}}}"),
                (_LAYER_ROW_COLUMN, "{letter}^{{[{layer}]}}_{{{row},{column}}}"),
            ),
            ((_LAYER, "{letter}^{{[{layer}]}}"),),
        ),
        Notation(
            "nielsen",
            "layer above, unit below (Nielsen, Neural Networks and Deep Learning)",
            (
                (_LAYER_UNIT, "{letter}^{{{layer}}}_{{{unit}}}"),
                (_LAYER_ROW_COLUMN, "{letter}^{{{layer}}}_{{{row},{column}}}"),
            ),
            ((_LAYER, "{letter}^{{{layer}}}"),),
        ),
        Notation(
            "bishop",
            "layer in round brackets above, unit below (Bishop, Pattern Recognition and Machine Learning)",
            (
                (_LAYER_UNIT, "{letter}^{{({layer})}}_{{{unit}}}"),
                (_LAYER_ROW_COLUMN, "{letter}^{{({layer})}}_{{{row},{column}}}"),
            ),
            ((_LAYER, "{letter}^{{({layer})}}"),),
        ),
    )
}
