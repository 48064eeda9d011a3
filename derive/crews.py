"""A crew of worker processes that one bad task cannot stop: whoever takes too long or dies is replaced.

Owns `Crew`, an executor like those of `concurrent.futures`, and `Stopped`.  Workers start from a process that has loaded what they
need (where the system has one to fork, else each loads it), so a new one is there at once.  May import: errors.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from multiprocessing import get_all_start_methods, get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from threading import Lock, Thread, current_thread, main_thread
from typing import Any, TypeVar

from derive.errors import DeriveError, LimitError

Result = TypeVar("Result")

STARTING = 120.0
"""Seconds that a worker may take until it is ready."""


class Stopped(Exception):  # noqa: N818  (the task was stopped; it need not be its error)
    """A task that was not finished, and the key of the note that says why."""

    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.note = note


class Failed(Exception):  # noqa: N818
    """A task that raised what is none of our errors, in words."""


_Task = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Crew(Executor):
    """So many workers; a task that takes longer than `limit` seconds is stopped, and `ready` is called in each worker first.

    `modules` are imported once for all of them.  `start` is a start method of multiprocessing; the safest is taken when left out.
    """

    def __init__(
        self, jobs: int, limit: float | None, ready: Callable[[], object], modules: Sequence[str] = (), start: str | None = None
    ) -> None:
        method = start or ("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
        self.context: Any = get_context(method)
        if method == "forkserver":
            self.context.set_forkserver_preload(list(modules))
        self.limit, self.ready, self.closed = limit, ready, False
        self.tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self.workers: set[Any] = set()
        self.lock = Lock()
        self.threads = [Thread(target=self._lead, daemon=True) for _ in range(jobs)]
        for thread in self.threads:
            thread.start()

    def submit(self, function: Callable[..., Result], /, *arguments: Any, **keywords: Any) -> Future[Result]:
        """A task for the next worker that is free.  Raises RuntimeError once the crew has gone home."""
        if self.closed:
            raise RuntimeError("the crew has gone home")
        future: Future[Result] = Future()
        self.tasks.put((future, function, arguments))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Send everybody home, with `cancel_futures` at once."""
        self.closed = True
        if cancel_futures:
            while not self.tasks.empty():
                task = self.tasks.get()
                if task is not None:
                    task[0].cancel()
            with self.lock:
                for process in self.workers:
                    process.kill()
        for _ in self.threads:
            self.tasks.put(None)
        if wait:
            for thread in self.threads:
                thread.join()

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        """Wait for what is done, or, where an error leads out, for nothing."""
        self.shutdown(cancel_futures=kind is not None)

    def _lead(self) -> None:
        """One worker's tasks, one after the other; this thread lives as long as the crew, the worker perhaps not."""
        _never_interrupted()
        worker: tuple[Any, Connection] | None = None
        while (task := self.tasks.get()) is not None:
            future, function, arguments = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                for _ in range(2):  # an idle worker may have been killed by others: a new one takes its task
                    worker = worker or self._hire()
                    try:
                        worker[1].send((function, arguments))
                        break
                    except OSError:
                        self._dismiss(worker[0])
                        worker = None
                else:
                    raise Stopped("worker-died")
                if not worker[1].poll(self.limit):
                    raise Stopped("time-limit")
                done, value = worker[1].recv()
            except BaseException as error:  # whoever waits for the future is told
                if worker is not None:
                    self._dismiss(worker[0])
                    worker = None
                future.set_exception(Stopped("worker-died") if isinstance(error, EOFError | OSError) else error)
            else:
                (future.set_result if done else future.set_exception)(value)
        if worker is not None:
            worker[1].close()
            worker[0].join()

    def _hire(self) -> tuple[Any, Connection]:
        """A new worker that is ready.  Raises LimitError where none starts, and what `ready` raised."""
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=work, args=(theirs, self.ready), daemon=True)
        with self.lock:
            if self.closed:
                raise Stopped("worker-died")
            with _safe_path():
                process.start()
            self.workers.add(process)
        theirs.close()
        try:
            done, value = ours.recv() if ours.poll(STARTING) else (False, LimitError("a worker process did not start in time"))
        except (EOFError, OSError):
            done, value = False, Stopped("worker-died") if self.closed else LimitError("a worker process could not be started")
        if not done:
            self._dismiss(process)
            raise value
        return process, ours

    def _dismiss(self, process: Any) -> None:
        process.kill()
        process.join()
        with self.lock:
            self.workers.discard(process)


def work(connection: Connection, ready: Callable[[], object]) -> None:
    """What a worker does until the crew goes home or dies: nothing it meets is printed, everything is sent back."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever leads the crew is interrupted, and sends it home
    Thread(target=_outlive_nobody, daemon=True).start()
    import gc

    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        done, value = _tried(ready, ())
        connection.send((done, None if done else value))
        gc.freeze()
        while True:
            function, arguments = connection.recv()
            answer = _tried(function, arguments)
            try:
                connection.send(answer)
            except (TypeError, AttributeError, ValueError) as error:  # what cannot be sent
                connection.send((False, Failed(f"{type(error).__name__}: {error}")))


def _tried(function: Callable[..., Any], arguments: Sequence[Any]) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except DeriveError as error:
        return False, error
    except Exception as error:
        return False, Failed(f"{type(error).__name__}: {error}")


def _outlive_nobody() -> None:
    """End this process when the one that started it is gone, whatever it is busy with."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _never_interrupted() -> None:
    """Neither this thread nor a process it starts gets the interrupt from the keyboard; the main thread does."""
    if hasattr(signal, "pthread_sigmask") and current_thread() is not main_thread():
        resource_tracker.ensure_running()  # it would clear the mask when it starts later
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


@contextmanager
def _safe_path() -> Iterator[None]:
    """Processes started here import nothing from the folder that happens to be the current one."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before
