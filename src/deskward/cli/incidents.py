"""`deskward incidents`: known disturbances, and the monitoring whose alerts become some."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.operated import Key, message, show_answer
from deskward.cli.session import Json, Operator, Tenant

incidents = App(
    name="incidents",
    help="Known disturbances: those whom they hit join them, and are asked nothing meanwhile.",
)
source = App(name="source", help="The monitoring whose alerts become incidents.")
incidents.command(source)

Id = Annotated[str, Parameter(help="The incident's id, as `I1001`.")]
Message = Annotated[str | None, Parameter(help="What customers are told.")]


@incidents.command(name="list")
def list_(
    *,
    all_: Annotated[bool, Parameter(name="--all", help="Also those that are over.")] = False,
    product: Annotated[str | None, Parameter(help="Only those of this product.")] = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List the incidents that are open, the newest first.

    Example: `deskward incidents list --product "Acme API"`
    """
    asked = {"status": None if all_ else "open", "product": product, "limit": 100}

    def lines(found: dict[str, Any]) -> Iterator[str]:
        yield from map(_line, found["incidents"])
        more = found["total"] - len(found["incidents"])
        yield f"… and {more} more." if more else f"{found['total']} incidents."

    show_answer("list_incidents", asked, lines, key, tenant, as_, as_json=as_json)


@incidents.command
def show(
    incident_id: Id,
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Show an incident, and how many it has hit.

    Example: `deskward incidents show I1001`
    """
    named = {"incident_id": incident_id}
    show_answer("get_incident", named, _told, key, tenant, as_, as_json=as_json)


@incidents.command
def report(
    title: Annotated[str, Parameter(help="What is wrong, for staff.")],
    /,
    *,
    product: Annotated[str | None, Parameter(help="The product that it is of.")] = None,
    session: Annotated[
        str | None, Parameter(help="A diagnostic session that shows it, as `D1001`.")
    ] = None,
    test: Annotated[str, Parameter(help="The test or step that shows it, as `api.status`.")] = "",
    code: Annotated[str, Parameter(help="The code that shows it, as `503`.")] = "",
    version: Annotated[str, Parameter(help="Only this version of the product.")] = "",
    description: Annotated[str, Parameter(help="More about it, for staff.")] = "",
    message: Message = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Report an incident: sessions that see the same join it, and their customers are told.

    Example: `deskward incidents report "The API answers 503" --product "Acme API" --code 503`
    """
    told = {"test": test, "code": code, "version": version, "description": description}
    more = {"product": product, "session_id": session, "customer_message": message}
    given = {"title": title} | {name: value for name, value in {**told, **more}.items() if value}
    show_answer("report_incident", given, _told, key, tenant, as_, as_json=as_json)


@incidents.command(name="open")
def open_up(
    incident_id: Id,
    /,
    *,
    message: Message = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Open an incident that the desk has proposed, because several customers have seen the same.

    Example: `deskward incidents open I1001 --message "The API answers 503; we are on it."`
    """
    given = {"incident_id": incident_id, "customer_message": message or None}
    show_answer("open_incident", given, _told, key, tenant, as_, as_json=as_json)


@incidents.command
def update(
    incident_id: Id,
    message: Annotated[str, Parameter(help="What customers are told from now on.")],
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Say how it stands with an incident. Who has joined it is told.

    Example: `deskward incidents update I1001 "The disk is being replaced."`
    """
    given = {"incident_id": incident_id, "customer_message": message}
    show_answer("update_incident", given, _told, key, tenant, as_, as_json=as_json)


@incidents.command
def resolve(
    incident_id: Id,
    /,
    *,
    message: Message = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Say that an incident is over. Who has joined it is asked whether all is well.

    Example: `deskward incidents resolve I1001 --message "The API answers again."`
    """
    given = {"incident_id": incident_id, "customer_message": message or None}
    show_answer("resolve_incident", given, _told, key, tenant, as_, as_json=as_json)


@source.command
def add(
    name: Annotated[str, Parameter(help="What it is called.")],
    /,
    *,
    form: Annotated[
        Literal["alertmanager", "signed"],
        Parameter(help="Alertmanager, or JSON that is signed as Standard Webhooks says."),
    ] = "alertmanager",
    product: Annotated[str, Parameter(help="The product of alerts that name none.")] = "",
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Let monitoring post its alerts. The secret that they are known by is shown this once.

    Example: `deskward incidents source add "Production" --product "Acme API"`
    """
    secret = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
    given = {"name": name, "form": form, "product": product, "secret": secret}

    def lines(made: dict[str, Any]) -> Iterator[str]:
        yield f"POST /hooks/alerts/{made['source_id']}"
        how = "Its bearer token is" if form == "alertmanager" else "It is signed with"
        yield f"{how} {secret}"
        yield "Keep it; it is not shown again."

    show_answer("add_incident_source", given, lines, key, tenant, as_)


@source.command(name="list")
def list_sources(
    *, as_: Operator = None, key: Key = None, tenant: Tenant = None, as_json: Json = False
) -> None:
    """List the sources of alerts, and when they were heard of last.

    Example: `deskward incidents source list`
    """

    def lines(found: dict[str, Any]) -> Iterator[str]:
        for one in found["sources"]:
            heard = f"heard of {one['heard_at'][:19]}" if one["heard_at"] else "not heard of yet"
            yield f"{one['source_id']}  {one['name']}  {one['form']}  {heard}"
        if not found["sources"]:
            yield "There is none."

    show_answer("list_incident_sources", {}, lines, key, tenant, as_, as_json=as_json)


@source.command
def remove(
    source_id: Annotated[str, Parameter(help="Its id, as `source list` shows it.")],
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Take no more alerts from a source.

    Example: `deskward incidents source remove 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b`
    """
    named = {"source_id": source_id}
    show_answer("remove_incident_source", named, message, key, tenant, as_)


def _line(one: dict[str, Any]) -> str:
    shown_by = " ".join(filter(None, (one["product"], one["version"], one["test"], one["code"])))
    since = one["started_at"][:16].replace("T", " ")
    joined = f"{one['sessions']} sessions"
    return f"{one['incident_id']}  {one['status']}  {since}  {joined}  {one['title']}  ({shown_by})"


def _told(one: dict[str, Any]) -> Iterator[str]:
    yield _line(one)
    for name in ("description", "customer_message"):
        if one[name]:
            yield f"    {one[name]}"
