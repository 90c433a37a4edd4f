"""Finding a postal address where no capitals tell it: in Japanese, in Arabic, and in lower case.

Each is found by the words that addresses have there (`text/lists/postal.yaml`) and its numbers.
"""

from __future__ import annotations

import re

from deskward.text.lists import read_list

MOST_WORDS = 14
"""Words of an address in lower case."""
NEAR = 4
"""Words from a kind of street, within which its number stands."""

_LISTS = read_list("postal")
_KANJI = "一-龠々ヶケノァ-ヴー"
_JAPANESE = re.compile(
    r"(?:〒\s?)?(?:\d{3}[-－]\d{4}\s{0,3})?"
    rf"(?:[一-龠]{{2,3}}[都道府県]\s?[{_KANJI}ぁ-ん]{{0,8}}|[{_KANJI}]{{1,6}}[市区郡町村]|(?:さいたま|つくば|いわき)市)"
    r"[^、。！？!?\n「」\d]{0,40}?\d[^、。！？!?\n「」に]{0,50}?"
    rf"(?=\s{{0,3}}(?:{'|'.join(_LISTS['japanese_ends'])}|[、。！？!?\n]|$))"
)
_ARABIC = re.compile(
    rf"(?:\d{{1,6}}\s?[،,]?\s)?(?<!\w)(?:ال)?(?:{'|'.join(_LISTS['arabic_streets'])})(?!\w)[^.!؟?\n]{{3,120}}?"
    rf"(?=[\s،,]{{0,3}}(?:[.!؟?\n]|$|\s(?:{'|'.join(_LISTS['arabic_ends'])})))"
)
_STREETS = frozenset(_LISTS["streets"]) - frozenset(_LISTS["words_too"])
_SUFFIXES = tuple(_LISTS["suffixes"])
_ENDS = frozenset((*_LISTS["after"], *_LISTS["goodbyes"]))
_STOPS = re.compile(r"[.!?;…)]$")


def plain_address(text: str) -> str | None:
    """The part of a text that reads as an address in one of these ways, or None."""
    for pattern in (_JAPANESE, _ARABIC):
        found = pattern.search(text)
        if found and re.search(r"\d", found.group()):
            return found.group().strip(" ،,")
    return _in_lower_case(text)


def _in_lower_case(text: str) -> str | None:
    tokens = [(m.group(), m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    words = [token.strip(".,;:!?()\"'").lower() for token, _, _ in tokens]
    for at, word in enumerate(words):
        if not (word in _STREETS or word.endswith(_SUFFIXES)):
            continue
        start = next((n for n in range(max(0, at - NEAR + 1), at) if words[n][:1].isdigit()), at)
        end = at + 1
        while end < len(words) and end - start < MOST_WORDS:
            if words[end] in _ENDS or not words[end] or _STOPS.search(tokens[end - 1][0]):
                break
            end += 1
        run = text[tokens[start][1] : tokens[end - 1][2]].strip(".,;:!?()\"' ")
        numbered = any(words[n][:1].isdigit() for n in range(start, min(end, at + NEAR)))
        if numbered and end - start > 2 and run == run.lower():
            return run
    return None
