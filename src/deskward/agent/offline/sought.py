"""What a message seeks, in languages of which a skill has no examples: a thing, and a wish for it.

A skill's `sought` holds the words, by language. Both must stand in one clause; what turns a wish
over, doubts it, tells of it or makes it somebody else's must not, and a question must be one by
which people ask the desk for something. Whatever is not sure is not sought.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from deskward.agent.offline.lookup import plain


class Words(BaseModel):
    """The words of one language: phrases in lower case; `*` ends the beginning of a word.

    What begins with `~` is a regular expression.

    Attributes:
        things: What is sought.
        wants: That the customer wants it, or a command that gives it.
        asks: How one asks for it with a question mark.
        against: What makes of a clause no wish: negation, past, others, talk of it.
        denies: Those words of `against` with which one says that one does not want it.
        about: What makes of a whole sentence no wish: a condition, somebody's words, a doubt.
        spaced: Whether words are parted; otherwise phrases stand anywhere.
    """

    model_config = ConfigDict(extra="forbid")

    things: list[str]
    wants: list[str]
    asks: list[str] = []
    against: list[str] = []
    denies: list[str] = []
    about: list[str] = []
    spaced: bool = True


_QUOTED = re.compile(
    r"(?m)^[^\S\n]*>.*$|“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»|\"[^\"]*\"|「[^「」]*」|『[^『』]*』"
)
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}(?<![.-])")
"""A mail address, whose dots end no sentence."""
_SENTENCE = re.compile(r"[^.!?。！？؟\n]+[.!?。！？؟]*")
_CLAUSE = re.compile(r"[,;:،、，؛–—]+")
_ASKING = re.compile(r"[?？؟]")
_SEES_ENDS = re.compile(r"[\^$]|\(\?[^:]|\\[A-Za-z]")
"""What a regular expression may have that sees where a clause ends."""
LONGEST = 2_000
"""Characters of a message that are looked at."""


class _Language:
    """The words of one language, made ready to be found."""

    def __init__(self, words: Words) -> None:
        self.things, self.wants, self.asks, self.against, self.about = (
            pattern_of(some, spaced=words.spaced)
            for some in (words.things, words.wants, words.asks, words.against, words.about)
        )
        others = [phrase for phrase in words.against if phrase not in words.denies]
        self.denies = pattern_of(words.denies, spaced=words.spaced)
        self.otherwise = pattern_of(others, spaced=words.spaced)
        self._stand_anywhere = not any(map(_SEES_ENDS.search, words.things))

    def seeks(self, sentence: str) -> bool:
        """Whether a sentence seeks the thing."""
        # What stands in a clause stands in its sentence: most have no such thing, and are done.
        if self._stand_anywhere and not self.things.search(sentence):
            return False
        if self.about.search(sentence):
            return False
        asking = _ASKING.search(sentence) is not None
        return any(self._wishes(clause, asking) for clause in _CLAUSE.split(sentence))

    def is_wanted(self, sentence: str) -> bool:
        """Whether a sentence has a word by which the thing is wanted."""
        return bool(self.wants.search(sentence) or self.asks.search(sentence))

    def declines(self, sentence: str) -> bool:
        """Whether a sentence says that the thing is not wanted, and nothing else."""
        speaks = (self.things, self.wants, self.denies)
        silent = (self.about, self.otherwise, _ASKING)
        return all(pattern.search(sentence) for pattern in speaks) and not any(
            pattern.search(sentence) for pattern in silent
        )

    def _wishes(self, clause: str, asking: bool) -> bool:
        if not self.things.search(clause) or self.against.search(clause):
            return False
        if asking:
            return self.asks.search(clause) is not None
        return bool(self.wants.search(clause) or self.asks.search(clause))


class Sought:
    """Finds the skill whose thing a message seeks."""

    def __init__(self, skills: Mapping[str, Mapping[str, Words]]) -> None:
        """Make it.

        Args:
            skills: Skill → language → its words.
        """
        self._skills = skills

    @cached_property
    def _known(self) -> list[tuple[str, _Language]]:
        return [
            (name, _Language(words))
            for name, languages in self._skills.items()
            for words in languages.values()
        ]

    def of(self, text: str) -> str | None:
        """The skill that is sought; None where none surely is."""
        sentences = _sentences(text)
        for name, words in self._known:
            if any(words.seeks(sentence) for sentence in sentences):
                return name
        return None

    def may_be(self, name: str, text: str) -> bool:
        """Whether a message has a word by which a skill's thing is wanted.

        What examples alone tell is too little: "show my complaints" is near to "withdraw my
        complaint". Of a skill without English words nothing is known.
        """
        if "en" not in self._skills.get(name, ()):
            return True
        known = [words for one, words in self._known if one == name]
        return any(words.is_wanted(one) for words in known for one in _sentences(text))

    def is_declined(self, text: str) -> bool:
        """Whether a message says that what a skill gives is not wanted: nothing is to be done."""
        sentences = _sentences(text)
        return any(words.declines(one) for _, words in self._known for one in sentences)


def _sentences(text: str) -> list[str]:
    said = _MAIL.sub("@", _QUOTED.sub(" ", text[:LONGEST]))
    return _SENTENCE.findall(plain(said))


_NOTHING = re.compile(r"(?!)")


def pattern_of(phrases: Sequence[str], *, spaced: bool) -> re.Pattern[str]:
    """What finds one of some phrases, as `Words` has them."""
    if not phrases:
        return _NOTHING
    parts = "|".join(_part(phrase, spaced=spaced) for phrase in phrases)
    return re.compile(rf"(?<!\w)(?:{parts})(?!\w)" if spaced else parts)


def _part(phrase: str, *, spaced: bool) -> str:
    if phrase.startswith("~"):
        return phrase[1:]
    if not spaced:
        return re.escape(plain(phrase))
    words = (re.escape(word).replace(r"\*", r"\w{0,30}") for word in plain(phrase).split())
    return r"\W+".join(words)
