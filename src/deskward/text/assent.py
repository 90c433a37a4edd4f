"""Yes and no: what an answer says to "Shall I …?", as a whole.

The whole utterance must be in a closed set (`lists/assent.yaml`), because whatever else stands
there may take it back: "sure, but not now", "yes?", "of course not". Everything else is no answer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from deskward.text.folding import folded
from deskward.text.lists import read_list

LONGEST = 60
"""Characters of an answer; a longer text says more than yes or no."""

_LOOKS = "\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""How an emoji is to look: as text or in colour, and of which skin."""
_BETWEEN = re.compile(r"[\s,.!。、！，،-]+")
_HESITATES = re.compile(r"\.\.|。。|-\s*$|,\s*$")
_DROPPED = str.maketrans(dict.fromkeys(_LOOKS))


@dataclass(frozen=True)
class _Answers:
    yes: frozenset[str]
    deeds: frozenset[str]
    no: frozenset[str]
    courtesy: tuple[tuple[str, ...], ...]
    negators: frozenset[str]


@lru_cache(maxsize=256)
def answer_of(text: str, *, of_fact: bool = False) -> bool | None:
    """What the text answers: True for yes, False for no, None for anything else.

    Args:
        of_fact: Whether it was asked if something is so, and not if something is to be done: then
            "go ahead" and "never mind" are no answers.
        text: The whole utterance, in any language of the list, in any case; letters count as NFKC
            (Unicode Annex 15) has them. Courtesy, full stops, exclamation marks and harmless emoji
            beside the answer do not count; a question mark or dots make it none.
    """
    if len(text) > LONGEST:
        return None
    said = words_of(text)
    if _HESITATES.search(unicodedata.normalize("NFKC", text)):
        return None
    answers = _answers()
    of_deeds = answers.deeds if of_fact else frozenset()
    rest = _without_courtesy(said, answers.courtesy)
    for words in (said, rest):
        phrase = " ".join(words)
        if phrase in of_deeds:
            return None
        if phrase in answers.no:
            return None if phrase in answers.yes else False
        if phrase in answers.yes:
            return None if answers.negators.intersection(words) else True
    return None


def behind_yes(text: str) -> str | None:
    """What stands behind a yes that begins a text without a mark; None where none begins it."""
    head, _, behind = text.strip().partition(" ")
    return behind if behind and folded(head) in _plain_yes() else None


def has_negator(text: str) -> bool:
    """Whether a text has a word that says no of anything: "nothing", "jamais"."""
    return not _answers().negators.isdisjoint(words_of(text))


def said_as(yes: bool, language: str) -> str:
    """The word for yes or no in a language, the English one where it is not known."""
    words = read_list("assent")["agrees" if yes else "refuses"]
    return str(words.get(language, words["en"])[0])


def _without_courtesy(
    words: tuple[str, ...], courtesy: tuple[tuple[str, ...], ...]
) -> tuple[str, ...]:
    """The words without the phrases of courtesy, wherever they stand."""
    kept: list[str] = []
    at = 0
    while at < len(words):
        polite = next((p for p in courtesy if words[at : at + len(p)] == p), None)
        if polite is None:
            kept.append(words[at])
        at += len(polite) if polite else 1
    return tuple(kept)


@cache
def _plain_yes() -> frozenset[str]:
    return frozenset(map(folded, read_list("assent")["plainly"]))


@cache
def _answers() -> _Answers:
    lists = read_list("assent")
    yes: set[str] = set()
    deeds = {_plain(phrase) for phrases in lists["deeds"].values() for phrase in phrases}
    for language, heads in lists["agrees"].items():
        goes = [_plain(phrase) for phrase in lists["go"].get(language, ())]
        facts = {_plain(phrase) for phrase in lists["facts"].get(language, ())}
        plain = [_plain(phrase) for phrase in heads]
        yes.update(plain, goes, map(_plain, lists["alone"].get(language, ())))
        yes.update(f"{head} {go}" for head in plain for go in goes)
        acts = [go for go in goes if go not in facts]
        deeds.update(acts, (f"{head} {go}" for head in plain for go in acts))
    no = {_plain(phrase) for phrases in lists["refuses"].values() for phrase in phrases}
    # Longer ones first, so that "thank you very much" goes whole.
    polite = sorted((*lists["courtesy"], *lists["emoji"]), key=len, reverse=True)
    negators = {_plain(word) for words in lists["negators"].values() for word in words}
    courtesy = tuple(tuple(_plain(phrase).split()) for phrase in polite)
    return _Answers(frozenset(yes), frozenset(deeds), frozenset(no), courtesy, frozenset(negators))


def _plain(phrase: str) -> str:
    """A phrase of the list as an answer is read."""
    return " ".join(words_of(phrase))


def words_of(text: str) -> tuple[str, ...]:
    """The words of an answer as they are compared: folded, and an emoji a word by itself."""
    plain = folded(text).translate(_DROPPED)
    apart = "".join(f" {c} " if unicodedata.category(c) == "So" else c for c in plain)
    return tuple(word for word in _BETWEEN.split(apart) if word)
