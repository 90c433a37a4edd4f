"""Which tools a language model is told in one step: of many those that the turn is likely to need.

The others stand behind one of them that finds tools. What it has found is told in the next steps,
and so is what the conversation has used; the rest of the places are for what the customer's words
are nearest to. A model that needs no telling, such as the offline one, is given all.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Protocol

from deskward.agent.model import Message, Model, ModelRequest
from deskward.agent.prompt import INSTRUCTIONS
from deskward.agent.turn import Turn, spec_of
from deskward.gate.catalogue import Catalogue
from deskward.gate.tool import Tool

MOST = 25
"""Tools that a step tells. Models choose worse among more, and each costs some 150 tokens."""
HEARD = 3
"""Messages of the customer that count, the last ones."""
USED = 10
"""Tools kept because the conversation has used them, the last ones."""
PLACES_LEFT = 6
"""Places that what was found and used leaves to the words of the turn."""


class Choosing(Protocol):
    """Chooses the tools that a step tells."""

    async def chosen(
        self, tools: Sequence[Tool], messages: Sequence[Message]
    ) -> tuple[str, ...] | None:
        """See `Offering.chosen`."""
        ...


async def no_brand(_tenant: str) -> str:
    """Say nothing of a tenant."""
    return ""


class Telling:
    """Makes what a model is given in each step."""

    def __init__(
        self,
        model: Model,
        choosing: Choosing,
        brand: Callable[[str], Awaitable[str]] = no_brand,
        *,
        most: int,
    ) -> None:
        """Make one.

        Args:
            model: The model; one that `reads_all_tools` is told of all.
            choosing: Chooses the tools for any other.
            brand: Says what a model is told of a tenant.
            most: Tokens that it may write in a step.
        """
        self._choosing = None if getattr(model, "reads_all_tools", False) else choosing
        self._brand = brand
        self._most = most

    async def request(self, turn: Turn) -> ModelRequest:
        """What the model is given next in a turn."""
        offered = None
        if self._choosing is not None:
            offered = await self._choosing.chosen(turn.tools, turn.messages)
        tenant = turn.context.tenant
        note = note_on(turn.tools, offered)
        return ModelRequest(
            instructions=INSTRUCTIONS + note + await self._brand(tenant) + turn.note,
            messages=turn.messages,
            tools=[spec_of(tool, turn.context) for tool in turn.tools],
            max_tokens=self._most,
            tenant=tenant,
            offered=offered,
        )


class Offering:
    """Chooses by what the turn says, has found and has used."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def chosen(
        self, tools: Sequence[Tool], messages: Sequence[Message]
    ) -> tuple[str, ...] | None:
        """The names of the tools to tell, in the order of the tools; None for all of them.

        Args:
            tools: Those that the caller may use.
            messages: The conversation up to now.
        """
        finder = next((tool for tool in tools if tool.finds_tools is not None), None)
        if len(tools) <= MOST or finder is None:
            return None
        there = {tool.name for tool in tools}
        kept = dict.fromkeys(t.name for t in tools if t.finds_tools or t.hands_over)
        for name in (*_found(messages, finder), *list(_used(messages))[:USED]):
            if name in there and len(kept) < MOST - PLACES_LEFT:
                kept[name] = None
        said = [message.text for message in reversed(messages) if message.role == "user"]
        for tool in await self._catalogue.ranked(said[:HEARD], tools):
            if len(kept) >= MOST:
                break
            kept[tool.name] = None
        return tuple(tool.name for tool in tools if tool.name in kept)


class AsOffered:
    """Chooses what was chosen before, step by step: a replay ranks nothing anew."""

    def __init__(self, steps: Iterable[tuple[str, ...] | None]) -> None:
        self._steps = iter(steps)

    async def chosen(
        self, _tools: Sequence[Tool], _messages: Sequence[Message]
    ) -> tuple[str, ...] | None:
        """See `Offering.chosen`."""
        return next(self._steps, None)


def note_on(tools: Sequence[Tool], offered: tuple[str, ...] | None) -> str:
    """What a model is told besides, where it is not told all tools."""
    finder = next((tool.name for tool in tools if tool.finds_tools is not None), None)
    if offered is None or finder is None:
        return ""
    return (
        f"- There are more tools than you are told. Before you say that something cannot be done, "
        f"look for a tool with {finder}; what it finds you can call in your next step.\n"
    )


def _used(messages: Sequence[Message]) -> Iterator[str]:
    """The tools that the conversation has called, the last one first."""
    for message in reversed(messages):
        for request in reversed(message.tool_requests):
            yield request.name


def _found(messages: Sequence[Message], finder: Tool) -> Iterator[str]:
    """The tools that were found, the last search first."""
    asked = {r.id for m in messages for r in m.tool_requests if r.name == finder.name}
    for message in reversed(messages):
        if message.role == "tool" and message.tool_request_id in asked:
            answer = json.loads(message.text)
            yield from answer.get(finder.finds_tools) or ()
