"""HTTP requests to addresses that others have named: none may lead back inside (CWE-918).

A name is looked up here, every address that it has must be one that may be reached, and the request
goes to that very address: whoever answers another one a moment later has no use of it (DNS
rebinding). Redirections are not followed, nothing is taken from the environment, no more than the
beginning of an answer is read, and the whole may take only so long.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import httpx2

from deskward.core.addresses import Address, Network

TIMEOUT = 15.0
"""Seconds that a request may take from the look-up of its host to the end of its answer."""
MOST_READ = 64 * 1024
"""Bytes of an answer's body that are read, so that its connection ends in order."""

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


class NotAllowed(Exception):
    """The address is none that may be reached."""


class NotReached(Exception):
    """Nobody answered in order, and in time."""


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes:
        retry_after: Seconds after which it wants to be asked again, where it says so.
    """

    status: int
    retry_after: float | None = None


class Outside:
    """Makes requests to the world outside, and to what of the inside is allowed by name."""

    def __init__(self, allowed: Iterable[Network] = ()) -> None:
        """Make one.

        Args:
            allowed: Networks that may be reached though they are not public, also without TLS.
        """
        self._allowed = tuple(allowed)

    def check(self, url: str) -> httpx2.URL:
        """The address, if it has the form of one that may be reached.

        Raises:
            NotAllowed: It has not.
        """
        try:
            parts = httpx2.URL(url)
        except httpx2.InvalidURL:
            raise NotAllowed("it is no address of the form https://host/path") from None
        odd = not url.isprintable() or any(map(str.isspace, url)) or b"%" in parts.raw_host
        if parts.scheme not in ("https", "http") or not parts.host or odd:
            raise NotAllowed("it is no address of the form https://host/path")
        if parts.userinfo or parts.fragment:
            raise NotAllowed("it holds a password, or a part after #, which are not sent")
        if parts.scheme == "http" and not self._allowed:
            raise NotAllowed("it has to begin with https://")
        with contextlib.suppress(ValueError):
            self._check_address(parts.scheme, ipaddress.ip_address(parts.host))
        return parts

    async def post(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Post something.

        Raises:
            NotAllowed: The address is none that may be reached.
            NotReached: Nobody answered in order, and in time.
        """
        parts = self.check(url)
        try:
            async with asyncio.timeout(TIMEOUT):
                address = await self._pinned(parts)
                async with self._posted(parts, address, headers, content) as response:
                    await _read(response)
                    return Answer(response.status_code, _seconds(response))
        except TimeoutError:
            raise NotReached(f"no answer within {TIMEOUT:g} seconds") from None
        except httpx2.HTTPError as error:
            raise NotReached(f"{type(error).__name__}: {error}"[:200]) from None
        except (OSError, UnicodeError) as error:
            raise NotReached(f"its host was not found: {error}"[:200]) from None

    @contextlib.asynccontextmanager
    async def _posted(
        self, parts: httpx2.URL, address: Address, headers: Mapping[str, str], content: bytes
    ) -> AsyncIterator[httpx2.Response]:
        pinned = parts.copy_with(host=str(address))
        named = {**headers, "Host": parts.netloc.decode("ascii")}
        # No connection is kept: the next look-up may find that its address is not allowed any more.
        async with (
            httpx2.AsyncClient(
                verify=self._tls,
                trust_env=False,
                follow_redirects=False,
                timeout=TIMEOUT,
                limits=httpx2.Limits(max_keepalive_connections=0),
            ) as client,
            client.stream(
                "POST",
                pinned,
                headers=named,
                content=content,
                extensions={"sni_hostname": parts.raw_host.decode("ascii")},
            ) as response,
        ):
            yield response

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    async def _pinned(self, parts: httpx2.URL) -> Address:
        """The one address that is spoken to; all that the host has must be allowed."""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        host = parts.raw_host.decode("ascii").strip("[]")
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        for address in addresses:
            self._check_address(parts.scheme, address)
        return addresses[0]

    def _check_address(self, scheme: str, address: Address) -> None:
        meant = _meant(address)
        if any(meant in network for network in self._allowed):
            return
        if not meant.is_global or meant.is_multicast:
            raise NotAllowed(f"{address} is not public, and WEBHOOK_NETWORKS does not allow it")
        if scheme != "https":
            raise NotAllowed("it has to begin with https://")


def _meant(address: Address) -> Address:
    """The address that is reached in the end: IPv6 has several ways to write one of IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


async def _read(response: httpx2.Response) -> None:
    """Read an answer's body as it comes, unpacking nothing, up to what is enough."""
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > MOST_READ:
            return


def _seconds(response: httpx2.Response) -> float | None:
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() and len(told) < 7 else None
