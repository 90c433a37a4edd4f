"""Looking at a server's certificate and at the versions of TLS that it speaks."""

from __future__ import annotations

import hashlib
import ssl
import warnings
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from deskward.core.database import now
from deskward.diagnostics.suites.inside import Seen
from deskward.diagnostics.suites.reach import Reach
from deskward.diagnostics.suites.suite import Tls
from deskward.integrations.checks.reaching import NotReached, Place, connected, find

VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
MOST_NAMES = 50


@cache
def verifying() -> ssl.SSLContext:
    """What trusts the authorities of this machine."""
    return ssl.create_default_context()


@cache
def trusting() -> ssl.SSLContext:
    """What takes any certificate, to look at it: nothing is said over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _take_old(context)
    return context


async def look(test: Tls, reach: Reach) -> Seen:
    """What a certificate says, whether it is trusted, and which versions are spoken.

    Raises:
        NotAllowed: It may not be looked at.
        NotReached: There is nobody, or no TLS.
    """
    assert isinstance(test.port, int)
    place = await find(test.host, test.port, reach)
    seen = await certificate(place)
    if test.versions:
        seen |= await _versions(place)
    return seen, _told(seen)


async def certificate(place: Place) -> dict[str, Any]:
    """What a server's certificate says, and whether it is trusted.

    Raises:
        NotReached: There is nobody, or no TLS.
    """
    async with connected(place, trusting()) as (wire, took):
        tls = wire.tls
        assert tls is not None
        raw = tls.getpeercert(binary_form=True)
        cipher = tls.cipher()
        seen: dict[str, Any] = {
            "reached": True,
            "problem": "",
            "address": place.shown,
            "milliseconds": took,
            "tls": tls.version() or "",
            "cipher": cipher[0] if cipher else "",
        }
    seen |= _of_certificate(raw or b"")
    try:
        async with connected(place, verifying()):
            return seen | {"trusted": True}
    except NotReached as error:
        if error.problem != "tls":
            raise
        return seen | {"trusted": False, "problem": _problem(seen, place, str(error))}


def _problem(seen: dict[str, Any], place: Place, said: str) -> str:
    """Why a certificate is not trusted."""
    if seen["days_left"] < 0:
        return "expired"
    if seen["days_old"] < 0:
        return "not_yet_valid"
    if "mismatch" in said.lower() or "not valid for" in said.lower():
        return "wrong_name"
    return "self_signed" if seen["self_signed"] else "unknown_authority"


def _of_certificate(raw: bytes) -> dict[str, Any]:
    found = x509.load_der_x509_certificate(raw)
    moment = now()
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        listed = [str(one.value) for one in names][:MOST_NAMES]
    except (x509.ExtensionNotFound, ValueError):
        listed = []
    return {
        "fingerprint": hashlib.sha256(raw).hexdigest(),
        "subject": found.subject.rfc4514_string(),
        "issuer": found.issuer.rfc4514_string(),
        "names": listed,
        "days_left": int((found.not_valid_after_utc - moment).total_seconds() // 86_400),
        "days_old": int((moment - found.not_valid_before_utc).total_seconds() // 86_400),
        "self_signed": _is_self_signed(found),
    }


def _is_self_signed(found: x509.Certificate) -> bool:
    try:
        found.verify_directly_issued_by(found)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


async def _versions(place: Place) -> dict[str, list[str]]:
    """Which versions a server speaks, and which this machine's library cannot try."""
    found: dict[str, list[str]] = {"spoken": [], "not_spoken": [], "untried": []}
    for name, version in VERSIONS.items():
        context = _only(version)
        if context is None:
            found["untried"].append(name)
            continue
        try:
            async with connected(place, context):
                found["spoken"].append(name)
        except NotReached:
            found["not_spoken"].append(name)
    return found


@cache
def _only(version: ssl.TLSVersion) -> ssl.SSLContext | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # to find old ones is the purpose
            context.minimum_version = version
            context.maximum_version = version
    except ValueError:
        return None
    _take_old(context)
    return context


def _take_old(context: ssl.SSLContext) -> None:
    """Have old ciphers offered, too: what a server takes is what is looked for."""
    context.set_ciphers("ALL:@SECLEVEL=0")


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _told(seen: dict[str, Any]) -> str:
    days = seen["days_left"]
    ago = -days - 1  # whole days, as those that are left are
    lasts = (
        f"expired {_days(ago) + ' ago' if ago else 'today'}"
        if days < 0
        else f"valid for {_days(days)}"
    )
    why = "trusted" if seen["trusted"] else f"not trusted ({seen['problem'].replace('_', ' ')})"
    spoken = f"; it speaks {', '.join(seen['spoken'])}" if seen.get("spoken") else ""
    return f"The certificate of {seen['subject']} by {seen['issuer']} is {why}, {lasts}{spoken}."
