"""An engineer's editor gives the diagnosis that it walks to staff, and with it nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deskward.app import Desk
from deskward.gate.context import Context
from deskward.gate.readings import Reading
from tests.conftest import CUSTOMER, OTHER, STAFF, Call, hire
from tests.diagnostics.test_sessions import answer, start
from tests.gate.test_approvals import settled

EVE = replace(STAFF, id="eve")
BEN = replace(STAFF, id="ben")


def editor() -> Context:
    """An editor whose model has read a customer's text."""
    return Context(EVE, "mcp", reading=Reading({"customer"}))


async def asked(desk: Desk, session: dict[str, Any]) -> dict[str, Any]:
    """What the editor is told that would hand a diagnosis over."""
    this = {"session_id": session["id"], "revision": session["revision"]}
    outcome = await desk.gate.call("hand_over_diagnosis", this, editor())
    told: dict[str, Any] = outcome.value
    return told


async def handed_over(desk: Desk, session: dict[str, Any]) -> str:
    return str((await asked(desk, session))["status"])


async def begun(desk: Desk, call: Call, answers: int = 2) -> dict[str, Any]:
    session = await start(call, CUSTOMER)
    for given in (True, 429)[:answers]:
        this = {"session_id": session["id"], "revision": session["revision"], "answer": given}
        outcome = await desk.gate.call("answer_diagnostic_step", this, editor())
        assert outcome.status == "ok", outcome.value
        session = outcome.value
    return session


async def test_what_it_walks_it_hands_over(sqlite_desk: Desk, sqlite_call: Call) -> None:
    session = await begun(sqlite_desk, sqlite_call)
    assert await handed_over(sqlite_desk, session) == "handed_over"


@pytest.mark.parametrize("whose", [CUSTOMER, OTHER])
async def test_what_somebody_else_walks_waits_for_a_person(
    sqlite_desk: Desk, sqlite_call: Call, whose: Any
) -> None:
    """What a text tells the model to give away is not the editor's: its customer walks it."""
    session = await start(sqlite_call, whose)
    assert await handed_over(sqlite_desk, session) == "pending_approval"
    session = await answer(sqlite_call, session, True, by=whose)
    assert await handed_over(sqlite_desk, session) == "pending_approval"


async def test_what_its_customer_has_gone_on_with_waits_for_a_person(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    session = await begun(sqlite_desk, sqlite_call)
    session = await answer(sqlite_call, session, 120)
    assert await handed_over(sqlite_desk, session) == "pending_approval"


async def test_what_is_paused_waits_for_a_person(sqlite_desk: Desk, sqlite_call: Call) -> None:
    session = await begun(sqlite_desk, sqlite_call)
    this = {"session_id": session["id"], "revision": session["revision"]}
    paused = (await sqlite_call("pause_diagnostic_session", CUSTOMER, **this)).value
    assert await handed_over(sqlite_desk, paused) == "pending_approval"


async def test_what_waits_is_handed_over_once_another_person_approves_it(
    desk: Desk, call: Call
) -> None:
    await hire(desk, "eve", "ben")
    session = await start(call, CUSTOMER)
    this = {"approval_id": (await asked(desk, session))["approval_id"]}
    assert (await call("approve_call", EVE, **this)).error is not None  # her own
    alone = await desk.gate.call("approve_call", this, Context(BEN, "mcp"))
    assert alone.error is not None  # nor does another editor decide
    assert (await call("approve_call", BEN, **this)).status == "ok"
    assert (await settled(desk, this["approval_id"]))["status"] == "done"
    there = (await call("get_diagnostic_session", session_id=session["id"])).value
    assert (there["status"], there["ticket_id"] is not None) == ("handed_over", True)


async def test_what_has_gone_on_meanwhile_is_not_handed_over(desk: Desk, call: Call) -> None:
    await hire(desk, "eve", "ben")
    session = await start(call, CUSTOMER)
    this = {"approval_id": (await asked(desk, session))["approval_id"]}
    await answer(call, session, True)
    refused = await call("approve_call", BEN, **this)
    assert "The record has changed" in refused.value["error"]["message"]
    assert (await call("get_approval", BEN, **this)).value["status"] == "void"
    there = (await call("get_diagnostic_session", session_id=session["id"])).value
    assert there["status"] == "open"
