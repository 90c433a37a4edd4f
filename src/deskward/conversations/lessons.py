"""What skills could learn from conversations that were handed over: sentences, without people."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from deskward.conversations.models import messages
from deskward.core.database import Connection
from deskward.customers.models import customers
from deskward.knowledge.gaps import names_of
from deskward.security.anonymous import MASK, perhaps_names, without_people
from deskward.security.principals import Kind
from deskward.text.folding import bare
from deskward.text.nothing import is_wordless

MOST = 2_000
"""Turns that are looked at, the newest."""
LONGEST = 200
"""Characters of a sentence to learn from: longer ones say several things."""
SHORTEST = 4
"""Characters, those of masks left aside."""
WORDS = 5
"""Words of a name that is looked for as a whole."""
AT_ONCE = 1_000
"""Customers that are read at once."""
_CUSTOMER = f"{Kind.CUSTOMER.value}:"
_PART = re.compile(r"\w[\w.-]*\w|\w")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

Guess = Callable[[str], tuple[str | None, float] | None]
"""Which skill a sentence may have meant; None where there is nothing to learn from it."""


@dataclass(frozen=True)
class Proposal:
    """A sentence after which a conversation was handed over.

    Attributes:
        id: What it is called; the same for the same sentence of the same tenant.
        text: What was said, without what tells who said it.
        count: In how many conversations it was.
        skill: The skill that it may have meant; None where nothing is like it.
        score: How probably.
    """

    id: str
    text: str
    count: int
    skill: str | None
    score: float


async def proposals(
    db: Connection, tenant: str, handing: Collection[str], guess: Guess
) -> list[Proposal]:
    """The sentences of customers upon which the agent handed over, the commonest first.

    Those that asked for a person are none: they were understood.

    Args:
        handing: The tools that hand a conversation over.
    """
    asking = messages.alias()
    called = sa.or_(
        *(
            sa.cast(asking.c.data, sa.Text).contains(f'"{name}"', autoescape=True)
            for name in handing
        )
    )
    same = ("tenant_id", "owner", "session_id", "turn_id")
    rows = await db.all(
        sa.select(messages.c.owner, messages.c.session_id, messages.c.content)
        .where(
            messages.c.tenant_id == tenant,
            messages.c.role == "user",
            messages.c.owner.startswith(_CUSTOMER, autoescape=True),
            sa.exists().where(
                *(asking.c[name] == messages.c[name] for name in same),
                asking.c.role == "assistant",
                called,
            ),
        )
        .order_by(messages.c.created_at.desc())
        .limit(MOST)
    )
    names = await names_of(db, tenant, {row.owner for row in rows})
    rows = [row for row in rows if len(row.content) <= LONGEST]
    said = await _named(db, tenant, {row.content for row in rows})
    where: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in rows:
        known = [*names.get(row.owner, ()), *said.get(row.content, ())]
        text = " ".join(without_people(row.content, known).split())
        bare = MASK.sub(" ", text)
        if len(bare.strip()) >= SHORTEST and not is_wordless(bare):
            where[text].add((row.owner, row.session_id))
    counts = Counter({text: len(some) for text, some in where.items()})
    found = []
    for text, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if (guessed := guess(bare_of(text))) is not None:
            found.append(Proposal(_id(tenant, text), text, count, *guessed))
    return found


async def _named(db: Connection, tenant: str, texts: Iterable[str]) -> dict[str, list[str]]:
    """Text → the customers whom it names, by an id or a whole name of several words."""
    holding: defaultdict[str, set[str]] = defaultdict(set)
    for text in texts:
        words = _spaced(text).split()
        for length in range(1, WORDS + 1):
            for at in range(len(words) - length + 1):
                holding[" ".join(words[at : at + length])].add(text)
    found: defaultdict[str, list[str]] = defaultdict(list)
    after = ""
    while holding:
        page = sa.select(customers.c.id, customers.c.name).where(
            customers.c.tenant_id == tenant, customers.c.id > after
        )
        rows = await db.all(page.order_by(customers.c.id).limit(AT_ONCE))
        for called in (called for row in rows for called in row):
            whole = _spaced(called).strip()
            # A name of one word may be any word: whoever accepts a sentence is asked about it.
            if " " in whole or any(sign.isdigit() for sign in whole):
                for text in holding.get(whole, ()):
                    found[text].append(called)
        if len(rows) < AT_ONCE:
            break
        after = rows[-1].id
    return found


async def names_in(
    db: Connection, tenant: str, sentence: str, ordinary: Collection[str]
) -> set[str]:
    """What in a sentence names a customer of the tenant: whole names and ids, and parts of names.

    All customers are looked at. Many are called as things are ("Will", "May", "Price"): such a word
    is a name only beside the rest of it.

    Args:
        ordinary: Words, as they are written inside a sentence, that are no names by themselves.
    """
    found: set[str] = set()
    said, after = _spaced(sentence), ""
    inside = perhaps_names(sentence)
    rare = {
        word
        for word in _WORD.findall(sentence)
        if word not in ordinary and (word in inside or word.lower() not in ordinary)
    }
    left = " ".join(sorted(rare))
    while True:
        page = sa.select(customers.c.id, customers.c.name).where(
            customers.c.tenant_id == tenant, customers.c.id > after
        )
        rows = await db.all(page.order_by(customers.c.id).limit(AT_ONCE))
        whole = {_spaced(called) for row in rows for called in row if len(called) > 1}
        found |= {one.strip() for one in whole if one in said and one.strip() not in ordinary}
        names = [row.name for row in rows]
        if left and "[name]" in without_people(left, names):
            found |= {one for one in rare if "[name]" in without_people(one, names)}
        if len(rows) < AT_ONCE:
            return found
        after = rows[-1].id


def words_of(sentences: Iterable[Iterable[str]]) -> set[str]:
    """The words of skills' own sentences as they are written inside one."""
    return {
        word
        for some in sentences
        for said in some
        for word in _WORD.findall(said[:1].lower() + said[1:])
    }


def _spaced(text: str) -> str:
    """A text as it is compared: its words between spaces."""
    return f" {' '.join(_PART.findall(bare(text)))} "


def bare_of(text: str) -> str:
    """A sentence without the masks that stand in it, as skills learn it."""
    return " ".join(MASK.sub(" ", text).split())


def _id(tenant: str, text: str) -> str:
    return hashlib.sha256(f"{tenant}\n{text}".encode()).hexdigest()[:12]
