"""What can be wrong with workflows and shows before anybody walks one."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deskward.core.conditions import Condition, WrongCondition, condition
from deskward.core.errors import InvalidInput
from deskward.diagnostics.composing import CONTEXT, CUSTOMER, Circumstances, compose, resolved
from deskward.diagnostics.loading import (
    Place,
    Problem,
    Source,
    WrongWorkflows,
    files_in,
    read,
)
from deskward.diagnostics.reaching import unreached
from deskward.diagnostics.readings import Tests, of_tests
from deskward.diagnostics.walking import Walk, walk
from deskward.diagnostics.workflow import Branch, Case, Fragment, Step, Workflow

SHIPPED = Path(__file__).with_name("workflows")
"""The workflows that ship with Deskward."""
MOST_SAMPLES = 512
"""How many answers a condition is tried with."""
_SAMPLE: dict[str, Any] = {"product": "", "version": "1.0", "environment": {}, "customer": {}}

_OF_CUSTOMER = re.compile(r"\bcustomer\s*\.\s*(\w+)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")

Workflows = Mapping[str, Workflow]
"""Id → workflow."""


def load(*places: Path, tests: Tests | None = None) -> Workflows:
    """Read workflows and see that each can be walked to an end.

    Args:
        places: Files, and folders of them. Of an id that several have, the last place's counts.
        tests: Says whether there is a test; None where that is not looked at.

    Raises:
        FileNotFoundError: There is no such place.
        WrongWorkflows: Something is wrong; it tells all of it.
    """
    sources, problems = read_all(*places)
    problems += check(sources, tests)
    if problems:
        raise WrongWorkflows(problems)
    return {source.workflow.workflow: source.workflow for source in sources}


def read_all(*places: Path) -> tuple[list[Source], list[Problem]]:
    """The workflows of some places, and what keeps others from being any.

    Raises:
        FileNotFoundError: There is no such place.
    """
    found: dict[str, Source] = {}
    problems: list[Problem] = []
    for place in places:
        here: dict[str, Source] = {}
        for file in files_in(place):
            source, wrong = read(file)
            problems += wrong
            if source is None:
                continue
            name = source.workflow.workflow
            if name in here:
                text = f"{here[name].file.name} is the workflow “{name}” already"
                problems.append(source.problem(("workflow",), text))
            here.setdefault(name, source)
        found |= here
    return list(found.values()), problems


def check(sources: Sequence[Source], tests: Tests | None = None) -> list[Problem]:
    """All that is wrong with workflows, each problem with its file and line.

    Args:
        tests: See `load`.
    """
    known = {source.workflow.workflow: source.workflow for source in sources}
    problems: list[Problem] = []
    for source in sources:
        told = [*_of_workflow(source.workflow, known), *of_tests(source.workflow, tests)]
        found = sorted({source.problem(*one) for one in told})
        if not found:
            found = sorted({source.problem(*one) for one in unreached(source.workflow, known)})
        if not found:  # a case of a workflow that cannot be walked says nothing
            found = [source.problem(*one) for one in _of_cases(source.workflow, known)]
        problems += found
    return problems


Found = Iterator[tuple[Place, str]]


def _of_workflow(workflow: Workflow, known: Workflows) -> Found:
    steps: dict[str, Step] = {}
    before: list[Step] = []
    concluded: set[str] = set()
    fragments: set[str] = set()
    for number, fragment in enumerate(workflow.fragments):
        place: Place = ("fragments", number)
        if fragment.id in fragments:
            yield (*place, "id"), f"there is a fragment “{fragment.id}” before it already"
        fragments.add(fragment.id)
        if fragment.applies is not None:
            yield from _of_condition((*place, "applies"), fragment.applies, {}, set())
        if fragment.when is not None:
            readable = {step.id: step for step in before}
            yield from _of_condition((*place, "when"), fragment.when, readable, set())
        try:
            _, whole = resolved(workflow, fragment, known)
        except WrongCondition as error:
            yield (*place, "include"), str(error)
            continue
        for at, step in enumerate(whole.steps):
            if step.id in steps or step.id in CONTEXT:
                yield (*place, "steps", at, "id"), f"something is called “{step.id}” already"
            steps.setdefault(step.id, step)
        if fragment.include is None:
            yield from _of_fragment(place, whole, before, workflow)
        concluded |= {one.cause for step in whole.steps for one in step.next if one.cause}
        before += whole.steps
    for cause in workflow.causes.keys() - concluded:
        yield ("causes", cause), f"no step leads to the cause “{cause}”"


def _of_fragment(
    place: Place, fragment: Fragment, before: Sequence[Step], workflow: Workflow
) -> Found:
    steps = {step.id: step for step in fragment.steps}
    leads = {step.id: {one.go for one in step.next if one.go in steps} for step in fragment.steps}
    reached = _reached(fragment.steps[0].id, leads)
    for at, step in enumerate(fragment.steps):
        here: Place = (*place, "steps", at)
        if step.id != fragment.steps[0].id and step.id not in reached:
            yield here, f"no branch leads to the step “{step.id}”"
        earlier = {name for name in steps if step.id in _reached(name, leads)} | {step.id}
        readable = {one.id: one for one in before} | {name: steps[name] for name in earlier}
        yield from _of_step(here, step, steps, leads, readable, workflow)


def _of_step(
    here: Place,
    step: Step,
    steps: Mapping[str, Step],
    leads: Mapping[str, set[str]],
    readable: Mapping[str, Step],
    workflow: Workflow,
) -> Found:
    conditions: list[tuple[Place, str]] = []
    for number, finding in enumerate(step.findings):
        place: Place = (*here, "findings", number)
        conditions.append(((*place, "when"), finding.when))
        for cause in (*finding.supports, *finding.rules_out):
            if cause not in workflow.causes:
                yield place, f"there is no cause “{cause}”"
    for number, branch in enumerate(step.next):
        place = (*here, "next", number)
        last = number == len(step.next) - 1
        if branch.when is not None:
            conditions.append(((*place, "when"), branch.when))
        if branch.when is None and not last:
            yield place, "the branches after this one are never come to: it has no condition"
        if branch.when is not None and last:
            yield place, "the last branch has no condition, so that every answer leads on"
        yield from _of_branch(place, branch, step, steps, leads, readable, workflow)
    for place, source in conditions:
        yield from _of_condition(place, source, readable, set(steps) - set(readable))


def _of_branch(
    place: Place,
    branch: Branch,
    step: Step,
    steps: Mapping[str, Step],
    leads: Mapping[str, set[str]],
    readable: Mapping[str, Step],
    workflow: Workflow,
) -> Found:
    if branch.go is not None and branch.go not in steps:
        yield place, f"there is no step “{branch.go}” in this fragment"
    elif branch.go is not None and step.id in {branch.go, *_reached(branch.go, leads)}:
        circle = {branch.go, step.id} | {
            name for name in _reached(branch.go, leads) if step.id in _reached(name, leads)
        }
        if all(steps[name].visits == 1 for name in circle):
            text = "it comes back to a step; say by `visits` how often that one may be come to"
            yield place, text
    if branch.cause is not None:
        if branch.cause not in workflow.causes:
            yield place, f"there is no cause “{branch.cause}”"
        elif not any(
            branch.cause in finding.supports
            for one in readable.values()
            for finding in one.findings
        ):
            text = f"it leads to the cause “{branch.cause}”, and no finding before speaks for it"
            yield place, text


def _of_condition(
    place: Place, source: str, readable: Mapping[str, Step], later: set[str]
) -> Found:
    try:
        asked = condition(source)
    except WrongCondition as error:
        yield place, f"this is no condition: {error}"
        return
    unknown = asked.names - set(readable) - set(CONTEXT)
    for name in sorted(unknown):
        why = "is answered later" if name in later else "is nothing that can be known here"
        yield place, f"the condition reads “{name}”, which {why}"
    unheard = [
        one for one in _OF_CUSTOMER.findall(_QUOTED.sub("''", source)) if one not in CUSTOMER
    ]
    for name in unheard:
        told = f"which nobody knows: of a customer there is {' and '.join(CUSTOMER)}"
        yield place, f"the condition reads “customer.{name}”, {told}"
    if not unknown and not unheard:
        yield from _of_samples(place, asked, readable)


def _of_samples(place: Place, asked: Condition, readable: Mapping[str, Step]) -> Found:
    """Whether a condition can be asked, and can hold, of the answers that its steps can have."""
    names = sorted(asked.names - set(CONTEXT))
    samples = itertools.product(*(readable[name].answer.samples for name in names))
    held = False
    for values in itertools.islice(samples, MOST_SAMPLES):
        try:
            held |= asked.holds({**_SAMPLE, **dict(zip(names, values, strict=True))})
        except WrongCondition as error:
            yield place, f"the condition cannot be asked: {error}"
            return
    listed = all(readable[name].answer.type in ("choice", "yes_no") for name in names)
    if not held and listed and not asked.names & set(CONTEXT):
        yield place, "the condition never holds, whatever is answered"


def _reached(start: str, leads: Mapping[str, set[str]]) -> set[str]:
    """The steps that can come after one, itself only if a branch comes back to it."""
    found: set[str] = set()
    left = list(leads.get(start, ()))
    while left:
        if (name := left.pop()) not in found:
            found.add(name)
            left += leads[name]
    return found


def _of_cases(workflow: Workflow, known: Workflows) -> Found:
    for number, case in enumerate(workflow.cases):
        try:
            walked = walk_case(workflow, case, known)
        except (InvalidInput, ValueError) as error:
            yield ("cases", number), f"the case cannot be walked: {error}"
            continue
        if walked.end is None and walked.at is not None:
            yield ("cases", number), f"the case has no answer to the step “{walked.at.id}”"
        elif str(walked.end) != case.ends:
            yield ("cases", number), f"the case ends with “{walked.end}”, not “{case.ends}”"


def walk_case(workflow: Workflow, case: Case, known: Workflows) -> Walk:
    """Walk a case as far as its answers go.

    Raises:
        InvalidInput: An answer is not of the form that its step wants.
        ValueError: An answer is for no step that was come to.
    """
    circumstances = Circumstances(
        product=case.product,
        version=case.version,
        environment=case.environment,
        customer=case.customer,
    )
    walked = walk(compose(workflow, circumstances, known))
    left: dict[str, list[object]] = defaultdict(list)
    for name, value in case.answers.items():
        left[name] = list(value) if isinstance(value, list) else [value]
    while walked.at is not None and left[walked.at.id]:
        walked.answer(left[walked.at.id].pop(0))
    if unused := _unused(left):
        raise ValueError(f"nobody asks for {', '.join(unused)}")
    return walked


def _unused(left: Mapping[str, Iterable[object]]) -> list[str]:
    return sorted(name for name, values in left.items() if values)
