"""What each quantity of a problem is: an input, a target, a parameter, an activation, the loss.

Owns `role_of`.  May import: written, network, problem, tables.ops.
"""

from __future__ import annotations

from derive.network import CONSTANT_NAME, INPUT_NAME, TARGET_NAME
from derive.problem import Problem
from derive.tables.ops import OPS
from derive.written import Call, walk


def role_of(problem: Problem, name: str) -> str:
    """What a quantity is in this problem, by its place and its name; over arrays names count in small letters or capitals.

    >>> import derive
    >>> [role_of(derive.find("q1"), name) for name in ("x1", "t1", "w5", "net_h1", "h1", "L")]
    ['input', 'target', 'parameter', 'pre-activation', 'activation', 'loss']
    """
    if problem.decision is not None:
        return _of_classifiers(problem, name)
    told = _by_place(problem, name)
    return told if problem.arrays is None else _over_arrays(problem, name, told)


def _of_classifiers(problem: Problem, name: str) -> str:
    """Both classifiers have one input; a parameter belongs to one score, and what nothing uses is an output."""
    users = problem.network.users[name]
    if name in problem.network.free_set:
        return "input" if len(users) > 1 else "parameter"
    return "quantity" if users else "output"


def _by_place(problem: Problem, name: str) -> str:
    train, network = problem.train, problem.network
    if name == train.loss:
        is_loss = any(
            isinstance(node, Call) and node.function in OPS and OPS[node.function].kind == "loss"
            for node in walk(network.by_goal[name].rhs)
        )
        targets = any(TARGET_NAME.fullmatch(free) for free in network.above(name))
        return "loss" if is_loss or targets or train.learning_rate is not None else "output"
    if name in problem.trained:
        return "parameter"
    if name in network.pre_activations:
        return "pre-activation"
    if name in network.activations:
        return "activation"
    if name in network.by_goal:
        return "quantity"
    if TARGET_NAME.fullmatch(name):
        return "target"
    if INPUT_NAME.fullmatch(name):
        return "input"
    if CONSTANT_NAME.fullmatch(name):
        return "constant"
    below_loss = network.users[name]
    return "target" if below_loss == (train.loss,) else "constant" if name in problem.example(0) else "input"


def _over_arrays(problem: Problem, name: str, told: str) -> str:
    assert problem.arrays is not None
    if told == "output" and any(role_of(problem, free) == "target" for free in problem.network.free):
        return "loss"
    if told not in ("input", "constant", "target") or name not in problem.network.free_set:
        return told
    low = name.lower()
    if TARGET_NAME.fullmatch(low) or low == "y":
        return "target"
    if INPUT_NAME.fullmatch(low):
        return "input"
    return "target" if told == "target" and problem.arrays.shapes.get(name) else "constant"
