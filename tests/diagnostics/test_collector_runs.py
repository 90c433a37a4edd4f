"""Collectors as customers run them: in a process of its own, against a real desk over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.entrypoints.application import http_application
from tests.conftest import caller, recorded, settings_in
from tests.diagnostics.test_checks import authority as authority
from tests.diagnostics.test_collector import kept, made
from tests.diagnostics.test_step_tests import begun
from tests.services.faulty_web import Authority, web

TRACED = """
import runpy, sys
written = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        written.append(arguments[0])
    if event.startswith(("os.remove", "os.rename", "os.mkdir", "subprocess.", "os.system")):
        written.append(event)
sys.addaudithook(watch)
try:
    runpy.run_path(sys.argv.pop(1), run_name="__main__")
finally:
    print(f"WRITTEN {written} SITE {[one for one in sys.modules if 'site-packages' in one]}")
"""


@contextlib.asynccontextmanager
async def reached(template: Path, folder: Path, offline: Model) -> AsyncIterator[Desk]:
    """A desk that a program of another process reaches over HTTP."""
    (folder / "deskward.db").write_bytes(template.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = settings_in(folder, secret_key="k" * 32, diagnostics_collector_url=url)
        async with open_desk(settings, model=offline) as desk:
            application = http_application(desk)
            config = uvicorn.Config(application, log_level="error", lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve([listener]))
            try:
                yield desk
            finally:
                server.should_exit = True
                await serving


async def run_by_customer(file: Path, authority: Authority, said: bytes) -> tuple[int, str]:
    """What a collector does in a process of its own, with the standard library alone."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", TRACED, str(file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"SSL_CERT_FILE": str(authority.file), "NO_PROXY": "*"},
        cwd=file.parent,
    )
    out, _ = await process.communicate(said)
    return process.returncode or 0, out.decode()


@pytest.mark.slow
async def test_a_real_program_sends_what_it_has_shown_to_a_real_desk(
    template: Path, tmp_path: Path, offline: Model, authority: Authority
) -> None:
    away = tmp_path / "away"
    away.mkdir()
    async with (
        web(authority.context()) as service,
        reached(template, tmp_path, offline) as desk,
    ):
        call = caller(desk)
        session = await begun(call, host="localhost", port=service.port, path="/ok")
        one = await made(call, session)
        file = away / one.answer["file_name"]
        file.write_bytes(one.program.encode("ascii"))
        before = {path: path.stat().st_mtime_ns for path in away.iterdir()}
        for said, exit_code in ((b"no\n", 1), (b"yes\n", 0), (b"yes\n", 2)):
            ended, told = await run_by_customer(file, authority, said)
            assert ended == exit_code, told
            assert "WRITTEN [] SITE []" in told
            if said == b"no\n":
                assert not await kept(desk)
                assert "Nothing was sent." in told
            if exit_code == 2:
                assert "409" in told
                assert "it sends once" in told
            if exit_code == 0:
                shown = told[told.index("{\n") : told.index("\n}\n") + 2]
        assert {path: path.stat().st_mtime_ns for path in away.iterdir()} == before
        # What has arrived is what was shown, to the byte.
        rows = [row for row in await recorded(desk) if row["tool"] == "take_collected"]
        sums = {row["arguments"]["sha256"] for row in rows}
        assert hashlib.sha256(shown.encode()).hexdigest() in sums
        (run,) = await kept(desk)
        results = {result["test"]: result for result in run.report["results"]}
        assert {name: one["outcome"] for name, one in results.items()} == {
            **dict.fromkeys(("dns", "tcp", "tls", "clock", "service_clock"), "passed"),
            "latency": "passed",
        }
        assert results["tls"]["seen"]["spoken"] == ["TLSv1.2", "TLSv1.3"]
        assert "issuer" in results["tls"]["seen"]
        assert json.loads(shown)["seen"]["tcp"]["address"] in ("127.0.0.1", "::1")


@pytest.mark.slow
async def test_a_real_program_sees_the_faults_of_a_service(
    template: Path, tmp_path: Path, offline: Model, authority: Authority
) -> None:
    async with (
        web(authority.context(days=-3)) as service,
        reached(template, tmp_path, offline) as desk,
    ):
        call = caller(desk)
        session = await begun(call, host="localhost", port=service.port, path="/ok")
        one = await made(call, session)
        file = tmp_path / "collector.py"
        file.write_bytes(one.program.encode("ascii"))
        ended, told = await run_by_customer(file, authority, b"yes\n")
        assert ended == 0, told
        (run,) = await kept(desk)
    results = {result["test"]: result for result in run.report["results"]}
    assert (results["tls"]["outcome"], results["tls"]["seen"]["problem"]) == ("failed", "expired")
    assert results["latency"]["seen"]["problem"] == "tls"
    assert results["tcp"]["outcome"] == "passed"
