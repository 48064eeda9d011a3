"""The second derivatives on the page of a derivation: the chains, why each stands once, the matrix, which way it curves.

Owns `hessian_blocks`.  May import: written, tables.ops, curvature, derivation, blocks, sentences.
"""

from __future__ import annotations

from collections.abc import Sequence

from derive.blocks import Block, Equations, Matrix
from derive.curvature import Hessian, is_straight
from derive.derivation import Derivation
from derive.sentences import Speaker, series
from derive.tables.ops import OPS
from derive.written import Call, Name, Nested, Number, Partial, Second, walk


def hessian_blocks(
    work: Derivation, hessian: Hessian, speaker: Speaker, conventions: Sequence[Block], chains: Sequence[Equations]
) -> list[Block]:
    """The section of the second derivatives: `conventions` say which slopes are taken at kinks, `chains` are the steps."""
    names, of = hessian.quantities, Name(hessian.of)
    blocks: list[Block] = [speaker.heading("second"), speaker.prose("second"), *_nested(hessian, speaker)]
    blocks += [*conventions, *_at_kinks(hessian, speaker), *chains]
    if len(names) < 2:
        return blocks
    first, then = Second(of.name, *names[:2]), Second(of.name, *names[1::-1])
    kinked = "-kink" if work.problem.network.kinks else ""
    blocks.append(speaker.prose(f"symmetric{kinked}", first=first, then=then))
    matrix = _matrix(work, hessian)
    if matrix is not None:
        blocks += [speaker.prose("matrix", of=of, names=series(map(Name, names), speaker.comma)), matrix]
    if hessian.definite:
        blocks.append(speaker.prose(f"definite-{hessian.definite}", of=of))
    return blocks


def _nested(hessian: Hessian, speaker: Speaker) -> list[Block]:
    """What the derivative of a derivative means, at the first one; and one along its own formula alone."""
    trees = [tree for step in hessian.steps for tree in (step.goal, *(line.tree for line in step.lines))]
    nested = [node for tree in trees for node in walk(tree) if isinstance(node, Nested) and isinstance(node.of, Partial)]
    blocks: list[Block] = [speaker.prose("second-nested", nested=n, gradient=n.of, by=n.wrt) for n in nested[:1]]
    direct = [node for tree in trees for node in walk(tree) if isinstance(node, Nested | Partial) and node.direct]
    for node in direct[:1]:
        leaves = (Name(node.of), Name(node.wrt)) if isinstance(node, Partial) else (node.of, node.wrt)
        blocks.append(speaker.prose("direct", partial=node, of=leaves[0], wrt=leaves[1]))
    return blocks


def _at_kinks(hessian: Hessian, speaker: Speaker) -> list[Block]:
    """For each operation with a kink, what its second derivative is taken to be there."""
    trees = [equation.rhs for equation in hessian.network.equations if equation.goal in hessian.network.above(hessian.of)]
    called = dict.fromkeys(node.function for tree in trees for node in walk(tree) if isinstance(node, Call))
    blocks: list[Block] = []
    for function in (name for name in called if OPS[name].kink):
        key = "second-straight" if is_straight(function) else "second-bent"
        blocks.append(speaker.prose(key, operation=Name(f"operation:{function}")))
    return blocks


def _matrix(work: Derivation, hessian: Hessian) -> Matrix | None:
    """The matrix of values, where every entry has one."""
    state, names = work.states[0], hessian.quantities
    rows, rounded = [], False
    for row in names:
        entries = [Second(hessian.of, *sorted((row, column))) for column in names]
        cells = [cell for entry in entries if (cell := state.leaf(entry, work.rounding)) is not None]
        if len(cells) < len(names):
            return None
        rounded = rounded or any(not _is_exact(work, entry, cell) for entry, cell in zip(entries, cells, strict=True))
        rows.append(tuple(cells))
    return Matrix(Name(hessian.of), "≈" if rounded else "=", tuple(map(Name, names)), tuple(rows))


def _is_exact(work: Derivation, entry: Second, shown: Number) -> bool:
    state = work.states[0]
    return entry in state.exact and state.values[entry] == shown.value
