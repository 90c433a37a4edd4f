"""Whether an argument is what its principal has said in answer to what its record asks.

A record that asks something says so in its facts: `asks` is the form of the answer (`yes_no`,
`choice`, `number` or `text`), and `choices` are the words to choose from with what they mean, as
`word: meaning`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from deskward.text.against import denies, is_well, leaning, says_one_of, turns_over
from deskward.text.folding import folded
from deskward.text.wishes import Wish

_NUMBER = re.compile(r"(?<![\w.,])[-\u2212]?\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"-?\d{1,3}(?:[.,]\d{3})+")
_PART = re.compile(r"\w+")
_COUNTED = re.compile(r"(\d{1,2})[.)]?(?:番目?(?:です)?)?")
_ENDS = " .!。！،؛、"
SHORTEST, TELLING, FEW = 2, 5, 4
"""Letters of an utterance that names a choice where words are not parted; letters of a word that
tells something where they are, and how many words such an utterance has."""


def is_told(wish: Wish, value: Any, said: str) -> bool:
    """Whether an utterance tells by itself that something is so, whatever was asked."""
    if not isinstance(value, bool):
        return False
    no = [one for one in wish.denies if says_one_of(said, (one,))]
    # What denies may hold words that affirm: "has not helped".
    affirms = [one for one in wish.affirms if not any(one in denying for denying in no)]
    well = is_well(said)
    yes = well or says_one_of(said, affirms)
    if yes == bool(no) or turns_over(said) or (yes and not well and denies(said)):
        return False
    return yes is value


def is_answer(record: Mapping[str, Any], value: Any, said: str) -> bool:
    """Whether an utterance gives this value, and no other, to what a record asks."""
    form = record.get("asks")
    if form == "yes_no":
        return isinstance(value, bool) and leaning(said) is value
    if form == "number":
        return not isinstance(value, bool) and _is_number(value, said)
    if form == "choice":
        return isinstance(value, str) and _chosen(record.get("choices") or (), said) == value
    if form == "text":
        return isinstance(value, str) and _stands_in(value, said)
    return False


def number_in(said: str) -> float | None:
    """The one number of an utterance; "1,200" is read with a mark that parts thousands."""
    return next(iter(_readings(said)), None)


def _is_number(value: Any, said: str) -> bool:
    if not isinstance(value, int | float) or denies(said) or turns_over(said):
        return False
    return float(value) in _readings(said)


def _readings(said: str) -> list[float]:
    """What the one number of an utterance can be: with marks of thousands, and with a decimal."""
    found = _NUMBER.findall(folded(said))
    if len(found) != 1:
        return []
    plain = found[0].replace("\u2212", "-")
    readings = []
    if _GROUPED.fullmatch(plain):
        readings.append(float(plain.replace(",", "").replace(".", "")))
    if plain.count(",") + plain.count(".") < 2:
        readings.append(float(plain.replace(",", ".")))
    return readings


def _chosen(choices: Sequence[str], said: str) -> str | None:
    """The word that is chosen by itself, by what it means, or by its number in the list.

    A word may be there several times, with what it means in other languages.
    """
    known = [(word, meaning) for word, _, meaning in (one.partition(": ") for one in choices)]
    words = list(dict.fromkeys(word for word, _ in known))
    counted = number_of_choice(said)
    if counted is not None and not any(word[:1].isdigit() for word in words):
        return words[counted - 1] if 0 < counted <= len(words) else None
    plain = folded(said).strip(_ENDS)
    for word, meaning in known:
        if plain in (folded(word), folded(word).replace("_", " "), folded(meaning).strip(_ENDS)):
            return word
    named = {
        word
        for word, meaning in known
        if says_one_of(said, (word, word.replace("_", " "), meaning))
    } or {word for word, meaning in known if _names(plain, meaning)}
    return named.pop() if len(named) == 1 and not (denies(said) or turns_over(said)) else None


def _names(plain: str, meaning: str) -> bool:
    """Whether an utterance gives what a choice means, in fewer words: "with password"."""
    if any(letter >= "\u0590" for letter in plain):
        return len(plain) >= SHORTEST and plain in folded(meaning)
    words = _PART.findall(plain)
    telling = [word for word in words if len(word) >= TELLING]
    known = _PART.findall(folded(meaning))
    return len(words) <= FEW and bool(telling) and all(word in known for word in telling)


def number_of_choice(said: str) -> int | None:
    """Which place of a list an utterance names by nothing but its number."""
    counted = _COUNTED.fullmatch(unicodedata.normalize("NFKC", said).strip(_ENDS))
    return int(counted[1]) if counted else None


def _stands_in(value: str, said: str) -> bool:
    wanted = _PART.findall(folded(value))
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(_PART.findall(folded(said)))} "
