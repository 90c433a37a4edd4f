"""The outbox: a mail is a row before anything is sent, and is sent at most once.

queued → sending → sent | failed | unknown. A mail becomes `sending` in a commit of its own just
before the server gets its content. Whatever fails before that, or is refused by the server, can be
tried again; what is found `sending` later was cut off in the one moment whose outcome nobody can
know, and stays `unknown` for a person to look at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.errors import InvalidInput, NotFound
from deskward.core.jobs import RetryLater
from deskward.email import compose
from deskward.email.mailer import Mailer, NotNow, Refused, Unclear
from deskward.email.models import Email, EmailReceipt, Letter, Status, emails
from deskward.files import service as files

JOB = "email.deliver"
PATIENCE = 8.0
"""Seconds that a caller waits for the mail's outcome; then it is told that it is queued."""
GIVE_UP = timedelta(hours=24)
"""How long a mail is tried."""
RETRIES = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""Seconds between tries; the last one holds for all later ones."""

_MESSAGES: dict[Status, str] = {
    "queued": "The mail server is away; the mail is queued and will be sent when it is back.",
    "sending": "The mail is being sent.",
    "sent": "The mail was sent.",
    "printed": "No mail server is set (SMTP_SERVER), so the mail was only printed, not sent.",
    "failed": "The mail was not sent.",
    "unknown": "Whether the mail was sent is not known. It is not sent again; a person must look.",
}

log = logging.getLogger(__name__)


class Outbox:
    """Takes mails and sees to their delivery."""

    def __init__(
        self,
        database: Database,
        mailer: Mailer,
        *,
        sender_name: str,
        sender_email: str,
        max_attachments: int,
        wake: Callable[[], None],
    ) -> None:
        """Make an outbox.

        Args:
            max_attachments: Most bytes that the files of one mail may have together.
            wake: Called when there is a mail: jobs are due.
        """
        self.mailer = mailer
        self._wake = wake
        self._database = database
        self._sender_name = sender_name
        self._sender_email = sender_email
        self._max_attachments = max_attachments
        self._ended: dict[str, asyncio.Event] = {}

    async def send(self, tenant: str, owner: str, email_id: str, letter: Letter) -> EmailReceipt:
        """Queue a mail and wait a while for what becomes of it.

        Args:
            owner: The label of the principal that sends it; the attachments must be theirs.
            email_id: Names the mail; sending again under the same id sends nothing.

        Raises:
            NotFound: An attachment does not exist.
            InvalidInput: The attachments are too large together.
        """
        attached = await files.load(self._database.reader, tenant, owner, letter.attachments)
        if sum(len(file.data) for file in attached) > self._max_attachments:
            raise InvalidInput(
                f"The files of one mail may have {self._max_attachments:,} bytes together. Send "
                "fewer, or several mails."
            )
        ended = self._ended.setdefault(email_id, asyncio.Event())
        try:
            async with self._database.transaction() as transaction:
                await _insert(transaction, tenant, owner, email_id, letter)
            self._wake()
            try:
                async with asyncio.timeout(PATIENCE):
                    await ended.wait()
            except TimeoutError:
                log.info("mail %s is not sent yet", email_id)
            return await get(self._database.reader, tenant, owner, email_id)
        finally:
            self._ended.pop(email_id, None)

    async def deliver(self, payload: Mapping[str, Any], attempt: int) -> None:
        """Do the job of one mail.

        Raises:
            RetryLater: The server is away.
        """
        tenant, email_id = payload["tenant"], payload["email_id"]
        row = await _row(self._database.reader, tenant, email_id)
        if row is None or row.status not in ("queued", "sending"):
            return
        if row.status == "sending":
            await self._end(tenant, email_id, "unknown", "The process died while sending.")
            return
        try:
            refused = await self._hand_over(row)
        except Refused as error:
            await self._end(tenant, email_id, "failed", str(error))
        except Unclear as error:
            await self._end(tenant, email_id, "unknown", str(error))
        except NotNow as error:
            if now() - row.created_at > GIVE_UP:
                await self._end(tenant, email_id, "failed", f"Given up: {error}")
                return
            await self._set(tenant, email_id, "queued", str(error))
            self._tell(email_id)
            raise RetryLater(RETRIES[min(attempt, len(RETRIES)) - 1]) from None
        else:
            status: Status = "sent" if self.mailer.configured else "printed"
            detail = "; ".join(f"{who}: {why}" for who, why in refused.items())
            await self._end(tenant, email_id, status, detail or None)

    async def _hand_over(self, row: Any) -> dict[str, str]:
        letter = Letter(
            **row.recipients,
            subject=row.subject,
            text=row.text,
            html=row.html,
            attachments=row.attachments,
        )
        attached = await files.load(
            self._database.reader, row.tenant_id, row.owner, letter.attachments
        )
        message = compose.message(
            row.id,
            letter,
            attached,
            sender_name=self._sender_name,
            sender_email=self._sender_email,
        )

        async def before_content() -> None:
            await self._set(row.tenant_id, row.id, "sending", None)

        everybody = list(dict.fromkeys([*letter.to, *letter.cc, *letter.bcc]))
        return await self.mailer.deliver(message, everybody, before_content=before_content)

    async def _end(self, tenant: str, email_id: str, status: Status, detail: str | None) -> None:
        await self._set(tenant, email_id, status, detail)
        self._tell(email_id)
        log.info("mail %s is %s", email_id, status)

    def _tell(self, email_id: str) -> None:
        if ended := self._ended.get(email_id):
            ended.set()

    async def _set(self, tenant: str, email_id: str, status: Status, detail: str | None) -> None:
        async with self._database.transaction() as transaction:
            await transaction.execute(
                sa.update(emails)
                .where(emails.c.tenant_id == tenant, emails.c.id == email_id)
                .values(status=status, detail=detail, updated_at=now())
            )


async def get(db: Connection, tenant: str, owner: str | None, email_id: str) -> Email:
    """A mail.

    Args:
        owner: The label of the principal whose it must be; None for anybody's.

    Raises:
        NotFound: The tenant has no such mail.
    """
    row = await _row(db, tenant, email_id)
    if row is None or owner not in (None, row.owner):
        raise NotFound("email", email_id)
    refused = {}
    if row.status == "sent" and row.detail:
        refused = dict(part.split(": ", 1) for part in row.detail.split("; ") if ": " in part)
    problem = f" {row.detail}" if row.detail and not refused else ""
    return Email(
        email_id=row.id,
        status=row.status,
        message=_MESSAGES[row.status] + problem,
        refused=refused,
        to=row.recipients["to"],
        subject=row.subject,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def _row(db: Connection, tenant: str, email_id: str) -> Any:
    return await db.first(
        sa.select(emails).where(emails.c.tenant_id == tenant, emails.c.id == email_id)
    )


async def _insert(db: Connection, tenant: str, owner: str, email_id: str, letter: Letter) -> None:
    if await _row(db, tenant, email_id) is not None:
        return
    moment = now()
    await db.execute(
        emails.insert(),
        {
            "tenant_id": tenant,
            "id": email_id,
            "owner": owner,
            "recipients": {"to": letter.to, "cc": letter.cc, "bcc": letter.bcc},
            "subject": letter.subject,
            "text": letter.text,
            "html": letter.html,
            "attachments": letter.attachments,
            "status": "queued",
            "detail": None,
            "created_at": moment,
            "updated_at": moment,
        },
    )
    await jobs.add(db, email_id, JOB, {"tenant": tenant, "email_id": email_id})
