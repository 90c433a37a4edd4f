"""A payment provider over HTTP, or a small program of yours in front of one.

`POST {PAYMENTS_URL}/refunds` with `Idempotency-Key` and JSON: refund_id, tenant, order_id, amount
(a decimal number as text) and currency. It answers JSON: `status` (`succeeded`, `pending` or
`failed`), `id` (its own reference) and perhaps `reason`. Asked again under the same key it says how
that refund stands, and pays nothing more. 4xx is a refusal, but 408, 409, 425 and 429 are asked
again; whatever else it answers, or does not, tells nothing.
"""

from __future__ import annotations

import json
import ssl
from functools import cached_property
from typing import Any

import httpx2

from deskward.orders.payments import NotNow, Payout, Refused, Unclear

AGAIN = frozenset({408, 409, 425, 429})
MOST = 64 * 1024
"""Bytes of an answer that are read."""


class HttpPayments:
    """Pays refunds out by HTTP requests."""

    pays = True

    def __init__(self, url: str, key: str | None, *, timeout: float) -> None:
        """Make one.

        Args:
            key: Sent as `Authorization: Bearer …`.
            timeout: Seconds that one request may take.
        """
        self._url = f"{url.rstrip('/')}/refunds"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = timeout

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        # Each client would read the system's certificates anew, and nothing else runs meanwhile.
        return httpx2.create_ssl_context(trust_env=False)

    async def refund(self, payout: Payout) -> str:
        """Pay a refund out, or say how it stands; see `Payments.refund`."""
        body = {
            "refund_id": payout.key,
            "tenant": payout.tenant,
            "order_id": payout.order_id,
            "amount": payout.amount,
            "currency": payout.currency,
        }
        headers = {**self._headers, "Idempotency-Key": payout.key}
        try:
            async with (
                httpx2.AsyncClient(
                    verify=self._trusted, timeout=self._timeout, trust_env=False
                ) as client,
                client.stream("POST", self._url, json=body, headers=headers) as response,
            ):
                told = await _read(response)
        except httpx2.ConnectError as error:
            raise NotNow(f"The payment provider is away: {error}") from None
        except httpx2.HTTPError as error:
            raise Unclear(f"The payment provider did not answer: {type(error).__name__}") from None
        return _understood(response, told)


def _understood(response: httpx2.Response, told: dict[str, Any] | None) -> str:
    """The provider's reference of a refund that was paid.

    Raises:
        Refused, NotNow, Unclear: It was not, or who knows.
    """
    status = response.status_code
    why = str((told or {}).get("reason") or f"the payment provider answered {status}")[:200]
    if status in AGAIN or status == 503:
        after = response.headers.get("retry-after", "")
        seconds = float(after) if after.isascii() and after.isdigit() and len(after) < 6 else None
        raise NotNow(why, seconds)
    if 400 <= status < 500:
        raise Refused(why)
    if not 200 <= status < 300 or told is None:
        raise Unclear(why)
    if told.get("status") == "failed":
        raise Refused(why)
    if told.get("status") == "pending":
        raise NotNow("The payment provider works on it.")
    if told.get("status") != "succeeded" or not isinstance(told.get("id"), str):
        raise Unclear("The payment provider's answer is not understood.")
    return str(told["id"])[:200]


async def _read(response: httpx2.Response) -> dict[str, Any] | None:
    data = b""
    async for piece in response.aiter_bytes():
        data += piece
        if len(data) > MOST:
            return None
    try:
        told = json.loads(data)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
