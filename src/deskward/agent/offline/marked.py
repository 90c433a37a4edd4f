"""A message with what lists find in it: sentences, clauses, cues, and where values stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from deskward.agent.offline.declared import Declared
from deskward.agent.offline.phrases import QUOTED, Phrases, Range, Word, covered

_BREAKS = frozenset(",;:()–—-!?…")
_NOBODYS = frozenset(
    f"{word}'s" for word in "it that what let here there how where when today everything".split()
)
_SILENT = "neutral mine links new polite wants asks leads is some".split()
"""The lists whose words may stand within a wish."""


@dataclass(frozen=True)
class Ways:
    """How a language goes about it; see `text/lists/acts.yaml`.

    Attributes:
        acts: The skills that have words in it.
        general: Its lists.
        vocabulary: All words of its lists and of the skills.
    """

    acts: dict[str, Declared]
    general: Phrases
    elides: bool
    last_verb: bool
    bare_value: bool
    genitive: str
    vocabulary: frozenset[str]

    def knows(self, word: str) -> bool:
        """Whether a word is one of the lists or of the skills."""
        return word in self.vocabulary


class Marked:
    """One message, as the lists of one language see it."""

    def __init__(
        self,
        ways: Ways,
        text: str,
        words: list[Word],
        spans: list[Range],
        hits: dict[str, list[Range]],
        guessed: frozenset[int] = frozenset(),
    ) -> None:
        self.ways, self.text, self.words, self.hits = ways, text, words, hits
        self.guessed = guessed
        spoken = {name.partition(":")[2] for name in hits}
        self.spoken = [skill for skill in ways.acts if skill in spoken]
        self.sentence = [
            next((n for n, (_, end) in enumerate(spans) if word.start < end), 0) for word in words
        ]
        self.asking = {
            n for n, (start, end) in enumerate(spans) if re.search(r"[?？]", text[start:end])
        }
        self.polite = covered(hits, "polite")
        several = [r for r in hits.get("neutral", ()) if r[1] - r[0] > 1]
        self.exempt = covered(
            {**hits, "several": several}, "wants", "asks", "polite", "several", "becomes"
        )
        self.general = covered(hits, *_SILENT)
        marks = {at for at, word in enumerate(words) if not word.text[0].isalnum()}
        self.leads = covered(hits, "leads", "polite") | marks
        self.clauses = list(self._clauses())
        self.general |= {at for a, b in self.clauses for at in range(a, b) if at in self._joined}

    def _clauses(self) -> Iterator[Range]:
        joins = {start for start, _ in self.hits.get("joins", ())} - self.exempt
        wanting = self.leads | covered(self.hits, "wants", "asks")
        that = {a for a, _ in self.hits.get("that", ())}
        self._joined = set[int]()
        start = 0
        for at, word in enumerate(self.words):
            new = at and self.sentence[at] != self.sentence[at - 1]
            if at + 1 in that and word.text == "," and wanting.issuperset(range(start, at)):
                self._joined.add(at)  # "Ich möchte, dass …"
            elif word.text in _BREAKS or at in joins or new:
                if at > start:
                    yield start, at
                start = at + (word.text in _BREAKS)
        if start < len(self.words):
            yield start, len(self.words)

    def cue(
        self, name: str, within: Range | None = None, own: frozenset[int] = frozenset()
    ) -> bool:
        """Whether a word of a list says so, and is no part of a wish or of courtesy.

        Args:
            own: Words that count for nothing: see `Wish.own`.
        """
        start, end = within or (0, len(self.words))
        exempt = self.exempt | own
        return any(
            start <= a
            and b <= end
            and not exempt.issuperset(range(a, b))
            and not self._is_number_of_one(b)
            for a, b in self.hits.get(name, ())
        )

    def _is_number_of_one(self, end: int) -> bool:
        """Whether a phrase's last word is a thing and its number follows: "in case 5"."""
        following = self.words[end].text if end < len(self.words) else ""
        if following == "#" and end + 1 < len(self.words):
            following = self.words[end + 1].text
        return following.isdigit() and any(
            span[1] == end for skill in self.spoken for span in self.hits.get(f"things:{skill}", ())
        )

    def own(self, skill: str, start: int, clause: Range) -> frozenset[int]:
        """What stands behind an act's verb and belongs to the act by what its skill declares."""
        _, last = self.sentence_of(clause)
        fillers = {at for at in self.all(f"fillers:{skill}") if start <= at < last}
        texts = [a for a, b in self.hits.get(f"text:{skill}", ()) if start <= a and b <= last]
        return frozenset(fillers.union(range(min(texts), last) if texts else ()))

    def is_persons(self, skill: str, clause: Range, value: Range) -> bool:
        """Whether a thing is said to be a person's: "die Karte von Łukasz"."""
        own = [b for _, b in self.within("me", clause)]
        if any(a in own or a - 1 in own for a, _ in self.within(f"things:{skill}", clause)):
            return False
        return any(
            end < clause[1]
            and not value[0] <= end < value[1]
            and self.text[self.words[end].start].isupper()
            and self.words[end].text.isalpha()
            and not self.ways.knows(self.words[end].text)
            for _, end in self.within("whose", clause)
        )

    def is_somebodys(self, own: frozenset[int] = frozenset()) -> bool:
        """Whether a thing is somebody else's by its ending: "John's card", not "King's Road"."""
        ending = self.ways.genitive
        if not ending:
            return False
        known = {it for name in self.hits if name.startswith("things:") for it in self.all(name)}
        return any(
            word.text.endswith(ending)
            and word.text not in _NOBODYS
            and following.start < len(self.text)
            and self.text[following.start].islower()
            and number not in known
            and number not in own
            for number, (word, following) in enumerate(pairwise(self.words))
        )

    def sentence_of(self, clause: Range) -> Range:
        """The sentence of a clause."""
        number = self.sentence[clause[0]]
        inside = [at for at, sentence in enumerate(self.sentence) if sentence == number]
        return inside[0], inside[-1] + 1

    def all(self, name: str) -> set[int]:
        """The words that a list's phrases cover."""
        return covered(self.hits, name)

    def within(self, name: str, clause: Range) -> list[Range]:
        """A list's phrases in a part of the message."""
        start, end = clause
        return [(a, b) for a, b in self.hits.get(name, ()) if start <= a and b <= end]

    def is_only_a_value(self, value: Range) -> bool:
        """Whether nobody speaks within a value: it has no word that only sentences have."""
        spoken = covered(self.hits, "me", "wants", "asks", "not", "how", "lost", "is", "it")
        if value[0] < value[1] and value[0] in self.general:
            spoken = spoken | {value[0]}  # "the one at 5 Main Street"
        return not any(
            at in spoken and not self.text[self.words[at].start].isupper() for at in range(*value)
        )

    def note_names(self, value: Range) -> None:
        """Words with a capital in a value are names, though a pattern takes them in: "Bursa"."""
        self.exempt |= {
            at
            for at in range(*value)
            if self.text[self.words[at].start].isupper()
            and not self.ways.general.lists(self.words[at].text)
        }

    def end_of_value(self, number: int) -> int:
        """Where what belongs to a clause ends: a value may have commas."""
        clause = self.clauses[number]
        _, last = self.sentence_of(clause)
        verbs = [name for name in self.hits if name.startswith(("do:", "done:"))]
        things = [name for name in self.hits if name.startswith(("things:", "named:"))]
        for following in self.clauses[number + 1 :]:
            if following[0] >= last:
                break
            joined = following[0] in self.all("joins")
            wish = any(self.within(name, following) for name in ("wants", "asks", "lost"))
            act = any(self.within(name, following) for name in verbs)
            own = not self.ways.last_verb or any(self.within(n, following) for n in things)
            if joined or ((wish or act) and own) or self.within("me", following):
                return following[0]
        return last

    def value(self, skill: str, thing: Range, end: int) -> Range:
        """The words that stand where a value is named."""
        start = None
        for a, b in sorted(self.hits.get("links", ()), key=lambda r: (r[0], -r[1])):
            if a >= thing[1] and a < end and (start is None or a == start):
                start = b
                break
        colon = next((at for at in range(thing[1], end) if self.words[at].text in (":", "=")), None)
        if colon is not None and (start is None or colon < start):
            start = colon + 1
        if start is None:
            after = thing[1]
            is_value = after < end and (
                self.ways.last_verb
                or self.words[after].text[:1].isdigit()
                or self.words[after].text.startswith((QUOTED, "[["))
            )
            if not is_value:
                return end, end
            start = after
        while start < end and (start in self.polite or self.words[start].text == ":"):
            start += 1
        trailing = self.polite | covered(self.hits, "ends", "leads", f"do:{skill}", "wants", "asks")
        while end > start and (end - 1 in trailing or self.words[end - 1].text in ",.!?;:…\"'"):
            end -= 1
        return start, end

    def text_of(self, start: int, end: int) -> str:
        """What stands there in the message."""
        if end <= start:
            return ""
        return self.text[self.words[start].start : self.words[end - 1].end]
