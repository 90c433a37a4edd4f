"""The ledger as JSON lines, to be kept or checked elsewhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from deskward.core.database import Database
from deskward.core.veil import veiled
from deskward.gate.ledger.chain import Ledger, rows_of
from deskward.gate.ledger.heads import Signer, current_heads

CHUNK = 1000


async def lines(
    database: Database, secret: bytes, *, tenant: str | None, opened: bool
) -> AsyncIterator[str]:
    """The lines: `{"tenant", "seq", "hash", "body"}` per row, then `{"head"}`, per tenant.

    `body` is the text that is hashed, so that whoever has the lines can follow the chain.

    Args:
        secret: The desk's secret key: signs the heads, and reads what is sealed.
        tenant: Only this one's rows.
        opened: Whether each row also has an `opened` with what is sealed in it, its secrets masked.
    """
    ledger, signer = Ledger(secret), Signer(secret)
    for head in await current_heads(database.reader):
        name = head.tenant_id
        if tenant not in (None, name):
            continue
        after = 0
        while rows := await rows_of(database.reader, name, after=after, limit=CHUNK):
            after = rows[-1].seq
            known = await ledger.read(database.reader, name, rows) if opened else []
            for number, row in enumerate(rows):
                if row.seq > head.seq:  # written since
                    continue
                line = {"tenant": name, "seq": row.seq, "hash": row.hash, "body": row.body}
                if opened:
                    line["opened"] = veiled(known[number])
                yield json.dumps(line, ensure_ascii=False)
        yield json.dumps({"head": signer.sign(name, head.seq, head.hash).model_dump()})
