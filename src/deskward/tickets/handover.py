"""What staff are told of a handover: fields, and the same as a text to read.

It is put together from what is on record, the same for the same record. No model is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field
from pydantic_core import from_json, to_jsonable_python

from deskward.core.database import Connection
from deskward.core.errors import NotFound
from deskward.core.written import Ours, Written
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.ledger.chain import latest_rows
from deskward.gate.tool import Risk
from deskward.text.language import language_of
from deskward.text.moods import Mood, mood_of
from deskward.text.nothing import asks_nothing
from deskward.text.risk import risks_of
from deskward.tickets.models import Ticket
from deskward.tickets.models import handover_notes as notes
from deskward.tickets.timers import WAITING, handover_waits

LATEST = 5
"""How many of the customer's latest messages are told in their own words; all are in the link."""
LONGEST = 500
"""Characters of each."""
ROWS = 200
"""How many rows of the ledger are looked at, the latest of the conversation."""
UNKNOWN = "unknown"
"""The language of who has said nothing that tells."""

Why = Literal["harm", "asked", "failed", "could_not_help", "called"]
"""`harm`: somebody may come to it. `asked`: the customer asked for a person. `failed`: the last
call failed. `could_not_help`: the agent had nothing left to do. `called`: somebody else than the
agent handed over."""
_WHY: dict[Why, str] = {
    "harm": "Somebody may come to harm.",
    "asked": "The customer asks for a person.",
    "failed": "What was tried last failed.",
    "could_not_help": "The agent could not help any further.",
    "called": "It was handed over directly, and not by the agent.",
}

Words = Annotated[str, Written(by="customer")]


class Tried(BaseModel):
    """A call that was made in the conversation, as the ledger has it."""

    tool: Ours = Field(examples=["get_order"])
    status: Ours = Field(examples=["ok"])
    code: Ours | None = Field(None, description="Of one that failed.", examples=["NOT_FOUND"])
    at: Ours = Field(examples=["2026-02-19T10:30:00.000Z"])


class Handover(BaseModel):
    """Why a conversation was handed over, and what there is to know of it."""

    why: Why
    reason: Words = Field(description="The reason that was given, often by a model.")
    wants: list[Words] = Field(description="The customer's latest messages in their own words.")
    tried: list[Tried] = Field(description="What was to be changed, the first one first.")
    looked_into: list[Tried] = Field(description="What was looked up.")
    suggests: list[Ours] = Field(
        description="Tools of calls that the agent wants made and that wait for somebody."
    )
    signs: list[Ours] = Field(description="What stands out in the words, such as `legal`.")
    language: Ours = Field(description="A language tag, or `unknown`.", examples=["de"])
    mood: Mood
    conversation: Ours | None = Field(
        None,
        description="Where staff who may see the ticket read all of it; null where there is none.",
        examples=["/tickets/T1001/conversation"],
    )

    @property
    def wish(self) -> str:
        """The customer's latest words that say more than that they want a person.

        Empty where they have said nothing.
        """
        said = [text for text in reversed(self.wants) if not asks_nothing(text)]
        matters = (text for text in said if "person" not in risks_of("", text))
        return next(matters, said[0] if said else "")


@dataclass(frozen=True)
class Conversations:
    """The port by which a handover knows what was said.

    Attributes:
        heard: Tenant, owner and id of a session → what its owner said, the oldest first.
    """

    heard: Callable[[Connection, str, str, str], Awaitable[list[str]]]


async def handover(ctx: Context, reason: str, *, urgent: bool) -> Handover:
    """What there is to know of the conversation that is handed over in this call.

    Args:
        reason: Why, in the caller's words.
        urgent: Whether somebody may come to harm.
    """
    said: list[str] = []
    calls: list[dict[str, Any]] = []
    if ctx.session_id is not None:
        owner = ctx.principal.label
        said = await ctx.port(Conversations).heard(ctx.db, ctx.tenant, owner, ctx.session_id)
        name = ctx.port(Gate).ledger.conversation(ctx.tenant, owner, ctx.session_id)
        rows = await latest_rows(ctx.db, ctx.tenant, conversation=name, limit=ROWS)
        calls = [row for row in (from_json(row.body) for row in reversed(rows)) if _is_call(row)]
    if not said and not ctx.by_model:
        said = [reason]
    tools = ctx.port(Gate).tools
    reads = {name for name, tool in tools.items() if tool.risk is Risk.READ}
    made = [_tried(row) for row in calls]
    words = "\n".join(said[-LATEST:])
    return Handover(
        why=_why(ctx, words, made, urgent=urgent),
        reason=reason,
        wants=[_cut(text) for text in said[-LATEST:]],
        tried=[one for one in made if one.tool not in reads],
        looked_into=[one for one in made if one.tool in reads],
        suggests=sorted({one.tool for one in made if one.status in ("pending", "confirm")}),
        signs=risks_of("", words),
        language=language_of(said, otherwise=UNKNOWN),
        mood=mood_of(said[-LATEST:]),
    )


def at(told: Handover, ticket: Ticket) -> Handover:
    """The same with where the conversation is read that the ticket came from."""
    link = f"/tickets/{ticket.id}/conversation" if ticket.session_id is not None else None
    return told.model_copy(update={"conversation": link})


def _is_call(row: dict[str, Any]) -> bool:
    return row.get("kind") == "call" and row.get("status") != "started"


def _tried(row: dict[str, Any]) -> Tried:
    return Tried(tool=row["tool"], status=row["status"], code=row.get("code"), at=row["at"])


def _why(ctx: Context, words: str, made: Sequence[Tried], *, urgent: bool) -> Why:
    if urgent:
        return "harm"
    if "person" in risks_of("", words):
        return "asked"
    if not ctx.by_model:
        return "called"
    return "failed" if made and made[-1].status == "error" else "could_not_help"


def text_of(told: Handover) -> str:
    """The same for staff to read."""
    parts = [_WHY[told.why], f"The reason given: {_cut(told.reason)}"]
    if told.wants:
        quoted = "\n".join(f"> {line}" for text in told.wants for line in text.splitlines())
        parts.append(f"In the customer's words:\n{quoted}")
    for title, calls in (("Tried", told.tried), ("Looked into", told.looked_into)):
        if calls:
            lines = [f"- {one.tool}: {one.code or one.status} ({one.at})" for one in calls]
            parts.append("\n".join([f"{title}:", *lines]))
    if told.suggests:
        parts.append(f"Waits for somebody to decide: {', '.join(told.suggests)}")
    signs = f" Stands out: {', '.join(told.signs)}." if told.signs else ""
    parts.append(f"Language: {told.language}. Mood: {told.mood}.{signs}")
    if told.conversation:
        parts.append(f"The whole conversation: {told.conversation}")
    return "\n\n".join(parts)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"


async def keep(db: Connection, tenant: str, ticket_id: str, told: Handover) -> None:
    """Keep what is told of a ticket's handover, instead of what was told before."""
    number = int(ticket_id[1:])
    this = (notes.c.tenant_id == tenant) & (notes.c.number == number)
    await db.execute(sa.delete(notes).where(this))
    row = {"tenant_id": tenant, "number": number, "told": to_jsonable_python(told)}
    await db.execute(notes.insert(), row)


async def move(db: Connection, tenant: str, ticket_id: str, into: str) -> None:
    """Have a ticket that another one was merged into be the handover that the other one was.

    What is told of one that it is already stays.
    """
    here, there = (
        (notes.c.tenant_id == tenant) & (notes.c.number == int(one[1:]))
        for one in (ticket_id, into)
    )
    if await db.first(sa.select(notes.c.number).where(there)) is None:
        await db.execute(sa.update(notes).where(here).values(number=int(into[1:])))


async def of(db: Connection, tenant: str, ticket_id: str) -> Handover:
    """What is told of a ticket's handover.

    Raises:
        NotFound: It is none.
    """
    row = await db.first(
        sa.select(notes.c.told).where(
            notes.c.tenant_id == tenant, notes.c.number == int(ticket_id[1:])
        )
    )
    if row is None:
        raise NotFound("handover", ticket_id)
    return Handover.model_validate(row.told)


async def wait_again(db: Connection, tenant: str, ticket: Ticket, waits: timedelta) -> None:
    """Have somebody told again of a ticket that is a handover nobody has, or has any more."""
    if ticket.assignee is not None or ticket.status not in WAITING:
        return
    number = int(ticket.id[1:])
    this = (notes.c.tenant_id == tenant) & (notes.c.number == number)
    if await db.first(sa.select(notes.c.number).where(this)) is not None:
        await handover_waits(db, tenant, ticket.id, waits)
