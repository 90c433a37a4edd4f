"""What signs in to declared mailboxes, where the key under which it is sealed changes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.errors import Conflict
from deskward.features import SLICES
from deskward.gate.rotation import rotate
from deskward.gate.secret import read_secret
from deskward.inbox import boxes as table
from deskward.inbox.boxes import BoxVault, mail_boxes


async def test_a_secret_that_is_lost_stops_a_change_before_it_begins(desk: Desk) -> None:
    """Once it has begun nothing else runs, so that nobody could set the secret anew."""
    told = {"server": "mail.example", "username": "help"}
    secrets, kept = {"password": "sealed"}, {"password": "s3cret"}
    vault, new = BoxVault(desk.settings.key), b"n" * 32
    async with desk.database.transaction() as db:
        await table.add(*(db, "default", "help", told, secrets, kept), vault=vault, added_by="ann")
        for name, sealed in (("cut", b"x"), ("changed", b"x" * 60)):
            await table.add(
                *(db, "default", name, told | {"folder": name}, secrets, kept),
                vault=vault,
                added_by="ann",
            )
            own = mail_boxes.c.name == name
            await db.execute(sa.update(mail_boxes).where(own).values(sealed=sealed))
    more = [sealed for part in SLICES for sealed in part.sealed]
    for name in ("cut", "changed"):
        with pytest.raises(Conflict, match="under neither key"):
            await rotate(desk.database, desk.settings.key, new, lambda *_: None, more=more)
        await read_secret(desk.settings, desk.database)  # the desk starts as before
        async with desk.database.transaction() as db:
            with pytest.raises(Conflict, match="Say all of it anew"):
                await table.change(db, "default", name, {"poll": 5}, {}, {}, vault=vault)
            await table.change(db, "default", name, {}, secrets, kept, vault=vault)
    await rotate(desk.database, desk.settings.key, new, lambda *_: None, more=more)
    boxes = await table.listed(desk.database.reader)
    assert len(boxes) == 3
    for box in boxes:
        assert box.sealed is not None
        assert BoxVault(new).opened(box.id, box.sealed) == kept
