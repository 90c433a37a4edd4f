"""Tenants: their hours, doors that are shut, and how they appear."""

from datetime import UTC, datetime

import httpx2
import pytest
import sqlalchemy as sa

from deskward.agent.prompt import brand_of
from deskward.app import Desk
from deskward.core import jobs
from deskward.core.errors import InvalidInput, Unauthenticated
from deskward.email.compose import message
from deskward.email.models import Letter
from deskward.features import all_features
from deskward.security import tenants
from deskward.security.key_rows import end_all
from deskward.security.principals import Kind
from deskward.security.tenants import Tenant, spans_of
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER
from tests.entrypoints.conftest import client

__all__ = ["client"]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the week from Monday, 5 January 2026, in UTC."""
    return datetime(2026, 1, 4 + day, hour, minute, tzinfo=UTC)


def test_people_work_at_their_hours_by_their_clock() -> None:
    berlin = Tenant("t", hours="mon-fri=09:00-17:00, sat=10:00-12:00", time_zone="Europe/Berlin")
    for day, hour, minute, is_open in (
        *((1, 7, 59, False), (1, 8, 0, True), (1, 15, 59, True), (1, 16, 0, False)),
        *((6, 9, 0, True), (6, 11, 0, False), (7, 10, 0, False)),
    ):
        assert berlin.is_open(at(day, hour, minute)) is is_open, (day, hour, minute)
    assert Tenant("t").is_open(at(7, 3))


@pytest.mark.parametrize("odd", ["mon", "mon=9-5", "fri-mon=09:00-17:00", "mon=17:00-09:00", "x=y"])
def test_what_are_no_hours_is_refused(odd: str) -> None:
    with pytest.raises(InvalidInput):
        spans_of(odd)


async def test_unknown_and_closed_tenants_are_refused_alike(desk: Desk) -> None:
    key, _ = await desk.keys.create(
        tenant_id="acme", kind=Kind.CUSTOMER, subject_id="user_001", roles=("customer",)
    )
    payload = {"tenant": "acme", "ticket_id": "T1"}
    async with desk.database.transaction() as db:
        await jobs.add(db, "j1", "nothing_known", payload)
        await jobs.add(db, "j2", "nothing_known", {**payload, "tenant": "default"})
        await tenants.close(db, "acme")
        await end_all(db, "acme")
        assert await jobs.cancel_of(db, "acme", all_features().records) == 1
    said = set()
    for tenant in ("acme", "nowhere", ""):
        with pytest.raises(Unauthenticated) as refused:
            await tenants.require_open(desk.database.reader, tenant)
        said.add(refused.value.message.replace(repr(tenant), "…"))
    assert len(said) == 1
    with pytest.raises(Unauthenticated):
        await desk.keys.verify(key)
    rows = await desk.database.reader.all(sa.select(jobs.jobs.c.id, jobs.jobs.c.status))
    assert ("j1", "cancelled") in [tuple(row) for row in rows]
    assert ("j2", "cancelled") not in [tuple(row) for row in rows]


async def test_doors_refuse_a_tenant_that_is_not_open(
    sqlite_desk: Desk, client: httpx2.AsyncClient
) -> None:
    async with sqlite_desk.database.transaction() as db:
        await tenants.close(db, "acme")
    for tenant in ("acme", "nowhere"):
        body = {"message": "hello", "session_id": "s", "tenant_id": tenant}
        answer = await client.post("/api/v1/chat", json=body)
        assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHENTICATED")
        assert f"no open tenant '{tenant}'" in answer.json()["message"]
    open_one = {"message": "hello", "session_id": "s", "tenant_id": "default"}
    assert (await client.post("/api/v1/chat", json=open_one)).status_code == 200


async def test_the_model_is_told_whose_assistant_it_is(sqlite_desk: Desk) -> None:
    reader = sqlite_desk.database.reader
    assert await brand_of(reader, "default") == ""
    assert await brand_of(reader, "nowhere") == ""
    async with sqlite_desk.database.transaction() as db:
        told = {"name": "First Bank", "hours": "mon-fri=09:00-17:00", "languages": ["de", "fr"]}
        await tenants.change(db, "default", told)
    assert await brand_of(reader, "default") == (
        "- You speak for First Bank.\n"
        "- People work there at these hours: mon-fri=09:00-17:00.\n"
        "- It answers in these languages only: de, fr.\n"
    )
    assert await brand_of(reader, "acme") == ""
    assert await Talk(sqlite_desk, CUSTOMER).say("What is my balance?")


def test_a_mail_has_the_tenants_sender() -> None:
    letter = Letter(to=["a@example.com"], cc=[], bcc=[], subject="S", text="Hi", html=None)
    built = message(
        "1",
        letter,
        [],
        sender_name="The Shop",
        sender_email="desk@example.com",
        reply_to="help@shop.example",
    )
    assert built["Reply-To"] == "help@shop.example"
    assert "The Shop" in str(built["From"])
