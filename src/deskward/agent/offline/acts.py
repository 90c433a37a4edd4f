"""What stands between the topic of a sentence and an act: does this customer want it done?

A topic does not tell: "do not change my password to …" is about changing a password. Here the
structure of the sentence counts: a command, a wish or a request whose verb and thing belong
together with nothing unknown between them, and no negation, condition, doubt, quotation, mockery or
other people's affairs about it. Whatever is not understood is no wish. Words are data
(`text/lists/acts.yaml` and the `acts` of skills); no language is built in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise

from deskward.agent.offline.declared import Declared
from deskward.agent.offline.languages import Language
from deskward.agent.offline.lax import Lax
from deskward.agent.offline.lax_lists import Values
from deskward.agent.offline.phrases import QUOTED, Range, Word, words_of
from deskward.agent.offline.reading import Reading
from deskward.agent.offline.spelling import Spelling
from deskward.agent.offline.told import Guess
from deskward.agent.offline.wishing import Wish
from deskward.text.lists import read_list

LONGEST = 2_000
"""Characters of a message in which acts are looked for; a longer one is for people."""
REMEMBERED = 8
"""Messages of which it is remembered what they say."""

_QUOTES = re.compile(
    r"\"[^\"]{0,500}\"|“[^”]{0,500}”|„[^“”]{0,500}[“”]|«[^»]{0,500}»|‹[^›]{0,500}›"
    r"|「[^」]{0,500}」|(?m:^[ \t]{0,20}>.*$)"
)
_ENDS = re.compile(r"(?:(?<![.!?…])[.!?…]+[\"')\]»”]{0,5}(?=\s)|\n)\s*")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:[^\W\d_]|\d{1,2}|st|nr|no|apt|str|dr|mr|mrs|ave|rd|av|c|pza|sra?)\.$",
    re.IGNORECASE,
)
_PARTS = re.compile("['’-]")
"""What parts words in some languages."""
_STATE = re.compile(r"[A-Z]{2}")
_ZIP = re.compile(r"\d{5}(?:-\d{4})?")
_PLACEHOLDER = re.compile(r"\[\[\w{1,20}:\d{1,9}\]\]")


class Acts:
    """Reads messages by what skills declare and the lists say."""

    def __init__(
        self,
        declared: Mapping[str, Declared],
        values: Values | None = None,
        called: Mapping[str, re.Pattern[str]] | None = None,
    ) -> None:
        """Make it.

        Args:
            declared: Skill → its verbs and things, in languages that `text/lists/acts.yaml` has.
            values: Skill → what finds its value by its shape, for proposals.
            called: Skill → what the names of its things look like, where they have names.
        """
        self._declared = declared
        self._called = called or {}
        self._lax = Lax(declared, values or {}, self._called)
        lists = read_list("acts")
        no = _all_negators(lists)
        self._languages = [Language(name, words, declared, no) for name, words in lists.items()]
        known = frozenset[str]().union(*(one.vocabulary for one in self._languages))
        sought = frozenset[str]().union(*(one.sought for one in self._languages))
        self._spelling = Spelling(known, sought)
        # A step of a turn asks for the same several times.
        self._read = lru_cache(maxsize=REMEMBERED)(self._read_anew)
        self._guess = lru_cache(maxsize=REMEMBERED)(self._guess_anew)
        self._cues = lru_cache(maxsize=REMEMBERED)(self._cues_anew)

    def read(self, text: str) -> Reading:
        """What a message, its secrets masked, asks to have done."""
        return self._read(text)

    def _read_anew(self, text: str) -> Reading:
        if len(text) > LONGEST:
            return Reading(why="unclear")
        bare = _QUOTES.sub(_blank, text)
        spans = _sentences(bare)
        ready = {False: self._ready(bare, elides=False)}
        ready[True] = self._ready(bare, elides=True) if _PARTS.search(bare) else ready[False]
        readings = [
            language.read(text, words, spans, meant)
            for language in self._languages
            for words, meant in [ready[language.elides]]
        ]
        # Some sentences are of several languages; where one of them says no, it is no wish.
        refusing = [reading for reading in readings if reading.why not in ("", "asks", "unclear")]
        if refusing:
            return Reading([], refusing[0].unwished, refusing[0].why)
        best = max(readings, key=lambda reading: len(reading.wishes))
        return best if best.wishes else next((r for r in readings if r.unwished), best)

    def guess(self, text: str) -> Guess:
        """What a message may ask for, though it does not say so clearly."""
        return self._guess(text)

    def _guess_anew(self, text: str) -> Guess:
        return self._lax.read(text, _QUOTES.sub(_blank, text)) if len(text) <= LONGEST else Guess()

    def cues(self, text: str, language: str = "") -> frozenset[str]:
        """What of a message's structure is known: which lists have words of it.

        Args:
            language: The conversation's, which a message of few words may not tell.
        """
        return self._cues(text, language)

    def _cues_anew(self, text: str, language: str) -> frozenset[str]:
        return self._lax.cues(_QUOTES.sub(_blank, text[:LONGEST]), language)

    def says_only(self, skill: str, text: str) -> bool:
        """Whether a message says that an act is wished, and no word of what or why."""
        return len(text) <= LONGEST and self._lax.says_only(skill, text)

    def mended(self, text: str) -> str | None:
        """A message in which the customer corrects a value, with the one that they mean."""
        return self._lax.mended(text) if len(text) <= LONGEST else None

    def _ready(self, text: str, *, elides: bool) -> tuple[list[Word], dict[int, frozenset[str]]]:
        """The words of a message, and what the misspelt ones among them may be."""
        words = words_of(text, elides=elides)
        for at, (word, zip_code) in enumerate(pairwise(words)):
            if _STATE.fullmatch(text[word.start : word.end]) and _ZIP.fullmatch(zip_code.text):
                words[at] = Word(QUOTED, word.start, word.end)  # "OR 97301" is no "or"
        meant: dict[int, frozenset[str]] = {}
        shouts = text.isupper()
        for at, word in enumerate(words):
            name = at and text[word.start].isupper() and not shouts  # in names none is sought
            found = frozenset() if name else self._spelling.meant(word.text)
            if found and not any(language.takes_in(word.text) for language in self._languages):
                meant[at] = found
        return words, meant

    def withdraws(self, text: str) -> bool:
        """Whether a message takes back what was said, whatever that was."""
        ready = _both(text)
        return any(language.withdraws(ready[language.elides]) for language in self._languages)

    def without_lead(self, text: str) -> str:
        """An answer without what leads to its value: "my new address is"."""
        starts = [
            language.lead_of(words_of(text, elides=language.elides)) for language in self._languages
        ]
        return text[max(starts) :].strip(" \t\n.,;:!")

    def says_no_more(self, text: str, value: str) -> bool:
        """Whether a message only gives a value, with words around it that say nothing."""
        rest = text.replace(value, " ", 1)
        return "?" not in rest and any(
            language.says_nothing(words_of(rest, elides=language.elides))
            for language in self._languages
        )

    def speaks_of(self, skill: str, text: str) -> bool:
        """Whether a message names the thing that a skill is about."""
        ready = _both(text)
        return any(language.names(skill, ready[language.elides]) for language in self._languages)

    def wants_something(self, text: str) -> bool:
        """Whether a message wants or asks for something, and nothing in it says otherwise."""
        ready, asking = _both(text), "?" in text
        return any(
            language.wants_something(ready[language.elides], asking) for language in self._languages
        )

    def names_several(self, skill: str, wish: Wish, text: str) -> bool:
        """Whether a message names more than one thing that the wish may be about."""
        named = self._declared[skill].named
        if not named or wish.loss or self._declared[skill].any:
            return False
        called = self._called.get(skill)
        for part in (wish.said, text):
            words = {word.text for word in words_of(part) if re.fullmatch(named, word.text)}
            if not words and called is not None:
                words = {name.lower() for name in called.findall(part)}
            if words:
                return len(words) > 1
        return False


def _both(text: str) -> dict[bool, list[Word]]:
    """The words of a text, as languages have them in which an apostrophe parts words, or not."""
    words = words_of(text)
    return {False: words, True: words_of(text, elides=True) if _PARTS.search(text) else words}


def _blank(quote: re.Match[str]) -> str:
    """What is quoted as one word of the same length; a secret's placeholder stays."""
    inner = quote.group()[1:-1]
    if _PLACEHOLDER.fullmatch(inner):
        return f" {inner} "
    return f" {QUOTED * max(0, len(quote.group()) - 2)} " if len(inner) else quote.group()


def _sentences(text: str) -> list[Range]:
    spans: list[Range] = []
    start = 0
    for end in _ENDS.finditer(text):
        if not _ABBREVIATED.search(text[max(0, end.start() - 6) : end.start() + 1]):
            spans.append((start, end.end()))
            start = end.end()
    spans.append((start, len(text)))
    return [(a, b) for a, b in spans if text[a:b].strip()]


def _all_negators(lists: Mapping[str, Mapping[str, list[str]]]) -> dict[str, set[str]]:
    """Negators of one word of each language."""
    return {
        name: {word for word in words["not"] if " " not in word and not word.startswith("~")}
        for name, words in lists.items()
    }
