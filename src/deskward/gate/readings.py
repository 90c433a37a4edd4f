"""What has been read by whom, and by whose hand records were written: what is known of provenance.

A session, or a key, that has read a text which others wrote is tainted by it from then on, whatever
becomes of the conversation's messages: this is kept beside it, in the same commit as the row of the
call that read it, and it only grows. Only a person clears it (`clear_taint`), or a new session.

A record keeps who wrote it in the same way: the label of a person who wrote it by hand, or what the
agent had read that did. So a text that goes through a record into another session does not come out
clean ("laundering").
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.fixed import fixed
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, LABEL, VALUE
from deskward.gate.provenance import BY_HAND, CUSTOMER, Found, Record
from deskward.security.principals import Kind, Principal, Proof

REMEMBERED = 1.0
"""Seconds for which a process believes what it knows of a key, where a call only reads."""
MOST = 10_000
"""Keys and sessions of which that is remembered."""

OUTSIDE = "outside"
"""What an outside server says, in answers as in descriptions of its tools."""

provenance = sa.Table(
    "provenance",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("kind", sa.String(16), primary_key=True, info=IMPERSONAL),
    sa.Column("owner", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("id", sa.String(255), primary_key=True, info=VALUE),
    sa.Column("source", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("since", UtcDateTime, nullable=False),
)
"""`kind`, `owner` and `id` name who has read, or a record (`Record`). `source` is a writer
(`core/written.py`) or, of a record, the label of whoever wrote it by hand."""

_OF = fixed(
    sa.select(provenance.c.source).where(
        provenance.c.tenant_id == sa.bindparam("tenant"),
        provenance.c.kind == sa.bindparam("kind"),
        provenance.c.owner == sa.bindparam("owner"),
        provenance.c.id == sa.bindparam("id"),
    )
)
_OF_SEVERAL = sa.select(provenance.c.id, provenance.c.source).where(
    provenance.c.tenant_id == sa.bindparam("tenant"),
    provenance.c.kind == sa.bindparam("kind"),
    provenance.c.id.in_(sa.bindparam("ids", expanding=True)),
)
_NOTE = fixed(insert_or_ignore(provenance, "tenant_id", "kind", "owner", "id", "source", "since"))
_CLEAR = fixed(
    sa.delete(provenance).where(
        provenance.c.tenant_id == sa.bindparam("tenant"),
        provenance.c.kind == sa.bindparam("kind"),
        provenance.c.owner == sa.bindparam("owner"),
        provenance.c.id == sa.bindparam("id"),
    )
)


class Reading:
    """Whose texts somebody has read. Whatever copy of a call's context holds it: it is one."""

    __slots__ = ("holder", "sources", "stored")

    def __init__(self, sources: Iterable[str] = ()) -> None:
        self.sources = frozenset(sources)
        self.stored: frozenset[str] = frozenset()
        """Those of them that are kept already."""
        self.holder: Record | None = None
        """Of whom that is known."""

    def add(self, sources: Iterable[str]) -> None:
        """Something more was read."""
        self.sources |= frozenset(sources)

    def load(self, holder: Record, stored: frozenset[str]) -> None:
        """This is kept of it."""
        self.holder = holder
        self.stored = stored
        self.sources |= stored

    @property
    def unstored(self) -> frozenset[str]:
        """What is not kept yet."""
        return self.sources - self.stored

    def kept(self) -> None:
        """All of it is kept by now."""
        self.stored = self.sources


class Readings:
    """Loads and keeps what has been read and written by whom."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Record], tuple[float, frozenset[str]]] = {}

    async def load(
        self, db: Connection, tenant: str, holder: Record, reading: Reading, *, fresh: bool
    ) -> None:
        """Have a reading know what is kept of it.

        Args:
            fresh: Whether another process's newest word counts; otherwise one of a second ago does.
        """
        if holder.kind == "session":
            if reading.holder != holder:  # while its turn is answered here, nobody else adds to it
                reading.load(holder, await sources_of(db, tenant, holder))
            return
        deadline, known = self._known.get((tenant, holder), (0.0, frozenset()))
        if fresh or deadline < time.monotonic():
            known = await sources_of(db, tenant, holder)
            self._remember(tenant, holder, known)
        reading.load(holder, known)

    def kept(self, tenant: str, holder: Record | None, reading: Reading) -> None:
        """What was read is committed."""
        if holder is not None and reading.unstored:
            reading.kept()
            if holder.kind != "session":
                self._remember(tenant, holder, reading.stored)

    def _remember(self, tenant: str, holder: Record, sources: frozenset[str]) -> None:
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[tenant, holder] = (time.monotonic() + REMEMBERED, sources)

    async def clear(self, db: Connection, tenant: str, holder: Record) -> int:
        """Forget what was read; gives how many sources that were."""
        self._known.pop((tenant, holder), None)
        return await db.change(_CLEAR, {"tenant": tenant, **holder._asdict()})


async def sources_of(db: Connection, tenant: str, record: Record) -> frozenset[str]:
    """What is kept of a holder, or of a record."""
    kind, key, owner = record
    rows = await db.all(_OF, tenant=tenant, kind=kind, id=key, owner=owner)
    return frozenset(row.source for row in rows)


async def note(db: Connection, tenant: str, record: Record, sources: Iterable[str]) -> None:
    """Keep sources of a holder, or of a record."""
    kind, key, owner = record
    whose = {"tenant_id": tenant, "kind": kind, "id": key, "owner": owner}
    for source in sorted(sources):
        await db.change(_NOTE, {**whose, "source": source, "since": now()})


async def sources_in(db: Connection, principal: Principal, found: Found) -> frozenset[str]:
    """What whoever reads an answer is tainted by.

    A customer's data are their own words where nobody but they have written the record, by hand; of
    their profile also where nobody has, since it came from the operator's own books.
    What staff alone wrote by hand taints nobody of the staff.
    """
    sources = set(found.writers)
    told = {record: writers for record, writers in found.records.items() if writers}
    written = await _written(db, principal.tenant, told)
    for record, writers in told.items():
        hands = written.get(record, frozenset())
        told_of = writers - _own(record, hands, principal)
        if told_of & BY_HAND:
            sources |= {source for source in hands if ":" not in source}
        sources |= {"customer" if writer == "owner" else writer for writer in told_of}
    return frozenset(sources)


def hand_of(principal: Principal, reading: Reading, *, by_model: bool) -> frozenset[str]:
    """What a record is noted to have been written by, where this caller writes it."""
    if by_model and reading.sources:
        return reading.sources
    if principal.kind is Kind.SERVICE or principal.proof < Proof.VOUCHED:
        return frozenset({principal.kind.value})
    return frozenset({principal.label})


def _own(record: Record, hands: frozenset[str], principal: Principal) -> frozenset[str]:
    """The writers whose texts in a record are no others' to a reader."""
    if not hands and record == Record(CUSTOMER, principal.id, principal.label):
        return frozenset({"owner"})
    if hands and principal.kind is Kind.STAFF:
        by_staff = all(hand.startswith(("staff:", "cli:")) for hand in hands)
        return BY_HAND if by_staff else frozenset()
    return frozenset({"owner"}) if hands == {principal.label} else frozenset()


async def _written(
    db: Connection, tenant: str, records: Mapping[Record, object]
) -> dict[Record, frozenset[str]]:
    """By whose hands records were written."""
    if len(records) < 3:
        return {record: await sources_of(db, tenant, record) for record in records}
    found: dict[Record, set[str]] = {}
    for kind in sorted({record.kind for record in records}):
        ids = {record.id: record for record in records if record.kind == kind}
        for row in await db.all(_OF_SEVERAL, tenant=tenant, kind=kind, ids=list(ids)):
            found.setdefault(ids[row.id], set()).add(row.source)
    return {record: frozenset(hands) for record, hands in found.items()}
