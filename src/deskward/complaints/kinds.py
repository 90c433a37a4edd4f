"""The kinds of value of complaints that a sentence may name."""

from __future__ import annotations

import re

from deskward.text.finding import NAMED_NUMBER, Kind, record

KINDS: dict[str, Kind] = {
    "complaint_id": record(
        "C",
        "complaint",
        looks=re.compile(rf"\bc\d{{3,}}\b|(?<=\bcomplaint){NAMED_NUMBER}", re.IGNORECASE),
        reads_as="xcomplaint",
    )
}
