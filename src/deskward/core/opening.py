"""Where the database is, and what is said in one line when it cannot be opened."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from deskward.core.errors import Unavailable

FORMS = "write `postgresql://user:password@host/name` or `sqlite:///path/of/a/file.db`"
ENCODED = "in a name or a password, write @ as %40, / as %2F and : as %3A"
HOST = re.compile(r"[^\s@,/]+")

_SQLITE_PROBLEMS = {
    "file is not a database": "it is no SQLite database",
    "database disk image is malformed": "it is damaged; go back to a copy of it",
    "malformed database schema": "it is damaged; go back to a copy of it",
    "attempt to write a readonly database": "it may only be read, by this user or on this disk",
    "unable to open database file": "this user may not open it, or its folder may not be written",
    "database or disk is full": "the disk is full",
    "database is locked": "another program holds it locked",
}
"""What SQLite says → what it means to an operator."""


def database_url(text: str) -> URL:
    """The URL of a database, with the driver that Deskward uses for it.

    Raises:
        ValueError: It is no such URL. The message does not repeat it, because it may hold a
            password.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise ValueError(f"it is no database's URL: {FORMS}; {ENCODED}") from None
    backend = url.drivername.partition("+")[0].lower()
    if backend == "sqlite":
        _check_sqlite(url)
        return url.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        _check_postgres(url)
        return _with_ssl(url.set(drivername="postgresql+asyncpg"))
    raise ValueError(f"it must be of SQLite or PostgreSQL, not {backend!r}: {FORMS}")


def _check_sqlite(url: URL) -> None:
    if url.host is not None:
        raise ValueError("a file stands after three slashes, `sqlite:///data/desk.db`")
    memory = url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"
    if memory or "\0" in str(url.database):
        raise ValueError("it must name a file: `sqlite:///data/desk.db`")
    if url.query:  # the desk opens it in one way only, and would pass over them
        raise ValueError("a file takes no parameters: leave out `?` and what follows")


def _check_postgres(url: URL) -> None:
    if url.host is not None and not HOST.fullmatch(url.host):
        raise ValueError(f"its host is not one name or address; {ENCODED}")
    if url.port is not None and not 0 < url.port < 65536:
        raise ValueError(f"there is no port {url.port}")


def _with_ssl(url: URL) -> URL:
    """The URL with `sslmode`, as other programs write it, under the driver's own name."""
    if (mode := url.query.get("sslmode")) is None:
        return url
    return url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})


@contextlib.contextmanager
def opening(url: URL) -> Iterator[None]:
    """What fails in the block, in which a database is opened, is told as one line.

    Raises:
        Unavailable: It names the file, or the server and the setting, and says what is wrong.
    """
    try:
        yield
    except DBAPIError as error:
        _refuse(url, str(error.orig), error)
    except (OSError, TypeError) as error:  # no such folder, no such server, no such option
        timeout = "it does not answer" if isinstance(error, TimeoutError) else ""
        reason = error.strerror if isinstance(error, OSError) else None
        _refuse(url, reason or str(error) or timeout, error)
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "asyncpg":
            raise
        _refuse(url, str(error), error)  # of the server: no such database, a wrong password


def _refuse(url: URL, reason: str, error: Exception) -> NoReturn:
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        if path.is_dir():
            reason = "it is a folder"
        reason = next((said for text, said in _SQLITE_PROBLEMS.items() if text in reason), reason)
        raise Unavailable(f"the database file {path} cannot be opened: {reason}.") from error
    raise Unavailable(
        f"the PostgreSQL database that DATABASE_URL names, {where(url)}, cannot be opened: "
        f"{' '.join(reason.split()).rstrip('.')}."
    ) from error


def where(url: URL) -> str:
    """A server's database for people, without who signs in."""
    port = f":{url.port}" if url.port else ""
    return f"{url.database or ''} at {url.host or 'localhost'}{port}".strip()
