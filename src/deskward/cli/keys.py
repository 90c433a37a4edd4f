"""`deskward keys`: make and manage API keys."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.rotate_secret import rotate_secret
from deskward.cli.session import Json, Operator, Tenant, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database
    from deskward.security.api_keys import ApiKeys
    from deskward.security.key_rows import ApiKey

keys = App(name="keys", help="Make, list, rotate and revoke API keys. A key is shown once.")
keys.command(rotate_secret, name="rotate-secret")

Prefix = Annotated[str, Parameter(help="The key's prefix, as `deskward keys list` shows it.")]


@keys.command
def create(
    *,
    kind: Annotated[
        Literal["customer", "staff", "service"], Parameter(help="Who will use the key.")
    ],
    subject: Annotated[str, Parameter(help="Their id, for example user_001, anna or website.")],
    tenant: Tenant = None,
    role: Annotated[
        tuple[str, ...], Parameter(help="A role, or several. Default: by kind.", negative=())
    ] = (),
    name: Annotated[str, Parameter(help="What the key is for.")] = "",
    expires: Annotated[
        str | None, Parameter(help="Lifetime: 12h, 90d, 1y, never. Default: API_KEY_DAYS.")
    ] = None,
    as_: Operator = None,
) -> None:
    """Make a key and show it, once. From then on every request needs a key.

    A customer and a member of staff must be known (`deskward staff add`). A service that is not is
    admitted with its first key, unless the name looks like another's.

    Example: `deskward keys create --kind staff --subject anna --expires 90d`
    """

    async def work(store: ApiKeys, settings: Any) -> None:
        from deskward.core.errors import InvalidInput, NotFound
        from deskward.security.principals import Kind

        lifetime = _lifetime(expires)
        try:
            key, stored = await store.create(
                tenant_id=settings.default.tenant_id if tenant is None else tenant,
                kind=Kind(kind),
                subject_id=subject,
                roles=role,
                name=name,
                lifetime=lifetime,
                new=kind == "service",
            )
        except NotFound as error:
            if kind != "staff":
                raise
            elsewhere = f" --tenant {tenant}" if tenant else ""
            raise InvalidInput(
                f"There is no member of staff {subject!r}. Admit them first: "
                f"`deskward staff add {subject}{elsewhere}`."
            ) from error
        _show_new(key, stored)

    told = {"tenant": tenant, "kind": kind, "subject": subject, "roles": role, "expires": expires}
    _with_keys(work, create=True, wrote=("create_key", told), as_=as_)


@keys.command(name="list")
def list_(*, json_: Json = False) -> None:
    """List all keys, without the keys themselves.

    Example: `deskward keys list`
    """

    async def work(store: ApiKeys, _settings: Any) -> None:
        rows = [_row(key) for key in await store.list()]
        if json_:
            print_json(rows)
            return
        for row in rows:
            named = {**row, "subject": row["subject"] or "[erased]"}
            print("{prefix}  {state:7}  {kind} {subject} of tenant {tenant}".format(**named))
            about = f"; {row['name']}" if row["name"] else ""
            soon = " (soon)" if row["ends_soon"] else ""
            ends = f"expires {row['expires'] or 'never'}{soon}"
            print(f"    {', '.join(row['roles'])}; {ends}; made {row['created']}{about}")
        if not rows:
            print("No key was ever made: the desk is open to whoever is on this machine.")

    _with_keys(work)


@keys.command
def rotate(prefix: Prefix, *, as_: Operator = None) -> None:
    """Replace a key by a new one for the same caller; the old one ends now.

    Example: `deskward keys rotate 0a1b2c3d`
    """

    async def work(store: ApiKeys, _settings: Any) -> None:
        _show_new(*await store.rotate(prefix))

    _with_keys(work, wrote=("rotate_key", {"prefix": prefix}), as_=as_)


@keys.command
def revoke(prefix: Prefix, *, as_: Operator = None) -> None:
    """End a key now.

    Example: `deskward keys revoke 0a1b2c3d`
    """

    async def work(store: ApiKeys, _settings: Any) -> None:
        await store.revoke(prefix)
        print(f"The key {prefix} is revoked.")

    _with_keys(work, wrote=("revoke_key", {"prefix": prefix}), as_=as_)


Member = Annotated[str, Parameter(help="Their id, as `deskward keys members` shows it.")]
MemberKind = Annotated[Literal["staff", "service"], Parameter(help="What they are.")]


@keys.command(name="members")
def members_(*, json_: Json = False) -> None:
    """List the members of staff and the services that keys can be made for.

    Example: `deskward keys members`
    """

    async def work(database: Database, _settings: Any) -> None:
        from deskward.security import members

        rows = [
            {
                "tenant": one.tenant_id,
                "kind": one.kind.value,
                "id": one.id,
                "state": "disabled" if one.disabled_at else "active",
            }
            for one in await members.listed(database.reader)
        ]
        if json_:
            print_json(rows)
            return
        for row in rows:
            print("{state:8}  {kind} {id} of tenant {tenant}".format(**row))

    with_database(work)


@keys.command
def disable(
    member: Member,
    *,
    kind: MemberKind = "staff",
    tenant: Tenant = None,
    as_: Operator = None,
) -> None:
    """Do nothing more in the name of a member of staff or a service: all their keys end now.

    Example: `deskward keys disable anna`
    """

    async def work(store: ApiKeys, settings: Any) -> None:
        from deskward.security.principals import Kind

        await store.disable(tenant or settings.default.tenant_id, Kind(kind), member)
        print(f"{member} is disabled, and their keys have ended.")

    _with_keys(
        work, wrote=("disable_member", {"tenant": tenant, "kind": kind, "id": member}), as_=as_
    )


@keys.command
def enable(
    member: Member,
    *,
    kind: MemberKind = "staff",
    tenant: Tenant = None,
    as_: Operator = None,
) -> None:
    """Have a member of staff or a service back; they need a new key.

    Example: `deskward keys enable anna`
    """

    async def work(store: ApiKeys, settings: Any) -> None:
        from deskward.security.principals import Kind

        await store.enable(tenant or settings.default.tenant_id, Kind(kind), member)
        print(f"{member} is enabled again. Make them a key with `deskward keys create`.")

    _with_keys(
        work, wrote=("enable_member", {"tenant": tenant, "kind": kind, "id": member}), as_=as_
    )


def _with_keys(
    work: Callable[[ApiKeys, Any], Coroutine[Any, Any, None]],
    *,
    create: bool = False,
    wrote: tuple[str, dict[str, Any]] | None = None,
    as_: str | None = None,
) -> None:
    """Run a command on the keys; what it `wrote` is in the ledger with it."""

    def store(database: Database, settings: Any) -> ApiKeys:
        if not create:
            from deskward.security.api_keys import ApiKeys

            return ApiKeys(database)
        from deskward.app import keys_of
        from deskward.shipped import roles_of

        return keys_of(settings, database, roles_of(settings))

    async def work_on_keys(database: Database, settings: Any) -> None:
        await work(store(database, settings), settings)

    with_database(work_on_keys, wrote, as_)


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "tenant": key.tenant_id,
        "kind": key.kind.value,
        "subject": key.subject_id,
        "roles": list(key.roles),
        "name": key.name,
        "expires": key.expires_at.isoformat(timespec="minutes") if key.expires_at else None,
        "created": key.created_at.isoformat(timespec="minutes"),
        "revoked": key.revoked_at.isoformat(timespec="minutes") if key.revoked_at else None,
        "state": key.state,
        "ends_soon": key.ends_soon,
    }


def _show_new(key: str, stored: ApiKey) -> None:
    print(key)
    print(
        f"Keep it now, it is not shown again. Prefix {stored.prefix}, {stored.kind.value} "
        f"{stored.subject_id} of tenant {stored.tenant_id}. "
        + (f"It ends on {stored.expires_at:%Y-%m-%d}." if stored.expires_at else "It never ends."),
        file=sys.stderr,
    )


def _lifetime(text: str | None) -> timedelta | Literal["never"] | None:
    if text is None:
        return None
    if text == "never":
        return "never"
    match = re.fullmatch(r"(\d{1,5})([hdy])", text)
    if match is None:
        raise Misused(f"{text!r} is no lifetime; write 12h, 90d, 1y (hours, days, years) or never")
    hours = {"h": 1, "d": 24, "y": 24 * 365}[match[2]]
    return timedelta(hours=int(match[1]) * hours)
