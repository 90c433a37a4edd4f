"""The tools of where a customer's product runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from deskward.core.aside import aside
from deskward.core.database import now
from deskward.core.errors import Forbidden
from deskward.customers import service as customers
from deskward.diagnostics.context import environment, service
from deskward.diagnostics.context.environment import (
    CONFIDENCE,
    CustomerEnvironment,
    EnvironmentReceipt,
    Fact,
    Method,
)
from deskward.diagnostics.context.hints import of_client_hints
from deskward.diagnostics.context.sources import Sources
from deskward.diagnostics.tools import Facts
from deskward.diagnostics.tools import tools as tools
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk

UserAgent = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        examples=["Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0.0.0 Safari/537.36"],
    ),
]
ClientHints = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^(?i:sec-ch-ua)(?i:-[a-z-]{1,32})?$")],
        Annotated[str, Field(max_length=1_000)],
    ],
    Field(
        max_length=12,
        examples=[{"Sec-CH-UA": '"Chromium";v="126"', "Sec-CH-UA-Platform": '"Windows"'}],
        json_schema_extra={"additionalProperties": False},
    ),
]


@tools.tool(scope="context:read", risk=Risk.READ, rest="GET /customers/{customer_id}/environment")
async def detect_customer_environment(
    ctx: Context, customer_id: OwnCustomerId, detection_method: Method = "api"
) -> CustomerEnvironment:
    """Detect where a customer's product runs: system, browser, product and versions.

    Each fact says how it was found out, when, and how sure it is. What others have told otherwise
    is among `conflicts`.

    Args:
        customer_id: The customer.
        detection_method: `api`: by products on record and other systems, which may tell of
            networks, settings and integrations, too. `user_agent`: by what
            their browser says. `collector`: by what a program has read on their machine.
            `declared`: by what they say.
    """
    customer = await customers.profile(ctx.db, ctx.tenant, customer_id)
    facts = await environment.on_record(ctx.db, ctx.tenant, customer_id)
    rows = await service.products(ctx.db, ctx.tenant, customer_id)
    answered = await ctx.port(Sources).ask(ctx.tenant, customer)
    for one in service.shown_products(rows, answered, frozenset()):
        if one.version:
            facts.append(
                Fact(
                    name=f"version of {one.product_name}"[:300],
                    value=one.version,
                    method="api",
                    source=one.source,
                    seen_at=one.last_updated or now(),
                    confidence=CONFIDENCE["api"],
                )
            )
    for source in answered:
        for name, value in (source.known.environment if source.known else {}).items():
            facts.append(Fact(name, value, "api", source.source, source.at, CONFIDENCE["api"]))
    mine = [one for one in facts if one.method == detection_method]
    named = {one.name for one in mine}
    conflicts = environment.conflicts_of(facts)
    return CustomerEnvironment(
        customer_id=customer.customer_id,
        detection_method=detection_method,
        facts=[one.shown() for one in mine],
        conflicts=[one for one in conflicts if one.name in named],
        complete=all(one.problem is None for one in answered),
    )


@tools.tool(scope="context:tell", risk=Risk.WRITE, rest="POST /customers/{customer_id}/environment")
async def report_customer_environment(
    ctx: Context,
    customer_id: OwnCustomerId,
    environment_info: Facts | None = None,
    user_agent: UserAgent | None = None,
    method: Literal["declared", "collector"] = "declared",
    client_hints: ClientHints | None = None,
) -> EnvironmentReceipt:
    """Tell where a customer's product runs; it is taken down with who has told it, and when.

    Args:
        customer_id: The customer.
        environment_info: What is known, such as `os` and `browser`.
        user_agent: What their browser says of itself, as the header User-Agent.
        method: How the facts were found out. What a program has read, that program alone sends.
        client_hints: What their browser says in the headers Sec-CH-UA…; it counts before
            `user_agent`, parts of which browsers have frozen.
    """
    if method == "collector":
        raise Forbidden("What a program has read is sent by that program alone: say `declared`.")
    told = (
        await aside(lambda: environment.of_user_agent(user_agent), len(user_agent))
        if user_agent is not None
        else {}
    )
    told |= of_client_hints(client_hints or {})
    await customers.require(ctx.db, ctx.tenant, customer_id)
    if environment_info:
        await environment.take(ctx.db, ctx.tenant, customer_id, method, environment_info)
    if told:
        await environment.take(ctx.db, ctx.tenant, customer_id, "user_agent", told)
    count = len(environment_info or {}) + len(told)
    return EnvironmentReceipt(
        customer_id=customer_id, facts=count, message=f"Facts taken down: {count}."
    )
