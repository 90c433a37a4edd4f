"""The mailboxes that operators have declared: each is one tenant's, and read by one process.

What signs in to one is named by where it stands, or sealed under the desk's key. It is never shown.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from pydantic import ValidationError

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.mail_settings import Imap, SecretName
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL
from deskward.gate.context import new_id
from deskward.gate.sealing import Sealing
from deskward.inbox.models import mailboxes
from deskward.security.tenants import tenants

NAME = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")
SEALED = "sealed"
"""What stands instead of the place of a secret that is kept in the database."""
SECRETS: tuple[SecretName, ...] = get_args(SecretName)
OPTIONS = tuple(name for name in Imap.model_fields if name not in SECRETS)
_OPTION = re.compile(r"IMAP_([A-Z_]+)")

mail_boxes = sa.Table(
    "mail_boxes",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("name", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("place", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("options", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("secrets", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("sealed", sa.LargeBinary, info=IMPERSONAL),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("added_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("uq_mail_boxes_id", "id", unique=True),
    sa.Index("uq_mail_boxes_place", "place", unique=True),
)
"""`place` is the digest of the folder on its server, which is read for one tenant only. `secrets`
says where each secret stands (`env:NAME`, `file:PATH`, or `sealed`: then it is in `sealed`)."""

_ADD = insert_or_ignore(
    mail_boxes,
    *("tenant_id", "name", "id", "place", "options", "secrets", "sealed"),
    *("revision", "added_by", "created_at"),
)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Box:
    """A mailbox that an operator has declared.

    Attributes:
        place: The digest of its folder and server; see `place_of`.
        options: What it is, by the fields of `Imap` that are no secrets.
        secrets: Secret → where it stands: `env:NAME`, `file:PATH` or `sealed`.
        sealed: Those of them that are kept here, under the desk's key.
        revision: Grows with every change.
    """

    tenant: str
    name: str
    id: str
    place: str
    options: Mapping[str, Any]
    secrets: Mapping[str, str]
    sealed: bytes | None
    revision: int
    added_by: str
    created_at: datetime


class BoxVault:
    """Seals what signs in to mailboxes under the desk's key, each for its box."""

    def __init__(self, key: bytes) -> None:
        """Make one of the desk's secret key."""
        self._sealing = Sealing(key, "mail boxes")

    def sealed(self, box_id: str, secrets: Mapping[str, str]) -> bytes:
        """Secrets as they are kept."""
        return self._sealing.sealed(box_id, json.dumps(dict(secrets)).encode())

    def opened(self, box_id: str, kept: bytes) -> dict[str, str]:
        """The secrets that are kept.

        Raises:
            cryptography.exceptions.InvalidTag: They were sealed under another key.
        """
        found: dict[str, str] = json.loads(self._sealing.opened(box_id, kept))
        return found


def imap_of(options: Mapping[str, Any], secrets: Mapping[str, str]) -> Imap:
    """A mailbox as the settings would have it.

    Args:
        options: By the fields of `Imap`.
        secrets: The secrets themselves; to see whether all is of its form, any text will do.

    Raises:
        InvalidInput: Something is not of its form, or missing.
    """
    try:
        return Imap.model_validate({f"imap_{n}": v for n, v in {**options, **secrets}.items()})
    except ValidationError as error:
        told = "; ".join(_faults(error))
        raise InvalidInput(_OPTION.sub(lambda m: _option(m[1]), told)) from None


def _faults(error: ValidationError) -> list[str]:
    """What is wrong, without the values: one of them might be a secret."""
    return [
        " ".join([*(str(part).upper() for part in fault["loc"]), fault["msg"]])
        for fault in error.errors(include_input=False, include_url=False)
    ]


def _option(name: str) -> str:
    return "--" + name.lower().replace("_", "-")


def place_of(imap: Imap) -> str:
    """What two ways to say one folder on one server have in common."""
    folder = imap.folder.upper() if imap.folder.upper() == "INBOX" else imap.folder
    told = [(imap.server or "").lower().rstrip("."), (imap.username or "").lower(), folder]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


async def add(
    db: Connection,
    tenant: str,
    name: str,
    options: Mapping[str, Any],
    secrets: Mapping[str, str],
    kept: Mapping[str, str],
    *,
    vault: BoxVault,
    added_by: str,
) -> None:
    """Declare a mailbox.

    Args:
        options: By the fields of `Imap`.
        secrets: Secret → `env:NAME`, `file:PATH` or `sealed`.
        kept: Those that are to be sealed.

    Raises:
        InvalidInput: Something is not of its form.
        NotFound: There is no such tenant, or it is closed.
        Conflict: There is a box of that name, or that folder is read already.
    """
    if not NAME.fullmatch(name):
        raise InvalidInput("A box has a name of 1 to 64 letters, digits, dots, dashes, +, _ or @.")
    is_open = tenants.c.closed_at.is_(None)
    if await db.first(sa.select(tenants).where(tenants.c.tenant_id == tenant, is_open)) is None:
        raise NotFound("tenant", tenant)
    imap = imap_of(options, secrets)
    box_id = new_id()
    row = {
        "tenant_id": tenant,
        "name": name,
        "id": box_id,
        "place": place_of(imap),
        "options": dict(options),
        "secrets": dict(secrets),
        "sealed": vault.sealed(box_id, kept) if kept else None,
        "revision": 1,
        "added_by": added_by,
        "created_at": now(),
    }
    if (await db.execute(_ADD, row)).rowcount != 1:
        if await _row(db, tenant, name) is not None:
            raise Conflict(f"There is a box {name} already: `deskward mail boxes set` changes it.")
        raise Conflict(
            f"The folder {imap.folder} of {imap.username} at {imap.server} is read already."
        )


async def change(
    db: Connection,
    tenant: str,
    name: str,
    options: Mapping[str, Any],
    secrets: Mapping[str, str],
    kept: Mapping[str, str],
    *,
    vault: BoxVault,
) -> None:
    """Change a mailbox; see `add`. What is left out stays; a secret of no place is taken away.

    Raises:
        NotFound: There is no such box.
        InvalidInput: Something is not of its form.
        Conflict: That folder is read already; or a secret that is to stay does not open any more.
    """
    row = await _row(db, tenant, name, locked=True)
    if row is None:
        raise NotFound("mail box", name)
    whole = {**row.options, **options}
    places = {n: place for n, place in {**row.secrets, **secrets}.items() if place}
    stay = {n for n, place in places.items() if place == SEALED} - kept.keys()
    held = {**(_opened(vault, row, name) if stay else {}), **kept}
    held = {n: v for n, v in held.items() if places.get(n) == SEALED}
    imap = imap_of(whole, places)
    place = place_of(imap)
    taken = sa.select(mail_boxes.c.id).where(mail_boxes.c.place == place, mail_boxes.c.id != row.id)
    if await db.first(taken) is not None:
        raise Conflict(
            f"The folder {imap.folder} of {imap.username} at {imap.server} is read already."
        )
    values = {
        "place": place,
        "options": whole,
        "secrets": places,
        "sealed": vault.sealed(row.id, held) if held else None,
        "revision": mail_boxes.c.revision + 1,
    }
    await db.execute(sa.update(mail_boxes).where(mail_boxes.c.id == row.id).values(**values))
    await _take_back(db, tenant, label_of(row.options))


async def remove(db: Connection, tenant: str, name: str) -> None:
    """Read a mailbox no more: whoever reads it keeps nothing of it from the commit on.

    Raises:
        NotFound: There is no such box.
    """
    row = await _row(db, tenant, name, locked=True)
    if row is None:
        raise NotFound("mail box", name)
    await db.execute(sa.delete(mail_boxes).where(mail_boxes.c.id == row.id))
    await _take_back(db, tenant, label_of(row.options))


async def listed(db: Connection, tenant: str | None = None) -> Sequence[Box]:
    """The boxes of a tenant, or of all that are open."""
    query = sa.select(mail_boxes).join(tenants, tenants.c.tenant_id == mail_boxes.c.tenant_id)
    query = query.where(tenants.c.closed_at.is_(None))
    if tenant is not None:
        query = query.where(mail_boxes.c.tenant_id == tenant)
    rows = await db.all(query.order_by(mail_boxes.c.tenant_id, mail_boxes.c.name))
    return [_box(row) for row in rows]


def still_declared(box: Box) -> sa.ColumnElement[bool]:
    """Holds while a box is declared as it was read, neither changed nor removed since."""
    same = (mail_boxes.c.id == box.id) & (mail_boxes.c.revision == box.revision)
    return sa.exists().where(same)


async def state_of(db: Connection, tenant: str, options: Mapping[str, Any]) -> Any:
    """How far a box is read, as a row of `mailboxes`; None where it never was."""
    return await db.first(
        sa.select(mailboxes).where(
            mailboxes.c.tenant_id == tenant, mailboxes.c.name == label_of(options)
        )
    )


def label_of(options: Mapping[str, Any]) -> str:
    """What a mailbox is called in `mailboxes`, where it says how far it is read."""
    folder = options.get("folder") or "INBOX"
    return f"{options['username']}@{options['server']}/{folder}"[:320]


async def _take_back(db: Connection, tenant: str, label: str) -> None:
    """Take a mailbox from the process that reads it."""
    await db.execute(
        sa.update(mailboxes)
        .where(mailboxes.c.tenant_id == tenant, mailboxes.c.name == label)
        .values(lease=None, leased_until=_EPOCH)
    )


def _opened(vault: BoxVault, row: sa.Row[Any], name: str) -> dict[str, str]:
    try:
        return vault.opened(row.id, row.sealed or b"")
    except InvalidTag:
        raise Conflict(
            f"What signs in to the box {name} was sealed under another key. Say all of it anew, "
            f"for example `deskward mail boxes set {name} --password ask`."
        ) from None


async def _row(db: Connection, tenant: str, name: str, *, locked: bool = False) -> Any:
    query = sa.select(mail_boxes).where(mail_boxes.c.tenant_id == tenant, mail_boxes.c.name == name)
    return await db.first(query.with_for_update() if locked else query)


def _box(row: sa.Row[Any]) -> Box:
    return Box(
        tenant=row.tenant_id,
        name=row.name,
        id=row.id,
        place=row.place,
        options=row.options,
        secrets=row.secrets,
        sealed=row.sealed,
        revision=row.revision,
        added_by=row.added_by,
        created_at=row.created_at,
    )
