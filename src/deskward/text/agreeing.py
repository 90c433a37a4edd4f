"""A yes that says once more what was asked: "yes, block it", "sì, bloccatela subito".

"Shall I …?" is answered so as often as by yes alone. It counts as narrowly: it begins with a yes,
says a word by which this deed is agreed to and no other (`Wish.agrees`), and has no word besides
but those that say nothing (`beside` of `lists/assent.yaml`) and those of the question. Who names
one of two things that were asked about means another deed. For any other word the customer is asked
again.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from functools import cache

from deskward.text.assent import LONGEST, answer_of, words_of
from deskward.text.folding import bare
from deskward.text.lists import read_list
from deskward.text.wishes import Wish

HEAD = 4
"""Words of a yes, at the most."""
_ENCLITICS = ("mela", "melo", "tela", "telo", "sela", "selo", "la", "lo")
"""What grows on a command in Romance languages: "cancélalo", "bloccatela"."""


def agrees_to(text: str, wish: Wish, question: str) -> bool:
    """Whether an answer is a yes to this deed, said in its own words.

    Args:
        text: The whole utterance.
        wish: How the deed is named, with the values that it has.
        question: The question as it was read.
    """
    if len(text) > LONGEST or not wish.agrees or unicodedata.normalize("NFKC", text).endswith(","):
        return False
    words = [bare(word) for word in words_of(text)]
    asked = {bare(word) for word in words_of(question.translate(_MARKS))}
    for end in range(min(HEAD, len(words) - 1), 0, -1):
        if answer_of(" ".join(words_of(text)[:end])) is True:
            return _says(words[end:], wish, asked)
    return False


_MARKS = str.maketrans(dict.fromkeys("()“”„«»•:;?？؟¿", " "))


def _says(words: Sequence[str], wish: Wish, asked: Collection[str]) -> bool:
    deeds, makes = _bare_of(wish.agrees), _bare_of(wish.tells)
    named = {word for word in words if _is_deed(word, deeds)}
    for tells in (makes.__contains__, _tells):
        told = set(filter(tells, words))
        if told and told != set(filter(tells, asked)):
            return False
    if not named or not _negators().isdisjoint(words):
        return False
    return all(word in named or word in asked or word in _beside() for word in words)


def _is_deed(word: str, deeds: Collection[str]) -> bool:
    stems = (word.removesuffix(end) for end in _ENCLITICS if word.endswith(end))
    return word in deeds or any(stem in deeds for stem in stems)


def _tells(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


@cache
def _bare_of(words: str) -> frozenset[str]:
    return frozenset(map(bare, words.split()))


@cache
def _beside() -> frozenset[str]:
    """Words that say nothing beside a deed, of all languages, with those of courtesy."""
    lists = read_list("assent")
    phrases = [*lists["courtesy"], *(word for words in lists["beside"].values() for word in words)]
    return frozenset(bare(word) for phrase in phrases for word in words_of(phrase))


@cache
def _negators() -> frozenset[str]:
    lists = [read_list("assent")["negators"], read_list("against")["negators"]]
    words = (word for one in lists for some in one.values() for word in some)
    return frozenset(map(bare, words))
