"""A message in which the customer corrects themselves: "freeze 4242, no sorry, I mean 4444".

Where words of correction stand between two values of the same kind, and nothing else does that says
anything, the message is read with the second in the place of the first. What is read so is only
ever proposed. Words are data: `corrects` of `text/lists/lax.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache

from deskward.agent.offline.lookup import Lookup, Token, plain, tokens_of
from deskward.text.lists import read_list

MOST = 6
"""Words that may stand between a correction and the value."""
_BREAK = re.compile(r"[,;:()–—\n!…>]|\.(?=\s|$)|\s-\s")

Finder = Callable[[str], str | None]
Mended = tuple[str, int]
"""The message as it was meant, and where in the text what follows the second value begins."""


class Mending:
    """Mends messages."""

    def __init__(
        self,
        corrects: Iterable[str],
        silent: Collection[str],
        things: Iterable[str],
        named: Sequence[re.Pattern[str]],
        finders: Sequence[Finder],
    ) -> None:
        """Make it.

        Args:
            corrects: Phrases of correction, of all languages.
            silent: Words that say nothing beside a value.
            things: What values are of.
            named: What a value is that is one word, by kind.
            finders: Find values of several words.
        """
        self._lookup = Lookup([("corrects", corrects), ("thing", things)])
        self._silent = frozenset(silent)
        self._named = named
        self._finders = finders

    def mended(self, text: str, tokens: Sequence[Token]) -> Mended | None:
        """The message as it was meant; None where nothing in it is corrected.

        Args:
            tokens: Its words; a name is one, also where words are not parted.
        """
        hits = self._lookup.find(tokens)
        corrects = {at for hit in hits.get("corrects", ()) for at in range(hit.start, hit.end)}
        if not corrects:
            return None
        things = {at for hit in hits.get("thing", ()) for at in range(hit.start, hit.end)}
        for at in sorted(corrects - {n + 1 for n in corrects}):
            end = at
            while end in corrects:
                end += 1
            mended = self._by_words(text, tokens, at, end, corrects | things)
            mended = mended or self._by_shape(text, tokens, at, end)
            if mended is not None:
                return mended
        return None

    def _by_words(
        self, text: str, tokens: Sequence[Token], start: int, end: int, known: set[int]
    ) -> Mended | None:
        for named in self._named:
            second = next(
                (n for n in range(end, len(tokens)) if named.fullmatch(tokens[n].text)), None
            )
            firsts = [n for n in range(start) if named.fullmatch(tokens[n].text)]
            if second is None or not firsts or second - end > MOST:
                continue
            between = (n for n in range(end, second) if n not in known)
            if any(tokens[n].text not in self._silent for n in between):
                continue
            if not self._ends(text, tokens, second, known):
                continue
            first, other = tokens[firsts[-1]], tokens[second]
            return self._put(text, (first.start, first.end), tokens[start].start, other)
        return None

    def _ends(self, text: str, tokens: Sequence[Token], at: int, known: set[int]) -> bool:
        """Whether nothing is told of the second value: what follows says nothing, or is apart."""
        if at + 1 == len(tokens):
            return True
        between = text[tokens[at].end : tokens[at + 1].start]
        if _BREAK.search(between):
            return True
        return at + 1 in known or tokens[at + 1].text in self._silent

    def _by_shape(self, text: str, tokens: Sequence[Token], start: int, end: int) -> Mended | None:
        if end >= len(tokens):
            return None
        begin, behind = tokens[start].start, text[tokens[end].start :]
        for find in self._finders:
            first, second = find(text[:begin]), find(behind)
            if not first or not second or first not in text:
                continue
            at = tokens[end].start + behind.index(second)
            lead = [token for token in tokens[end:] if token.end <= at]
            if len(lead) <= MOST and all(token.text in self._silent for token in lead):
                place = text.index(first)
                other = Token(second, at, at + len(second))
                return self._put(text, (place, place + len(first)), begin, other)
        return None

    def _put(self, text: str, first: tuple[int, int], until: int, second: Token) -> Mended | None:
        """The message up to the correction, with the second value in place of the first."""
        if "?" in text[first[0] : second.start]:
            return None
        value = text[second.start : second.end]
        kept = text[: first[0]] + value + text[first[1] : until].rstrip(" ,;:–—-(….")
        return f"{kept}.", second.end


def without_corrections(text: str) -> str:
    """A text without how it begins, where that says that another is meant: "no, I meant"."""
    tokens = tokens_of(plain(text))
    hits = _corrections().find(tokens).get("corrects", ())
    ends = {hit.start: hit.end for hit in sorted(hits, key=lambda hit: hit.end)}
    at = 0
    while at in ends:
        at = ends[at]
    return text[tokens[at].start :].strip() if at < len(tokens) else ""


@cache
def _corrections() -> Lookup:
    lists = read_list("lax").values()
    return Lookup([("corrects", [one for own in lists for one in own["corrects"]])])
