"""From what is to be said to a message (RFC 5322, MIME)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from deskward.core.database import now
from deskward.core.errors import InvalidInput
from deskward.email import headers
from deskward.email.models import LINE, Letter
from deskward.files.service import Content
from deskward.text.plain import Plain

TEMPLATES = Path(__file__).parent / "templates"

_BLOCKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol"})
_UNSEEN = frozenset({"script", "style", "head", "title"})


def message(
    email_id: str,
    letter: Letter,
    attached: Sequence[Content],
    *,
    sender_name: str,
    sender_email: str,
    reply_to: str | None = None,
) -> EmailMessage:
    """The message of a letter. Who gets a blind copy is in no header.

    Its Message-ID, where it has none yet, follows from the mail's id, so that a copy can be known
    as one. Its bodies are ASCII, whatever they say, so that every server takes them.
    """
    shown = [sender_email, *letter.to, *letter.cc]
    wide = not all(address.isascii() for address in shown)
    built = EmailMessage(policy=SMTP.clone(refold_source="none", cte_type="7bit", utf8=wide))
    built.set_raw("From", headers.mailbox("From", sender_name, sender_email))
    if reply_to is not None:
        built.set_raw("Reply-To", headers.addresses([reply_to]))
    built.set_raw("To", headers.addresses(letter.to))
    if letter.cc:
        built.set_raw("Cc", headers.addresses(letter.cc))
    built.set_raw("Subject", headers.text("Subject", letter.subject))
    built["Date"] = format_datetime(now())
    built["Message-ID"] = letter.headers.get("Message-ID") or message_id(email_id, sender_email)
    for name, value in letter.headers.items():
        if name != "Message-ID":
            built.set_raw(name, headers.words(value))
    built.set_content(letter.text)
    if letter.html:
        built.add_alternative(letter.html, subtype="html")
    for file in attached:
        kind, _, subtype = file.content_type.partition("/")
        built.add_attachment(file.data, maintype=kind, subtype=subtype)
        *_, part = built.iter_attachments()
        del part["Content-Disposition"]
        named = headers.parameters("attachment", "filename", file.name)
        part.set_raw("Content-Disposition", named)
    return built


def message_id(email_id: str, sender_email: str) -> str:
    """The Message-ID of a mail."""
    return f"<{email_id}@{sender_email.rpartition('@')[2]}>"


def plainly(letter: Letter, hosts: Collection[str]) -> Letter:
    """A letter that a model wrote, as plain text that leads only where it may.

    Its HTML is made anew of its text: no pictures, no forms, no hidden words.

    Args:
        hosts: Hosts that it may lead to. Its recipients' addresses may stand in it, too.
    """
    plain = Plain(hosts, {address.lower() for address in [*letter.to, *letter.cc]})
    text = plain.lines(letter.text)
    subject = " ".join(plain.text(letter.subject).split()) or "(no subject)"
    html = f"<p>{escape(text).replace(chr(10), '<br>')}</p>" if letter.html else None
    return letter.model_copy(update={"subject": subject, "text": text, "html": html})


def text_of(html: str) -> str:
    """HTML as plain text: its words, a line per block, and where links go."""
    reader = _TextOf()
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line) or "(This mail has no text.)"


class _TextOf(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "a" and self._links and (target := self._links.pop()):
            self.parts.append(f" ({target})")
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)


@cache
def templates() -> dict[str, dict[str, str]]:
    """The templates that ship: name → `subject`, `text` and perhaps `html`."""
    return {
        file.stem: yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for file in TEMPLATES.glob("*.yaml")
    }


@cache
def needed(name: str) -> list[str]:
    """Return the names of the values that a template has to be filled with."""
    parts = templates()[name].values()
    environment = ImmutableSandboxedEnvironment()
    return sorted(
        set().union(*(find_undeclared_variables(environment.parse(part)) for part in parts))
    )


def fill(name: str, values: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """Subject, text and HTML of a template.

    Raises:
        InvalidInput: There is no such template, or it names a value that is missing.
    """
    template = templates().get(name)
    if template is None:
        known = ", ".join(sorted(templates()))
        raise InvalidInput(f"There is no template {name!r}. There are {known}.")
    try:
        subject = _render(template["subject"], values, escape=False)
        text = _render(template["text"], values, escape=False)
        html = _render(template["html"], values, escape=True) if "html" in template else None
    except TemplateError as error:
        raise InvalidInput(f"The template {name!r} cannot be filled: {error.message}.") from None
    subject = " ".join(subject.split())[:200]
    if not re.match(LINE, subject):
        raise InvalidInput(f"The template {name!r} would get a subject with control characters.")
    return subject, text, html


def _render(template: str, values: Mapping[str, Any], *, escape: bool) -> str:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=escape)
    return environment.from_string(template).render(values).strip()
