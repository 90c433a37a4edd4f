"""The demo desk's articles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.core.database import Connection
from deskward.knowledge.articles import create, publish
from deskward.knowledge.models import Draft


async def load(db: Connection, tenant: str, content: Mapping[str, Any]) -> None:
    """Load the articles of a demo tenant, and publish them."""
    for article in content["faq"]:
        article_id = await create(db, tenant, Draft(**article), "system:demo")
        await publish(db, tenant, article_id, None)
