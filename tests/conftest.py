"""What the tests share: the problems worked out once, the command, and the option that rewrites the expected pages."""

import gc
import os
import shutil
import sys
from functools import cache
from importlib.util import find_spec

import pytest

import derive
from derive.cli import main
from derive.decisions import prove_decisions

collect_ignore = [] if find_spec("torch") else ["published.py"]
"""PyTorch models, which the search for doctests would import."""

COMMAND = [sys.executable, "-m", "derive"]
PLACE = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "PYTHONPATH") if name in os.environ}
"""A small clean environment for a process of its own."""


def pytest_addoption(parser):
    parser.addoption("--rewrite", action="store_true", help="rewrite the expected pages; read the difference before you commit it")


@pytest.fixture(scope="session")
def rewrite(request):
    return request.config.getoption("--rewrite")


def work_out(name, **options):
    """A built-in problem, derived or proved."""
    problem = derive.find(name)
    return prove_decisions(problem) if problem.decision else derive.derive(problem, **options)


@cache
def worked(name):
    """A built-in problem worked out once for all tests."""
    return work_out(name)


@pytest.fixture
def run(capsys):
    """Runs the command in this process: exit status, standard output, standard error."""

    def command(*arguments):
        status = main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    yield command
    gc.enable()  # the command switches the collector off for its own short life; a test process lives on


def missing(program):
    """Skips a test, and says so, where a program is not installed."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed, so nothing was tried with it")


def heard(terminal):
    """Everything that a program writes to the other end of a pseudo-terminal, until it closes it."""
    sent = b""
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # the other end is closed
            return sent
        if not part:
            return sent
        sent += part
