"""Files of records, a line at a time: how they are opened, and what is one of JSON lines."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar, cast

from deskward.core.errors import InvalidInput

LONGEST_LINE = 1_000_000
"""Characters of a line."""

What = Literal["created", "changed", "unchanged", "refused"]
One = TypeVar("One")


class NotRead(InvalidInput):
    """The file as a whole cannot be read."""


@dataclass(frozen=True)
class Report:
    """What becomes of a line.

    Attributes:
        record: The id of the record that it is about, where there is one.
        told: What changes, or why the line is refused.
    """

    line: int
    what: What
    record: str = ""
    told: str = ""


def opened(file: BinaryIO, encoding: str | None) -> tuple[TextIOWrapper, str]:
    """The file as text, and how it begins."""
    start = cast(Any, file).peek(4096)[:4096]
    if encoding is None:
        wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if wide else "utf-8-sig"
    try:
        known = codecs.lookup(encoding).name
    except LookupError:
        raise NotRead(f"There is no encoding {encoding!r}.") from None
    if b"\0" in start and not known.startswith(("utf-16", "utf-32")):
        raise NotRead("That is no text. Save the table as CSV in UTF-8, or as JSON lines.")
    begins = TextIOWrapper(BytesIO(start), encoding, errors="replace").read()
    return TextIOWrapper(file, encoding, newline=""), begins


def json_objects(text: TextIOWrapper) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The number of each line that is not empty, and its object; None where it is none.

    Raises:
        NotRead: A line is longer than lines are.
    """
    number = 0
    while line := text.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise NotRead(f"Line {number} is longer than {LONGEST_LINE} characters.")
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        yield number, value if isinstance(value, dict) else None


def not_in(text: TextIOWrapper) -> NotRead:
    """What is raised where a file is not in the encoding in which it is read."""
    called = text.encoding.upper().removesuffix("-SIG")
    return NotRead(f"The file is not in {called}. Name its encoding: --encoding windows-1252.")


def batches(
    found: Iterable[One], size: int, weight: Callable[[One], int] = lambda _: 1
) -> Iterator[list[One]]:
    """Lines, so many at a time.

    Args:
        weight: As how many a line counts.
    """
    batch: list[One] = []
    weighs = 0
    for line in found:
        batch.append(line)
        weighs += weight(line)
        if weighs >= size:
            yield batch
            batch, weighs = [], 0
    if batch:
        yield batch


def is_json(path: Path) -> bool:
    """Whether a file of that name is to be JSON lines, and not CSV."""
    return path.suffix.lower() in (".jsonl", ".ndjson", ".json")
