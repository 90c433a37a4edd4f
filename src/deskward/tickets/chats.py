"""The port by which customers are told something in the conversation that a record began in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deskward.core.database import Connection

Tell = Callable[[Connection, str, tuple[str, str], str, Mapping[str, Any]], Awaitable[str | None]]
Has = Callable[[Connection, str, str], Awaitable[bool]]


async def _nowhere(*_: Any) -> None:
    return None


async def _never(*_: Any) -> bool:
    return False


@dataclass(frozen=True)
class Chats:
    """What tells customers in their conversations.

    Attributes:
        tell: Given a tenant, a customer's id and a conversation of theirs, the name of a notice and
            its values, says it there in the caller's transaction; gives an id for it, or None where
            the conversation is over.
        has: Whether a customer's program has shown what was said under that id.
    """

    tell: Tell = _nowhere
    has: Has = _never
