"""Calls that a person has approved: checked once more, and made at most once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, Forbidden, InvalidInput, NotFound, UnknownTool
from deskward.core.locking import locking
from deskward.gate.approvals import ApprovalVoid
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey
from deskward.gate.judging import Judging, refusal
from deskward.gate.outcome import Call, Outcome
from deskward.gate.policy.engine import Decision, Verdict
from deskward.gate.readings import Reading
from deskward.gate.waiting import PendingCall, Void, canonical
from deskward.security.key_rows import stands


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
        if first := await gate.runner.first_answer(
            call.tool, call.tool.name, call.context, call.key
        ):
            return first
        judging = _ApprovedCall(gate, call, pending)
        return await gate.runner.act(call, judging.values, judging)

    return await gate.guarded(call, run)


async def check_approval(gate: Gate, pending: PendingCall, context: Context) -> None:
    """Whether a call could be made now, if a person approved it.

    Args:
        context: The decision's, in whose transaction the record is looked at.

    Raises:
        ApprovalVoid: The call, the policies or the record were changed, or it is too late.
        Forbidden: Policy refuses it, even after a person has looked.
        UnknownTool: Its tool is gone.
    """
    call = _call_of(gate, pending)
    if call is None:
        raise UnknownTool(f"There is no tool {pending.tool!r} any more.")
    judging = _ApprovedCall(gate, call, pending)
    if call.tool.server is None:
        await judging.look(replace(call.context, _db=locking(context.db), _ports=context._ports))
    elif pending.record is not None:
        # Nobody waits for a server in a transaction; it is asked when the call is made.
        call.record = pending.facts_of_record
    await judging.check_requester(context.db)
    if call.tool.counted:
        await judging.reckon(context.db)
    judging.verdict()


async def why_void(gate: Gate, pending: PendingCall, context: Context) -> str | None:
    """Why a call that waits could not be made any more as things are; None where it could.

    It is for lists: nothing is locked, and what was spent meanwhile is judged when it is decided.

    Args:
        context: The reader's, with whose database the record is looked at.
    """
    try:
        call = _call_of(gate, pending)
        if call is None:
            return f"There is no tool {pending.tool!r} any more."
        judging = _ApprovedCall(gate, call, pending)
        if call.tool.server is None:
            await judging.look(replace(call.context, _db=context.db, _ports=context._ports))
        else:
            call.record = pending.facts_of_record if pending.record is not None else None
            await judging.check_requester(context.db)
        judging.verdict()
    except (Conflict, Forbidden, InvalidInput, NotFound) as error:
        return error.message
    return None


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
        reading=Reading(origin.facts.get("taint", ())),
    )
    return gate.call_of(tool, context, DeskKey("approval", pending.id))


class WaitedCall(Judging):
    """A call that has waited for somebody, and is made if all is as it was."""

    def __init__(
        self,
        gate: Gate,
        call: Call,
        pending: PendingCall,
        arguments: dict[str, Any],
        void: type[Void],
    ) -> None:
        """Look at all that needs no transaction.

        Args:
            arguments: The exact ones.
            void: What is raised where something is not as it was.

        Raises:
            Void: The call was changed.
        """
        values = gate.validate(call, arguments, strict=True)
        if gate.runner.digest(call, values) != pending.digest:
            raise void("This call is not as it was asked for: something of it was changed.")
        super().__init__(gate, call, values)
        self.pending = pending
        self._void = void

    async def look(self, context: Context) -> None:
        """Load the record, and see that who asked for the call may still make it.

        Raises:
            Void: Their key has ended.
        """
        await super().look(context)
        await self.check_requester(context.db)

    async def check_requester(self, db: Connection) -> None:
        """See that who asked for the call may still make it.

        Raises:
            Void: Their key has ended.
        """
        if not await stands(db, self.call.context.principal):
            raise self._void("Whoever asked for this call may not call any more: their key ended.")

    def decided_otherwise(self) -> bool:
        """Whether the policies of now would say something else to what was asked for then."""
        return True

    def check(self) -> None:
        """Whether the policies and the record are what they were.

        Raises:
            Void: They are not.
        """
        if self.pending.policy_version != self.rules.policy.version and self.decided_otherwise():
            raise self._void("The policies have changed. The call has to be asked for again.")
        record = self.call.record
        if (canonical(record) if record is not None else None) != self.pending.record:
            raise self._void("The record has changed. The call has to be asked for again.")


class _ApprovedCall(WaitedCall):
    """A call that another person has approved, or is about to."""

    def __init__(self, gate: Gate, call: Call, pending: PendingCall) -> None:
        if pending.expires_at <= now():
            raise ApprovalVoid("This call has waited too long. It has to be asked for again.")
        super().__init__(gate, call, pending, gate.approvals.arguments(pending), ApprovalVoid)

    def decided_otherwise(self) -> bool:
        """Whether the policies of now would not, or for other reasons, ask a person."""
        pending = self.pending
        facts, principal = pending.came_from.facts, self.call.context.principal
        decision = self.rules.policy.judge(self.call.tool, principal, facts)
        return decision != Decision(Verdict.ASK, tuple(pending.policies))

    async def look(self, context: Context) -> None:
        """Load the record, and see that the call still waits, and for whom.

        It goes with the customer whom it is about, or who asked for it, when they are erased.

        Raises:
            ApprovalVoid: It does not, or their key has ended.
            NotFound: It is gone.
        """
        pending = self.pending
        held = await self.rules.approvals.get(context.db, pending.tenant_id, pending.id)
        if held.status != pending.status:
            raise ApprovalVoid(f"This call is {held.status} already.")
        await super().look(context)

    def verdict(self) -> Verdict:
        """`allow`, if policy lets the call through now that a person has looked.

        Raises:
            ApprovalVoid: Policies or record have changed.
            Forbidden: Policy refuses it, even after a person has looked.
        """
        self.check()
        call = self.call
        # What was done since it was asked for counts, too.
        since = {"today": self.today} if self.today is not None else {}
        verdict = self.judge({**self.pending.came_from.facts, **since})
        allowed = self.rules.policy.may_use(call.tool, call.context.principal)
        if verdict is Verdict.CONFIRM or not allowed:
            assert call.decision is not None
            raise refusal(call.decision, call.context.principal, call.facts)
        return Verdict.ALLOW
