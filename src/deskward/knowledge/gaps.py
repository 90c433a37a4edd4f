"""What the knowledge base does not answer: questions that found nothing, in groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from deskward.core.aside import aside
from deskward.core.database import Connection
from deskward.customers.models import customers
from deskward.knowledge.asked import searches
from deskward.knowledge.documents import documents
from deskward.knowledge.passages import Audience, Wanted
from deskward.knowledge.searching import Search
from deskward.security.anonymous import MASK, without_people
from deskward.security.principals import Kind
from deskward.text.analysis import words_asked

MOST = 5_000
"""Questions that are looked at, the newest."""
ALIKE = 0.5
"""Share of the words of two questions together that both have, from which on they are one."""
BY_MEANING = 100
"""Groups, the largest, that are put together by their meaning."""
EXAMPLES = 3
LONGEST = 1_000
"""Characters of a question that are looked at."""
AT_ONCE = 500

_NOTHING = sa.cast(searches.c.documents, sa.Text) == "[]"
_CUSTOMER = f"{Kind.CUSTOMER.value}:"


@dataclass
class Gap:
    """Questions of one kind that found nothing.

    Attributes:
        words: What they have in common: the words of the one that is asked most.
        questions: How often each was asked, without what tells who asked.
        askers: Who asked.
    """

    words: frozenset[str]
    questions: Counter[str] = field(default_factory=Counter)
    askers: set[str] = field(default_factory=set)
    products: Counter[str] = field(default_factory=Counter)
    audiences: set[Audience] = field(default_factory=set)
    first_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def count(self) -> int:
        """How often any of them was asked."""
        return self.questions.total()

    @property
    def question(self) -> str:
        """The one that is asked most, in the fewest words."""
        return self._ordered[0]

    @property
    def examples(self) -> list[str]:
        """Others, in which it was asked in other words."""
        return self._ordered[1 : EXAMPLES + 1]

    @property
    def _ordered(self) -> list[str]:
        return sorted(self.questions, key=lambda one: (-self.questions[one], len(one), one))

    def add(self, other: Gap) -> None:
        """Take in the questions of another one."""
        self.questions += other.questions
        self.askers |= other.askers
        self.products += other.products
        self.audiences |= other.audiences
        times = [at for at in (self.first_at, other.first_at) if at]
        self.first_at = min(times, default=None)
        self.last_at = max([at for at in (self.last_at, other.last_at) if at], default=None)


async def gaps_of(db: Connection, tenant: str, search: Search) -> list[Gap]:
    """The gaps of a tenant, those that are asked most first."""
    mine = searches.c.tenant_id == tenant
    rows = await db.all(
        sa.select(searches).where(mine, _NOTHING).order_by(searches.c.at.desc()).limit(MOST)
    )
    spoken = await db.all(
        sa.select(documents.c.language).where(documents.c.tenant_id == tenant).distinct()
    )
    languages = tuple(dict.fromkeys(["en", *sorted(row.language for row in spoken)]))
    names = await names_of(db, tenant, {row.asker for row in rows})
    size = sum(len(row.question) for row in rows)
    gaps = await aside(partial(_by_words, rows, languages, names), size)
    return sorted(await _by_meaning(gaps, search), key=_first)


def _first(gap: Gap) -> tuple[int, str]:
    return -gap.count, gap.question


async def names_of(db: Connection, tenant: str, askers: Iterable[str]) -> dict[str, list[str]]:
    """Asker → what they are called, of those who are customers."""
    ids = sorted(one.removeprefix(_CUSTOMER) for one in askers if one.startswith(_CUSTOMER))
    found: dict[str, list[str]] = {}
    for at in range(0, len(ids), AT_ONCE):
        some = customers.c.id.in_(ids[at : at + AT_ONCE])
        called = sa.select(customers.c.id, customers.c.name)
        rows = await db.all(called.where(customers.c.tenant_id == tenant, some))
        found |= {f"{_CUSTOMER}{row.id}": [row.name, row.id] for row in rows}
    return found


async def answered_now(db: Connection, tenant: str, search: Search, gap: Gap) -> bool:
    """Whether what a gap asks for is found by now, by those who asked."""
    audiences: tuple[Audience, ...] = ("customer",)
    if gap.audiences == {"staff"}:
        audiences = ("customer", "staff")
    return bool(
        await search.find(db, tenant, Wanted(MASK.sub(" ", gap.question), audiences, limit=1))
    )


def _by_words(
    rows: Sequence[Any], languages: Sequence[str], names: Mapping[str, Sequence[str]]
) -> list[Gap]:
    """Questions that share their words, each with the largest of the groups that it is like."""
    same: dict[frozenset[str], Gap] = {}
    for row in rows:
        asked = " ".join(without_people(row.question[:LONGEST], names.get(row.asker, ())).split())
        words = frozenset(forms[0] for forms in words_asked(MASK.sub(" ", asked), languages))
        if words:
            same.setdefault(words, Gap(words)).add(_one(row, asked))
    gaps: list[Gap] = []
    having: dict[str, list[Gap]] = defaultdict(list)
    for gap in sorted(same.values(), key=_first):
        like = {id(one): one for word in gap.words for one in having[word]}
        best = max(like.values(), key=lambda one: _alike(one.words, gap.words), default=None)
        if best is not None and _alike(best.words, gap.words) >= ALIKE:
            best.add(gap)
            continue
        gaps.append(gap)
        for word in gap.words:
            having[word].append(gap)
    return gaps


def _one(row: Any, asked: str) -> Gap:
    return Gap(
        frozenset(),
        Counter([asked]),
        {row.asker},
        Counter([row.product] if row.product else []),
        {row.audience},
        row.at,
        row.at,
    )


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    both = one | other
    return len(one & other) / len(both) if both else 1.0


async def _by_meaning(gaps: list[Gap], search: Search) -> list[Gap]:
    """The largest groups put together where they ask the same in other words."""
    first = sorted(gaps, key=_first)
    large, small = first[:BY_MEANING], first[BY_MEANING:]
    found = await search.likeness([gap.question for gap in large])
    if found is None:
        return first
    likeness, same = found
    kept: list[int] = []
    for number, gap in enumerate(large):
        into = max(kept, key=lambda one: float(likeness[one][number]), default=None)
        if into is not None and likeness[into][number] >= same:
            large[into].add(gap)
        else:
            kept.append(number)
    return [large[number] for number in kept] + small
