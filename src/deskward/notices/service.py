"""Which notices are sent to whom."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.core.events import listen
from deskward.core.fixed import fixed
from deskward.notices.models import (
    EVERYBODY,
    FOR_CUSTOMERS,
    FOR_STAFF,
    LISTENER,
    SOURCES,
    Name,
    Switch,
    switches,
)

_OF = fixed(
    sa.select(switches).where(
        switches.c.tenant_id == sa.bindparam("tenant"), switches.c.person == sa.bindparam("person")
    )
)


async def of(db: Connection, tenant: str, person: str) -> dict[str, bool]:
    """What was switched for a person, or for everybody: name → on or off."""
    return {row.name: row.on for row in await db.all(_OF, tenant=tenant, person=person)}


async def wanted(db: Connection, tenant: str, person: str) -> set[str]:
    """The notices that a person gets."""
    everybodys, own = await of(db, tenant, EVERYBODY), await of(db, tenant, person)
    return {name for name, on in everybodys.items() if on and own.get(name, True)}


async def shown(db: Connection, tenant: str, person: str) -> list[Switch]:
    """The notices that a person may get."""
    everybodys, own = await of(db, tenant, EVERYBODY), await of(db, tenant, person)
    names: tuple[Name, ...] = FOR_CUSTOMERS if person.startswith("customer:") else FOR_STAFF
    if person == EVERYBODY:
        names = (*FOR_STAFF, *FOR_CUSTOMERS)
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
        sent = await of(db, tenant, EVERYBODY)
        kinds = {kind for name, kinds in SOURCES.items() if sent.get(name) for kind in kinds}
        await listen(db, tenant, LISTENER, kinds)
