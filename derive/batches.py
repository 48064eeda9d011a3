"""Several training examples in one network.

Owns `in_batch`.  May import: errors, written, network, problem.
"""

from __future__ import annotations

from dataclasses import replace

from derive.errors import InputError
from derive.network import Equation, Network
from derive.problem import Problem
from derive.tables.layers import Grid
from derive.written import (
    Name,
    Number,
    Product,
    Quotient,
    Tree,
    add,
    substitute,
)


def in_batch(problem: Problem) -> Problem:
    """The same problem with all examples in one network: what depends on an example is repeated with _1, _2 …, and the loss is
    their mean or sum.  Nothing else needs to know of batches: the chain rule sums over every use of a shared weight.
    """
    network, loss = problem.network, problem.train.loss
    data = set(problem.examples[0])
    touched = set().union(*(network.below(name) for name in data))
    if loss not in touched:
        raise InputError("train.batch: the loss does not depend on the examples")
    taken = set(network.quantities)
    equations: list[Equation] = [e for e in network.equations if e.goal not in touched]
    given = {name: value for name, value in problem.given.items() if name not in data}
    names = {name: source for name, source in problem.names.items() if name not in touched}
    count = len(problem.examples)
    for k, example in enumerate(problem.examples, start=1):
        new = {name: f"{name}_{k}" for name in sorted(touched)}
        clash = sorted(taken & set(new.values()))
        if clash:
            raise InputError(f"train.batch: '{clash[0]}' is needed for example {k}; give that name to nothing else")
        rename: dict[Tree, Tree] = {Name(old): Name(fresh) for old, fresh in new.items()}
        for e in network.equations:
            if e.goal in touched:
                siblings = tuple(new[s] for s in e.siblings)
                equations.append(Equation(new[e.goal], substitute(e.rhs, rename.get), siblings))
        given |= {new[name]: value for name, value in example.items()}
        names |= {
            new[name]: f"{{{source}}}^{{({k})}}" for name, source in problem.names.items() if name in touched and "^" not in source
        }
    losses = add(*(Name(f"{loss}_{k}") for k in range(1, count + 1)))
    if problem.train.batch == "mean" and count > 1:
        losses = Product((Quotient(Number("1"), Number(str(count))), losses), tight=True)
    equations.append(Equation(loss, losses))
    aliases = {name: f"{name}_1" for name in sorted(touched) if name != loss}
    vectors = {name: grid for name, grid in problem.vectors.items() if not touched & set(_entries(grid))}
    return replace(
        problem,
        network=Network(tuple(equations)),
        given=given,
        examples=(),
        names=names,
        aliases=aliases,
        vectors=vectors,
        batch_size=count,
    )


def _entries(grid: Grid) -> tuple[str, ...]:
    return tuple(entry for row in grid for entry in (row if isinstance(row, tuple) else (row,)))
