"""The kinds of value of tickets that a sentence may name."""

from __future__ import annotations

import re

from deskward.text.finding import Kind, record

KINDS: dict[str, Kind] = {
    "ticket_id": record(
        "T",
        "ticket|case|request",
        fewest=1,
        looks=re.compile(r"\b[tT]\d{3,}\b"),
        reads_as="xticket",
    )
}
