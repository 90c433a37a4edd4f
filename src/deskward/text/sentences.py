"""A ticket's text as sentences, each with what it is: said, courtesy, or not to be used.

Whatever answers a ticket reads it through here, so that quoted mail, signatures and sentences which
look like orders to the assistant ("indirect prompt injection", Greshake et al., 2023) stay out of
summaries and replies. Such sentences cannot be told for sure; what is built on the rest is safe by
its own form (`reply.py`), and a ticket that has any is never answered unattended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from deskward.text.injection import injected
from deskward.text.lists import word_lists
from deskward.text.words import content_stems

Kind = Literal["said", "courtesy", "injected"]

MOST = 80
"""Sentences that are looked at; a text of more is cut in its middle."""
SIGNATURE_LINES = 6
LONGEST = 400
"""Characters of a sentence that are shown."""

_QUOTED = re.compile(r"^\s*(?:>|\|)")
_QUOTE_BEGINS = re.compile(
    r"^\s*(?:-{2,}\s*(?:original|forwarded) message|on .{4,80} wrote:\s*$|from: .{3,80}@)",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^\s*(?:--\s*|_{3,}|sent from my .{2,40})$", re.IGNORECASE)
_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|dear|greetings|good (?:morning|afternoon|evening|day)|to whom)\b",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    r"^\W*(?:many thanks|thanks?|thx|cheers|(?:with )?(?:kind|best|warm)\w*|regards|sincerely"
    r"|yours|looking forward)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_POLITE = frozenset(word_lists("courtesy")["polite"])
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.)])\s+")
_END = re.compile(r"(?<=[.!?])[\"'”’)]?\s+(?=[\"'“‘(\[]?[A-Z0-9\[])")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|no|nr|st|e\.g|i\.e|etc|approx|acct|ca|vs)\.$", re.IGNORECASE
)
_REQUEST = re.compile(
    r"\?\W*$|^\W*(?:how|what|when|where|which|who|why|can|could|may|do|does|is|are|will|would)\b"
    r"|\b(?:please|kindly|i (?:want|need|request|demand|wish|wonder)|i(?:'d| would) like"
    r"|(?:let me|like to|want to|need to) know|tell me|help me)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """One sentence as it stands, white space apart."""

    text: str
    place: int
    kind: Kind

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stems of its words that carry meaning."""
        return frozenset(content_stems(self.text))

    @property
    def asks(self) -> bool:
        """Whether it asks for something."""
        return bool(_REQUEST.search(self.text))


def sentences(body: str) -> list[Sentence]:
    """The sentences of a text in order, without quoted mail and signatures."""
    texts = list(_split(_blocks(_read(body.splitlines()))))
    if len(texts) > MOST:
        half = MOST // 2
        texts = [*texts[:half], *texts[-half:]]
    found: list[Sentence] = []
    for place, text in enumerate(texts):
        kind: Kind = "said"
        if injected(text):
            kind = "injected"
        elif _greets(text) or _closes(text, found):
            kind = "courtesy"
        found.append(Sentence(text, place, kind))
    return found


def all_texts(body: str) -> Iterator[str]:
    """Every sentence of a text, with what is quoted or stands below a signature."""
    return _split(_blocks(map(_unquoted, body.splitlines())))


def left_out(body: str) -> bool:
    """Whether a text has more than `sentences` gives of it, signatures apart."""
    lines = body.splitlines()
    read = list(_read(lines))
    below = [line for line in lines[len(read) :] if line.strip()]
    is_signature = len(below) <= SIGNATURE_LINES and all(len(line.split()) <= 5 for line in below)
    is_quoting = any(map(_QUOTED.match, lines[: len(read)]))
    return is_quoting or not is_signature or len(list(_split(_blocks(read)))) > MOST


def cut(text: str) -> str:
    """The text in one line, or its beginning where it is very long."""
    text = " ".join(text.split())
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST].rsplit(' ', 1)[0]}…"


def _split(blocks: Iterable[str]) -> Iterator[str]:
    for block in blocks:
        start = 0
        for end in _END.finditer(block):
            if not _ABBREVIATED.search(block[: end.start()][-12:]):
                yield " ".join(block[start : end.end()].split())
                start = end.end()
        if rest := " ".join(block[start:].split()):
            yield rest


def _read(lines: Iterable[str]) -> Iterator[str]:
    """The lines above a signature or a quoted mail; those quoted in between are empty."""
    for line in lines:
        if _SIGNATURE.match(line) or _QUOTE_BEGINS.match(line):
            return
        yield "" if _QUOTED.match(line) else line


def _unquoted(line: str) -> str:
    return _QUOTED.sub("", line)


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Lines that belong together: wrapped ones, but neither list items nor salutations."""
    block: list[str] = []
    for line in lines:
        wrapped = line[:1].islower() and not (block and _greets(block[-1]))
        if block and not wrapped:
            yield " ".join(block)
            block = []
        if line.strip():
            block.append(_BULLET.sub("", line).strip())
    if block:
        yield " ".join(block)


def _greets(text: str) -> bool:
    found = _GREETING.match(text)
    return found is not None and _says_no_more(text[found.end() :], 4)


def _closes(text: str, before: list[Sentence]) -> bool:
    if found := _CLOSE.match(text):
        return _says_no_more(text[found.end() :], 6)
    # A name below the close.
    closed = bool(before) and before[-1].kind == "courtesy" and _CLOSE.match(before[-1].text)
    return bool(closed) and _says_no_more(text, 3)


def _says_no_more(text: str, most: int) -> bool:
    """Whether a text is only names and words of courtesy."""
    said = _WORD.findall(text)
    return len(said) <= most and all(
        word.casefold() in _POLITE or (word[:1].isupper() and not word.isupper()) for word in said
    )
