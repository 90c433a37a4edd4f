"""A database that cannot be opened: one line that says which one and why."""

import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from deskward.core.errors import Unavailable
from deskward.core.opening import database_url
from deskward.migrations import upgrade
from tests.services.programs import free_port


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" ", "no database's URL"),
        ("desk.db", "no database's URL"),
        ("/data/desk.db", "no database's URL"),
        ("postgresql:", "no database's URL"),
        ("postgresql://h:abc/n", "no database's URL"),
        ("sqlite:/desk.db", "no database's URL"),
        ("mysql://h/n", "SQLite or PostgreSQL, not 'mysql'"),
        ("https://h/n", "SQLite or PostgreSQL, not 'https'"),
        ("sqlite://", "must name a file"),
        ("sqlite:///", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///file:desk?mode=memory&uri=true", "must name a file"),
        ("sqlite:///desk\0.db", "must name a file"),
        ("sqlite:///desk.db?mode=ro", "takes no parameters"),
        ("sqlite://desk.db", "three slashes"),
        ("postgresql://u:p@ss@h/n", "write @ as %40"),
        ("postgresql://h n/n", "not one name or address"),
        ("postgresql://h1,h2/n", "not one name or address"),
        ("postgresql://h:0/n", "no port 0"),
        ("postgresql://h:99999/n", "no port 99999"),
        ("postgresql://h:-1/n", "no port -1"),
    ],
)
def test_an_odd_url_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as raised:
        database_url(text)
    assert "p@ss" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "database", "host"),
    [
        ("sqlite:///data/desk.db", "data/desk.db", None),
        (" SQLite+aiosqlite:////data/desk.db\n", "/data/desk.db", None),
        ("postgresql://u:p%40%2F%3A@h:5433/n", "n", "h"),
        ("postgres://u:p#w@[::1]/n", "n", "::1"),
        ("postgresql:///n", "n", None),
    ],
)
def test_a_usual_url_is_taken(text: str, database: str, host: str | None) -> None:
    url = database_url(text)
    assert (url.database, url.host) == (database, host)
    assert url.drivername in ("sqlite", "postgresql+asyncpg")


def test_a_password_is_decoded() -> None:
    assert database_url("postgresql://u:p%40%2F%3A@h:5433/n").password == "p@/:"


def test_sslmode_is_understood() -> None:
    assert database_url("postgresql://h/n?sslmode=require").query == {"ssl": "require"}


def foreign(path: Path) -> None:
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE bookmarks (url TEXT)")
    file.close()


def newer(path: Path) -> None:
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE alembic_version (version_num TEXT)")
    file.execute("INSERT INTO alembic_version VALUES ('9999')")
    file.commit()
    file.close()


def damaged(path: Path) -> None:
    newer(path)
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (
            lambda path: path.write_text("dear diary " * 200, encoding="utf-8"),
            "it is no SQLite database",
        ),
        (foreign, "another program's"),
        (newer, "of revision 9999, and this Deskward knows those up to 0"),
        (damaged, "it is damaged"),
    ],
)
async def test_a_wrong_file_is_named_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object], problem: str
) -> None:
    path = tmp_path / "desk.db"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(Unavailable, match=problem) as raised:
        await upgrade(make_url(f"sqlite:///{path}"))
    assert "\n" not in raised.value.message
    assert str(path) in raised.value.message
    assert (path.read_bytes() if path.is_file() else b"") == before


async def test_a_file_that_may_only_be_read(tmp_path: Path) -> None:
    (tmp_path / "desk.db").touch()
    url = make_url(f"sqlite:///file:{tmp_path}/desk.db?mode=ro&uri=true")
    with pytest.raises(Unavailable, match="may only be read"):
        await upgrade(url)
    assert [file.name for file in tmp_path.iterdir()] == ["desk.db"]


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"file/x/desk\.db cannot be opened: Not a directory"):
        await upgrade(make_url(f"sqlite:///{tmp_path}/file/x/desk.db"))


async def test_a_server_that_is_away() -> None:
    url = database_url(f"postgresql://me:secret@127.0.0.1:{free_port()}/desk")
    with pytest.raises(Unavailable, match=r"DATABASE_URL names, desk at 127.0.0.1:\d+") as raised:
        await upgrade(url)
    assert "secret" not in raised.value.message


async def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deskward.core.postgres.CONNECT_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = database_url(f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/n")
        with pytest.raises(Unavailable, match="it does not answer"):
            await upgrade(url)


async def test_an_option_that_there_is_not() -> None:
    with pytest.raises(Unavailable, match="unexpected keyword argument 'colour'"):
        await upgrade(database_url("postgresql://127.0.0.1/n?colour=red"))


@pytest.mark.xdist_group("postgresql")
async def test_a_database_that_there_is_not(postgres_url: str) -> None:
    url = database_url(f"{postgres_url.rpartition('/')[0]}/nowhere")
    with pytest.raises(Unavailable, match='database "nowhere" does not exist'):
        await upgrade(url)
