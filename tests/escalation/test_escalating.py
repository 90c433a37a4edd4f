"""Evaluating a matter, and escalating a ticket with all that is known of it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import database
from deskward.core.jobs import jobs
from deskward.core.marked_yaml import WrongFiles
from deskward.core.settings import Settings
from deskward.customers import service as customers
from deskward.customers.erasure import erase
from deskward.escalation.models import sla_watch
from deskward.escalation.timers import CHECK, LONG_AGO, look
from deskward.gate.outcome import Outcome
from deskward.queues.models import queue_items
from deskward.security.principals import Kind, Principal
from tests.conftest import AUDITOR, CUSTOMER, STAFF, Call, caller, hire

LEAD = Principal(Kind.STAFF, "lead", "default", ("support-3",))
SEED = (
    "escalation_id assigned_specialist estimated_response_time escalation_level context_summary "
    "previous_attempts customer_impact"
).split()


async def ok(outcome: Outcome) -> Any:
    assert outcome.status == "ok", outcome.value
    return outcome.value


def refused(outcome: Outcome) -> str:
    assert outcome.status == "error", outcome.value
    return f"{outcome.value['error']['code']} {outcome.value['error']['message']}"


async def evaluate(call: Call, data: dict[str, Any], *tried: Any, **more: Any) -> Any:
    arguments = {"ticket_data": data, "customer_tier": "standard", "previous_attempts": [*tried]}
    return await ok(await call("evaluate_escalation_criteria", STAFF, **{**arguments, **more}))


async def test_an_everyday_matter_stays_where_it_is(call: Call) -> None:
    found = await evaluate(call, {"subject": "A question", "description": "How do I pay?"})
    assert (found["should_escalate"], found["specialist_type"], found["reasons"]) == (
        False,
        None,
        [],
    )
    assert found["complexity"]["score"] == 1
    assert {one["matched"] for one in found["rules"]} == {False}


async def test_what_was_tried_counts_and_each_rule_says_what_it_saw(call: Call) -> None:
    tried = [{"action": "Restarted it", "outcome": "failed"}, "Asked for the version", "Reset it"]
    found = await evaluate(call, {"description": "It is slow."}, *tried, customer_tier="Premium")
    assert found["should_escalate"] is True
    assert (found["specialist_type"], found["priority_level"]) == ("senior", 2)
    rules = {one["rule"]: one for one in found["rules"]}
    assert rules["tried-three-times"]["matched"] is True
    assert rules["tried-three-times"]["values"] == {"attempts": "3"}
    assert rules["premium-tried-twice"]["values"] == {"attempts": "3", "tier": '"premium"'}
    assert rules["security"]["matched"] is False
    assert found["complexity"]["score"] == 4
    assert [one["part"] for one in found["complexity"]["parts"] if one["held"]] == [
        "tried-once",
        "tried-three-times",
    ]


@pytest.mark.parametrize(("complexity", "matched"), [(7, False), (8, True), (9, True)])
async def test_what_the_caller_says_of_complexity_counts(
    sqlite_call: Call, complexity: int, matched: bool
) -> None:
    found = await evaluate(sqlite_call, {}, issue_complexity=complexity)
    assert found["complexity"]["score"] == complexity
    assert found["complexity"]["given"] is True
    assert found["should_escalate"] is matched


async def test_availability_is_that_of_the_directory(desk: Desk, call: Call) -> None:
    data = {"description": "There is an outage."}
    found = await evaluate(call, data)
    assert (found["specialist_type"], found["specialist_available"]) == ("senior", False)
    await hire(desk, "nina")
    settings = {"kinds": {"senior": 2}, "capacity": 1}
    await ok(await call("set_specialist", LEAD, staff_id="nina", settings=settings))
    found = await evaluate(call, data)
    assert (found["specialist_available"], found["specialists_with_room"]) == (True, 1)


async def test_of_a_ticket_the_record_counts(call: Call) -> None:
    ticket = await ok(
        await call(
            "create_ticket", subject="Outage", body="My lawyer will hear of it.", priority="high"
        )
    )
    about = {"ticket_id": ticket["ticket_id"], "priority": "low", "description": "All is well."}
    found = await evaluate(call, about, customer_tier="enterprise")
    rules = {one["rule"]: one for one in found["rules"]}
    assert rules["legal"]["matched"] is True
    assert rules["outage"]["values"] == {"words": '["outage"]'}
    tier = json.loads(rules["premium-tried-twice"]["values"]["tier"])
    assert tier == (await ok(await call("get_customer", STAFF, customer_id="user_001")))["tier"]
    left = json.loads(rules["breach-is-near"]["values"]["minutes_left"])
    assert 0 < left <= 4 * 60  # high: four hours
    missing = await call(
        "evaluate_escalation_criteria", STAFF, ticket_data={"ticket_id": "T999999"}
    )
    assert refused(missing).startswith("TICKET_NOT_FOUND")


async def test_wrong_data_are_refused(sqlite_call: Call) -> None:
    for arguments in (
        {"ticket_data": {"subjct": "x"}},
        {"ticket_data": {}, "issue_complexity": 11},
        {"ticket_data": {"sentiment": "furious"}},
        {"ticket_data": {}, "previous_attempts": [{"action": ""}]},
    ):
        outcome = await sqlite_call("evaluate_escalation_criteria", STAFF, **arguments)
        assert refused(outcome).startswith("INVALID_INPUT"), arguments


async def diagnosed(call: Call) -> str:
    """A ticket that came of a diagnosis."""
    session = await ok(
        await call(
            "start_diagnostic_session",
            CUSTOMER,
            product_name="Acme API",
            issue_description="Our calls get a 403 from the API.",
        )
    )
    for answer in (True, 403, True):
        told = {"session_id": session["id"], "revision": session["revision"], "answer": answer}
        session = await ok(await call("answer_diagnostic_step", CUSTOMER, **told))
    return str(session["ticket_id"])


async def escalate(call: Call, ticket: str, **more: Any) -> Any:
    arguments = {
        "original_ticket_id": ticket,
        "escalation_reason": "The key is in order, and it is refused.",
        "specialist_type": "api",
        "priority_level": 2,
        **more,
    }
    return await call("create_escalation_ticket", STAFF, **arguments)


async def test_the_whole_context_goes_along(desk: Desk, call: Call) -> None:
    await hire(desk, "nina")
    settings = {"kinds": {"api": 2}}
    await ok(await call("set_specialist", LEAD, staff_id="nina", settings=settings))
    ticket = await diagnosed(call)
    context = {"impact": "All orders of the shop wait.", "region": "eu-west"}
    found = await ok(await escalate(call, ticket, customer_context=context))
    assert list(found) == SEED
    assert (found["escalation_id"], found["assigned_specialist"]) == ("E1001", "nina")
    assert (found["escalation_level"], found["estimated_response_time"]) == (1, 60)
    summary = found["context_summary"]
    for part in (
        "The key is in order, and it is refused.",
        "Our calls get a 403 from the API.",
        "Which status does the answer have? 403",
        "The key may not do that: ruled out",
        "region: eu-west",
        "only 0 cases are known yet",
    ):
        assert part in summary, part
    assert found["customer_impact"].startswith("All orders of the shop wait. A customer of tier")
    (diagnosis,) = found["previous_attempts"]
    assert diagnosis["action"].startswith("Diagnosis D1001")
    # The specialist reads it on the ticket, and the customer does not.
    thread = await ok(await call("list_ticket_messages", STAFF, ticket_id=ticket))
    assert any("region: eu-west" in one["text"] for one in thread["messages"])
    mine = await ok(await call("list_ticket_messages", CUSTOMER, ticket_id=ticket))
    assert not any("region" in one["text"] for one in mine["messages"])
    kept = await ok(await call("get_escalation", AUDITOR, escalation_id="E1001"))
    assert kept["context"]["region"] == "eu-west"
    assert "Our calls get a 403" in kept["context"]["summary"]


async def test_a_second_escalation_knows_of_the_first(call: Call) -> None:
    ticket = await diagnosed(call)
    await ok(await escalate(call, ticket))
    found = await ok(await escalate(call, ticket, specialist_type="senior"))
    assert found["escalation_level"] == 2
    assert any(
        one["action"].startswith("Escalation E1001 to api") for one in found["previous_attempts"]
    )
    criteria = await evaluate(call, {"ticket_id": ticket})
    parts = [one["part"] for one in criteria["complexity"]["parts"] if one["held"]]
    assert "came-back" in parts


async def test_what_cannot_be_escalated_is_refused(call: Call) -> None:
    ticket = await diagnosed(call)
    assert "Did you mean api?" in refused(await escalate(call, ticket, specialist_type="apy"))
    assert refused(await escalate(call, "T999999")).startswith("TICKET_NOT_FOUND")
    update = {"status": "closed"}
    await ok(await call("update_ticket", STAFF, ticket_id=ticket, update=update))
    assert "It has ended" in refused(await escalate(call, ticket))
    mine = await call(
        "create_escalation_ticket",
        CUSTOMER,
        original_ticket_id=ticket,
        escalation_reason="x",
        specialist_type="api",
        priority_level=1,
    )
    assert mine.status == "error"


async def test_erasing_a_customer_takes_their_escalations_along(desk: Desk, call: Call) -> None:
    await ok(await escalate(call, await diagnosed(call)))
    async with desk.database.transaction() as db:
        victim = await customers.get(db, "default", "user_001")
        await erase(db, desk.gate.ledger.keys, "default", victim)
    assert await desk.database.reader.all(sa.select(queue_items)) == []


SLA = """\
policies:
  - {id: all, calendar: always, first_response: 1m, warn: 1h, specialist: senior}
"""


async def test_a_policy_may_give_what_is_nearly_late_to_specialists(
    sqlite_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sla.yaml"
    file.write_text(SLA, encoding="utf-8")
    sqlite_settings.escalation.sla_file = file
    async with open_desk(sqlite_settings) as desk:
        call = caller(desk)
        ticket = await ok(await call("create_ticket", subject="A", body="B", priority="urgent"))
        real = database.clock
        monkeypatch.setattr(database, "clock", lambda: real() + timedelta(seconds=40))
        number = int(ticket["ticket_id"][1:])
        wanted = sa.select(queue_items).where(queue_items.c.ticket == number)
        async with asyncio.timeout(30):
            while not (rows := await desk.database.reader.all(wanted)):
                async with desk.database.transaction() as db:
                    await db.execute(sa.update(sla_watch).values(next_at=LONG_AGO))
                await look(desk.gate)
                desk.jobs.wake()
                await asyncio.sleep(0.05)
        assert (rows[0].kind, rows[0].level, rows[0].status) == ("senior", 1, "waiting")
        assert "is due at" in rows[0].reason
        failed = sa.select(jobs.c.id).where(jobs.c.kind == CHECK, jobs.c.status == "failed")
        assert await desk.database.reader.all(failed) == []


async def test_own_files_that_name_nobody_keep_a_desk_from_starting(
    sqlite_settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "sla.yaml"
    file.write_text(SLA.replace("senior", "nobody"), encoding="utf-8")
    sqlite_settings.escalation.sla_file = file
    with pytest.raises(WrongFiles, match=r"sla\.yaml:2: there is no type of specialist"):
        async with open_desk(sqlite_settings):
            pass
    sqlite_settings.escalation.sla_file = None
    rules = tmp_path / "rules.yaml"
    rule = "{id: a, title: A, when: 'attempts > 1', specialist: nobody, priority_level: 1}"
    rules.write_text(f"rules:\n  - {rule}\n", encoding="utf-8")
    sqlite_settings.escalation.rules_file = rules
    with pytest.raises(WrongFiles, match=r"rules\.yaml:2: there is no type of specialist"):
        async with open_desk(sqlite_settings):
            pass
