"""What is known of a customer, from the desk and from other systems that may be down."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deskward.agent.offline.model import OfflineModel
from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.diagnostics.context.sources import Sources
from deskward.integrations.crm.rest import read_sources
from deskward.security.principals import Principal
from tests.conftest import CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call, caller
from tests.diagnostics.test_sessions import answer, code, do, start
from tests.services.faulty_web import serving

CONFIGURATION = {"base_url": "https://api.example.com", "timeout_seconds": 30}


async def put(call: Call, by: Any = STAFF, **more: Any) -> Any:
    given = {"customer_id": "user_001", "product_name": "Acme API", **more}
    return await call("set_customer_product", by, **given)


async def info(call: Call, by: Any = STAFF, **more: Any) -> dict[str, Any]:
    outcome = await call("get_customer_product_info", by, **{"customer_id": "user_001", **more})
    assert outcome.status == "ok", outcome.value
    found: dict[str, Any] = outcome.value
    return found


async def test_products_are_on_record_with_the_fields_of_the_specification(call: Call) -> None:
    assert (await put(call, version="2.3", configuration=CONFIGURATION)).status == "ok"
    done = await put(call, product_name="acme api", license_type="annual", usage_stats={"calls": 7})
    assert done.value["product_name"] == "Acme API"  # the same product, in whatever case
    found = await info(call)
    (one,) = found["products"]
    assert (one["version"], one["license_type"]) == ("2.3", "annual")
    assert (one["configuration"], one["usage_stats"]) == (CONFIGURATION, {"calls": 7})
    assert {"customer_id", "products", "account_status", "contact_preferences"} <= found.keys()
    assert {"support_tier", "last_updated"} <= one.keys()
    assert found["account_status"] == "active"
    assert found["contact_preferences"]["channels"] == ["email", "phone"]
    gone = {"customer_id": "user_001", "product_name": "ACME API"}
    assert (await call("remove_customer_product", STAFF, **gone)).status == "ok"
    assert code(await call("remove_customer_product", STAFF, **gone)) == "PRODUCT_NOT_FOUND"
    nobody = {"customer_id": "nobody", "product_name": "ACME API"}
    for tool in ("set_customer_product", "remove_customer_product"):
        assert code(await call(tool, STAFF, **nobody)) == "CUSTOMER_NOT_FOUND"


async def test_a_role_sees_only_its_fields(call: Call) -> None:
    await put(call, version="2.3", configuration=CONFIGURATION, usage_stats={"calls": 7})
    await start(call)
    seen = {}
    for name, by in {"staff": STAFF, "customer": CUSTOMER, "service": SERVICE}.items():
        outcome = await call("get_customer_context", by, customer_id="user_001")
        assert outcome.status == "ok", outcome.value
        seen[name] = outcome.value
    assert seen["staff"]["products"][0]["configuration"] == CONFIGURATION
    assert seen["staff"]["history"]["diagnoses"][0]["workflow_id"] == "api-errors"
    assert seen["staff"]["history"]["tickets_in_all"] == len(seen["staff"]["history"]["tickets"])
    for name in ("customer", "service"):
        assert seen[name]["products"][0]["configuration"] is None
        assert seen[name]["tags"] == []
        assert seen[name]["fields"] == {}
    assert seen["customer"]["products"][0]["usage_stats"] == {"calls": 7}
    assert seen["service"]["products"][0]["usage_stats"] is None
    without = {"include_history": False, "include_configuration": False}
    less = (await call("get_customer_context", STAFF, customer_id="user_001", **without)).value
    assert (less["history"], less["products"][0]["configuration"]) == (None, None)


async def test_staff_see_until_when_open_tickets_are_to_be_answered(call: Call) -> None:
    told = {"customer_id": "user_001", "subject": "It is slow", "body": "The API is slow."}
    ticket_id = (await call("create_ticket", STAFF, **told)).value["ticket_id"]

    async def clocks(by: Principal = STAFF) -> Any:
        found = (await call("get_customer_context", by, customer_id="user_001")).value
        if found["service_levels"] is None:
            return None
        return [one for one in found["service_levels"] if one["ticket_id"] == ticket_id]

    due = (await call("get_ticket_due", STAFF, ticket_id=ticket_id)).value
    wanted = {one["clock"]: (one["state"], one["due_at"]) for one in due["clocks"]}
    assert wanted
    assert {one["clock"]: (one["state"], one["due_at"]) for one in await clocks()} == wanted
    moments = [one["due_at"] for one in await clocks()]
    assert moments == sorted(moments)
    assert await clocks(CUSTOMER) is None
    ended = {"reply": "It is fast again.", "status": "resolved"}
    assert (await call("update_ticket", STAFF, ticket_id=ticket_id, update=ended)).status != "error"
    assert await clocks() == []


async def test_nobody_sees_another_ones(call: Call) -> None:
    await put(call, version="2.3")
    assert code(await call("get_customer_context", OTHER, customer_id="user_001")) == "FORBIDDEN"
    foreign = await call("get_customer_product_info", FOREIGN, customer_id="user_001")
    assert foreign.status == "error" or foreign.value["products"] == []
    assert code(await put(call, CUSTOMER, version="9")) == "FORBIDDEN"
    none = await call("get_customer_context", STAFF, customer_id="nobody")
    assert code(none) == "CUSTOMER_NOT_FOUND"
    assert code(await put(call, customer_id="nobody")) == "CUSTOMER_NOT_FOUND"


async def test_what_is_on_record_is_what_a_session_goes_by(call: Call) -> None:
    wrong = {"base_url": "http://api.example.com", "timeout_seconds": 30}
    await put(call, version="2.3", configuration=wrong)
    session = await answer(call, await start(call, product_name="acme api"), True, 0)
    assert session["step"]["step_id"] == "configured"
    done = (await do(call, "answer_step_by_test", session)).value
    assert done["result"]["cause"] == "client_configuration"
    kept = await call("get_test_run", STAFF, run_id=done["answered"][-1]["test_run_id"])
    (result,) = kept.value["report"]["results"]
    assert "does not begin with https://" in result["told"]


class Crm:
    """A system that knows customers, and how it does."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.how = "well"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
        if self.how == "hangs":
            await asyncio.sleep(60)
        licences = [{"product": "Acme API", "version": "2.4", "plan": "gold", "calls": {"n": 3}}]
        data: Any = {"status": "suspended", "licences": licences, "owner": {"name": "Ann"}}
        data |= {"network": "vpn", "integrations": {"billing": "failing"}}
        data["notes"] = [{"type": "call", "on": "2026-11-01", "text": "Wants a refund."}]
        status, body = 200, json.dumps(data).encode()
        if self.how == "big":
            body = b"[" + b"1," * 5_000_000 + b"1]"
        elif self.how == "junk":
            body = b"<html>"
        elif self.how == "list":
            body = b"[[], 1, null]"
        elif self.how.isdigit():
            status = int(self.how)
        elif self.how == "redirects":
            writer.write(b"HTTP/1.1 302 X\r\nlocation: http://169.254.169.254/\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()


FILE = """
sources:
  - name: crm
    url: http://127.0.0.1:PORT/accounts/{customer_id}
    authentication: {bearer: TEST_CRM_TOKEN}
    seconds: 1
    remembered: 60
    account_status: $.status
    products:
      each: $.licences[*]
      product_name: $.product
      version: $.version
      support_tier: $.plan
      usage_stats: $.calls
    interactions: {each: "$.notes[*]", kind: $.type, at: $.on, summary: $.text}
    fields: {manager: $.owner.name}
    environment: {network: $.network, integration_billing: $.integrations.billing, other: $.none}
"""


@pytest.fixture
async def crm(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Crm, int]]:
    monkeypatch.setenv("TEST_CRM_TOKEN", "s3cret")
    system = Crm()
    async with serving(system.serve) as port:
        yield system, port


@pytest.fixture
async def with_crm(
    crm: tuple[Crm, int], sqlite_settings: Settings, offline: OfflineModel, tmp_path: Path
) -> AsyncIterator[tuple[Crm, Desk]]:
    system, port = crm
    file = tmp_path / "crm.yaml"
    file.write_text(FILE.replace("PORT", str(port)), "utf-8")
    sqlite_settings.diagnostics.crm_file = file
    async with open_desk(sqlite_settings, model=offline) as desk:
        yield system, desk


async def test_another_system_is_asked_once_and_remembered(with_crm: tuple[Crm, Desk]) -> None:
    system, desk = with_crm
    call = caller(desk)
    await put(call, version="2.3")
    found = (await call("get_customer_context", STAFF, customer_id="user_001")).value
    assert [(one["source"], one["version"]) for one in found["products"]] == [
        ("desk", "2.3"),
        ("crm", "2.4"),
    ]
    assert found["products"][1]["usage_stats"] == {"n": 3}
    assert (found["account_status"], found["fields"]["crm.manager"]) == ("suspended", "Ann")
    told = {"source": "crm", "kind": "call", "at": "2026-11-01", "summary": "Wants a refund."}
    assert found["history"]["interactions"] == [told]
    assert found["complete"] is True
    await info(call)
    assert len(system.asked) == 1
    assert system.asked[0].startswith("GET /accounts/user_001 ")
    assert "authorization: bearer s3cret" in system.asked[0].lower()
    assert "s3cret" not in json.dumps(found)


async def test_another_system_tells_of_networks_and_integrations(
    with_crm: tuple[Crm, Desk],
) -> None:
    _, desk = with_crm
    call, told = caller(desk), {"customer_id": "user_001"}
    await call("report_customer_environment", **told, environment_info={"network": "home"})
    found = (await call("detect_customer_environment", STAFF, **told)).value
    facts = {one["name"]: one for one in found["facts"] if one["source"] == "crm"}
    assert facts["network"]["value"] == "vpn"
    assert facts["integration_billing"]["value"] == "failing"
    assert "other" not in facts
    assert [one["name"] for one in found["conflicts"]] == ["network"]


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("hangs", "did not answer within 1 seconds"),
        ("big", "more than 1,000,000 bytes"),
        ("junk", "no JSON"),
        ("500", "answers with 500"),
        ("401", "answers with 401"),
        ("redirects", "answers with 302"),
    ],
)
async def test_where_another_system_fails_the_rest_is_there_and_says_so(
    with_crm: tuple[Crm, Desk], how: str, problem: str
) -> None:
    system, desk = with_crm
    call = caller(desk)
    await put(call, version="2.3")
    system.how = how
    begun = time.monotonic()
    found = await info(call)
    assert time.monotonic() - begun < 10
    assert [one["version"] for one in found["products"]] == ["2.3"]
    assert found["complete"] is False
    ours, theirs = found["sources"]
    assert (ours["state"], theirs["state"]) == ("ok", "unavailable")
    assert problem in theirs["problem"]
    system.how = "well"  # what failed is not remembered
    assert (await info(call))["complete"] is True


async def test_an_answer_of_another_form_is_empty_and_one_of_404_unknown(
    with_crm: tuple[Crm, Desk],
) -> None:
    system, desk = with_crm
    system.how = "404"
    found = await info(caller(desk))
    assert (found["sources"][1]["state"], found["complete"]) == ("unknown", True)
    system.how = "list"
    desk.gate.port(Sources)._remembered.clear()
    found = await info(caller(desk))
    assert (found["sources"][1]["state"], found["products"]) == ("ok", [])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("$.owner.name", "$.owner..", "is no JSONPath"),
        ("{network: $.network", "{network: $.network..", "is no JSONPath"),
        ("$.status", "$.[", "is no JSONPath"),
        ("url: http://", "url: ftp://", "url"),
        ("seconds: 1", "secnds: 1", "secnds"),
        ("TEST_CRM_TOKEN", "TEST_NOT_SET", "the variable TEST_NOT_SET is not set"),
    ],
)
def test_what_is_wrong_with_the_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, told: str
) -> None:
    monkeypatch.setenv("TEST_CRM_TOKEN", "s3cret")
    file = tmp_path / "crm.yaml"
    file.write_text(FILE, "utf-8")
    assert len(read_sources(file, "default")) == 1
    file.write_text(FILE.replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match="CRM_FILE") as raised:
        read_sources(file, "default")
    assert told in str(raised.value)
