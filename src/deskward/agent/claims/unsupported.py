"""The promise check: an answer may claim only what the tools of the conversation bear out.

Sentence by sentence, two things are looked for. A deed that is claimed ("I have cancelled O1003",
"a label is in your inbox") needs an answer of a tool that does such a thing, or a record in such a
state. A fact of the record (an amount, an id, a date, a name) must stand in an answer, or in what
the customer said. Questions, offers, conditions and negations claim nothing.

`lexicon.yaml` holds the words; no model is asked, so the check is quick and gives one answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from deskward.agent.claims import facts
from deskward.agent.claims.clauses import clauses, is_question, sentences, tokens
from deskward.agent.claims.evidence import Evidence, Shown, without_marks
from deskward.agent.claims.lexicon import lexicon
from deskward.agent.claims.support import NAME, in_article, kinds_of, supported, unsupported_phrase
from deskward.agent.claims.verbs import is_verb_in_s
from deskward.text.words import STOP_WORDS, stem, words

__all__ = ["Evidence", "Unsupported", "unsupported"]
MAX_REPLY = 20_000
_QUOTE = re.compile(r"[\"“]([^\"“”\n]{1,300})[\"”]")
_LEAD = re.compile(
    r"^(?:yes|no|sure|of course|certainly|absolutely|great|good news|hello|hi)\b[,.! ]+"
)
_STATES = frozenset("is are has have was were goes went works holds comes belongs".split())
_EXCUSES = frozenset(
    """can could may might would should must not no nobody nothing never none yet still until if
    when once unless whether approval approve approved waits waiting pending request question
    message wish opinion patience feedback safety secret under app settings shown listed found
    important valuable welcome choice idea here unchanged untouched same before stays remains
    unaffected general usually normally always""".split()
)
_AMOUNTS = frozenset({"all", "of", "both", "each", "one", "two", "and", "now"})
_OPENERS = frozenset("yes no ok okay sure well good great and , ! so".split())
_THEIR_OWN = frozenset(
    """pin data bank app statement statements security privacy device browser phone computer own
    choice turn patience""".split()
)


@dataclass(frozen=True)
class Unsupported:
    """A claim that nothing supports.

    Attributes:
        sentence: Where it stands.
        kind: Whether it says that something was or will be done, or what the record holds.
        why: For the log, and for telling a model what to mend.
    """

    sentence: str
    kind: Literal["action", "fact"]
    why: str


def unsupported(
    reply: str, evidence: Sequence[Evidence], said: Sequence[str] = ()
) -> list[Unsupported]:
    """The claims of a reply that nothing supports.

    Args:
        reply: What is about to be sent.
        evidence: What the tools of the conversation showed.
        said: What the customer wrote. Their own dates, numbers and ids may be repeated, but saying
            a thing does not make it done.
    """
    shown = Shown(evidence, said)
    found: list[Unsupported] = []
    if len(reply) > MAX_REPLY:
        found.append(Unsupported(reply[:80], "fact", "the reply is too long to be checked"))
    offered = False
    for sentence in sentences(_without_quotes(reply[:MAX_REPLY], shown)):
        if is_question(sentence):
            offered = True
            continue
        # "Shall I hand you over? A person will then take it from there."
        offer = offered and " then " in sentence
        offered = False
        why = "" if offer else _unsupported_deed(sentence, shown)
        if why:
            found.append(Unsupported(sentence, "action", why))
            continue
        why = facts.unknown(sentence, shown)
        if why:
            found.append(Unsupported(sentence, "fact", why))
    return found


def _without_quotes(reply: str, shown: Shown) -> str:
    """The reply without what it only repeats: titles, names and addresses of the record."""

    def known(match: re.Match[str]) -> str:
        return "it" if without_marks(match[1]) in shown.plain else match[0]

    reply = _QUOTE.sub(known, reply)
    for value in shown.quotable:
        if value in reply:
            reply = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "it", reply)
    return reply


def _unsupported_deed(sentence: str, shown: Shown) -> str:
    """Why a sentence claims a deed that nothing supports, or nothing."""
    known = lexicon()
    plain = " ".join(words(sentence))
    if len(plain) > 12 and f" {plain} " in shown.sentences:
        return ""
    whole = _LEAD.sub("", " ".join(re.findall(r"[a-z']+", sentence.lower())))
    if whole.replace("'s", " is") in known.whole or plain in known.whole:
        return "" if shown.ok else "nothing was done or looked up"
    context: list[str] = []
    for clause in clauses(sentence):
        claimed = {claim.word for claim in clause.claims}
        own = kinds_of([word for word in clause.words if word not in claimed])
        kinds = own or context
        context = kinds
        for claim in clause.claims:
            # What `it` is, is only a guess.
            guesses = [kinds] if own or "never" in kinds else [kinds, own]
            if not any(supported(claim, clause, guess, sentence, shown) for guess in guesses):
                return f"no tool result bears out `{claim.word}`"
        why = unsupported_phrase(clause, kinds, shown)
        if why and not in_article(sentence, shown):
            return why
    return _bold(sentence, shown)


def _bold(sentence: str, shown: Shown) -> str:
    """Why a statement about the customer's things is made out of nothing: no tool has answered."""
    spoken = tokens(sentence)
    while spoken and spoken[0] in _OPENERS:
        spoken = spoken[1:]
    if shown.ok or not spoken or spoken[0] in lexicon().invitations:
        return ""
    if _EXCUSES & set(spoken) and spoken[:3] != ["you", "have", "no"]:
        return ""
    if not _about_the_customer(spoken) or in_article(sentence, shown):
        return ""
    stems = {stem(word) for word in spoken if word.isalpha() and word not in STOP_WORDS}
    if any(len(stems & text) >= 0.5 * len(stems) for text in shown.told):
        return ""
    return "no tool was asked"


def _about_the_customer(spoken: list[str]) -> bool:
    """Whether a sentence states something in the present about what is this customer's."""
    things = facts.LISTS.keys()
    if spoken[:2] == ["you", "have"]:
        counted = len(spoken) > 3 and (spoken[2] in facts.MANY or spoken[2].isdigit())
        return counted and any(stem(word) in things for word in spoken[3:6])
    if spoken[:2] in (["there", "is"], ["there", "are"]):
        return bool({"your", "now"} & set(spoken))
    if spoken[0] == "your" and spoken[1:2] and spoken[1] in _THEIR_OWN:
        return False
    named = any(NAME.match(word) for word in spoken[:2])
    kinds = set(kinds_of(spoken[1:3])) & {"order", "ticket", "complaint", "money"}
    start = next((place for place, word in enumerate(spoken) if word not in _AMOUNTS), 0)
    if spoken[start] != "your" and not named and not (spoken[0] == "the" and kinds):
        return False
    return any(word in _STATES or is_verb_in_s(word) for word in spoken[1:])
