"""What walks of a workflow can come to: its steps, its causes, and the answers that it reads.

All ways are gone at once: of each answer the values that stand for all, and of what is known of a
case (`environment`, `customer`, …) anything. Where that is too much, nothing is said.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deskward.core.conditions import condition
from deskward.diagnostics.agreeing import can_agree
from deskward.diagnostics.composing import resolved
from deskward.diagnostics.loading import Place
from deskward.diagnostics.outcomes import limits, outcomes
from deskward.diagnostics.workflow import Branch, Fragment, Step, Workflow

MOST = 30_000
"""Answers that are tried."""
MOST_OPEN = 6
"""Conditions of a step that can both hold and fail at once."""

Found = Iterator[tuple[Place, str]]


class TooMuch(Exception):
    """There are too many ways."""


@dataclass(frozen=True)
class _At:
    """Where a way is, and what of it counts for where it can lead.

    Attributes:
        fragment: The number of the fragment.
        applied: The conditions by which fragments are in.
        values: The answers that are still read.
        evidence: Cause, step, and whether it speaks for it, of the causes still led to.
        visits: How often the steps of a circle were come to.
    """

    fragment: int
    step: str
    applied: frozenset[str] = frozenset()
    values: frozenset[tuple[str, Any]] = frozenset()
    evidence: frozenset[tuple[str, str, bool]] = frozenset()
    visits: frozenset[tuple[str, int]] = frozenset()


@dataclass
class _Seen:
    """What ways have come to.

    Attributes:
        steps: Fragment, step.
        taken: Place of a branch to a cause → whether that could be stated.
        unsupported: The branches to a cause that were taken with no evidence for it.
        read: Place of a condition, and a name in it → whether that was answered.
    """

    steps: set[tuple[int, str]] = field(default_factory=set)
    taken: defaultdict[Place, bool] = field(default_factory=lambda: defaultdict(bool))
    unsupported: set[Place] = field(default_factory=set)
    read: defaultdict[tuple[Place, str], bool] = field(default_factory=lambda: defaultdict(bool))


def unreached(workflow: Workflow, known: Mapping[str, Workflow]) -> Found:
    """What no answers lead to in a workflow in whose files nothing else is wrong."""
    wholes = [resolved(workflow, one, known)[1] for one in workflow.fragments]
    try:
        seen = _Ways(workflow, wholes).seen()
    except TooMuch:
        return
    for number, (told, whole) in enumerate(zip(workflow.fragments, wholes, strict=True)):
        place: Place = ("fragments", number)
        if (number, whole.steps[0].id) not in seen.steps:
            yield place, f"no answers lead to the fragment “{told.id}”"
            continue
        for at, step in enumerate(whole.steps):
            if told.include is None and (number, step.id) not in seen.steps:
                yield (*place, "steps", at), f"no answers lead to the step “{step.id}”"
    own = {number for number, one in enumerate(workflow.fragments) if one.include is None}
    for place, stated in seen.taken.items():
        if not stated and place[1] in own:
            why = "no finding speaks for it"
            if place not in seen.unsupported:
                why = "a finding on each way here speaks against it, too"
            yield place, f"the cause can never be stated here: {why}"
    for (place, name), answered in seen.read.items():
        if not answered and (place[1] in own or len(place) == 3):
            yield place, f"the condition reads “{name}”, which is never answered on a way here"


class _Ways:
    def __init__(self, workflow: Workflow, wholes: Sequence[Fragment]) -> None:
        self._fragments = workflow.fragments
        self._wholes = wholes
        self._steps = {step.id: step for one in wholes for step in one.steps}
        self._found = _Seen()
        self._samples = {
            step.id: _samples(step, _conditions(workflow, wholes)) for step in self._steps.values()
        }
        self._read: list[frozenset[str]] = []
        self._causes: list[frozenset[str]] = []
        read: set[str] = set()
        causes: set[str] = set()
        for told, whole in zip(reversed(workflow.fragments), reversed(wholes), strict=True):
            for source in (one for step in whole.steps for one in step.conditions):
                read |= condition(source).names
            causes |= {one.cause for step in whole.steps for one in step.next if one.cause}
            self._read.insert(0, frozenset(read))
            self._causes.insert(0, frozenset(causes))
            if told.when is not None:
                read |= condition(told.when).names
        self._circles = [_goes_round(one) for one in wholes]
        self._outcomes: dict[tuple[str, tuple[Any, ...]], frozenset[bool]] = {}

    def seen(self) -> _Seen:
        """What all ways come to.

        Raises:
            TooMuch: They are too many.
        """
        waiting = list(self._next(-1, frozenset(), {}, frozenset()))
        known = set(waiting)
        tried = 0
        while waiting:
            at = waiting.pop()
            self._found.steps.add((at.fragment, at.step))
            step = self._steps[at.step]
            self._note(at, step)
            for sample in self._samples[step.id]:
                tried += 1
                if tried > MOST:
                    raise TooMuch
                for after in self._answered(at, step, sample):
                    if after not in known:
                        known.add(after)
                        waiting.append(after)
        return self._found

    def _answered(self, at: _At, step: Step, sample: Any) -> Iterator[_At]:
        values = {**dict(at.values), step.id: sample}
        can = {source: self._can(source, values) for source in step.conditions}
        either = [source for source, found in can.items() if len(found) > 1]
        if len(either) > MOST_OPEN:
            raise TooMuch
        settled = {source: found == {True} for source, found in can.items()}
        for chosen in itertools.product((True, False), repeat=len(either)):
            holds = {**settled, **dict(zip(either, chosen, strict=True))}
            evidence = {one for one in at.evidence if one[1] != step.id}
            for finding in step.findings:
                if holds[finding.when]:
                    evidence |= {(cause, step.id, True) for cause in finding.supports}
                    evidence |= {(cause, step.id, False) for cause in finding.rules_out}
            number, branch = next(
                (number, one)
                for number, one in enumerate(step.next)
                if one.when is None or holds[one.when]
            )
            if branch.cause is not None:
                self._conclude(self._place(at, step, "next", number), branch.cause, evidence)
            else:
                yield from self._led(at, branch, values, frozenset(evidence))

    def _led(
        self,
        at: _At,
        branch: Branch,
        values: Mapping[str, Any],
        evidence: frozenset[tuple[str, str, bool]],
    ) -> Iterator[_At]:
        if branch.go is not None:
            visits = dict(at.visits)
            if visits.get(branch.go, 0) < self._steps[branch.go].visits:
                if self._circles[at.fragment]:
                    visits[branch.go] = visits.get(branch.go, 0) + 1
                after = replace(at, step=branch.go, visits=frozenset(visits.items()))
                yield self._short(after, values, evidence)
                return
        elif branch.done is None:
            return
        yield from self._next(at.fragment, at.applied, values, evidence)

    def _next(
        self,
        before: int,
        applied: frozenset[str],
        values: Mapping[str, Any],
        evidence: frozenset[tuple[str, str, bool]],
    ) -> Iterator[_At]:
        """The beginnings of the fragments that can come next."""
        if (number := before + 1) == len(self._wholes):
            return
        told, passed = self._fragments[number], False
        within = applied
        if told.applies is not None:
            passed, within = True, applied | {told.applies}
        if can_agree(within):
            holds = frozenset((True,))
            if told.when is not None:
                holds = self._can(told.when, values)
                self._note_names(("fragments", number, "when"), told.when, values)
            passed |= False in holds
            if True in holds:
                first = self._wholes[number].steps[0].id
                visits = frozenset({(first, 1)}) if self._circles[number] else frozenset()
                at = _At(number, first, within, visits=visits)
                yield self._short(at, values, evidence)
        if passed:
            yield from self._next(number, applied, values, evidence)

    def _short(
        self, at: _At, values: Mapping[str, Any], evidence: frozenset[tuple[str, str, bool]]
    ) -> _At:
        """A place without what no longer counts: ways that differ in that alone are one."""
        read, causes = self._read[at.fragment], self._causes[at.fragment]
        round_ = self._circles[at.fragment]
        return replace(
            at,
            values=frozenset((name, value) for name, value in values.items() if name in read),
            evidence=frozenset(
                (cause, step if round_ else "", supports)
                for cause, step, supports in evidence
                if cause in causes
            ),
        )

    def _can(self, source: str, values: Mapping[str, Any]) -> frozenset[bool]:
        key = source, tuple(values.get(name) for name in sorted(condition(source).names))
        if key not in self._outcomes:
            self._outcomes[key] = outcomes(source, self._steps, values)
        return self._outcomes[key]

    def _conclude(self, place: Place, cause: str, evidence: set[tuple[str, str, bool]]) -> None:
        about = {supports for name, _, supports in evidence if name == cause}
        self._found.taken[place] |= about == {True}
        if True not in about:
            self._found.unsupported.add(place)

    def _place(self, at: _At, step: Step, *more: str | int) -> Place:
        number = self._wholes[at.fragment].steps.index(step)
        return ("fragments", at.fragment, "steps", number, *more)

    def _note(self, at: _At, step: Step) -> None:
        answered = {**dict(at.values), step.id: True}
        told = [("findings", number, one.when) for number, one in enumerate(step.findings)]
        told += [("next", number, one.when) for number, one in enumerate(step.next) if one.when]
        for kind, number, source in told:
            self._note_names(self._place(at, step, kind, number, "when"), source, answered)

    def _note_names(self, place: Place, source: str, answered: Mapping[str, Any]) -> None:
        for name in condition(source).names & self._steps.keys():
            self._found.read[place, name] |= name in answered


def _conditions(workflow: Workflow, wholes: Sequence[Fragment]) -> list[str]:
    found = [one for whole in wholes for step in whole.steps for one in step.conditions]
    return found + [one.when for one in workflow.fragments if one.when is not None]


def _samples(step: Step, sources: Sequence[str]) -> Sequence[Any]:
    """The values that stand for all that a step can be answered with."""
    if step.answer.type == "text":
        return ("a text",)
    if step.answer.type != "number":
        return tuple(step.answer.samples)
    least, most = step.answer.least, step.answer.most
    named = set().union(
        *(limits(one, step.id) for one in sources if step.id in condition(one).names)
    )
    edges = sorted({least, most, *(one for one in named if least < one < most)})
    between = [(one + other) / 2 for one, other in itertools.pairwise(edges)]
    if step.answer.whole:
        between = [float(math.floor(one)) for one in between]
        edges = [one for one in edges if one == int(one)]
    return sorted({*edges, *between})


def _goes_round(fragment: Fragment) -> bool:
    """Whether a step of a fragment can be come to more than once."""
    return any(step.visits > 1 for step in fragment.steps)
