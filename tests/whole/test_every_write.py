"""Whatever writes leaves a row in the ledger: every route, command, job and message is listed here.

The lists are compared with what there is, so that whoever adds a way to write has to say, in this
file, which row it leaves.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from cyclopts import App
from starlette.routing import Route, WebSocketRoute

from deskward.app import Desk, _handlers
from deskward.cli.main import app as command_line
from deskward.entrypoints.application import http_application
from deskward.entrypoints.mcp.keys_only import oauth_routes
from deskward.entrypoints.websocket import KINDS
from deskward.gate.ledger.chain import Ledger
from deskward.gate.tool import Risk
from tests.cli.conftest import Cli, cli, folder
from tests.conftest import recorded
from tests.everything import EVERYTHING, GROUPS
from tests.whole.jobs_that_write import JOBS
from tests.whole.routes_that_write import ANSWER, CALL, READS, ROUTES, TURN

__all__ = ["cli", "folder"]

COMMANDS: dict[str, str | None] = {
    "approvals approve": "approve_call",
    "approvals deny": "deny_call",
    "approvals list": "list_approvals",
    "approvals show": "get_approval",
    "articles import": "import_articles",
    "articles list": "list_articles",
    "articles publish": "publish_article",
    "articles show": "get_article",
    "articles unpublish": "unpublish_article",
    "call": CALL,
    "chat": TURN,
    "collect check": READS,
    "collect make": "make_collector",
    "collect runs": "list_diagnostic_runs",
    "config check": READS,
    "customers export": "export_customers",
    "customers import": "import_customers",
    "customers list": "list_customers",
    "customers merge": "merge_customers",
    "customers show": "get_customer",
    "config show": READS,
    "escalation check": READS,
    "escalation explain": READS,
    "files list": READS,
    "files save": "download_file",
    "files upload": "upload_file",
    "handle": "handle_ticket",
    "incidents list": "list_incidents",
    "incidents open": "open_incident",
    "incidents report": "report_incident",
    "incidents resolve": "resolve_incident",
    "incidents show": "get_incident",
    "incidents update": "update_incident",
    "incidents source add": "add_incident_source",
    "incidents source list": "list_incident_sources",
    "incidents source remove": "remove_incident_source",
    "effects reconcile": "reconcile_effect",
    "effects settle": "settle_effect",
    "effects unknown": READS,
    "hub accept": "accept_tool",
    "hub add": "add_server",
    "hub call": CALL,
    "hub remove": "remove_server",
    "hub status": READS,
    "hub tools": READS,
    "jobs cancel": "cancel_job",
    "jobs list": READS,
    "jobs retry": "retry_job",
    "kb add": "add_source",
    "kb audit": "list_documents",
    "kb eval": READS,
    "kb export": "get_document",
    "kb gaps": "list_knowledge_gaps",
    "kb hook": "set_source_hook",
    "kb impact": "preview_article",
    "kb remove": "remove_source",
    "kb search": "search_knowledge_base",
    "kb status": "list_sources",
    "kb sync": "sync_source",
    "keys create": "create_key",
    "keys disable": "disable_member",
    "keys enable": "enable_member",
    "keys list": READS,
    "keys members": READS,
    "keys revoke": "revoke_key",
    "keys rotate": "rotate_key",
    "keys rotate-secret": "rotate_secret",
    "ledger export": "export_ledger",
    "ledger heads": READS,
    "ledger key": READS,
    "ledger show": READS,
    "ledger verify": READS,
    "mail boxes add": "add_mail_box",
    "mail boxes list": READS,
    "mail boxes remove": "remove_mail_box",
    "mail boxes set": "change_mail_box",
    "mail fetch": "receive_mail",
    "mail file": "receive_mail",
    "mail list": "list_incoming_mails",
    "mail retry": "retry_incoming_mail",
    "mail show": "get_incoming_mail",
    "mcp": CALL,
    "notices list": "list_notices",
    "notices off": "switch_notices",
    "notices on": "switch_notices",
    "policy check": READS,
    "policy copy": READS,
    "query list": "list_queries",
    "query register": "register_query",
    "query retire": "retire_query",
    "query run": "query_database",
    "query tables": "list_query_tables",
    "queues claim": "claim_escalation",
    "queues finish": "finish_escalation",
    "queues list": "list_queue",
    "queues metrics": "get_queue_metrics",
    "queues release": "release_escalation",
    "queues show": "get_escalation",
    "queues staffing": "estimate_staffing",
    "policy autonomy list": READS,
    "policy autonomy set": "set_autonomy",
    "policy autonomy unset": "set_autonomy",
    "policy diff": READS,
    "policy explain": READS,
    "policy publish": "policy",
    "policy rollback": "policy",
    "policy test": READS,
    "policy unshadow": "policy",
    "policy versions": READS,
    "replay": READS,
    "serve": READS,
    "skills check": READS,
    "skills learn accept": "accept_example",
    "skills learn list": "list_examples",
    "skills learn reject": "reject_example",
    "staff add": "add_member",
    "staff disable": "disable_member",
    "staff enable": "enable_member",
    "staff list": READS,
    "staff set": "change_member",
    "staff show": READS,
    "tenants add": "add_tenant",
    "tenants close": "close_tenant",
    "tenants list": READS,
    "tenants set": "change_tenant",
    "tenants show": READS,
    "tickets export": "export_tickets",
    "tickets import": "import_tickets",
    "tickets search": "search_tickets",
    "tickets views": "list_ticket_views",
    "tools": READS,
    "webhooks add": "add_webhook",
    "webhooks enable": "enable_webhook",
    "webhooks list": "list_webhooks",
    "products import": "set_customer_product",
    "products list": "get_customer_product_info",
    "suite allow": "allow_test_target",
    "suite check": READS,
    "suite forbid": "remove_test_target",
    "suite list": READS,
    "suite run": "run_diagnostic_tests",
    "suite targets": "list_test_targets",
    "workflow check": READS,
    "workflow graph": READS,
    "workflow list": READS,
    "workflow run": READS,
    "workflow test": READS,
    "workflow translate": READS,
    "webhooks remove": "remove_webhook",
    "webhooks replay": "replay_webhook",
    "webhooks show": "get_webhook",
    "webhooks test": "test_webhook",
}
"""Every command but those of `eval`, which work on desks of their own → the row that it leaves."""

FRAMES = {"message": TURN, "confirm": ANSWER, "received": "receive_news"}
"""Every kind of frame that the WebSocket takes → the row that it leaves."""


def _routes(desk: Desk) -> Iterator[tuple[str, str]]:
    ours = {path for group in GROUPS for tool in group.tools for _, path in tool.addresses}
    ours |= {route.path for route in oauth_routes()}  # which refuse whatever comes
    stack: list[Any] = [http_application(desk)]
    seen: set[int] = set()
    while stack:
        app = stack.pop()
        if id(app) in seen:
            continue
        seen.add(id(app))
        for name in ("app", "_app", "_default", "default", "_routes", "routes", "original_router"):
            inner = getattr(app, name, None)
            stack += inner if isinstance(inner, list | tuple) else [inner] if inner else []
        if isinstance(app, WebSocketRoute):
            yield "WEBSOCKET", app.path
        elif isinstance(app, Route) and app.path not in ours:
            for method in app.methods or {"ANY"}:
                if method not in ("GET", "HEAD", "OPTIONS"):
                    yield method, app.path


async def test_every_route_is_listed(sqlite_desk: Desk) -> None:
    found = set(_routes(sqlite_desk))
    assert sorted(found ^ set(ROUTES)) == []


def _commands(app: App, before: str = "") -> Iterator[str]:
    for name in app:
        if name.startswith("-"):
            continue
        inner, whole = app[name], f"{before}{name}"
        if list(n for n in inner if not n.startswith("-")):
            yield from _commands(inner, f"{whole} ")
        else:
            yield whole


def test_every_command_is_listed() -> None:
    found = {name for name in _commands(command_line) if not name.startswith("eval")}
    assert found == set(COMMANDS)


@pytest.mark.parametrize(
    "name", [name for name, row in COMMANDS.items() if row not in (READS, TURN)]
)
def test_every_command_that_writes_says_who_works(name: str) -> None:
    command = command_line
    for part in name.split():
        command = command[part]
    options = {one for argument in command.assemble_argument_collection() for one in argument.names}
    assert "--as" in options


def test_every_kind_of_frame_is_listed() -> None:
    assert set(KINDS) == set(FRAMES)


async def test_every_job_is_listed(sqlite_desk: Desk) -> None:
    assert set(_handlers(EVERYTHING, sqlite_desk.gate, sqlite_desk.conversations)) == set(JOBS)


def test_whatever_a_door_does_by_itself_writes_through_the_gate() -> None:
    unoffered = {tool.name for group in GROUPS for tool in group.tools if not tool.offered}
    acts = {row for row in (*ROUTES.values(), *COMMANDS.values()) if row}
    # The one is judged, and leaves the row of its command; the other is a part of a tool.
    assert unoffered - {"operate", "take_test_answer"} <= acts
    writing = [t for group in GROUPS for t in group.tools if t.risk is not Risk.READ]
    assert all(tool.scope for tool in writing)


async def test_routes_leave_their_rows(sqlite_desk: Desk) -> None:
    transport = httpx2.ASGITransport(app=http_application(sqlite_desk))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        said = {"session_id": "s", "message": "hello"}
        await client.post("/api/v1/chat", json=said)
        await client.post("/api/v1/chat/stream", json={**said, "session_id": "t"})
        await client.post("/api/chat", json={"user_id": "user_001", "message": "hello"})
        await client.post("/api/reset", json={"user_id": "user_001"})
        await client.post("/api/v1/files", files={"file": ("a.txt", b"x")})
        assert (await client.delete("/api/v1/sessions/s")).status_code == 200
        again = await client.delete("/api/v1/sessions/s")
        assert (again.status_code, again.json()["error"]) == (404, "Session not found")
    rows = await recorded(sqlite_desk)
    ended = [row for row in rows if row["kind"] == "turn" and row["status"] == "done"]
    assert len(ended) == 3
    acts = [(row["tool"], row["status"]) for row in rows if row["kind"] == "call"]
    assert acts == [
        ("begin_session", "ok"),
        ("upload_file", "ok"),
        ("delete_session", "ok"),
        ("delete_session", "error"),
    ]


@pytest.mark.parametrize("by", ["the system's user"])
def test_commands_leave_their_rows(cli: Cli, by: str) -> None:
    cli("staff", "add", "anna")
    _, out, _ = cli("keys", "create", "--kind", "staff", "--subject", "anna")
    prefix = re.findall(r"dw_([0-9a-f]{8})_", out)[0]
    _, out, _ = cli("keys", "rotate", prefix)
    cli("keys", "revoke", re.findall(r"dw_([0-9a-f]{8})_", out)[0])
    cli("ledger", "export", "out.jsonl")
    _, out, _ = cli("ledger", "show", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["tool"] for row in rows] == [
        "add_member",
        "create_key",
        "rotate_key",
        "revoke_key",
        "export_ledger",
    ]
    assert {row["by"] for row in rows} == {f"cli:{_me()} (system user)"}
    assert rows[1]["arguments"]["subject"] == "anna"
    assert "dw_" not in out
    assert cli("ledger", "verify")[0] == 0


def test_a_command_and_its_row_are_one(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ("keys", "create", "--kind", "staff", "--subject", "anna")
    for member in ("anna", "ben"):
        cli("staff", "add", member)
    _, out, _ = cli(*made)
    prefix = re.findall(r"dw_([0-9a-f]{8})_", out)[0]
    before = cli("keys", "list")[1], cli("keys", "members")[1]

    async def fail(*_: Any) -> None:
        raise OSError("no room is left")

    commands = (
        ("keys", "create", "--kind", "staff", "--subject", "ben"),
        ("keys", "rotate", prefix),
        ("keys", "revoke", prefix),
        ("keys", "disable", "anna"),
        ("staff", "add", "carl"),
    )
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "write", fail)
        for command in commands:
            assert cli(*command)[0] != 0, command
    assert (cli("keys", "list")[1], cli("keys", "members")[1]) == before


def test_another_secret_key_leaves_its_row(cli: Cli) -> None:
    cli("staff", "add", "anna")
    for _ in range(2):
        assert cli("keys", "rotate-secret")[0] == 0
    assert cli("keys", "create", "--kind", "staff", "--subject", "anna")[0] == 0
    _, out, _ = cli("ledger", "show", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    wanted = ["add_member", "rotate_secret", "rotate_secret", "create_key"]
    assert [row["tool"] for row in rows] == wanted
    assert {row["by"] for row in rows} == {f"cli:{_me()} (system user)"}
    assert cli("ledger", "verify")[0] == 0


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


async def test_auditors_read_and_check_the_ledger(sqlite_desk: Desk) -> None:
    from deskward.gate.context import Context
    from tests.conftest import AUDITOR, CUSTOMER, STAFF

    call = sqlite_desk.gate.call
    await call("get_account_balance", {}, Context(CUSTOMER, "rest"))
    read = (await call("read_ledger", {}, Context(AUDITOR, "rest"))).value
    assert [row["tool"] for row in read["rows"]] == ["get_account_balance"]
    checked = (await call("verify_ledger", {}, Context(AUDITOR, "rest"))).value
    assert (checked["sound"], checked["findings"]) == (True, [])
    for who in (STAFF, CUSTOMER):
        for name in ("read_ledger", "verify_ledger"):
            refused = await call(name, {}, Context(who, "rest"))
            assert refused.value["error"]["code"] == "FORBIDDEN"
