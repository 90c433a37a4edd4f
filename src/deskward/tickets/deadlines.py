"""Until when tickets are to be answered and resolved: the port by which others learn of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from deskward.core.database import Connection
from deskward.tickets.models import Ticket


@dataclass(frozen=True)
class Deadline:
    """A clock of a ticket that is not over.

    Attributes:
        clock: Which, as `first_response`.
        state: Whether it runs, or waits.
        due_at: When it runs out; None while it waits for the customer.
    """

    clock: str
    state: str
    policy: str
    due_at: datetime | None
    overdue: bool


@dataclass(frozen=True)
class Deadlines:
    """The port.

    Attributes:
        of: Tenant and ticket → its clocks that are not over.
    """

    of: Callable[[Connection, str, Ticket], Awaitable[list[Deadline]]]
