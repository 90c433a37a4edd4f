"""Of which queue and product a record is, for whoever chooses by that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deskward.core.database import Connection
from deskward.core.errors import NotFound
from deskward.queues import service
from deskward.tickets import service as tickets

PRODUCT = "product"
"""The field in which a ticket says its product."""
_TICKET = re.compile(r"T[1-9][0-9]{0,17}")


async def whereabouts(db: Connection, tenant: str, record: Mapping[str, Any]) -> tuple[str, str]:
    """The queue that a ticket waits in or is worked on from, else its team; and its product.

    A record that says its product itself has that; of any other nothing is known.
    """
    product, record_id = str(record.get("product") or ""), str(record.get("id") or "")
    if not _TICKET.fullmatch(record_id):
        return "", product
    try:
        ticket = await tickets.get(db, tenant, record_id)
    except NotFound:
        return "", product
    item = await service.active_of(db, tenant, record_id)
    queue = item.kind if item is not None else ticket.team or ""
    return queue, product or str(ticket.fields.get(PRODUCT) or "")
