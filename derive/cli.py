"""The command line: which function runs a command, and what becomes of every error.

Owns `main` and the exit status.  Imports what it needs when it needs it: `--help` loads neither SymPy nor Rich.
"""

from __future__ import annotations

import gc
import os
import sys

from derive.errors import DeriveError

TYPE_CHECKING = False  # typing itself would cost a tenth of the start-up
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("commands", "run_list"),
    "show": ("commands", "run_show"),
    "key": ("keycommand", "run_key"),
    "check": ("commands", "run_check"),
    "explain": ("commands", "run_explain"),
    "new": ("newcommand", "run_new"),
    "completion": ("commands", "run_completion"),
    "man": ("commands", "run_man"),
}
"""For each command, the module and the function that run it; what a function gives is whether something checked is wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the value is the exit status."""
    try:
        gc.disable()  # a short process: collecting while SymPy is imported costs more than it frees
        if sys.stdout is None:  # closed by whoever started us: there is nobody to write to
            sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        status = _status(arguments)
        sys.stdout.flush()
        return status
    except DeriveError as error:
        _tell(str(error))
        if error.exit_status == 70:
            _tell("this is our fault, not yours; please report it with the problem file")
        return error.exit_status
    except BrokenPipeError:
        _abandon_output()
        return 0
    except OSError as error:  # whatever else is read or written says so itself
        _abandon_output()
        _tell(f"standard output: {error.strerror}")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the last stop: no traceback reaches the person who typed the input
        _tell(f"internal error ({type(error).__name__}: {error}); this is our fault, please report it")
        return 70
    finally:
        if arguments is None:  # the process ends here: an interrupt while it tidies up would only print a traceback
            import signal

            signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.enable()


def _status(arguments: Sequence[str] | None) -> int:
    from derive.options import read_options

    try:
        return int(bool(_run(read_options(arguments))))
    except SystemExit as stop:  # argparse has printed what was asked for
        return stop.code if isinstance(stop.code, int) else 2


def _tell(message: str) -> None:
    from derive.streams import tell

    tell(message)


def _abandon_output() -> None:
    """Nobody reads on: what is still to be written goes nowhere, or Python complains about it while it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(options: argparse.Namespace) -> bool | None:
    from importlib import import_module

    module, function = COMMANDS[options.command]
    run: Callable[[argparse.Namespace], bool | None] = getattr(import_module(f"derive.{module}"), function)
    return run(options)
