"""Which engine finds passages: from settings to one `Index`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.engine import make_url

from deskward.core.database import Database
from deskward.core.extras import extra
from deskward.core.settings import Settings
from deskward.knowledge.feeding import Feeder
from deskward.knowledge.passages import Index
from deskward.knowledge.searching import Search, vectors_of
from deskward.knowledge.weighing import Weighing
from deskward.text.vectors import Embedder

BEGINS_AFTER = 2.0
"""Seconds after the start until the index is filled, if nobody searches before."""


def open_search(
    settings: Settings, database: Database, embedder: Embedder | None, stack: AsyncExitStack
) -> dict[type, Any]:
    """What finds passages, and what brings them to where they are found, as ports of tools."""
    index = choose_index(settings, embedder)
    stack.push_async_callback(index.aclose)
    vectors = partial(vectors_of, embedder) if embedder else None
    feeder = Feeder(database, index, vectors, BEGINS_AFTER)
    weighing = weighing_of(settings)
    search = Search(index, feeder, embedder, weighing)
    return {Feeder: feeder, Weighing: weighing, Search: search}


def weighing_of(settings: Settings) -> Weighing:
    """How the operator has what came of answers weighed."""
    told = settings.knowledge
    return Weighing(
        confidence=told.confidence,
        half_life=timedelta(days=told.half_life_days),
        other_version=told.other_version,
        ranking=told.ranking,
        stale=timedelta(days=told.stale_days),
        unused=timedelta(days=told.unused_days),
        low_accuracy=told.low_accuracy,
    )


def choose_index(settings: Settings, embedder: Embedder | None) -> Index:
    """The engine that KNOWLEDGE_INDEX names; nobody is asked yet, and nothing opened.

    Raises:
        ValueError: It lacks its address; the message says what to set.
    """
    if settings.knowledge.index == "postgresql":
        with extra("postgres", "KNOWLEDGE_INDEX=postgresql"):
            from deskward.integrations.search.postgresql import PostgresIndex

        return PostgresIndex(_postgres_url(settings), embedder)
    if settings.knowledge.index == "opensearch":
        from deskward.integrations.search.opensearch import OpenSearchIndex

        told = settings.knowledge.index_url
        if told is None or not told.get_secret_value().startswith(("http://", "https://")):
            raise ValueError(
                "KNOWLEDGE_INDEX=opensearch needs KNOWLEDGE_INDEX_URL, as "
                "https://user:password@host:9200."
            )
        return OpenSearchIndex(told.get_secret_value(), embedder)
    # The engine takes time to import, and only a desk needs it.
    from deskward.integrations.search.embedded import EmbeddedIndex

    return EmbeddedIndex(settings.data_dir / "search", embedder)


def _postgres_url(settings: Settings) -> str:
    """Where the index is, as the driver takes it: by default in the desk's own database."""
    told = settings.knowledge.index_url
    url = make_url(told.get_secret_value()) if told else settings.database_location
    if url.get_backend_name() != "postgresql":
        raise ValueError(
            "KNOWLEDGE_INDEX=postgresql needs KNOWLEDGE_INDEX_URL, as "
            "postgresql://user:password@host/name, where the desk's own database is another one."
        )
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
