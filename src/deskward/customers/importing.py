"""Taking over customers from a file, some hundred in one transaction.

A line is the customer of its id, else of its ids in other systems, else of its first mail address;
so the same file twice changes nothing, and an import that was killed is begun again. A cell that is
empty leaves what there is. Addresses and ids in other systems are added to those that there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import InvalidInput
from deskward.core.line_batches import LineBatch
from deskward.core.line_files import Report
from deskward.customers import service
from deskward.customers.addresses import rows_of
from deskward.customers.details import STANDARD, Checked
from deskward.customers.models import (
    EMAIL,
    PHONE,
    addresses,
    customers,
    external_ids,
    merged,
)
from deskward.customers.reading import Line

_LISTS = (EMAIL, PHONE)
_TOLD = ("name", "address", "tier", "language", "time_zone", "tags", "fields", "email", "phone")


@dataclass
class Known:
    """A customer as they are in the database, or will be.

    Attributes:
        lists: Kind of address → one form → address.
        external: System and id.
    """

    columns: dict[str, Any]
    lists: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in _LISTS})
    verified: set[str] = field(default_factory=set)
    external: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Seen:
    """What the lines before would have made and changed, where nothing is written: packed small.

    Attributes:
        packed: Customer's id → what would be known of them.
        mails: One form of a mail address → whose it would be.
        keys: System and id → whose it would be.
    """

    packed: dict[str, bytes] = field(default_factory=dict)
    mails: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def keep(self, owner: str, known: Known) -> None:
        """Remember a customer as they would be."""
        columns = {name: known.columns[name] for name in _TOLD}
        whole = [columns, known.lists, sorted(known.verified), sorted(known.external)]
        self.packed[owner] = json.dumps(whole, ensure_ascii=False).encode("utf-8", "surrogatepass")

    def known(self, owner: str) -> Known:
        """A customer as they would be."""
        columns, lists, verified, external = json.loads(self.packed[owner])
        return Known(columns, lists, set(verified), {(system, key) for system, key in external})


class Batch(LineBatch[Line, Seen]):
    """Lines that are taken over together; `seen` has what those before would have made."""

    def taking(self, db: Connection, tenant: str) -> State:
        """What takes them over."""
        return State(db, tenant, self.seen)


class State:
    """The customers whom a batch is about, read once, and kept as the batch changes them."""

    def __init__(self, db: Connection, tenant: str, seen: Seen | None) -> None:
        self._db = db
        self._seen = seen
        self._tenant = tenant
        self._known: dict[str, Known] = {}
        self._by_mail: dict[str, str] = {}
        self._by_key: dict[tuple[str, str], str] = {}
        self._gone: dict[str, str] = {}
        self._new: dict[str, Known] = {}
        """Those who are not written yet."""

    async def load(self, lines: Iterable[Line]) -> None:
        """Read what the lines could be about."""
        ids: set[str] = set()
        mails: set[str] = set()
        keys: set[tuple[str, str]] = set()
        for line in lines:
            assert line.told is not None
            ids |= {line.customer_id} if line.customer_id is not None else set()
            mails |= line.told.lists.get(EMAIL, {}).keys()
            keys |= set(line.told.external or ())
        for row in await self._rows(merged, merged.c.id, ids):
            self._gone[row.id] = row.merged_into
        mail_rows = await self._rows(addresses, addresses.c.normal, mails)
        for row in mail_rows:
            if row.kind == EMAIL:
                self._by_mail[row.normal] = row.customer_id
        for row in await self._rows(external_ids, external_ids.c.external_id, {k for _, k in keys}):
            self._by_key[row.system, row.external_id] = row.customer_id
        if self._seen is not None:
            self._by_mail |= {m: self._seen.mails[m] for m in mails & self._seen.mails.keys()}
            self._by_key |= {k: self._seen.keys[k] for k in keys & self._seen.keys.keys()}
        wanted = {*ids, *self._by_mail.values(), *self._by_key.values()}
        await self._load_known(wanted)

    async def _load_known(self, wanted: set[str]) -> None:
        for row in await self._rows(customers, customers.c.id, wanted):
            self._known[row.id] = Known(dict(row._mapping))
        found = self._known.keys()
        for row in await self._rows(addresses, addresses.c.customer_id, found, addresses.c.place):
            if row.kind in _LISTS:
                self._known[row.customer_id].lists[row.kind][row.normal] = row.value
                if row.verified_at is not None:
                    self._known[row.customer_id].verified.add(row.normal)
        for row in await self._rows(external_ids, external_ids.c.customer_id, found):
            self._known[row.customer_id].external.add((row.system, row.external_id))
        if self._seen is not None:
            self._known |= {one: self._seen.known(one) for one in wanted & self._seen.packed.keys()}

    async def _rows(
        self,
        table: sa.Table,
        column: sa.Column[Any],
        values: Iterable[Any],
        *order: sa.Column[Any],
    ) -> Sequence[sa.Row[Any]]:
        if not (wanted := sorted(values)):
            return []
        query = sa.select(table).where(table.c.tenant_id == self._tenant, column.in_(wanted))
        return await self._db.all(query.order_by(*order))

    async def take(self, line: Line) -> Report:
        """Take one line over.

        Raises:
            InvalidInput: It cannot be; says why.
        """
        told = line.told
        if told is None:
            raise InvalidInput(line.problem)
        owner = self._whose(line, told)
        if owner is None:
            return await self._create(line, told)
        before = self._known[owner]
        changes = _changes(before, told)
        if not changes:
            return Report(line.number, "unchanged", owner)
        if self._seen is None:
            await self._change(owner, before, told)
        self._remember(owner, before, told)
        return Report(line.number, "changed", owner, ", ".join(changes))

    def _whose(self, line: Line, told: Checked) -> str | None:
        """The customer of a line; None for a new one.

        Raises:
            InvalidInput: It cannot be said, or speaks of several.
        """
        by_mail = {self._by_mail.get(mail) for mail in told.lists.get(EMAIL, {})} - {None}
        by_key = {self._by_key.get(key) for key in told.external or ()} - {None}
        first = next(iter(told.lists.get(EMAIL, {})), None)
        owner = line.customer_id
        if owner in self._gone:
            raise InvalidInput(f"{owner} was merged into {self._gone[owner]}.")
        if owner is None and by_key:
            owner = sorted(filter(None, by_key))[0]
        if owner is None and first is not None and not told.external:
            owner = self._by_mail.get(first)
        if owner is None and not told.external and first is None:
            raise InvalidInput("It has no id and no mail address by which it would be known again.")
        if others := (by_mail | by_key) - {owner}:
            whose = ", ".join(sorted(filter(None, others)))
            raise InvalidInput(f"A mail address or an id in another system is that of {whose}.")
        return owner if owner in self._known else None

    async def _create(self, line: Line, told: Checked) -> Report:
        if "name" not in told.columns:
            raise InvalidInput("It has no name, and there is no such customer.")
        owner = line.customer_id
        if owner is None:
            dry = self._seen is not None
            owner = (
                f"(line {line.number})" if dry else await service.next_id(self._db, self._tenant)
            )
        moment = now()
        columns = {
            "tenant_id": self._tenant,
            "id": owner,
            **dict.fromkeys(("email", "phone", "address", "language", "time_zone")),
            "tier": STANDARD,
            "tags": [],
            **told.columns,
            "fields": {name: value for name, value in told.fields.items() if value is not None},
            "created_at": moment,
            "updated_at": moment,
            "revision": 1,
        }
        made = self._known[owner] = Known(columns)
        self._remember(owner, made, told)
        if self._seen is None:
            self._new[owner] = made
        return Report(line.number, "created", owner)

    async def _change(self, owner: str, before: Known, told: Checked) -> None:
        await self.flush()
        lists = {kind: {**given, **before.lists[kind]} for kind, given in told.lists.items()}
        primary = {kind: next(iter(both.values()), None) for kind, both in lists.items()}
        both = sorted({*before.external, *(told.external or ())})
        columns = {**told.columns, **primary}
        whole = Checked(
            columns,
            lists,
            told.verified,
            both if told.external is not None else None,
            told.fields,
        )
        await service.write(self._db, self._tenant, owner, whole, before.columns["fields"])

    def _remember(self, owner: str, known: Known, told: Checked) -> None:
        known.columns.update(told.columns)
        fields = {**known.columns["fields"], **told.fields}
        known.columns["fields"] = {n: value for n, value in fields.items() if value is not None}
        for kind, given in told.lists.items():
            known.lists[kind] = {**given, **known.lists[kind]}
            known.columns[kind] = next(iter(known.lists[kind].values()), None)
        known.verified |= told.verified
        known.external |= set(told.external or ())
        self._by_mail |= dict.fromkeys(told.lists.get(EMAIL, {}), owner)
        self._by_key |= dict.fromkeys(told.external or (), owner)
        if self._seen is not None:
            self._seen.mails |= dict.fromkeys(told.lists.get(EMAIL, {}), owner)
            self._seen.keys |= dict.fromkeys(told.external or (), owner)
            self._seen.keep(owner, known)

    async def flush(self) -> None:
        """Write those who are new."""
        if not self._new:
            return
        new, self._new = self._new, {}
        await self._db.execute(customers.insert(), [known.columns for known in new.values()])
        reached = [
            row
            for owner, known in new.items()
            for kind in _LISTS
            for row in rows_of(self._tenant, owner, kind, known.lists[kind], known.verified)
        ]
        if reached:
            await self._db.execute(addresses.insert(), reached)
        elsewhere = [
            {"tenant_id": self._tenant, "system": s, "external_id": key, "customer_id": owner}
            for owner, known in new.items()
            for s, key in sorted(known.external)
        ]
        if elsewhere:
            await self._db.execute(external_ids.insert(), elsewhere)


def _changes(before: Known, told: Checked) -> list[str]:
    """The names of what a line would change."""
    plain = {name: value for name, value in told.columns.items() if name not in ("folded", *_LISTS)}
    found = [name for name, value in plain.items() if before.columns[name] != value]
    for kind, given in told.lists.items():
        if list({**given, **before.lists[kind]}.items()) != list(before.lists[kind].items()):
            found.append(f"{kind}s")
    if told.verified - before.verified:
        found.append("verified")
    if set(told.external or ()) - before.external:
        found.append("external_ids")
    fields = before.columns["fields"]
    return found + [f"field:{n}" for n, value in told.fields.items() if fields.get(n) != value]
