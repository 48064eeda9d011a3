"""A folder of files, written whole or not at all.

Owns `write_folder` and `GrowingFolder`.  Imports: errors, ledgers.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from derive.errors import UsageError, shown
from derive.ledgers import Ledger

SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
"""What a file of ours may be called: nothing that leaves the folder, hides, or starts like an option."""


def check_folder(folder: str, force: bool) -> None:
    """Whether files may be written into a folder.  Raises UsageError where it holds something and `force` is not given."""
    path = Path(folder)
    try:
        if path.exists() and not path.is_dir():
            raise UsageError(f"-o {shown(folder)}: is a file; name a folder")
        if path.is_dir() and any(path.iterdir()) and not force:
            raise UsageError(f"-o {shown(folder)}: the folder is not empty; add --force to write into it all the same")
    except OSError as error:
        raise UsageError(f"-o {shown(folder)}: {error.strerror}") from None


LEDGER = "papers.part"
"""The name of the ledger in a folder that grows."""

Content = str | bytes
"""What stands in a file; text is UTF-8."""


def write_folder(folder: str, files: Mapping[str, Content] | Iterable[tuple[str, Content]], force: bool = False) -> None:
    """Write all files or none: they are made in a folder beside it, or in a hidden one inside it where it exists, and then moved.

    Files may come one by one, so that not all are held at once.  With `force`, files of the same name are replaced and others stay.
    Raises UsageError where that cannot be done, ValueError for a name that is not a plain one.
    """
    check_folder(folder, force)
    path = Path(folder)
    there = path.is_dir()
    made: Path | None = None
    try:
        made = Path(tempfile.mkdtemp(prefix=".derive-", suffix=".partial", dir=path if there else path.absolute().parent))
        names = [_put(made, name, content) for name, content in (files.items() if isinstance(files, Mapping) else files)]
        if there:
            _move(made, path, names)
        else:
            made.chmod(0o777 & ~_umask())
            made.rename(path)
    except OSError as error:
        raise UsageError(f"-o {shown(folder)}: {error.strerror}") from None
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


def _put(place: Path, name: str, content: Content) -> str:
    if not SAFE_NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no plain file name")
    (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


class GrowingFolder:
    """A folder that is written beside its place, file by file, and can be gone on with when it was interrupted.

    Its ledger has a record for each step that is `done`; what a step writes is there before its record.  Raises UsageError where
    something else is in the way.
    """

    def __init__(self, folder: str, mark: str, force: bool) -> None:
        check_folder(folder, force)
        self.folder, self.path = folder, Path(folder).absolute()
        self.place = self.path.with_name(f"{self.path.name}.part")
        try:
            if self.place.exists() and any(self.place.iterdir()) and not (self.place / LEDGER).is_file():
                raise UsageError(f"-o {shown(folder)}: {self.place.name} is in the way, and nothing of ours")
            self.place.mkdir(exist_ok=True)
        except OSError as error:
            raise self.fault(error) from None
        self.ledger = Ledger(str(self.place / LEDGER.removesuffix(".part")), mark)
        if self.ledger.other:
            for left in self.place.iterdir():
                if left.name != LEDGER and left.is_file():
                    left.unlink()

    def fault(self, error: OSError) -> UsageError:
        """What an error of the system means here."""
        return UsageError(f"-o {shown(self.folder)}: {error.strerror}")

    def __enter__(self) -> GrowingFolder:
        return self

    def __exit__(self, *error: object) -> None:
        self.ledger.__exit__(*error)

    @property
    def done(self) -> int:
        """How many steps are done."""
        return self.ledger.done

    def add(self, files: Mapping[str, Content], record: object) -> None:
        """One more step.  Raises UsageError where it cannot be written."""
        try:
            for name, content in files.items():
                _put(self.place, name, content)
        except OSError as error:
            raise self.fault(error) from None
        self.ledger.add(record)

    def finish(self, files: Mapping[str, Content]) -> None:
        """Write the last files and put the folder in its place.  Raises UsageError where that cannot be done."""
        try:
            for name, content in files.items():
                _put(self.place, name, content)
            self.ledger.remove()
            if self.path.is_dir():
                _move(self.place, self.path, [made.name for made in self.place.iterdir()])
                self.place.rmdir()
            else:
                self.place.rename(self.path)
        except OSError as error:
            raise self.fault(error) from None


def _move(made: Path, path: Path, names: list[str]) -> None:
    for name in names:  # a folder in the way is found before anything is moved
        if (path / name).is_dir() and not (path / name).is_symlink():
            raise UsageError(f"-o {path}: '{name}' is a folder there")
    for name in names:
        (made / name).replace(path / name)


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask
