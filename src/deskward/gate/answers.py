"""Whether an argument is what its principal has said in answer to what its record asks.

A record that asks something says so in its facts: `asks` is the form of the answer (`yes_no`,
`choice`, `number` or `text`), and `choices` are the words to choose from with what they mean, as
`word: meaning`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deskward.gate.besides import without_besides
from deskward.gate.choices import are_telling, chosen, clauses_of, says_only
from deskward.text.against import denies, doubts, is_well, leaning, says_one_of, turns_over, wells
from deskward.text.amounts import languages, spoken
from deskward.text.folding import folded
from deskward.text.lists import read_list
from deskward.text.wishes import Wish

_NUMBER = re.compile(r"(?<![\w.,])[-\u2212]?\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"-?\d{1,3}(?:[.,]\d{3})+")
_PART = re.compile(r"\w+")
LONGEST = 120
"""Characters of an utterance in which a number is read that is said in words."""


def is_told(wish: Wish, value: Any, said: str) -> bool:
    """Whether an utterance tells by itself that something is so, whatever was asked."""
    if not isinstance(value, bool):
        return False
    no = [one for one in wish.denies if says_one_of(said, (one,))]
    # What denies may hold words that affirm: "has not helped".
    affirms = [one for one in wish.affirms if not any(one in denying for denying in no)]
    well = is_well(said)
    yes = well or says_one_of(said, affirms)
    if yes == bool(no) or doubts(said) or (yes and turns_over(said)):
        return False  # "I did it, but it does not work" is a no
    if yes and not says_only(said, (*affirms, *wells()), may_deny=False):
        return False  # "that helped, now nothing works at all"
    if no and not any(says_only(one, wish.denies) for one in clauses_of(said)):
        return False  # "my other program does not work"
    return yes is value


def is_answer(record: Mapping[str, Any], value: Any, said: str) -> bool:
    """Whether an utterance gives this value, and no other, to what a record asks."""
    form, asked = record.get("asks"), str(record.get("question") or "")
    if form != "text":
        said = without_besides(said, asked)
    if form == "yes_no":
        return isinstance(value, bool) and leaning(said) is value
    if form == "number":
        return not isinstance(value, bool) and _is_number(value, said)
    if form == "choice":
        return isinstance(value, str) and chosen(record.get("choices") or (), said, asked) == value
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
    if not found and len(said) <= LONGEST:
        return in_words(said)
    if len(found) != 1:
        return []
    plain = found[0].replace("\u2212", "-")
    readings = []
    if _GROUPED.fullmatch(plain):
        readings.append(float(plain.replace(",", "").replace(".", "")))
    if plain.count(",") + plain.count(".") < 2:
        readings.append(float(plain.replace(",", ".")))
    return readings


def in_words(said: str) -> list[float]:
    """The one number that an utterance gives in words, and says nothing else."""
    found = set()
    for language in languages():
        told = spoken(said, language)
        if told is not None and not are_telling(told[1]) and not _is_ambiguous(said):
            found.add(float(told[0]))
    return list(found) if len(found) == 1 else []


def _is_ambiguous(said: str) -> bool:
    """Whether the number is a word of another language, too: "once" is eleven in Spanish."""
    words = set(_PART.findall(folded(said)))
    return bool(words & set(read_list("options")["no_numbers"]))


def _stands_in(value: str, said: str) -> bool:
    wanted = _PART.findall(folded(value))
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(_PART.findall(folded(said)))} "
