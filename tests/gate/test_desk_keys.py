"""The desk's own idempotency keys: no caller can name one, through whichever door."""

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.errors import InvalidInput
from deskward.gate.context import Context, Door
from deskward.gate.effects import DeskKey, effects, stored
from tests.conftest import CUSTOMER, STAFF, Call
from tests.gate.test_approvals import ADDRESS, LEAD, address, pending, settled

DOORS: tuple[Door, ...] = ("rest", "mcp", "cli", "agent")


@pytest.mark.parametrize("door", DOORS)
async def test_a_callers_key_does_not_mark_an_approved_call_done(
    sqlite_desk: Desk, sqlite_call: Call, door: Door
) -> None:
    """Who asks for a call, and makes another one under the name of its approval."""
    approval_id = await pending(sqlite_call)
    other = {**ADDRESS, "new_address": "9 Other Street, Boston"}
    for named in (f"approval:{approval_id}", f"approval:{approval_id} ", approval_id):
        made = await sqlite_desk.gate.call(
            "update_address",
            other,
            Context(STAFF, door),
            idempotency_key=named,
        )
        assert made.status == "pending"
    await sqlite_call("approve_call", LEAD, approval_id=approval_id)
    assert (await settled(sqlite_desk, approval_id))["status"] == "done"
    assert await address(sqlite_call) == ADDRESS["new_address"]


@pytest.mark.parametrize("named", ["\x1fapproval:{}", "\x1fturn:{}:1:0", "\tapproval:{}", ""])
@pytest.mark.parametrize("door", DOORS)
async def test_a_key_that_looks_like_the_desks_is_refused(
    sqlite_desk: Desk, sqlite_call: Call, door: Door, named: str
) -> None:
    key = named.format("0" * 32)
    context = Context(CUSTOMER, door)
    issue = {"description": "My card does not work."}
    refused = await sqlite_desk.gate.call("report_issue", issue, context, idempotency_key=key)
    assert refused.value["error"]["code"] == "INVALID_INPUT"
    with pytest.raises(InvalidInput):
        stored(key)


async def test_a_callers_key_does_not_answer_for_an_agents_step(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    """The turn's id stands in every event of a stream: a customer knows it."""
    turn = "4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"
    await sqlite_call("report_issue", key=f"turn:{turn}:1:0", description="planted")
    await sqlite_call("report_issue", key=f"{turn}:1:0", description="planted")
    agent = CUSTOMER.with_agent("assistant")
    context = Context(agent, "agent", session_id="s", turn_id=turn)
    key = DeskKey("turn", f"{turn}:1:0")
    assert await sqlite_desk.gate.first_answer("report_issue", context, key) is None
    made = await sqlite_desk.gate.call(
        "report_issue", {"description": "real"}, context, idempotency_key=key
    )
    assert (made.status, made.repeated) == ("ok", False)


async def test_a_message_under_the_name_of_an_approval_does_not_silence_it(
    sqlite_desk: Desk,
) -> None:
    context = Context(CUSTOMER, "agent")
    conversations = sqlite_desk.conversations
    reader = await conversations.send(context, "s", "hello", key="approval:" + "0" * 32)
    async for _ in reader:
        pass
    before = await _turns(sqlite_desk)
    await conversations.follow_up(context, "s", [], key=DeskKey("approval", "0" * 32))
    assert await _turns(sqlite_desk) == before + 1


async def _turns(desk: Desk) -> int:
    row = await desk.database.reader.first(sa.text("SELECT count(*) FROM turns"))
    assert row is not None
    return int(row[0])


async def test_no_kind_of_key_is_anothers(desk: Desk, call: Call) -> None:
    """Also in the table: what a caller sends is kept as it is."""
    await call("report_issue", key="turn:x:1:0", description="planted")
    rows = await desk.database.reader.all(sa.select(effects.c.key))
    assert [row.key for row in rows] == ["turn:x:1:0"]
    assert stored(DeskKey("turn", "x:1:0")) not in {row.key for row in rows}
