"""What every tool shows of itself. A change shows here, in review.

Write the snapshots anew with `UPDATE_SNAPSHOTS=1 make test`, or
`UPDATE_SNAPSHOTS=1 .venv/bin/python -m pytest tests/whole/test_snapshots.py`.
"""

import json
import os
from pathlib import Path

import pytest

from deskward.entrypoints.mcp.protocol import listed
from deskward.gate.tool import Tool
from tests.conftest import CUSTOMER, STAFF
from tests.everything import GROUPS

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
TOOLS = [tool for group in GROUPS for tool in group.tools]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_a_tool_shows_what_it_showed(tool: Tool) -> None:
    shown = {
        **listed(tool, STAFF),
        "inputSchemaForCustomers": tool.input_schema(CUSTOMER),
        "scope": tool.scope,
        "risk": tool.risk.value,
        "rest": f"{tool.method} {tool.path}",
    }
    if tool.also:
        shown["also"] = [" ".join(address) for address in tool.also]
    text = json.dumps(shown, indent=2, ensure_ascii=False) + "\n"
    file = SNAPSHOTS / f"{tool.name}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, "see the head of this file"


def test_no_snapshot_is_left_of_a_tool_that_is_gone() -> None:
    assert {file.stem for file in SNAPSHOTS.glob("*.json")} == {tool.name for tool in TOOLS}
