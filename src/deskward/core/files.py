"""Files that a person names as a target."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

STREAMS = ("/dev/std", "/dev/fd/", "/proc/")
"""Where the names of streams begin that are open already."""


@contextlib.contextmanager
def write_whole(path: Path, mode: int = 0o666) -> Iterator[TextIO]:
    """Open a file to be written: whole in the end, or as it was before.

    A regular file is written beside and takes the old one's place when the block ends well. A
    symbolic link stays one: its target is replaced. A device, a pipe or an open stream is written
    to as it is, and never replaced.

    Args:
        mode: Of a file that there was not, before the process's mask; an old one keeps its own.

    Raises:
        OSError: It cannot be written; the message says which file, and why.
    """
    try:
        with _in_place(path) if _takes_no_other_place(path) else _beside(path, mode) as file:
            yield file
    except OSError as error:
        if error.strerror is None:
            raise
        raise OSError(f"cannot write {path}: {error.strerror}") from error


def _takes_no_other_place(path: Path) -> bool:
    """Whether a path is no regular file, and none that is about to be made."""
    if str(path.absolute()).startswith(STREAMS):
        return True
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _in_place(path: Path) -> Iterator[TextIO]:
    # Appending, so that what a redirected stream holds already is not written over.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY)
    with open(descriptor, "w", encoding="utf-8") as file:
        yield file


@contextlib.contextmanager
def _beside(path: Path, mode: int) -> Iterator[TextIO]:
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            _keep_owner_and_mode(target, descriptor)
            yield file
            file.flush()
            os.fsync(descriptor)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _keep_owner_and_mode(target: Path, descriptor: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        old = target.stat()
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
