"""JSON in protocols that send a message, or a part of one, per line."""

from __future__ import annotations

import json as json_module
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

_ENDINGS = tuple((end.encode(), f"\\u{ord(end):04x}".encode()) for end in "\x85\u2028\u2029")


def one_line(json: bytes) -> bytes:
    """JSON of the same meaning in which no reader can see the end of a line.

    Line protocols end their lines at CR and LF, which JSON escapes by itself. Many readers also
    split at the other line ends of Unicode, and would find half a message.
    """
    if json.isascii():
        return json
    for end, escaped in _ENDINGS:
        json = json.replace(end, escaped)
    return json


def json_line(value: Any) -> bytes:
    """Return a value as JSON on one line. Half a surrogate pair, which UTF-8 lacks, is escaped."""
    try:
        return one_line(to_json(value))
    except PydanticSerializationError:
        return json_module.dumps(to_jsonable_python(value), separators=(",", ":")).encode()


async def read_lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """Yield the lines of a stream, which end at LF or CR LF only, whatever the text holds."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode()
    if rest:
        yield rest.decode()
