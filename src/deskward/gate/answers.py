"""Whether an argument is what its principal has said in answer to what its record asks.

A record that asks something says so in its facts: `asks` is the form of the answer (`yes_no`,
`choice`, `number` or `text`), and `choices` are the words to choose from with what they mean, as
`word: meaning`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deskward.text.against import denies, is_well, leaning, says_one_of, turns_over
from deskward.text.folding import folded
from deskward.text.wishes import Wish

_NUMBER = re.compile(r"(?<![\w.,])[-\u2212]?\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"-?\d{1,3}(?:[.,]\d{3})+")
_PART = re.compile(r"\w+")
_COUNTED = re.compile(r"(\d{1,2})[.)]?")


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
    """The word that is chosen by itself, by what it means, or by its number in the list."""
    known = dict(one.partition(": ")[::2] for one in choices)
    words = list(known)
    counted = _COUNTED.fullmatch(said.strip())
    if counted and not any(word[:1].isdigit() for word in words):
        place = int(counted[1])
        return words[place - 1] if 0 < place <= len(words) else None
    plain = folded(said).strip(" .!")
    for word, meaning in known.items():
        if plain in (folded(word), folded(word).replace("_", " "), folded(meaning).strip(" .")):
            return word
    named = [
        word
        for word, meaning in known.items()
        if says_one_of(said, (word, word.replace("_", " "), meaning))
    ]
    return named[0] if len(named) == 1 and not (denies(said) or turns_over(said)) else None


def _stands_in(value: str, said: str) -> bool:
    wanted = _PART.findall(folded(value))
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(_PART.findall(folded(said)))} "
