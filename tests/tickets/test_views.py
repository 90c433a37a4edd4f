"""Saved views: whose they are, who sees them, and what they find."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.app import Desk
from deskward.security.members import members
from deskward.security.principals import Kind, Principal
from tests.cli.conftest import Cli, cli, folder
from tests.conftest import STAFF, Call, hire

__all__ = ["cli", "folder"]

OTTO = Principal(Kind.STAFF, "otto", "default", ("support",))
SAVE = (
    "call|save_ticket_view|name=Open ones|query=status:open|shared=tenant"
    "|--staff|lena|--role|support-2"
)
LEAD = Principal(Kind.STAFF, "lena", "default", ("support-2",))
THEIRS = Principal(Kind.STAFF, "anna", "acme", ("support-3",))


async def saved(call: Call, who: Principal = STAFF, **more: Any) -> dict[str, Any]:
    arguments = {"name": "mine", "query": "heliotrope"} | more
    outcome = await call("save_ticket_view", who, **arguments)
    assert outcome.status == "ok", outcome.value
    return dict(outcome.value)


async def names(call: Call, who: Principal) -> list[str]:
    found = await call("list_ticket_views", who)
    assert found.status == "ok", found.value
    return [one["name"] for one in found.value["views"]]


async def write(call: Call, *subjects: str) -> None:
    for subject in subjects:
        arguments = {"customer_id": "user_001", "subject": subject, "body": "x"}
        assert (await call("create_ticket", STAFF, **arguments)).status == "ok"


async def test_a_view_finds_what_it_says_and_a_query_some_of_it(desk: Desk, call: Call) -> None:
    await write(call, "heliotrope one", "heliotrope two", "mauve")
    view = await saved(call, order="oldest")

    async def found(**more: Any) -> list[str]:
        page = await call("search_tickets", STAFF, view=view["view_id"], **more)
        assert page.status == "ok", page.value
        return [one["subject"] for one in page.value["tickets"]]

    assert await found() == ["heliotrope one", "heliotrope two"]
    assert await found(order="newest") == ["heliotrope two", "heliotrope one"]
    assert await found(query="two") == ["heliotrope two"]
    counted = (await call("list_ticket_views", STAFF, counts=True)).value["views"][0]
    assert (counted["count"], counted["more"]) == (2, False)
    changed = {"query": "mauve", "name": "other", "order": "newest"}
    outcome = await call("change_ticket_view", STAFF, view_id=view["view_id"], **changed)
    assert outcome.status == "ok", outcome.value
    assert {name: outcome.value[name] for name in changed} == changed
    assert await found() == ["mauve"]
    assert (await call("delete_ticket_view", STAFF, view_id=view["view_id"])).status == "ok"
    gone = await call("search_tickets", STAFF, view=view["view_id"])
    assert gone.value["error"]["code"] == "VIEW_NOT_FOUND"


async def test_a_view_is_seen_by_those_with_whom_it_is_shared(desk: Desk, call: Call) -> None:
    await hire(desk, "anna", "otto", "lena")
    async with desk.database.transaction() as db:
        of_otto = members.c.id == "otto"
        await db.execute(sa.update(members).where(of_otto).values(teams=["billing"]))
    mine = await saved(call)
    await saved(call, name="team's", shared="team", team="billing")
    everybodys = await saved(call, LEAD, name="everybody's", shared="tenant")
    assert await names(call, STAFF) == ["everybody's", "mine", "team's"]
    assert await names(call, OTTO) == ["everybody's", "team's"]
    assert await names(call, LEAD) == ["everybody's"]
    assert await names(call, THEIRS) == []
    for who in (OTTO, THEIRS):
        for tool in ("delete_ticket_view", "change_ticket_view"):
            outcome = await call(tool, who, view_id=mine["view_id"])
            assert outcome.value["error"]["code"] == "VIEW_NOT_FOUND", (who, tool)
    refused = await call("delete_ticket_view", STAFF, view_id=everybodys["view_id"])
    assert refused.value["error"]["code"] == "FORBIDDEN"
    refused = await call("change_ticket_view", STAFF, view_id=mine["view_id"], shared="tenant")
    assert refused.value["error"]["code"] == "FORBIDDEN"
    taken_over = await call("change_ticket_view", LEAD, view_id=everybodys["view_id"], name="all")
    assert taken_over.value["name"] == "all"


async def test_a_view_that_could_not_be_looked_for_is_not_saved(call: Call) -> None:
    for wrong in (
        {"query": "stauts:open"},
        {"shared": "team"},
        {"shared": "nobody", "team": "billing"},
        {"name": ""},
    ):
        outcome = await call("save_ticket_view", STAFF, **{"name": "x", "query": "", **wrong})
        assert outcome.error is not None, wrong
        assert outcome.error.status in (400, 409), wrong


async def test_a_change_names_a_team_where_it_shares_with_one(call: Call) -> None:
    kept = await saved(call, name="mine")
    for wrong, status in (
        ({"shared": "nobody", "team": "billing"}, 400),
        ({"team": "billing"}, 409),
        ({"shared": "team"}, 409),
    ):
        outcome = await call("change_ticket_view", STAFF, view_id=kept["view_id"], **wrong)
        assert outcome.error is not None, wrong
        assert outcome.error.status == status, wrong
        assert "team" in outcome.error.message


def test_the_command_lists_views_and_looks_by_their_names(cli: Cli) -> None:
    code, said, _ = cli(*SAVE.split("|"))
    assert code == 0, said
    code, said, _ = cli("tickets", "views")
    assert code == 0
    assert said.rstrip().endswith("Open ones: status:open")
    code, said, _ = cli("tickets", "search", "--view", "Open ones", "--json")
    assert code == 0
    assert '"open"' in said
    assert cli("tickets", "search", "--view", "none")[0] != 0
