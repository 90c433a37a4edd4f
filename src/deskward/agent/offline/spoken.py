"""The last four digits of a card as people say them: "forty-two forty-two"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deskward.agent.offline.lookup import Lookup, Token
from deskward.text.lists import read_list

DIGITS = 4
"""How many digits are said."""


class Spoken:
    """Finds numbers of four digits in words (`text/lists/numbers.yaml`)."""

    def __init__(self) -> None:
        found: dict[str, list[str]] = {}
        for language in read_list("numbers").values():
            for number, words in _said(language):
                found.setdefault(number, []).append(words)
        self._lookup = Lookup(found.items())

    def written(self, text: str, tokens: Sequence[Token]) -> list[Token]:
        """The words, each number of four digits as one."""
        longest: dict[int, tuple[str, int]] = {}
        for number, hits in self._lookup.find(tokens).items():
            for hit in hits:
                if hit.start not in longest or hit.end > longest[hit.start][1]:
                    longest[hit.start] = (number, hit.end)
        if not longest:
            return list(tokens)
        kept: list[Token] = []
        here = 0
        while here < len(tokens):
            digits, end = "", here
            while end in longest and (not digits or _adjoin(text, tokens, end)):
                digits, end = digits + longest[end][0], longest[end][1]
            if len(digits) == DIGITS:
                kept.append(Token(digits, tokens[here].start, tokens[end - 1].end))
            else:
                end = max(end, here + 1)
                kept += tokens[here:end]
            here = end
        return kept


def _adjoin(text: str, tokens: Sequence[Token], at: int) -> bool:
    return not text[tokens[at - 1].end : tokens[at].start].strip(" -,")


def _said(language: dict[str, Any]) -> Iterator[tuple[str, str]]:
    small, tens = language["small"], language["tens"]
    yield from ((str(number), words) for number, words in enumerate(small))
    for ten, words in enumerate(tens, 2):
        if words == "~":
            continue
        yield f"{ten}0", words
        for number, unit in enumerate(small[1:10], 1):
            for joined in language["joined"]:
                yield f"{ten}{number}", joined.format(ten=words, unit=unit)
    yield from language.get("more", {}).items()
