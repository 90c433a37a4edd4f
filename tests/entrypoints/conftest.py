"""HTTP clients of a desk in this process, and the command line."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from deskward.app import Desk
from deskward.entrypoints.cli import app
from deskward.entrypoints.rest import http_application

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A data folder with the demo desk."""
    shutil.copy(template, tmp_path / "deskward.db")
    return tmp_path


@pytest.fixture
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """`cli("tools", "--json")` → exit code, standard output, standard error."""
    for name in list(os.environ):
        if name in ("MODEL", "DATABASE_URL") or name.endswith("_API_KEY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(folder))
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.chdir(folder)

    def run(*words: str) -> tuple[int, str, str]:
        code = 0
        try:
            app(list(words), exit_on_error=False, print_error=False, result_action="return_value")
        except SystemExit as end:
            if isinstance(end.code, str):
                sys.stderr.write(end.code)
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
async def client(sqlite_desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the whole HTTP application, as it is served, on SQLite."""
    async with client_of(sqlite_desk) as opened:
        yield opened


def client_of(desk: Desk) -> httpx2.AsyncClient:
    """A client of a desk's HTTP application."""
    transport = httpx2.ASGITransport(http_application(desk), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:9080")
