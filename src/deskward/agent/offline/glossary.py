"""English words for what a question in another language is about: dictionaries translate queries.

Where a desk's articles are English and the customer's words are few, vectors alone often miss an
article that one word would find. Words are data: `text/lists/glossary.yaml`.
"""

from __future__ import annotations

from functools import cache

from deskward.agent.offline.lookup import Lookup, plain, tokens_of
from deskward.text.language import language_of
from deskward.text.lists import read_list

MOST = 2
"""Subjects of a question."""


def in_english(text: str, language: str) -> str:
    """What a question is about, in English words; nothing where no word tells, or it is English.

    Args:
        language: The conversation's, which counts where the text tells none.
    """
    told = language_of([text], otherwise="")
    if told == "en" or (not told and language == "en" and not text.isascii()):
        return ""
    tokens, lookups = tokens_of(plain(text)), _lookups()
    languages = [told] if told in lookups else [language, *lookups] if not told else []
    for one in languages:
        hits = lookups[one].find(tokens) if one in lookups else {}
        if hits:
            return " ".join(sorted(hits, key=lambda name: min(h.start for h in hits[name]))[:MOST])
    return ""


@cache
def _lookups() -> dict[str, Lookup]:
    lists: dict[str, dict[str, list[str]]] = read_list("glossary")
    languages = dict.fromkeys(one for own in lists.values() for one in own)
    return {
        one: Lookup((name, own[one]) for name, own in lists.items() if one in own)
        for one in languages
    }
