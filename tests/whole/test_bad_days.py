"""What keeps the server from starting is one line that names the setting or the file."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.services.programs import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("server"), pytest.mark.timeout(120)]

Settings = dict[str, str]


def serve(folder: Path, settings: Settings) -> subprocess.CompletedProcess[str]:
    """Start the server, which is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "deskward", "serve"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(folder),
            "SERVER_PORT": "0",
            "LOG_TO_FILE": "false",
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
            **settings,
        },
    )


def folder_as_database(folder: Path) -> Settings:
    (folder / "deskward.db").mkdir()
    return {}


def text_as_database(folder: Path) -> Settings:
    (folder / "deskward.db").write_text("no database " * 100, encoding="utf-8")
    return {}


def cut_off_database(folder: Path) -> Settings:
    """The demo desk, of which the second half is lost."""
    content = (folder / "demo.db").read_bytes()
    (folder / "deskward.db").write_bytes(content[: len(content) // 2])
    return {}


def server_away(_folder: Path) -> Settings:
    return {"DATABASE_URL": f"postgresql://me:hunter2@127.0.0.1:{free_port()}/desk"}


def empty_key(folder: Path) -> Settings:
    (folder / "secret.key").touch(mode=0o600)
    return {}


def log_nowhere(folder: Path) -> Settings:
    (folder / "logs").touch()
    return {"LOG_TO_FILE": "true"}


def open_to_all(_folder: Path) -> Settings:
    return {"SERVER_HOST": "0.0.0.0"}


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (folder_as_database, "deskward.db cannot be opened: it is a folder"),
        (text_as_database, "deskward.db cannot be opened: it is no SQLite database"),
        (cut_off_database, "damaged"),
        (server_away, "DATABASE_URL"),
    ],
)
def test_a_database_that_cannot_be_used(
    tmp_path: Path, template: Path, spoil: Callable[[Path], Settings], named: str, workers: str
) -> None:
    shutil.copy(template, tmp_path / "demo.db")
    one_line(serve(tmp_path, {**spoil(tmp_path), "SERVER_WORKERS": workers}), named)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (empty_key, "secret.key is no secret key any more"),
        (log_nowhere, "LOG_FILE_PATH"),
        (open_to_all, "deskward keys create"),
    ],
)
def test_a_setting_that_cannot_be(
    tmp_path: Path, spoil: Callable[[Path], Settings], named: str
) -> None:
    one_line(serve(tmp_path, spoil(tmp_path)), named)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_in_use(tmp_path: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = serve(tmp_path, {"SERVER_PORT": port, "SERVER_WORKERS": workers})
    one_line(ended, f"cannot listen on 127.0.0.1:{port}: Address already in use. Set SERVER_")


def one_line(ended: subprocess.CompletedProcess[str], named: str) -> None:
    """See that a server that did not start said why, once."""
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("deskward: ")
    assert named in line
    assert "hunter2" not in line
