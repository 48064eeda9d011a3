"""A module run once on an example, every operation on its way written down as an equation.

Owns `record`.  Torch is imported when something is recorded.  What is not known is refused with the place in the
model and in its source; what the values of the data decide is refused too.  May import: errors, models.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

from derive.errors import DeriveError, InputError, shown
from derive.models.axes import Axes, Refined
from derive.models.entries import ENTRYWISE, entrywise
from derive.models.layers import LAYERS
from derive.models.operations import ALIASES, AXES_NEEDED, DRAWN, DROPOUTS, MADE, OPERATIONS, PICKED, READ, RESHAPING, SAME
from derive.models.refusals import HINTS, leaves, name_of, user_line
from derive.models.runs import PlacesNeeded, Recording
from derive.models.sheet import Sheet, Value, Weight, typed_number

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_PASSES = 400
MOST_CONSTANT = 20_000
"""Entries of a constant array that a model may bring along."""


def record(module: nn.Module, inputs: Mapping[str, Tensor], axes: Axes, run: Callable[..., Any] | None = None) -> Recording:
    """The equations of a module at an example; `run` calls it, where more is done than that.

    It is run again whenever something is learnt of its axes.  Raises InputError for what cannot be read, PlacesNeeded
    for an input of real numbers that are taken for places.
    """
    for _ in range(MOST_PASSES):
        known = axes.learnt
        try:
            found = Recorder(module, axes).run(inputs, run or module)
        except Refined:
            continue
        if axes.learnt == known:
            return found
    raise InputError("the model's axes are products of one another in a way that is not read here")


class Recorder:
    """One run of a module."""

    def __init__(self, module: nn.Module, axes: Axes) -> None:
        self.module, self.sheet = module, Sheet(axes, self)
        self.known: dict[int, tuple[Any, Value | None, int]] = {}
        self.spoilt: dict[int, str] = {}
        self.alive: list[Any] = []
        self.paths = {id(part): path for path, part in module.named_modules()}
        tensors = (*module.named_parameters(), *module.named_buffers())
        self.weights = {id(tensor): path for path, tensor in tensors}
        self.stack: list[nn.Module] = []
        self.depth = 0

    # --- tensors and values ---------------------------------------------------------------------------------------------

    def remember(self, tensor: Tensor, value: Value) -> None:
        """Take down what a tensor is."""
        self.alive.append(tensor)
        self.spoilt.pop(id(tensor), None)
        self.known[id(tensor)] = (tensor, value, tensor._version)

    def value_of(self, tensor: Tensor, masked: bool = False, uniform: bool = True) -> Value:
        """What a tensor is.  Raises ValueError for one that nothing is known of, or that is `masked` where that is not expected."""
        if id(tensor) in self.spoilt:
            raise ValueError(self.spoilt[id(tensor)])
        if id(tensor) in self.known:
            _, value, version = self.known[id(tensor)]
            assert value is not None
            if value.keep is not None and not masked:
                raise ValueError("entries put to −inf that do not go into a softmax")
            if tensor._version != version:
                raise ValueError("a tensor that was changed in place, by way of another that shares its memory")
            return value
        if id(tensor) in self.weights:
            stem = "W" if tensor.dim() > 1 else "b"
            axes = [self.sheet.axis(length, "d") for length in tensor.shape]
            return self.sheet.weight(Weight(self.weights[id(tensor)], tensor), stem, None, axes)
        return self.constant(tensor, uniform=uniform)

    def constant(self, tensor: Tensor, stem: str = "k", uniform: bool = True) -> Value:
        """Numbers that the model brings along: an array of them, or if `uniform` one where they are the same everywhere."""
        if tensor.grad_fn is not None:
            raise ValueError("a tensor that was computed in a way that is not seen here, as by compiled code")
        if (
            tensor.numel()
            and tensor.dtype.is_floating_point
            and bool((tensor == tensor.flatten()[0]).all())
            and stem == "k"
            and uniform
        ):
            return Value(typed_number(float(tensor.flatten()[0])), groups=((),) * tensor.dim(), number=True)
        if tensor.numel() > MOST_CONSTANT:
            raise ValueError(f"an array of {tensor.numel():,} numbers that the model makes itself")
        if tensor.dtype.is_floating_point and not bool(tensor.isfinite().all()):
            raise ValueError("numbers that are infinite, as a mask of −inf has them")
        name = self.sheet.fresh(stem)
        value = self.sheet.declare(name, [self.sheet.axis(length, "d") if length > 1 else () for length in tensor.shape])
        self.sheet.constants[name] = tensor.detach().clone()
        self.remember(tensor, value)
        return value

    def kept(self, mask: Tensor, turned: bool = False) -> Value:
        """A mask as zeros and ones: 1 for what is kept, where it says True (or False, if `turned`), or 0 among −∞."""
        import torch

        if not isinstance(mask, torch.Tensor) or self.is_traced(mask):
            raise ValueError("a mask that is computed from the data")
        if mask.dtype.is_floating_point:
            if not bool(((mask == 0) | (mask == float("-inf"))).all()):
                raise ValueError("a mask of other numbers than 0 and −inf")
            mask = mask == 0
        keep = (~mask if turned else mask).double()
        value = self.constant(keep, "M")
        self.sheet.remarks["mask", value.name] = None
        return value

    @staticmethod
    def causal(rows: int, columns: int) -> Tensor:
        """A mask that lets every place see itself and those before it."""
        import torch

        with torch._C.DisableTorchFunction():
            return torch.ones(rows, columns, dtype=torch.bool).tril()

    def is_traced(self, tensor: Any) -> bool:
        """Whether a tensor depends on the inputs or the weights."""
        trained = id(tensor) in self.weights and tensor.requires_grad
        return trained or id(tensor) in self.known or id(tensor) in self.spoilt

    # --- operations -------------------------------------------------------------------------------------------------------

    def handle(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an operation, and take down what it does."""
        import torch

        name = name_of(func)
        tensors = [item for item in leaves((args, kwargs)) if isinstance(item, torch.Tensor)]
        traced = [tensor for tensor in tensors if self.is_traced(tensor)]
        if traced and name in READ:
            self.refuse(
                f"{name.strip(chr(95))}() reads the values of a tensor: what the model computes must not depend on them", "data"
            )
        if traced and not torch.is_grad_enabled() and not name.endswith("__get__"):
            self.refuse(f"{name} under no_grad, or inside a function with a backward of its own", "way")
        if name in DROPOUTS and traced and self.is_active(args, kwargs):
            return self.masked(func, args, kwargs)
        if name in PLACES:
            self.check_places(name, args)
        args, kwargs, func = in_double(args), in_double(kwargs), torch.Tensor.double if name in SINGLE else func
        before = [(tensor, tensor._version) for tensor in traced]
        result = func(*args, **kwargs)
        made = [item for item in leaves(result) if isinstance(item, torch.Tensor)]
        changed = [tensor for tensor, version in before if tensor._version != version]
        if any(tensor is not item for tensor in changed for item in (made or [None])):
            self.refuse(f"{name} changes a tensor in place", "way")
        if name in DRAWN and (traced or self.stack):
            for tensor in made:
                self.drawn(tensor)
            return result
        if not traced or not made or name in MADE:
            return result
        whole = not any(tensor.dtype.is_floating_point for tensor in made) and name not in ENTRYWISE
        if name in PICKED or name.endswith("__get__") or (whole and name not in (*RESHAPING, *SAME, *OPERATIONS)):
            told = f"the result of {name}()" if name != "__get__" else "an attribute of a tensor, such as x.data"
            for tensor in made:
                self.alive.append(tensor)
                self.spoilt[id(tensor)] = f"{told}, which has no derivative"
            return result
        for tensor in changed:
            if id(tensor) in self.known:
                kept, value, _ = self.known[id(tensor)]
                self.known[id(tensor)] = (kept, value, tensor._version)
        self.write(name, args, kwargs, result)
        return result

    def check_places(self, name: str, args: tuple[Any, ...]) -> None:
        """Ask for whole numbers where an input of real numbers stands for places.  Raises PlacesNeeded."""
        import torch

        item = args[PLACES[name]] if len(args) > PLACES[name] else None
        if isinstance(item, torch.Tensor) and item.dtype.is_floating_point and id(item) in self.known:
            value = self.known[id(item)][1]
            smaller = name == "embedding" or item.dim() < args[0].dim()
            if value is not None and value.name in self.sheet.inputs and smaller:
                raise PlacesNeeded(value.name)

    def write(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Write an operation down."""
        import torch

        plain = name.removesuffix("_") if not name.startswith("__") else name.strip("_")
        plain = ALIASES.get(plain, plain)
        shape = tuple(result.shape) if isinstance(result, torch.Tensor) else ()
        try:
            if plain in SAME:
                found: Any = self.value_of(args[0])
            elif plain in RESHAPING:
                found = self.sheet.reshaped(self.value_of(args[0]), shape)
            elif plain in OPERATIONS:
                row = OPERATIONS[plain]
                asks = inspect.signature(row).parameters
                more = {"shape": shape} if "shape" in asks else {}
                names = [key for key in asks if key != "s"]
                given = {key: self.operand(item, key) for key, item in kwargs.items() if key in asks or not is_idle(key, item)}
                masked, uniform = plain in ("softmax", "masked_fill"), plain not in AXES_NEEDED
                flat = [self.operand(item, names[min(k, len(names) - 1)], masked, uniform) for k, item in enumerate(args)]
                try:
                    bound = inspect.signature(row).bind(self.sheet, *flat, **given, **more)
                except TypeError as error:
                    raise ValueError(f"its arguments are not read here ({error})") from None
                found = row(*bound.args, **bound.kwargs)
            elif plain in ENTRYWISE:
                extra = [key for key in kwargs if key not in ("inplace", "alpha", "rounding_mode", "input", "other")]
                if extra or kwargs.get("alpha", 1) != 1 or kwargs.get("rounding_mode") is not None:
                    raise ValueError(f"{plain} with {', '.join(kwargs)}")
                operands = [*args, *(kwargs[key] for key in ("input", "other") if key in kwargs)]
                found = entrywise(
                    self.sheet, plain, *(self.operand(item, "input") for item in operands if not isinstance(item, bool))
                )
            elif plain in ("expand", "expand_as", "repeat", "broadcast_to"):
                found = self.expanded(self.value_of(args[0]), shape)
            else:
                from difflib import get_close_matches

                close = get_close_matches(plain, (*OPERATIONS, *ENTRYWISE), n=1, cutoff=0.8)
                hint = f" (known and near: {close[0]})" if close else ""
                self.refuse(f"the operation {plain} is not known{hint}", "unknown")
        except ValueError as error:
            self.refuse(
                f"{plain}: {error}" if str(error) else f"{plain}: shapes that do not fit one another as they are read here", "way"
            )
        self.keep(found, result)

    def keep(self, found: Any, result: Any) -> None:
        """Take down what the results of an operation are, their shapes being those of the tensors."""
        import torch

        if isinstance(result, torch.Tensor):
            found = found[0] if isinstance(found, tuple) and len(found) == 1 else found
            if not found.number and self.sheet.lengths(found) != tuple(result.shape):
                self.refuse(f"the shape {tuple(result.shape)} was read as {self.sheet.lengths(found)}", "fault")
            self.remember(result, found)
            return
        for value, item in zip(found, result, strict=False):
            if isinstance(item, tuple | list):
                self.keep(value, item)
            elif value is None and isinstance(item, torch.Tensor):
                self.alive.append(item)
                self.spoilt[id(item)] = "a second result of an operation, of which the derivative is not known here"
            elif isinstance(item, torch.Tensor):
                self.keep(value, item)

    def operand(self, item: Any, key: str, masked: bool = False, uniform: bool = True) -> Any:
        """An argument as a row takes it."""
        import torch

        if isinstance(item, torch.Tensor):
            if key in ("mask", "attn_mask") and not self.is_traced(item):
                return item
            if key in ("weight", "bias", "running_mean", "running_var") and id(item) in self.weights:
                return Weight(self.weights[id(item)], item)
            return self.value_of(item, masked, uniform)
        if isinstance(item, tuple | list):
            kind = type(item) if type(item) in (tuple, list) else tuple
            return kind(self.operand(inner, key, masked, uniform) for inner in item)
        return item

    def expanded(self, value: Value, shape: Sequence[int]) -> Value:
        """A tensor stretched along axes of length 1."""
        if value.number:
            return Value(value.name, groups=((),) * len(shape), number=True)
        while len(value.groups) < len(shape):
            value = self.sheet.unsqueezed(value, 0)
        have = self.sheet.lengths(value)
        if any(length not in (1, wanted) for length, wanted in zip(have, shape, strict=True)):
            raise ValueError("an axis repeated that is longer than 1")
        if have == tuple(shape):
            return value
        for axis, (length, wanted) in enumerate(zip(have, shape, strict=True)):
            if length == 1 and wanted > 1 and value.groups[axis]:
                self.sheet.squeezed(value, axis)
        axes = [
            self.sheet.axis(wanted, "d") if length == 1 and wanted > 1 else self.sheet.axes_of(keys)
            for length, wanted, keys in zip(have, shape, self.sheet.all_keys(value), strict=True)
        ]
        own = [bool(group) for group in value.groups]
        return self.sheet.define(
            "y",
            axes,
            lambda letters, _: self.sheet.entry(value, [its if has else [] for its, has in zip(letters, own, strict=True)]),
        )

    # --- what is drawn ------------------------------------------------------------------------------------------------------

    @staticmethod
    def is_active(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a dropout drops anything."""
        p = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
        training = kwargs.get("training", args[2] if len(args) > 2 else True)
        return bool(training) and p > 0

    def masked(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        """Dropout while training: its mask, scaled by 1/(1 − p), is drawn and given."""
        import torch

        tensor: Tensor = args[0] if args else kwargs["input"]
        ones = torch.ones_like(tensor.detach())
        mask = func(ones, *args[1:], **{key: item for key, item in kwargs.items() if key not in ("input", "inplace")})
        value = self.value_of(tensor)
        name = self.sheet.fresh("M")
        scale = self.sheet.declare(name, self.sheet.all_keys(value))
        self.sheet.constants[name] = mask
        self.sheet.remarks["dropout-mask", name] = None
        result = tensor * mask
        self.remember(result, self.sheet.entrywise("y", "{1}*{0}", value, scale, layer=self.sheet.layer_of(value)))
        return result

    def drawn(self, tensor: Tensor) -> None:
        """Numbers drawn on the way are given."""
        if tensor.dtype.is_floating_point:
            value = self.constant(tensor, "epsilon")
            self.sheet.remarks["drawn", value.name] = None

    # --- modules --------------------------------------------------------------------------------------------------------------

    def enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[..., Any]) -> Any:
        """Run a module on the way: as one of the layers known, or what is inside it."""
        self.stack.append(module)
        kind = type(module).__name__
        own = type(module).__module__.startswith("torch.nn")
        if own and kind in LAYERS:
            import torch

            with torch._C.DisableTorchFunction(), self.unpatched():
                result = call(module, *args, **kwargs)
            weights = {name: Weight(self.weights[id(p)], p) for name, p in module.named_parameters() if id(p) in self.weights}
            try:
                asks = list(inspect.signature(LAYERS[kind]).parameters)[3:]
                values = [self.operand(item, asks[min(k, len(asks) - 1)]) for k, item in enumerate(args)]
                named = {key: self.operand(item, key) for key, item in kwargs.items()}
                found = LAYERS[kind](self.sheet, module, weights, *values, **named)
            except (ValueError, TypeError) as error:
                self.refuse(f"{kind}: {error}" if str(error) else f"{kind}: shapes that do not fit", "way")
            self.keep(found, result)
        else:
            result = call(module, *args, **kwargs)
        self.stack.pop()
        return result

    @contextmanager
    def unpatched(self) -> Iterator[None]:
        """The modules inside a known layer run as they are."""
        self.depth += 1
        yield
        self.depth -= 1

    def run(self, inputs: Mapping[str, Tensor], call: Callable[..., Any]) -> Recording:
        """The run, from the inputs to what comes out."""
        import torch
        from torch.overrides import TorchFunctionMode

        recorder = self

        class Mode(TorchFunctionMode):  # type: ignore[misc]
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                return recorder.handle(func, args, kwargs or {})

        given: list[Any] = []
        for name, tensor in inputs.items():
            stem = stems_of(tensor)
            axes = [self.sheet.axes.new(f"{name}.{k}", length, stem[k]) for k, length in enumerate(tensor.shape)]
            given.append(tensor.clone() if tensor.requires_grad else tensor)  # a leaf must not be changed in place
            self.remember(given[-1], self.sheet.declare(name, axes))
            self.sheet.inputs[name] = "integer" if not tensor.dtype.is_floating_point else "float"
        original, precision = torch.nn.Module.__call__, torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)

        def patched(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if recorder.depth:
                return original(module, *args, **kwargs)
            return recorder.enter(module, args, kwargs, original)

        torch.nn.Module.__call__ = patched
        try:
            with Mode(), redirect_stdout(StringIO()):  # a module is run several times over, and prints each time
                result = call(*given)
        except (DeriveError, Refined, PlacesNeeded):
            raise
        except Exception as error:
            raise InputError(self.failure(error)) from None
        finally:
            torch.nn.Module.__call__ = original
            torch.set_default_dtype(precision)
        outputs = [item for item in leaves(result) if isinstance(item, torch.Tensor)]
        if not outputs:
            raise InputError(f"{self.where()}the model gives no tensor")
        told, left = [], 0
        for tensor in outputs:
            if not self.is_traced(tensor):
                raise InputError("the model gives a tensor that is computed in a way that is not seen here, or always the same")
            if id(tensor) in self.spoilt:
                left += 1
                continue
            told.append((self.value_of(tensor), tensor))
        if not told:
            raise InputError(f"what the model gives is {self.spoilt[id(outputs[0])]}")
        if left:
            self.sheet.remarks["left-out", str(left)] = None
        values, tensors = zip(*told, strict=True)
        return Recording(self.sheet, values, tensors, inputs, self.module)

    # --- what is said when something is not known -----------------------------------------------------------------------------

    def where(self) -> str:
        """The place in the model, for a message."""
        path = next((self.paths[id(module)] for module in reversed(self.stack) if self.paths.get(id(module))), "")
        return f"{shown(path)}: " if path else ""

    def refuse(self, message: str, hint: str) -> None:
        """Say what is not known, where, and what to do.  Raises InputError."""
        found = user_line(traceback.extract_stack())
        line = f", {found}" if found else ""
        kind = next((type(module).__name__ for module in reversed(self.stack)), "")
        at = f" (in {self.where().rstrip(': ') or 'the module itself'}: {kind}{line})" if kind else ""
        raise InputError(f"{message}{at}; {HINTS[hint]}")

    def failure(self, error: Exception) -> str:
        """An error of the model itself, in one line."""
        found = user_line(traceback.extract_tb(error.__traceback__))
        at = f"{found}: " if found else ""
        text = " ".join(str(error).split())
        kind = next((f" (in {self.where()}{type(module).__name__})" for module in reversed(self.stack)), "")
        return f"the model fails on this example{kind}: {at}{type(error).__name__}: {shown(text, 200)}"


PLACES = {"embedding": 0, "cross_entropy": 1, "nll_loss": 1}
"""Operations that take places, and which of their arguments those are."""


SINGLE = ("float", "half", "bfloat16")
"""Operations that would leave double precision, in which models are compared."""


def in_double(item: Any) -> Any:
    """Arguments with double precision where they name another."""
    import torch

    if item in (torch.float32, torch.float16, torch.bfloat16) if isinstance(item, torch.dtype) else False:
        return torch.float64
    if type(item) in (tuple, list):
        return type(item)(in_double(inner) for inner in item)
    if type(item) is dict:
        return {key: in_double(inner) for key, inner in item.items()}
    return item


def is_idle(key: str, item: Any) -> bool:
    """Whether an argument that a row does not know leaves the operation as it is."""
    return item is None or key in ("inplace", "_stacklevel")


def stems_of(tensor: Tensor) -> tuple[str, ...]:
    """What the axes of an input are called, by how many there are: N examples; d numbers, or C channels of h by w."""
    known: dict[int, tuple[str, ...]] = {
        0: (),
        1: ("d",),
        2: ("N", "d"),
        3: ("N", "S", "d"),
        4: ("N", "C", "h", "w"),
        5: ("N", "C", "h", "w", "d"),
    }
    if not tensor.dtype.is_floating_point:
        known |= {1: ("S",), 2: ("N", "S")}
    dimensions: int = tensor.dim()
    return known.get(dimensions, ("d",) * dimensions)
