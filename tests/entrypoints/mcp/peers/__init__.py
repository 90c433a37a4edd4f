"""MCP clients of all kinds, made alike: a target and calls in, what a person sees out.

TypeScript SDK 1 and 2, the Inspector's command line, FastMCP, the `mcp` package, and our own.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastmcp import Client as FastClient
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from httpx2 import AsyncClient
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from deskward.client.mcp import MCPClient
from deskward.core.errors import DeskwardError
from tests.services.npm import installed, newer_node

INSPECTOR = ("@modelcontextprotocol/inspector", "2.12.0")
SDK_1 = ("@modelcontextprotocol/sdk", "1.32.2")
SDK_2 = ("@modelcontextprotocol/client", "2.4.0")
OLD, NEW = "2025-11-25", "2026-07-28"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Target:
    """Where a client goes: an address, or a program that it starts."""

    url: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What a client shows of a call.

    Attributes:
        text: The result's text, or the message of the client's exception.
        failed: Whether the result is an error.
        thrown: Whether the client raised an exception, instead of giving a result.
        structured: The result's structured content.
    """

    text: str
    failed: bool
    thrown: bool = False
    structured: dict[str, Any] | None = None

    @property
    def code(self) -> str:
        """The code of the error."""
        return str(json.loads(self.text)["error"]["code"])


Call = tuple[str, dict[str, Any]]
Calls = list[Call]


async def run(*command: str, home: Path) -> tuple[int, str]:
    """Run a program; gives its exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": str(home)},
        cwd=home,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (out + err).decode()


def program(package: str, version: str, name: str) -> list[str]:
    """The command of a program from npm."""
    folder = installed(package, version)
    script = json.loads((folder / "package.json").read_text(encoding="utf-8"))["bin"][name]
    return [newer_node(), str(folder / script)]


async def typescript(
    package: tuple[str, str], to: Target, home: Path, **todo: Any
) -> list[dict[str, Any]]:
    """What the TypeScript SDK gives; see `client.mjs`."""
    folder = installed(*package)
    where: dict[str, Any] = {"url": to.url, "headers": to.headers}
    if to.url is None:
        env = {"PATH": os.environ["PATH"], **to.environment}
        where = {"command": sys.executable, "args": to.arguments, "env": env}
    command = [newer_node(), str(HERE / "client.mjs"), str(folder), package[1].partition(".")[0]]
    code, out = await run(*command, json.dumps({"to": where, **todo}), home=home)
    assert code == 0, out
    said: list[dict[str, Any]] = json.loads(
        next(line for line in out.splitlines() if line.startswith("["))  # else what the desk logs
    )
    return said


async def by_typescript(
    package: tuple[str, str], to: Target, calls: Calls, era: str, home: Path
) -> list[Seen]:
    """Calls by the TypeScript SDK."""
    mode: Any = None if package is SDK_1 else "legacy" if era == OLD else {"pin": NEW}
    given = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return [
        Seen(said["thrown"], failed=False, thrown=True)
        if "thrown" in said
        else Seen(said["text"], said["isError"], structured=said["structured"])
        for said in await typescript(package, to, home, mode=mode, calls=given)
    ]


async def by_inspector(to: Target, calls: Calls, era: str, home: Path) -> list[Seen]:
    """Calls by the Inspector's command line."""
    ways = ["--protocol-era", "legacy" if era == OLD else "modern", "--format", "json"]
    seen = []
    for name, arguments in calls:
        options = ["--method", "tools/call", "--tool-name", name, "--tool-args-json"]
        options.append(json.dumps(arguments))
        if to.url is not None:
            where, end = [to.url, "--transport", "http"], []
            for header, value in to.headers.items():
                where += ["--header", f"{header}: {value}"]
        else:
            where, end = [], ["--", sys.executable, *to.arguments]
            for variable, value in to.environment.items():
                where += ["-e", f"{variable}={value}"]
        ways += ["--connect-timeout", "120000"]
        command = [*program(*INSPECTOR, "mcp-inspector"), "--cli", *where, *ways, *options, *end]
        seen.append(_inspected(await run(*command, home=home)))
    return seen


def _inspected(ended: tuple[int, str]) -> Seen:
    code, out = ended
    try:
        said, _ = json.JSONDecoder().raw_decode(out, out.index("{"))  # its own remarks come after
        result = said["result"]
        text = "\n".join(block["text"] for block in result["content"])
        return Seen(text, result.get("isError", False), structured=result.get("structuredContent"))
    except (LookupError, ValueError):
        return Seen(out, failed=code != 0, thrown=True)


async def by_fastmcp(to: Target, calls: Calls, era: str, home: Path) -> list[Seen]:
    """Calls by FastMCP's client."""
    transport: Any
    if to.url is not None:
        transport = StreamableHttpTransport(to.url, headers=to.headers)
    else:
        transport = StdioTransport(
            sys.executable, to.arguments, env=to.environment, cwd=str(home), keep_alive=False
        )
    seen = []
    async with FastClient(transport, mode="legacy" if era == OLD else era) as client:
        await client.list_tools()
        for name, arguments in calls:
            try:
                result = await client.call_tool(name, arguments, raise_on_error=False)
            except MCPError as error:
                seen.append(Seen(str(error), failed=False, thrown=True))
            else:
                seen.append(_python(result))
    return seen


async def by_mcp(to: Target, calls: Calls, era: str, home: Path) -> list[Seen]:
    """Calls by the `mcp` package's client."""
    seen = []
    async with AsyncClient(headers=to.headers, timeout=60) as http:
        target: Any
        if to.url is not None:
            target = streamable_http_client(to.url, http_client=http)
        else:
            target = StdioServerParameters(
                command=sys.executable, args=to.arguments, env=to.environment, cwd=str(home)
            )
        async with Client(target, mode="legacy" if era == OLD else era) as client:
            await client.list_tools()
            for name, arguments in calls:
                try:
                    result = await client.call_tool(name, arguments)
                except (MCPError, RuntimeError) as error:
                    seen.append(Seen(str(error), failed=False, thrown=True))
                else:
                    seen.append(_python(result))
    return seen


def _python(result: Any) -> Seen:
    text = "\n".join(block.text for block in result.content)
    return Seen(text, bool(result.is_error), structured=result.structured_content)


async def by_deskward(to: Target, calls: Calls, _era: str, _home: Path) -> list[Seen]:
    """Calls by our own client."""
    seen = []
    key = to.headers.get("X-API-Key")
    server = to.url or ["env", *(f"{k}={v}" for k, v in to.environment.items())]
    if isinstance(server, list):
        server += [sys.executable, *to.arguments]
    async with MCPClient(server, key=key) as client:
        for name, arguments in calls:
            try:
                value = await client.call_tool(name, arguments)
            except DeskwardError as error:
                envelope = error.tool_envelope("")
                seen.append(Seen(json.dumps(envelope), failed=True))
            else:
                seen.append(Seen(json.dumps(value), failed=False, structured=value))
    return seen


async def calls_by(peer: str, to: Target, calls: Calls, era: str, home: Path) -> list[Seen]:
    """Calls by the client of that name."""
    if peer in ("typescript-1", "typescript-2"):
        package = SDK_1 if peer == "typescript-1" else SDK_2
        return await by_typescript(package, to, calls, era, home)
    others = {
        "inspector": by_inspector,
        "fastmcp": by_fastmcp,
        "mcp": by_mcp,
        "deskward": by_deskward,
    }
    return await others[peer](to, calls, era, home)


PEERS = [
    ("typescript-1", OLD),
    *(
        (peer, era)
        for peer in ("typescript-2", "inspector", "fastmcp", "mcp")
        for era in (OLD, NEW)
    ),
    ("deskward", NEW),
]
"""Each client with the protocols that it speaks."""
