"""The index in PostgreSQL: without pgvector, of another model, lost, and with a desk in front."""

from __future__ import annotations

import logging
from pathlib import Path

import asyncpg
import pytest

from deskward.app import open_desk
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.integrations.search.choose import choose_index
from deskward.integrations.search.postgresql import SCHEMA, PostgresIndex
from deskward.knowledge.passages import Index
from tests.conftest import CUSTOMER, settings_in
from tests.knowledge.test_index import TENANT, Model, found, in_postgresql, passage, vector_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("search-postgresql")]


async def test_without_pgvector_words_are_searched_and_that_is_said_once(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    index: Index = await in_postgresql(postgres_url)
    with caplog.at_level(logging.WARNING):
        await index.put(TENANT, [passage("a", "transfer money", vector=True)])
        vector = vector_of("transfer money")
        assert await found(index, "transfers", vector=vector) == ["a"]
        assert await found(index, "zebra", vector=vector) == []
    assert caplog.text.count("without pgvector") == 1
    await index.aclose()


async def test_another_model_begins_anew(
    vectors_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    index: Index = await in_postgresql(vectors_url)
    await index.put(TENANT, [passage("a", "transfer", vector=True)])
    await index.aclose()
    again = PostgresIndex(vectors_url, Model())
    assert await again.count(TENANT) == 1
    await again.aclose()
    other = PostgresIndex(vectors_url, Model("other", 32))
    with caplog.at_level(logging.WARNING):
        assert await other.count(TENANT) == 0
    assert caplog.text.count("made anew from the database") == 1
    await other.put(TENANT, [passage("a", "transfer")])
    assert await found(other, "transfer", vector=vector_of("transfer")[:32]) == ["a"]
    await other.aclose()


async def test_a_desk_searches_in_it(vectors_url: str, tmp_path: Path) -> None:
    database = await asyncpg.connect(vectors_url)
    await database.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    changes = {"knowledge_index": "postgresql", "knowledge_index_url": vectors_url}
    async with open_desk(settings_in(tmp_path, **changes), demo=True, chat=False) as desk:
        asked = {"query": "how long does a transfer take"}
        outcome = await desk.gate.call("search_knowledge_base", asked, Context(CUSTOMER, "rest"))
        assert outcome.value["results"][0]["article_id"] == "faq-transfer-time"
    assert await database.fetchval(f"SELECT count(*) FROM {SCHEMA}.passages") > 5
    await database.close()


def test_an_address_is_needed_beside_sqlite(tmp_path: Path) -> None:
    settings = Settings.alone(data_dir=tmp_path, knowledge_index="postgresql")
    with pytest.raises(ValueError, match="KNOWLEDGE_INDEX_URL"):
        choose_index(settings, None)
