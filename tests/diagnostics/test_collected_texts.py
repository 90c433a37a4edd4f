"""What a collector sends is judged before its transaction, and holds no text that is none."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.diagnostics.context import environment
from deskward.diagnostics.suites import judging
from tests.conftest import caller
from tests.diagnostics.test_collector import collecting as collecting
from tests.diagnostics.test_collector import kept, made, send
from tests.diagnostics.test_step_tests import begun
from tests.entrypoints.conftest import client_of


async def test_what_was_sent_is_judged_in_no_transaction(
    collecting: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = caller(collecting)
    one = await made(call, await begun(call, host="api.example.com"))

    async def judged(*given: Any) -> Any:
        async with collecting.database.transaction():  # it would wait for itself
            return await judging.judged(*given)

    monkeypatch.setattr("deskward.diagnostics.collecting.service.judged", judged)
    async with client_of(collecting) as client:
        assert (await send(client, one)).status_code == 200
    assert [run.source for run in await kept(collecting)] == ["collector"]


async def test_no_text_of_a_machine_is_one_that_a_database_refuses(collecting: Desk) -> None:
    call = caller(collecting)
    one = await made(call, await begun(call, host="api.example.com"))
    async with client_of(collecting) as client:
        early = await send(client, one, one.body(clock="0001-01-01T00:00:00+14:00"))
        assert early.status_code == 400, early.text
        taken = await send(client, one, one.body(facts={"os": "li\0nux"}))
        assert taken.status_code == 200, taken.text
    facts = environment.environment_facts
    (row,) = await collecting.database.reader.all(sa.select(facts.c.value))
    assert row.value == "linux"
