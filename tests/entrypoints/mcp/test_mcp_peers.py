"""MCP peers that others wrote: the Inspector, and the protocol's conformance suite (npm)."""

import contextlib
import sys
from pathlib import Path

import pytest

from tests.entrypoints.mcp.peers import INSPECTOR, program, run
from tests.services.server import server

CONFORMANCE = ("@modelcontextprotocol/conformance", "0.2.0-alpha.12")
HERE = Path(__file__).parent

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm-peers"), pytest.mark.timeout(400)]


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("transport", ["http", "stdio"])
async def test_the_inspector_lists_and_calls(tmp_path: Path, era: str, transport: str) -> None:
    inspector = [*program(*INSPECTOR, "mcp-inspector"), "--cli"]
    ways = ["--protocol-era", era, "--format", "json", "--connect-timeout", "120000"]
    async with contextlib.AsyncExitStack() as stack:
        if transport == "http":
            url, _pid = await stack.enter_async_context(server(tmp_path / "data"))
            to, end = [f"{url}/mcp", "--transport", "http"], []
        else:
            to, end = [], ["--", sys.executable, "-m", "deskward", "mcp", "--demo"]
        listing = ["--method", "tools/list"]
        exit_code, text = await run(*inspector, *to, *ways, *listing, *end, home=tmp_path)
        assert exit_code == 0, text
        assert '"get_account_balance"' in text
        calling = ["--method", "tools/call", "--tool-name", "get_account_balance"]
        exit_code, text = await run(*inspector, *to, *ways, *calling, *end, home=tmp_path)
        assert exit_code == 0, text
        assert "$5,420.50" in text


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
async def test_the_conformance_suite_passes(tmp_path: Path, version: str) -> None:
    """All that a server of tools alone has a part in; the rest is listed beside this file."""
    suite = [*program(*CONFORMANCE, "conformance"), "server", "--requirements", version]
    async with server(tmp_path / "data") as (url, _pid):
        baseline = str(HERE / f"conformance-{version}.yml")
        options = [
            "--url",
            f"{url}/mcp",
            "--expected-failures",
            baseline,
            "-o",
            str(tmp_path / "out"),
        ]
        exit_code, text = await run(*suite, *options, home=tmp_path)
    assert exit_code == 0, text[-3000:]
    assert "Baseline check passed" in text
