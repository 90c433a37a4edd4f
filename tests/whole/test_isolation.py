"""Nobody reaches what is another tenant's or customer's: tool × role × tenant × door.

Every tool is called by every role of two tenants, through every door, with the ids of records of
their own, of another customer and of the other tenant. Each customer's records hold a marker.

Usually a record is asked for at two of the five doors, in turn: over the three customers' records
every role calls every tool at every door, and every two of tool, role and record meet at two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.database import metadata
from deskward.files.models import files
from deskward.gate.context import Context
from deskward.gate.tool import Tool
from deskward.security.principals import Kind, Principal
from tests.conftest import recorded
from tests.entrypoints.conftest import client_of
from tests.rounds import rounds

TENANTS = ("default", "acme")
CUSTOMERS = (("default", "user_001"), ("default", "user_002"), ("acme", "user_001"))
MARKER = re.compile(r"MARK-(\w+?)-(user_\d+)")
OWNERS = ("customer_id", "user_id")
"""Columns that say whose a row is."""

Values = dict[str, Any]
Door = Callable[["Caller", Tool, Values], Awaitable[str]]

VALUES: Values = {
    "addressee": "friend@example.org",
    "amount": "1",
    "body": "Hello.",
    "currency": "USD",
    "events": ["ticket.updated"],
    "html": "<p>Hello.</p>",
    "into": "T1001",
    "other": "T1001",
    "lines": [{"sku": "A-1", "description": "A", "quantity": 1, "unit_price": "1"}],
    "new_password": "fortyTwoPonies-7",
    "q": "refund",
    "status": "open",
    "to": "friend@example.org",
}
"""What the calls give besides ids: parameter → value; others are made from their schema."""
WORKERS = ("jobs", "emails", "knowledge_changes", "sla_watch", "sla_escalations", "queue_items")
"""Tables that jobs change meanwhile."""
SPECIAL: dict[str, Values] = {
    "update_ticket": {"update": {"priority": "high"}},
    "update_complaint": {"update": {"priority": "high"}},
    "update_customer": {"update": {"tier": "premium"}},
    "update_order_status": {"status": "cancelled"},
    "preview_ticket_changes": {"change": {"priority": "high"}, "query": "status:open"},
    "change_tickets": {"change": {"priority": "high"}, "query": "status:open"},
    "upload_document": {"settings": {}},
    "validate_solution_accuracy": {"customer_feedback": {}, "solution_id": "faq-transfer-time"},
    "answer_diagnostic_step": {"answer": True},
    "add_incident_source": {"secret": f"whsec_{'A' * 43}="},
    "report_incident": {"product": "Acme API"},
    "open_incident": {"revision": 999},
    "update_incident": {"revision": 999},
    "resolve_incident": {"revision": 999},  # a job would let its sessions go on meanwhile
    "take_alerts": {"alerts": []},
    "route_to_specialist": {"specialist_type": "network", "priority_level": 1},
    "create_escalation_ticket": {"specialist_type": "network", "priority_level": 1},
    "evaluate_escalation_criteria": {"ticket_data": {"ticket_id": "T1001"}},
    "estimate_staffing": {"specialist_type": "network"},
    "set_specialist": {"settings": {"kinds": {"network": 1}}, "staff_id": "maker"},
    "remove_specialist": {"staff_id": "maker"},
    "split_ticket": {"messages": [2], "subject": "Hello"},
    "send_email": {"to": ["friend@example.org"], "subject": "Hello", "body": "Hello."},
    "send_email_with_attachments": {"to": ["friend@example.org"]},
}


@dataclass
class Caller:
    """Somebody who calls, with what a call needs at each door."""

    desk: Desk
    principal: Principal
    client: httpx2.AsyncClient
    key: str


async def by_rest(caller: Caller, tool: Tool, values: Values) -> str:
    path, rest = tool.path, dict(values)
    for name in re.findall(r"{(\w+)}", path):
        path = path.replace(f"{{{name}}}", quote(str(rest.pop(name)), safe=""))
    more: Values = {"params": rest} if tool.method in ("GET", "DELETE") else {"json": rest}
    headers = {"X-API-Key": caller.key}
    return (await caller.client.request(tool.method, path, headers=headers, **more)).text


async def by_mcp(caller: Caller, tool: Tool, values: Values, version: str = "2026-07-28") -> str:
    prefix = "io.modelcontextprotocol/"
    meta = {f"{prefix}protocolVersion": version, f"{prefix}clientCapabilities": {}}
    params: Values = {"name": tool.name, "arguments": values}
    headers = {
        "X-API-Key": caller.key,
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
    }
    if version == "2026-07-28":
        params["_meta"] = meta
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool.name}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return (await caller.client.post("/mcp", json=message, headers=headers)).text


async def by_old_mcp(caller: Caller, tool: Tool, values: Values) -> str:
    return await by_mcp(caller, tool, values, "2025-11-25")


async def by_agent(caller: Caller, tool: Tool, values: Values) -> str:
    context = Context(caller.principal.with_agent("assistant"), "agent", session_id="a session")
    return (await caller.desk.gate.call(tool.name, values, context)).text


async def by_cli(caller: Caller, tool: Tool, values: Values) -> str:
    context = Context(caller.principal, "cli")
    return (await caller.desk.gate.call(tool.name, values, context, strict=False)).text


DOORS: dict[str, Door] = {
    "rest": by_rest,
    "mcp": by_mcp,
    "mcp 2025-11-25": by_old_mcp,
    "agent": by_agent,
    "cli": by_cli,
}


async def marked_records(desk: Desk, tenant: str, customer: str) -> Values:
    """Make one record of each kind that is the customer's and says so; parameter → its id."""
    mark = f"MARK-{tenant}-{customer}"
    staff = Context(Principal(Kind.STAFF, "maker", tenant, ("support-3",)), "cli")

    async def made(tool: str, **values: Any) -> Values:
        outcome = await desk.gate.call(tool, values, staff)
        assert outcome.status != "error", (tool, outcome.error)
        return outcome.value

    ticket = await made("create_ticket", customer_id=customer, subject=mark, body=mark)
    complaint = await made("register_complaint", customer_id=customer, description=mark)
    order = await made(
        "create_order",
        customer_id=customer,
        lines=[{"sku": "A-1", "description": mark, "quantity": 1, "unit_price": "9000"}],
        currency="USD",
        shipping_address=mark,
    )
    await made("update_order_status", order_id=order["order_id"], status="confirmed")
    mail = await made("send_text_email", to="friend@example.org", subject=mark, body=mark)
    waiting = await made("refund_order", order_id=order["order_id"], amount="9000", reason=mark)
    await made("update_address", user_id=customer, new_address=mark)
    diagnosis = await made(
        "start_diagnostic_session",
        customer_id=customer,
        product_name=mark,
        issue_description=f"{mark}: the API answers 500",
    )
    incident = await made("report_incident", title=mark, product=mark)
    escalation = await made(
        "route_to_specialist",
        ticket_id=ticket["ticket_id"],
        specialist_type="network",
        priority_level=3,
        customer_context={"impact": mark},
    )
    row = {
        "tenant_id": tenant,
        "id": f"{CUSTOMERS.index((tenant, customer))}".ljust(32, "0"),
        "owner": f"customer:{customer}",
        "name": f"{mark}.txt",
        "content_type": "text/plain",
        "content": mark.encode(),
        "created_at": datetime.now(UTC),
    }
    async with desk.database.transaction() as transaction:
        await transaction.execute(files.insert(), row)
    return {
        "customer_id": customer,
        "user_id": customer,
        "ticket_id": ticket["ticket_id"],
        "complaint_id": complaint["complaint_id"],
        "order_id": order["order_id"],
        "session_id": diagnosis["id"],
        "incident_id": incident["incident_id"],
        "escalation_id": escalation["escalation_id"],
        "original_ticket_id": ticket["ticket_id"],
        "email_id": mail["email_id"],
        "approval_id": waiting["approval_id"],
        "attachments": [row["id"]],
        "file_id": row["id"],
    }


def arguments(tool: Tool, records: Values) -> Values:
    """A call of the tool about these records."""
    schema = tool.schema_for(Kind.STAFF)
    wanted = {*schema.get("required", ()), *(schema["properties"].keys() & records.keys())}
    special = SPECIAL.get(tool.name, {})
    values = {
        name: _value(name, schema["properties"][name], records) for name in wanted - special.keys()
    }
    return values | special


def _value(name: str, schema: Mapping[str, Any], records: Values) -> Any:
    if name in records or name in VALUES:
        return records[name] if name in records else VALUES[name]
    if "enum" in schema:
        return schema["enum"][0]
    made = {"string": "Hello.", "integer": schema.get("minimum", 1), "boolean": False}
    kind = schema.get("type")
    assert kind in made, f"say in VALUES or SPECIAL what is to be given as {name!r}"
    return made[kind]


async def rows_out_of_reach(desk: Desk, principal: Principal) -> dict[str, list[str]]:
    """All rows that are another tenant's, or, for a customer, another customer's."""
    found: dict[str, list[str]] = {}
    for table in metadata.sorted_tables:
        if "tenant_id" not in table.c or table.name in WORKERS:
            continue
        whose = [table.c[name] for name in OWNERS if name in table.c]
        foreign = table.c.tenant_id != principal.tenant
        if principal.kind is Kind.CUSTOMER and whose:
            foreign = foreign | sa.or_(*(column != principal.id for column in whose))
        rows = await desk.database.reader.all(sa.select(table).where(foreign))
        found[table.name] = sorted(map(repr, rows))
    return found


def foreign_markers(text: str, principal: Principal) -> list[str]:
    """The markers in a text that the principal must not see."""
    return [
        marker.group()
        for marker in MARKER.finditer(text)
        if marker.group(1) != principal.tenant
        or (principal.kind is Kind.CUSTOMER and marker.group(2) != principal.id)
    ]


def principals_of(desk: Desk, tenant: str) -> list[Principal]:
    """The tenant's customers, one member of staff per role, and a service per role of theirs."""
    services = ("service", "desk", "source-hook", "alert-source", "collector")
    roles = [name for name in desk.gate.policy.roles.names if name not in ("customer", *services)]
    return [
        *(Principal(Kind.CUSTOMER, c, t, ("customer",)) for t, c in CUSTOMERS if t == tenant),
        *(Principal(Kind.STAFF, f"one-of-{role}", tenant, (role,)) for role in roles),
        *(Principal(Kind.SERVICE, f"a-{role}", tenant, (role,)) for role in services),
    ]


def doors_for(number: int, record: int) -> list[str]:
    """The doors at which the tool of some number is called about a record.

    Of the pairs 0 and 1, 2 and 3, 4 and 0, from one on, each of five is in some.
    """
    names = list(DOORS)
    first = number + 2 * record
    return rounds([names[at % len(names)] for at in (first, first + 1)], names)


async def call_all(
    caller: Caller, records: Mapping[tuple[str, str], Values], turn: int
) -> tuple[int, int]:
    """Call every tool about each record; gives the calls, and answers with marks.

    Args:
        turn: Whose calls they are, in order: with each caller other doors come first.
    """
    calls = told = 0
    reached: set[tuple[str, str]] = set()
    tools = list(caller.desk.gate.tools.values())
    for number, tool in enumerate(tools, turn):
        for at, (whose, owned) in enumerate(records.items()):
            for name in doors_for(number, at):
                answer = await DOORS[name](caller, tool, arguments(tool, owned))
                shown = foreign_markers(answer, caller.principal)
                assert not shown, (caller.principal, tool.name, name, whose, shown)
                calls, told = calls + 1, told + bool(MARKER.search(answer))
                reached.add((tool.name, name))
    assert len(reached) == len(tools) * len(DOORS)
    return calls, told


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("tenant", TENANTS)
async def test_nobody_reaches_what_is_not_theirs(sqlite_desk: Desk, tenant: str) -> None:
    desk, calls, told = sqlite_desk, 0, 0
    records = {whose: await marked_records(desk, *whose) for whose in CUSTOMERS}
    async with client_of(desk) as client:
        for turn, principal in enumerate(principals_of(desk, tenant)):
            key, _ = await desk.keys.create(
                tenant_id=principal.tenant,
                kind=principal.kind,
                subject_id=principal.id,
                roles=principal.roles,
            )
            before = await rows_out_of_reach(desk, principal)
            made = await call_all(Caller(desk, principal, client, key), records, turn)
            assert await rows_out_of_reach(desk, principal) == before, principal
            calls, told = calls + made[0], told + made[1]
    assert calls >= 2000  # of each tenant's
    assert told > calls / 50, "hardly anybody saw even what is theirs"
    for row in await recorded(desk, tenant):
        others = [m.group() for m in MARKER.finditer(json.dumps(row)) if m.group(1) != tenant]
        # What somebody asked for is on record as they asked for it.
        assert not others or row["status"] == "error", row
