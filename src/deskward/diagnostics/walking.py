"""Walking a plan: where a row of answers has led, and what it has shown.

A walk is nothing but its plan and its answers, so it can be taken back, stored, and taken up by
another process; all else follows from them, always the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from deskward.core.conditions import WrongCondition, condition
from deskward.diagnostics.composing import Part, Plan
from deskward.diagnostics.workflow import Branch, Finding, Step


@dataclass(frozen=True)
class Answered:
    """A step that was answered."""

    step: str
    value: Any


@dataclass(frozen=True)
class Evidence:
    """What an answer says about a cause.

    Attributes:
        number: Which answer of the walk it is, from 0.
        supports: Whether it speaks for the cause, or else against it.
        because: The condition that held.
    """

    cause: str
    step: str
    number: int
    supports: bool
    because: str


@dataclass(frozen=True)
class End:
    """How a walk ended.

    Attributes:
        cause: What is wrong, where that was found.
        specialist: Who has to look, where it was not.
        reason: Why it ended so.
    """

    kind: Literal["cause", "escalate", "solved"]
    cause: str | None = None
    specialist: str | None = None
    reason: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.cause or self.specialist)))


@dataclass
class Walk:
    """A plan and how far it was walked.

    Attributes:
        at: The step that waits for an answer; None at the end.
        part: The number of the part that it is of.
        visits: How often each step was come to.
        values: The latest answer of each step.
    """

    plan: Plan
    answered: list[Answered] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    at: Step | None = None
    part: int = -1
    end: End | None = None
    visits: Counter[str] = field(default_factory=Counter)
    values: dict[str, Any] = field(default_factory=dict)

    def answer(self, value: Any) -> None:
        """Go on with an answer to the step that waits.

        Raises:
            InvalidInput: It is not of the form that the step wants.
            ValueError: The walk has ended.
        """
        step = self.at
        if step is None:
            raise ValueError("the walk has ended")
        read = step.answer.read(value)
        number = len(self.answered)
        self.answered.append(Answered(step.id, read))
        self.values[step.id] = read
        # What the step's answer before this one showed is no longer so.
        self.evidence = [one for one in self.evidence if one.step != step.id]
        for finding in step.findings:
            if self._holds(finding.when):
                self.evidence += _evidence(finding, step.id, number)
        self._follow(next(one for one in step.next if one.when is None or self._holds(one.when)))

    def copy(self) -> Walk:
        """The same walk, of which one can go another way."""
        return replace(
            self,
            answered=list(self.answered),
            evidence=list(self.evidence),
            visits=self.visits.copy(),
            values=dict(self.values),
        )

    def _follow(self, branch: Branch) -> None:
        if branch.go is not None:
            target = next(one for one in self.plan.parts[self.part].steps if one.id == branch.go)
            if self.visits[target.id] < target.visits:
                self._come_to(target)
            else:
                self._next_part()
        elif branch.cause is not None:
            self._conclude(branch.cause)
        elif branch.escalate is not None:
            self._ended(End("escalate", specialist=branch.escalate, reason="The workflow says so."))
        elif branch.solved:
            self._ended(End("solved", reason="It was tried, and has helped."))
        else:
            self._next_part()

    def _conclude(self, cause: str) -> None:
        """End with a cause, if there is evidence for it and none against it."""
        supports = [one for one in self.evidence if one.cause == cause and one.supports]
        against = [one for one in self.evidence if one.cause == cause and not one.supports]
        if supports and not against:
            self._ended(End("cause", cause=cause, reason="The evidence supports it."))
            return
        title = self.plan.causes[cause].title
        found = "the evidence is against it, too" if against else "no evidence supports it"
        reason = f"“{title}” was supposed, and {found}."
        self._ended(End("escalate", specialist=self.plan.specialist, reason=reason))

    def _next_part(self) -> None:
        parts = self.plan.parts
        self.part += 1
        while self.part < len(parts) and not self._is_wanted(parts[self.part]):
            self.part += 1
        if self.part < len(parts):
            self._come_to(parts[self.part].steps[0])
        else:
            reason = "All was looked at, and no cause was found."
            self._ended(End("escalate", specialist=self.plan.specialist, reason=reason))

    def _is_wanted(self, part: Part) -> bool:
        return part.when is None or self._holds(part.when)

    def _come_to(self, step: Step) -> None:
        self.visits[step.id] += 1
        self.at = step

    def _ended(self, end: End) -> None:
        self.at, self.end = None, end

    def _holds(self, source: str) -> bool:
        try:
            return condition(source).holds(
                {**self._unanswered(), **self.plan.circumstances.values(), **self.values}
            )
        except WrongCondition:  # it compares with what was not answered on this way
            return False

    def _unanswered(self) -> dict[str, None]:
        return {step.id: None for part in self.plan.parts for step in part.steps}


def walk(plan: Plan, values: Sequence[Any] = ()) -> Walk:
    """Walk a plan with these answers, one for each step that is come to.

    Raises:
        InvalidInput: An answer is not of the form that its step wants.
        ValueError: There are more answers than steps.
    """
    begun = Walk(plan)
    begun._next_part()
    for value in values:
        begun.answer(value)
    return begun


def _evidence(finding: Finding, step: str, number: int) -> list[Evidence]:
    return [
        Evidence(cause, step, number, supports, finding.when)
        for causes, supports in ((finding.supports, True), (finding.rules_out, False))
        for cause in causes
    ]
