"""A desk without an example domain offers nothing of it at any door, and one with it all of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from deskward.agent.offline.model import OfflineModel
from deskward.agent.offline.skills import render
from deskward.app import Desk, _handlers, open_desk
from deskward.core.settings import Settings
from deskward.entrypoints.application import http_application
from deskward.entrypoints.banner import warnings
from deskward.features import SLICES, domains, features, features_of
from deskward.gate.context import Context
from deskward.gate.policy.schema import check
from deskward.gate.policy.truth_table import read_tables, run_tables
from deskward.security.principals import Kind, Principal
from deskward.shipped import policy_of, skills_of
from tests.conftest import CUSTOMER, SERVICE, STAFF, settings_in
from tests.everything import EVERYTHING

BANK = {tool.name for part in SLICES if part.domain == "bank" for tool in part.tools.tools}  # type: ignore[union-attr]  # each example domain has tools
SHOP = {tool.name for part in SLICES if part.domain == "shop" for tool in part.tools.tools}  # type: ignore[union-attr]  # each example domain has tools
OFF = [
    pytest.param("", BANK | SHOP, id="none"),
    pytest.param("bank", SHOP, id="bank"),
    pytest.param(" shop ,", BANK, id="shop"),
    pytest.param("shop,bank", set(), id="both"),
]
CALLERS = (CUSTOMER, STAFF, SERVICE, Principal(Kind.STAFF, "boss", "default", ("support-3",)))


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk as somebody has it who only installed it."""
    model = OfflineModel(skills_of(settings_in(tmp_path), features(frozenset())), lazy=True)
    async with open_desk(settings_in(tmp_path, domains=""), model=model) as desk:
        yield desk


SET_UP = {"kafka_bootstrap_servers": "localhost:9092", "aws_access_key_id": "AKIA"}
"""The settings without which slices are not there that are of no domain."""


def test_the_domains_are_a_bank_and_a_shop() -> None:
    assert domains() == ("bank", "shop")
    assert {"get_account_balance", "freeze_card", "update_address"} <= BANK
    assert {"refund_order", "register_complaint"} <= SHOP


@pytest.mark.parametrize(("on", "absent"), OFF)
def test_what_is_off_brings_nothing(tmp_path: Path, on: str, absent: set[str]) -> None:
    some = features_of(settings_in(tmp_path, domains=on, **SET_UP))
    all_names = {tool.name for tool in EVERYTHING.tools}
    assert {tool.name for tool in some.tools} == all_names - absent
    skills = skills_of(settings_in(tmp_path), some)
    assert not absent & {skill.tool for skill in skills.skills.values()}
    assert not absent & some.claims.declared.tools
    policy = policy_of(settings_in(tmp_path), some, some.tools)
    gone = {tool.scope for tool in EVERYTHING.tools} - {tool.scope for tool in some.tools}
    assert not gone & policy.roles.all_scopes
    left = {part.domain for part in SLICES if part not in some.slices}
    kinds = {kind for part in SLICES if part.domain in left for kind in part.kinds}
    assert not kinds & some.kinds.keys()


@pytest.mark.slow
@pytest.mark.parametrize(("on", "absent"), OFF)
def test_the_policies_that_are_left_are_sound(tmp_path: Path, on: str, absent: set[str]) -> None:
    some = features_of(settings_in(tmp_path, domains=on, **SET_UP))
    policy = policy_of(settings_in(tmp_path), some, EVERYTHING.tools)
    assert check(policy, EVERYTHING.tools) == []
    rows = list(run_tables(policy, read_tables(*some.policies)))
    assert rows
    assert all(row.passed for row in rows)


async def test_no_door_of_a_bare_desk_offers_any_of_them(bare: Desk) -> None:
    transport = httpx2.ASGITransport(app=http_application(bare))
    named = [*sorted(BANK | SHOP), "/orders", "/complaints", "/cards"]
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in ("/openapi.json", "/docs"):
            page = (await client.get(path)).text
            assert [name for name in named if name in page] == []
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        accept = {"Accept": "application/json, text/event-stream"}
        listed = (await client.post("/mcp", json=asked, headers=accept)).text
        assert [name for name in named if f'"{name}"' in listed] == []
        assert (await client.get("/api/v1/orders/O1001")).status_code == 404
    for caller in CALLERS:
        assert not (BANK | SHOP) & {tool.name for tool in bare.gate.tools_for(caller)}
    outcome = await bare.gate.call("get_account_balance", {}, Context(CUSTOMER, "cli"))
    assert outcome.error is not None
    assert outcome.error.code == "UNKNOWN_TOOL"
    assert set(_handlers(bare.features, bare.gate, bare.conversations)) <= set(
        _handlers(EVERYTHING, bare.gate, bare.conversations)
    )


async def test_the_offline_model_says_what_this_desk_can(bare: Desk) -> None:
    await bare.gate.call(
        "no_such_tool", {}, Context(CUSTOMER, "cli")
    )  # whoever asks for what is gone hears of it
    model = bare.conversations.agent.model
    assert isinstance(model, OfflineModel)
    can = model.abilities(set(model.skills))
    assert "look up a ticket" in can
    assert not any(word in " ".join(can) for word in ("order", "card", "balance", "complaint"))


async def test_nothing_that_the_offline_model_says_tells_of_what_is_off(bare: Desk) -> None:
    model = bare.conversations.agent.model
    assert isinstance(model, OfflineModel)
    can = {"abilities": model.abilities(set(model.skills))}
    said = {name: render(one.say["en"], can) for name, one in model.skills.items() if one.say}
    assert {"greeting", "thanks", "goodbye", "capabilities"} <= said.keys()
    for word in ("order", "card", "balance", "complaint", "transaction", "password", "account"):
        assert [name for name, text in said.items() if word in text] == []


async def test_a_slip_is_refused_with_the_names_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"DOMAINS: there is no domain 'bnak'; .* bank, shop"):
        async with open_desk(settings_in(tmp_path, domains="shop,bnak"), demo=True):
            pass
    assert not (tmp_path / "deskward.db").exists()


async def test_records_of_what_is_off_are_told_of_in_one_line(
    sqlite_settings: Settings, tmp_path: Path
) -> None:
    async with open_desk(sqlite_settings.changed(domains="bank"), chat=False) as desk:
        (line,) = [line for line in warnings(desk) if "DOMAINS" in line]
        assert "shop" in line
        assert "bank" not in line
        assert not SHOP & desk.gate.tools.keys()
    async with open_desk(sqlite_settings, chat=False) as desk:
        assert [line for line in warnings(desk) if "DOMAINS" in line] == []
    async with open_desk(sqlite_settings.changed(domains=""), chat=False, as_recorded=True) as desk:
        assert desk.gate.tools.keys() >= (SHOP | BANK)
        assert desk.left_out == []


async def test_who_names_a_group_or_an_outside_server_has_its_slice(tmp_path: Path) -> None:
    only = features_of(settings_in(tmp_path, domains=""), only="complaints")
    outside = features_of(
        settings_in(tmp_path, domains="", mcp_server_url="http://localhost:1/mcp")
    )
    for some in (only, outside):
        names = {tool.name for tool in some.tools}
        assert "register_complaint" in names
        assert "refund_order" not in names


async def test_an_approval_whose_tool_is_gone_can_be_looked_at_and_denied(
    settings: Settings,
) -> None:
    refund = {"order_id": "O1001", "amount": "60.00", "reason": "It came late."}
    async with open_desk(settings, chat=False) as desk:
        asked = await desk.gate.call("refund_order", refund, Context(STAFF, "cli"))
        assert asked.status == "pending", asked.value
        waiting = {"approval_id": asked.value["approval_id"]}
    boss = Context(Principal(Kind.STAFF, "boss", "default", ("support-2",)), "cli")
    async with open_desk(settings.changed(domains=""), chat=False) as desk:
        shown = await desk.gate.call("get_approval", waiting, boss)
        assert shown.value["tool"] == "refund_order"
        assert shown.value["status"] == "void"
        assert "no tool 'refund_order'" in shown.value["void_because"]
        refused = await desk.gate.call("approve_call", waiting, boss)
        assert refused.error is not None
        assert "no tool 'refund_order'" in refused.error.message
        assert (await desk.gate.call("deny_call", waiting, boss)).error is None


async def test_an_approved_call_waits_for_a_process_that_has_its_tool(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deskward.conversations.decisions.AGAIN", 0.05)
    refund = {"order_id": "O1001", "amount": "60.00", "reason": "It came late."}
    boss = Context(Principal(Kind.STAFF, "boss", "default", ("support-2",)), "cli")
    async with open_desk(settings, chat=False) as desk:
        asked = await desk.gate.call("refund_order", refund, Context(STAFF, "cli"))
        assert asked.status == "pending", asked.value
        waiting = {"approval_id": asked.value["approval_id"]}
        async with open_desk(settings.changed(domains=""), chat=False):
            done = await desk.gate.call("approve_call", waiting, boss)
            assert done.error is None, done.error
            for _ in range(200):
                state = (await desk.gate.call("get_approval", waiting, boss)).value
                if state["status"] == "done":
                    break
                await asyncio.sleep(0.05)
        assert state["status"] == "done", json.dumps(state["answer"])
