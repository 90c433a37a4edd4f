"""The one form of an address, by which it is compared and found."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from zoneinfo import available_timezones

from deskward.core.characters import UNSEEN
from deskward.core.errors import InvalidInput
from deskward.text.addresses import host_key


def email_key(address: str) -> str:
    """A mail address in one form: NFKC, small letters, its domain as IDNA writes it in ASCII.

    Raises:
        InvalidInput: It is no mail address.
    """
    local, at, domain = unicodedata.normalize("NFKC", address).strip().rpartition("@")
    host = host_key(domain)
    odd = UNSEEN.search(local) or any(map(str.isspace, local)) or "@" in local or len(local) > 64
    if not at or not local or host is None or odd:
        raise InvalidInput(f"{address[:80]!r} is no mail address.")
    return f"{local.lower()}@{host}"


def same_mailbox(one: str, other: str) -> bool:
    """Whether two addresses of one form lead to one mailbox also at a server that is particular."""
    first, second = (
        unicodedata.normalize("NFC", address.strip().rpartition("@")[0]).lower()
        for address in (one, other)
    )
    return first == second


def phone_key(number: str) -> str:
    """A phone number in one form: its digits, after a + where its country is told.

    Raises:
        InvalidInput: It is no phone number.
    """
    plain = unicodedata.normalize("NFKC", number).strip()
    digits = "".join(str(unicodedata.decimal(sign)) for sign in plain if sign.isdecimal())
    odd = any(not (sign.isdecimal() or sign.isspace() or sign in "+-./()‐–") for sign in plain)
    if odd or not 3 <= len(digits) <= 20 or "+" in plain[1:].lstrip("("):
        raise InvalidInput(f"{number[:40]!r} is no phone number: write it as +41 44 555 01 23.")
    if "+" in plain:
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


@lru_cache(1000)
def language_key(tag: str) -> str:
    """A language's tag (BCP 47) as it is usually written: `pt-BR`.

    Raises:
        InvalidInput: There is no such language.
    """
    from babel.core import Locale, UnknownLocaleError

    try:
        found = Locale.parse(tag.replace("_", "-"), sep="-")
    except (ValueError, UnknownLocaleError):
        found = None
    if found is None or found.english_name is None:
        raise InvalidInput(f"{tag!r} is no language's tag: write it as de, or pt-BR.")
    return "-".join(filter(None, (found.language, found.script, found.territory)))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_key(name: str) -> str:
    """A time zone's name.

    Raises:
        InvalidInput: There is no such zone.
    """
    if name not in _zones():
        raise InvalidInput(f"There is no time zone {name!r}: write it as Europe/Berlin.")
    return name
