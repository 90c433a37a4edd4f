"""Signatures of webhooks, in the form of Standard Webhooks: our own, and those of others to us."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from deskward.core.errors import InvalidInput

PREFIX = "whsec_"
LATELY = 300
"""Seconds by which the clocks of two machines may differ, and a message may be old."""
FORM = "A webhook's secret is whsec_ and 24 to 64 random bytes as Base64."


def secret_bytes(secret: str) -> bytes:
    """What a secret says.

    Raises:
        InvalidInput: It has not the form of one.
    """
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(FORM) from None
    if not secret.startswith(PREFIX) or not 24 <= len(found) <= 64:
        raise InvalidInput(FORM)
    return found


def signed(secret: bytes, event_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a message: its id, when it is sent, and the signature of both and its body."""
    told = f"{event_id}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, told, hashlib.sha256)).decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }


def is_signed(secret: bytes, headers: Mapping[str, str], body: bytes, seconds: int) -> bool:
    """Whether a message was signed with a secret, lately.

    It is Standard Webhooks' form, or that of Git hosts (`X-Hub-Signature-256`), which says no time:
    who repeats such a message repeats no more than it asks for.

    Args:
        headers: In lower case.
        seconds: Now.
    """
    if (told := headers.get("x-hub-signature-256")) is not None:
        written = f"{PREFIX}{base64.b64encode(secret).decode()}".encode()
        wanted = f"sha256={hmac.new(written, body, hashlib.sha256).hexdigest()}"
        return hmac.compare_digest(wanted.encode(), told.encode("utf-8", "replace"))
    sent, event_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not (sent.isascii() and sent.isdigit() and len(sent) < 12) or not event_id:
        return False
    if abs(int(sent) - seconds) > LATELY:
        return False
    wanted = signed(secret, event_id, int(sent), body)["webhook-signature"]
    given = headers.get("webhook-signature", "").split(" ")[:10]
    return any(
        [hmac.compare_digest(wanted.encode(), one.encode("utf-8", "replace")) for one in given]
    )


def carries(secret: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a message carries a secret itself, as a bearer token: for programs that sign nothing.

    Args:
        headers: In lower case.
    """
    written = f"Bearer {PREFIX}{base64.b64encode(secret).decode()}"
    given = headers.get("authorization", "")
    return hmac.compare_digest(written.encode(), given.encode("utf-8", "replace"))
