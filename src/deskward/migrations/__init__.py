"""Alembic migrations of the database, run by the service itself when it starts."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

from deskward.core.connections import sqlite_engine

LOCK = 0x6465736B
"""PostgreSQL advisory lock under which one process at a time migrates."""


def configuration(connection: sa.Connection) -> Config:
    """Alembic's configuration, bound to an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


async def upgrade(url: URL) -> None:
    """Bring a database to the newest revision; safe when several processes start at once."""
    if url.get_backend_name() == "sqlite":
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sqlite_engine(url)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 30000")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _upgrade(connection)
            connection.commit()
        engine.dispose()
        return
    remote = create_async_engine(url)
    async with remote.begin() as connection:
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        await connection.run_sync(_upgrade)
    await remote.dispose()


def _upgrade(connection: sa.Connection) -> None:
    command.upgrade(configuration(connection), "head")
