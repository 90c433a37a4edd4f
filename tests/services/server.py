"""A desk as its users run it: `deskward serve --demo` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from deskward.app import keys_of
from deskward.core.database import Database
from deskward.security.principals import Kind
from deskward.shipped import roles_of
from tests.demo_file import lay_demo, settings_in
from tests.services.programs import free_port

START_TIMEOUT = 60.0
"""Seconds that the server may take to answer; much longer than it does."""
PASSED_ON = ("COVERAGE_", "PYTHONPATH")
"""Which environment variables the server has of ours."""
PLACES = frozenset({"DATABASE_URL", "DATABASE_PATH", "DEFAULT_TENANT_ID"})
"""With these, its demo data is not in the usual place."""


@asynccontextmanager
async def server(
    folder: Path,
    *arguments: str,
    log: Path | None = None,
    level: str = "WARNING",
    fresh: bool = False,
    **settings: str,
) -> AsyncIterator[tuple[str, int]]:
    """Run a server on a free port; yields its address and its process id.

    Args:
        folder: Its DATA_DIR, which outlives it.
        arguments: Its command line; `serve --demo` by default.
        log: Where its output goes; a file in the folder by default.
        level: Its LOG_LEVEL.
        fresh: Whether all is as at a user's first start: the server makes its database, loads the
            demo data and makes vectors of its articles, which costs more than its start. Else it
            begins with a copy of the database, and searches by words.
        settings: More environment variables.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = log or folder / "server.log"
    if not fresh and not arguments and settings.keys().isdisjoint(PLACES):
        lay_demo(folder)
    port = int(settings.get("SERVER_PORT") or free_port())
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(folder),
        "DOMAINS": "bank,shop",
        "SERVER_PORT": str(port),
        "MCP_SERVER_PORT": str(port),
        "LOG_LEVEL": level,
        **({} if fresh else {"EMBEDDINGS": "off"}),
        **{name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)},
        **settings,
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deskward", *(arguments or ("serve", "--demo"))],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await _until_ready(url, process, log)
        yield url, process.pid
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, START_TIMEOUT)


async def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    async with asyncio.timeout(START_TIMEOUT), httpx2.AsyncClient() as client:
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended: {log.read_text(encoding='utf-8')}")
            try:
                await client.get(f"{url}/health")
                return
            except httpx2.HTTPError:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def keyed_server(folder: Path, kind: str, subject: str) -> AsyncIterator[tuple[str, str]]:
    """Run a server with one API key; yields its address and the key."""
    async with server(folder) as (url, _pid):
        yield url, await new_key(folder, kind, subject)


async def new_key(folder: Path, kind: str, subject: str, *roles: str, **settings: str) -> str:
    """Make an API key beside the server that runs in a folder; staff are hired with it."""
    known = settings_in(folder, **{name.lower(): value for name, value in settings.items()})
    database = Database(known.database_location)
    try:
        keys = keys_of(known, database, roles_of(known))
        key, _ = await keys.create(
            tenant_id="default", kind=Kind(kind), subject_id=subject, roles=roles
        )
    finally:
        await database.close()
    return key
