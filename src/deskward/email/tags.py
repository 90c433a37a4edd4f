"""The tag in the address that a customer answers to: it says which ticket, and nobody can forge it.

`support@desk.example` becomes `support+t1001-3f9a…@desk.example` (sub-addressing, RFC 5233). The
signature covers the tenant, so that a tag of one is none of another.
"""

from __future__ import annotations

import hashlib
import hmac
import re

_TAG = re.compile(r"(t[1-9][0-9]{0,17})-([0-9a-f]{20})")


def tagged(address: str, key: bytes, tenant: str, ticket_id: str) -> str:
    """The address under which answers to a ticket come in.

    Args:
        address: The desk's own, to which answers go.
        key: What signs it; it must not change while answers may come.
    """
    local, _, domain = address.rpartition("@")
    ticket = ticket_id.lower()
    return f"{local.partition('+')[0]}+{ticket}-{_signature(key, tenant, ticket)}@{domain}"


def ticket_of(address: str, key: bytes, tenant: str) -> str | None:
    """The ticket that an address names with a signature of the desk's own, or None."""
    tag = address.rpartition("@")[0].partition("+")[2].lower()
    match = _TAG.fullmatch(tag)
    if match is None:
        return None
    signature = _signature(key, tenant, match[1])
    return match[1].upper() if hmac.compare_digest(signature, match[2]) else None


def is_tagged(address: str) -> bool:
    """Whether an address has a tag of the form of ours, whoever signed it."""
    tag = address.rpartition("@")[0].partition("+")[2].lower()
    return _TAG.fullmatch(tag) is not None


def untagged(address: str) -> str:
    """An address without its tag, in lower case."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _signature(key: bytes, tenant: str, ticket: str) -> str:
    told = f"mail tag\n{tenant}\n{ticket}".encode()
    return hmac.new(key, told, hashlib.sha256).hexdigest()[:20]
