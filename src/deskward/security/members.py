"""Who is known to a desk besides its customers: members of staff, and services.

An id is compared as people see it: NFKC and case-folded, of one script, and never one that looks
like another's (a small part of the confusables of Unicode's UTS #39).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, metadata, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL
from deskward.security.principals import Kind

LONGEST_ID = 64
LEFT = "staff_left"
"""The kind of job that frees what a member of staff had who was disabled."""

members = sa.Table(
    "members",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("kind", sa.String(16), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(LONGEST_ID), primary_key=True, info=IMPERSONAL),
    sa.Column("looks", sa.String(2 * LONGEST_ID), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("disabled_at", UtcDateTime),
    sa.Column("name", sa.String(200), nullable=False, server_default="", info=IMPERSONAL),
    sa.Column("email", sa.String(320), info=IMPERSONAL),
    sa.Column("roles", sa.JSON, nullable=False, server_default="[]", info=IMPERSONAL),
    sa.Column("teams", sa.JSON, nullable=False, server_default="[]", info=IMPERSONAL),
    sa.Column("languages", sa.JSON, nullable=False, server_default="[]", info=IMPERSONAL),
    sa.Column("shell_user", sa.String(64), info=IMPERSONAL),
    sa.Index("ix_members_looks", "tenant_id", "kind", "looks"),
    sa.Index("uq_members_shell_user", "tenant_id", "kind", "shell_user", unique=True),
)
"""`looks` is the id as it looks at a glance, the same for ids that are taken for each other.

`shell_user` is the machine's user who is this member where they work on the command line."""

_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HANGUL": "CJK", "BOPOMOFO": "CJK"}
"""Scripts that are written together."""
_ALIKE = str.maketrans(
    "аеорсухіјѕһԁԛԝӏкмнтвгαονρικτυχηγωօոսհıɡɑ01|",
    "aeopcyxijshdqwlkmhtbraovpiktuxnywonuhigaoll",
)

_LISTS = ("roles", "teams", "languages")

_ALL = sa.select(members).where(members.c.tenant_id == sa.bindparam("tenant"))
_THEIRS = _ALL.where(members.c.kind == sa.bindparam("kind"))


@dataclass(frozen=True)
class Member:
    """A member of staff, or a service.

    Attributes:
        disabled_at: Since when nothing is done in their name.
        name: As people call them; of who gave none it is empty.
        roles: Those that their keys have where nobody names others, and the command line.
        shell_user: The machine's user that they are.
    """

    tenant_id: str
    kind: Kind
    id: str
    created_at: datetime
    disabled_at: datetime | None = None
    name: str = ""
    email: str | None = None
    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    shell_user: str | None = None


def one_form(text: str) -> str:
    """An id in the one form in which ids are kept.

    Raises:
        InvalidInput: It is blank or too long, has control, invisible or bidirectional characters,
            or letters of several scripts.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    odd = any(unicodedata.category(c)[0] in "CZ" and c != " " for c in text + folded)
    if odd or not folded.strip() or folded != folded.strip() or len(folded) > LONGEST_ID:
        raise InvalidInput(
            f"The subject of a key is one line of 1 to {LONGEST_ID} characters, not blank and "
            "without control, invisible or bidirectional characters."
        )
    if len(scripts := {name for name in map(_script, folded) if name}) > 1:
        mixed = ", ".join(sorted(scripts)).lower()
        raise InvalidInput(f"The subject of a key has letters of one script, not of {mixed}.")
    return folded


def _script(character: str) -> str:
    """The script that a letter or a digit is of; nothing for what all scripts share."""
    category = unicodedata.category(character)
    if character.isascii() and not character.isalpha():
        return ""
    if category[0] not in "LM" and category != "Nd":
        return ""
    word = unicodedata.name(character, "").replace("-", " ").partition(" ")[0]
    return "" if word in ("COMBINING", "MODIFIER") else _TOGETHER.get(word, word)


def look(folded: str) -> str:
    """How an id looks at a glance."""
    return folded.translate(_ALIKE).replace("rn", "m").replace("vv", "w")


async def find(db: Connection, tenant: str, kind: Kind, member_id: str) -> Member | None:
    """The member of that id, or None."""
    same = members.c.id == member_id
    row = await db.first(_THEIRS.where(same), tenant=tenant, kind=kind.value)
    return _of(row) if row is not None else None


async def listed(db: Connection) -> Sequence[Member]:
    """All members of all tenants."""
    order = (members.c.tenant_id, members.c.kind, members.c.id)
    return [_of(row) for row in await db.all(sa.select(members).order_by(*order))]


async def active_staff(db: Connection, tenant: str) -> Sequence[Member]:
    """The members of staff of a tenant who work there now."""
    active = members.c.disabled_at.is_(None)
    rows = await db.all(_THEIRS.where(active), tenant=tenant, kind=Kind.STAFF.value)
    return [_of(row) for row in rows]


async def of_shell_user(db: Connection, tenant: str, name: str) -> Member | None:
    """The member of staff that the machine's user of that name is, or None."""
    theirs = members.c.shell_user == name
    row = await db.first(_THEIRS.where(theirs), tenant=tenant, kind=Kind.STAFF.value)
    return _of(row) if row is not None else None


async def admit(db: Connection, tenant: str, kind: Kind, member_id: str) -> tuple[Member, bool]:
    """The member of that id, and whether they are new.

    Raises:
        InvalidInput: The id is not of an id's form.
        Conflict: It looks like another member's, of whichever kind: an id is one person's.
    """
    wanted = one_form(member_id)
    if (found := await find(db, tenant, kind, wanted)) is not None:
        return found, False
    alike = await db.first(_ALL.where(members.c.looks == look(wanted)), tenant=tenant)
    if alike is not None:
        raise Conflict(f"{wanted!r} looks like {alike.id!r}, who is somebody else. Use another id.")
    made = Member(tenant, kind, wanted, now())
    lists = {name: list(getattr(made, name)) for name in _LISTS}
    row = {**vars(made), **lists, "kind": kind.value, "looks": look(wanted)}
    await db.execute(members.insert(), row)
    return made, True


async def change(
    db: Connection, tenant: str, kind: Kind, member_id: str, values: Mapping[str, Any]
) -> None:
    """Change what is told of a member.

    Raises:
        NotFound: There is no such member.
        Conflict: The machine's user is another member already.
        InvalidInput: Something is not of its form.
    """
    wanted = one_form(member_id)
    for name in ("name", "email", "shell_user"):
        text = values.get(name) or ""
        if len(text) > 200 or any(unicodedata.category(sign)[0] == "C" for sign in text):
            raise InvalidInput(f"The {name.replace('_', ' ')} of a member is one short line.")
    if values.get("shell_user") is not None:
        taken = await of_shell_user(db, tenant, values["shell_user"])
        if taken is not None and (taken.kind, taken.id) != (kind, wanted):
            raise Conflict(f"The machine's user {values['shell_user']} is {taken.id} already.")
    theirs = (
        (members.c.tenant_id == tenant) & (members.c.kind == kind.value) & (members.c.id == wanted)
    )
    plain = {n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}
    if (await db.execute(sa.update(members).where(theirs).values(plain))).rowcount == 0:
        raise NotFound("member", member_id)


async def set_disabled(
    db: Connection, tenant: str, kind: Kind, member_id: str, *, disabled: bool
) -> None:
    """Disable a member, or enable them again. Whoever disables one ends their keys as well.

    Raises:
        NotFound: There is no such member.
    """
    theirs = (
        (members.c.tenant_id == tenant)
        & (members.c.kind == kind.value)
        & (members.c.id == one_form(member_id))
    )
    change = sa.update(members).where(theirs).values(disabled_at=now() if disabled else None)
    if (await db.execute(change)).rowcount == 0:
        raise NotFound("member", member_id)


def _of(row: sa.Row[tuple[object, ...]]) -> Member:
    told = dict(row._mapping)
    del told["looks"]
    lists = {name: tuple(told[name]) for name in _LISTS}
    return Member(**{**told, **lists, "kind": Kind(row.kind)})
