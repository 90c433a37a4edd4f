"""Searching passages, engine by engine, in one run: `python -m benchmarks.passages [PASSAGES]`.

The passages are windows of real text: what installed packages say of themselves. The questions are
three to six neighbouring words of it. Vectors are drawn around themes, since only their number and
form matter for time. SQLite FTS5 and PostgreSQL's own `english` are what a desk would have without
an engine of its own; PostgreSQL is left out where its programs are not installed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import numpy as np

from deskward.integrations.search.embedded import EmbeddedIndex
from deskward.knowledge.passages import Index, Passage, Wanted

DIMENSIONS = 896
WORDS = 80
QUESTIONS = 200
AT_ONCE = 5_000


@dataclass
class Model:
    """Says of which model the vectors are."""

    name: str = "drawn"
    dimensions: int = DIMENSIONS


def main() -> None:
    """Measure, and print a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    asyncio.run(_main(count))


async def _main(count: int) -> None:
    words = text_of_packages().split()
    dice = random.Random(1)
    vectors = _vectors(count)
    texts = [" ".join(window(words, dice, WORDS)) for _ in range(count)]
    questions = [" ".join(window(words, dice, dice.randint(3, 6))) for _ in range(QUESTIONS)]
    print(f"{count} passages of {WORDS} words, {QUESTIONS} questions, milliseconds")
    print(f"{'engine':44}{'p50':>9}{'p95':>9}{'filled in s':>13}")
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedIndex(Path(folder), Model())
        await _engine("embedded", index, texts, vectors, questions)
        await index.aclose()
        await _fts5(Path(folder) / "fts.db", texts, questions)
    with contextlib.suppress(ImportError):
        await _postgres(texts, vectors, questions)


async def _engine(
    name: str, index: Index, texts: Sequence[str], vectors: np.ndarray, questions: Sequence[str]
) -> None:
    begun = time.perf_counter()
    for at in range(0, len(texts), AT_ONCE):
        await index.put(
            "bench",
            [
                Passage(
                    f"p{n}", f"d{n // 5}", "", (), texts[n], "en", "customer", vector=vectors[n]
                )
                for n in range(at, min(at + AT_ONCE, len(texts)))
            ],
        )
    filled = time.perf_counter() - begun

    def search(vector: bool) -> Callable[[int, str], Awaitable[object]]:
        async def one(at: int, text: str) -> object:
            asked = vectors[at % len(vectors)] if vector else None
            return await index.search("bench", Wanted(text, ("customer",), vector=asked))

        return one

    await _measure(f"{name}, words", search(False), questions, filled)
    await _measure(f"{name}, words and vectors", search(True), questions)


async def _fts5(path: Path, texts: Sequence[str], questions: Sequence[str]) -> None:
    begun = time.perf_counter()
    database = sqlite3.connect(path)
    database.execute("CREATE VIRTUAL TABLE p USING fts5(text, tokenize='porter unicode61')")
    database.executemany("INSERT INTO p VALUES (?)", ((text,) for text in texts))
    database.commit()
    filled = time.perf_counter() - begun
    statement = "SELECT rowid FROM p WHERE p MATCH ? ORDER BY bm25(p) LIMIT 10"

    async def one(_: int, text: str) -> object:
        return database.execute(statement, (" OR ".join(_plain(text)),)).fetchall()

    await _measure("SQLite FTS5, any word", one, questions, filled)
    database.close()


async def _postgres(texts: Sequence[str], vectors: np.ndarray, questions: Sequence[str]) -> None:
    import asyncpg
    from tests.services.postgres import postgres

    from deskward.integrations.search.postgresql import PostgresIndex

    with postgres(vectors=True) as url:
        database = await asyncpg.connect(url)
        begun = time.perf_counter()
        await database.execute("CREATE TABLE p (id serial, text text, words tsvector)")
        rows = [(text,) for text in texts]
        await database.executemany("INSERT INTO p (text) VALUES ($1)", rows)
        await database.execute("UPDATE p SET words = to_tsvector('english', text)")
        await database.execute("CREATE INDEX ON p USING gin (words)")
        await database.execute("ANALYZE p")
        filled = time.perf_counter() - begun
        statement = (
            "SELECT id FROM p, to_tsquery('english', $1) q WHERE words @@ q"
            " ORDER BY ts_rank(words, q) DESC LIMIT 10"
        )

        async def one(_: int, text: str) -> object:
            return await database.fetch(statement, " | ".join(_plain(text)))

        await _measure("PostgreSQL tsvector, any word", one, questions, filled)
        await database.close()
        index = PostgresIndex(url, Model())
        await _engine("postgresql", index, texts, vectors, questions)
        await index.aclose()


async def _measure(
    name: str,
    one: Callable[[int, str], Awaitable[object]],
    questions: Sequence[str],
    filled: float | None = None,
) -> None:
    took = []
    for at, text in enumerate(questions):
        begun = time.perf_counter()
        await one(at, text)
        took.append(1_000 * (time.perf_counter() - begun))
    took = took[10:]
    told = "" if filled is None else f"{filled:.1f}"
    print(f"{name:44}{median(took):9.2f}{quantiles(took, n=20)[-1]:9.2f}{told:>13}", flush=True)


def text_of_packages() -> str:
    """What installed packages say of themselves."""
    parts = (one.read_text("METADATA") for one in importlib.metadata.distributions())
    return " ".join(part.partition("\n\n")[2] for part in parts if part)


def window(words: Sequence[str], dice: random.Random, length: int) -> Sequence[str]:
    """Neighbouring words from somewhere."""
    at = dice.randrange(len(words) - length)
    return words[at : at + length]


def _plain(text: str) -> list[str]:
    return [
        "".join(c for c in word if c.isalnum())
        for word in text.split()
        if any(map(str.isalnum, word))
    ]


def _vectors(count: int) -> np.ndarray:
    dice = np.random.default_rng(1)
    themes = dice.normal(size=(2_000, DIMENSIONS))[dice.integers(2_000, size=count)]
    vectors = (themes + 0.7 * dice.normal(size=(count, DIMENSIONS)) + 0.3).astype(np.float32)
    found: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


if __name__ == "__main__":
    main()
