"""The demo desk's complaints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.complaints import service
from deskward.core.database import Connection


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the complaints of a demo tenant."""
    for customer in content["customers"]:
        for complaint in customer.get("complaints", ()):
            await service.register(db, tenant, customer["id"], **complaint, priority="normal")
