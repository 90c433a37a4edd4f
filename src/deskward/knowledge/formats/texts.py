"""Plain text, and the letters of any text file."""

from __future__ import annotations

import codecs
import re

from deskward.knowledge.formats.blocks import Block, Broken, Content

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLANK = re.compile(r"\n[ \t\f\v]*\n\s*")


def decoded(data: bytes, encoding: str = "utf-8") -> str:
    """The text of a file.

    Args:
        encoding: What it is in where no byte order mark says otherwise.

    Raises:
        Broken: It is in another one, or holds bytes that no text has.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            data, encoding = (data[3:], name) if name == "utf-8" else (data, name)
            break
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Broken(
            f"it is not valid {encoding.upper()}: byte {error.start + 1} is 0x"
            f"{data[error.start]:02x}. Save it as UTF-8"
        ) from None
    except LookupError:
        raise Broken(f"it says that it is in {encoding[:40]!r}, which is no encoding") from None
    if "\0" in text:
        raise Broken("it holds NUL characters, so it is no text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(text: str) -> Content:
    """Plain text: paragraphs between blank lines."""
    return Content([Block("text", part.strip()) for part in _BLANK.split(text) if part.strip()])
