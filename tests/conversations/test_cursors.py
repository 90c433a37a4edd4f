"""Places in a stream: wherever it is cut, what follows completes it, with nothing lost or twice."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.agent.events import (
    ApprovalNeeded,
    Event,
    HandedOver,
    MessageAdded,
    Text,
    ToolAnswered,
    ToolCalled,
)
from deskward.agent.model import Message, ToolRequest
from deskward.conversations.cursors import Placed, Position, Replaced, Seeker, recorded
from deskward.core.errors import InvalidInput

TURN = "a" * 32
REQUEST = ToolRequest("c1", "get_x", {"n": 1})
ANSWERS = [
    {"value": 1},
    {"status": "pending_approval", "approval_id": "p1"},
    {"success": False, "error": {"code": "NO"}},
]


def live(steps: list[tuple[list[str], dict | None]]) -> tuple[list[Event], list[Message]]:
    """A turn's events as the loop yields them, and the messages that are recorded of it."""
    events: list[Event] = []
    messages = []
    for pieces, answer in steps:
        events += [Text(piece) for piece in pieces]
        requests = () if answer is None else (REQUEST,)
        messages.append(Message("assistant", "".join(pieces), requests))
        events.append(MessageAdded(messages[-1]))
        if answer is None:
            continue
        status = "pending" if "approval_id" in answer else "error" if "error" in answer else "ok"
        events.append(ToolCalled("c1", "get_x", {"n": 1}))
        events.append(ToolAnswered("c1", "get_x", status, answer))  # type: ignore[arg-type]  # one of three
        if status == "pending":
            events.append(ApprovalNeeded("c1", "get_x", "p1"))
        messages.append(Message("tool", json.dumps(answer), tool_request_id="c1"))
        events.append(MessageAdded(messages[-1]))
    return events, messages


def placed(events: Iterable[Event]) -> list[Placed]:
    place, found = Position(TURN), []
    for event in events:
        place = place.after(event)
        found.append(Placed(event, place))
    return found


def shown(events: Iterable[Placed]) -> list[object]:
    """What a reader is shown, neighbouring texts as one."""
    seen: list[object] = []
    for item in events:
        if isinstance(item.event, Text):
            if seen and isinstance(seen[-1], str):
                seen[-1] += item.event.text
            else:
                seen.append(item.event.text)
        elif isinstance(item.event, MessageAdded):
            seen.append(None)
        else:
            seen.append(item.event)
    joined = [item for item in seen if item is not None]
    return ["".join(joined)] if all(isinstance(item, str) for item in joined) else joined  # type: ignore[arg-type]  # all are texts


def seek(events: Iterable[Placed], place: Position) -> list[Placed]:
    seeker = Seeker(place)
    return [found for item in events if (found := seeker.next(item)) is not None]


piece = st.text(min_size=1, max_size=5)
turns = st.lists(
    st.tuples(st.lists(piece, max_size=4), st.sampled_from(ANSWERS)), max_size=3
).flatmap(
    lambda calls: st.lists(piece, min_size=1, max_size=5).map(lambda last: [*calls, (last, None)])
)


@given(turns, st.data())
def test_a_cut_stream_is_completed(steps, data: st.DataObject) -> None:
    events, messages = live(steps)
    whole = placed(events)
    cut = data.draw(st.integers(0, len(whole)))
    place = Position.parse(str(whole[cut - 1].end)) if cut else Position(TURN)
    for source in (whole, list(recorded(TURN, messages, {}))):
        rest = seek(source, place)
        assert shown([*whole[:cut], *rest]) == shown(whole)


def test_another_text_replaces_what_was_sent() -> None:
    place = placed([Text("Hello "), Text("you")])[-1].end
    other = placed([Text("Good "), Text("morning")])
    assert [item.event for item in seek(other, place)] == [Replaced("Good morning")]
    shorter = placed([Text("Hi"), MessageAdded(Message("assistant", "Hi"))])
    assert [item.event for item in seek(shorter, place)] == [Replaced("Hi")]
    same = placed([Text("Hello you!")])
    assert [item.event for item in seek(same, place)] == [Text("!")]


def test_a_recorded_handover_is_told() -> None:
    message = Message("tool", '{"ticket_id": "T1"}', tool_request_id="c1")
    said = [Message("assistant", "", (REQUEST,)), message]
    found = [item.event for item in recorded(TURN, said, {"get_x": "ticket_id"})]
    assert HandedOver("T1") in found


@pytest.mark.parametrize("text", ["", "x", "1.2.3.4", f"{TURN}.1.2", f"{TURN}.-1.2.0", "é" * 32])
def test_other_ids_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Position.parse(text)
