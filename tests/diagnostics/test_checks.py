"""What tests of suites see of real servers that have faults."""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from deskward.diagnostics.suites.reach import Everywhere, Listed, Reach, Target
from deskward.diagnostics.suites.report import TestResult
from deskward.diagnostics.suites.running import Runner
from deskward.diagnostics.suites.suite import Suite, Test
from deskward.integrations.checks import tls
from deskward.integrations.checks.looks import OutsideLooks
from tests.services.faulty_web import Authority, serving, web

LOOPBACK = Listed([Target.parse("localhost"), Target.parse("127.0.0.0/8")])
_TEST: TypeAdapter[Test] = TypeAdapter(Test)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that the desk trusts."""
    made = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(made.file))
    monkeypatch.setattr(tls, "verifying", lambda: trusting)
    return made


async def see(
    reach: Reach = LOOPBACK, environment: dict[str, Any] | None = None, **test: Any
) -> TestResult:
    """What one test comes to."""
    whole = _TEST.validate_python({"id": "it", "title": "It", **test})
    suite = Suite(suite="s", version=1, title="S", tests=(whole,))
    values = {"environment": environment or {}, "configuration": {}}
    runner = Runner(OutsideLooks(), 20)
    report = await runner.run(suite, suite.tests, values, lambda _: reach)
    return report.results[0]


async def test_status_headers_paths_and_latency_are_seen() -> None:
    async with web() as server:
        found = await see(
            kind="http",
            url=f"{server.url}/ok",
            paths={"state": "$.status", "down": "$.parts[?@.up==false].name"},
            expect=[
                "seen.status == 200",
                "seen.found.state == 'ok'",
                "seen.headers['content-type'] == 'application/json'",
                "seen.milliseconds < 5000",
                "seen.json.parts[0].up",
            ],
        )
    assert found.outcome == "passed", found
    assert found.seen["found"] == {"state": "ok", "down": ["mail"]}
    assert found.seen["address"] == f"127.0.0.1:{server.port}"


async def test_a_wrong_status_fails_with_what_was_seen() -> None:
    async with web() as server:
        found = await see(kind="http", url=f"{server.url}/503", hint="Look at it.")
    assert (found.outcome, found.seen["status"]) == ("failed", 503)
    assert found.told.startswith("503 after")
    assert found.hint == "Look at it."
    assert [one.held for one in found.expected] == [False]


@pytest.mark.parametrize(
    ("path", "problem"), [("/big", "too_large"), ("/junk", "broken"), ("/short", "broken")]
)
async def test_what_lies_or_sends_too_much_costs_its_limit_only(path: str, problem: str) -> None:
    async with web() as server:
        begun = time.monotonic()
        found = await see(kind="http", url=f"{server.url}{path}")
    assert (found.outcome, found.seen["problem"]) == ("failed", problem)
    assert time.monotonic() - begun < 5


async def test_what_hangs_costs_its_time_only_and_holds_up_no_other_test() -> None:
    async with web() as server:
        tests = [
            {
                "id": f"t{n}",
                "title": "T",
                "kind": "http",
                "seconds": 1,
                "url": f"{server.url}/{end}",
            }
            for n, end in enumerate(["hang"] * 12 + ["ok"])
        ]
        suite = Suite.model_validate({"suite": "s", "version": 1, "title": "S", "tests": tests})
        runner = Runner(OutsideLooks(), 20)
        values: dict[str, Any] = {"environment": {}, "configuration": {}}
        report = await runner.run(suite, suite.tests, values, lambda _: LOOPBACK)
    assert report.counts == {"passed": 1, "failed": 12, "skipped": 0, "refused": 0, "error": 0}
    assert {one.seen["problem"] for one in report.results[:-1]} == {"timeout"}
    assert report.seconds < 6  # and not twelve
    assert not report.passed


async def test_a_run_ends_in_its_time_whatever_hangs() -> None:
    async with web() as server:
        tests = [
            {
                "id": f"t{n}",
                "title": "T",
                "kind": "http",
                "seconds": 30,
                "url": f"{server.url}/hang",
            }
            for n in range(40)
        ]
        suite = Suite.model_validate({"suite": "s", "version": 1, "title": "S", "tests": tests})
        values: dict[str, Any] = {"environment": {}, "configuration": {}}
        runner = Runner(OutsideLooks(), 1.5)
        report = await runner.run(suite, suite.tests, values, lambda _: LOOPBACK)
    assert report.seconds < 6
    assert report.counts["failed"] + report.counts["error"] == 40
    assert report.counts["error"] >= 20  # those that there was no time for


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ({}, ""),
        ({"days": -3}, "expired"),
        ({"host": "other.example.com"}, "wrong_name"),
        ({"own": True}, "self_signed"),
    ],
)
async def test_a_certificate_is_told_by_its_fault(
    authority: Authority, made: dict[str, Any], problem: str
) -> None:
    async with web(authority.context(**made)) as server:
        found = await see(kind="tls", host="localhost", port=server.port)
        asked = await see(kind="http", url=f"{server.url}/ok")
    assert (found.outcome == "passed") == (problem == "")
    assert (found.seen["problem"], found.seen["trusted"]) == (problem, not problem)
    assert found.seen["spoken"] == ["TLSv1.2", "TLSv1.3"]
    assert problem != "expired" or found.seen["days_left"] in (-3, -4)
    if problem:
        assert (asked.outcome, asked.seen["problem"]) == ("failed", "tls")
        assert "certificate" in asked.told
    else:
        assert asked.outcome == "passed"
        assert asked.seen["tls"]["trusted"]


async def test_an_authority_that_nobody_knows_is_told(tmp_path: Path) -> None:
    async with web(Authority(tmp_path).context()) as server:
        found = await see(kind="tls", host="localhost", port=server.port, versions=False)
    assert (found.outcome, found.seen["problem"]) == ("failed", "unknown_authority")


async def test_old_versions_of_tls_are_found(authority: Authority) -> None:
    context = authority.context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with web(context) as server:
        found = await see(
            kind="tls", host="localhost", port=server.port, expect=["'TLSv1.3' in seen.spoken"]
        )
    assert (found.outcome, found.seen["spoken"]) == ("failed", ["TLSv1.2"])


async def test_a_port_without_tls_is_told() -> None:
    async with speaks([b"220 mail\r\n"]) as port:
        found = await see(kind="tls", host="localhost", port=port)
    assert (found.outcome, found.seen["problem"]) == ("failed", "tls")


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://unlisted.example.com/",
        "file:///etc/passwd",
        "//169.254.169.254/",
    ],
)
async def test_a_redirection_leads_nowhere_that_is_not_listed(to: str) -> None:
    async with web() as server:
        found = await see(kind="http", url=f"{server.url}/to/{to}")
    assert (found.outcome, found.seen["problem"]) == ("failed", "redirect")
    assert "no test may go" in found.told


async def test_a_redirection_is_followed_where_tests_may_go_and_no_more_than_so_often() -> None:
    async with web() as server:
        found = await see(kind="http", url=f"{server.url}/to/{server.url}/ok")
        assert (found.seen["status"], found.seen["redirects"]) == (200, 1)
        none = await see(kind="http", url=f"{server.url}/to//ok", follow=0)
        assert none.seen["status"] == 302


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "0x7f000001", "127.1"]
)
async def test_what_is_not_listed_is_refused_and_not_reached(host: str) -> None:
    async with web() as server:
        listed = Listed([Target.parse("api.example.com"), Target.parse(".example.org")])
        found = await see(listed, kind="http", url=f"http://{host}:{server.port}/ok")
        assert server.asked == []
    assert found.outcome == "refused"
    assert "deskward suite allow" in found.told


async def test_a_listed_name_that_leads_inside_is_refused() -> None:
    """A name is judged by what it resolves to, and by each address that it has."""
    async with web() as server:
        named = Listed([Target.parse("localhost")])
        found = await see(named, kind="http", url=f"{server.url}/ok")
        assert (found.outcome, server.asked) == ("refused", [])
        assert "is not public" in found.told
        other = Listed([Target.parse("localhost"), Target.parse("127.0.0.1", [1])])
        assert (await see(other, kind="http", url=f"{server.url}/ok")).outcome == "refused"
        assert server.asked == []


async def test_the_address_that_was_judged_is_the_one_that_is_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who answers another address at a second look (DNS rebinding) has no use of it."""
    import socket

    asked: list[str] = []
    real = socket.getaddrinfo

    def lookup(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    async with web() as server:
        reach = Listed([Target.parse("rebind.example.com"), Target.parse("127.0.0.1")])
        url = f"http://rebind.example.com:{server.port}/ok"
        found = await see(reach, kind="http", url=url)
        assert found.outcome == "passed", found
        assert found.seen["address"] == f"127.0.0.1:{server.port}"
        again = await see(reach, kind="http", url=url)
    assert again.outcome == "refused"
    # With the address itself no name is looked up any more.
    assert asked.count("rebind.example.com") == 2


async def test_a_slow_service_is_measured() -> None:
    async with web(slow=0.3) as server:
        found = await see(
            kind="performance",
            url=f"{server.url}/ok",
            requests=6,
            at_once=3,
            expect=["seen.failed == 0", "seen.p95 < 200"],
        )
        assert len(server.asked) == 6
        failing = await see(kind="performance", url=f"{server.url}/500", requests=3)
    assert found.outcome == "failed"
    assert 300 <= found.seen["p50"] <= found.seen["p95"] <= found.seen["slowest"]
    assert [one.held for one in found.expected] == [True, False]
    assert (failing.outcome, failing.seen["failed"]) == ("failed", 3)


async def test_clocks_are_compared() -> None:
    async with web() as server:
        assert (await see(kind="clock", url=f"{server.url}/ok")).outcome == "passed"
        old = await see(kind="clock", url=f"{server.url}/old")
    assert old.outcome == "failed"
    assert old.seen["seconds"] < -86_400 * 365
    told = {"clock": "2026-11-27T10:00:00Z", "at": "2026-11-27T10:04:10+00:00"}
    asked: dict[str, Any] = {
        "kind": "clock",
        "moment": "{environment.clock}",
        "at": "{environment.at}",
    }
    off = await see(environment=told, **asked)
    assert (off.outcome, off.seen["seconds"]) == ("failed", -250)
    assert (await see(environment=told, most=300, **asked)).outcome == "passed"
    none = await see(environment={"clock": "noon", "at": "noon"}, **asked)
    assert none.outcome == "skipped"


async def test_the_present_is_that_of_the_database(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = datetime.now(UTC) + timedelta(days=3_650)
    monkeypatch.setattr("deskward.core.database.clock", lambda: later)
    told = {"clock": later.isoformat()}
    assert (await see(environment=told, kind="clock", moment="{environment.clock}")).outcome == (
        "passed"
    )
    async with web(authority.context()) as server:
        found = await see(kind="tls", host="localhost", port=server.port)
    assert found.seen["days_left"] < 0 < found.seen["days_old"]


async def test_ports_and_names() -> None:
    async with web() as server:
        assert (await see(kind="tcp", host="localhost", port=server.port)).outcome == "passed"
        port = server.port
    closed = await see(kind="tcp", host="localhost", port=port)
    assert (closed.outcome, closed.seen["problem"]) == ("failed", "refused")
    found = await see(kind="dns", name="localhost")
    assert (found.outcome, "127.0.0.1" in found.seen["records"]) == ("passed", True)
    nobody = Listed([Target.parse("nobody.invalid")])
    assert (await see(nobody, kind="dns", name="nobody.invalid")).outcome == "failed"
    assert (await see(nobody, kind="dns", name="localhost")).outcome == "refused"


def speaks(answers: list[bytes]) -> AbstractAsyncContextManager[int]:
    """A server that says these things, one after each line that it is told; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, answer in enumerate(answers):
            if number:
                await reader.read(1_000)
            writer.write(answer)
            await writer.drain()
        await reader.read()

    return serving(serve)


@pytest.mark.parametrize(
    ("kind", "answers", "outcome", "seen"),
    [
        ("smtp", [b"220 mail ready\r\n", b"250-mail\r\n250 SIZE 1\r\n"], "passed", "mail ready"),
        ("smtp", [b"554 go away\r\n"], "failed", None),
        ("smtp", [b"220-x\r\n" * 200], "failed", None),
        ("smtp", [b"y" * 100_000], "failed", None),
        ("imap", [b"* OK here\r\n", b"* CAPABILITY IMAP4rev1\r\na OK\r\n"], "passed", "OK here"),
        ("imap", [b"HTTP/1.1 400 Bad\r\n"], "failed", None),
    ],
)
async def test_mail_servers_are_greeted(
    kind: str, answers: list[bytes], outcome: str, seen: str | None
) -> None:
    async with speaks(answers) as port:
        asked: dict[str, Any] = {
            "kind": kind,
            "host": "localhost",
            "port": port,
            "security": "none",
        }
        found = await see(seconds=3, **asked)
    assert (found.outcome, found.seen.get("greeting")) == (outcome, seen)


async def test_a_mail_server_that_offers_no_encryption_is_told() -> None:
    async with speaks([b"220 mail\r\n", b"250 mail\r\n"]) as port:
        found = await see(kind="smtp", host="localhost", port=port, security="starttls")
    assert (found.outcome, found.seen["problem"]) == ("failed", "no_starttls")


@pytest.mark.parametrize(
    ("engine", "answers", "outcome", "told"),
    [
        ("postgresql", [b"", b"R\0\0\0\x17\0\0\0\nSCRAM-SHA-256\0\0"], "passed", "SCRAM"),
        ("postgresql", [b"", b"E\0\0\0\x19SFATAL\0C53300\0Mfull\0\0"], "failed", "53300 full"),
        ("postgresql", [b"", b"HTTP/1.1 400 Bad Request\r\n"], "failed", "does not speak"),
        ("mysql", [b"\x0a\0\0\0\x0a8.4.1\0abc"], "passed", "MySQL 8.4.1"),
        ("mysql", [b"220 mail\r\n"], "failed", "does not speak"),
        ("redis", [b"", b"-NOAUTH who?\r\n"], "passed", "asks for a password"),
        ("redis", [b"", b"-LOADING wait\r\n"], "failed", "LOADING"),
    ],
)
async def test_databases_are_greeted(
    engine: str, answers: list[bytes], outcome: str, told: str
) -> None:
    async with speaks(answers) as port:
        asked: dict[str, Any] = {
            "kind": "database",
            "engine": engine,
            "host": "localhost",
            "port": port,
        }
        found = await see(seconds=3, **asked)
    assert found.outcome == outcome, found
    assert told in found.told


async def test_whoever_runs_tests_on_their_own_machine_reaches_all_of_it() -> None:
    async with web() as server:
        found = await see(Everywhere(), kind="http", url=f"{server.url}/ok")
    assert found.outcome == "passed"
