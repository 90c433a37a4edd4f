"""Incidents: whoever is hit joins one instead of being questioned, and goes on when it is over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import jobs
from deskward.core.events import events, listen
from deskward.diagnostics import service
from deskward.diagnostics.incidents import joining
from deskward.diagnostics.incidents.service import OVER
from tests.conftest import CUSTOMER, FOREIGN, OTHER, STAFF, Call
from tests.diagnostics.test_sessions import TO_CAUSE, answer, code, do, start

TITLE = "db-7 is out of disk"
TO_503 = (True, 503)


async def report(call: Call, by: Any = STAFF, **more: Any) -> dict[str, Any]:
    given = {"title": TITLE, "product": "Acme API", "code": "503", **more}
    outcome = await call("report_incident", by, **given)
    assert outcome.status == "ok", outcome.value
    made: dict[str, Any] = outcome.value
    return made


async def settled(desk: Desk) -> None:
    """Wait until the sessions of incidents that are over go on."""
    desk.jobs.wake()
    async with asyncio.timeout(30):
        while await desk.database.reader.first(
            sa.select(jobs.jobs.c.id).where(jobs.jobs.c.kind == OVER)
        ):
            await asyncio.sleep(0.02)


async def read(call: Call, session: dict[str, Any], by: Any = CUSTOMER) -> dict[str, Any]:
    outcome = await call("get_diagnostic_session", by, session_id=session["id"])
    found: dict[str, Any] = outcome.value
    return found


async def test_the_twentieth_customer_of_an_outage_is_told_and_asked_no_more(
    desk: Desk, call: Call
) -> None:
    made = await report(call)
    assert (made["incident_id"], made["status"], made["sessions"]) == ("I1001", "open", 0)
    session = await start(call)
    assert (session["status"], session["known_incidents"][0]["match"]) == ("open", "possible")
    session = await answer(call, session, *TO_503)
    assert (session["status"], session["step"]) == ("joined_incident", None)
    assert session["incident_id"] == "I1001"
    (known,) = session["known_incidents"]
    assert "disturbance of Acme API since" in known["message"]
    assert known["title"] is None  # what staff and monitoring call it is no customer's
    assert TITLE not in str(session)
    assert (await read(call, session, STAFF))["known_incidents"][0]["title"] == TITLE
    assert code(await do(call, "answer_diagnostic_step", session, answer=True)) == "CONFLICT"
    listed = (await call("list_incidents", STAFF, status="open")).value
    assert [one["sessions"] for one in listed["incidents"]] == [1]
    rows = await desk.database.reader.all(sa.select(jobs.jobs.c.payload))
    assert not any(row.payload.get("session_id") == session["id"] for row in rows)


async def test_when_it_is_over_each_session_is_asked_and_goes_on(desk: Desk, call: Call) -> None:
    made = await report(call)
    async with desk.database.transaction() as db:
        await listen(db, "default", "a listener", ["diagnosis.incident_over", "diagnosis.joined"])
    well = await answer(call, await start(call), *TO_503)
    ill = await answer(call, await start(call, OTHER), *TO_503, by=OTHER)
    done = await call(
        "resolve_incident",
        STAFF,
        incident_id=made["incident_id"],
        revision=made["revision"],
        customer_message="It was the disk, and is over.",
    )
    assert (done.value["status"], done.value["resolved_by"]) == ("resolved", "staff:anna")
    await settled(desk)
    well = await read(call, well)
    assert well["status"] == "to_confirm"
    assert well["known_incidents"][0]["over"] is True
    assert well["known_incidents"][0]["message"] == "It was the disk, and is over."
    well = (await do(call, "report_diagnosis_outcome", well, helped=True)).value
    assert (well["status"], well["confirmed"]) == ("resolved", "customer")
    ill = await read(call, ill, OTHER)
    ill = (await do(call, "report_diagnosis_outcome", ill, OTHER, helped=False)).value
    assert (ill["status"], ill["incident_id"], ill["ticket_id"]) == ("open", None, None)
    assert ill["step"] is not None
    assert [one["step_id"] for one in ill["answered"]] == ["same_now", "status"]
    told = await desk.database.reader.all(
        sa.select(events.c.kind, events.c.record, events.c.customer_id).order_by(events.c.seq)
    )
    assert [tuple(row) for row in told] == [
        ("diagnosis.joined", well["id"], "user_001"),
        ("diagnosis.joined", ill["id"], "user_002"),
        ("diagnosis.incident_over", well["id"], "user_001"),
        ("diagnosis.incident_over", ill["id"], "user_002"),
    ]


async def test_what_was_found_before_it_was_over_goes_to_staff_if_it_has_not_helped(
    desk: Desk, call: Call
) -> None:
    found = await answer(call, await start(call), *TO_CAUSE)
    made = await report(call, code="429")
    session = (await do(call, "join_incident", found, incident_id=made["incident_id"])).value
    early = await do(call, "report_diagnosis_outcome", session, helped=False)
    assert code(early) == "CONFLICT"
    await call("resolve_incident", STAFF, incident_id=made["incident_id"])
    await settled(desk)
    session = await read(call, session)
    assert (session["status"], session["result"]["cause"]) == ("to_confirm", "rate_limit")
    handed = (await do(call, "report_diagnosis_outcome", session, helped=False)).value
    assert handed["status"] == "handed_over"
    assert handed["ticket_id"] is not None


async def test_who_has_something_else_leaves_and_does_not_join_again(call: Call) -> None:
    await report(call)
    session = await answer(call, await start(call), *TO_503)
    session = (await do(call, "leave_incident", session)).value
    assert (session["status"], session["incident_id"]) == ("open", None)
    assert session["known_incidents"] == []
    session = await answer(call, session, False)
    assert session["status"] != "joined_incident"
    assert code(await do(call, "leave_incident", session)) == "CONFLICT"


async def test_what_is_only_written_is_asked_about_first(call: Call) -> None:
    await report(call)
    for issue in ("We get no 503 any more, but calls fail.", "The API answers 503."):
        session = await start(call, issue_description=issue)
        assert session["status"] == "open"
        assert [one["match"] for one in session["known_incidents"]] == ["possible"]
    joined = await do(call, "join_incident", session, incident_id="I1001")
    assert (joined.value["status"], joined.value["incident_id"]) == ("joined_incident", "I1001")
    again = await do(call, "join_incident", joined.value, incident_id="I1001")
    assert code(again) == "CONFLICT"


async def test_a_code_that_is_known_of_the_environment_is_enough(call: Call) -> None:
    await report(call)
    session = await start(call, environment_info={"error_code": "503"})
    assert session["status"] == "joined_incident"


@pytest.mark.parametrize(
    ("told", "session"),
    [
        ({"product": "Acme Sync"}, {}),
        ({"code": "502"}, {}),
        ({"version": "3"}, {"environment_info": {"version": "2.3"}}),
        ({"test": "api.status", "code": "429"}, {}),
    ],
)
async def test_what_is_of_another_kind_is_not_joined(
    sqlite_call: Call, told: dict[str, Any], session: dict[str, Any]
) -> None:
    await report(sqlite_call, **told)
    found = await answer(sqlite_call, await start(sqlite_call, **session), *TO_503)
    assert found["status"] == "open"
    assert not any(one["match"] == "certain" for one in found["known_incidents"])


async def test_an_incident_is_reported_from_a_session_that_shows_it(call: Call) -> None:
    first = await answer(call, await start(call), *TO_503)
    second = await answer(call, await start(call, OTHER), *TO_503, by=OTHER)
    alike = (await call("find_similar_cases", STAFF, session_id=second["id"])).value
    assert alike["signature"] == "acme api||api.status=503"
    assert [one["session_id"] for one in alike["sessions"]] == [first["id"]]
    handed = (await do(call, "hand_over_diagnosis", first)).value
    alike = (await call("find_similar_cases", STAFF, session_id=second["id"])).value
    assert [one["ticket_id"] for one in alike["sessions"]] == [handed["ticket_id"]]
    also = (await do(call, "hand_over_diagnosis", second, OTHER)).value
    thread = (await call("list_ticket_messages", STAFF, ticket_id=also["ticket_id"])).value
    note = thread["messages"][1]["text"]
    assert f"seen the same lately: {first['id']} ({handed['ticket_id']})" in note
    assert [one["ticket_id"] for one in thread["links"]] == [handed["ticket_id"]]
    made = (await call("report_incident", STAFF, title="Down", session_id=second["id"])).value
    assert (made["product"], made["test"], made["code"]) == ("Acme API", "api.status", "503")
    third = await answer(call, await start(call), *TO_503)
    assert third["incident_id"] == made["incident_id"]
    twice = await call("report_incident", STAFF, title="Again", session_id=second["id"])
    assert twice.value["error"]["details"]["incident_id"] == made["incident_id"]


async def test_nobody_learns_of_or_joins_what_is_not_theirs(call: Call) -> None:
    made = await report(call)
    session = await start(call)
    foreign = replace(STAFF, tenant="acme")
    for by in (CUSTOMER, FOREIGN):
        assert code(await call("list_incidents", by)) == "FORBIDDEN"
    assert (await call("list_incidents", foreign)).value["total"] == 0
    for tool in ("get_incident", "resolve_incident"):
        outcome = await call(tool, foreign, incident_id=made["incident_id"])
        assert code(outcome) == "INCIDENT_NOT_FOUND"
    theirs = await start(call, FOREIGN)
    assert theirs["known_incidents"] == []
    other = await report(call, product="Acme Sync")
    for incident in (other["incident_id"], "I9999"):
        refused = await do(call, "join_incident", session, incident_id=incident)
        assert code(refused) in ("FORBIDDEN", "INCIDENT_NOT_FOUND")
    refused = await do(call, "join_incident", session, OTHER, incident_id=made["incident_id"])
    assert code(refused) == "SESSION_NOT_FOUND"
    by_staff = await do(call, "join_incident", session, STAFF, incident_id=other["incident_id"])
    assert by_staff.value["incident_id"] == other["incident_id"]


async def test_a_code_is_found_in_whatever_sentence_it_stands(sqlite_call: Call) -> None:
    for code_, issue in (
        ("503", "Since noon it is 503."),
        ("503", "APIの呼び出しで503が出ます。"),
        ("E-17", "We see E-17, always"),
        ("сбой-7", "Всё время сбой-7."),
    ):
        made = await report(sqlite_call, title=issue, code=code_)
        # Monitoring that has told customers nothing is shown only to who wrote of its code.
        session = await start(sqlite_call, issue_description=f"API: {issue}")
        found = {one["incident_id"]: one["because"] for one in session["known_incidents"]}
        assert "in the description" in found[made["incident_id"]], issue
        await sqlite_call("resolve_incident", STAFF, incident_id=made["incident_id"])


async def test_what_was_seen_last_counts_at_once(sqlite_desk: Desk, sqlite_call: Call) -> None:
    session = await start(sqlite_call)
    async with sqlite_desk.database.transaction() as db:
        given = ("default", session["id"], session["revision"])
        await service.answer(db, *given, True, by="customer:user_001", request_id="r")
        seen = await service.answer(
            db, *given[:2], session["revision"] + 1, 503, by="customer:user_001", request_id="r"
        )
        looked = await joining.look(db, "default", seen)
    assert looked.signature == "acme api||api.status=503"


async def test_a_long_name_hides_nothing_of_what_was_seen(sqlite_call: Call) -> None:
    long = {"product_name": "P" * 190, "environment_info": {"version": "7" * 190}}
    session = await answer(sqlite_call, await start(sqlite_call, **long), *TO_503)
    named = {"title": "Down", "session_id": session["id"]}
    made = (await sqlite_call("report_incident", STAFF, **named)).value
    assert (made["test"], made["code"]) == ("api.status", "503")
    alike = (await sqlite_call("find_similar_cases", STAFF, session_id=session["id"])).value
    assert alike["signature"].endswith("|api.status=503")


async def test_of_two_who_resolve_one_does(desk: Desk, call: Call) -> None:
    made = await report(call)
    named = {"incident_id": made["incident_id"], "revision": made["revision"]}
    outcomes = await asyncio.gather(*(call("resolve_incident", STAFF, **named) for _ in range(4)))
    assert sorted(one.status for one in outcomes) == ["error", "error", "error", "ok"]
    assert {code(one) for one in outcomes if one.status == "error"} == {"CONFLICT"}
    session = await start(call)
    joined = await do(call, "join_incident", session, STAFF, incident_id=made["incident_id"])
    assert code(joined) == "CONFLICT"
    assert (await answer(call, session, *TO_503))["status"] == "open"


async def test_an_agent_reports_no_incident(sqlite_desk: Desk) -> None:
    from deskward.gate.context import Context

    told = {"title": "All is down", "product": "Acme API"}
    context = Context(STAFF.with_agent("assistant"), "agent", session_id="a session")
    outcome = await sqlite_desk.gate.call("report_incident", told, context)
    assert code(outcome) == "FORBIDDEN"
