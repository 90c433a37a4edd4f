"""Texts of the desk's own with which a customer may be answered, in their language."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from deskward.text.language import language_of
from deskward.tickets.models import Ticket

FILE = Path(__file__).with_name("templates.yaml")


def text_of(template: str, ticket: Ticket) -> str:
    """A template's text for a ticket's customer."""
    texts = _texts()[template]
    known = (ticket.language or "").partition("-")[0].lower()
    language = known if known in texts else language_of([ticket.subject, ticket.body])
    return texts.get(language, texts["en"])


@cache
def _texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found
