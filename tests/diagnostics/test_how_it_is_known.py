"""How it is known that a session has helped: each way is listed, and counted apart."""

from __future__ import annotations

from typing import Any

from deskward.app import Desk
from tests.conftest import CUSTOMER, FOREIGN, OTHER, STAFF, Call
from tests.diagnostics.test_sessions import TO_CAUSE, answer, code, do, ring, start

NONE = {"customer": 0, "staff": 0, "quiet": 0}


async def ended(call: Call, whose: Any, by: Any, *, helped: bool = True) -> str:
    """Walk a session to its cause, and have somebody say whether that has helped."""
    session = await answer(call, await start(call, whose), *TO_CAUSE, by=whose)
    told = await do(call, "report_diagnosis_outcome", session, by, helped=helped)
    assert told.status == "ok", told.value
    return str(session["id"])


async def listed(call: Call, by: Any = STAFF, **only: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Who has confirmed each session that is listed, and the counts."""
    outcome = await call("list_diagnostic_sessions", by, **only)
    assert outcome.status == "ok", outcome.value
    found = {one["id"]: one["confirmed"] for one in outcome.value["sessions"]}
    assert outcome.value["total"] == len(found)
    return found, outcome.value["helped"]


async def test_what_has_helped_is_counted_by_how_that_is_known(desk: Desk, call: Call) -> None:
    quiet = (await answer(call, await start(call), *TO_CAUSE))["id"]
    left = (await start(call))["id"]
    await ring(desk)
    said = await ended(call, CUSTOMER, CUSTOMER)
    theirs = [await ended(call, OTHER, STAFF), await ended(call, OTHER, STAFF)]
    waits = (await answer(call, await start(call), *TO_CAUSE))["id"]
    not_helped = await ended(call, CUSTOMER, CUSTOMER, helped=False)
    await ended(call, FOREIGN, FOREIGN)  # another tenant's

    found, helped = await listed(call)
    staff = dict.fromkeys(theirs, "staff")
    nobody = dict.fromkeys((left, waits, not_helped))
    assert found == {quiet: "quiet", said: "customer"} | staff | nobody
    assert helped == {"customer": 1, "staff": 2, "quiet": 1}

    assert await listed(call, confirmed="quiet") == ({quiet: "quiet"}, NONE | {"quiet": 1})
    assert await listed(call, confirmed="staff") == (staff, NONE | {"staff": 2})
    assert await listed(call, status="open") == ({}, NONE)
    own, counts = await listed(call, CUSTOMER)
    assert own.keys() == {quiet, left, said, waits, not_helped}
    assert counts == {"customer": 1, "staff": 0, "quiet": 1}
    one_page = (await call("list_diagnostic_sessions", STAFF, limit=1)).value
    assert one_page["helped"] == helped


async def test_there_is_no_other_way_to_know(sqlite_call: Call) -> None:
    outcome = await sqlite_call("list_diagnostic_sessions", STAFF, confirmed="nobody")
    assert code(outcome) == "INVALID_INPUT"
