"""The workers of a Dask cluster as an executor like any other.

Owns `cluster_executor`.  Dask is loaded only here; it does a unit again where its worker is lost.  May import: errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from derive.errors import UsageError, shown

PATIENCE = 10
"""Seconds that a scheduler may take to answer."""


@contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """The executor of the cluster whose scheduler has this address.

    Raises UsageError where Dask is not installed, nobody answers there, or the cluster has no workers.
    """
    try:
        dask: Any = import_module("distributed")
    except ImportError:
        raise UsageError("--cluster needs Dask: pip install 'derive-backprop[cluster]'") from None
    if not re.fullmatch(r"[a-z]+://[^\s/]+:\d+", address):
        raise UsageError(f"--cluster {shown(address)}: is no address of a scheduler; one looks like tcp://127.0.0.1:8786")
    import logging

    for name in ("distributed", "distributed.client"):  # the second has a level of its own; what matters reaches us as an error
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = dask.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        why = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(f"--cluster {shown(address)}: {shown(why[0], 120)}") from None
    try:
        if not client.scheduler_info()["workers"]:
            raise UsageError(f"--cluster {shown(address)}: the scheduler has no workers")
        yield client.get_executor(pure=False)
    finally:
        client.close(timeout=PATIENCE)
