"""A folder of this machine. No symbolic link in it is followed, so that nothing outside is read."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.formats.reading import format_of
from deskward.knowledge.origins import Fetched, Item, Listing, Source, Unreachable

SKIPPED = frozenset(
    {".git", ".svn", ".hg", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".cache"}
)
"""Folders that hold no documents."""
MOST = 1_000_000
"""Files that are looked at."""


class Folder:
    """A folder that is open for one sync."""

    def __init__(self, root: Path, source: Source, most: int) -> None:
        """Make one.

        Args:
            most: Bytes of a document that are read at the most.
        """
        self._root = root
        self._source = source
        self._most = most

    async def items(self, mark: str | None) -> Listing:
        """What the folder has now.

        Raises:
            Unreachable: It is not there, or cannot be read.
        """
        return Listing(await asyncio.to_thread(lambda: list(self._walk())))

    async def fetch(self, item: Item, known: str) -> Fetched:
        """A file's bytes.

        Raises:
            Broken: It cannot be read.
            Unreachable: It has gone since.
        """
        return Fetched(await asyncio.to_thread(read_beneath, self._root, item.path, self._most))

    def _walk(self) -> Iterator[Item]:
        try:
            top = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise Unreachable(f"{self._root} cannot be read: {error.strerror}") from None
        try:
            for folder, names, files, handle in os.fwalk(".", dir_fd=top):
                names[:] = sorted(name for name in names if name not in SKIPPED)
                for name in sorted([*files, *names]):
                    path = os.path.normpath(os.path.join(folder, name))
                    item = self._item(path, name, handle)
                    if item is not None:
                        yield item
        finally:
            os.close(top)

    def _item(self, path: str, name: str, handle: int) -> Item | None:
        """A file as a document; None where it is none that this source has."""
        shown = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if not self._source.settings.takes(shown):
            return None
        try:
            found = os.stat(name, dir_fd=handle, follow_symlinks=False)
        except OSError as error:
            return Item(shown, "", problem=f"it cannot be read: {error.strerror}")
        if stat.S_ISLNK(found.st_mode):
            return self._link(path, shown)
        if stat.S_ISDIR(found.st_mode) or format_of(name) is None:
            return None
        stamp = f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
        problem = "" if stat.S_ISREG(found.st_mode) else "it is no regular file"
        if shown != path:
            problem = "its name is not valid UTF-8"
        address = (self._root / path).as_uri() if shown == path else ""
        return Item(shown, stamp, found.st_size, address, problem=problem)

    def _link(self, path: str, shown: str) -> Item | None:
        """A symbolic link: one within the folder is read where it leads to, others are reported."""
        target = Path(os.path.realpath(self._root / path))
        if target.is_relative_to(os.path.realpath(self._root)):
            return None
        if format_of(path) is None and not target.is_dir():
            return None
        problem = "it is a symbolic link out of the folder, which is not followed"
        return Item(shown, f"link-{target}"[:200], problem=problem)


def read_beneath(root: Path, path: str, most: int) -> bytes:
    """The bytes of a file beneath a folder: no part of its path may be a symbolic link.

    Raises:
        Broken: It is too large, a link, or no regular file.
        Unreachable: It is not there any more, or cannot be read.
    """
    *folders, name = path.split("/")
    opened: list[int] = []
    try:
        opened.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY))
        for folder in folders:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            opened.append(os.open(folder, flags, dir_fd=opened[-1]))
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
        opened.append(os.open(name, flags, dir_fd=opened[-1]))
        if not stat.S_ISREG(os.fstat(opened[-1]).st_mode):
            raise Broken("it is no regular file")
        parts, size = [], 0
        while part := os.read(opened[-1], 1 << 20):
            parts.append(part)
            size += len(part)
            if size > most:
                raise Broken(f"it grew over {most / 1_000_000:,.0f} MB while it was read")
        return b"".join(parts)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Broken("it is a symbolic link, or behind one, and none is followed") from None
        raise Unreachable(f"it cannot be read: {error.strerror}") from None
    finally:
        for one in reversed(opened):
            os.close(one)


@contextlib.asynccontextmanager
async def open_folder(source: Source, most: int) -> AsyncIterator[Folder]:
    """Open a folder for one sync.

    Raises:
        Unreachable: It is not there.
    """
    root = Path(source.location)
    if not root.is_absolute() or not await asyncio.to_thread(root.is_dir):
        raise Unreachable(f"There is no folder {root}.")
    yield Folder(root, source, most)
