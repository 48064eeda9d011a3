"""Elements of HTML and SVG.

Owns `tag`.  Imports nothing of ours.
"""

from __future__ import annotations

from html import escape


def tag(name: str, body: str = "", **attributes: object) -> str:
    """An element; attributes are escaped, an empty or False one is left out, and `_` in their names stands for `-`.

    >>> tag("li", "a", class_="row", data_first='b"', hidden=True)
    '<li class="row" data-first="b&quot;" hidden>a</li>'
    """
    written = ""
    for key, value in attributes.items():
        if value:
            written += f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
    return f"<{name}{written}>{body}</{name}>"
