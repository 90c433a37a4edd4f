"""Suites: their files, the tools that run them, and where they may go."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import xml.etree.ElementTree as ElementTree
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.database import now
from deskward.core.outside import NotAllowed
from deskward.customers import service as customers
from deskward.customers.erasure import erase
from deskward.diagnostics import forgetting
from deskward.diagnostics.forgetting import Forgetting, RunRules
from deskward.diagnostics.suites.loading import SHIPPED, read_suites
from deskward.diagnostics.suites.models import test_runs
from deskward.diagnostics.suites.reach import Listed, Target
from deskward.gate.outcome import Outcome
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, FOREIGN, SERVICE, STAFF, Call, recorded
from tests.services.faulty_web import web

OPERATOR = Principal(Kind.STAFF, "olga", "default", ("operator", "support-3"))
TIER_3 = Principal(Kind.STAFF, "tom", "default", ("support-3",))

SUITE = """\
suite: acme
version: 1
title: Acme
tests:
  - id: health
    title: It answers
    kind: http
    url: "{environment.url}/health"
"""


def code(outcome: Outcome) -> str:
    error: str = outcome.value["error"]["code"]
    return error


def wrong(folder: Path, text: str) -> str:
    """What is told of a suite's file."""
    (folder / "acme.yaml").write_text(text, "utf-8")
    _, problems = read_suites(folder)
    return "\n".join(f"{one.line}: {one.text}" for one in problems)


def test_the_shipped_suites_are_sound() -> None:
    found, problems = read_suites(SHIPPED)
    assert not problems
    assert {"network", "api", "sync", "sign_in", "web", "mail", "database"} <= found.keys()
    kinds = {test.kind for suite in found.values() for test in suite.tests}
    assert kinds >= {"http", "tls", "dns", "tcp", "smtp", "imap", "database", "configuration"}
    assert kinds >= {"version", "clock", "performance"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: http", "kind: htpp", "5: tests: Input tag 'htpp'"),
        ("    url:", "    uri:", "8: there is no “uri” here; is it a slip?"),
        ("{environment.url}", "{environment.url", "8: write places as {environment.host}"),
        ("{environment.url}", "{customer.url}", "8: write places as {environment.host}"),
        ("version: 1", "version: 1\nversion: 2", "3: “version” stands here twice"),
        ("id: health", "id: He alth", "use small letters"),
        ("title: Acme", "title: &a Acme\nproducts: [*a]", "write it out"),
    ],
)
def test_what_is_wrong_with_a_suite_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert not wrong(tmp_path, SUITE)
    assert told in wrong(tmp_path, SUITE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("seen.found.sate == 'ok'", "10: this test has no path “sate” for `seen.found`; did you"),
        (
            "seen . found . elsewhere > 1",
            "has no path “elsewhere” for `seen.found`; there are a-b, st",
        ),
        ('!(seen.found["a-c"] == 1)', "has no path “a-c” for `seen.found`; did you mean a-b?"),
        ("has(seen.found.gone)", "has no path “gone”"),
        ("seen.found.state.elsewhere == seen.found.state", ""),
        ("seen.found['a-b'] == 1 && seen.found.size() == 2", ""),
        ("seen.found.exists(name, name == 'state') && seen.found == seen.json", ""),
        ("seen.found[environment.name] == 'ok'", ""),
    ],
)
def test_what_no_path_looks_for_cannot_be_read(tmp_path: Path, condition: str, told: str) -> None:
    paths = '    paths: {state: "$.state", a-b: "$.b"}\n'
    problems = wrong(tmp_path, f"{SUITE}{paths}    expect: [{json.dumps(condition)}]\n")
    assert told in problems if told else not problems


def test_where_there_are_no_paths_nothing_is_found(tmp_path: Path) -> None:
    told = wrong(tmp_path, f"{SUITE}    expect: [seen.found.state == 'ok']\n")
    assert told == "9: this test has no path “state” for `seen.found`; there is none"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("    expect: [seen.stauts == 200]", "9: a test of this kind does not see “stauts”; did"),
        ("    expect: [status == 200]", "9: the condition reads “status”, which is nothing"),
        ("    expect: ['seen.status ==']", "9: this is no condition"),
        ("    expect: [\"seen.url.matches('(a+)+')\"]", "9: this is no condition: matches()"),
        ("    seconds: 31", "9: "),
        ("    paths: {a: '$.['}", "9: $.[ is no JSONPath"),
        ("    method: POST", "9: "),
        ("  - {id: health, title: Again, kind: dns, name: a}", "9: there is a test “health”"),
        (
            "  - {id: c, title: C, kind: configuration, schema: {type: oject}}",
            "9: tests.configuration.schema: this is no JSON Schema",
        ),
        (
            "  - {id: c, title: C, kind: configuration, schema: {properties: {pattern: "
            "{pattern: '(a+)+$'}}}}",
            "9: `pattern` cannot be used",
        ),
        ("  - {id: c, title: C, kind: configuration}", "9: a test of a configuration has"),
        ("  - {id: v, title: V, kind: version, version: a, wanted: newest}", "9: "),
    ],
)
def test_what_a_test_cannot_do_is_told(tmp_path: Path, line: str, told: str) -> None:
    assert told in wrong(tmp_path, f"{SUITE}{line}\n")


async def allowed(call: Call, target: str, ports: list[int] | None = None) -> str:
    outcome = await call("allow_test_target", OPERATOR, target=target, ports=ports or [])
    assert outcome.status == "ok", outcome.value
    target_id: str = outcome.value["target_id"]
    return target_id


async def run(call: Call, suite: str, by: Principal = STAFF, **environment: Any) -> dict[str, Any]:
    outcome = await call(
        "run_diagnostic_tests",
        by,
        test_suite=suite,
        customer_environment=environment,
        product_configuration={},
    )
    assert outcome.status == "ok", outcome.value
    found: dict[str, Any] = outcome.value
    return found


async def test_tests_go_nowhere_until_somebody_lets_them(call: Call) -> None:
    async with web() as server:
        url = f"http://127.0.0.1:{server.port}/ok"
        report = await run(call, "api.status", url=url)
        assert (report["passed"], report["results"][0]["outcome"]) == (False, "refused")
        assert server.asked == []
        target_id = await allowed(call, "127.0.0.1", [server.port])
        assert (await run(call, "api.status", url=url))["passed"] is True
        await allowed(call, "127.0.0.1", [1])  # the same target: its ports are changed
        assert (await run(call, "api.status", url=url))["passed"] is False
        listed = (await call("list_test_targets", STAFF)).value["targets"]
        assert [(one["target"], one["ports"]) for one in listed] == [("127.0.0.1", [1])]
        assert (await call("remove_test_target", OPERATOR, target_id=target_id)).status == "ok"
        gone = await call("remove_test_target", OPERATOR, target_id=target_id)
        assert code(gone) == "TEST_TARGET_NOT_FOUND"
        assert (await run(call, "api.status", url=url))["passed"] is False
        assert len(server.asked) == 1


async def test_who_may_say_where_tests_go(call: Call) -> None:
    assert code(await call("allow_test_target", STAFF, target="example.com")) == "FORBIDDEN"
    assert code(await call("allow_test_target", SERVICE, target="example.com")) == "FORBIDDEN"
    assert (await call("allow_test_target", TIER_3, target="example.com")).status == "ok"
    for inner in ("127.0.0.1", "10.0.0.0/8", "::1", "0.0.0.0/0", "169.254.169.254", "fd00::/8"):
        refused = await call("allow_test_target", TIER_3, target=inner)
        assert refused.status == "error", inner
        assert code(refused) == "FORBIDDEN"
    for odd in ("10.0.0.0/99", "127.1", "0x7f000001", "a/b", "..", "1"):
        assert (await call("allow_test_target", OPERATOR, target=odd)).status == "error", odd
    for by in (CUSTOMER, TIER_3.with_agent("assistant")):
        assert code(await call("allow_test_target", by, target="example.com")) == "FORBIDDEN"


async def test_targets_of_one_tenant_are_none_of_another_one(call: Call) -> None:
    await allowed(call, "127.0.0.1")
    foreign = Principal(Kind.STAFF, "anna", "acme", ("support",))
    async with web() as server:
        url = f"http://127.0.0.1:{server.port}/ok"
        report = await run(call, "api.status", foreign, url=url)
        assert report["results"][0]["outcome"] == "refused"
        assert server.asked == []
        mine = await run(call, "api.status", url=url)
    assert code(await call("get_test_run", foreign, run_id=mine["run_id"])) == "TEST_RUN_NOT_FOUND"
    assert (await call("list_test_targets", foreign)).value["targets"] == []


async def test_a_run_is_on_record_with_its_row_in_the_ledger(desk: Desk, call: Call) -> None:
    await allowed(call, "127.0.0.1")
    async with web() as server:
        report = await run(call, "api", url=f"http://127.0.0.1:{server.port}/503")
    assert report["counts"]["skipped"] == 3
    kept = (await call("get_test_run", STAFF, run_id=report["run_id"], form="junit")).value
    assert kept["report"] == report
    assert kept["run_by"] == "staff:anna"
    (row,) = [one for one in await recorded(desk) if one["request_id"] == kept["request_id"]]
    assert row["tool"] == "run_diagnostic_tests"
    root = ElementTree.fromstring(kept["text"])
    assert (root.tag, root.get("tests"), root.get("failures")) == ("testsuite", "6", "2")
    failed = root.find("testcase[@name='status']/failure")
    assert failed is not None
    assert "expected: seen.status < 400" in (failed.text or "")
    page = (await call("get_test_run", STAFF, run_id=report["run_id"], form="html")).value["text"]
    assert "The address answers without an error" in page


async def test_runs_are_removed_after_a_set_time(desk: Desk, call: Call) -> None:
    kept = await run(call, "api.version", client_version="2.0.1")
    old = await run(call, "api.version", client_version="2.0.1")
    lately = Forgetting(desk.database, RunRules(timedelta(days=90)))
    await lately.look()
    for days, found in ((89, "ok"), (91, "error")):
        at = now() - timedelta(days=days)
        async with desk.database.transaction() as db:
            here = test_runs.c.id == old["run_id"]
            await db.execute(sa.update(test_runs).where(here).values(at=at))
        await lately.look()
        assert (await call("get_test_run", STAFF, run_id=old["run_id"])).status == "ok"  # not yet
        await Forgetting(desk.database, RunRules(timedelta(days=90))).look()
        assert (await call("get_test_run", STAFF, run_id=old["run_id"])).status == found
    assert (await call("get_test_run", STAFF, run_id=kept["run_id"])).status == "ok"


async def test_a_run_of_a_customers_environment_goes_when_they_are_erased(
    desk: Desk, call: Call
) -> None:
    told = {"test_suite": "api.version", "customer_environment": {"client_version": "2.0.1"}}
    of_them = await call("run_diagnostic_tests", STAFF, customer_id="user_001", **told)
    of_nobody = await call("run_diagnostic_tests", STAFF, **told)
    unknown = await call("run_diagnostic_tests", STAFF, customer_id="nobody", **told)
    assert code(unknown) == "CUSTOMER_NOT_FOUND"
    customer = await customers.get(desk.database.reader, "default", "user_001")
    async with desk.database.transaction() as db:
        await erase(db, desk.gate.ledger.keys, "default", customer)
    gone = await call("get_test_run", STAFF, run_id=of_them.value["run_id"])
    assert code(gone) == "TEST_RUN_NOT_FOUND"
    assert (await call("get_test_run", STAFF, run_id=of_nobody.value["run_id"])).status == "ok"


async def test_many_old_runs_are_removed_some_at_a_time(
    desk: Desk, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await run(call, "api.version", client_version="2.0.1")
    monkeypatch.setattr(forgetting, "_OLD", forgetting._OLD.limit(2))
    assert await forgetting.forget(desk.database, now() + timedelta(seconds=1)) == 5


async def test_what_a_service_says_is_no_markup_of_the_report(call: Call) -> None:
    await allowed(call, "127.0.0.1")
    async with web() as server:
        url = f"http://127.0.0.1:{server.port}/to/http://x/<script>alert(1)</script>"
        report = await run(call, "api.status", url=url)
    kept = await call("get_test_run", STAFF, run_id=report["run_id"], form="html")
    assert "<script" not in kept.value["text"]


async def test_an_unknown_suite_names_the_nearest(call: Call) -> None:
    outcome = await call("run_diagnostic_tests", STAFF, test_suite="netwrok")
    assert code(outcome) == "TEST_SUITE_NOT_FOUND"
    assert "Did you mean network?" in outcome.value["error"]["message"]
    outcome = await call("run_diagnostic_tests", STAFF, test_suite="network.tsl")
    assert "Did you mean network.tls?" in outcome.value["error"]["message"]


async def test_a_configuration_is_judged_without_being_told_again(call: Call) -> None:
    given = {"base_url": "http://api.example.com/", "timeout_seconds": "secret-value", "retries": 3}
    outcome = await call(
        "run_diagnostic_tests",
        STAFF,
        test_suite="api.configuration",
        product_configuration=given,
    )
    (result,) = outcome.value["results"]
    assert result["outcome"] == "failed"
    assert result["seen"]["count"] == 4
    assert "does not begin with https://" in result["told"]
    assert "secret-value" not in outcome.json
    good = {"base_url": "https://api.example.com", "timeout_seconds": 30}
    outcome = await call(
        "run_diagnostic_tests", STAFF, test_suite="api.configuration", product_configuration=good
    )
    assert outcome.value["passed"] is True


async def test_versions_are_compared(call: Call) -> None:
    assert (await run(call, "api.version", client_version="2.0.1"))["passed"] is True
    assert (await run(call, "api.version", client_version="1.9"))["passed"] is False
    report = await run(call, "api.version", client_version="new")
    assert report["results"][0]["outcome"] == "skipped"
    assert not report["passed"]  # nothing ran


async def test_customers_run_no_suites(call: Call) -> None:
    for by in (CUSTOMER, FOREIGN):
        outcome = await call("run_diagnostic_tests", by, test_suite="network")
        assert code(outcome) == "FORBIDDEN"


def test_a_network_reaches_inside_only_where_it_names_nothing_else() -> None:
    for wide in ("0.0.0.0/0", "0.0.0.0/1", "::/0", "8.0.0.0/6"):
        listed = Listed([Target.parse(wide)])
        for inner in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00::1"):
            with pytest.raises(NotAllowed):
                listed.check_address(inner, 80, ipaddress.ip_address(inner))
    explicit = Listed([Target.parse("10.1.0.0/16"), Target.parse("192.0.2.7")])
    for inner, goes in {"10.1.2.3": True, "10.2.0.1": False, "192.0.2.7": True}.items():
        with contextlib.nullcontext() if goes else pytest.raises(NotAllowed):
            explicit.check_address(inner, 80, ipaddress.ip_address(inner))
    mapped = ipaddress.ip_address("::ffff:10.1.2.3")
    explicit.check_address("10.1.2.3", 80, mapped)
    with pytest.raises(NotAllowed):
        explicit.check_address("10.2.2.3", 80, ipaddress.ip_address("::ffff:10.2.2.3"))
