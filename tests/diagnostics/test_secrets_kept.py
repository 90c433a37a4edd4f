"""Secrets are in no report of tests, and in nothing that is read of the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deskward.core.veil import MASK, veiled
from deskward.diagnostics.suites.reach import Everywhere
from deskward.diagnostics.suites.report import TestReport, written
from deskward.diagnostics.suites.running import Runner
from deskward.diagnostics.suites.suite import Suite
from deskward.integrations.checks.looks import OutsideLooks
from tests.conftest import AUDITOR, STAFF, Call
from tests.diagnostics.test_checks import see
from tests.diagnostics.test_suites import run
from tests.services.faulty_web import serving


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server that says again what it was sent, and sets a cookie."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        body = json.dumps({"you sent": head, "access_token": "S3CRET-C", "plan": "gold"}).encode()
        cookie = b"set-cookie: session=S3CRET-D; HttpOnly\r\n"
        length = b"content-length: %d\r\n\r\n" % len(body)
        writer.write(b"HTTP/1.1 200 OK\r\n" + cookie + length + body)
        await writer.drain()

    async with serving(serve) as port:
        yield port


async def looked(configuration: dict[str, Any], *, private: bool, **test: Any) -> TestReport:
    whole = {"id": "it", "title": "It", "kind": "http", **test}
    suite = Suite.model_validate({"suite": "s", "version": 1, "title": "S", "tests": [whole]})
    values = {"environment": {}, "configuration": configuration}
    runner = Runner(OutsideLooks(), 20)
    return await runner.run(suite, suite.tests, values, lambda _: Everywhere(), private=private)


async def test_what_a_test_was_given_of_secrets_is_in_no_report() -> None:
    async with echo() as port:
        report = await looked(
            {"api_key": "S3CRET-A/+", "sent": "S3CRET-B", "plan": "gold"},
            private=False,
            url=f"http://127.0.0.1:{port}/?key={{configuration.api_key}}&plan={{configuration.plan}}",
            headers={"authorization": "Bearer {configuration.sent}"},
            expect=["seen.json.access_token.startsWith('S3')", "'set-cookie' in seen.headers"],
        )
    for form in ("json", "junit", "html"):
        told = written(report, form)
        assert "S3CRET" not in told
        assert "plan=gold" in told
    (result,) = report.results
    assert result.outcome == "passed"  # conditions are asked of what was seen
    assert result.seen["headers"]["set-cookie"] == MASK
    assert result.seen["json"]["plan"] == "gold"


async def test_who_may_not_see_a_configuration_sees_nothing_of_it_in_a_report() -> None:
    async with echo() as port:
        given = {"plan": "gold-of-acme", "page": "inner-page"}
        url = f"http://127.0.0.1:{port}/{{configuration.page}}?plan={{configuration.plan}}"
        shown = await looked(given, private=False, url=url)
        hidden = await looked(given, private=True, url=url)
    assert "gold-of-acme" in shown.model_dump_json()
    for told in given.values():
        assert told not in hidden.model_dump_json()


@pytest.mark.parametrize(
    "url",
    [
        "https://bob:S3CRET@example.com/",
        "https://bob:S3CRET@example.com:99999/",
        "ftp://bob:S3CRET@example.com/",
        "https://bob:" + "S3CRET" * 25 + "@example.com/",
        "https://example.com/?access_token=S3CRET&a=1",
        "https://example.com/?a=1&X-Amz-Signature=S3CRET#id_token=S3CRET",
    ],
)
async def test_a_password_in_an_address_is_in_no_report(sqlite_call: Call, url: str) -> None:
    report = await run(sqlite_call, "api.status", url=url)
    assert report["results"][0]["outcome"] == "refused"
    kept = await sqlite_call("get_test_run", STAFF, run_id=report["run_id"], form="html")
    assert "S3CRET" not in kept.json
    assert "example.com" in kept.json


async def test_where_an_answer_leads_is_told_without_its_keys() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        to = b"http://u:S3CRET@10.0.0.1/?token=S3CRET"
        writer.write(b"HTTP/1.1 302 X\r\ncontent-length: 0\r\nlocation: " + to + b"\r\n\r\n")
        await writer.drain()

    async with serving(serve) as port:
        for follow in (0, 5):
            found = await see(kind="http", url=f"http://127.0.0.1:{port}/", follow=follow)
            assert "S3CRET" not in found.model_dump_json()


async def test_what_is_read_of_the_ledger_holds_no_secret_and_no_configuration(
    sqlite_call: Call,
) -> None:
    given = {"base_url": "https://inner.example.com", "password": "S3CRET-A"}
    product = {"customer_id": "user_001", "product_name": "Acme"}
    await sqlite_call("set_customer_product", STAFF, configuration=given, **product)
    await sqlite_call("get_customer_product_info", STAFF, customer_id="user_001")
    tested = {"test_suite": "api.configuration", "product_configuration": given}
    await sqlite_call("run_diagnostic_tests", STAFF, **tested)
    await run(sqlite_call, "api.status", url="https://u:S3CRET-B@example.com/")
    read = await sqlite_call("read_ledger", AUDITOR, limit=100)
    assert {"set_customer_product", "run_diagnostic_tests"} <= {
        row["tool"] for row in read.value["rows"] if "tool" in row
    }
    assert "Acme" in read.json
    assert "S3CRET" not in read.json
    assert "inner.example.com" not in read.json


def test_only_what_is_secret_is_masked() -> None:
    plain = {
        "monkey": "a",
        "tokens": 7,
        "author": "b",
        "secretary": "c",
        "session_id": "d",
        "url": "https://a/?page=2&monkey=3",
        "mail": "ann@example.com",
        "password": None,
        "has_password": True,
    }
    assert veiled(plain) == plain
    secret = {"apiKey": "a", "X-Api-Key": "b", "password": 1234, "credentials": {"user": "x"}}
    assert set(veiled(secret).values()) == {MASK}
