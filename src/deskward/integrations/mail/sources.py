"""Where a collector has its mailbox from: the settings, or what an operator has declared."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from deskward.core.mail_settings import Imap
from deskward.inbox.boxes import SEALED, Box, BoxVault, imap_of, label_of, still_declared
from deskward.integrations.mail.imap import MailboxAway

LONGEST_SECRET = 20_000
"""Most bytes of a file that holds a secret."""


@dataclass(frozen=True)
class Source:
    """A mailbox to read for a tenant.

    Attributes:
        label: What it is called where it says how far it is read.
        imap: Gives the mailbox, with what signs in to it as that stands now. Reads files.
        stands: Holds while it may be read: whoever reads it asks in each transaction.
    """

    tenant: str
    label: str
    imap: Callable[[], Imap]
    stands: sa.ColumnElement[bool] = field(default_factory=sa.true)


def of_settings(imap: Imap, tenant: str) -> Source:
    """The mailbox of the settings."""
    told = {"username": imap.username, "server": imap.server, "folder": imap.folder}
    return Source(tenant, label_of(told), lambda: imap)


def of_box(box: Box, vault: BoxVault) -> Source:
    """A mailbox that an operator has declared."""
    label = label_of(box.options)
    return Source(box.tenant, label, partial(opened, box, vault), still_declared(box))


def opened(box: Box, vault: BoxVault) -> Imap:
    """A declared mailbox with its secrets.

    Raises:
        MailboxAway: One is not where it should be; says which, and never what it is.
    """
    try:
        kept = vault.opened(box.id, box.sealed) if box.sealed is not None else {}
    except Exception:
        raise MailboxAway(
            f"What signs in to the box {box.name} was sealed under another SECRET_KEY."
        ) from None
    secrets = {
        name: kept.get(name, "") if place == SEALED else secret_at(place)
        for name, place in box.secrets.items()
    }
    return imap_of(box.options, secrets)


def secret_at(place: str) -> str:
    """The secret at `env:NAME` or `file:PATH`.

    Raises:
        MailboxAway: There is none.
    """
    kind, _, where = place.partition(":")
    if kind == "env":
        found = os.environ.get(where, "")
        if not found:
            raise MailboxAway(f"The environment variable {where} is not set in this process.")
        return found
    try:
        with Path(where).open(encoding="utf-8") as file:
            found = file.read(LONGEST_SECRET).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MailboxAway(f"The file {where} cannot be read: {type(error).__name__}.") from None
    if not found:
        raise MailboxAway(f"The file {where} is empty.")
    return found
