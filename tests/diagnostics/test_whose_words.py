"""By whose words a matter is judged that was handed over: the customer's, and never the desk's."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.customers.models import customers
from deskward.diagnostics.checking import load
from deskward.diagnostics.composing import Circumstances, compose
from deskward.diagnostics.service import Earlier, Given, Session
from deskward.diagnostics.telling import own_words
from tests.conftest import CUSTOMER, STAFF, Call

SLOW = "The network is slow and we cannot connect"
TOLD = """
workflow: lamp
version: 1
title: The lamp is dark
category: lamps
specialist: electrician
causes:
  bulb: {title: The bulb is broken, explanation: The wire is torn., fix: Take a new one.}
fragments:
  - id: light
    title: The bulb
    steps:
      - id: seen
        kind: ask
        description: What do you see?
        instructions: Say it in your words.
        expected: Words.
        answer: {type: text}
        minutes: 1
        next: [{go: torn}]
      - id: torn
        kind: check
        description: Is the wire torn?
        instructions: Look at it.
        expected: It is.
        minutes: 1
        findings: [{when: torn, supports: [bulb]}]
        next:
          - {when: torn, cause: bulb}
          - {escalate: electrician}
"""


async def handed_over(call: Call, issue: str, who: Any = CUSTOMER) -> dict[str, Any]:
    started = await call(
        "start_diagnostic_session",
        who,
        customer_id="user_001",
        product_name="Acme API",
        issue_description=issue,
    )
    session = started.value
    this = {"session_id": session["id"], "revision": session["revision"]}
    found: dict[str, Any] = (await call("hand_over_diagnosis", who, **this)).value
    return found


async def judged(call: Call, ticket_id: str) -> dict[str, Any]:
    outcome = await call(
        "evaluate_escalation_criteria",
        STAFF,
        ticket_data={"ticket_id": ticket_id},
        customer_tier="standard",
        issue_complexity=1,
        previous_attempts=[],
    )
    found: dict[str, Any] = outcome.value
    return found


def signs(found: dict[str, Any]) -> set[str]:
    return {one["values"]["signs"] for one in found["rules"] if "signs" in one["values"]}


@pytest.mark.parametrize("who", [CUSTOMER, STAFF])
async def test_what_the_desk_notes_of_a_diagnosis_is_no_sign_of_a_breach(
    sqlite_call: Call, who: Any
) -> None:
    handed = await handed_over(sqlite_call, SLOW, who)
    found = await judged(sqlite_call, handed["ticket_id"])
    assert (found["should_escalate"], found["reasons"]) == (False, [])
    assert signs(found) == {"[]"}


async def test_the_customers_own_words_are_one(sqlite_call: Call) -> None:
    issue = "The network is slow since somebody has hacked into our account"
    handed = await handed_over(sqlite_call, issue)
    found = await judged(sqlite_call, handed["ticket_id"])
    assert found["specialist_type"] == "security"


@pytest.mark.parametrize(
    ("issue", "told"),
    [
        (SLOW, None),
        ("Das Netz ist sehr langsam und wir haben keine Verbindung", "de"),
        ("HTTP 429 ECONNRESET", None),
    ],
)
async def test_a_note_says_the_language_that_was_told_in_and_not_that_of_a_record(
    sqlite_desk: Desk, sqlite_call: Call, issue: str, told: str | None
) -> None:
    async with sqlite_desk.database.transaction() as db:
        await db.execute(sa.update(customers).values(language="de"))
    handed = await handed_over(sqlite_call, issue, STAFF)
    page = await sqlite_call("list_ticket_messages", STAFF, ticket_id=handed["ticket_id"])
    note = page.value["messages"][1]["text"]
    assert ("It was told in: de" in note) is (told is not None)
    assert ("It was told in" in note) is (told is not None)


def test_what_a_customer_answers_in_words_is_theirs_and_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "lamp.yaml").write_text(TOLD, "utf-8")
    shelf = load(tmp_path)
    plan = compose(shelf["lamp"], Circumstances(product="Lamp"), shelf)
    hacked, burnt = "Somebody hacked it", "It is burnt"
    theirs = (Given(hacked, "customer:user_001", "r1", "now"),)
    staffs = (
        Given(burnt, "staff:anna", "r2", "now"),
        Given(False, "customer:user_001", "r3", "now"),
    )
    given: dict[str, Any] = dict.fromkeys(field.name for field in fields(Session))
    given |= {"plan": plan, "given": staffs, "earlier": (Earlier("bulb", theirs),)}
    assert own_words(Session(**given)) == [hacked]
