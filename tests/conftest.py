"""What the tests share: the problems worked out once, and the option that rewrites the expected pages."""

import pytest

import derive
from derive.decisions import prove_decisions


def pytest_addoption(parser):
    parser.addoption("--rewrite", action="store_true", help="rewrite the expected pages; read the difference before you commit it")


@pytest.fixture(scope="session")
def rewrite(request):
    return request.config.getoption("--rewrite")


def work_out(name, **options):
    """A built-in problem, derived or proved."""
    problem = derive.find(name)
    return prove_decisions(problem) if problem.decision else derive.derive(problem, **options)
