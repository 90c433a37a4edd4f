"""The demo desk's customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.core.database import Connection
from deskward.customers import service
from deskward.customers.models import Details


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the customers of a demo tenant."""
    for customer in content["customers"]:
        told = {name: customer[name] for name in ("name", "address", "tier")}
        contact = {"emails": [customer["email"]], "phones": [customer["phone"]]}
        details = Details(**told, **contact, verified=[customer["email"]])
        await service.create(db, tenant, details, customer_id=customer["id"])
