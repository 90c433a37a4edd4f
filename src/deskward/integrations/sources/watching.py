"""Watching the folders that are sources: one in which a file changes is read again at once.

The system tells of changes (watchfiles: inotify, FSEvents, ReadDirectoryChangesW). Where it does
not, as on some network drives, and where it has no more watches to give, the source's own schedule
(`every_minutes`) is what has it read.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping

import sqlalchemy as sa

from deskward.core.database import Database, now
from deskward.core.errors import DeskwardError
from deskward.knowledge.documents import sources

LOOKS = 5.0
"""Seconds after which it is looked whether there are other folders by now."""
SETTLES = 500
"""Milliseconds of changes that are taken together: an editor writes a file in several steps."""
AGAIN_AFTER = 60.0
"""Seconds until it is tried again where the system watches nothing."""

log = logging.getLogger(__name__)

Folders = Mapping[tuple[str, str], str]
"""Tenant and id of a source → its folder."""


async def watch_folders(database: Database, wake: Callable[[], None]) -> None:
    """Have the sources be read whose folders change, until it is cancelled.

    Args:
        wake: Has somebody look for sources that are to be read.
    """
    told = False
    while True:
        try:
            await _watched(database, await folders_of(database), wake)
            told = False
        except (OSError, DeskwardError, sa.exc.SQLAlchemyError) as error:
            if not told:
                log.warning("folders of documents are not watched for now: %s", error)
            told = True
            await asyncio.sleep(AGAIN_AFTER)


async def folders_of(database: Database) -> Folders:
    """The folders of all sources that are there."""
    rows = await database.reader.all(
        sa.select(sources.c.tenant_id, sources.c.id, sources.c.location).where(
            sources.c.kind == "folder"
        )
    )
    there = {(row.tenant_id, row.id): row.location for row in rows}
    return await asyncio.to_thread(_existing, there)


def _existing(folders: Folders) -> Folders:
    return {key: folder for key, folder in folders.items() if os.path.isdir(folder)}


async def _watched(database: Database, folders: Folders, wake: Callable[[], None]) -> None:
    """Watch these folders until there are others."""
    if not folders:
        await asyncio.sleep(LOOKS)
        return
    # A native library, which only a desk with such a source needs.
    from watchfiles import awatch

    changes = awatch(
        *sorted(set(folders.values())),
        debounce=SETTLES,
        rust_timeout=int(1_000 * LOOKS),
        yield_on_timeout=True,
        watch_filter=None,
        ignore_permission_denied=True,
    )
    async for changed in changes:
        paths = [path for _, path in changed]
        if found := [key for key, folder in folders.items() if _any_in(folder, paths)]:
            await _want(database, found)
            wake()
        if await folders_of(database) != folders:
            return


def _any_in(folder: str, paths: list[str]) -> bool:
    start = folder.rstrip(os.sep) + os.sep
    return any(path == folder or path.startswith(start) for path in paths)


async def _want(database: Database, keys: list[tuple[str, str]]) -> None:
    async with database.transaction() as transaction:
        for tenant, source_id in keys:
            mine = (sources.c.tenant_id == tenant) & (sources.c.id == source_id)
            await transaction.execute(sa.update(sources).where(mine).values(wanted_at=now()))
