"""Taking over tickets with their messages from a file, some in one transaction.

A line's ticket is known again by its system and its id there, so the same file twice changes
nothing, and an import that was killed is begun again. To a ticket that is here already, messages
are added that it does not have; what stands on it stays as the desk has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import InvalidInput
from deskward.core.line_batches import LineBatch
from deskward.core.line_files import Report
from deskward.customers.whose import Known, known
from deskward.security import members
from deskward.security.principals import Kind
from deskward.staff import service as staff
from deskward.text.indexing import words_to_keep
from deskward.tickets.file_lines import Line, TicketLine
from deskward.tickets.messages import ticket_messages
from deskward.tickets.models import MAX_BODY, ticket_numbers, tickets
from deskward.tickets.sources import ticket_sources
from deskward.tickets.words import ticket_words


class Batch(LineBatch[Line, set[tuple[str, str]]]):
    """Lines that are taken over together; `seen` has what those before would have made."""

    def taking(self, db: Connection, tenant: str) -> _State:
        """What takes them over."""
        return _State(db, tenant, self.seen)


class _State:
    """What a batch is about, read once, and kept as the batch changes it."""

    def __init__(self, db: Connection, tenant: str, seen: set[tuple[str, str]] | None) -> None:
        self._db = db
        self._tenant = tenant
        self._seen = seen
        self._here: dict[tuple[str, str], int] = {}
        self._held: dict[str, int] = {}
        """Message's id → the ticket that has it."""
        self._owners = Known()
        self._workers: dict[str, str | None] = {}
        self._rows: dict[sa.Table, list[dict[str, Any]]] = {}

    async def load(self, lines: Sequence[Line]) -> None:
        """Read what the lines could be about."""
        told = [line.told for line in lines if line.told is not None]
        elsewhere = [one.customer.external_id for one in told if one.customer.external_id]
        self._owners = await known(
            self._db,
            self._tenant,
            {one.customer.id for one in told if one.customer.id is not None},
            {(one.system, one.id) for one in elsewhere},
            {line.mail for line in lines if line.mail is not None},
        )
        wanted = {line.key for line in lines}
        ids = ticket_sources.c.external_id.in_(sorted({key for _, key in wanted}))
        for row in await self._all(ticket_sources, ids):
            if (row.system, row.external_id) in wanted:
                self._here[row.system, row.external_id] = row.number
        names = sorted({name for line in lines for name in line.names})
        for start in range(0, len(names), 5_000):
            some = ticket_messages.c.id.in_(names[start : start + 5_000])
            columns = ticket_messages.c.id, ticket_messages.c.number
            found = sa.select(*columns).where(ticket_messages.c.tenant_id == self._tenant, some)
            self._held |= {row.id: row.number for row in await self._db.all(found)}

    async def _all(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
        return await self._db.all(sa.select(table).where(table.c.tenant_id == self._tenant, *where))

    async def take(self, line: Line) -> Report:
        """Take one line over.

        Raises:
            InvalidInput: It cannot be; says why.
        """
        told = line.told
        if told is None:
            raise InvalidInput(line.problem)
        number = self._here.get(line.key)
        if number is None:  # what this desk has exported itself is known by its messages
            number = next((self._held[one] for one in line.names if one in self._held), None)
        if self._seen is not None and line.key in self._seen:
            return Report(line.number, "unchanged", told="It stands in the file before.")
        if number is None:
            return await self._create(line, told)
        missing = [place for place, name in enumerate(line.names) if name not in self._held]
        if not missing:
            return Report(line.number, "unchanged", f"T{number}")
        if self._seen is None:
            await self._add(line, told, number, missing)
        return Report(line.number, "changed", f"T{number}", f"{len(missing)} messages")

    def _owner(self, line: Line, told: TicketLine) -> str:
        """The customer of a line.

        Raises:
            InvalidInput: There is no such customer.
        """
        who = told.customer
        if who.id is not None:
            owner, name = self._owners.ids.get(who.id), who.id
        elif who.external_id is not None:
            key = who.external_id
            owner, name = self._owners.keys.get((key.system, key.id)), f"{key.system}:{key.id}"
        else:
            owner, name = self._owners.mails.get(line.mail or ""), who.email or ""
        if owner is None:
            raise InvalidInput(f"There is no customer {name[:80]!r}. Import the customers before.")
        return owner

    async def _worker(self, name: str | None) -> str | None:
        """The member of staff of that name, also one who does not work here any more.

        Raises:
            InvalidInput: There is none.
        """
        if name is None:
            return None
        if name not in self._workers:
            found: members.Member | None = await staff.find(self._db, self._tenant, name)
            self._workers[name] = found.id if found is not None else None
        if (worker := self._workers[name]) is None:
            raise InvalidInput(
                f"assignee: {name!r} is no member of staff: `deskward staff add` admits somebody."
            )
        return worker

    async def _create(self, line: Line, told: TicketLine) -> Report:
        owner, worker = self._owner(line, told), await self._worker(told.assignee)
        if self._seen is not None:
            self._seen.add(line.key)
            return Report(line.number, "created", f"(line {line.number})")
        number = await ticket_numbers.next(self._db, self._tenant)
        created = told.created_at or min(one.created_at for one in told.messages)
        updated = told.updated_at or max(created, *(one.created_at for one in told.messages))
        ended = told.resolved_at or (updated if told.status == "resolved" else None)
        replies = [one for one in told.messages if one.kind == "message" and one.by != "customer"]
        self._row(
            tickets,
            number=number,
            customer_id=owner,
            subject=told.subject,
            body=told.messages[0].text[:MAX_BODY],
            note=None,
            status=told.status,
            priority=told.priority,
            assignee=worker,
            reply=replies[-1].text if replies else None,
            revision=1,
            created_at=created,
            updated_at=updated,
            team=told.team,
            tags=list(dict.fromkeys(told.tags)) or None,
            fields=told.fields or None,
            language=told.language,
            source=told.channel,
            resolved_at=ended if told.status in ("resolved", "closed") else None,
            spam=told.spam,
            messages=len(told.messages),
            heard=sum(one.by == "customer" for one in told.messages),
        )
        system, key = line.key
        self._row(ticket_sources, system=system, external_id=key, number=number)
        self._messages(line, told, number, range(len(told.messages)), 0, owner)
        self._here[line.key] = number
        return Report(line.number, "created", f"T{number}")

    def _messages(
        self,
        line: Line,
        told: TicketLine,
        number: int,
        places: Sequence[int],
        before: int,
        owner: str,
    ) -> None:
        """Have messages of a line written, behind so many."""
        names = line.names
        for seq, place in enumerate(places, start=before + 1):
            one = told.messages[place]
            author = one.author or (owner if one.by == Kind.CUSTOMER.value else "")
            self._row(
                ticket_messages,
                number=number,
                seq=seq,
                id=names[place],
                kind=one.kind,
                author=f"{one.by}:{author}",
                channel=one.channel or told.channel,
                text=one.text,
                delivery="none",
                created_at=one.created_at,
                by_moment=True,
            )
            self._held[names[place]] = number
            if words := words_to_keep(f"{told.subject}\n{one.text}" if seq == 1 else one.text):
                self._row(ticket_words, number=number, seq=seq, words=words)

    async def _add(self, line: Line, told: TicketLine, number: int, missing: Sequence[int]) -> None:
        """Add messages to a ticket that is here, or to the one that it was merged into."""
        await self.flush()
        heard = sum(told.messages[place].by == "customer" for place in missing)
        while True:
            this = (tickets.c.tenant_id == self._tenant) & (tickets.c.number == number)
            row = (
                await self._db.execute(
                    sa.update(tickets)
                    .where(this, tickets.c.merged_into.is_(None))
                    .values(
                        messages=tickets.c.messages + len(missing),
                        heard=tickets.c.heard + heard,
                        revision=tickets.c.revision + 1,
                        updated_at=now(),
                    )
                    .returning(tickets.c.messages, tickets.c.customer_id)
                )
            ).first()
            if row is not None:
                break
            merged = await self._db.first(sa.select(tickets.c.merged_into).where(this))
            assert merged is not None
            number = merged[0]
        self._messages(line, told, number, missing, row.messages - len(missing), row.customer_id)

    def _row(self, table: sa.Table, **values: Any) -> None:
        self._rows.setdefault(table, []).append({"tenant_id": self._tenant, **values})

    async def flush(self) -> None:
        """Write what is new."""
        for table in (tickets, ticket_sources, ticket_messages, ticket_words):
            if rows := self._rows.pop(table, None):
                await self._db.execute(table.insert(), rows)
