"""What other policies would have said of the calls that are on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deskward.gate.policy.engine import Decision, Policy, Verdict
from deskward.gate.tool import Tool
from deskward.security.principals import Principal


@dataclass(frozen=True)
class Change:
    """A recorded call of which two sets of policies say something else."""

    tenant: str
    seq: int
    at: str
    tool: str
    by: str
    old: Decision
    new: Decision


@dataclass
class Diff:
    """What two sets of policies say of recorded calls.

    Attributes:
        judged: How many calls were judged by both.
        unknown: How many could not be: their facts are erased, or they were refused before there
            were any.
    """

    judged: int
    unknown: int
    changes: list[Change]


_AS_RECORDED: Mapping[str, Any] = {}


def diff(
    old: Policy,
    new: Policy,
    tools: Mapping[str, Tool],
    rows: Iterable[tuple[str, dict[str, Any]]],
    *,
    before: Mapping[str, Any] = _AS_RECORDED,
    after: Mapping[str, Any] = _AS_RECORDED,
) -> Diff:
    """Judge recorded calls by both sets of policies.

    Args:
        rows: Tenant and opened row of the ledger.
        before: Facts that count for the old ones instead of those on record.
        after: The same for the new ones.
    """
    found = Diff(0, 0, [])
    for tenant, row in rows:
        if row.get("kind") != "call" or row.get("status") == "repeated" or row.get("approval"):
            continue
        facts, tool = row.get("facts"), tools.get(row["tool"])
        if not facts or tool is None:
            found.unknown += 1
            continue
        found.judged += 1
        principal = Principal.of_facts(row["principal"])
        was = _judge(old, tool, principal, {**facts, **before})
        would = _judge(new, tool, principal, {**facts, **after})
        if was.verdict is not would.verdict:
            change = Change(tenant, row["seq"], row["at"], tool.name, principal.label, was, would)
            found.changes.append(change)
    return found


def _judge(policy: Policy, tool: Tool, principal: Principal, facts: Mapping[str, Any]) -> Decision:
    if not policy.may_use(tool, principal):
        return Decision(Verdict.DENY, (f"scope:{tool.scope}",))
    return policy.judge(tool, principal, facts)
