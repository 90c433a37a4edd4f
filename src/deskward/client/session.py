"""Talking to the agent, which runs in this process, over a client's tools."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import to_json

from deskward.agent.events import Done, MessageAdded
from deskward.agent.loop import Agent
from deskward.agent.model import Message, Model
from deskward.agent.models.choose import choose_model
from deskward.agent.offline.model import OfflineModel
from deskward.client.mcp import MCPClient, SyncMCPClient
from deskward.conversations.asking import asked_besides, request_of
from deskward.core.answers import status_of
from deskward.core.errors import DeskwardError, NotFound, Unavailable, UnknownTool
from deskward.core.settings import Settings
from deskward.gate.confirmations import NotConfirmed
from deskward.gate.context import Context, Secrets, new_id
from deskward.gate.effects import Key
from deskward.gate.outcome import Outcome
from deskward.gate.readings import OUTSIDE
from deskward.gate.schemas import holds_secret
from deskward.gate.tool import Tool
from deskward.hub.remote_tools import remote_tool
from deskward.security.masking import mask
from deskward.security.principals import Kind, Principal
from deskward.security.vault import Vault
from deskward.text.assent import answer_of

HANDOVER = "hand_over"
_ANYBODYS = frozenset({OUTSIDE})


class AsyncAgentSession:
    """A conversation of one customer with the agent, over a client's tools.

    Args:
        client: Where the tools are.
        user_id: The customer who speaks.
        model: Who answers; by default what MODEL names.
    """

    def __init__(
        self, client: MCPClient, user_id: str | None = None, *, model: Model | None = None
    ) -> None:
        self.history: list[Message] = []
        self._client = client
        settings = Settings()
        self._user_id = user_id or settings.default.user_id
        self._model = model or choose_model(settings, offline=lambda: _offline(settings))
        self._vault = Vault()

    async def chat(self, message: str) -> str:
        """Send a message and get the whole answer.

        Raises:
            Unavailable: The server is away.
        """
        client = await self._client.for_user(self._user_id)
        toolbox = _Toolbox(client, self._user_id, self.history)
        await toolbox.load()
        last = self.history[-1] if self.history else Message("assistant", "")
        asked_by = "" if last.asks else last.text
        said = Message("user", mask(message, self._vault, asked_by=asked_by))
        self.history += [said, *self._answered(last, answer_of(message))]
        principal = Principal(Kind.CUSTOMER, self._user_id, "default", ("customer",))
        context = Context(principal, "agent", turn_id=new_id())
        from deskward.features import all_features

        answer = ""
        agent = Agent(
            toolbox, self._model, claims=all_features().claims, confirmed=toolbox.confirmed
        )
        async for event in agent.run(context, self._vault, self.history):
            if isinstance(event, MessageAdded):
                self.history.append(event.message)
            elif isinstance(event, Done):
                answer = event.text
        return answer

    def _answered(self, last: Message, yes: bool | None) -> list[Message]:
        """What follows from an answer to what the customer was asked: its calls, or why not."""
        found = [request_of(self.history, key) for key in last.asks]
        requests = tuple(request for request in found if request is not None)
        if yes is None or not requests:
            return []
        asked = Message("assistant", "", requests)
        receipts = [asked_besides(self.history, request.confirmation or "") for request in requests]
        if yes and any(receipts):  # not to the desk's question alone: it is asked once more
            told = zip(requests, receipts, strict=True)
            return [asked, *(replace(r, tool_request_id=one.id) for one, r in told if r)]
        if yes:
            return [asked]
        refused = NotConfirmed("The customer said no. Nothing was done.")
        text = json.dumps(refused.tool_envelope(""))
        return [asked, *(Message("tool", text, tool_request_id=one.id) for one in requests)]

    def reset(self) -> None:
        """Begin a new conversation."""
        self.history.clear()
        self._vault = Vault()


class AgentSession:
    """`AsyncAgentSession` for programs without an event loop."""

    def __init__(
        self, client: SyncMCPClient, user_id: str | None = None, *, model: Model | None = None
    ) -> None:
        if client.client is None:
            raise Unavailable("The client is not connected. Use it in a `with` block.")
        self._client = client
        self._session = AsyncAgentSession(client.client, user_id, model=model)

    @property
    def history(self) -> list[Message]:
        """The messages of the conversation."""
        return self._session.history

    def chat(self, message: str) -> str:
        """See `AsyncAgentSession.chat`."""
        assert self._client.portal is not None, "the client was closed"
        return self._client.portal.call(self._session.chat, message)

    def reset(self) -> None:
        """Begin a new conversation."""
        self._session.reset()


class _Toolbox:
    """A client's tools, as the agent's loop calls them."""

    def __init__(self, client: MCPClient, user_id: str, history: Sequence[Message] = ()) -> None:
        self._history = history
        self.tools: dict[str, Tool] = {}
        self._client = client
        self._user_id = user_id

    async def load(self) -> None:
        for listed in await self._client.list_tools():
            with contextlib.suppress(ValueError):  # a name that no model could call
                tool = remote_tool(
                    listed,
                    self._client.call_tool,
                    name=str(listed["name"]),
                    server="client",
                    tenant="default",
                    twin=None,
                    facts=None,
                    hands_over="ticket_id" if listed["name"] == HANDOVER else None,
                )
                self.tools[tool.name] = tool

    def tools_for(self, _principal: Principal) -> list[Tool]:
        return list(self.tools.values())

    async def confirmed(self, confirmation_id: str, context: Context) -> Outcome:
        """Make the call that the customer has said yes to."""
        request = request_of(self._history, confirmation_id)
        receipt = next((m for m in self._history if confirmation_id in m.asks), None)
        if request is None or receipt is None:
            return Outcome(
                "error", "", context.request_id, NotFound("confirmation", confirmation_id)
            )
        question = json.loads(receipt.text)["question"]
        context = replace(context, unsure=True)  # so that the desk surely asks, and is answered
        return await self.call(request.name, request.arguments, context, agreed=question)

    async def first_answer(self, _name: str, _context: Context, _key: Key) -> Outcome | None:
        return None

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        context: Context,
        *,
        idempotency_key: Key | None = None,
        strict: bool = True,
        agreed: str | None = None,
    ) -> Outcome:
        given = dict(arguments)
        try:
            tool = self.tools.get(name)
            if tool is None:
                raise UnknownTool(f"There is no tool {name[:64]!r}.")
            if context.secrets is not None:
                given |= _revealed(tool, given, context.secrets)
            # A server that is no desk wants to be told for whom it acts.
            given |= dict.fromkeys(tool.bound, self._user_id)
            key = str(idempotency_key) if idempotency_key else None  # there we are a caller
            result = await self._client.call_tool(
                name, given, idempotency_key=key, unsure=context.unsure, agreed=agreed
            )
        except DeskwardError as error:
            return Outcome("error", "", context.request_id, error, sources=_ANYBODYS)
        return Outcome(
            status_of(result), to_json(result).decode(), context.request_id, sources=_ANYBODYS
        )


def _revealed(tool: Tool, given: Mapping[str, Any], secrets: Secrets) -> dict[str, str]:
    """The secrets that arguments stand for: only where the schema says that one belongs."""
    properties = tool.input_schema()["properties"]
    found = {}
    for name, value in given.items():
        if isinstance(value, str) and holds_secret(properties.get(name)):
            secret = secrets.resolve(value)
            if secret is not None:
                found[name] = secret.get_secret_value()
    return found


def _offline(settings: Settings) -> OfflineModel:
    from deskward.features import all_features
    from deskward.shipped import skills_of

    return OfflineModel(skills_of(settings, all_features()))
