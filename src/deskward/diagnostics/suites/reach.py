"""Where tests may go: what a tenant's people have named, and nowhere else.

A name has to be on the list by its name. What it resolves to must be public, or lie in a network
that is on the list by itself: so a listed name that begins to lead inside is refused (CWE-918).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from deskward.core.addresses import Address, Network
from deskward.core.outside import INNER, NotAllowed, is_public, meant

Ports = frozenset[int]


@dataclass(frozen=True)
class Target:
    """What may be tested.

    Attributes:
        name: A host; with a dot in front each host of a domain. None of a network.
        network: A network, perhaps of one address. None of a name.
        ports: Only those; empty for all.
    """

    name: str | None
    network: Network | None
    ports: Ports = frozenset()

    @classmethod
    def parse(cls, text: str, ports: Iterable[int] = ()) -> Target:
        """The target that a text names.

        Raises:
            ValueError: It is neither a host nor a network.
        """
        wanted = text.strip().casefold().rstrip(".")
        try:
            return cls(None, ipaddress.ip_network(wanted, strict=False), frozenset(ports))
        except ValueError:
            if "/" in wanted or ":" in wanted or not wanted.strip(".") or _is_numeric(wanted):
                raise ValueError(f"{text} is neither a host nor a network") from None
        return cls(wanted, None, frozenset(ports))

    @property
    def inner(self) -> bool:
        """Whether it names anything that is not public."""
        if self.network is None:
            return False
        ends = (self.network.network_address, self.network.broadcast_address)
        return not all(map(is_public, ends)) or any(
            _within(one, self.network) or _within(self.network, one) for one in INNER
        )

    @property
    def explicit(self) -> bool:
        """Whether it names what is not public, and nothing else."""
        network = self.network
        if network is None or not self.inner:
            return False
        return network.num_addresses == 1 or any(_within(network, one) for one in INNER)

    def names(self, host: str) -> bool:
        """Whether it names this host."""
        if self.name is None:
            return False
        if self.name.startswith("."):
            return host.endswith(self.name) or host == self.name[1:]
        return host == self.name

    def holds(self, address: Address) -> bool:
        """Whether it is the network of this address."""
        return self.network is not None and address in self.network

    def __str__(self) -> str:
        if self.network is None:
            return self.name or ""
        alone = self.network.num_addresses == 1
        return str(self.network.network_address if alone else self.network)


WITHHELD = "is not public, and is not reached where a customer says a part of the target"


class Reach(Protocol):
    """Says where a test may go."""

    def check_host(self, host: str, port: int | None) -> None:
        """See that a host may be asked, as far as its name tells.

        Raises:
            NotAllowed: It may not.
        """
        ...

    def check_address(self, host: str, port: int, address: Address) -> None:
        """See that an address that a host has may be reached.

        Raises:
            NotAllowed: It may not.
        """
        ...


class Listed:
    """Where a tenant's list lets tests go."""

    def __init__(self, targets: Iterable[Target], *, inner: bool = True) -> None:
        """Make one.

        Args:
            inner: Whether networks count that are not public.
        """
        self._inner = inner
        self._targets = tuple(one for one in targets if inner or not one.inner)

    def check_host(self, host: str, port: int | None) -> None:
        """See `Reach`."""
        name = host.casefold().rstrip(".")
        try:
            address = meant(ipaddress.ip_address(name))
        except ValueError:
            if any(one.names(name) and _fits(one, port) for one in self._targets):
                return
        else:
            if any(one.holds(address) and _fits(one, port) for one in self._targets):
                return
            if not (
                self._inner or is_public(address)
            ):  # listed or not, which a customer need not know
                raise NotAllowed(f"{host} {WITHHELD}")
        raise NotAllowed(_refused(host, port))

    def check_address(self, host: str, port: int, address: Address) -> None:
        """See `Reach`."""
        to = meant(address)
        public = is_public(address)
        holding = [one for one in self._targets if one.holds(to) and _fits(one, port)]
        if any(public or one.explicit for one in holding):
            return
        if not public:
            why = "is not public, and no network of the list holds it" if self._inner else WITHHELD
            raise NotAllowed(f"{host} leads to {address}, which {why}")
        self.check_host(host, port)


class Everywhere:
    """No list: for whoever runs tests on their own machine."""

    def check_host(self, host: str, port: int | None) -> None:
        """See `Reach`."""

    def check_address(self, host: str, port: int, address: Address) -> None:
        """See `Reach`."""


def _fits(target: Target, port: int | None) -> bool:
    return port is None or not target.ports or port in target.ports


def _refused(host: str, port: int | None) -> str:
    where = f"{host}:{port}" if port is not None else host
    return f"{where} is not among the targets that may be tested; `deskward suite allow` adds it"


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _is_numeric(text: str) -> bool:
    """Whether it would be read as an address of IPv4 by some, such as 127.1 or 0x7f000001."""
    last = text.rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")
