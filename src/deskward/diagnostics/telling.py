"""Sessions and workflows as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from deskward.diagnostics import models
from deskward.diagnostics.answers import Answer
from deskward.diagnostics.composing import Plan
from deskward.diagnostics.service import Given, Session, by_cause
from deskward.diagnostics.texts import Spoken
from deskward.diagnostics.walking import End, Evidence, walk
from deskward.diagnostics.workflow import Step
from deskward.text.language import language_of

_ENGLISH = Spoken()


def shown(
    session: Session,
    known: Sequence[models.KnownIncident] = (),
    spoken: Spoken = _ENGLISH,
) -> models.Diagnosis:
    """All there is to know of a session.

    Args:
        known: The incidents that it is one of, or may be.
        spoken: The customer's language.
    """
    going, plan = session.walk, session.plan
    waits = going.at if session.status in ("open", "paused") else None
    return models.Diagnosis(
        id=session.id,
        customer_id=session.customer_id,
        product_name=session.product,
        issue_description=session.issue,
        workflow_id=plan.workflow,
        workflow_title=plan.title,
        difficulty_level=plan.difficulty,
        estimated_duration=plan.minutes,
        status=session.status,
        step=step_to_do(waits) if waits is not None else None,
        answered=_answered(plan, session.given),
        hypotheses=[
            models.Hypothesis(
                cause=cause,
                title=plan.causes[cause].title,
                state=_state(evidence),
                evidence=[
                    models.Support(step_id=one.step, supports=one.supports, because=one.because)
                    for one in evidence
                ],
            )
            for cause, evidence in by_cause(going).items()
        ],
        result=result(plan, going.end) if going.end is not None else None,
        language=spoken.language,
        translated=translated(plan, waits, going.end, spoken) if spoken.other else None,
        put_right=[
            models.PutRight(
                cause=one.cause,
                title=plan.causes[one.cause].title,
                answered=_answered(plan, one.given),
            )
            for one in session.earlier
        ],
        confirmed=session.confirmed,
        ticket_id=session.ticket_id,
        incident_id=session.incident_id,
        known_incidents=list(known),
        why=why(plan),
        revision=session.revision,
        created_at=session.created_at,
        updated_at=session.updated_at,
    )


def _answered(plan: Plan, given: Sequence[Given]) -> list[models.AnsweredStep]:
    """The answers of a walk, each with what was asked."""
    steps = {step.id: step for part in plan.parts for step in part.steps}
    going = walk(plan, [one.value for one in given])
    return [
        models.AnsweredStep(
            step_id=answered.step,
            description=steps[answered.step].description,
            answer=in_words(steps[answered.step].answer, answered.value),
            by=one.by,
            request_id=one.request_id,
            test_run_id=one.test_run,
            at=one.at,
        )
        for answered, one in zip(going.answered, given, strict=True)
    ]


def summary(session: Session) -> models.DiagnosisSummary:
    """A session in a list."""
    end = session.walk.end
    return models.DiagnosisSummary(
        id=session.id,
        customer_id=session.customer_id,
        product_name=session.product,
        workflow_id=session.plan.workflow,
        status=session.status,
        cause=end.cause if end is not None else None,
        confirmed=session.confirmed,
        revision=session.revision,
        created_at=session.created_at,
        updated_at=session.updated_at,
    )


def workflow(plan: Plan) -> models.TroubleshootingWorkflow:
    """A workflow, as it is composed for somebody."""
    return models.TroubleshootingWorkflow(
        workflow_id=plan.workflow,
        title=plan.title,
        steps=[
            models.WorkflowStep(
                step_id=step.id,
                description=step.description,
                action_type=step.kind,
                instructions=step.instructions,
                expected_result=step.expected,
                failure_actions=list(step.failure_actions),
                next_step_conditions={
                    branch.when or "otherwise": branch.target for branch in step.next
                },
            )
            for part in plan.parts
            for step in part.steps
        ],
        estimated_duration=plan.minutes,
        difficulty_level=plan.difficulty,
        required_permissions=plan.permissions,
        why=why(plan),
    )


def step_to_do(step: Step) -> models.StepToDo:
    """The step that waits."""
    form = step.answer
    return models.StepToDo(
        step_id=step.id,
        description=step.description,
        action_type=step.kind,
        instructions=step.instructions,
        expected_result=step.expected,
        failure_actions=list(step.failure_actions),
        answer=models.AnswerForm(
            type=form.type,
            choices=dict(form.choices) if form.type == "choice" else None,
            unit=(form.unit or None) if form.type == "number" else None,
        ),
        minutes=step.minutes,
        test=step.test,
    )


def translated(
    plan: Plan, waits: Step | None, end: End | None, spoken: Spoken
) -> models.Translated:
    """The texts of a session in another language."""
    cause = plan.causes[end.cause] if end is not None and end.cause is not None else None
    return models.Translated(
        workflow_title=spoken(plan.title),
        step=_translated_step(waits, spoken) if waits is not None else None,
        result=models.TranslatedResult(
            title=spoken(cause.title), explanation=spoken(cause.explanation), fix=spoken(cause.fix)
        )
        if cause is not None
        else None,
    )


def _translated_step(step: Step, spoken: Spoken) -> models.TranslatedStep:
    form = step.answer
    return models.TranslatedStep(
        description=spoken(step.description),
        instructions=spoken(step.instructions),
        expected_result=spoken(step.expected),
        failure_actions=[spoken(one) for one in step.failure_actions],
        choices={word: spoken(meaning) for word, meaning in form.choices.items()}
        if form.type == "choice"
        else None,
        unit=spoken(form.unit) or None if form.type == "number" else None,
    )


def asked(session: Session, spoken: Spoken = _ENGLISH) -> tuple[str, list[str], str]:
    """What a session asks now: the form of the answer, its choices, and the question.

    Each choice is told in English and in the customer's language: either is an answer. Nothing
    where it asks nothing.
    """
    if session.status == "to_confirm":
        return "yes_no", [], ""
    step = session.walk.at if session.status == "open" else None
    if step is None:
        return "", [], ""
    form = step.answer
    meanings = form.choices.items() if form.type == "choice" else ()
    said = [f"{word}: {spoken(meaning)}" for word, meaning in meanings]
    choices = [*said, *(f"{word}: {meaning}" for word, meaning in meanings)]
    return form.type, list(dict.fromkeys(choices)), spoken(step.description)


def result(plan: Plan, end: End) -> models.Result:
    """What came out of a walk."""
    cause = plan.causes[end.cause] if end.cause is not None else None
    return models.Result(
        kind=end.kind,
        cause=end.cause,
        title=cause.title if cause else None,
        explanation=cause.explanation if cause else None,
        fix=cause.fix if cause else None,
        specialist=end.specialist,
        reason=end.reason,
    )


def why(plan: Plan) -> list[str]:
    """Which parts of a workflow are in or left out, and why."""
    return [f"{part.id}: {part.because}" for part in plan.parts] + list(plan.left_out)


def in_words(form: Answer, value: Any) -> str:
    """An answer as people say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if form.type == "choice":
        return f"{value}: {form.choices[value]}"
    return f"{value:g} {form.unit}".strip() if form.type == "number" else str(value)


def own_words(session: Session) -> list[str]:
    """What a session's customer has answered in words of their own, the first answer first."""
    plan = session.plan
    steps = {step.id: step for part in plan.parts for step in part.steps}
    found = []
    for given in (*(before.given for before in session.earlier), session.given):
        going = walk(plan, [one.value for one in given])
        for answered, one in zip(going.answered, given, strict=True):
            in_words = steps[answered.step].answer.type == "text" and one.test_run is None
            if in_words and one.by.startswith("customer:"):
                found.append(str(answered.value))
    return found


def gathered(session: Session, because: str, alike: Sequence[Session] = ()) -> str:
    """All that a session has gathered, for whoever takes it up.

    Args:
        alike: Sessions of others that have seen the same lately.
    """
    told = shown(session)
    language = language_of([session.issue, *own_words(session)], "")
    lines = [
        f"Diagnosis {session.id} along “{told.workflow_title}” ({told.workflow_id}): {because}",
        *([f"It was told in: {language}"] if language not in ("", "en") else []),
        "",
        "What was looked at:",
        *(f"- {one.description} {one.answer}" for one in told.answered),
        "",
        "What it shows:",
    ]
    for one in told.hypotheses:
        if one.evidence:
            seen = "; ".join(
                f"{part.step_id} {'speaks for it' if part.supports else 'speaks against it'}"
                for part in one.evidence
            )
            lines.append(f"- {one.title}: {one.state.replace('_', ' ')} ({seen})")
    possible = [one.title for one in told.hypotheses if not one.evidence]
    lines += ["", f"Not looked at: {'; '.join(possible)}"] if possible else []
    for before in told.put_right:
        lines += ["", f"Found and put right before, and not all: {before.title}, by"]
        lines += [f"- {one.description} {one.answer}" for one in before.answered]
    if session.incident_id is not None:
        lines += ["", f"It had joined incident {session.incident_id}."]
    if session.declined:
        lines += ["", f"Said to be none of: {', '.join(session.declined)}."]
    if alike:
        others = ", ".join(f"{one.id} ({one.ticket_id or one.status})" for one in alike)
        lines += ["", f"Others have seen the same lately: {others}."]
    return "\n".join(lines)[:10_000]


def _state(evidence: list[Evidence]) -> Literal["possible", "supported", "ruled_out"]:
    if any(not one.supports for one in evidence):
        return "ruled_out"
    return "supported" if evidence else "possible"
