"""What the server says when it starts and when it stops."""

from __future__ import annotations

import json
import sys
from typing import Any

from deskward import __version__
from deskward.app import Desk

WIDTH = 62


def box(*lines: str) -> str:
    """Lines centred in a box."""
    middle = [f"║{line:^{WIDTH}}║" for line in lines]
    return "\n".join([f"╔{'═' * WIDTH}╗", *middle, f"╚{'═' * WIDTH}╝"])


def banner(desk: Desk, url: str, *, is_open: bool) -> str:
    """What is running, with what around it, and what to try next."""
    settings = desk.settings
    sections = {
        "Server Configuration": [
            f"Host: {settings.server.host}",
            f"Port: {url.rpartition(':')[2]}",
            *([f"Workers: {settings.server.workers}"] if settings.server.workers > 1 else []),
            f"Log Level: {settings.log.level}",
            f"CORS: {_cors(desk)}",
            f"Rate Limiting: {_rate(desk)}",
            f"Access: {_access(desk, is_open)}",
            f"Database: {settings.database_location.render_as_string(hide_password=True)}",
        ],
        "Agent Configuration": [
            f"Model: {desk.conversations.agent.model.name}",
            f"Tools: {_tools(desk)}",
            f"MCP Server: {_mcp(desk)}",
            f"Policy: version {desk.gate.policy.version}",
        ],
        "Logging": _logging(desk),
    }
    parts = [box("Deskward Service", f"Version {__version__}")]
    for title, lines in sections.items():
        parts.append("\n".join([f"{title}:", *(f"  • {line}" for line in lines)]))
    if found := warnings(desk):
        parts.append("\n".join(["Warnings:", *(f"  ⚠ {line}" for line in found)]))
    parts.append(f"Starting server... ✓\nAPI Documentation: {url}/docs")
    parts.append(_next(desk, url, is_open))
    return "\n\n".join(parts)


def warnings(desk: Desk) -> list[str]:
    """What an operator should know before customers come."""
    settings = desk.settings
    found = []
    for server in desk.hub.away if desk.hub is not None else ():
        found.append(f"MCP server not reachable at {server.place}")
    for name, problem in (desk.hub.problems if desk.hub is not None else {}).items():
        found.append(f"MCP server {name[:64]} is left out: {problem}")
    if settings.mail.server is None:
        found.append("SMTP is not configured: mails are only printed to the log")
    if desk.left_out:
        found.append(
            f"Records of {' and '.join(desk.left_out)} lie in the database, and nobody can reach "
            f"them: --demo or DOMAINS={','.join(desk.left_out)} brings their tools back"
        )
    if "*" in settings.cors.allowed:
        found.append("CORS_ORIGINS=* lets any web page call: for a laptop only")
    return found


def _cors(desk: Desk) -> str:
    if not desk.settings.cors.enabled:
        return "Disabled"
    return f"Enabled ({', '.join(sorted(desk.settings.cors.allowed)) or 'same origin only'})"


def _rate(desk: Desk) -> str:
    settings = desk.settings
    if not settings.rate_limit.enabled:
        return "Disabled"
    return f"Enabled ({settings.rate_limit.per_minute} per minute)"


def _access(desk: Desk, is_open: bool) -> str:
    if is_open:
        return f"open, no API key was ever made; callers speak as {desk.settings.default.user_id}"
    return "with an API key"


def _tools(desk: Desk) -> str:
    outside = sum(tool.server is not None for tool in desk.gate.tools.values())
    return f"{len(desk.gate.tools)} ({'MCP + Local' if outside else 'Local'})"


def _mcp(desk: Desk) -> str:
    if desk.hub is None or not desk.hub.servers:
        return "none"
    words = {"available": "✓ Available", "connecting": "connecting…", "away": "⚠ Unavailable"}
    return ", ".join(f"{s.place} [{words[s.state]}]" for s in desk.hub.servers.values())


def _logging(desk: Desk) -> list[str]:
    settings = desk.settings
    if not settings.log.to_file:
        return ["File: none (Disabled)"]
    return [
        f"File: {settings.log.file_path} (Enabled)",
        f"Max Size: {settings.log.max_size_mb}MB",
        f"Backups: {settings.log.backup_count}",
    ]


def _next(desk: Desk, url: str, is_open: bool) -> str:
    client = json.dumps({"mcpServers": {"deskward": {"type": "http", "url": f"{url}/mcp"}}})
    command: dict[str, dict[str, Any]] = {
        "deskward": {"command": sys.executable, "args": ["-m", "deskward", "mcp"]}
    }
    if desk.settings.database.url is None:
        command["deskward"]["env"] = {"DATA_DIR": str(desk.settings.data_dir.resolve())}
    known = "get_account_balance" in desk.gate.tools
    question = "What is my account balance?" if known else "What can you do?"
    key = "" if is_open else " \\\n    -H 'Authorization: Bearer dw_…'"
    return f"""\
Try next:
  curl -s {url}/api/v1/chat -H 'Content-Type: application/json'{key} \\
    -d '{{"session_id": "demo", "message": "{question}"}}'
  {sys.executable} -m deskward chat --url {url}
An MCP client's configuration, over HTTP or over stdio:
  {client}
  {json.dumps({"mcpServers": command})}
Stop with Ctrl-C."""
