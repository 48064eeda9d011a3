"""A PyTorch module into a problem over arrays, derived and compared with its own autograd.

Owns `Model`, `ModelDerivation`, `read_model`, `derive_model` and `from_torch`.  Torch is imported when a module is read.  May
import: errors, written, problem, rounding, tensors, models.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from derive.errors import InputError, UsageError, shown, suggest
from derive.models.axes import Axes
from derive.models.comparison import Comparison, compare
from derive.models.losses import NAMED, TARGET
from derive.models.recording import record
from derive.models.runs import PlacesNeeded, Recording
from derive.models.sheet import Parameter
from derive.models.spellings import Equations, elementary, equations_of, typed_numbers, written_name
from derive.problem import Problem
from derive.rounding import Rounding
from derive.tensors.problems import ArrayLoader
from derive.tensors.work import ArrayDerivation, derive_arrays
from derive.written import Size

if TYPE_CHECKING:
    from torch import Tensor, nn

DRAWS = 3
"""Random inputs on which a derivation is compared with autograd."""
BATCH = "N"
"""The size that is a number of examples."""


@dataclass(frozen=True)
class Model:
    """A module that was read: the problem, which name stands for which parameter, and what the page has to say besides.

    `module` is a copy in double precision, `inputs` the shapes of an example, whole numbers below a limit where one is given.
    """

    problem: Problem
    parameters: Mapping[str, Parameter]
    shapes: Mapping[str, tuple[int, ...]]
    remarks: tuple[tuple[str, str], ...]
    sizes: Mapping[str, int]
    module: Any = field(repr=False, compare=False)
    axes: Axes = field(repr=False, compare=False)
    example: Mapping[str, Any] = field(repr=False, compare=False)
    equations: Equations = field(repr=False, compare=False)
    loss: str | None = None


@dataclass(frozen=True)
class ModelDerivation(ArrayDerivation):
    """The derivation of a module, and how it compared with the module's own autograd."""

    model: Model | None = field(default=None, repr=False)
    comparison: Comparison | None = None


def require_torch() -> None:
    """Raises UsageError where PyTorch is not installed."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise UsageError("PyTorch is not installed: pip install 'derive-backprop[torch]'") from None


def read_model(
    module: nn.Module,
    example: Mapping[str, Tensor],
    loss: str | None = None,
    target: Tensor | None = None,
    title: str = "",
    weights: bool = False,
    given: Collection[str] = (),
) -> Model:
    """The equations of a module, read by running it once on an example.

    With `weights` its weights are numbers, and so are the inputs `given` and the target, if there is one.  Raises InputError for
    what is not known here, with its place in the model and what to do; UsageError for a loss or a target that does not fit.
    """
    import copy

    import torch

    if loss is not None and loss not in NAMED:
        raise UsageError(f"unknown loss '{loss}'" + suggest(loss, NAMED) + f" (known: {', '.join(NAMED)})")
    if any(torch.nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
        raise InputError("the module has parameters without a shape yet: run it once on an example first")
    try:
        module = copy.deepcopy(module).double().cpu()
    except (RuntimeError, TypeError) as error:
        text = " ".join(str(error).split())
        raise InputError(f"the module cannot be copied, which it is so that it stays as it is: {shown(text, 200)}") from None
    inputs = {
        name: tensor.detach().cpu().double().requires_grad_() if tensor.dtype.is_floating_point else tensor.detach().cpu()
        for name, tensor in example.items()
    }
    axes = Axes()
    title = title or type(module).__name__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = _recorded(module, inputs, axes, None)
        if loss is not None:
            if len(run.results) != 1:
                raise UsageError(f"--loss is for a model that gives one tensor; this one gives {len(run.results)}")
            shape = tuple(run.results[0].shape)
            if target is not None and tuple(target.shape) != shape:
                raise UsageError(f"the target has the shape {tuple(target.shape)}, and what the model gives {shape}")
            known = torch.full(shape, 0.5, dtype=torch.float64) if target is None else target.detach().double()
            run = _recorded(module, {**run.inputs, TARGET: known}, axes := Axes(), loss)
        elif target is not None:
            raise UsageError("a target goes with a loss behind the model")
        told = [name for name in run.inputs if name in given or (name == TARGET and target is not None)] if weights else []
        model = _model(run, axes, run.inputs, loss, title, weights, told)
        if told or BATCH not in model.sizes or not _is_any_batch(module, model):
            return model
    arrays = model.problem.arrays
    assert arrays is not None
    sizes = {size: length for size, length in arrays.sizes.items() if size != BATCH}
    return replace(model, problem=replace(model.problem, arrays=replace(arrays, sizes=sizes)))


def _is_any_batch(module: nn.Module, model: Model) -> bool:
    """Whether the equations are the same with one example more, so that they hold for any number."""
    import torch

    arrays = model.problem.arrays
    assert arrays is not None
    more: dict[str, Any] = {}
    for name, tensor in model.example.items():
        axis = next((k for k, size in enumerate(arrays.shapes.get(name, ())) if size == Size(BATCH)), None)
        if axis is None or len(arrays.shapes[name]) != tensor.dim():
            more[name] = tensor
        else:
            more[name] = torch.cat([tensor, tensor.narrow(axis, 0, 1)], axis).detach().requires_grad_(tensor.requires_grad)
    try:
        again = _recorded(module, more, Axes(), model.loss)
    except InputError:
        return False
    return equations_of(again) == model.equations


def _recorded(module: nn.Module, inputs: Mapping[str, Tensor], axes: Axes, loss: str | None) -> Recording:
    """A run of the module, with the loss behind it if there is one."""
    import torch

    call = None
    if loss is not None:
        function = getattr(torch.nn.functional, NAMED[loss])

        def call(*given: Any) -> Any:
            return function(module(*given[:-1]), given[-1])

    inputs = dict(inputs)
    for _ in inputs:
        try:
            return record(module, inputs, axes, call)
        except PlacesNeeded as needed:
            inputs = _as_places(inputs, str(needed))
            axes.__init__()  # type: ignore[misc]
    return record(module, inputs, axes, call)


def _as_places(inputs: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The inputs, one of them now whole numbers, which its name says if it was named X."""
    import torch

    fresh = name.replace("X", "ids")
    return {
        fresh if key == name and fresh not in inputs else key: torch.zeros_like(tensor, dtype=torch.long) if key == name else tensor
        for key, tensor in inputs.items()
    }


def _model(
    run: Recording,
    axes: Axes,
    example: Mapping[str, Tensor],
    loss: str | None,
    title: str,
    weights: bool,
    given: Sequence[str],
) -> Model:
    """The problem that a run stands for, with the numbers of its weights if they are asked for, and of the inputs `given`."""
    sheet, equations = run.sheet, equations_of(run)
    used, names = (*equations.shapes, *equations.forward), equations.names
    parameters = {name: parameter for name, parameter in sheet.parameters.items() if name in used}
    trained = [name for name in parameters if name not in sheet.constants]
    trained = trained or [name for name, kind in sheet.inputs.items() if kind == "float" and name in used and name != TARGET]
    sizes = {name: axes.length[key] for key, name in names.items()}
    document: dict[str, Any] = {
        "title": title,
        "shapes": equations.shapes,
        "forward": equations.forward,
        "train": {"loss": equations.goal, **({"parameters": trained} if trained else {})},
        "given": sizes
        | (typed_numbers(run, [name for name in used if name in (*parameters, *sheet.constants, *given)]) if weights else {}),
        "names": {name: written for name in used if (written := written_name(name)) is not None},
        "assume": {
            f"sum({name}, {axis})" if len(sheet.shapes[name]) > 1 else f"sum({name})": 1 for name, axis in sheet.sums.items()
        },
    }
    try:
        problem = ArrayLoader(document).problem()
    except InputError as error:
        raise InputError(f"the equations of this model are not read: {error}") from None
    assert problem.arrays is not None
    small = axes.small([elementary(axes, sheet.shapes[name]) for name in equations.shapes])
    judged_at = {names[key]: length for key, length in small.items() if key in names}
    lifted = frozenset(name for name in parameters if name.startswith("beta"))
    problem = replace(problem, arrays=replace(problem.arrays, judged_at=judged_at, lifted=lifted))
    remarks = [remark for remark in sheet.remarks if not remark[1] or remark[1] in used or remark[0] == "left-out"]
    if equations.goal not in sheet.forward:
        remarks.append(("loss-unknown", equations.goal))
    shapes = {name: tuple(run.weight(parameter).shape) for name, parameter in parameters.items()}
    return Model(problem, parameters, shapes, tuple(remarks), sizes, run.module, axes, example, equations, loss)


def derive_model(
    model: Model,
    rounding: Rounding | None = None,
    of: str | None = None,
    wrt: Sequence[str] = (),
    level: str = "index",
    hessian: bool = False,
    seed: int = 1,
) -> ModelDerivation:
    """A module's derivation, every line judged and every gradient compared with its own autograd on random inputs.

    Raises UsageError for a quantity that is none of the model's, JudgementError where the two do not agree.
    """
    problem, arrays = model.problem, model.problem.arrays
    assert arrays is not None
    if level == "components":  # entry by entry there is a number of examples
        problem = replace(problem, arrays=replace(arrays, sizes=model.sizes))
    work = derive_arrays(problem, rounding, of, wrt, level, hessian)
    everything = work if not work.requested else derive_arrays(problem, rounding)
    comparison = compare(model.problem, everything.partials, work.space, _runs(model, seed), dict(model.sizes))
    known = {name: getattr(work, name) for name in work.__dataclass_fields__}
    return ModelDerivation(**known, model=model, comparison=comparison)


def _runs(model: Model, seed: int) -> Iterator[Recording]:
    """The module run on random inputs."""
    import torch

    arrays = model.problem.arrays
    assert arrays is not None
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        for _ in range(DRAWS):
            inputs = {}
            for name, tensor in model.example.items():
                if not tensor.dtype.is_floating_point:
                    top = _top(model, name)
                    inputs[name] = torch.randint(0, top, tensor.shape)
                    continue
                drawn = torch.randn(tensor.shape, dtype=torch.float64)
                if name == TARGET and model.loss == "cross_entropy":
                    drawn = drawn.softmax(1 if drawn.dim() > 1 else 0)
                elif name == TARGET and (model.loss or "").startswith("bce"):
                    drawn = torch.rand(tensor.shape, dtype=torch.float64)
                inputs[name] = drawn.requires_grad_(name != TARGET)
            run = _recorded(model.module, inputs, model.axes, model.loss)
            if equations_of(run) != model.equations:
                raise InputError("the model computes something else on another input: its course depends on the data")
            yield run


def _top(model: Model, name: str) -> int:
    """Below what an input of whole numbers stays: the length of the axis it picks from."""
    from derive.tensors.shapes import size_value

    arrays = model.problem.arrays
    assert arrays is not None
    size = arrays.integers.get(name)
    return (size_value(size, model.sizes) if size is not None else None) or 2


def from_torch(
    module: nn.Module,
    *example: Tensor,
    loss: str | None = None,
    target: Tensor | None = None,
    weights: bool = False,
    of: str | None = None,
    wrt: Sequence[str] = (),
    level: str = "index",
    rounding: Rounding | None = None,
) -> ModelDerivation:
    """The derivation of a PyTorch module, read by running it once on an example, judged, and compared with its own autograd.

    `loss` puts one behind it, by its name (mse, cross_entropy, …); with `weights` the page has numbers: those of the weights, of
    the example and of the `target`.  Raises InputError for an operation that is not known here, JudgementError where the derivation
    and autograd do not agree, UsageError for what is no module or no tensor.
    """
    require_torch()
    import torch

    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"from_torch takes a torch.nn.Module, not a {type(module).__name__}")
    for item in example:
        if not isinstance(item, torch.Tensor) or item.dtype.is_complex:
            what = f"not of {item.dtype}" if isinstance(item, torch.Tensor) else f"not a {type(item).__name__}"
            raise UsageError(f"from_torch: an example is a tensor of real or whole numbers, {what}")
    inputs = named_inputs(example)
    model = read_model(module, inputs, loss, target, weights=weights, given=tuple(inputs))
    return derive_model(model, rounding, of, wrt, level)


def named_inputs(example: Sequence[Tensor]) -> dict[str, Tensor]:
    """A name for each input: X, or X1, X2, …; ids for whole numbers."""
    stems = ["X" if tensor.dtype.is_floating_point else "ids" for tensor in example]
    found = {}
    for place, (stem, tensor) in enumerate(zip(stems, example, strict=True)):
        number = str(stems[: place + 1].count(stem)) if stems.count(stem) > 1 else ""
        found[f"{stem}{number}"] = tensor
    return found
