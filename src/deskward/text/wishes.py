"""Whether a person has wished for a deed: named it, in a sentence that wishes it.

Stricter than understanding has to be, because it stands between an attacker's text and a deed: a
verb of the deed in a form that can wish ("block", and not "blocked"), with nothing before it but
what may stand before a command, what the deed is done to, and in the whole sentence no negation,
condition, doubt, delay, past, quotation, nor a question that does not ask for it. What it misses, a
person is asked about.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from deskward.text.joins import ands
from deskward.text.lists import read_list

LONGEST = 2_000
"""Characters of an utterance that are looked at."""

_END = re.compile(r"(?<=[.!?;\n…。！？])\s+|(?<![:：])\n")
_QUOTED = re.compile(
    r"[\"“”„«»「』][^\"“”„«»「』]{0,300}[\"“”„«»「』]|(?<!\w)'[^'\n]{1,300}'(?!\w)"
)
_QUOTES = (":", "：", "(", "-", "–", "—")
"""Behind these may stand what somebody else has said."""
_QUOTED_LINE = re.compile(r"^[ \t]{0,9}>[^\n]*", re.MULTILINE)
_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_LEADS = ("polite", "leads", "wants", "asks", "neutral", "mine", "links", "is")
_PLAIN = re.compile(r"\[\[\w{1,20}:\d{1,9}\]\]|\w+")


@dataclass(frozen=True)
class Wish:
    """How a deed is named.

    Attributes:
        do: Verbs, in the forms in which one wishes, parted by spaces. Without any, whatever is
            said names the deed: it only passes the words on.
        what: What it is done to, parted by spaces; empty where the verb says it all.
        means: What else a wish says, by values that an argument may then have: "stornieren" says
            that the status is to be `cancelled`.
        new: Words that wish only beside what it is done to: "my new address is".
        tells: Words that tell one thing from another, such as a card's make: one that was said and
            is in no argument makes the call another than the one that was wished for.
        amounts: Arguments that are amounts of money.
        alone: Arguments that can be any words: beside one, its sentence says nothing that could be
            one, too ("from Rose Cottage to Elm Cottage").
        known: Arguments that need not be said where they name a record as it was read last.
        against: Parts of words that name the deed where somebody speaks against it.
        of_trouble: Whether it is about a trouble of the speaker's.
        answers: The argument that is what was said last, in answer to what its record asks.
        affirms: Phrases that say that argument is true, whatever was asked.
        denies: Phrases that say it is false.
        agrees: Words with which a yes says this deed once more, and no other deed on the same
            thing: "yes, block it". What also may take a question back is none ("ok, cancel it").
    """

    do: str
    what: str = ""
    means: Mapping[str, Wish] = field(default_factory=dict)
    new: str = ""
    tells: str = ""
    amounts: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    of_trouble: bool = False
    answers: str = ""
    affirms: tuple[str, ...] = ()
    denies: tuple[str, ...] = ()
    agrees: str = ""

    @cached_property
    def verbs(self) -> frozenset[str]:
        """The verbs."""
        return frozenset(self.do.split())

    @cached_property
    def nouns(self) -> frozenset[str]:
        """What it is done to."""
        return frozenset(self.what.split())

    @cached_property
    def makes(self) -> frozenset[str]:
        """What tells one thing from another."""
        return frozenset(self.tells.split())

    def is_named(self, said: str, *, strict: bool = False) -> bool:
        """Whether a sentence of what was said wishes for the deed."""
        return any(True for _ in self.named(said, strict=strict))

    def named(self, said: str, *, strict: bool = False, halves: bool = True) -> Iterator[str]:
        """The parts of what was said, from a clause to its sentence's end, that wish for the deed.

        Args:
            strict: Whether it is about the speaker's own, and begins with its sentence.
            halves: Whether what "and" parts counts by itself.
        """
        if not self.verbs:
            yield said
            return
        sentences = sentences_of(said)
        for place, sentence in enumerate(sentences):
            bare = _QUOTED.sub(" ", sentence)
            if not any(map(withdraws, sentences[place:])) and self._wishes(bare, strict):
                parts = _parts_of(bare, clauses=not strict, halves=halves)
                yield from (part for part in dict.fromkeys(parts) if self._commands(part))

    def says_only(self, value: str, part: str) -> bool:
        """Whether a part that wishes for the deed gives this value, and nothing else like it."""
        words = _PLAIN.findall(part.casefold())
        wanted = _PLAIN.findall(value.casefold())
        known = self.nouns | self.verbs | self._new | _lists().subjects
        if says_nothing(wanted, known):
            return False
        for place in range(len(words) - len(wanted) + 1):
            if wanted and words[place : place + len(wanted)] == wanted:
                rest = words[:place] + words[place + len(wanted) :]
                if says_nothing([word for word in rest if not _tells(word)], known):
                    return True
        return False

    def says(self, value: str, said: str) -> bool:
        """Whether what was said wishes for this value of an argument, without its very word."""
        meant = self.means.get(value)
        return meant is not None and meant.is_named(said)

    @cached_property
    def _new(self) -> frozenset[str]:
        return frozenset(self.new.split())

    def _wishes(self, sentence: str, strict: bool) -> bool:
        words = _WORD.findall(sentence)
        text = f" {' '.join(words)} ".replace("'s ", " 's ")
        against = _lists().others if strict else frozenset[str]()
        if any(f" {word} " in text for word in _lists().against | against):
            return False
        if any("n't" in word or "n’t" in word for word in words):
            return False
        asks = sentence.rstrip().endswith(("?", "？"))
        text = f" {' '.join(words)} "
        return not asks or any(text.startswith(f" {start} ") for start in _lists().asks)

    def _commands(self, part: str) -> bool:
        words = _WORD.findall(part)
        for place, word in enumerate(words):
            others = words[:place] + words[place + 1 :]
            beside = words[max(0, place - 1) : place] + words[place + 1 : place + 2]
            if word in self.verbs:
                found = not self.nouns or not self.nouns.isdisjoint(others)
            else:
                found = word in self._new and not self.nouns.isdisjoint(beside)
                found = found and self._gives_next(words[place:])
            if found and self._may_lead(words[:place]):
                return True
        return False

    def _gives_next(self, words: Sequence[str]) -> bool:
        """Whether behind "new address" its value comes, and no other thing: "address book"."""
        last = 0 if len(words) < 2 or words[1] not in self.nouns else 1
        return (
            len(words) <= last + 1 or _tells(words[last + 1]) or words[last + 1] in _lists().gives
        )

    def _may_lead(self, words: Sequence[str]) -> bool:
        """Whether a command may follow: nobody else is said to do it."""
        plain = _PLAIN.findall(" ".join(words))
        return says_nothing([word for word in plain if not _tells(word)], self.nouns)


OWN_WORDS = Wish("")
"""Of a deed that does nothing but hand on to the desk what its principal has said."""


def sentences_of(said: str) -> list[str]:
    """The sentences of an utterance, in lower case."""
    plain = unicodedata.normalize("NFKC", said[:LONGEST]).casefold().replace("\u2019", "'")
    plain = _QUOTED_LINE.sub("", plain)
    return _END.split(plain)


def withdraws(sentence: str) -> bool:
    """Whether it takes back what was said before, or puts it off."""
    text = f" {' '.join(_PLAIN.findall(sentence))} "
    return any(f" {words} " in text for words in _lists().holds)


def says_nothing(
    words: Sequence[str],
    more: frozenset[str] = frozenset(),
    *,
    among: frozenset[str] | None = None,
) -> bool:
    """Whether words are only what may stand around a command or a value.

    Args:
        more: Others that may.
        among: What may at all.
    """
    leads, place = _lists().leads if among is None else among, 0
    while place < len(words):
        for length in range(min(8, len(words) - place), 0, -1):
            phrase = " ".join(words[place : place + length])
            if phrase in leads or phrase in more:
                place += length
                break
        else:
            return False
    return True


@cache
def _cut() -> re.Pattern[str]:
    return re.compile(rf"(?<=[,:；：()])\s+|\s[–—-]\s+|(?P<and>\s(?:{ands()})\s)")


def _parts_of(sentence: str, *, clauses: bool, halves: bool) -> Iterator[str]:
    """What in a sentence can be its speaker's command by itself.

    From a clause on to the sentence's end, and each of two commands that "and" parts, where nothing
    stands before it that another could be quoted by: "The mail is urgent, refund O1004" is what a
    mail says, "Read T912, then refund O1004" is not.
    """
    cuts = [*_cut().finditer(sentence)]
    ands = [found.start() for found in cuts if found["and"]] if halves else []
    free, courtesy, start = True, True, 0
    for found in [None, *cuts]:
        if found is not None:
            before = sentence[start : found.start()]
            free, courtesy = free and _may_go_before(before), courtesy and _is_courtesy(before)
            start = found.end()
            if sentence[:start].rstrip().endswith(_QUOTES):
                free = free and courtesy
            if not free:
                return
        if found is None or (clauses and not found["and"]):
            yield sentence[start:]
        if ands and (found is None or clauses or found["and"]):
            yield sentence[start : next((end for end in ands if end >= start), None)]


def _may_go_before(clause: str) -> bool:
    """Whether a clause leaves what follows it the speaker's own: it says nothing, or commands."""
    words = _PLAIN.findall(clause)
    if _is_courtesy(clause):
        return True
    places = (place for place, word in enumerate(words) if word in _lists().commands)
    place = next(places, len(words))
    begins = place < len(words) and says_nothing(words[:place], among=_lists().opens)
    return begins or words[-1] in _lists().closing


def _is_courtesy(clause: str) -> bool:
    return says_nothing([word for word in _PLAIN.findall(clause) if not _tells(word)])


def _tells(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


@dataclass(frozen=True)
class _Lists:
    against: frozenset[str]
    asks: tuple[str, ...]
    others: frozenset[str]
    holds: tuple[str, ...]
    leads: frozenset[str]
    gives: frozenset[str]
    subjects: frozenset[str]
    opens: frozenset[str]
    commands: frozenset[str]
    closing: frozenset[str]


@cache
def _lists() -> _Lists:
    lists = read_list("wishes")
    against: set[str] = set()
    for words in (*read_list("assent")["negators"].values(), *lists["doubts"].values()):
        against.update(map(str, words))
    return _Lists(
        against=frozenset(against),
        asks=tuple(sorted(_all(lists["asks"]))),
        others=_of_acts("others", "said") - _of_acts("neutral", "mine"),
        holds=tuple(sorted(_plain(_all(lists["holds"]) | _of_acts("takes_back")))),
        leads=_plain(_of_acts(*_LEADS)) - _plain(_all(lists["subjects"])),
        subjects=_plain(_all(lists["subjects"])),
        opens=_plain(_of_acts("polite", "leads", "wants", "asks")),
        commands=_plain(_all(lists["commands"])),
        closing=_plain(_all(lists["closing"])),
        gives=frozenset(one.split()[0] for one in _plain(_of_acts("is", "links", "becomes"))),
    )


def _of_acts(*names: str) -> frozenset[str]:
    """What `acts.yaml` has under some names, in all languages; no regular expressions."""
    found = read_list("acts").values()
    words = (str(word) for lists in found for name in names for word in lists.get(name, ()))
    return frozenset(word for word in words if not word.startswith("~"))


def _all(by_language: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(word) for words in by_language.values() for word in words)


def _plain(phrases: frozenset[str]) -> frozenset[str]:
    return frozenset(" ".join(_PLAIN.findall(phrase.casefold())) for phrase in phrases) - {""}
