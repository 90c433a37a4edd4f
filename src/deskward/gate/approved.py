"""Calls that a person has approved: checked once more, and made at most once."""

from __future__ import annotations

from typing import Any

from deskward.core.database import now
from deskward.core.errors import UnknownTool
from deskward.gate.approvals import ApprovalVoid
from deskward.gate.call import Gate, refusal
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey
from deskward.gate.outcome import Call, Outcome
from deskward.gate.policy.engine import Verdict
from deskward.gate.waiting import PendingCall, Void, canonical


async def run_approved(gate: Gate, pending: PendingCall) -> Outcome:
    """Make a call that a person has approved: at most once, however often this is asked.

    Args:
        pending: The call, whose status is `approved`.
    """
    call = _call_of(gate, pending)
    if call is None:
        error = UnknownTool(f"There is no tool {pending.tool!r} any more.")
        return Outcome("error", "", pending.id, error)

    async def run() -> Outcome:
        assert call.key is not None
        if first := await gate.runner.first_answer(call.tool.name, call.context, call.key):
            return first
        return await gate.runner.act(call, await _checked(gate, call, pending))

    return await gate.guarded(call, run)


async def check_approval(gate: Gate, pending: PendingCall) -> None:
    """Whether a call could be made now, if a person approved it.

    Raises:
        ApprovalVoid: The call, the policies or the record were changed, or it is too late.
        Forbidden: Policy refuses it, even after a person has looked.
        UnknownTool: Its tool is gone.
    """
    call = _call_of(gate, pending)
    if call is None:
        raise UnknownTool(f"There is no tool {pending.tool!r} any more.")
    await _checked(gate, call, pending)


def _call_of(gate: Gate, pending: PendingCall) -> Call | None:
    gate.approvals.arguments(pending)  # before anything of it is believed
    tool = gate.tools.get(pending.tool)
    if tool is None:
        return None
    origin = pending.came_from
    context = Context(
        principal=origin.caller,
        door=origin.door,
        request_id=origin.request_id,
        session_id=origin.session_id,
        turn_id=origin.turn_id,
        approval_id=pending.id,
    )
    return gate.call_of(tool, context, DeskKey("approval", pending.id))


async def _checked(gate: Gate, call: Call, pending: PendingCall) -> dict[str, Any]:
    """The arguments of a call that is to be made with an approval, if all is as it was."""
    if pending.expires_at <= now() and pending.status == "pending":
        raise ApprovalVoid("This call has waited too long. It has to be asked for again.")
    values = await as_it_was(gate, call, pending, gate.approvals.arguments(pending), ApprovalVoid)
    call.facts = pending.came_from.facts
    call.decision = gate.policy.judge(call.tool, call.context.principal, call.facts or {})
    if call.decision.verdict in (Verdict.DENY, Verdict.CONFIRM) or not gate.policy.may_use(
        call.tool, call.context.principal
    ):
        raise refusal(call.decision)
    return values


async def as_it_was(
    gate: Gate, call: Call, pending: PendingCall, arguments: dict[str, Any], void: type[Void]
) -> dict[str, Any]:
    """The arguments of a call that has waited, if policies and record are what they were.

    Args:
        arguments: The exact ones.
        void: What is raised where they are not.

    Raises:
        Void: They are not.
    """
    if pending.policy_version != gate.policy.version:
        raise void("The policies have changed. The call has to be asked for again.")
    values = gate.validate(call, arguments, strict=True)
    if gate.runner.digest(call, values) != pending.digest:
        raise void("This call is not as it was asked for: something of it was changed.")
    if call.tool.facts is not None:
        call.record = await call.tool.facts(gate.runner.reading(call.context), values)
    if (canonical(call.record) if call.record is not None else None) != pending.record:
        raise void("The record has changed. The call has to be asked for again.")
    return values
