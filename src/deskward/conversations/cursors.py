"""Places in a turn's stream, so that a reader who was cut off goes on exactly there.

A place names the message of the turn, how much of it was sent (characters of a text, events of a
tool call), and a checksum of that text. It can be found again in a running turn and in a recorded
one, by any process. Where a model was asked again and wrote another text, the checksum tells.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from deskward.agent.events import (
    ApprovalNeeded,
    ConfirmNeeded,
    Event,
    HandedOver,
    MessageAdded,
    Text,
    ToolAnswered,
    ToolCalled,
)
from deskward.agent.model import Message, ToolRequest
from deskward.core.answers import status_of
from deskward.core.errors import InvalidInput

EVENT_ID = r"([0-9a-f]{32})\.([0-9]{1,6})\.([0-9]{1,9})\.([0-9a-f]{1,8})"
"""The form of an event's id."""
_FORM = re.compile(EVENT_ID)


@dataclass(frozen=True)
class Position:
    """A place just behind an event.

    Attributes:
        turn_id: The turn.
        message: How many of the turn's messages are before it.
        offset: How much of the next message is.
        check: CRC-32 of that message's text up to here.
    """

    turn_id: str
    message: int = 0
    offset: int = 0
    check: int = 0

    def __str__(self) -> str:
        return f"{self.turn_id}.{self.message}.{self.offset}.{self.check:x}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """The place that an event's id names.

        Raises:
            InvalidInput: It is no event's id.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise InvalidInput("Last-Event-ID must be the id of an event that this desk sent.")
        return cls(match[1], int(match[2]), int(match[3]), int(match[4], 16))

    def after(self, event: Event) -> Position:
        """The place behind an event that begins here."""
        if isinstance(event, MessageAdded):
            return Position(self.turn_id, self.message + 1)
        if isinstance(event, Text):
            check = crc32(event.text.encode(), self.check)
            return Position(self.turn_id, self.message, self.offset + len(event.text), check)
        return Position(self.turn_id, self.message, self.offset + 1, self.check)


@dataclass(frozen=True)
class Replaced:
    """The text of the present message up to here, which is another than the one that was sent."""

    text: str


@dataclass(frozen=True)
class Answered:
    """The end of a turn as doors show it."""

    text: str
    model: str
    message_count: int
    asks: tuple[ConfirmNeeded, ...] = ()
    """What the customer is asked."""


TurnEvent = Event | Replaced | Answered


@dataclass(frozen=True)
class Placed:
    """An event and the place behind it."""

    event: TurnEvent
    end: Position


class Seeker:
    """Passes on the events of a turn that come after a place."""

    def __init__(self, place: Position | None) -> None:
        self._place = place
        self._text = ""

    def next(self, placed: Placed) -> Placed | None:
        """What is to be sent of the next event, if anything; all events come in order."""
        place, end, event = self._place, placed.end, placed.event
        if place is None:
            return placed
        if isinstance(event, MessageAdded):  # its end is in the next message
            if end.message <= place.message:
                return None
            self._place = None
            shorter = event.message.role == "assistant" and len(self._text) < place.offset
            return Placed(Replaced(self._text), end) if shorter else placed
        if end.message < place.message:
            return None
        if not isinstance(event, Text):
            return placed if end.message > place.message or end.offset > place.offset else None
        self._text += event.text
        if end.offset < place.offset:
            return None
        self._place = None
        sent = self._text[: place.offset]
        if crc32(sent.encode()) != place.check:
            return Placed(Replaced(self._text), end)
        rest = self._text[place.offset :]
        return Placed(Text(rest), end) if rest else None


def recorded(
    turn_id: str, messages: Sequence[Message], handover: Mapping[str, str]
) -> Iterator[Placed]:
    """The events that made the messages of a turn, each text in one piece.

    Args:
        turn_id: The turn.
        messages: Its messages without the customer's.
        handover: The tools that hand a conversation over; see `Agent.handover_tools`.
    """
    place = Position(turn_id)
    for event in _events(messages, handover):
        place = place.after(event)
        yield Placed(event, place)


def _events(messages: Iterable[Message], handover: Mapping[str, str]) -> Iterator[Event]:
    requests: dict[str, ToolRequest] = {}
    for message in messages:
        if message.role == "assistant":
            requests = {request.id: request for request in message.tool_requests}
            if message.text:
                yield Text(message.text)
        elif message.tool_request_id in requests:
            yield from _call(requests[message.tool_request_id], message, handover)
        yield MessageAdded(message)


def _call(request: ToolRequest, message: Message, handover: Mapping[str, str]) -> Iterator[Event]:
    answer = json.loads(message.text)
    yield ToolCalled(request.id, request.name, request.arguments)
    status = status_of(answer)
    yield ToolAnswered(request.id, request.name, status, answer)
    if message.asks:
        yield ConfirmNeeded.of(request.id, answer)
    elif status == "pending":
        named = answer["approval_id"]
        yield ApprovalNeeded(request.id, request.name, named, answer.get("label"))
    elif status == "ok" and request.name in handover:
        yield HandedOver(str(answer.get(handover[request.name], "")))
