"""One folder of the embedded engine: passages that the same people may read, by words and meaning.

Tantivy finds by words. It keeps no text: only which words a passage has, so that a folder is
small. Several processes read it; one writes at a time, and the others see it at their next search.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tantivy

from deskward.integrations.search.disk import Damaged, alone, readable
from deskward.integrations.search.merging import EVERY, depth_of, holding, merged, rarity
from deskward.knowledge.passages import Hit, Passage, Wanted
from deskward.text.analysis import base_of, words_asked, words_kept

if TYPE_CHECKING:
    from deskward.integrations.search.vector_file import Keys, VectorFile  # brings numpy

HEAP = 64_000_000
"""Bytes that a writer collects before it writes a part of the index."""
MOST_ASKED = 64
"""Words of a question that are looked for."""
TITLE = 0.5
"""How much more a word counts that is in the title, in a heading, or a tag."""
SPARSE = 2
"""Vectors are written anew once there are so many times as many records as passages."""
REMEMBERED = 32
"""Sets of filters whose passages are remembered."""
_EXACT = 20
"""Words that the sum of powers of two tells apart: a score is a float of 24 bits."""

Found = tuple[str, str, float]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one search sees of a folder, whatever is written meanwhile.

    Attributes:
        searcher: Of the words.
        vectors: The file of vectors that counts; None where there are none.
        keys: Filters → the keys of the passages that pass.
        values: Field → its different values.
    """

    searcher: tantivy.Searcher
    vectors: VectorFile | None
    keys: dict[str, Keys] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)


class Folder:
    """Passages on the disk. Its methods wait for the disk: call them beside the event loop."""

    def __init__(self, path: Path, dimensions: int) -> None:
        """Open a folder, or make it.

        Args:
            dimensions: Of the vectors; 0 where there are none.

        Raises:
            Damaged: It is there and cannot be read.
        """
        self.path = path
        self._dimensions = dimensions
        self._lock = threading.RLock()
        if path.exists() and not (path / "meta.json").exists():
            raise Damaged("it says nothing about what it has")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._inode = path.stat().st_ino
        self._stamp: object = None
        self._seen: _Seen | None = None
        with readable(), alone(path / "writing"):
            self._index = tantivy.Index(_schema(), str(path), reuse=True)
            self._index.config_reader("manual")
            self._check()

    def is_there(self) -> bool:
        """Whether the folder is still the one that was opened."""
        try:
            return self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def put(self, passages: Sequence[Passage], *, without: Sequence[str] = ()) -> None:
        """Have passages found, each instead of the one with its id, and some found no longer."""
        if not passages and not without:
            return
        with readable(), self._lock, alone(self.path / "writing"):
            counting = self._look().vectors
            vectors = {_key(one.id): one.vector for one in passages if one.vector is not None}
            if vectors and counting is not None:
                counting.append(list(vectors), list(vectors.values()))
            writer = self._index.writer(HEAP, 1)
            for passage_id in (*without, *(one.id for one in passages)):
                writer.delete_documents_by_term("id", passage_id)
            for passage in passages:
                writer.add_document(_document(passage))
            writer.commit()
            writer.wait_merging_threads()
            self._tidy()

    def ids(self, audience: str | None = None) -> frozenset[str]:
        """Which passages there are, for one audience or for all."""
        with readable():
            searcher = self._look().searcher
            query = _among(None, [self._term("audience", audience)] if audience else [])
            found = searcher.search(query, limit=max(1, searcher.num_docs))
            return frozenset(_names(searcher, at)[0] for _, at in found.hits)

    def __len__(self) -> int:
        with readable():
            return self._look().searcher.num_docs

    def search(self, wanted: Wanted, only: str | None = None) -> list[Hit]:
        """Find passages, the best first.

        Args:
            only: Those for this audience alone.
        """
        with readable():
            seen = self._look()
            asked = words_asked(wanted.text, _known(seen, "language"))[:MOST_ASKED]
            filters = self._filters(seen, wanted, only)
            if filters is None:
                return []
            depth = depth_of(wanted.limit)
            words = self._by_words(seen.searcher, asked, filters, depth)
            meaning = self._by_meaning(seen, wanted, filters, depth)
            named = {one[0] for one in (*words, *meaning)}
            shares = self._shares(seen.searcher, asked, sorted(named))
            return merged(words, meaning, shares, wanted.limit)

    def _by_words(
        self,
        searcher: tantivy.Searcher,
        asked: Sequence[tuple[str, ...]],
        filters: Sequence[tantivy.Query],
        depth: int,
    ) -> list[Found]:
        if not asked:
            return []
        terms = [form for forms in asked for form in forms]
        either = [self._term("words", term) for term in terms]
        either += [tantivy.Query.boost_query(self._term("title", term), TITLE) for term in terms]
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, one) for one in either])
        found = searcher.search(_among(query, filters), limit=depth, count=False)
        return [(*_names(searcher, at), score) for score, at in found.hits]

    def _by_meaning(
        self, seen: _Seen, wanted: Wanted, filters: Sequence[tantivy.Query], depth: int
    ) -> list[Found]:
        if wanted.vector is None or not seen.vectors:
            return []
        searcher = seen.searcher
        among = _keys(seen, filters) if filters else None
        near = dict(seen.vectors.search(wanted.vector, depth, among))
        found = searcher.search(self._any("key", list(near)), limit=max(1, len(near)), count=False)
        places = [at for _, at in found.hits]
        keys = searcher.fast_field_values("key", places)
        named = [
            (*_names(searcher, at), near[int(key or 0)])
            for at, key in zip(places, keys, strict=True)
        ]
        return sorted(named, key=lambda one: (-one[2], one[0]))

    def _shares(
        self, searcher: tantivy.Searcher, asked: Sequence[tuple[str, ...]], named: Sequence[str]
    ) -> dict[str, float]:
        """Which share of what was asked some passages have; a rare word counts for more."""
        if not named or not asked:
            return {}
        whole = searcher.num_docs
        weights = [
            rarity(max(searcher.doc_freq("words", form) for form in forms), whole)
            for forms in asked
        ]
        has: dict[str, float] = {}
        ids = self._any("id", named)
        for start in range(0, len(asked), _EXACT):
            part = asked[start : start + _EXACT]
            bits = [
                tantivy.Query.const_score_query(self._any("words", forms), float(1 << bit))
                for bit, forms in enumerate(part)
            ]
            query = tantivy.Query.boolean_query([(tantivy.Occur.Should, one) for one in bits])
            found = searcher.search(_among(query, [ids]), limit=len(named), count=False)
            for score, at in found.hits:
                passage = _names(searcher, at)[0]
                told = sum(
                    weights[start + bit] for bit in range(len(part)) if round(score) >> bit & 1
                )
                has[passage] = has.get(passage, 0.0) + told
        total = sum(weights) or 1.0
        return {passage: has.get(passage, 0.0) / total for passage in named}

    def _filters(self, seen: _Seen, wanted: Wanted, only: str | None) -> list[tantivy.Query] | None:
        """What a passage must be; None where none can be so."""
        one_of: list[tuple[str, Sequence[str]]] = [
            ("tags", [tag.casefold()]) for tag in wanted.tags
        ]
        for name, value in (("product", wanted.product), ("category", wanted.category)):
            if value:
                one_of.append((name, [value.casefold()]))
        if only:
            one_of.append(("audience", [only]))
        if wanted.languages:
            one_of.append(("language", [language.casefold() for language in wanted.languages]))
        if wanted.version:
            one_of.append(("versions", holding(_known(seen, "versions"), wanted.version)))
        if not all(values for _, values in one_of):
            return None
        return [self._any(field, values) for field, values in one_of]

    def _any(self, field: str, values: Sequence[str] | Sequence[int]) -> tantivy.Query:
        """Passages that have one of some terms."""
        if len(values) == 1:
            return self._term(field, values[0])
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._term(field, value)) for value in values]
        )

    def _term(self, field: str, value: str | int) -> tantivy.Query:
        scored = "freq" if field in ("words", "title") else "basic"
        return tantivy.Query.term_query(self._index.schema, field, value, scored)

    def _tidy(self) -> None:
        """Write the vectors anew where most are of passages that are gone."""
        seen = self._look()
        vectors = seen.vectors
        if vectors is None or len(vectors) <= SPARSE * seen.searcher.num_docs + 1_000:
            return
        old = vectors.path
        number = int(old.name.rpartition("-")[2]) + 1
        vectors.keep_only(_keys(seen, []), self.path / f"vectors-{number}")
        self._stamp = None
        old.unlink()
        self._look()

    def _check(self) -> None:
        """See that each vector is there that a passage counts on.

        Raises:
            Damaged: One is not.
        """
        seen = self._look()
        if seen.vectors is not None and not seen.vectors.has(_keys(seen, [])):
            raise Damaged("there are fewer vectors than passages")

    def _look(self) -> _Seen:
        """See what other processes have written."""
        with self._lock:
            stamp = _stamp(self.path)
            if self._seen is None or stamp != self._stamp:
                self._index.reload()
                vectors = self._counting() if self._dimensions else None
                if vectors is not None:
                    vectors.refresh()
                self._seen, self._stamp = _Seen(self._index.searcher(), vectors), stamp
            return self._seen

    def _counting(self) -> VectorFile:
        """The file of vectors that counts: the oldest, since each goes once the next is whole."""
        files = sorted(self.path.glob("vectors-*"), key=lambda one: int(one.name[8:]))
        counting = files[0] if files else self.path / "vectors-0"
        before = self._seen.vectors if self._seen is not None else None
        if before is not None and counting == before.path:
            return before
        from deskward.integrations.search.vector_file import VectorFile

        return VectorFile(counting, self._dimensions)


def _keys(seen: _Seen, filters: Sequence[tantivy.Query]) -> Keys:
    """The keys of the passages that pass, remembered until something is written."""
    import numpy as np

    name = repr(filters)
    known = seen.keys.get(name)
    if known is None:
        searcher = seen.searcher
        found = searcher.search(_among(None, filters), limit=max(1, searcher.num_docs))
        values = searcher.fast_field_values("key", [at for _, at in found.hits])
        keys = np.asarray([key for key in values if key is not None], np.uint64)
        if len(seen.keys) > REMEMBERED:
            seen.keys.clear()
        seen.keys[name] = known = keys
    return known


def _known(seen: _Seen, name: str) -> list[str]:
    """The different values of a field."""
    if name not in seen.values:
        seen.values[name] = [term for term, _ in seen.searcher.terms_with_prefix(name, "")]
    return seen.values[name]


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for name in ("id", "document"):
        builder.add_text_field(name, stored=True, tokenizer_name="raw", index_option="basic")
    for name in ("language", "audience", "product", "versions", "category", "tags"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    # What these hold is words already, parted by spaces.
    for name in ("words", "title"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("key", indexed=True, fast=True)
    return builder.build()


def _document(passage: Passage) -> tantivy.Document:
    named = "\n".join([passage.title, *passage.headings, *passage.tags])
    title = words_kept(named, passage.language)
    document = tantivy.Document()
    document.add_text("id", passage.id)
    document.add_text("document", passage.document_id)
    document.add_text("title", " ".join(title))
    words = [*title, *words_kept(passage.text, passage.language)]
    document.add_text("words", " ".join(words))
    language = passage.language.casefold()
    for value in dict.fromkeys((language, base_of(language))):
        document.add_text("language", value)
    document.add_text("audience", passage.audience)
    document.add_text("versions", passage.versions or EVERY)
    document.add_text("product", passage.product.casefold())
    document.add_text("category", passage.category.casefold())
    for tag in passage.tags:
        document.add_text("tags", tag.casefold())
    if passage.vector is not None:
        document.add_unsigned("key", _key(passage.id))
    return document


@lru_cache(maxsize=10_000)
def _key(passage_id: str) -> int:
    """The number of a passage among the vectors."""
    return int.from_bytes(hashlib.blake2b(passage_id.encode(), digest_size=8).digest(), "big")


def _names(searcher: tantivy.Searcher, at: tantivy.DocAddress) -> tuple[str, str]:
    document: Any = searcher.doc(at)
    return document["id"][0], document["document"][0]


def _among(query: tantivy.Query | None, filters: Sequence[tantivy.Query]) -> tantivy.Query:
    """What a query finds among what passes, with the query's own score."""
    must = [(tantivy.Occur.Must, tantivy.Query.const_score_query(one, 0.0)) for one in filters]
    if query is None:
        return tantivy.Query.boolean_query(must) if must else tantivy.Query.all_query()
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query), *must]) if must else query


def _stamp(path: Path) -> object:
    """What is another one once somebody has written."""
    found = (path / "meta.json").stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
