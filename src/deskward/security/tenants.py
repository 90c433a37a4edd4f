"""The tenants of a desk: who they are, how they write, and whether they are open."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from deskward.core.fixed import MOST_KNOWN, fixed
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL

TENANT_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?=(\d\d:\d\d)-(\d\d:\d\d)")

tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("name", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("languages", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("time_zone", sa.String(64), info=IMPERSONAL),
    sa.Column("hours", sa.String(400), nullable=False, info=IMPERSONAL),
    sa.Column("reply_to", sa.String(320), info=IMPERSONAL),
    sa.Column("sender_name", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("mail_domains", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("signature", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
)

_BY_ID = fixed(
    sa.select(tenants).where(tenants.c.tenant_id == sa.bindparam("tenant")), knows_rows=True
)
_ADD = fixed(
    insert_or_ignore(
        tenants,
        *("tenant_id", "name", "languages", "hours", "sender_name", "mail_domains", "signature"),
        "created_at",
    )
)


@dataclass(frozen=True)
class Tenant:
    """A tenant.

    Attributes:
        name: The brand that customers know; empty where none was given.
        languages: Those that it answers in, the usual one first; none for any.
        hours: When people work there, as `mon-fri=09:00-17:00, sat=10:00-12:00`.
        reply_to: Where answers to its mails go; they come from there, too, where `mail_domains`
            has its domain.
        sender_name: Whom its mails are from; empty for the name, or what SENDER_NAME says.
        mail_domains: Those that its own mail comes from.
        signature: What stands below its mails.
        closed_at: Since when nothing is done there any more.
    """

    tenant_id: str
    name: str = ""
    languages: tuple[str, ...] = ()
    time_zone: str | None = None
    hours: str = ""
    reply_to: str | None = None
    sender_name: str = ""
    mail_domains: tuple[str, ...] = ()
    signature: str = ""
    created_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def own_address(self) -> str | None:
        """The address that its mails come from, or None where they come from the desk's."""
        domain = (self.reply_to or "").rpartition("@")[2].lower()
        return self.reply_to if domain in (name.lower() for name in self.mail_domains) else None

    def is_open(self, moment: datetime) -> bool:
        """Whether people work there at a moment; always where no hours are told."""
        spans = _known_spans(self.hours)
        local = moment.astimezone(ZoneInfo(self.time_zone or "UTC"))
        return not spans or any(
            start <= local.time() < end for start, end in spans.get(local.weekday(), ())
        )


def spans_of(hours: str) -> dict[int, list[tuple[time, time]]]:
    """Day of the week, from 0 for Monday → from when to when; 24:00 is `time.max`.

    Raises:
        InvalidInput: It is not of the form `mon-fri=09:00-17:00, sat=10:00-12:00`.
    """
    found: dict[int, list[tuple[time, time]]] = {}
    for part in filter(None, map(str.strip, hours.split(","))):
        match = _HOURS.fullmatch(part)
        try:
            if match is None:
                raise ValueError
            first = DAYS.index(match[1])
            last = DAYS.index(match[2] or match[1])
            start = time.fromisoformat(match[3])
            end = time.max if match[4] == "24:00" else time.fromisoformat(match[4])
            if first > last or start >= end:
                raise ValueError
        except ValueError:
            raise InvalidInput(
                f"{part!r} are no hours: write mon-fri=09:00-17:00, sat=10:00-12:00."
            ) from None
        for day in range(first, last + 1):
            found.setdefault(day, []).append((start, end))
    return found


_known_spans = lru_cache(maxsize=1_024)(spans_of)
"""The same, read once: whoever only looks at them takes them from here."""

_read: dict[str, tuple[sa.Row[Any], Tenant]] = {}
"""What was made last of a tenant's row: one that is the same again is not read again."""


async def find(db: Connection, tenant: str) -> Tenant | None:
    """The tenant of that id, or None."""
    row = await db.first(_BY_ID, tenant=tenant)
    if row is None:
        return None
    before = _read.get(tenant)
    if before is not None and before[0] is row:
        return before[1]
    if len(_read) >= MOST_KNOWN:
        _read.clear()
    made = _of(row)
    _read[tenant] = (row, made)
    return made


async def get(db: Connection, tenant: str) -> Tenant:
    """The tenant of that id.

    Raises:
        NotFound: There is none.
    """
    found = await find(db, tenant)
    if found is None:
        raise NotFound("tenant", tenant)
    return found


async def require_open(db: Connection, tenant: str) -> None:
    """See that there is a tenant, and that it is open.

    Raises:
        Unauthenticated: There is none, or it is closed; which of these is not said.
    """
    row = await db.first(_BY_ID, tenant=tenant)
    if row is None or row.closed_at is not None:
        raise Unauthenticated(
            f"There is no open tenant {tenant[:64]!r} at this desk. `deskward tenants list` shows "
            "which there are."
        )


async def listed(db: Connection) -> Sequence[Tenant]:
    """All tenants."""
    return [_of(row) for row in await db.all(sa.select(tenants).order_by(tenants.c.tenant_id))]


async def ensure(db: Connection, tenant: str, name: str = "") -> None:
    """Have a tenant of that id, if there is none."""
    made = {"tenant_id": tenant, "name": name, "languages": [], "hours": "", "sender_name": ""}
    rest = {"mail_domains": [], "signature": "", "created_at": now()}
    await db.change(_ADD, {**made, **rest})


async def add(db: Connection, tenant: str) -> None:
    """Make a tenant.

    Raises:
        InvalidInput: The id is not of an id's form.
        Conflict: There is one already, or was.
    """
    if not TENANT_ID.fullmatch(tenant):
        raise InvalidInput(
            "A tenant's id has 1 to 64 letters, digits, dots, dashes or underscores."
        )
    if await find(db, tenant) is not None:
        raise Conflict(f"There is a tenant {tenant} already, or was one.")
    await ensure(db, tenant)


async def change(db: Connection, tenant: str, values: Mapping[str, Any]) -> None:
    """Change what is told of a tenant.

    Raises:
        NotFound: There is none.
        InvalidInput: Something is not of its form.
    """
    await get(db, tenant)
    zone = values.get("time_zone")
    if zone is not None and zone not in available_timezones():
        raise InvalidInput(f"There is no time zone {zone!r}: write it as Europe/Berlin.")
    spans_of(values.get("hours") or "")
    for name in ("name", "sender_name", "reply_to"):
        _require_line(name, values.get(name) or "")
    await db.execute(sa.update(tenants).where(tenants.c.tenant_id == tenant).values(**_row(values)))


def _require_line(name: str, text: str) -> None:
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp") for sign in text):
        raise InvalidInput(f"The {name.replace('_', ' ')} is one line of text.")
    if len(text) > 200:
        raise InvalidInput(f"The {name.replace('_', ' ')} has at most 200 characters.")


async def close(db: Connection, tenant: str) -> None:
    """Do nothing more in a tenant. Whoever closes one ends its keys and jobs as well.

    Raises:
        NotFound: There is none.
        Conflict: It is closed already.
    """
    if (await get(db, tenant)).closed_at is not None:
        raise Conflict(f"The tenant {tenant} is closed already.")
    await db.execute(
        sa.update(tenants).where(tenants.c.tenant_id == tenant).values(closed_at=now())
    )


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def told(tenant: Tenant) -> dict[str, Any]:
    """All that is told of a tenant, as JSON."""
    found = {**asdict(tenant), "state": "closed" if tenant.closed_at else "open"}
    for name in ("created_at", "closed_at"):
        found[name] = found[name].isoformat(timespec="seconds") if found[name] else None
    return found


def _of(row: sa.Row[Any]) -> Tenant:
    lists = {name: tuple(row._mapping[name]) for name in ("languages", "mail_domains")}
    return Tenant(**{**row._mapping, **lists})
