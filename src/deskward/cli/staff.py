"""`deskward staff`: who works at the desk. Their keys are made with `deskward keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.session import Json, Tenant, noted, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database

staff = App(name="staff", help="Admit members of staff, and list them.")


@staff.command
def add(
    member: Annotated[str, Parameter(help="Their id, for example anna.")],
    /,
    *,
    tenant: Tenant = None,
) -> None:
    """Admit a member of staff. From then on keys can be made for them.

    Example: `deskward staff add anna`
    """

    async def work(database: Database, settings: Any) -> int:
        from deskward.security import members
        from deskward.security.principals import Kind

        where = tenant or settings.default.tenant_id
        row = noted(settings, "add_member", tenant=tenant, kind="staff", id=member)
        async with database.transaction([row]) as transaction:
            made, new = await members.admit(transaction, where, Kind.STAFF, member)
        known = "is admitted" if new else "was admitted before"
        print(f"{made.id} {known}. `deskward keys create --kind staff --subject {made.id}`.")
        return 0

    with_database(work)


@staff.command(name="list")
def list_(*, json_: Json = False) -> None:
    """List the members of staff of all tenants.

    Example: `deskward staff list`
    """

    async def work(database: Database, _settings: Any) -> None:
        from deskward.security import members
        from deskward.security.principals import Kind

        rows = [
            {
                "tenant": one.tenant_id,
                "id": one.id,
                "state": "disabled" if one.disabled_at else "active",
            }
            for one in await members.listed(database.reader)
            if one.kind is Kind.STAFF
        ]
        if json_:
            print_json(rows)
            return
        for row in rows:
            print("{state:8}  {id} of tenant {tenant}".format(**row))

    with_database(work)
