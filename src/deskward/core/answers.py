"""What the answer of a tool says about its call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

PENDING = "pending_approval"
"""The `status` of the receipt of a call that waits for a person."""

CallStatus = Literal["ok", "pending", "error"]
"""`pending`: it waits for a person."""


def status_of(answer: Mapping[str, Any]) -> CallStatus:
    """What came of the call that a tool, or the gate in its place, answered so."""
    if answer.get("status") == PENDING:
        return "pending"
    if answer.get("success") is False and isinstance(answer.get("error"), Mapping):
        return "error"
    return "ok"
