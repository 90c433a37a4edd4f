"""The outbox: a mail is a row before anything is sent, and is sent at most once.

queued → sending → sent | failed | unknown. A mail becomes `sending` in a commit of its own just
before the server gets its content. Whatever fails before that, or is refused by the server, can be
tried again; what is found `sending` later was cut off in the one moment whose outcome nobody can
know, and stays `unknown` for a person to look at.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.errors import InvalidInput, NotFound
from deskward.core.jobs import Job, JobLost, Record, RetryLater
from deskward.core.worker import insist
from deskward.email import compose
from deskward.email.mailer import Mailer, NotNow, Refused, Unclear
from deskward.email.models import Email, EmailReceipt, Letter, Status, emails
from deskward.files import service as files
from deskward.security import tenants
from deskward.security.tenants import Tenant
from deskward.tickets.messages import Delivery
from deskward.tickets.store import delivered

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

DELIVERY: Mapping[Status, Delivery] = {
    "queued": "queued",
    "sent": "sent",
    "printed": "none",
    "failed": "failed",
    "unknown": "unknown",
}
"""What a mail's end means for the message that it carries."""

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
        hosts: Collection[str] = (),
        kept: timedelta | None = None,
    ) -> None:
        """Make an outbox.

        Args:
            wake: Called when there is a mail: jobs are due.
            hosts: Hosts that mails may lead to that a model wrote.
            kept: How long files are kept; None for ever.
            max_attachments: Most bytes that the files of one mail may have together.
        """
        self.mailer = mailer
        self.hosts = hosts
        self._kept = kept
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
        attached = await files.load(
            self._database.reader, tenant, owner, letter.attachments, kept=self._kept
        )
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

    def message_id(self, email_id: str, tenant: Tenant | None) -> str:
        """The Message-ID of a mail that a tenant sends."""
        return compose.message_id(email_id, self._sender_of(tenant))

    def _sender_of(self, tenant: Tenant | None) -> str:
        """The address that a tenant's mails come from: its own, or SENDER_EMAIL."""
        return (tenant.own_address if tenant is not None else None) or self._sender_email

    async def queue(
        self, db: Connection, tenant: str, owner: str, email_id: str, letter: Letter
    ) -> None:
        """Queue a mail in the caller's transaction; nobody waits for what becomes of it."""
        await _insert(db, tenant, owner, email_id, letter)
        self._wake()

    async def deliver(self, job: Job) -> None:
        """Do the job of one mail.

        Raises:
            RetryLater: The server is away.
            JobLost: Another process has the job.
        """
        tenant, email_id = job.payload["tenant"], job.payload["email_id"]
        row = await _row(self._database.reader, tenant, email_id)
        if row is None or row.status not in ("queued", "sending"):
            return
        if row.status == "sending":
            await self._was_cut_off(job, row)
            return
        try:
            refused = await self._hand_over(job, row)
        except Refused as error:
            await self._end(job, row, "failed", str(error))
        except Unclear as error:
            await self._end(job, row, "unknown", str(error))
        except NotNow as error:
            if now() - row.created_at > GIVE_UP:
                await self._end(job, row, "failed", f"Given up: {error}")
                return
            await self._put_back(job, row, str(error))
            raise RetryLater(RETRIES[min(job.attempt, len(RETRIES)) - 1], str(error)) from None
        else:
            status: Status = "sent" if self.mailer.configured else "printed"
            await self._end(job, row, status, None, refused)

    async def _hand_over(self, job: Job, row: Any) -> dict[str, str]:
        letter = Letter(
            **row.recipients,
            subject=row.subject,
            text=row.text,
            html=row.html,
            attachments=row.attachments,
            headers=row.headers or {},
        )
        attached = await files.load(
            self._database.reader, row.tenant_id, row.owner, letter.attachments
        )
        tenant = await tenants.find(self._database.reader, row.tenant_id) or Tenant(row.tenant_id)
        sender = self._sender_of(tenant)
        message = compose.message(
            row.id,
            letter,
            attached,
            sender_name=tenant.sender_name or tenant.name or self._sender_name,
            sender_email=sender,
            reply_to=None if "Reply-To" in letter.headers else tenant.reply_to,
        )

        async def before_content() -> None:
            async with self._database.transaction() as transaction:
                await job.hold(transaction)
                await _change(
                    transaction, row, emails.c.status == "queued", status="sending", lease=job.lease
                )

        everybody = list(dict.fromkeys([*letter.to, *letter.cc, *letter.bcc]))
        return await self.mailer.deliver(
            message, everybody, sender=sender, before_content=before_content
        )

    async def _was_cut_off(self, job: Job, row: Any) -> None:
        """Say of a mail that an attempt before this one gave to the server that nobody knows.

        Where that attempt is not dead but slept, it still says what it learns: see `_end`.
        """
        seen = (emails.c.status == "sending") & (emails.c.lease.is_not_distinct_from(row.lease))
        async with self._database.transaction() as transaction:
            await job.hold(transaction)
            detail = "The process stopped while sending."
            await _change(transaction, row, seen, status="unknown", detail=detail)
        self._tell(row.id, "unknown")

    async def _put_back(self, job: Job, row: Any, detail: str) -> None:
        """Have a mail wait that the server surely did not take.

        Whoever has lost the job cannot make it try again, but knows what became of the mail.
        """

        async def write() -> Status:
            async with self._database.transaction() as transaction:
                held = await job.holds(transaction)
                status: Status = "queued" if held else "failed"
                values = {"status": status, "detail": detail, "lease": None}
                await _change(transaction, row, _may_change(job, held), **values)
            return status

        self._tell(row.id, await insist(write))

    async def _end(
        self,
        job: Job,
        row: Any,
        status: Status,
        detail: str | None,
        refused: Mapping[str, str] | None = None,
    ) -> None:
        """Record what became of a mail.

        Raises:
            JobLost: Another process has the job, and this one did not give the mail to the server.
        """

        async def write() -> None:
            async with self._database.transaction() as transaction:
                allowed = _may_change(job, await job.holds(transaction))
                values = {"status": status, "detail": detail, "refused": refused or None}
                await _change(transaction, row, allowed, **values)

        await insist(write)
        self._tell(row.id, status)

    def _tell(self, email_id: str, status: Status) -> None:
        if ended := self._ended.get(email_id):
            ended.set()
        log.info("mail %s is %s", email_id, status)


def _may_change(job: Job, held: bool) -> sa.ColumnElement[bool]:
    """Which mails an attempt may change: those that it gave to the server, and those of its job."""
    given = emails.c.status.in_(("sending", "unknown")) & (emails.c.lease == job.lease)
    return given | (emails.c.status == "queued") if held else given


async def _change(db: Connection, row: Any, only: sa.ColumnElement[bool], **values: Any) -> None:
    """Change a mail, if it is in a state that allows it.

    Raises:
        JobLost: It is not, so another process has changed it.
    """
    changed = await db.execute(
        sa.update(emails)
        .where(emails.c.tenant_id == row.tenant_id, emails.c.id == row.id, only)
        .values(updated_at=now(), **values)
    )
    if changed.rowcount != 1:
        raise JobLost(row.id)
    if row.headers and values["status"] != "sending":
        await _tell_message(db, row.tenant_id, row.id, values)


async def _tell_message(
    db: Connection, tenant: str, email_id: str, values: Mapping[str, Any]
) -> None:
    """Say on the message that a mail carries what became of it."""
    refused = "; ".join(f"{who}: {why}" for who, why in (values.get("refused") or {}).items())
    detail = values.get("detail") or refused or None
    await delivered(db, tenant, email_id, DELIVERY[values["status"]], detail)


async def _given_up(db: Connection, job: Job, reason: str) -> None:
    """Say of a mail whose job has failed, or was cancelled, what that means for it."""
    outcome = sa.case((emails.c.status == "sending", "unknown"), else_="failed")
    ended = await db.execute(
        sa.update(emails)
        .where(_of(job), emails.c.status.in_(("queued", "sending")))
        .values(status=outcome, detail=reason, updated_at=now())
        .returning(emails.c.status)
    )
    if (row := ended.first()) is not None:
        told = {"status": row.status, "detail": reason}
        await _tell_message(db, job.payload["tenant"], job.payload["email_id"], told)


async def _again(db: Connection, job: Job) -> None:
    """Make a mail ready to be tried again, if no server ever had it."""
    await db.execute(
        sa.update(emails)
        .where(_of(job), emails.c.status == "failed", emails.c.lease.is_(None))
        .values(status="queued", detail=None, updated_at=now())
    )


def _of(job: Job) -> sa.ColumnElement[bool]:
    tenant, email_id = job.payload["tenant"], job.payload["email_id"]
    return sa.and_(emails.c.tenant_id == tenant, emails.c.id == email_id)


RECORD = Record(ended=_given_up, again=_again)
"""How a mail learns what became of its job."""


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
    problem = f" {row.detail}" if row.detail else ""
    return Email(
        email_id=row.id,
        status=row.status,
        message=_MESSAGES[row.status] + problem,
        refused=row.refused or {},
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
            "headers": letter.headers or None,
            "status": "queued",
            "detail": None,
            "created_at": moment,
            "updated_at": moment,
        },
    )
    await jobs.add(db, email_id, JOB, {"tenant": tenant, "email_id": email_id})
