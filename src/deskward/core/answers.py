"""What the answer of a tool says about its call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

PENDING = "pending_approval"
"""The `status` of the receipt of a call that waits for a person."""

TO_CONFIRM = "confirmation_needed"
"""The `status` of the receipt of a call that waits for the customer's own yes."""

CallStatus = Literal["ok", "confirm", "pending", "error"]
"""`confirm`: it waits for the customer's yes; `pending`: for another person."""


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
