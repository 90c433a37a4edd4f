"""The index in OpenSearch: another model without an interruption, deleted, away, without k-NN."""

from __future__ import annotations

import logging

import httpx2
import pytest

from deskward.core.errors import Unavailable
from deskward.integrations.search.opensearch import PREFIX, OpenSearchIndex
from tests.knowledge.test_index import (
    TENANT,
    Model,
    found,
    in_opensearch,
    passage,
    vector_of,
)
from tests.services.opensearch import opensearch
from tests.services.programs import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("search-opensearch")]


async def test_another_model_is_filled_beside_the_old_one(opensearch_url: str) -> None:
    index = await in_opensearch(opensearch_url)
    many = [passage(f"p{n}", f"transfer {n}", vector=True) for n in range(5)]
    await index.put(TENANT, many)
    await index.aclose()
    other = OpenSearchIndex(opensearch_url, Model("other"))
    assert await other.count(TENANT) == 0
    assert len(await found(other, "transfer")) == 5  # the old one answers
    await other.put(TENANT, many[:3])
    assert len(await found(other, "transfer")) == 5
    await other.put(TENANT, many)
    assert len(await found(other, "transfer", vector=vector_of("transfer 2"))) == 5
    async with httpx2.AsyncClient(base_url=opensearch_url) as client:
        there = (await client.get(f"/_cat/indices/{PREFIX}-*?format=json")).json()
    assert len(there) == 2
    await other.aclose()


async def test_what_was_deleted_is_made_again(opensearch_url: str) -> None:
    index = await in_opensearch(opensearch_url)
    await index.put(TENANT, [passage("a", "transfer")])
    async with httpx2.AsyncClient(base_url=opensearch_url) as client:
        (await client.delete(f"/{PREFIX}-*")).raise_for_status()
    with pytest.raises(Unavailable):
        await index.count(TENANT)
    assert await index.count(TENANT) == 0
    await index.put(TENANT, [passage("a", "transfer")])
    assert await found(index, "transfer") == ["a"]
    await index.aclose()


async def test_a_server_that_is_away_is_an_error_that_says_so() -> None:
    index = OpenSearchIndex(f"http://127.0.0.1:{free_port()}", Model())
    with pytest.raises(Unavailable, match="does not answer"):
        await found(index, "transfer")
    await index.aclose()


async def test_without_k_nn_words_are_searched(caplog: pytest.LogCaptureFixture) -> None:
    with opensearch(vectors=False) as url:
        index = OpenSearchIndex(url, Model())
        with caplog.at_level(logging.WARNING):
            await index.put(TENANT, [passage("a", "transfer money", vector=True)])
            assert await found(index, "transfers", vector=vector_of("transfer")) == ["a"]
        assert caplog.text.count("without k-NN") == 1
        await index.aclose()
