"""Which of several options an answer names, or says that it is not.

"Not with a password" answers a question with two options: it is the other one. Words are data:
`text/lists/options.yaml`. It is read cautiously, because an answer that is read so is taken without
another question: a clause that says anything else names nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deskward.gate import option_words
from deskward.text.against import denials, denies, turns_over
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
OWN_ROOT = 5
"""And so many of a word that tells an option: to "lock" is not what is "locked"."""

_WORD = re.compile(r"[^\W_]+")
_CLAUSE = re.compile(r"[,.;:!。、，；！،؛()–—\n]+")
_BESIDES = re.compile(
    r"(?:(?<!\s)\s++)?[(（)）;、/]\s*|,?\s(?:or|oder|ou|veya)\s"
    r"|,\s(?!(?:but|and|then|often|aber|und|dann|mais|et|puis|pero|y|ma|e|mas)\s)"
)
"""Between several things that one option means."""
_BOUNDS = re.compile(r"[<>~≤≥≈+%]|\bover\b")
"""A number with one of these may be another one."""
_COUNTED = re.compile(r"(\d{1,2})[.)]?(?:番目?(?:です)?)?")
_ENDS = " .!。！،؛、"
_PARTED = "\u0590"
"""From here on are scripts that part no words, or whose words grow in front."""


@dataclass(frozen=True)
class Way:
    """A way to name an option: its word, or what it means, of several things one.

    Attributes:
        tokens: Its words, without small ones.
        denies: Whether it says no of something itself: "without a message".
        whole: Whether who denies it denies the option: not by one thing among several.
        is_word: Whether it is the option's word.
    """

    tokens: frozenset[str]
    denies: bool
    whole: bool
    is_word: bool = False


@dataclass(frozen=True)
class Option:
    """An option, the words by which it is named, and whether any of its meanings says no."""

    word: str
    meanings: tuple[str, ...]
    tokens: frozenset[str]
    ways: tuple[Way, ...]
    denies: bool


def chosen(choices: Sequence[str], said: str, asked: str = "") -> str | None:
    """The word that is chosen: by itself, by what it means, by its place, or as what is left.

    Args:
        choices: `word: meaning`; a word may be there several times, with what it means in other
            languages.
        asked: The question, whose words name none of its options.
    """
    options = _options(choices)
    counted = number_of_choice(said) if not _is_spoilt(said) else None
    every = list(options)
    if counted is not None and not any(word[:1].isdigit() for word in every):
        return every[counted - 1] if 0 < counted <= len(every) else None
    plain = folded(said).strip(_ENDS)
    for one in options.values():
        names = {folded(one.word), folded(one.word).replace("_", " ")}
        if plain in names | {folded(meaning).strip(_ENDS) for meaning in one.meanings}:
            return one.word
    found = _told(options, said, asked)
    if found is None:
        return None
    told, denied = found
    left = told - denied if told else frozenset(every) - denied if denied else told
    return next(iter(left)) if len(left) == 1 and not told & denied else None


def denied(choices: Sequence[str], said: str, asked: str = "") -> frozenset[str]:
    """The options that an answer says are not it, where it says nothing else."""
    found = _told(_options(choices), said, asked)
    return found[1] if found is not None and not found[0] else frozenset()


def named(choices: Sequence[str], said: str) -> str | None:
    """The one option of which a word stands in what was said, whatever else does.

    That is too little for an answer, and enough to ask whether it is one.
    """
    plain = folded(said)
    words = set(_WORD.findall(plain))
    options = _options(choices).values()
    whole = {
        one.word: plain.replace(meaning, " ")
        for one in options
        for meaning in (folded(m).strip(_ENDS) for m in one.meanings)
        if meaning and meaning in plain
    }
    if len(whole) == 1:  # what it means may say no itself: "some do not come, I think"
        ((word, rest),) = whole.items()
        return word if not denies(rest) and not _is_spoilt(said) else None
    own = {one.word for one in options if one.tokens & words} | set(whole)
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
    if not may_deny and (denies(rest) or has_negator(rest) or _is_spoilt(said)):
        return False
    if any(letter >= _PARTED for letter in rest):
        rest = option_words.unparted().sub(" ", rest)
    parts = (part.strip() for part in _CLAUSE.split(rest))
    return all(answer_of(part) is not None or not set(_tokens(part)) for part in parts if part)


def clauses_of(said: str) -> list[str]:
    """What was said, parted at marks and at words such as "but"."""
    return [clause for clause, _ in _clauses(folded(said))]


def says_more(said: str, asked: str, number: str = "") -> bool:
    """Whether an answer says anything beside small words, and words of the question.

    Args:
        number: What stands for a number in it; beside that stands what is counted.
    """
    rest, of = folded(said).replace(number, " ", 1), folded(asked)
    if number:
        rest = option_words.shown().sub(" ", rest)
    if _is_spoilt(rest):
        return True
    if any(letter >= _PARTED for letter in rest):
        rest = option_words.unparted().sub(" ", rest)
    known, counted = frozenset(_tokens(of)), frozenset[str]()
    if number:
        # Who is asked for calls a minute and tells those of a second, says more.
        units = option_words.units()
        counted = units[""] if known & units["all"] else units["all"]
        rest = _BOUNDS.sub(" ~~ ", rest)
    return "~~" in rest or not all(
        word in counted or _is_in(word, known) or (word[0] >= _PARTED and word in of)
        for word in _tokens(rest)
    )


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
        word: Option(
            word,
            tuple(some),
            frozenset(_tokens(f"{word} {' '.join(some)}")),
            (
                *(replace(way, is_word=True) for way in _ways(word.replace("_", " "))),
                *(way for one in some for way in _ways(one)),
            ),
            any(map(denies, some)),
        )
        for word, some in meanings.items()
    }


def _ways(meaning: str) -> Iterator[Way]:
    """What an option means, one after another: "it is locked, or there were too many tries"."""
    for number, part in enumerate(_BESIDES.split(folded(meaning))):
        if tokens := frozenset(_tokens(part)):
            yield Way(tokens, denies(part), whole=number == 0)


def _told(
    options: Mapping[str, Option], said: str, asked: str
) -> tuple[frozenset[str], frozenset[str]] | None:
    """What is said to be meant, and what not; None where anything else is said."""
    if len(said) > LONGEST or _is_spoilt(said):
        return None
    told: set[str] = set()
    denied: set[str] = set()
    for clause, no in _clauses(folded(said)):
        whole = answer_of(clause)
        if whole is False and told:  # "with a password, no"
            return None
        if whole is not None:
            continue
        found = _named_in(options, clause, frozenset(_tokens(folded(asked))))
        if found is None:
            return None
        own, rest, is_denied = found
        if turns_over(rest) or denials(clause) > 1 or (no and is_denied):
            return None
        (denied if no or is_denied else told).add(own)
    return frozenset(told), frozenset(denied)


def _is_spoilt(said: str) -> bool:
    """Whether what was said asks, quotes, or has an emoji that may mean anything."""
    plain = folded(said)
    harmless = set("".join(read_list("assent")["emoji"]))
    signs = (one for one in plain if unicodedata.category(one) == "So")
    return (
        any(mark in said for mark in "?？؟")
        or any(one not in harmless for one in signs)
        or option_words.asking().search(plain) is not None
    )


def _clauses(said: str) -> Iterator[tuple[str, bool]]:
    """The clauses of an answer, and of each whether what comes behind it denies it."""
    for clause in _CLAUSE.split(said):
        start = 0
        for found in option_words.instead().finditer(clause):
            no = found["after"] is not None
            before = clause[start : found.start()]
            if before.strip():
                yield before, no
            start = found.end()
        if clause[start:].strip():
            yield clause[start:], False


def _named_in(
    options: Mapping[str, Option], clause: str, asked: frozenset[str]
) -> tuple[str, str, bool] | None:
    """The one option that a clause names, the rest of it, and whether it denies the option.

    None where it says anything else, or perhaps means another one.
    """
    for one in options.values():
        for meaning in sorted(one.meanings, key=len, reverse=True):
            plain = folded(meaning).strip(_ENDS)
            if plain and plain in clause and not _is_less(plain, clause, options, one):
                rest = clause.replace(plain, " ")
                if not set(_tokens(rest)) - asked:
                    return one.word, rest, denies(rest)
    if any(letter >= _PARTED for letter in clause):
        return _inside(options, clause)
    words = _WORD.findall(clause)
    if words[:1] == ["no"] and words[-1].isdigit():  # "number 1", or "not 1"
        return None
    place = _place([bare(word) for word in words if word not in option_words.negators()])
    if place is not None and 0 < place <= len(options):
        return list(options)[place - 1], clause, denies(clause)
    telling = set(_tokens(clause))
    found = [
        one
        for one in options.values()
        if all(_is_in(word, one.tokens, OWN_ROOT) or _is_in(word, asked) for word in telling)
    ]
    ways = [(one, way) for one in found for way in _said(one, options, telling, asked)]
    if len({one.word for one, _ in ways}) != 1:
        return None
    one, no = ways[0][0], denies(clause)
    if not no and not any(way.denies for _, way in ways):
        # Of what is "refused, or cannot be had" its word alone says too little.
        whole = not one.denies or any(not way.is_word for _, way in ways)
        return (one.word, clause, False) if whole else None
    if no and all(way.denies for _, way in ways):
        return one.word, clause, False
    plainly = any(way.whole and not way.denies for _, way in ways)
    return (one.word, clause, True) if no and plainly else None


def _said(
    one: Option, options: Mapping[str, Option], telling: set[str], asked: frozenset[str]
) -> Iterator[Way]:
    """The ways of an option that some words say: with all words that tell it from the others."""
    others = [word for o in options.values() if o is not one for word in o.tokens]
    elsewhere = frozenset((*others, *asked))
    for way in one.ways:
        own = frozenset(word for word in way.tokens if not _is_in(word, elsewhere))
        own = own or (frozenset() if way.is_word else way.tokens - asked)
        if own and all(_is_in(word, frozenset(telling), OWN_ROOT) for word in own):
            yield way


def _is_less(plain: str, clause: str, options: Mapping[str, Option], one: Option) -> bool:
    """Whether another option means more than this one, and stands there as well."""
    others = (o for o in options.values() if o is not one)
    meanings = (folded(m).strip(_ENDS) for o in others for m in o.meanings)
    return any(m != plain and plain in m and m in clause for m in meanings)


def _inside(options: Mapping[str, Option], clause: str) -> tuple[str, str, bool] | None:
    """The same where words are not parted: what is left without small words stands in a meaning."""
    bareness = option_words.unparted().sub(" ", clause)
    parts = [part for part in bareness.split() if part.strip(_ENDS)]
    if not parts or any(len(part) < SHORTEST for part in parts):
        return None
    found = [
        (one.word, meaning)
        for one in options.values()
        for meaning in (one.word, *one.meanings)
        if all(part == folded(one.word) or part in folded(meaning) for part in parts)
    ]
    if len({word for word, _ in found}) != 1:
        return None
    no = denies(clause)
    if any(denies(meaning) for _, meaning in found):  # it says no of something itself
        return None
    heads = (folded(_BESIDES.split(meaning)[0]) for _, meaning in found)
    if no and not any(part in head for head in heads for part in parts):
        return None
    return found[0][0], clause, no


def _place(words: Sequence[str]) -> int | None:
    """The place in a list that words name, and nothing else: "the second one", "number two"."""
    lists = option_words.places()
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
    return (word for word in _WORD.findall(folded(text)) if word not in option_words.silent())


def _is_in(word: str, some: frozenset[str], root: int = ROOT) -> bool:
    """Whether a word is among some, with another ending at the most."""
    return word in some or any(_is_alike(word, one, root) for one in some)


def _is_alike(one: str, other: str, root: int) -> bool:
    size = min(len(one), len(other))
    if size < root or abs(len(one) - len(other)) > ENDING:
        return False
    return one[: max(root, size - 1)] == other[: max(root, size - 1)]
