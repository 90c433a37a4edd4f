"""The composition root: settings → adapters → tools → gate → agent → doors.

The only file that knows everything.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from deskward.accounts.tools import tools as account_tools
from deskward.agent.loop import Agent, Limits
from deskward.agent.model import Model
from deskward.agent.models.choose import choose_model
from deskward.agent.models.offline import OfflineModel
from deskward.agent.skills import Skills
from deskward.complaints.tools import tools as complaint_tools
from deskward.conversations.service import Conversations
from deskward.core.database import Database
from deskward.core.settings import Settings
from deskward.customers.tools import tools as customer_tools
from deskward.demo.load import load_demo
from deskward.gate.call import Gate
from deskward.gate.policy import Policy
from deskward.gate.tool import ToolGroup
from deskward.knowledge.tools import tools as knowledge_tools
from deskward.migrations import upgrade
from deskward.orders.tools import tools as order_tools
from deskward.security.api_keys import ApiKeys
from deskward.tickets.tools import tools as ticket_tools

GROUPS: tuple[ToolGroup, ...] = (
    account_tools,
    customer_tools,
    ticket_tools,
    knowledge_tools,
    order_tools,
    complaint_tools,
)


@dataclass
class Desk:
    """Everything that a door needs."""

    settings: Settings
    database: Database
    keys: ApiKeys
    gate: Gate
    conversations: Conversations


@contextlib.asynccontextmanager
async def open_desk(
    settings: Settings, *, demo: bool = False, model: Model | None = None, chat: bool = True
) -> AsyncIterator[Desk]:
    """Migrate and open the database, load the policies, and put the desk together.

    Args:
        settings: The operator's choices.
        demo: Whether to load the demo desk into an empty database.
        model: Speaks instead of the model that the settings name.
        chat: Whether chat is expected at once; otherwise the offline model learns when it comes.
    """
    await upgrade(settings.database)
    database = Database(settings.database)
    try:
        if demo:
            await load_demo(database)
        tools = [tool for group in GROUPS for tool in group.tools]
        policy = Policy.load(settings.policy_dir, tools)
        gate = Gate(
            tools,
            database=database,
            policy=policy,
            key=settings.key,
            time_limit=settings.tool_timeout,
        )
        model = model or choose_model(
            settings,
            offline=lambda: OfflineModel(Skills.load(settings.skills_dir), lazy=not chat),
        )
        limits = Limits(
            steps=settings.turn_max_steps,
            tokens=settings.turn_max_tokens,
            step_tokens=settings.model_max_tokens,
            timeout=settings.model_timeout,
        )
        conversations = Conversations(
            database, Agent(gate, model, limits), key=settings.key, grace=settings.stream_grace
        )
        try:
            async with conversations.keep():
                yield Desk(
                    settings=settings,
                    database=database,
                    keys=ApiKeys(database),
                    gate=gate,
                    conversations=conversations,
                )
        finally:
            await model.close()
    finally:
        await database.close()
