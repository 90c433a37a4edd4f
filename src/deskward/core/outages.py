"""What failed is left alone for a while, then tried by one call (a circuit breaker)."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from deskward.core.errors import DeskwardError

log = logging.getLogger(__name__)

FIRST_REST = 5.0
"""Seconds for which it is left alone at first; twice as long after each trial that fails."""
LONGEST_REST = 60.0
SHORTEST_WAIT, LONGEST_WAIT = 1, 300
"""Between these it chooses itself how long it is left alone (Retry-After)."""


@dataclass
class Outage:
    """Something outside is away.

    Attributes:
        why: What it failed with last, for people.
        rest: Seconds for which it was left alone last.
        until: When it may be tried again, on the process's clock.
        trying: Whether a call tries it at this moment.
    """

    why: str
    rest: float
    until: float
    trying: bool = False


class Availability:
    """Whether something outside may be asked, as its last calls in this process ended."""

    def __init__(
        self,
        name: str,
        *,
        failing: type[DeskwardError] | tuple[type[DeskwardError], ...],
        working: type[DeskwardError] | tuple[type[DeskwardError], ...] = (),
        after: int = 1,
    ) -> None:
        """Make it.

        Args:
            name: What the log calls it.
            failing: What a call raises that says that it is away.
            working: What a call raises that says that it works, also where `failing` holds.
            after: Calls that have to fail one after the other.
        """
        self.name = name
        self.outage: Outage | None = None
        self._failing, self._working = failing, working
        self._after, self._count = after, 0

    @property
    def may_be_asked(self) -> bool:
        """Whether it is not away, or may be tried now."""
        outage = self.outage
        return outage is None or (monotonic() >= outage.until and not outage.trying)

    @property
    def said(self) -> str | None:
        """Why it is away and until when, for people; None where it is not."""
        if self.outage is None:
            return None
        wait = max(0, math.ceil(self.outage.until - monotonic()))
        return f"{self.outage.why} It is tried again in {wait} s."

    @contextlib.contextmanager
    def call(self) -> Iterator[None]:
        """One call of it, by whose end its state is known.

        A call that its caller ends says nothing; nor does one that began before the outage and
        ends well during it.
        """
        outage = self.outage
        if outage is not None:
            outage.trying = True
        try:
            yield
        except self._working:
            self._works(outage)
            raise
        except self._failing as error:
            self._failed(outage, error)
            raise
        else:
            self._works(outage)
        finally:
            if outage is not None:
                outage.trying = False

    def _works(self, outage: Outage | None) -> None:
        self._count = 0
        if outage is not None and outage is self.outage:
            self.outage = None
            log.warning("%s answers again", self.name)

    def _failed(self, before: Outage | None, error: DeskwardError) -> None:
        present = self.outage
        if before is None and present is not None:
            return  # of several calls at once, the first to fail began the outage
        self._count += 1
        if present is None and self._count < self._after:
            return
        rest = FIRST_REST if present is None else min(2 * present.rest, LONGEST_REST)
        wait = rest
        if error.retry_after is not None:
            wait = min(max(error.retry_after, SHORTEST_WAIT), LONGEST_WAIT)
        self.outage = Outage(error.message, rest, monotonic() + wait)
        if present is None:
            log.warning(
                "%s is away, and is tried again in %d s: %s", self.name, wait, error.message
            )
