"""Which notices are sent to whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from deskward.core.database import Connection, Database
from deskward.core.events import EVERY_TENANT, Kind, listen, listeners
from deskward.core.fixed import fixed
from deskward.notices.models import (
    EVERYBODY,
    FOR_CUSTOMERS,
    FOR_STAFF,
    LISTENER,
    NAMES,
    SOURCES,
    Name,
    Switch,
    switches,
)


@dataclass(frozen=True)
class NoticeRules:
    """The port by which notices know what the operator has chosen.

    Attributes:
        usual: Those that are sent where nobody has switched them.
    """

    usual: frozenset[Name] = frozenset()


_OF = fixed(
    sa.select(switches).where(
        switches.c.tenant_id == sa.bindparam("tenant"), switches.c.person == sa.bindparam("person")
    )
)


async def of(db: Connection, tenant: str, person: str) -> dict[str, bool]:
    """What was switched for a person, or for everybody: name → on or off."""
    return {row.name: row.on for row in await db.all(_OF, tenant=tenant, person=person)}


async def sent(db: Connection, tenant: str, rules: NoticeRules) -> dict[str, bool]:
    """What the desk sends at all: name → on or off."""
    return {**dict.fromkeys(rules.usual, True), **await of(db, tenant, EVERYBODY)}


async def wanted(db: Connection, tenant: str, person: str, rules: NoticeRules) -> set[str]:
    """The notices that a person gets."""
    everybodys, own = await sent(db, tenant, rules), await of(db, tenant, person)
    return {name for name, on in everybodys.items() if on and own.get(name, True)}


async def shown(db: Connection, tenant: str, person: str, rules: NoticeRules) -> list[Switch]:
    """The notices that a person may get."""
    everybodys, own = await sent(db, tenant, rules), await of(db, tenant, person)
    names: tuple[Name, ...] = FOR_CUSTOMERS if person.startswith("customer:") else FOR_STAFF
    if person == EVERYBODY:
        names = (*FOR_STAFF, *FOR_CUSTOMERS)
        own = {}
    return [
        Switch(name=name, sent=everybodys.get(name, False), wanted=own.get(name, True))
        for name in names
    ]


async def switch(
    db: Connection, tenant: str, person: str, on: Collection[Name], off: Collection[Name]
) -> None:
    """Switch notices on and off, for a person or for everybody."""
    for name in {*on, *off}:
        same = (switches.c.tenant_id == tenant) & (switches.c.person == person)
        await db.execute(sa.delete(switches).where(same, switches.c.name == name))
        row = {"tenant_id": tenant, "person": person, "name": name, "on": name in on}
        await db.execute(switches.insert(), row)
    if person == EVERYBODY:
        chosen = await of(db, tenant, EVERYBODY)
        await listen(db, tenant, LISTENER, _kinds(name for name in NAMES if chosen.get(name)))


async def listen_to_the_usual(database: Database, rules: NoticeRules) -> None:
    """Have the usual notices made of what happens in every tenant, from now on."""
    kinds = _kinds(rules.usual)
    theirs = (listeners.c.tenant_id == EVERY_TENANT) & (listeners.c.listener == LISTENER)
    rows = await database.reader.all(sa.select(listeners.c.kind).where(theirs))
    if {row.kind for row in rows} != kinds:
        async with database.transaction() as transaction:
            await listen(transaction, EVERY_TENANT, LISTENER, kinds)


def _kinds(names: Iterable[Name]) -> set[Kind]:
    """The kinds of events that notices come of."""
    return {kind for name in names for kind in SOURCES[name]}
