"""What a system that knows customers says amiss is told, and what is secret is shown to nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deskward.agent.offline.model import OfflineModel
from deskward.app import Desk
from deskward.core.settings import Settings
from deskward.core.veil import MASK
from deskward.diagnostics.context.service import products
from tests.conftest import CUSTOMER, STAFF, Call, caller
from tests.diagnostics.test_context import put
from tests.diagnostics.test_crm_faults import Crm, context, crm_of, ok

FILE = """
sources:
  - name: crm
    url: http://127.0.0.1:PORT/accounts/{customer_id}
    remembered: 0
    account_status: $.status
    products: {each: "$.licences[*]", product_name: $.product, version: $.version,
      configuration: $.settings, usage_stats: $.usage}
    interactions: {each: "$.notes[*]", kind: $.type, at: $.on, summary: $.text}
    fields: {manager: $.owner.name, api_token: $.owner.token}
    environment: {network: $.network, admin_password: $.admin}
"""
WELL = {
    "status": "active",
    "licences": [{"product": "P", "version": "1", "settings": {"a": 1}, "usage": {"calls": 7}}],
    "notes": [{"type": "call", "on": "2026-11-01", "text": "Wants more."}],
    "owner": {"name": "Ann"},
    "network": "vpn",
}


@pytest.fixture
async def with_crm(
    sqlite_settings: Settings, offline: OfflineModel, tmp_path: Path
) -> AsyncIterator[tuple[Crm, Call]]:
    async with crm_of(FILE, sqlite_settings, offline, tmp_path) as made:
        yield made


async def test_what_is_not_of_its_form_is_left_out_and_told(with_crm: tuple[Crm, Call]) -> None:
    system, call = with_crm

    async def told(**amiss: Any) -> tuple[Any, Any]:
        system.body = json.dumps({**WELL, **amiss}).encode()
        found = await context(call, STAFF, "user_001")
        source = found["sources"][1]
        assert found["complete"] is (source["state"] == "ok")
        assert source["state"] in ("ok", "partial")
        return found, (source["problem"] or "").rpartition(": ")[2]

    found, wrong = await told()
    assert (found["account_status"], wrong) == ("active", "")
    for status in ({"x": [1]}, ["a"], True):
        found, wrong = await told(status=status)
        assert (found["account_status"], wrong) == ("active", "account_status.")
        assert "'x'" not in json.dumps(found)
    found, wrong = await told(status="y" * 500_000)
    assert (len(found["account_status"]), wrong) == (200, "account_status.")
    for licences in ("none", 7):
        found, wrong = await told(licences=licences)
        assert (found["products"], wrong) == ([], "products.")
    assert (await told(licences=None))[1] == ""
    for name in ("", "  ", None, ["P"], {"a": 1}):
        found, wrong = await told(licences=[{"product": name, "version": "1"}])
        assert (found["products"], wrong) == ([], "products[0].product_name.")
        facts = await call("detect_customer_environment", STAFF, customer_id="user_001")
        assert "version of " not in [one["name"] for one in ok(facts)["facts"]]
        assert facts.value["complete"] is False
    found, wrong = await told(licences=[5, {"product": "P", "version": [1], "settings": "x"}])
    assert wrong == "products[0], products[1].version, products[1].configuration."
    assert (found["products"][0]["version"], found["products"][0]["configuration"]) == ("", {})
    found, wrong = await told(notes=[{"type": 5, "on": "z" * 3_000, "text": {"a": 1}}])
    assert wrong == "interactions[0].at, interactions[0].summary."
    assert (await told(network=["a"]))[1] == "environment.network."
    found, wrong = await told(licences=[{"product": {}}] * 50)
    assert "products[9].product_name and 40 more" in wrong


async def test_what_is_secret_by_its_name_is_masked(with_crm: tuple[Crm, Call]) -> None:
    system, call = with_crm
    settings = {"a": 1, "password": "hunter2", "db": {"api_key": "hunter2"}, "tokens_used": 3}
    licences = [{"product": "P", "settings": settings, "usage": {"secret": "hunter2"}}]
    owner = {"name": "Ann", "token": "hunter2"}
    system.body = json.dumps({"licences": licences, "owner": owner, "admin": "hunter2"}).encode()
    await put(call, configuration=settings, usage_stats={"cookie": "hunter2"})
    facts = {"environment_info": {"proxy_password": "hunter2"}}
    ok(await call("report_customer_environment", CUSTOMER, **facts))
    for by in (STAFF, CUSTOMER):
        for tool, more in (
            ("get_customer_context", {}),
            ("get_customer_product_info", {}),
            ("detect_customer_environment", {"detection_method": "declared"}),
            ("detect_customer_environment", {"detection_method": "api"}),
        ):
            found = ok(await call(tool, by, customer_id="user_001", **more))
            assert "hunter2" not in json.dumps(found), tool
    found = await context(call, STAFF, "user_001")
    masked = {"a": 1, "password": MASK, "db": {"api_key": MASK}, "tokens_used": 3}
    assert [one["configuration"] for one in found["products"]] == [masked, masked]
    assert found["fields"]["crm.api_token"] == MASK


async def test_what_was_read_masked_and_is_written_again_stays(desk: Desk) -> None:
    call = caller(desk)
    before = {"password": "hunter2", "hosts": [{"token": "t0ken"}], "size": 1}
    await put(call, configuration=before)
    (product,) = (await context(call, STAFF, "user_001"))["products"]
    again = {**product["configuration"], "size": 2}
    assert again["password"] == MASK
    await put(call, configuration=again)
    (row,) = await products(desk.database.reader, "default", "user_001")
    assert row.configuration == {**before, "size": 2}
