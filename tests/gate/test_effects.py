"""What tools do happens at most once, whole or not at all, and is on record."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel, SecretStr
from sqlalchemy.exc import SQLAlchemyError

from deskward.app import Desk
from deskward.core.database import Writer, now
from deskward.core.errors import Conflict, Unavailable
from deskward.core.written import Ours
from deskward.customers.models import customers
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.effects import effects
from deskward.gate.ledger.verify import verify
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup
from tests.conftest import Call, caller, recorded
from tests.everything import GROUPS
from tests.policies import policy_of

PERMIT = '@id("all") permit (principal, action, resource);'


class Crash(BaseException):
    """Ends a call as the end of the process does: nothing is recorded after it."""


class Done(BaseModel):
    done: Ours


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
        policy=policy_of(PERMIT, tools),
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
        world.raises = Crash()
        with pytest.raises(Crash):
            await probe("act_outside", what="mail", key="k")
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
    desk.gate = Gate(tools, database=desk.database, policy=policy_of(text, tools), key=b"k")
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


async def begun(work: Any, world: World, times: int = 1) -> asyncio.Task[Any]:
    """A call that has got as far as the tool's own work."""
    task = asyncio.create_task(work)
    async with asyncio.timeout(30):
        while len(world.acted) < times:
            await asyncio.sleep(0.001)
    return task


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture
def patient(desk: Desk, probe: Call) -> Call:
    """As `probe`, with a time limit that no test reaches."""
    desk.gate.runner.time_limit = 60
    return probe


@pytest.mark.parametrize("tool", ["read", "write"])
async def test_a_cancelled_call_is_stopped_undone_and_recorded(
    desk: Desk, patient: Call, world: World, tool: str
) -> None:
    world.waits = asyncio.Event()
    await cancelled(await begun(patient(tool, what="x", key="k"), world))
    assert await name_of(desk) == "Alex Morgan"
    (row,) = await recorded(desk)
    assert (row["tool"], row["status"], row["code"]) == (tool, "error", "CANCELLED")
    world.waits = None
    assert (await patient(tool, what="x", key="k")).status == "ok"  # the key is free again
    assert (await verify(desk.database)).sound


async def test_a_call_that_is_cancelled_while_it_waits_for_the_writer_never_begins(
    desk: Desk, patient: Call, world: World
) -> None:
    async with desk.database.transaction():
        task = asyncio.create_task(patient("write", what="x"))
        await asyncio.sleep(0.05)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.acted == []
    assert [row["code"] for row in await recorded(desk)] == ["CANCELLED"]


async def test_cancelling_what_is_committed_already_changes_nothing(
    desk: Desk, patient: Call, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_commit = desk.database.before_commit
    assert before_commit is not None
    writing, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(writer: Writer, entries: list[Any]) -> None:
        writing.set()
        await go_on.wait()
        await before_commit(writer, entries)

    monkeypatch.setattr(desk.database, "before_commit", slowly)
    task = asyncio.create_task(patient("write", what="Changed"))
    await writing.wait()
    await cancelled(task)
    go_on.set()
    await patient("read", what="later")  # whose row comes after that of the call
    rows = [(row["tool"], row["status"]) for row in await recorded(desk)]
    assert rows == [("write", "ok"), ("read", "ok")]
    assert await name_of(desk) == "Changed"


async def test_what_acts_outside_is_not_cancelled_halfway(
    desk: Desk, patient: Call, world: World
) -> None:
    world.waits = asyncio.Event()
    task = await begun(patient("act_outside", what="mail", key="k"), world)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.01)
    assert not task.done()
    world.waits.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [row["status"] for row in await recorded(desk)] == ["started", "ok"]
    again = await patient("act_outside", what="mail", key="k")
    assert (again.status, again.repeated, world.acted) == ("ok", True, ["mail"])


async def test_a_cancelled_call_whose_outcome_is_unknown_is_recorded_as_that(
    desk: Desk, patient: Call, world: World
) -> None:
    world.waits, world.raises = asyncio.Event(), RuntimeError("lost after sending")
    task = await begun(patient("act_outside", what="mail"), world)
    task.cancel()
    await asyncio.sleep(0.01)
    world.waits.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [row.get("code") for row in await recorded(desk)] == [None, "OUTCOME_UNKNOWN"]


async def test_a_tool_that_calls_another_while_it_holds_its_transaction_is_an_error_at_once(
    desk: Desk,
) -> None:
    """It would wait for its own end; `composed=True` is what it has to say."""
    tools = ToolGroup("probe")

    @tools.tool(scope="knowledge:read", risk=Risk.WRITE, rest="POST /probe/nested")
    async def nested(ctx: Context, what: str) -> Done:
        """Call another tool."""
        await ctx.db.execute(sa.update(customers).values(name=what))
        await ctx.port(Gate).call("nested", {"what": what}, ctx)
        return Done(done=what)

    desk.gate = Gate(
        tools.tools,
        database=desk.database,
        policy=policy_of(PERMIT, tools.tools),
        key=b"k",
        time_limit=600,  # which nobody waits for
    )
    outcome = await caller(desk)("nested", what="Changed")
    assert outcome.value["error"]["code"] == "INTERNAL_ERROR"
    assert await name_of(desk) == "Alex Morgan"
