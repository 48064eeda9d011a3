"""A user's Python file with a PyTorch module in it, run because it was asked for as FILE.py:NAME.

Owns `is_python` and `read_file`.  Nothing else of ours runs a file.  May import: errors, models.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derive.errors import InputError, UsageError, printable, shown, suggest

if TYPE_CHECKING:
    from derive.models.reading import Model

BATCH = 3
"""How many examples a batch that is made up has."""
MOST_ENTRIES = 1_000_000


def is_python(name: str) -> bool:
    """Whether a problem is named as a Python file, with or without what is meant in it.

    >>> is_python("model.py:net"), is_python("model.py"), is_python("q1.toml")
    (True, True, False)
    """
    return re.fullmatch(r".*\.py(:.*)?", name, re.DOTALL) is not None


def read_file(
    named: str, inputs: Sequence[str], batch: bool = True, loss: str | None = None, target: str | None = None, weights: bool = False
) -> Model:
    """The module that FILE.py:NAME names, read at an example: of these sizes, or tensors in the file by their names.

    Raises UsageError where the name, the sizes or PyTorch are missing; InputError for a file that fails or a module that cannot be
    read.
    """
    from derive.models.reading import named_inputs, read_model, require_torch

    path, name = named.removesuffix(":"), ""
    if found := re.fullmatch(r"(.*?\.py):(.*)", named, re.DOTALL):
        path, name = found[1], found[2]
    if not name:
        file = shown(path)
        raise UsageError(
            f"{file}: a Python file runs only if you say what is meant in it: {file}:NAME, where NAME is a PyTorch module"
        )
    require_torch()
    import torch

    space = _run(path)
    module = _found(space, name, path)
    if isinstance(module, type) and issubclass(module, torch.nn.Module):
        raise InputError(f"{path}: '{name}' is a class: make a module of it, net = {name}(…), and name that")
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"{path}: '{name}' is a {type(module).__name__}, not a PyTorch module" + _modules(space))
    if not inputs:
        raise UsageError(f"{shown(named)}: needs the sizes of one example, such as --input 2 or --input 1,28,28")
    example = named_inputs([_example(text, space, batch) for text in inputs])
    given = [key for key, text in zip(example, inputs, strict=True) if text in space]
    if target is not None and not isinstance(space.get(target), torch.Tensor):
        raise UsageError(f"--target {shown(target)}: should be the name of a tensor in the file" + _tensors(space))
    return read_model(module, example, loss, space[target] if target else None, name, weights, given)


def _run(path: str) -> dict[str, Any]:
    """What a file defines.  Raises InputError where it cannot be read or fails."""
    import runpy

    if not Path(path).is_file():
        raise InputError(f"{path}: " + ("not a regular file" if Path(path).exists() else "no such file"))
    folder, words = str(Path(path).resolve().parent), sys.argv
    sys.path.insert(0, folder)  # as Python itself does for a file it runs
    sys.argv = [path]  # our own options are none of its
    try:
        with redirect_stdout(sys.stderr):  # what the file prints is no part of the page
            return runpy.run_path(path, run_name="derive_model")
    except SyntaxError as error:
        raise InputError(f"{path}: line {error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == Path(path).name]
        at = f"line {frames[-1].lineno}: " if frames else ""
        text = printable(" ".join(str(error).split()))
        raise InputError(f"{path}: {at}{type(error).__name__}: {shown(text, 200)}") from None
    finally:
        sys.path.remove(folder)
        sys.argv = words


def _found(space: dict[str, Any], name: str, path: str) -> Any:
    """What a name means in the file, `net` or `model.encoder`.  Raises InputError."""
    first, *rest = name.split(".")
    if first not in space:
        known = [key for key in space if not key.startswith("_")]
        raise InputError(f"{path}: there is no '{shown(name)}' in it" + (suggest(first, known) or _modules(space)))
    found = space[first]
    for part in rest:
        found = getattr(found, part, None)
    return found


def _modules(space: dict[str, Any]) -> str:
    """A tail for a message: the modules a file has."""
    import torch

    names = [name for name, item in space.items() if isinstance(item, torch.nn.Module) and not name.startswith("_")]
    return f" (modules in it: {', '.join(names[:8])})" if names else ""


def _tensors(space: dict[str, Any]) -> str:
    """A tail for a message: the tensors a file has."""
    import torch

    names = [name for name, item in space.items() if isinstance(item, torch.Tensor) and not name.startswith("_")]
    return f" (tensors in it: {', '.join(names[:8])})" if names else ""


def _example(text: str, space: dict[str, Any], batch: bool) -> Any:
    """The example that is meant: sizes typed with commas, or a tensor in the file.  Raises UsageError."""
    import torch

    item = space.get(text)
    if isinstance(item, torch.Tensor):
        return item
    if text.isidentifier():
        raise UsageError(f"--input {shown(text)}: is no tensor in the file" + _tensors(space))
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and 0 < int(part) <= MOST_ENTRIES for part in parts):
        raise UsageError(f"--input {shown(text)}: should be sizes, such as 2 or 1,28,28, or the name of a tensor in the file")
    sizes = [*([BATCH] if batch else []), *map(int, parts)]
    if torch.Size(sizes).numel() > MOST_ENTRIES:
        raise UsageError(f"--input {shown(text)}: more than {MOST_ENTRIES:,} entries")
    return torch.randn(sizes, generator=torch.Generator().manual_seed(1))
