"""What of a mail's text its writer wrote, and what stands below it: quotes, and a signature.

Told by the shape of the lines, so that it holds in any language; the only words are those that mail
programs put above what they quote (`mail_clients.yaml`). Nothing is lost: the parts together are
the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Literal

import yaml

Kind = Literal["own", "quoted", "signature"]

LONGEST_SIGNATURE = 30
"""How many lines a signature may have. What is longer is a text with a line of two dashes in it."""
LONGEST_INTRODUCTION = 3
"""How many lines may say who wrote what is quoted."""

_QUOTE = re.compile(r"[ \t]{0,3}(?:>|＞)")
_SIGNATURE = re.compile(r"--[ \xa0\t]*\Z")
_LABEL = re.compile(
    r"[ \t*_]{0,6}([^\s*_:：][^*_:：\n]{0,30}?)[ \t*_\xa0]{0,6}[:：][ \t*_]{0,6}(.*)"
)
_RULE = re.compile(r"[ \t]{0,20}(?:_{10,200}|-{10,200}|={10,200})[ \t]{0,20}\Z")
_TITLED_RULE = re.compile(
    r"[ \t]{0,20}-{2,80}[ \t]{0,9}[^\s-][^\n]{0,80}?[^\s-][ \t]{0,9}-{2,80}[ \t]{0,20}\Z"
)
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{2,253}")
_NUMBER = re.compile(r"\d{1,4}")
_GAP = re.compile(r"\n(?:[ \t]*\n){2,}")
_COLONS = (":", "：", "︰", "﹕")


@dataclass(frozen=True)
class Part:
    """Some lines of a text."""

    kind: Kind
    text: str


def parts(text: str) -> list[Part]:
    """The parts of a text, in its order; put together, they are the text."""
    lines = text.splitlines(keepends=True)
    kinds = _kinds([line.rstrip("\n") for line in lines])
    if not any(kind == "own" and line.strip() for kind, line in zip(kinds, lines, strict=True)):
        # Whoever only passes something on wants that to be read.
        kinds = _run("own", len(lines))
    marked = zip(kinds, lines, strict=True)
    return [
        Part(kind, "".join(line for _, line in run))
        for kind, run in groupby(marked, key=lambda each: each[0])
    ]


def own(text: str) -> str:
    """What the writer wrote."""
    mine = "".join(part.text for part in parts(text) if part.kind == "own")
    return _GAP.sub("\n\n", mine).strip()


def _kinds(lines: Sequence[str]) -> list[Kind]:
    end = _first_below(lines)
    kinds = _run("own", end) + _run("quoted", len(lines) - end)
    for start, stop in _marked(lines[:end]):
        start = _introduction(lines, start)
        kinds[start:stop] = _run("quoted", stop - start)
    _mark_signature(lines, kinds)
    return kinds


def _run(kind: Kind, length: int) -> list[Kind]:
    return [kind] * length


def _first_below(lines: Sequence[str]) -> int:
    """Where a mail begins that is quoted whole, below everything else, or the number of lines."""
    for number, line in enumerate(lines):
        if _TITLED_RULE.match(line):
            following = _next(lines, number + 1)
            if following is not None and _label(lines[following]):
                return number
        elif _label(line) and _is_head(lines, number):
            above = _previous(lines, number)
            return above if above is not None and _RULE.match(lines[above]) else number
    return len(lines)


def _is_head(lines: Sequence[str], start: int) -> bool:
    """Whether the head of a mail begins here, as programs write it above what they quote."""
    above = _previous(lines, start)
    ruled = above is not None and _RULE.match(lines[above]) is not None
    found: set[str] = set()
    labelled = address = dated = 0
    for line in lines[start : start + 8]:
        label = _label(line)
        if label is None:
            if not line.strip() and labelled:
                break
            continue
        name, rest = label
        labelled += 1
        found |= _labels().get(name, frozenset())
        address += _ADDRESS.search(rest) is not None
        dated += len(_NUMBER.findall(rest)) >= 3
        # A head that says `from` first is the usual one; some begin with the date or the subject.
    known = "from" in found and len(found) >= 3
    return known or (ruled and labelled >= 3 and address > 0 and dated > 0)


def _label(line: str) -> tuple[str, str] | None:
    match = _LABEL.match(line)
    return (match[1].strip().casefold(), match[2]) if match else None


def _marked(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The runs of lines with a mark of a quote; blank lines within belong to them."""
    start = stop = None
    for number, line in enumerate(lines):
        if _QUOTE.match(line):
            start = number if start is None else start
            stop = number + 1
        elif line.strip() and start is not None and stop is not None:
            yield start, stop
            start = stop = None
    if start is not None and stop is not None:
        yield start, stop


def _introduction(lines: Sequence[str], quote: int) -> int:
    """Where the words begin that say who wrote the quote that begins at a line."""
    last = _previous(lines, quote)
    if last is None or quote - last > 2:
        return quote
    first = last
    while first > 0 and lines[first - 1].strip() and last - first + 1 <= LONGEST_INTRODUCTION:
        first -= 1
    # Of a longer paragraph, only its last line can be one.
    if last - first + 1 > LONGEST_INTRODUCTION:
        first = last
    if _introduces(" ".join(lines[first : last + 1])):
        return first
    return last if _introduces(lines[last]) else quote


def _introduces(text: str) -> bool:
    """Whether a text says who wrote what follows: with an address or a moment, and a colon."""
    text = text.strip()
    if len(text) > 400 or _QUOTE.match(text):
        return False
    dated = len(_NUMBER.findall(text)) >= 3
    told = _ADDRESS.search(text) is not None
    return (dated and told) or (text.endswith(_COLONS) and (dated or told))


def _mark_signature(lines: Sequence[str], kinds: list[Kind]) -> None:
    for number, line in enumerate(lines):
        if kinds[number] != "own" or not _SIGNATURE.match(line):
            continue
        most = min(number + LONGEST_SIGNATURE + 1, len(lines))
        end = next((n for n in range(number, most) if kinds[n] != "own"), most)
        if end - number <= LONGEST_SIGNATURE:
            kinds[number:end] = _run("signature", end - number)
    _mark_telephone(lines, kinds)


def _mark_telephone(lines: Sequence[str], kinds: list[Kind]) -> None:
    """Mark the line that a telephone puts below a text."""
    mine = [n for n, line in enumerate(lines) if kinds[n] == "own" and line.strip()]
    if len(mine) < 2:
        return
    last = mine[-1]
    line = lines[last].strip()
    if len(line) <= 60 and line.casefold().startswith(_telephones()):
        kinds[last] = "signature"


def _next(lines: Sequence[str], start: int) -> int | None:
    return next((n for n in range(start, min(start + 3, len(lines))) if lines[n].strip()), None)


def _previous(lines: Sequence[str], start: int) -> int | None:
    return next((n for n in range(start - 1, max(-1, start - 4), -1) if lines[n].strip()), None)


@cache
def _data() -> dict[str, object]:
    file = Path(__file__).with_name("mail_clients.yaml")
    loaded: dict[str, object] = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded


@cache
def _labels() -> dict[str, frozenset[str]]:
    """Label → what it can be the label of."""
    found: dict[str, frozenset[str]] = {}
    labels = _data()["labels"]
    assert isinstance(labels, dict)
    for kind, rows in labels.items():
        for label in (label for row in rows for label in row):
            name = str(label).casefold()
            found[name] = found.get(name, frozenset()) | {kind}
    return found


@cache
def _telephones() -> tuple[str, ...]:
    listed = _data()["sent_from"]
    assert isinstance(listed, list)
    return tuple(str(each).casefold() for each in listed)
