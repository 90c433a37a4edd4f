"""Diagnostic sessions: walked to a cause with its evidence, or to a ticket with all of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import jobs
from deskward.core.database import now
from deskward.core.settings import Settings
from deskward.diagnostics.checking import SHIPPED, load
from deskward.diagnostics.composing import Circumstances, compose
from deskward.diagnostics.timers import QUIET
from deskward.diagnostics.walking import walk
from deskward.gate.outcome import Outcome
from tests.conftest import AUDITOR, CUSTOMER, FOREIGN, OTHER, STAFF, Call, recorded

ISSUE = "Since noon our calls get a 429, as if we had reached the rate limit."
TO_CAUSE = (True, 429, 120, 60)
TO_SPECIALIST = (True, 403, True)


def code(outcome: Outcome) -> str:
    error: str = outcome.value["error"]["code"]
    return error


async def start(call: Call, principal: Any = CUSTOMER, **more: Any) -> dict[str, Any]:
    given = {"product_name": "Acme API", "issue_description": ISSUE, **more}
    outcome = await call("start_diagnostic_session", principal, **given)
    assert outcome.status == "ok", outcome.value
    found: dict[str, Any] = outcome.value
    return found


async def answer(call: Call, session: dict[str, Any], *values: Any, by: Any = CUSTOMER) -> Any:
    for value in values:
        outcome = await call(
            "answer_diagnostic_step",
            by,
            session_id=session["id"],
            revision=session["revision"],
            answer=value,
        )
        assert outcome.status == "ok", outcome.value
        session = outcome.value
    return session


async def do(
    call: Call, tool: str, session: dict[str, Any], by: Any = CUSTOMER, **more: Any
) -> Any:
    return await call(tool, by, session_id=session["id"], revision=session["revision"], **more)


async def test_a_cause_is_stated_with_what_supports_it_and_what_rules_others_out(
    call: Call,
) -> None:
    session = await start(call)
    assert (session["id"], session["status"], session["revision"]) == ("D1001", "open", 1)
    assert session["workflow_id"] == "api-errors"
    assert session["step"]["step_id"] == "same_now"
    assert session["step"]["answer"] == {"type": "yes_no", "choices": None, "unit": None}
    found = await answer(call, session, *TO_CAUSE)
    assert (found["status"], found["step"]) == ("to_confirm", None)
    assert (found["result"]["kind"], found["result"]["cause"]) == ("cause", "rate_limit")
    assert "Retry-After" in found["result"]["fix"]
    states = {one["cause"]: one["state"] for one in found["hypotheses"]}
    assert states["rate_limit"] == "supported"
    assert states["no_key"] == states["wrong_key"] == "ruled_out"
    assert states["outage"] == "possible"
    assert [one["answer"] for one in found["answered"]][1:] == [
        "429",
        "120 calls a minute",
        "60 calls a minute",
    ]
    assert found["answered"][0]["by"] == "customer:user_001"
    done = await do(call, "report_diagnosis_outcome", found, helped=True)
    assert (done.value["status"], done.value["confirmed"]) == ("resolved", "customer")
    assert done.value["ticket_id"] is None
    assert code(await do(call, "report_diagnosis_outcome", done.value, helped=True)) == "CONFLICT"


async def test_each_answer_names_the_call_that_gave_it_in_the_ledger(
    desk: Desk, call: Call
) -> None:
    session = await answer(call, await start(call), True)
    (given,) = session["answered"]
    (row,) = [r for r in await recorded(desk) if r["request_id"] == given["request_id"]]
    assert row["tool"] == "answer_diagnostic_step"
    assert row["arguments"]["answer"] is True


async def test_what_a_specialist_has_to_see_becomes_a_ticket_with_all_of_it(call: Call) -> None:
    session = await answer(call, await start(call), *TO_SPECIALIST)
    assert session["status"] == "handed_over"
    assert session["result"]["specialist"] == "api"
    ticket = (await call("get_ticket", STAFF, ticket_id=session["ticket_id"])).value
    assert (ticket["body"], ticket["note"]) == (ISSUE, None)
    thread = await call("list_ticket_messages", STAFF, ticket_id=session["ticket_id"])
    assert [one["by"] for one in thread.value["messages"]] == ["customer", "desk"]
    note = thread.value["messages"][1]["text"]
    assert "Which status does the answer have? 403" in note
    assert "The key may not do that: ruled out (scope speaks against it)" in note
    mine = await call("list_ticket_messages", CUSTOMER, ticket_id=session["ticket_id"])
    assert [one["text"] for one in mine.value["messages"]] == [ISSUE]
    for tool in ("take_back_diagnostic_answer", "hand_over_diagnosis", "pause_diagnostic_session"):
        assert code(await do(call, tool, session)) == "CONFLICT"


async def test_a_fix_that_has_not_helped_goes_to_staff(call: Call) -> None:
    session = await answer(call, await start(call), *TO_CAUSE)
    handed = (await do(call, "report_diagnosis_outcome", session, helped=False)).value
    assert (handed["status"], handed["confirmed"]) == ("handed_over", None)
    thread = await call("list_ticket_messages", STAFF, ticket_id=handed["ticket_id"])
    note = thread.value["messages"][1]["text"]
    assert "What was found has not helped." in note
    assert "More calls are made than the limit allows: supported" in note


async def test_answers_are_taken_back_one_by_one(call: Call) -> None:
    session = await answer(call, await start(call), *TO_CAUSE)
    for step in ("limit", "made", "status", "same_now"):
        outcome = await do(call, "take_back_diagnostic_answer", session)
        session = outcome.value
        assert (session["status"], session["step"]["step_id"]) == ("open", step)
    assert not any(one["evidence"] for one in session["hypotheses"])
    assert code(await do(call, "take_back_diagnostic_answer", session)) == "CONFLICT"
    again = await answer(call, session, *TO_SPECIALIST)
    assert again["status"] == "handed_over"


async def test_an_answer_to_what_was_there_before_is_refused(call: Call) -> None:
    session = await start(call)
    await answer(call, session, True)
    late = await do(call, "answer_diagnostic_step", session, answer=True)
    assert code(late) == "CONFLICT"
    assert "it is at revision 2, not 1" in late.value["error"]["message"]


async def test_of_answers_at_once_one_counts(call: Call) -> None:
    session = await start(call)
    outcomes = await asyncio.gather(
        *(do(call, "answer_diagnostic_step", session, answer=one % 2 == 0) for one in range(8))
    )
    assert sum(one.status == "ok" for one in outcomes) == 1
    now_there = (await call("get_diagnostic_session", session_id=session["id"])).value
    assert (len(now_there["answered"]), now_there["revision"]) == (1, 2)


@pytest.mark.parametrize("wrong", ["yes", 1, 2.5, "", "true"])
async def test_an_answer_of_another_form_is_refused_and_changes_nothing(
    call: Call, wrong: Any
) -> None:
    session = await start(call)
    refused = await do(call, "answer_diagnostic_step", session, answer=wrong)
    assert code(refused) == "INVALID_INPUT"
    assert refused.value["error"]["details"] == {"field": "answer"}
    assert "true or false" in refused.value["error"]["message"]
    there = (await call("get_diagnostic_session", session_id=session["id"])).value
    assert there["revision"] == 1


async def test_it_is_paused_resumed_and_handed_over_by_hand(call: Call) -> None:
    session = (await do(call, "pause_diagnostic_session", await start(call))).value
    assert (session["status"], session["step"]["step_id"]) == ("paused", "same_now")
    assert code(await do(call, "answer_diagnostic_step", session, answer=True)) == "CONFLICT"
    session = (await do(call, "resume_diagnostic_session", session)).value
    session = (await do(call, "hand_over_diagnosis", session)).value
    assert session["status"] == "handed_over"
    assert session["ticket_id"] is not None
    listed = (await call("list_diagnostic_sessions", status="handed_over")).value
    assert [one["id"] for one in listed["sessions"]] == [session["id"]]
    assert (await call("list_diagnostic_sessions", status="open")).value["total"] == 0


async def test_nobody_sees_or_answers_anothers(call: Call) -> None:
    session = await start(call)
    for other in (OTHER, FOREIGN):
        assert (
            await call("get_diagnostic_session", other, session_id=session["id"])
        ).status != "ok"
        assert (
            await do(call, "answer_diagnostic_step", session, other, answer=True)
        ).status != "ok"
        assert (await call("list_diagnostic_sessions", other)).value["total"] == 0
    assert (await do(call, "answer_diagnostic_step", session, AUDITOR, answer=True)).status != "ok"
    by_staff = await do(call, "answer_diagnostic_step", session, STAFF, answer=True)
    assert by_staff.value["answered"][0]["by"].startswith("staff:")


@pytest.mark.parametrize(
    ("more", "workflow"),
    [
        ({"issue_description": "I cannot log in, my password is refused"}, "sign-in"),
        ({"issue_description": "The VPN is on and the page times out: no connection"}, None),
        ({"issue_description": "x", "environment_info": {"category": "sync"}}, "data-sync"),
        ({"issue_description": "x", "environment_info": {"category": "Sign-in"}}, "sign-in"),
    ],
)
async def test_the_workflow_that_fits_is_taken(
    call: Call, more: dict[str, Any], workflow: str | None
) -> None:
    session = await start(call, **more)
    assert session["workflow_id"] == (workflow or "network-connectivity")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "category"),
        ({"category": "netwrok"}, "Did you mean network?"),
        ({"category": 7}, "the category “7”"),
        ({"version": 2.3}, "category"),
    ],
)
async def test_what_fits_no_workflow_names_those_that_there_are(
    call: Call, environment: dict[str, Any], said: str
) -> None:
    outcome = await call(
        "start_diagnostic_session",
        product_name="Acme",
        issue_description="Hm.",
        environment_info=environment,
    )
    assert code(outcome) == "WORKFLOW_NOT_FOUND"
    assert said in outcome.value["error"]["message"]


async def test_parts_that_do_not_apply_are_left_out_and_it_says_why(call: Call) -> None:
    session = await start(
        call,
        issue_description="no connection",
        environment_info={"vpn": False, "os": "linux", "version": "2.3"},
    )
    assert any(one.startswith("tunnel: ") and "does not hold" in one for one in session["why"])


async def test_a_workflow_is_told_in_the_documented_shape(call: Call) -> None:
    told = (
        await call("get_troubleshooting_workflow", product="Acme", issue_category="network")
    ).value
    assert told["workflow_id"] == "network-connectivity"
    first = told["steps"][0]
    assert first.keys() == {
        "step_id",
        "description",
        "action_type",
        "instructions",
        "expected_result",
        "failure_actions",
        "next_step_conditions",
    }
    assert first["next_step_conditions"] == {
        "status_page": "cause outage",
        "otherwise": "other_sites",
    }
    assert told["estimated_duration"] > 20
    assert told["required_permissions"] == ["change_network"]
    unknown = await call("get_troubleshooting_workflow", product="Acme", issue_category="api error")
    assert "There are: api, network, sign_in, sync." in unknown.value["error"]["message"]


async def test_what_nobody_contradicts_counts_as_confirmed_and_the_rest_ends(
    desk: Desk, call: Call
) -> None:
    found = await answer(call, await start(call), *TO_CAUSE)
    open_ = await start(call)
    touched = await start(call)
    await ring(desk)
    touched = await answer(call, touched, True)
    async with desk.database.transaction() as db:
        left = await db.all(sa.select(jobs.jobs.c.payload).where(jobs.jobs.c.kind == QUIET))
    assert [row.payload["session_id"] for row in left] == [touched["id"]]
    states = {
        one["id"]: one["status"]
        for one in (await call("list_diagnostic_sessions")).value["sessions"]
    }
    assert states == {found["id"]: "resolved", open_["id"]: "ended", touched["id"]: "open"}
    there = (await call("get_diagnostic_session", session_id=found["id"])).value
    assert there["confirmed"] == "quiet"


async def ring(desk: Desk) -> None:
    """Have the timers of the first two sessions ring now."""
    async with desk.database.transaction() as db:
        rows = await db.all(sa.select(jobs.jobs).where(jobs.jobs.c.kind == QUIET))
        first = [row.id for row in rows if row.payload["session_id"] in ("D1001", "D1002")]
        assert len(first) == 2
        past = now() - timedelta(seconds=1)
        moved = sa.update(jobs.jobs).where(jobs.jobs.c.id.in_(first)).values(due_at=past)
        await db.execute(moved)
    desk.jobs.wake()
    async with asyncio.timeout(30):
        while True:
            rows = await desk.database.reader.all(
                sa.select(jobs.jobs.c.id).where(jobs.jobs.c.id.in_(first))
            )
            if not rows:
                return
            await asyncio.sleep(0.05)


async def test_a_session_goes_on_in_another_process(settings: Settings, call: Call) -> None:
    session = await answer(call, await start(call), True, 429)
    async with open_desk(settings, chat=False) as other:
        from deskward.gate.context import Context

        outcome = await other.gate.call(
            "answer_diagnostic_step",
            {"session_id": session["id"], "revision": session["revision"], "answer": 120},
            Context(CUSTOMER, "rest"),
        )
        assert outcome.status == "ok", outcome.value
        assert outcome.value["step"]["step_id"] == "limit"


async def test_a_session_is_what_its_answers_make_it() -> None:
    known = load(SHIPPED)
    plan = compose(known["api-errors"], Circumstances(), known)
    assert str(walk(plan, TO_CAUSE).end) == "cause rate_limit"
