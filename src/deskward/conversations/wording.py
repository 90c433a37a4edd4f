"""What customers may say, and what they are told when it cannot be answered."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from deskward.core.errors import InvalidInput, SessionBusy, Unavailable
from deskward.text.language import language_of

MAX_MESSAGE = 10_000
"""Longest message, in characters."""

YES, NO = "Yes.", "No."
"""What stands in a conversation for a button that was pressed."""
FAILED = "Something went wrong on our side. Please try again."

FILE = Path(__file__).with_name("wording.yaml")


def told(word: Literal["apology", "stopped", "taken"], said: Sequence[str]) -> str:
    """What a customer is told of how an answer ended, in their language.

    Args:
        word: `apology`: it failed; `stopped`: by themselves; `taken`: a person answers instead.
        said: What they said, the latest last.
    """
    texts = _texts()[word]
    return texts.get(language_of(said), texts["en"])


@cache
def _texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.load(
        FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return found


def check(text: str) -> None:
    """See that a message can be answered.

    Raises:
        InvalidInput: It is empty, too long, or holds what no text has.
    """
    if not text.strip():
        raise InvalidInput("The message is empty.")
    if "\0" in text:
        raise InvalidInput("The message holds a NUL character, which no text has.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("The message holds half a character (a lone surrogate).") from error
    if len(text) > MAX_MESSAGE:
        raise InvalidInput(f"The message is longer than {MAX_MESSAGE:,} characters.")


def busy() -> SessionBusy:
    """What is said when an earlier message takes too long."""
    return SessionBusy(
        "An earlier message of this session is still being answered. Try again later.",
        retry_after=5,
    )


def stopping() -> Unavailable:
    """What readers are told whose turn another process, or this one later, goes on with."""
    return Unavailable(
        "The desk is stopping. Nothing is lost: ask again in a moment, a stream with its last "
        "event's id in Last-Event-ID.",
        retry_after=2,
    )
