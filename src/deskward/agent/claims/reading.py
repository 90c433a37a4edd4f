"""A reply's sentences and clauses, their language and their mood, in the languages of the grammar."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deskward.agent.claims.declared import Declared, grammar
from deskward.agent.claims.values import Value, values_in

MAX_SENTENCE = 600
"""Characters of a sentence that are looked at together, so that no text takes long."""
COVERED = 0.4
"""The share of a sentence's words that a language knows, from which it is that language's."""
CERTAIN = 4
"""Words from which a sentence alone shows its language."""

_END = re.compile(r"(?<=[.!?…])(?<!\b\d\.)(?<!\b\d\d\.)[\"'”»)\]]*\s+|\n+")
_SHORT = re.compile(r"\b(e\.g|i\.e|no|nr|st|mr|mrs|dr|a\.m|p\.m|vs|z\.\s?B|bzw|sr|sra|n)\.", re.I)
_WORD = re.compile(r"‹\w+›|[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+|[,;:()–—?!¿.]| - ")
_BREAKS = frozenset(",;:()–—?!¿.") | {" - "}
_ELIDED = re.compile(r"\b(n|d|l|j|s|c|m|qu|un|dell|all|nell|sull|dall)['’]", re.IGNORECASE)


@dataclass(frozen=True)
class Clause:
    """A part of a sentence with a verb of its own.

    Attributes:
        words: In lower case, values as `‹kind›`.
        mood: Of `q` (asks), `c` (under a condition), `m` (what can be), `n` (denies), in order.
        values: The values in it.
    """

    words: tuple[str, ...]
    mood: str
    values: tuple[Value, ...]

    @property
    def asks(self) -> bool:
        """Whether it is part of a question."""
        return "q" in self.mood


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text; a monstrous one in parts."""
    parts = [part.strip(" \t-*•#>") for part in _END.split(_SHORT.sub(r"\1", text))]
    return [
        part[at : at + MAX_SENTENCE]
        for part in parts
        if part
        for at in range(0, len(part), MAX_SENTENCE)
    ]


class Reader:
    """Reads sentences of the declared languages."""

    def __init__(self, declared: Declared) -> None:
        self._kinds = declared.kinds
        self._known: dict[str, set[str]] = {}
        for language, rules in grammar().items():
            lists = [rules[name] for name in ("not", "if", "may", "ask", "and", "units", "when")]
            self._known[language] = set().union(*lists)
        for language, _, text in declared.sentences:
            self._known[language].update(_plain(text))

    def language(self, sentence: str, before: str | None) -> str | None:
        """The language of a sentence, or None where it is none of the grammar's.

        Args:
            before: The language of the sentence before, where one of few words is as much its.
        """
        words = [word for word in _plain(sentence) if len(word) > 1 or word in "aeoyéàèóí"]
        found = Counter({name: len([w for w in words if w in k]) for name, k in self._known.items()})
        best, hits = found.most_common(1)[0]
        if before and (found[before] == hits or (len(words) < CERTAIN and found[before])):
            best, hits = before, found[before]
        if len(words) < CERTAIN and (before or not words):
            return best if hits or not words else before
        return best if hits >= COVERED * len(words) else None

    def clauses(self, sentence: str, language: str) -> list[Clause]:
        """The clauses of a sentence."""
        rules = grammar()[language]
        values = values_in(sentence, self._kinds, language)
        parts = list(_parts(_tokens(sentence, values), rules["and"]))
        asks = sentence.rstrip(" \"'”)]*").endswith("?")
        whole = asks and bool(parts) and bool(set(parts[0][:2]) & (rules["ask"] | rules["if"]))
        found, left, conditional = [], list(values), False
        for number, words in enumerate(parts):
            plain = frozenset(words)
            begins = bool(set(words[:2]) & rules["if"])
            mood = "q" if asks and (whole or number == len(parts) - 1 or "¿" in sentence) else ""
            mood += "c" if begins or conditional else ""
            mood += "m" if plain & rules["may"] else ""
            mood += "n" if plain & rules["not"] else ""
            own = [left.pop(0) for word in words if word.startswith("‹") and left]
            found.append(Clause(tuple(words), mood, tuple(own)))
            conditional = begins
        return found


def _plain(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.casefold())


def _tokens(sentence: str, values: Iterable[Value]) -> list[str]:
    at, pieces = 0, []
    for value in values:
        pieces += [sentence[at : value.start], f" ‹{value.kind}› "]
        at = value.end
    text = _ELIDED.sub(r"\1 ", "".join([*pieces, sentence[at:]]).casefold())
    text = text.replace("’", "'").replace("n't", " n't").replace("'ve", " have").replace("'ll", " will")
    return _WORD.findall(text)


def _parts(tokens: Iterable[str], joins: frozenset[str]) -> Iterator[list[str]]:
    """The words between the breaks; what is too short to say anything goes with what follows."""
    part: list[str] = []
    for token in tokens:
        ends = token in _BREAKS or token in joins
        if not ends:
            part.append(token)
        if ends and len([word for word in part if word not in joins]) > 1:
            yield part
            part = []
        elif token in _BREAKS and part and token in "!.?":
            yield part
            part = []
    if part:
        yield part
