"""What a mail server says of mails that it could not deliver (RFC 3464, and older ways)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from deskward.inbox.reading.charsets import words_decoded
from deskward.inbox.reading.headers import Headers, addresses, ids
from deskward.inbox.reading.mail import Mail
from deskward.inbox.reading.mime import leaves, parsed

Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
_ACTIONS: dict[str, Action] = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}
MOST_RECIPIENTS = 200

_NAMED = re.compile(r"^message-id:\s{0,5}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """What became of a mail for one recipient."""

    recipient: str
    action: Action
    reason: str


@dataclass(frozen=True)
class Report:
    """What a mail server says of one mail.

    Attributes:
        about: The ids of the mail that it is about; of several, one is the right one.
    """

    about: tuple[str, ...]
    failures: tuple[Failure, ...]


def report_of(mail: Mail) -> Report | None:
    """What a mail says of the delivery of another one; None where it is no such report."""
    if mail.message is None:
        return None
    kind = mail.message.get_content_type()
    if kind == "multipart/report" or _has_status(mail.message):
        failures = tuple(_failures(mail.message))
        return Report(_about(mail), failures) if failures else None
    if failed := mail.headers.get("x-failed-recipients"):
        reason = mail.subject or "not delivered"
        failures = tuple(Failure(each.address, "failed", reason) for each in addresses(failed))
        return Report(_about(mail), failures) if failures else None
    return None


def _has_status(message: Message) -> bool:
    return any(leaf.kind == "message/delivery-status" for leaf in leaves(message))


def _failures(message: Message) -> Iterator[Failure]:
    for leaf in leaves(message):
        if leaf.kind not in {"message/delivery-status", "message/global-delivery-status"}:
            continue
        for block in re.split(rb"\r?\n[ \t]*\r?\n", leaf.data)[:MOST_RECIPIENTS]:
            part = parsed(block.strip() + b"\n\n")
            if part is None:
                continue
            fields = Headers.of(part)
            recipient = _typed(fields.get("final-recipient")) or _typed(
                fields.get("original-recipient")
            )
            action = _ACTIONS.get(fields.get("action").strip().lower())
            found = addresses(recipient)
            if not found or action is None:
                continue
            told = _typed(fields.get("diagnostic-code")) or fields.get("status")
            yield Failure(found[0].address, action, words_decoded(told)[:500] or action)


def _typed(value: str) -> str:
    """What stands behind the type of a value: `rfc822; alice@example.com`."""
    kind, parted, rest = value.partition(";")
    return (rest if parted else kind).strip()


def _about(mail: Mail) -> tuple[str, ...]:
    """The ids of the mail that a report is about: of its copy, or of its header's, or in a text."""
    found: list[str] = []
    if mail.message is not None:
        for leaf in leaves(mail.message):
            if leaf.kind in {"message/rfc822", "text/rfc822-headers", "message/global-headers"}:
                head = leaf.message if leaf.message is not None else parsed(leaf.data)
                if head is not None:
                    found.extend(ids(Headers.of(head).get("message-id")))
    found.extend(each for named in _NAMED.findall(mail.text) for each in ids(named))
    found.extend(mail.follows)
    return tuple(dict.fromkeys(found))
