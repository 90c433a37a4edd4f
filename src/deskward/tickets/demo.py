"""The demo desk's tickets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from deskward.core.database import Connection, now
from deskward.core.numbering import FIRST_NUMBER
from deskward.gate.context import new_id
from deskward.tickets.messages import TicketMessage
from deskward.tickets.models import tickets
from deskward.tickets.service import add_message


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the tickets of a demo tenant."""
    for customer in content["customers"]:
        for ticket in customer.get("tickets", ()):
            # The higher its number, the later it was opened.
            opened = now() - timedelta(hours=FIRST_NUMBER - ticket["number"])
            row = {
                **ticket,
                "tenant_id": tenant,
                "customer_id": customer["id"],
                "status": "open",
                "revision": 1,
                "created_at": opened,
                "updated_at": opened,
            }
            await db.execute(tickets.insert(), row)
            first = TicketMessage(
                id=new_id(),
                ticket_id=f"T{row['number']}",
                seq=1,
                kind="message",
                by="customer",
                author=customer["id"],
                channel="api",
                text=row["body"],
                created_at=opened,
            )
            await add_message(db, tenant, row["number"], first, subject=row["subject"])
