"""Which word of the lists a misspelt word is, where it is but one slip away.

A slip is a letter left out, two that changed places, one that is doubled, a wrong one within a long
word, or accents left out. A letter more or another one at the end is none: it is an inflection, and
"änderte" is no "ändere".
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

SHORTEST = 5
"""Letters of a word of the lists that is recognised in spite of a slip."""
LONG = 7
"""From this length on a wrong letter within a word is a slip, and not another word."""
SHORTEST_SOUND = 4
"""Letters of a word that is written as it sounds."""
LONGEST = 24
"""Longer words are taken as they are."""


class Spelling:
    """Recognises misspelt words of some lists."""

    def __init__(self, known: Iterable[str], sought: Iterable[str]) -> None:
        """Make it.

        Args:
            known: Words that are no slips.
            sought: Those that slips are recognised of.
        """
        self._known = frozenset(known)
        self._near: dict[str, set[str]] = defaultdict(set)
        for word in sought:
            if SHORTEST <= len(word) <= LONGEST and word.isalpha():
                self._near[word].add(word)
                for shorter in _shortened(word):
                    self._near[shorter].add(word)
                if (bare := without_accents(word)) != word:
                    self._near[bare].add(word)

    def meant(self, word: str) -> frozenset[str]:
        """The known words that a word may be a slip of; none for a known one."""
        if word in self._known or not (SHORTEST <= len(word) + 1 <= LONGEST and word.isalpha()):
            return frozenset()
        found = {
            near
            for key in (word, *_shortened(word))
            for near in self._near.get(key, ())
            if _is_slip(word, near)
        }
        return frozenset(found)


def respelled(word: str, sounds: Iterable[tuple[str, str]], known: Callable[[str], bool]) -> str:
    """The known word that an unknown one sounds like, or the word itself: "kiero", "blokka".

    Args:
        sounds: How it may be written, and what it is heard as.
    """
    if len(word) < SHORTEST_SOUND or len(word) > LONGEST or not word.isalpha() or known(word):
        return word
    for heard, written in sounds:
        if heard in word and known(other := word.replace(heard, written)):
            return other
    for at in range(1, len(word)):
        if word[at] == word[at - 1] and known(other := word[:at] + word[at + 1 :]):
            return other  # a letter held down
    return word


def parted(word: str, prefixes: Sequence[str], known: Callable[[str], bool]) -> tuple[str, str]:
    """What is written together with a known word in front of it, and the word: "وألغوا"."""
    if known(word):
        return "", word
    ends = (word.removeprefix(prefix) for prefix in prefixes if word.startswith(prefix))
    end = next((end for end in ends if len(end) > 1 and known(end)), word)
    return word[: len(word) - len(end)], end


def without_accents(word: str) -> str:
    """The word as it is written where the keyboard has no accents."""
    apart = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _shortened(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _is_slip(word: str, meant: str) -> bool:
    if word == without_accents(meant):
        return True
    if len(word) == len(meant) - 1:  # a letter is left out; "than" is no "thank"
        return not meant.startswith(word) or len(meant) > SHORTEST
    wrong = [at for at, (a, b) in enumerate(zip(word, meant, strict=False)) if a != b]
    if len(word) == len(meant):
        if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
            a, b = wrong
            return (word[a], word[b]) == (meant[b], meant[a])
        return len(wrong) == 1 and len(word) >= LONG and 0 < wrong[0] < len(word) - 2
    if len(word) == len(meant) + 1 and wrong:
        return word[wrong[0]] == word[wrong[0] - 1]  # doubled
    return False
