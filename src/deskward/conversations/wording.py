"""What customers may say, and what they are told when it cannot be answered."""

from __future__ import annotations

from deskward.core.errors import InvalidInput, SessionBusy, Unavailable

MAX_MESSAGE = 10_000
"""Longest message, in characters."""

APOLOGY = "I am sorry, I could not finish answering your message. Please send it again."
YES, NO = "Yes.", "No."
"""What stands in a conversation for a button that was pressed."""
STOPPED = "(This answer was stopped.)"
TAKEN = "A colleague is with you. Your message has reached them."
"""What a reader is told whose message a person answers; it is no message of the conversation."""
FAILED = "Something went wrong on our side. Please try again."


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
