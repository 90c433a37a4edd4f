"""`deskward mail boxes`: the mailboxes that are read, of each tenant."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Json, Operator, Tenant, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Connection, Database

boxes = App(name="boxes", help="Say which mailboxes are read, for which tenant.")

BoxName = Annotated[str, Parameter(help="The box's name, for example support.")]
ASK = "ask"
LONGEST = 20_000


@Parameter(name="*")
@dataclass(frozen=True)
class Told:
    """What is told of a mailbox. A secret is told by where it stands, never itself."""

    server: Annotated[str | None, Parameter(help="The mail server.")] = None
    username: Annotated[str | None, Parameter(help="Name to sign in with.")] = None
    password: Annotated[
        str | None,
        Parameter(
            help="Where the password is: env:NAME, file:PATH, or `ask` to type it: then it is kept "
            "sealed in the database. The same for the other secrets; an empty text takes one away."
        ),
    ] = None
    port: Annotated[int | None, Parameter(help="Port of the server. Default: 993.")] = None
    security: Annotated[
        Literal["auto", "tls", "starttls", "none"] | None, Parameter(help="See IMAP_SECURITY.")
    ] = None
    ca_file: Annotated[
        str | None, Parameter(help="PEM file of the authority of the server's certificate.")
    ] = None
    token_url: Annotated[
        str | None, Parameter(help="Where access tokens are had (XOAUTH2), without a password.")
    ] = None
    client_id: Annotated[str | None, Parameter(help="The desk's client id there.")] = None
    client_secret: Annotated[str | None, Parameter(help="Where the client's secret is.")] = None
    refresh_token: Annotated[str | None, Parameter(help="Where the refresh token is.")] = None
    scope: Annotated[str | None, Parameter(help="What the tokens are asked for.")] = None
    folder: Annotated[str | None, Parameter(help="Folder that is read. Default: INBOX.")] = None
    move_to: Annotated[
        str | None, Parameter(help="Folder that mail is moved to once the desk has it.")
    ] = None
    poll: Annotated[
        float | None, Parameter(help="Seconds between looks where there is no IDLE. Default: 60.")
    ] = None


NOTHING = Told()


@boxes.command
def add(
    name: BoxName, /, *, told: Told = NOTHING, tenant: Tenant = None, as_: Operator = None
) -> None:
    """Have a mailbox read for a tenant, by `deskward serve`, within seconds.

    Each is read by one process at a time, and none waits for another.

    Example: `deskward mail boxes add help --server imap.example.com --username help@shop.example
    --password env:HELP_PASSWORD`
    """
    if not told.server or not told.username:
        raise Misused("say --server and --username")
    options, places, kept = _read(told)
    places = {n: place for n, place in places.items() if place}
    if "password" not in places and not options.get("token_url"):
        raise Misused("say where the password is (--password env:NAME), or --token-url")

    async def change(db: Connection, where: str, settings: Any, vault: Any, by: str) -> str:
        from deskward.core.errors import Conflict
        from deskward.inbox import boxes as table

        imap = table.imap_of(options, places)
        if settings.imap.server and table.place_of(imap) == table.place_of(settings.imap):
            raise Conflict("That is the mailbox at IMAP_SERVER, which is read already.")
        await table.add(db, where, name, options, places, kept, vault=vault, added_by=by)
        return f"The box {name} is read for tenant {where} from now on."

    _change("add_mail_box", change, name, options, places, tenant, as_)


@boxes.command(name="set")
def set_(
    name: BoxName, /, *, told: Told = NOTHING, tenant: Tenant = None, as_: Operator = None
) -> None:
    """Change a mailbox; what is not said stays.

    Example: `deskward mail boxes set help --password file:/run/secrets/help`
    """
    options, places, kept = _read(told)
    if not options and not places:
        raise Misused("say what to change, for example --password env:NAME")

    async def change(db: Connection, where: str, _settings: Any, vault: Any, _by: str) -> str:
        from deskward.inbox import boxes as table

        await table.change(db, where, name, options, places, kept, vault=vault)
        return f"The box {name} is changed."

    _change("change_mail_box", change, name, options, places, tenant, as_)


@boxes.command
def remove(name: BoxName, /, *, tenant: Tenant = None, as_: Operator = None) -> None:
    """Read a mailbox no more. What came from it stays, and how far it was read.

    Example: `deskward mail boxes remove help`
    """

    async def change(db: Connection, where: str, _settings: Any, _vault: Any, _by: str) -> str:
        from deskward.inbox import boxes as table

        await table.remove(db, where, name)
        return f"The box {name} is not read any more."

    _change("remove_mail_box", change, name, {}, {}, tenant, as_)


@boxes.command(name="list")
def list_(*, tenant: Tenant = None, json_: Json = False) -> None:
    """List the mailboxes of all tenants, or of one, and how they do. No secret is shown.

    Example: `deskward mail boxes list`
    """

    async def work(database: Database, settings: Any) -> None:
        from deskward.inbox import boxes as table

        found: list[tuple[str | None, str, str, dict[str, Any], dict[str, str]]] = []
        own = settings.imap
        if own.server is not None and tenant in (None, settings.default.tenant_id):
            options = {n: getattr(own, n) for n in ("server", "username", "folder")}
            found.append((None, "(settings)", settings.default.tenant_id, options, {}))
        for box in await table.listed(database.reader, tenant):
            found.append((box.id, box.name, box.tenant, dict(box.options), dict(box.secrets)))
        rows = []
        for box_id, name, where, options, secrets in found:
            state = await table.state_of(database.reader, where, options)
            rows.append({"id": box_id, **_shown(name, where, options, secrets, state)})
        if json_:
            print_json(rows)
            return
        for row in rows:
            print(f"{row['tenant']:12}  {row['name']:16}  {row['state']:8}  {row['mailbox']}")
            if row["problem"]:
                print(f"    {row['problem']}")
        if not rows:
            print("There is none.", file=sys.stderr)

    with_database(work)


def _shown(
    name: str, tenant: str, options: Mapping[str, Any], secrets: Mapping[str, str], state: Any
) -> dict[str, Any]:
    from deskward.core.characters import one_line
    from deskward.core.database import now
    from deskward.inbox.boxes import label_of

    held = state is not None and state.lease is not None and state.leased_until > now()
    problem = one_line(state.problem) if state is not None and state.problem else None
    return {
        "tenant": tenant,
        "name": name,
        "mailbox": label_of(options),
        "state": "broken" if problem else "read" if held else "not read",
        "problem": problem,
        "looked_at": state.looked_at.isoformat(timespec="seconds") if state is not None else None,
        "options": dict(options),
        "secrets": dict(secrets),
    }


def _read(told: Told) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """What was said: the options, where secrets stand, and those that are to be kept."""
    from deskward.inbox.boxes import OPTIONS, SEALED, SECRETS

    options = {n: getattr(told, n) for n in OPTIONS if getattr(told, n) is not None}
    for taken_back in ("ca_file", "token_url", "client_id", "scope", "move_to"):
        if options.get(taken_back) == "":
            options[taken_back] = None
    places: dict[str, str] = {}
    kept: dict[str, str] = {}
    for name in SECRETS:
        place = getattr(told, name)
        if place is None:
            continue
        kind, _, where = place.partition(":")
        if place == ASK:
            kept[name] = _asked(name)
            places[name] = SEALED
        elif place == "" or (kind in ("env", "file") and where):
            places[name] = place
        else:  # it may be the secret itself, which is not to be repeated
            raise Misused(
                f"--{name.replace('_', '-')} says where the secret is: env:NAME, file:PATH, or ask"
            )
    return options, places, kept


def _asked(name: str) -> str:
    """A secret, typed where nobody sees it, or the first line of what is piped in."""
    called = name.replace("_", " ")
    if sys.stdin.isatty():
        from getpass import getpass

        found = getpass(f"The {called}: ")
    else:
        found = sys.stdin.readline(LONGEST).rstrip("\r\n")
    if not found:
        raise Misused(f"the {called} is empty")
    return found


def _change(
    what: str,
    change: Any,
    name: str,
    options: Mapping[str, Any],
    places: Mapping[str, str],
    tenant: str | None,
    as_: str | None,
) -> None:
    """Do one change, with the ledger's row, which has no secret."""

    async def work(database: Database, settings: Any) -> None:
        from deskward.cli.operators import operator
        from deskward.gate.secret import read_secret
        from deskward.inbox.boxes import BoxVault

        vault = BoxVault((await read_secret(settings, database)).key)
        where = tenant or settings.default.tenant_id
        async with database.transaction() as db:
            told = await change(db, where, settings, vault, as_ or operator())
        print(told)

    details = {"name": name, **options, "secrets": dict(places)}
    noted = {**details, "tenant": tenant} if tenant else details
    with_database(work, (what, noted), as_)
