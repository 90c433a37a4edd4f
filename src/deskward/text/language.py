"""Which language somebody writes, by its commonest small words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache

from deskward.text.folding import folded
from deskward.text.lists import word_lists

_WORD = re.compile(r"\w+")
_PLACEHOLDER = re.compile(
    r"\[\[\w{1,20}:\d{1,9}\]\]|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}|https?://\S{1,500}"
)
"""What is of no language: a placeholder, a mail address, a link."""

_SCRIPTS = {
    "ja": re.compile("[\u3041-\u30ff]"),
    "ar": re.compile("(?<![\u0621-\u064a])[\u0621-\u064a]{2}"),
}
"""Letters by which a language is known whose small words are not listed; of Arabic each word."""

SURELY = 2
"""So many small words more than of its own have to be of another language to leave it."""
SEVERAL = 3
"""So many small words of another language are enough where none is of its own."""
LONG = 4
"""Letters of a word that is known without its accents, too."""
LOOKED_AT = 500
"""Characters of a text that are looked at."""


def language_of(texts: Sequence[str], otherwise: str = "en") -> str:
    """The language of the latest of these texts that says which it is, as an ISO 639-1 code.

    Args:
        texts: What somebody said, the latest last.
        otherwise: The answer where none of them tells.
    """
    for text in reversed(texts):
        best = _best(_votes(text))
        if best:
            return best
    return otherwise


def language_now(texts: Sequence[str], before: str = "") -> str:
    """The language of a conversation: the last one, unless few words speak for another.

    Args:
        texts: What somebody said in it, the latest last.
        before: The language that it had before these.
    """
    now = before
    for text in texts:
        votes = _votes(text)
        best = _best(votes)
        few = 2 * votes.get(best, 0) < min(2 * SEVERAL, len(_words(text[:LOOKED_AT])))
        lead = votes.get(best, 0) - votes.get(now, 0)
        surely = lead >= SURELY if votes.get(now) else not few
        if best and (not now or surely or best in _SCRIPTS):
            now = best
    return now or "en"


def _best(votes: Mapping[str, int]) -> str:
    """The language that has most votes; nothing where two have."""
    ordered = sorted(votes, key=lambda name: -votes[name])
    if ordered and (len(ordered) == 1 or votes[ordered[0]] > votes[ordered[1]]):
        return ordered[0]
    return ""


def _votes(text: str) -> dict[str, int]:
    """Language → how many of a text's small words are of it."""
    votes: dict[str, int] = {}
    for word in _words(text[:LOOKED_AT]):
        for language in _languages().get(word, ()):
            votes[language] = votes.get(language, 0) + 1
    for language, letters in _SCRIPTS.items():
        if found := len(letters.findall(text[:LOOKED_AT])):
            votes[language] = found
    return votes


@cache
def _languages() -> dict[str, list[str]]:
    """Word → the languages in which it is a small word."""
    found: dict[str, list[str]] = {}
    for language, small in word_lists("languages").items():
        words = _words(" ".join(small))
        plain = [bare for word in words if len(bare := _bare(word)) >= LONG]
        for word in dict.fromkeys([*words, *plain]):
            found.setdefault(word, []).append(language)
    return found


def _bare(word: str) -> str:
    """A word without accents, as many people write it."""
    apart = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _words(text: str) -> list[str]:
    """The words of a text with any letters; what is of no language, or has a digit, is none."""
    found = _WORD.findall(folded(_PLACEHOLDER.sub(" ", text)))
    return [word for word in found if word.isalpha()]
