"""The kinds of values that settings have, each checked when it is read.

A message never repeats a value that may hold a password.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from deskward.core.opening import database_url

DAY = 86_400


def _web_address(value: str) -> str:
    _check_address(value, ("http", "https"), "`http://host` or `https://host`")
    return value


def _redis_address(value: SecretStr) -> SecretStr:
    _check_address(
        value.get_secret_value(), ("redis", "rediss", "unix"), "`redis://host:6379/0`", host=False
    )
    return value


def _check_address(value: str, schemes: tuple[str, ...], form: str, *, host: bool = True) -> None:
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises where it is no number of a port
        known = parts.scheme in schemes and (bool(parts.hostname) or not host)
    except ValueError:
        known = False
    if not known or any(character.isspace() for character in value):
        raise ValueError(f"it is no address of the form {form}")


def _of_database(value: str) -> str:
    database_url(value)
    return value


def by_tenant(value: str) -> list[tuple[str, str]]:
    """What `default=…, shop=…` says: tenant and value; without a tenant, the empty name."""
    parts = (part.rpartition("=") for part in value.split(",") if part.strip())
    return [(tenant.strip(), said.strip()) for tenant, _, said in parts]


WebAddress = Annotated[str, AfterValidator(_web_address)]
RedisAddress = Annotated[SecretStr, AfterValidator(_redis_address)]
DatabaseUrl = Annotated[str, AfterValidator(_of_database)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\S(.*\S)?$")]
"""An id, as the database keeps it."""
Seconds = Annotated[float, Field(gt=0, le=DAY, allow_inf_nan=False)]
Few = Annotated[int, Field(gt=0, le=1_000)]
Many = Annotated[int, Field(gt=0, le=1_000_000_000)]
