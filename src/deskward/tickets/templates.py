"""Texts of the desk's own with which a customer may be answered, in their language."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from deskward.security.tenants import Tenant
from deskward.text.language import language_of
from deskward.tickets.hours import hours_in
from deskward.tickets.models import Ticket

FILE = Path(__file__).with_name("templates.yaml")


def text_of(template: str, ticket: Ticket, tenant: Tenant | None) -> str:
    """A template's text for a ticket's customer, with the tenant's hours, where it has told any."""
    texts = _texts()[template]
    known = (ticket.language or "").partition("-")[0].lower()
    language = known if known in texts else language_of([ticket.subject, ticket.body])
    language = language if language in texts else "en"
    hours = hours_in(language, tenant)
    return f"{texts[language]} {_texts()['hours'][language]} {hours}." if hours else texts[language]


@cache
def _texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.load(
        FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader
    )
    return found
