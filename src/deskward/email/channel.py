"""Answers to tickets by mail: threaded, signed for the tenant, with what was said before.

A mail is a row of the outbox and a job in the transaction of the answer itself. What becomes of it
is written on the message that it carries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape

from deskward.core.aside import aside
from deskward.core.database import Connection
from deskward.core.errors import TimeLimitExceeded
from deskward.customers import service as customers
from deskward.email.models import Letter
from deskward.email.outbox import Outbox
from deskward.email.tags import tagged
from deskward.security import tenants
from deskward.security.tenants import Tenant
from deskward.text.plain import Plain
from deskward.tickets import store
from deskward.tickets.channels import Taken
from deskward.tickets.messages import TicketMessage
from deskward.tickets.models import Ticket

QUOTED = 5
"""How many of the messages before an answer it quotes."""
QUOTED_CHARACTERS = 20_000
REFERENCES = 20
"""How many mails an answer refers to: its thread's first one, and the last ones."""
_RE = "re:"
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
"""A Message-ID that can stand in a header: another program has written it."""
_ADDRESS = re.compile(r"[^\s@<>,;:\"\x00-\x1f\x7f]{1,64}@[^\s@<>,;:\"\x00-\x1f\x7f]{1,255}")


@dataclass(frozen=True)
class Letterhead:
    """What mails of a tenant have of it.

    Attributes:
        answers: Tenant → the address to which customers answer; of the empty name, for all others.
        signature: What stands below an answer of a tenant that has no signature of its own.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    signature: str = ""

    def address(self, tenant: str) -> str | None:
        """The address to which a tenant's customers answer."""
        return self.answers.get(tenant, self.answers.get(""))


class MailChannel:
    """Takes answers to customers whose mail address is known."""

    def __init__(self, mails: Outbox, key: bytes, head: Letterhead) -> None:
        """Make it.

        Args:
            key: Signs the addresses to which customers answer.
        """
        self._mails = mails
        self._key = key
        self._head = head

    async def take(
        self,
        db: Connection,
        tenant: str,
        ticket: Ticket,
        message: TicketMessage,
        answered: TicketMessage | None,
    ) -> Taken | None:
        """See `Channel.take`. Where no mail server is set, no answer goes by mail."""
        if not self._mails.mailer.configured:
            return None
        to = await self._recipient(db, tenant, ticket, answered)
        if to is None:
            return None
        before = await store.latest(db, tenant, ticket.id, QUOTED)
        named = await store.mails_of(db, tenant, ticket.id)
        text = await self._text(message, to)
        own = await tenants.find(db, tenant)
        signature = (own.signature if own is not None else "") or self._head.signature
        letter = Letter(
            to=[to],
            subject=_subject(ticket.subject),
            text=_plain(text, signature, before),
            html=_html(text, signature, before),
            attachments=message.files,
            headers=self._headers(own or Tenant(tenant), ticket, message, answered, named),
        )
        await self._mails.queue(db, tenant, f"customer:{ticket.customer_id}", message.id, letter)
        answers = letter.headers.get("In-Reply-To")
        return Taken("queued", letter.headers["Message-ID"], answers)

    async def _recipient(
        self, db: Connection, tenant: str, ticket: Ticket, answered: TicketMessage | None
    ) -> str | None:
        """The address that the customer wrote from, or else their own."""
        if answered is not None and _ADDRESS.fullmatch(answered.address or ""):
            return answered.address
        customer = await customers.find(db, tenant, ticket.customer_id)
        known = customer.email if customer is not None else ""
        return known if _ADDRESS.fullmatch(known or "") else None

    async def _text(self, message: TicketMessage, to: str) -> str:
        """What is said; an agent leads nobody to hosts that are not the desk's."""
        if message.by != "agent":
            return message.text
        plain = Plain(self._mails.hosts, {to.lower()})
        try:
            return await aside(partial(plain.lines, message.text), len(message.text))
        except TimeLimitExceeded:
            return ""

    def _headers(
        self,
        tenant: Tenant,
        ticket: Ticket,
        message: TicketMessage,
        answered: TicketMessage | None,
        named: Sequence[str],
    ) -> dict[str, str]:
        headers = {"Message-ID": self._mails.message_id(message.id, tenant)}
        named = list(filter(_MESSAGE_ID.fullmatch, named))
        asked = answered.message_id if answered is not None else None
        last = asked if asked in named else named[-1] if named else None
        if last is not None:
            others = [one for one in named if one != last]
            headers["In-Reply-To"] = last
            headers["References"] = " ".join([*others[:1], *others[1:][2 - REFERENCES :], last])
        if address := tenant.reply_to or self._head.address(tenant.tenant_id):
            headers["Reply-To"] = tagged(address, self._key, tenant.tenant_id, ticket.id)
        if message.by in ("agent", "desk"):
            headers["Auto-Submitted"] = "auto-replied"  # RFC 3834: no other program answers it
        return headers


def _subject(subject: str) -> str:
    one_line = " ".join("".join(c if c.isprintable() else " " for c in subject).split())
    answers = one_line.casefold().startswith(_RE)
    return (one_line if answers else f"Re: {one_line}")[:200]


def _plain(text: str, signature: str, before: Sequence[TicketMessage]) -> str:
    parts = [text, *([f"-- \n{signature}"] if signature else []), *map(_quoted, _room(before))]
    return "\n\n".join(parts)


def _room(before: Sequence[TicketMessage]) -> list[TicketMessage]:
    """Those of the messages, the newest first, that there is room to quote."""
    found, room = [], QUOTED_CHARACTERS
    for message in before:
        room -= len(message.text)
        if room < 0:
            break
        found.append(message)
    return found


def _quoted(message: TicketMessage) -> str:
    lines = "\n".join(f"> {line}" for line in message.text.splitlines())
    return f"{message.created_at:%Y-%m-%d %H:%M} UTC:\n{lines}"


def _html(text: str, signature: str, before: Sequence[TicketMessage]) -> str:
    parts = [f"<p>{_lines(text)}</p>"]
    if signature:
        parts.append(f"<p>-- <br>{_lines(signature)}</p>")
    parts += [
        f"<p>{message.created_at:%Y-%m-%d %H:%M} UTC:</p>"
        f'<blockquote type="cite">{_lines(message.text)}</blockquote>'
        for message in _room(before)
    ]
    return "\n".join(parts)


def _lines(text: str) -> str:
    return "<br>\n".join(escape(text).splitlines())
