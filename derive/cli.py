"""The command line: which function runs a command, and what becomes of every error.

Owns `main` and the exit status.  Imports what it needs when it needs it: `--help` loads neither SymPy nor Rich.
"""

from __future__ import annotations

import os
import sys

from derive.errors import DeriveError
from derive.options import read_options

TYPE_CHECKING = False  # typing itself would cost a tenth of the start-up
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("commands", "run_list"),
    "show": ("commands", "run_show"),
    "key": ("keycommand", "run_key"),
    "check": ("commands", "run_check"),
}
"""For each command, the module and the function that run it; what a function gives is whether something checked is wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the value is the exit status."""
    import gc

    if sys.stdout is None:  # closed by whoever started us: there is nobody to write to
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    gc.disable()  # a short process: collecting while SymPy is imported costs more than it frees
    try:
        options = read_options(arguments)
        failed = _run(options)
        sys.stdout.flush()
        return int(bool(failed))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    except DeriveError as error:
        print(f"derive: {error}", file=sys.stderr)
        if error.exit_status == 70:
            print("derive: this is our fault, not yours; please report it with the problem file", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # the last stop: no traceback reaches the person who typed the input
        print(f"derive: internal error ({type(error).__name__}: {error}); this is our fault, please report it", file=sys.stderr)
        return 70
    finally:
        gc.enable()


def _run(options: argparse.Namespace) -> bool | None:
    from importlib import import_module

    module, function = COMMANDS[options.command]
    run: Callable[[argparse.Namespace], bool | None] = getattr(import_module(f"derive.{module}"), function)
    return run(options)
