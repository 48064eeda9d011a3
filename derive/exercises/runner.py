"""One function of somebody's file, run in a process of its own; started as a script, it imports nothing of ours.

Owns `serve`: lines of JSON come in on standard input, an answer to each goes out on standard output; what the file itself reads
and prints is the null device.  The limits keep an accident small; they are no sandbox.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import site
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

MOST_NUMBERS = 1_000_000
"""Numbers that one answer may hold."""

MOST_TOLD = 200
"""Characters of somebody's message that are passed on."""

MOST_FUNCTIONS = 200
MOST_DEPTH = 8

Message = dict[str, Any]


class NotNumbersError(Exception):
    """Something was returned that is no number, list of numbers or dictionary of those; the message says where and what."""


def serve() -> None:
    """Answer until nothing more is asked: first what the function takes, then what it returns for each set of arguments."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    own = os.getpid()
    function: Callable[..., Any] | None = None
    folder = ""
    for line in requests:
        request = json.loads(line)
        try:
            if function is None:
                folder = os.path.dirname(request["path"])
                _limit(request["limits"])
                message, function = _imported(request)
            else:
                message = _called(function, request)
        except NotNumbersError as error:
            message = {"fault": {"returned": str(error)}}
        except BaseException as error:  # whatever the file raises, KeyboardInterrupt and SystemExit too
            message = {"fault": _told(error, folder)}
        if os.getpid() != own:  # a child that the file forked has run into our loop
            os._exit(0)
        answers.write(json.dumps(message) + "\n")
        answers.flush()


def _limit(limits: Mapping[str, int]) -> None:
    """Take the limits upon this process, where the system has them."""
    try:
        import resource
    except ImportError:
        return
    for name, most in limits.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            with suppress(ValueError, OSError):  # a harder limit stands already
                resource.setrlimit(kind, (most, most))


# --- the file -------------------------------------------------------------------------------------------------------------


def _imported(request: Message) -> tuple[Message, Callable[..., Any] | None]:
    """The file imported as it would be by `import`, and what its function takes."""
    path, name = request["path"], request["function"]
    if sys.prefix == sys.base_prefix and os.path.isdir(packages := site.getusersitepackages()):
        sys.path.append(packages)  # isolated, Python leaves out what `pip install --user` put there
    sys.path.insert(0, os.path.dirname(path))
    stem = os.path.basename(path).removesuffix(".py")
    spec = importlib.util.spec_from_file_location(stem, path)
    if spec is None or spec.loader is None:
        return {"fault": {"message": "is no Python file"}}, None
    module = importlib.util.module_from_spec(spec)
    sys.modules[stem] = module
    spec.loader.exec_module(module)
    names = [key for key, value in vars(module).items() if inspect.isfunction(value) and value.__module__ == stem]
    function = vars(module).get(name)
    if not callable(function) or isinstance(function, type):
        what = None if function is None else "class" if isinstance(function, type) else type(function).__name__
        return {"missing": {"functions": names[:MOST_FUNCTIONS], "what": what}}, None
    parameters = [
        {"name": p.name, "kind": p.kind.name, "default": p.default is not p.empty}
        for p in inspect.signature(function).parameters.values()
    ]
    return {"parameters": parameters, "arrays": _kind_of_arrays(module)}, function


def _kind_of_arrays(module: Any) -> str:
    """What arrays are passed as: tensors to a file that imports PyTorch and not NumPy, else NumPy's where it is installed."""
    imported = {getattr(value, "__name__", "") for value in vars(module).values() if inspect.ismodule(value)}
    if "torch" in imported and "numpy" not in imported:
        return "torch"
    return "numpy" if importlib.util.find_spec("numpy") is not None else "lists"


def _called(function: Callable[..., Any], request: Message) -> Message:
    """The function called once, and what it returned."""
    kind = request["arrays"]
    positional = [_array(value, kind) for value in request["positional"]]
    named = {name: _array(value, kind) for name, value in request["named"].items()}
    seen: list[str] = []
    returned = _plain(function(*positional, **named), "", seen)
    return {"returned": returned, "single": bool(seen) and all(kind in ("float32", "float16", "bfloat16") for kind in seen)}


def _array(value: Any, kind: str) -> Any:
    """A nested list as an array of a kind, with PyTorch a number too; a dictionary of them alike."""
    if isinstance(value, dict):
        return {key: _array(item, kind) for key, item in value.items()}
    if kind == "torch" and isinstance(value, list | float):
        import torch

        return torch.tensor(value, dtype=torch.float64 if _has_floats(value) else torch.int64)
    if kind == "numpy" and isinstance(value, list):
        import numpy

        return numpy.array(value)
    return value


def _has_floats(value: Any) -> bool:
    return any(map(_has_floats, value)) if isinstance(value, list) else isinstance(value, float)


# --- what comes back ------------------------------------------------------------------------------------------------------


def _plain(value: Any, where: str, seen: list[str], depth: int = 0) -> Any:
    """What was returned, in numbers, lists and dictionaries; `seen` collects the types of its numbers.  Raises NotNumbersError."""
    if depth > MOST_DEPTH or len(seen) > MOST_NUMBERS:
        raise NotNumbersError(f"{where or 'the whole'} is too large")
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {"keys": [[str(key), _plain(item, f"['{key}']", seen, depth + 1)] for key, item in list(value.items())]}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{place}]", seen, depth + 1) for place, item in enumerate(value)]
    if hasattr(value, "detach"):  # a tensor of PyTorch
        value = value.detach().cpu()
    dtype = getattr(value, "dtype", None)
    if dtype is not None and hasattr(value, "tolist"):
        kind = str(dtype).rpartition(".")[2]
        if kind.startswith(("float", "bfloat", "int", "uint")):
            seen += [kind] * max(1, len(getattr(value, "shape", ())))
            return {"array": _numbers(value.tolist(), where)} if getattr(value, "shape", ()) else float(value)
        raise NotNumbersError(f"{where or 'it'} is an array of {kind}")
    if value is None or isinstance(value, bool | str | bytes | complex) or not hasattr(type(value), "__float__"):
        raise NotNumbersError(f"{where or 'it'} is {'None' if value is None else f'a {type(value).__name__}'}")
    seen.append("float64")
    return float(value)


def _numbers(value: Any, where: str) -> Any:
    """Nested lists of floats."""
    if isinstance(value, list):
        return [_numbers(item, where) for item in value]
    return float(value)


def _told(error: BaseException, folder: str) -> Message:
    """The type of an exception, its message, and where in the file it was raised."""
    kind = type(error).__name__
    if isinstance(error, SystemExit):
        kind = "sys.exit"
    try:
        message = str(error)[:MOST_TOLD]
    except BaseException:  # its own __str__ may fail
        message = ""
    if isinstance(error, SyntaxError):
        return {"type": kind, "message": (error.msg or "")[:MOST_TOLD], "line": error.lineno, "file": error.filename}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    mine = [frame for frame in frames if os.path.dirname(frame.filename) == folder]
    last = mine[-1] if mine else None
    return {"type": kind, "message": message, "line": last and last.lineno, "file": last and last.filename}


if __name__ == "__main__":
    serve()
