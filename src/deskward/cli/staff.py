"""`deskward staff`: who works at the desk. Their keys are made with `deskward keys`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Json, Operator, Tenant, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database
    from deskward.security.members import Member as MemberRow

staff = App(
    name="staff",
    help="Admit members of staff, and say who they are.\n\n"
    "Until somebody has the role `operator`, whoever runs commands on this machine operates the "
    "desk; from then on only members of that role do.",
)

Member = Annotated[str, Parameter(help="Their id, for example anna.")]
Name = Annotated[str | None, Parameter(help="As people call them.")]
Email = Annotated[str | None, Parameter(help="Their mail address.")]
Roles = Annotated[
    tuple[str, ...],
    Parameter(
        name="--role",
        help="A role, or several: what they may do on the command line, and with a key for which "
        "no other is named. Default: support.",
        negative=(),
    ),
]
Teams = Annotated[tuple[str, ...], Parameter(name="--team", help="A team.", negative=())]
Languages = Annotated[
    tuple[str, ...], Parameter(name="--language", help="A language that they speak.", negative=())
]
ShellUser = Annotated[
    str | None, Parameter(help="The machine's user that they are on this command line.")
]


@staff.command
def add(
    member: Member,
    /,
    *,
    name: Name = None,
    email: Email = None,
    roles: Roles = (),
    teams: Teams = (),
    languages: Languages = (),
    shell_user: ShellUser = None,
    tenant: Tenant = None,
    as_: Operator = None,
) -> None:
    """Admit a member of staff. From then on keys can be made for them.

    Example: `deskward staff add anna --name "Anna Keller" --role support-2 --shell-user anna`
    """
    told = _told(name, email, roles, teams, languages, shell_user)

    async def work(database: Database, settings: Any) -> int:
        from deskward.security import members
        from deskward.security.principals import Kind

        where = tenant or settings.default.tenant_id
        checked = _checked(settings, told)
        async with database.transaction() as transaction:
            made, new = await members.admit(transaction, where, Kind.STAFF, member)
            if checked:
                await members.change(transaction, where, Kind.STAFF, made.id, checked)
        known = "is admitted" if new else "was admitted before"
        print(f"{made.id} {known}. `deskward keys create --kind staff --subject {made.id}`.")
        return 0

    row = {"tenant": tenant, "kind": "staff", "id": member, **told}
    with_database(work, ("add_member", row), as_)


@staff.command(name="set")
def set_(
    member: Member,
    /,
    *,
    name: Name = None,
    email: Email = None,
    roles: Roles = (),
    teams: Teams = (),
    languages: Languages = (),
    shell_user: ShellUser = None,
    tenant: Tenant = None,
    as_: Operator = None,
) -> None:
    """Change what is known of a member of staff; lists are given whole.

    Example: `deskward staff set anna --team cards --team loans`
    """
    told = _told(name, email, roles, teams, languages, shell_user)
    if not told:
        raise Misused("say what to change, for example --team cards")

    async def work(database: Database, settings: Any) -> int:
        from deskward.security import members
        from deskward.security.principals import Kind

        where = tenant or settings.default.tenant_id
        checked = _checked(settings, told)
        async with database.transaction() as transaction:
            await members.change(transaction, where, Kind.STAFF, member, checked)
        print(f"{member} is changed.")
        return 0

    with_database(work, ("change_member", {"tenant": tenant, "id": member, **told}), as_)


@staff.command(name="list")
def list_(*, json_: Json = False) -> None:
    """List the members of staff of all tenants.

    Example: `deskward staff list`
    """

    async def work(database: Database, _settings: Any) -> None:
        from deskward.security import members
        from deskward.security.principals import Kind

        found = await members.listed(database.reader)
        rows = [_row(one) for one in found if one.kind is Kind.STAFF]
        if json_:
            print_json(rows)
            return
        for row in rows:
            about = ", ".join((*row["roles"], *row["teams"]))
            called = f" ({row['name']})" if row["name"] else ""
            print("{state:8}  {id}".format(**row) + f"{called} of tenant {row['tenant']}: {about}")
        if not rows:
            print("Nobody is admitted yet: `deskward staff add ID`.", file=sys.stderr)

    with_database(work)


@staff.command
def show(member: Member, /, *, tenant: Tenant = None) -> None:
    """Show a member of staff as JSON.

    Example: `deskward staff show anna`
    """

    async def work(database: Database, settings: Any) -> None:
        from deskward.core.errors import NotFound
        from deskward.staff import service

        where = tenant or settings.default.tenant_id
        found = await service.find(database.reader, where, member)
        if found is None:
            raise NotFound("member of staff", member)
        print_json(_row(found))

    with_database(work)


@staff.command
def disable(member: Member, /, *, tenant: Tenant = None, as_: Operator = None) -> None:
    """Do nothing more in the name of a member of staff: all their keys end now.

    Example: `deskward staff disable anna`
    """
    _switch(member, tenant, as_, disabled=True)


@staff.command
def enable(member: Member, /, *, tenant: Tenant = None, as_: Operator = None) -> None:
    """Have a member of staff back; they need a new key.

    Example: `deskward staff enable anna`
    """
    _switch(member, tenant, as_, disabled=False)


def _switch(member: str, tenant: str | None, as_: str | None, *, disabled: bool) -> None:

    async def work(database: Database, settings: Any) -> None:
        from deskward.security.api_keys import ApiKeys
        from deskward.security.principals import Kind

        where, keys = tenant or settings.default.tenant_id, ApiKeys(database)
        await (keys.disable if disabled else keys.enable)(where, Kind.STAFF, member)
        ended = "disabled, and their keys have ended" if disabled else "enabled again"
        print(f"{member} is {ended}.")

    what = "disable_member" if disabled else "enable_member"
    with_database(work, (what, {"tenant": tenant, "kind": "staff", "id": member}), as_)


def _told(
    name: str | None,
    email: str | None,
    roles: tuple[str, ...],
    teams: tuple[str, ...],
    languages: tuple[str, ...],
    shell_user: str | None,
) -> dict[str, Any]:
    """What was said of a member; what was not said is left out."""
    if shell_user is not None and not shell_user.strip():  # such as "$USER" where it is not set
        raise Misused("--shell-user is empty: name the machine's user, or leave it out")
    several = {"roles": list(roles), "teams": list(teams), "languages": list(languages)}
    found = {"name": name, "email": email, "shell_user": shell_user}
    return {n: v for n, v in (found | several).items() if v not in (None, [])}


def _checked(settings: Any, told: dict[str, Any]) -> dict[str, Any]:
    """What was said, with its roles and languages known to be ones.

    Raises:
        InvalidInput: One is none.
    """
    from deskward.core.errors import InvalidInput
    from deskward.customers.normal import email_key, language_key
    from deskward.security.principals import Kind
    from deskward.shipped import roles_of

    known = roles_of(settings)
    fitting = [role for role in known.names if known.fits(role, Kind.STAFF)]
    for role in told.get("roles", ()):
        if role not in fitting:
            raise InvalidInput(f"There is no role {role!r} of staff: {', '.join(fitting)}.")
    if told.get("email"):
        email_key(told["email"])
    if "languages" in told:
        return {**told, "languages": [language_key(one) for one in told["languages"]]}
    return told


def _row(one: MemberRow) -> dict[str, Any]:
    from deskward.security.principals import DEFAULT_ROLES, Kind

    return {
        "tenant": one.tenant_id,
        "id": one.id,
        "name": one.name,
        "email": one.email,
        "roles": list(one.roles or (DEFAULT_ROLES[Kind.STAFF],)),
        "teams": list(one.teams),
        "languages": list(one.languages),
        "shell_user": one.shell_user,
        "state": "disabled" if one.disabled_at else "active",
    }
