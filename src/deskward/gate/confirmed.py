"""Calls that their customer has confirmed: judged once more, and made at most once."""

from __future__ import annotations

from dataclasses import replace

from deskward.core.errors import NotFound, OutcomeUnknown, UnknownTool
from deskward.gate import effects
from deskward.gate.approved import WaitedCall
from deskward.gate.call import Gate
from deskward.gate.confirmations import Confirmation, ConfirmationVoid
from deskward.gate.context import Context
from deskward.gate.outcome import Call, Outcome
from deskward.gate.policy.engine import Verdict
from deskward.gate.run import answer_of
from deskward.gate.waiting import Status


async def run_confirmed(gate: Gate, confirmation_id: str, context: Context) -> Outcome:
    """Make a call that its customer has said yes to: at most once, however often this is asked.

    Facts, record and policies count as they are now; only that the customer had to be asked counts
    as answered. Raises nothing of its own.

    Args:
        context: Whose call it is, as it would be made now.
    """
    try:
        found = await gate.confirmations.get(gate.database.reader, context.tenant, confirmation_id)
        tool = gate.tools.get(found.tool)
        if tool is None:
            raise UnknownTool(f"There is no tool {found.tool!r} any more.")
    except (NotFound, UnknownTool) as error:
        return Outcome("error", "", context.request_id, error)
    context = replace(context, confirmation_id=found.id, secrets=None)
    call = gate.call_of(tool, context, effects.DeskKey("confirmation", found.id))

    async def run() -> Outcome:
        assert call.key is not None
        if first := await gate.runner.first_answer(tool.name, context, call.key):
            return first
        return await _make(gate, call, found)

    outcome = await gate.guarded(call, run)
    if found.status == "approved":
        await _record(gate, found, outcome)
    return outcome


async def _make(gate: Gate, call: Call, found: Confirmation) -> Outcome:
    principal = call.context.principal
    if (found.principal, found.session_id) != (principal.label, call.context.session_id):
        raise NotFound("confirmation", found.id)
    if found.status == "unknown":
        raise OutcomeUnknown("Whether this was done is not known. A person has to look.")
    if found.status != "approved":
        raise ConfirmationVoid("The customer has not said yes to this, or it was made already.")
    judging = _ConfirmedCall(
        gate, call, found, gate.confirmations.arguments(found), ConfirmationVoid
    )
    return await gate.runner.act(call, judging.values, judging)


class _ConfirmedCall(WaitedCall):
    """A call that its customer has said yes to: all is judged as it is now."""

    def verdict(self) -> Verdict:
        """What policy says of a call that is confirmed: `allow` or `ask`.

        Raises:
            ConfirmationVoid: Policies or record have changed.
            Forbidden: Policy refuses the call.
        """
        self.check()
        said = self.pending.came_from.facts.get("own_words", False)
        # What was given is not there any more.
        return self.judge({**self.facts(), "own_words": said})


async def _record(gate: Gate, found: Confirmation, outcome: Outcome) -> None:
    status: Status = "done"
    if outcome.error is not None:
        status = "unknown" if isinstance(outcome.error, OutcomeUnknown) else "failed"
    async with gate.database.transaction() as transaction:
        await gate.confirmations.finish(transaction, found.id, status, outcome.text)
        key = found.came_from.key
        if key and status == "done":  # whoever repeats the call is told what came of it
            effect = effects.Effect(found.tenant_id, found.principal, key, "", found.tool, "")
            await effect.finish(transaction, answer_of(outcome.status, outcome.json))
