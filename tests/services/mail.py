"""An SMTP server for the tests, in a thread, on a free port of this machine.

It takes mail after STARTTLS and AUTH, records it, hands it to Dovecot where there is one, and fails
as it is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.services.dovecot import Dovecot
from tests.services.programs import free_port

USER = "desk@example.com"
PASSWORD = "the desk's password"


class Drop(StrEnum):
    """When the server drops a connection on which a whole message came, instead of answering."""

    BEFORE = "before it took the message"
    AFTER = "after it took the message"


@dataclass
class Faults:
    """How the server fails; to be changed at any time, also while it runs."""

    refused: set[str] = field(default_factory=set)
    """Recipients that get `refusal`: they do not exist."""
    refusal: str = "550 5.1.1 No such user here"
    delayed: set[str] = field(default_factory=set)
    """Recipients that get 451: try again later."""
    answer: str | None = None
    """What a whole message gets instead of being taken, such as `554 5.7.1 Spam`."""
    drop: Drop | None = None
    """When to drop the connection."""
    reserve: float = 0.0
    """Seconds before it greets a client back, of which it has to be asked twice."""
    delay: float = 0.0
    """Seconds before it takes a message; a client that leaves meanwhile takes the message back."""


@dataclass(frozen=True)
class Received:
    """A message that was taken, as it came."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    user: str
    encrypted: bool


@dataclass
class Mail:
    """A running server. Its certificate is for `localhost` and 127.0.0.1, and signs itself."""

    port: int
    certificate: Path
    """What clients have to trust."""
    host: str = "localhost"
    user: str = USER
    password: str = PASSWORD
    received: list[Received] = field(default_factory=list)
    """What was taken, oldest first."""
    connections: int = 0
    """How many clients said EHLO."""
    faults: Faults = field(default_factory=Faults)


@contextlib.contextmanager
def mail(
    dovecot: Dovecot | None = None, *, implicit_tls: bool = False, any_letters: bool = False
) -> Iterator[Mail]:
    """Run a server.

    Args:
        dovecot: Where each message goes, once per recipient of its envelope.
        implicit_tls: Speak TLS from the first byte, as on port 465, and not by STARTTLS.
        any_letters: Offer SMTPUTF8 (RFC 6531).
    """
    with tempfile.TemporaryDirectory(prefix="deskward-mail-") as folder:
        certificate, context = _certificate(Path(folder))
        tls: dict[str, Any] = {"ssl_context" if implicit_tls else "tls_context": context}
        server = Mail(free_port(), certificate)
        controller = Controller(
            _Handler(server, dovecot),
            hostname="127.0.0.1",
            port=server.port,
            server_hostname="localhost",
            ready_timeout=30.0,
            enable_SMTPUTF8=any_letters,
            authenticator=_authenticate,
            auth_require_tls=not implicit_tls,
            **tls,
        )
        controller.start()
        # Controller tries itself once, to see that it listens.
        server.connections = 0
        try:
            yield server
        finally:
            controller.stop()


class _Handler:
    def __init__(self, server: Mail, dovecot: Dovecot | None) -> None:
        self._server = server
        self._dovecot = dovecot

    async def handle_EHLO(
        self, smtp: SMTP, session: Session, envelope: Envelope, host: str, responses: list[str]
    ) -> list[str]:
        session.host_name = host
        self._server.connections += 1
        await asyncio.sleep(self._server.faults.reserve)
        return responses

    async def handle_MAIL(
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self._server.faults.refused:
            return self._server.faults.refusal
        if address in self._server.faults.delayed:
            return "451 4.3.2 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:
        faults = self._server.faults
        await asyncio.sleep(faults.delay)
        if faults.answer:
            return faults.answer
        if faults.drop is Drop.BEFORE:
            await _drop(smtp)
        await self._take(session, envelope)
        if faults.drop is Drop.AFTER:
            await _drop(smtp)
        return "250 2.0.0 Taken"

    async def _take(self, session: Session, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        login = cast(LoginPassword, session.auth_data).login
        sender, recipients = envelope.mail_from or "", tuple(envelope.rcpt_tos)
        if self._dovecot:
            await asyncio.to_thread(_deliver, self._dovecot, sender, recipients, content)
        self._server.received.append(
            Received(
                sender,
                recipients,
                content,
                login.decode(),
                encrypted=session.ssl is not None,
            )
        )


def _authenticate(
    smtp: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=data)


async def _drop(smtp: SMTP) -> None:
    assert isinstance(smtp.transport, asyncio.Transport)
    smtp.transport.abort()
    # aiosmtpd cancels this once the connection is gone.
    await asyncio.Event().wait()


def _deliver(dovecot: Dovecot, sender: str, recipients: tuple[str, ...], content: bytes) -> None:
    # One by one: smtplib reads one answer per message, LMTP gives one per recipient.
    with smtplib.LMTP("127.0.0.1", dovecot.lmtp_port) as client:
        for recipient in recipients:
            client.sendmail(sender, [recipient], content)


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context
