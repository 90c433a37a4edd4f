"""Changing the desk's secret key: all that is sealed or bound under the old one is done anew.

Page by page, each page with its place in one transaction, so that what was cut off goes on where it
stopped. From the first page on, no process with the old key writes anything more, and none starts
until all is done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, Database
from deskward.core.errors import Conflict
from deskward.gate.approvals import ApprovalVoid, approvals
from deskward.gate.confirmations import COLUMNS, ConfirmationVoid, confirmations
from deskward.gate.ledger.chain import Entry, Ledger
from deskward.gate.ledger.subject_keys import SubjectKeys, desk_secret, subject_keys
from deskward.gate.secret import ROW, Secret
from deskward.gate.waiting import Binding

PAGE = 200
Progress = Callable[[int, int], None]
"""Told how many rows are done, of how many."""
Anew = Callable[[sa.Row[Any]], Mapping[str, Any] | None]
"""The values of a row under the new key; None where it has nothing under the old one."""


@dataclass(frozen=True)
class Sealed:
    """A table whose rows have something under the secret key.

    Attributes:
        key: The column that its rows are gone through by.
        anew: Makes what does a row anew, from the old and the new secret.
    """

    table: sa.Table
    key: sa.Column[Any]
    anew: Callable[[bytes, bytes], Anew]


def _subject_key(old: bytes, new: bytes) -> Anew:
    before, after = SubjectKeys(old), SubjectKeys(new)

    def anew(row: sa.Row[Any]) -> Mapping[str, Any] | None:
        wrapped = before.wrapped_anew(row, after)
        return {"wrapped": wrapped} if wrapped else None

    return anew


def _waiting(purpose: str, void: Any, *more: str) -> Callable[[bytes, bytes], Anew]:
    def make(old: bytes, new: bytes) -> Anew:
        before, after = Binding(old, purpose, void, *more), Binding(new, purpose, void, *more)
        return lambda row: before.anew(dict(row._mapping), after)

    return make


SEALED = (
    Sealed(subject_keys, subject_keys.c.id, _subject_key),
    Sealed(approvals, approvals.c.id, _waiting("approvals", ApprovalVoid)),
    Sealed(
        confirmations, confirmations.c.id, _waiting("confirmations", ConfirmationVoid, *COLUMNS)
    ),
)
"""What the gate has under the secret key itself. What only has its name from it keeps the name."""


async def rotate(
    database: Database,
    old: bytes,
    new: bytes,
    progress: Progress,
    noted: Entry | None = None,
    more: Sequence[Sealed] = (),
) -> Secret:
    """Seal all anew that is under the old key; goes on where an earlier attempt stopped.

    Args:
        noted: What the ledger has of it, in the transaction in which it ends.
        more: The slices' tables that have something under the key.

    Returns:
        The secrets from now on.

    Raises:
        Conflict: The old key is not the desk's, or a change to yet another key has begun; or a
            record's secret is lost. Where the change has not begun, it does not begin.
    """
    await _try(database, old, new, more)
    coming, place = await _begin(database, old, new)
    total = 0
    tables = (*SEALED, *more)
    for sealed in tables:
        row = await database.reader.first(sa.select(sa.func.count()).select_from(sealed.table))
        total += 2 * row[0] if row is not None else 0
    done = place["done"]
    progress(done, total)
    # Twice: a process with the old key may just have been committing when this began.
    for number, sealed in enumerate((*tables, *tables)):
        if number < place["table"]:
            continue
        anew = sealed.anew(old, new)
        after = place["after"] if number == place["table"] else ""
        while True:
            async with database.transaction() as transaction:
                keys = await _page(transaction, sealed, anew, after)
                done += len(keys)
                after = keys[-1] if keys else after
                await _keep(transaction, table=number, after=after, done=done)
            progress(done, total)
            if len(keys) < PAGE:
                break
    ledger = Ledger(coming.key, coming.names, generation=coming.generation)
    database.before_commit = ledger.write
    async with database.transaction([noted] if noted is not None else []) as transaction:
        values = {"sealed": coming.sealed(), "coming": None, "place": None}
        await transaction.execute(sa.update(desk_secret).values(values))
    return coming


async def _try(database: Database, old: bytes, new: bytes, more: Sequence[Sealed]) -> None:
    """See that all of the slices' secrets open, while the desk can still be used to mend one.

    Once a change has begun, no other command runs until it ends.

    Raises:
        Conflict: One does not.
    """
    row = await database.reader.first(ROW)
    if row is None or row.coming is not None:
        return
    for sealed in more:
        anew, after = sealed.anew(old, new), ""
        while rows := await database.reader.all(_rows(sealed, after)):
            for found in rows:
                anew(found)
            after = rows[-1]._mapping[sealed.key]


async def _begin(database: Database, old: bytes, new: bytes) -> tuple[Secret, dict[str, Any]]:
    """Keep the next key out of anybody's way, and others from writing; or go on from there."""
    async with database.transaction() as transaction:
        row = await transaction.first(ROW.with_for_update())
        if row is None:
            raise Conflict("This desk has no secret key yet. Start it once.")
        if row.coming is not None:
            coming = Secret.opened(new, row.coming, row.generation)
            if coming is None:
                raise Conflict("A change to another key has begun. Finish it, with that key.")
            return coming, json.loads(row.place)
        present = Secret.opened(old, row.sealed, row.generation)
        if present is None:
            raise Conflict("The present secret key is not the one that records are sealed under.")
        coming = present.followed_by(new)
        place = {"table": 0, "after": "", "done": 0}
        values = {
            "coming": coming.sealed(),
            "generation": coming.generation,
            "place": json.dumps(place),
        }
        await transaction.execute(sa.update(desk_secret).values(values))
    return coming, place


def _rows(sealed: Sealed, after: str) -> sa.Select[Any]:
    """The rows of a page."""
    return sa.select(sealed.table).where(sealed.key > after).order_by(sealed.key).limit(PAGE)


async def _page(db: Connection, sealed: Sealed, anew: Anew, after: str) -> list[str]:
    """Do one page anew; returns the keys of its rows."""
    rows = await db.all(_rows(sealed, after))
    for row in rows:
        if values := anew(row):
            same = sealed.key == row._mapping[sealed.key]
            await db.execute(sa.update(sealed.table).where(same).values(values))
    return [row._mapping[sealed.key] for row in rows]


async def _keep(db: Connection, **place: Any) -> None:
    await db.execute(sa.update(desk_secret).values(place=json.dumps(place)))
