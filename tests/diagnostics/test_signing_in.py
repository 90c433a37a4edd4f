"""Tests that sign in to a database, with a secret of the settings and nobody else's host."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from deskward.diagnostics.suites.report import TestResult
from deskward.diagnostics.suites.running import Runner
from deskward.diagnostics.suites.suite import Suite
from deskward.integrations.checks.looks import OutsideLooks
from deskward.integrations.checks.secrets import read_secrets
from deskward.integrations.checks.signing_in import for_host
from tests.diagnostics.test_checks import LOOPBACK, speaks
from tests.services.faulty_web import Authority, web

FILE = (
    "secrets:\n  orders-db: {variable: ORDERS_PW, user: watcher, hosts: [127.0.0.1], tls: false}\n"
)
GREETING = [b"", b"R\0\0\0\x17\0\0\0\nSCRAM-SHA-256\0\0"]


def written(folder: Path, text: str = FILE) -> Path:
    file = folder / "secrets.yaml"
    file.write_text(text, "utf-8")
    return file


async def see(file: Path | None, **test: Any) -> TestResult:
    """What one test of a database comes to."""
    usual = {"id": "it", "title": "It", "kind": "database", "engine": "postgresql"}
    whole = {**usual, "host": "127.0.0.1", "secret": "orders-db", "seconds": 5, **test}
    suite = Suite.model_validate({"suite": "s", "version": 1, "title": "S", "tests": [whole]})
    runner = Runner(OutsideLooks(read_secrets(file)), 20)
    values: dict[str, Any] = {"environment": {}, "configuration": {}}
    report = await runner.run(suite, suite.tests, values, lambda _: LOOPBACK)
    return report.results[0]


async def scram(url: str) -> None:
    """A user of the database who has to prove who they are."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE ROLE watcher LOGIN PASSWORD 'pony-7'")
    file = Path(await connection.fetchval("SHOW hba_file"))
    rules = file.read_text("utf-8")
    file.write_text(f"host all watcher 127.0.0.1/32 scram-sha-256\n{rules}", "utf-8")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


@pytest.mark.xdist_group("postgresql")
async def test_a_database_is_signed_in_to_with_a_named_secret(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scram(postgres_url)
    port = sa.make_url(postgres_url).port
    monkeypatch.setenv("ORDERS_PW", "pony-7")
    found = await see(written(tmp_path), port=port, expect=["seen.ready", "seen.signed_in"])
    assert found.outcome == "passed", found
    assert int(found.seen["version"]) >= 13
    assert "pony-7" not in found.model_dump_json()
    none = await see(written(tmp_path), port=port, database="nowhere")
    assert (none.outcome, none.seen["signed_in"]) == ("failed", False)
    assert "3D000" in none.seen["answer"]
    strict = written(tmp_path, FILE.replace(", tls: false", ""))
    without = await see(strict, port=port)  # it speaks no TLS, so it is told nothing
    assert (without.outcome, without.seen["reached"]) == ("failed", False)
    monkeypatch.setenv("ORDERS_PW", "wrong")
    wrong = await see(written(tmp_path), port=port)
    assert wrong.outcome == "failed"
    assert "28P01" in wrong.seen["answer"]
    assert "wrong" not in wrong.model_dump_json()


async def test_a_secret_goes_to_its_own_hosts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_PW", "pony-7")
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for host in ("localhost", "127.0.0.2", "127.0.0.1.example.com"):
        found = await see(written(tmp_path), host=host, port=port)
        assert found.outcome == "refused"
        assert f"is not for {host}" in found.told
    server.close()
    assert asked == []


async def test_a_secret_that_nobody_has_set_skips_the_test(tmp_path: Path) -> None:
    async with speaks(GREETING) as port:
        found = await see(None, port=port)
    assert found.outcome == "skipped"
    assert "SUITE_SECRETS_FILE" in found.told
    for text, told in (
        (FILE, "the variable ORDERS_PW is not set"),
        ("secrets: {a: {variable: A, user: b, hosts: []}}", "secrets.a.hosts"),
        ("secrets: {a: {password: x}}", "secrets.a"),
        ("secrets: [", "SUITE_SECRETS_FILE"),
    ):
        with pytest.raises(ValueError, match="SUITE_SECRETS_FILE") as caught:
            read_secrets(written(tmp_path, text))
        assert told in str(caught.value)


def test_only_postgresql_is_signed_in_to() -> None:
    test = {"id": "a", "title": "A", "kind": "database", "engine": "mysql", "host": "h"}
    whole = {"suite": "s", "version": 1, "title": "S", "tests": [{**test, "secret": "orders-db"}]}
    with pytest.raises(ValueError, match="postgresql alone"):
        Suite.model_validate(whole)


@pytest.mark.parametrize(("host", "fits"), [("localhost", True), ("other.example.com", False)])
async def test_a_certificate_is_judged_by_the_name_though_the_address_is_connected_to(
    tmp_path: Path, host: str, fits: bool
) -> None:
    authority = Authority(tmp_path)
    context = for_host(host)
    context.load_verify_locations(authority.file)
    async with web(authority.context()) as server:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
        except ssl.SSLCertVerificationError:
            assert not fits
        else:
            assert fits
            writer.transport.abort()
