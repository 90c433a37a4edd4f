"""The fields of a mail's header, as far as they are needed, from whatever stands there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from deskward.inbox.reading.charsets import words_decoded

MOST_FIELDS = 1000
"""How many fields of a header are looked at."""
LONGEST = 20_000
"""How many characters of one field are looked at."""
MOST_IDS = 200
"""How many mails a mail can say that it follows."""
MOST_ADDRESSES = 200

_ID = re.compile(r"<([^<>\s]{1,500})>")
_ADDRESS = re.compile(r"""[^\s<>()\[\]",;:@]{1,128}@[^\s<>()\[\]",;:@]{1,253}""")
_QUOTED_LOCAL = re.compile(r'<"([^"\s<>]{1,64})"@([^\s<>"]{1,253})>')


@dataclass(frozen=True)
class Address:
    """A mailbox.

    Attributes:
        address: In lower case: no mail server of today tells letters apart by their case.
        name: As whoever wrote the mail calls it, or empty.
    """

    address: str
    name: str = ""


@dataclass(frozen=True)
class Headers:
    """A header's fields, with names in lower case and bodies as text in one line."""

    fields: tuple[tuple[str, str], ...] = ()
    _first: dict[str, str] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, message: Message) -> Headers:
        """The fields of a parsed message."""
        found = []
        for name, value in list(message.raw_items())[:MOST_FIELDS]:
            found.append((str(name).lower(), words_decoded(str(value)[:LONGEST])))
        first: dict[str, str] = {}
        for name, value in found:
            first.setdefault(name, value)
        return cls(tuple(found), first)

    def get(self, name: str) -> str:
        """The first field of this name, or an empty text."""
        return self._first.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def all(self, name: str) -> list[str]:
        """All fields of this name."""
        return [value for each, value in self.fields if each == name]


def ids(text: str) -> tuple[str, ...]:
    """The message ids in a field, in their order, each once.

    Whoever leaves the brackets out is understood, too.
    """
    found = _ID.findall(text) or [word for word in text.split() if "@" in word and len(word) <= 500]
    return tuple(dict.fromkeys(found))[-MOST_IDS:]


def addresses(text: str) -> tuple[Address, ...]:
    """The mailboxes in a field.

    The name that stands before an address is only shown: what looks like an address within a name
    (`"victim@example.com" <me@example.net>`) is none where another one stands in angle brackets.
    """
    found: dict[str, Address] = {}
    for piece in _listed(text):
        if len(found) >= MOST_ADDRESSES:
            break
        address, name = _mailbox(piece)
        if address:
            found.setdefault(address, Address(address, name))
    return tuple(found.values())


def recipients(headers: Headers) -> tuple[Address, ...]:
    """Whom a header says that a mail is for, where it was delivered to first."""
    fields = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")
    found = (each for name in fields for body in headers.all(name) for each in addresses(body))
    return tuple({each.address: each for each in found}.values())


def _listed(text: str) -> Iterable[str]:
    """The members of a list that is parted by commas, or semicolons, outside of quotes."""
    pieces: list[str] = []
    piece: list[str] = []
    quoted = angle = False
    for character in text:
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "<>":
            angle = character == "<"
        if character in ",;" and not quoted and not angle:
            pieces.append("".join(piece))
            piece = []
        else:
            piece.append(character)
    pieces.append("".join(piece))
    return pieces


def _mailbox(piece: str) -> tuple[str, str]:
    start = piece.rfind("<")
    if start >= 0:
        if local := _QUOTED_LOCAL.search(piece):
            return f"{local[1]}@{local[2]}".lower().rstrip("."), _name(piece[:start])
        within, name = piece[start:], piece[:start]
    else:
        within, name = piece, ""
    match = _ADDRESS.search(within)
    if match is None and start >= 0:
        match, name = _ADDRESS.search(piece), ""
    if match is None:
        return "", ""
    if not name and start < 0 and "(" in piece:
        name = piece[piece.index("(") + 1 :].partition(")")[0]
    return _lower(match[0]), _name(name)


def _lower(address: str) -> str:
    return address.strip("'.").lower()


def _name(text: str) -> str:
    return text.strip().strip("\"'").replace('\\"', '"').strip()[:200]


def moment(text: str) -> datetime | None:
    """The moment that a Date field tells, if it tells one."""
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError, AttributeError):
        return None
