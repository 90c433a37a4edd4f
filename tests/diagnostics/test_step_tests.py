"""Steps that are answered by what their tests see."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.app import Desk
from deskward.gate.context import Context
from deskward.gate.readings import Reading
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, OTHER, SERVICE, STAFF, Call, recorded
from tests.diagnostics.test_checks import authority as authority
from tests.diagnostics.test_sessions import answer, code, do
from tests.diagnostics.test_suites import allowed
from tests.services.faulty_web import Authority, web

TO_PORT = (False, True, "certificate", "same")


async def begun(call: Call, by: Any = STAFF, **environment: Any) -> dict[str, Any]:
    who = {} if by is CUSTOMER else {"customer_id": "user_001"}
    outcome = await call(
        "start_diagnostic_session",
        by,
        product_name="Acme",
        issue_description="The connection is refused with a warning.",
        environment_info={"category": "network", "vpn": False, **environment},
        **who,
    )
    assert outcome.status == "ok", outcome.value
    found: dict[str, Any] = outcome.value
    return found


async def test_an_expired_certificate_is_found_by_its_test_and_named(
    desk: Desk, call: Call, authority: Authority
) -> None:
    await allowed(call, "localhost")
    await allowed(call, "127.0.0.0/8")
    await allowed(call, "::1")
    async with web(authority.context(days=-3)) as server:
        session = await begun(call, host="localhost", port=server.port)
        session = await answer(call, session, *TO_PORT, by=STAFF)
        assert (session["step"]["step_id"], session["step"]["test"]) == ("port", "network.tcp")
        # That the desk reaches the port says nothing of the customer's own firewall.
        opened = await do(call, "answer_step_by_test", session, STAFF)
        assert code(opened) == "CONFLICT"
        assert "leaves the step open" in opened.value["error"]["message"]
        session = await answer(call, session, True, False, by=STAFF)
        assert session["step"]["step_id"] == "certificate"
        done = await do(call, "answer_step_by_test", session, STAFF)
    assert done.status == "ok", done.value
    found = done.value
    assert (found["status"], found["result"]["cause"]) == ("to_confirm", "service_certificate")
    answered = found["answered"][-1]
    assert answered["answer"].startswith("invalid")
    kept = (await call("get_test_run", STAFF, run_id=answered["test_run_id"])).value
    assert kept["report"]["results"][0]["seen"]["problem"] == "expired"
    assert (kept["session_id"], kept["step_id"]) == (found["id"], "certificate")
    assert kept["request_id"] == answered["request_id"]
    rows = [one for one in await recorded(desk) if one["request_id"] == answered["request_id"]]
    tools = {one["tool"] for one in rows}
    assert {"run_step_test", "take_test_answer", "answer_step_by_test"} <= tools
    states = {one["cause"]: one["state"] for one in found["hypotheses"]}
    # The service's own fault says nothing of what stands between.
    assert (states["service_certificate"], states["tls_inspection"]) == ("supported", "possible")
    assert states["dns"] == "ruled_out"


async def test_an_engineer_runs_a_test_once_more_and_the_session_stays_as_it_is(
    call: Call, authority: Authority
) -> None:
    await allowed(call, "localhost")
    await allowed(call, "127.0.0.0/8")
    await allowed(call, "::1")
    async with web(authority.context()) as server:
        session = await begun(call, host="localhost", port=server.port)
        asked = {"session_id": session["id"], "step_id": "certificate"}
        tested = (await call("run_step_test", STAFF, **asked)).value
        assert (tested["result"]["outcome"], tested["answer"]) == ("passed", None)
        again = (await call("run_step_test", STAFF, **asked)).value
    assert tested["run_id"] != again["run_id"]
    found = (await call("get_diagnostic_session", STAFF, session_id=session["id"])).value
    assert found == session
    none = await call("run_step_test", STAFF, session_id=session["id"], step_id="status_page")
    assert code(none) == "CONFLICT"
    none = await call("run_step_test", STAFF, session_id=session["id"], step_id="nowhere")
    assert code(none) == "STEP_NOT_FOUND"


async def test_what_a_customer_says_leads_no_test_inside(call: Call) -> None:
    """Staff may have let tests into the network; a customer's words choose no target there.

    Whoever runs the test, and by whichever tool, it is the customer who has said where it goes.
    """
    await allowed(call, "127.0.0.1")
    async with web() as server:
        session = await begun(call, CUSTOMER, host="127.0.0.1", port=server.port)
        asked = {"session_id": session["id"], "step_id": "port"}
        for by in (CUSTOMER, STAFF, STAFF.with_agent("assistant")):
            run = (await call("run_step_test", by, **asked)).value
            assert run["result"]["outcome"] == "refused"
        session = await answer(call, session, *TO_PORT, by=STAFF)
        opened = await do(call, "answer_step_by_test", session, STAFF)
        assert opened.value["error"]["details"]["outcome"] == "refused"
        assert server.asked == []


async def test_what_a_customer_declared_leads_a_session_of_staff_nowhere_inside(
    call: Call,
) -> None:
    await allowed(call, "127.0.0.1")
    async with web() as server:
        facts = {"host": "127.0.0.1", "port": server.port}
        told = await call("report_customer_environment", CUSTOMER, environment_info=facts)
        assert told.status == "ok"
        asked = {"session_id": (await begun(call))["id"], "step_id": "port"}
        run = (await call("run_step_test", STAFF, **asked)).value
        assert run["result"]["outcome"] == "refused"
        # A part of it suffices: the port alone is the customer's.
        asked = {"session_id": (await begun(call, host="127.0.0.1"))["id"], "step_id": "port"}
        run = (await call("run_step_test", STAFF, **asked)).value
        assert run["result"]["outcome"] == "refused"
        # What staff say themselves counts, though the customer has said the same before.
        asked = {"session_id": (await begun(call, **facts))["id"], "step_id": "port"}
        run = (await call("run_step_test", STAFF, **asked)).value
        assert run["result"]["outcome"] == "passed"


async def test_what_a_service_tells_of_a_session_is_the_word_of_nobody_of_staff(
    call: Call,
) -> None:
    await allowed(call, "127.0.0.1")
    async with web() as server:
        session = await begun(call, SERVICE, host="127.0.0.1", port=server.port)
        asked = {"session_id": session["id"], "step_id": "port"}
        run = (await call("run_step_test", STAFF, **asked)).value
        assert run["result"]["outcome"] == "refused"
        assert server.asked == []


@pytest.mark.parametrize(
    ("door", "sources", "outcome"),
    [
        ("mcp", [], "passed"),
        ("mcp", ["customer:user_002"], "refused"),
        ("rest", ["customer:user_002"], "passed"),  # people read, and decide
    ],
)
async def test_a_model_that_has_read_what_others_wrote_chooses_no_target_inside(
    desk: Desk, call: Call, door: Any, sources: list[str], outcome: str
) -> None:
    await allowed(call, "127.0.0.1")

    def given(client: str) -> Context:
        return Context(STAFF, door, client=client, reading=Reading(sources))

    async with web() as server:
        begins = {
            "customer_id": "user_001",
            "product_name": "Acme",
            "issue_description": "The connection is refused with a warning.",
            "environment_info": {
                "category": "network",
                "host": "127.0.0.1",
                "port": server.port,
            },
        }
        session = await desk.gate.call("start_diagnostic_session", begins, given("one"))
        assert session.status == "ok", session.value
        asked = {"session_id": session.value["id"], "step_id": "port"}
        run = (await call("run_step_test", STAFF, **asked)).value
        assert run["result"]["outcome"] == outcome
        url = f"http://127.0.0.1:{server.port}/ok"
        told = {"test_suite": "api.status", "customer_environment": {"url": url}}
        ran = await desk.gate.call("run_diagnostic_tests", told, given("another"))
        assert ran.value["results"][0]["outcome"] == outcome


async def test_after_the_hand_over_customers_run_no_tests(call: Call) -> None:
    session = await begun(call, CUSTOMER, host="api.example.com")
    asked = {"session_id": session["id"], "step_id": "port"}
    assert (await call("run_step_test", CUSTOMER, **asked)).status == "ok"
    assert (await do(call, "hand_over_diagnosis", session)).status == "ok"
    assert code(await call("run_step_test", CUSTOMER, **asked)) == "CONFLICT"
    assert (await call("run_step_test", STAFF, **asked)).status == "ok"


ADMIN = Principal(Kind.STAFF, "ada", "default", ("admin",))


@pytest.mark.parametrize("by", [CUSTOMER, STAFF, ADMIN])
async def test_nobody_passes_anything_off_as_what_a_program_has_read(
    call: Call, by: Principal
) -> None:
    told: dict[str, Any] = {"customer_id": "user_001", "environment_info": {"os": "windows"}}
    by_hand = await call("report_customer_environment", by, **told, method="collector")
    assert code(by_hand) == "FORBIDDEN"
    asked = {"customer_id": "user_001", "detection_method": "collector"}
    found = await call("detect_customer_environment", STAFF, **asked)
    assert found.value["facts"] == []


async def test_people_tell_what_they_know_themselves(call: Call) -> None:
    told = {"environment_info": {"os": "windows"}, "method": "declared"}
    assert (await call("report_customer_environment", CUSTOMER, **told)).status == "ok"


async def test_nobody_answers_by_a_run_that_is_of_another_step_or_session(
    desk: Desk, call: Call
) -> None:
    await allowed(call, "127.0.0.1")
    async with web() as server:
        facts = {"host": "127.0.0.1", "port": server.port}
        first, second = await begun(call, **facts), await begun(call, **facts)
        asked = {"session_id": first["id"], "step_id": "port"}
        run = (await call("run_step_test", STAFF, **asked)).value
    for session in (first, second):  # the first one waits at another step
        arguments = {
            "session_id": session["id"],
            "revision": session["revision"],
            "run_id": run["run_id"],
        }
        outcome = await desk.gate.act("take_test_answer", arguments, Context(STAFF, "cli"))
        assert code(outcome) == "CONFLICT"
    asked = {"session_id": first["id"], "revision": 1, "run_id": run["run_id"]}
    assert code(await call("take_test_answer", STAFF, **asked)) == "UNKNOWN_TOOL"


async def test_a_step_that_was_answered_meanwhile_is_not_answered_by_a_test(call: Call) -> None:
    session = await begun(call)
    later = await answer(call, session, False, by=STAFF)
    assert code(await do(call, "answer_step_by_test", session, STAFF)) == "CONFLICT"
    assert code(await do(call, "answer_step_by_test", later, STAFF)) == "CONFLICT"  # it has none
    assert code(await do(call, "answer_step_by_test", later, OTHER)) == "SESSION_NOT_FOUND"


@pytest.mark.parametrize(("path", "cause"), [("/slow", "slow_service")])
async def test_a_slow_service_is_told_from_a_long_way(
    call: Call, authority: Authority, path: str, cause: str
) -> None:
    await allowed(call, "localhost")
    await allowed(call, "127.0.0.0/8")
    await allowed(call, "::1")
    async with web(authority.context()) as server:
        session = await begun(call, host="localhost", port=server.port, path=path)
        given = (False, True, "slow", "same", True, False, "own")
        session = await answer(call, session, *given, by=STAFF)
        assert session["step"]["step_id"] == "elsewhere_slow"
        done = (await do(call, "answer_step_by_test", session, STAFF)).value
    assert done["result"]["cause"] == cause
