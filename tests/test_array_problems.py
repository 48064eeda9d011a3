"""Every built-in problem over arrays, and random ones, against forward passes in NumPy and PyTorch that know nothing of the engine."""

import json
import random
from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy
import pytest
from layers import LAYERS, World, agree, both_sides, free_letters, runs, speaks_of_one_equation

import derive
from derive.arithmetic import compile_tree
from derive.formats.plain import typed
from derive.formats.toml import render_problem
from derive.network import Network
from derive.tensors.judges import sample, small_sizes
from derive.tensors.problems import sizes_in
from derive.tensors.reader import read_array_formula
from derive.written import Index, Product, rebuild

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


# --- what is printed, read back --------------------------------------------------------------------------------------------


class Numbers(dict):
    """A number for whatever is asked for, always the same for the same key."""

    def __missing__(self, key):
        self[key] = Decimal(random.Random(str(key)).randrange(100, 999)) / 1000
        return self[key]


def entries(expansion, tree, letters, place):
    """A formula entry by entry at small sizes: at every number for its letters; axes of length 1 come and go."""
    numbers, found = Numbers(), {}
    for env in runs(letters, expansion.sizes):
        here = tuple(env.values())
        if place:
            found[here] = compile_tree(expansion.scalar(tree, env))(numbers)
        else:
            block = expansion.block(tree, env)
            for at, cell in block.cells.items():
                found[here + tuple(k for k, size in zip(at, block.shape, strict=True) if size != 1)] = compile_tree(cell)(numbers)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_line_is_read_back(name):
    problem = derive.find(name)
    shapes, sizes = problem.arrays.shapes, sizes_in(problem.arrays.shapes)
    expansion = sample(problem, small_sizes(problem), random.Random(0))
    for step in worked(name).steps:
        for line in step.lines:
            letters = [a for a in line.at if isinstance(a, Index)] if line.at else free_letters(line.tree)
            text = typed(line.tree)
            known = {index.name: index.size for index in letters}
            read = read_array_formula(text, problem.network.quantities, shapes, sizes, known, quantities=True)
            again, printed = (entries(expansion, tree, letters, line.at) for tree in (read, line.tree))
            assert again == pytest.approx(printed), text


def loosened(problem):
    """The problem; whether factors stand close together is no part of it."""

    def loose(tree):
        inner = rebuild(tree, loose)
        return Product(inner.factors) if isinstance(inner, Product) else inner

    return replace(
        problem, network=Network(tuple(replace(equation, rhs=loose(equation.rhs)) for equation in problem.network.equations))
    )


@pytest.mark.parametrize("name", NAMES)
def test_expanded_it_is_the_same_problem(name):
    problem = derive.find(name)
    again = derive.load_text(render_problem(problem))
    assert loosened(again) == loosened(problem)
    assert again.arrays == problem.arrays


@pytest.mark.parametrize("name", NAMES)
def test_the_formulas_in_json_are_right_answers(name):
    """Handed in as somebody's answers, with the letters of `at` on the left: read and judged anew, from the equations."""
    problem = derive.find(name)
    data = json.loads(derive.render(worked(name), "json"))
    assert data["schema"] == "derive/derivation-1"
    assert data["shapes"].keys() == problem.arrays.shapes.keys()
    loss = problem.train.loss
    found = [(f"d{loss}/d{parameter}", entry) for parameter, entry in data["gradients"].items()]
    found += [(entry["quantity"], entry) for entry in data["asked"].values()]
    paper = [
        f"{quantity}{'[' + ', '.join(entry['at']) + ']' if entry.get('at') else ''} = {entry['formula']}"
        for quantity, entry in found
    ]
    (audit,) = derive.audit_papers(problem, derive.read_answers("\n".join(paper), problem))
    assert (
        [line.verdict for line in audit.lines]
        == ["right"] * len(found)
        == ["right"] * max(len(found), len(problem.train.parameters))
    )


def test_a_recurrence_with_numbers_and_a_target_is_worked_out_and_drawn():
    """Each gradient of the state needs that of the step behind it, whatever the order of the page; the target stands above it."""
    text = """
[shapes]
W = ["m", "m"]
x = ["T", "m"]
y = ["T", "m"]
h = ["T", "m"]
[given]
W = [[0.5, -0.4], [0.2, 0.9]]
x = [[1, 2], [0.5, -1], [1, 1]]
y = [[1, 2], [0.5, -1], [1, 1]]
[forward]
h = "h[t,i] = tanh(sum(j, W[i,j]*h[t-1,j]) + x[t,i])"
L = "sum((h - y)^2)/2"
[train]
parameters = ["W"]
learning_rate = 0.1
"""
    work = derive.derive(derive.load_text(text))
    h, w, x, y = numpy.zeros((4, 2)), numpy.array([[0.5, -0.4], [0.2, 0.9]]), numpy.array([[1, 2], [0.5, -1], [1, 1]]), [[1, 2], [0.5, -1], [1, 1]]

    def loss(w):
        for t in range(3):
            h[t] = numpy.tanh(w @ h[t - 1] + x[t])
        return ((h[:3] - y) ** 2).sum() / 2

    nudge = numpy.array([[1e-6, 0], [0, 0]])
    slope = (loss(w + nudge) - loss(w - nudge)) / 2e-6
    assert abs(float(work.states[1].values["W[0,0]"]) - (0.5 - 0.1 * slope)) < 1e-8
    assert "W⁺" in derive.render(work, "text")
