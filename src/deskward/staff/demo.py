"""The demo desk's members of staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.core.database import Connection
from deskward.security import members
from deskward.security.principals import Kind


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the members of staff of a demo tenant."""
    for one in content["staff"]:
        await members.admit(db, tenant, Kind.STAFF, one["id"])
        told = {name: value for name, value in one.items() if name != "id"}
        await members.change(db, tenant, Kind.STAFF, one["id"], told)
