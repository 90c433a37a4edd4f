"""Where a mail server hands mail over (LMTP, RFC 2033, or SMTP), for the desk's addresses alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from deskward.core.database import Database
from deskward.core.setting_groups import LOOPBACK
from deskward.core.settings import Settings
from deskward.inbox.addresses import meant, tenant_of
from deskward.inbox.intake import Source, arrival, keep
from deskward.inbox.rules import InboxRules

LONGEST_LINE = 1_000_000
"""Most bytes of a line. Mail servers cut longer ones than a thousand, and some do not."""
MOST_RECIPIENTS = 100
PATIENCE = 300.0
"""Seconds of silence after which a connection is closed."""
NAME = "deskward"

log = logging.getLogger(__name__)


class _Lmtp(LMTP):
    line_length_limit = LONGEST_LINE


class _Smtp(SMTP):
    line_length_limit = LONGEST_LINE


class Listener:
    """Takes mails, and says that it has them once they are in the database."""

    def __init__(
        self, database: Database, rules: InboxRules, source: Source, wake: Callable[[], None]
    ) -> None:
        """Make what answers a mail server.

        Args:
            wake: Called when there is a mail: jobs are due.
            source: `lmtp` or `smtp`; with LMTP every recipient gets an answer of its own.
        """
        self._database = database
        self._rules = rules
        self._source = source
        self._wake = wake

    async def handle_RCPT(  # noqa: D102 the library's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        try:
            tenant = await tenant_of(self._database.reader, self._rules, address)
        except Exception as error:
            log.warning("whose an address is could not be looked up: %s", error)
            return "451 4.3.0 Try again later"
        if tenant is None:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: D102 the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        try:
            await self._keep(envelope)
            self._wake()
            answer = "250 2.0.0 It is kept"
        except Exception as error:  # whatever it is, the mail stays with the server that has it
            log.warning("a mail could not be kept: %s", error)
            answer = "451 4.3.0 It could not be kept; try again later"
        each = len(envelope.rcpt_tos) if self._source == "lmtp" else 1
        return "\r\n".join([answer] * each)

    async def _keep(self, envelope: Envelope) -> None:
        raw = envelope.original_content or b""
        tenants: dict[str, list[str]] = {}
        for address in envelope.rcpt_tos:
            tenant = await tenant_of(self._database.reader, self._rules, address)
            if tenant is None:
                continue  # closed meanwhile
            tenant = await meant(self._database.reader, self._rules, tenant, [address])
            tenants.setdefault(tenant, []).append(address.lower())
        for tenant, addresses in tenants.items():
            look = partial(
                arrival, raw, self._source, envelope_from=(envelope.mail_from or "").strip("<>")
            )
            found = await asyncio.to_thread(partial(look, envelope_to=addresses))
            async with self._database.transaction() as db:
                await keep(db, tenant, found)


@contextlib.asynccontextmanager
async def listening(
    settings: Settings, database: Database, rules: InboxRules, wake: Callable[[], None]
) -> AsyncIterator[None]:
    """Take mail on MAIL_LISTEN_PORT while the block runs.

    Raises:
        OSError: The port is taken.
    """
    inbox = settings.inbox
    listener = Listener(database, rules, inbox.listen_protocol, wake)
    loop = asyncio.get_running_loop()
    kind = _Lmtp if inbox.listen_protocol == "lmtp" else _Smtp

    def connected() -> Any:
        return kind(
            listener,
            data_size_limit=rules.largest,
            enable_SMTPUTF8=True,
            hostname=NAME,
            ident=NAME,
            timeout=PATIENCE,
            loop=loop,
        )

    try:
        server = await loop.create_server(
            connected, inbox.listen_host, inbox.listen_port, reuse_port=settings.server.workers > 1
        )
    except OSError as error:
        where = f"{inbox.listen_host}:{inbox.listen_port}"
        raise OSError(
            f"cannot listen on {where} for mail: {error.strerror}. Set MAIL_LISTEN_HOST or "
            "MAIL_LISTEN_PORT otherwise."
        ) from error
    if inbox.listen_host not in LOOPBACK:
        log.warning("mail is taken on %s without TLS: let only your mail server reach it", NAME)
    try:
        yield
    finally:
        server.close()
