"""Every way through a plan, by what its answers can be."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from deskward.core.conditions import condition
from deskward.core.errors import InvalidInput
from deskward.diagnostics.composing import Plan
from deskward.diagnostics.walking import Walk, walk

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
MOST = 20_000
"""Ways that are walked of one plan."""


def walked(plan: Plan, most: int = MOST) -> Counter[str]:
    """How the ways through a plan end, and how many of each end there are."""
    return Counter(str(one.end) for one in ways(plan, most))


def ways(plan: Plan, most: int = MOST) -> Iterator[Walk]:
    """The ways through a plan, of each answer the values that stand for all.

    They differ in where they lead: of answers that make the same of a walk one is taken.
    """
    read_later, limits = _read_later(plan), _limits(plan)
    begun = [walk(plan)]
    given = 0
    while begun and given < most:
        one = begun.pop()
        if one.at is None:
            given += 1
            yield one
            continue
        seen: set[object] = set()
        for sample in (*one.at.answer.samples, *limits[one.at.id]):
            after = one.copy()
            try:
                after.answer(sample)
            except InvalidInput:
                continue
            values = [(name, after.values.get(name)) for name in read_later]
            mark = (after.at.id if after.at else str(after.end), _shown(after), tuple(values))
            if mark not in seen:
                seen.add(mark)
                begun.append(after)


def _read_later(plan: Plan) -> list[str]:
    """The steps whose answers conditions of other steps read."""
    found: set[str] = set()
    steps = [step for part in plan.parts for step in part.steps]
    for part in plan.parts:
        found |= condition(part.when).names if part.when is not None else set()
    for step in steps:
        found |= {name for source in step.conditions for name in condition(source).names} - {
            step.id
        }
    return sorted(found & {step.id for step in steps})


def _limits(plan: Plan) -> defaultdict[str, list[float]]:
    """For each number that is asked, those that it is compared with, and their neighbours."""
    numbers = {
        step.id for part in plan.parts for step in part.steps if step.answer.type == "number"
    }
    found: defaultdict[str, list[float]] = defaultdict(list)
    sources = [one for part in plan.parts for step in part.steps for one in step.conditions]
    sources += [part.when for part in plan.parts if part.when is not None]
    for source in sources:
        named = [float(one) for one in _NUMBER.findall(source)]
        for name in condition(source).names & numbers:
            found[name] += [value + by for value in named for by in (-1.0, 0.0, 1.0)]
    return found


def _shown(one: Walk) -> tuple[tuple[str, str, bool], ...]:
    return tuple((found.cause, found.step, found.supports) for found in one.evidence)
