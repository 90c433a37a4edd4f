"""Models' text as a database and a terminal can take it: no NUL, no half characters."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic_core import from_json


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text, which may hold halves of surrogate pairs.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return from_json(text)
    except ValueError:
        # The quick parser refuses such halves; a model may send the two of an emoji in two events.
        escaped = text if isinstance(text, bytes) else text.encode(errors="replace")
        if b"\\ud" not in escaped.lower():
            raise
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deep") from error


def is_finite(value: Any) -> bool:
    """Whether a JSON value holds no NaN and no infinity, as which a parser reads `1e999` too."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    return not isinstance(value, list) or all(map(is_finite, value))


def clean(value: Any) -> Any:
    """A JSON value whose texts hold no NUL, and a replacement character for each half of a pair."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {_clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


class Pieces:
    """Text that comes in pieces, each passed on clean; one may end inside a character."""

    def __init__(self) -> None:
        self._half = ""

    def next(self, piece: str) -> str:
        """The next piece to pass on, perhaps ''."""
        if not self._half and piece.isascii() and "\0" not in piece:
            return piece
        text = (self._half + piece).replace("\0", "")
        self._half = text[-1] if text and "\ud800" <= text[-1] <= "\udbff" else ""
        return _clean(text.removesuffix(self._half))


def _clean(text: str) -> str:
    text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
