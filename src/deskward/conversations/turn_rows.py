"""What the ledger keeps of turns: their beginning and end, and every call of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from deskward.agent.events import MessageAdded, Withheld
from deskward.agent.model import Message
from deskward.conversations.store import Turn
from deskward.core.errors import timestamp
from deskward.gate.ledger.chain import Entry, Ledger
from deskward.security.principals import Kind


def turn_entry(
    ledger: Ledger,
    turn: Turn,
    status: str,
    *,
    said: Sequence[Message] = (),
    model: str | None = None,
    tokens: int | None = None,
) -> Entry:
    """The row of a turn that begins (`begun`), pauses, goes on (`resumed`) or ends.

    Args:
        said: What it began with.
    """
    clear = _clear(ledger, turn, "turn") | {"status": status, "model": model, "tokens": tokens}
    return _entry(turn, clear, {"said": [_whole(message) for message in said]} if said else {})


def model_entry(ledger: Ledger, turn: Turn, said: MessageAdded | Withheld) -> Entry:
    """The row of one call of a model."""
    call = said.call
    assert call is not None
    message = (
        said.message if isinstance(said, MessageAdded) else Message("assistant", call.raw or "")
    )
    withheld = said.why if isinstance(said, Withheld) else None
    clear = _clear(ledger, turn, "model") | {
        "step": call.step,
        "model": said.model,
        "digest": call.digest,
        "settings": call.settings,
        "tokens": call.tokens,
        "status": withheld or ("error" if call.error else "ok"),
    }
    private: dict[str, Any] = {
        "given": [message.plain for message in call.given],
        "answer": None if call.error and not withheld else _whole(message),
        "instead": _whole(message) if call.error and not withheld else None,
        "raw": call.raw,
        "error": call.error,
    }
    return _entry(turn, clear, private)


def _whole(message: Message) -> dict[str, Any]:
    return {**message.plain, **({"state": message.state} if message.state else {})}


def _clear(ledger: Ledger, turn: Turn, kind: str) -> dict[str, Any]:
    where, principal = turn.where, turn.principal
    return {
        "at": timestamp(),
        "kind": kind,
        "conversation": ledger.conversation(where.tenant, where.owner, where.session_id),
        "turn_id": turn.id,
        "by": principal.label if principal.kind is not Kind.CUSTOMER else "customer",
    }


def _entry(turn: Turn, clear: dict[str, Any], private: dict[str, Any]) -> Entry:
    principal = turn.principal
    whole = {"principal": principal.facts, "session_id": turn.where.session_id, **private}
    subjects = frozenset({principal.id} if principal.kind is Kind.CUSTOMER else ())
    return Entry(turn.where.tenant, clear, to_json(whole), subjects)
