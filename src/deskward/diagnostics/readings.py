"""Reading the result of a test as the answer of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from deskward.core.conditions import WrongCondition, condition
from deskward.core.errors import InvalidInput
from deskward.diagnostics.loading import Place
from deskward.diagnostics.workflow import Step, Workflow

Tests = Callable[[str], bool]
"""Whether there is the test `suite.test`."""
_NAMES = frozenset({"passed", "seen", "environment"})
RAN = frozenset({"passed", "failed"})
"""Outcomes of tests that have looked, and so can answer."""


def answer_of(
    step: Step,
    outcome: str,
    seen: Mapping[str, Any],
    environment: Mapping[str, Any],
    by: str = "desk",
) -> Any:
    """What a test answers its step with; None where it leaves that open.

    Args:
        by: Who has looked; what a program on the customer's machine saw is an answer only where
            the step says how it is read.
    """
    if outcome not in RAN:
        return None
    if by == "desk" and not any(one.by == "desk" for one in step.reads):
        return outcome == "passed" if step.answer.type == "yes_no" else None
    values = {"passed": outcome == "passed", "seen": seen, "environment": environment}
    for one in step.reads:
        if one.by != by or not _holds(one.when, values):
            continue
        found = one.answer if one.seen is None else seen.get(one.seen)
        try:
            return step.answer.read(found)
        except InvalidInput:  # what was seen is of another form
            return None
    return None


def of_tests(workflow: Workflow, tests: Tests | None) -> Iterator[tuple[Place, str]]:
    """What is wrong with the tests that steps name."""
    for number, fragment in enumerate(workflow.fragments):
        for at, step in enumerate(fragment.steps):
            place: Place = ("fragments", number, "steps", at)
            if step.test is None:
                if step.reads:
                    yield (*place, "reads"), "nothing is read: the step names no `test`"
                continue
            if tests is not None and not tests(step.test):
                told = f"there is no test {step.test}; `deskward suite list` shows those there are"
                yield (*place, "test"), told
            if not any(one.by == "desk" for one in step.reads) and step.answer.type != "yes_no":
                told = "say by `reads` how the test's result is an answer: this is no yes or no"
                yield (*place, "test"), told
            yield from _of_reads((*place, "reads"), step)


def _of_reads(place: Place, step: Step) -> Iterator[tuple[Place, str]]:
    for number, one in enumerate(step.reads):
        here = (*place, number)
        try:
            unknown = condition(one.when).names - _NAMES
        except WrongCondition as error:
            yield (*here, "when"), f"this is no condition: {error}"
            continue
        for name in sorted(unknown):
            yield (*here, "when"), f"the condition reads “{name}”, which no test sees"
        if one.seen is None:
            try:
                step.answer.read(one.answer)
            except InvalidInput as error:
                yield (*here, "answer"), error.message


def _holds(source: str, values: Mapping[str, Any]) -> bool:
    try:
        return condition(source).holds(values)
    except WrongCondition:  # it compares what was not seen
        return False
