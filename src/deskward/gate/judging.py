"""Judging a call: by the record as it is when the call acts, and not as it was some time before.

What changes anything is judged inside its own transaction, after the rows that it is judged by are
locked. Between the judgement and the deed nobody can change them, so that of any number of calls
that come at once no more than policy allows get through.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any, Protocol

from pydantic_core import to_json

from deskward.core.answers import PENDING, TO_CONFIRM
from deskward.core.database import Connection, now
from deskward.core.errors import Forbidden, NotFound
from deskward.gate.approvals import Approvals
from deskward.gate.confirmations import Confirmations
from deskward.gate.context import Context
from deskward.gate.counters import Facts, Spent, counted, today
from deskward.gate.effects import stored
from deskward.gate.facts import about_whom, facts_of
from deskward.gate.outcome import Call, exact
from deskward.gate.policy.engine import Decision, Policy, Verdict
from deskward.gate.questions import question_of
from deskward.gate.waiting import Asked, Origin, label_of
from deskward.security.principals import Kind, Principal

log = logging.getLogger(__name__)


class Rules(Protocol):
    """What calls are judged by, as it is at the moment, and where they wait."""

    policy: Policy
    shadow: Policy | None
    zone: tzinfo
    approvals: Approvals
    confirmations: Confirmations

    async def load_reading(self, call: Call, /) -> None:
        """Know what the caller has read, in whatever process."""
        ...

    async def load_autonomy(self, call: Call, /) -> None:
        """Know how much an agent may do alone."""
        ...


class Judging(ABC):
    """How one call is judged. `Runner` has it done at the moment that its tool's risk asks for."""

    def __init__(self, rules: Rules, call: Call, values: Mapping[str, Any]) -> None:
        """Make one.

        Args:
            values: The arguments as the tool takes them.
        """
        self.rules = rules
        self.call = call
        self.values = values
        self.today: Facts | None = None
        """What was done today, with this call; of a tool whose calls are not counted None."""

    async def look(self, context: Context) -> None:
        """Load what the caller has read, and the record, if policies should see it.

        Args:
            context: Its `db` is the call's transaction, or of what only reads the reader.
        """
        await self.rules.load_reading(self.call)
        if self.call.tool.facts is not None and self.call.record is None:
            self.call.record = await self.call.tool.facts(context, self.values)
        await self.rules.load_autonomy(self.call)

    async def reckon(self, db: Connection, *, again: bool = False) -> None:
        """Load what was done today, of a tool whose calls are counted.

        Args:
            db: The call's transaction, which nobody else counts in meanwhile.
            again: Whether the call was made before, and is counted already.
        """
        call = self.call
        record, principal = call.record or {}, call.context.principal
        spends = call.tool.spends
        call.counted = counted(
            call.tool.scope,
            principal,
            about_whom(principal, call.arguments or {}, call.record),
            now().astimezone(self.rules.zone).date(),
            spends(self.values, record) if spends is not None else Spent(0, ""),
        )
        self.today = await today(db, call.counted, with_it=not again)

    @abstractmethod
    def verdict(self) -> Verdict:
        """What policy says, knowing what was looked at; never `deny`.

        Raises:
            Forbidden: Policy refuses the call.
        """

    def facts(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What policies know of the call now, see `facts_of`."""
        call = self.call
        assert call.arguments is not None
        readable = {k: v for k, v in call.arguments.items() if k not in call.tool.secret}
        moment = now().astimezone(self.rules.zone)
        found = facts_of(call.tool, call.context, readable, call.record, moment, given=given)
        found |= call.autonomy
        return found if self.today is None else {**found, "today": self.today}

    def judge(self, facts: Mapping[str, Any]) -> Verdict:
        """What the policies say of the call, which is noted with it.

        Raises:
            Forbidden: They refuse it.
        """
        call, policy, shadow = self.call, self.rules.policy, self.rules.shadow
        call.facts = facts
        call.policy_version = policy.version
        call.decision = policy.judge(call.tool, call.context.principal, facts)
        if shadow is not None:
            call.shadow = _dissent(shadow, call)
        if call.decision.errors:
            log.error("policy failed for %s: %s", call.tool.name, "; ".join(call.decision.errors))
        if call.decision.verdict is Verdict.DENY:
            raise refusal(call.decision, call.context.principal, facts)
        return call.decision.verdict

    async def wait(self, db: Connection, digest: str) -> str:
        """Store the call until its customer or another person has answered; gives its receipt.

        Args:
            digest: Of the exact call.
        """
        call = self.call
        assert call.decision is not None
        assert call.policy_version is not None
        facts = call.facts or {}
        key = stored(call.key) if call.key is not None else None
        asked = Asked(
            tool=call.tool.name,
            principal=call.context.principal,
            arguments=exact(call, self.values),
            shown=call.arguments or {},
            digest=digest,
            record=call.record,
            about=facts.get("about"),
            policies=call.decision.policies,
            policy_version=call.policy_version,
            origin=Origin.of(call.context, facts, key),
        )
        if call.decision.verdict is Verdict.CONFIRM:
            return await self._ask_customer(db, asked)
        pending = await self.rules.approvals.request(db, asked)
        return to_json(
            {
                "status": PENDING,
                "approval_id": pending.approval_id,
                "label": label_of(call.record, facts.get("about")),
                "message": "A person has to approve this before it is done.",
                "policies": call.decision.policies,
                "expires_at": pending.expires_at,
            }
        ).decode()

    async def _ask_customer(self, db: Connection, asked: Asked) -> str:
        call = self.call
        tool, influence = call.tool, call.context.influence
        bound = tool.bound if call.context.principal.kind is Kind.CUSTOMER else frozenset()
        shown = {name: value for name, value in asked.shown.items() if name not in bound}
        said = influence.said if influence is not None else ()
        answers = tool.wish.answers if tool.wish is not None else ""
        question = question_of(tool.asks, tool.title, shown, call.record, said, answers)
        waits = await self.rules.confirmations.request(db, asked, question)
        return to_json(
            {
                "status": TO_CONFIRM,
                "confirmation_id": waits.id,
                "question": waits.question,
                "tool": tool.name,
                "arguments": shown,
                "label": label_of(call.record, asked.about),
                "message": "Nothing is done yet: the customer is asked, and has to say yes.",
                "policies": asked.policies,
                "expires_at": waits.expires_at,
            }
        ).decode()


class NewCall(Judging):
    """A call as somebody makes it now."""

    def __init__(
        self, rules: Rules, call: Call, values: Mapping[str, Any], given: Mapping[str, Any]
    ) -> None:
        """Make one.

        Args:
            given: The arguments as the caller gave them.
        """
        super().__init__(rules, call, values)
        self._given = given

    def verdict(self) -> Verdict:
        """What policy says.

        Raises:
            Forbidden: It refuses the call, or has it wait where it may not.
        """
        verdict, decision = self.judge(self.facts(self._given)), self.call.decision
        if verdict is Verdict.ALLOW or self.call.context.waits:
            return verdict
        assert decision is not None
        raise Forbidden(
            "Another person has to approve this. Ask for it by itself, as a call of its own.",
            details={"policies": list(decision.policies)},
        )


def _dissent(shadow: Policy, call: Call) -> dict[str, Any] | None:
    """What other policies say of a call, where it is something else."""
    assert call.facts is not None
    assert call.decision is not None
    other = shadow.judge(call.tool, call.context.principal, call.facts)
    if other.verdict is call.decision.verdict:
        return None
    log.warning(
        "policies %s in shadow would %s %s, which %s",
        *(shadow.version, other.verdict.value, call.tool.name, call.decision.verdict.value),
    )
    return {"version": shadow.version, "verdict": other.verdict, "policies": other.policies}


def refusal(
    decision: Decision, principal: Principal, facts: Mapping[str, Any] | None = None
) -> Forbidden | NotFound:
    """The error of a call that policy refuses.

    To a customer, a record of somebody else's is as if it were not there.

    Args:
        facts: What the call was judged by.
    """
    record, arguments = (facts or {}).get("record", {}), (facts or {}).get("args", {})
    if principal.kind is Kind.CUSTOMER and record.get("owner", principal.id) != principal.id:
        for name, value in arguments.items():
            if name.endswith("_id") and value == record.get("id"):
                return NotFound(name.removesuffix("_id"), str(value))
    return Forbidden(
        "This is not allowed. Ask a person at support if it should be.",
        details={"policies": list(decision.policies) or ["default-deny"]},
    )
