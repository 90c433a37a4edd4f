"""Whether mails say the same, or the same but for numbers: by digests of them."""

from __future__ import annotations

import hashlib
import re

NEARLY = 2
"""How many mails of a sender that differ in numbers alone go before one that counts as a program's:
a person may write of two orders with the same words."""
TELLING = 24
"""How many letters what somebody wrote has, without its numbers, to be compared without them."""
HALF = 32
"""Characters of each of the two digests."""

_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"\d+")


def digests(own: str) -> str:
    """Two digests of what somebody wrote: of its words, and of those without numbers.

    Responders put the number of a ticket, or a moment, into what they say each time.
    """
    words = _WORD.findall(own.casefold()) or own.split()  # whatever marks stand between them
    # Where letters stand beside digits, the whole is an id; in scripts without spaces it is not.
    plain = [
        _DIGITS.sub("", word)
        for word in words
        if not word.isascii() or _DIGITS.search(word) is None
    ]
    if sum(map(len, plain)) < TELLING:
        plain = words
    return _digest(words) + _digest(plain)


def _digest(words: list[str]) -> str:
    return hashlib.sha256(" ".join(words).encode("utf-8", "replace")).hexdigest()[:HALF]
