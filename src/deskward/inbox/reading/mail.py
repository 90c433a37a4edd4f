"""A mail as the desk reads it: who wrote it to whom, what they wrote, and what came with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from itertools import groupby

from deskward.inbox.reading import quoting
from deskward.inbox.reading.charsets import decoded, tidy
from deskward.inbox.reading.headers import (
    Address,
    Headers,
    addresses,
    ids,
    moment,
    recipients,
)
from deskward.inbox.reading.markup import RULE, text_of
from deskward.inbox.reading.mime import DEEPEST, Leaf, body_of, flattened, head_of, leaves, parsed

LONGEST_TEXT = 1_000_000
"""How many characters of a mail's text are read."""
MOST_FILES = 100
LONGEST_SUBJECT = 200

_SEALS = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
"""Parts that only vouch for others."""
_CALENDAR = re.compile(r"^(SUMMARY|DTSTART|DTEND|LOCATION|DESCRIPTION)(?:;[^:\n]*)?:(.*)$", re.M)
_ENDINGS = {
    "text/calendar": "invitation.ics",
    "text/html": "text.html",
    "text/plain": "text.txt",
    "message/rfc822": "mail.eml",
    "application/ms-tnef": "winmail.dat",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/pdf": "file.pdf",
    "image/jpeg": "picture.jpg",
    "image/png": "picture.png",
    "image/gif": "picture.gif",
}
"""What a file is called that came without a name."""


@dataclass(frozen=True)
class Enclosed:
    """A file that came with a mail."""

    name: str
    kind: str
    data: bytes


@dataclass(frozen=True)
class Mail:
    """A mail.

    Attributes:
        text: All its text, with what is quoted.
        html: Its HTML as it came, or empty.
        remarks: What was noticed: `unreadable` parts, `cut` text, `signed`, `encrypted`.
        message: The mail taken apart, where that was possible.
    """

    headers: Headers
    text: str
    html: str = ""
    files: tuple[Enclosed, ...] = ()
    remarks: tuple[str, ...] = ()
    message: Message | None = field(default=None, compare=False, repr=False)

    @property
    def own(self) -> str:
        """What whoever sent it wrote, without what is quoted and without a signature."""
        return quoting.own(self.text)

    @property
    def sender(self) -> Address | None:
        """Who wrote it."""
        found = addresses(self.headers.get("from"))
        return found[0] if found else None

    @property
    def recipients(self) -> tuple[Address, ...]:
        """Whom it says that it is for, where it was delivered to first."""
        return recipients(self.headers)

    @property
    def subject(self) -> str:
        """Its subject, in one line."""
        return self.headers.get("subject")[:LONGEST_SUBJECT].strip()

    @property
    def message_id(self) -> str:
        """Its own id, or empty."""
        found = ids(self.headers.get("message-id"))
        return found[0] if found else ""

    @property
    def follows(self) -> tuple[str, ...]:
        """The ids of the mails that it follows, the nearest first."""
        near = ids(self.headers.get("in-reply-to"))
        chain = ids(self.headers.get("references"))
        return tuple(dict.fromkeys([*near, *reversed(chain)]))

    @property
    def sent_at(self) -> datetime | None:
        """When it says that it was written."""
        return moment(self.headers.get("date"))


def identity(raw: bytes) -> str:
    """What two copies of one mail have in common, and no two mails.

    Copies that went different ways differ in what was written above them and perhaps below, so a
    mail that names itself is known by that, with who wrote it, when and about what: some programs
    give every mail the same name.
    """
    head = parsed(head_of(raw))
    headers = Headers.of(head) if head is not None else Headers()
    sender = addresses(headers.get("from"))
    told = [sender[0].address if sender else "", headers.get("date"), headers.get("subject")]
    named = ids(headers.get("message-id"))
    content = named[0] if named else hashlib.sha256(body_of(raw)).hexdigest()
    if not named and not any(told):
        content = hashlib.sha256(raw).hexdigest()
    return hashlib.sha256("\n".join([content, *told]).encode("utf-8", "replace")).hexdigest()


def read(raw: bytes) -> Mail:
    """What is in a mail. Never raises: what cannot be taken apart is text as it stands."""
    message = parsed(raw)
    if message is None:
        head = parsed(head_of(raw)) or Message()
        text = tidy(decoded(body_of(raw)[:LONGEST_TEXT], None))
        return Mail(Headers.of(head), text, remarks=("unreadable",))
    return _read(message, 0)


def _read(message: Message, depth: int) -> Mail:
    headers = Headers.of(message)
    reading = _Reading(depth)
    for _, run in groupby(leaves(message), key=_together):
        reading.take(list(run))
    text = "\n\n".join(filter(None, reading.texts))
    remarks = reading.remarks
    if message.defects and not text.strip() and not reading.files:
        remarks.append("unreadable")
        text = tidy(decoded(_payload(message), None))
    if len(text) > LONGEST_TEXT:
        remarks.append("cut")
    return Mail(
        headers,
        text[:LONGEST_TEXT],
        "\n<hr>\n".join(reading.htmls),
        tuple(reading.files[:MOST_FILES]),
        tuple(dict.fromkeys(remarks)),
        message,
    )


def _payload(message: Message) -> bytes:
    payload = message.get_payload()
    return payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""


def _together(leaf: Leaf) -> int:
    """What alternatives of one text have in common; other parts stand by themselves."""
    return leaf.alternatives if leaf.alternatives and not leaf.attached else id(leaf)


class _Reading:
    """Gathers texts and files from parts."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self.texts: list[str] = []
        self.htmls: list[str] = []
        self.files: list[Enclosed] = []
        self.remarks: list[str] = []

    def take(self, run: Sequence[Leaf]) -> None:
        """Take a part, or the alternatives of one text."""
        plain = [leaf for leaf in run if leaf.kind == "text/plain" and _is_text(leaf)]
        markup = [leaf for leaf in run if leaf.kind == "text/html" and _is_text(leaf)]
        calendar = [leaf for leaf in run if leaf.kind == "text/calendar"]
        text = "\n\n".join(filter(None, (_plain(leaf) for leaf in plain))).strip("\n")
        html = "\n<hr>\n".join(decoded(leaf.data, leaf.charset) for leaf in markup)
        if html:
            self.htmls.append(html)
            shown = text_of(html)
            # Some programs write into the plain text only that there is HTML.
            if len(text.split()) * 3 < len(shown.split()):
                text = shown
        others = [leaf for leaf in run if leaf not in plain and leaf not in markup]
        rest = [leaf for leaf in others if leaf.kind.startswith("text/") and _is_text(leaf)]
        if calendar and not text:
            text = _calendar(decoded(calendar[0].data, calendar[0].charset))
        elif rest and not text and rest[-1].alternatives:
            text = _plain(rest[-1])
        self.texts.append(text)
        for leaf in others:
            # Besides an invitation, another form of a text that is read already is not needed.
            if leaf in calendar or leaf not in rest or not leaf.alternatives:
                self._enclose(leaf)

    def _enclose(self, leaf: Leaf) -> None:
        if leaf.kind in _SEALS:
            self.remarks.append("signed")
            return
        if leaf.kind in {"message/delivery-status", "text/rfc822-headers"}:
            self.texts.append(tidy(decoded(leaf.data, leaf.charset)).strip())
            return
        if leaf.kind == "application/pgp-encrypted" or leaf.kind.endswith("pkcs7-mime"):
            self.remarks.append("encrypted")
        data = leaf.data
        if leaf.message is not None:
            self._enclose_mail(leaf, leaf.message)
            # Those further in are in this one.
            data = flattened(leaf.message) if self._depth == 0 else b""
        if data:
            unnamed = "mail.eml" if leaf.kind.startswith("multipart/") else "file.bin"
            name = leaf.name or _ENDINGS.get(leaf.kind, unnamed)
            self.files.append(Enclosed(name, leaf.kind, data))

    def _enclose_mail(self, leaf: Leaf, message: Message) -> None:
        """Read a mail that is passed on as a part: it is a text below this one, and a file."""
        if self._depth + len(leaf.within) >= DEEPEST:
            self.remarks.append("deep")
            return
        inner = _read(message, self._depth + len(leaf.within) + 1)
        told = [
            f"{name.title()}: {body}"
            for name in ("from", "date", "to", "subject")
            if (body := inner.headers.get(name))
        ]
        self.texts.append("\n".join([RULE, *told, "", inner.text]).rstrip())
        self.remarks.extend(inner.remarks)
        self.files.extend(inner.files)


def _is_text(leaf: Leaf) -> bool:
    """Whether a part with text is the mail's own, and not a file."""
    return not leaf.attached and (not leaf.name or leaf.first)


def _plain(leaf: Leaf) -> str:
    return tidy(decoded(leaf.data, leaf.charset))


def _calendar(text: str) -> str:
    """What an invitation says, where nothing else does."""
    unfolded = re.sub(r"\n[ \t]", "", tidy(text))
    return "\n".join(_told(unfolded))


def _told(unfolded: str) -> Iterator[str]:
    for _, value in _CALENDAR.findall(unfolded):
        told = value.replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";").strip()
        if told:
            yield told
