"""What `deskward policy` says of calls: imagined ones, and those on record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deskward.cli.session import print_json

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.gate.policy.engine import Policy
    from deskward.gate.tool import Tool

CHUNK = 1000
"""Rows of the ledger that are read at once."""


def known_tools(desk: Desk) -> dict[str, Tool]:
    """All that policies may name: also the tools of domains that are off."""
    from deskward.features import all_features

    return {**{tool.name: tool for tool in all_features().tools}, **desk.gate.tools}


def explain_imagined(chosen: Policy, text: str) -> None:
    """Print what policies say of a call that is only imagined, given as JSON."""
    from pydantic import TypeAdapter

    from deskward.gate.policy.truth_table import Case, run_tables

    imagined = {"case": "imagined", "expect": "allow", **json.loads(text)}
    case = TypeAdapter(Case).validate_python(imagined)
    (row,) = run_tables(chosen, [case])
    _print_decision(chosen, row.decision)


async def explain_recorded(desk: Desk, chosen: Policy, tenant: str | None, call: str) -> int:
    """Print what policies say of a call on record, by its row or request id; returns 0.

    Raises:
        ValueError: There is none.
    """
    from deskward.gate.policy.engine import Decision, Verdict
    from deskward.security.principals import Principal

    wanted = tenant or desk.settings.default.tenant_id
    rows = [
        row
        for name, row in await recorded(desk)
        if name == wanted and call in (str(row["seq"]), row.get("request_id"))
    ]
    if not rows:
        raise ValueError(
            f"tenant {wanted} has no recorded call {call!r}; see `deskward ledger show`"
        )
    for row in rows:
        print(f"row {row['seq']}  {row['at']}  {row.get('tool')}: it was {row.get('verdict')}")
        tool, facts = known_tools(desk).get(row.get("tool") or ""), row.get("facts")
        if tool is None or not facts:
            print("    Of this call no facts are on record: it was refused before, or is erased.")
            continue
        principal = Principal.of_facts(row["principal"])
        if not chosen.may_use(tool, principal):
            decision = Decision(Verdict.DENY, (f"scope:{tool.scope}",))
        else:
            decision = chosen.judge(tool, principal, facts)
        _print_decision(chosen, decision)
        print_json({"principal": row["principal"], "facts": facts})
    return 0


def _print_decision(chosen: Policy, decision: Any) -> None:
    print(f"version {chosen.version} says {decision.verdict.value}")
    for name in decision.policies:
        print(chosen.written(name) if name in chosen.policies else name)
    if not decision.policies:
        print("No policy permits it.")
    for error in decision.errors:
        print(f"error, which is deny: {error}")


async def recorded(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    """Every opened row of every tenant."""
    from deskward.gate.ledger.chain import rows_of
    from deskward.gate.ledger.heads import current_heads

    found: list[tuple[str, dict[str, Any]]] = []
    reader = desk.database.reader
    for head in await current_heads(reader):
        after = 0
        while rows := await rows_of(reader, head.tenant_id, after=after, limit=CHUNK):
            opened = await desk.gate.ledger.read(reader, head.tenant_id, rows)
            found += [(head.tenant_id, row) for row in opened]
            after = rows[-1].seq
    return found


def within(
    rows: list[tuple[str, dict[str, Any]]],
    *,
    tenant: str | None,
    queue: str | None,
    product: str | None,
) -> list[tuple[str, dict[str, Any]]]:
    """The rows that are a tenant's, and of calls that were known to be of a queue and product."""
    from deskward.gate.autonomy import plain

    def fits(row: dict[str, Any]) -> bool:
        facts = row.get("facts") or {}
        return (queue is None or facts.get("queue") == queue) and (
            product is None or plain(str(facts.get("product", ""))) == plain(product)
        )

    return [(name, row) for name, row in rows if tenant in (None, name) and fits(row)]
