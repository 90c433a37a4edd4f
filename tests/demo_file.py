"""The database file of a demo desk, made once in a process of tests and copied for each desk."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from deskward.app import open_desk
from deskward.core.settings import Settings
from deskward.features import domains

NAME = "deskward.db"


def settings_in(folder: Path, **changes: Any) -> Settings:
    """Settings that look at no environment variable of the machine; with every domain on."""
    usual = {"domains": ",".join(domains()), "embeddings": "off"}
    return Settings.alone(data_dir=folder, **{**usual, **changes})


def run_apart(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine in a loop of its own, though the test has one that is running."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(work())).result()


@cache
def demo_file() -> Path:
    """A SQLite file with the demo data, as before the first start of a desk on it."""
    folder = Path(tempfile.mkdtemp(prefix="deskward-demo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    async def make() -> None:
        async with open_desk(settings_in(folder), demo=True, chat=False):
            pass

    run_apart(make)
    file = sqlite3.connect(folder / NAME, isolation_level=None)
    file.execute("DELETE FROM desk_secret")  # tests have their own keys
    file.close()
    return folder / NAME


def lay_demo(folder: Path) -> None:
    """Put the file into a desk's folder, if there is none yet."""
    if not (folder / NAME).exists():
        shutil.copy(demo_file(), folder / NAME)
