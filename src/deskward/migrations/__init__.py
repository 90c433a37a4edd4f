"""Alembic migrations of the database, run by the service itself when it starts.

Alembic is imported only where there is something to migrate: it takes a sixth of a start.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import URL

from deskward.core.connections import sqlite_engine
from deskward.core.errors import Unavailable
from deskward.core.opening import opening

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = Path(__file__).parent / "versions"
LOCK = 0x6465736B
"""PostgreSQL advisory lock under which one process at a time migrates."""


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration, bound to an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


async def upgrade(url: URL) -> None:
    """Bring a database to the newest revision; safe when several processes start at once.

    Raises:
        Unavailable: It cannot be opened, or is not ours, or is newer than this program.
    """
    with opening(url):
        if url.get_backend_name() == "sqlite":
            _upgrade_sqlite(url)
        else:
            await _upgrade_postgres(url)


def _upgrade_sqlite(url: URL) -> None:
    engine = sqlite_engine(url)
    # Looked at as any program would: another's file is not turned to write-ahead logging.
    plain = sa.create_engine(url, poolclass=sa.NullPool)
    with plain.connect() as connection:
        if is_current(connection):
            return
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 30000")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _upgrade(connection)
            connection.commit()
    finally:
        engine.dispose()


async def _upgrade_postgres(url: URL) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    from deskward.core.postgres import CONNECT_TIMEOUT

    connect = {"timeout": CONNECT_TIMEOUT}
    engine = create_async_engine(url, hide_parameters=True, connect_args=connect)
    try:
        async with engine.begin() as connection:
            if not await connection.run_sync(is_current):
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
                await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: sa.Connection) -> None:
    if not is_current(connection):  # another process may have done it meanwhile
        from alembic import command

        command.upgrade(configuration(connection), "head")


def is_current(connection: sa.Connection) -> bool:
    """Whether the database is at the newest revision.

    Raises:
        Unavailable: It is another program's, or newer than this one.
    """
    known = sorted(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*.py"))
    name = connection.engine.url.database
    tables = sa.inspect(connection).get_table_names()
    if "alembic_version" not in tables:
        if tables and connection.dialect.name == "sqlite":
            raise Unavailable(
                f"the database file {name} is another program's: it holds "
                " tables that Deskward did not make. Name a file of its own."
            )
        return False
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found not in known:
        raise Unavailable(
            f"the database {name} is of revision {found}, and this Deskward knows those up to "
            f"{known[-1]}: a newer one made it, or another program."
        )
    return bool(found == known[-1])
