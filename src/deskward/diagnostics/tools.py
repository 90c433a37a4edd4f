"""The tools of guided troubleshooting."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr

from deskward.core.errors import Conflict
from deskward.core.numbering import Revision
from deskward.core.paging import Limit, Offset
from deskward.customers import service as customers
from deskward.diagnostics import listing, service, telling
from deskward.diagnostics.composing import Circumstances, Plan, compose
from deskward.diagnostics.context import environment
from deskward.diagnostics.context import service as context
from deskward.diagnostics.context.nearest import doubts
from deskward.diagnostics.following import followed, gone_on, shown
from deskward.diagnostics.models import (
    Confirmed,
    Diagnosis,
    DiagnosisList,
    GivenAnswer,
    Helped,
    Issue,
    Product,
    SessionId,
    Status,
    TroubleshootingWorkflow,
)
from deskward.diagnostics.session_facts import diagnosis_facts, language_of
from deskward.diagnostics.shelf import Shelf
from deskward.diagnostics.suites.origins import vouched
from deskward.diagnostics.wishes import WISHES
from deskward.diagnostics.workflow import Workflow
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup

tools = ToolGroup(
    "diagnostics", questions=Path(__file__).with_name("questions.yaml"), wishes=WISHES
)

UNNAMED = "our service"
"""What a product is called that nobody named."""
Fact = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=200)]
Facts = Annotated[
    dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], Fact],
    Field(
        max_length=50,
        examples=[{"os": "windows", "version": "2.3", "category": "network"}],
        json_schema_extra={"additionalProperties": False},  # names of another form are refused
    ),
]


@tools.tool(scope="diagnostics:read", risk=Risk.READ, rest="GET /workflows/for-issue")
async def get_troubleshooting_workflow(
    ctx: Context,
    product: Product,
    issue_category: Annotated[str, Field(min_length=1, max_length=64, examples=["network"])],
    customer_tier: Annotated[str, Field(min_length=1, max_length=64)] = "standard",
) -> TroubleshootingWorkflow:
    """Get the structured workflow for a kind of issue, as it is composed for a product and tier.

    Args:
        product: The product that the issue is of.
        issue_category: What kind of issue it is; a wrong one names those that there are.
        customer_tier: The tier of the customer who has it.
    """
    shelf = ctx.port(Shelf)
    chosen = shelf.of_category(product, issue_category)
    circumstances = Circumstances(product=product, customer={"tier": customer_tier})
    return telling.workflow(compose(chosen, circumstances, shelf.workflows))


@tools.tool(scope="diagnostics:use", risk=Risk.WRITE, rest="POST /diagnostics")
async def start_diagnostic_session(
    ctx: Context,
    customer_id: OwnCustomerId,
    issue_description: Issue,
    product_name: Product | None = None,
    environment_info: Facts | None = None,
) -> Diagnosis:
    """Begin to look for the cause of an issue, step by step. The answer holds the first step.

    Args:
        customer_id: The customer who has the issue.
        issue_description: The issue, in the customer's words.
        product_name: The product that it is of; by default the only one that is on record of the
            customer.
        environment_info: What is known of where the product runs, as `os`, `client`, `vpn`;
            `version` is the product's, and `category` the kind of issue where the description does
            not show it.
    """
    facts = dict(environment_info or {})
    version, category = str(facts.pop("version", "")), facts.pop("category", None)
    shelf = ctx.port(Shelf)
    chosen: Workflow = (
        shelf.of_category(product_name or "", str(category))
        if category is not None
        else await shelf.for_issue(product_name or "", issue_description)
    )
    customer = await customers.get(ctx.db, ctx.tenant, customer_id)
    owned = await context.products(ctx.db, ctx.tenant, customer_id)
    unsure = doubts(owned, product_name, version) if product_name is not None else []
    if product_name is None:
        product_name = owned[0].product if len(owned) == 1 else UNNAMED
    if not version:
        product = await context.product(ctx.db, ctx.tenant, customer_id, product_name)
        version = product.version if product is not None else ""
    known = environment.best(await environment.on_record(ctx.db, ctx.tenant, customer_id))
    circumstances = Circumstances(
        product=product_name,
        version=version,
        environment={**known, **facts},
        customer={"tier": customer.tier, "language": customer.language or ""},
    )
    told = vouched(ctx, environment_info or {})
    language = language_of(ctx, customer.language or "")
    plan: Plan = compose(chosen, circumstances, shelf.workflows, told, language)
    own = ctx.principal.kind == "customer" and ctx.door == "agent"
    issue: dict[str, Any] = {"product": product_name, "issue": issue_description, "plan": plan}
    chat = ctx.session_id if own else None
    session = await service.start(ctx.db, ctx.tenant, customer_id, **issue, chat=chat)
    diagnosis = await followed(ctx, session)
    return diagnosis.model_copy(update={"doubts": unsure})


@tools.tool(
    scope="diagnostics:read",
    risk=Risk.READ,
    rest="GET /diagnostics/{session_id}",
    facts=diagnosis_facts,
)
async def get_diagnostic_session(ctx: Context, session_id: SessionId) -> Diagnosis:
    """Look up a diagnostic session: the step that waits, what was answered, and what it shows.

    Args:
        session_id: The session.
    """
    return await shown(ctx, await service.get(ctx.db, ctx.tenant, session_id))


@tools.tool(scope="diagnostics:read", risk=Risk.READ, rest="GET /diagnostics")
async def list_diagnostic_sessions(
    ctx: Context,
    customer_id: OwnCustomerId | None = None,
    status: Status | None = None,
    confirmed: Confirmed | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> DiagnosisList:
    """List diagnostic sessions, the newest first.

    Args:
        customer_id: Only this customer's.
        status: Only those in this state.
        confirmed: Only those of which it is known in this way that it helped.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    only: dict[str, Any] = {"customer_id": customer_id, "status": status, "confirmed": confirmed}
    total, found = await listing.find(ctx.db, ctx.tenant, **only, limit=limit, offset=offset)
    helped = Helped(**await listing.helped(ctx.db, ctx.tenant, **only))
    sessions = [telling.summary(one) for one in found]
    return DiagnosisList(total=total, helped=helped, limit=limit, offset=offset, sessions=sessions)


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/answers",
    facts=diagnosis_facts,
)
async def answer_diagnostic_step(
    ctx: Context, session_id: SessionId, revision: Revision, answer: GivenAnswer
) -> Diagnosis:
    """Answer the step that waits, and get the next one, the cause, or the ticket of a hand-over.

    Args:
        session_id: The session.
        revision: Its revision as it was read: an answer to a step that waits no more is refused.
        answer: In the form that the step asks for: true or false, a word, a number, or a text.
    """
    session = await service.answer(
        ctx.db,
        ctx.tenant,
        session_id,
        revision,
        answer,
        ctx.principal.label,
        ctx.request_id,
    )
    return await followed(ctx, session)


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/back",
    facts=diagnosis_facts,
)
async def take_back_diagnostic_answer(
    ctx: Context, session_id: SessionId, revision: Revision
) -> Diagnosis:
    """Take the latest answer of a diagnostic session back; its step waits again.

    Args:
        session_id: The session.
        revision: Its revision as it was read.
    """
    return await followed(ctx, await service.go_back(ctx.db, ctx.tenant, session_id, revision))


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/pause",
    facts=diagnosis_facts,
)
async def pause_diagnostic_session(
    ctx: Context, session_id: SessionId, revision: Revision
) -> Diagnosis:
    """Have a diagnostic session wait, with its step, until somebody resumes it.

    Args:
        session_id: The session.
        revision: Its revision as it was read.
    """
    session = await service.set_status(
        ctx.db, ctx.tenant, session_id, revision, "paused", allowed=("open",)
    )
    return await followed(ctx, session)


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/resume",
    facts=diagnosis_facts,
)
async def resume_diagnostic_session(
    ctx: Context, session_id: SessionId, revision: Revision
) -> Diagnosis:
    """Go on with a diagnostic session that was paused.

    Args:
        session_id: The session.
        revision: Its revision as it was read.
    """
    session = await service.set_status(
        ctx.db, ctx.tenant, session_id, revision, "open", allowed=("paused",)
    )
    return await followed(ctx, session)


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/outcome",
    facts=diagnosis_facts,
)
async def report_diagnosis_outcome(
    ctx: Context,
    session_id: SessionId,
    revision: Revision,
    helped: StrictBool,
    put_right: StrictBool = False,
) -> Diagnosis:
    """Say whether the fix of a diagnostic session has helped. If not, a specialist gets all of it.

    Two things can be wrong at once. Where the cause was put right and the issue is still there, the
    steps begin anew and look for another one.

    Where it had joined an incident that is over and the issue is still there, its steps go on.

    Args:
        session_id: The session.
        revision: Its revision.
        helped: Whether the issue is gone.
        put_right: If it is not, whether the cause that was found was put right all the same.
    """
    if helped and put_right:
        told = "Say `put_right` only where the issue is still there."
        raise Conflict(told, details={"field": "put_right"})
    by: Confirmed = "customer" if ctx.principal.kind == "customer" else "staff"
    before = await service.get(ctx.db, ctx.tenant, session_id)
    if not helped and service.was_midway(before):
        return await gone_on(ctx, before, revision)
    if put_right:
        return await followed(ctx, await service.begin_anew(ctx.db, ctx.tenant, before, revision))
    session = await service.set_status(
        ctx.db,
        ctx.tenant,
        session_id,
        revision,
        "resolved" if helped else "handed_over",
        allowed=("to_confirm",),
        confirmed=by if helped else None,
    )
    return await followed(ctx, session, "What was found has not helped.")


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/hand-over",
    facts=diagnosis_facts,
)
async def hand_over_diagnosis(ctx: Context, session_id: SessionId, revision: Revision) -> Diagnosis:
    """Give a diagnostic session to staff before its end, as a ticket with all that it has gathered.

    Args:
        session_id: The session.
        revision: Its revision as it was read.
    """
    session = await service.set_status(
        ctx.db,
        ctx.tenant,
        session_id,
        revision,
        "handed_over",
        allowed=("open", "paused", "to_confirm", "joined_incident"),
    )
    return await followed(ctx, session, "Somebody asked for a person.")
