"""Incidents that two tell of in the same moment: what one decides, the other one sees."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from deskward.app import Desk
from deskward.core.database import Connection, Database
from deskward.diagnostics.incidents import service, taking
from deskward.diagnostics.incidents.alerts import Alert
from deskward.diagnostics.incidents.models import AlertsTaken
from tests.conftest import STAFF, Call
from tests.diagnostics.test_alerts import BEGAN, source
from tests.diagnostics.test_incidents import TITLE

Work = Callable[[Connection], Awaitable[Any]]
SOON = 2.0
"""Seconds within which a second transaction does its work that waits for nobody."""


async def interleaved(desk: Desk, first: Work, second: Callable[[], Awaitable[Any]]) -> list[Any]:
    """What comes of two, of which the second begins before another process commits the first."""
    async with elsewhere(desk) as other:
        async with other.transaction() as db:
            came = await first(db)
            waiting = asyncio.ensure_future(second())
            await asyncio.wait({waiting}, timeout=SOON)
        return [came, await waiting]


@contextlib.asynccontextmanager
async def elsewhere(desk: Desk) -> AsyncIterator[Database]:
    """The desk's database as another process has it."""
    database = Database(desk.settings.database_location)
    try:
        yield database
    finally:
        await database.close()


def here(desk: Desk, work: Work) -> Callable[[], Awaitable[Any]]:
    """Some work in a transaction of the desk's own."""

    async def done() -> Any:
        async with desk.database.transaction() as db:
            return await work(db)

    return done


def told(source_id: str, fingerprint: str, *, over: bool = False) -> Work:
    """A source's word of an alert."""
    alert = Alert(
        fingerprint=fingerprint * 64,
        firing=not over,
        name="ApiErrors",
        title=TITLE,
        description="",
        customer_message=None,
        severity="",
        product="Acme API",
        version="",
        test="",
        code="503",
        started_at=BEGAN,
        ended_at=BEGAN if over else None,
    )

    async def take(db: Connection) -> AlertsTaken:
        return await taking.take(db, "default", source_id, [alert], "service:alert-source")

    return take


async def two_sources(call: Call) -> tuple[str, str]:
    return await source(call, name="one"), await source(call, name="two")


async def test_two_sources_that_tell_of_one_disturbance_at_once_open_one_incident(
    desk: Desk, call: Call
) -> None:
    one, two = await two_sources(call)
    came = await interleaved(desk, told(one, "a"), here(desk, told(two, "b")))
    assert [(each.opened, each.joined) for each in came] == [(["I1001"], 0), ([], 1)]


async def test_the_last_two_alerts_of_an_incident_that_end_at_once_end_it(
    desk: Desk, call: Call
) -> None:
    one, two = await two_sources(call)
    for begins in (told(one, "a"), told(two, "b")):
        await here(desk, begins)()
    ends = told(one, "a", over=True), told(two, "b", over=True)
    came = await interleaved(desk, ends[0], here(desk, ends[1]))
    assert [each.resolved for each in came] == [[], ["I1001"]]


async def test_what_staff_report_while_an_alert_tells_of_it_is_one_incident(
    desk: Desk, call: Call
) -> None:
    named = await source(call)
    given = {"title": TITLE, "product": "Acme API", "code": "503"}
    came, refused = await interleaved(
        desk, told(named, "a"), lambda: call("report_incident", STAFF, **given)
    )
    assert came.opened == ["I1001"]
    assert refused.value["error"]["details"]["incident_id"] == "I1001"


async def test_what_staff_resolve_meanwhile_is_no_error_for_its_last_alert(
    desk: Desk, call: Call
) -> None:
    named = await source(call)
    await here(desk, told(named, "a"))()

    async def resolve(db: Connection) -> None:
        await service.resolve(db, "default", "I1001", by="staff:anna")

    _, came = await interleaved(desk, resolve, here(desk, told(named, "a", over=True)))
    assert came.resolved == []
