"""What policies may know of the diagnostic session that a call is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from deskward.diagnostics import service, telling
from deskward.diagnostics.shelf import Shelf
from deskward.gate.context import Context
from deskward.text.assent import answer_of
from deskward.text.language import language_now


class DiagnosisFacts(TypedDict):
    """The facts of a session.

    `asks`, `choices` and `question` are what it asks now; see `gate/answers.py`. `led` is whether
    the caller has given its last answer, so that it is the session that they walk.
    """

    id: str
    owner: str
    status: str
    revision: int
    product: str
    asks: str
    choices: list[str]
    question: str
    led: bool


async def diagnosis_facts(ctx: Context, arguments: Mapping[str, Any]) -> DiagnosisFacts:
    """The facts of a call about a session."""
    session = await service.get(ctx.db, ctx.tenant, arguments["session_id"])
    spoken = ctx.port(Shelf).texts.spoken(language_of(ctx, session.plan.language))
    asks, choices, question = telling.asked(session, spoken)
    return {
        "id": session.id,
        "owner": session.customer_id,
        "status": session.status,
        "revision": session.revision,
        "product": session.product,
        "asks": asks,
        "choices": choices,
        "question": question,
        "led": bool(session.given) and session.given[-1].by == ctx.principal.label,
    }


def language_of(ctx: Context, before: str) -> str:
    """The language of whom a session is walked with: theirs in the conversation, if it tells.

    Args:
        before: What is known otherwise; empty for nothing.
    """
    said = ctx.influence.said if ctx.influence is not None else ()
    return language_now([one for one in said if answer_of(one) is None], before)
