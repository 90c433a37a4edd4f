"""The tools of incidents: who is told of them, who joins them, and where alerts come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from deskward.core.errors import Conflict, InvalidInput
from deskward.core.numbering import Revision
from deskward.core.paging import Limit, Offset
from deskward.core.written import Ours, Written
from deskward.diagnostics import service as sessions
from deskward.diagnostics.following import followed, gone_on
from deskward.diagnostics.incidents import joining, service, sources, taking
from deskward.diagnostics.incidents.alerts import MOST, Alert
from deskward.diagnostics.incidents.matching import Sign, sign_of, signature_of
from deskward.diagnostics.incidents.models import (
    AlertsTaken,
    Code,
    CustomerMessage,
    Form,
    Incident,
    IncidentList,
    IncidentSourceList,
    IncidentStatus,
    Secret,
    SourceChanged,
    SourceId,
    SourceName,
    Test,
    Title,
    Version,
)
from deskward.diagnostics.incidents.sources import AlertVault
from deskward.diagnostics.models import (
    Diagnosis,
    IncidentId,
    KnownIncident,
    Product,
    SessionId,
    Status,
)
from deskward.diagnostics.session_facts import DiagnosisFacts, diagnosis_facts
from deskward.diagnostics.tools import tools
from deskward.gate.context import Context, new_id
from deskward.gate.tool import Risk
from deskward.security.hook_signatures import secret_bytes


class JoinFacts(DiagnosisFacts):
    """What policies may know of a session that is to join an incident."""

    known: bool


class SimilarSession(BaseModel):
    """A session of somebody else that has seen the same."""

    session_id: SessionId
    customer_id: Ours
    product_name: Annotated[str, Written(by="customer")]
    status: Status
    ticket_id: Ours | None


class SimilarCases(BaseModel):
    """What is like a session: sessions and tickets of others, and known incidents."""

    signature: Annotated[str, Written(by="customer")] | None = Field(
        description="What was seen; null while nothing was.",
        examples=["acme api|2.3|api-errors.status=503"],
    )
    sessions: list[SimilarSession]
    incidents: list[KnownIncident]


async def join_facts(ctx: Context, arguments: Mapping[str, Any]) -> JoinFacts:
    """The facts of a call that has a session join an incident."""
    about = await diagnosis_facts(ctx, arguments)
    session = await sessions.get(ctx.db, ctx.tenant, arguments["session_id"])
    known = await joining.known(ctx.db, ctx.tenant, session, staff=False)
    named = [one.incident_id for one in known]
    return {**about, "known": arguments["incident_id"] in named}


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/incident",
    facts=join_facts,
)
async def join_incident(
    ctx: Context, session_id: SessionId, revision: Revision, incident_id: IncidentId
) -> Diagnosis:
    """Have a diagnostic session be one of a known incident: nothing is asked until that is over.

    Args:
        session_id: The session.
        revision: Its revision as it was read.
        incident_id: An incident that is open.
    """
    await service.row_of(ctx.db, ctx.tenant, incident_id)
    session = await sessions.set_status(
        ctx.db,
        ctx.tenant,
        session_id,
        revision,
        "joined_incident",
        allowed=("open", "paused", "to_confirm"),
        incident=int(incident_id[1:]),
    )
    told_of = await service.held_open(ctx.db, ctx.tenant, incident_id)
    if told_of is None:
        raise Conflict(f"Incident {incident_id} is over.")
    await sessions.note(ctx.db, ctx.tenant, session, told=told_of)
    told = {"status": "joined_incident", "incident_id": incident_id}
    await ctx.tell("diagnosis.joined", session_id, told, customer_id=session.customer_id)
    return await followed(ctx, session)


@tools.tool(
    scope="diagnostics:use",
    risk=Risk.WRITE,
    rest="POST /diagnostics/{session_id}/incident/leave",
    facts=diagnosis_facts,
)
async def leave_incident(ctx: Context, session_id: SessionId, revision: Revision) -> Diagnosis:
    """Say that a diagnostic session is about something else than the incident it has joined.

    Its steps go on, and it does not join that incident again by itself.

    Args:
        session_id: The session.
        revision: Its revision as it was read.
    """
    return await gone_on(ctx, await sessions.get(ctx.db, ctx.tenant, session_id), revision)


@tools.tool(
    scope="incidents:read",
    risk=Risk.READ,
    rest="GET /diagnostics/{session_id}/similar",
    facts=diagnosis_facts,
)
async def find_similar_cases(ctx: Context, session_id: SessionId) -> SimilarCases:
    """Find what is like a diagnostic session: others that have seen the same, and incidents.

    Args:
        session_id: The session.
    """
    session = await sessions.get(ctx.db, ctx.tenant, session_id)
    alike = await joining.alike(ctx.db, ctx.tenant, session)
    return SimilarCases(
        signature=signature_of(session),
        sessions=[
            SimilarSession(
                session_id=one.id,
                customer_id=one.customer_id,
                product_name=one.product,
                status=one.status,
                ticket_id=one.ticket_id,
            )
            for one in alike
        ],
        incidents=await joining.known(ctx.db, ctx.tenant, session, staff=True),
    )


@tools.tool(scope="incidents:read", risk=Risk.READ, rest="GET /incidents")
async def list_incidents(
    ctx: Context,
    status: IncidentStatus | None = None,
    product: Product | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> IncidentList:
    """List incidents, the newest first, with how many sessions have joined each.

    Args:
        status: Only those in this state.
        product: Only those of this product.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    total, found = await service.find(
        ctx.db, ctx.tenant, status=status, product=product, limit=limit, offset=offset
    )
    return IncidentList(total=total, limit=limit, offset=offset, incidents=found)


@tools.tool(scope="incidents:read", risk=Risk.READ, rest="GET /incidents/{incident_id}")
async def get_incident(ctx: Context, incident_id: IncidentId) -> Incident:
    """Look up an incident.

    Args:
        incident_id: The incident.
    """
    return await service.get(ctx.db, ctx.tenant, incident_id)


@tools.tool(
    scope="incidents:write",
    risk=Risk.WRITE,
    rest="POST /incidents",
    together={"anyOf": [{"required": ["product"]}, {"required": ["session_id"]}]},
)
async def report_incident(
    ctx: Context,
    title: Title,
    product: Product | None = None,
    session_id: SessionId | None = None,
    test: Test = "",
    code: Code = "",
    version: Version = "",
    description: Annotated[str, Field(max_length=4_000)] = "",
    customer_message: CustomerMessage | None = None,
) -> Incident:
    """Report an incident: sessions that see the same join it, and their customers are told.

    Args:
        title: What is wrong, for staff.
        product: The product that it is of.
        session_id: A session that shows it: what it has seen says of which product it is, and what
            shows it, where that is not said here.
        test: What shows it.
        code: The code that shows it.
        version: The version that it is of.
        description: More about it, for staff.
        customer_message: What customers are told.
    """
    if product is None and session_id is None:
        raise InvalidInput("Say of which product it is, or name a session that shows it.")
    sign = Sign(product or "", version, test, code)
    if session_id is not None:
        session = await sessions.get(ctx.db, ctx.tenant, session_id)
        seen = sign_of(session)
        shows = (test, code) if test or code else (seen.test, seen.code)
        sign = Sign(product or seen.product, version, *shows)
    await service.lock(ctx.db, ctx.tenant)
    same = await service.same_open(ctx.db, ctx.tenant, sign.digest(title))
    if same is not None:
        raise Conflict(
            f"Incident I{same.number} is open already, and shown by the same.",
            details={"incident_id": f"I{same.number}"},
        )
    if await service.count_open(ctx.db, ctx.tenant) >= service.MOST_OPEN:
        raise Conflict(f"{service.MOST_OPEN} incidents are open already. Resolve some first.")
    made = await service.begin(
        ctx.db,
        ctx.tenant,
        sign,
        title=title,
        by=ctx.principal.label,
        description=description,
        customer_message=customer_message,
        name=title,
    )
    return await service.get(ctx.db, ctx.tenant, made)


@tools.tool(scope="incidents:write", risk=Risk.WRITE, rest="POST /incidents/{incident_id}/open")
async def open_incident(
    ctx: Context,
    incident_id: IncidentId,
    customer_message: CustomerMessage | None = None,
    revision: Revision | None = None,
) -> Incident:
    """Open an incident that the desk has proposed: sessions that see the same join it from now on.

    One that is none is resolved, which tells nobody anything.

    Args:
        incident_id: A proposed incident.
        customer_message: What customers are told of it.
        revision: Its revision as it was read, where that counts.
    """
    by = ctx.principal.label
    await service.open_up(ctx.db, ctx.tenant, incident_id, by, customer_message, revision)
    return await service.get(ctx.db, ctx.tenant, incident_id)


@tools.tool(scope="incidents:write", risk=Risk.WRITE, rest="POST /incidents/{incident_id}/updates")
async def update_incident(
    ctx: Context,
    incident_id: IncidentId,
    customer_message: CustomerMessage,
    revision: Revision | None = None,
) -> Incident:
    """Say how it stands with an incident. Each customer who has joined it is told once.

    Args:
        incident_id: An incident that is open.
        customer_message: What customers are told from now on.
        revision: Its revision as it was read, where that counts.
    """
    await service.update(ctx.db, ctx.tenant, incident_id, customer_message, revision)
    return await service.get(ctx.db, ctx.tenant, incident_id)


@tools.tool(scope="incidents:write", risk=Risk.WRITE, rest="POST /incidents/{incident_id}/resolve")
async def resolve_incident(
    ctx: Context,
    incident_id: IncidentId,
    revision: Revision | None = None,
    customer_message: CustomerMessage | None = None,
) -> Incident:
    """Say that an incident is over. Who has joined it is told, and asked whether all is well.

    Args:
        incident_id: The incident.
        revision: Its revision as it was read, where that counts.
        customer_message: What customers are told besides.
    """
    await service.resolve(
        ctx.db,
        ctx.tenant,
        incident_id,
        by=ctx.principal.label,
        revision=revision,
        message=customer_message,
    )
    return await service.get(ctx.db, ctx.tenant, incident_id)


@tools.tool(
    scope="incidents:sources", risk=Risk.READ, rest="GET /incident-sources", keeps_secrets=False
)
async def list_incident_sources(ctx: Context) -> IncidentSourceList:
    """List the sources of alerts, and when they were heard of last."""
    return IncidentSourceList(sources=await sources.listed(ctx.db, ctx.tenant))


@tools.tool(scope="incidents:sources", risk=Risk.WRITE, rest="POST /incident-sources")
async def add_incident_source(
    ctx: Context,
    name: SourceName,
    form: Form,
    secret: Secret,
    product: Annotated[str, Field(max_length=200)] = "",
) -> SourceChanged:
    """Let monitoring post alerts, which become incidents.

    Args:
        name: What it is called.
        form: How it tells of alerts.
        secret: What its alerts are known by.
        product: The product of alerts that name none.
    """
    source_id = new_id()
    raw = secret_bytes(secret.get_secret_value())
    await sources.add(
        ctx.db,
        ctx.tenant,
        {
            "id": source_id,
            "name": name,
            "form": form,
            "product": product,
            "secret": ctx.port(AlertVault).sealing.sealed(source_id, raw),
            "added_by": ctx.principal.label,
        },
    )
    message = f"{sources.address_of(source_id)} takes its alerts."
    return SourceChanged(source_id=source_id, message=message)


@tools.tool(scope="incidents:sources", risk=Risk.WRITE, rest="DELETE /incident-sources/{source_id}")
async def remove_incident_source(ctx: Context, source_id: SourceId) -> SourceChanged:
    """Take no more alerts from a source. Its incidents stay, for people to resolve.

    Args:
        source_id: The source.
    """
    await sources.remove(ctx.db, ctx.tenant, source_id)
    return SourceChanged(source_id=source_id, message="It was removed.")


@tools.tool(scope="incidents:alert", risk=Risk.WRITE, rest=None)
async def take_alerts(
    ctx: Context, source_id: SourceId, alerts: Annotated[list[Alert], Field(max_length=MOST)]
) -> AlertsTaken:
    """Take the alerts that a source has posted.

    Args:
        source_id: The source.
        alerts: Its alerts.
    """
    return await taking.take(ctx.db, ctx.tenant, source_id, alerts, ctx.principal.label)
