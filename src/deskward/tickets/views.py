"""Saved views: queries that have a name, of one member of staff, or shared."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import Connection, metadata
from deskward.core.errors import NotFound
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL
from deskward.core.written import Ours, Written
from deskward.staff import service as staff
from deskward.tickets.models import Team
from deskward.tickets.ways import Order

Shared = Literal["nobody", "team", "tenant"]
Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Urgent, nobody's"])]
ViewId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["0" * 32])]
MOST = 500
"""Views of a tenant that are listed."""

ticket_views = sa.Table(
    "ticket_views",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("staff_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("name", sa.String(100), nullable=False, info=DOCUMENT),
    sa.Column("query", sa.String(1000), nullable=False, info=DOCUMENT),
    sa.Column("sorted", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("shared", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("team", sa.String(64), info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_ticket_views_staff_id", "tenant_id", "staff_id"),
)


class View(BaseModel):
    """A saved view."""

    view_id: Ours = Field(examples=["4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"])
    name: Annotated[Name, Written(by="staff")]
    query: Annotated[str, Written(by="staff")] = Field(examples=["status:open assignee:none"])
    order: Order
    staff_id: Annotated[str, Written(by="staff")] = Field(description="Who saved it.")
    shared: Shared = Field(description="With whom.")
    team: Annotated[Team, Written(by="staff")] | None = Field(description="With which team.")
    created_at: datetime
    updated_at: datetime
    count: int | None = Field(
        None, description="How many tickets it finds, as far as they were counted.", examples=[12]
    )
    more: bool = Field(False, description="Whether there are more than were counted.")


class Views(BaseModel):
    """The views that somebody may use, by their names."""

    views: list[View]


async def seen(db: Connection, tenant: str, me: str, view_id: str | None = None) -> list[View]:
    """The views that a member of staff sees: their own, their teams', and everybody's."""
    found = await staff.find(db, tenant, me)
    teams = list(found.teams) if found is not None else []
    mine = ticket_views.c.staff_id == me
    theirs = (ticket_views.c.shared == "team") & ticket_views.c.team.in_(teams)
    where = [
        ticket_views.c.tenant_id == tenant,
        mine | theirs | (ticket_views.c.shared == "tenant"),
    ]
    if view_id is not None:
        where.append(ticket_views.c.id == view_id)
    wanted = sa.select(ticket_views).where(*where)
    rows = await db.all(wanted.order_by(ticket_views.c.name, ticket_views.c.id).limit(MOST))
    return [
        View(
            view_id=row.id,
            name=row.name,
            query=row.query,
            order=row.sorted,
            staff_id=row.staff_id,
            shared=row.shared,
            team=row.team,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


async def get(db: Connection, tenant: str, me: str, view_id: str) -> View:
    """The view, where they see it.

    Raises:
        NotFound: There is none, or it is not theirs to see.
    """
    for view in await seen(db, tenant, me, view_id):
        return view
    raise NotFound("view", view_id)
