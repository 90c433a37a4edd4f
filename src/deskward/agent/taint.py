"""What a conversation's messages let influence the agent: derived from them alone.

So a turn that another process goes on with, or that is replayed, is judged as it was at first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from deskward.agent.model import Message, ToolRequest
from deskward.gate.facts import CUSTOMERS
from deskward.gate.influence import Influence
from deskward.gate.tool import Tool
from deskward.security.principals import Kind, Principal

_ADDRESS = re.compile(r"[\w.+%-]{1,64}@[\w.-]{1,255}\w")
_FIELD = re.compile(r'"(?:email|to|sender)": "([\w.+%-]{1,64}@[\w.-]{1,255}\w)"')


def influence_of(
    messages: Sequence[Message], tools: Mapping[str, Tool], principal: Principal
) -> Influence:
    """What the messages that a model is given have told it, and by whom it was told.

    Args:
        messages: The conversation, as the model sees it.
        tools: All tools, by name.
        principal: Who speaks in the user's messages.
    """
    said = Influence(said=tuple(m.text for m in messages if m.role == "user"))
    asked: dict[str, ToolRequest] = {}
    taint: set[str] = set()
    subjects: set[str] = set()
    for message in messages:
        if message.tool_requests:  # an id is unique among these only
            asked = {request.id: request for request in message.tool_requests}
        request = asked.get(message.tool_request_id or "")
        if message.role != "tool" or request is None:
            continue
        tool = tools.get(request.name)
        own = tool is not None and tool.owner_wrote and principal.kind is Kind.CUSTOMER
        if not own:
            # Of a tool that is gone by now nobody knows whose words it brought.
            taint.add(tool.untrusted or "" if tool is not None else "outside")
        if said.own_words(request.arguments):
            subjects |= _customers(request, message)
    return Influence(frozenset(taint - {""}), said.said, frozenset(subjects))


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
