"""A crew of worker processes that one bad task cannot stop: whoever takes too long or dies is replaced.

Owns `Crew`, an executor like those of `concurrent.futures`, and `Stopped`.  Workers start from a process that has loaded what they
need (where the system has one to fork, else each loads it), so a new one is there at once.  May import: errors.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_all_start_methods, get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from threading import Lock, Thread, current_thread, main_thread
from typing import Any, TypeVar

from derive.errors import DeriveError, LimitError, UsageError

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


Item = TypeVar("Item")


def in_order(
    submit: Callable[[tuple[Item, ...]], Future[Sequence[Result]]], items: Iterable[Item], together: int, ahead: int
) -> Iterator[Result]:
    """What comes of items that are submitted so many `together`, in order; `ahead` units may be under way or wait to be taken."""
    source = iter(items)
    waiting: deque[Future[Sequence[Result]]] = deque()
    try:
        while True:
            while len(waiting) < ahead and (unit := tuple(islice(source, together))):
                waiting.append(submit(unit))
            if not waiting:
                return
            yield from waiting.popleft().result()
    finally:  # whoever stops asking wants nothing that is under way
        for future in waiting:
            future.cancel()


def submitted(executor: Executor, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """A task for an executor.  Raises UsageError where it takes none."""
    try:
        return executor.submit(function, *arguments)
    except Exception as error:
        raise UsageError(f"the executor takes no work: {type(error).__name__}: {error}") from None


def is_final(error: BaseException) -> bool:
    """Whether another try would end the same way."""
    return isinstance(error, DeriveError | BrokenExecutor | CancelledError)


def told_plainly(error: BaseException) -> BaseException:
    """An error as whoever asked for the work is told of it."""
    if isinstance(error, BrokenExecutor):
        return UsageError(f"the executor takes no work any more: {error}")
    if isinstance(error, Stopped):
        why = "it took too long" if error.note == "time-limit" else "its worker died twice"
        return LimitError(f"the work was not done: {why}")
    return error


def persistent(executor: Executor, task_of: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], Future[Any]]:
    """What submits a unit of work, and once more where its worker died; the work is pure, so that no harm is done."""

    def submit(unit: Any) -> Future[Any]:
        outer: Future[Any] = Future()

        def attempt(left: int) -> None:
            def done(inner: Future[Any]) -> None:
                error = None if inner.cancelled() else inner.exception()
                if inner.cancelled():
                    outer.cancel()
                elif error is not None and left and not is_final(error):
                    try:
                        attempt(left - 1)
                    except DeriveError:
                        tell_future(outer, error=error)
                else:
                    tell_future(outer, None if error else inner.result(), error and told_plainly(error))

            submitted(executor, *task_of(unit)).add_done_callback(done)

        attempt(1)
        return outer

    return submit


def tell_future(future: Future[Any], value: Any = None, error: BaseException | None = None) -> None:
    """Give a future its value or its error, unless nobody wants it any more."""
    if not future.set_running_or_notify_cancel():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


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
