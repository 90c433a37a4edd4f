"""Whether a question goes on with what was looked up just before: "and how long does that take?".

Such a question names little of its own, and points back with a word, or begins with "and". Words
are data: `text/lists/follows.yaml`, `joins.yaml`, and each language's words that say nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from deskward.agent.offline.lookup import Lookup, plain, tokens_of
from deskward.text.analysis import stop_words
from deskward.text.joins import leading_and
from deskward.text.language import language_of
from deskward.text.lists import read_list

LONGEST = 60
"""Characters of such a question."""
FEW = 2
"""Words of its own that a question has that points back."""

Follows = Literal["", "perhaps", "likely", "surely"]
"""Likely where it begins with "and", perhaps where it only has few words."""


def follows(text: str, language: str) -> Follows:
    """Whether a question goes on with the one before.

    Args:
        language: The conversation's, which a question of few words may not tell.
    """
    if len(text) > LONGEST:
        return ""
    words = len(own_words(text, language))
    own = language_of([text], otherwise=language)
    if words <= FEW and _pointing(own).find(tokens_of(plain(text))):
        return "surely"
    if leading_and().match(text):
        return "likely"
    return "perhaps" if words < FEW else ""


def own_words(text: str, language: str) -> set[str]:
    """The words of a text that say something, plain.

    Args:
        language: The conversation's, which a text of few words may not tell.
    """
    silent = stop_words(language_of([text], otherwise=language))
    return {token.text for token in tokens_of(plain(text))} - silent


@cache
def _pointing(language: str) -> Lookup:
    lists = read_list("follows")
    return Lookup([("back", lists.get(language, lists["en"]))])
