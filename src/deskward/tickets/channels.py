"""The port by which answers reach customers: mail, the conversation, later others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from deskward.core.database import Connection
from deskward.tickets.messages import Delivery, TicketMessage
from deskward.tickets.models import Source, Ticket


@dataclass(frozen=True)
class Taken:
    """What became of a message that a channel has taken.

    Attributes:
        delivery: How far it is.
        message_id: Of a mail its Message-ID.
        in_reply_to: Of a mail the one that it answers.
    """

    delivery: Delivery
    message_id: str | None = None
    in_reply_to: str | None = None


class Channel(Protocol):
    """A way to customers. Each is the part of another slice."""

    async def take(
        self,
        db: Connection,
        tenant: str,
        ticket: Ticket,
        message: TicketMessage,
        answered: TicketMessage | None,
    ) -> Taken | None:
        """Take a message for the ticket's customer, in the caller's transaction.

        It never waits for a network: what has to leave the house is queued, and whatever becomes of
        it is told by `thread.delivered`.

        Args:
            answered: The customer's last message.

        Returns:
            None where the customer cannot be reached this way.
        """
        ...


@dataclass(frozen=True)
class Channels:
    """The ways to customers that the desk has.

    Attributes:
        ways: The way in of a customer's message → the ways back, the first one first.
    """

    ways: Mapping[Source, tuple[Channel, ...]] = field(default_factory=dict)

    async def take(
        self,
        db: Connection,
        tenant: str,
        ticket: Ticket,
        message: TicketMessage,
        answered: TicketMessage | None,
    ) -> Taken:
        """Have a message taken by the way that the customer's last one came, or not at all."""
        came = answered.channel if answered is not None else ticket.source
        for way in self.ways.get(came, ()):
            taken = await way.take(db, tenant, ticket, message, answered)
            if taken is not None:
                return taken
        return Taken("none")
