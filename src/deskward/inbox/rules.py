"""What an operator has chosen for mail that comes in, and whose an address is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from deskward.email.tags import untagged
from deskward.tickets import thread, timers


@dataclass(frozen=True)
class InboxRules:
    """What an operator has chosen.

    Attributes:
        key: Signs the tags of addresses.
        addresses: The desk's own addresses, and `@domain` for all of a domain → tenant.
        sender: The address that the desk's mails come from.
        home: The tenant of the settings, to which that address belongs if it is nobody's.
        spam_header: In which field the mail server in front says that a mail is spam.
        per_hour: How many mails of one sender in an hour a program may answer.
        largest: Most bytes of a mail.
        largest_file: Most bytes of a file that comes with one.
        quota: Most bytes that the files of one customer may have.
        tenant_quota: Most bytes that the files of a tenant may have.
        new_tickets: The kind of job that new tickets are given to, or None.
        reopens: Tenant → how long after its end an answer opens a ticket again.
        due_soon: How long before its moment somebody is told that a ticket is due.
    """

    key: bytes = field(repr=False)
    addresses: Mapping[str, str] = field(default_factory=dict)
    sender: str = ""
    home: str = ""
    spam_header: str = "x-spam-flag"
    per_hour: int = 20
    largest: int = 25_000_000
    largest_file: int = 10_000_000
    quota: int = 100_000_000
    tenant_quota: int = 10_000_000_000
    new_tickets: str | None = None
    reopens: Mapping[str, timedelta] = field(default_factory=dict)
    due_soon: timedelta = timers.BEFORE

    def tenant_of(self, address: str) -> str | None:
        """The tenant whose address this is, with or without a tag; None where it is nobody's."""
        bare = untagged(address)
        found = self.addresses.get(bare)
        return found or self.addresses.get("@" + bare.rpartition("@")[2])

    @property
    def receives_bounces(self) -> str:
        """The tenant to which what bounces comes of mails that came from `sender`."""
        return self.tenant_of(self.sender) or self.home

    def is_own(self, address: str) -> bool:
        """Whether the desk itself writes under this address."""
        bare = untagged(address)
        return bare in self.addresses or bare == self.sender.lower()

    def reopening(self, tenant: str) -> timedelta:
        """How long after its end an answer opens a resolved ticket of a tenant again."""
        return self.reopens.get(tenant, self.reopens.get("", thread.REOPENS))
