"""Two things are wrong at once: one is put right, and the same session looks for the other."""

from __future__ import annotations

from typing import Any

from deskward.app import Desk
from deskward.diagnostics import service
from tests.conftest import OTHER, STAFF, Call
from tests.diagnostics.test_sessions import TO_CAUSE, TO_SPECIALIST, answer, code, do, start

OUTCOME = "report_diagnosis_outcome"
NO_KEY = (True, 401, False)


async def put_right(call: Call, session: dict[str, Any]) -> dict[str, Any]:
    outcome = await do(call, OUTCOME, session, helped=False, put_right=True)
    assert outcome.status == "ok", outcome.value
    found: dict[str, Any] = outcome.value
    return found


async def note_of(call: Call, session: Any) -> str:
    thread = await call("list_ticket_messages", STAFF, ticket_id=session["ticket_id"])
    (note,) = [one["text"] for one in thread.value["messages"] if one["kind"] == "note"]
    return str(note)


async def test_the_second_cause_is_found_in_the_same_session(call: Call) -> None:
    first = await answer(call, await start(call), *TO_CAUSE)
    anew = await put_right(call, first)
    assert (anew["id"], anew["status"], anew["answered"]) == (first["id"], "open", [])
    assert anew["step"]["step_id"] == "same_now"
    assert all(one["state"] == "possible" for one in anew["hypotheses"])
    second = await answer(call, anew, *NO_KEY)
    assert (second["status"], second["result"]["cause"]) == ("to_confirm", "no_key")
    (before,) = second["put_right"]
    assert (before["cause"], before["answered"]) == ("rate_limit", first["answered"])
    done = (await do(call, OUTCOME, second, helped=True)).value
    assert (done["status"], done["ticket_id"]) == ("resolved", None)


async def test_what_was_put_right_is_never_named_again_but_goes_to_staff(call: Call) -> None:
    anew = await put_right(call, await answer(call, await start(call), *TO_CAUSE))
    again = await answer(call, anew, *TO_CAUSE)
    assert (again["status"], again["result"]["kind"]) == ("handed_over", "escalate")
    assert again["result"]["cause"] is None
    assert "was put right, and is seen again" in again["result"]["reason"]
    note = await note_of(call, again)
    assert "Found and put right before, and not all: " in note
    assert note.count("429") == 2


async def test_whoever_takes_it_up_sees_what_was_put_right_before(call: Call) -> None:
    anew = await put_right(call, await answer(call, await start(call), *TO_CAUSE))
    handed = await answer(call, anew, *TO_SPECIALIST)
    note = await note_of(call, handed)
    assert "Which status does the answer have? 403" in note
    assert "120 calls a minute" in note


async def test_only_what_was_found_is_put_right_and_not_without_end(
    sqlite_desk: Desk, sqlite_call: Call, monkeypatch: Any
) -> None:
    call = sqlite_call
    session = await start(call)
    early = await do(call, OUTCOME, session, helped=False, put_right=True)
    assert code(early) == "CONFLICT"
    found = await answer(call, session, *TO_CAUSE)
    both = await do(call, OUTCOME, found, helped=True, put_right=True)
    assert code(both) == "CONFLICT"
    theirs = await do(call, OUTCOME, found, OTHER, helped=False, put_right=True)
    assert code(theirs) == "SESSION_NOT_FOUND"
    late = {**found, "revision": found["revision"] - 1}
    assert code(await do(call, OUTCOME, late, helped=False, put_right=True)) == "CONFLICT"
    monkeypatch.setattr(service, "MOST_EARLIER", 1)
    second = await answer(call, await put_right(call, found), *NO_KEY)
    often = await do(call, OUTCOME, second, helped=False, put_right=True)
    assert code(often) == "CONFLICT"
    handed = (await do(call, OUTCOME, second, helped=False)).value
    assert handed["status"] == "handed_over"
