"""What a run of a module leaves: its equations, the tensors of what is given, what came out, and the gradients of autograd.

Owns `Recording` and `PlacesNeeded`.  May import: models.sheet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.models.sheet import Parameter, Sheet, Value


@dataclass
class Recording:
    """What a run of a module left: the equations, the tensors of its free quantities, and what came out."""

    sheet: Sheet
    outputs: tuple[Value, ...]
    results: tuple[Any, ...]
    inputs: Mapping[str, Any]
    module: Any

    def given(self) -> dict[str, Any]:
        """The numbers of every quantity that no equation gives, with its own axes."""
        weights = {name: self.weight(parameter).detach() for name, parameter in self.sheet.parameters.items()}
        return {
            name: self.shaped(name, tensor.detach()) for name, tensor in {**self.inputs, **weights, **self.sheet.constants}.items()
        }

    def gradients(self) -> dict[str, Any]:
        """What autograd left for every input and parameter it reached."""
        found = {name: tensor.grad for name, tensor in self.inputs.items() if tensor.grad is not None}
        for name, parameter in self.sheet.parameters.items():
            whole = dict(self.module.named_parameters()).get(parameter.path)
            if whole is not None and whole.grad is not None:
                found[name] = whole.grad[parameter.start : parameter.stop] if parameter.stop is not None else whole.grad
        return {name: self.shaped(name, tensor) for name, tensor in found.items()}

    def weight(self, parameter: Parameter) -> Any:
        """The tensor that a name stands for."""
        module, _, name = parameter.path.rpartition(".")
        tensor = getattr(self.module.get_submodule(module), name)
        return tensor if parameter.stop is None else tensor[parameter.start : parameter.stop]

    def shaped(self, name: str, tensor: Any) -> Any:
        """A tensor with the axes of its quantity."""
        axes = self.sheet.axes
        keys = [axes.find(inner) for key in self.sheet.shapes[name] for inner in axes.expanded(key)]
        return tensor.double().reshape(axes.lengths(keys))


class PlacesNeeded(Exception):  # noqa: N818  (no failure: the example is made anew)
    """An input is used as places in a table, so it has to hold whole numbers; it bears the name of the input."""
