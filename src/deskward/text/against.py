"""Whether somebody speaks against a deed that takes down their words, and needs no other wish.

"Our calls get a 429" names no deed, and yet a model may begin to help; "No, please do not start a
diagnosis" names it, too. What speaks against it is found cautiously: whoever is taken for speaking
against is only asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from deskward.text.assent import answer_of, behind_yes
from deskward.text.folding import folded
from deskward.text.lists import read_list

LONGEST = 2_000
"""Characters that are looked at."""

SHORT = 2
"""Letters of a word that ends there, where words grow in front."""

_IN_FRONT = frozenset(("ar", "he"))
_SENTENCE = re.compile(r"(?<=[.!?;…。！？؟])\s*|\n+")
_CLAUSE = re.compile(r"[,.:;!…。，、：；！،؛–—]+\s*")
_MARKS = re.compile(r"[^\w'\s-]+")


def speaks_against(text: str, deed: Iterable[str], *, of_trouble: bool = False) -> bool:
    """Whether what somebody said speaks against a deed.

    Args:
        deed: Parts of words by which it is named, in all languages.
        of_trouble: Whether it is about a trouble of the speaker's: then it speaks against it, too,
            that there is none, that it is somebody else's, or that it is only imagined.
    """
    said = folded(text[:LONGEST])
    if answer_of(text) is False:
        return True
    parts = [folded(one) for one in deed]
    for sentence in filter(None, map(str.strip, _SENTENCE.split(said))):
        if any(part in sentence for part in parts) and (
            _has("negators", sentence) or _has("conditions", sentence)
        ):
            return True
        if of_trouble and (_is_imagined(sentence) or _has("theirs", sentence)):
            return True
    return of_trouble and is_well(text)


def is_well(text: str) -> bool:
    """Whether a text says that nothing is wrong, and nothing that turns that over."""
    said = folded(text[:LONGEST])
    well = _pattern("well")
    found = well.search(said) is not None
    # "Nothing is wrong" has a negator of its own.
    return found and not _asks(said) and not _has("turns", well.sub(" ", said))


@cache
def wells() -> tuple[str, ...]:
    """The phrases by which nothing is wrong."""
    return tuple(str(one) for some in read_list("against")["well"].values() for one in some)


def is_well_now(text: str) -> bool:
    """Whether a text says that something works, and not only that there is no problem."""
    said = folded(text[:LONGEST])
    return is_well(text) and _plainly_well().search(said) is not None


def leaning(text: str, *, of_fact: bool = False) -> bool | None:
    """What an answer says that begins with yes or no: "Yes, it does."; None where that is doubtful.

    What follows may say it once more, and neither turn it over, doubt it nor ask.

    Args:
        of_fact: As `answer_of` has it.
    """
    whole = answer_of(text, of_fact=of_fact)
    if whole is not None:
        return whole
    said = folded(text[:LONGEST])
    if _asks(said) or _has("conditions", said):
        return None
    first, *rest = [part for part in _CLAUSE.split(said) if part.strip()] or [""]
    if of_fact and any(is_of_deed(part) for part in rest):
        return None  # "yes, do it" answers another question
    if of_fact and rest and is_of_deed(first):  # "ok, yes they do"
        first, *rest = rest
    leans = answer_of(first, of_fact=of_fact)
    if of_fact and leans is None and (behind := behind_yes(first)) is not None:  # "yes it does"
        leans, rest = True, [behind, *rest]
    if leans is None or any(answer_of(part) is (not leans) for part in rest):
        return None
    more = " ".join(rest)
    if _doubts(more) or _butters(more):
        return None
    # "No, it does not" says no twice; "no, but …" does not.
    turned = leans and (_has("negators", more) or _has("turns", more))
    return None if turned else leans


def is_of_deed(text: str) -> bool:
    """Whether a text agrees to a deed or refuses one, and does not say that anything is so."""
    return answer_of(text) is not None and answer_of(text, of_fact=True) is None


def rules_out(text: str) -> bool:
    """Whether a text begins with what is not the way of something: "not with a password"."""
    said = " ".join(_MARKS.sub(" ", folded(text[:LONGEST])).split())
    return _pattern("not_by").match(said) is not None


def says_one_of(text: str, phrases: Iterable[str]) -> bool:
    """Whether one of some phrases stands in a text, as whole words where they are parted."""
    said = f" {' '.join(_MARKS.sub(' ', folded(text[:LONGEST])).split())} "
    return any(
        f" {plain} " in said if _parts_words(plain) else plain in said
        for plain in (" ".join(_MARKS.sub(" ", folded(one)).split()) for one in phrases)
    )


def denies(text: str) -> bool:
    """Whether a negator of any language stands in a text."""
    return _has("negators", folded(text[:LONGEST]))


def denials(text: str) -> int:
    """How many negators of any language stand in a text."""
    return len(_pattern("negators").findall(folded(text[:LONGEST])))


def sets_condition(text: str) -> bool:
    """Whether a text says "if", in any language."""
    return _has("conditions", folded(text[:LONGEST]))


def doubts(text: str) -> bool:
    """Whether a text doubts, asks or sets a condition."""
    said = folded(text[:LONGEST])
    return _asks(said) or _has("conditions", said) or _doubts(said)


def turns_over(text: str) -> bool:
    """Whether a text doubts, asks, sets a condition, or turns over what it says."""
    return doubts(text) or _butters(folded(text[:LONGEST]))


def _asks(said: str) -> bool:
    return any(mark in said for mark in "?？؟")


def _is_imagined(sentence: str) -> bool:
    begins = _pattern("conditions").match(sentence) is not None
    return begins or _has("imagined", sentence)


def _doubts(said: str) -> bool:
    return _has("unsure", said)


def _butters(said: str) -> bool:
    """Whether a word of `turns` stands in a text that no denial needs: "but", and not "not"."""
    return _turning().search(said) is not None


def _has(name: str, said: str) -> bool:
    return _pattern(name).search(said) is not None


def _parts_words(phrase: str) -> bool:
    """Whether a phrase is of a script that parts words, and has words that do not grow in front."""
    return all(letter < "\u0590" for letter in phrase)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """What finds a phrase of a list."""
    return _finding(read_list("against")[name])


@cache
def _plainly_well() -> re.Pattern[str]:
    """What finds a phrase of `well` that is more than courtesy."""
    lists = read_list("against")
    polite = set(lists["polite"])
    return _finding(
        {name: [one for one in own if one not in polite] for name, own in lists["well"].items()}
    )


@cache
def _turning() -> re.Pattern[str]:
    """What finds a phrase of `turns` that is no negator."""
    lists = read_list("against")
    negators = {folded(word) for words in lists["negators"].values() for word in words}
    return _finding(
        {
            language: [one for one in phrases if negators.isdisjoint(folded(one).split())]
            for language, phrases in lists["turns"].items()
        }
    )


def _finding(phrases: Mapping[str, Iterable[str]]) -> re.Pattern[str]:
    """What finds one of some phrases: a whole word, or anywhere where words are not parted."""
    anywhere = set(read_list("against")["anywhere"])
    whole: list[str] = []
    inside: list[str] = []
    ends: list[str] = []
    for language, some in phrases.items():
        (inside if language in anywhere else whole).extend(map(folded, some))
        if language in _IN_FRONT:  # "لم" says no, and stands in the word for word, too
            ends.extend(one for one in map(folded, some) if len(one) <= SHORT)
    parts = [rf"(?<!\w)(?:{'|'.join(map(re.escape, whole))})(?!\w)"] if whole else []
    found = (rf"{re.escape(one)}(?!\w)" if one in ends else re.escape(one) for one in inside)
    return re.compile("|".join([*parts, *found]))
