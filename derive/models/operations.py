"""Which of PyTorch's operations are known, and what becomes of the rest.

Owns `OPERATIONS` and the tables of what is looked at, read or drawn.  A row's function takes the arguments of the operation by
their own names; a tensor comes as a `Value`, what is called `weight` or `bias` as the `Weight` it is.  It raises ValueError, with
what is the matter, for what is not known here.  May import: models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.models.entries import SHAPED
from derive.models.losses import LOSSES
from derive.models.parts import PARTS
from derive.models.products import PRODUCTS
from derive.models.reductions import REDUCTIONS
from derive.models.sheet import Sheet, Value
from derive.models.windows import WINDOWS

SAME = ("contiguous", "clone", "to", "float", "double", "type_as", "type", "identity", "requires_grad_", "alias")
"""What leaves every entry as it is."""

RESHAPING = ("view", "reshape", "flatten", "unflatten", "squeeze", "view_as", "reshape_as", "ravel")
"""What only groups the axes otherwise."""

READ = (
    "item", "tolist", "numpy", "__bool__", "__int__", "__float__", "__index__", "__contains__", "__array__", "is_nonzero", "equal",
    "allclose",
)  # fmt: skip
"""What makes the course of the program depend on the values of a tensor."""

DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d")
"""What drops entries, or whole channels, while training."""

DRAWN = ("randn_like", "rand_like", "randn", "rand", "normal", "bernoulli", "randint")
"""What draws numbers: they are given to the derivation."""

MADE = ("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor", "zeros_like", "ones_like", "full_like", "empty_like")
"""What makes numbers of its own, for which it asks a tensor no more than its shape."""

PICKED = ("argmax", "argmin", "argsort", "eq", "ne", "detach", "sign", "round", "floor", "ceil")
"""What has no slope to speak of: its result may be returned or thrown away, but not computed with."""

ALIASES = {
    "iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "truediv": "div", "true_divide": "div", "divide": "div",
    "multiply": "mul", "subtract": "sub", "rtruediv": "rdiv", "negative": "neg", "special_expit": "sigmoid", "matmul": "matmul",
    "rmatmul": "rmatmul", "mm": "matmul", "bmm": "matmul", "mv": "matmul", "concat": "cat", "concatenate": "cat", "absolute": "abs",
    "special_log_softmax": "log_softmax", "logsigmoid": "log_sigmoid", "__and__": "mul", "and": "mul", "vector_norm": "norm",
    "linalg_norm": "norm", "linalg_vector_norm": "norm", "_weight_norm": "weight_norm", "greater": "gt", "less": "lt",
    "swapaxes": "transpose", "getitem": "getitem", "rmul": "mul", "radd": "add", "clip": "clamp", "special_erf": "erf",
}  # fmt: skip
"""Other names of the same operation."""


def _dropout(s: Sheet, input: Value, p: float = 0.5, training: bool = True, inplace: bool = False) -> Value:
    """Outside training every entry stays as it is; the mask of a training run comes as a constant, by `_masked`."""
    s.remarks["dropout-off", ""] = None
    return input


OPERATIONS: dict[str, Callable[..., Any]] = {
    **SHAPED,
    **REDUCTIONS,
    **PARTS,
    **PRODUCTS,
    **WINDOWS,
    **LOSSES,
    **dict.fromkeys(DROPOUTS, _dropout),
}
"""Operations by the last part of their name in PyTorch; a row that asks for `shape` is told that of the result."""

AXES_NEEDED = (*PARTS, *PRODUCTS, *WINDOWS)
"""Operations that ask for the axes of a tensor, even where its numbers are the same everywhere."""
