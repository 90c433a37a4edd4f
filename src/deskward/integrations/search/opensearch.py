"""Passages in OpenSearch 2 (or Elasticsearch 7): BM25, and vectors by its k-NN plug-in with Lucene.

It is spoken to over plain HTTP: the clients of both refuse the other's server. Words are stemmed
and segmented here (`text/analysis.py`), since what a server can analyse depends on its plug-ins.
Each tenant has two indices, what customers may read and everything, as the embedded engine has two
folders. They are reached by aliases: an index of another form or model is filled beside the old
one, which answers until the new one has as much.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from deskward.core.errors import Unavailable
from deskward.integrations.search.merging import EVERY, depth_of, holding, merged, rarity
from deskward.integrations.search.model import Model, about
from deskward.knowledge.passages import Hit, Passage, Wanted
from deskward.text.analysis import base_of, words_asked, words_kept

FORM = 1
"""The form of the indices; those of another one are filled anew."""
PREFIX = "deskward-search"
READERS = ("customer", "staff")
MOST_ASKED = 64
"""Words of a question that are looked for."""
TITLE = 0.5
"""How much more a word counts that is in the title, in a heading, or a tag."""
SECONDS = 10.0

log = logging.getLogger(__name__)

Json = dict[str, Any]
_KEYWORDS = ("document", "audience", "language", "product", "versions", "category", "tags")


class OpenSearchIndex:
    """Passages in indices of their own, which are made at first use."""

    def __init__(self, url: str, model: Model | None = None) -> None:
        """Use a server; nobody is asked yet.

        Args:
            url: As `https://user:password@host:9200`.
            model: What makes the vectors, if anything does.
        """
        self._client = httpx2.AsyncClient(base_url=url, timeout=SECONDS)
        self._model = model
        self._lock = asyncio.Lock()
        self._version = ""
        self._dimensions = 0
        self._made: set[str] = set()

    async def put(self, tenant: str, passages: Sequence[Passage]) -> None:
        """Have passages found, each instead of the one with its id."""
        for_all = [one for one in passages if one.audience == "customer"]
        hidden = [one.id for one in passages if one.audience != "customer"]
        # Customers' at first: what was for them, and is no longer, leaves them before all else.
        await self._write(tenant, "customer", for_all, hidden)
        await self._write(tenant, "staff", passages, ())

    async def remove(self, tenant: str, passage_ids: Sequence[str]) -> None:
        """Have passages found no longer; those that are not there are none."""
        for reader in READERS:
            await self._write(tenant, reader, (), passage_ids)

    async def ids(self, tenant: str) -> frozenset[str]:
        """Return which passages there are."""
        index = await self._index(tenant, "staff")
        found: set[str] = set()
        after: list[Any] | None = None
        while True:
            asked: Json = {"size": 10_000, "_source": False, "sort": [{"passage": "asc"}]}
            if after:
                asked["search_after"] = after
            hits = (await self._ask("POST", f"/{index}/_search", asked))["hits"]["hits"]
            found.update(hit["_id"] for hit in hits)
            if len(hits) < 10_000:
                return frozenset(found)
            after = hits[-1]["sort"]

    async def count(self, tenant: str) -> int:
        """Return how many passages there are."""
        index = await self._index(tenant, "staff")
        return int((await self._ask("GET", f"/{index}/_count"))["count"])

    async def search(self, tenant: str, wanted: Wanted) -> list[Hit]:
        """Find passages, the best first; none where nothing fits."""
        if not wanted.audiences:
            return []
        reader = "staff" if "staff" in wanted.audiences else "customer"
        await self._index(tenant, reader)
        alias = _alias(tenant, reader)
        known = await self._ask("POST", f"/{alias}/_search", _KNOWN)
        values = {
            name: [one["key"] for one in known["aggregations"][name]["buckets"]]
            for name in ("language", "versions")
        }
        asked = words_asked(wanted.text, values["language"])[:MOST_ASKED]
        filters = _filters(wanted, values["versions"])
        depth = depth_of(wanted.limit)
        near = wanted.vector is not None and self._dimensions > 0
        queries = [_by_words(asked, filters, depth), _by_meaning(wanted, filters, depth)]
        lines = [part for one in queries[: 1 + near] for part in ({}, one)]
        answers = (await self._ask("POST", f"/{alias}/_msearch", lines))["responses"]
        if "error" in answers[0]:
            raise Unavailable(
                f"The search index cannot answer: {answers[0]['error'].get('reason')}"
            )
        words = [_found(hit, hit["_score"]) for hit in answers[0]["hits"]["hits"]]
        # An old index, of another model, has no such vectors, and answers by words meanwhile.
        close = answers[1]["hits"]["hits"] if near and "error" not in answers[1] else []
        meaning = [_found(hit, 2 * hit["_score"] - 1) for hit in close]
        named = {one[0] for one in (*words, *meaning)}
        shares = await self._shares(alias, asked, sorted(named))
        return merged(words, meaning, shares, wanted.limit)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def _shares(
        self, alias: str, asked: Sequence[tuple[str, ...]], passages: Sequence[str]
    ) -> dict[str, float]:
        """Which share of what was asked some passages have; a rare word counts for more."""
        if not passages or not asked:
            return {}
        named = {str(at): _any("words", forms) for at, forms in enumerate(asked)}
        found = await self._ask(
            "POST",
            f"/{alias}/_search",
            {
                "size": len(passages),
                "_source": False,
                "query": {
                    "bool": {
                        "filter": [{"ids": {"values": list(passages)}}],
                        "should": [
                            {"bool": {"filter": [query], "_name": name}}
                            for name, query in named.items()
                        ],
                    }
                },
                "aggs": {"all": {"global": {}, "aggs": {"has": {"filters": {"filters": named}}}}},
            },
        )
        whole = found["aggregations"]["all"]
        rare = {
            name: rarity(bucket["doc_count"], whole["doc_count"])
            for name, bucket in whole["has"]["buckets"].items()
        }
        total = sum(rare.values()) or 1.0
        return {
            hit["_id"]: sum(rare[name] for name in hit.get("matched_queries", ())) / total
            for hit in found["hits"]["hits"]
        }

    async def _write(
        self, tenant: str, reader: str, passages: Sequence[Passage], without: Sequence[str]
    ) -> None:
        if not passages and not without:
            return
        index = await self._index(tenant, reader)
        lines: list[Json] = [{"delete": {"_id": one}} for one in without]
        for passage in passages:
            lines += [{"index": {"_id": passage.id}}, _source(passage, self._dimensions)]
        told = await self._ask("POST", f"/{index}/_bulk?refresh=true", lines)
        for one in told["items"] if told["errors"] else ():
            (done,) = one.values()
            if "error" in done:
                raise Unavailable(f"The search index refused a passage: {done['error']['reason']}")
        await self._switch(tenant, reader, index)

    async def _switch(self, tenant: str, reader: str, index: str) -> None:
        """Have the new index answer once it has as much as the old one, which then goes."""
        alias = _alias(tenant, reader)
        behind = list(await self._ask("GET", f"/_alias/{alias}"))
        old = [one for one in behind if one != index]
        if not old:
            return
        counts = [int((await self._ask("GET", f"/{one}/_count"))["count"]) for one in (index, *old)]
        if counts[0] >= max(counts[1:]):
            await self._point(alias, index, old)

    async def _point(self, alias: str, index: str, old: Sequence[str]) -> None:
        actions: list[Json] = [{"add": {"index": index, "alias": alias}}]
        actions += [{"remove_index": {"index": one}} for one in old]
        await self._ask("POST", "/_aliases", {"actions": actions})

    async def _index(self, tenant: str, reader: str) -> str:
        """The index that is written, made where it is not there; its alias leads at least to it."""
        async with self._lock:
            if not self._version:
                await self._prepare()
            alias = _alias(tenant, reader)
            index = f"{alias}-{self._version}"
            if index in self._made:
                return index
            if (await self._client.head(f"/{index}")).status_code == 404:
                told = await self._client.put(f"/{index}")
                if told.status_code != 400:  # another process was quicker
                    _raise(told)
            if (await self._client.head(f"/_alias/{alias}")).status_code == 404:
                await self._point(alias, index, ())
            self._made.add(index)
            return index

    async def _prepare(self) -> None:
        """See what the server can, and tell it how indices of these names are to be made."""
        name, dimensions = await asyncio.to_thread(about, self._model)
        if dimensions:
            plugins = await self._ask("GET", "/_cat/plugins?format=json&h=component")
            if not any("knn" in one["component"].casefold() for one in plugins):
                log.warning(
                    "The search index is on a server without k-NN: words alone are searched."
                )
                name, dimensions = "", 0
        self._dimensions = dimensions
        version = hashlib.sha256(f"{FORM} {name} {dimensions}".encode()).hexdigest()[:8]
        template = {
            "index_patterns": [f"{PREFIX}-*-{version}"],
            "template": _template(dimensions),
            "priority": 500,
        }
        await self._ask("PUT", f"/_index_template/{PREFIX}-{version}", template)
        self._version = version

    async def _ask(self, method: str, path: str, body: Json | list[Json] | None = None) -> Any:
        """The server's answer.

        Raises:
            Unavailable: It does not answer, or refuses.
        """
        content, kind = None, "application/json"
        if isinstance(body, list):
            content = "".join(json.dumps(line) + "\n" for line in body)
            kind = "application/x-ndjson"
        elif body is not None:
            content = json.dumps(body)
        try:
            answer = await self._client.request(
                method, path, content=content, headers={"Content-Type": kind}
            )
        except httpx2.HTTPError as error:
            raise Unavailable("The search index does not answer.", retry_after=5) from error
        if answer.status_code == 404 and "index_not_found" in answer.text:
            self._made.clear()  # somebody has deleted it: it is made again at the next look
        _raise(answer)
        return answer.json()


def _raise(answer: httpx2.Response) -> None:
    if answer.is_error:
        log.warning("The search index answered %s: %.500s", answer.status_code, answer.text)
        raise Unavailable("The search index cannot answer.", retry_after=5)


def _alias(tenant: str, reader: str) -> str:
    return f"{PREFIX}-{hashlib.sha256(tenant.encode()).hexdigest()[:32]}-{reader}"


def _template(dimensions: int) -> Json:
    keyword = {"type": "keyword"}
    words = {"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
    properties: Json = {name: keyword for name in _KEYWORDS}
    properties |= {"passage": keyword, "words": words, "title": words}
    settings: Json = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}
    if dimensions:
        settings["knn"] = True
        properties["vector"] = {
            "type": "knn_vector",
            "dimension": dimensions,
            "method": {"name": "hnsw", "space_type": "cosinesimil", "engine": "lucene"},
        }
    mappings = {"dynamic": False, "_source": {"excludes": ["words", "title", "vector"]}}
    return {"settings": {"index": settings}, "mappings": {**mappings, "properties": properties}}


def _source(one: Passage, dimensions: int) -> Json:
    title = words_kept("\n".join([one.title, *one.headings, *one.tags]), one.language)
    language = one.language.casefold()
    source: Json = {
        "passage": one.id,
        "document": one.document_id,
        "audience": one.audience,
        "language": [language, base_of(language)],
        "product": one.product.casefold(),
        "versions": one.versions or EVERY,
        "category": one.category.casefold(),
        "tags": [tag.casefold() for tag in one.tags],
        "title": " ".join(title),
        "words": " ".join([*title, *words_kept(one.text, one.language)]),
    }
    if one.vector is not None and dimensions:
        source["vector"] = [float(value) for value in one.vector]
    return source


_KNOWN: Json = {
    "size": 0,
    "aggs": {name: {"terms": {"field": name, "size": 1_000}} for name in ("language", "versions")},
}


def _filters(wanted: Wanted, versions: Sequence[str]) -> list[Json]:
    filters: list[Json] = [{"terms": {"audience": list(wanted.audiences)}}]
    filters += [{"terms": {"tags": [tag.casefold()]}} for tag in wanted.tags]
    if wanted.product:
        filters.append({"terms": {"product": [wanted.product.casefold()]}})
    if wanted.category:
        filters.append({"terms": {"category": [wanted.category.casefold()]}})
    if wanted.languages:
        filters.append({"terms": {"language": [one.casefold() for one in wanted.languages]}})
    if wanted.version:
        filters.append({"terms": {"versions": holding(versions, wanted.version)}})
    return filters


def _by_words(asked: Sequence[tuple[str, ...]], filters: Sequence[Json], depth: int) -> Json:
    terms = [form for forms in asked for form in forms]
    should: list[Json] = [{"term": {"words": term}} for term in terms]
    should += [{"term": {"title": {"value": term, "boost": TITLE}}} for term in terms]
    query: Mapping[str, Any] = {"match_none": {}}
    if should:
        query = {"bool": {"should": should, "filter": filters, "minimum_should_match": 1}}
    return {"size": depth, "query": query, "_source": ["document"], "track_total_hits": False}


def _by_meaning(wanted: Wanted, filters: Sequence[Json], depth: int) -> Json:
    near = {
        "vector": [] if wanted.vector is None else [float(value) for value in wanted.vector],
        "k": depth,
        "filter": {"bool": {"filter": filters}},
    }
    return {"size": depth, "query": {"knn": {"vector": near}}, "_source": ["document"]}


def _any(field: str, forms: Sequence[str]) -> Json:
    return {"terms": {field: list(forms)}}


def _found(hit: Json, score: float) -> tuple[str, str, float]:
    return hit["_id"], hit["_source"]["document"], score
