"""Characters that are not seen but act: on terminals, on a line's order, on what is compared."""

from __future__ import annotations

import re
from typing import Any

JOINERS = "\u200c\u200d"
"""Needed within words of Persian and of Indian scripts, and within emoji; they direct nothing."""

_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e007f"
)
"""Categories Cc, Cf, Cs, Zl and Zp of Unicode, without tab and line feed."""

UNSEEN = re.compile(f"[{_UNSEEN}]")
_ESCAPED = re.compile(f"(?![{JOINERS}])[{_UNSEEN}]")
_LOST = re.compile(rf"{_ESCAPED.pattern}|(?<=[\x00-\x7f])[{JOINERS}]|[{JOINERS}](?=[\x00-\x7f]|\Z)")
_PARTS = re.compile(r"[\x0b\x0c\x85\u2028\u2029]")
_IN_A_LINE = re.compile(f"[\t\n{_UNSEEN}]")


def printable(text: str) -> str:
    """The text for a terminal: what would act there is written as JSON writes it (CWE-150)."""
    return text if text.isprintable() else _ESCAPED.sub(_escape, text)


def one_line(text: str) -> str:
    """The text as a part of a line that nobody can forge (CWE-117), escaped as JSON escapes."""
    return text if text.isprintable() else _IN_A_LINE.sub(_escape, text)


def seen(text: str) -> str:
    """The text without what is not seen, joiners within other alphabets apart.

    A space stands where a line was parted by other means than a line feed.
    """
    return text if text.isprintable() else _LOST.sub("", _PARTS.sub(" ", text))


_SHORT = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _SHORT:
        return _SHORT[char]
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def holds_nul(value: Any) -> bool:
    """Whether a text inside holds U+0000, which PostgreSQL cannot store."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(map(holds_nul, value))
