"""Asking the customer through their MCP client, before a call is made on their behalf.

2026-07-28: the result says what input is required, and the client sends the call again with the
answer. 2025-11-25: the server asks in the middle of the call (`elicitation/create`). Either way the
client asks whoever sits before it, and not its model. What it answers counts for what a customer
may decide alone, and only with their own key; where a client cannot ask, the receipt is the result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from deskward.core.database import now
from deskward.core.errors import DeskwardError
from deskward.entrypoints.mcp.protocol import SERVER_INFO, SERVER_INFO_KEY
from deskward.gate.call import Gate
from deskward.gate.confirmations import NotConfirmed
from deskward.gate.confirmed import run_confirmed
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.security.principals import Kind, Principal

FIELD = "confirm"
ASKS = "-asks"
"""What the session id ends in of a client of 2025-11-25 that can ask."""
LOOK = 0.2
"""Seconds between looks whether an answer has come, perhaps to another process."""
SCHEMA = {
    "type": "object",
    "properties": {FIELD: {"type": "boolean", "title": "Yes, do exactly this"}},
    "required": [FIELD],
}


def can_ask(capabilities: Any, principal: Principal) -> bool:
    """Whether a client can ask the customer, and the answer would be theirs."""
    asks = capabilities.get("elicitation") if isinstance(capabilities, dict) else None
    return isinstance(asks, dict) and (not asks or "form" in asks) and is_own(principal)


def is_own(principal: Principal) -> bool:
    """Whether a caller is a customer by their own key, whose client's answer is theirs."""
    return principal.kind is Kind.CUSTOMER and principal.via is None


def question(outcome: Outcome) -> dict[str, Any]:
    """The request with which a client is to ask."""
    params = {"message": outcome.value["question"], "requestedSchema": SCHEMA}
    return {"method": "elicitation/create", "params": {"mode": "form", **params}}


def input_required(outcome: Outcome) -> bytes:
    """The result of a call of 2026-07-28 whose customer is to be asked."""
    return to_json(
        {
            "resultType": "input_required",
            "inputRequests": {FIELD: question(outcome)},
            "requestState": outcome.value["confirmation_id"],
            "_meta": {SERVER_INFO_KEY: SERVER_INFO},
        }
    )


def answer_in(params: Mapping[str, Any]) -> tuple[str, bool | None] | None:
    """The confirmation that a call of 2026-07-28 answers, and how; None where it answers none."""
    responses, state = params.get("inputResponses"), params.get("requestState")
    answer = responses.get(FIELD) if isinstance(responses, dict) else None
    if not isinstance(state, str) or not isinstance(answer, dict):
        return None
    return state, says(answer)


def says(answer: Mapping[str, Any]) -> bool | None:
    """What an `ElicitResult` says: yes, no, or neither, where somebody closed the question."""
    if answer.get("action") == "cancel":
        return None
    content = answer.get("content")
    agreed = isinstance(content, dict) and content.get(FIELD) is True
    return answer.get("action") == "accept" and agreed


async def when_answered(gate: Gate, asked: Outcome, context: Context) -> Outcome:
    """What comes of a call once its customer has answered; the receipt again where they do not."""
    key = asked.value["confirmation_id"]
    while True:
        try:
            found = await gate.confirmations.get(gate.database.reader, context.tenant, key)
        except DeskwardError as error:
            return Outcome("error", "", context.request_id, error)
        if found.status == "denied":
            said_no = NotConfirmed("The customer said no. Nothing was done.")
            return Outcome("error", "", context.request_id, said_no)
        if found.status != "pending":
            return await run_confirmed(gate, key, context)
        if found.expires_at <= now():
            return asked
        await asyncio.sleep(LOOK)
