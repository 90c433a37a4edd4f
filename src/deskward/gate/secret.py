"""The desk's secret key: what is sealed under it, and that it is the right one.

`desk_secret` holds one row, sealed under the key: whoever cannot open it has another key, and is
refused at start. In it are what does not change with the key: the secret that *names* are made
with (of subjects and conversations in the ledger, digests of calls), which stand in hashed rows and
cannot be made anew; and the former keys, by which heads of the ledger were signed.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from deskward.core.database import Connection, Database, insert_or_ignore
from deskward.core.errors import Unavailable
from deskward.core.settings import BACK, Settings
from deskward.gate.ledger.heads import Signer
from deskward.gate.ledger.subject_keys import (
    SubjectKey,
    derived,
    desk_secret,
    fits_any,
    seal,
    unseal,
)

AGAIN = "Run `deskward keys rotate-secret` again to finish."

ROW = sa.select(desk_secret).where(desk_secret.c.id == 1)
_FIRST = insert_or_ignore(desk_secret, "id", "generation", "sealed")
_LABEL = b"desk secret"


@dataclass(frozen=True)
class Secret:
    """A desk's secrets.

    Attributes:
        key: What seals, binds and signs: SECRET_KEY.
        names: What names are made with; the first key that the desk had.
        former: The keys before this one.
        generation: How many there were.
    """

    key: bytes
    names: bytes
    former: tuple[bytes, ...] = ()
    generation: int = 0

    @property
    def signed_by(self) -> tuple[str, ...]:
        """The public keys with which this desk signs heads, or has signed them."""
        return tuple(Signer(key).public_key for key in (self.key, *self.former))

    def sealed(self) -> bytes:
        """What is stored: it opens with the key alone."""
        told = {
            "names": base64.b64encode(self.names).decode(),
            "former": [base64.b64encode(key).decode() for key in self.former],
        }
        return seal([_sealing(self.key)], json.dumps(told).encode(), _LABEL)

    def followed_by(self, key: bytes) -> Secret:
        """The secrets after a rotation to another key."""
        return Secret(key, self.names, (self.key, *self.former), self.generation + 1)

    @classmethod
    def opened(cls, key: bytes, sealed: bytes, generation: int) -> Secret | None:
        """What was stored, or None where this is not the key."""
        try:
            told = json.loads(unseal([_sealing(key)], bytes(sealed), _LABEL))
        except (InvalidTag, ValueError):
            return None
        former = tuple(base64.b64decode(text) for text in told["former"])
        return cls(key, base64.b64decode(told["names"]), former, generation)


def _sealing(key: bytes) -> SubjectKey:
    return SubjectKey("", derived(key, "desk secret"))


async def read_secret(settings: Settings, database: Database) -> Secret:
    """The desk's secrets; from the first start on, only with the key that it had then.

    Raises:
        Unavailable: The key is lost, or another one, or is just being changed.
        ValueError: The file that keeps it is empty or cut off.
    """
    name = "SECRET_KEY" if settings.secret_key else str(settings.key_file)
    row = await database.reader.first(ROW)
    sealed_already = row is not None or await any_sealed(database.reader)
    if sealed_already and not settings.secret_key and not settings.key_file.exists():
        raise Unavailable(f"the secret key {name} is lost, and records are sealed under it. {BACK}")
    wrong = f"{name} is not the key that records are sealed under. {BACK}"
    if row is None:
        if not await fits_any(database.reader, settings.key):
            raise Unavailable(wrong)
        first = Secret(settings.key, settings.key)
        async with database.transaction() as transaction:
            values = {"id": 1, "generation": 0, "sealed": first.sealed()}
            await transaction.execute(_FIRST, values)
            row = await transaction.first(ROW)
        assert row is not None
    if row.coming is not None:
        raise Unavailable(f"the secret key is being changed, and not all is done. {AGAIN}")
    found = Secret.opened(settings.key, row.sealed, row.generation)
    if found is None:
        waiting = settings.key_file.with_name("secret.key.new").exists()
        raise Unavailable(f"{wrong} {AGAIN}" if waiting and not settings.secret_key else wrong)
    return found


async def any_sealed(db: Connection) -> bool:
    """Whether anything is sealed yet, in a desk from before there was `desk_secret`."""
    return not await fits_any(db, b"")
