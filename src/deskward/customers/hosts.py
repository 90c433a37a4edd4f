"""Which hosts are a customer's alone: what tells of one of them tells of the customer."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import idna
import sqlalchemy as sa
import yaml

from deskward.core.database import Connection, metadata
from deskward.core.personal import MACHINES, OWNER, columns
from deskward.customers.models import addresses, customers
from deskward.customers.signs import Person
from deskward.security import tenants

MOST = 200
"""Hosts of a customer that are looked at."""
_HOST = re.compile(r"(?<![\w.-])(?:[^\W_](?:[\w-]{0,62}\w)?\.)+[^\W\d_][\w-]{1,62}")
_MAIL = re.compile(r"[^@\s]{1,64}@([^@\s]{1,255})")
_ENDING = re.compile(r"[a-z]{2,3}|(?:com?|ne|net|org?)\.[a-z]{2}")
"""What stands behind a provider's name, and not behind that of a machine: "mail.acme.example"."""
_PROVIDERS = Path(__file__).with_name("mail_providers.yaml")


async def hosts_of(db: Connection, tenant: str, person: Person) -> tuple[str, ...]:
    """The hosts that are somebody's and nobody else's of the tenant, nor the tenant's own.

    They are the domains of their mail, and what rows of theirs tell where machines are told of.
    A provider's domain is nobody's own: one that is known as such, and any other as soon as two
    customers are there. A name of other letters is there as people and as machines write it.
    """
    told = [person.email, *(text for kind, text in person.also if kind == "email")]
    found = {match[1].casefold() for text in told if (match := _MAIL.fullmatch(text))}
    for table in _tables():
        for name in table.info[MACHINES]:
            (owner,) = columns(table, OWNER)
            query = sa.select(table.c[name]).where(
                table.c.tenant_id == tenant, owner.in_(person.ids)
            )
            for row in await db.all(query.limit(MOST)):
                found |= {host for text in _texts(row[0]) if (host := _host(text))}
    own = await tenants.find(db, tenant)
    kept = {name.casefold() for name in own.mail_domains} if own is not None else set()
    found -= {one for one in found if any(_within(one, name) for name in kept)}
    mine = sorted(one for one in found if not _is_anybodys(one))
    owned = [one for one in mine[:MOST] if not await _is_shared(db, tenant, person, one)]
    return tuple(sorted({form for one in owned for form in _forms(one)}))


def _forms(host: str) -> set[str]:
    """A host as it may be written: with other letters, as ASCII, and an address at its shortest."""
    if _is_address(host):
        return {host, str(ipaddress.ip_address(host))}
    forms = {host}
    try:
        forms.add(idna.encode(host, uts46=True).decode())
        forms.add(idna.decode(host, uts46=True).casefold())
    except UnicodeError:  # no name of the DNS
        pass
    return forms


def _is_anybodys(host: str) -> bool:
    """Whether anybody can have a mail address there."""
    name, _, ending = host.partition(".")
    known = _providers()
    return host in known["domains"] or (
        name in known["names"] and _ENDING.fullmatch(ending) is not None
    )


@cache
def _providers() -> Mapping[str, frozenset[str]]:
    read = yaml.load(_PROVIDERS.read_text("utf-8"), Loader=yaml.CBaseLoader)
    return {name: frozenset(domains) for name, domains in read.items()}


async def _is_shared(db: Connection, tenant: str, person: Person, host: str) -> bool:
    """Whether another customer has mail there, above or below, or machines."""
    return any([await _has_others(db, tenant, person, one) for one in sorted(_forms(host))])


async def _has_others(db: Connection, tenant: str, person: Person, host: str) -> bool:
    above = [host]
    while host.count(".") and "." in above[-1].partition(".")[2] and not _is_address(host):
        above.append(above[-1].partition(".")[2])
    for owner, column in (
        (customers.c.id, customers.c.email),
        (addresses.c.customer_id, addresses.c.value),
    ):
        ends = [column.iendswith(f"@{one}", autoescape=True) for one in above]
        ends.append(column.iendswith(f".{host}", autoescape=True))
        if await _is_there(db, owner, tenant, person, sa.or_(*ends)):
            return True
    for table in _tables():
        (owner,) = columns(table, OWNER)
        for name in table.info[MACHINES]:
            text = sa.cast(table.c[name], sa.Text)
            if await _is_there(db, owner, tenant, person, text.icontains(host, autoescape=True)):
                return True
    return False


async def _is_there(
    db: Connection, owner: sa.Column[Any], tenant: str, person: Person, like: Any
) -> bool:
    others = owner.is_not(None) & owner.not_in(person.ids)
    query = sa.select(owner).where(owner.table.c.tenant_id == tenant, others, like).limit(1)
    return await db.first(query) is not None


def is_nobodys(table: sa.Table, row: Mapping[Any, Any]) -> bool:
    """Whether a row tells of machines, and is no customer's."""
    return MACHINES in table.info and not any(row[one] for one in columns(table, OWNER))


def as_text(documents: list[Any]) -> str:
    """Documents as a text in which hosts are looked for."""
    return json.dumps(documents, ensure_ascii=False)


def _tables() -> list[sa.Table]:
    return [table for table in metadata.sorted_tables if MACHINES in table.info]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _host(text: str) -> str | None:
    """The host that a text is, or is the address of; None where it is none."""
    plain = text.strip().casefold()
    if match := _MAIL.fullmatch(plain):
        plain = match[1]
    if _is_address(plain):  # an IPv6 address has colons of its own
        return plain
    try:
        host = urlsplit(plain if "://" in plain else f"//{plain}").hostname or ""
    except ValueError:
        return None
    return host if _HOST.fullmatch(host) or _is_address(host) else None


def _is_address(host: str) -> bool:
    """Whether it is an address that is one machine's in the whole internet."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
