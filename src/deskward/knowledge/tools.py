"""The tools of the knowledge base."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup
from deskward.knowledge import service
from deskward.knowledge.models import FaqResults

tools = ToolGroup("knowledge")


@tools.tool(
    scope="knowledge:read",
    risk=Risk.READ,
    rest="GET /faq/search",
    keeps_secrets=False,
)
async def get_faq(
    ctx: Context,
    q: Annotated[
        str, Field(min_length=1, max_length=500, examples=["How long does a transfer take?"])
    ],
    limit: Annotated[int, Field(ge=1, le=20)] = 3,
) -> FaqResults:
    """Search the frequently asked questions for an answer; cite the id of the article used.

    Args:
        q: The question in plain words.
        limit: How many articles to give at the most.
    """
    return await service.search(ctx.db, ctx.tenant, q, limit=limit)
