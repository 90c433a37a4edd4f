"""The kinds of value of orders that a sentence may name."""

from __future__ import annotations

import re

from deskward.text.finding import NAMED_NUMBER, Kind, record

KINDS: dict[str, Kind] = {
    "order_id": record(
        "O",
        "order",
        looks=re.compile(rf"\bo\d{{3,}}\b|(?<=\border){NAMED_NUMBER}", re.IGNORECASE),
        reads_as="xorder",
    )
}
