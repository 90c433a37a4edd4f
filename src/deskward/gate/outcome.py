"""A call on its way through the gate, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json, to_json

from deskward.core.errors import DeskwardError, timestamp
from deskward.gate import ledger
from deskward.gate.context import Context
from deskward.gate.policy import Decision
from deskward.gate.tool import Tool


@dataclass(frozen=True)
class Outcome:
    """What came of a call.

    Attributes:
        status: `ok`, `pending` (it waits for a person) or `error`.
        json: The answer as JSON text: the result, the pending receipt, or nothing on an error.
        error: The error, where there is one.
        request_id: What the call is known by in log and ledger.
        decision: What policy said, where it was asked.
        repeated: Whether this is the first answer again.
    """

    status: Literal["ok", "pending", "error"]
    json: str
    request_id: str
    error: DeskwardError | None = None
    decision: Decision | None = None
    repeated: bool = False

    @property
    def value(self) -> dict[str, Any]:
        """The answer as Python data; an error as the tools' error envelope."""
        if self.error is not None:
            return self.error.tool_envelope(self.request_id)
        data: dict[str, Any] = from_json(self.json)
        return data

    @property
    def text(self) -> str:
        """The answer as JSON text; an error as the tools' error envelope."""
        return to_json(self.value).decode() if self.error is not None else self.json


@dataclass
class Call:
    """A call on its way through the gate: what the ledger will say of it."""

    tool: Tool
    context: Context
    key: str | None
    arguments: dict[str, Any] | None = None
    decision: Decision | None = None
    record: Mapping[str, Any] | None = None

    def entry(self, status: str, result: str, error: DeskwardError | None = None) -> ledger.Entry:
        """The ledger's row; `result` is JSON text."""
        principal = self.context.principal
        head = to_json(
            {
                "at": timestamp(),
                "request_id": self.context.request_id,
                "door": self.context.door,
                "session_id": self.context.session_id,
                "turn_id": self.context.turn_id,
                "principal": principal.label,
                "agent": principal.agent,
                "via": principal.via,
                "tool": self.tool.name,
                "arguments": self.arguments,
                "verdict": self.decision.verdict if self.decision else None,
                "policies": self.decision.policies if self.decision else (),
                "effect_id": self.context.effect_id or None,
                "key": self.key,
                "status": status,
                "code": error.error_code if error else None,
            }
        ).decode()
        return ledger.Entry(principal.tenant, f'{head[:-1]},"result":{result}}}')
