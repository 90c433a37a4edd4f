"""The tools of tests that run by themselves, alone or for a step of a session."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, TypedDict

from pydantic import Field, JsonValue

from deskward.core.database import now
from deskward.core.errors import Conflict, NotFound
from deskward.core.numbering import Revision
from deskward.customers import service as customers
from deskward.diagnostics import service as sessions
from deskward.diagnostics.collecting import service as collecting
from deskward.diagnostics.context import service as context
from deskward.diagnostics.following import followed
from deskward.diagnostics.models import Diagnosis, SessionId
from deskward.diagnostics.readings import answer_of
from deskward.diagnostics.service import Session
from deskward.diagnostics.session_facts import diagnosis_facts
from deskward.diagnostics.suites import service
from deskward.diagnostics.suites.filling import wanted_places
from deskward.diagnostics.suites.loading import Suites
from deskward.diagnostics.suites.models import (
    KnownSuite,
    KnownTest,
    Ports,
    RunId,
    StepTest,
    SuiteList,
    TargetId,
    TargetList,
    TargetName,
    TargetReceipt,
    TestRun,
    test_runs,
)
from deskward.diagnostics.suites.origins import own_word, said_by_others
from deskward.diagnostics.suites.reach import Listed, Reach
from deskward.diagnostics.suites.report import Form, TestReport, written
from deskward.diagnostics.suites.running import Runner
from deskward.diagnostics.suites.suite import Suite, Test
from deskward.diagnostics.tools import Facts
from deskward.diagnostics.tools import tools as tools
from deskward.diagnostics.workflow import Step
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk
from deskward.security.principals import Kind

SuiteName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=130,
        description="The suite; `suite.test` for one test of it.",
        examples=["network"],
    ),
]
StepId = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="A step.", examples=["resolves"]),
]
Configuration = Annotated[
    dict[str, JsonValue],
    Field(max_length=200, examples=[{"base_url": "https://api.example.com", "retries": 3}]),
]
_THEIRS = ("open", "paused", "to_confirm")
"""States of a session in which its customer looks for the cause."""


class TargetFacts(TypedDict):
    """What policies may know of where tests are to go.

    Attributes:
        inner: Whether it is a network that is not public.
    """

    inner: bool


async def target_facts(_ctx: Context, arguments: Mapping[str, Any]) -> TargetFacts:
    """The facts of a call that lets tests go somewhere."""
    return {"inner": service.parsed(arguments["target"], []).inner}


@tools.tool(scope="diagnostics:read", risk=Risk.READ, rest="GET /test-suites", keeps_secrets=False)
async def list_test_suites(ctx: Context) -> SuiteList:
    """List the suites of tests that run by themselves, and what each test has to know."""
    return SuiteList(suites=[_known(one) for one in ctx.port(Suites).suites.values()])


@tools.tool(scope="diagnostics:test", risk=Risk.READ, rest="POST /test-runs")
async def run_diagnostic_tests(
    ctx: Context,
    test_suite: SuiteName,
    customer_environment: Facts | None = None,
    product_configuration: Configuration | None = None,
    customer_id: OwnCustomerId | None = None,
) -> TestReport:
    """Run the tests of a suite, and report what each of them saw.

    Tests go only where the desk's people let them (`list_test_targets`). What the suite needs and
    is not told is skipped, and says so.

    Args:
        test_suite: The suite.
        customer_environment: What is known of where the product runs, such as `host`, `url`.
        product_configuration: The product's configuration, for tests that look at it.
        customer_id: The customer whose environment it is: what was seen goes when they are erased.
    """
    if customer_id is not None:
        await customers.require(ctx.db, ctx.tenant, customer_id)
    suite, tests = ctx.port(Suites).wanted(test_suite)
    environment = customer_environment or {}
    values = {"environment": environment, "configuration": product_configuration or {}}
    trusted = environment if own_word(ctx) else ()
    report = await _run(ctx, suite, tests, values, trusted)
    _keep(ctx, report, customer_id)
    return report


@tools.tool(scope="diagnostics:test", risk=Risk.READ, rest="GET /test-runs/{run_id}")
async def get_test_run(ctx: Context, run_id: RunId, form: Form = "json") -> TestRun:
    """Look a run of tests up, with all that was seen.

    Args:
        run_id: The run.
        form: `junit`: also as JUnit's XML. `html`: also as a page.
    """
    row = await service.run(ctx.db, ctx.tenant, run_id)
    report = TestReport.model_validate(row.report)
    return TestRun(
        report=report,
        session_id=f"D{row.diagnosis}" if row.diagnosis is not None else None,
        step_id=row.step,
        source=row.source,
        run_by=row.run_by,
        request_id=row.request_id,
        at=row.at,
        form=form,
        text=None if form == "json" else written(report, form),
    )


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.READ,
    rest="POST /diagnostics/{session_id}/tests",
    facts=diagnosis_facts,
)
async def run_step_test(ctx: Context, session_id: SessionId, step_id: StepId) -> StepTest:
    """Run the test of a session's step, now or once more. The session stays as it is.

    Args:
        session_id: The session.
        step_id: A step of its workflow that has a test.
    """
    session = await sessions.get(ctx.db, ctx.tenant, session_id)
    if ctx.principal.kind is Kind.CUSTOMER and session.status not in _THEIRS:
        told = session.status.replace("_", " ")
        raise Conflict(f"Session {session_id} is {told}; its tests are staff's to run now.")
    step = _step(session, step_id)
    suite, tests = _test_of(ctx.port(Suites), step)
    circumstances = session.plan.circumstances
    environment = {**circumstances.environment, "version": circumstances.version}
    product = await context.product(ctx.db, ctx.tenant, session.customer_id, session.product)
    values = {
        "environment": environment,
        "configuration": product.configuration if product is not None else {},
    }
    report = await _run(ctx, suite, tests, values, session.plan.vouched)
    _keep(ctx, report, session.customer_id, session, step_id)
    result = report.results[0]
    return StepTest(
        session_id=session.id,
        step_id=step.id,
        run_id=report.run_id,
        result=result,
        answer=answer_of(step, result.outcome, result.seen, environment),
    )


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/test-answers",
    facts=diagnosis_facts,
    composed=True,
)
async def answer_step_by_test(ctx: Context, session_id: SessionId, revision: Revision) -> Diagnosis:
    """Have the step that waits answered by its test, and get what follows, as from an answer.

    What a collector has seen on the customer's machine lately counts first, where the step says how
    that is read. Where the test leaves it open, the step waits on; the error says what was seen.

    Args:
        session_id: The session.
        revision: Its revision as it was read: a step that waits no more is not answered.
    """
    gate = ctx.port(Gate)
    # Each call is judged by itself, and none is left waiting for somebody.
    inner = ctx.completed(_db=None, effect_id="", waits=False)
    session = await sessions.get(ctx.db, ctx.tenant, session_id)
    sessions.check_open(session, revision)
    at = session.walk.at
    if at is None or at.test is None:
        raise Conflict(f"No test answers the step that waits in session {session_id}.")
    run_id = await _collected(ctx, session, at)
    if run_id is None:
        asked = {"session_id": session_id, "step_id": at.id}
        tested = await gate.call("run_step_test", asked, inner)
        if tested.error is not None:
            raise tested.error
        found = StepTest.model_validate(tested.value)
        if found.answer is None:
            told = found.result.told
            raise Conflict(
                f"The test {at.test} leaves the step open: {told} Answer the step by what is seen.",
                details={"run_id": found.run_id, "outcome": found.result.outcome},
            )
        run_id = found.run_id
    arguments = {"session_id": session_id, "revision": revision, "run_id": run_id}
    taken = await gate.act("take_test_answer", arguments, inner)
    if taken.error is not None:
        raise taken.error
    return Diagnosis.model_validate(taken.value)


@tools.tool(scope="diagnostics:use", risk=Risk.WRITE, rest=None, facts=diagnosis_facts)
async def take_test_answer(
    ctx: Context, session_id: SessionId, revision: Revision, run_id: RunId
) -> Diagnosis:
    """Take what a run of a step's test has seen as the answer of that step.

    Args:
        session_id: The session.
        revision: Its revision as it was read.
        run_id: The run; it was made for this session and the step that waits, or on the customer's
            machine for this session.
    """
    row = await service.run(ctx.db, ctx.tenant, run_id)
    session = await sessions.get(ctx.db, ctx.tenant, session_id)
    at = session.walk.at
    report = TestReport.model_validate(row.report)
    mine = [one for one in report.results if at and at.test == f"{report.suite}.{one.test}"]
    by_desk = row.source == "desk" and at is not None and row.step == at.id
    if row.diagnosis != int(session_id[1:]) or not mine or not (by_desk or row.step is None):
        raise Conflict(f"Run {run_id} is none of the step that waits in session {session_id}.")
    assert at is not None
    environment = session.plan.circumstances.environment
    value = answer_of(at, mine[0].outcome, mine[0].seen, environment, row.source)
    if value is None:
        raise Conflict(f"Run {run_id} leaves the step open.")
    answered = await sessions.answer(
        ctx.db,
        ctx.tenant,
        session_id,
        revision,
        value,
        ctx.principal.label,
        row.request_id,
        test_run=run_id,
    )
    return await followed(ctx, answered)


@tools.tool(
    scope="diagnostics:targets", risk=Risk.WRITE, rest="POST /test-targets", facts=target_facts
)
async def allow_test_target(
    ctx: Context, target: TargetName, ports: Ports | None = None
) -> TargetReceipt:
    """Let tests go to a host or a network; of one that is there already the ports are changed.

    Args:
        target: Where they may go.
        ports: Only to these ports.
    """
    target_id, kept = await service.allow(
        ctx.db, ctx.tenant, target, ports or [], ctx.principal.label
    )
    return TargetReceipt(target_id=target_id, message=f"Tests may go to {kept} from now on.")


@tools.tool(scope="diagnostics:test", risk=Risk.READ, rest="GET /test-targets")
async def list_test_targets(ctx: Context) -> TargetList:
    """List where tests may go."""
    return TargetList(targets=await service.listed(ctx.db, ctx.tenant))


@tools.tool(scope="diagnostics:targets", risk=Risk.WRITE, rest="DELETE /test-targets/{target_id}")
async def remove_test_target(ctx: Context, target_id: TargetId) -> TargetReceipt:
    """Let tests go somewhere no longer.

    Args:
        target_id: The target.
    """
    was = await service.remove(ctx.db, ctx.tenant, target_id)
    return TargetReceipt(target_id=target_id, message=f"Tests may no longer go to {was}.")


async def _collected(ctx: Context, session: Session, step: Step) -> str | None:
    """The run of the customer's machine that answers a step; None where none does."""
    assert step.test is not None
    found = await collecting.collected(ctx.db, ctx.tenant, session.id, step.test)
    if found is None:
        return None
    run_id, result = found
    environment = session.plan.circumstances.environment
    value = answer_of(step, result.outcome, result.seen, environment, "collector")
    return run_id if value is not None else None


async def _run(
    ctx: Context,
    suite: Suite,
    tests: Sequence[Test],
    values: Mapping[str, Any],
    trusted: Collection[str],
) -> TestReport:
    """Run tests; `trusted` are the names of the environment that somebody vouches for."""
    targets = await service.targets(ctx.db, ctx.tenant)
    everywhere, outside = Listed(targets), Listed(targets, inner=False)

    def reach(test: Test) -> Reach:
        theirs = ctx.principal.kind is Kind.CUSTOMER and bool(wanted_places(test))
        return outside if theirs or said_by_others(test, values, trusted) else everywhere

    private = not ctx.port(Gate).policy.roles.may(ctx.principal, "context:configuration")
    runner = ctx.port(Runner)
    return await runner.run(suite, tests, values, reach, ctx.progress, private=private)


def _keep(
    ctx: Context,
    report: TestReport,
    customer_id: str | None,
    session: Session | None = None,
    step: str | None = None,
) -> None:
    """Have a run on record, with the row of its call."""
    ctx.keep(
        test_runs,
        tenant_id=ctx.tenant,
        id=report.run_id,
        customer_id=customer_id,
        diagnosis=int(session.id[1:]) if session is not None else None,
        step=step,
        run_by=ctx.principal.label,
        request_id=ctx.request_id,
        report=report.model_dump(mode="json"),
        at=now(),
    )


def _step(session: Session, step_id: str) -> Step:
    """A step of a session's plan.

    Raises:
        NotFound: It has none of that name.
    """
    for part in session.plan.parts:
        for step in part.steps:
            if step.id == step_id:
                return step
    raise NotFound("step", step_id, f"Session {session.id} has no step {step_id}.")


def _test_of(suites: Suites, step: Step) -> tuple[Suite, Sequence[Test]]:
    """The test of a step.

    Raises:
        Conflict: It has none.
        NotFound: The one that it names is not there any more.
    """
    if step.test is None:
        raise Conflict(f"`step_id`: no test answers the step {step.id}; a person has to.")
    return suites.wanted(step.test)


def _known(suite: Suite) -> KnownSuite:
    return KnownSuite(
        suite=suite.suite,
        version=suite.version,
        title=suite.title,
        products=list(suite.products),
        tests=[
            KnownTest(
                test=f"{suite.suite}.{one.id}",
                title=one.title,
                kind=one.kind,
                needs=wanted_places(one),
            )
            for one in suite.tests
        ],
    )
