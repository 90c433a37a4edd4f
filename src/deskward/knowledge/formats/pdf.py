"""PDF as pdfium reads it: lines into paragraphs, larger lines into headings."""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from deskward.knowledge.formats.blocks import Block, Broken, Content

MOST_PAGES = 5_000
LARGER = 1.12
"""How much larger than the text a line's letters are, for it to be a heading."""
LONGEST_HEADING = 120
LEVELS = 4
_HYPHEN = re.compile(r"(\w)[-\u00ad]$")
_ENDS = re.compile(r"[.!?:;。！？…]['\")\]]?$")
_SIGN = re.compile(r"[-•‣▪●◦*]|\d{1,3}[.)]")


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    size: float
    page: int


def read_pdf(data: bytes) -> Content:
    """What a PDF says.

    Raises:
        Broken: It is encrypted, damaged, or has no text.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).casefold():
            raise Broken("it is encrypted: it opens with a password only") from None
        raise Broken("it is damaged, or no PDF") from None
    if len(document) > MOST_PAGES:
        raise Broken(f"it has {len(document):,} pages; up to {MOST_PAGES:,} are read")
    lines = [line for number in range(len(document)) for line in _lines(document, number)]
    if not lines:
        raise Broken("it has no text: its pages may be pictures")
    told = document.get_metadata_dict(skip_empty=True)
    named = {"tags": told["Keywords"]} if told.get("Keywords") else {}
    return Content(_blocks(lines), named, title=" ".join(told.get("Title", "").split()))


def _lines(document: Any, number: int) -> list[_Line]:
    import pypdfium2

    try:
        page = document[number]
        texts = page.get_textpage()
    except pypdfium2.PdfiumError:
        raise Broken(f"its page {number + 1} is damaged") from None
    text = texts.get_text_range()
    # The places of letters in the text are those that pdfium counts, but for pairs of surrogates.
    exact = len(text) == texts.count_chars()
    found, at = [], 0
    for line in text.split("\r\n"):
        if line.strip():
            first = at + len(line) - len(line.lstrip())
            found.append(_Line(_whole(line), _size(texts, first) if exact else 0.0, number))
        at += len(line) + 2
    texts.close()
    page.close()
    return found


def _whole(line: str) -> str:
    """A line without the signs by which pdfium says that it has joined a parted word."""
    return line.replace("\ufffe", "").strip()


def _size(texts: Any, place: int) -> float:
    from pypdfium2 import raw

    size = raw.FPDFText_GetFontSize(texts, place)
    if size <= 1.01:  # the letters are scaled by a matrix
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        if raw.FPDFText_GetCharBox(texts, place, left, right, bottom, top):
            return 0.0
    return round(float(size), 1)


def _blocks(lines: list[_Line]) -> list[Block]:
    weights: Counter[float] = Counter()
    for line in lines:
        weights[line.size] += len(line.text)
    usual = weights.most_common(1)[0][0]
    larger = sorted({one.size for one in lines if _is_heading(one, usual)}, reverse=True)
    levels = {size: min(at, LEVELS) for at, size in enumerate(larger, 1)}
    blocks: list[Block] = []
    paragraph: list[str] = []

    def end() -> None:
        if paragraph:
            blocks.append(Block("text", _joined(paragraph)))
            paragraph.clear()

    for line in lines:
        if line.size in levels and _is_heading(line, usual):
            end()
            before = blocks[-1] if blocks else None
            if before and before.kind == "heading" and before.level == levels[line.size]:
                blocks.pop()
                blocks.append(Block("heading", f"{before.text} {line.text}"[:300], before.level))
            else:
                blocks.append(Block("heading", line.text, levels[line.size]))
            continue
        if _SIGN.match(line.text):
            end()
        paragraph.append(line.text)
        if _ENDS.search(line.text) and len(line.text) < 60:
            end()
    end()
    return blocks


def _is_heading(line: _Line, usual: float) -> bool:
    return usual > 0 and line.size > usual * LARGER and len(line.text) <= LONGEST_HEADING


def _joined(lines: list[str]) -> str:
    text = lines[0]
    for line in lines[1:]:
        if _HYPHEN.search(text) and line[:1].islower():
            text = text[:-1] + line
        else:
            text += " " + line
    return text
