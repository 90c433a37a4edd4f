"""What servers answer, and configurations hold, costs their own test only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deskward.agent.offline.model import OfflineModel
from deskward.app import open_desk
from deskward.core.settings import Settings
from deskward.diagnostics.suites.loading import read_suites
from deskward.diagnostics.suites.reach import Listed
from deskward.diagnostics.suites.running import Runner
from deskward.integrations.checks.looks import OutsideLooks
from tests.conftest import SERVICE, STAFF, Call, caller
from tests.diagnostics.test_checks import see
from tests.diagnostics.test_suites import allowed
from tests.services.faulty_web import serving, web


def body(data: bytes, headers: bytes = b"") -> AbstractAsyncContextManager[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data)
        writer.write(b"HTTP/1.1 200 OK\r\n" + headers + head + data)
        await writer.drain()

    return serving(serve)


@asynccontextmanager
async def beating() -> AsyncIterator[list[float]]:
    """How long the event loop stood still, each time."""
    stalls: list[float] = []

    async def beat() -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            stalls.append(time.monotonic() - begun)

    task = asyncio.create_task(beat())
    yield stalls
    task.cancel()


@pytest.mark.parametrize("depth", [100, 260, 900, 50_000])
async def test_deep_json_of_one_server_costs_its_own_test_only(
    sqlite_call: Call, depth: int
) -> None:
    await allowed(sqlite_call, "127.0.0.1")
    async with body(b"[" * depth + b"]" * depth) as port:
        environment = {"url": f"http://127.0.0.1:{port}/", "client_version": "3"}
        outcome = await sqlite_call(
            "run_diagnostic_tests", STAFF, test_suite="api", customer_environment=environment
        )
    assert outcome.status == "ok", outcome.value
    results = {one["test"]: one for one in outcome.value["results"]}
    assert (results["version"]["outcome"], results["status"]["outcome"]) == ("passed", "passed")
    assert results["status"]["seen"]["json"] is None


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (rb'{"note": "\ud83d", "id": 7}', {"note": "", "id": 7}),
        (b'{"id": ' + b"9" * 400 + b"}", {"id": None}),
        (b'{"id": NaN}', {"id": None}),
    ],
)
async def test_one_odd_value_in_an_answer_makes_no_other_condition_fail(
    data: bytes, kept: Any
) -> None:
    async with body(data) as port:
        found = await see(
            kind="http",
            url=f"http://127.0.0.1:{port}/",
            expect=["seen.status == 200", "has(seen.json.id)"],
        )
    assert found.outcome == "passed", found
    assert {**found.seen["json"], "note": found.seen["json"].get("note", "")[:0]} == {
        "note": "",
        **kept,
    }


async def test_a_long_redirection_is_followed_whole() -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[1])
        to = b"/next?state=" + b"x" * 600 + b"&end=1"
        if asked[-1] == "/very":
            to = b"/" + b"x" * 9_000
        if asked[-1] in ("/", "/very"):
            writer.write(b"HTTP/1.1 302 X\r\ncontent-length: 0\r\nlocation: " + to + b"\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()

    async with serving(serve) as port:
        assert (await see(kind="http", url=f"http://127.0.0.1:{port}/")).outcome == "passed"
        assert asked[1].endswith("&end=1")
        found = await see(kind="http", url=f"http://127.0.0.1:{port}/very")
    assert found.seen["problem"] == "redirect"
    assert len(asked) == 3


@pytest.mark.parametrize("kind", ["http", "performance"])
async def test_what_redirects_on_and_on_has_failed(kind: str) -> None:
    async with web() as server:
        found = await see(kind=kind, url=f"{server.url}/round", seconds=5)
    assert (found.outcome, found.seen["problem"]) == ("failed", "redirect"), found
    assert "too many redirects" in found.told


@pytest.mark.slow
@pytest.mark.parametrize(
    "test",
    [
        {"expect": ["seen.status == 200", "environment.key_id in seen.found.keys"]},
        {"expect": ["seen.json.keys.all(a, seen.json.keys.all(b, a == b))"]},
        {"expect": ["seen.status == 200"], "paths": {"keys": "$..*[?count($..*) > 1]"}},
    ],
)
@pytest.mark.parametrize("count", [2_000, 40_000, 250_000])
async def test_a_hostile_answer_holds_up_nobody_else(test: dict[str, Any], count: int) -> None:
    data = b'{"keys":[' + b",".join([b"1"] * count) + b"]}"
    asked = {"kind": "http", "seconds": 5, "paths": {"keys": "$.keys[*].kid"}, **test}
    begun = time.monotonic()
    async with body(data) as port, beating() as stalls:
        url = f"http://127.0.0.1:{port}/"
        await see(url=url, environment={"key_id": "x"}, **asked)
        await asyncio.sleep(0.05)
    assert max(stalls) < 2.0  # it was as long as all of it takes
    assert time.monotonic() - begun < 15


SUITE = """
suite: mine
version: 1
title: Mine
tests:
  - id: form
    title: Form
    kind: configuration
    schema: {type: object, properties: {rules: {type: array, uniqueItems: true}}}
"""


@pytest.mark.slow
async def test_a_configuration_holds_up_no_texts_of_others(
    sqlite_settings: Settings, offline: OfflineModel, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(SUITE, "utf-8")
    sqlite_settings.diagnostics.suites_dir = tmp_path
    async with open_desk(sqlite_settings, model=offline) as desk:
        call = caller(desk)
        told = {"rules": [{"a": number} for number in range(9_000)]}
        ran = await call(
            "run_diagnostic_tests", SERVICE, test_suite="mine", product_configuration=told
        )
        (result,) = ran.value["results"]
        assert (result["outcome"], result["told"]) == (
            "error",
            "It could not be looked at in time.",
        )
        described = {"description": "My long text about an invoice. " * 40}
        judged = await call("evaluate_escalation_criteria", STAFF, ticket_data=described)
        assert judged.value["reasons"] == []


async def test_a_configuration_that_is_large_is_judged_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SUITE, "utf-8")
    suites, problems = read_suites(tmp_path)
    assert not problems
    for rules, passed in ((list(range(300)), True), ([*range(300), 7], False)):
        values = {"environment": {}, "configuration": {"rules": rules}}
        mine = suites["mine"]
        report = await Runner(OutsideLooks(), 20).run(
            mine, mine.tests, values, lambda _: Listed([])
        )
        assert report.passed is passed, report


@pytest.mark.parametrize(
    "ref", ["#", "#/nope", "http://127.0.0.1:PORT/s.json", "file:///etc/passwd", "s.json"]
)
async def test_a_schema_refers_to_itself_alone_and_fetches_nothing(
    tmp_path: Path, ref: str
) -> None:
    async with web() as server:
        said = ref.replace("PORT", str(server.port))
        schema = f"{{properties: {{a: {{$ref: '{said}'}}}}}}" if ref != "#" else "{$ref: '#'}"
        shown = SUITE.partition("    schema")[0] + f"    schema: {schema}\n"
        (tmp_path / "mine.yaml").write_text(shown, "utf-8")
        _, problems = read_suites(tmp_path)
        assert [one.line for one in problems] == [9]
        assert "it cannot be checked by" in problems[0].text
        assert server.asked == []


@pytest.mark.parametrize(
    "host", ["localhost:PORT/admin?all=1&", "localhost:PORT/#", "a@localhost:PORT", "a\\b", "a b"]
)
async def test_a_host_is_a_host_and_brings_no_path_along(host: str) -> None:
    async with web() as server:
        environment = {"host": host.replace("PORT", str(server.port))}
        found = await see(environment=environment, kind="http", url="http://{environment.host}/")
    assert (found.outcome, server.asked) == ("skipped", [])
    assert "environment.host is no host" in found.told


async def test_a_value_in_a_path_or_a_query_is_a_part_of_it() -> None:
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split()[1])
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()

    async with serving(serve) as port:
        places = "/v1/{environment.part}?name={environment.part}&all={environment.all|0}"
        environment = {"part": "a/b?all=1&c#d"}
        await see(environment=environment, kind="http", url=f"http://127.0.0.1:{port}{places}")
        place = "http://127.0.0.1:{environment.port}{environment.path|/}"
        for path in ("/ok", "ok", None):
            told = {"port": port, **({"path": path} if path else {})}
            await see(environment=told, kind="http", url=place)
    first = "/v1/a/b%3Fall%3D1%26c%23d?name=a%2Fb%3Fall%3D1%26c%23d&all=0"
    assert asked == [first, "/ok", "/ok", "/"]


@pytest.mark.parametrize(
    "told",
    [
        "../ok",
        "..",
        ".",
        "a/../../ok",
        "a\\..\\..\\ok",
        "%2e%2e/ok",
        "%252e./ok",
        "..;x/ok",
        "a/./b",
    ],
)
@pytest.mark.parametrize("url", ["/v1/{environment.path}", "{environment.path|/}"])
async def test_what_is_filled_into_a_path_stays_in_its_place(url: str, told: str) -> None:
    async with web() as server:
        found = await see(kind="http", url=server.url + url, environment={"path": told})
    assert (found.outcome, server.asked) == ("skipped", []), found
    assert "leaves its place" in found.told


async def test_dots_that_lead_nowhere_are_filled_in() -> None:
    async with web() as server:
        told = {"path": "a..b/v1.2/...", "url": f"{server.url}/x/../ok"}
        await see(kind="http", url=f"{server.url}/v1/{{environment.path}}", environment=told)
        await see(kind="http", url="{environment.url}", environment=told)
    assert server.asked == ["/v1/a..b/v1.2/...", "/ok"]
