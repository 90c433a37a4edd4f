"""The tools with which auditors read the ledger, and check it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from deskward.core.paging import Limit
from deskward.core.veil import veiled
from deskward.core.written import Ours, Written
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.ledger.chain import rows_of
from deskward.gate.ledger.verify import verify
from deskward.gate.tool import Risk, ToolGroup

tools = ToolGroup("ledger")

SCOPED = {
    "configuration": "context:configuration",
    "product_configuration": "context:configuration",
    "usage_stats": "context:usage",
}
"""What is read only with a scope, wherever it stands."""
Everybody = Written(by=("customer", "author", "outsider", "outside", "requester"))
"""A row holds whatever was given and answered."""


class LedgerRows(BaseModel):
    """One page of a tenant's rows, the first one first."""

    rows: Annotated[list[dict[str, Any]], Everybody] = Field(
        description="With what is sealed in them, where its key is not erased."
    )


class LedgerReport(BaseModel):
    """What checking a tenant's rows has found."""

    sound: bool
    head: Ours = Field(description="Where the chain ends: number and hash.")
    findings: list[Ours]


@tools.tool(scope="ledger:read", risk=Risk.READ, rest="GET /ledger", keeps_secrets=True)
async def read_ledger(
    ctx: Context,
    after: Annotated[int, Field(ge=0, le=2**62, examples=[0])] = 0,
    limit: Limit = 20,
) -> LedgerRows:
    """Read the ledger: what every call asked, what was decided, and what came of it.

    What is secret by its name is masked, and what the reader's role does not see elsewhere.

    Args:
        after: Only rows behind this number.
        limit: How many to read at the most.
    """
    gate = ctx.port(Gate)
    rows = await rows_of(ctx.db, ctx.tenant, after=after, limit=limit)
    hidden = {
        name for name, scope in SCOPED.items() if not gate.policy.roles.may(ctx.principal, scope)
    }
    read = await gate.ledger.read(ctx.db, ctx.tenant, rows)
    return LedgerRows(rows=[veiled(row, names=hidden) for row in read])


@tools.tool(scope="ledger:read", risk=Risk.READ, rest="GET /ledger/verification")
async def verify_ledger(ctx: Context) -> LedgerReport:
    """Check every row of the ledger: whether anything was changed, removed or moved."""
    report = await verify(ctx.port(Gate).database)
    found = [
        f"row {finding.seq}: {finding.problem}"
        for finding in report.findings
        if finding.tenant in (ctx.tenant, "?")
    ]
    return LedgerReport(sound=not found, head=report.heads.get(ctx.tenant, ""), findings=found)
