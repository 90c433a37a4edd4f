"""The words of `text/lists/options.yaml` as answers are read with them; see `gate/choices.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from deskward.text.folding import bare, folded
from deskward.text.lists import read_list

WORD = re.compile(r"[^\W_]+")
PARTED = "\u0590"
"""From here on are scripts that part no words, or whose words grow in front."""


@cache
def silent() -> frozenset[str]:
    """Small words that may stand beside an option, in all languages."""
    lists = read_list("options")["silent"]
    small = (str(word) for own in lists.values() for word in own)
    words = (part for word in small for part in WORD.findall(folded(word)))
    polite = (part for one in read_list("assent")["courtesy"] for part in WORD.findall(folded(one)))
    return frozenset((*words, *polite)) | negators()


@cache
def negators() -> frozenset[str]:
    """Words that say no, in all languages."""
    words = (str(n) for own in read_list("against")["negators"].values() for n in own)
    return frozenset(part for word in words for part in WORD.findall(folded(word)))


@cache
def unparted() -> re.Pattern[str]:
    """What says nothing where words are not parted, the longest first."""
    lists, anywhere = read_list("options")["silent"], set(read_list("against")["anywhere"])
    negators = read_list("against")["negators"]
    words = {str(w) for name in anywhere for w in (*lists.get(name, ()), *negators.get(name, ()))}
    longest = sorted(map(folded, words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest)))


@cache
def instead() -> re.Pattern[str]:
    """What parts what is not meant from what is."""
    lists = read_list("options")["instead"]
    after = sorted(map(folded, lists["after"]), key=len, reverse=True)
    words = sorted(map(folded, lists["between"]), key=len, reverse=True)
    whole = "|".join(re.escape(one) for one in words if one[0] < PARTED)
    inside = "|".join(re.escape(one) for one in words if one[0] >= PARTED)
    behind = "|".join(
        rf"(?<!\w){re.escape(one)}(?!\w)" if one[0] < PARTED else re.escape(one) for one in after
    )
    return re.compile(rf"(?P<after>{behind})|(?<!\w)(?:{whole})(?!\w)|(?:{inside})")


@cache
def units() -> Mapping[str, frozenset[str]]:
    """What is counted, and under "" the words that only lead to it."""
    lists = read_list("options")["units"]
    words = {name: frozenset(folded(str(word)) for word in own) for name, own in lists.items()}
    return {"": words["leads"], "all": frozenset().union(*words.values())}


@cache
def asking() -> re.Pattern[str]:
    """A question without its mark, words that only report what is said, and quotation marks."""
    lists = read_list("options")["reports"].values()
    words = "|".join(re.escape(folded(str(word))) for own in lists for word in own)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)|[\"“”„«»「」]")


@cache
def shown() -> re.Pattern[str]:
    """Words for what is read off a screen."""
    lists = read_list("options")["shows"].values()
    words = "|".join(re.escape(folded(str(word))) for own in lists for word in own)
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


@cache
def places() -> Mapping[str, frozenset[str]]:
    """By place the words for it; under "" those that may lead, under "one" those for a thing."""
    found: dict[str, set[str]] = {str(number): set() for number in range(1, 6)}
    for own in read_list("references").values():
        for number, words in enumerate(own["places"], 1):
            found[str(number)].update(bare(str(word)) for word in words)
    for own in read_list("numbers").values():
        for number in range(1, 6):
            found[str(number)].add(bare(own["small"][number]))
    found[""] = {bare(str(word)) for word in read_list("options")["leads"]}
    found["one"] = {"one", "ones"}
    return {name: frozenset(words) for name, words in found.items()}


@cache
def no_counts() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What ends before a number that counts nothing, and what does where no unit is behind it."""
    always, alone = (_ends_with(read_list("options")[n]) for n in ("no_counts", "no_counts_alone"))
    return always, alone


def _ends_with(lists: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    words = "|".join(re.escape(folded(str(word))) for own in lists.values() for word in own)
    return re.compile(rf"(?<!\w)({words})\W{{1,3}}$")
