"""More than a thousand hostile statements: refused, or harmless."""

from __future__ import annotations

import json
import os

import pytest

from deskward.app import Desk
from deskward.core.errors import Internal
from deskward.security.principals import Principal
from tests.conftest import recorded
from tests.queries.conftest import (
    AUDITOR,
    FOREIGN,
    HIDDEN,
    PERSONAL,
    TIER_2,
    ask,
    digests,
    hurry,
)
from tests.queries.hostile import statements

SLOWEST = 0.3
"""Seconds that a statement has here."""


def _secret(principal: Principal) -> tuple[str, ...]:
    return (FOREIGN, HIDDEN, PERSONAL) if principal is AUDITOR else (FOREIGN, HIDDEN)


@pytest.mark.slow
@pytest.mark.parametrize("principal", [TIER_2, AUDITOR], ids=["tier-2", "auditor"])
async def test_hostile_statements_are_refused_or_harmless(desk: Desk, principal: Principal) -> None:
    hurry(desk, SLOWEST)
    before, refused, answered = await digests(desk), 0, 0
    asked = sorted(set(statements()))
    for sql in asked:
        outcome = await ask(desk, sql, principal)
        assert not isinstance(outcome.error, Internal), sql
        said = outcome.error.message if outcome.error else json.dumps(outcome.value)
        quoted = (
            set(_secret(principal))
            if outcome.error
            else {  # as in LIKE 'canary…'
                canary for canary in _secret(principal) if canary not in sql
            }
        )
        assert not [canary for canary in quoted if canary in said.casefold()], sql
        refused, answered = refused + bool(outcome.error), answered + (not outcome.error)
    after = await digests(desk)
    assert [table for table in before if after[table] != before[table]] == []
    assert len(asked) >= 1_000
    assert answered, "what is harmless is answered, or nothing is shown"
    if os.environ.get("COUNTS"):
        print(f"\n{len(asked)} statements: {refused} refused, {answered} answered")


async def test_what_was_asked_is_on_record(sqlite_desk: Desk) -> None:
    before = len(await recorded(sqlite_desk))
    await ask(sqlite_desk, "SELECT count(*) FROM tickets")
    await ask(sqlite_desk, "SELECT * FROM accounts")
    rows = (await recorded(sqlite_desk))[before:]
    assert [row["tool"] for row in rows] == ["query_database"] * 2
    assert "FROM accounts" in json.dumps(rows[1])
