"""A desk for every test: the demo data, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest

from deskward.agent.model import Model
from deskward.agent.offline.model import OfflineModel
from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.gate.ledger.chain import rows_of
from deskward.gate.outcome import Outcome
from deskward.security import members
from deskward.security.principals import Kind, Principal
from tests.compiled import share_compiled
from tests.demo_file import demo_file, run_apart, settings_in
from tests.everything import shipped_skills
from tests.kept_models import keep_models
from tests.services.postgres import postgres
from tests.trusting import share_trust
from tests.unflushed import leave_unflushed

__all__ = ["run_apart", "settings_in"]

pytest_plugins = ["tests.garbage", "tests.tiers", "tests.groups", "tests.forking"]

share_compiled()
share_trust()
leave_unflushed()


async def recorded(desk: Desk, tenant: str = "default") -> list[dict[str, Any]]:
    """The ledger's rows of a tenant, opened."""
    rows = await rows_of(desk.database.reader, tenant, limit=10_000)
    return await desk.gate.ledger.read(desk.database.reader, tenant, rows)


CUSTOMER = Principal(Kind.CUSTOMER, "user_001", "default", ("customer",))
OTHER = Principal(Kind.CUSTOMER, "user_002", "default", ("customer",))
FOREIGN = Principal(Kind.CUSTOMER, "user_001", "acme", ("customer",))
STAFF = Principal(Kind.STAFF, "anna", "default", ("support",))
AUDITOR = Principal(Kind.STAFF, "otto", "default", ("auditor",))
SERVICE = Principal(Kind.SERVICE, "website", "default", ("service",))

_numbers = itertools.count()

# CI tries the same examples every time; laptops look for new ones.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("laptop", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "laptop")


@pytest.fixture(scope="session")
def offline() -> OfflineModel:
    """The offline model; it learns once for all tests."""
    return OfflineModel(shipped_skills())


@pytest.fixture(scope="session")
def template() -> Path:
    """A SQLite file with the demo data, to be copied."""
    return demo_file()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server with a database `template_desk` that holds the demo data."""
    with postgres() as url:
        run_apart(lambda: _make_postgres_template(url))
        yield url


async def _make_postgres_template(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE DATABASE template_desk")
    await connection.close()
    settings = settings_in(
        Path("unused"), database_url=_named(url, "template_desk"), secret_key="k" * 32
    )
    async with open_desk(settings, demo=True, chat=False):
        pass


def _named(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"


@pytest.fixture
def sqlite_settings(template: Path, tmp_path: Path) -> Settings:
    """Settings of a fresh SQLite database with the demo data."""
    shutil.copy(template, tmp_path / "deskward.db")
    return settings_in(tmp_path, secret_key="k" * 32)


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))]
)
async def settings(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings of a fresh database with the demo data, on each kind of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_settings")
        return
    url = request.getfixturevalue("postgres_url")
    name = f"desk_{next(_numbers)}"
    connection = await asyncpg.connect(url)
    # Older servers know but this strategy, which is the cheaper one here.
    copied = "STRATEGY FILE_COPY" if connection.get_server_version() >= (15,) else ""
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_desk {copied}")
    try:
        yield settings_in(tmp_path, database_url=_named(url, name), secret_key="k" * 32)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a PostgreSQL server, a whole program beside the tests; give slow ones time.

    A slow test has minutes, so that none fails where the machine is four times slower.
    """
    for item in items:
        call = getattr(item, "callspec", None)
        on = call.params.get("settings") if call is not None else None
        if on == "postgresql" or "postgres_url" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(480))


@pytest.fixture
async def desk(settings: Settings, offline: Model) -> AsyncIterator[Desk]:
    """A desk on each kind of database."""
    async with open_desk(settings, model=offline) as opened:
        yield opened


@pytest.fixture
async def sqlite_desk(sqlite_settings: Settings, offline: Model) -> AsyncIterator[Desk]:
    """A desk on SQLite, for tests in which the database does not matter."""
    async with open_desk(sqlite_settings, model=offline) as opened:
        yield opened


@pytest.fixture
def kept_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of sentences stay loaded from test to test."""
    keep_models(monkeypatch)


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """Leave logging as it is: a command sets it up for its process, here that of other tests."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


async def hire(desk: Desk, *names: str) -> None:
    """Have these members of staff in the directory."""
    async with desk.database.transaction() as db:
        for name in names:
            await members.admit(db, "default", Kind.STAFF, name)


Call = Callable[..., Any]


@pytest.fixture
def call(desk: Desk) -> Call:
    """A short way through the gate: see `caller`."""
    return caller(desk)


@pytest.fixture
def sqlite_call(sqlite_desk: Desk) -> Call:
    """As `call`, on SQLite only."""
    return caller(sqlite_desk)


def caller(desk: Desk) -> Call:
    """`await call(tool, principal=CUSTOMER, key=None, **arguments)` → the outcome."""

    async def call_tool(
        name: str, /, principal: Principal = CUSTOMER, key: str | None = None, **arguments: Any
    ) -> Outcome:
        return await desk.gate.call(name, arguments, Context(principal, "cli"), idempotency_key=key)

    return call_tool
