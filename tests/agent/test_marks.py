"""Marks of results: a customer sees none, however a stream cuts them."""

import json
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from deskward.agent.marks import marks_of, results_of, without_marks
from deskward.agent.model import Message, ToolRequest, with_marks
from deskward.agent.outgoing import Outgoing

TEXT = "That was done [[r1]]. You have $5.00 [[r12]], of course.\nAnd so on [[r3]][[r4]]! [[r"


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(TEXT)), max_size=8))
def test_no_cut_lets_a_mark_out(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TEXT)]
    outgoing, sent = Outgoing((), ()), ""
    for start, end in pairwise(places):
        sent += "".join(outgoing.feed(TEXT[start:end]))
        assert "[" not in sent
        assert "]" not in sent
    sent += "".join(outgoing.flush())
    assert sent.strip() == "That was done. You have $5.00, of course.\nAnd so on!"


def test_the_check_sees_the_marks_of_a_sentence_and_not_of_the_one_before() -> None:
    seen: list[str] = []
    outgoing = Outgoing((), (), seen.append)
    list(outgoing.feed("That was done. [[r1]] And this too [[r2]]. So it is.\n"))
    list(outgoing.flush())
    assert marks_of(seen[0]) == ""
    assert seen[1].startswith("[[r2]]")
    assert not any("[[r1]]" in part for part in seen)


def test_what_only_looks_like_one_stays() -> None:
    assert without_marks("[[reason]] a[1] [x]") == "[[reason]] a[1] [x]"
    assert without_marks("plain") == "plain"
    assert without_marks("cut [[r1") == "cut"


def test_results_are_numbered_as_the_model_is_told() -> None:
    def asked(name: str, number: int) -> list[Message]:
        request = ToolRequest(f"call{number}", name, {"n": number})
        answer = json.dumps({"ok": number})
        return [
            Message("assistant", "", (request,)),
            Message("tool", answer, tool_request_id=request.id, untrusted="ticket"),
        ]

    messages = [
        Message("user", "one"),
        *asked("first", 1),
        Message("assistant", "There."),
        Message("user", "two"),
        *asked("second", 2),
        *asked("third", 3),
    ]
    shown = [message for message in with_marks(messages) if message.role == "tool"]
    assert [message.framed.split("\n")[0] for message in shown] == ["[[r1]]", "[[r2]]", "[[r3]]"]
    assert [message.plain for message in shown] == [m.plain for m in messages if m.role == "tool"]
    found = dict(results_of(messages))
    assert {number: one[0] for number, one in found.items()} == {2: "second", 3: "third"}
