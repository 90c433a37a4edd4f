"""Moments, as databases keep them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import AfterValidator, AwareDatetime
from sqlalchemy.engine import Dialect


def _in_utc(given: datetime) -> datetime:
    """A moment that somebody named, in UTC."""
    try:
        return given.astimezone(UTC)
    except OverflowError:  # the year 9999 ends elsewhere before it does in UTC
        raise ValueError("the moment is in no year from 1 to 9999, in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment as callers and files name it, with its offset; in UTC once it is read."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, text on SQLite, aware in Python on both."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """What turns a moment into what the driver takes: on SQLite the text, at once."""
        return _to_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        """What makes a moment of what the driver gives: on SQLite of the text, at once."""
        if dialect.name == "sqlite":
            return _from_text
        return super().result_processor(dialect, coltype)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into UTC."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware moment in UTC."""
        return value.replace(tzinfo=UTC) if value is not None else None


def _to_text(value: datetime | None) -> str | None:
    """A moment as SQLAlchemy writes it into SQLite, which takes it several steps."""
    if value is None:
        return None
    global _last  # what is written at one moment says it several times
    if value is _last[0]:
        return _last[1]
    at = value if value.tzinfo is UTC else value.astimezone(UTC)
    day, time = (at.year, at.month, at.day), (at.hour, at.minute, at.second, at.microsecond)
    # Half of what `isoformat` takes, or format specifiers would.
    text = "%04d-%02d-%02d %02d:%02d:%02d.%06d" % (*day, *time)  # noqa: UP031 in half the time of a format specifier
    _last = value, text
    return text


_last: tuple[datetime | None, str] = (None, "")


def _from_text(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text is not None else None
