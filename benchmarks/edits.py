"""The same tool, as it is written for each subject of `tools`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NAME = "get_opening_hours"
EXPECTED = "08:00"
"""What the tool's right answer holds."""


@dataclass(frozen=True)
class Edit:
    """Text to write into a file, in front of `before`, or at its end where that is empty."""

    file: str
    before: str
    text: str


_MODEL = '''\
class OpeningHours(BaseModel):
    """When the desk is open."""

    opens: str
    closes: str


'''
_FUNCTION = '''\
async def get_opening_hours(day: Literal["weekday", "saturday"]) -> OpeningHours:
    """Tell when people answer at the desk."""
    return OpeningHours(opens="08:00", closes="18:00" if day == "weekday" else "12:00")


'''
_LITERAL = "from typing import Literal\n"

FASTAPI_MCP = (
    Edit("benchmarks/subjects/fastapi_route.py", "\nimport uvicorn", _LITERAL),
    Edit(
        "benchmarks/subjects/fastapi_route.py",
        "if __name__",
        f'{_MODEL}@app.get("/opening-hours", operation_id="{NAME}")\n{_FUNCTION}',
    ),
)
FASTMCP = (
    Edit("benchmarks/subjects/fastmcp_server.py", "\nimport uvicorn", _LITERAL),
    Edit(
        "benchmarks/subjects/fastmcp_server.py",
        "\nfrom benchmarks.subjects",
        "from pydantic import BaseModel\n",
    ),
    Edit("benchmarks/subjects/fastmcp_server.py", "def server", _MODEL + _FUNCTION),
    Edit("benchmarks/subjects/fastmcp_server.py", "    for number", f"    mcp.tool({NAME})\n"),
)
_KNOWLEDGE = "src/deskward/knowledge"
DESKWARD = (
    Edit(f"{_KNOWLEDGE}/models.py", "class ArticleVersion", _MODEL),
    Edit(f"{_KNOWLEDGE}/tools.py", "from typing import Annotated", _LITERAL),
    Edit(
        f"{_KNOWLEDGE}/tools.py",
        "\ntools = ToolGroup",
        "from deskward.knowledge.models import OpeningHours\n",
    ),
    Edit(
        f"{_KNOWLEDGE}/tools.py",
        "",
        '\n\n@tools.tool(scope="knowledge:read", risk=Risk.READ, rest="GET /opening-hours")\n'
        + _FUNCTION.replace("(day:", "(ctx: Context, day:"),
    ),
)


def apply(edits: Iterable[Edit], folder: Path) -> None:
    """Write edits into a copy of a subject.

    Raises:
        ValueError: A file no longer has the text in front of which something is to stand.
    """
    for edit in edits:
        path = folder / edit.file
        old = path.read_text(encoding="utf-8")
        if edit.before not in old:
            raise ValueError(f"{edit.file} has no {edit.before!r} any more")
        if edit.before:
            path.write_text(old.replace(edit.before, edit.text + edit.before, 1), encoding="utf-8")
        else:
            path.write_text(old + edit.text, encoding="utf-8")


def added_lines(before: str, after: str) -> int:
    """How many lines that are not blank were written to make one text of another."""
    difference = difflib.ndiff(before.splitlines(), after.splitlines())
    return sum(1 for line in difference if line.startswith("+ ") and line[2:].strip())
