"""The layers of PyTorch that are more than one operation: recurrent ones, their cells, and attention with several heads.

Owns `LAYERS`.  A row's function takes the sheet, the module, its weights by name, and the arguments of its forward.  It raises
ValueError for what is not known here.  May import: models.axes, models.entries, models.parts,
models.products, models.sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from derive.models.axes import Keys
from derive.models.entries import entrywise
from derive.models.parts import joined, picked, stacked, turned
from derive.models.products import affine, attended
from derive.models.sheet import Letters, Sheet, Value, Weight, size, summed

GATES = {"RNN": ("",), "LSTM": ("i", "f", "g", "o"), "GRU": ("r", "u", "n")}
"""The gates of a layer in the order PyTorch stacks their weights, each with its letter."""


def _recurrent(kind: str) -> Callable[..., Any]:
    def row(s: Sheet, module: Any, weights: Mapping[str, Weight], input: Value, hx: Any = None) -> Any:
        if getattr(module, "proj_size", 0):
            raise ValueError("proj_size: only a layer without projection is known")
        if module.num_layers > 1 and module.dropout and module.training:
            raise ValueError("dropout between its layers while training; call .eval() first")
        starts = hx if isinstance(hx, tuple) else (hx,) if hx is not None else ()
        order = list(range(len(input.groups)))
        if len(order) == 3 and module.batch_first:
            order = [1, 0, 2]
        now = s.permuted(input, order)
        last: list[list[Value]] = []
        ways = ("", "_reverse") if module.bidirectional else ("",)
        for layer in range(module.num_layers):
            swept: list[Value] = []
            for way in ways:  # the way back is the way forward on what is turned round
                tail = f"_l{layer}{way}"
                own = {name.removesuffix(tail): weight for name, weight in weights.items() if name.endswith(tail)}
                place = layer * len(ways) + len(swept)
                before = [start if start.number and float(start.name) == 0 else _of_layer(s, start, place) for start in starts]
                state, ends = _swept(s, kind, module, own, turned(s, now, [0]) if way else now, before)
                swept.append(turned(s, state, [0]) if way else state)
                last.append(ends)
            now = joined(s, swept, -1) if len(swept) > 1 else swept[0]
        heads = tuple(_stacked(s, [ends[k] for ends in last]) for k in range(len(last[0])))
        return s.permuted(now, order), heads if kind == "LSTM" else heads[0]

    return row


def _of_layer(s: Sheet, start: Value, layer: int) -> Value:
    """The state before the first step, of one layer."""
    return picked(s, start, 0, layer)


def _stacked(s: Sheet, values: Sequence[Value]) -> Value:
    """The last state of every layer."""
    return s.unsqueezed(values[0], 0) if len(values) == 1 else stacked(s, values, 0)


def _gate_weights(
    s: Sheet, kind: str, own: Mapping[str, Weight], layer: int, into: Keys, out: Keys
) -> list[tuple[Value, Value, Value | None, Value | None]]:
    """W, R and the two biases of every gate."""
    width = own["weight_ih"].tensor.shape[0] // len(GATES[kind])
    found = []
    for k, gate in enumerate(GATES[kind]):
        rows = (k * width, (k + 1) * width) if len(GATES[kind]) > 1 else None
        w = s.weight(own["weight_ih"], f"W{gate}", layer, [out, into], rows)
        r = s.weight(own["weight_hh"], f"R{gate}", layer, [out, out], rows)
        b = s.weight(own["bias_ih"], f"b{gate}", layer, [out], rows) if "bias_ih" in own else None
        c = s.weight(own["bias_hh"], f"c{gate}", layer, [out], rows) if "bias_hh" in own else None
        found.append((w, r, b, c))
    return found


def _swept(
    s: Sheet, kind: str, module: Any, own: Mapping[str, Weight], input: Value, starts: Sequence[Value]
) -> tuple[Value, list[Value]]:
    """One layer over all steps: every step takes the state of the one before."""
    layer = s.layer()
    inner = s.axis(own["weight_ih"].tensor.shape[1], "d")
    s.axes.unify(s.keys(input, -1), inner)
    out = s.axes_of(s.axis(module.hidden_size, "d"))
    into = s.axes_of(s.keys(input, -1))
    gates = _gate_weights(s, kind, own, layer, into, out)
    axes = [*map(s.axes_of, s.all_keys(input)[:-1]), out]
    steps = axes[0]
    if len(steps) != 1:
        raise ValueError("a sequence of one step; use a longer example")
    for stem, keys in zip("SN", axes[:-1], strict=False):
        for key in keys:
            s.axes.call(key, stem)
    given = [start for start in starts if not start.number]
    for start in given:
        for one, other in zip(axes[1:], s.all_keys(start), strict=True):
            s.axes.unify(one, other)
    hidden = s.fresh("h", layer)
    state = Value(hidden, tuple(k for keys in axes for k in keys), _groups(axes))

    def before(name: Value, start: Value | None, letters: Sequence[Sequence[str]]) -> str:
        t, *rest = letters
        text = s.entry(name, [[f"{t[0]}-1"], *rest])
        return f"({text} + delta({t[0]}, 0)*{s.entry(start, rest)})" if start is not None else text

    h0 = starts[0] if starts and not starts[0].number else None

    def through(w: Value, r: Value, b: Value | None, c: Value | None, letters: Sequence[Sequence[str]], more: Letters) -> str:
        k = more.take(into)
        j = more.take(out)
        text = summed(k, f"{s.entry(w, [letters[-1], k])}*{s.entry(input, [*letters[:-1], k])}")
        text += " + " + summed(j, f"{s.entry(r, [letters[-1], j])}*{before(state, h0, [*letters[:-1], j])}")
        return text + "".join(f" + {s.entry(bias, [letters[-1]])}" for bias in (b, c) if bias is not None)

    s.shapes[hidden] = state.base  # the gates take it from the step before
    if kind == "RNN":
        (weights,) = gates
        z = s.define("z", axes, lambda letters, more: through(*weights, letters, more), layer)
        s.forward[hidden] = f"{'relu' if module.nonlinearity == 'relu' else 'tanh'}({z.name})"
    elif kind == "LSTM":
        memory = s.fresh("c", layer)
        c = s.declare(memory, axes)
        pre = [s.define(f"z{g}", axes, _gate(through, weights), layer) for g, weights in zip(GATES[kind], gates, strict=True)]
        i, f, o = (s.entrywise(g, "sigmoid({0})", z, layer=layer) for g, z in zip("ifo", (pre[0], pre[1], pre[3]), strict=True))
        g = s.entrywise("g", "tanh({0})", pre[2], layer=layer)
        c0 = starts[1] if len(starts) > 1 and not starts[1].number else None
        letters = Letters(s.axes)
        mine = [letters.take(keys) for keys in axes]
        flat = ",".join(letter for group in mine for letter in group)
        s.forward[memory] = f"{memory}[{flat}] = {s.entry(f, mine)}*{before(c, c0, mine)} + {s.entry(i, mine)}*{s.entry(g, mine)}"
        k = s.entrywise("k", "tanh({0})", c, layer=layer)
        s.forward[hidden] = f"{o.name}*{k.name}"
    else:
        pre = [s.define(f"z{g}", axes, _gate(through, weights), layer) for g, weights in zip("ru", gates[:2], strict=True)]
        r, u = (s.entrywise(g, "sigmoid({0})", z, layer=layer) for g, z in zip("ru", pre, strict=True))
        wn, rn, bn, cn = gates[2]

        def recalled(letters: list[list[str]], more: Letters) -> str:
            j = more.take(out)
            text = summed(j, f"{s.entry(rn, [letters[-1], j])}*{before(state, h0, [*letters[:-1], j])}")
            return text + (f" + {s.entry(cn, [letters[-1]])}" if cn is not None else "")

        q = s.define("q", axes, recalled, layer)

        def fresh_state(letters: list[list[str]], more: Letters) -> str:
            k = more.take(into)
            text = summed(k, f"{s.entry(wn, [letters[-1], k])}*{s.entry(input, [*letters[:-1], k])}")
            return (
                text
                + (f" + {s.entry(bn, [letters[-1]])}" if bn is not None else "")
                + f" + {s.entry(r, letters)}*{s.entry(q, letters)}"
            )

        n = s.entrywise("m", "tanh({0})", s.define("zn", axes, fresh_state, layer), layer=layer)
        letters = Letters(s.axes)
        mine = [letters.take(keys) for keys in axes]
        flat = ",".join(letter for group in mine for letter in group)
        s.forward[hidden] = (
            f"{hidden}[{flat}] = {s.entry(u, mine)}*{before(state, h0, mine)} + (1 - {s.entry(u, mine)})*{s.entry(n, mine)}"
        )
    s.declared[hidden] = state
    ends = [state] if kind != "LSTM" else [state, c]
    (step,) = steps
    s.axes.least[s.axes.find(step)] = 2
    return state, [_last_step(s, value, step) for value in ends]


def _gate(through: Callable[..., str], weights: Any) -> Callable[[list[list[str]], Letters], str]:
    return lambda letters, more: through(*weights, letters, more)


def _groups(axes: Sequence[Keys]) -> tuple[tuple[int, ...], ...]:
    groups, count = [], 0
    for keys in axes:
        groups.append(tuple(range(count, count + len(keys))))
        count += len(keys)
    return tuple(groups)


def _last_step(s: Sheet, value: Value, step: str) -> Value:
    """The state after the last step."""
    return s.define("h", s.all_keys(value)[1:], lambda letters, _: s.entry(value, [[f"{size(step)} - 1"], *letters]))


# --- cells ------------------------------------------------------------------------------------------------------------------


def _cell(kind: str) -> Callable[..., Any]:
    def row(s: Sheet, module: Any, weights: Mapping[str, Weight], input: Value, hx: Any = None) -> Any:
        layer = s.layer()
        inner = s.axis(module.input_size, "d")
        s.axes.unify(s.keys(input, -1), inner)
        out = s.axes_of(s.axis(module.hidden_size, "d"))
        gates = _gate_weights(s, kind, weights, layer, s.axes_of(s.keys(input, -1)), out)
        starts = hx if isinstance(hx, tuple) else (hx,) if hx is not None else ()
        for start in starts:
            if not start.number:
                s.axes.unify(s.keys(start, -1), out)
                for one, other in zip(s.all_keys(start)[:-1], s.all_keys(input)[:-1], strict=True):
                    s.axes.unify(one, other)
        h0, c0 = [start if not start.number else None for start in (*starts, ZERO, ZERO)][:2]

        def recalled(weights: tuple[Value, Value, Value | None, Value | None], stem: str) -> Value | None:
            _, r, _, c = weights
            return affine(s, h0, r, c, stem, layer) if h0 is not None else c

        def gate(name: str, weights: tuple[Value, Value, Value | None, Value | None]) -> Value:
            z = affine(s, input, weights[0], weights[2], f"z{name}", layer)
            back = recalled(weights, f"q{name}")
            return z if back is None else s.entrywise(f"y{name}", "{0} + {1}", z, back, layer=layer)

        if kind == "RNN":
            squashed = "relu({0})" if module.nonlinearity == "relu" else "tanh({0})"
            return s.entrywise("h", squashed, gate("", gates[0]), layer=layer)
        if kind == "LSTM":
            i, f, g, o = (
                s.entrywise(name, "tanh({0})" if name == "g" else "sigmoid({0})", gate(name, weights), layer=layer)
                for name, weights in zip("ifgo", gates, strict=True)
            )
            kept = s.entrywise("c", "{0}*{1} + {2}*{3}", f, c0, i, g, layer=layer) if c0 else entrywise(s, "mul", i, g)
            return s.entrywise("h", "{0}*tanh({1})", o, kept, layer=layer), kept
        r, u = (
            s.entrywise(name, "sigmoid({0})", gate(name, weights), layer=layer) for name, weights in zip("ru", gates, strict=False)
        )
        z = affine(s, input, gates[2][0], gates[2][2], "zn", layer)
        back = recalled(gates[2], "qn")
        n = s.entrywise("m", "tanh({0} + {1}*{2})" if back else "tanh({0})", z, *([r, back] if back else []), layer=layer)
        if h0 is None:
            return s.entrywise("h", "(1 - {0})*{1}", u, n, layer=layer)
        return s.entrywise("h", "{0}*{1} + (1 - {0})*{2}", u, h0, n, layer=layer)

    return row


ZERO = Value("0", number=True)


# --- attention --------------------------------------------------------------------------------------------------------------


def _multihead(
    s: Sheet, module: Any, weights: Mapping[str, Weight], query: Value, key: Value, value: Value, key_padding_mask: Any = None,
    need_weights: bool = True, attn_mask: Any = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> Any:  # fmt: skip
    """Attention with several heads: each reads its own columns of Q, K and V."""
    if key_padding_mask is not None:
        raise ValueError("key_padding_mask: only attn_mask is known")
    if module.bias_k is not None or module.add_zero_attn or (module.dropout and module.training):
        raise ValueError("add_bias_kv, add_zero_attn or dropout while training; call .eval() first")
    if "in_proj_weight" not in weights:
        raise ValueError("kdim or vdim: only keys and values as wide as the queries are known")
    layer, width, heads = s.layer(), module.embed_dim, module.num_heads
    parts = []
    for part, (name, source) in enumerate(zip("qkv", (query, key, value), strict=True)):
        inner = s.axis(width, "d")
        s.axes.unify(s.keys(source, -1), inner)
        head, each = s.axis(heads, "H"), s.axis(width // heads, "d")
        out = (*s.axes_of(head), *s.axes_of(each))
        rows = (part * width, (part + 1) * width)
        w = s.weight(weights["in_proj_weight"], f"W{name}", layer, [out, s.axes_of(s.keys(source, -1))], rows)
        b = s.weight(weights["in_proj_bias"], f"b{name}", layer, [out], rows) if "in_proj_bias" in weights else None
        read = affine(s, source, w, b, name.upper(), layer)
        shape = s.lengths(read)
        parted = s.reshaped(read, (*shape[:-1], heads, width // heads))
        if len(shape) == 3:  # examples and heads side by side, then places, then the width of a head
            parted = s.permuted(parted, (0, 2, 1, 3) if module.batch_first else (1, 2, 0, 3))
        else:
            parted = s.permuted(parted, (1, 0, 2))
        parts.append(parted)
    q, k, v = parts
    together = attended(s, q, k, v, attn_mask)
    if len(together.groups) == 4:
        together = s.permuted(together, (0, 2, 1, 3) if module.batch_first else (2, 0, 1, 3))
    else:
        together = s.permuted(together, (1, 0, 2))
    shape = s.lengths(together)
    joined = s.reshaped(together, (*shape[:-2], width))
    out = s.axis(width, "d")
    w = s.weight(weights["out_proj.weight"], "Wo", layer, [s.axes_of(out), s.keys(joined, -1)])
    b = s.weight(weights["out_proj.bias"], "bo", layer, [s.axes_of(out)]) if "out_proj.bias" in weights else None
    return affine(s, joined, w, b, "z", layer), None


LAYERS: dict[str, Callable[..., Any]] = {
    **{kind: _recurrent(kind) for kind in GATES},
    **{f"{kind}Cell": _cell(kind) for kind in GATES},
    "MultiheadAttention": _multihead,
}
"""Layers by the name of their class in torch.nn."""
