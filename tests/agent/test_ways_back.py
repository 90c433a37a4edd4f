"""What a session has read counts in its next turns, whatever becomes of its messages and tools."""

import asyncio
import json
import sys

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.client import AsyncAgentSession, MCPClient
from deskward.conversations.models import messages
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.security.principals import AGENT, Kind
from tests.agent.scripted import ScriptedModel, tool
from tests.client.test_session import served
from tests.gate.elsewhere import READER
from tests.gate.texts import CASES, Judged, giving

WRITES = {"customer_id": "user_001", "subject": "a", "body": "b"}


class Talk:
    """A session in which the model calls one tool each turn, always under the same id."""

    def __init__(self, desk: Desk, model: ScriptedModel, session: str) -> None:
        self.desk, self.model, self.session = desk, model, session

    async def calls(self, name: str, **arguments: str) -> list[str]:
        """Have it call a tool; gives whose texts the policies knew that the session has read."""
        self.model.steps = [[tool(name, "1", **arguments)], ["Well."]]
        judged = Judged(self.desk)
        said = "Look it up, please."
        async for _ in await self.desk.conversations.send(
            Context(READER, "agent"), self.session, said
        ):
            pass
        self.desk.gate.policy.judge = judged._judge  # type: ignore[method-assign]  # a test's own in its place
        return judged.taint


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("some", [9, pytest.param(1, marks=pytest.mark.slow)])
async def test_every_text_counts_in_later_turns(sqlite_settings: Settings, some: int) -> None:
    """With equal ids; with the tool gone; with the messages gone: out of the window, compacted."""
    model = ScriptedModel()
    async with open_desk(sqlite_settings, model=model) as desk:
        for number, (case, (name, value)) in enumerate(list(CASES.items())[::some]):
            giving(desk, name, value)
            talk = Talk(desk, model, f"s{number}")
            assert await talk.calls("create_ticket", **WRITES) == [], case
            await talk.calls("probe")
            assert await talk.calls("create_ticket", **WRITES), case
            del desk.gate.tools["probe"]
            assert await talk.calls("create_ticket", **WRITES), case
            async with desk.database.transaction() as transaction:
                await transaction.execute(sa.delete(messages))
            assert await talk.calls("create_ticket", **WRITES), case


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_every_text_counts_after_a_restart_in_a_process_of_its_own(
    sqlite_settings: Settings,
) -> None:
    sessions, keys = [], []
    async with open_desk(sqlite_settings) as desk:
        for number, (case, (name, value)) in enumerate(CASES.items()):
            giving(desk, name, value)
            sessions.append(f"s{number}")
            agent = Context(READER.with_agent(AGENT), "agent", session_id=sessions[-1])
            key, _ = await desk.keys.create(
                tenant_id="default", kind=Kind.STAFF, subject_id="anna", roles=("support-3",)
            )
            keys.append(key)
            for context in (agent, Context(await desk.keys.verify(key), "mcp")):
                assert (await desk.gate.call("probe", {}, context)).status == "ok", case
    asked = {"folder": str(sqlite_settings.data_dir), "sessions": [*sessions, "new"], "keys": keys}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.gate.elsewhere"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(json.dumps(asked).encode())
    told = json.loads(out.decode().splitlines()[-1])
    assert told.pop("new") == []
    assert [name for name, taint in told.items() if not taint] == []
    assert len(told) == 2 * len(CASES)


async def test_a_programs_agent_session_is_remembered_by_its_key(sqlite_desk: Desk) -> None:
    """Also by a second session of the program, which has none of the first one's messages."""
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    issue = tool("report_issue", description="The app is slow.")
    taints: list[list[str]] = []
    async with served(sqlite_desk) as url, MCPClient(url, user_id="user_001", key=key) as client:
        for steps in ([issue], [tool("get_faq", q="transfer")], [issue], None, [issue]):
            if steps is None or not taints:
                session = AsyncAgentSession(client, "user_001", model=(model := ScriptedModel()))
            if steps is None:
                continue
            model.steps = [steps, ["Well."]]
            judged = Judged(sqlite_desk)
            await session.chat("Please do it.")
            sqlite_desk.gate.policy.judge = judged._judge  # type: ignore[method-assign]  # a test's own in its place
            taints.append(judged.taint)
    assert taints == [[], [], ["author", "outside"], ["author", "outside"]]
