"""A call on its way through the gate, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from pydantic_core import from_json, to_json

from deskward.core.answers import CallStatus, without_data
from deskward.core.errors import DeskwardError, timestamp
from deskward.gate.context import Context
from deskward.gate.counters import Counted
from deskward.gate.effects import Key
from deskward.gate.ledger import chain as ledger
from deskward.gate.policy.engine import Decision
from deskward.gate.tool import Tool
from deskward.security.principals import Kind


@dataclass(frozen=True)
class Outcome:
    """What came of a call.

    Attributes:
        status: `ok`, `confirm` (it waits for the customer's yes), `pending` (for another person)
            or `error`.
        json: The answer as JSON text: the result, the pending receipt, or nothing on an error.
        error: The error, where there is one.
        request_id: What the call is known by in log and ledger.
        decision: What policy said, where it was asked.
        repeated: Whether this is the first answer again.
        sources: Whose texts the answer holds, as far as they are not the caller's own.
    """

    status: CallStatus
    json: str
    request_id: str
    error: DeskwardError | None = None
    decision: Decision | None = None
    repeated: bool = False
    sources: frozenset[str] = frozenset()

    @property
    def value(self) -> dict[str, Any]:
        """The answer as Python data; an error as the tools' error envelope."""
        if self.error is not None:
            return self.error.tool_envelope(self.request_id)
        data: dict[str, Any] = from_json(self.json)
        return data

    @property
    def told(self) -> dict[str, Any]:
        """The answer as a language model is told it."""
        return without_data(self.value)

    @property
    def text(self) -> str:
        """The answer as JSON text; an error as the tools' error envelope."""
        return to_json(self.value).decode() if self.error is not None else self.json


@dataclass
class Call:
    """A call on its way through the gate: what the ledger will say of it."""

    tool: Tool
    context: Context
    key: Key | None
    arguments: dict[str, Any] | None = None
    decision: Decision | None = None
    record: Mapping[str, object] | None = None
    facts: Mapping[str, Any] | None = None
    autonomy: Mapping[str, Any] = field(default_factory=dict)
    counted: Counted | None = None
    conversation: str | None = None
    policy_version: str | None = None
    shadow: Mapping[str, Any] | None = None
    """What the policies in shadow would have said, where it is something else."""
    sources: frozenset[str] = frozenset()
    """Whose texts its answer holds."""
    ended: bool = False
    """Whether the row of its end is made, which then gets into the ledger by itself."""

    def entry(self, status: str, result: str, error: DeskwardError | None = None) -> ledger.Entry:
        """The ledger's row; `result` is JSON text."""
        self.ended = status != "started"
        context, decision = self.context, self.decision
        principal = context.principal
        clear = {
            "at": timestamp(),
            "kind": "call",
            "door": context.door,
            "conversation": self.conversation,
            "turn_id": context.turn_id,
            "by": principal.label if principal.kind is not Kind.CUSTOMER else "customer",
            "agent": principal.agent,
            "via": principal.via,
            "tool": self.tool.name,
            "verdict": decision.verdict if decision else None,
            "policies": decision.policies if decision else (),
            "policy_version": self.policy_version,
            "shadow": self.shadow,
            "confirmation": context.confirmation_id,
            "approval": context.approval_id,
            "effect_id": context.effect_id or None,
            "status": status,
            "code": error.error_code if error else None,
        }
        private = to_json(
            {
                "principal": principal.facts,
                "request_id": context.request_id,  # a caller's own, and so whatever they wrote
                "session_id": context.session_id,
                "key": str(self.key) if self.key is not None else None,
                "arguments": self.arguments,
                "facts": self.facts,
                # For replays of turns; elsewhere they follow from the answer.
                **({"sources": sorted(self.sources)} if context.turn_id else {}),
            }
        )
        subjects = set(_subjects(self.record))
        if principal.kind is Kind.CUSTOMER:
            subjects.add(principal.id)
        if self.facts and (about := self.facts.get("about")):
            subjects.add(str(about))
        whole = b'%s,"result":%s}' % (private[:-1], result.encode())
        return ledger.Entry(principal.tenant, clear, whole, frozenset(subjects), context.to_keep)


def _subjects(record: Mapping[str, object] | None) -> list[str]:
    """The customers whom a record is about, besides its owner."""
    named = record.get("customers") if record else None
    return [str(name) for name in named] if isinstance(named, list) else []


def exact(call: Call, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as JSON, with secrets."""
    exact = {}
    for name, value in (call.arguments or {}).items():
        given = values.get(name)
        exact[name] = given.get_secret_value() if isinstance(given, SecretStr) else value
    return exact
