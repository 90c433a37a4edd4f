"""What policies may know of the diagnostic session that a call is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from deskward.diagnostics import service, telling
from deskward.gate.context import Context


class DiagnosisFacts(TypedDict):
    """The facts of a session.

    `asks`, `choices` and `question` are what it asks now; see `gate/answers.py`.
    """

    id: str
    owner: str
    status: str
    revision: int
    product: str
    asks: str
    choices: list[str]
    question: str


async def diagnosis_facts(ctx: Context, arguments: Mapping[str, Any]) -> DiagnosisFacts:
    """The facts of a call about a session."""
    session = await service.get(ctx.db, ctx.tenant, arguments["session_id"])
    asks, choices, question = telling.asked(session)
    return {
        "id": session.id,
        "owner": session.customer_id,
        "status": session.status,
        "revision": session.revision,
        "product": session.product,
        "asks": asks,
        "choices": choices,
        "question": question,
    }
