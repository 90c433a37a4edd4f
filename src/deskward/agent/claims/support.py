"""Whether the evidence bears a claim out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from deskward.agent.claims import facts
from deskward.agent.claims.clauses import Clause
from deskward.agent.claims.evidence import Shown
from deskward.agent.claims.lexicon import Deed, Lexicon, lexicon
from deskward.agent.claims.verbs import Claim, is_past
from deskward.text.words import STOP_WORDS, stem, words

NAME = re.compile(r"^(?:[toc]\d{3,}|\d{4}|visa|mastercard|jcb|amex)$")
_TIMES = frozenset(
    """today tomorrow tonight morning afternoon evening noon hour hours minute minutes day days week
    weeks month monday tuesday wednesday thursday friday saturday sunday immediately instantly pm
    am weekend midnight""".split()
)
_POINTING = frozenset(
    {"your", "this", "my", "both", "it", "i", "we", "these", "the", "they", "you", "our"}
)
_ANY = frozenset({"a", "an", "any", "every", "each"})
_AT_ONCE = frozenset({"now", "already", "currently", "right"})
_SAID = frozenset({"stored", "left", "known", "meant", "needed", "said", "mentioned", "explained"})
_GETTING = frozenset({"get", "have", "see", "receiv", "find"})
_GOODS = frozenset({"money", "order", "card", "mail", "never"})
_ENDED = frozenset({"resolved", "closed", "archived"})
_PROPER = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{1,20}\b")
_NEW_CARD = re.compile(r"\b(?:new|spare|another|replacement) (?:debit |credit )?(?:card|one)\b")
_SOFT = frozenset({"state", "progress"})


def kinds_of(clause_words: Sequence[str]) -> list[str]:
    """What a clause is about."""
    known = lexicon()
    found = dict.fromkeys(
        known.objects.get(stem(word), "")
        for word in clause_words
        if not word.startswith("personal")
    )
    letters = {"t": "ticket", "o": "order", "c": "complaint"}
    for word in clause_words:
        if len(word) > 3 and word[0] in letters and word[1:].isdigit():
            found[letters[word[0]]] = None
    if {"card", "one"} & set(clause_words) and _NEW_CARD.search(" ".join(clause_words)):
        found = {"never": None}
    return [kind for kind in found if kind]


def supported(claim: Claim, clause: Clause, kinds: list[str], sentence: str, shown: Shown) -> bool:
    """Whether a claim needs no support, or has it.

    Args:
        claim: What is claimed.
        clause: Where.
        kinds: The kinds of object that the clause is about.
        sentence: The whole sentence.
        shown: What the tools showed.
    """
    known = lexicon()
    if _harmless(claim, clause, kinds, known, shown) or not _of_the_customer(clause, claim):
        return True
    if claim.desk and _matches(claim, known.looked) and claim.form in ("past", "progress"):
        return bool(shown.evidence) or claim.form == "progress"
    if _is_text(claim, clause, sentence, shown):
        return True
    if "still" in clause.words and _not_done(kinds, shown):
        return True
    deeds = _deeds(claim, kinds, known)
    timed = claim.form == "future" and bool(_TIMES & set(clause.words))
    if not timed and _of_a_topic(deeds, claim, clause, shown):
        return True
    if "never" in kinds or _strange(clause, claim) or (deeds and timed):
        return False
    if deeds and _any_borne_out(deeds, claim, clause, kinds, sentence, shown):
        return True
    return _by_any_write(claim, clause, kinds, shown)


def _is_text(claim: Claim, clause: Clause, sentence: str, shown: Shown) -> bool:
    """Whether an article or the record says so in words; what the desk did, no text bears out."""
    if not (claim.desk and claim.form in ("past", "progress")) and in_article(
        sentence, shown, claim
    ):
        return True
    return not claim.desk and _told(clause, claim, shown)


def _of_a_topic(deeds: list[Deed], claim: Claim, clause: Clause, shown: Shown) -> bool:
    """Whether a deed is borne out that may be about anything: `I have reported the …`."""
    if _to_strangers(clause) or (claim.form == "future" and _strange(clause, claim)):
        return False
    return any(not deed.about and _borne_out(deed, clause, shown) for deed in deeds)


def _by_any_write(claim: Claim, clause: Clause, kinds: list[str], shown: Shown) -> bool:
    """Whether a claim whose verb says little, or is not known, is of something that was done."""
    known = lexicon()
    if _is_done(claim, known) and claim.form != "progress":
        theirs = not claim.desk and any(record.status in _ENDED for record in shown.records)
        return theirs or _any_write(clause, kinds, shown)
    if claim.form == "progress" and not claim.desk and "person" in kinds_of([claim.word_before]):
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


def _harmless(claim: Claim, clause: Clause, kinds: list[str], known: Lexicon, shown: Shown) -> bool:
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
    return (claim.verb, "") in verbs or any((claim.verb, word) in verbs for word in claim.particles)


def _is_done(claim: Claim, known: Lexicon) -> bool:
    return claim.word in known.done_states or _matches(claim, known.done)


def _of_the_customer(clause: Clause, claim: Claim) -> bool:
    """Whether a clause speaks of this customer's things, not of things in general."""
    if any(NAME.match(word) for word in clause.words):
        return True
    relative = claim.word_before in ("that", "which", "who") and clause.words[0] != "that"
    if claim.desk:
        return True
    if not relative and claim.form not in _SOFT:
        first = clause.words[0]
        people = first.endswith("s") and len(first) > 4 and not kinds_of([first])
        return not people or bool((_POINTING | _AT_ONCE) & set(clause.words))
    place = clause.words.index(claim.word) if claim.word in clause.words else 0
    subject = clause.words[:place]
    if not subject or not claim.word_before:
        return True
    if (_POINTING | facts.MANY.keys()) & set(subject):
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
    return any(item.status != "ok" and writes.get(item.tool) in kinds for item in shown.evidence)


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
        return facts.shows(clause.words, shown, deed)
    named = _named(clause.words, deed)
    if any(not any(name in names for names in supporters) for name in named):
        return False
    if deed.statuses and not _as_many(deed, clause, supporters, shown):
        return False
    return not ({"both", "other"} & set(clause.words) and len(set(supporters)) < 2)


def _as_many(deed: Deed, clause: Clause, supporters: list[frozenset[str]], shown: Shown) -> bool:
    """Whether `all orders` or `three orders` are in the state, where that is said."""
    if "of" in clause.words:
        return True
    for before, word in pairwise(clause.words):
        kind = lexicon().objects.get(stem(word))
        if kind is None or kind not in deed.about:
            continue
        if before == "your" and "all" in clause.words:
            names = {record.names for record in shown.records if record.kind == kind}
            if not names <= set(supporters):
                return False
        many = facts.MANY.get(before, 0)
        if many > 1 and len(set(supporters)) != many:
            return False
    return True


def _named(clause_words: Sequence[str], deed: Deed) -> list[str]:
    """The ids, digits and brands of a clause that are of the deed's kind."""
    letters = {"t": "ticket", "o": "order", "c": "complaint"}
    found = []
    for word in clause_words:
        if not NAME.match(word):
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
        return count > 0 and all(name in shown.plain for name in clause.words if NAME.match(name))
    return bool(set(kinds) & set(shown.written))


def in_article(sentence: str, shown: Shown, claim: Claim | None = None) -> bool:
    """Whether an article says so in general."""
    if claim is not None and claim.form == "past" and claim.desk:
        return False
    if not shown.articles:
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


def unsupported_phrase(clause: Clause, kinds: list[str], shown: Shown) -> str:
    """Why a turn of phrase claims what nothing supports, or nothing."""
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
