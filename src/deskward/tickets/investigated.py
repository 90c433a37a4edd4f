"""What was looked into for a ticket elsewhere in the desk: the port by which others learn of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from deskward.core.database import Connection


@dataclass(frozen=True)
class Investigated:
    """Something that was looked into.

    Attributes:
        what: In one line.
        outcome: What came of it, in one line.
        text: All of it.
    """

    what: str
    outcome: str
    at: datetime
    text: str


@dataclass(frozen=True)
class Investigations:
    """The port.

    Attributes:
        of: Tenant, customer and ticket → what was looked into, the latest first.
    """

    of: Callable[[Connection, str, str, str], Awaitable[list[Investigated]]]
