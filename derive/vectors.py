"""Vector form: components that differ only by their index, written once with vectors and matrices.

Owns `components` (a vector line back into scalars, for the judges) and `vector_steps`.  What is not recognised stays in components.
May import: written, backward, tables.layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from derive.backward import Line, Step
from derive.tables.layers import Grid, rows_of
from derive.written import (
    Call,
    Elementwise,
    Listing,
    MatrixProduct,
    Name,
    Negative,
    Number,
    Partial,
    Power,
    Product,
    Quotient,
    Sum,
    Transpose,
    Tree,
    add,
    children,
    multiply,
    rebuild,
)

Cells = tuple[tuple[Tree, ...], ...]
Vectors = Mapping[str, Grid]


def components(tree: Tree, vectors: Vectors) -> tuple[Tree, ...]:
    """The scalar trees a line stands for, row by row; a scalar line stands for itself.

    >>> components(Elementwise((Name("u"), Name("v"))), {"u": ("u1", "u2"), "v": ("v1", "v2")})[1]
    Product(factors=(Name(name='u2'), Name(name='v2')), tight=True)
    """
    return tuple(cell for row in _cells(tree, vectors) for cell in row)


def _cells(tree: Tree, vectors: Vectors) -> Cells:
    match tree:
        case Name(name) if name in vectors:
            return tuple(tuple(map(Name, row)) for row in rows_of(vectors[name]))
        case Partial(of, wrt) if wrt in vectors:
            return tuple(tuple(Partial(of, entry) for entry in row) for row in rows_of(vectors[wrt]))
        case Listing(items):
            return tuple((item,) for item in items)
        case Transpose(body):
            return tuple(zip(*_cells(body, vectors), strict=True))
        case MatrixProduct(left, right):
            rows, right_rows = _cells(left, vectors), _cells(right, vectors)
            if len(rows[0]) == len(right_rows[0]) == 1 and len(rows) == len(right_rows):
                rows = tuple(zip(*rows, strict=True))  # two vectors: their inner product, as NumPy reads u @ v
            columns = tuple(zip(*right_rows, strict=True))
            return tuple(tuple(_inner(row, column) for column in columns) for row in rows)
        case Elementwise(factors):
            return _spread(lambda *parts: Product(parts, tight=True), [_cells(factor, vectors) for factor in factors])
        case Sum() | Product() | Negative() | Quotient() | Power() | Call():
            if parts := [_cells(part, vectors) for part in children(tree)]:  # pi() has none and is a scalar
                return _spread(lambda *cells: _with_parts(tree, cells), parts)
    return ((tree,),)


def _with_parts(tree: Tree, parts: Sequence[Tree]) -> Tree:
    remaining = iter(parts)
    return rebuild(tree, lambda _: next(remaining))


def _inner(row: Sequence[Tree], column: Sequence[Tree]) -> Tree:
    return add(*(Product(pair, tight=True) for pair in zip(row, column, strict=True)))


def _spread(join: Callable[..., Tree], parts: list[Cells]) -> Cells:
    """`join` cell by cell; a scalar goes with every cell."""
    height, width = max(len(part) for part in parts), max(len(part[0]) for part in parts)

    def cell(part: Cells, i: int, j: int) -> Tree:
        return part[0][0] if len(part) == len(part[0]) == 1 else part[i][j]

    return tuple(tuple(join(*(cell(part, i, j) for part in parts)) for j in range(width)) for i in range(height))


def vector_steps(steps: Sequence[Step], vectors: Vectors, of: str) -> tuple[Step, ...]:
    """A step for each vector or matrix all of whose components have one: the components gathered, then the vector form."""
    answers = {step.goal.wrt: step.answer for step in steps if isinstance(step.goal, Partial) and step.goal.of == of}
    found, lifter = [], _Lifter(vectors)
    for name, grid in vectors.items():
        rows = rows_of(grid)
        entries = [entry for row in rows for entry in row]
        if len(entries) > 1 and all(entry in answers for entry in entries):
            found.append(_vector_step(name, rows, answers, lifter, of))
    order = {entry: place for place, entry in enumerate(answers)}
    return tuple(sorted(found, key=lambda step: max(order[e] for r in rows_of(vectors[_wrt(step)]) for e in r)))


def _wrt(step: Step) -> str:
    assert isinstance(step.goal, Partial)
    return step.goal.wrt


def _vector_step(name: str, rows: Sequence[Sequence[str]], answers: Mapping[str, Tree], lifter: _Lifter, of: str) -> Step:
    cells = [[answers[entry] for entry in row] for row in rows]
    lines: list[Line] = []
    if len(rows[0]) == 1:
        lines.append(Line(Listing(tuple(Partial(of, row[0]) for row in rows)), "stack", (name,)))
        lines.append(Line(Listing(tuple(row[0] for row in cells)), "found-above"))
        lifted = lifter.column([row[0] for row in cells])
    else:
        lifted = lifter.outer(cells)
        if lifted is None:
            lines.append(Line(Partial(of, name), "stack", (name,)))
    if lifted is not None:
        lines.append(Line(lifted, "vector-form"))
    return Step("vector", Partial(of, name), tuple(lines))


class _Lifter:
    """Recognises what components have in common.  Every answer is judged against the components it came from."""

    def __init__(self, vectors: Vectors) -> None:
        self.columns = {
            tuple(row[0] for row in rows_of(grid)): name for name, grid in vectors.items() if len(rows_of(grid)[0]) == 1
        }
        self.matrices = {
            name: rows_of(grid) for name, grid in vectors.items() if len(rows_of(grid)[0]) > 1 or len(rows_of(grid)) == 1
        }
        self.matrix_of = {entry: name for name, rows in self.matrices.items() for row in rows for entry in row}

    def column(self, cells: Sequence[Tree]) -> Tree | None:
        """The vector whose components are these trees."""
        first = cells[0]
        if any(type(cell) is not type(first) for cell in cells):
            return None
        if isinstance(first, Number):
            return first if all(cell == first for cell in cells) else None
        if isinstance(first, Name | Partial):
            return self.leaf(cells)
        weighted = self.weighted(cells)
        if weighted is not None:
            return weighted
        parts = [children(cell) for cell in cells]
        if len({len(part) for part in parts}) != 1:
            return None
        if isinstance(first, Power) and any(part[1] != parts[0][1] for part in parts):
            return None
        if isinstance(first, Call) and any(isinstance(cell, Call) and cell.function != first.function for cell in cells):
            return None
        lifted = [self.column([part[k] for part in parts]) for k in range(len(parts[0]))]
        if any(part is None for part in lifted):
            return None
        known = [part for part in lifted if part is not None]
        return self.elementwise(known) if isinstance(first, Product) else _with_parts(first, known)

    def leaf(self, cells: Sequence[Tree]) -> Tree | None:
        first = cells[0]
        if isinstance(first, Name):
            name = self.columns.get(tuple(cell.name for cell in cells if isinstance(cell, Name)))
            return None if name is None else Name(name)
        if isinstance(first, Partial):
            partials = [cell for cell in cells if isinstance(cell, Partial) and cell.of == first.of and not cell.direct]
            name = self.columns.get(tuple(cell.wrt for cell in partials))
            return None if name is None or len(partials) != len(cells) else Partial(first.of, name, signal=first.signal)
        return None

    def elementwise(self, factors: Sequence[Tree]) -> Tree:
        numbers = [factor for factor in factors if isinstance(factor, Number)]
        flat: list[Tree] = []
        for factor in factors:
            if not isinstance(factor, Number):
                flat += factor.factors if isinstance(factor, Elementwise) else (factor,)
        product = flat[0] if len(flat) == 1 else Elementwise(tuple(flat))
        return multiply(*numbers, product, tight=True)

    def weighted(self, cells: Sequence[Tree]) -> Tree | None:
        """Wᵀ v or W v, plus what is left, for components that are sums of products with the entries of one matrix."""
        sums = [cell.terms if isinstance(cell, Sum) else (cell,) for cell in cells]
        pairs = [[self.entry_and_other(term) for term in terms] for terms in sums]
        names = {self.matrix_of[pair[0]] for row in pairs for pair in row if pair is not None}
        if len(names) != 1:
            return None
        name = names.pop()
        matrix = self.matrices[name]
        for turned in (True, False):
            lookup = tuple(zip(*matrix, strict=True)) if turned else matrix
            if len(lookup) != len(cells):
                continue
            matched = [[pair for pair in row if pair is not None] for row in pairs]
            if all(tuple(entry for entry, _ in row) == lookup[i] for i, row in enumerate(matched)):
                others = [tuple(other for _, other in row) for row in matched]
                vector = self.leaf(others[0])
                if vector is None or any(other != others[0] for other in others):
                    continue
                product = MatrixProduct(Transpose(Name(name)) if turned else Name(name), vector)
                rest = [
                    [term for term, pair in zip(terms, row, strict=True) if pair is None]
                    for terms, row in zip(sums, pairs, strict=True)
                ]
                if not any(rest):
                    return product
                lifted = self.column([add(*terms) for terms in rest]) if all(rest) else None
                return None if lifted is None else Sum((product, lifted))
        return None

    def entry_and_other(self, term: Tree) -> tuple[str, Tree] | None:
        """The matrix entry and the other factor of a product of two leaves."""
        if isinstance(term, Product) and len(term.factors) == 2:
            for entry, other in (term.factors, term.factors[::-1]):
                if isinstance(entry, Name) and entry.name in self.matrix_of and isinstance(other, Name | Partial):
                    return entry.name, other
        return None

    def outer(self, cells: Sequence[Sequence[Tree]]) -> Tree | None:
        """u vᵀ, for cells that are products u_i v_j."""
        factors = [
            [cell.factors if isinstance(cell, Product) and len(cell.factors) == 2 else None for cell in row] for row in cells
        ]
        if any(pair is None for row in factors for pair in row):
            return None
        known = [[pair for pair in row if pair is not None] for row in factors]
        column, row = [r[0][0] for r in known], [pair[1] for pair in known[0]]
        if any(known[i][j] != (column[i], row[j]) for i in range(len(column)) for j in range(len(row))):
            return None
        left, right = self.leaf(column), self.leaf(row)
        return None if left is None or right is None else MatrixProduct(left, Transpose(right))
