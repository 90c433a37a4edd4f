"""What the databases refuse by themselves, had a statement been written anew wrongly."""

from __future__ import annotations

import pytest

from deskward.app import Desk
from deskward.core.errors import InvalidInput
from deskward.queries.limits import Statement
from deskward.queries.running import Queries
from tests.queries.conftest import digests

SEEN = {"tickets": frozenset({"tenant_id", "number"})}


async def test_a_statement_that_was_let_through_is_refused(desk: Desk) -> None:
    port = desk.gate.port(Queries)
    first = "?1" if desk.database.is_sqlite else "$1"
    before = await digests(desk)
    for sql in (
        f"SELECT password_hash FROM accounts WHERE tenant_id = {first}",
        f"SELECT number FROM tickets WHERE {first} IN (SELECT tenant_id FROM accounts)",
        f"SELECT count(*) FROM accounts WHERE tenant_id = {first}",
        f"DELETE FROM tickets WHERE tenant_id = {first}",
        f"UPDATE tickets SET status = 'x' WHERE tenant_id = {first} RETURNING number",
        f"CREATE TABLE x AS SELECT CAST({first} AS TEXT) AS y",
        f"SELECT {first}; DELETE FROM tickets",
        f"SELECT name FROM sqlite_master WHERE name <> {first}",
        f"SELECT {first}, load_extension('x')",
        f"SELECT {first}, * FROM json_each('[1]')",
        f"SELECT {first}, * FROM generate_series(1, 10)",
        f"SELECT {first}, * FROM pg_authid",
        f"PRAGMA table_info({first})",
        f"ATTACH 'x.db' AS y{first}",
    ):
        with pytest.raises(InvalidInput):
            await port.run(Statement(sql, ("default",), SEEN), "default")
    assert await digests(desk) == before
