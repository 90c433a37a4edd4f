"""Mail is kept before anything else: as it came, in one transaction, with the job of reading it.

Whoever brings it, a mailbox or a connection, says that it has it only after that. So a mail that
was taken is never lost, whenever a process dies; and as copies have one `identity`, one that is
brought again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deskward.core import jobs
from deskward.core.database import Connection, insert_or_ignore, now
from deskward.gate.context import new_id
from deskward.inbox.models import incoming_mails
from deskward.inbox.reading.headers import Headers, addresses, recipients
from deskward.inbox.reading.mail import identity
from deskward.inbox.reading.mime import head_of, parsed

JOB = "inbox.file"

Source = Literal["imap", "lmtp", "smtp", "command"]

_INSERT = insert_or_ignore(
    incoming_mails,
    *("tenant_id", "id", "key", "source", "envelope_from", "envelope_to", "sender"),
    *("subject", "raw", "size", "received_at", "status", "reason"),
)


@dataclass(frozen=True)
class Arrival:
    """A mail as it came, and what its head says.

    Attributes:
        envelope_from: Who sends it, by what the servers told each other: empty for nobody.
        envelope_to: The desk's own addresses that it was delivered to.
        named: The addresses that its head names as those it was sent to.
        problem: Why it can not be read, where that is known already.
    """

    raw: bytes
    source: Source
    identity: str
    sender: str
    subject: str
    envelope_from: str | None = None
    envelope_to: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    problem: str | None = None


def arrival(
    raw: bytes,
    source: Source,
    *,
    envelope_from: str | None = None,
    envelope_to: Sequence[str] = (),
    problem: str | None = None,
) -> Arrival:
    """Look at a mail's head. Of a large one that takes tenths of a second: not for the loop."""
    message = parsed(head_of(raw)[:1_000_000])
    headers = Headers.of(message) if message is not None else Headers()
    senders = addresses(headers.get("from"))
    return Arrival(
        raw=raw,
        source=source,
        identity=identity(raw),
        sender=senders[0].address[:320] if senders else "",
        subject=headers.get("subject")[:200],
        envelope_from=envelope_from[:320] if envelope_from is not None else None,
        envelope_to=tuple(envelope_to),
        named=tuple(each.address for each in recipients(headers)),
        problem=problem,
    )


async def keep(db: Connection, tenant: str, mail: Arrival) -> str | None:
    """Keep a mail, in the caller's transaction, and have it read; None where it is kept already.

    Returns:
        Its id.
    """
    mail_id = new_id()
    row = {
        "tenant_id": tenant,
        "id": mail_id,
        "key": mail.identity,
        "source": mail.source,
        "envelope_from": mail.envelope_from,
        "envelope_to": list(mail.envelope_to),
        "sender": mail.sender,
        "subject": mail.subject,
        "raw": mail.raw,
        "size": len(mail.raw),
        "received_at": now(),
        "status": "broken" if mail.problem else "received",
        "reason": mail.problem,
    }
    if (await db.execute(_INSERT, row)).rowcount != 1:
        return None
    if not mail.problem:
        await jobs.add(db, mail_id, JOB, {"tenant": tenant, "mail_id": mail_id})
    return mail_id
