"""`deskward tenants`: whose desks this one is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Json, Operator, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database

tenants = App(name="tenants", help="Make tenants, say how they appear, and close them.")

TenantId = Annotated[str, Parameter(help="The tenant's id, for example shop.")]
Name = Annotated[str | None, Parameter(help="The brand that customers know.")]
Languages = Annotated[
    tuple[str, ...],
    Parameter(name="--language", help="A language that it answers in.", negative=()),
]
Zone = Annotated[str | None, Parameter(help="Its time zone, for example Europe/Berlin.")]
Hours = Annotated[
    str | None,
    Parameter(help="When people work there: mon-fri=09:00-17:00, sat=10:00-12:00."),
]
ReplyTo = Annotated[str | None, Parameter(help="Mail address that answers to its mails go to.")]
Sender = Annotated[str | None, Parameter(help="Name that its mails come from.")]
Domains = Annotated[
    tuple[str, ...],
    Parameter(name="--mail-domain", help="A domain that its own mail comes from.", negative=()),
]
Signature = Annotated[str | None, Parameter(help="What stands below its mails.")]


@tenants.command
def add(
    tenant: TenantId,
    /,
    *,
    name: Name = None,
    languages: Languages = (),
    time_zone: Zone = None,
    hours: Hours = None,
    reply_to: ReplyTo = None,
    sender_name: Sender = None,
    mail_domains: Domains = (),
    signature: Signature = None,
    as_: Operator = None,
) -> None:
    """Make a tenant. The one of DEFAULT_TENANT_ID is there by itself.

    Example: `deskward tenants add shop --name "The Shop" --language de --time-zone Europe/Berlin`
    """
    lists = {"languages": list(languages), "mail_domains": list(mail_domains)}
    told = _told(name, time_zone, hours, reply_to, sender_name, signature, lists)

    async def work(database: Database, _settings: Any) -> None:
        from deskward.security import tenants as table

        async with database.transaction() as transaction:
            await table.add(transaction, tenant)
            if told:
                await table.change(transaction, tenant, _checked(told))
        print(f"The tenant {tenant} is there. Next: `deskward staff add ID --tenant {tenant}`.")

    with_database(work, ("add_tenant", {"id": tenant, **told}), as_)


@tenants.command(name="set")
def set_(
    tenant: TenantId,
    /,
    *,
    name: Name = None,
    languages: Languages = (),
    time_zone: Zone = None,
    hours: Hours = None,
    reply_to: ReplyTo = None,
    sender_name: Sender = None,
    mail_domains: Domains = (),
    signature: Signature = None,
    as_: Operator = None,
) -> None:
    """Change how a tenant appears; an empty text takes away.

    Example: `deskward tenants set default --name "First Bank" --hours mon-fri=09:00-17:00`
    """
    lists = {"languages": list(languages), "mail_domains": list(mail_domains)}
    told = _told(name, time_zone, hours, reply_to, sender_name, signature, lists)
    if not told:
        raise Misused('say what to change, for example --name "First Bank"')

    async def work(database: Database, _settings: Any) -> None:
        from deskward.security import tenants as table

        async with database.transaction() as transaction:
            await table.change(transaction, tenant, _checked(told))
        print(f"The tenant {tenant} is changed.")

    with_database(work, ("change_tenant", {"id": tenant, **told}), as_)


@tenants.command(name="list")
def list_(*, json_: Json = False) -> None:
    """List the tenants.

    Example: `deskward tenants list`
    """

    async def work(database: Database, _settings: Any) -> None:
        from deskward.security import tenants as table

        rows = [table.told(one) for one in await table.listed(database.reader)]
        if json_:
            print_json(rows)
            return
        for row in rows:
            called = f"  {row['name']}" if row["name"] else ""
            print(f"{row['state']:6}  {row['tenant_id']}{called}")

    with_database(work)


@tenants.command
def show(tenant: TenantId, /) -> None:
    """Show a tenant as JSON.

    Example: `deskward tenants show default`
    """

    async def work(database: Database, _settings: Any) -> None:
        from deskward.security import tenants as table

        print_json(table.told(await table.get(database.reader, tenant)))

    with_database(work)


@tenants.command
def close(tenant: TenantId, /, *, as_: Operator = None) -> None:
    """Close a tenant for good: its keys and jobs end, and every door refuses it. Its records stay.

    Example: `deskward tenants close shop`
    """

    async def work(database: Database, settings: Any) -> None:
        from deskward.core import jobs
        from deskward.features import all_features
        from deskward.security import tenants as table
        from deskward.security.key_rows import end_all

        if tenant == settings.default.tenant_id:
            raise Misused(f"{tenant} is the tenant of DEFAULT_TENANT_ID: set another one before")
        async with database.transaction() as transaction:
            await table.close(transaction, tenant)
            await end_all(transaction, tenant)
            ended = await jobs.cancel_of(transaction, tenant, all_features().records)
        print(f"The tenant {tenant} is closed. Its keys have ended, and {ended} jobs.")

    with_database(work, ("close_tenant", {"id": tenant}), as_)


def _told(
    name: str | None,
    time_zone: str | None,
    hours: str | None,
    reply_to: str | None,
    sender_name: str | None,
    signature: str | None,
    lists: dict[str, list[str]],
) -> dict[str, Any]:
    """What was said of a tenant; what was not said is left out."""
    texts = {"name": name, "hours": hours, "sender_name": sender_name, "signature": signature}
    found: dict[str, Any] = {n: value for n, value in texts.items() if value is not None}
    for known, value in (("time_zone", time_zone), ("reply_to", reply_to)):
        if value is not None:
            found[known] = value or None
    return found | {n: value for n, value in lists.items() if value}


def _checked(told: dict[str, Any]) -> dict[str, Any]:
    """What was said, with addresses and languages known to be ones.

    Raises:
        InvalidInput: One is none.
    """
    from deskward.core.errors import InvalidInput
    from deskward.customers.normal import email_key, language_key
    from deskward.text.addresses import host_key

    if told.get("reply_to"):
        email_key(told["reply_to"])
    found = dict(told)
    if "languages" in told:
        found["languages"] = [language_key(one) for one in told["languages"]]
    if "mail_domains" in told:
        hosts = {one: host_key(one) for one in told["mail_domains"]}
        if odd := [one for one, host in hosts.items() if host is None]:
            raise InvalidInput(f"{odd[0]!r} is no domain.")
        found["mail_domains"] = list(hosts.values())
    return found
