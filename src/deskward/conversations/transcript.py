"""A conversation as the ledger has it: turns, what models were given and said, what tools did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deskward.agent.model import Message, ToolRequest
from deskward.core.database import Connection
from deskward.core.errors import Conflict, SessionNotFound
from deskward.gate.ledger.chain import Ledger, rows_of
from deskward.security.principals import Principal

CHUNK = 1000


@dataclass
class ModelStep:
    """A call of a model.

    Attributes:
        given: What it was given and no earlier call of the turn was.
        answer: What it said, or None where it failed.
        raw: What it said word for word, where not all of that was sent.
        withheld: Whether nothing more of it was sent, because nothing supports it.
        interrupted: Whether the model broke off, and another one was asked.
        instead: What the agent said then.
        offered: The names of the tools that it was told, where these were not all.
    """

    model: str
    digest: str
    given: list[Message]
    answer: Message | None
    instead: Message | None
    error: str | None
    raw: str | None = None
    withheld: bool = False
    interrupted: bool = False
    offered: tuple[str, ...] | None = None

    @property
    def requests(self) -> tuple[ToolRequest, ...]:
        """The calls of tools that followed."""
        said = self.answer or self.instead
        return said.tool_requests if said else ()


@dataclass
class ToolStep:
    """A call of a tool, by the idempotency key that the turn gave it."""

    tool: str
    status: str
    verdict: str | None
    policies: list[str]
    principal: Principal
    facts: Mapping[str, Any] | None
    result: Any
    code: str | None
    sources: frozenset[str] = frozenset()


@dataclass
class TurnRecord:
    """A turn.

    Attributes:
        said: What it began with: a customer's message, or a call that a person decided on.
        calls: By idempotency key; the last row of each key counts.
        status: `begun` where its end is not on record.
    """

    id: str
    principal: Principal
    said: list[Message]
    models: list[ModelStep] = field(default_factory=list)
    calls: dict[str, ToolStep] = field(default_factory=dict)
    status: str = "begun"

    @property
    def answers(self) -> dict[str, Message]:
        """What tools answered: the request's step and id → the message that a model was given."""
        found = {}
        for number, step in enumerate(self.models):
            for message in step.given:
                if message.role == "tool" and message.tool_request_id:
                    found[f"{number}:{message.tool_request_id}"] = message
        return found


async def recording(
    db: Connection, ledger: Ledger, tenant: str, owner: str, session_id: str
) -> list[TurnRecord]:
    """The turns of a conversation in their order.

    Raises:
        SessionNotFound: The ledger knows no such conversation.
        Conflict: Its data was erased, or is damaged.
    """
    name = ledger.conversation(tenant, owner, session_id)
    turns: dict[str, TurnRecord] = {}
    after = 0
    while rows := await rows_of(db, tenant, conversation=name, after=after, limit=CHUNK):
        after = rows[-1].seq
        _collect(turns, await ledger.read(db, tenant, rows))
    if not turns:
        raise SessionNotFound(session_id)
    return list(turns.values())


def _collect(turns: dict[str, TurnRecord], rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        if row.get("erased") or row.get("damaged"):
            state = "erased" if row.get("erased") else "damaged"
            raise Conflict(
                f"Row {row['seq']} of this conversation is {state}: it cannot be replayed."
            )
        kind, turn_id = row.get("kind"), row.get("turn_id") or ""
        if kind == "turn" and row["status"] == "begun":
            said = [Message.of(plain) for plain in row["said"]]
            turns[turn_id] = TurnRecord(turn_id, Principal.of_facts(row["principal"]), said)
        elif turn_id not in turns or row.get("approval"):
            continue
        elif kind == "turn":
            turns[turn_id].status = row["status"]
        elif kind == "model":
            turns[turn_id].models.append(_model(row))
        elif kind == "call" and row.get("key") and row["status"] not in ("started", "repeated"):
            turns[turn_id].calls[row["key"].removeprefix("turn:")] = _tool(row)


def _model(row: Mapping[str, Any]) -> ModelStep:
    offered = (row.get("settings") or {}).get("offered")
    return ModelStep(
        model=row.get("model", ""),
        digest=row["digest"],
        given=[Message.of(plain) for plain in row["given"]],
        answer=Message.of(row["answer"]) if row["answer"] else None,
        instead=Message.of(row["instead"]) if row.get("instead") else None,
        error=row.get("error"),
        raw=row.get("raw"),
        withheld=row.get("status") == "withheld",
        interrupted=row.get("status") == "interrupted",
        offered=tuple(offered) if offered is not None else None,
    )


def _tool(row: Mapping[str, Any]) -> ToolStep:
    return ToolStep(
        tool=row["tool"],
        status=row["status"],
        verdict=row.get("verdict"),
        policies=list(row.get("policies", ())),
        principal=Principal.of_facts(row["principal"]),
        facts=row.get("facts"),
        result=row.get("result"),
        code=row.get("code"),
        sources=frozenset(row.get("sources", ())),
    )
