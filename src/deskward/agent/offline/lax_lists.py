"""The lists of `lax.py`, made ready: what skills declare, and `lax.yaml` and `acts.yaml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from deskward.agent.offline.declared import Declared
from deskward.agent.offline.lookup import Lookup, Token, plain, tokens_of
from deskward.agent.offline.mending import Mending
from deskward.agent.offline.spelling import parted
from deskward.agent.offline.told import SHARED
from deskward.text.lists import read_list, word_lists

Values = Mapping[str, Callable[[str], str | None]]
"""Skill → what finds its value in a message by its shape."""

_KEPT = ("lost", "me", "polite", "wants", "asks")
_COMMON = ("neutral", "mine", "polite", "wants", "me", "is", "how", "not", "joins")
"""The lists whose words tell a language."""
_QUIET = (
    *("neutral", "mine", "polite", "wants", "asks", "me", "is", "it", "joins", "that", "leads"),
    *("some", "new", "links"),
)
"""The lists whose words say nothing beside a wish."""
_SILENT = ("neutral", "mine", "polite", "is", "it", "joins", "that")
"""The lists whose words say nothing beside a value."""

_OF_WORDS = ("sounds", "prefixes")
"""The lists that say how words are written."""

Lists = Mapping[str, Mapping[str, list[str]]]


class LaxLists:
    """What proposals are read by.

    Attributes:
        declared: The skills that may be proposed.
        named: Skill → how its thing looks where a word names it.
        names: How things look that have names.
        languages: Language → its lists.
        quiet: Language → the words that say nothing beside a wish.
        joins: Language → what begins another part of a sentence.
        sounds: Language → how words may be written, and as what they are heard.
        prefixes: Language → what is written together with the word behind it.
        behind: Language → whether all that speaks against an act may stand behind it.
        things: What the acts are about that have values.
        nouns: What acts are done to.
        last_verb: Language → whether the verb may stand at the end, and what denies it behind it.
        mending: Reads what a message corrects.
    """

    def __init__(
        self,
        declared: Mapping[str, Declared],
        values: Values,
        called: Mapping[str, re.Pattern[str]],
    ) -> None:
        """Make them; see `Lax`."""
        self.declared = {
            skill: act
            for skill, act in declared.items()
            if any(words.lax for words in act.languages.values())
        }
        self.names = [*dict.fromkeys(called.values())]
        self.named = {
            skill: _named(act.named, called.get(skill))
            for skill, act in self.declared.items()
            if act.named
        }
        strict, lists = read_list("acts"), read_list("lax")
        self.languages = {
            name: self._lookup(name, words, strict[name]) for name, words in lists.items()
        }
        self._common = {name: _words(strict[name], *_COMMON) for name in lists}
        self.quiet = {
            name: _words(strict[name], *_QUIET) | _words(words, "want", "ask")
            for name, words in lists.items()
        }
        self.joins = {name: frozenset(strict[name]["joins"]) for name in lists}
        self.sounds = {
            name: [(heard, as_) for heard, as_ in map(str.split, words["sounds"])]
            for name, words in lists.items()
        }
        self.prefixes = {
            name: [plain(prefix) for prefix in words.get("prefixes", ())]
            for name, words in lists.items()
        }
        self.behind = {name: "behind" in strict[name] for name in lists}
        self.things = Lookup(
            (skill, [*words.things, *words.lax_things])
            for skill in values
            if skill in self.declared
            for words in self.declared[skill].languages.values()
        )
        self.nouns = Lookup(
            ("noun", [*own.things, *own.lax_things, *own.lost, *own.lax_lost])
            for act in self.declared.values()
            for own in act.languages.values()
        )
        self.last_verb = {name: "last_verb" in strict[name] for name in lists}
        self.mending = self._mends(lists, strict, values)

    def noun_of(self, word: str) -> str:
        """The word without what is written together with it, if that is a thing of an act."""
        prefixes = [prefix for some in self.prefixes.values() for prefix in some]
        return parted(word, prefixes, self.nouns.begins)[1]

    def best(self, tokens: Sequence[Token], first: str = "") -> list[str]:
        """The languages of which a message has most of the common words.

        Args:
            first: One that counts in any case, and before the others.
        """
        known = {
            name: sum(token.text in words for token in tokens)
            for name, words in self._common.items()
        }
        most = max(known.values())
        best = [name for name, count in known.items() if count == most]
        return [first, *(one for one in best if one != first)] if first in known else best

    def _mends(self, lists: Lists, strict: Lists, values: Values) -> Mending:
        words = [own for act in self.declared.values() for own in act.languages.values()]
        return Mending(
            [phrase for own in lists.values() for phrase in own["corrects"]],
            frozenset[str]().union(*(_words(own, *_SILENT) for own in strict.values())),
            [thing for own in words for thing in (*own.things, *own.lax_things)],
            [*dict.fromkeys(self.named.values())],
            [find for skill, find in values.items() if not self.declared[skill].named],
        )

    def _lookup(
        self, name: str, words: Mapping[str, list[str]], strict: Mapping[str, list[str]]
    ) -> Lookup:
        lists = [(part, phrases) for part, phrases in words.items() if part not in _OF_WORDS]
        lists += [(part, strict[part]) for part in _KEPT if part in strict]
        too_much = frozenset(word_lists("lax_ignored")["ignored"])
        silent = {plain(word) for word in (*strict["neutral"], *strict["it"], *strict["mine"])}
        for part in SHARED:
            kept = [
                phrase
                for phrase in strict[part]
                if phrase not in too_much
                and (plain(phrase) == phrase or plain(phrase) not in silent)
                and not (part == "others" and phrase in strict["it"])
                and max(map(len, re.findall(r"\w+", phrase)), default=0) > 1
            ]
            lists.append(("scorns" if part == "mocks" else part, kept))
        for skill, act in self.declared.items():
            own = act.languages.get(name)
            if own is not None:
                lists += [
                    (f"do:{skill}", [*own.do, *own.lax]),
                    (f"hint:{skill}", [*own.done, *own.hints]),
                    (f"thing:{skill}", [*own.things, *own.lax_things]),
                    (f"lost:{skill}", [*own.lost, *own.lax_lost]),
                    (f"mark:{skill}", own.marks),
                ]
        return Lookup(lists)


def _named(named: str, called: re.Pattern[str] | None) -> re.Pattern[str]:
    """The same for the same, whatever skill it is of."""
    first = named.split("|")[0]
    return re.compile(f"{first}|{called.pattern}" if called else first, re.IGNORECASE)


def _words(lists: Mapping[str, list[str]], *parts: str) -> frozenset[str]:
    return frozenset(
        token.text
        for part in parts
        for phrase in lists.get(part, ())
        if not phrase.startswith("~")
        for token in tokens_of(plain(phrase))
    )
