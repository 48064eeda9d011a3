"""A folder of files, written whole or not at all.

Owns `write_folder`.  Imports: errors.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from derive.errors import UsageError, shown

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


Content = str | bytes
"""What stands in a file; text is UTF-8."""


def write_folder(folder: str, files: Mapping[str, Content | Callable[[], Content]], force: bool = False) -> None:
    """Write all files or none: they are made in a folder beside it, or in a hidden one inside it where it exists, and then moved.

    A file may be given by what makes it, which is called when its turn comes, so that large ones are not all held at once.  With
    `force`, files of the same name are replaced and others stay.  Raises UsageError where that cannot be done, ValueError for a
    name that is not a plain one.
    """
    for name in files:
        if not SAFE_NAME.fullmatch(name):
            raise ValueError(f"'{name}' is no plain file name")
    check_folder(folder, force)
    path = Path(folder)
    there = path.is_dir()
    made: Path | None = None
    try:
        made = Path(tempfile.mkdtemp(prefix=".derive-", suffix=".partial", dir=path if there else path.absolute().parent))
        for name, content in files.items():
            whole = content() if callable(content) else content
            (made / name).write_bytes(whole.encode() if isinstance(whole, str) else whole)
        if there:
            _move(made, path, list(files))
        else:
            made.chmod(0o777 & ~_umask())
            made.rename(path)
    except OSError as error:
        raise UsageError(f"-o {shown(folder)}: {error.strerror}") from None
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


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
