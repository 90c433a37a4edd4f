"""A web server with faults to be found: certificates, slowness, redirections, answers that lie."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
BIG = 10_000_000


@dataclass
class Authority:
    """Makes certificates, and is trusted by whoever reads `file`."""

    folder: Path
    called: str = "Test Authority"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def __post_init__(self) -> None:
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.called)])
        self.certificate = self._made(self.name, self.key.public_key(), None, 365)
        self.file = self.folder / "authority.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def context(
        self, host: str = "localhost", *, days: int = 90, own: bool = False
    ) -> ssl.SSLContext:
        """What a server with such a certificate uses; `own`: it is signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self._made(subject, key.public_key(), host, days, key if own else None)
        pem = self.folder / f"{host}-{days}-{own}.pem"
        pem.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    def _made(
        self,
        subject: x509.Name,
        public: ec.EllipticCurvePublicKey,
        host: str | None,
        days: int,
        own: ec.EllipticCurvePrivateKey | None = None,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if own else self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 400 * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(own or self.key, hashes.SHA256())


@dataclass
class Web:
    """A running server.

    Attributes:
        asked: The paths that were asked for.
    """

    port: int
    scheme: str
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://localhost:{self.port}"


@contextlib.asynccontextmanager
async def web(context: ssl.SSLContext | None = None, *, slow: float = 0.0) -> AsyncIterator[Web]:
    """A server that answers by the path: `/ok`, `/503`, `/hang`, `/to/URL`, `/round` and others."""
    found = Web(0, "https" if context else "http")
    async with serving(partial(_serve, found, slow), context) as port:
        found.port = port
        yield found


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on this machine; gives its port. What still hangs at its end is ended."""
    running: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.transport.abort()
        running.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)


async def _serve(
    found: Web, slow: float, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    method, path, _ = head.split(" ", 2)
    found.asked.append(path)
    status, headers, body = 200, {"content-type": "application/json"}, b"{}"
    if path.startswith("/to/"):
        status, headers = 302, {"location": path.removeprefix("/to/")}
    elif path == "/round":
        status, headers = 302, {"location": path}
    elif path[1:].isdigit():
        status = int(path[1:])
    elif path == "/slow":
        slow = 1.2
    elif path == "/hang":
        await asyncio.sleep(60)
    elif path == "/junk":
        writer.write(b"this is no HTTP\r\n\r\n")
        await writer.drain()
        return
    elif path == "/short":  # says more than comes
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{}")
        await writer.drain()
        return
    elif path == "/big":
        body = b"x" * BIG
    elif path == "/packed":
        headers["content-encoding"] = "gzip"
    elif path == "/old":
        headers["date"] = "Fri, 27 Nov 2020 11:11:40 GMT"
    else:
        data = {
            "status": "ok",
            "parts": [{"name": "db", "up": True}, {"name": "mail", "up": False}],
        }
        body = json.dumps(data).encode()
    await asyncio.sleep(slow)
    headers |= {"content-length": str(len(body)), "connection": "close"}
    headers.setdefault(
        "date", datetime.datetime.now(datetime.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    )
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())
    if method != "HEAD":
        writer.write(body)
    await writer.drain()
