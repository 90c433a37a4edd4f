"""Words of texts in any language, as a search engine keeps them: folded, stemmed, segmented.

Each language has its own stemmer (Snowball, M. F. Porter); marks on letters fall off after it, so
that "möchte" and "mochte" are one word. Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese
are kept in pairs of syllables (bigrams), which overlap: no dictionary knows every product's name.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from deskward.text.folding import folded
from deskward.text.lists import word_lists

if TYPE_CHECKING:
    import snowballstemmer

LONGEST = 64
"""Letters of a word that are kept."""
MOST = 20_000
"""Words of a text that are kept."""
REMEMBERED = 200_000
"""Words of a language whose forms are remembered: there are few, and stemming one takes long."""

_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip

_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0970-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"
    "\u102b-\u103e\u1056-\u1059\u17b4-\u17d3\u3099\u309a"
)
"""Marks that stand on letters and in syllables, which Python counts to no word."""
_WORD = re.compile(f"[\\w{_MARKS}]+")
_UNPARTED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3100-\u318f"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Letters of languages that part words by no space, or add to them without end, as Korean does."""
_PART = re.compile(f"[{_UNPARTED}]+|[^{_UNPARTED}]+")
_IS_UNPARTED = re.compile(f"[{_UNPARTED}]")
_DIGIT = re.compile(r"\d")
_SYLLABLE = re.compile(f"[^{_MARKS}][{_MARKS}]*|[{_MARKS}]+")
_FALL_OFF = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u0640\u064b-\u065f\u0670]"
)
"""Marks of Latin, Greek, Cyrillic, Hebrew and Arabic letters, which many leave out in writing."""
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l"})


def base_of(language: str) -> str:
    """The language without its region, as `pt` of `pt-BR`."""
    return language.partition("-")[0].lower()


def words_kept(text: str, language: str) -> list[str]:
    """The words by which a text is found, in their order; a word as often as it is there.

    Args:
        language: The text's, as BCP 47 writes it; of one without a stemmer words stay as they are.
    """
    found: list[str] = []
    base = base_of(language)
    known = _kept(base)
    for word in _WORD.findall(folded(text)):
        forms = known.get(word)
        found += _all_forms(word, base) if forms is None else forms
        if len(found) >= MOST:
            break
    return found[:MOST]


def words_asked(text: str, languages: Sequence[str]) -> list[tuple[str, ...]]:
    """The words that somebody looks for: of each the forms that it may have been kept in.

    Words that say nothing are left out. They are those of the one of the languages that the text
    has most of: "die" is a verb in an English question.

    Args:
        languages: Those of the texts that are searched.
    """
    bases = list(dict.fromkeys(map(base_of, languages))) or ["en"]
    said = _WORD.findall(folded(text))
    small = max(
        (stop_words(base) for base in bases), key=lambda known: sum(w in known for w in said)
    )
    asked: dict[tuple[str, ...], bool] = {}
    for word in said:
        for part in _PART.findall(word):
            if _IS_UNPARTED.match(part):
                asked.update({(pair,): True for pair in _pairs(part, alone=False)})
                continue
            forms = (form for base in bases for form in _forms(part[:LONGEST], base))
            asked.setdefault(tuple(dict.fromkeys(forms)), part not in small)
    return [forms for forms, says in asked.items() if says and forms]


def spans_of(text: str, language: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Where the words of a text stand, and the forms that each is kept in.

    As places in the text as it is; folding is done word by word, since it may change lengths.
    """
    base = base_of(language)
    for found in _WORD.finditer(text):
        for part in _PART.finditer(found[0]):
            start = found.start() + part.start()
            if not _IS_UNPARTED.match(part[0]):
                whole = folded(part[0])
                yield start, start + len(part[0]), _forms(whole[:LONGEST], base)
                continue
            syllables = list(_SYLLABLE.finditer(part[0]))
            for one, two in zip(syllables, [*syllables[1:], None], strict=True):
                end = two.end() if two else one.end()
                pair = folded(part[0][one.start() : end])
                yield start + one.start(), start + end, (pair, folded(one[0]))


@cache
def stop_words(base: str) -> frozenset[str]:
    """The words of a language that say nothing about the matter, folded."""
    listed = word_lists("stop_words").get(base, [])
    return frozenset(word for entry in listed for word in _WORD.findall(folded(entry)))


@cache
def _kept(base: str) -> dict[str, tuple[str, ...]]:
    """The forms of words that were met, of one language; see `_all_forms`."""
    return {}


def _all_forms(word: str, base: str) -> tuple[str, ...]:
    forms: list[str] = []
    for part in _PART.findall(word):
        forms += _pairs(part) if _IS_UNPARTED.match(part) else _forms(part[:LONGEST], base)
    known = _kept(base)
    if len(known) < REMEMBERED and len(word) < LONGEST:
        known[word] = tuple(forms)
    return tuple(forms)


def _pairs(part: str, *, alone: bool = True) -> Iterator[str]:
    """The pairs of syllables of a run of letters, and where `alone` each syllable by itself."""
    syllables = _SYLLABLE.findall(part)
    if alone or len(syllables) == 1:
        yield from syllables
    for one, two in itertools.pairwise(syllables):
        yield one + two


@lru_cache(maxsize=50_000)
def _forms(word: str, base: str) -> tuple[str, ...]:
    """The forms in which a folded word is kept.

    One that has marks is also stemmed without them, as those write it who leave them out; one of
    several parts, like `update_ticket`, is also kept in its parts.
    """
    # What has a digit is a number, or names something.
    stem = None if _DIGIT.search(word) else _stemmer(base)
    forms = [_bare(stem.stemWord(word) if stem else word)]
    bare = _bare(word)
    if stem and bare != word:
        forms.append(_bare(stem.stemWord(bare)))
    if "_" in word:
        forms += [form for part in filter(None, word.split("_")) for form in _forms(part, base)]
    return tuple(form for form in dict.fromkeys(forms) if form.strip("_"))


def _bare(word: str) -> str:
    if word.isascii():
        return word
    apart = _FALL_OFF.sub("", unicodedata.normalize("NFD", word))
    return unicodedata.normalize("NFC", apart).translate(_LETTERS)


@cache
def _stemmer(base: str) -> snowballstemmer.Stemmer | None:
    import snowballstemmer  # as `text/words.py` does

    name = _STEMMERS.get(base)
    return snowballstemmer.stemmer(name) if name else None
