"""Clauses to learn from, of labelled replies: which of them claims what, nobody has written down.

Of a reply that may be sent each clause claims an act that the results show, or nothing: of these,
what the check holds to be most probable. Of one that may not be sent, and whose values are all
shown, one clause claims what is not shown: that of which the check holds it to be most probable.
(Multiple-instance learning, with one round of expectation and maximisation: Andrews et al. 2003.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deskward.agent.claims.check import ClaimCheck
from deskward.agent.claims.check import Reply as Checked
from deskward.agent.classifier import Example
from deskward.agent.marks import without_marks
from deskward.evaluation.promises import Reply
from deskward.text.clauses import NONE, Clause, sentences, untitled

LEARNED_FROM = ("development", "blind_stranger", "blind_others", "blind_marked_tune")
"""The splits that are learned from."""
OTHER = "other"
"""The act that no tool does."""
RARELY = 0.2
"""So much less probable is it than it seems that a reply that may be sent claims that."""
SURE = 0.3
"""From here on a clause claims what the check says, else `OTHER`."""
LIKELY = 0.05
"""Below this a reply's worst clause is none that claims anything."""
TRUST = 2.0
SLIGHT = 0.01


def examples_of(claims: ClaimCheck, replies: Iterable[Reply]) -> Iterator[Example]:
    """What the clauses of labelled replies claim.

    Args:
        claims: A check that has learned from declared sentences alone (`ClaimCheck.unlearned`).
        replies: Labelled ones; marks in them do not count.
    """
    for one in replies:
        good = one.label == "supported"
        yield from _of_good(claims, one) if good else _of_false(claims, one)


def _of_good(claims: ClaimCheck, one: Reply) -> Iterator[Example]:
    reply = _checked(claims, one)
    acts = claims.declared.acts
    for clause, language in _clauses(claims, reply, one.reply):
        found = claims.classifier.probabilities(clause)
        found[OTHER] = found.get(OTHER, 0.0) * RARELY
        shown = (name for name in acts if reply.shows(acts[name], clause, reply.shown, language))
        yield max([NONE, *shown], key=lambda name: found[name]), clause


def _of_false(claims: ClaimCheck, one: Reply) -> Iterator[Example]:
    reply = _checked(claims, one)
    acts = claims.declared.acts
    worst, example = 0.0, None
    for clause, language in _clauses(claims, reply, one.reply):
        if any(map(reply.shown.problem, clause.values)):
            return  # it may be false for that alone
        found = claims.classifier.probabilities(clause)
        shown = {name for name in acts if reply.shows(acts[name], clause, reply.shown, language)}
        unshown = {name: p for name, p in found.items() if name != NONE and name not in shown}
        if clause.asks or not unshown:
            continue
        rest = found[NONE] + TRUST * sum(found[name] for name in shown) + SLIGHT
        if (odds := sum(unshown.values()) / rest) > worst:
            name = max(unshown, key=lambda name: unshown[name])
            worst, example = odds, (name if odds > SURE else OTHER, clause)
    if example and worst > LIKELY:
        yield example


def _clauses(claims: ClaimCheck, reply: Checked, text: str) -> Iterator[tuple[Clause, str]]:
    """The clauses that are no quotations, with their language; marks do not count."""
    language = None
    for sentence in sentences(without_marks(text)):
        language = claims.reader.language(sentence, language)
        if language and not reply.shown.repeats(sentence):
            for clause in claims.reader.clauses(untitled(sentence, reply.shown.titles), language):
                if not (clause.wordless or reply.shown.quoted(clause.words)):
                    yield clause, language


def _checked(claims: ClaimCheck, one: Reply) -> Checked:
    return Checked(claims, dict(enumerate(one.results, 1)), [one.said])
