"""Customers' passwords: argon2id (RFC 9106), hashed off the event loop, and which ones are taken.

A new one is long, is none of those that are tried first, and holds nothing that others know of its
owner (NIST SP 800-63B-4, section 3.1.1.2).
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import SecretStr

from deskward.core.errors import Conflict

MIN_LENGTH = 12
MAX_LENGTH = 128
FEW = 5
"""A password has at least so many different characters."""
KNOWN = 4
"""Letters of a word of its owner's name or address from which on it counts."""

_hasher = PasswordHasher()
_LEET = str.maketrans("@4€310$5!7+", "aaeeiossitt")
_RUNS = ("abcdefghijklmnopqrstuvwxyz" * 2, "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm")


class WeakPassword(Conflict):
    """A new password is guessed early; no schema can say which ones are."""

    code = "WEAK_PASSWORD"

    def __init__(self, why: str) -> None:
        """Say why."""
        super().__init__(why, details={"field": "new_password", "needs": "new_password"})


async def hash_password(password: SecretStr) -> str:
    """The argon2id hash of a password, in PHC string format."""
    return await asyncio.to_thread(_hasher.hash, password.get_secret_value())


async def verify_password(hashed: str, password: SecretStr) -> bool:
    """Whether the password is the one that was hashed."""
    try:
        return await asyncio.to_thread(_hasher.verify, hashed, password.get_secret_value())
    except (VerificationError, InvalidHashError):
        return False


def check_new(password: SecretStr, about: Iterable[str]) -> None:
    """Refuse a password that is guessed early.

    Args:
        about: What others know of its owner: names, addresses, ids.

    Raises:
        WeakPassword: It is; says why, without a word of the password.
    """
    text = unicodedata.normalize("NFKC", password.get_secret_value()).casefold()
    if len(text) < MIN_LENGTH:
        raise WeakPassword(f"A password has at least {MIN_LENGTH} characters.")
    if len(set(text)) < FEW or _is_repeated(text) or _is_run(text):
        raise WeakPassword("This password repeats itself or follows the keyboard. Choose another.")
    if _is_common(text):
        raise WeakPassword("This password is one of those that are tried first. Choose another.")
    if any(word in text for word in _words(about)):
        raise WeakPassword("A password holds no name or address of its owner. Choose another.")


@cache
def _common() -> frozenset[str]:
    lines = Path(__file__).with_name("common_passwords.txt").read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


def _is_common(text: str) -> bool:
    """Whether it is on the list, or put together of what is, with digits and signs around it."""
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    return text in _common() or any(_is_made_of_common(t) for t in {bare, bare.translate(_LEET)})


def _is_made_of_common(text: str) -> bool:
    ends = {0}
    for end in range(1, len(text) + 1):
        if any(text[start:end] in _common() for start in ends):
            ends.add(end)
    return len(text) in ends and bool(text)


def _is_repeated(text: str) -> bool:
    """Whether one piece makes all of it, as often as need be."""
    return text in (text + text)[1:-1]


def _is_run(text: str) -> bool:
    return any(text in run or text[::-1] in run for run in _RUNS)


def _words(about: Iterable[str]) -> set[str]:
    """The words that a password may not hold; of scripts that write short words, shorter ones."""
    found: set[str] = set()
    for known in about:
        plain = unicodedata.normalize("NFKC", known).casefold()
        found |= {plain, *re.findall(r"[^\W_]+", plain)}
    return {word for word in found if len(word) >= (KNOWN if word.isascii() else 2)}
