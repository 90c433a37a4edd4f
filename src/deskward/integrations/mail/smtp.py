"""Mail over SMTP (RFC 5321), with STARTTLS or TLS (RFC 3207, RFC 8314) and authentication."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import aiosmtplib

from deskward.core.setting_groups import LOOPBACK
from deskward.email.mailer import NotNow, Refused, Unclear

TIMEOUT = 20.0
"""Seconds that one command may take."""

IMPLICIT_TLS_PORT = 465


class SmtpMailer:
    """Hands mails to one server, a connection for each."""

    configured = True

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        username: str | None = None,
        password: str | None = None,
        security: Literal["auto", "starttls", "tls", "none"] = "auto",
        ca_file: Path | None = None,
    ) -> None:
        """Make an adapter; it connects when there is a mail.

        Args:
            sender: The address that signs in where no other name is given.
            username: Signs in where there is a password.
            security: See SMTP_SECURITY.
            ca_file: PEM file of an authority to trust besides the system's.

        Raises:
            ValueError: A password would be sent in the clear.
        """
        # Nobody listens between this machine and itself: there, TLS is used if it is offered.
        self._lax = security == "auto" and host in LOOPBACK
        if security == "auto":
            security = "tls" if port == IMPLICIT_TLS_PORT else "starttls"
        if password and security == "none":
            raise ValueError("SMTP_SECURITY=none would send SENDER_PASSWORD in the clear")
        self._host, self._port, self._sender = host, port, sender
        self._username, self._password = username, password
        self._security = security
        self._context = ssl.create_default_context()
        if self._lax:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        if ca_file is not None:
            self._context.load_verify_locations(ca_file)

    async def deliver(
        self,
        message: EmailMessage,
        recipients: Sequence[str],
        *,
        sender: str,
        before_content: Callable[[], Awaitable[None]],
    ) -> dict[str, str]:
        """See `Mailer.deliver`."""
        client = await self._connect()
        try:
            refused = await self._envelope(client, sender, recipients)
            await before_content()
            await _content(client, message)
        finally:
            client.close()  # the server answered; QUIT would only be polite
        return refused

    async def test(self) -> str:
        """See `Mailer.test`."""
        client = await self._connect()
        client.close()
        signed_in = " and signed in" if self._password else ""
        return f"Connected to {self._host}:{self._port}{signed_in}."

    async def _connect(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._security == "tls",
            start_tls=None if self._lax else self._security == "starttls",
            tls_context=self._context,
            timeout=TIMEOUT,
        )
        try:
            await client.connect()
            if self._password and await self._can_sign_in(client):
                await client.login(self._username or self._sender, self._password)
        except aiosmtplib.SMTPAuthenticationError as error:
            client.close()
            raise Refused(f"The mail server did not accept the password ({error.code}).") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            problem = f"The mail server {self._host}:{self._port} cannot be reached"
            raise NotNow(f"{problem} ({type(error).__name__}).") from None
        return client

    async def _can_sign_in(self, client: aiosmtplib.SMTP) -> bool:
        """Whether to sign in: always, but at a server on this machine that has no such thing."""
        if not self._lax:
            return True
        await client.ehlo()  # after STARTTLS a server says anew what it can do
        return client.supports_extension("auth")

    async def _options(
        self, client: aiosmtplib.SMTP, sender: str, recipients: Sequence[str]
    ) -> list[str]:
        """What to say with MAIL: what addresses outside of ASCII need (RFC 6531), or nothing.

        Raises:
            Refused: There are such addresses, and the server does not take them.
        """
        wide = [address for address in (sender, *recipients) if not address.isascii()]
        if not wide:
            return []
        await client.ehlo()  # after STARTTLS a server says anew what it can do
        if not client.supports_extension("smtputf8"):
            raise Refused(
                f"The mail server takes no address like {wide[0]}: it does not offer SMTPUTF8."
            )
        return ["SMTPUTF8", "BODY=8BITMIME"]

    async def _envelope(
        self, client: aiosmtplib.SMTP, sender: str, recipients: Sequence[str]
    ) -> dict[str, str]:
        """Say who sends and who gets it; gives those that the server refused."""
        refused: dict[str, str] = {}
        later = False
        try:
            options = await self._options(client, sender, recipients)
            encoding = "utf-8" if options else "ascii"
            await client.mail(sender, options=options, encoding=encoding)
            for recipient in recipients:
                try:
                    await client.rcpt(recipient, encoding=encoding)
                except aiosmtplib.SMTPRecipientRefused as error:
                    refused[recipient] = f"{error.code} {error.message}"
                    later = later or error.code < 500
        except aiosmtplib.SMTPResponseException as error:
            raise _answered(error) from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotNow(f"The connection broke ({type(error).__name__}).") from None
        # Nobody has it yet: where one recipient can come later, all do, so that none gets it twice.
        if later:
            raise NotNow("A recipient cannot be reached at the moment.")
        if len(refused) == len(recipients):
            reasons = "; ".join(f"{who}: {why}" for who, why in refused.items())
            raise Refused(f"The server took no recipient: {reasons}")
        return refused


async def _content(client: aiosmtplib.SMTP, message: EmailMessage) -> None:
    try:
        await client.data(message.as_bytes())
    except aiosmtplib.SMTPResponseException as error:
        raise _answered(error) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise Unclear(f"The connection broke while sending ({type(error).__name__}).") from None


def _answered(error: aiosmtplib.SMTPResponseException) -> Exception:
    reason = f"The mail server said {error.code} {error.message}"
    # 421 and a connection that broke are answers of the library's own, too.
    return Refused(reason) if error.code >= 500 else NotNow(reason)
