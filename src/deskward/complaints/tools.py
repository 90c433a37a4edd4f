"""The tools of complaints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from pydantic import Field

from deskward.complaints import service
from deskward.complaints.models import (
    Category,
    Complaint,
    ComplaintChanged,
    ComplaintId,
    ComplaintList,
    ComplaintRegistered,
    ComplaintUpdate,
    Description,
    OrderReference,
    Priority,
    Resolution,
    Status,
    Subject,
)
from deskward.complaints.wishes import WISHES
from deskward.core.paging import Limit, Offset
from deskward.core.text import shorten
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup

tools = ToolGroup("complaints", wishes=WISHES)


class ComplaintFacts(TypedDict):
    """What policies may know of the complaint that a call is about."""

    id: str
    owner: str
    status: str
    category: str
    priority: str
    revision: int


async def complaint_facts(ctx: Context, arguments: Mapping[str, Any]) -> ComplaintFacts:
    """The facts of a call about a complaint."""
    complaint = await service.get(ctx.db, ctx.tenant, arguments["complaint_id"])
    return {
        "id": complaint.id,
        "owner": complaint.customer_id,
        "status": complaint.status,
        "category": complaint.category,
        "priority": complaint.priority,
        "revision": complaint.revision,
    }


@tools.tool(scope="complaints:create", risk=Risk.WRITE, rest="POST /complaints")
async def register_complaint(
    ctx: Context,
    customer_id: OwnCustomerId,
    description: Description,
    subject: Subject | None = None,
    category: Category = "other",
    priority: Priority = "normal",
    order_id: OrderReference | None = None,
) -> ComplaintRegistered:
    """Register a customer's complaint.

    Args:
        customer_id: The customer who complains.
        description: The complaint in the customer's words.
        subject: The complaint in one line; the beginning of the description where left out.
        category: What it is about.
        priority: How urgent it is.
        order_id: The order that it is about.
    """
    complaint = await service.register(
        ctx.db,
        ctx.tenant,
        customer_id,
        subject=subject or shorten(description),
        description=description,
        category=category,
        priority=priority,
        order_id=order_id,
    )
    return ComplaintRegistered(
        complaint_id=complaint.id,
        status=complaint.status,
        message=f"Complaint {complaint.id} was registered.",
    )


@tools.tool(
    scope="complaints:read",
    risk=Risk.READ,
    rest="GET /complaints/{complaint_id}",
    facts=complaint_facts,
)
async def get_complaint(ctx: Context, complaint_id: ComplaintId) -> Complaint:
    """Look up a complaint: its status, and how it was resolved.

    Args:
        complaint_id: The complaint.
    """
    return await service.get(ctx.db, ctx.tenant, complaint_id)


@tools.tool(scope="complaints:read", risk=Risk.READ, rest="GET /complaints")
async def search_complaints(
    ctx: Context,
    customer_id: OwnCustomerId | None = None,
    query: Annotated[str, Field(min_length=1, max_length=200)] | None = None,
    status: Status | None = None,
    category: Category | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> ComplaintList:
    """Find complaints, the newest first.

    Args:
        customer_id: Only this customer's.
        query: Only those whose subject or description has this in it, in capitals or not.
        status: Only those with this status.
        category: Only those about this.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    return await service.find(
        ctx.db,
        ctx.tenant,
        customer_id=customer_id,
        query=query,
        status=status,
        category=category,
        limit=limit,
        offset=offset,
    )


@tools.tool(
    scope="complaints:write",
    risk=Risk.WRITE,
    rest="PATCH /complaints/{complaint_id}",
    facts=complaint_facts,
)
async def update_complaint(
    ctx: Context, complaint_id: ComplaintId, update: ComplaintUpdate
) -> ComplaintChanged:
    """Change a complaint that is being dealt with: description, category, priority or status.

    Args:
        complaint_id: The complaint.
        update: What to change.
    """
    complaint = await service.update(ctx.db, ctx.tenant, complaint_id, update)
    return _changed(complaint, f"Complaint {complaint.id} was changed.")


@tools.tool(
    scope="complaints:write",
    risk=Risk.WRITE,
    rest="POST /complaints/{complaint_id}/resolve",
    facts=complaint_facts,
)
async def resolve_complaint(
    ctx: Context, complaint_id: ComplaintId, resolution: Resolution
) -> ComplaintChanged:
    """Resolve a complaint, saying how it was put right.

    Args:
        complaint_id: The complaint.
        resolution: How it was put right.
    """
    complaint = await service.resolve(ctx.db, ctx.tenant, complaint_id, resolution)
    return _changed(complaint, f"Complaint {complaint.id} is now resolved.")


@tools.tool(
    scope="complaints:write",
    risk=Risk.WRITE,
    rest="POST /complaints/{complaint_id}/archive",
    facts=complaint_facts,
)
async def archive_complaint(ctx: Context, complaint_id: ComplaintId) -> ComplaintChanged:
    """Put a resolved complaint away.

    Args:
        complaint_id: The complaint.
    """
    complaint = await service.archive(ctx.db, ctx.tenant, complaint_id)
    return _changed(complaint, f"Complaint {complaint.id} is now archived.")


def _changed(complaint: Complaint, message: str) -> ComplaintChanged:
    return ComplaintChanged(success=True, message=message, complaint=complaint)
