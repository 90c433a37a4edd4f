"""Programs that look from a customer's machine: what they send, and what is not taken."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import hmac
import io
import json
import re
import sys
import types
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.diagnostics.collecting.making import digest, parted, signed_by
from deskward.diagnostics.collecting.models import collectors
from deskward.diagnostics.suites.models import test_runs as runs_table
from deskward.diagnostics.suites.suite import Suite
from deskward.gate.context import Context
from tests.conftest import CUSTOMER, OTHER, STAFF, Call, caller
from tests.diagnostics.test_checks import authority as authority
from tests.diagnostics.test_sessions import answer, code, do
from tests.diagnostics.test_step_tests import begun
from tests.entrypoints.conftest import client_of

COLLECTED = "/api/v1/collected"
SHAPE = {"error", "message", "detail", "request_id", "timestamp"}


@pytest.fixture
async def collecting(settings: Settings, offline: Model) -> AsyncIterator[Desk]:
    """A desk that knows where customers' machines reach it."""
    reached = settings.changed(diagnostics_collector_url="https://desk.example.com")
    async with open_desk(reached, model=offline) as desk:
        yield desk


@dataclass
class Made:
    """A collector as it was made."""

    answer: dict[str, Any]

    @property
    def program(self) -> str:
        """Its file."""
        text: str = self.answer["program"]
        return text

    @property
    def plan(self) -> dict[str, Any]:
        """What it was told."""
        found = re.search(r"^PLAN: .* = json\.loads\((.*)\)$", self.program, re.MULTILINE)
        assert found is not None
        plan: dict[str, Any] = json.loads(ast.literal_eval(found[1]))
        return plan

    def body(self, **changes: Any) -> bytes:
        """Something that it could send."""
        plan = self.plan
        sent: dict[str, Any] = {
            **{"collector": plan["collector"], "session": plan["session"]},
            **{"suite": plan["suite"], "clock": datetime.now(UTC).isoformat()},
            "facts": {"os": "linux", "proxied": False},
            "seen": {"tcp": {"reached": True, "problem": "", "milliseconds": 3}},
        }
        return json.dumps({**sent, **changes}).encode()

    def headers(self, body: bytes, after: int = 1, **changes: str) -> dict[str, str]:
        """What it says of a body."""
        plan = self.plan
        told = f"deskward collected\n{plan['collector']}\n{after}\n".encode() + body
        signature = hmac.new(plan["token"].encode(), told, hashlib.sha256).hexdigest()
        found = {"collector": plan["collector"], "elapsed": str(after), "signature": signature}
        named = {f"x-deskward-{name}": value for name, value in (found | changes).items()}
        return {"content-type": "application/json", **named}


async def made(call: Call, session: dict[str, Any], suite: str = "network") -> Made:
    outcome = await call("make_collector", STAFF, session_id=session["id"], test_suite=suite)
    assert outcome.status == "ok", outcome.value
    return Made(outcome.value)


async def kept(desk: Desk) -> list[Any]:
    return list(await desk.database.reader.all(sa.select(runs_table)))


async def send(
    client: httpx2.AsyncClient, one: Made, body: bytes | None = None, **more: Any
) -> httpx2.Response:
    sent = one.body() if body is None else body
    return await client.post(COLLECTED, content=sent, headers=one.headers(sent, **more))


async def test_a_collector_is_one_signed_file_for_one_session(collecting: Desk) -> None:
    call = caller(collecting)
    session = await begun(call, host="api.example.com", port=8443)
    one = await made(call, session)
    file = one.program.encode("ascii")
    assert signed_by(file) == one.answer["signed_by"]
    assert signed_by(file.replace(b"8443", b"8444", 1)) is None
    assert signed_by(file + b"print()\n") is None
    assert digest(file) == one.answer["sha256"]
    plan = one.plan
    assert (plan["session"], plan["suite"]) == (session["id"], "network")
    assert plan["to"] == "https://desk.example.com/api/v1/collected"
    assert {test["id"] for test in plan["tests"]} == {
        *("dns", "tcp", "tls", "service_clock", "latency"),
    }
    assert one.answer["looks_at"] == ["dns", "tcp", "tls", "clock", "service_clock", "latency"]
    assert all(test.get("port", 8443) == 8443 for test in plan["tests"])
    # Nobody who reads the database can send in its name.
    (row,) = await collecting.database.reader.all(sa.select(collectors))
    assert plan["token"].encode() not in bytes(row.token)
    assert row.expires_at - row.made_at == timedelta(hours=1)
    imported = {
        part.split(".")[0]
        for node in ast.walk(ast.parse(one.program))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for part in ([node.module or ""] if isinstance(node, ast.ImportFrom) else
                     [alias.name for alias in node.names])
    }  # fmt: skip
    assert imported <= sys.stdlib_module_names


async def test_what_a_program_can_do_is_for_people_to_start(collecting: Desk) -> None:
    call = caller(collecting)
    session = await begun(call, host="api.example.com")
    arguments = {"session_id": session["id"], "test_suite": "network"}
    assert (await call("make_collector", CUSTOMER, **arguments)).status == "ok"
    assert code(await call("make_collector", OTHER, **arguments)) == "SESSION_NOT_FOUND"
    by_model = Context(STAFF, "mcp")
    assert code(await collecting.gate.call("make_collector", arguments, by_model)) == "FORBIDDEN"
    none = await call("make_collector", STAFF, session_id=session["id"], test_suite="database")
    assert code(none) == "CONFLICT"
    assert "can make none of the tests" in none.value["error"]["message"]
    assert code(await call("take_collected", STAFF)) == "UNKNOWN_TOOL"


async def test_a_desk_that_no_machine_reaches_makes_none(sqlite_call: Call) -> None:
    session = await begun(sqlite_call, host="api.example.com")
    none = await sqlite_call("make_collector", STAFF, session_id=session["id"])
    assert "DIAGNOSTICS_COLLECTOR_URL" in none.value["error"]["message"]


async def test_what_was_seen_is_evidence_of_its_session(collecting: Desk) -> None:
    call = caller(collecting)
    session = await begun(call, host="api.example.com")
    session = await answer(call, session, False, True, "refused", "same", by=STAFF)
    assert session["step"]["step_id"] == "port"
    one = await made(call, session)
    off = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    async with client_of(collecting) as client:
        taken = await send(client, one, one.body(clock=off))
    assert taken.status_code == 200, taken.text
    run_id = taken.json()["run_id"]
    (listed,) = (await call("list_diagnostic_runs", STAFF, session_id=session["id"])).value["runs"]
    assert (listed["run_id"], listed["source"], listed["confidence"]) == (run_id, "collector", 0.95)
    run = (await call("get_test_run", STAFF, run_id=run_id)).value
    assert (run["source"], run["session_id"]) == ("collector", session["id"])
    results = {result["test"]: result for result in run["report"]["results"]}
    assert results["tcp"]["outcome"] == "passed"
    assert results["clock"]["outcome"] == "failed"
    assert abs(results["clock"]["seen"]["seconds"] - 3 * 86_400) < 60
    assert results["tls"]["outcome"] == "error"  # it has said nothing of it
    known = await call("detect_customer_environment", STAFF, customer_id="user_001",
                       detection_method="collector")  # fmt: skip
    assert {fact["name"]: fact["value"] for fact in known.value["facts"]}["os"] == "linux"
    # The desk may not even look there; the customer's own machine has.
    answered = await do(call, "answer_step_by_test", session, STAFF)
    assert answered.status == "ok", answered.value
    last = answered.value["answered"][-1]
    assert (last["step_id"], last["answer"], last["test_run_id"]) == ("port", "yes", run_id)
    assert answered.value["step"]["step_id"] == "proxied"


async def test_what_a_step_does_not_read_of_a_machine_answers_nothing(collecting: Desk) -> None:
    """That a certificate is not trusted there does not show that it is the service's own fault."""
    call = caller(collecting)
    session = await begun(call, host="api.example.com")
    session = await answer(call, session, False, True, "certificate", "same", True, False, by=STAFF)
    assert session["step"]["step_id"] == "certificate"
    one = await made(call, session, "network.tls")
    seen = {"tls": {"reached": True, "problem": "unknown_authority", "trusted": False}}
    async with client_of(collecting) as client:
        assert (await send(client, one, one.body(seen=seen))).status_code == 200
    left = await do(call, "answer_step_by_test", session, STAFF)
    assert "leaves the step open" in left.value["error"]["message"]


@pytest.mark.parametrize(
    "seen",
    [
        {"tls": {"trusted": "yes", "days_left": True, "spoken": "TLSv1.2"}},
        {"tls": {"trusted": {"a": "b"}, "spoken": ["TLSv1.2"] * 50, "days_left": 1e300}},
        {"tls": {}},
        {"tls": {"trusted": ["x"], "spoken": 7, "days_left": -1.5, "problem": "\u202e\x00"}},
        {"latency": {"failed": "0", "p95": [], "reached": 1}},
        {"dns": {"count": "many", "records": {"a": "b"}}},
    ],
)
async def test_whatever_a_machine_says_is_judged_and_breaks_nothing(
    collecting: Desk, seen: dict[str, Any]
) -> None:
    call = caller(collecting)
    session = await begun(call, host="api.example.com")
    one = await made(call, session)
    async with client_of(collecting) as client:
        taken = await send(client, one, one.body(seen=seen, clock="9999-12-31T23:59:59Z"))
        assert taken.status_code == 200, taken.text
    run = (await call("get_test_run", STAFF, run_id=taken.json()["run_id"], form="html")).value
    results = {result["test"]: result["outcome"] for result in run["report"]["results"]}
    assert results[min(seen)] == "failed"
    assert "\u202e" not in run["text"]


async def test_what_a_collector_does_not_see_is_left_out_and_fails_for_nothing(
    collecting: Desk,
) -> None:
    call = caller(collecting)
    session = await begun(call, url="https://api.example.com/", health_url="https://a.example.com")
    one = await made(call, session, "api")
    assert one.answer["looks_at"] == ["status", "health", "latency"]
    left = dict(told.split(": ", 1) for told in one.answer["leaves_out"])
    assert left["certificate"] == "A collector does not see tls, which it expects something of."
    assert left.keys() == {"certificate", "configuration", "version"}


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ({"url": "{configuration.base_url}/health"}, "nothing of a configuration"),
        ({"url": "https://a/", "headers": {"x-key": "{configuration.key}"}}, "configuration"),
        ({"url": "https://a/", "headers": {"x-key": "k"}}, "no headers"),
        ({"url": "https://a/", "paths": {"state": "$.state"}}, "nothing of an answer's body"),
        ({"url": "https://a/", "expect": ["seen.headers['x-powered-by'] == ''"]}, "x-powered-by"),
    ],
)
def test_a_collector_holds_no_secrets_of_a_suite(test: dict[str, Any], why: str) -> None:
    whole = {"id": "it", "title": "It", "kind": "http", **test}
    suite = Suite.model_validate({"suite": "s", "version": 1, "title": "S", "tests": [whole]})
    known = {"environment": {}, "configuration": {"base_url": "https://b", "key": "s3cret"}}
    made, left = parted(suite.tests, known)
    assert not made
    assert why in left["it"]


async def refused(
    desk: Desk, client: httpx2.AsyncClient, one: Made, status: int, error: str,
    body: bytes | None = None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """What is told of something that is not taken: in the documented shape, and nothing is kept."""
    before = len(await kept(desk))
    answered = await send(client, one, body, **more)
    assert answered.status_code == status, answered.text
    told: dict[str, Any] = answered.json()
    assert told.keys() == SHAPE
    assert told["error"] == error, told
    assert len(await kept(desk)) == before
    return told


async def test_what_is_forged_or_altered_is_not_taken(collecting: Desk) -> None:
    call = caller(collecting)
    session = await begun(call, host="api.example.com")
    one, another = await made(call, session), await made(call, session)
    good = one.body()
    async with client_of(collecting) as client:
        told = set()
        for changes in (
            {"signature": "0" * 64},
            {"signature": ""},
            {"signature": another.headers(good)["x-deskward-signature"]},
            {"collector": another.plan["collector"]},
            {"collector": "0" * 32},
            {"collector": ""},
            {"elapsed": "2"},  # it was signed with another number
            {"elapsed": "-1"},
            {"elapsed": "1.0"},
        ):
            found = await refused(collecting, client, one, 401, "UNAUTHENTICATED", good, **changes)
            told.add(found["message"])
        wrong = (collecting, client, one, 401, "UNAUTHENTICATED", one.body(facts={}))
        await refused(*wrong, signature=one.headers(good)["x-deskward-signature"])
        assert len(told) == 1  # it does not tell whether there is such a collector
        assert (await send(client, one, good)).status_code == 200


async def test_what_is_late_or_comes_twice_is_not_taken(collecting: Desk) -> None:
    call = caller(collecting)
    session = await begun(call, host="api.example.com")
    one, late = await made(call, session), await made(call, session)
    async with client_of(collecting) as client:
        for after in (901, 100):  # too old; seen before it was made
            stale = await refused(collecting, client, one, 409, "CONFLICT", after=after)
            assert stale["detail"] == "reason: stale"
        async with collecting.database.transaction() as db:
            long_ago = {"made_at": datetime.now(UTC) - timedelta(minutes=30)}
            await db.execute(sa.update(collectors).values(long_ago))
        await refused(collecting, client, one, 409, "CONFLICT", after=901)
        body = one.body()
        assert (await send(client, one, body)).status_code == 200
        for again in (body, one.body(facts={})):
            twice = await refused(collecting, client, one, 409, "CONFLICT", again)
            assert twice["detail"] == "reason: used"
        async with collecting.database.transaction() as db:
            ended = datetime.now(UTC) - timedelta(seconds=1)
            here = collectors.c.id == late.plan["collector"]
            await db.execute(sa.update(collectors).where(here).values(expires_at=ended))
        over = await refused(collecting, client, late, 409, "CONFLICT")
        assert over["detail"] == "reason: expired"


async def test_of_many_at_once_one_is_taken(collecting: Desk) -> None:
    call = caller(collecting)
    one = await made(call, await begun(call, host="api.example.com"))
    async with client_of(collecting) as client:
        answers = await asyncio.gather(*(send(client, one) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200, *[409] * 7]
    assert len(await kept(collecting)) == 1


async def test_what_is_of_another_session_or_form_is_not_taken(collecting: Desk) -> None:
    call = caller(collecting)
    session = await begun(call, host="api.example.com")
    others = await begun(call, host="api.example.com")
    one = await made(call, session)
    seen: dict[str, Any] = {"reached": True}
    async with client_of(collecting) as client:
        for changes in ({"session": others["id"]}, {"suite": "web"}, {"collector": "0" * 32}):
            body = one.body(**changes)
            await refused(collecting, client, one, 403, "FORBIDDEN", body)
        for body in (
            b"",
            b"[]",
            b"{",
            b"\xff\xfe",
            one.body(more=1),
            one.body(clock="noon"),
            one.body(clock="2026-11-27T10:00:00"),  # of no time zone
            one.body(facts={"n": 10**400}),
            one.body(seen={"tcp": {"milliseconds": 10**400}}),
            one.body(seen={"tcp": {"milliseconds": float("nan")}}),
            one.body(seen={"tcp": {"milliseconds": float("inf")}}),
            one.body().replace(b'"milliseconds": 3', b'"milliseconds": 1e999'),
            one.body(facts={"os": {"a": 1}}),
            one.body(facts={"OS": "linux"}),
            one.body(facts={f"f{n}": n for n in range(21)}),
            one.body(seen={"tcp": {"reached": True, "status": 200}}),
            one.body(seen={"health": seen}),
            one.body(seen={"tcp": {"reached": [[1]]}}),
            one.body(seen={"dns": {"records": ["x" * 301]}}),
            b'{"a":' * 50_000,
        ):
            told = await refused(collecting, client, one, 400, "INVALID_INPUT", body)
            assert len(told["message"]) < 400
        body = b'{"seen": "' + b"x" * 10_000_000 + b'"}'
        await refused(collecting, client, one, 413, "TOO_LARGE", body)
        assert (await send(client, one)).status_code == 200  # none has used it up


async def test_a_session_that_has_ended_takes_no_more(collecting: Desk) -> None:
    call = caller(collecting)
    session = await begun(call, host="api.example.com")
    one = await made(call, session)
    session = await answer(call, session, True, by=STAFF)  # the status page tells of it
    await do(call, "report_diagnosis_outcome", session, STAFF, helped=True)
    async with client_of(collecting) as client:
        told = await refused(collecting, client, one, 409, "CONFLICT")
    assert "has ended" in told["message"]
    assert code(await call("make_collector", STAFF, session_id=session["id"])) == "CONFLICT"


@pytest.mark.parametrize("said", ["no\n", "", "y\n", "yes please\n"])
async def test_nothing_is_sent_without_a_yes(
    collecting: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    call = caller(collecting)
    one = await made(call, await begun(call, host="nobody.invalid"), "network.dns")
    program = types.ModuleType("collector")
    exec(compile(one.program, "collector.py", "exec"), program.__dict__)
    monkeypatch.setattr(program, "sent", lambda *_: pytest.fail("it was sent"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(said))
    assert program.main([]) == 1
    told = capsys.readouterr().out
    assert '"count": 0' in told
    assert told.rstrip().endswith("Nothing was sent.")
    assert program.main(["--show"]) == 0
