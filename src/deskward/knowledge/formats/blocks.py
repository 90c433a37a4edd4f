"""What a document is made of, whatever its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["heading", "text", "item", "code", "table"]


class Broken(Exception):
    """A document cannot be read; the message says why, in words for whoever looks after it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, an item of a list, a listing of code, or a table.

    Attributes:
        kind: What it is.
        text: Its words; of a table its rows, each a line with `|` between the cells.
        level: Of a heading, from 1.
    """

    kind: Kind
    text: str
    level: int = 0


@dataclass(slots=True)
class Content:
    """What a reader of one form finds in a file.

    Attributes:
        blocks: In their order.
        told: What the file says of itself, by the names of front matter (`front.py`).
        title: What its form holds as a title, if anything.
        language: What its form says of its language, if anything.
    """

    blocks: list[Block] = field(default_factory=list)
    told: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    language: str = ""


def row_of(cells: list[str]) -> str:
    """A table's row as a line."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def table_of(rows: list[list[str]]) -> str:
    """A table as lines: the first row is its head."""
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return ""
    lines = [row_of(row) for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines)


def fenced(code: str, language: str = "") -> str:
    """Code between fences that are longer than any in it."""
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"
