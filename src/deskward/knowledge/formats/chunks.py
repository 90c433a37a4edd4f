"""Blocks into passages: what is found and cited at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from deskward.knowledge.formats.blocks import Block

USUAL = 1_200
"""Characters up to which paragraphs under one heading become one passage."""
MOST = 20_000
"""Characters of a passage at the most: a longer table or listing is cut between its lines."""
DEEPEST = 8
"""Headings of a path that are kept."""

_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a document.

    Attributes:
        headings: The path of headings that it stands under, the outermost first.
        text: Its words.
    """

    headings: tuple[str, ...]
    text: str


def chunks_of(blocks: Iterable[Block], title: str = "") -> list[Chunk]:
    """The passages of a document, in its order.

    Paragraphs under one heading stand together up to `USUAL` characters. A table or a listing of
    code is never cut, but where it is longer than `MOST`.

    Args:
        title: The document's: a first heading that says the same is left out of the paths.
    """
    found: list[Chunk] = []
    path: list[tuple[int, str]] = []
    gathered: list[Block] = []

    def end() -> None:
        names = tuple(name for _, name in path[-DEEPEST:])
        names = names[1:] if names and names[0] == title else names
        found.extend(Chunk(names, text) for text in _gathered(gathered))
        gathered.clear()

    for block in blocks:
        if block.kind != "heading":
            gathered.append(block)
            continue
        end()
        while path and path[-1][0] >= block.level:
            path.pop()
        path.append((block.level, block.text[:300]))
    end()
    return found


def _gathered(blocks: list[Block]) -> Iterator[str]:
    """The texts of the passages that blocks under one heading become."""
    parts: list[str] = []
    size = 0
    before = ""
    for block in blocks:
        for piece in _pieces(block):
            if parts and size + len(piece) > USUAL:
                yield "".join(parts)
                parts, size = [], 0
            between = "\n" if block.kind == before == "item" else "\n\n"
            parts.append((between if parts else "") + piece)
            size += len(piece)
            before = block.kind
    if parts:
        yield "".join(parts)


def _pieces(block: Block) -> Iterator[str]:
    """A block in pieces that fit into a passage."""
    if block.kind in ("code", "table"):
        yield from [block.text] if len(block.text) <= MOST else _by_lines(block)
    elif len(block.text) <= USUAL * 1.5:
        yield block.text
    else:
        yield from _joined(_sentences(block.text), USUAL, " ")


def _by_lines(block: Block) -> Iterator[str]:
    """A long table or listing, cut between lines; each part begins as the whole does."""
    lines = block.text.split("\n")
    table = block.kind == "table"
    head, body = (lines[:2], lines[2:]) if table else (lines[:1], lines[1:-1])
    tail = "" if table else "\n" + lines[-1]
    short = (line[at : at + MOST] for line in body for at in range(0, max(len(line), 1), MOST))
    for part in _joined(short, MOST, "\n"):
        yield "\n".join([*head, part])[: MOST * 2] + tail


def _sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(text):
        for at in range(0, len(sentence), USUAL):
            if piece := sentence[at : at + USUAL].strip():
                yield piece


def _joined(pieces: Iterable[str], most: int, between: str) -> Iterator[str]:
    parts: list[str] = []
    size = 0
    for piece in pieces:
        if parts and size + len(piece) > most:
            yield between.join(parts)
            parts, size = [], 0
        parts.append(piece)
        size += len(piece) + len(between)
    if parts:
        yield between.join(parts)
