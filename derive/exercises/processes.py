"""Somebody's function in a process of its own: started, asked, limited, and ended with all its children.

Owns `Runner` and `open_runner`.  What goes wrong there is told in one line with the place in the file.  May import: errors.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from derive.errors import InputError, LimitError, UsageError, shown, suggest

MEMORY = 2 << 30
"""Bytes that a process may hold."""

MOST_WRITTEN = 16 << 20
"""Bytes that one answer may have, and a file that it writes."""

RUNNER = Path(__file__).with_name("runner.py")

SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Parameter:
    """A parameter of the function: its name, its kind as `inspect` calls it, and whether it may be left out."""

    name: str
    kind: str
    default: bool


class Runner:
    """A process that has imported the file; `parameters` are those of its function, `arrays` says what arrays are passed as."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path, function: str, seconds: float) -> None:
        self.process, self.path, self.function, self.seconds = process, path, function, seconds
        self.spent, self.asked = 0.0, 0.0
        self.buffer = b""
        self.parameters: tuple[Parameter, ...] = ()
        self.arrays = "lists"

    def call(self, positional: Sequence[Any], named: Mapping[str, Any], place: str) -> tuple[Any, bool]:
        """What the function returns, and whether in single precision.  `place` says for which input.

        Raises InputError for what goes wrong in the file, LimitError where it takes too long.
        """
        request = {"positional": list(positional), "named": dict(named), "arrays": self.arrays}
        answer = self.ask(request, ("returned", "single"), f" ({place})")
        return answer["returned"], bool(answer["single"])

    def ask(self, request: Mapping[str, Any], expected: Sequence[str], place: str = "") -> Mapping[str, Any]:
        """One line to the process and one back, which has what is expected.  Raises as `call` does."""
        self.asked = time.monotonic()
        self.send(json.dumps(request).encode() + b"\n", place)
        line = self.receive(place)
        self.spent += time.monotonic() - self.asked
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict):
            if isinstance(answer.get("fault"), dict):
                raise InputError(self.told(answer["fault"], place))
            if "missing" in answer or all(key in answer for key in expected):
                return answer
        raise InputError(f"{self.path.name}: something of it wrote into the channel for its answers{place}")

    def told(self, fault: Mapping[str, Any], place: str) -> str:
        """A fault in one line: the file, the line in it, what was raised."""
        if "returned" in fault:
            what = "numbers, or a dictionary of numbers by name"
            return f"{self.path.name}: {self.function} should return {what}; {shown(fault['returned'], 120)}{place}"
        file = Path(str(fault.get("file") or self.path)).name
        line = f", line {fault['line']}" if fault.get("line") else ""
        message = shown(fault.get("message", ""), 200)
        kind = shown(fault.get("type", "Error"))
        if kind == "sys.exit":
            return f"{file}{line}: leaves by sys.exit({message}){place}"
        hint = f"; it runs with {sys.executable}, where derive is installed" if kind == "ModuleNotFoundError" else ""
        if kind == "MemoryError":
            hint = f" (more than {MEMORY >> 30} GiB)"
        return f"{file}{line}: {kind}{': ' if message else ''}{message}{hint}{place}"

    # --- the pipes ----------------------------------------------------------------------------------------------------

    def left(self, place: str) -> float:
        """The seconds that are left; what we do meanwhile does not count.  Raises LimitError where there are none."""
        left = self.seconds - self.spent - (time.monotonic() - self.asked)
        if left <= 0:
            raise LimitError(f"{self.path.name}: took longer than {self.seconds:g} s{place}; see --time-limit")
        return left

    def send(self, data: bytes, place: str) -> None:
        """Write a request as fast as it is read."""
        import select

        assert self.process.stdin is not None
        pipe = self.process.stdin.fileno()
        os.set_blocking(pipe, False)  # a process that is stopped reads nothing
        while data:
            if select.select([], [pipe], [], self.left(place))[1]:
                try:
                    data = data[os.write(pipe, data) :]
                except BrokenPipeError:
                    raise self.ended(place) from None

    def receive(self, place: str) -> bytes:
        """The next line that the process writes."""
        import select

        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            if select.select([pipe], [], [], self.left(place))[0]:
                data = os.read(pipe, 1 << 16)
                if not data:
                    raise self.ended(place)
                self.buffer += data
                if len(self.buffer) > MOST_WRITTEN:
                    raise LimitError(f"{self.path.name}: wrote more than {MOST_WRITTEN >> 20} MiB to its process's channel{place}")
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def ended(self, place: str) -> InputError | LimitError:
        """What to say of a process that is gone."""
        try:
            status = self.process.wait(self.left(place))
        except subprocess.TimeoutExpired:
            status = 0
        if status == -getattr(signal, "SIGXCPU", 0):
            return LimitError(f"{self.path.name}: took longer than {self.seconds:g} s{place}; see --time-limit")
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return InputError(f"{self.path.name}: its process {how} and returned nothing{place}")


@contextmanager
def open_runner(code: str, seconds: float) -> Iterator[Runner]:
    """A process for `file.py:name`, with its file imported; ended, children and all, when the context is left.

    Raises UsageError for what is not of that form, InputError for what is wrong with the file, LimitError.
    """
    path, function = _place_of(code)
    environment = os.environ | dict.fromkeys(SINGLE_THREADED, "1") | {"MPLBACKEND": "Agg"}
    limits = {
        "RLIMIT_CPU": int(seconds) + 2,
        "RLIMIT_DATA": MEMORY,
        "RLIMIT_FSIZE": MOST_WRITTEN,
        "RLIMIT_CORE": 0,
    }
    with TemporaryDirectory(prefix="derive-", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(  # noqa: S603  (our own runner; the file's name goes through the pipe)
            [sys.executable, "-I", "-B", str(RUNNER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**environment, "TMPDIR": folder},
            start_new_session=True,
        )
        try:
            runner = Runner(process, path, function, seconds)
            answer = runner.ask({"path": str(path.resolve()), "function": function, "limits": limits}, ("parameters", "arrays"))
            if "missing" in answer:
                raise InputError(_missing(path, function, answer["missing"]))
            runner.parameters = tuple(Parameter(**parameter) for parameter in answer["parameters"])
            runner.arrays = "lists" if answer["arrays"] not in ("numpy", "torch") else str(answer["arrays"])
            yield runner
        finally:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()


def _place_of(code: str) -> tuple[Path, str]:
    """The file and the name in `file.py:name`.  Raises UsageError or InputError."""
    file, colon, function = code.rpartition(":")
    if not colon or not file or not function.isidentifier():
        raise UsageError(f"--code {shown(code)}: should be FILE.py:FUNCTION, such as homework.py:backward")
    path = Path(file)
    if os.name != "posix":
        raise UsageError("--code needs a system with process groups (Linux, macOS)")
    if path.suffix != ".py":
        raise UsageError(f"--code {shown(code)}: the file should be a Python file, ending in .py")
    try:
        if not path.is_file():
            raise InputError(f"{shown(file)}: " + ("not a regular file" if path.exists() else "no such file"))
    except (OSError, ValueError):
        raise InputError(f"{shown(file)}: cannot be read") from None
    return path, function


def _missing(path: Path, function: str, found: Mapping[str, Any]) -> str:
    """What to say where the file has no such function."""
    names = [str(name) for name in found["functions"]]
    if found.get("what"):
        return f"{path.name}: '{function}' is no function ({shown(found['what'])})"
    has = f" (it has {', '.join(map(shown, names[:6]))})" if names else " (it has none)"
    return f"{path.name}: has no function '{function}'" + (suggest(function, names) or has)
