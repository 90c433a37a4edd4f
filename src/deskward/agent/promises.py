"""The promise check: an answer may claim only what the tools of the conversation bear out.

Sentence by sentence, two things are looked for. A deed that is claimed ("I have cancelled O1003",
"a label is in your inbox", "you will be refunded") needs an answer of a tool that does such a thing,
or a record in such a state. A fact of the record (an amount, an id, a date, a name) must stand in an
answer, or in what the customer said. Questions, offers, conditions and negations claim nothing.

`promises.yaml` holds the words; no model is asked, so the check is quick and gives one answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from deskward.agent import promise_facts
from deskward.agent.promise_evidence import Evidence, Shown, without_marks
from deskward.agent.promise_grammar import Claim, Clause, clauses, is_past, is_question, is_verb_in_s, sentences, tokens
from deskward.agent.promise_words import Deed, Lexicon, lexicon
from deskward.core.words import STOP_WORDS, stem, words

__all__ = ["Evidence", "Unsupported", "unsupported"]

MAX_REPLY = 20_000
"""Characters that are looked at; what stands behind them is not supported by anything."""

_QUOTE = re.compile(r"[\"“]([^\"“”\n]{1,300})[\"”]")
_NAME = re.compile(r"^(?:[toc]\d{3,}|\d{4}|visa|mastercard|jcb|amex)$")
_TIMES = frozenset(
    """today tomorrow tonight morning afternoon evening noon hour hours minute minutes day days week
    weeks month monday tuesday wednesday thursday friday saturday sunday immediately instantly pm
    am weekend midnight""".split()
)
_LEAD = re.compile(r"^(?:yes|no|sure|of course|certainly|absolutely|great|good news|hello|hi)\b[,.! ]+")
_POINTING = frozenset(
    {"your", "this", "my", "both", "it", "i", "we", "these", "the", "they", "you", "our"}
)
_ANY = frozenset({"a", "an", "any", "every", "each"})
_AT_ONCE = frozenset({"now", "already", "currently", "right"})
_SAID = frozenset({"stored", "left", "known", "meant", "needed", "said", "mentioned", "explained"})
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
_GETTING = frozenset({"get", "have", "see", "receiv", "find"})
_GOODS = frozenset({"money", "order", "card", "mail", "never"})
_ENDED = frozenset({"resolved", "closed", "archived"})
_PROPER = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{1,20}\b")
_SOFT = frozenset({"state", "progress"})


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
        why = promise_facts.unknown(sentence, shown)
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
        kinds = _kinds([word for word in clause.words if word not in claimed]) or context
        context = kinds
        for claim in clause.claims:
            if not _supported(claim, clause, kinds, sentence, shown):
                return f"no tool result bears out `{claim.word}`"
        why = _unsupported_phrase(clause, kinds, shown)
        if why and not _in_article(sentence, shown):
            return why
    return _bold(sentence, shown)


def _bold(sentence: str, shown: Shown) -> str:
    """Why a statement about the customer's things is made out of nothing: no tool has answered."""
    spoken = tokens(sentence)
    while spoken and spoken[0] in _OPENERS:
        spoken = spoken[1:]
    if shown.ok or not spoken or _EXCUSES & set(spoken) or spoken[0] in lexicon().invitations:
        return ""
    if not _about_the_customer(spoken) or _in_article(sentence, shown):
        return ""
    stems = {stem(word) for word in spoken if word.isalpha() and word not in STOP_WORDS}
    if any(len(stems & text) >= 0.5 * len(stems) for text in shown.told):
        return ""
    return "no tool was asked"


def _about_the_customer(spoken: list[str]) -> bool:
    """Whether a sentence states something in the present about what is this customer's."""
    things = promise_facts.LISTS.keys()
    if spoken[:2] == ["you", "have"]:
        counted = len(spoken) > 3 and (spoken[2] in promise_facts.MANY or spoken[2].isdigit())
        return counted and any(stem(word) in things for word in spoken[3:6])
    if spoken[:2] in (["there", "is"], ["there", "are"]):
        return bool({"your", "now"} & set(spoken))
    if spoken[0] == "your" and spoken[1:2] and spoken[1] in _THEIR_OWN:
        return False
    named = any(_NAME.match(word) for word in spoken[:2])
    kinds = set(_kinds(spoken[1:3])) & {"order", "ticket", "complaint", "money"}
    start = next((place for place, word in enumerate(spoken) if word not in _AMOUNTS), 0)
    if spoken[start] != "your" and not named and not (spoken[0] == "the" and kinds):
        return False
    return any(word in _STATES or is_verb_in_s(word) for word in spoken[1:])


def _kinds(clause_words: Sequence[str]) -> list[str]:
    """What a clause is about."""
    known = lexicon()
    found = dict.fromkeys(known.objects.get(stem(word), "") for word in clause_words)
    letters = {"t": "ticket", "o": "order", "c": "complaint"}
    for word in clause_words:
        if len(word) > 3 and word[0] in letters and word[1:].isdigit():
            found[letters[word[0]]] = None
    if re.search(r"\b(?:new|spare|another|replacement) (?:debit |credit )?card\b", " ".join(clause_words)):
        found = {"never": None}
    return [kind for kind in found if kind]


def _supported(
    claim: Claim, clause: Clause, kinds: list[str], sentence: str, shown: Shown
) -> bool:
    known = lexicon()
    if _harmless(claim, clause, kinds, known, shown):
        return True
    if not _of_the_customer(clause, claim):
        return True
    if claim.desk and _matches(claim, known.looked) and claim.form in ("past", "progress"):
        return bool(shown.evidence) or claim.form == "progress"
    if not (claim.desk and claim.form in ("past", "progress")) and _in_article(
        sentence, shown, claim
    ):
        return True
    if not claim.desk and _told(clause, claim, shown):
        return True
    if "still" in clause.words and _not_done(kinds, shown):
        return True
    deeds = _deeds(claim, kinds, known)
    timed = claim.form == "future" and _TIMES & set(clause.words)
    for deed in deeds:
        if not deed.about and not timed and _borne_out(deed, clause, shown):
            if not (claim.form == "future" and _strange(clause, claim)) and not _to_strangers(clause):
                return True
    if "never" in kinds or _strange(clause, claim):
        return False
    if deeds:
        if timed:
            return False
        if _any_borne_out(deeds, claim, clause, kinds, sentence, shown):
            return True
    if _is_done(claim, known) and claim.form != "progress":
        theirs = not claim.desk and any(record.status in _ENDED for record in shown.records)
        return theirs or _any_write(clause, kinds, shown)
    if claim.form == "progress" and not claim.desk and "person" in _kinds([claim.word_before]):
        return False
    phrasal = any(
        (claim.verb, word) in deed.verbs
        for deed in known.by_verb.get(claim.verb, ())
        if deed.about & set(kinds)
        for word in claim.particles
    )
    if claim.verb in known.light and kinds and not phrasal:
        return _any_write(clause, kinds, shown)
    if claim.verb in known.by_verb or claim.word in known.by_state:
        return False
    if claim.form == "state" and not is_past(claim.word):
        return False
    return _any_write(clause, kinds, shown) and not _TIMES & set(clause.words)


def _harmless(
    claim: Claim, clause: Clause, kinds: list[str], known: Lexicon, shown: Shown
) -> bool:
    if _matches(claim, known.admitted):
        return True
    if claim.word_before == "you" and claim.form == "past":
        # What the customer did: they know it; the facts in it are looked at elsewhere.
        theirs = (claim.verb, "") in known.customers
        return bool(shown.ok) or not theirs or claim.verb in shown.said_verbs
    if _matches(claim, known.refused) and not claim.desk:
        return any(item.status == "error" for item in shown.evidence)
    if claim.verb in known.harmless and (claim.desk or claim.word in _SAID):
        return True
    if claim.form in ("future", "progress") and _matches(claim, known.future_harmless):
        return not _TIMES & set(clause.words)
    if claim.desk and not kinds and claim.verb == "get" and claim.form == "past":
        return True
    if claim.word_before in ("i", "we") and claim.form == "passive":
        return not _is_done(claim, known)
    if claim.form != "future" or claim.word_before != "you" or _TIMES & set(clause.words):
        return False
    if claim.verb in _GETTING and not _GOODS & set(kinds):
        return True
    return claim.verb not in known.by_verb


def _matches(claim: Claim, verbs: frozenset[tuple[str, str]]) -> bool:
    return (claim.verb, "") in verbs or any(
        (claim.verb, word) in verbs for word in claim.particles
    )


def _is_done(claim: Claim, known: Lexicon) -> bool:
    return claim.word in known.done_states or _matches(claim, known.done)


def _of_the_customer(clause: Clause, claim: Claim) -> bool:
    """Whether a clause speaks of this customer's things, not of things in general."""
    if any(_NAME.match(word) for word in clause.words):
        return True
    relative = claim.word_before in ("that", "which", "who") and clause.words[0] != "that"
    if claim.desk:
        return True
    if not relative and claim.form not in _SOFT:
        first = clause.words[0]
        people = first.endswith("s") and len(first) > 4 and not _kinds([first])
        return not people or bool((_POINTING | _AT_ONCE) & set(clause.words))
    place = clause.words.index(claim.word) if claim.word in clause.words else 0
    subject = clause.words[:place]
    if (_POINTING | promise_facts.MANY.keys()) & set(subject) or not claim.word_before:
        return True
    if subject[0] in ("that", "everything", "all") and not relative:
        return True
    if relative or (subject[0] in _ANY and claim.form == "state"):
        return False
    plural = any(word.endswith("s") and len(word) > 3 for word in subject[:3])
    return not plural and bool(_POINTING & set(clause.words))


def _deeds(claim: Claim, kinds: list[str], known: Lexicon) -> list[Deed]:
    """The deeds that a claim may mean, by its verb and what it is about."""
    by_state = claim.form in ("state", "passive", "progress") or claim.word_before == ""
    found = list(known.by_state.get(claim.word, ())) if by_state else []
    for deed in known.by_verb.get(claim.verb, ()):
        if (claim.verb, "") in deed.verbs or any(
            (claim.verb, word) in deed.verbs for word in claim.particles
        ):
            found.append(deed)
    found = [deed for deed in found if not deed.only or claim.form in deed.only]
    if not kinds:
        return found
    return [deed for deed in found if not deed.about or deed.about & set(kinds)]


def _strange(clause: Clause, claim: Claim) -> bool:
    """Whether somebody is named whom no tool reaches."""
    known = lexicon()
    words = clause.words
    if claim.form == "future" and claim.word in words:
        words = words[: words.index(claim.word)]
    return any(stem(word) in known.strangers for word in words)


def _to_strangers(clause: Clause) -> bool:
    """Whether something is said to somebody whom no tool reaches: `to the police`."""
    words = clause.words
    return any(
        stem(word) in lexicon().strangers and "to" in words[max(place - 2, 0) : place]
        for place, word in enumerate(words)
    )


def _not_done(kinds: list[str], shown: Shown) -> bool:
    """Whether a write to such a thing was refused, or waits: it is still as it was."""
    writes = lexicon().writes
    return any(
        item.status != "ok" and writes.get(item.tool) in kinds for item in shown.evidence
    )


def _unknown_person(sentence: str, shown: Shown) -> bool:
    return any(f" {name.lower()} " not in shown.plain for name in _PROPER.findall(sentence))


def _any_borne_out(
    deeds: list[Deed], claim: Claim, clause: Clause, kinds: list[str], sentence: str, shown: Shown
) -> bool:
    if any(deed.pending for deed in deeds):
        present = claim.form == "progress" and not claim.desk and _AT_ONCE & set(clause.words)
        if present or _unknown_person(sentence, shown):
            return False
    good = [deed for deed in deeds if _borne_out(deed, clause, shown)]
    if "and" in clause.words and claim.form in ("past", "passive"):
        # "your password and your address": each of them.
        for kind in kinds:
            if any(kind in deed.about for deed in deeds) and not any(
                not deed.about or kind in deed.about for deed in good
            ):
                return False
    return bool(good)


def _borne_out(deed: Deed, clause: Clause, shown: Shown) -> bool:
    """Whether the evidence supports a deed, for every thing that the clause names."""
    supporters = shown.supporters(deed)
    if not supporters:
        return False
    if deed.shown:
        return promise_facts.shows(clause.words, shown, deed)
    named = _named(clause.words, deed)
    if any(not any(name in names for names in supporters) for name in named):
        return False
    if deed.statuses and not _as_many(deed, clause, supporters, shown):
        return False
    return not ({"both", "other"} & set(clause.words) and len(set(supporters)) < 2)


def _as_many(
    deed: Deed, clause: Clause, supporters: list[frozenset[str]], shown: Shown
) -> bool:
    """Whether `all orders` or `three orders` are in the state, where that is said."""
    for before, word in pairwise(clause.words):
        kind = lexicon().objects.get(stem(word))
        if kind is None or kind not in deed.about:
            continue
        if before == "your" and "all" in clause.words:
            names = {record.names for record in shown.records if record.kind == kind}
            if not names <= set(supporters):
                return False
        elif before in promise_facts.MANY and promise_facts.MANY[before] > 1:
            if len(set(supporters)) != promise_facts.MANY[before]:
                return False
    return True


def _named(clause_words: Sequence[str], deed: Deed) -> list[str]:
    """The ids, digits and brands of a clause that are of the deed's kind."""
    letters = {"t": "ticket", "o": "order", "c": "complaint"}
    found = []
    for word in clause_words:
        if not _NAME.match(word):
            continue
        kind = letters.get(word[0], "card") if word[1:].isdigit() and word[0] in letters else "card"
        if not deed.about or kind in deed.about:
            found.append(word)
    return found


def _any_write(clause: Clause, kinds: list[str], shown: Shown) -> bool:
    """Whether anything was done to what a clause is about."""
    count = len(shown.written)
    if "both" in clause.words and count < 2:
        return False
    if not kinds:
        return count > 0 and all(name in shown.plain for name in clause.words if _NAME.match(name))
    return bool(set(kinds) & set(shown.written))


def _in_article(sentence: str, shown: Shown, claim: Claim | None = None) -> bool:
    """Whether an article says so in general."""
    if claim is not None and claim.form == "past" and claim.desk:
        return False
    spoken = [word for word in words(sentence) if word not in STOP_WORDS]
    stems = {stem(word) for word in spoken if word != "faq"}
    numbers = set(re.findall(r"\d+", re.sub(r"\[[^\]\n]{0,80}\]", "", sentence)))
    bold = claim is not None and claim.form in ("state", "passive", "past")
    least, part = (4, 0.7) if bold else (3, 0.5)
    if len(stems) < least:
        return False
    return any(
        len(stems & article) >= part * len(stems) and numbers <= set(re.findall(r"\d+", text))
        for article, text in shown.articles
    )


def _told(clause: Clause, claim: Claim, shown: Shown) -> bool:
    """Whether a resolution, a reply or an answer of the record says so."""
    stems = {stem(word) for word in clause.words if word.isalpha() and word not in STOP_WORDS}
    return any(
        (claim.verb in text or stem(claim.word) in text) and len(stems & text) >= 0.6 * len(stems)
        for text in shown.told
    )


def _unsupported_phrase(clause: Clause, kinds: list[str], shown: Shown) -> str:
    text = clause.text
    for phrase in lexicon().phrases:
        if phrase.say not in text or (phrase.about and not phrase.about & set(kinds)):
            continue
        if clause.conditional or (clause.denied and not phrase.denied):
            continue
        deed = phrase.deed
        good = (
            _any_write(clause, kinds, shown)
            if deed is None
            else "never" not in kinds and _borne_out(deed, clause, shown)
        )
        if not good:
            return f"no tool result bears out `{phrase.say.strip()}`"
    return ""
