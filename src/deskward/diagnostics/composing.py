"""A workflow for one case: the fragments that apply to it, in order, and why each does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from deskward.core.conditions import WrongCondition, condition
from deskward.diagnostics.workflow import Cause, Difficulty, Fragment, Name, Step, Workflow

Facts = dict[str, str | int | float | bool]
"""What is known, by name."""


class Circumstances(BaseModel):
    """What a workflow is composed for.

    Attributes:
        product: Its name; empty where nobody said.
        version: As the product counts; empty where nobody said.
    """

    model_config = ConfigDict(frozen=True)

    product: str = ""
    version: str = ""
    environment: Facts = {}
    customer: Facts = {}

    def values(self) -> dict[str, Any]:
        """What conditions read."""
        return self.model_dump()


CONTEXT = tuple(Circumstances.model_fields)
"""The names that conditions read besides those of steps."""
CUSTOMER = ("tier", "language")
"""What is known of the customer of a session, by its name in `customer`."""


class Part(BaseModel):
    """A fragment that is in, and why.

    Attributes:
        because: For whoever wonders.
    """

    model_config = ConfigDict(frozen=True)

    id: Name
    title: str
    because: str
    when: str | None = None
    steps: tuple[Step, ...]


class Plan(BaseModel):
    """A workflow as it is walked: whole, so that a later change of its file changes no walk.

    Attributes:
        vouched: The names of the environment that staff have told by themselves; of all others the
            customer may have said anything.
        language: That of whom it is walked with; empty where nobody knew.
    """

    model_config = ConfigDict(frozen=True)

    workflow: str
    version: int
    title: str
    category: Name
    difficulty: Difficulty
    specialist: Name
    causes: dict[Name, Cause]
    parts: tuple[Part, ...]
    left_out: tuple[str, ...]
    circumstances: Circumstances
    vouched: tuple[str, ...] = ()
    language: str = ""

    @property
    def minutes(self) -> int:
        """How long it takes if every step must be done."""
        return sum(step.minutes for part in self.parts for step in part.steps)

    @property
    def permissions(self) -> list[str]:
        """What whoever does all of it must be allowed."""
        return sorted(
            {one for part in self.parts for step in part.steps for one in step.permissions}
        )


def compose(
    workflow: Workflow,
    circumstances: Circumstances,
    known: Mapping[str, Workflow],
    vouched: tuple[str, ...] = (),
    language: str = "",
) -> Plan:
    """Put the fragments together that apply.

    Args:
        known: The workflows that fragments may be included of, by their ids.
        vouched: See `Plan`.
        language: See `Plan`.
    """
    parts: list[Part] = []
    left_out: list[str] = []
    causes = dict(workflow.causes)
    for fragment in workflow.fragments:
        because, applies = _applies(fragment, circumstances)
        if not applies:
            left_out.append(f"{fragment.id}: {because}")
            continue
        origin, whole = resolved(workflow, fragment, known)
        causes = {**origin.causes, **causes}
        parts.append(
            Part(
                id=fragment.id,
                title=fragment.title,
                because=because,
                when=fragment.when,
                steps=whole.steps,
            )
        )
    return Plan(
        workflow=workflow.workflow,
        version=workflow.version,
        title=workflow.title,
        category=workflow.category,
        difficulty=workflow.difficulty,
        specialist=workflow.specialist,
        causes=causes,
        parts=tuple(parts),
        left_out=tuple(left_out),
        circumstances=circumstances,
        vouched=vouched,
        language=language,
    )


def resolved(
    workflow: Workflow, fragment: Fragment, known: Mapping[str, Workflow]
) -> tuple[Workflow, Fragment]:
    """The fragment with steps that stands for one, and the workflow that it is of.

    Raises:
        WrongCondition: What it includes is not there, or includes itself in the end.
    """
    seen = [f"{workflow.workflow}/{fragment.id}"]
    while fragment.include is not None:
        if fragment.include in seen:
            raise WrongCondition(f"it includes itself: {' → '.join([*seen, fragment.include])}")
        seen.append(fragment.include)
        name, _, wanted = fragment.include.partition("/")
        found = known.get(name)
        fragments: Sequence[Fragment] = found.fragments if found is not None else ()
        inner = next((one for one in fragments if one.id == wanted), None)
        if found is None or inner is None:
            raise WrongCondition(f"there is no fragment {fragment.include}")
        workflow, fragment = found, inner
    return workflow, fragment


def _applies(fragment: Fragment, circumstances: Circumstances) -> tuple[str, bool]:
    if fragment.applies is None:
        return "it is for everybody", True
    try:
        holds = condition(fragment.applies).holds(circumstances.values())
    except WrongCondition as wrong:  # what is known is of another type than it compares with
        return f"{fragment.applies} cannot be asked of what is known ({wrong})", False
    if holds:
        return f"{fragment.applies} holds", True
    return f"{fragment.applies} does not hold, or is not known", False
