"""Several customers see the same: the desk proposes an incident, or opens it where it may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import jobs
from deskward.core.database import now
from deskward.core.events import events, listen
from deskward.core.settings import Settings
from deskward.diagnostics.incidents import noticing
from deskward.diagnostics.incidents.noticing import SEEN
from deskward.diagnostics.models import diagnoses
from tests.conftest import CUSTOMER, OTHER, STAFF, Call, caller
from tests.diagnostics.test_incidents import TO_503, read
from tests.diagnostics.test_sessions import answer, code, start


@pytest.fixture
async def noticed(settings: Settings, offline: Any) -> AsyncIterator[Desk]:
    """A desk that proposes an incident when two customers have seen the same."""
    changed = settings.changed(diagnostics_incident_customers=2)
    async with open_desk(changed, model=offline) as opened:
        async with opened.database.transaction() as db:
            kinds: Any = ["incident.proposed", "incident.opened", "diagnosis.joined"]
            await listen(db, "default", "a listener", kinds)
        yield opened


async def looked(desk: Desk) -> None:
    """Wait until what was seen is looked at."""
    desk.jobs.wake()
    left = sa.select(jobs.jobs.c.id).where(jobs.jobs.c.kind == SEEN)
    async with asyncio.timeout(30):
        while await desk.database.reader.first(left):
            await asyncio.sleep(0.02)


async def see(call: Call, by: Any = CUSTOMER, *values: Any) -> dict[str, Any]:
    session: dict[str, Any] = await answer(call, await start(call, by), *(values or TO_503), by=by)
    return session


async def found(desk: Desk) -> list[dict[str, Any]]:
    await looked(desk)
    listed = await caller(desk)("list_incidents", STAFF)
    one: list[dict[str, Any]] = listed.value["incidents"]
    return one


async def told(desk: Desk) -> list[str]:
    rows = await desk.database.reader.all(sa.select(events.c.kind).order_by(events.c.seq))
    return [row.kind for row in rows]


async def test_what_two_customers_see_is_proposed_opened_by_staff_and_joined(noticed: Desk) -> None:
    call = caller(noticed)
    first = await see(call)
    await see(call)  # once more the same customer
    assert await found(noticed) == []
    second = await see(call, OTHER)
    (one,) = await found(noticed)
    assert (one["status"], one["test"], one["code"]) == ("proposed", "api.status", "503")
    assert one["title"] == "2 customers have seen the same: api.status 503"
    assert one["opened_by"] == "desk"
    assert await told(noticed) == ["incident.proposed"]
    third = await see(call, OTHER)  # nobody joins what is only proposed
    assert (third["status"], third["known_incidents"]) == ("open", [])
    assert len(await found(noticed)) == 1
    named = {"incident_id": one["incident_id"]}
    stale = await call("open_incident", STAFF, **named, revision=9)
    assert code(stale) == "CONFLICT"
    done = await call("open_incident", STAFF, **named, customer_message="We are on it.")
    assert (done.value["status"], done.value["opened_by"]) == ("open", "staff:anna")
    assert code(await call("open_incident", STAFF, **named)) == "CONFLICT"
    later = await see(call)
    assert later["status"] == "joined_incident"
    assert later["known_incidents"][0]["message"] == "We are on it."
    for session in (first, second):  # those before join with their next answer
        by = OTHER if session is second else CUSTOMER
        assert (await answer(call, session, False, by=by))["status"] == "joined_incident"


async def test_what_is_put_away_is_not_proposed_again_and_nobody_is_told(noticed: Desk) -> None:
    call = caller(noticed)
    session = await see(call)
    await see(call, OTHER)
    (one,) = await found(noticed)
    gone = await call("resolve_incident", STAFF, incident_id=one["incident_id"])
    assert gone.value["status"] == "resolved"
    await see(call, OTHER)
    assert len(await found(noticed)) == 1
    assert (await read(call, session))["status"] == "open"


async def test_what_differs_or_was_long_ago_or_is_settled_does_not_count(noticed: Desk) -> None:
    call = caller(noticed)
    await see(call)
    await see(call, OTHER, True, 502)
    assert await found(noticed) == []
    async with noticed.database.transaction() as db:
        long = sa.update(diagnoses).values(updated_at=now() - timedelta(hours=2))
        await db.execute(long)
    await see(call, OTHER)
    assert await found(noticed) == []


async def test_at_once_two_make_one(noticed: Desk) -> None:
    call = caller(noticed)
    begun = [await start(call), *[await start(call, OTHER) for _ in range(3)]]
    begun = [
        await answer(call, one, True, by=by)
        for one, by in zip(begun, (CUSTOMER, OTHER, OTHER, OTHER), strict=True)
    ]
    await asyncio.gather(
        answer(call, begun[0], 503), *(answer(call, one, 503, by=OTHER) for one in begun[1:])
    )
    assert len(await found(noticed)) == 1


async def test_where_it_may_the_desk_opens_it_and_whoever_sees_the_same_joins(
    sqlite_settings: Settings, offline: Any
) -> None:
    changed = sqlite_settings.changed(
        diagnostics_incident_customers=2, diagnostics_incident_opens=True
    )
    async with open_desk(changed, model=offline) as desk:
        call = caller(desk)
        await see(call)
        await see(call, OTHER)
        (one,) = await found(desk)
        assert (one["status"], one["opened_by"]) == ("open", "desk")
        assert (await see(call))["incident_id"] == one["incident_id"]


async def test_usually_five_are_needed_and_none_propose_where_it_is_off(
    sqlite_settings: Settings, offline: Any
) -> None:
    assert sqlite_settings.diagnostics.incident_customers == 5
    assert not sqlite_settings.diagnostics.incident_opens
    off = sqlite_settings.changed(diagnostics_incident_customers=0)
    async with open_desk(off, model=offline) as desk:
        await see(caller(desk))
        await see(caller(desk), OTHER)
        assert await found(desk) == []
    assert not noticing.SeenRules().customers
