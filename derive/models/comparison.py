"""What was derived beside the module's own autograd: the model run on random inputs, every gradient computed both ways.

Owns `Comparison` and `compare`.  Torch is imported when something is compared.  May import: errors, written, problem, backward,
tensors, models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from derive.backward import Step
from derive.errors import JudgementError
from derive.models.numeric import Arithmetic
from derive.models.runs import Recording
from derive.problem import Problem
from derive.tensors.components import Space, component, letters_in
from derive.written import Call, Index, Name, Partial, Rule, Tree

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-9
"""Double precision leaves some 1e-15; a wrong formula is off by far more."""
LEAST_SCALE = 1e-3
"""A gradient that is this small beside the largest is zero but for rounding, and compared with that."""


@dataclass(frozen=True)
class Comparison:
    """How many random inputs were tried, how many gradients compared on each, and the largest relative difference."""

    draws: int
    gradients: int
    largest: float


def compare(
    problem: Problem, partials: Sequence[Step], space: Space, runs: Iterable[Recording], sizes: dict[str, int]
) -> Comparison:
    """Each run of the module beside our equations and formulas.  Raises JudgementError where they do not agree."""
    largest, count, draws = 0.0, 0, 0
    for run in runs:
        with one_thread():
            differences = difference(problem, partials, space, run, sizes)
        for what, found in differences.items():
            if not found <= TOLERANCE:
                raise JudgementError(f"{what} is not what the module's own autograd gives: a relative difference of {found:.2g}")
        largest = max(largest, *differences.values())
        count, draws = len(differences) - len(run.outputs), draws + 1
    return Comparison(draws, count, largest)


@contextmanager
def one_thread() -> Iterator[None]:
    """Arrays as small as these are added up faster by one thread than by many that wait for one another."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def difference(problem: Problem, partials: Sequence[Step], space: Space, run: Recording, sizes: dict[str, int]) -> dict[str, float]:
    """The relative difference of what comes out and of every gradient, on one input."""
    import torch

    work = Arithmetic(sizes, {Name(name): tensor for name, tensor in run.given().items()})
    sweeps = max(sizes.values()) + 2 if any(equation.lagged for equation in problem.network.equations) else 1
    _settle(
        work, sweeps, [(Name(e.goal), *_entry(e.rhs, e.goal, space)) for e in problem.network.equations if not _is_unknown(e.rhs)]
    )
    found: dict[str, float] = {}
    loss = problem.train.loss
    unknown = {e.goal: e.rhs for e in problem.network.equations if _is_unknown(e.rhs)}
    seeds = []
    for value, result in zip(run.outputs, run.results, strict=True):
        ours = work.arrays[Name(value.name)]
        found[value.name] = _relative(ours, _as_quantity(run, value, result.detach()), 0.0)
        seeds.append(torch.randn_like(result) if loss in unknown else torch.ones_like(result))
    if loss in unknown:
        for value, seed in zip(run.outputs, seeds, strict=True):
            for key in (Partial(loss, value.name), Partial(loss, value.name, True)):
                work.arrays[key] = work.arrays.get(key, 0) + _as_quantity(run, value, seed)
    run.module.zero_grad()
    torch.autograd.backward(run.results, seeds)
    goals = [step for step in partials if isinstance(step.goal, Partial) and step.goal.of == loss]
    _settle(work, sweeps, [(step.goal, *_index(step)) for step in goals])
    derived = {step.goal for step in goals}
    theirs = {name: tensor for name, tensor in run.gradients().items() if Partial(loss, name) in derived}
    scale = max((float(tensor.abs().max()) for tensor in theirs.values()), default=0.0)
    for name, tensor in theirs.items():
        found[f"dL/d{name}"] = _relative(work.arrays[Partial(loss, name)], tensor, scale * LEAST_SCALE)
    return found


def _settle(work: Arithmetic, sweeps: int, goals: Sequence[tuple[Tree, Tree, Sequence[Tree]]]) -> None:
    """Compute quantities one after the other, all again until nothing changes: a step of a recurrence needs that before it."""
    import torch

    for goal, _, at in goals:
        lengths = [work.length(index.size) if isinstance(index, Index) else 1 for index in at]
        work.arrays.setdefault(work.key(goal), torch.zeros(lengths, dtype=torch.float64))
    for _ in range(sweeps):
        changed = False
        for goal, tree, at in goals:
            new = work.entries(tree, at)
            changed = changed or not torch.equal(new, work.arrays[work.key(goal)])
            work.arrays[work.key(goal)] = new
        if not changed:
            return


def _entry(rhs: Tree, goal: str, space: Space) -> tuple[Tree, tuple[Tree, ...]]:
    """The right side of an equation at a place, and the place."""
    if isinstance(rhs, Rule):
        return rhs.body, rhs.indices
    place = space.place(space.shapes.get(goal, ()))
    return component(rhs, place, space, letters_in(*place)), place


def _index(step: Step) -> tuple[Tree, tuple[Tree, ...]]:
    """The last line of a step in index form, and its place."""
    from derive.tensors.work import index_line

    line = index_line(step)
    return line.tree, line.at


def _is_unknown(rhs: Tree) -> bool:
    return isinstance(rhs, Call) and rhs.function == "loss_of"


def _as_quantity(run: Recording, value: Any, tensor: Tensor) -> Tensor:
    """A tensor with the axes of the quantity it is a view of."""
    lengths = run.sheet.axes.lengths(value.base[place] for place in value.flat)
    order = [value.flat.index(place) for place in range(len(value.base))]
    return tensor.double().reshape(lengths).permute(order)


def _relative(ours: Tensor, theirs: Tensor, least: float) -> float:
    if tuple(ours.shape) != tuple(theirs.shape) and prod(ours.shape) != prod(theirs.shape):
        return float("inf")
    gap = float((ours.reshape(theirs.shape) - theirs).abs().max())
    scale = max(float(theirs.abs().max()), least)
    return gap / scale if scale else gap
