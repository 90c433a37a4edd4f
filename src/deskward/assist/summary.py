"""A ticket in one to three of its own sentences.

Sentences are ranked by where they stand, by what they share with the subject, by whether they ask
for something, and by centrality as in TextRank (Mihalcea and Tarau, 2004) and LexRank (Erkan and
Radev, 2004). Nothing is reworded, so the summary cannot say what the ticket does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.written import Ours, Written
from deskward.text import risk
from deskward.text.injection import injected
from deskward.text.sentences import Sentence, cut, sentences
from deskward.text.words import content_stems
from deskward.tickets.models import Ticket, TicketId

MOST_HIGHLIGHTS = 12
_DAMPING = 0.85
_ROUNDS = 30
_ASKS = 0.6
_SUBJECT = 0.5
_PLACE = 0.4


class TicketSummary(BaseModel):
    """The gist of a ticket."""

    ticket_id: TicketId
    summary: Annotated[str, Written(by="customer")] = Field(
        description="One to three of the ticket's own sentences.",
        examples=["My card was declined twice at the till."],
    )
    highlights: list[Annotated[str, Written(by="customer")]] = Field(
        description="The request, then ids, amounts, dates, products, words of urgency or anger.",
        examples=["twice"],
    )
    warnings: list[Ours] = Field(
        description="What was left out, and why.",
        examples=["Sentence 2 looks like instructions to an assistant and was left out."],
    )


def summarize(ticket: Ticket) -> TicketSummary:
    """Summarize a ticket by its own sentences."""
    found = sentences(ticket.body)
    said = [sentence for sentence in found if sentence.kind == "said"]
    subject = "" if injected(ticket.subject) else ticket.subject
    ranks = _ranks(subject, said)
    best = sorted(range(len(said)), key=lambda place: (-ranks[place], place))[: _wanted(len(said))]
    chosen = [cut(said[place].text) for place in sorted(best)]
    text = " ".join(chosen) or cut(subject) or "The ticket has no text that can be summarized."
    return TicketSummary(
        ticket_id=ticket.id,
        summary=text,
        highlights=_highlights(subject, said, ranks),
        warnings=warnings_about(ticket.subject, found),
    )


def warnings_about(subject: str, found: Iterable[Sentence]) -> list[str]:
    """What of a ticket is not used. Its text is not repeated: whoever reads this may be a model."""
    warnings = [
        f"Sentence {sentence.place + 1} looks like instructions to an assistant and was left out."
        for sentence in found
        if sentence.kind == "injected"
    ]
    if injected(subject):
        warnings.insert(0, "The subject looks like instructions to an assistant and was left out.")
    return warnings


def _wanted(count: int) -> int:
    return 1 if count <= 2 else 2 if count <= 6 else 3


def _ranks(subject: str, said: Sequence[Sentence]) -> list[float]:
    about = frozenset(content_stems(subject))
    central = _centrality(said)
    ranks = []
    for place, sentence in enumerate(said):
        shared = len(sentence.stems & about) / len(about) if about else 0.0
        # Very short sentences say little by themselves.
        weight = min(1.0, len(sentence.stems) / 3)
        rank = central[place] + _SUBJECT * shared + _PLACE / (1 + place) + _ASKS * sentence.asks
        ranks.append(weight * rank)
    return ranks


def _centrality(said: Sequence[Sentence]) -> list[float]:
    """PageRank over the sentences' likeness, the most central one scaled to 1."""
    count = len(said)
    likeness = [[0.0] * count for _ in said]
    for one in range(count):
        for other in range(one):
            likeness[one][other] = likeness[other][one] = _likeness(said[one], said[other])
    sums = [sum(row) or 1.0 for row in likeness]
    ranks = [1.0] * count
    for _ in range(_ROUNDS):
        ranks = [
            (1 - _DAMPING)
            + _DAMPING * sum(likeness[o][s] / sums[o] * ranks[o] for o in range(count) if o != s)
            for s in range(count)
        ]
    top = max(ranks, default=1.0)
    return [rank / top for rank in ranks]


def _likeness(one: Sentence, other: Sentence) -> float:
    shared = len(one.stems & other.stems)
    if not shared:
        return 0.0
    return shared / (math.log(1 + len(one.stems)) + math.log(1 + len(other.stems)))


def _highlights(subject: str, said: Sequence[Sentence], ranks: Sequence[float]) -> list[str]:
    """The request itself first, then what a reader looks for, in the order of the ticket."""
    asking = [place for place, sentence in enumerate(said) if sentence.asks]
    request = max(asking, key=lambda place: (ranks[place], -place), default=None)
    text = "\n".join([subject, *(sentence.text for sentence in said)])
    details = [
        match[0].strip()
        for pattern in (risk.RECORDS, risk.DATES, risk.PRODUCTS)
        for match in pattern.finditer(text)
    ]
    found = [cut(said[request].text)] if request is not None else []
    for detail in [*details, *risk.emotions(text)]:
        if detail.casefold() not in (known.casefold() for known in found):
            found.append(detail)
    return found[:MOST_HIGHLIGHTS]
