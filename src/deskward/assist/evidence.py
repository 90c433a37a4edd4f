"""Which article answers a ticket, and how strongly the FAQ speaks for it.

Each word counts by how rare it is among the articles found (inverse document frequency, Spärck
Jones, 1972) and by where in the ticket it stands. The measure is computed here and not by the
database's engine, so that it is the same on every engine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from deskward.core.aside import aside
from deskward.core.database import Connection
from deskward.knowledge import service as knowledge
from deskward.knowledge.models import FaqEntry
from deskward.text.injection import injected
from deskward.text.sentences import Sentence
from deskward.text.words import content_stems, stems_of_list, words

LONGEST_QUERY = 4_000
"""Characters of a ticket that are searched with."""

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


@dataclass(frozen=True)
class Evidence:
    """What the FAQ has about a ticket.

    Attributes:
        best: The article that fits best.
        relevance: How much of the ticket's weighted words it has.
        margin: By how much it is ahead of the next one.
        coverage: Which share of the different words it has, whatever their weight.
        title: The same of the subject alone; 0.5 where it says nothing.
        echo: Which share of the article's own question the ticket has.
        known: Whether every word that asks is in some article.
        agreement: Which share of the independent views finds the same article.
        several: Whether different sentences ask about different articles.
        foreign: The words that the ticket has and the article has not; little ones apart, but
            with those that turn a question round.
    """

    best: FaqEntry | None = None
    relevance: float = 0.0
    margin: float = 0.0
    coverage: float = 0.0
    title: float = 0.0
    echo: float = 0.0
    known: bool = False
    agreement: float = 0.0
    several: bool = False
    foreign: tuple[str, ...] = ()


async def evidence_for(
    db: Connection, tenant: str, subject: str, said: Sequence[Sentence]
) -> Evidence:
    """Search the FAQ for the answer to a ticket.

    Args:
        said: The sentences that may be used.
    """
    body = " ".join(sentence.text for sentence in said)
    title = "" if injected(subject) else subject
    found = await knowledge.candidates(db, tenant, f"{title} {body}"[:LONGEST_QUERY])
    if not found:
        return Evidence()
    views = [await _first(db, tenant, title), await _first(db, tenant, body)]
    return await aside(partial(_weighed, found, title, said, views), len(title) + len(body))


def _weighed(
    found: Sequence[FaqEntry],
    title: str,
    said: Sequence[Sentence],
    searched: Sequence[FaqEntry | None],
) -> Evidence:
    """The evidence of the articles that were found.

    Args:
        searched: What the FAQ's own search puts first.
    """
    index = _Index(found)
    weights = _weights(title, said)
    ranked = index.rank(weights)
    if not ranked or ranked[0][0] == 0:
        return Evidence()
    score, best = ranked[0]
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    views = [*searched, index.first(_weights("", said))]
    votes = [view.id == best.id for view in views if view is not None]
    asking = [part for sentence in said if sentence.asks for part in _wishes(sentence)]
    alone = [index.rank(_weights("", [part]))[:1] for part in asking]
    sure = [top[0][1].id for top in alone if top and top[0][0] >= ON_ITS_OWN]
    about = {found: SUBJECT for found in meaningful(title)}
    return Evidence(
        best=best,
        relevance=score,
        margin=score - second,
        coverage=index.share(best, weights),
        title=index.share(best, about) if about else 0.5,
        echo=index.echo(best, weights),
        known=index.knows(asking, title),
        agreement=sum(votes) / len(votes) if votes else 0.5,
        several=len(set(sure)) > 1,
        foreign=index.foreign(best, [title, *map(_without_places, said)]),
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


async def _first(db: Connection, tenant: str, text: str) -> FaqEntry | None:
    """The article that the FAQ's own search puts first."""
    results = await knowledge.search(db, tenant, text[:LONGEST_QUERY], limit=1)
    found = next(iter(results.articles), None)
    return FaqEntry(found.id, found.question, found.answer, "") if found is not None else None


class _Index:
    """The words of some articles."""

    def __init__(self, entries: Sequence[FaqEntry]) -> None:
        self._named = [
            (entry, frozenset(content_stems(f"{entry.question} {entry.keywords}")))
            for entry in entries
        ]
        self._told = {entry.id: frozenset(content_stems(entry.answer)) for entry in entries}
        self._count = len(entries)
        self._seen: dict[str, int] = {}
        for _, named in self._named:
            for found in named:
                self._seen[found] = self._seen.get(found, 0) + 1

    def rank(self, weights: Mapping[str, float]) -> list[tuple[float, FaqEntry]]:
        """All articles with their relevance, the best first."""
        rated = {found: weight * self._rarity(found) for found, weight in weights.items()}
        whole = sum(rated.values())
        if not whole:
            return []
        scored = []
        for entry, named in self._named:
            told = self._told[entry.id]
            hits = sum(
                value * (1.0 if found in named else IN_ANSWER if found in told else 0.0)
                for found, value in rated.items()
            )
            scored.append((hits / whole, entry))
        return sorted(scored, key=lambda item: (-item[0], item[1].id))

    def first(self, weights: Mapping[str, float]) -> FaqEntry | None:
        """The article with the highest relevance."""
        ranked = self.rank(weights)
        return ranked[0][1] if ranked and ranked[0][0] > 0 else None

    def share(self, entry: FaqEntry, weights: Mapping[str, float]) -> float:
        """Which share of the words an article has."""
        named = next(words for other, words in self._named if other.id == entry.id)
        known = named | self._told[entry.id]
        return sum(found in known for found in weights) / len(weights)

    def echo(self, entry: FaqEntry, weights: Mapping[str, float]) -> float:
        """Which share of an article's question stands in these words."""
        wanted = set(meaningful(entry.question))
        return len(wanted & weights.keys()) / len(wanted) if wanted else 0.0

    def knows(self, asking: Sequence[Sentence], title: str) -> bool:
        """Whether every word that asks is in some article."""
        asked = set(meaningful(" ".join([title, *(part.text for part in asking)])))
        known = set(self._seen).union(*self._told.values())
        return bool(asked) and asked <= known

    def foreign(self, entry: FaqEntry, texts: Sequence[str]) -> tuple[str, ...]:
        """The words of texts that an article does not have; see `Evidence`."""
        named = next(words for other, words in self._named if other.id == entry.id)
        whole = f"{entry.question} {entry.answer} {entry.keywords}"
        said = {found: word for text in texts for word in words(text) for found in meaningful(word)}
        turned = {match.casefold() for text in texts for match in _TURNED.findall(text)}
        turned -= {match.casefold() for match in _TURNED.findall(whole)}
        known = named | self._told[entry.id] | stems_of_list(_LIGHT)
        return tuple(sorted(turned | {said[found] for found in said.keys() - known}))

    def _rarity(self, found: str) -> float:
        return math.log(1 + self._count / self._seen.get(found, 0.7))
