"""Which of several options an answer names, or says that it is not.

"Not with a password" answers a question with two options: it is the other one. Words are data:
`text/lists/options.yaml`. It is read cautiously, because an answer that is read so is taken without
another question: a clause that says anything else names nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from deskward.text.against import denies, turns_over
from deskward.text.assent import answer_of, has_negator
from deskward.text.folding import bare, folded
from deskward.text.lists import read_list

SHORTEST = 2
"""Letters by which a choice is named where words are not parted."""
LONGEST = 400
"""Characters of such an answer."""
ENDING = 2
"""So many letters two forms of a word may differ by at their end."""
ROOT = 4
"""So many letters of a word must be the same then."""

_WORD = re.compile(r"[^\W_]+")
_CLAUSE = re.compile(r"[,.;:!。、，；！،؛()–—\n]+")
_COUNTED = re.compile(r"(\d{1,2})[.)]?(?:番目?(?:です)?)?")
_ENDS = " .!。！،؛、"
_PARTED = "\u0590"
"""From here on are scripts that part no words, or whose words grow in front."""


@dataclass(frozen=True)
class Option:
    """An option, and the words by which it is named."""

    word: str
    meanings: tuple[str, ...]
    tokens: frozenset[str]


def chosen(choices: Sequence[str], said: str, asked: str = "") -> str | None:
    """The word that is chosen: by itself, by what it means, by its place, or as what is left.

    Args:
        choices: `word: meaning`; a word may be there several times, with what it means in other
            languages.
        asked: The question, whose words name none of its options.
    """
    options = _options(choices)
    counted = number_of_choice(said)
    words = list(options)
    if counted is not None and not any(word[:1].isdigit() for word in words):
        return words[counted - 1] if 0 < counted <= len(words) else None
    plain = folded(said).strip(_ENDS)
    for one in options.values():
        names = {folded(one.word), folded(one.word).replace("_", " ")}
        if plain in names | {folded(meaning).strip(_ENDS) for meaning in one.meanings}:
            return one.word
    found = _told(options, said, asked)
    if found is None:
        return None
    told, denied = found
    left = told - denied if told else frozenset(words) - denied if denied else told
    return next(iter(left)) if len(left) == 1 and not told & denied else None


def denied(choices: Sequence[str], said: str, asked: str = "") -> frozenset[str]:
    """The options that an answer says are not it, where it says nothing else."""
    found = _told(_options(choices), said, asked)
    return found[1] if found is not None and not found[0] else frozenset()


def named(choices: Sequence[str], said: str) -> str | None:
    """The one option of which a word stands in what was said, whatever else does.

    That is too little for an answer, and enough to ask whether it is one.
    """
    words = set(_WORD.findall(folded(said)))
    own = {
        one.word
        for one in _options(choices).values()
        if one.tokens & words
        or any(folded(m).strip(_ENDS) in folded(said) for m in one.meanings if m)
    }
    return own.pop() if len(own) == 1 and not denies(said) and not turns_over(said) else None


def says_only(said: str, phrases: Sequence[str], *, may_deny: bool = True) -> bool:
    """Whether an utterance says some phrases, and nothing beside them but small words.

    Args:
        may_deny: Whether these may be words that say no.
    """
    rest = folded(said)
    for phrase in sorted(map(folded, phrases), key=len, reverse=True):
        if phrase in rest:
            rest = rest.replace(phrase, " ")
    if any(letter >= _PARTED for letter in rest):
        rest = _unparted().sub(" ", rest)
    if not may_deny and (denies(rest) or has_negator(rest)):
        return False
    parts = (part.strip() for part in _CLAUSE.split(rest))
    return all(answer_of(part) is not None or not set(_tokens(part)) for part in parts if part)


def clauses_of(said: str) -> list[str]:
    """What was said, parted at marks and at words such as "but"."""
    return [clause for clause, _ in _clauses(folded(said))]


def are_telling(words: Sequence[str]) -> bool:
    """Whether words say anything beside an option or a number."""
    return any(word for word in _tokens(" ".join(words)))


def number_of_choice(said: str) -> int | None:
    """Which place of a list an utterance names by nothing but its number, in digits or words."""
    plain = unicodedata.normalize("NFKC", said).strip(_ENDS)
    counted = _COUNTED.fullmatch(plain)
    if counted:
        return int(counted[1])
    return _place(_WORD.findall(bare(plain))) if len(plain) <= LONGEST else None


def _options(choices: Sequence[str]) -> dict[str, Option]:
    meanings: dict[str, list[str]] = {}
    for one in choices:
        word, _, meaning = one.partition(": ")
        meanings.setdefault(word, []).append(meaning)
    return {
        word: Option(word, tuple(some), frozenset(_tokens(f"{word} {' '.join(some)}")))
        for word, some in meanings.items()
    }


def _told(
    options: Mapping[str, Option], said: str, asked: str
) -> tuple[frozenset[str], frozenset[str]] | None:
    """What is said to be meant, and what not; None where anything else is said."""
    if len(said) > LONGEST or any(mark in said for mark in "?？؟"):
        return None
    told: set[str] = set()
    denied: set[str] = set()
    for clause, no in _clauses(folded(said)):
        if answer_of(clause) is not None:
            continue
        found = _named_in(options, clause, frozenset(_tokens(folded(asked))))
        if found is None:
            return None
        own, rest = found
        if turns_over(rest):
            return None
        (denied if no or denies(rest) else told).add(own)
    return frozenset(told), frozenset(denied)


def _clauses(said: str) -> Iterator[tuple[str, bool]]:
    """The clauses of an answer, and of each whether what comes behind it denies it."""
    for clause in _CLAUSE.split(said):
        start = 0
        for found in _instead().finditer(clause):
            no = found["after"] is not None
            before = clause[start : found.start()]
            if before.strip():
                yield before, no
            start = found.end()
        if clause[start:].strip():
            yield clause[start:], False


def _named_in(
    options: Mapping[str, Option], clause: str, asked: frozenset[str]
) -> tuple[str, str] | None:
    """The one option that a clause names and the rest of it; None where it says anything else."""
    for one in options.values():
        for meaning in sorted(one.meanings, key=len, reverse=True):
            plain = folded(meaning).strip(_ENDS)
            if plain and plain in clause and not _is_less(plain, clause, options, one):
                rest = clause.replace(plain, " ")
                if not set(_tokens(rest)) - asked:
                    return one.word, rest
    if any(letter >= _PARTED for letter in clause):
        return _inside(options, clause)
    words = _WORD.findall(clause)
    if words[:1] == ["no"] and words[-1].isdigit():  # "number 1", or "not 1"
        return None
    place = _place([bare(word) for word in words if word not in _negators()])
    if place is not None and 0 < place <= len(options):
        return list(options)[place - 1], clause
    telling = set(_tokens(clause))
    found = [
        one.word
        for one in options.values()
        if all(_is_in(word, one.tokens) or _is_in(word, asked) for word in telling)
        and any(_is_in(word, _own(one, options, asked)) for word in telling)
    ]
    return (found[0], clause) if len(found) == 1 else None


def _is_less(plain: str, clause: str, options: Mapping[str, Option], one: Option) -> bool:
    """Whether another option means more than this one, and stands there as well."""
    others = (o for o in options.values() if o is not one)
    meanings = (folded(m).strip(_ENDS) for o in others for m in o.meanings)
    return any(m != plain and plain in m and m in clause for m in meanings)


def _own(one: Option, options: Mapping[str, Option], asked: frozenset[str]) -> frozenset[str]:
    """The words that tell an option: not those of the question, where it has any others."""
    return frozenset(word for word in one.tokens if not _is_in(word, asked)) or one.tokens


def _inside(options: Mapping[str, Option], clause: str) -> tuple[str, str] | None:
    """The same where words are not parted: what is left without small words stands in a meaning."""
    bareness = _unparted().sub(" ", clause)
    parts = [part for part in bareness.split() if part.strip(_ENDS)]
    if not parts or any(len(part) < SHORTEST for part in parts):
        return None
    found = [
        one.word
        for one in options.values()
        if all(
            part == folded(one.word) or any(part in folded(meaning) for meaning in one.meanings)
            for part in parts
        )
    ]
    return (found[0], clause) if len(found) == 1 else None


def _place(words: Sequence[str]) -> int | None:
    """The place in a list that words name, and nothing else: "the second one", "number two"."""
    lists = _places()
    rest = [word for word in words if word not in lists[""]]
    if len(rest) == 2 and rest[1] in lists["one"]:  # "the second one"
        rest = rest[:1]
    if len(rest) != 1:
        return None
    word = rest[0]
    if word.isdigit() and len(word) <= SHORTEST:
        return int(word)
    for number in range(1, 6):
        if any(
            word.startswith(one[:-1]) if one[-1] == "*" else word == one
            for one in lists[str(number)]
        ):
            return number
    return None


def _tokens(text: str) -> Iterator[str]:
    return (word for word in _WORD.findall(folded(text)) if word not in _silent())


def _is_in(word: str, some: frozenset[str]) -> bool:
    """Whether a word is among some, with another ending at the most."""
    return word in some or any(_is_alike(word, one) for one in some)


def _is_alike(one: str, other: str) -> bool:
    size = min(len(one), len(other))
    if size < ROOT or abs(len(one) - len(other)) > ENDING:
        return False
    return one[: max(ROOT, size - 1)] == other[: max(ROOT, size - 1)]


@cache
def _silent() -> frozenset[str]:
    lists = read_list("options")["silent"]
    small = (str(word) for own in lists.values() for word in own)
    words = (part for word in small for part in _WORD.findall(folded(word)))
    polite = (
        part for one in read_list("assent")["courtesy"] for part in _WORD.findall(folded(one))
    )
    return frozenset((*words, *polite)) | _negators()


@cache
def _negators() -> frozenset[str]:
    words = (str(n) for own in read_list("against")["negators"].values() for n in own)
    return frozenset(part for word in words for part in _WORD.findall(folded(word)))


@cache
def _unparted() -> re.Pattern[str]:
    """What says nothing where words are not parted, the longest first."""
    lists, anywhere = read_list("options")["silent"], set(read_list("against")["anywhere"])
    negators = read_list("against")["negators"]
    words = {str(w) for name in anywhere for w in (*lists.get(name, ()), *negators.get(name, ()))}
    longest = sorted(map(folded, words), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest)))


@cache
def _instead() -> re.Pattern[str]:
    lists = read_list("options")["instead"]
    after = sorted(map(folded, lists["after"]), key=len, reverse=True)
    words = sorted(map(folded, lists["between"]), key=len, reverse=True)
    whole = "|".join(re.escape(one) for one in words if one[0] < _PARTED)
    inside = "|".join(re.escape(one) for one in words if one[0] >= _PARTED)
    behind = "|".join(
        rf"(?<!\w){re.escape(one)}(?!\w)" if one[0] < _PARTED else re.escape(one) for one in after
    )
    return re.compile(rf"(?P<after>{behind})|(?<!\w)(?:{whole})(?!\w)|(?:{inside})")


@cache
def _places() -> Mapping[str, frozenset[str]]:
    """By place the words for it; under "" those that may lead, under "one" those for a thing."""
    found: dict[str, set[str]] = {str(number): set() for number in range(1, 6)}
    for own in read_list("references").values():
        for number, words in enumerate(own["places"], 1):
            found[str(number)].update(bare(str(word)) for word in words)
    for own in read_list("numbers").values():
        for number in range(1, 6):
            found[str(number)].add(bare(own["small"][number]))
    found[""] = {bare(str(word)) for word in read_list("options")["leads"]}
    found["one"] = {"one", "ones"}
    return {name: frozenset(words) for name, words in found.items()}
