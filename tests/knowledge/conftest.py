"""Servers that hold passages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.opensearch import opensearch
from tests.services.postgres import postgres


@pytest.fixture(scope="session")
def vectors_url() -> Iterator[str]:
    """The URL of a database with pgvector."""
    with postgres(vectors=True) as url:
        yield url


@pytest.fixture(scope="session")
def opensearch_url() -> Iterator[str]:
    """The URL of a node with vectors."""
    with opensearch() as url:
        yield url
