"""A file, by its name and its bytes, into what the desk keeps of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from deskward.knowledge.formats.blocks import Broken, Content
from deskward.knowledge.formats.chunks import Chunk, chunks_of
from deskward.knowledge.formats.html import html_text, read_html
from deskward.knowledge.formats.languages import detected, tagged
from deskward.knowledge.formats.markdown import read_markdown
from deskward.knowledge.formats.pdf import read_pdf
from deskward.knowledge.formats.rst import read_rst
from deskward.knowledge.formats.texts import decoded, read_text
from deskward.knowledge.formats.word import ENCRYPTED, read_word

MOST_PASSAGES = 50_000
"""Passages that one document may have."""

FORMATS: dict[str, str] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "word",
    ".rst": "rst",
    ".rest": "rst",
    ".txt": "text",
    ".text": "text",
}
"""How a name ends → the form of what is in it."""
READERS: dict[str, Callable[[bytes], Content]] = {
    "markdown": lambda data: read_markdown(decoded(data)),
    "html": lambda data: read_html(html_text(data)),
    "pdf": read_pdf,
    "word": read_word,
    "rst": lambda data: read_rst(decoded(data)),
    "text": lambda data: read_text(decoded(data)),
}
_NAMES = {
    "markdown": "Markdown",
    "html": "HTML",
    "pdf": "PDF",
    "word": "a Word document",
    "rst": "reStructuredText",
    "text": "plain text",
}
_BEGINNINGS = ((b"%PDF-", "pdf"), (b"PK\x03\x04", "word"), (ENCRYPTED, "word"))
_HTML = re.compile(rb"\s{0,100}(?:<!doctype html|<html[\s>])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says.

    Attributes:
        told: What it says of itself, by the names of front matter.
    """

    title: str
    language: str
    told: dict[str, Any]
    chunks: list[Chunk]


def format_of(path: str) -> str | None:
    """The form of a file by how its name ends; None where files of the kind are not read."""
    return FORMATS.get(PurePosixPath(path).suffix.lower())


def read(form: str, path: str, data: bytes) -> Read:
    """What a file says.

    Raises:
        Broken: It cannot be read; says why.
    """
    _check(form, data)
    content = READERS[form](data)
    first = content.blocks[0] if content.blocks else None
    heading = first.text if first is not None and first.kind == "heading" else ""
    told = _plain(content.told)
    title = str(told.get("title") or "") or heading or content.title or PurePosixPath(path).stem
    title = " ".join(title.split())[:300]
    chunks = chunks_of(content.blocks, title=title)
    if not chunks:
        raise Broken("it holds no text")
    if len(chunks) > MOST_PASSAGES:
        raise Broken(f"it has {len(chunks):,} passages; up to {MOST_PASSAGES:,} are kept")
    named = str(told.get("language") or told.get("lang") or content.language)
    language = tagged(named) or detected([chunk.text for chunk in chunks[:20]])
    return Read(title, language, told, chunks)


def _check(form: str, data: bytes) -> None:
    """See that a file is of the form that its name says.

    Raises:
        Broken: It is of another one, or empty.
    """
    if not data.strip():
        raise Broken("it is empty")
    found = next((name for begins, name in _BEGINNINGS if data.startswith(begins)), None)
    if found is None and form in ("pdf", "word"):
        if form == "pdf" and b"%PDF-" in data[:1024]:
            return
        raise Broken(f"its name says that it is {_NAMES[form]}, and its content is none")
    if found is not None and found != form:
        what = "an archive" if data.startswith(b"PK") else _NAMES[found]
        raise Broken(f"its name says that it is {_NAMES[form]}, and its content is {what}")
    if form in ("text", "rst") and _HTML.match(data):
        raise Broken(f"its name says that it is {_NAMES[form]}, and its content is HTML")


def _plain(told: Any) -> dict[str, Any]:
    """What front matter says, as far as it is texts, numbers, and lists of these."""
    found: dict[str, Any] = {}
    for name, value in list(told.items())[:50]:
        if isinstance(value, list):
            found[name] = [str(one)[:200] for one in value[:50] if not isinstance(one, dict | list)]
        elif value is not None and not isinstance(value, dict):
            found[name] = str(value)[:1_000]
    return found
