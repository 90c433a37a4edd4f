"""The tools of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from pydantic import Field

from deskward.core.custom_fields import CustomFields
from deskward.core.database import Database
from deskward.core.jobs import Job, RetryLater
from deskward.core.paging import Limit
from deskward.customers import listing, service
from deskward.customers.details import STANDARD
from deskward.customers.erasure import erase
from deskward.customers.merging import merge
from deskward.customers.models import (
    Customer,
    CustomerErased,
    CustomerPage,
    CustomerUpdate,
    Details,
    ExternalIds,
    Fields,
    Language,
    MailAddresses,
    Name,
    Phones,
    Postal,
    Profile,
    Tag,
    Tags,
    Tier,
    TimeZone,
)
from deskward.customers.normal import language_key
from deskward.customers.wishes import WISHES
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.sessions import Sessions
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup

LONGEST = 600.0
"""Most seconds between attempts at it."""

ID = r"^[A-Za-z0-9_.-]{1,64}$"

tools = ToolGroup("customers", wishes=WISHES)


@dataclass(frozen=True)
class CustomerRules:
    """The port by which tools know what the operator has said of customers.

    Attributes:
        declared: The fields that customers have besides those that all have.
    """

    declared: CustomFields


class CustomerFacts(TypedDict):
    """What policies may know of the customer whom a call is about."""

    id: str
    owner: str
    tier: str
    revision: int


class ChangeFacts(CustomerFacts):
    """What policies may know of a change of a customer.

    Attributes:
        contact: Whether it changes how they are reached: their mail addresses or phone numbers.
    """

    contact: bool


class MergeFacts(CustomerFacts):
    """What policies may know of a merger.

    Attributes:
        into_tier: The tier of the customer who stays.
    """

    into_tier: str
    into_revision: int


async def change_facts(ctx: Context, arguments: Mapping[str, Any]) -> ChangeFacts:
    """The facts of a change of a customer."""
    customer = await service.get(ctx.db, ctx.tenant, arguments["customer_id"])
    told = arguments["update"].model_fields_set
    return {**_facts(customer), "contact": not told.isdisjoint(("emails", "phones", "verified"))}


async def merge_facts(ctx: Context, arguments: Mapping[str, Any]) -> MergeFacts:
    """The facts of a merger."""
    customer = await service.get(ctx.db, ctx.tenant, arguments["customer_id"])
    into = await service.get(ctx.db, ctx.tenant, arguments["into"])
    return {**_facts(customer), "into_tier": into.tier, "into_revision": into.revision}


def _facts(customer: Customer) -> CustomerFacts:
    return {
        "id": customer.customer_id,
        "owner": customer.customer_id,
        "tier": customer.tier,
        "revision": customer.revision,
    }


@tools.tool(
    scope="customers:read",
    risk=Risk.READ,
    rest="GET /customers/{customer_id}",
)
async def get_customer(ctx: Context, customer_id: OwnCustomerId) -> Profile:
    """Look up a customer's contact data and support tier.

    Args:
        customer_id: The customer.
    """
    return await service.profile(ctx.db, ctx.tenant, customer_id)


@tools.tool(scope="customers:list", risk=Risk.READ, rest="GET /customers")
async def list_customers(
    ctx: Context,
    tier: Tier | None = None,
    tag: Tag | None = None,
    language: Language | None = None,
    cursor: Annotated[str, Field(max_length=200)] | None = None,
    limit: Limit = 20,
) -> CustomerPage:
    """List customers by id, a page at a time.

    Args:
        tier: Only those of this tier.
        tag: Only those with this tag.
        language: Only those of this language.
        cursor: Where to go on: the `next_cursor` of the page before.
        limit: How many to list at the most.
    """
    return await listing.page(
        ctx.db,
        ctx.tenant,
        tier=tier,
        tag=tag,
        language=language_key(language) if language else None,
        cursor=cursor,
        limit=limit,
    )


@tools.tool(scope="customers:list", risk=Risk.READ, rest="GET /customers/search")
async def find_customers(
    ctx: Context,
    q: Annotated[str, Field(min_length=1, max_length=320, examples=["alex morgan"])],
    limit: Limit = 20,
) -> CustomerPage:
    """Find customers by what is known of them.

    Args:
        q: An id of theirs, here or in another system, a mail address, a phone number, or a part of
            their name.
        limit: How many to find at the most.
    """
    return await listing.search(ctx.db, ctx.tenant, q.strip(), limit=limit)


@tools.tool(scope="customers:write", risk=Risk.WRITE, rest="POST /customers")
async def create_customer(
    ctx: Context,
    name: Name,
    emails: MailAddresses | None = None,
    phones: Phones | None = None,
    address: Postal | None = None,
    language: Language | None = None,
    time_zone: TimeZone | None = None,
    tier: Tier = STANDARD,
    tags: Tags | None = None,
    fields: Fields | None = None,
    external_ids: ExternalIds | None = None,
    new_id: Annotated[str, Field(pattern=ID)] | None = None,
) -> Profile:
    """Make a customer.

    Args:
        name: Their name.
        emails: Their mail addresses, the primary one first. Each is one customer's only.
        phones: Their phone numbers, the primary one first.
        address: Their postal address.
        language: The language that they are answered in, as its tag (BCP 47).
        time_zone: Their time zone, as in the IANA database.
        tier: Their support tier.
        tags: Words that they are found by.
        fields: Values of the fields that the operator has declared.
        external_ids: By what other systems know them.
        new_id: The id that they are to have; by default the next number.
    """
    given = {
        "name": name,
        "emails": emails,
        "phones": phones,
        "address": address,
        "language": language,
        "time_zone": time_zone,
        "tier": tier,
        "tags": tags,
        "fields": fields,
        "external_ids": external_ids,
    }
    details = Details(**{known: value for known, value in given.items() if value is not None})
    made = await service.create(
        ctx.db, ctx.tenant, details, customer_id=new_id, declared=ctx.port(CustomerRules).declared
    )
    await ctx.tell("customer.created", made.customer_id, customer_id=made.customer_id)
    return await service.profile(ctx.db, ctx.tenant, made.customer_id)


@tools.tool(
    scope="customers:write",
    risk=Risk.WRITE,
    rest="PATCH /customers/{customer_id}",
    facts=change_facts,
)
async def update_customer(
    ctx: Context, customer_id: OwnCustomerId, update: CustomerUpdate
) -> Profile:
    """Change what is known of a customer; lists are given whole.

    Args:
        customer_id: The customer.
        update: What to change.
    """
    told = update.model_dump(exclude_unset=True, exclude={"revision"})
    await service.change(
        ctx.db,
        ctx.tenant,
        customer_id,
        Details(**told),
        revision=update.revision,
        declared=ctx.port(CustomerRules).declared,
    )
    data = {"changed": sorted(told)}
    await ctx.tell("customer.updated", customer_id, data, customer_id=customer_id)
    return await service.profile(ctx.db, ctx.tenant, customer_id)


@tools.tool(
    scope="customers:merge",
    risk=Risk.DESTRUCTIVE,
    rest="POST /customers/{customer_id}/merge",
    facts=merge_facts,
)
async def merge_customers(
    ctx: Context, customer_id: OwnCustomerId, into: Annotated[str, Field(pattern=ID)]
) -> Profile:
    """Merge a customer into another one, who is the same person. It cannot be undone.

    Their tickets, orders, sessions and keys become the other one's, and their id leads there.

    Args:
        customer_id: The customer who is no more after that.
        into: The customer who stays.
    """
    await ctx.port(Sessions).stop(ctx.db, ctx.tenant, f"customer:{customer_id}")
    kept = await merge(ctx.db, ctx.tenant, customer_id, into)
    data = {"merged": customer_id}
    await ctx.tell("customer.merged", kept.customer_id, data, customer_id=kept.customer_id)
    return await service.profile(ctx.db, ctx.tenant, kept.customer_id)


@tools.tool(
    scope="customers:erase", risk=Risk.DESTRUCTIVE, rest="POST /customers/{customer_id}/erase"
)
async def erase_customer(
    ctx: Context,
    customer_id: OwnCustomerId,
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Asked for by letter."])],
) -> CustomerErased:
    """Erase a customer for good: their data, their conversations, and their key to the ledger.

    What the ledger holds of them cannot be read any more; its chain still verifies.

    Args:
        customer_id: The customer.
        reason: Why; it is recorded, and cannot be read afterwards either.
    """
    customer = await service.get(ctx.db, ctx.tenant, customer_id)
    keys = ctx.port(Gate).ledger.keys
    count = await erase(ctx.db, keys, ctx.tenant, customer, approval_id=ctx.approval_id)
    await ctx.tell("customer.erased", customer_id)
    return CustomerErased(records=count, message="The customer was erased.")


async def scrub(database: Database, job: Job) -> None:
    """Do the job of an erasure: take what was erased out of the database's files.

    Raises:
        RetryLater: Something else reads the database; there is no room for it now.
    """
    if not await database.scrub():
        raise RetryLater(min(2.0**job.attempt, LONGEST), "the database's files are in use")
