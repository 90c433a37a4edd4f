"""The words by which tickets are found: a row per message, which goes where the message goes.

Where a message or a subject is worded otherwise, which only an erasure does, its row goes: triggers
see to that. Then it is made anew (`again`). SQLite indexes them in `ticket_words_fts` (FTS5), kept
up by triggers as well, by the batch: what is not in there yet is looked through. PostgreSQL has a
GIN index of their array. The migrations make all of it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, metadata
from deskward.core.fixed import fixed
from deskward.core.personal import IMPERSONAL, REWORDED, VALUE
from deskward.text.indexing import words_to_find, words_to_keep
from deskward.tickets.messages import ticket_messages
from deskward.tickets.models import tickets

FIRST = 1
"""The place of the message with which a ticket's subject is found."""

ticket_words = sa.Table(
    "ticket_words",
    metadata,
    sa.Column(
        "id",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("words", sa.Text, nullable=False, info=VALUE),
    sa.ForeignKeyConstraint(
        ["tenant_id", "number", "seq"],
        ["ticket_messages.tenant_id", "ticket_messages.number", "ticket_messages.seq"],
        onupdate="CASCADE",
        ondelete="CASCADE",
    ),
    sa.Index("ix_ticket_words_message", "tenant_id", "number", "seq"),
)


class _TsQuery(sa.types.UserDefinedType[str]):
    """PostgreSQL's type of what is looked for in texts."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return its name."""
        return "tsquery"


_TSQUERY = _TsQuery()
_ADD = fixed(
    ticket_words.insert()
    .inline()
    .values({name: sa.bindparam(name) for name in ("tenant_id", "number", "seq", "words")})
)


_INDEXED = sa.text("SELECT rowid FROM ticket_words_fts WHERE ticket_words_fts MATCH :words")
_LATEST = sa.text(
    "SELECT id, words FROM ticket_words WHERE id > (SELECT last FROM ticket_words_fts_upto)"
).columns(sa.column("id", sa.Integer), sa.column("words", sa.Text))
"""Of SQLite, the rows that its index does not have yet: a batch at the most."""


async def add(db: Connection, tenant: str, number: int, seq: int, text: str) -> None:
    """Have a message found by its words."""
    if words := words_to_keep(text):
        row = {"tenant_id": tenant, "number": number, "seq": seq, "words": words}
        await db.change(_ADD, row)


async def again(db: Connection, row: sa.Row[Any]) -> None:
    """Have a message, or a ticket's first one, found by the words that it has now.

    Args:
        row: The key of the one or of the other.
    """
    seq = row._mapping.get("seq", FIRST)
    old = (ticket_words.c.number == row.number) & (ticket_words.c.seq == seq)
    await db.execute(sa.delete(ticket_words).where(ticket_words.c.tenant_id == row.tenant_id, old))
    told = await db.first(
        sa.select(ticket_messages.c.text, tickets.c.subject)
        .join(
            tickets,
            (tickets.c.tenant_id == ticket_messages.c.tenant_id)
            & (tickets.c.number == ticket_messages.c.number),
        )
        .where(
            ticket_messages.c.tenant_id == row.tenant_id,
            ticket_messages.c.number == row.number,
            ticket_messages.c.seq == seq,
        )
    )
    if told is not None:
        subject = told.subject if seq == FIRST else ""
        await add(db, row.tenant_id, row.number, seq, f"{subject}\n{told.text}")


for _table in (tickets, ticket_messages):
    _table.info[REWORDED] = again


def found_by(tenant: str, text: str, dialect: str) -> sa.ColumnElement[bool]:
    """Whether a row of `ticket_words` has all words of a text, of which it has one at least.

    The index answers that. A row that is at hand already is better asked by `says`.
    """
    wanted = words_to_find(text)
    if dialect == "sqlite":
        match = " AND ".join(f'"{word}"{"*" if begins else ""}' for word, begins in wanted)
        given = _INDEXED.bindparams(sa.bindparam("words", match, unique=True))
        indexed = given.columns(sa.column("rowid", sa.Integer)).subquery()
        last = _LATEST.alias()
        ids = sa.union_all(
            sa.select(indexed), sa.select(last.c.id).where(*_holds(last.c.words, text, dialect))
        )
        found = ticket_words.c.id.in_(ids)
        # With a plus no index is asked for it: SQLite would read all of the tenant's.
        of_tenant = sa.literal_column("+ticket_words.tenant_id", sa.String) == tenant
    else:
        # Each word is the tenant's own: no tenant's words make another one's search slow.
        match = " & ".join(f"'{tenant}:{word}'{':*' if begins else ''}" for word, begins in wanted)
        vector = (
            "array_to_tsvector(string_to_array((ticket_words.tenant_id || ':' || "
            "replace(ticket_words.words, ' ', ' ' || ticket_words.tenant_id || ':')), ' '))"
        )
        given_words = sa.cast(sa.bindparam("words", match, sa.Text, unique=True), _TSQUERY)
        found = sa.literal_column(vector).bool_op("@@")(given_words)
        of_tenant = ticket_words.c.tenant_id == tenant
    return sa.and_(of_tenant, found)


def says(
    number: sa.ColumnElement[int], tenant: str, text: str, dialect: str
) -> sa.ColumnElement[bool]:
    """Whether one message of a ticket has all words of a text: the same, asked of its rows."""
    of_it = (ticket_words.c.tenant_id == tenant) & (ticket_words.c.number == number)
    one = (
        sa.select(sa.literal(1))
        .where(of_it, *_holds(ticket_words.c.words, text, dialect))
        .limit(1)  # with it no planner makes a join of this, which would read all rows there are
    )
    return one.scalar_subquery().is_not(None)


def _holds(words: sa.ColumnElement[str], text: str, dialect: str) -> list[sa.ColumnElement[bool]]:
    """Whether all words of a text are among words that are parted by spaces."""
    place = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    said = sa.literal(" ") + words + sa.literal(" ")
    return [
        place(said, f" {word}" if begins else f" {word} ") > 0
        for word, begins in words_to_find(text)
    ]
