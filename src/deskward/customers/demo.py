"""The demo desk's customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.core.database import Connection, now
from deskward.customers.models import customers


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the customers of a demo tenant."""
    columns = ("id", "name", "email", "phone", "address", "tier")
    for customer in content["customers"]:
        contact = {column: customer[column] for column in columns}
        await db.execute(customers.insert(), {"tenant_id": tenant, **contact, "created_at": now()})
