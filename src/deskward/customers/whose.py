"""Which customers are meant by ids, ids in other systems and mail addresses: many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.customers.models import EMAIL, addresses, customers, external_ids, merged


@dataclass
class Known:
    """Customers' ids, by what they are known by; of those who were merged, the other one's.

    Attributes:
        ids: Their own ids.
        keys: By system and id there.
        mails: By one form of a mail address.
    """

    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    mails: dict[str, str] = field(default_factory=dict)


async def known(
    db: Connection,
    tenant: str,
    ids: Iterable[str],
    keys: Iterable[tuple[str, str]],
    mails: Iterable[str],
) -> Known:
    """The customers whom these mean, by four statements."""
    found = Known()
    wanted = set(keys)

    async def rows(
        table: sa.Table, column: sa.Column[Any], values: Iterable[str]
    ) -> Sequence[sa.Row[Any]]:
        if not (listed := sorted(set(values))):
            return []
        return await db.all(sa.select(table).where(table.c.tenant_id == tenant, column.in_(listed)))

    ids = set(ids)
    found.ids = {row.id: row.merged_into for row in await rows(merged, merged.c.id, ids)}
    found.ids |= {row.id: row.id for row in await rows(customers, customers.c.id, ids)}
    for row in await rows(external_ids, external_ids.c.external_id, {key for _, key in wanted}):
        if (row.system, row.external_id) in wanted:
            found.keys[row.system, row.external_id] = row.customer_id
    for row in await rows(addresses, addresses.c.normal, mails):
        if row.kind == EMAIL:
            found.mails[row.normal] = row.customer_id
    return found
