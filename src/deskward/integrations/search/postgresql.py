"""Passages in PostgreSQL: words as a `tsvector`, vectors by pgvector where the server has it.

Words are stemmed and segmented here (`text/analysis.py`), as for the embedded engine, so that the
same questions find the same passages. The server counts how often a word is in a passage; how rare
it is among all that the reader may see is counted before, and the passage's length evens out, as in
BM25. What only staff may read counts for staff alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg

from deskward.integrations.search.merging import EVERY, depth_of, holding, merged, rarity
from deskward.integrations.search.model import Model, about
from deskward.knowledge.passages import Hit, Passage, Wanted
from deskward.text.analysis import base_of, words_asked, words_kept

SCHEMA = "deskward_search"
FORM = 1
"""The form of the tables; those of another one are made anew."""
MOST_ASKED = 32
"""Words of a question that are looked for."""
COUNTED_FOR = 20.0
"""Seconds for which it is remembered in how many passages a word is."""
KNOWN_FOR = 1.0
"""Seconds for which it is remembered what there is: all of it is looked at for that."""
_LAST = 16_383
"""The last place of a word that a tsvector keeps."""
_WEIGHTS = "'{0.66, 0.66, 0.66, 1.0}'"
"""What a word counts in the text, and (the last) in a title."""

Found = tuple[str, str, float]

log = logging.getLogger(__name__)


class PostgresIndex:
    """Passages in tables of their own, which are made at first use."""

    def __init__(self, url: str, model: Model | None = None) -> None:
        """Use a database; nothing is opened yet.

        Args:
            url: As `postgresql://user:password@host/name`.
            model: What makes the vectors, if anything does.
        """
        self._url = url
        self._model = model
        self._pool: asyncpg.Pool | None = None
        self._lock = asyncio.Lock()
        self._dimensions = 0
        self._about: dict[tuple[str, ...], tuple[float, Any]] = {}
        self._counts: dict[tuple[str, bool, str], tuple[float, int]] = {}

    async def put(self, tenant: str, passages: Sequence[Passage]) -> None:
        """Have passages found, each instead of the one with its id."""
        self._about.clear()
        async with self._open() as db:
            rows = [_row(tenant, one, self._dimensions) for one in passages]
            vector = f"$13::text::vector({self._dimensions})" if self._dimensions else "$13::text"
            places = "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10::text::tsvector,$11,$12"
            names = _COLUMNS + ("vector" if self._dimensions else "no_vector")
            changed = ", ".join(f"{name}=excluded.{name}" for name in names.split(",")[2:])
            await db.executemany(
                f"INSERT INTO {SCHEMA}.passages ({names}) VALUES ({places},{vector})"  # noqa: S608 constants
                f" ON CONFLICT (tenant, id) DO UPDATE SET {changed}",
                rows,
            )
        self._about.clear()

    async def remove(self, tenant: str, passage_ids: Sequence[str]) -> None:
        """Have passages found no longer; those that are not there are none."""
        async with self._open() as db:
            await db.execute(_REMOVE, tenant, list(passage_ids))
        self._about.clear()

    async def ids(self, tenant: str) -> frozenset[str]:
        """Return which passages there are."""
        async with self._open() as db:
            return frozenset(row["id"] for row in await db.fetch(_IDS, tenant))

    async def count(self, tenant: str) -> int:
        """Return how many passages there are."""
        async with self._open() as db:
            return int(await db.fetchval(_COUNT, tenant))

    async def search(self, tenant: str, wanted: Wanted) -> list[Hit]:
        """Find passages, the best first; none where nothing fits."""
        if not wanted.audiences:
            return []
        async with self._open() as db:
            known = await self._known(db, tenant, wanted.audiences)
            if not known["number"]:
                return []
            values: list[Any] = [tenant, list(wanted.audiences)]
            where = _where(wanted, known["versions"], values)
            asked = words_asked(wanted.text, known["languages"])[:MOST_ASKED]
            rare = await self._rarities(db, tenant, wanted, asked, known["number"])
            depth = depth_of(wanted.limit)
            words, shares = await _by_words(db, asked, rare, where, values, known, depth)
            meaning: list[Found] = []
            if wanted.vector is not None and self._dimensions:
                near = _NEAR.format(where=where, at=len(values) + 1, limit=depth)
                rows = await db.fetch(near, *values, _literal(wanted.vector))
                meaning = [tuple(row) for row in rows]
                missing = [one[0] for one in meaning if one[0] not in shares]
                shares |= await _shares(db, tenant, missing, asked, rare)
            return merged(words, meaning, shares, wanted.limit)

    async def aclose(self) -> None:
        """Close what is open."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _known(self, db: Any, tenant: str, audiences: Sequence[str]) -> Any:
        """What is known of all that some readers may see, as of a moment ago."""
        at, known = self._about.get((tenant, *audiences), (-KNOWN_FOR, None))
        if known is None or time.monotonic() - at >= KNOWN_FOR:
            known = await db.fetchrow(_KNOWN, tenant, list(audiences))
            self._about[tenant, *audiences] = (time.monotonic(), known)
        return known

    async def _rarities(
        self,
        db: Any,
        tenant: str,
        wanted: Wanted,
        asked: Sequence[tuple[str, ...]],
        whole: int,
    ) -> list[float]:
        """How much each word tells, among what the reader may see."""
        staff, moment = "staff" in wanted.audiences, time.monotonic()
        found = []
        for forms in asked:
            query = _query(forms)
            at, number = self._counts.get((tenant, staff, query), (-COUNTED_FOR, 0))
            if moment - at >= COUNTED_FOR:
                number = await db.fetchval(_HAVING, tenant, list(wanted.audiences), query)
                if len(self._counts) > 10_000:
                    self._counts.clear()
                self._counts[tenant, staff, query] = (moment, number)
            found.append(rarity(number, whole))
        return found

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[Any]:
        """A connection to a database that has the tables."""
        async with self._lock:
            if self._pool is None:
                self._pool = await self._opened()
        async with self._pool.acquire() as db:
            yield db

    async def _opened(self) -> asyncpg.Pool:
        pool = await asyncpg.create_pool(
            self._url, min_size=0, max_size=4, statement_cache_size=0, init=_init
        )
        try:
            async with pool.acquire() as db, db.transaction():
                # Processes that start together make the tables once.
                await db.execute("SELECT pg_advisory_xact_lock(72157301)")
                self._dimensions = await self._made(db)
        except BaseException:
            await pool.close()
            raise
        return pool

    async def _made(self, db: Any) -> int:
        """See to it that the tables are there; gives the dimensions of the vectors, 0 for none."""
        name, dimensions = await asyncio.to_thread(about, self._model)
        if dimensions and not await _has_vectors(db):
            log.warning(
                "The search index is in a PostgreSQL without pgvector: words alone are searched."
            )
            name, dimensions = "", 0
        wanted = f"{FORM} {name} {dimensions}"
        told = await db.fetchval(
            "SELECT obj_description(to_regnamespace($1), 'pg_namespace')", SCHEMA
        )
        if told == wanted:
            return dimensions
        if told is not None:
            log.warning("The search index is made anew from the database: it is of %s.", told)
        await db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        await db.execute(
            _TABLE.format(
                vector=f"vector({dimensions})" if dimensions else "text",
                name="vector" if dimensions else "no_vector",
            )
        )
        if dimensions:
            await db.execute(_VECTORS)
        quoted = wanted.replace("'", "''")
        await db.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{quoted}'")
        return dimensions


_COLUMNS = "tenant,id,document,audience,language,product,versions,category,tags,words,length,base,"
_TABLE = f"""
CREATE TABLE {SCHEMA}.passages (
  tenant text NOT NULL, id text NOT NULL, document text NOT NULL, audience text NOT NULL,
  language text NOT NULL, base text NOT NULL, product text NOT NULL, versions text NOT NULL,
  category text NOT NULL, tags text[] NOT NULL, words tsvector NOT NULL, length integer NOT NULL,
  {{name}} {{vector}}, PRIMARY KEY (tenant, id)
);
CREATE INDEX passages_words ON {SCHEMA}.passages USING gin (words);
"""
_VECTORS = f"""
CREATE INDEX passages_vectors ON {SCHEMA}.passages USING hnsw (vector vector_cosine_ops)
"""
_FROM = f"FROM {SCHEMA}.passages WHERE tenant = $1"
_REMOVE = f"DELETE {_FROM} AND id = ANY($2)"
_IDS = f"SELECT id {_FROM}"
_COUNT = f"SELECT count(*) {_FROM}"
_HAVING = f"SELECT count(*) {_FROM} AND audience = ANY($2) AND words @@ $3::text::tsquery"
_KNOWN = f"""
SELECT count(*) AS number, coalesce(avg(length), 1)::float8 AS length,
  coalesce(array_agg(DISTINCT language), '{{}}') AS languages,
  coalesce(array_agg(DISTINCT versions), '{{}}') AS versions
{_FROM} AND audience = ANY($2)"""
_NEAR = f"""
SELECT id, document, 1 - (vector <=> ${{at}}::text::vector) {_FROM} AND audience = ANY($2) {{where}}
AND vector IS NOT NULL ORDER BY vector <=> ${{at}}::text::vector LIMIT {{limit}}"""


async def _init(db: Any) -> None:
    await db.execute("SET jit = off")
    # Of pgvector 0.8: with filters it goes on until there are enough.
    await db.execute("SET hnsw.iterative_scan = 'relaxed_order'; SET hnsw.ef_search = 100")


async def _has_vectors(db: Any) -> bool:
    try:
        async with db.transaction():
            await db.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except asyncpg.PostgresError:
        return False
    return True


async def _by_words(
    db: Any,
    asked: Sequence[tuple[str, ...]],
    rare: Sequence[float],
    where: str,
    values: Sequence[Any],
    known: Any,
    depth: int,
) -> tuple[list[Found], dict[str, float]]:
    """What has the words, and which share of what was asked each of them has."""
    if not asked:
        return [], {}
    place = len(values)
    queries = [f"${place + 1 + at}::text::tsquery" for at in range(len(asked))]
    length = f"(1 + 1.2 * (0.25 + 0.75 * length / {max(1.0, known['length']):.3f}))"
    score = " + ".join(
        f"{weight:.6f} * ts_rank({_WEIGHTS}, words, {query})"
        for weight, query in zip(rare, queries, strict=True)
    )
    has = ", ".join(f"words @@ {query}" for query in queries)
    whole = f"${place + 1 + len(asked)}::text::tsquery"
    rows = await db.fetch(
        f"SELECT id, document, 2.2 * ({score}) / {length} AS score, ARRAY[{has}] AS has"
        f" {_FROM} AND audience = ANY($2) {where} AND words @@ {whole}"
        f" ORDER BY score DESC, id LIMIT {depth}",
        *values,
        *map(_query, asked),
        " | ".join(map(_query, asked)),
    )
    found = [(row["id"], row["document"], float(row["score"])) for row in rows]
    return found, {row["id"]: _share(row["has"], rare) for row in rows}


async def _shares(
    db: Any,
    tenant: str,
    ids: Sequence[str],
    asked: Sequence[tuple[str, ...]],
    rare: Sequence[float],
) -> dict[str, float]:
    """Which share of what was asked some passages have."""
    if not ids or not asked:
        return {}
    has = ", ".join(f"words @@ ${at + 3}::text::tsquery" for at in range(len(asked)))
    statement = f"SELECT id, ARRAY[{has}] AS has {_FROM} AND id = ANY($2)"
    rows = await db.fetch(statement, tenant, list(ids), *map(_query, asked))
    return {row["id"]: _share(row["has"], rare) for row in rows}


def _share(has: Sequence[bool], rare: Sequence[float]) -> float:
    told = sum(weight for one, weight in zip(has, rare, strict=True) if one)
    return told / (sum(rare) or 1.0)


def _where(wanted: Wanted, versions: Sequence[str], values: list[Any]) -> str:
    """The filters, their values put behind those that are there."""
    parts = []

    def add(condition: str, value: Any) -> None:
        values.append(value)
        parts.append(condition.format(f"${len(values)}"))

    if wanted.product:
        add("product = {}", wanted.product.casefold())
    if wanted.category:
        add("category = {}", wanted.category.casefold())
    if wanted.tags:
        add("tags @> {}::text[]", [tag.casefold() for tag in wanted.tags])
    if wanted.languages:
        languages = [language.casefold() for language in wanted.languages]
        add("(language = ANY({0}::text[]) OR base = ANY({0}::text[]))", languages)
    if wanted.version:
        add("versions = ANY({}::text[])", holding(versions, wanted.version))
    return "".join(f" AND {part}" for part in parts)


def _query(forms: Sequence[str]) -> str:
    """One of some forms, as a tsquery: they are of letters and digits alone."""
    return "(" + " | ".join(f"'{form}'" for form in forms) + ")"


def _row(tenant: str, one: Passage, dimensions: int) -> tuple[Any, ...]:
    title = words_kept("\n".join([one.title, *one.headings, *one.tags]), one.language)
    text = words_kept(one.text, one.language)
    places: dict[str, list[str]] = {}
    for at, word in enumerate([*title, *text], 1):
        weight = "A" if at <= len(title) else ""
        places.setdefault(word, []).append(f"{min(at, _LAST)}{weight}")
    words = " ".join(f"'{word}':{','.join(at[:250])}" for word, at in places.items())
    language = one.language.casefold()
    vector = one.vector
    return (
        tenant, one.id, one.document_id, one.audience, language, one.product.casefold(),
        one.versions or EVERY, one.category.casefold(), [tag.casefold() for tag in one.tags],
        words, len(title) + len(text), base_of(language),
        _literal(vector) if vector is not None and dimensions else None,
    )  # fmt: skip


def _literal(vector: Sequence[float]) -> str:
    return "[" + ",".join(f"{value:.7g}" for value in vector) + "]"
