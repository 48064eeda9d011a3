"""A file beside an output that keeps what is done of it, so that an interrupted run goes on from there.

Owns `Ledger`.  The first line says what the records belong to; each other line is one record, written when it is there.  May
import: errors.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from derive.errors import UsageError, shown


class Ledger:
    """The records of one run, in order; `done` of them were there when it was opened, for the same `mark`.

    `other` says that records of something else were there, which are gone.  Raises UsageError where the file cannot be written, or
    another run writes it now.
    """

    def __init__(self, output: str, mark: str) -> None:
        path = Path(output).resolve()
        if path.is_dir() or not path.parent.is_dir():
            raise UsageError(f"-o {shown(output)}: {'is a folder' if path.is_dir() else 'there is no such folder'}")
        self.output, self.path = output, path.with_name(f"{path.name}.part")
        self.done, self.other = 0, False
        try:
            number = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise self.fault(error) from None
        self.stream: BinaryIO = os.fdopen(number, "r+b")
        try:
            self._lock()
            self._open(mark)
        except OSError as error:
            self.stream.close()
            raise self.fault(error) from None
        except BaseException:
            self.stream.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *error: object) -> None:
        """Leave the file, if it is still there, for the next run."""
        with suppress(OSError):  # what was not written was told already
            self.stream.close()

    def fault(self, error: OSError) -> UsageError:
        """What an error of the system means here."""
        return UsageError(f"-o {shown(self.output)}: {self.path.name}: {error.strerror}")

    def _lock(self) -> None:
        try:
            import fcntl
        except ImportError:  # another system, another way to lock; none is needed for one run
            return
        try:
            fcntl.flock(self.stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"-o {shown(self.output)}: another run is writing {self.path.name}") from None
        except OSError:  # a file system without locks
            return

    def _open(self, mark: str) -> None:
        head = json.dumps(mark).encode() + b"\n"
        first = self.stream.readline(len(head) + 1)
        if first == head:
            end = len(head)
            for line in self.stream:
                if not line.endswith(b"\n"):  # it was being written when the run ended
                    break
                end += len(line)
                self.done += 1
            self.stream.seek(end)
            self.stream.truncate()
        else:
            self.other = bool(first)
            self.stream.seek(0)
            self.stream.truncate()
            self.stream.write(head)
            self.stream.flush()

    def add(self, record: Any) -> None:
        """One more record.  Raises UsageError where it cannot be written."""
        try:
            self.stream.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            self.stream.flush()
        except OSError as error:
            raise self.fault(error) from None

    def records(self) -> Iterator[Any]:
        """Every record from the first on; nothing may be added meanwhile."""
        self.stream.seek(0)
        self.stream.readline()
        for line in self.stream:
            yield json.loads(line)

    def remove(self) -> None:
        """Everything is where it belongs: nothing needs to be kept."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
