"""A conversation with the offline model."""

from typing import Any

from deskward.agent.events import ToolAnswered, ToolCalled
from deskward.app import Desk
from deskward.conversations.cursors import Answered
from deskward.gate.context import Context
from deskward.security.principals import Principal
from tests.conftest import CUSTOMER


class Talk:
    """A conversation with what happened in its last turn."""

    def __init__(self, desk: Desk, principal: Principal = CUSTOMER, session: str = "s") -> None:
        self.desk, self.principal, self.session = desk, principal, session
        self.events: list[Any] = []

    async def say(self, text: str) -> str:
        context = Context(self.principal, "agent")
        reader = await self.desk.conversations.send(context, self.session, text)
        self.events = [placed.event async for placed in reader]
        answered = self.events[-1]
        assert isinstance(answered, Answered)
        assert answered.model == "offline"
        return answered.text

    @property
    def tools(self) -> list[str]:
        called = [event.name for event in self.events if isinstance(event, ToolCalled)]
        return [name for name in called if name != "answer_from_knowledge"]

    @property
    def statuses(self) -> list[str]:
        return [event.status for event in self.events if isinstance(event, ToolAnswered)]
