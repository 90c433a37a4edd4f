"""A reply's sentences and clauses, their language and mood, in the languages of the grammar."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from deskward.text.amounts import in_digits
from deskward.text.lists import read_list
from deskward.text.spacing import spaced, words_apart
from deskward.text.values import Value, units, values_in

NONE = "none"
"""What a clause claims that claims nothing."""
TITLE = "‹title›"
"""What stands for the name of a record; see `untitled`."""
MAX_SENTENCE = 600
"""Characters of a sentence that are looked at together, so that no text takes long."""
COVERED = 0.4
"""The share of a sentence's words that a language knows, from which it is that language's."""
COVERED_BEFORE = 0.25
"""The same of the language that was spoken before."""
CERTAIN = 4
"""Words from which a sentence alone shows its language."""

_END = re.compile(r"(?<=[.!?…])(?<!\b\d\.)(?<!\b\d\d\.)[\"'”»)\]]*\s+|\n+")
_SHORT = re.compile(r"\b(e\.g|i\.e|no|nr|st|mr|mrs|dr|a\.m|p\.m|vs|z\.\s?B|bzw|sr|sra|n)\.", re.I)
_WORD = re.compile(r"‹\w+(?:#\d+)?›|[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+|[,;:()–—?!¿.]| - ")
_WORDS = re.compile(r"[^\W\d_]+")
_WORDS_IN = re.compile(r"[^\W\d_]{3,}")
_LISTED = re.compile(r"\A\d{1,2}[.)]\s")
_INDEX = re.compile(r"#\d+(?=›)")
_BREAKS = frozenset(",;:–—?!¿.") | {" - "}
_SHORTENED = (("n't", " n't"), ("'ve", " have"), ("'ll", " will"), ("'re", " are"), ("'m ", " am "))
_IS = re.compile(r"\b(it|that|there|he|she|here|what|who|everything|this)'s\b")
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
    def ids(self) -> list[Value]:
        """The ids among the values."""
        return [value for value in self.values if value.is_id]

    @property
    def wordless(self) -> bool:
        """Whether it has no words but values."""
        return all(word[0] == "‹" for word in self.words)

    @property
    def asks(self) -> bool:
        """Whether it is part of a question."""
        return "q" in self.mood


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text; a monstrous one in parts."""
    parts = [part.strip(" \t-*•#>") for part in _END.split(_SHORT.sub(r"\1", spaced(text)))]
    parts = [_LISTED.sub("", part) for part in parts]
    return [
        part[at : at + MAX_SENTENCE]
        for part in parts
        if part
        for at in range(0, len(part), MAX_SENTENCE)
    ]


def untitled(sentence: str, titles: Iterable[str]) -> str:
    """A sentence with each of these titles as one word, `TITLE`."""
    sentence = sentence.replace("‹", "").replace("›", "")
    for title in titles:
        if title in sentence:
            sentence = re.sub(rf"(?<!\w){re.escape(title)}(?!\w)", TITLE, sentence)
    return sentence


@cache
def grammar() -> dict[str, dict[str, Any]]:
    """The grammar by language, of `lists/grammar.yaml`; lists of words are sets."""
    return {
        language: {
            name: frozenset(spaced(value).split()) if isinstance(value, str) else value
            for name, value in rules.items()
        }
        for language, rules in read_list("grammar").items()
    }


class Reader:
    """Reads sentences of the grammar's languages."""

    def __init__(
        self, ids: Mapping[str, re.Pattern[str]], examples: Iterable[tuple[str, str]]
    ) -> None:
        """Make one.

        Args:
            ids: Patterns of ids by what they are of.
            examples: Sentences with their language, from whose words a language is known.
        """
        self._ids = ids
        self._known: dict[str, set[str]] = {}
        self._small: set[str] = set()
        self._scripts = [
            (name, "".join(rules["letters"]), frozenset("".join(rules["foreign"])))
            for name, rules in grammar().items()
            if "letters" in rules
        ]
        for language, rules in grammar().items():
            lists = [rules[name] for name in ("not", "if", "may", "ask", "and", "units", "when")]
            self._known[language] = set().union(*lists)
        for language, text in examples:
            text = spaced(text)
            self._known[language].update(_WORDS.findall(text.casefold()))
            self._small.update(_WORDS.findall(text))
        self._small = {word for word in self._small if word[0].islower()}

    def language(self, sentence: str, before: str | None) -> str | None:
        """The language of a sentence, or None where it is none of the grammar's.

        Args:
            before: The language of the sentence before, where one of few words is as much its.
        """
        sentence = spaced(sentence)
        letters = sum(map(len, _WORDS.findall(sentence)))
        for name, own, foreign in () if sentence.isascii() else self._scripts:
            among = sum(own[0] <= letter <= own[1] for letter in sentence)
            if 3 * among > letters and foreign.isdisjoint(sentence):
                return name
        words = [w for w in _WORDS.findall(sentence.casefold()) if len(w) > 1 or w in "aeoyéàèóí"]
        hits = {name: sum(w in known for w in words) for name, known in self._known.items()}
        best = max(hits, key=lambda name: (hits[name], name == before))
        if len(words) < CERTAIN and (before or not words):
            return best if hits[best] and before is None else before
        if words and hits[best] >= COVERED * len(words):
            return best
        return before if before and hits[before] >= COVERED_BEFORE * len(words) else None

    def strange(self, sentence: str, language: str) -> list[str]:
        """Words in capitals that no example knows: names.

        A single one at a sentence's begin, or in German, may be any word.
        """
        found: list[str] = []
        run: list[tuple[bool, str]] = []
        usual = self._known["de"] | self._small if language == "de" else self._small
        places = [(match.start(), match[0]) for match in _WORDS_IN.finditer(sentence)]
        for at, word in [*places, (0, "")]:
            odd = word[:1].isupper() and not word.isupper() and word.casefold() not in usual
            odd = odd and not (language == "de" and at == 0)
            if odd and (not run or sentence[at - 1] == " "):
                run.append((at == 0 or language == "de", word))
                continue
            if len(run) > 1 or (run and not run[0][0]):
                found += [name for _, name in run]
            run = [(at == 0 or language == "de", word)] if odd else []
        return found

    def clauses(self, sentence: str, language: str) -> list[Clause]:
        """The clauses of a sentence."""
        sentence, rules = spaced(sentence), grammar()[language]
        sentence = in_digits(sentence, language, units(language))
        values = values_in(sentence, self._ids, language)
        runs = _unfolded(_tokens(sentence, values))
        parts = [part for run in runs for part in _parts(run, rules["and"], rules["not"])]
        asks = sentence.rstrip(" \"'”)]*").endswith("?")
        asks = asks or any(not rules["asks"].isdisjoint(run) for run in runs if "asks" in rules)
        whole = asks and bool(parts) and bool(set(parts[0][:2]) & (rules["ask"] | rules["if"]))
        found: list[Clause] = []
        conditional, before = False, ""
        for number, marked in enumerate(parts):
            own = [values[int(word[1:-1].partition("#")[2])] for word in marked if "#" in word]
            words = tuple(_INDEX.sub("", word) for word in marked)
            first = words[:1] if words[0] in rules["not"] else words[:2]
            begins = bool(set(first) & rules["if"])
            subject = words[0][0] == "‹" or words[0] in rules.get("who", words)
            may = bool(set(words) & rules["may"]) or ("m" in before and not subject)
            moods = {
                "q": asks and (whole or number == len(parts) - 1 or "¿" in sentence),
                "c": begins or conditional,
                "m": may,
                "n": bool(set(words) & rules["not"]),
            }
            mood = "".join(letter for letter, holds in moods.items() if holds)
            found.append(Clause(words, mood, tuple(own)))
            conditional, before = begins, mood
        return found


def _tokens(sentence: str, values: Iterable[Value]) -> list[str]:
    at, pieces = 0, []
    for number, value in enumerate(values):
        pieces += [sentence[at : value.start], f" ‹{value.kind}#{number}› "]
        at = value.end
    text = _ELIDED.sub(r"\1 ", "".join([*pieces, sentence[at:]]).casefold()).replace("’", "'")
    text = _IS.sub(r"\1 is", words_apart(text))
    for short, long in _SHORTENED:
        text = text.replace(short, long)
    return _WORD.findall(text)


def _unfolded(tokens: Iterable[str]) -> list[list[str]]:
    """The sentence without what stands in brackets, and then that."""
    runs: list[list[str]] = [[]]
    inside = False
    for word in tokens:
        if word in "()":
            inside = word == "("
            if inside:
                runs.append([])
        else:
            runs[-1 if inside else 0].append(word)
    return runs


def _parts(
    tokens: Iterable[str], joins: frozenset[str], denials: frozenset[str]
) -> Iterator[list[str]]:
    """The words between the breaks; what is too short to say anything goes with what follows.

    "No," at the begin does not: it denies what was asked.
    """
    part: list[str] = []
    for word in tokens:
        if word not in _BREAKS and word not in joins:
            part.append(word)
        elif len(part) > 1 or (part and (word in "!.?" or denials.issuperset(part))):
            yield part
            part = []
    if part:
        yield part
