"""Whether an argument is what its principal has said in answer to what its record asks.

A record that asks something says so in its facts: `asks` is the form of the answer (`yes_no`,
`choice`, `number` or `text`), and `choices` are the words to choose from with what they mean, as
`word: meaning`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deskward.gate.besides import without_besides
from deskward.gate.choices import chosen, clauses_of, says_more, says_only
from deskward.gate.option_words import no_counts, units
from deskward.text.against import (
    denies,
    doubts,
    is_well_now,
    leaning,
    says_one_of,
    turns_over,
    wells,
)
from deskward.text.amounts import languages, spoken
from deskward.text.assent import answer_of, behind_yes, has_negator
from deskward.text.folding import folded
from deskward.text.lists import read_list
from deskward.text.wishes import Wish

_NUMBER = re.compile(r"(?<![\w.,])[-\u2212]?\d+(?:[.,]\d+)*")
_GROUPED = re.compile(r"-?\d{1,3}(?:[.,]\d{3})+")
_PART = re.compile(r"\w+")
ROUND_ONES = frozenset((1, 100, 1000, 1_000_000))
"""Numbers that are said of what is not counted."""
LONGEST = 120
"""Characters of an utterance in which a number is read that is said in words."""


def is_told(wish: Wish, value: Any, said: str) -> bool:
    """Whether an utterance tells by itself that something is so, whatever was asked."""
    if not isinstance(value, bool):
        return False
    no = [one for one in wish.denies if says_one_of(said, (one,))]
    # What denies may hold words that affirm: "has not helped".
    affirms = [one for one in wish.affirms if not any(one in denying for denying in no)]
    well = is_well_now(said)
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
        return isinstance(value, bool) and _leans(said, asked) is value
    if form == "number":
        return not isinstance(value, bool) and _is_number(value, said, asked)
    if form == "choice":
        return isinstance(value, str) and chosen(record.get("choices") or (), said, asked) == value
    if form == "text":
        return isinstance(value, str) and _stands_in(value, said)
    return False


def number_in(said: str, asked: str = "") -> float | None:
    """The one number of an utterance; "1,200" is read with a mark that parts thousands.

    Args:
        asked: The question. "For 5 minutes" and "call 911" count nothing, unless it has the word.
    """
    return next(iter(_readings(said, asked)), None)


def _leans(said: str, asked: str) -> bool | None:
    """Yes or no, where what stands behind it only says so once more.

    "Yes, they do" does, "no, they can sign in" and "yes, once you have paid" do not.
    """
    leans = leaning(said, of_fact=True)
    if leans is None or answer_of(said) is not None:
        return leans
    more = _more(said)
    if leans:
        return True if not any(says_more(one, _known(asked)) for one in more) else None
    # "No, nothing is there" denies; "no, there is something" may mean the contrary.
    return False if all(map(_says_no_more, more)) else None


def _says_no_more(clause: str) -> bool:
    """Whether what stands behind a no denies, too, or says nothing: "no, it does" does neither."""
    affirms = {folded(str(w)) for own in read_list("options")["contrary"].values() for w in own}
    return _denies(clause) or not (
        says_more(clause, "") or affirms.intersection(_PART.findall(clause))
    )


def is_contrary(said: str, asked: str) -> bool:
    """Whether a no says the contrary behind it in the words of the question: "no, they do"."""
    more = _more(said)
    contrary = [one for one in more if not _denies(one) and not says_more(one, _known(asked))]
    return leaning(said, of_fact=True) is False and bool(contrary)


def _more(said: str) -> list[str]:
    more = (clause for clause in clauses_of(said) if answer_of(clause) is None)
    return [behind_yes(clause) or clause for clause in more]


def _known(asked: str) -> str:
    """The words that add nothing to a yes: those of the question, and those that say it again."""
    again = (str(word) for own in read_list("options")["again"].values() for word in own)
    return " ".join((asked, *again))


def _denies(said: str) -> bool:
    return denies(said) or has_negator(said)


def _is_number(value: Any, said: str, asked: str) -> bool:
    if not isinstance(value, int | float) or denies(said) or turns_over(said):
        return False
    if float(value) not in _readings(said, asked):
        return False
    found = _NUMBER.findall(folded(said))
    return not found or not says_more(said, asked, found[0])


def _readings(said: str, asked: str) -> list[float]:
    """What the one number of an utterance can be: with marks of thousands, and with a decimal."""
    found = _NUMBER.findall(folded(said))
    if not found and len(said) <= LONGEST:
        return in_words(said)
    if len(found) != 1:
        return []
    if _counts_nothing(said, found[0], asked):
        return []
    plain = found[0].replace("\u2212", "-")
    readings = []
    if _GROUPED.fullmatch(plain):
        readings.append(float(plain.replace(",", "").replace(".", "")))
    if plain.count(",") + plain.count(".") < 2:
        readings.append(float(plain.replace(",", ".")))
    return readings


def _counts_nothing(said: str, number: str, asked: str) -> bool:
    before, _, behind = folded(said).partition(number)
    always, alone = no_counts()
    unit = next(iter(_PART.findall(behind)), "")
    lead = always.search(before) or (None if unit in units()["all"] else alone.search(before))
    return lead is not None and lead[1] not in _PART.findall(folded(asked))


def in_words(said: str) -> list[float]:
    """The one number that an utterance gives in words, and says nothing else."""
    found = set()
    for language in languages():
        told = spoken(said, language)
        if told is not None and not _is_ambiguous(said, told[0], told[1]):
            found.add(float(told[0]))
    return list(found) if len(found) == 1 else []


def _is_ambiguous(said: str, number: int, beside: Sequence[str]) -> bool:
    """Whether it may be no number: "once" is eleven in Spanish, "mille grazie" are thanks."""
    words = set(_PART.findall(folded(said)))
    if words & set(read_list("options")["no_numbers"]):
        return True
    rest = " ".join(beside)
    if number not in ROUND_ONES:
        return says_more(f"0 {rest}", "", "0")
    # "One minute, please" waits, and who is a hundred per cent sure counts nothing.
    polite = {word for one in read_list("assent")["courtesy"] for word in folded(one).split()}
    return says_more(rest, "") or not polite.isdisjoint(beside)


def _stands_in(value: str, said: str) -> bool:
    wanted = _PART.findall(folded(value))
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(_PART.findall(folded(said)))} "
