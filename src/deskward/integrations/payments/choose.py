"""What pays refunds out: from settings to one `Payments`."""

from __future__ import annotations

from deskward.core.settings import Settings
from deskward.integrations.payments.http import HttpPayments
from deskward.orders.payments import LedgerOnly, Payments


def choose_payments(settings: Settings) -> Payments:
    """The provider at PAYMENTS_URL, or nobody where it is unset."""
    if settings.payments.url is None:
        return LedgerOnly()
    key = settings.payments.key
    return HttpPayments(
        settings.payments.url,
        key.get_secret_value() if key else None,
        timeout=settings.payments.timeout,
    )
