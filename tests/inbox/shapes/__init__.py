"""Mails in the shapes that programs of the world really send, and what the desk reads in them."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.header import Header

HEAD = {
    "From": "Anna Berg <anna@example.com>",
    "To": "support@desk.example",
    "Subject": "My card",
    "Date": "Tue, 3 Feb 2026 10:12:00 +0100",
    "Message-ID": "<one@example.com>",
    "MIME-Version": "1.0",
}


@dataclass(frozen=True)
class Shape:
    """A mail and what is expected of it; what is left out is not looked at.

    Attributes:
        own: Exactly what its writer wrote.
        holds: Texts that stand somewhere in it.
        lacks: Texts that stand nowhere in it.
        files: The names of what came with it.
    """

    name: str
    raw: bytes
    own: str | None = None
    holds: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    files: tuple[str, ...] | None = None
    subject: str | None = None
    sender: str | None = None
    sender_name: str | None = None
    follows: tuple[str, ...] | None = None
    remarks: tuple[str, ...] | None = None
    automatic: str | None = None
    failures: tuple[tuple[str, str], ...] | None = None
    about: str | None = None
    checked: frozenset[str] = field(default=frozenset())


def mail(
    body: bytes | str = b"",
    kind: str | None = "text/plain; charset=utf-8",
    coding: str | None = None,
    **fields: str | None,
) -> bytes:
    """A mail of a header and a body; fields with an underscore for each dash, None for without."""
    changed = {name.replace("_", "-"): value for name, value in fields.items()}
    head: Mapping[str, str | None] = HEAD | {
        next((known for known in HEAD if known.lower() == name.lower()), name): value
        for name, value in changed.items()
    }
    typed = {"Content-Type": kind, "Content-Transfer-Encoding": coding}
    lines = [f"{name}: {value}" for name, value in {**head, **typed}.items() if value is not None]
    text = body.encode() if isinstance(body, str) else body
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + text


def part(
    body: bytes | str,
    kind: str = "text/plain; charset=utf-8",
    coding: str | None = None,
    disposition: str | None = None,
    **fields: str,
) -> bytes:
    """A part of a mail."""
    head = {
        "Content-Type": kind,
        "Content-Transfer-Encoding": coding,
        "Content-Disposition": disposition,
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    data = body.encode() if isinstance(body, str) else body
    if coding == "base64":
        data = base64.encodebytes(data)
    elif coding == "quoted-printable":
        data = quopri.encodestring(data)
    lines = [f"{name}: {value}" for name, value in head.items() if value is not None]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def multi(kind: str, *parts: bytes, boundary: str = "b1", ends: bool = True) -> tuple[bytes, str]:
    """The body of parts and its type."""
    body = b"".join(b"--" + boundary.encode() + b"\r\n" + each + b"\r\n" for each in parts)
    if ends:
        body += b"--" + boundary.encode() + b"--\r\n"
    return body, f'multipart/{kind}; boundary="{boundary}"'


def within(kind: str, *parts: bytes, boundary: str) -> bytes:
    """A part of parts."""
    return part(*multi(kind, *parts, boundary=boundary))


def word(text: str, charset: str) -> str:
    """A text as encoded words."""
    return Header(text, charset, maxlinelen=70).encode()
