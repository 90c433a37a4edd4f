"""Files and folders for their owner alone."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from pathlib import Path

FILE, FOLDER = 0o600, 0o700
BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite puts beside a database, by the end of its name."""

log = logging.getLogger(__name__)


def private_folder(path: Path) -> None:
    """Make a folder for its owner alone, where there is none.

    Raises:
        OSError: It cannot be made.
    """
    if not path.is_dir():
        path.mkdir(mode=FOLDER, parents=True, exist_ok=True)


def close_folder(path: Path) -> None:
    """Close a folder of the desk's own to others.

    The folder that the process works in, one above it, a home, one of somebody else or one that
    all may write to is others' as well: that it is open is only said.
    """
    whole = path.resolve()
    here = (Path.cwd(), Path(os.path.expanduser("~")).resolve())
    found = whole.stat()
    shared = found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX
    if not shared and not any(place == whole or whole in place.parents for place in here):
        tighten(path, FOLDER)
    elif found.st_mode & 0o077:
        log.warning("others can look into %s, in which the desk keeps its files", path)


def private_file(path: Path) -> None:
    """Make an empty file for its owner alone, where there is none and one can be made."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))


def close_database(path: Path) -> None:
    """Close a SQLite database and its folder to others."""
    if path.is_file():
        for end in BESIDE:
            tighten(path.with_name(path.name + end), FILE)
        close_folder(path.parent)


def tighten(path: Path, mode: int) -> None:
    """Take from others what they may do with a file or a folder, and say so; not its owner."""
    with contextlib.suppress(FileNotFoundError):
        before = stat.S_IMODE(path.stat().st_mode)
        if not before & 0o077:
            return
        try:
            path.chmod(before & mode)
        except OSError:
            log.warning("%s can be read by others (mode %o), and not changed", path, before)
        else:
            log.warning("%s could be read by others: its mode was %o, and is %o", path, before,
                        before & mode)  # fmt: skip
