"""`deskward mcp support`: from an issue in words to its cause, as an engineer's editor walks it."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport

from deskward.app import open_desk
from tests.conftest import STAFF, caller
from tests.demo_file import settings_in
from tests.diagnostics.test_suites import allowed
from tests.services.faulty_web import Authority, web

TOOLS = """start_diagnostic_session run_diagnostic_tests get_troubleshooting_workflow
    get_customer_context get_customer_product_info search_product_documentation
    validate_solution_accuracy answer_diagnostic_step
    answer_step_by_test get_test_run""".split()


@contextlib.asynccontextmanager
async def editor(home: Path, authority: Authority) -> AsyncIterator[Client[Any]]:
    """A client that starts the server, as a support engineer's editor does."""
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "DATA_DIR": str(home),
        "SECRET_KEY": "k" * 32,
        "EMBEDDINGS": "off",
        "SSL_CERT_FILE": str(authority.file),
    }
    async with open_desk(settings_in(home, secret_key="k" * 32), chat=False) as desk:
        for target in ("localhost", "127.0.0.0/8", "::1"):
            await allowed(caller(desk), target)
    transport = StdioTransport(
        sys.executable,
        ["-m", "deskward", "mcp", "support", "--staff", "anna"],
        env=environment,
        cwd=str(home),
        keep_alive=False,
    )
    async with Client(transport) as client:
        yield client


async def ask(client: Client[Any], tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers."""
    result = await client.call_tool(tool, arguments)
    found: dict[str, Any] = result.structured_content or {}
    return found


async def walked(client: Client[Any], session: dict[str, Any], **answers: Any) -> dict[str, Any]:
    """The session, with each step answered by its test, or where that leaves it open by these."""
    while session["step"] is not None:
        step = session["step"]
        at = {"session_id": session["id"], "revision": session["revision"]}
        if step["test"] is not None:
            result = await client.call_tool("answer_step_by_test", at, raise_on_error=False)
            if not result.is_error:
                session = result.structured_content or {}
                continue
        session = await ask(client, "answer_diagnostic_step", **at, answer=answers[step["step_id"]])
    return session


USUAL: dict[str, Any] = {
    "status_page": False,
    "other_sites": True,
    "resolves": "same",
    "port": True,
    "proxied": False,
    "certificate": "own",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "path", "issue", "happens", "cause", "seen"),
    [
        (
            {"days": -3},
            "/ok",
            "Connection: a warning.",
            "certificate",
            "service_certificate",
            {"problem": "expired"},
        ),
        (
            {"host": "other.example.com"},
            "/ok",
            "Cannot connect.",
            "certificate",
            "service_certificate",
            {"problem": "wrong_name"},
        ),
        ({}, "/slow", "Everything is slow.", "slow", "slow_service", {"failed": 0}),
    ],
)
async def test_an_issue_in_words_ends_with_its_cause_and_the_evidence(
    tmp_path: Path,
    template: Path,
    made: dict[str, Any],
    path: str,
    issue: str,
    happens: str,
    cause: str,
    seen: dict[str, Any],
) -> None:
    shutil.copy(template, tmp_path / "deskward.db")
    authority = Authority(tmp_path)
    async with web(authority.context(**made)) as server, editor(tmp_path, authority) as client:
        offered = {one.name for one in await client.list_tools()}
        assert set(TOOLS) <= offered
        assert not offered & {"refund_order", "block_card", "send_email", "allow_test_target"}
        session = await ask(
            client,
            "start_diagnostic_session",
            customer_id="user_001",
            product_name="Acme",
            issue_description=issue,
            environment_info={"host": "localhost", "port": server.port, "path": path, "vpn": False},
        )
        assert session["workflow_id"] == "network-connectivity"
        session = await walked(client, session, **USUAL, what_happens=happens)
        assert session["result"]["cause"] == cause
        named = next(one for one in session["hypotheses"] if one["cause"] == cause)
        assert named["state"] == "supported"
        ruled_out = [one for one in session["hypotheses"] if one["state"] == "ruled_out"]
        assert ruled_out
        run_id = session["answered"][-1]["test_run_id"]
        kept = await ask(client, "get_test_run", run_id=run_id)
        found = kept["report"]["results"][0]["seen"]
        assert {name: found[name] for name in seen} == seen
        assert server.asked or cause == "service_certificate"


@pytest.mark.slow
async def test_a_wrong_configuration_on_record_is_found(tmp_path: Path, template: Path) -> None:
    shutil.copy(template, tmp_path / "deskward.db")
    authority = Authority(tmp_path)
    # Not by the editor's model: what it has read of a customer, it does not lead a test inside by.
    async with open_desk(settings_in(tmp_path, secret_key="k" * 32), chat=False) as desk:
        product = {
            "product_name": "Acme API",
            "configuration": {"base_url": "http://localhost/", "timeout_seconds": 30},
        }
        outcome = await caller(desk)(
            "set_customer_product", STAFF, customer_id="user_001", **product
        )
        assert outcome.status == "ok", outcome.value
    async with editor(tmp_path, authority) as client:
        session = await ask(
            client,
            "start_diagnostic_session",
            customer_id="user_001",
            product_name="Acme API",
            issue_description="No request to the API endpoint gets an answer.",
            environment_info={"url": "https://localhost:1/"},
        )
        assert session["workflow_id"] == "api-errors"
        session = await walked(client, session, same_now=True)
        assert session["result"]["cause"] == "client_configuration"
        told = [one["answer"] for one in session["answered"]]
        assert told[1:] == ["0", "no"]  # nobody answers at that port: seen by a test, too
        assert all(one["test_run_id"] for one in session["answered"][1:])


@pytest.mark.slow
async def test_what_no_workflow_explains_goes_to_a_specialist_with_all_of_it(
    tmp_path: Path, template: Path
) -> None:
    shutil.copy(template, tmp_path / "deskward.db")
    authority = Authority(tmp_path)
    async with web(authority.context()) as server, editor(tmp_path, authority) as client:
        session = await ask(
            client,
            "start_diagnostic_session",
            customer_id="user_001",
            product_name="Acme",
            issue_description="The connection is slow now and then.",
            environment_info={"host": "localhost", "port": server.port, "vpn": False},
        )
        more = {"what_happens": "slow", "round_trip": 20, "lost": 0}
        session = await walked(client, session, **USUAL, **more)
        assert (session["status"], session["result"]["kind"]) == ("handed_over", "escalate")
        context = await ask(client, "get_customer_context", customer_id="user_001")
        newest = context["history"]["tickets"][0]
        assert newest["ticket_id"] == session["ticket_id"]
