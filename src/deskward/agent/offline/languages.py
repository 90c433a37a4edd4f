"""One language: its lists, what skills declare in it, and how a message's words are made ready."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from deskward.agent.offline.declared import Declared
from deskward.agent.offline.marked import Marked, Ways
from deskward.agent.offline.phrases import Hits, Phrases, Range, Word, covered, words_of
from deskward.agent.offline.reading import Reader, Reading
from deskward.agent.offline.spelling import without_accents


class Language:
    """Reads messages in one language."""

    def __init__(
        self,
        name: str,
        lists: Mapping[str, list[str]],
        declared: Mapping[str, Declared],
        negators: Mapping[str, set[str]],
    ) -> None:
        self.elides = "elides" in lists
        self.acts = {skill: act for skill, act in declared.items() if name in act.languages}
        self._named: dict[re.Pattern[str], list[str]] = {}
        for skill, act in self.acts.items():
            if act.named:  # several skills may name the same thing
                self._named.setdefault(re.compile(act.named), []).append(skill)
        own = [
            (f"{part}:{skill}", phrases)
            for skill, act in self.acts.items()
            for part, phrases in act.languages[name].parts()
        ]
        self._own = Phrases(own, elides=self.elides)
        general = {part: words for part, words in lists.items() if isinstance(words, list)}
        words = {word for part, phrases in general.items() if part != "not" for word in phrases}
        foreign = {word for other, some in negators.items() if other != name for word in some}
        # What is a negator elsewhere may be a word here: a Dutch "pas" is a card.
        general["not"] = [*general["not"], *sorted(foreign - words - self._own.vocabulary)]
        self._general = Phrases(general.items(), elides=self.elides)
        self._withdrawals = Phrases(
            [("takes_back", general.get("takes_back", []))], elides=self.elides
        )
        self.vocabulary = self._own.vocabulary | self._general.vocabulary
        self.sought = self._own.vocabulary | {
            word.text
            for part in ("polite", "lost", "not")
            for phrase in general[part]
            for word in words_of(phrase, elides=self.elides)
        }
        self._enclitic = re.compile(str(lists["enclitics"])) if "enclitics" in lists else None
        self._commands = {
            without_accents(phrase): phrase
            for act in self.acts.values()
            for phrase in act.languages[name].do
        }
        self._ways = Ways(
            acts=self.acts,
            general=self._general,
            elides=self.elides,
            last_verb="last_verb" in lists,
            bare_value="bare_value" in lists,
            genitive=str(lists.get("genitive", "")),
            vocabulary=self.vocabulary,
        )

    def read(
        self,
        text: str,
        words: Sequence[Word],
        spans: list[Range],
        meant: Mapping[int, frozenset[str]],
    ) -> Reading:
        """Read a message.

        Args:
            words: Its words.
            spans: Its sentences.
            meant: The number of a misspelt word → which it may be, of all languages.
        """
        if not meant and self._says_nothing_own(words):
            return Reading()  # most messages, in most languages
        words, guessed = self._made_ready(words, meant)
        hits = self._own.find(words)
        numbers = [at for at, word in enumerate(words) if not word.text.isalpha()]
        if not (hits or numbers):
            return Reading()
        for named, skills in self._named.items():
            found = [(at, at + 1) for at in numbers if named.fullmatch(words[at].text)]
            hits.update({f"named:{skill}": found for skill in skills if found})
        if not self._speaks_of_an_act(hits):
            return Reading()
        hits.update(self._general.find(words))
        return Reader(Marked(self._ways, text, words, spans, hits, guessed)).read()

    def _says_nothing_own(self, words: Sequence[Word]) -> bool:
        """Whether none of the words is a skill's, nor a number."""
        return not any(
            (not word.text.isalpha() and (word.text[0].isalnum() or word.text[0] == "["))
            or self._own.lists(word.text)
            or self._own.matches(word.text)
            or (self._enclitic is not None and self._enclitic.fullmatch(word.text))
            for word in words
        )

    def takes_in(self, word: str) -> bool:
        """Whether a pattern of one of the lists is a word's."""
        return self._own.matches(word) or self._general.matches(word)

    def lead_of(self, words: Sequence[Word]) -> int:
        """Where the value begins behind words that lead to it, or 0."""
        hits = {**self._general.find(words), **self._own.find(words)}
        things = covered(hits, *(name for name in hits if name.startswith("things:")))
        silent = covered(hits, "neutral", "polite", "leads", "links", "mine", "new", "is", "wants")
        at = 0
        while at < len(words) and (at in silent | things or words[at].text in ":,"):
            at += 1
        lead = set(range(at))
        says = bool(lead & things or lead & covered(hits, "is"))
        return words[at].start if says and at < len(words) else 0

    def withdraws(self, words: Sequence[Word]) -> bool:
        """Whether these words take back what was said."""
        return bool(self._withdrawals.find(words))

    def _made_ready(
        self, words: Sequence[Word], meant: Mapping[int, frozenset[str]]
    ) -> tuple[list[Word], frozenset[int]]:
        """The words with slips mended and pronouns parted from verbs; and which were mended."""
        ready: list[Word] = []
        guessed: set[int] = set()
        for at, word in enumerate(words):
            own = meant[at] & self.vocabulary if at in meant else ()
            if own:
                guessed.add(len(ready))
                ready.append(Word(min(own), word.start, word.end))
            elif self._enclitic is not None and (parts := self._parted(word)):
                ready += parts
            else:
                ready.append(word)
        return ready, frozenset(guessed)

    def _parted(self, word: Word) -> list[Word]:
        """A command and the pronoun at its end: "cancélenlo"."""
        assert self._enclitic is not None
        if word.text in self.vocabulary or not (match := self._enclitic.fullmatch(word.text)):
            return []
        verb = self._commands.get(without_accents(match[1]))
        if verb is None:
            return []
        middle = word.start + len(match[1])
        return [Word(verb, word.start, middle), Word(match[2], middle, word.end)]

    def says_nothing(self, words: list[Word]) -> bool:
        """Whether all of these words are such as say nothing by themselves."""
        hits = self._general.find(words)
        silent = covered(hits, "neutral", "polite", "leads", "links", "mine", "new", "is", "wants")
        silent -= covered(hits, "not")
        return all(at in silent or not word.text[0].isalnum() for at, word in enumerate(words))

    def names(self, skill: str, words: list[Word]) -> bool:
        """Whether a skill's thing is among these words."""
        named = [pattern for pattern, skills in self._named.items() if skill in skills]
        hits = self._own.find(words)
        return bool(
            hits.get(f"things:{skill}")
            or hits.get(f"lost_things:{skill}")
            or any(pattern.fullmatch(word.text) for pattern in named for word in words)
        )

    def wants_something(self, words: list[Word], asking: bool) -> bool:
        """Whether these words want or ask for something, and none speaks against it."""
        hits = self._general.find(words)
        if not hits.get("asks") and (asking or not (hits.get("wants") or hits.get("polite"))):
            return False
        exempt = covered(hits, "wants", "asks", "polite")
        names = ("not", "if", "when", "doubts", "how", "said", "others", "mocks", "takes_back")
        return not any(
            not exempt.issuperset(range(a, b)) for name in names for a, b in hits.get(name, ())
        )

    def _speaks_of_an_act(self, hits: Hits) -> bool:
        """Whether a skill's verb and its thing are there, or something that is lost."""
        spoken: dict[str, set[str]] = {}
        for name in hits:
            part, _, skill = name.partition(":")
            spoken.setdefault(skill, set()).add(part)
        return any(
            "lost_things" in parts
            or (
                (self.acts[skill].value or not parts.isdisjoint(("do", "done")))
                and not parts.isdisjoint(("things", "named"))
            )
            for skill, parts in spoken.items()
        )
