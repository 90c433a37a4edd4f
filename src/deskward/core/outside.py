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

CLEAR = frozenset({"http", "git", "svn", "ftp"})
"""Schemes without encryption."""
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
"""IPv4-compatible addresses (RFC 4291, 2.5.5.1)."""
INNER: tuple[Network, ...] = tuple(
    ipaddress.ip_network(one)
    for one in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16"),
        *("100.64.0.0/10", "0.0.0.0/8", "224.0.0.0/3", "198.18.0.0/15"),
        *("::/96", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "64:ff9b::/96"),
        *("64:ff9b:1::/48", "2002::/16"),
    )
)
"""Networks that are not public (IANA's registries of special-purpose addresses)."""
_OWN = tuple(map(ipaddress.IPv6Network, ("fec0::/10", "64:ff9b:1::/48")))
"""Those of them that Python takes for public: site-local (RFC 3879), one's own NAT64 (RFC 8215)."""


class NotAllowed(Exception):
    """The address is none that may be reached."""


class NotReached(Exception):
    """Nobody answered in order, and in time."""


class TooMuch(Exception):
    """An answer is larger than it may be."""


@dataclass(frozen=True)
class Got:
    """What a server gave.

    Attributes:
        headers: By their names in lower case.
        content: All of it.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes


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

    def __init__(
        self,
        allowed: Iterable[Network] = (),
        *,
        setting: str = "WEBHOOK_NETWORKS",
        hosts: Iterable[str] = (),
    ) -> None:
        """Make one.

        Args:
            allowed: Networks that may be reached though they are not public, also without TLS.
            setting: What they are set by, for whoever reads an error.
            hosts: The only hosts that may be reached; with a dot in front all of a domain. None:
                any.
        """
        self._allowed = tuple(allowed)
        self._setting = setting
        self._hosts = tuple(hosts)

    @property
    def names_hosts(self) -> bool:
        """Whether only hosts that are named may be reached."""
        return bool(self._hosts)

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
        self._check_name(parts.host)
        with contextlib.suppress(ValueError):
            self._check_address(parts.scheme, ipaddress.ip_address(parts.host))
        return parts

    def check_host(self, scheme: str, host: str) -> None:
        """See that a host may be reached by other means than HTTP, as far as its name tells.

        Raises:
            NotAllowed: It may not.
        """
        self._check_name(host)
        if scheme in CLEAR and not self._allowed:
            raise NotAllowed(f"{scheme}:// is not encrypted: use https:// or ssh://")
        with contextlib.suppress(ValueError):
            self._check_address(scheme, ipaddress.ip_address(host))

    async def address_of(self, scheme: str, host: str, port: int) -> Address:
        """The one address by which a host is to be reached; all that it has must be allowed.

        Raises:
            NotAllowed: One is not.
            NotReached: The host was not found.
        """
        self.check_host(scheme, host)
        async with _reaching(TIMEOUT):
            return await self._looked_up(scheme, host, port)
        raise AssertionError("not reached")

    async def get(self, url: str, headers: Mapping[str, str], *, most: int, seconds: float) -> Got:
        """Get something, whole.

        Args:
            most: Bytes that it may have.
            seconds: For all of it.

        Raises:
            NotAllowed: The address is none that may be reached.
            NotReached: Nobody answered in order, and in time.
            TooMuch: It has more bytes.
        """
        parts = self.check(url)
        # What is packed could become a thousand times as much before it is counted.
        asked = {**headers, "accept-encoding": "identity"}
        async with _reaching(seconds):
            address = await self._pinned(parts)
            async with self._sent("GET", parts, address, asked, None) as response:
                found = {name.lower(): value for name, value in response.headers.items()}
                if found.get("content-encoding", "identity").lower() != "identity":
                    raise NotReached("it answers packed, though it was asked not to")
                content = bytearray()
                async for piece in response.aiter_raw():
                    content += piece
                    if len(content) > most:
                        raise TooMuch
                return Got(response.status_code, found, bytes(content))
        raise AssertionError("not reached")

    async def post(self, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """Post something.

        Raises:
            NotAllowed: The address is none that may be reached.
            NotReached: Nobody answered in order, and in time.
        """
        parts = self.check(url)
        async with _reaching(TIMEOUT):
            address = await self._pinned(parts)
            async with self._sent("POST", parts, address, headers, content) as response:
                await _read(response)
                return Answer(response.status_code, _seconds(response))
        raise AssertionError("not reached")

    @contextlib.asynccontextmanager
    async def _sent(
        self,
        method: str,
        parts: httpx2.URL,
        address: Address,
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> AsyncIterator[httpx2.Response]:
        sent = pinned(method, parts, address, headers, content, verify=self._tls, seconds=TIMEOUT)
        async with sent as response:
            yield response

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    async def _pinned(self, parts: httpx2.URL) -> Address:
        """The one address that is spoken to; all that the host has must be allowed."""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return await self._looked_up(parts.scheme, parts.raw_host.decode("ascii").strip("[]"), port)

    async def _looked_up(self, scheme: str, host: str, port: int) -> Address:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        for address in addresses:
            self._check_address(scheme, address)
        return addresses[0]

    def _check_name(self, host: str) -> None:
        name = host.casefold().rstrip(".")
        if self._hosts and not any(
            name.endswith(one) or name == one[1:] if one.startswith(".") else name == one
            for one in self._hosts
        ):
            raise NotAllowed(f"{host} is not among the hosts that may be reached")

    def _check_address(self, scheme: str, address: Address) -> None:
        to = meant(address)
        if any(to in network for network in self._allowed):
            return
        if not is_public(address):
            raise NotAllowed(f"{address} is not public, and {self._setting} does not allow it")
        if scheme in CLEAR:
            raise NotAllowed("it has to begin with https://")


@contextlib.asynccontextmanager
async def pinned(
    method: str,
    parts: httpx2.URL,
    address: Address,
    headers: Mapping[str, str],
    content: bytes | None = None,
    *,
    verify: ssl.SSLContext,
    seconds: float,
) -> AsyncIterator[httpx2.Response]:
    """A request to the very address that was judged, whatever its host's name leads to by now.

    Args:
        seconds: What each step may take; the caller limits the whole.
    """
    named = {**headers, "Host": parts.netloc.decode("ascii")}
    # No connection is kept: the next look-up may find that its address is not allowed any more.
    async with (
        httpx2.AsyncClient(
            verify=verify,
            trust_env=False,
            follow_redirects=False,
            timeout=seconds,
            limits=httpx2.Limits(max_keepalive_connections=0),
        ) as client,
        client.stream(
            method,
            parts.copy_with(host=str(address)),
            headers=named,
            content=content,
            extensions={"sni_hostname": parts.raw_host.decode("ascii")},
        ) as response,
    ):
        yield response


@contextlib.asynccontextmanager
async def _reaching(seconds: float) -> AsyncIterator[None]:
    """Within a time; what goes wrong is told in our words."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise NotReached(f"no answer within {seconds:g} seconds") from None
    except httpx2.HTTPError as error:
        raise NotReached(f"{type(error).__name__}: {error}"[:200]) from None
    except (OSError, UnicodeError) as error:
        raise NotReached(f"its host was not found: {error}"[:200]) from None


def meant(address: Address) -> Address:
    """The address that is reached in the end: IPv6 has several ways to write one of IPv4."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def is_public(address: Address) -> bool:
    """Whether an address, as it is reached in the end, is one of the world outside."""
    to = meant(address)
    if isinstance(to, ipaddress.IPv6Address) and any(to in network for network in _OWN):
        return False
    return to.is_global and not to.is_multicast


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
