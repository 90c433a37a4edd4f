"""What a text says is not meant: "not the visa", "anything but the first", "ビザじゃない方".

A name that stands so names nothing. Words are data: `lists/excludes.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from deskward.text.folding import bare
from deskward.text.lists import read_list
from deskward.text.spacing import ALONE

LONGEST = 400
"""Characters of a text in which such words are looked for; they are said in short messages."""
_NAME = rf"[^\W_{ALONE}][^\W_{ALONE}\-]*"
_NUMBER = r"(?:no|pas)\s+[#*]*\d"
"""What is no denial before a number: "card no 4242", and "mijn pas 4242", a card in Dutch."""
_CLAUSE = re.compile(r"[^,;.!?،؛؟。！？、\n]+")


Span = tuple[int, int]


@lru_cache(maxsize=256)
def excluded(text: str) -> tuple[Span, ...]:
    """Where what is not meant stands."""
    if len(text) > LONGEST:
        return ()
    plain = _plain(text)
    found = {match.span("name") for one in _patterns() for match in one.finditer(plain)}
    lost = [one.span() for one in _CLAUSE.finditer(plain) if _seeks().search(one.group())]
    spans = sorted(found | {*_denied(plain)})
    return tuple(span for span in spans if not any(a <= span[0] < b for a, b in lost))


def _denied(plain: str) -> Iterator[Span]:
    """What a clause says no of, where a later one means the other: "leave X, block the other"."""
    others = [match.start() for match in _others().finditer(plain)]
    for clause in _CLAUSE.finditer(plain) if others else ():
        no = _negations().search(plain, clause.start(), clause.end())
        if no is not None and others[-1] >= clause.end() and others[0] >= clause.end():
            yield no.end(), clause.end()


def instead(text: str) -> str:
    """The name of what a text means in place of what it says no of before; else nothing.

    "Don't block the visa, only the mastercard" means the mastercard.
    """
    plain = _plain(text) if len(text) <= LONGEST else ""
    for denies, leads in _instead():
        no = denies.search(plain)
        found = leads.search(plain, no.end()) if no is not None else None
        if found is not None:
            return text[found.start("name") : found.end("name")]
    return ""


def without_excluded(text: str) -> str:
    """The text with blanks in place of what is not meant, of the same length."""
    for start, end in excluded(text):
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    return text


def _plain(text: str) -> str:
    """The text without case and accents, letter for letter, so that places stay the same."""
    return "".join(map(_letter, text))


@cache
def _letter(letter: str) -> str:
    if "\u3041" <= letter <= "\u30ff":  # of these a mark makes others
        return letter
    return "'" if letter == "’" else bare(letter)[:1] or letter


@cache
def _others() -> re.Pattern[str]:
    lists = read_list("references").values()
    words = _any(word.rstrip("*") for own in lists for word in own["other"])
    return re.compile(rf"(?<![^\W{ALONE}])[ld]?'?(?:{words})")


@cache
def _seeks() -> re.Pattern[str]:
    words = [word for own in read_list("excludes").values() for word in own.get("seeks", ())]
    return re.compile(rf"(?<!\w)(?:{_any(words)})(?!\w)")


@cache
def _negations() -> re.Pattern[str]:
    words = [word for own in read_list("excludes").values() for word in own.get("denies", ())]
    return re.compile(rf"(?<!\w)(?:{_any(words)})(?!\w)")


@cache
def _instead() -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    """Of each language what says no, and what leads to a name behind it."""
    return [
        (
            re.compile(rf"(?<!\w)(?:{_any(own['denies'])})(?!\w)"),
            re.compile(
                rf"(?:(?<=[,;.،؛])\s*|\s)(?:{_any(own['instead'])})\s+"
                rf"(?:(?:{_any(own['between'])})(?:\s+|['’]))*(?P<name>[#*]*{_NAME})"
            ),
        )
        for own in read_list("excludes").values()
        if "instead" in own
    ]


@cache
def _patterns() -> list[re.Pattern[str]]:
    return [re.compile(one) for own in read_list("excludes").values() for one in _of(own)]


def _of(own: dict[str, list[str]]) -> Iterator[str]:
    """The patterns of a language: the name behind words, and before them."""
    between, only = _any(own.get("between", ())), _any(own.get("only", ()))
    if before := own.get("before"):
        stop = rf"(?!(?:{only})\b)" if only else ""
        yield (
            rf"(?<!\w)(?!{_NUMBER})(?:{_any(before)})(?:\s+|['’])"
            rf"(?:(?:{between})(?:\s+|['’]))*{stop}(?P<name>[#*]*{_NAME})"
        )
    if after := own.get("after"):
        if ends := own.get("ends"):
            name = rf"(?P<name>(?:(?!{_any(ends)})[{ALONE}ー\w]){{1,12}}?)"
            yield rf"{name}(?:{between})*(?:{_any(after)})"
        else:
            yield rf"(?P<name>{_NAME})(?:\s+(?:{between}))*\s+(?:{_any(after)})(?!\w)"


def _any(words: Iterable[str]) -> str:
    longest = sorted({_plain(word) for word in words}, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest)
