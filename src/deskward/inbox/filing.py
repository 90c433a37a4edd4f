"""From a mail that is kept to a ticket's message: the rules, and the job that goes by them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from pydantic_core import to_json

from deskward.core import events, jobs
from deskward.core.database import Connection, Database, now
from deskward.core.errors import DeskwardError, timestamp
from deskward.core.jobs import Job, JobLost, Record
from deskward.core.worker import passes
from deskward.customers import service as customers
from deskward.customers.models import Details
from deskward.email.bounced import lives
from deskward.email.tags import untagged
from deskward.gate.context import new_id
from deskward.gate.ledger.chain import Entry
from deskward.inbox import enclosures
from deskward.inbox.addresses import is_own
from deskward.inbox.intake import JOB
from deskward.inbox.models import State, incoming_mails
from deskward.inbox.reading.alike import HALF, NEARLY, digests
from deskward.inbox.reading.automatic import says_spam, why_automatic
from deskward.inbox.reading.bounces import Report, report_of
from deskward.inbox.reading.mail import Mail, read
from deskward.inbox.reading.markup import safe
from deskward.inbox.reports import report, whose
from deskward.inbox.rules import InboxRules
from deskward.inbox.threads import remember, ticket_for
from deskward.text.language import language_of
from deskward.tickets import service, thread
from deskward.tickets.messages import DESK, Author, TicketMessage
from deskward.tickets.models import MAX_BODY, Ticket
from deskward.tickets.thread import Received

LONGEST_OWN = 50_000
"""How many characters of what somebody wrote become a message; all of it stays in the mail."""
LONGEST_WHOLE = 200_000
PATIENCE = 60.0
"""Seconds that reading one mail may take."""
REPEATS = timedelta(days=1)
"""How long the same words from the same sender count as a program's."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Read:
    """A mail that was read, off the event loop."""

    mail: Mail
    report: Report | None
    automatic: str | None
    own: str
    html: str | None
    said: str


@dataclass(frozen=True)
class Filed:
    """What becomes of a mail."""

    status: State
    reason: str | None = None
    automatic: str | None = None
    customer_id: str | None = None
    ticket_id: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


class Inbox:
    """Files mails that are kept."""

    def __init__(self, database: Database, rules: InboxRules) -> None:
        self._database = database
        self.rules = rules

    async def file(self, job: Job) -> None:
        """Do the job of one mail. Whatever is wrong with it, it is marked and never in the way.

        Raises:
            JobLost: Another process has the job.
        """
        tenant, mail_id = job.payload["tenant"], job.payload["mail_id"]
        row = await self._database.reader.first(
            sa.select(incoming_mails).where(
                incoming_mails.c.tenant_id == tenant, incoming_mails.c.id == mail_id
            )
        )
        if row is None or row.status != "received":
            return
        try:
            async with asyncio.timeout(PATIENCE):
                found = await asyncio.to_thread(_read, row.raw, row.envelope_from)
            await self._file(job, row, found)
        except JobLost:
            raise
        except Exception as error:
            if passes(error) and not isinstance(error, TimeoutError):
                raise
            log.warning("mail %s could not be filed", mail_id, exc_info=error)
            await self._mark_broken(job, row, _told(error))

    async def waits(self) -> bool:
        """Whether a mail waits to be filed."""
        received = incoming_mails.c.status == "received"
        found = sa.select(incoming_mails.c.id).where(received).limit(1)
        return await self._database.reader.first(found) is not None

    async def _file(self, job: Job, row: Any, found: Read) -> None:
        entries: list[Any] = []
        async with self._database.transaction(entries) as db:
            await job.hold(db)
            row = await _at_home(db, self.rules, row, found)
            accepted = bool(job.payload.get("accepted"))
            filed = await self._decide(db, row, found, accepted=accepted)
            await _write(db, row, found, filed)
            entries.append(_entry(row, filed))
        log.info("mail %s is %s", row.id, filed.status)

    async def _mark_broken(self, job: Job, row: Any, reason: str) -> None:
        async with self._database.transaction() as db:
            await job.hold(db)
            await _set(db, row.tenant_id, row.id, status="broken", reason=reason)

    async def _decide(self, db: Connection, row: Any, found: Read, *, accepted: bool) -> Filed:
        """What becomes of a mail; whatever has to be done for it is done.

        Args:
            accepted: Whether a person has looked at it and wants it filed.
        """
        tenant, mail = row.tenant_id, found.mail
        if found.report is not None:
            return Filed("report", await report(db, tenant, found.report), "report")
        sender = mail.sender
        if sender is None:
            return Filed("broken", "It does not say who sent it.")
        if await is_own(db, self.rules, sender.address):
            return Filed("ignored", "The desk itself sent it.", "own address")
        await lives(db, tenant, sender.address)
        bare = untagged(sender.address)
        await _alone(db, tenant, bare)
        known = await customers.of_addresses(db, tenant, [sender.address, bare])
        customer_id = known.get(sender.address) or known.get(bare)
        if says_spam(mail, self.rules.spam_header) and not accepted:
            return Filed("spam", "The mail server says so.", "spam", customer_id)
        if customer_id is None:
            name = (sender.name or sender.address)[:200]
            details = Details(name=name, emails=[sender.address])
            customer_id = (await customers.create(db, tenant, details)).customer_id
            known = {sender.address: customer_id}
        await _alone(db, tenant, customer_id)
        # One who writes as ann+shop@ is ann@, but answered where they are known to be.
        address = row.sender if sender.address in known else None
        return await self._message(db, row, found, customer_id, address)

    async def _message(
        self, db: Connection, row: Any, found: Read, customer_id: str, address: str | None
    ) -> Filed:
        tenant, mail = row.tenant_id, found.mail
        automatic = found.automatic or await self._loops(db, row, found)
        recipients = [*row.envelope_to, *(each.address for each in mail.recipients)]
        ticket = await ticket_for(db, tenant, customer_id, mail, recipients, self.rules)
        kept, left_out = await enclosures.keep(db, tenant, customer_id, mail.files, self.rules)
        if ticket is None:
            ticket = await self._open(db, row, found, customer_id, address, kept, automatic)
        elif automatic and ticket.status in ("resolved", "closed"):
            # It is no answer, so that nothing begins anew.
            text = f"By mail from {row.sender}, by a program ({automatic}):\n\n{found.own}"
            author = Author.customer(customer_id)
            await thread.note(db, tenant, ticket.id, text[:MAX_BODY], author=author, channel="mail")
        else:
            received = await thread.receive(
                *(db, tenant, ticket.id),
                author=Author.customer(customer_id),
                channel="mail",
                reopens=self.rules.reopening(tenant),
                soon=self.rules.due_soon,
                name=row.id,
                # Who came by a signed address is answered at the customer's own: what was said
                # before is quoted there.
                address=address if ticket.customer_id == customer_id else None,
                **_content(found, kept),
            )
            ticket = received.ticket
            await self._tell(db, tenant, received, automatic)
        await remember(db, tenant, customer_id, mail, ticket)
        if left_out:
            told = "\n".join(f"{name}: {why}" for name, why in left_out.items())
            text = f"Of the mail of {row.sender} these files were left out:\n{told}"
            await thread.note(db, tenant, ticket.id, text[:MAX_BODY], author=DESK, channel="mail")
        return Filed("filed", None, automatic, customer_id, ticket.id, left_out)

    async def _open(
        self,
        db: Connection,
        row: Any,
        found: Read,
        customer_id: str,
        address: str | None,
        kept: list[str],
        automatic: str | None,
    ) -> Ticket:
        tenant, author = row.tenant_id, Author.customer(customer_id)
        opening = TicketMessage(
            id=row.id,
            ticket_id="T1",
            seq=1,
            kind="message",
            by=author.by,
            author=author.id,
            channel="mail",
            created_at=now(),
            address=address,
            **_content(found, kept),
        )
        ticket = await service.create(
            *(db, tenant, customer_id),
            subject=found.mail.subject or service.NO_TEXT,
            body=found.own[:MAX_BODY] or service.NO_TEXT,
            source="mail",
            author=author,
            opening=opening,
            language=language_of([found.own], otherwise="") or None,
        )
        data = {"status": ticket.status, "automatic": automatic is not None}
        await events.tell(*(db, tenant, "ticket.created", ticket.id, data), customer_id=customer_id)
        if automatic is None:
            await self._have_handled(db, tenant, ticket)
        return ticket

    async def _tell(
        self, db: Connection, tenant: str, received: Received, automatic: str | None
    ) -> None:
        ticket = received.ticket
        if received.became in ("reopened", "followed_up"):
            opened = received.became == "followed_up"
            kind: events.Kind = "ticket.created" if opened else "ticket.reopened"
            data = {"status": ticket.status, "automatic": automatic is not None}
            await events.tell(*(db, tenant, kind, ticket.id, data), customer_id=ticket.customer_id)
            if opened and automatic is None:
                await self._have_handled(db, tenant, ticket)
        await events.tell(
            *(db, tenant, "message.created", ticket.id, {"by": "customer"}),
            customer_id=ticket.customer_id,
        )

    async def _have_handled(self, db: Connection, tenant: str, ticket: Ticket) -> None:
        if self.rules.new_tickets is not None:
            payload = {"tenant": tenant, "ticket_id": ticket.id}
            await jobs.add(db, new_id(), self.rules.new_tickets, payload)

    async def _loops(self, db: Connection, row: Any, found: Read) -> str | None:
        """Whether a sender writes as only programs do: too often, or the same again and again."""
        theirs = (
            (incoming_mails.c.tenant_id == row.tenant_id)
            & (incoming_mails.c.sender == row.sender)
            & (incoming_mails.c.id != row.id)
            & (incoming_mails.c.status == "filed")
        )
        counted = await db.first(
            sa.select(sa.func.count())
            .select_from(incoming_mails)
            .where(theirs, incoming_mails.c.received_at > now() - timedelta(hours=1))
        )
        if counted is not None and counted[0] >= self.rules.per_hour:
            return "too many in an hour"
        nearly = sa.func.substr(incoming_mails.c.said, HALF + 1) == found.said[HALF:]
        before = await db.all(
            sa.select(incoming_mails.c.said)
            .where(theirs, nearly, incoming_mails.c.received_at > now() - REPEATS)
            .limit(NEARLY)
        )
        if found.said in (row.said for row in before):
            return "says the same again"
        return "says nearly the same again" if len(before) == NEARLY else None


def _read(raw: bytes, envelope_sender: str | None) -> Read:
    mail = read(raw)
    own = mail.own[:LONGEST_OWN]
    automatic = why_automatic(mail, envelope_sender)
    html = safe(mail.html) if mail.html else None
    return Read(mail, report_of(mail), automatic, own, html, digests(own))


def _content(found: Read, kept: list[str]) -> dict[str, Any]:
    """What a mail brings to a message."""
    mail = found.mail
    whole = mail.text[:LONGEST_WHOLE]
    near = mail.follows[0] if mail.follows else ""
    return {
        "text": found.own or service.NO_TEXT,
        "html": found.html or None,
        "whole": whole if whole.strip() != found.own else None,
        "files": kept,
        "message_id": f"<{mail.message_id}>" if mail.message_id else None,
        "in_reply_to": f"<{near}>" if near else None,
    }


async def _at_home(db: Connection, rules: InboxRules, row: Any, found: Read) -> Any:
    """A mail's row, moved to the tenant that it is for, where it is a report of another one's."""
    if found.report is None:
        return row
    tenant = await whose(db, rules, row.tenant_id, found.report.about)
    if tenant == row.tenant_id:
        return row
    await _set(db, row.tenant_id, row.id, tenant_id=tenant)
    return SimpleNamespace(**{**row._mapping, "tenant_id": tenant})


async def _alone(db: Connection, tenant: str, whose: str) -> None:
    """Let nobody else file mails of this address or customer until `db` commits."""
    if db.dialect == "postgresql":  # SQLite has one writer at a time
        named = sa.func.hashtext(f"inbox\n{tenant}\n{whose}")
        await db.execute(sa.select(sa.func.pg_advisory_xact_lock(named)))


async def _write(db: Connection, row: Any, found: Read, filed: Filed) -> None:
    await _set(
        *(db, row.tenant_id, row.id),
        status=filed.status,
        reason=filed.reason,
        automatic=filed.automatic,
        customer_id=filed.customer_id,
        number=int(filed.ticket_id[1:]) if filed.ticket_id else None,
        left_out=dict(filed.left_out) or None,
        said=found.said,
    )


async def _set(db: Connection, tenant: str, mail_id: str, **values: Any) -> None:
    await db.execute(
        sa.update(incoming_mails)
        .where(incoming_mails.c.tenant_id == tenant, incoming_mails.c.id == mail_id)
        .values(**values)
    )


def _entry(row: Any, filed: Filed) -> Entry:
    """The ledger's row of a mail that was filed."""
    clear = {
        "at": timestamp(),
        "kind": "operation",
        "door": "mail",
        "by": "service:inbox",
        "tool": "receive_mail",
        "status": "ok",
    }
    told = {"incoming_id": row.id, "state": filed.status, "ticket_id": filed.ticket_id}
    return Entry(row.tenant_id, clear, to_json({"arguments": told}))


def _told(error: BaseException) -> str:
    """What staff are told of a mail that could not be filed."""
    if isinstance(error, DeskwardError):
        return error.message
    if isinstance(error, TimeoutError):
        return "Reading it took too long."
    return f"It could not be read ({type(error).__name__})."


async def _given_up(db: Connection, job: Job, reason: str) -> None:
    """Say of a mail whose job ended before it was filed that it is broken."""
    await db.execute(
        sa.update(incoming_mails)
        .where(_of(job), incoming_mails.c.status == "received")
        .values(status="broken", reason=reason)
    )


async def _again(db: Connection, job: Job) -> None:
    """Make a mail ready to be filed, if it is not."""
    await db.execute(
        sa.update(incoming_mails)
        .where(_of(job), incoming_mails.c.status == "broken")
        .values(status="received", reason=None)
    )


def _of(job: Job) -> sa.ColumnElement[bool]:
    tenant, mail_id = job.payload["tenant"], job.payload["mail_id"]
    return sa.and_(incoming_mails.c.tenant_id == tenant, incoming_mails.c.id == mail_id)


RECORD = Record(ended=_given_up, again=_again)
"""How a mail learns what became of its job."""

__all__ = ["JOB", "RECORD", "Filed", "Inbox"]
