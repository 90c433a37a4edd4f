"""Which passage answers a ticket, and how strongly the knowledge base speaks for it.

What the one search finds for customers is compared with the ticket by meaning, where the desk has a
model for that, and by words. Each word counts by how rare it is among the passages found (inverse
document frequency, Spärck Jones, 1972) and by where in the ticket it stands; that is computed here,
so that it is the same on every engine.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.aside import aside
from deskward.core.database import Connection
from deskward.knowledge.passages import Wanted
from deskward.knowledge.searching import Found, Search
from deskward.text.injection import injected
from deskward.text.sentences import Sentence
from deskward.text.words import content_stems, stems_of_list, words

CANDIDATES = 20
"""Passages that are looked at for each view of a ticket."""
MOST_ASKED = 4
"""Questions of a ticket that are each searched for."""

_COURTESY = """
    hello dear sir madam team support good morning afternoon evening day regards best kind kindly
    wish sincerely yours faithfully question wonder wondering like could would let please thank
    thanks cheers everyone all say possible
    """
"""What says nothing about the matter."""

_LIGHT = """
    abroad again already also always another anything around ask available basically beforehand
    book bought briefly buy case check current currently day days details easiest exactly explain
    find first flight fly foreign get gift give go going hear help holiday idea info information
    instead jacket just kind know laptop last learn long longer look looking make many maybe mean
    moment month months need needed new next normally note now often once one ones paid pay paying
    percent personally plan planning point possible purchase put quick quickly read really
    returned right roughly say see shoes shop short show simple simplest simply soon specific step
    steps still store sure tablet take takes tax tell thing things think time times today together
    tomorrow travel traveling travelling trip understand use using usual usually vacation visit
    want wants way week weeks whether while whole wonder work works write year years
    """
"""What an article need not have: such words change little about what is asked."""
_PLACE = re.compile(r"\b(?:to|in|from|for)\s+([A-Z][a-z]+)\b")
"""Where somebody goes or lives; it matters in a question only."""
_TURNED = re.compile(
    r"\b(?:off|not|never|without|except|instead of|no longer|stop|disable|undo|cancel|incoming)\b"
    r"|n[o'’]t\b",
    re.IGNORECASE,
)
"""Small words that turn a question into another one."""

_AND = re.compile(
    r",?\s{1,9}(?:and|but|also|plus)\s{1,9}(?:also\s{1,9})?"
    r"(?=(?:how|what|when|where|which|why|can|could|do|does|is|are|i|please)\b)",
    re.IGNORECASE,
)

# Set on the development tickets.
SUBJECT = 1.0
ASKED = 1.0
TOLD = 0.35
IN_ANSWER = 0.5
ON_ITS_OWN = 0.3
"""From this relevance on an article is what a single sentence is about."""


Share = Annotated[float, Field(ge=0, le=1)]


class Nearness(BaseModel):
    """How near the meanings are of a ticket and of the passage found."""

    whole: Share = Field(description="Of the whole ticket.")
    margin: Share = Field(description="By how much nearer that is than the next document.")
    title: Share = Field(description="Of the subject alone.")
    asked: Share = Field(description="Of the nearest of its questions.")
    least: Share = Field(description="Of the farthest of its questions.")


@dataclass(frozen=True)
class Evidence:
    """What the knowledge base has about a ticket.

    Attributes:
        best: The passage that fits best.
        relevance: How much of the ticket's weighted words it has.
        margin: By how much it is ahead of the next document.
        coverage: Which share of the different words it has, whatever their weight.
        title: The same of the subject alone; 0.5 where it says nothing.
        echo: Which share of the passage's own title the ticket has.
        known: Whether every word that asks is in some passage.
        agreement: Which share of the independent views finds the same document.
        several: Whether different sentences ask about different documents.
        foreign: The words that the ticket has and the passage has not; little ones apart, but
            with those that turn a question round.
        nearness: How near the meanings are; None where the desk has no model of that.
    """

    best: Found | None = None
    relevance: float = 0.0
    margin: float = 0.0
    coverage: float = 0.0
    title: float = 0.0
    echo: float = 0.0
    known: bool = False
    agreement: float = 0.0
    several: bool = False
    foreign: tuple[str, ...] = ()
    nearness: Nearness | None = None


@dataclass(frozen=True)
class Views:
    """What was found for parts of a ticket, the best first."""

    whole: Sequence[Found]
    title: Sequence[Found]
    body: Sequence[Found]
    asked: Sequence[Sequence[Found]]


async def evidence_for(
    search: Search, db: Connection, tenant: str, subject: str, said: Sequence[Sentence]
) -> Evidence:
    """Search for the answer to a ticket among what customers may read: a reply goes to one.

    Args:
        said: The sentences that may be used.
    """
    title = "" if injected(subject) else subject
    asking = [part for sentence in said if sentence.asks for part in _wishes(sentence)]
    rest = [sentence for sentence in said if not sentence.asks]
    body = " ".join(sentence.text for sentence in (*asking, *rest))

    async def found(text: str) -> list[Found]:
        wanted = Wanted(text, ("customer",), limit=CANDIDATES)
        return await search.find(db, tenant, wanted, 0.0) if text.strip() else []

    views = Views(
        await found(f"{title} {body}"),
        await found(title),
        await found(body),
        [await found(part.text) for part in asking[:MOST_ASKED]],
    )
    if not views.whole:
        return Evidence()
    size = len(title) + len(body)
    return await aside(partial(_weighed, views, title, said, asking), size)


def _weighed(
    views: Views, title: str, said: Sequence[Sentence], asking: Sequence[Sentence]
) -> Evidence:
    """The evidence of the passages that were found."""
    every = itertools.chain(views.whole, views.title, views.body, *views.asked)
    index = _Index(list({one.passage_id: one for one in every}.values()))
    weights = _weights(title, said)
    by_words = {one.passage_id: score for score, one in index.rank(weights)}
    near = {one.passage_id: one.near or 0.0 for one in views.whole}

    def value(one: Found) -> float:
        return by_words.get(one.passage_id, 0.0) + near.get(one.passage_id, 0.0)

    best = min(index.passages, key=lambda one: (-value(one), one.passage_id))
    if not value(best):
        return Evidence()
    score = by_words.get(best.passage_id, 0.0)
    others = [one for one in index.passages if one.document_id != best.document_id]
    second = max((by_words.get(one.passage_id, 0.0) for one in others), default=0.0)
    firsts = [*views.title[:1], *views.body[:1], index.first(_weights("", said))]
    votes = [view.document_id == best.document_id for view in firsts if view is not None]
    alone = [index.rank(_weights("", [part]))[:1] for part in asking]
    sure = [top[0][1].document_id for top in alone if top and top[0][0] >= ON_ITS_OWN]
    about = {word: SUBJECT for word in meaningful(title)}
    return Evidence(
        best=best,
        relevance=score,
        margin=max(0.0, score - second),
        coverage=index.share(best, weights) if weights else 0.0,
        title=index.share(best, about) if about else 0.5,
        echo=index.echo(best, weights),
        known=index.knows(asking, title),
        agreement=sum(votes) / len(votes) if votes else 0.5,
        several=len(set(sure)) > 1,
        foreign=index.foreign(best, [title, *map(_without_places, said)]),
        nearness=_nearness(best, views),
    )


def _nearness(best: Found, views: Views) -> Nearness | None:
    if all(one.near is None for one in views.whole):
        return None

    def near(view: Sequence[Found], *, others: bool = False) -> float:
        some = [one for one in view if (one.document_id != best.document_id) is others]
        return round(max((one.near or 0.0 for one in some), default=0.0), 3)

    asked = [near(view) for view in views.asked] or [near(views.body)]
    return Nearness(
        whole=near(views.whole),
        margin=max(0.0, near(views.whole) - near(views.whole, others=True)),
        title=near(views.title),
        asked=max(asked),
        least=min(asked),
    )


def _without_places(sentence: Sentence) -> str:
    return sentence.text if sentence.asks else _PLACE.sub("", sentence.text)


def _wishes(sentence: Sentence) -> list[Sentence]:
    """The parts of a sentence that each ask for something."""
    return [Sentence(part, sentence.place, "said") for part in _AND.split(sentence.text) if part]


def meaningful(text: str) -> list[str]:
    """The stems of a text that say what it is about."""
    return [found for found in content_stems(text) if found not in stems_of_list(_COURTESY)]


def _weights(subject: str, said: Sequence[Sentence]) -> dict[str, float]:
    weights: dict[str, float] = {}
    parts = [(subject, SUBJECT)]
    parts += [(sentence.text, ASKED if sentence.asks else TOLD) for sentence in said]
    for text, weight in parts:
        for found in meaningful(text):
            weights[found] = max(weight, weights.get(found, 0.0))
    return weights


def _naming(one: Found) -> str:
    """What says what a passage is about."""
    return " ".join([one.title, *one.headings, *one.tags])


class _Index:
    """The words of some passages."""

    def __init__(self, entries: Sequence[Found]) -> None:
        self.passages = entries
        self._named = [(entry, frozenset(content_stems(_naming(entry)))) for entry in entries]
        self._told = {entry.passage_id: frozenset(content_stems(entry.text)) for entry in entries}
        self._count = len(entries)
        self._seen: dict[str, int] = {}
        for _, named in self._named:
            for found in named:
                self._seen[found] = self._seen.get(found, 0) + 1

    def rank(self, weights: Mapping[str, float]) -> list[tuple[float, Found]]:
        """All articles with their relevance, the best first."""
        rated = {found: weight * self._rarity(found) for found, weight in weights.items()}
        whole = sum(rated.values())
        if not whole:
            return []
        scored = []
        for entry, named in self._named:
            told = self._told[entry.passage_id]
            hits = sum(
                value * (1.0 if found in named else IN_ANSWER if found in told else 0.0)
                for found, value in rated.items()
            )
            scored.append((hits / whole, entry))
        return sorted(scored, key=lambda item: (-item[0], item[1].passage_id))

    def first(self, weights: Mapping[str, float]) -> Found | None:
        """The article with the highest relevance."""
        ranked = self.rank(weights)
        return ranked[0][1] if ranked and ranked[0][0] > 0 else None

    def share(self, entry: Found, weights: Mapping[str, float]) -> float:
        """Which share of the words an article has."""
        named = next(words for other, words in self._named if other.passage_id == entry.passage_id)
        known = named | self._told[entry.passage_id]
        return sum(found in known for found in weights) / len(weights)

    def echo(self, entry: Found, weights: Mapping[str, float]) -> float:
        """Which share of an article's question stands in these words."""
        wanted = set(meaningful(" ".join([entry.title, *entry.headings])))
        return len(wanted & weights.keys()) / len(wanted) if wanted else 0.0

    def knows(self, asking: Sequence[Sentence], title: str) -> bool:
        """Whether every word that asks is in some article."""
        asked = set(meaningful(" ".join([title, *(part.text for part in asking)])))
        known = set(self._seen).union(*self._told.values())
        return bool(asked) and asked <= known

    def foreign(self, entry: Found, texts: Sequence[str]) -> tuple[str, ...]:
        """The words of texts that a passage does not have; see `Evidence`."""
        named = next(words for other, words in self._named if other.passage_id == entry.passage_id)
        whole = f"{_naming(entry)} {entry.text}"
        said = {found: word for text in texts for word in words(text) for found in meaningful(word)}
        turned = {match.casefold() for text in texts for match in _TURNED.findall(text)}
        turned -= {match.casefold() for match in _TURNED.findall(whole)}
        known = named | self._told[entry.passage_id] | stems_of_list(_LIGHT)
        return tuple(sorted(turned | {said[found] for found in said.keys() - known}))

    def _rarity(self, found: str) -> float:
        return math.log(1 + self._count / self._seen.get(found, 0.7))
