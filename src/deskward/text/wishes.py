"""Whether a person has wished for a deed: named it, in a sentence that wishes it.

Stricter than understanding has to be, because it stands between an attacker's text and a deed: a
verb of the deed in a form that can wish ("block", and not "blocked"), what the deed is done to, and
in the whole sentence no negation, condition, doubt, past, quotation, nor a question that does not
ask for it. What it misses, a person is asked about.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from deskward.text.lists import read_list

LONGEST = 2_000
"""Characters of an utterance that are looked at."""

_END = re.compile(r"(?<=[.!?;\n…。！？])\s+|\n")
_QUOTED = re.compile(
    r"[\"“”„«»「『][^\"“”„«»」』]{0,300}[\"“”„«»」』]|(?<!\w)'[^'\n]{1,300}'(?!\w)"
)
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class Wish:
    """How a deed is named.

    Attributes:
        do: Verbs, in the forms in which one wishes, parted by spaces. Without any, whatever is
            said names the deed: it only passes the words on.
        what: What it is done to, parted by spaces; empty where the verb says it all.
        means: What else a wish says, by values that an argument may then have: "stornieren" says
            that the status is to be `cancelled`.
    """

    do: str
    what: str = ""
    means: Mapping[str, Wish] = field(default_factory=dict)

    @cached_property
    def verbs(self) -> frozenset[str]:
        """The verbs."""
        return frozenset(self.do.split())

    @cached_property
    def nouns(self) -> frozenset[str]:
        """What it is done to."""
        return frozenset(self.what.split())

    def is_named(self, said: str) -> bool:
        """Whether a sentence of what was said wishes for the deed."""
        if not self.verbs:
            return True
        return any(self._names(sentence) for sentence in _sentences(said))

    def says(self, value: str, said: str) -> bool:
        """Whether what was said wishes for this value of an argument, without its very word."""
        meant = self.means.get(value)
        return meant is not None and meant.is_named(said)

    def _names(self, sentence: str) -> bool:
        words = _WORD.findall(_QUOTED.sub(" ", sentence))
        if self.verbs.isdisjoint(words) or (self.nouns and self.nouns.isdisjoint(words)):
            return False
        text = f" {' '.join(words)} "
        if any(f" {word} " in text for word in _lists().against):
            return False
        if any("n't" in word or "n’t" in word for word in words):
            return False
        asks = sentence.rstrip().endswith(("?", "？"))
        return not asks or any(text.startswith(f" {start} ") for start in _lists().asks)


OWN_WORDS = Wish("")
"""Of a deed that does nothing but hand on to the desk what its principal has said."""


@dataclass(frozen=True)
class _Lists:
    against: tuple[str, ...]
    asks: tuple[str, ...]


@cache
def _lists() -> _Lists:
    lists = read_list("wishes")
    against: set[str] = set()
    for words in (*read_list("assent")["negators"].values(), *lists["doubts"].values()):
        against.update(map(str, words))
    asks = {start for starts in lists["asks"].values() for start in starts}
    return _Lists(tuple(sorted(against)), tuple(sorted(asks)))


def _sentences(said: str) -> Iterable[str]:
    plain = unicodedata.normalize("NFKC", said[:LONGEST]).casefold().replace("\u2019", "'")
    return _END.split(plain)
