"""What sends mail and what brings it, from settings: one `Mailer`, and the ways in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from deskward.core.database import Database
from deskward.core.extras import extra
from deskward.core.settings import Settings
from deskward.email.mailer import Mailer
from deskward.inbox.boxes import BoxVault
from deskward.inbox.rules import InboxRules
from deskward.integrations.mail.boxes import Boxes
from deskward.integrations.mail.console import ConsoleMailer

if TYPE_CHECKING:
    from deskward.integrations.mail.collector import Collector


def choose_mailer(settings: Settings) -> Mailer:
    """The server at SMTP_SERVER, or the log where it is unset.

    Raises:
        ValueError: The part that speaks SMTP is not installed.
    """
    if settings.mail.server is None:
        return ConsoleMailer()
    with extra("smtp", "SMTP_SERVER"):
        from deskward.integrations.mail.smtp import SmtpMailer

    password = settings.mail.sender_password
    return SmtpMailer(
        settings.mail.server,
        settings.mail.port,
        sender=settings.mail.sender_email or "",
        username=settings.mail.username,
        password=password.get_secret_value() if password else None,
        security=settings.mail.security,
        ca_file=settings.mail.ca_file,
    )


def check_ways_in(settings: Settings) -> None:
    """See that what brings mail is installed, where settings want it.

    Raises:
        ValueError: It is not.
    """
    if settings.imap.server is not None:
        with extra("imap", "IMAP_SERVER"):
            import imapclient  # noqa: F401 missing, it is told at start
    if settings.inbox.listen_port is not None:
        with extra("smtp", "MAIL_LISTEN_PORT"):
            import aiosmtpd.lmtp  # noqa: F401 missing, it is told at start


def choose_collector(
    settings: Settings, database: Database, rules: InboxRules, wake: Callable[[], None]
) -> Collector | None:
    """What fetches mail from the mailbox at IMAP_SERVER; None where it is unset.

    Args:
        wake: Called when there is a mail: jobs are due.
    """
    if settings.imap.server is None:
        return None
    from deskward.integrations.mail.collector import Collector
    from deskward.integrations.mail.sources import of_settings

    source = of_settings(settings.imap, settings.default.tenant_id)
    return Collector(database, source, rules, wake)


@contextlib.asynccontextmanager
async def mail_comes_in(
    settings: Settings,
    database: Database,
    rules: InboxRules,
    wake: Callable[[], None],
    vault: BoxVault,
) -> AsyncIterator[None]:
    """Fetch mail from all mailboxes, and take what is handed over, while the block runs.

    Raises:
        OSError: MAIL_LISTEN_PORT is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        if (collector := choose_collector(settings, database, rules, wake)) is not None:
            await stack.enter_async_context(collector.keep())
        declared = Boxes(settings.imap, database, rules, wake, vault)
        await stack.enter_async_context(declared.keep())
        if settings.inbox.listen_port is not None:
            from deskward.integrations.mail.listener import listening

            await stack.enter_async_context(listening(settings, database, rules, wake))
        yield
