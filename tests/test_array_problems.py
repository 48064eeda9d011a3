"""Every built-in problem over arrays, and random ones, against forward passes in NumPy and PyTorch that know nothing of the engine."""

from functools import cache

import numpy
import pytest
from layers import LAYERS, World, agree, both_sides, speaks_of_one_equation

import derive
from derive.formats.plain import typed

NAMES = [name for name in derive.built_in_names() if derive.find(name).arrays is not None]

worked = cache(lambda name: derive.derive(derive.find(name)))
world_of = cache(lambda name: World(LAYERS[name]))


def test_every_problem_over_arrays_has_its_row():
    assert LAYERS.keys() == set(NAMES)


def said(step, line):
    return f"{typed(step.goal)} = {typed(line.tree)}"


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_what_the_nudged_forward_pass_says(name):
    """Index form and matrix form alike; left out are only the lines with a ∂y/∂x along one of several equations."""
    world = world_of(name)
    for step in worked(name).steps:
        lines = [line for line in step.lines if not speaks_of_one_equation(world, line.tree)]
        assert step.lines[-1] in lines
        for line in lines:
            for claimed, true in both_sides(world, step.goal, line):
                assert agree(claimed, true), said(step, line)


def slopes_by_torch(torch, of, leaf):
    """∂of/∂leaf, entry by entry of `of`."""
    slopes = [torch.autograd.grad(entry, leaf, retain_graph=True)[0].numpy() for entry in of.reshape(-1)]
    return numpy.array(slopes).reshape(tuple(of.shape) + tuple(leaf.shape))


@pytest.mark.torch
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_pytorchs(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    layer, world, partials = LAYERS[name], world_of(name), worked(name).partials
    leaves = {key: torch.tensor(value, requires_grad=value.dtype.kind == "f") for key, value in world.free.items()}
    made = layer.torch(torch, torch.nn.functional, leaves)
    if layer.outputs:
        made["L"] = sum((torch.tensor(world.upstream[key]) * made[key]).sum() for key in layer.outputs)
    steps = [step for step in partials if step.goal.wrt in leaves]
    assert {step.goal.wrt for step in steps} >= set(derive.find(name).train.parameters)
    for step in steps:
        true = slopes_by_torch(torch, made[step.goal.of], leaves[step.goal.wrt])
        for claimed, expected in both_sides(world, step.goal, step.lines[-1], true):
            assert agree(claimed, expected), said(step, step.lines[-1])
