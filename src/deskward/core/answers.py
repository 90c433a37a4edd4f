"""What the answer of a tool says about its call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

PENDING = "pending_approval"
"""The `status` of the receipt of a call that waits for a person."""

TO_CONFIRM = "confirmation_needed"
"""The `status` of the receipt of a call that waits for the customer's own yes."""

BLOCKS = "mcp_content"
"""The field of an outside tool's answer with what of it is no text, as MCP's content blocks."""
_DATA = ("data", "blob")

CallStatus = Literal["ok", "confirm", "pending", "error"]
"""`confirm`: it waits for the customer's yes; `pending`: for another person."""


def without_data(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer for a language model: of pictures, sound and files only that they are there."""
    if not isinstance(blocks := answer.get(BLOCKS), list):
        return answer
    return {**answer, BLOCKS: [_bare(block) for block in blocks]}


def _bare(block: Any) -> Any:
    if not isinstance(block, dict):
        return block
    found = {name: _bare(value) for name, value in block.items() if name not in _DATA}
    sizes = [len(value) * 3 // 4 for name in _DATA if isinstance(value := block.get(name), str)]
    return {**found, "bytes": sum(sizes)} if sizes else found


def status_of(answer: Mapping[str, Any]) -> CallStatus:
    """What came of the call that a tool, or the gate in its place, answered so."""
    if answer.get("status") == PENDING:
        return "pending"
    named = (answer.get("confirmation_id"), answer.get("question"))
    if answer.get("status") == TO_CONFIRM and all(isinstance(name, str) for name in named):
        return "confirm"
    if answer.get("success") is False and isinstance(answer.get("error"), Mapping):
        return "error"
    return "ok"
