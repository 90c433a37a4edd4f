"""The demo desk's orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.core.database import Connection
from deskward.orders import service
from deskward.orders.models import NewLine


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the orders of a demo tenant."""
    for customer in content["customers"]:
        for placed in customer.get("orders", ()):
            order = await service.create(
                db,
                tenant,
                customer["id"],
                lines=[NewLine.model_validate(line) for line in placed["lines"]],
                currency=customer["currency"],
                shipping_address=customer["address"],
            )
            for status in placed["became"]:
                await service.set_status(db, tenant, order.id, status, call="demo")
