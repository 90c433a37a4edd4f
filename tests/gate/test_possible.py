"""Nobody is asked about a call that can only fail."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.gate.approvals import approvals
from deskward.gate.confirmations import confirmations
from deskward.gate.context import Context
from deskward.security.principals import AGENT
from tests.conftest import CUSTOMER, OTHER, STAFF, Call


@pytest.mark.parametrize("tool", ["deactivate_card", "unfreeze_card"])
async def test_no_card_is_left(desk: Desk, call: Call, tool: str) -> None:
    if tool == "deactivate_card":
        done = await call(tool, replace(STAFF, roles=("support-2",)), user_id=OTHER.id)
        assert done.status == "ok"
    context = Context(OTHER.with_agent(AGENT), "mcp")
    context.reading.add({"author"})
    asked = await desk.gate.call(tool, {}, context)
    assert asked.error is not None
    assert asked.error.code == "NOT_FOUND"
    await nobody_is_asked(desk)


async def test_an_order_cannot_become_that(desk: Desk) -> None:
    shipped = {"order_id": "O1001", "status": "cancelled"}
    refused = await desk.gate.call(
        "update_order_status", shipped, Context(CUSTOMER.with_agent(AGENT), "agent")
    )
    assert refused.error is not None
    assert "is delivered and can only become" in refused.error.message
    await nobody_is_asked(desk)


async def nobody_is_asked(desk: Desk) -> None:
    for table in (approvals, confirmations):
        assert await desk.database.reader.all(sa.select(table.c.id)) == []
