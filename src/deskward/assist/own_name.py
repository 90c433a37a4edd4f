"""Where customers name themselves, above or below what they write: that claims nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from deskward.text.lists import word_lists
from deskward.text.sentences import Sentence

_WORD = re.compile(r"[^\W\d_]+")
_LISTS = word_lists("courtesy")
_AROUND = frozenset(word.casefold() for word in (*_LISTS["polite"], *_LISTS["naming"]))
_TURNS = frozenset(("not", "no", "never", "without", "except", "off", "stop", "cancel"))
"""What turns a sentence round is no name that may be left out, whoever is called so."""


def without_own_name(said: Sequence[Sentence], name: str) -> list[Sentence]:
    """Sentences without those that only name who writes, and without a name behind the last one.

    Args:
        name: The customer's name, as the desk knows it.
    """
    names = frozenset(word.casefold() for word in _WORD.findall(name)) - _TURNS
    if not names:
        return list(said)
    found: list[Sentence] = []
    for sentence in said:
        if not _only_names(sentence.text, names):
            found.append(sentence)
        elif found and _closes(found[-1].text):
            found.pop()  # what stands above a name: Saludos,
    if found:
        found[-1] = replace(found[-1], text=_unsigned(found[-1].text, names))
    return found


def _only_names(text: str, names: frozenset[str]) -> bool:
    """Whether a text is one's own name, with words of courtesy, or that one is called so."""
    spoken = [word.casefold() for word in _WORD.findall(text)]
    initials = {name[0] for name in names}
    return any(word in names for word in spoken) and all(
        word in names or word in _AROUND or word in initials for word in spoken
    )


def _closes(text: str) -> bool:
    spoken = [word.casefold() for word in _WORD.findall(text)]
    return all(word in _AROUND for word in spoken)


def _unsigned(text: str, names: frozenset[str]) -> str:
    """A text without one's own name behind a dash or a comma at its end."""
    before, _, behind = text.rpartition(next((sign for sign in "–—-," if sign in text), "\0"))
    spoken = [word.casefold() for word in _WORD.findall(behind)]
    signed = before and spoken and all(word in names for word in spoken)
    return before.rstrip() if signed else text
