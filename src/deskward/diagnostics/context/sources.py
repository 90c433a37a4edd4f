"""The port of systems that know customers, and what they have told, remembered for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from deskward.core.database import now
from deskward.customers.models import Profile

log = logging.getLogger(__name__)

MOST_REMEMBERED = 10_000
MOST_TOLD = 10
"""Parts of an answer that are told to be wrong."""
_Key = tuple[str, str, str, frozenset[tuple[str, str]]]
"""Tenant, system, customer, and by what other systems know them: who is known by another id in one
is somebody else there."""


class SourceFailed(Exception):
    """A system did not answer in order, and in time; the text says what happened."""


@dataclass(frozen=True)
class Known:
    """What a system knows of a customer.

    Attributes:
        products: With the names of `CustomerProduct`; what is not known is left out.
        interactions: With `kind`, `at` and `summary`.
        fields: Whatever else it was asked for.
        environment: Where the product runs: networks, settings, the state of integrations.
        wrong: The parts of its answer that are not of the form that they should be, and so are
            left out or shortened.
    """

    account_status: str | None = None
    products: Sequence[dict[str, Any]] = ()
    interactions: Sequence[dict[str, str]] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str | int | float | bool] = field(default_factory=dict)
    wrong: Sequence[str] = ()


class Source(Protocol):
    """A system that knows customers."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def tenants(self) -> frozenset[str]:
        """Whose customers it knows: of others' it is never asked."""
        ...

    @property
    def remembered(self) -> float:
        """Seconds for which what it has told counts."""
        ...

    @property
    def checked_every(self) -> float | None:
        """Seconds between two looks at how it is; None where there is no way to see that."""
        ...

    async def check(self) -> None:
        """See that it is well.

        Raises:
            SourceFailed: It is not.
        """
        ...

    async def known(self, customer: Profile) -> Known | None:
        """What it knows of a customer; None where it knows nobody such.

        Raises:
            SourceFailed: It did not answer in order, and in time.
        """
        ...


@dataclass(frozen=True)
class Answered:
    """What came of asking a source.

    Attributes:
        known: None where it failed, or knows nobody such.
        problem: Why it failed, or what of its answer is left out.
    """

    source: str
    known: Known | None
    problem: str | None
    at: datetime


class Sources:
    """The systems that a desk asks, all at once. Who fails is asked again the next time."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)
        self._remembered: OrderedDict[_Key, tuple[float, Answered]] = OrderedDict()

    @property
    def checked(self) -> dict[str, Source]:
        """Name → system, of those whose health can be seen."""
        return {one.name: one for one in self._sources if one.checked_every is not None}

    async def ask(self, tenant: str, customer: Profile) -> list[Answered]:
        """What those that know a tenant's customers tell of one, from memory while that counts."""
        asked = [one for one in self._sources if tenant in one.tenants]
        return list(await asyncio.gather(*(self._ask(one, tenant, customer) for one in asked)))

    async def _ask(self, source: Source, tenant: str, customer: Profile) -> Answered:
        ids = frozenset((one.system.casefold(), one.id) for one in customer.external_ids)
        key = tenant, source.name, customer.customer_id, ids
        kept = self._remembered.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        try:
            known = await source.known(customer)
        except SourceFailed as error:
            return Answered(source.name, None, str(error), now())
        except Exception:
            log.exception("the source %s failed", source.name)
            return Answered(source.name, None, "It failed on our side.", now())
        answered = Answered(source.name, known, _wrong_of(known), now())
        self._remembered[key] = time.monotonic() + source.remembered, answered
        self._remembered.move_to_end(key)
        while len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return answered


def _wrong_of(known: Known | None) -> str | None:
    if known is None or not known.wrong:
        return None
    told, more = ", ".join(known.wrong[:MOST_TOLD]), len(known.wrong) - MOST_TOLD
    told += f" and {more} more" if more > 0 else ""
    return f"Its answer is not of the form that was described for it: {told}."
