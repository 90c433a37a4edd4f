"""The tools with which people look at calls that wait, and decide on them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import sqlalchemy as sa
from pydantic import BaseModel, Field
from pydantic_core import to_json

from deskward.core import jobs
from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, Forbidden, OutcomeUnknown
from deskward.core.jobs import Job, Record
from deskward.core.paging import Limit, Offset, newest
from deskward.core.written import Ours, Written
from deskward.gate.approvals import Approvals, approvals
from deskward.gate.approved import check_approval, why_void
from deskward.gate.call import Gate
from deskward.gate.context import Context, new_id
from deskward.gate.tool import Risk, ToolGroup
from deskward.gate.waiting import PendingCall, canonical
from deskward.security.cards import without_cards
from deskward.security.principals import Principal

JOB = "approval"
"""The kind of job that carries a decision out."""

MOST = 500
"""How many calls that wait are looked at, the newest, whether they still can be made."""

tools = ToolGroup("approvals")

State = Literal["pending", "void", "expired", "approved", "denied", "done", "failed", "unknown"]
ApprovalId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a call that waits.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
Comment = Annotated[
    str, Field(max_length=1000, examples=["Checked with the customer by telephone."])
]

Told = Annotated[
    str, Field(max_length=1000, examples=["We cannot do this before the card has arrived."])
]

Asked = Written(by="requester")


class Reason(BaseModel):
    """A policy because of which a person has to look."""

    policy: Ours = Field(description="Its `@id`.", examples=["answering-a-ticket-unattended"])
    text: Ours = Field(description="The policy in Cedar; empty where it has changed since.")


class Approval(BaseModel):
    """A call that waits for a person, or waited."""

    approval_id: ApprovalId
    status: State = Field(
        description="`void`: it waits no longer, because it could not be made any more. "
        "`approved`: it is about to run. `done`, `failed`, `unknown`: what came of it."
    )
    void_because: Ours | None = Field(
        None, description="Of one that is `void` or `expired`: why, and what to do."
    )
    tool: Ours = Field(examples=["update_ticket"])
    arguments: Annotated[dict[str, Any], Asked] = Field(
        description="The exact arguments; secrets and card numbers are masked."
    )
    canonical_arguments: Annotated[str, Asked] = Field(
        description="The same as canonical JSON. What is bound has no mask."
    )
    requested_by: Ours = Field(examples=["staff:anna"])
    agent: Ours | None = Field(description="The agent that asked on their behalf.")
    about: Ours | None = Field(description="The customer whom it is about.")
    label: Annotated[str, Asked] | None = Field(
        description="What it is about, for people: which card, order or account.",
        examples=["Visa ••4242"],
    )
    record: Annotated[dict[str, Any], Asked] | None = Field(
        description="The record as it was; a change voids it."
    )
    facts: Annotated[dict[str, Any], Asked] = Field(
        description="What policies knew when it was asked for."
    )
    reasons: list[Reason]
    policy_version: Ours
    session_id: Annotated[str, Asked] | None
    created_at: datetime
    expires_at: datetime
    decided_by: Ours | None
    decided_at: datetime | None
    comment: Annotated[str, Written(by="staff")] | None = Field(
        description="Why it was decided so, for the staff."
    )
    told: Annotated[str, Written(by="staff")] | None = Field(
        None, description="What the customer is told of it."
    )
    answer: Annotated[dict[str, Any], Asked] | None = Field(
        description="What the call answered, once it has run."
    )


class ApprovalList(BaseModel):
    """One page of calls that wait, the newest first."""

    total: int
    limit: int
    offset: int
    approvals: list[Approval]


class Decided(BaseModel):
    """The receipt of a decision."""

    approval_id: ApprovalId
    status: Literal["approved", "denied"]
    message: Ours = Field(examples=["The call was approved and is being made."])


class ApprovalFacts(TypedDict):
    """What policies may know of the call that is decided on."""

    id: str
    tool: str
    group: str
    risk: str
    requester: str
    owner: NotRequired[str]
    amount: NotRequired[int]
    currency: NotRequired[str]


async def approval_facts(ctx: Context, arguments: Mapping[str, Any]) -> ApprovalFacts:
    """The facts of a decision."""
    gate = ctx.port(Gate)
    call = await gate.approvals.get(ctx.db, ctx.tenant, arguments["approval_id"])
    tool = gate.tools.get(call.tool)
    record = call.facts_of_record
    facts: ApprovalFacts = {
        "id": call.id,
        "tool": call.tool,
        "group": tool.group if tool else "",
        "risk": tool.risk.value if tool else "destructive",
        "requester": call.principal,
    }
    if call.about:
        facts["owner"] = call.about
    if isinstance(record.get("amount"), int):
        facts["amount"] = record["amount"]
        facts["currency"] = str(record.get("currency", ""))
    return facts


@tools.tool(scope="approvals:read", risk=Risk.READ, rest="GET /approvals")
async def list_approvals(
    ctx: Context, status: State | None = "pending", limit: Limit = 20, offset: Offset = 0
) -> ApprovalList:
    """List calls that wait for a person's approval, the newest first.

    Args:
        status: Only those with this status; `pending` where it is left out, null for all. Of
            those that are `pending` or `void` the 500 newest are looked at.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    gate, where = ctx.port(Gate), [approvals.c.tenant_id == ctx.tenant]
    waits = approvals.c.status == "pending"
    late = approvals.c.expires_at <= now()
    if status in ("pending", "void"):
        where += [waits, ~late]
        _, rows = await newest(ctx.db, approvals, where, by="created_at", limit=MOST, offset=0)
        looked = [await _shown(ctx, gate, PendingCall(**row._mapping)) for row in rows]
        found = [one for one in looked if one.status == status]
        shown = found[offset : offset + limit]
        return ApprovalList(total=len(found), limit=limit, offset=offset, approvals=shown)
    if status is not None:
        where += [waits, late] if status == "expired" else [approvals.c.status == status]
    page = {"limit": limit, "offset": offset}
    total, rows = await newest(ctx.db, approvals, where, by="created_at", **page)
    shown = [await _shown(ctx, gate, PendingCall(**row._mapping)) for row in rows]
    return ApprovalList(total=total, limit=limit, offset=offset, approvals=shown)


@tools.tool(
    scope="approvals:read",
    risk=Risk.READ,
    rest="GET /approvals/{approval_id}",
    facts=approval_facts,
)
async def get_approval(ctx: Context, approval_id: ApprovalId) -> Approval:
    """Show a call that waits for approval: its exact arguments, and why a person has to look.

    Args:
        approval_id: The call.
    """
    gate = ctx.port(Gate)
    return await _shown(ctx, gate, await gate.approvals.get(ctx.db, ctx.tenant, approval_id))


@tools.tool(
    scope="approvals:decide",
    risk=Risk.WRITE,
    rest="POST /approvals/{approval_id}/approve",
    facts=approval_facts,
)
async def approve_call(ctx: Context, approval_id: ApprovalId, comment: Comment = "") -> Decided:
    """Approve a call that waits: exactly this call is then made, once.

    Args:
        approval_id: The call.
        comment: Why; it is recorded.
    """
    gate = ctx.port(Gate)
    call = await _to_decide(ctx, gate.approvals, approval_id)
    await check_approval(gate, call, ctx)
    await gate.approvals.decide(ctx.db, call, "approved", by=ctx.principal.label, comment=comment)
    await _carry_out(ctx, approval_id)
    return Decided(
        approval_id=approval_id,
        status="approved",
        message="The call was approved and is being made.",
    )


@tools.tool(
    scope="approvals:decide",
    risk=Risk.WRITE,
    rest="POST /approvals/{approval_id}/deny",
    facts=approval_facts,
)
async def deny_call(
    ctx: Context, approval_id: ApprovalId, comment: Comment = "", told: Told = ""
) -> Decided:
    """Decide that a call that waits is not made.

    Args:
        approval_id: The call.
        comment: Why, for the staff alone: no customer is told.
        told: What the customer is told, word for word.
    """
    gate = ctx.port(Gate)
    call = await _to_decide(ctx, gate.approvals, approval_id)
    await gate.approvals.decide(
        ctx.db, call, "denied", by=ctx.principal.label, comment=comment, told=told or None
    )
    await _carry_out(ctx, approval_id)
    return Decided(approval_id=approval_id, status="denied", message="The call will not be made.")


async def _to_decide(ctx: Context, store: Approvals, approval_id: str) -> PendingCall:
    call = await store.get(ctx.db, ctx.tenant, approval_id)
    if _is_own(call, ctx.principal):
        raise Forbidden("Nobody decides on a call of their own. Ask a colleague.")
    if call.status != "pending":
        raise Conflict(
            f"This call is {call.status} already.",
            details={"approval_id": call.id, "status": call.status},
        )
    return call


def _is_own(call: PendingCall, approver: Principal) -> bool:
    """Whether it is who asked, also where one of both times they had a key and once the machine.

    An id is one person's, whatever kind of key they made for it; so is a user of the machine,
    whoever they say they are.
    """
    requester = call.came_from.principal
    names = {
        unicodedata.normalize("NFKC", str(name)).casefold()
        for name in (requester.get("id"), approver.id)
    }
    same_shell = approver.via == requester.get("via") and (approver.via or "").startswith("cli:")
    return len(names) == 1 or same_shell or call.principal == approver.label


async def _carry_out(ctx: Context, approval_id: str) -> None:
    """Have the decision carried out, by whichever process comes first."""
    payload = {"tenant": ctx.tenant, "approval_id": approval_id}
    await jobs.add(ctx.db, new_id(), JOB, payload)


async def _given_up(db: Connection, job: Job, reason: str) -> None:
    """Say of an approved call whose job has failed, or was cancelled, that it is not known."""
    approval_id = job.payload["approval_id"]
    error = OutcomeUnknown(
        f"Whether this call was made is not known: {reason} A person has to look."
        if job.attempt
        else f"This call was not made: {reason}"
    )
    answer = to_json(error.tool_envelope(approval_id)).decode()
    status = "unknown" if job.attempt else "failed"
    await db.execute(
        sa.update(approvals)
        .where(approvals.c.id == approval_id, approvals.c.status == "approved")
        .values(status=status, answer=answer)
    )


async def _again(db: Connection, job: Job) -> None:
    """Have an approved call made that was given up, while its arguments are still held."""
    await db.execute(
        sa.update(approvals)
        .where(
            approvals.c.id == job.payload["approval_id"],
            approvals.c.status.in_(("failed", "unknown")),
            approvals.c.sealed.is_not(None),
        )
        .values(status="approved", answer=None)
    )


RECORD = Record(ended=_given_up, again=_again)
"""How an approved call learns what became of its job."""


async def _shown(ctx: Context, gate: Gate, call: PendingCall) -> Approval:
    origin = call.came_from
    status: State = call.status
    because = None
    if status == "pending":
        because = await why_void(gate, call, ctx)
        if because is not None:
            status = "expired" if call.expires_at <= now() else "void"
    known = gate.policy.policies if call.policy_version == gate.policy.version else {}
    return Approval(
        approval_id=call.id,
        status=status,
        void_because=because,
        tool=call.tool,
        arguments=without_cards(call.shown),
        canonical_arguments=canonical(without_cards(call.shown)),
        requested_by=call.principal,
        agent=origin.principal.get("agent"),
        about=call.about,
        label=call.label,
        record=without_cards(call.facts_of_record) if call.record else None,
        facts=without_cards(dict(origin.facts)),
        reasons=[
            Reason(policy=name, text=gate.policy.written(name) if name in known else "")
            for name in call.policies
        ],
        policy_version=call.policy_version,
        session_id=origin.session_id,
        created_at=call.created_at,
        expires_at=call.expires_at,
        decided_by=call.decided_by,
        decided_at=call.decided_at,
        comment=call.comment,
        told=call.told,
        answer=without_cards(call.answered),
    )
