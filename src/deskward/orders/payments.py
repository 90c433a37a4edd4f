"""The port to a payment provider, and what can come of paying a refund out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Refused(Exception):
    """The provider will never pay this out, and has not."""


class NotNow(Exception):
    """It is not paid out yet: the provider is away, or takes its time."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Unclear(Exception):
    """Whether it was paid out is not known. Asking again under the same key pays nothing twice."""


@dataclass(frozen=True)
class Payout:
    """A refund that is to be paid out.

    Attributes:
        key: Names it for ever: whoever is asked again for the same one pays nothing more.
        amount: A decimal number in the currency.
    """

    key: str
    tenant: str
    order_id: str
    amount: str
    currency: str


class Payments(Protocol):
    """Something that pays refunds out. Adapters are in `integrations/payments/`."""

    pays: bool
    """Whether money really moves."""

    async def refund(self, payout: Payout) -> str:
        """Pay a refund out, or say how it stands; returns the provider's own reference.

        Raises:
            Refused: It never will be.
            NotNow: It is not yet; ask again.
            Unclear: Nobody knows; ask again.
        """
        ...


class LedgerOnly:
    """Moves no money: refunds are recorded here, and somebody pays them out elsewhere."""

    pays = False

    async def refund(self, payout: Payout) -> str:
        """Say that nothing is paid out here.

        Raises:
            Refused: Always.
        """
        raise Refused("No payment provider is set (PAYMENTS_URL): nothing is paid out here.")
