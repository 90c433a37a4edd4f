"""What a conversation's messages tell: what the principal said, and whom they asked about.

Whose texts the agent has read is kept with the session (`gate/readings.py`); messages only add.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from deskward.agent.model import Message, ToolRequest
from deskward.agent.naming import said_in
from deskward.core.answers import status_of
from deskward.core.aside import aside
from deskward.core.errors import TimeLimitExceeded
from deskward.gate.facts import CUSTOMERS
from deskward.gate.influence import Deed, Influence
from deskward.gate.tool import Tool

_ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w.-]{1,255}\w")
_FIELD = re.compile(r'"(?:email|to|sender)": "([\w.+%-]{1,64}@[\w.-]{1,255}\w)"')


def influence_of(messages: Sequence[Message], tools: Mapping[str, Tool]) -> Influence:
    """What the principal has said in the messages that a model is given.

    Args:
        messages: The conversation, as the model sees it.
        tools: All tools, by name.
    """
    own = tuple(m.text for m in messages if m.role == "user")
    said = Influence(said=own, named=said_in(messages))
    asked: dict[str, ToolRequest] = {}
    subjects: set[str] = set()
    deeds: list[Deed] = []
    heard = 0
    for message in messages:
        heard += message.role == "user"
        # Unique in the conversation but for messages from before that was seen to.
        asked |= {request.id: request for request in message.tool_requests}
        request = asked.get(message.tool_request_id or "")
        if message.role != "tool" or request is None:
            continue
        tool = tools.get(request.name)
        if _is_done(message):
            deeds.append(Deed(request.name, request.arguments, heard, _left(message)))
        # Of whom a record is, an outside server's word is none.
        if tool is not None and tool.server is None and said.own_words(request.arguments):
            subjects |= _customers(request, message)
    return replace(said, subjects=frozenset(subjects), deeds=tuple(deeds))


async def influence_in_time(messages: Sequence[Message], tools: Mapping[str, Tool]) -> Influence:
    """The same beside the event loop; who cannot be read in time has said nothing."""

    def look() -> Influence:
        found = influence_of(messages, tools)
        found.look()
        return found

    try:
        return await aside(look, sum(len(m.text) for m in messages))
    except TimeLimitExceeded:
        return Influence()


def sources_of(messages: Sequence[Message]) -> frozenset[str]:
    """Whose texts the messages say that they hold."""
    return frozenset(source for message in messages for source in message.sources)


def addresses_known(messages: Sequence[Message]) -> frozenset[str]:
    """The mail addresses that the principal named, or that stand in a record of theirs.

    A record's own `email` field, and a mail's `to`, and no address inside anybody's text.
    """
    found: set[str] = set()
    for message in messages:
        if message.role == "user":
            found.update(match.lower() for match in _ADDRESS.findall(message.text))
        elif message.role == "tool":
            found.update(match.lower() for match in _FIELD.findall(message.text))
    return frozenset(found)


def _is_done(answer: Message) -> bool:
    """Whether a call was made, or waits for a yes: what was said has then had its effect."""
    try:
        told = json.loads(answer.text)
    except ValueError:
        return True
    return not isinstance(told, dict) or status_of(told) != "error"


def _left(answer: Message) -> tuple[str, int] | None:
    """The id and the revision of the record that an answer is, where it has them."""
    try:
        told = json.loads(answer.text)
    except ValueError:
        return None
    if not isinstance(told, dict):
        return None
    identity, revision = told.get("id"), told.get("revision")
    return (identity, revision) if isinstance(identity, str) and type(revision) is int else None


def _customers(request: ToolRequest, answer: Message) -> set[str]:
    """Whom a call that the principal asked for was about, by the answer's own fields."""
    try:
        told = json.loads(answer.text)
    except ValueError:
        told = {}
    found = {request.arguments.get(name) for name in CUSTOMERS}
    if isinstance(told, dict):
        found |= {told.get(name) for name in CUSTOMERS}
    return {name for name in found if isinstance(name, str)}
