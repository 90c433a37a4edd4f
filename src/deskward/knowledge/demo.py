"""The demo desk's FAQ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.core.database import Connection
from deskward.knowledge.models import faq


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the FAQ of a demo tenant."""
    articles = [{"tenant_id": tenant, **article} for article in content["faq"]]
    await db.execute(faq.insert(), articles)
