"""Rules and queries of the staff's directory."""

from __future__ import annotations

import re

from deskward.core.database import Connection
from deskward.core.errors import Conflict, InvalidInput
from deskward.security import members
from deskward.security.members import Member
from deskward.security.principals import DEFAULT_ROLES, Kind
from deskward.staff.models import StaffMember

_MENTION = re.compile(r"(?<![\w.@+-])@(\w[\w.-]{0,63})")
MOST_MENTIONED = 20


async def mentioned(db: Connection, tenant: str, text: str) -> list[str]:
    """The ids of the members of staff whom a text mentions, as in `@anna`."""
    named = [name.rstrip(".-") for name in _MENTION.findall(text)][:MOST_MENTIONED]
    found = [await find(db, tenant, name) for name in dict.fromkeys(named)]
    return [member.id for member in found if member is not None]


async def find(db: Connection, tenant: str, staff_id: str) -> Member | None:
    """The member of staff of that id, or None; an id that could be nobody's is nobody's."""
    try:
        wanted = members.one_form(staff_id)
    except InvalidInput:
        return None
    return await members.find(db, tenant, Kind.STAFF, wanted)


async def require(db: Connection, tenant: str, staff_id: str, *, field: str = "assignee") -> str:
    """The id of a member of staff who works here now, in the form in which ids are kept.

    Args:
        field: What names them in the call, for whoever has to mend it.

    Raises:
        Conflict: Nobody of that id is a member of staff, or they are disabled.
    """
    found = await find(db, tenant, staff_id)
    if found is None or found.disabled_at is not None:
        state = "is no member of staff" if found is None else "does not work here any more"
        raise Conflict(
            f"{staff_id[:64]!r} {state}. `list_staff` shows who is, `deskward staff add` admits "
            "somebody.",
            details={"field": field, "hint": "Name an active member of staff."},
        )
    return found.id


async def listed(db: Connection, tenant: str) -> list[Member]:
    """All members of staff of a tenant, by their ids."""
    found = await members.listed(db)
    return [one for one in found if one.tenant_id == tenant and one.kind is Kind.STAFF]


def shown(member: Member) -> StaffMember:
    """A member of staff as they are shown."""
    return StaffMember(
        staff_id=member.id,
        name=member.name or member.id,
        email=member.email,
        roles=list(member.roles or (DEFAULT_ROLES[Kind.STAFF],)),
        teams=list(member.teams),
        languages=list(member.languages),
        active=member.disabled_at is None,
    )
