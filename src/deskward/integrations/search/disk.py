"""The disk below the embedded engine: what is damaged there, and who may write."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

_DAMAGE = re.compile(
    r"^(?:Data corrupted|Failed to open (?:the directory|file for read)|Index incompatible"
    r"|Schema error|An index exists but the schema does not match)"
    r"|(?i:footer|checksum|deserializ|corrupt)"
)
"""What the engine's errors say that are about what it reads; a full disk is none of them."""


class Damaged(Exception):
    """What is on the disk cannot be read; the message says why."""


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """Have what the engine says of a damaged file raised as `Damaged`, and nothing else.

    Raises:
        Damaged: A file is not what the engine wrote.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise Damaged(str(error)) from error
    except ValueError as error:
        told = str(error)
        cut_off = told.startswith("An IO error") and ("EOF" in told or "end of file" in told)
        if not cut_off and _DAMAGE.search(told) is None:
            raise
        raise Damaged(str(error)) from error
    except BaseException as error:
        # The engine's assertions; the class is made anew in each extension module.
        if type(error).__name__ != "PanicException":
            raise
        raise Damaged(f"the engine gave up: {error}") from error


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process holds a file, and hold it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
