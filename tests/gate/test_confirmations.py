"""Confirmations: of the exact call, by whom was asked, in their session, once, for minutes."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import database
from deskward.core.errors import Conflict, DeskwardError, Forbidden, NotFound
from deskward.gate import confirmations as module
from deskward.gate.confirmations import (
    Confirmation,
    ConfirmationVoid,
    answer_entry,
    confirmations,
    end_questions,
    forget_late,
)
from deskward.gate.confirmed import run_confirmed
from deskward.gate.context import Context
from deskward.gate.influence import Influence
from deskward.gate.outcome import Outcome
from deskward.gate.policy.engine import Policy
from deskward.gate.readings import Reading
from deskward.security.principals import Proof
from tests.conftest import CUSTOMER, FOREIGN, OTHER, STAFF, Call, recorded
from tests.policies import FILES

NEW = "1 New Road, Boston"
SESSION = "s1"


def agent(**changes: Any) -> Context:
    """The agent of a customer in their session."""
    whole = {"principal": CUSTOMER.with_agent("assistant"), "door": "agent", "unsure": True}
    return Context(**{**whole, "session_id": SESSION, **changes})


def speaking(**changes: Any) -> Context:
    """The customer themselves in their session."""
    return Context(**{"principal": CUSTOMER, "door": "agent", "session_id": SESSION, **changes})


async def asked(desk: Desk, context: Context | None = None, key: str | None = None) -> Outcome:
    outcome = await desk.gate.call(
        "update_address", {"new_address": NEW}, context or agent(), idempotency_key=key
    )
    assert outcome.status == "confirm", outcome.value
    return outcome


async def found(desk: Desk, outcome: Outcome) -> Confirmation:
    key = outcome.value["confirmation_id"]
    return await desk.gate.confirmations.get(desk.database.reader, "default", key)


async def say(
    desk: Desk, outcome: Outcome, yes: bool = True, context: Context | None = None
) -> None:
    """What conversations do with an answer."""
    context = context or speaking()
    call = await found(desk, outcome)
    desk.gate.confirmations.check(call, context)
    entry = answer_entry(desk.gate.ledger, call, context, yes, "text")
    async with desk.database.transaction([entry]) as transaction:
        await desk.gate.confirmations.answer(transaction, call, yes, "text")


async def made(desk: Desk, outcome: Outcome, context: Context | None = None) -> Outcome:
    context = context or agent(unsure=False)
    return await run_confirmed(desk.gate, outcome.value["confirmation_id"], context)


async def address(call: Call) -> str:
    return str((await call("get_account_details")).value["address"])


async def test_an_unsure_agents_call_waits_for_a_yes_and_is_made_once(
    desk: Desk, call: Call
) -> None:
    before = await address(call)
    outcome = await asked(desk, key="k")
    receipt = outcome.value
    assert receipt["question"] == f"Shall I change your address to: “{NEW}”?"
    assert receipt["arguments"] == {"new_address": NEW}
    assert await address(call) == before
    await say(desk, outcome)
    assert (await made(desk, outcome)).value["address"] == NEW
    assert await address(call) == NEW
    await call("update_address", new_address=before)
    again = await made(desk, outcome)
    assert (again.repeated, again.value["address"]) == (True, NEW)
    assert await address(call) == before
    # Whoever repeats the first call is told what came of it.
    repeated = await desk.gate.call(
        "update_address", {"new_address": NEW}, agent(), idempotency_key="k"
    )
    assert (repeated.status, repeated.value["address"]) == ("ok", NEW)
    rows = [r for r in await recorded(desk) if r.get("confirmation") or r["kind"] == "confirmation"]
    assert [(r["kind"], r.get("verdict"), r["status"]) for r in rows[:2]] == [
        ("confirmation", None, "yes"),
        ("call", "allow", "ok"),
    ]
    assert (await found(desk, outcome)).sealed is None


async def test_nothing_is_made_without_a_yes(sqlite_desk: Desk, sqlite_call: Call) -> None:
    before = await address(sqlite_call)
    outcome = await asked(sqlite_desk)
    assert (await made(sqlite_desk, outcome)).value["error"]["code"] == "CONFIRMATION_VOID"
    await say(sqlite_desk, outcome, yes=False)
    assert (await made(sqlite_desk, outcome)).value["error"]["code"] == "CONFIRMATION_VOID"
    with pytest.raises(Conflict):
        await say(sqlite_desk, outcome)
    assert await address(sqlite_call) == before


async def test_a_yes_counts_once(sqlite_desk: Desk) -> None:
    outcome = await asked(sqlite_desk)
    call = await found(sqlite_desk, outcome)
    await say(sqlite_desk, outcome)
    async with sqlite_desk.database.transaction() as transaction:
        with pytest.raises(Conflict):  # of two at once that were both checked before
            await sqlite_desk.gate.confirmations.answer(transaction, call, False, "button")


@pytest.mark.parametrize(
    ("context", "error"),
    [
        (speaking(session_id="s2"), NotFound),
        (speaking(session_id=None), NotFound),
        (speaking(principal=OTHER), NotFound),
        (speaking(principal=FOREIGN), NotFound),
        (speaking(principal=STAFF), NotFound),
        (speaking(principal=CUSTOMER.with_agent("assistant")), Forbidden),
        (speaking(principal=dataclasses.replace(CUSTOMER, proof=Proof.CLAIMED)), Forbidden),
    ],
)
async def test_who_may_not_answer(
    sqlite_desk: Desk, context: Context, error: type[DeskwardError]
) -> None:
    outcome = await asked(sqlite_desk)
    with pytest.raises(error):
        await say(sqlite_desk, outcome, context=context)
    other = dataclasses.replace(context, principal=context.principal.with_agent("assistant"))
    if error is NotFound:
        await say(sqlite_desk, outcome)
        refused = await made(sqlite_desk, outcome, other)
        assert refused.value["error"]["code"] == "CONFIRMATION_NOT_FOUND"


async def test_a_question_expires(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = await asked(sqlite_desk)
    later = database.now() + module.LIFETIME + timedelta(seconds=1)
    monkeypatch.setattr(module, "now", lambda: later)
    with pytest.raises(ConfirmationVoid):
        await say(sqlite_desk, outcome)
    # What was typed is not kept either.
    await forget_late(sqlite_desk.database)
    assert (await found(sqlite_desk, outcome)).sealed is None


CHANGES: dict[str, dict[str, Any]] = {
    "tool": {"tool": "change_password"},
    "arguments": {"arguments": '{"new_address":"2 Evil Road","user_id":"user_001"}'},
    "question": {"question": "Shall I say hello?"},
    "session": {"session_id": "s2"},
    "record": {"record": "{}"},
    "expiry": {"expires_at": database.now() + timedelta(days=1)},
    "sealed": {"sealed": b"0" * 60},
    "status": {"status": "approved"},
    "policy version": {"policy_version": "0" * 12},
}


@pytest.mark.parametrize("what", CHANGES)
async def test_what_was_changed_is_not_made(
    sqlite_desk: Desk, sqlite_call: Call, what: str
) -> None:
    before = await address(sqlite_call)
    outcome = await asked(sqlite_desk)
    values = CHANGES[what]
    if what != "status":
        await say(sqlite_desk, outcome)
    else:
        values |= {"decided_by": CUSTOMER.label, "decided_at": database.now(), "comment": "text"}
    async with sqlite_desk.database.transaction() as transaction:
        await transaction.execute(sa.update(confirmations).values(**values))
    assert (await made(sqlite_desk, outcome)).error is not None
    assert await address(sqlite_call) == before


async def test_a_record_that_has_changed_voids_the_yes(sqlite_desk: Desk) -> None:
    order = {"order_id": "O1003", "status": "cancelled"}
    outcome = await sqlite_desk.gate.call("update_order_status", order, agent())
    assert outcome.status == "confirm", outcome.value
    await say(sqlite_desk, outcome)
    moved = await sqlite_desk.gate.call(
        "update_order_status", {**order, "status": "confirmed"}, Context(STAFF, "rest")
    )
    assert moved.status == "ok", moved.value
    assert (await made(sqlite_desk, outcome)).value["error"]["code"] == "CONFIRMATION_VOID"


async def test_other_policies_void_the_yes(sqlite_desk: Desk) -> None:
    outcome = await asked(sqlite_desk)
    await say(sqlite_desk, outcome)
    more = {**FILES, "more.cedar": '@id("more") forbid (principal, action in [], resource);'}
    sqlite_desk.gate.policy = Policy(more, sqlite_desk.gate.tools.values())
    assert (await made(sqlite_desk, outcome)).value["error"]["code"] == "CONFIRMATION_VOID"


async def test_a_yes_is_no_approval_and_lifts_no_refusal(sqlite_desk: Desk) -> None:
    claimed = dataclasses.replace(CUSTOMER, proof=Proof.CLAIMED)
    outcome = await asked(sqlite_desk, agent(principal=claimed.with_agent("assistant")))
    await say(sqlite_desk, outcome, context=speaking(principal=claimed))
    waits = await made(
        sqlite_desk, outcome, agent(principal=claimed.with_agent("assistant"), unsure=False)
    )
    assert (waits.status, waits.value["status"]) == ("pending", "pending_approval")


async def test_the_yes_is_judged_by_what_is_known_then(sqlite_desk: Desk) -> None:
    outcome = await asked(sqlite_desk)
    await say(sqlite_desk, outcome)
    tainted = agent(unsure=False, influence=Influence(), reading=Reading({"author"}))
    waits = await made(sqlite_desk, outcome, tainted)
    assert waits.status == "pending"
    assert waits.decision is not None
    assert waits.decision.policies == ("tainted-agent-acts-on-own-words-only",)


async def test_a_secret_is_asked_about_masked_and_kept_sealed(sqlite_desk: Desk) -> None:
    secret = "correct horse battery staple 9"
    outcome = await sqlite_desk.gate.call("change_password", {"new_password": secret}, agent())
    assert outcome.status == "confirm", outcome.value
    assert secret not in outcome.text
    row = await found(sqlite_desk, outcome)
    assert secret.encode() not in (row.sealed or b"")
    assert secret not in repr(dataclasses.replace(row, sealed=None))
    await say(sqlite_desk, outcome)
    assert (await made(sqlite_desk, outcome)).status == "ok"


async def test_asking_the_same_again_is_one_question(sqlite_desk: Desk) -> None:
    first, second = await asked(sqlite_desk), await asked(sqlite_desk)
    assert first.value["confirmation_id"] == second.value["confirmation_id"]
    other = await asked(sqlite_desk, agent(session_id="s2"))
    assert other.value["confirmation_id"] != first.value["confirmation_id"]


async def test_the_end_of_a_session_voids_what_it_asked(sqlite_desk: Desk) -> None:
    outcome = await asked(sqlite_desk)
    async with sqlite_desk.database.transaction() as transaction:
        await end_questions(transaction, "default", CUSTOMER.label, SESSION)
    with pytest.raises(Conflict):
        await say(sqlite_desk, outcome)
