"""Connecting to where a test may go, by the very address that was judged.

A name is looked up once, each address that it has must be one that may be reached, and the
connection goes to the first of them. Whoever answers another one a moment later has no use of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import idna

from deskward.core.addresses import Address
from deskward.diagnostics.suites.reach import Reach

MOST_LINE = 1_000
"""Bytes of a line that a server may send."""
threads = ThreadPoolExecutor(8, thread_name_prefix="names")
"""For looking names up, which can hang for minutes: the process's own threads stay free."""


class NotReached(Exception):
    """It could not be reached, or did not answer in order.

    Attributes:
        problem: One of `refused`, `name`, `tls`, `redirect`, `too_large`, `broken`.
    """

    def __init__(self, problem: str, told: str) -> None:
        super().__init__(told)
        self.problem = problem


@dataclass(frozen=True)
class Place:
    """Where a test goes.

    Attributes:
        host: As it is named; in ASCII.
        address: As it is reached.
    """

    host: str
    port: int
    address: Address

    @property
    def shown(self) -> str:
        """The address and the port."""
        where = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{where}:{self.port}"


async def find(host: str, port: int, reach: Reach) -> Place:
    """Look a host up, and see that it may be reached.

    Raises:
        NotAllowed: It may not.
        NotReached: It has no address.
    """
    name = ascii_name(host)
    reach.check_host(name, port)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(
            threads, lambda: socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        )
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or "it is no name"
        raise NotReached("name", f"{host[:200]} has no address: {said}.") from None
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    for address in addresses:
        reach.check_address(name, port, address)
    return Place(name, port, addresses[0])


def ascii_name(host: str) -> str:
    """A host as it is looked up.

    Raises:
        NotReached: It is none.
    """
    text = host.strip().strip("[]").casefold()
    if text.isascii():
        if text and text.isprintable() and not set(text) & set(" /\\@?#%"):
            return text
    else:
        with contextlib.suppress(idna.IDNAError):
            return idna.encode(text, uts46=True).decode("ascii")
    raise NotReached("name", f"{host[:200]!r} is no host.")


class Wire:
    """A connection whose lines are read up to a limit."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What TLS says of it; None without."""
        found: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        return found

    async def line(self) -> str:
        """The next line.

        Raises:
            NotReached: None came, or one without an end.
        """
        try:
            line = await self._reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            raise NotReached("broken", "The connection was closed before an answer.") from None
        except asyncio.LimitOverrunError:
            raise NotReached("too_large", "A line of its answer does not end.") from None
        return line.decode("utf-8", "replace").strip()

    async def some(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            NotReached: There were fewer.
        """
        try:
            return await self._reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise NotReached("broken", "The connection was closed before an answer.") from None

    async def say(self, data: bytes) -> None:
        """Send something."""
        self._writer.write(data)
        await self._writer.drain()

    async def encrypt(self, context: ssl.SSLContext, name: str) -> None:
        """Go on encrypted."""
        await self._writer.start_tls(context, server_hostname=name)


@contextlib.asynccontextmanager
async def connected(
    place: Place, context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Wire, int]]:
    """A connection, and the milliseconds until it stood.

    Raises:
        NotReached: It did not come about, or broke.
    """
    begun = time.monotonic()
    with told_of(place):
        reader, writer = await asyncio.open_connection(
            str(place.address),
            place.port,
            ssl=context,
            server_hostname=place.host if context is not None else None,
            limit=MOST_LINE,
        )
        took = milliseconds(begun)
        try:
            yield Wire(reader, writer), took
        finally:
            writer.transport.abort()  # nobody waits for a server's last word


@contextlib.contextmanager
def told_of(place: Place) -> Any:
    """What goes wrong with a connection, in our words."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise NotReached("tls", f"Its certificate is not valid: {error.verify_message}.") from None
    except ssl.SSLError as error:
        said = (error.reason or "no TLS").replace("_", " ").lower()
        raise NotReached("tls", f"No TLS came about with {place.shown}: {said}.") from None
    except ConnectionRefusedError:
        raise NotReached("refused", f"{place.shown} refuses connections.") from None
    except OSError as error:
        said = error.strerror or str(error) or type(error).__name__
        raise NotReached("refused", f"{place.shown} is not reached: {said}.") from None


def milliseconds(begun: float) -> int:
    """Since a moment of the monotonic clock."""
    return round((time.monotonic() - begun) * 1000)
