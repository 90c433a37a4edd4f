"""The gate: validate, identify, policy, effect, run, ledger."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, SecretStr
from sqlalchemy.exc import SQLAlchemyError

from deskward.app import GROUPS, Desk
from deskward.core.database import Writer, now
from deskward.core.errors import Conflict, Unavailable
from deskward.customers.models import customers
from deskward.gate.approvals import approvals
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.effects import effects
from deskward.gate.policy import Policy
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup
from deskward.gate.verify import verify
from tests.conftest import AUDITOR, CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call, caller, recorded

PERMIT = '@id("all") permit (principal, action, resource);'


async def test_a_call_gives_the_answer_and_writes_a_row(desk: Desk, call: Call) -> None:
    outcome = await call("get_account_balance")
    assert outcome.value["balance"] == {
        "amount": 542050,
        "currency": "USD",
        "formatted": "$5,420.50",
    }
    (row,) = await recorded(desk)
    assert row["tool"] == "get_account_balance"
    assert row["principal"]["id"] == "user_001"
    assert row["arguments"] == {"user_id": "user_001"}
    assert (row["verdict"], row["policies"]) == ("allow", ["customer-uses-own-data"])
    assert (row["status"], row.get("code")) == ("ok", None)
    assert row["result"] == outcome.value
    assert row["request_id"] == outcome.request_id


async def test_another_customer_is_refused_and_recorded(desk: Desk, call: Call) -> None:
    outcome = await call("get_account_balance", user_id="user_002")
    assert outcome.value["error"]["code"] == "FORBIDDEN"
    (row,) = await recorded(desk)
    assert row["arguments"] == {"user_id": "user_002"}
    assert (row["verdict"], row["policies"]) == ("deny", ["bound:user_id"])
    assert (row["status"], row["code"], row["result"]) == ("error", "FORBIDDEN", None)


async def test_the_tenant_is_the_callers(desk: Desk, call: Call) -> None:
    assert (await call("get_account_balance", FOREIGN)).value["balance"]["currency"] == "EUR"
    await call("create_ticket", subject="Ours", body="Ours")
    outcome = await call("get_ticket", FOREIGN, ticket_id="T1001")
    assert outcome.value["error"]["code"] == "TICKET_NOT_FOUND"


async def test_a_scope_that_is_missing_is_refused(call: Call) -> None:
    outcome = await call("update_ticket", ticket_id="T1001", update={"status": "open"})
    assert outcome.value["error"]["details"] == {"policies": ["scope:tickets:write"]}
    outcome = await call("get_account_balance", AUDITOR, user_id="user_001")
    assert outcome.value["error"]["code"] == "FORBIDDEN"


async def test_a_record_of_another_is_refused_by_policy(call: Call) -> None:
    await call("create_ticket", subject="Mine", body="Mine")
    outcome = await call("get_ticket", OTHER, ticket_id="T1001")
    assert outcome.value["error"]["details"] == {"policies": ["customer-not-others-records"]}


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("get_transaction_history", {"limit": "five"}, "limit"),
        ("get_transaction_history", {"limit": "5"}, "limit"),
        ("get_transaction_history", {"limit": 0}, "limit"),
        ("get_transaction_history", {"limit": True}, "limit"),
        ("get_account_balance", {"extra": 1}, "extra"),
        ("create_ticket", {"subject": "A", "body": ""}, "body"),
        ("get_ticket", {"ticket_id": "1001"}, "ticket_id"),
        ("get_ticket", {}, "ticket_id"),
        ("get_ticket", {"ticket_id": None}, "ticket_id"),
        ("get_ticket", {"ticket_id": ["T1"]}, "ticket_id"),
        ("change_password", {"new_password": "short"}, "new_password"),
        ("change_password", {"new_password": 12345678}, "new_password"),
        ("update_address", {"new_address": "a\nb street 5"}, "new_address"),
    ],
)
async def test_bad_arguments_are_named_and_not_recorded(
    sqlite_desk: Desk, sqlite_call: Call, tool: str, arguments: dict, field: str
) -> None:
    outcome = await sqlite_call(tool, **arguments)
    error = outcome.value["error"]
    assert error["code"] == "INVALID_INPUT"
    assert error["details"]["fields"][0]["field"] == field
    (row,) = await recorded(sqlite_desk)
    assert row["code"] == "INVALID_INPUT"
    given = {str(value) for value in arguments.values()}
    assert not given & {str(value) for value in row["arguments"].values()}


async def test_doors_of_text_are_lenient(sqlite_desk: Desk) -> None:
    outcome = await sqlite_desk.gate.call(
        "get_transaction_history", {"limit": "1"}, Context(CUSTOMER, "rest"), strict=False
    )
    assert len(outcome.value["transactions"]) == 1


async def test_an_unknown_tool_is_an_error(sqlite_call: Call) -> None:
    assert (await sqlite_call("launch")).value["error"]["code"] == "UNKNOWN_TOOL"


async def test_repeating_a_call_gives_its_first_answer(desk: Desk, call: Call) -> None:
    first = await call("create_ticket", key="k1", subject="A", body="B")
    again = await call("create_ticket", key="k1", subject="A", body="B")
    assert again.value == first.value
    assert (first.repeated, again.repeated) == (False, True)
    assert (await call("list_tickets")).value["total"] == 1 + 7  # of the demo desk
    assert [row["status"] for row in await recorded(desk)] == ["ok", "repeated", "ok"]


async def test_a_key_with_other_arguments_is_an_error(call: Call) -> None:
    await call("create_ticket", key="k1", subject="A", body="B")
    outcome = await call("create_ticket", key="k1", subject="A", body="C")
    assert outcome.value["error"]["code"] == "IDEMPOTENCY_CONFLICT"
    outcome = await call("report_issue", key="k1", description="A")
    assert outcome.value["error"]["code"] == "IDEMPOTENCY_CONFLICT"


async def test_keys_belong_to_their_caller(call: Call) -> None:
    await call("create_ticket", key="k1", subject="A", body="B")
    other = await call("create_ticket", OTHER, key="k1", subject="A", body="B")
    foreign = await call("create_ticket", FOREIGN, key="k1", subject="A", body="B")
    assert not other.repeated
    assert not foreign.repeated


async def test_the_same_key_at_once_has_one_effect(desk: Desk, call: Call) -> None:
    outcomes = await asyncio.gather(
        *(call("create_ticket", key="k", subject="A", body="B") for _ in range(20))
    )
    assert {outcome.value.get("ticket_id") for outcome in outcomes} == {"T1001"}
    assert sum(not outcome.repeated for outcome in outcomes) == 1
    assert (await call("list_tickets")).value["total"] == 1 + 7  # of the demo desk


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "schlüssel"])
async def test_a_key_of_no_use_is_refused(sqlite_call: Call, key: str) -> None:
    outcome = await sqlite_call("create_ticket", key=key, subject="A", body="B")
    assert outcome.value["error"]["code"] == "INVALID_INPUT"


async def test_a_call_that_failed_can_be_repeated(call: Call) -> None:
    first = await call("create_ticket", STAFF, key="k", customer_id="nobody", subject="A", body="B")
    assert first.value["error"]["code"] == "CUSTOMER_NOT_FOUND"
    again = await call("create_ticket", STAFF, key="k", customer_id="nobody", subject="A", body="B")
    assert again.value["error"]["code"] == "CUSTOMER_NOT_FOUND"


async def test_a_call_that_needs_approval_is_stored_and_not_run(desk: Desk, call: Call) -> None:
    arguments = {"user_id": "user_001", "new_address": "1 New Road, Boston"}
    outcome = await call("update_address", STAFF, **arguments)
    assert outcome.status == "pending"
    assert outcome.value["status"] == "pending_approval"
    row = await desk.database.reader.first(sa.select(approvals))
    assert row is not None
    assert row.id == outcome.value["approval_id"]
    assert json.loads(row.arguments) == arguments
    assert (row.tenant_id, row.principal, row.tool) == ("default", "staff:anna", "update_address")
    assert row.policies == ["changing-a-customers-address-needs-approval"]
    assert row.policy_version == desk.gate.policy.version
    details = await call("get_account_details")
    assert details.value["address"] == "12 Garden Street, Springfield, IL 62701"
    assert (await recorded(desk))[0]["verdict"] == "ask"


async def test_asking_twice_gives_the_same_receipt(call: Call) -> None:
    arguments = {"user_id": "user_001", "new_address": "1 New Road, Boston"}
    first = await call("update_address", STAFF, **arguments)
    again = await call("update_address", STAFF, **arguments)
    keyed = await call("update_address", STAFF, key="k", **arguments)
    keyed_again = await call("update_address", STAFF, key="k", **arguments)
    assert {o.value["approval_id"] for o in (first, again, keyed, keyed_again)} == {
        first.value["approval_id"]
    }
    assert keyed_again.repeated
    other = await call(
        "update_address", STAFF, user_id="user_002", new_address="1 New Road, Boston"
    )
    assert other.value["approval_id"] != first.value["approval_id"]


async def test_a_secret_that_waits_is_not_stored(desk: Desk, call: Call) -> None:
    outcome = await call("deactivate_card", STAFF, user_id="user_001", card="4242 4242 4242 4242")
    assert outcome.status == "pending"
    row = await desk.database.reader.first(sa.select(approvals))
    assert row is not None
    assert json.loads(row.arguments)["card"] == "**********"


async def test_a_service_asks_before_it_closes_a_ticket(call: Call) -> None:
    await call("create_ticket", subject="A", body="B")
    assigned = await call("update_ticket", SERVICE, ticket_id="T1001", update={"assignee": "anna"})
    closing = await call("update_ticket", SERVICE, ticket_id="T1001", update={"status": "closed"})
    assert (assigned.status, closing.status) == ("ok", "pending")


async def test_secrets_are_masked_in_the_ledger(desk: Desk, call: Call) -> None:
    await call("change_password", key="k", new_password="newSecurePass123")
    (row,) = await recorded(desk)
    assert row["arguments"] == {"user_id": "user_001", "new_password": "**********"}


# ---- Tools made for these tests --------------------------------------------------------------


class Done(BaseModel):
    done: str


@dataclass
class World:
    """What the test tools did and are told to do."""

    acted: list[str] = field(default_factory=list)
    effect_ids: list[str] = field(default_factory=list)
    raises: BaseException | None = None
    waits: asyncio.Event | None = None


def group_of(world: World) -> ToolGroup:
    tools = ToolGroup("probe")

    async def act(ctx: Context, what: str) -> Done:
        world.effect_ids.append(ctx.effect_id)
        world.acted.append(what)
        if world.waits:
            await world.waits.wait()
        if world.raises:
            raise world.raises
        return Done(done=what)

    @tools.tool(scope="knowledge:read", risk=Risk.OUTSIDE, rest="POST /probe/outside")
    async def act_outside(ctx: Context, what: str, pin: SecretStr | None = None) -> Done:
        """Act outside."""
        return await act(ctx, what)

    @tools.tool(scope="knowledge:read", risk=Risk.WRITE, rest="POST /probe/write")
    async def write(ctx: Context, user_id: OwnCustomerId, what: str) -> Done:
        """Write."""
        await ctx.db.execute(
            sa.update(customers).where(customers.c.id == user_id).values(name=what)
        )
        return await act(ctx, what)

    @tools.tool(scope="knowledge:read", risk=Risk.READ, rest="GET /probe/read")
    async def read(ctx: Context, what: str) -> Done:
        """Read."""
        return await act(ctx, what)

    return tools


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def probe(desk: Desk, world: World) -> Call:
    """A gate with the test tools beside the shipped ones."""
    tools = [tool for group in (*GROUPS, group_of(world)) for tool in group.tools]
    desk.gate = Gate(
        tools,
        database=desk.database,
        policy=Policy({"a.cedar": PERMIT}, tools),
        key=b"k",
        time_limit=0.3,
    )
    return caller(desk)


async def name_of(desk: Desk) -> str:
    row = await desk.database.reader.first(
        sa.select(customers.c.name).where(
            customers.c.id == "user_001", customers.c.tenant_id == "default"
        )
    )
    assert row is not None
    return str(row.name)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Conflict("No."), "CONFLICT"),
        (RuntimeError("with a secret inside"), "INTERNAL_ERROR"),
        (SQLAlchemyError("broken"), "UNAVAILABLE"),
    ],
)
async def test_a_tool_that_fails_leaves_nothing_behind(
    desk: Desk, probe: Call, world: World, error: Exception, code: str
) -> None:
    world.raises = error
    outcome = await probe("write", what="Changed", key="k")
    assert outcome.value["error"]["code"] == code
    assert "secret" not in outcome.text
    assert await name_of(desk) == "Alex Morgan"
    assert (await recorded(desk))[-1]["code"] == code
    world.raises = None
    assert (await probe("write", what="Changed", key="k")).status == "ok"
    assert await name_of(desk) == "Changed"


async def test_a_tool_that_takes_too_long_is_stopped(desk: Desk, probe: Call, world: World) -> None:
    world.waits = asyncio.Event()
    for tool in ("read", "write"):
        outcome = await probe(tool, what="x")
        assert outcome.value["error"]["code"] == "TIME_LIMIT_EXCEEDED"
    assert await name_of(desk) == "Alex Morgan"


async def test_acting_outside_has_an_id_and_happens_once(
    desk: Desk, probe: Call, world: World
) -> None:
    first = await probe("act_outside", what="mail", key="k")
    again = await probe("act_outside", what="mail", key="k")
    assert first.value == again.value == {"done": "mail"}
    assert world.acted == ["mail"]
    assert len(world.effect_ids[0]) == 32
    await probe("act_outside", what="mail")
    assert world.acted == ["mail", "mail"]
    statuses = [row["status"] for row in await recorded(desk)]
    assert statuses == ["started", "ok", "repeated", "started", "ok"]


async def test_acting_outside_at_once_with_one_key_acts_once(probe: Call, world: World) -> None:
    outcomes = await asyncio.gather(*(probe("act_outside", what="mail", key="k") for _ in range(8)))
    assert world.acted == ["mail"]
    codes = {o.value["error"]["code"] for o in outcomes if o.error}
    assert codes <= {"CALL_IN_PROGRESS"}


async def test_a_refusal_outside_is_known_to_have_had_no_effect(probe: Call, world: World) -> None:
    world.raises = Unavailable("The server refused it.")
    assert (await probe("act_outside", what="mail", key="k")).value["error"][
        "code"
    ] == "UNAVAILABLE"
    world.raises = None
    assert (await probe("act_outside", what="mail", key="k")).status == "ok"


@pytest.mark.parametrize("how", ["crash", "time limit", "bug"])
async def test_an_unknown_outcome_is_said_and_never_retried(
    desk: Desk, probe: Call, world: World, how: str
) -> None:
    if how != "crash":
        if how == "bug":
            world.raises = RuntimeError("connection lost after sending")
        else:
            world.waits = asyncio.Event()
        outcome = await probe("act_outside", what="mail", key="k")
        assert outcome.value["error"]["code"] == "OUTCOME_UNKNOWN"
    else:
        world.waits = asyncio.Event()
        task = asyncio.create_task(probe("act_outside", what="mail", key="k"))
        while not world.acted:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    early = await probe("act_outside", what="mail", key="k")
    assert early.value["error"]["code"] == "CALL_IN_PROGRESS"
    assert early.value["error"]["retry_after"] > 0
    async with desk.database.transaction() as transaction:
        await transaction.execute(sa.update(effects).values(deadline=now() - timedelta(seconds=1)))
    world.waits, world.raises = None, None
    for _ in range(2):
        error = (await probe("act_outside", what="mail", key="k")).value["error"]
        assert error["code"] == "OUTCOME_UNKNOWN"
        assert error["escalation_required"] is True
        assert error["details"]["effect_id"] == world.effect_ids[0]
    assert world.acted == ["mail"]


@pytest.mark.parametrize("failing", [1, 2])
async def test_an_effect_that_cannot_be_recorded_is_unknown_and_not_to_be_tried_again(
    desk: Desk, probe: Call, world: World, failing: int
) -> None:
    """Also where the error itself cannot be written to the ledger."""
    works, fail = desk.database.before_commit, failing
    assert works is not None

    async def away_after_the_effect(connection: Writer, entries: list[Any]) -> None:
        nonlocal fail
        if world.acted and fail:
            fail -= 1
            raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))
        await works(connection, entries)

    desk.database.before_commit = away_after_the_effect
    error = (await probe("act_outside", what="mail", key="k")).value["error"]
    assert (error["code"], error["retry_after"]) == ("OUTCOME_UNKNOWN", None)
    assert error["details"]["effect_id"] == world.effect_ids[0]
    again = await probe("act_outside", what="mail", key="k")
    assert again.value["error"]["code"] == "CALL_IN_PROGRESS"
    assert world.acted == ["mail"]


async def test_secrets_count_in_the_comparison_of_arguments(probe: Call) -> None:
    await probe("act_outside", what="mail", pin="1234", key="k")
    same = await probe("act_outside", what="mail", pin="1234", key="k")
    other = await probe("act_outside", what="mail", pin="9999", key="k")
    assert same.repeated
    assert other.value["error"]["code"] == "IDEMPOTENCY_CONFLICT"


async def test_a_policy_that_breaks_denies(desk: Desk, world: World, probe: Call) -> None:
    tools = list(desk.gate.tools.values())
    text = '@id("broken") permit (principal, action, resource) when { context.args.nothing };'
    desk.gate = Gate(
        tools, database=desk.database, policy=Policy({"a.cedar": text}, tools), key=b"k"
    )
    outcome = await caller(desk)("write", what="x")
    assert outcome.value["error"]["code"] == "FORBIDDEN"
    assert not world.acted


async def test_a_call_that_cannot_be_recorded_is_not_acknowledged(
    desk: Desk, probe: Call, world: World
) -> None:
    async def failing(*_: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("disk full"))

    desk.database.before_commit = failing
    for tool in ("read", "write"):
        outcome = await probe(tool, what="Changed")
        assert outcome.value["error"]["code"] == "UNAVAILABLE"
    assert await name_of(desk) == "Alex Morgan"


async def test_the_ledger_of_all_this_is_sound(desk: Desk, probe: Call, world: World) -> None:
    world.raises = Conflict("No.")
    await asyncio.gather(*(probe("write", what=str(n)) for n in range(20)))
    world.raises = None
    await asyncio.gather(*(probe("write", what=str(n)) for n in range(20)))
    report = await verify(desk.database)
    assert report.sound
    assert report.rows == 40


@pytest.mark.parametrize("body", ["a\0b", ["\0"], {"\0": 1}])
async def test_text_that_cannot_be_stored_is_refused(call: Call, body: object) -> None:
    outcome = await call("create_ticket", subject="A", body=body)
    assert outcome.value["error"]["code"] == "INVALID_INPUT"
    assert "NUL" in outcome.value["error"]["message"]
