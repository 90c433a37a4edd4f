"""The verbs of a clause, and what they claim.

No parser: one pass over the words, which knows auxiliaries, modals and negations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from deskward.agent.claims.lexicon import base, lexicon
from deskward.text.words import stem

Form = Literal["past", "passive", "state", "progress", "future", "whole"]
_HAVE = frozenset({"have", "has", "had", "having"})
_BE = frozenset({"is", "are", "was", "were", "am", "be", "been", "being", "got", "gets"})
_NO_PROGRESS = frozenset(
    """nothing something anything everything during morning annoying worrying disappointing missing
    confusing interesting outstanding upsetting frustrating surprising""".split()
)
_NO_NEWS = frozenset({"needed", "required", "agreed", "expected", "said", "read", "put", "set"})
_POINTED = frozenset({"that", "it", "so", "this"})
_NONE = (["no"], ["nothing"], ["nobody"], ["none"], ["neither"])
_WANTING = frozenset({"want", "wants", "wish", "like", "need", "prefer", "rather", "wanted"})
_NOUNS = frozenset(
    """order card ticket complaint report charge refund transfer credit deposit mail change call
    question check return""".split()
)
_ASKING = frozenset({"what", "how", "why", "where", "when", "whatever"})
_MODALS = frozenset({"can", "could", "may", "might", "would", "should", "must", "cannot"})
_FUTURE = frozenset({"will", "shall"})
_NOT = frozenset({"not", "never", "neither", "nor"})
_NEGATIVE = frozenset({"no", "nobody", "nothing", "none", "neither", "never", "not", "without"})
_ADVERBS = frozenset(
    """now already also just still all both each yet too so then again meanwhile even only
    indeed hereby ever always not never at once for you first next""".split()
) - {"not", "never", "for", "you", "at"}
_SUBJECTS = frozenset(
    """i we they he she it who which somebody someone everybody everyone colleague colleagues team
    person people agent support staff system bank desk""".split()
)
_DESK = frozenset({"i", "we"})
_POINTING = frozenset({"your", "the", "this", "our", "my", "that"})
_NO_VERBS = frozenset(
    """need indeed speed feed seed bed red hundred united proceed exceed succeed agreed shed sped
    unfortunately exceed embed breed bleed weed reed deed wicked naked sacred kindred""".split()
)
_AFTER_DONE = _POINTING | frozenset(
    """a an it both all for to on as with in by and you from at now successfully today
    them""".split()
)
_FINITE = _BE | _HAVE | _MODALS | _FUTURE | {"do", "does", "did"}


@dataclass(frozen=True)
class Claim:
    """A verb or a state that a clause claims.

    Attributes:
        word: As it stands there, in lower case.
        verb: The stem of its base form.
        particles: The words that follow, among which a particle may be.
        form: How it is claimed.
        desk: Whether the desk says it of itself.
        word_before: The last word of the subject.
    """

    word: str
    verb: str
    particles: tuple[str, ...]
    form: Form
    desk: bool
    word_before: str


def is_past(word: str) -> bool:
    """Whether a word can be a past tense or a participle."""
    if word in lexicon().bases:
        return True
    return word.endswith("ed") and len(word) > 4 and word not in _NO_VERBS


def _is_verb(word: str) -> bool:
    """Whether a word can be the base form of a verb that the lexicon knows."""
    return stem(word) in lexicon().known_verbs


def _is_thing(word: str) -> bool:
    return word in ("it", "he", "she", "this", "that", "person") or word[1:].isdigit()


def is_verb_in_s(word: str) -> bool:
    """Whether a word can be a verb of the third person: `goes`."""
    return word.endswith("s") and len(word) > 4 and _is_verb(word) and word[:-1] not in _NOUNS


class Reader:
    """Reads the verbs of one fragment."""

    def __init__(self, words: list[str], before: Reader | None) -> None:
        self.words = words
        self.claims: list[Claim] = []
        self.finite = False
        """Whether the fragment has a verb of its own."""
        self.harmless = False
        """Whether its last verb claimed nothing."""
        self.denied = False
        self._before = before
        self._at = 0

    def read(self) -> list[Claim]:
        """What the fragment claims."""
        while self._at < len(self.words):
            self._one()
        if not self.finite:
            self._bare()
        return self.claims

    def _one(self) -> None:
        at, word = self._at, self.words[self._at]
        self._at += 1
        if word in ("should", "must") and self.words[at + 1 : at + 2] == ["have"]:
            self._supposed(at)
        elif word in _MODALS or word == "to":
            self.finite = self.finite or word != "to"
            self.harmless = True
            self._skip_infinitive()
        elif word in _FUTURE or (word == "going" and self._next() == "to"):
            if word == "going":
                self._at += 1
            self._future(at)
        elif word in _HAVE:
            self._perfect(at)
        elif word in _BE:
            self._being(at)
        elif word in ("do", "does", "did"):
            self._doing(at)
        elif is_past(word) and self._has_subject(at):
            self._claim(at, at, "past")
        elif at and word.endswith("s") and _is_verb(word) and _is_thing(self.words[at - 1]):
            self.finite = self.harmless = True

    def _next(self) -> str:
        return self.words[self._at] if self._at < len(self.words) else ""

    def _skip(self) -> bool:
        """Skip adverbs; tells whether one of them denies."""
        denied = False
        while (word := self._next()) and (
            word in _ADVERBS or word in _NOT or (word.endswith("ly") and len(word) > 4)
        ):
            denied = denied or word in _NOT
            self._at += 1
        return denied

    def _skip_infinitive(self) -> None:
        self._skip()
        while self._next() in ("be", "have", "been"):
            self._at += 1
            self._skip()
        if self._next():
            self._at += 1

    def _future(self, at: int) -> None:
        denied = self._skip()
        self.finite = True
        start = self._at
        if self._next() == "be":
            self._at += 1
            denied = self._skip() or denied
        if self._next() in ("have", "been"):
            self._at += 1
        verb = self._at if self._at < len(self.words) else start
        self._at = max(verb + 1, self._at)
        if verb < len(self.words):
            self._claim(at, verb, "future", denied=denied)

    def _supposed(self, at: int) -> None:
        """`It should have arrived`: as good as saying that it was sent."""
        self._at += 1
        before = self.words[at - 1] if at else ""
        if before in _DESK:
            self.finite = self.harmless = True
            self._skip_infinitive()
        else:
            self._perfect(at)
            self.claims = [c for c in self.claims if c.verb in lexicon().by_verb]

    def _perfect(self, at: int) -> None:
        denied = self._skip()
        word = self._next()
        if word == "been":
            self._at += 1
            denied = self._skip() or denied
            self._after_be(at, "passive", denied)
        elif word and is_past(word):
            self._at += 1
            self._claim(at, self._at - 1, "past", denied=denied)
        elif word == "to":
            self.finite = self.harmless = True
            self._at += 1
            self._skip_infinitive()
        else:
            self.finite = True
            self.harmless = True
            self.denied = self.denied or denied

    def _being(self, at: int) -> None:
        denied = self._skip()
        past = self.words[at] in ("was", "were", "been", "got")
        if self._next() in ("being", "getting"):
            self._at += 1
            self._skip()
            self._after_be(at, "progress", denied)
        elif self._next() == "going" and self.words[self._at + 1 : self._at + 2] == ["to"]:
            self._at += 2
            self._future(at)
        else:
            self._after_be(at, "passive" if past else "state", denied)

    def _after_be(self, at: int, form: Form, denied: bool) -> None:
        self.finite = True
        word = self._next()
        known = lexicon()
        if not word:
            self.harmless = True
        elif word in known.by_state or word in known.done_states or is_past(word):
            self._at += 1
            self._claim(at, self._at - 1, form, denied=denied)
        elif word.endswith("ing") and len(word) > 4 and word not in _NO_PROGRESS:
            self._at += 1
            self._claim(at, self._at - 1, "progress", denied=denied)
        else:
            self.harmless = True
            self.denied = self.denied or denied

    def _doing(self, at: int) -> None:
        denied = self._skip()
        self.finite = True
        if self.words[at] == "did" and not denied and self._next() in _POINTED:
            self._claim(at, at, "past")
        else:
            self.harmless = True
            self.denied = self.denied or denied
            self._at += 1

    def _has_subject(self, at: int) -> bool:
        back = at - 1
        while back >= 0 and (
            self.words[back] in _ADVERBS or (self.words[back].endswith("ly") and back)
        ):
            back -= 1
        if back < 0:
            return False
        if self.words[back] in _SUBJECTS:
            return True
        if self.words[at] in lexicon().past_only:
            return not self.finite and self.words[back] != "you"
        if _WANTING & set(self.words[:at]):
            return False
        pointed = back > 0 and self.words[back - 1] in _POINTING and self.words[at] != "set"
        named = bool(re.fullmatch(r"[toc]\d+", self.words[back]))
        return (pointed or named) and not self.finite and not _FINITE & set(self.words[at:])

    def _bare(self) -> None:
        """A fragment without a subject: `Cancelled.`, `opened a ticket for you`."""
        words, start = self.words, 0
        while start < len(words) and (
            words[start] in _ADVERBS
            or words[start] in ("yes", "sure", "ok", "okay")
            or words[start].endswith("ly")
        ):
            start += 1
        if start >= len(words):
            return
        last = self._before.claims[-1] if self._before and self._before.claims else None
        if last is not None and last.form == "future" and _is_verb(words[start]):
            self.claims.append(
                replace(
                    last,
                    word=words[start],
                    verb=base(words[start]),
                    particles=tuple(words[start + 1 : start + 7]),
                )
            )
            self.finite = True
            return
        if self._before is not None and self._before.harmless:
            return
        word, after = words[start], words[start + 1 : start + 2]
        followed = not after or after[0] in _AFTER_DONE or after[0][-1:].isdigit()
        if is_past(word) and followed:
            self._claim(0, start, "past", bare=True)
        elif start < len(words) - 1 < 5 and is_past(words[-1]) and words[-1] not in _NO_NEWS:
            if not (_SUBJECTS | {"you", "a", "an"}) & set(words):
                self._claim(0, len(words) - 1, "passive")  # "Order cancelled"
        elif not after and (word in lexicon().done_states or word in lexicon().by_state):
            self._claim(0, start, "state", bare=True)

    def _claim(
        self, at: int, verb: int, form: Form, *, denied: bool = False, bare: bool = False
    ) -> None:
        words = self.words
        self.finite = True
        before = next((w for w in reversed(words[:at]) if w not in _ADVERBS), "")
        denied = denied or bool(_NEGATIVE & set(words[:at])) or words[verb + 1 : verb + 2] in _NONE
        desk = before in _DESK or (bare and form == "past")
        theirs = before == "you" and form == "state" and "now" not in words[at:verb]
        guess = not desk and bool(lexicon().guesses & set(words[:at]))
        regret = guess or ("sorry" in words[:at] and not (desk and form == "past"))
        if denied or theirs or regret or before in _ASKING:
            self.harmless = True
            self.denied = self.denied or denied
            return
        self.harmless = False
        word = words[verb]
        self.claims.append(
            Claim(word, base(word), tuple(words[verb + 1 : verb + 7]), form, desk, before)
        )
