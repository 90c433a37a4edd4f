"""How mail goes out and comes in, from the settings: a part of the composition root."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from deskward.assist.handling import JOB as HANDLE
from deskward.conversations.takeover import ChatChannel
from deskward.core.database import Database
from deskward.core.settings import Settings
from deskward.email.channel import Letterhead, MailChannel
from deskward.email.outbox import Outbox
from deskward.email.tags import untagged
from deskward.gate.secret import Secret
from deskward.inbox.rules import InboxRules
from deskward.integrations.mail.choose import choose_mailer
from deskward.tickets.channels import Channels

MB = 1_000_000


def outbox_of(settings: Settings, database: Database, wake: Callable[[], None]) -> Outbox:
    """What sends mail."""
    return Outbox(
        database,
        choose_mailer(settings),
        sender_name=settings.mail.sender_name,
        sender_email=settings.mail.sender_email or "desk@localhost",
        max_attachments=settings.mail.max_attachment_mb * 1_000_000,
        kept=timedelta(days=settings.upload.days),
        hosts=settings.agent.linked,
        wake=wake,
    )


def inbox_rules(settings: Settings, secret: Secret) -> InboxRules:
    """What the operator has chosen for mail that comes in."""
    inbox = settings.inbox
    owned = [*inbox.owned, *settings.mail.answers.items()]
    return InboxRules(
        key=secret.names,
        addresses={
            untagged(address): tenant or settings.default.tenant_id for tenant, address in owned
        },
        sender=settings.mail.sender_email or "",
        home=settings.default.tenant_id,
        spam_header=inbox.spam_header,
        per_hour=inbox.answers_per_hour,
        largest=inbox.max_mb * MB,
        largest_file=settings.mail.max_attachment_mb * MB,
        quota=settings.upload.quota_mb * MB,
        tenant_quota=settings.upload.tenant_quota_mb * MB,
        new_tickets=HANDLE if settings.policy.handle_new_tickets else None,
        reopens=settings.tickets.reopens,
        due_soon=timedelta(minutes=settings.tickets.due_soon_minutes),
    )


def channels_of(settings: Settings, mails: Outbox, secret: Secret) -> Channels:
    """The ways by which answers reach customers."""
    owned = {
        tenant or settings.default.tenant_id: address
        for tenant, address in reversed(settings.inbox.owned)
        if not address.startswith("@")
    }
    head = Letterhead({**owned, **settings.mail.answers}, settings.mail.signature)
    mail = (MailChannel(mails, secret.names, head),)
    chat = (ChatChannel(), *mail)  # by mail where the conversation is over
    return Channels({"mail": mail, "api": mail, "mcp": mail, "cli": mail, "chat": chat})
