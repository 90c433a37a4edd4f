"""Other systems are asked how they are now and then, and the context shows the last answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.agent.offline.model import OfflineModel
from deskward.app import Desk, open_desk
from deskward.core import jobs
from deskward.core.database import now
from deskward.core.settings import Settings
from deskward.diagnostics.context.health import KIND
from deskward.integrations.crm.rest import read_sources
from tests.conftest import STAFF, caller
from tests.diagnostics.test_context import FILE, Crm
from tests.diagnostics.test_context import crm as crm

HEALTH = "    health: {url: 'http://127.0.0.1:PORT/health', every: 600}\n"


@pytest.fixture
async def checked(
    crm: tuple[Crm, int], sqlite_settings: Settings, offline: OfflineModel, tmp_path: Path
) -> AsyncIterator[tuple[Crm, Desk]]:
    system, port = crm
    file = tmp_path / "crm.yaml"
    file.write_text(f"{FILE.rstrip()}\n{HEALTH}".replace("PORT", str(port)), "utf-8")
    sqlite_settings.diagnostics.crm_file = file
    async with open_desk(sqlite_settings, model=offline) as desk:
        yield system, desk


async def shown(desk: Desk, state: str) -> dict[str, Any]:
    """The health of the system, once it is shown in a state."""
    async with asyncio.timeout(30):
        while True:
            found = await caller(desk)("get_customer_product_info", STAFF, customer_id="user_001")
            (one,) = [source for source in found.value["sources"] if source["source"] == "crm"]
            health: dict[str, Any] | None = one["health"]
            if health is not None and health["state"] == state:
                return health
            await asyncio.sleep(0.05)


async def come_again(desk: Desk) -> None:
    """Have the time pass until the next look."""
    async with desk.database.transaction() as db:
        mine = jobs.jobs.c.kind == KIND
        await db.execute(
            sa.update(jobs.jobs).where(mine).values(due_at=now() - timedelta(seconds=1))
        )
    desk.jobs.wake()


async def test_how_a_system_is_was_asked_before_anybody_wants_to_know(
    checked: tuple[Crm, Desk],
) -> None:
    system, desk = checked
    well = await shown(desk, "ok")
    assert (well["problem"], well["since"]) == (None, well["checked_at"])
    asked = [one for one in system.asked if one.startswith("GET /health ")]
    assert len(asked) == 1  # and not again at each look for work
    (row,) = await desk.database.reader.all(sa.select(jobs.jobs).where(jobs.jobs.c.kind == KIND))
    assert timedelta(minutes=9) < row.due_at - now() <= timedelta(minutes=10)
    system.how = "503"
    await come_again(desk)
    ill = await shown(desk, "failing")
    assert ill["problem"] == "It answers with 503."
    assert datetime.fromisoformat(ill["since"]) > datetime.fromisoformat(well["since"])
    system.how = "hangs"
    await come_again(desk)
    async with asyncio.timeout(30):
        while (still := await shown(desk, "failing"))["checked_at"] == ill["checked_at"]:
            await asyncio.sleep(0.05)
    assert "did not answer within 1 seconds" in still["problem"]
    assert still["since"] == ill["since"]  # it was ill before
    rows = await desk.database.reader.all(sa.select(jobs.jobs).where(jobs.jobs.c.kind == KIND))
    assert len(rows) == 1


async def test_a_check_that_has_failed_by_itself_is_begun_anew(checked: tuple[Crm, Desk]) -> None:
    _, desk = checked
    first = await shown(desk, "ok")
    async with desk.database.transaction() as db:
        lost = sa.update(jobs.jobs).where(jobs.jobs.c.kind == KIND)
        await db.execute(lost.values(status="failed", payload={"source": "crm"}))
    desk.jobs.wake()
    again = await shown(desk, "ok")
    assert again["checked_at"] > first["checked_at"]


@pytest.mark.parametrize(
    "health",
    ["{url: 'http://other.example.com/health'}", "{url: 'http://127.0.0.1:PORT/{id}'}", "{}"],
)
def test_a_check_that_cannot_be_made_is_an_error_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, health: str
) -> None:
    monkeypatch.setenv("TEST_CRM_TOKEN", "s3cret")
    file = tmp_path / "crm.yaml"
    file.write_text(f"{FILE.rstrip()}\n    health: {health}\n".replace("PORT", "1"), "utf-8")
    with pytest.raises(ValueError, match="CRM_FILE"):
        read_sources(file, "default")
