"""Settings of any value: the desk starts, or says in one line which setting or file is wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from deskward.app import open_desk
from deskward.cli.ending import in_one_line
from deskward.core.setting_names import fields
from deskward.core.settings import Settings
from deskward.entrypoints.server import listen
from tests.conftest import run_apart, settings_in

VALUES = {
    "empty": "",
    "blank": " ",
    "negative": "-1",
    "zero": "0",
    "huge": "9" * 23,
    "endless": "inf",
    "no number": "nan",
    "a word": "x",
    "letters": "ä☃",
    "long": "x" * 5000,
    "a list": "[]",
    "a truth": "true",
    "a device": "/dev/null",
    "half an address": "http://",
    "words": "a b,c",
}
BOUNDED = ("timeout", "heartbeat", "grace", "per_minute", "steps", "tokens", "count", "size", "_mb")


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for name in fields(Settings):
        monkeypatch.delenv(name.upper(), raising=False)


async def started(name: str, value: str) -> bool:
    """Whether the desk starts with this value; otherwise the reason names the setting or file."""
    try:
        async with open_desk(Settings(), chat=False):
            return True
    except Exception as error:
        problem = error
    assert is_told(problem, name, value), f"{type(problem).__name__}: {problem}"
    return False


def is_told(problem: Exception, name: str, value: str) -> bool:
    """Whether one line says what is wrong, and names the setting, or the file that it names."""
    line = in_one_line(problem)
    if line is None:
        return False
    return name.upper() in line or bool(value.strip() and value[:100] in line)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a desk that has started once: making its tables is not what is tried here."""
    folder = tmp_path_factory.mktemp("begun")

    async def begin() -> None:
        async with open_desk(Settings.alone(data_dir=folder), chat=False):
            pass

    run_apart(begin)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(fields(Settings)))
async def test_any_value_starts_or_is_told(
    name: str, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("empty", "blank", "zero", "huge", "a word", "long", "a device", "words"):
        value = VALUES[kind]
        place = Path(f"at-{len(os.listdir())}")
        shutil.copytree(begun, place / "data")
        with monkeypatch.context() as changed:
            changed.chdir(place)
            changed.setenv(name.upper(), value)
            good = await started(name, value)
        assert good or value, "an empty variable is as if it were not set"


@pytest.mark.parametrize("name", sorted(fields(Settings)))
def test_any_value_is_read_or_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without starting, which is quick."""
    for value in VALUES.values():
        monkeypatch.setenv(name.upper(), value)
        problem = None
        try:
            Settings()
        except Exception as error:
            problem = error
        assert problem is None or is_told(problem, name, value)


@pytest.mark.parametrize("name", [n for n in sorted(fields(Settings)) if n.endswith(BOUNDED)])
@pytest.mark.parametrize("value", ["-1", "9" * 23, "inf", "nan"])
def test_numbers_have_bounds(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name.upper(), value)
    with pytest.raises(ValueError, match=r"less than|greater than|finite|valid integer"):
        Settings()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DATABASE_URL", "mysql://root:hunter2@db/desk", "SQLite or PostgreSQL"),
        ("DATABASE_URL", "postgresql://u:hunter2@x@db/desk", "write @ as %40"),
        ("REDIS_URL", "http://:hunter2@cache", "redis://host:6379/0"),
        ("REDIS_URL", "redis://:hunter2@cache:port", "redis://host:6379/0"),
        ("MCP_SERVER_URL", "localhost:8000/mcp", "http://host"),
        ("AZURE_OPENAI_ENDPOINT", "https://", "https://host"),
        ("SECRET_KEY", "hunter2", "at least 32 characters"),
        ("DEFAULT_TENANT_ID", "x" * 65, "at most 64 characters"),
        ("POLICY_DIR", "no/where", "does not point to a directory"),
        ("SMTP_CA_FILE", "no/where.pem", "does not point to a file"),
    ],
)
def test_what_is_wrong_is_told_without_its_value(
    name: str, value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=r".") as raised:
        Settings()
    line = in_one_line(raised.value)
    assert line is not None
    assert line.startswith(f"{name}: ")
    assert problem in line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("SENDER_NAME=Müller\n".encode("latin-1"), "is not UTF-8 text (at byte 14)"),
        (b"SENDER_NAME=a\0b\n", "holds a NUL character"),
        ("MODEL=offline\n".encode("utf-16"), "is not UTF-8 text (at byte 1)"),
        (b"MODEL=offline\nSERVER PORT 9080\n", "line 2 is not of the form NAME=value"),
        (None, "is a folder"),
    ],
)
@pytest.mark.parametrize("name", [".env", "config/support_agent.yaml"])
def test_a_file_of_settings_that_is_none(name: str, content: bytes | None, problem: str) -> None:
    file = Path(name)
    file.parent.mkdir(exist_ok=True)
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    if name != ".env" and "line 2" in problem:
        problem = "must hold a mapping"
    with pytest.raises(ValueError, match=r".") as raised:
        Settings()
    line = in_one_line(raised.value)
    assert line is not None
    assert line.startswith(name)
    assert problem in line


@pytest.mark.parametrize("host", ["x" * 70, "no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_cannot_be_listened_on(host: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cannot listen on .*\. Set SERVER_HOST or SERVER_PORT"):
        listen(settings_in(tmp_path, server_host=host))
