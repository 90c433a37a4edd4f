"""`deskward keys`: make and manage API keys."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Json, print_json, with_database

if TYPE_CHECKING:
    from deskward.security.api_keys import ApiKey, ApiKeys
    from deskward.security.roles import Roles

keys = App(name="keys", help="Make, list, rotate and revoke API keys. A key is shown once.")

Prefix = Annotated[str, Parameter(help="The key's prefix, as `deskward keys list` shows it.")]


@keys.command
def create(
    *,
    kind: Annotated[
        Literal["customer", "staff", "service"], Parameter(help="Who will use the key.")
    ],
    subject: Annotated[str, Parameter(help="Their id, for example user_001, anna or website.")],
    tenant: Annotated[
        str | None, Parameter(help="Their tenant. Default: DEFAULT_TENANT_ID.")
    ] = None,
    role: Annotated[
        tuple[str, ...], Parameter(help="A role, or several. Default: by kind.", negative=())
    ] = (),
    name: Annotated[str, Parameter(help="What the key is for.")] = "",
    expires: Annotated[str | None, Parameter(help="Lifetime: 12h, 90d, 1y. Default: none.")] = None,
) -> None:
    """Make a key and show it, once. From then on every request needs a key.

    Example: `deskward keys create --kind staff --subject anna --expires 90d`
    """

    async def work(store: ApiKeys, settings: Any) -> None:
        from deskward.security.principals import Kind

        key, stored = await store.create(
            tenant_id=settings.default.tenant_id if tenant is None else tenant,
            kind=Kind(kind),
            subject_id=subject,
            roles=role,
            name=name,
            lifetime=_lifetime(expires),
        )
        _show_new(key, stored)

    _with_keys(work, create=True)


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
            print("{prefix}  {state:7}  {kind} {subject} of tenant {tenant}".format(**row))
            note = f"; {row['name']}" if row["name"] else ""
            print(f"    {', '.join(row['roles'])}; expires {row['expires'] or 'never'}{note}")
        if not rows:
            print("No key was ever made: the desk is open to whoever is on this machine.")

    _with_keys(work)


@keys.command
def rotate(prefix: Prefix) -> None:
    """Replace a key by a new one for the same caller; the old one ends now.

    Example: `deskward keys rotate 0a1b2c3d`
    """

    async def work(store: ApiKeys, _settings: Any) -> None:
        _show_new(*await store.rotate(prefix))

    _with_keys(work)


@keys.command
def revoke(prefix: Prefix) -> None:
    """End a key now.

    Example: `deskward keys revoke 0a1b2c3d`
    """

    async def work(store: ApiKeys, _settings: Any) -> None:
        await store.revoke(prefix)
        print(f"The key {prefix} is revoked.")

    _with_keys(work)


def _with_keys(
    work: Callable[[ApiKeys, Any], Coroutine[Any, Any, None]], *, create: bool = False
) -> None:
    from deskward.security.api_keys import ApiKeys

    def of(settings: Any) -> Roles | None:
        if not create:
            return None
        from deskward.app import roles_of

        return roles_of(settings)

    with_database(lambda database, settings: work(ApiKeys(database, of(settings)), settings))


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "tenant": key.tenant_id,
        "kind": key.kind.value,
        "subject": key.subject_id,
        "roles": list(key.roles),
        "name": key.name,
        "expires": key.expires_at.isoformat(timespec="minutes") if key.expires_at else None,
        "state": key.state,
    }


def _show_new(key: str, stored: ApiKey) -> None:
    print(key)
    print(
        f"Keep it now, it is not shown again. Prefix {stored.prefix}, {stored.kind.value} "
        f"{stored.subject_id} of tenant {stored.tenant_id}.",
        file=sys.stderr,
    )


def _lifetime(text: str | None) -> timedelta | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,5})([hdy])", text)
    if match is None:
        raise Misused(f"{text!r} is no lifetime; write hours, days or years: 12h, 90d, 1y")
    hours = {"h": 1, "d": 24, "y": 24 * 365}[match[2]]
    return timedelta(hours=int(match[1]) * hours)
