"""Calls that their customer has confirmed: judged once more, and made at most once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deskward.core.database import Connection
from deskward.core.errors import DeskwardError, NotFound, OutcomeUnknown, UnknownTool
from deskward.gate import effects
from deskward.gate.approved import WaitedCall
from deskward.gate.call import Gate
from deskward.gate.confirmations import (
    Confirmation,
    ConfirmationVoid,
    How,
    NotConfirmed,
    answer_entry,
)
from deskward.gate.context import Context
from deskward.gate.judging import refusal
from deskward.gate.outcome import Call, Outcome
from deskward.gate.policy.engine import Decision, Verdict
from deskward.gate.run import answer_of
from deskward.gate.waiting import Status
from deskward.security.key_rows import stands


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
        if first := await gate.runner.first_answer(tool, tool.name, context, call.key):
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
    if not gate.policy.may_use(call.tool, principal):
        raise refusal(Decision(Verdict.DENY, (f"scope:{call.tool.scope}",)), call.context.principal)
    judging = _ConfirmedCall(
        gate, call, found, gate.confirmations.arguments(found), ConfirmationVoid
    )
    return await gate.runner.act(call, judging.values, judging)


class _ConfirmedCall(WaitedCall):
    """A call that its customer has said yes to: all is judged as it is now."""

    async def check_requester(self, db: Connection) -> None:
        """See that who was asked, and who answered, may still call.

        Raises:
            ConfirmationVoid: A key has ended.
        """
        await super().check_requester(db)
        if not await stands(db, self.pending.came_from.caller):
            raise ConfirmationVoid("Whoever was asked this may not call any more: their key ended.")

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


async def record_answer(
    gate: Gate, confirmation_id: str, context: Context, yes: bool, how: How
) -> None:
    """Record the answer to what was asked outside any conversation.

    Args:
        context: Who answers: a person and no agent.
        how: How they do.

    Raises:
        NotFound: They were asked nothing of that id.
        Forbidden: Somebody else answers.
        Conflict: It was answered before, or it is too late.
    """
    found = await gate.confirmations.get(gate.database.reader, context.tenant, confirmation_id)
    gate.confirmations.check(found, context)
    entry = answer_entry(gate.ledger, found, context, yes, how)
    async with gate.database.transaction([entry]) as transaction:
        await gate.confirmations.answer(transaction, found, yes, how)


async def take_answer(
    gate: Gate,
    confirmation_id: str,
    context: Context,
    yes: bool,
    how: How,
    *,
    of: tuple[str, Mapping[str, Any]] | None = None,
) -> Outcome:
    """Take the answer to what was asked outside any conversation; a yes has the call made.

    Raises nothing of its own.

    Args:
        of: Tool and arguments of the call that is sent again with the answer: they must be those
            that were asked about.
    """
    try:
        if of is not None:
            await _same(gate, confirmation_id, context, *of)
        await record_answer(gate, confirmation_id, context, yes, how)
        if not yes:
            raise NotConfirmed("The customer said no. Nothing was done.")
    except DeskwardError as error:
        return Outcome("error", "", context.request_id, error)
    return await run_confirmed(gate, confirmation_id, context)


async def _same(
    gate: Gate, confirmation_id: str, context: Context, name: str, given: Mapping[str, Any]
) -> None:
    found = await gate.confirmations.get(gate.database.reader, context.tenant, confirmation_id)
    tool = gate.tools.get(name)
    if tool is None or name != found.tool:
        raise ConfirmationVoid("This is not the call that was asked about.")
    call = gate.call_of(tool, context, None)
    if gate.runner.digest(call, gate.validate(call, given, strict=True)) != found.digest:
        raise ConfirmationVoid("This is not the call that was asked about.")
