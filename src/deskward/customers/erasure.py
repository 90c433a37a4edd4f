"""Erasing a customer: every row that is theirs, and every trace of them in the rows of others.

It goes by what the columns declare (`core/personal.py`), within the customer's tenant, and touches
nothing else. What is theirs goes in one transaction, with their keys and sessions. Traces in the
rows of others are looked for by a job, page by page, which another process goes on with where one
stopped; what it looks for is sealed under a key of its own, which goes when it is done.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, Database, metadata
from deskward.core.jobs import Job
from deskward.core.personal import (
    DOCUMENT,
    LABEL,
    MACHINES,
    OWNER,
    REWORDED,
    TEXT,
    TOGETHER,
    columns,
)
from deskward.customers.hosts import as_text, hosts_of, is_nobodys
from deskward.customers.models import Customer, addresses, customers, external_ids, merged
from deskward.customers.signs import Person, Signs, Told
from deskward.gate.context import new_id
from deskward.gate.ledger.subject_keys import SubjectKeys, seal, unseal
from deskward.security.key_rows import forget_subject
from deskward.security.principals import Kind

TRACES = "erase_traces"
"""The kind of job that takes a customer out of the rows of others."""
SCRUB = "scrub"
"""The kind of job that takes what was erased out of the database's files."""
PAGE = 200
MOST_OTHERS = 1000
"""How many other customers' texts are looked at that contain one of this one."""

_ID_KEYS = frozenset({"customer_id", "user_id", "about"})
"""Names under which documents hold a customer's id."""


async def erase(
    db: Connection,
    keys: SubjectKeys,
    tenant: str,
    customer: Customer,
    *,
    approval_id: str | None = None,
) -> int:
    """Delete all that is a customer's, and queue the search for traces; returns the rows deleted.

    Args:
        keys: The ledger's; theirs is destroyed.
        approval_id: Whoever waits for this approval waits for the search as well.
    """
    person = await _person(db, tenant, customer)
    await forget_subject(db, tenant, Kind.CUSTOMER, person.customer_id)
    others = await _others(db, tenant, person)
    count = 0
    for table in reversed(metadata.sorted_tables):
        if theirs := _theirs(table, tenant, person):
            result = await db.execute(sa.delete(table).where(sa.or_(*theirs)))
            count += result.rowcount
    for known in person.ids:
        await keys.erase(db, tenant, known)
    job = new_id()
    tables = [table.name for table in _searched()]
    search = Search(tenant, person, others, tables, approval_id=approval_id)
    await jobs.add(db, job, TRACES, await search.sealed(db, keys, job))
    return count


async def _person(db: Connection, tenant: str, customer: Customer) -> Person:
    """All that a customer is told by."""
    whose = {
        table: await db.all(
            sa.select(table).where(table.c.tenant_id == tenant, owner == customer.customer_id)
        )
        for table, owner in (
            (addresses, addresses.c.customer_id),
            (external_ids, external_ids.c.customer_id),
            (merged, merged.c.merged_into),
        )
    }
    before = whose[merged]
    also: list[tuple[Told, str]] = [
        *(("email" if "@" in row.value else "phone", row.value) for row in whose[addresses]),
        *(("number", row.external_id) for row in whose[external_ids]),
        *(("id", row.id) for row in before),
        *(("name", row.name) for row in before),
        *(("address", row.address) for row in before if row.address),
    ]
    person = Person(
        customer.customer_id,
        customer.name,
        customer.email or "",
        customer.phone or "",
        customer.address or "",
        tuple(also),
    )
    return replace(person, hosts=await hosts_of(db, tenant, person))


def _theirs(table: sa.Table, tenant: str, person: Person) -> list[Any]:
    """What tells the customer's rows of a table."""
    if "tenant_id" not in table.c:
        return []
    of_tenant = table.c.tenant_id == tenant
    labels = [f"customer:{known}" for known in person.ids]
    found: list[Any] = [of_tenant & column.in_(person.ids) for column in columns(table, OWNER)]
    found += [of_tenant & column.in_(labels) for column in columns(table, LABEL)]
    for key in table.foreign_key_constraints:
        parent = key.referred_table
        if parent is table or not (above := _theirs(parent, tenant, person)):
            continue
        pairs = list(zip(key.columns, key.elements, strict=True))
        same = [column == element.column for column, element in pairs]
        found.append(sa.exists().where(*same, sa.or_(*above)))
    return found


async def _others(db: Connection, tenant: str, person: Person) -> list[tuple[str, str]]:
    """Texts of other customers that hold one of the person's: customer's id, text."""
    found: list[tuple[str, str]] = []
    sought = [
        *((customers.c.id, customers.c[name]) for name in ("name", "email", "phone", "address")),
        (addresses.c.customer_id, addresses.c.value),
    ]
    for mark in person.marks:
        for owner, column in sought:
            rows = await db.all(
                sa.select(owner, column)
                .where(
                    owner.table.c.tenant_id == tenant,
                    owner != person.customer_id,
                    column.icontains(mark, autoescape=True),
                )
                .limit(MOST_OTHERS)
            )
            found += [(str(other), str(text)) for other, text in map(tuple, rows)]
    return list(dict.fromkeys(found))


def _searched() -> list[sa.Table]:
    """The tables in whose rows others may speak of a customer."""
    return [
        table
        for table in metadata.sorted_tables
        if columns(table, TEXT) or columns(table, DOCUMENT)
    ]


@dataclass(frozen=True)
class Search:
    """How far the search for a customer's traces is.

    Attributes:
        others: Texts of other customers that hold one of the person's: customer's id, text.
        tables: The tables left to search; the first one is under way.
        after: The key of the last row that was looked at in it.
        approval_id: The approval that the erasure was made with, where it needed one.
    """

    tenant: str
    person: Person
    others: list[tuple[str, str]]
    tables: list[str] = field(default_factory=list)
    after: list[Any] | None = None
    approval_id: str | None = None

    async def sealed(self, db: Connection, keys: SubjectKeys, job: str) -> dict[str, str]:
        """What the job keeps, under a key of the job's own."""
        key = await keys.of(db, self.tenant, _subject(job))
        sealed = seal([key], json.dumps(asdict(self)).encode(), job.encode())
        return {
            "tenant": self.tenant,
            "approval_id": self.approval_id or "",
            "sealed": base64.b64encode(sealed).decode(),
        }

    @classmethod
    async def opened(cls, db: Connection, keys: SubjectKeys, job: Job) -> Search:
        """What the job kept."""
        key = await keys.of(db, job.payload["tenant"], _subject(job.id))
        told = json.loads(
            unseal([key], base64.b64decode(job.payload["sealed"]), job.id.encode()).decode()
        )
        others = [(owner, text) for owner, text in told["others"]]
        person = told["person"]
        also = tuple((kind, text) for kind, text in person.get("also", ()))
        known = {**person, "also": also, "hosts": tuple(person.get("hosts", ()))}
        return cls(**{**told, "person": Person(**known), "others": others})

    def signs(self, owner: str) -> Signs:
        """What to look for in the rows of a customer, or of anybody else.

        What another customer is told by too is theirs in their own rows.
        """
        own = [text for named, text in self.others if named == owner]
        return Signs(self.person, own=own, others=[text for _, text in self.others])


def _subject(job: str) -> str:
    return f"\0erasure {job}"  # no customer's id has that form


async def search(database: Database, keys: SubjectKeys, job: Job) -> None:
    """Do the job: take the customer out of the rows of others, and then the files.

    Raises:
        JobLost: Another process has it.
    """
    if not job.payload:
        return  # it was done, and only its end was not written down
    state = await Search.opened(database.reader, keys, job)
    while state.tables:
        async with database.transaction() as transaction:
            await job.hold(transaction)
            state = await _page(transaction, state)
            if state.tables:
                await job.keep(transaction, await state.sealed(transaction, keys, job.id))
            else:
                await keys.erase(transaction, state.tenant, _subject(job.id))
                await job.keep(transaction, {})
                await jobs.add(transaction, new_id(), SCRUB, {})


async def _page(db: Connection, state: Search) -> Search:
    """Look at one page of rows; returns how far the search is then."""
    table = metadata.tables[state.tables[0]]
    key = list(table.primary_key.columns)
    told = [*columns(table, TEXT), *columns(table, DOCUMENT)]
    beside = [table.c[table.info[TOGETHER]]] if TOGETHER in table.info else []
    whose = columns(table, OWNER) if MACHINES in table.info else []
    wanted = list(dict.fromkeys([*key, *told, *beside, *whose]))
    query = sa.select(*wanted, _whose(table).label("whose")).where(
        table.c.tenant_id == state.tenant
    )
    if state.after is not None:
        last = [
            sa.literal(value, column.type) for value, column in zip(state.after, key, strict=True)
        ]
        query = query.where(sa.tuple_(*key) > sa.tuple_(*last))
    rows = await db.all(query.order_by(*key).limit(PAGE))
    sharers = {owner for owner, _ in state.others}
    signs = {owner: state.signs(owner) for owner in ("", *sharers)}
    for row in rows:
        owner = (row.whose or "").removeprefix("customer:")
        await _clean(db, table, state.tenant, row, signs[owner if owner in sharers else ""])
    if len(rows) < PAGE:
        return replace(state, tables=state.tables[1:], after=None)
    return replace(state, after=list(rows[-1][: len(key)]))


def _whose(table: sa.Table) -> sa.ColumnElement[Any]:
    """The id or label of whom a row is, or what it hangs on."""
    if named := [*columns(table, OWNER), *columns(table, LABEL)]:
        return sa.func.coalesce(*named, "")
    for key in table.foreign_key_constraints:
        pairs = zip(key.columns, key.elements, strict=True)
        same = [column == element.column for column, element in pairs]
        return sa.select(_whose(key.referred_table)).where(*same).scalar_subquery()
    return sa.literal("")


async def _clean(
    db: Connection, table: sa.Table, tenant: str, row: sa.Row[Any], signs: Signs
) -> None:
    """Take the person out of a row, or the row away."""
    told = row._mapping
    of_tenant = table.c.tenant_id == tenant
    same = sa.and_(of_tenant, *(column == told[column] for column in table.primary_key.columns))
    texts = {column: told[column] for column in columns(table, TEXT) if told[column]}
    named = [texts.pop(column) for column in table.primary_key if column in texts]
    documents = [told[column] for column in columns(table, DOCUMENT) if told[column]]
    if (
        any(map(signs.in_text, named))
        or any(signs.in_document(document, _ID_KEYS) for document in documents)
        or (is_nobodys(table, told) and signs.names_host(as_text(documents)))
    ):
        if TOGETHER in table.info:
            column = table.c[table.info[TOGETHER]]
            same = of_tenant & (column == told[column])
        await db.execute(sa.delete(table).where(same))
        return
    changed = {column: signs.without(text) for column, text in texts.items()}
    changed = {column: text for column, text in changed.items() if text != texts[column]}
    if changed:
        await db.execute(sa.update(table).where(same).values(changed))
        if REWORDED in table.info:
            await table.info[REWORDED](db, row)
