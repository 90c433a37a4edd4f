"""The tools of what is known of a customer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deskward.core.veil import veiled
from deskward.customers import service as customers
from deskward.diagnostics.context import service
from deskward.diagnostics.context.health import latest
from deskward.diagnostics.context.models import (
    CustomerContext,
    CustomerProductInfo,
    ProductName,
    ProductReceipt,
    Short,
    Values,
)
from deskward.diagnostics.context.nearest import no_product
from deskward.diagnostics.context.sources import Sources
from deskward.diagnostics.tools import tools as tools
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk
from deskward.tickets.deadlines import Deadlines

PARTS = ("configuration", "usage", "history", "fields")
"""What a role sees of a customer's context only with the scope `context:PART`."""

CLOCKS = "escalation:read"
"""The scope by which a role sees how clocks stand, here as everywhere."""

SupportTier = Annotated[str, Field(max_length=32, examples=["gold"])]


@tools.tool(scope="context:read", risk=Risk.READ, rest="GET /customers/{customer_id}/product-info")
async def get_customer_product_info(
    ctx: Context, customer_id: OwnCustomerId, product_name: ProductName | None = None
) -> CustomerProductInfo:
    """Retrieve a customer's products: version, licence, configuration and usage, with their source.

    Args:
        customer_id: The customer.
        product_name: Only this product; one that they do not have names the nearest.
    """
    customer = await customers.profile(ctx.db, ctx.tenant, customer_id)
    rows = await service.products(ctx.db, ctx.tenant, customer_id)
    answered = await ctx.port(Sources).ask(ctx.tenant, customer)
    found = service.shown_products(rows, answered, _sees(ctx))
    states = service.states(answered, await latest(ctx.db, ctx.port(Sources)))
    complete = service.is_whole(states)
    products = found
    if product_name is not None:
        wanted = product_name.strip().casefold()
        products = [one for one in found if one.product_name.casefold() == wanted]
        if complete and not products:  # a source that does not answer may know it
            raise no_product(product_name, [one.product_name for one in found])
    return CustomerProductInfo(
        customer_id=customer.customer_id,
        products=products,
        account_status=service.status_of(answered),
        contact_preferences=service.preferences(customer),
        sources=states,
        complete=complete,
    )


@tools.tool(scope="context:read", risk=Risk.READ, rest="GET /customers/{customer_id}/context")
async def get_customer_context(
    ctx: Context,
    customer_id: OwnCustomerId,
    include_history: bool = True,
    include_configuration: bool = True,
) -> CustomerContext:
    """Retrieve all that is known of a customer, from the desk and from other systems.

    Where a system does not answer, the rest is there, and `sources` says what is missing. A caller
    sees what their role lets them see.

    Args:
        customer_id: The customer.
        include_history: Whether tickets, diagnoses and interactions are wanted.
        include_configuration: Whether the configuration of the products is wanted.
    """
    customer = await customers.profile(ctx.db, ctx.tenant, customer_id)
    rows = await service.products(ctx.db, ctx.tenant, customer_id)
    answered = await ctx.port(Sources).ask(ctx.tenant, customer)
    sees = _sees(ctx)
    if not include_configuration:
        sees -= {"configuration"}
    history = None
    if include_history and "history" in sees:
        history = await service.history(ctx.db, ctx.tenant, customer_id, answered)
    clocks = None
    if ctx.port(Gate).policy.roles.may(ctx.principal, CLOCKS):
        given = (ctx.tenant, customer_id, ctx.port(Deadlines))
        clocks = await service.service_clocks(ctx.db, *given)
    states = service.states(answered, await latest(ctx.db, ctx.port(Sources)))
    told = {
        f"{one.source}.{name}": value
        for one in answered
        if one.known is not None
        for name, value in one.known.fields.items()
    }
    return CustomerContext(
        customer_id=customer.customer_id,
        name=customer.name,
        tier=customer.tier,
        tags=customer.tags if "fields" in sees else [],
        fields=veiled({**customer.fields, **told}) if "fields" in sees else {},
        products=service.shown_products(rows, answered, sees),
        account_status=service.status_of(answered),
        contact_preferences=service.preferences(customer),
        service_levels=clocks,
        history=history,
        sources=states,
        complete=service.is_whole(states),
    )


@tools.tool(scope="context:write", risk=Risk.WRITE, rest="PUT /customers/{customer_id}/products")
async def set_customer_product(
    ctx: Context,
    customer_id: OwnCustomerId,
    product_name: ProductName,
    version: Short | None = None,
    license_type: Short | None = None,
    support_tier: SupportTier | None = None,
    configuration: Values | None = None,
    usage_stats: Values | None = None,
) -> ProductReceipt:
    """Have a product of a customer on record; what is left out stays as it is.

    Args:
        customer_id: The customer.
        product_name: The product.
        version: The version that they have.
        license_type: How it is licensed to them.
        support_tier: Which support they have for it.
        configuration: How it is configured; the whole is replaced, and of what is read masked the
            secret stays.
        usage_stats: How it is used; the whole is replaced.
    """
    values = {
        "version": version,
        "license_type": license_type,
        "support_tier": support_tier,
        "configuration": configuration,
        "usage_stats": usage_stats,
    }
    name = await service.put(ctx.db, ctx.tenant, customer_id, product_name, values)
    return ProductReceipt(customer_id=customer_id, product_name=name, message="It is on record.")


@tools.tool(scope="context:write", risk=Risk.WRITE, rest="DELETE /customers/{customer_id}/products")
async def remove_customer_product(
    ctx: Context, customer_id: OwnCustomerId, product_name: ProductName
) -> ProductReceipt:
    """Have a product of a customer on record no longer.

    Args:
        customer_id: The customer.
        product_name: The product.
    """
    name = await service.remove(ctx.db, ctx.tenant, customer_id, product_name)
    return ProductReceipt(
        customer_id=customer_id, product_name=name, message="It is on record no longer."
    )


def _sees(ctx: Context) -> frozenset[str]:
    roles = ctx.port(Gate).policy.roles
    return frozenset(one for one in PARTS if roles.may(ctx.principal, f"context:{one}"))
