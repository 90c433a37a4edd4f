"""Other systems that know customers: of which tenant, by which id, and what hostile ones answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deskward.agent.offline.model import OfflineModel
from deskward.app import open_desk
from deskward.core.settings import Settings
from deskward.gate.outcome import Outcome
from deskward.integrations.crm.rest import read_sources
from deskward.security.principals import Kind, Principal
from tests.conftest import STAFF, Call, caller
from tests.services.faulty_web import serving

ACME = Principal(Kind.STAFF, "eve", "acme", ("support",))

FILE = """
sources:
  - name: crm
    url: http://127.0.0.1:PORT/accounts/{crm}
    seconds: 30
    account_status: $.status
    products: {each: "$.licences[*]", product_name: $.product, support_tier: $.plan}
    fields: {manager: $.owner.name}
  - name: theirs
    url: http://127.0.0.1:PORT/theirs/{crm}
    tenants: [acme]
    fields: {manager: $.owner.name}
"""


class Crm:
    """A system that answers with what was asked for, or with what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.body: bytes | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).decode().split()[1]
        self.asked.append(path)
        licences = [{"product": "Acme", "plan": "gold"}, {"plan": "silver"}, {"product": {"a": 1}}]
        told = {"status": f"vip of {path}", "owner": {"name": f"Ann of {path}"}}
        body = self.body or json.dumps({**told, "licences": licences}).encode()
        writer.write(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


@asynccontextmanager
async def crm_of(
    described: str, settings: Settings, offline: OfflineModel, folder: Path
) -> AsyncIterator[tuple[Crm, Call]]:
    """A system as a file describes it, and a desk that knows it."""
    system = Crm()
    async with serving(system.serve) as port:
        file = folder / "crm.yaml"
        file.write_text(described.replace("PORT", str(port)), "utf-8")
        settings.diagnostics.crm_file = file
        async with open_desk(settings, model=offline) as desk:
            yield system, caller(desk)


@pytest.fixture
async def with_crm(
    sqlite_settings: Settings, offline: OfflineModel, tmp_path: Path
) -> AsyncIterator[tuple[Crm, Call]]:
    async with crm_of(FILE, sqlite_settings, offline, tmp_path) as made:
        yield made


def ok(outcome: Outcome) -> Any:
    assert outcome.status == "ok", outcome.value
    return outcome.value


async def make(call: Call, by: Principal, known_by: str) -> str:
    ids = [{"system": "crm", "id": known_by}]
    made = ok(await call("create_customer", by, name="X", external_ids=ids))
    customer_id: str = made["customer_id"]
    return customer_id


async def context(call: Call, by: Principal, customer_id: str) -> Any:
    return ok(await call("get_customer_context", by, customer_id=customer_id))


async def test_a_system_is_asked_of_its_tenants_customers_alone(
    with_crm: tuple[Crm, Call],
) -> None:
    system, call = with_crm
    ours = await make(call, STAFF, "A-77")
    foreign = await make(call, ACME, "A-77")
    found = await context(call, STAFF, ours)
    assert found["fields"] == {"crm.manager": "Ann of /accounts/A-77"}
    assert [one["source"] for one in found["sources"]] == ["desk", "crm"]
    found = await context(call, ACME, foreign)
    assert found["fields"] == {"theirs.manager": "Ann of /theirs/A-77"}
    assert (found["account_status"], found["products"]) == ("active", [])
    told = {"customer_id": foreign}
    told_of = ok(await call("detect_customer_environment", ACME, **told))
    assert told_of["facts"] == []
    assert sorted(system.asked) == ["/accounts/A-77", "/theirs/A-77"]


async def test_after_an_id_was_corrected_nobody_sees_the_other_persons_record(
    with_crm: tuple[Crm, Call],
) -> None:
    _, call = with_crm
    mine = await make(call, STAFF, "wrong-person")
    assert "wrong-person" in (await context(call, STAFF, mine))["account_status"]
    for ids in ([{"system": "crm", "id": "right"}], []):
        update = {"external_ids": ids}
        ok(await call("update_customer", STAFF, customer_id=mine, update=update))
        assert "wrong-person" not in json.dumps(await context(call, STAFF, mine))


@pytest.mark.parametrize(
    "known_by", ["..", ".", "../admin", "a/../../b", "..%2fb", "..\\b", "%2e."]
)
async def test_no_id_leads_to_another_address(with_crm: tuple[Crm, Call], known_by: str) -> None:
    system, call = with_crm
    found = await context(call, STAFF, await make(call, STAFF, known_by))
    assert system.asked == []
    assert "none that an address can hold" in found["sources"][1]["problem"]


async def test_an_id_with_dots_and_slashes_of_its_own_is_asked_for(
    with_crm: tuple[Crm, Call],
) -> None:
    system, call = with_crm
    await context(call, STAFF, await make(call, STAFF, "a..b/c.d?e#f"))
    assert system.asked == ["/accounts/a..b%2Fc.d%3Fe%23f"]


async def test_a_product_without_a_name_is_none(with_crm: tuple[Crm, Call]) -> None:
    _, call = with_crm
    found = await context(call, STAFF, await make(call, STAFF, "n"))
    assert [one["product_name"] for one in found["products"]] == ["Acme"]


@pytest.mark.parametrize(
    ("body", "manager"),
    [
        (rb'{"owner": {"name": "half \ud800 a pair"}}', "half \ufffd a pair"),
        (rb'{"owner": {"name": {"\udfff": ["\ud800\u0000"]}}}', {"\ufffd": ["\ufffd"]}),
        (b'{"owner": {"name": 1e999}}', None),
        (b'{"owner": {"name": NaN}}', None),
        (b'{"owner": {"name": ' + b"9" * 4_000 + b"}}", None),
        (b'{"owner": {"name": ' + b"9" * 5_000 + b"}}", None),
        (b'{"owner": {"name": 18446744073709551616}}', 2.0**64),
    ],
)
async def test_odd_values_cost_nothing_else(
    with_crm: tuple[Crm, Call], body: bytes, manager: Any
) -> None:
    system, call = with_crm
    system.body = body
    outcome = await call("get_customer_context", STAFF, customer_id=await make(call, STAFF, "s"))
    assert ok(outcome)["fields"] == {"crm.manager": manager}
    json.dumps(outcome.value, ensure_ascii=False, allow_nan=False).encode("utf-8")


@pytest.mark.parametrize("depth", [100, 300, 5_000])
async def test_what_is_nested_without_end_is_unavailable_and_the_rest_is_there(
    with_crm: tuple[Crm, Call], depth: int
) -> None:
    system, call = with_crm
    system.body = b'{"owner": {"name": ' + b"[" * depth + b"]" * depth + b"}}"
    found = await context(call, STAFF, await make(call, STAFF, "s"))
    assert "it is nested" in found["sources"][1]["problem"]
    assert (found["name"], found["complete"]) == ("X", False)


@pytest.mark.slow
async def test_a_large_answer_holds_up_nobody_else(with_crm: tuple[Crm, Call]) -> None:
    system, call = with_crm
    mine = await make(call, STAFF, "s")
    system.body = b'{"licences": [' + b",".join([b'{"product":"a"}'] * 40_000) + b"]}"
    worst = 0.0

    async def beat() -> None:
        nonlocal worst
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            worst = max(worst, time.monotonic() - begun)

    beating = asyncio.create_task(beat())
    found = await context(call, STAFF, mine)
    beating.cancel()
    assert len(found["products"]) == 200
    assert worst < 2.0


def test_the_host_of_a_system_is_written_out(tmp_path: Path) -> None:
    file = tmp_path / "crm.yaml"
    file.write_text(FILE.replace("127.0.0.1:PORT", "{crm}.example.com", 1), "utf-8")
    with pytest.raises(ValueError, match="the host is written out"):
        read_sources(file, "default")
