"""`deskward mail`: mail that comes in: fetching it, and what became of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.mail_boxes import boxes
from deskward.cli.session import (
    COUNT,
    Json,
    Operator,
    Tenant,
    operated_desk,
    print_json,
    read_settings,
    run,
)

mail = App(name="mail", help="Fetch mail that comes in, and see what became of it.")
mail.command(boxes)

MailId = Annotated[str, Parameter(help="The mail's id, as `deskward mail list` shows it.")]


@mail.command
def fetch(
    *,
    as_: Operator = None,
    tenant: Annotated[str | None, Parameter(help="Only this tenant's mailboxes.")] = None,
) -> None:
    """Fetch what is in the mailboxes, once, and file it.

    `deskward serve` does so all the time. Exit code 1: one of them cannot be read.

    Example: `deskward mail fetch`
    """
    run(_fetch(read_settings(), tenant, as_))


async def _fetch(settings: Any, tenant: str | None, as_: str | None) -> int:
    from deskward.core.errors import InvalidInput
    from deskward.core.extras import extra
    from deskward.inbox.boxes import BoxVault, listed
    from deskward.inbox.filing import Inbox

    with extra("imap", "deskward mail fetch"):
        from deskward.integrations.mail.collector import Collector, NotHeld
        from deskward.integrations.mail.imap import MailboxAway
        from deskward.integrations.mail.sources import of_box, of_settings

    failed = new = 0
    async with operated_desk(settings, None, tenant, as_=as_) as (desk, _):
        rules, vault = desk.gate.port(Inbox).rules, desk.gate.port(BoxVault)
        sources = [of_box(box, vault) for box in await listed(desk.database.reader, tenant)]
        if settings.imap.server is not None and tenant in (None, settings.default.tenant_id):
            sources.insert(0, of_settings(settings.imap, settings.default.tenant_id))
        if not sources:
            raise Misused(
                "there is no mailbox to fetch from: set IMAP_SERVER, or `deskward mail boxes add`"
            )
        for source in sources:
            collector = Collector(desk.database, source, rules, desk.jobs.wake)
            try:
                new += await collector.once()
            except (MailboxAway, InvalidInput) as error:
                print(f"{source.label}: {error}", file=sys.stderr)
                failed += 1
            except NotHeld:
                print(f"{source.label}: another process reads it.", file=sys.stderr)
                failed += 1
        await _filed(desk)
        print("1 mail is new." if new == 1 else f"{new} mails are new.")
    return int(failed > 0)


@mail.command(name="file")
def file_(
    paths: Annotated[list[Path], Parameter(help="Files with a mail each (RFC 5322).")],
    /,
    *,
    as_: Operator = None,
    tenant: Tenant = None,
) -> None:
    """File mails that lie in files, as if they had come in.

    Example: `deskward mail file letter.eml`
    """
    run(_file(read_settings(), paths, tenant, as_))


async def _file(settings: Any, paths: list[Path], tenant: str | None, as_: str | None) -> int:
    from deskward.inbox.intake import arrival, keep

    async with operated_desk(settings, None, tenant, as_=as_) as (desk, _):
        for path in paths:
            found = arrival(path.read_bytes(), "command")
            async with desk.database.transaction() as db:
                kept = await keep(db, tenant or settings.default.tenant_id, found)
            print(f"{path}: {kept or 'it is here already'}")
        await _filed(desk)
    return 0


async def _filed(desk: Any) -> None:
    """Wait until all that was kept is filed."""
    import asyncio

    from deskward.inbox.filing import Inbox

    desk.jobs.wake()
    while await desk.gate.port(Inbox).waits():  # noqa: ASYNC110 another process may do it
        await asyncio.sleep(0.05)


@mail.command(name="list")
def list_(
    *,
    state: Annotated[
        Literal["received", "filed", "report", "spam", "ignored", "broken"] | None,
        Parameter(help="Only those in this state."),
    ] = None,
    last: Annotated[int, Parameter(help="How many at most.", validator=COUNT)] = 20,
    as_: Operator = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """List mails that came in, the latest first, and what became of each.

    Example: `deskward mail list --state broken`
    """
    arguments = {"status": state, "limit": min(last, 100)}
    run(_call(read_settings(), tenant, as_, "list_incoming_mails", arguments, as_json=json_))


@mail.command
def show(mail_id: MailId, /, *, as_: Operator = None, tenant: Tenant = None) -> None:
    """Show a mail that came in, as JSON, with all that it says.

    Example: `deskward mail show 0a1b2c3d4e5f60718293a4b5c6d7e8f9`
    """
    arguments = {"incoming_id": mail_id}
    run(_call(read_settings(), tenant, as_, "get_incoming_mail", arguments, as_json=True))


@mail.command
def retry(mail_id: MailId, /, *, as_: Operator = None, tenant: Tenant = None) -> None:
    """Have a mail read again that is broken, or filed that was taken for spam.

    Example: `deskward mail retry 0a1b2c3d4e5f60718293a4b5c6d7e8f9`
    """
    arguments = {"incoming_id": mail_id}
    run(_call(read_settings(), tenant, as_, "retry_incoming_mail", arguments, as_json=False))


async def _call(
    settings: Any,
    tenant: str | None,
    as_: str | None,
    tool: str,
    arguments: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    from deskward.gate.context import Context

    given = {name: value for name, value in arguments.items() if value is not None}
    async with operated_desk(settings, None, tenant, "support", as_=as_) as (desk, principal):
        outcome = await desk.gate.call(tool, given, Context(principal, "cli"))
        if outcome.error is not None:
            print(outcome.error.message, file=sys.stderr)
            return 1
        if as_json:
            print_json(outcome.value)
        elif "mails" in outcome.value:
            _print(outcome.value["mails"])
        else:
            await _filed(desk)
            print(outcome.value["message"])
    return 0


def _print(mails: list[dict[str, Any]]) -> None:
    from deskward.core.characters import one_line

    for each in mails:
        where = each["ticket_id"] or each["reason"] or ""
        print(f"{each['incoming_id']}  {each['status']:8}  {one_line(where)}")
        print(f"    {each['received_at'][:19]}Z  {one_line(each['sender'])}")
        print(f"    {one_line(each['subject'])}")
    if not mails:
        print("There are no such mails.", file=sys.stderr)
