"""Credentials in addresses: what may be shown of an address that has some."""

from __future__ import annotations

import re

_CREDENTIALS = re.compile(
    r"(?<=://)(?:(?P<user>[^\s:/@]{0,200}):)?(?P<rest>[^\s/]{1,2000})(?=@)"
    r"|(?<=[?&;])(?P<name>[\w-]{0,40}(?:key|token|secret|passw(?:or)?d|pwd|sig|signature|auth)=)"
    r"[^\s&;#\"']{1,2000}",
    re.IGNORECASE,
)
"""The user's part of an address (RFC 3986, section 3.2.1), and parameters named as secret."""


def without_credentials(text: str) -> str:
    """The text with the passwords, tokens and keys in its addresses shown as `***`."""
    return _CREDENTIALS.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    if match["name"]:
        return f"{match['name']}***"
    return "***" if match["user"] is None else f"{match['user']}:***"
