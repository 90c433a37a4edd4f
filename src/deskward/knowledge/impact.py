"""Which past answers would differ with an article's new text: replayed from what was noted of them.

A past answer is put together again from the passages that it was made of, once as they are and once
with the new text in the article's place. Nothing is searched and no network is asked: whether the
new text would have been found follows from the words that it shares with the question, a rare word
counting for more, as it does in the index; where the article was found for its meaning, it stays so
while it shares as many words as before.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from deskward.core.aside import aside
from deskward.core.database import Connection
from deskward.knowledge.answering import Source, answer_of
from deskward.knowledge.asked import searches
from deskward.knowledge.documents import ARTICLES, document_id, documents, passages
from deskward.knowledge.formats.chunks import Chunk
from deskward.knowledge.models import Article
from deskward.knowledge.published import chunks_of_article
from deskward.knowledge.searching import ENOUGH_WORDS
from deskward.text.analysis import words_asked, words_kept

MOST = 10_000
"""Past questions that are looked at, the newest."""
AT_ONCE = 500
LIMIT = 20.0
"""Seconds that it may take."""

Change = Literal["changed", "gained", "lost"]


class Differs(NamedTuple):
    """A past answer that would be another one.

    Attributes:
        question: What was asked, with secrets masked.
        asker: By whom.
        change: `gained`: there was none. `lost`: there would be none.
        before: The sentences of the answer as things are.
        after: Those that it would have.
    """

    question: str
    asker: str
    change: Change
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Text:
    """A passage as an answer is made of it."""

    document_id: str
    title: str
    headings: tuple[str, ...]
    text: str
    language: str
    words: frozenset[str]
    is_answer: bool


@dataclass(frozen=True, slots=True)
class Past:
    """A question of the past, and the passages that answered it, the best first."""

    question: str
    asker: str
    texts: tuple[Text, ...]
    found: bool
    """Whether the article was among what was found."""


async def impact_of(db: Connection, tenant: str, article: Article) -> tuple[int, list[Differs]]:
    """How many past questions there are, and those that would be answered otherwise.

    Args:
        article: At the version that is to be published.
    """
    rows = await db.all(
        sa.select(searches)
        .where(searches.c.tenant_id == tenant)
        .order_by(searches.c.at.desc())
        .limit(MOST)
    )
    mine = document_id(ARTICLES, article.id)
    ids = {key for row in rows for key in row.documents} | {mine}
    known = await _texts(db, tenant, ids)
    new = _new_texts(article, mine)
    counted = await db.first(
        sa.select(sa.func.count().label("many"))
        .select_from(passages)
        .where(passages.c.tenant_id == tenant)
    )
    past = [_past(row, known, mine) for row in rows]
    size = sum(len(one.question) for one in past)
    whole = counted.many if counted else 0
    work = partial(_compared, past, known.get(mine, {}), new, mine, whole)
    return len(rows), await aside(work, size, limit=LIMIT)


async def _texts(db: Connection, tenant: str, ids: set[str]) -> dict[str, dict[str, Text]]:
    """The passages of some documents as they are: document → passage → text, in their order."""
    same = (documents.c.tenant_id == passages.c.tenant_id) & (
        documents.c.id == passages.c.document_id
    )
    found: dict[str, dict[str, Text]] = {}
    wanted = sorted(ids)
    for at in range(0, len(wanted), AT_ONCE):
        rows = await db.all(
            sa.select(passages, *(documents.c[name] for name in ("title", "language", "source_id")))
            .join(documents, same)
            .where(
                passages.c.tenant_id == tenant,
                passages.c.document_id.in_(wanted[at : at + AT_ONCE]),
            )
            .order_by(passages.c.document_id, passages.c.place)
        )
        for row in rows:
            of = (row.document_id, row.title, row.headings, row.text, row.language)
            text = _text(*of, is_answer=row.source_id == ARTICLES)
            found.setdefault(row.document_id, {})[row.id] = text
    return found


def _text(
    key: str, title: str, headings: Sequence[str], text: str, language: str, *, is_answer: bool
) -> Text:
    whole = " ".join([title, *headings, text])
    words = frozenset(words_kept(whole, language))
    return Text(key, title, tuple(headings), text, language, words, is_answer)


def _new_texts(article: Article, key: str) -> list[Text]:
    chunks: Sequence[Chunk] = chunks_of_article(article.question, article.answer)
    return [
        _text(key, article.question, one.headings, one.text, article.language, is_answer=True)
        for one in chunks
    ]


def _past(row: Any, known: Mapping[str, Mapping[str, Text]], mine: str) -> Past:
    texts: list[Text] = []
    for key in row.documents:
        of_it = known.get(key, {})
        named = [of_it[one] for one in row.passages if one in of_it]
        # What the FAQ answers with is the whole article, and so is one that was changed since.
        texts += named or list(of_it.values())
    return Past(row.question, row.asker, tuple(texts), mine in row.documents)


def _compared(
    past: Sequence[Past], old: Mapping[str, Text], new: Sequence[Text], mine: str, whole: int
) -> list[Differs]:
    corpus = {id(text): text for one in past for text in one.texts}
    having = Counter(word for text in corpus.values() for word in text.words)
    having.update(word for text in new for word in text.words)
    whole = max(whole, len(corpus)) + len(new)
    rarity: dict[str, float] = defaultdict(partial(_rarity, 0, whole))
    rarity.update({word: _rarity(many, whole) for word, many in having.items()})
    differing = (_differs(one, list(old.values()), new, mine, rarity) for one in past)
    return [one for one in differing if one is not None]


def _differs(
    past: Past, old: Sequence[Text], new: Sequence[Text], mine: str, rarity: Mapping[str, float]
) -> Differs | None:
    languages = tuple({text.language for text in (*past.texts, *new)})
    asked = words_asked(past.question, languages)
    would = max((_share(asked, text, rarity) for text in new), default=0.0)
    had = max((_share(asked, text, rarity) for text in old), default=0.0) if past.found else 0.0
    found = would >= ENOUGH_WORDS or (past.found and would >= had)
    if not found and not past.found:
        return None
    before = _sentences(past.question, past.texts)
    after = _sentences(past.question, _with_new(past, new if found else (), asked, mine, rarity))
    if before == after:
        return None
    change: Change = "changed" if before and after else "gained" if after else "lost"
    return Differs(past.question, past.asker, change, " ".join(before), " ".join(after))


def _with_new(
    past: Past,
    new: Sequence[Text],
    asked: Sequence[tuple[str, ...]],
    mine: str,
    rarity: Mapping[str, float],
) -> list[Text]:
    """What would have been found: the new passages where the old ones were, or where they fit."""
    fitting = [text for text in new if _share(asked, text, rarity) >= ENOUGH_WORDS] or list(new)
    others = [text for text in past.texts if text.document_id != mine]
    at = next((n for n, text in enumerate(past.texts) if text.document_id == mine), None)
    if at is None and fitting:
        best = max(_share(asked, text, rarity) for text in fitting)
        worse = (n for n, text in enumerate(others) if _share(asked, text, rarity) < best)
        at = next(worse, len(others))
    return [*others[:at], *fitting, *others[at:]]


def _rarity(having: int, whole: int) -> float:
    """How much a word tells that so many of all passages have: BM25's inverse frequency."""
    return math.log1p((whole - having + 0.5) / (having + 0.5)) if whole >= having else 0.0


def _share(asked: Sequence[tuple[str, ...]], text: Text, rarity: Mapping[str, float]) -> float:
    """How much of what was asked has words in a text, a rare word counting for more."""
    most = math.log1p(len(rarity) + 1)
    weights = [max(rarity.get(form, 0.0) for form in forms) or most for forms in asked]
    has = sum(
        weight
        for weight, forms in zip(weights, asked, strict=True)
        if any(form in text.words for form in forms)
    )
    return has / sum(weights) if weights else 0.0


def _sentences(question: str, texts: Sequence[Source]) -> list[str]:
    return [one.text for one in answer_of(question, texts).sentences]
