"""Customers' passwords: argon2id (RFC 9106), hashed off the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import SecretStr

MIN_LENGTH = 8
MAX_LENGTH = 128

_hasher = PasswordHasher()


async def hash_password(password: SecretStr) -> str:
    """The argon2id hash of a password, in PHC string format."""
    return await asyncio.to_thread(_hasher.hash, password.get_secret_value())


async def verify_password(hashed: str, password: SecretStr) -> bool:
    """Whether the password is the one that was hashed."""
    try:
        return await asyncio.to_thread(_hasher.verify, hashed, password.get_secret_value())
    except (VerificationError, InvalidHashError):
        return False
