"""Bytes as text, also where what is said of their encoding is missing or wrong."""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
from collections.abc import Iterator
from itertools import groupby

from deskward.core.characters import seen

SAMPLE = 20_000
"""How many bytes are looked at to guess their encoding."""

# What mails call an encoding → the one that really holds all that they write with it.
_MEANT = {
    "ansi_x3.110-1983": "cp1252",
    "ascii": "utf-8",
    "big5": "big5hkscs",
    "euc-kr": "cp949",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "iso-2022-jp": "iso2022_jp_3",
    "iso-8859-1": "cp1252",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-9": "cp1254",
    "ks_c_5601-1987": "cp949",
    "latin1": "cp1252",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "tis-620": "cp874",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "us-ascii": "utf-8",
    "utf8": "utf-8",
    "windows-874": "cp874",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac-roman",
    "x-sjis": "cp932",
    "x-x-big5": "big5hkscs",
}
_NEVER = frozenset(
    {"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "mbcs", "oem"}
)
"""Python's codecs that are no encodings of mails, and may take long."""

_LATIN = ("cp1252", "cp1250", "cp1254")
_BEYOND = re.compile(rb"[\x80-\xff]+")
_TOGETHER = re.compile(rb"[\x80-\xff]{2,}")

_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*)\?=")


def decoded(data: bytes, charset: str | None) -> str:
    """Bytes as a text; what cannot be read becomes `�`, and nothing else is lost.

    Args:
        charset: What the mail calls the encoding.
    """
    for name in _tried(data, charset):
        try:
            return data.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    told = _codec(charset)
    if told is not None and told != "utf-8":
        return data.decode(told, "replace")
    # Letters beyond ASCII stand alone where an alphabet is Latin, and side by side in others.
    beyond = sum(map(len, _BEYOND.findall(data[:SAMPLE])))
    together = sum(map(len, _TOGETHER.findall(data[:SAMPLE])))
    latin = list(_LATIN) if together * 5 < beyond * 4 else None
    from charset_normalizer import from_bytes  # few mails do not say what they are written in

    guess = from_bytes(data[:SAMPLE], cp_isolation=latin).best()
    return data.decode(guess.encoding if guess else "cp1252", "replace")


def _tried(data: bytes, charset: str | None) -> Iterator[str]:
    if name := _codec(charset):
        yield name
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield "utf-16"
    if b"\x1b$" in data or b"\x1b(J" in data:
        yield "iso2022_jp_3"
    yield "utf-8"


def _codec(charset: str | None) -> str | None:
    """Python's name of an encoding that mails may be in, or None."""
    if not charset or not charset.isascii():
        return None
    told = charset.strip().strip("\"'").lower()
    try:
        name = codecs.lookup(_MEANT.get(told, told)).name
    except (LookupError, ValueError):
        return None
    return None if name.replace("-", "_") in _NEVER else name


def tidy(text: str) -> str:
    """A text with line feeds as ends of lines, and without what is not seen."""
    return seen(text.replace("\r\n", "\n").replace("\r", "\n"))


def words_decoded(value: str) -> str:
    """The body of a header field as a text in one line: its encoded words (RFC 2047) decoded.

    Neighbours of one encoding are put together first: many programs cut within a character.
    """
    value = bytes_decoded(value)
    if "=?" not in value:
        return _line(value)
    pieces: list[tuple[str, str, bytes]] = []
    end = 0
    for match in _WORD.finditer(value):
        between = value[end : match.start()]
        if between.strip() or (between and not (pieces and pieces[-1][0] == "word")):
            pieces.append(("plain", "", between.encode("utf-8", "replace")))
        pieces.append(("word", match[1].lower(), _unwrapped(match[2].lower(), match[3])))
        end = match.end()
    pieces.append(("plain", "", value[end:].encode("utf-8", "replace")))
    return _line(
        "".join(
            decoded(b"".join(piece[2] for piece in run), charset or "utf-8")
            for (_, charset), run in groupby(pieces, key=lambda piece: piece[:2])
        )
    )


def bytes_decoded(value: str) -> str:
    """A header's body whose bytes beyond ASCII the parser kept as surrogates."""
    if value.isascii():
        return value
    return decoded(value.encode("utf-8", "surrogateescape"), None)


def _unwrapped(encoding: str, text: str) -> bytes:
    if encoding == "q":
        return quopri.decodestring(text.replace("_", " ").encode("utf-8", "replace"), header=False)
    squeezed = re.sub(r"[^A-Za-z0-9+/]", "", text)
    try:
        return base64.b64decode(squeezed + "=" * (-len(squeezed) % 4))
    except binascii.Error:
        return text.encode("utf-8", "replace")


def _line(text: str) -> str:
    return " ".join(tidy(text).split())
