"""Drafts of articles out of the answers to resolved tickets of one kind.

A sentence gets into a draft where answers to at least two customers say it, so that nothing of one
customer's case does: what only one of them was told is theirs. Names, numbers and ids are masked
before, and a sentence that had any is left out. A model may word the sentences anew; what it writes
is used where they bear it out, sentence by sentence.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import Any, NamedTuple

import sqlalchemy as sa

from deskward.assist.grounding import ENOUGH, ENOUGH_EACH, grounding_of, likeness
from deskward.core.aside import aside
from deskward.core.database import Connection
from deskward.customers.models import customers
from deskward.gate.context import Context
from deskward.gate.ledger.subject_keys import EVERYBODY
from deskward.gate.writer import Writer
from deskward.knowledge.formats.languages import detected
from deskward.security.anonymous import MASK, without_people
from deskward.security.principals import Kind
from deskward.text.analysis import base_of, stop_words, words_asked
from deskward.text.sentences import sentences
from deskward.tickets.messages import ticket_messages
from deskward.tickets.models import tickets

MOST = 100
"""Tickets that a draft is made of at the most, the newest."""
CUSTOMERS = 2
"""Customers whose answers have to say a sentence."""
ALIKE = 0.5
"""Share of the words of two sentences together that both have, from which on they say one thing."""
LINES = 8
"""Sentences of a draft."""
LONGEST = 400
"""Characters of a sentence; a longer one is none."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_INSTRUCTIONS = (
    "Word an article of a help centre from the sentences below, for any customer. Say what they "
    "say and nothing else: no greeting, no name, no promise, no number that they do not have. "
    "Write plain sentences, without headings or lists."
)


class Line(NamedTuple):
    """A sentence of an answer to a ticket.

    Attributes:
        place: Where it stands in the answer: from 0 to 1.
        words: Those by which it is compared.
    """

    text: str
    ticket_id: str
    customer_id: str
    place: float
    words: frozenset[str]


@dataclass(frozen=True)
class Sentence:
    """A sentence of a draft, and the tickets whose answers say it."""

    text: str
    tickets: tuple[str, ...]


@dataclass(frozen=True)
class Drafted:
    """A draft.

    Attributes:
        question: What most of the tickets ask; empty where that cannot be told without saying more.
        left_out: Sentences that are left out as they are of one customer's case.
    """

    question: str
    sentences: tuple[Sentence, ...]
    language: str
    customers: int
    left_out: int


async def drafted(db: Connection, tenant: str, numbers: Sequence[int]) -> Drafted:
    """A draft out of the answers to some tickets, in their own words."""
    rows = await db.all(
        sa.select(tickets.c.number, tickets.c.customer_id, tickets.c.subject, customers.c.name)
        .join(
            customers,
            (customers.c.tenant_id == tickets.c.tenant_id)
            & (customers.c.id == tickets.c.customer_id),
        )
        .where(tickets.c.tenant_id == tenant, tickets.c.number.in_(numbers))
    )
    said = await db.all(
        sa.select(ticket_messages)
        .where(
            ticket_messages.c.tenant_id == tenant,
            ticket_messages.c.number.in_(numbers),
            ticket_messages.c.kind == "message",
            ticket_messages.c.seq > 1,  # the first one asks, whoever has written it down
            ticket_messages.c.author.not_like(f"{Kind.CUSTOMER.value}:%"),
        )
        .order_by(ticket_messages.c.number, ticket_messages.c.seq)
    )
    size = sum(len(row.text) for row in said)
    return await aside(partial(_drafted, {row.number: row for row in rows}, said), size)


async def worded(ctx: Context, draft: Drafted) -> tuple[Sentence, ...] | None:
    """A draft's sentences as a model words them; None without one, or where they do not bear it."""
    told = [one.text for one in draft.sentences]
    material = "\n".join(f"- {text}" for text in told)
    writer = ctx.port(Writer)
    text = await writer.write(ctx, EVERYBODY, _INSTRUCTIONS, material)
    if text is None:
        return None
    grounding = grounding_of(text, told, (), ())
    if grounding.problem or grounding.share < ENOUGH:
        return None
    found = []
    for sentence in sentences(text):
        borne = [one for one in draft.sentences if likeness(sentence.text, one.text) >= ENOUGH_EACH]
        if not borne or MASK.search(without_people(sentence.text)):
            return None
        ids = dict.fromkeys(key for one in borne for key in one.tickets)
        found.append(Sentence(sentence.text, tuple(ids)))
    return tuple(found) or None


def _drafted(about: Mapping[int, Any], said: Sequence[Any]) -> Drafted:
    language = detected([row.text for row in said] or [row.subject for row in about.values()])
    names = [name for row in about.values() for name in (row.name, row.customer_id)]
    names += [row.author.partition(":")[2] for row in said]
    lines, left_out = [], 0
    for row in said:
        told = [one for one in sentences(row.text) if one.kind == "said"]
        for place, one in enumerate(told):
            text = without_people(one.text, names).strip()
            if not 3 < len(text) <= LONGEST or text.endswith(("?", "？", "؟")):
                continue
            if MASK.search(text):
                left_out += 1
                continue
            whose = about[row.number].customer_id
            words = _meant(text, language)
            place_in = place / max(1, len(told) - 1)
            lines.append(Line(text, f"T{row.number}", whose, place_in, words))
    written = {word for row in said for word in _WORD.findall(row.text)}
    plain = {word for word in written if not word[0].isupper()} | stop_words(base_of(language))
    told_to: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        for word in _WORD.findall(line.text):
            told_to[word].add(line.customer_id)
    kept = [line for line in lines if not _of_one_case(line, plain, told_to)]
    groups = [group for group in _grouped(kept) if len({one.customer_id for one in group}) > 1]
    groups.sort(key=lambda group: -len({one.customer_id for one in group}))
    first = sorted(groups[:LINES], key=lambda group: fmean(one.place for one in group))
    shown = {one for group in groups for one in group}
    return Drafted(
        question=_question([row.subject for row in about.values()], names, language),
        sentences=tuple(_sentence(group) for group in first),
        language=language,
        customers=len({row.customer_id for row in about.values()}),
        left_out=left_out + len(set(lines) - shown),
    )


def _of_one_case(line: Line, plain: Collection[str], told_to: Mapping[str, Set[str]]) -> bool:
    """Whether a sentence has a name or a number that only one customer was told.

    A name is a word with a capital that nobody writes without.

    Args:
        plain: The words that somebody writes without a capital.
        told_to: Word → the customers who were told it.
    """
    return any(
        len(told_to[word]) < CUSTOMERS
        for word in _WORD.findall(line.text)
        if any(sign.isdigit() for sign in word)
        or (word[0].isupper() and word.casefold() not in plain)
    )


def _grouped(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that say one thing, each with the first group that it is like."""
    groups: list[list[Line]] = []
    for line in lines:
        like = (group for group in groups if _alike(group[0].words, line.words) >= ALIKE)
        group = next(like, None)
        if group is None:
            groups.append([line])
        else:
            group.append(line)
    return groups


def _meant(text: str, language: str) -> frozenset[str]:
    """The words of a text that say something of the matter."""
    return frozenset(forms[0] for forms in words_asked(text, (language,)))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    both = one | other
    return len(one & other) / len(both) if both else 0.0


def _sentence(group: Sequence[Line]) -> Sentence:
    """What a group says, in the words that are nearest to all of its own."""
    best = max(group, key=lambda one: (sum(_alike(one.words, o.words) for o in group), one.text))
    return Sentence(best.text, tuple(dict.fromkeys(one.ticket_id for one in group)))


def _question(subjects: Sequence[str], names: Sequence[str], language: str) -> str:
    """The subject that is nearest to all the others, if it says nothing of anybody."""
    asked = [" ".join(without_people(one, names).split()) for one in subjects]
    words = {one: _meant(one, language) for one in asked if not MASK.search(one)}
    return max(
        words,
        key=lambda one: (sum(_alike(words[one], words.get(o, frozenset())) for o in asked), one),
        default="",
    )
