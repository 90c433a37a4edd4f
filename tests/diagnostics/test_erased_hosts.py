"""Runs of tests that say of no customer whose they are go with the person whose host they name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.jobs import jobs
from deskward.customers.erasure import SCRUB, TRACES, erase
from deskward.customers.models import Customer, customers
from deskward.customers.signs import Person, Signs
from deskward.diagnostics.suites.models import test_runs as runs
from deskward.security import tenants
from deskward.security.principals import Principal
from tests.conftest import CUSTOMER, OTHER, STAFF, Call
from tests.diagnostics.test_sessions import start

OWN = "zinnia-morgan.example"


async def run(call: Call, host: str, **more: Any) -> str:
    """A run of staff's that names a host."""
    given = {"test_suite": "network.dns", "customer_environment": {"host": host}, **more}
    outcome = await call("run_diagnostic_tests", STAFF, **given)
    assert outcome.status == "ok", outcome.value
    run_id: str = outcome.value["run_id"]
    return run_id


async def tell(call: Call, by: Principal, **facts: str) -> None:
    """Have a customer tell of their environment."""
    outcome = await call("report_customer_environment", by, environment_info=facts)
    assert outcome.status == "ok", outcome.value


async def erased(desk: Desk) -> set[str]:
    """Erase a customer; gives the runs that are left."""
    row = await desk.database.reader.first(sa.select(customers).where(customers.c.id == "user_001"))
    assert row is not None
    told = {name: row._mapping[name] for name in ("name", "email", "phone", "address", "tier")}
    async with desk.database.transaction() as db:
        await erase(db, desk.gate.ledger.keys, "default", Customer(customer_id="user_001", **told))
    desk.jobs.wake()
    async with asyncio.timeout(60):
        left = sa.select(jobs).where(jobs.c.kind.in_((TRACES, SCRUB)))
        while await desk.database.reader.first(left) is not None:
            await asyncio.sleep(0.01)
    return {row.id for row in await desk.database.reader.all(sa.select(runs.c.id))}


async def write_to(desk: Desk, customer: str, email: str) -> None:
    async with desk.database.transaction() as db:
        same = customers.c.id == customer
        await db.execute(sa.update(customers).where(same).values(email=email))


async def test_runs_that_name_the_domain_of_their_mail_go(desk: Desk, call: Call) -> None:
    await write_to(desk, "user_001", f"alex@{OWN}")
    theirs = [await run(call, OWN), await run(call, f"mail.{OWN}"), await run(call, OWN.upper())]
    left = {await run(call, host) for host in (f"x{OWN}", f"{OWN}.org", "api.example.com")}
    others = await run(call, "other.example", customer_id="user_002")
    assert await erased(desk) == left | {others}
    assert theirs


async def test_runs_that_name_a_host_of_their_environment_go(desk: Desk, call: Call) -> None:
    await tell(call, CUSTOMER, host="box.zinnia.example", os="linux")
    await run(call, "box.zinnia.example")
    sealed = await run(call, "vpn.zinnia.example", customer_id="user_001")
    await run(call, "vpn.zinnia.example")
    left = await run(call, "zinnia.example")
    assert await erased(desk) == {left}
    assert sealed


async def test_runs_that_name_a_host_of_their_session_go(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    await start(sqlite_call, environment_info={"category": "api", "host": "box.zinnia.example"})
    await run(sqlite_call, "box.zinnia.example")
    assert await erased(sqlite_desk) == set()


async def test_runs_that_name_what_others_have_too_stay(desk: Desk, call: Call) -> None:
    await write_to(desk, "user_001", "alex@shared.example")
    await write_to(desk, "user_002", "sam@desk.shared.example")
    for by in (CUSTOMER, OTHER):
        await tell(call, by, host="api.acme.example")
    async with desk.database.transaction() as db:
        await tenants.change(db, "default", {"mail_domains": ("desk.example",)})
    await tell(call, CUSTOMER, url="https://help.desk.example/")
    hosts = ("shared.example", "api.acme.example", "help.desk.example")
    left = {await run(call, host) for host in hosts}
    assert await erased(desk) == left


@pytest.mark.parametrize("email", ["alex@gmail.com", "alex@yahoo.co.jp", "alex@t-online.de"])
async def test_where_anybody_has_mail_is_no_customers_own(
    sqlite_desk: Desk, sqlite_call: Call, email: str
) -> None:
    await write_to(sqlite_desk, "user_001", email)
    left = await run(sqlite_call, email.partition("@")[2])
    assert await erased(sqlite_desk) == {left}


async def test_a_machine_that_is_called_like_a_provider_is_their_own(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    await tell(sqlite_call, CUSTOMER, host="mail.zinnia.example", os="linux")
    await run(sqlite_call, "mail.zinnia.example")
    assert await erased(sqlite_desk) == set()


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("bücher-zinnia.example", "xn--bcher-zinnia-dlb.example"),
        ("xn--bcher-zinnia-dlb.example", "bücher-zinnia.example"),
        ("2606:4700:7::1", "2606:4700:7::1"),
        ("2606:4700:7::1", "2606:4700:7:0:0:0:0:1"),
    ],
)
async def test_a_host_goes_in_whatever_form_it_is_written(
    sqlite_desk: Desk, sqlite_call: Call, told: str, named: str
) -> None:
    await tell(sqlite_call, CUSTOMER, host=told, os="linux")
    await run(sqlite_call, named)
    assert await erased(sqlite_desk) == set()


def test_a_longer_address_is_another_one() -> None:
    signs = Signs(Person("c", hosts=("2606:4700:7::1",)))
    assert signs.names_host("at [2606:4700:7:0::1]:443.")
    assert not signs.names_host("at 2606:4700:7::11 or 2606:4700:7::1:5")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("https://a.b.example/x", True),
        ("see B.EXAMPLE:443", True),
        ("mail to ann@b.example.", True),
        ("xb.example", False),
        ("b.example.org", False),
        ("b.example-x.org", False),
        ("-b.example", False),
        ("", False),
    ],
)
def test_a_host_is_named_whole(text: str, names: bool) -> None:
    assert Signs(Person("c", hosts=("b.example",))).names_host(text) is names
    assert not Signs(Person("c")).names_host(text)
