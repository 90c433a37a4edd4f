"""The parts of a mail (RFC 2045 to 2049), from whatever bytes come in, within limits."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import PurePath

from deskward.inbox.reading.charsets import bytes_decoded, tidy, words_decoded

DEEPEST = 40
"""How many parts may stand within each other that are looked into; deeper ones stay files."""
MOST_PARTS = 500
"""How many parts are looked at."""
MOST_LINES = 2_000_000
"""How many lines are taken apart."""
MOST_WORK = 10_000_000
"""How many lines times parts: for each line the parser looks whether it ends one of them."""

_NESTING = re.compile(rb"^content-type:[ \t\r\n]{0,10}(?:multipart|message)/", re.I | re.M)
_HEAD_END = re.compile(rb"\r?\n\r?\n|\r\r")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


@dataclass(frozen=True)
class Leaf:
    """A part without parts.

    Attributes:
        kind: Its type, such as `text/plain`.
        within: The types of the parts that it stands in, the outermost first.
        name: Its file's name, or empty.
        attached: Whether it says that it is an attachment.
        first: Whether it is the first of the part that it stands in.
        alternatives: Numbers the part whose alternatives it is one of; 0 for none.
        content_id: By which other parts name it.
        message: The mail that it holds, taken apart; `data` is empty then.
    """

    kind: str
    data: bytes
    charset: str | None
    name: str
    attached: bool
    within: tuple[str, ...]
    first: bool
    alternatives: int = 0
    content_id: str = ""
    message: Message | None = None


def parsed(raw: bytes) -> Message | None:
    """A mail taken apart; None where that would take too long."""
    nesting = len(_NESTING.findall(raw))
    lines = raw.count(b"\n") + raw.count(b"\r")
    if lines > MOST_LINES or lines * max(nesting, 1) > MOST_WORK or nesting > 500:
        return None
    try:
        return email.message_from_bytes(raw)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        return None


def head_of(raw: bytes) -> bytes:
    """A mail's header."""
    match = _HEAD_END.search(raw)
    return raw[: match.end()] if match else raw


def body_of(raw: bytes) -> bytes:
    """What stands below a mail's header."""
    match = _HEAD_END.search(raw)
    return raw[match.end() :] if match else b""


def leaves(message: Message) -> Iterator[Leaf]:
    """The parts that hold something, in their order.

    A mail within the mail is one of them: whoever goes over these reads it by itself.
    """
    stack: list[tuple[Message, tuple[str, ...], bool, int]] = [(message, (), True, 0)]
    seen = 0
    while stack and seen < MOST_PARTS:
        part, within, first, alternatives = stack.pop()
        seen += 1
        kind = part.get_content_type()
        payload = part.get_payload()
        if not isinstance(payload, list):
            # Of a part that says it has parts, and has none, all is text.
            shown = "text/plain" if kind.startswith("multipart/") else kind
            yield _leaf(part, shown, within, first, alternatives, _content(part))
        elif kind == "message/rfc822" and payload and isinstance(payload[0], Message):
            yield _leaf(part, kind, within, first, alternatives, b"", payload[0])
        elif not kind.startswith("multipart/") or len(within) >= DEEPEST:
            yield _leaf(part, kind, within, first, alternatives, flattened(part))
        else:
            if kind == "multipart/alternative" and not alternatives:
                alternatives = seen
            subparts = [each for each in payload[:MOST_PARTS] if isinstance(each, Message)]
            stack.extend(
                (each, (*within, kind), each is subparts[0], alternatives)
                for each in reversed(subparts)
            )


def _leaf(
    part: Message,
    kind: str,
    within: tuple[str, ...],
    first: bool,
    alternatives: int,
    data: bytes,
    message: Message | None = None,
) -> Leaf:
    part = _legible(part)
    return Leaf(
        kind=kind,
        data=data,
        charset=_parameter(part, "charset"),
        name=_file_name(part),
        attached=str(part.get("content-disposition", "")).strip().lower().startswith("attachment"),
        within=within,
        first=first,
        alternatives=alternatives,
        content_id=str(part.get("content-id", "")).strip(" <>"),
        message=message,
    )


def _content(part: Message) -> bytes:
    """What a part holds, decoded; as it stands where it is not what it says."""
    try:
        content = part.get_payload(decode=True)
    except Exception:  # of a library that is not made for what attackers send
        content = None
    if isinstance(content, bytes):
        return content
    return str(part.get_payload() or "").encode("utf-8", "surrogateescape")


def flattened(message: Message) -> bytes:
    """A part as it came."""
    try:
        return message.as_bytes()
    except Exception:  # see above; deeper than Python's stack, too
        return b"\r\n".join(_contents(message))


def _contents(message: Message) -> Iterator[bytes]:
    stack = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if isinstance(payload, list):
            stack.extend(each for each in reversed(payload) if isinstance(each, Message))
        else:
            yield _content(part)


def _legible(part: Message) -> Message:
    """A part's header whose bytes beyond ASCII are text: the library replaces them with marks."""
    fields = [(name, str(value)) for name, value in part.raw_items()]
    if all(value.isascii() for _, value in fields):
        return part
    legible = Message()
    for name, value in fields[:MOST_PARTS]:
        legible[name] = bytes_decoded(value)
    return legible


def _parameter(part: Message, name: str) -> str | None:
    try:
        value = part.get_param(name)
        if isinstance(value, tuple):
            value = value[2]
        return value if isinstance(value, str) else None
    except Exception:  # see above
        return None


def _file_name(part: Message) -> str:
    """The name of a part's file without folders, and without what a file system would mind."""
    try:
        name = part.get_filename() or ""
    except Exception:  # see above
        name = ""
    name = words_decoded(str(name))
    name = PurePath(name.replace("\\", "/")).name
    name = _UNSAFE.sub("_", tidy(name)).strip(" .")
    stem, dot, ending = name.rpartition(".")
    return f"{stem[:150]}{dot}{ending[:20]}" if stem else name[:150]
