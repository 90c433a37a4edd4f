"""`deskward ledger`: show, verify and export what every call asked and what came of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.session import COUNT, Json, Operator, as_json, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database

ledger = App(name="ledger", help="Show, verify and export the ledger of all calls.")

CHUNK = 1000

Tenant = Annotated[str | None, Parameter(help="Default: DEFAULT_TENANT_ID.")]


@ledger.command
def show(
    *,
    last: Annotated[int, Parameter(help="How many of the latest rows.", validator=COUNT)] = 20,
    session: Annotated[str | None, Parameter(help="Only rows of this conversation.")] = None,
    user: Annotated[str | None, Parameter(help="With --session: the customer whose it is.")] = None,
    tool: Annotated[str | None, Parameter(help="Only calls of this tool.")] = None,
    tenant: Tenant = None,
    json_: Annotated[
        bool, Parameter(name="--json", help="Print whole rows, one per line.")
    ] = False,
) -> None:
    """Show rows, the latest last, with what is sealed in them where its key is not erased.

    Example: `deskward ledger show --last 5 --tool refund_order`
    """

    async def work(database: Database, settings: Any) -> int:
        from deskward.gate.ledger.chain import Ledger, latest_rows
        from deskward.gate.secret import read_secret

        name = tenant or settings.default.tenant_id
        secret = await read_secret(settings, database)
        book = Ledger(secret.key, secret.names)
        owner = f"customer:{user or settings.default.user_id}"
        conversation = book.conversation(name, owner, session) if session else None
        kept: list[dict[str, Any]] = []
        before = None
        page = CHUNK if tool else min(last, CHUNK)
        while len(kept) < last and (
            rows := await latest_rows(
                database.reader, name, conversation=conversation, before=before, limit=page
            )
        ):
            before = rows[-1].seq
            opened = await book.read(database.reader, name, rows)
            kept += [row for row in opened if tool in (None, row.get("tool"))]
        for row in reversed(kept[:last]):
            print(as_json(row) if json_ else _line(row))
        if not kept:
            print("There are no such rows.", file=sys.stderr)
        return 0

    with_database(work)


@ledger.command
def verify(
    *,
    heads: Annotated[
        Path | None,
        Parameter(help="A file that `ledger export` or `ledger heads` wrote earlier, to compare."),
    ] = None,
    key: Annotated[
        str | None, Parameter(help="The public key that signed it. Default: this desk's own.")
    ] = None,
    json_: Json = False,
) -> None:
    """Check every row of the ledger. Exit code 0: sound, 1: something was changed.

    A chain that was cut at its end, or written anew as a whole, is found by comparing it with a
    head that was exported earlier and kept elsewhere: `--heads FILE`.

    Example: `deskward ledger verify --heads heads.jsonl`
    """

    async def work(database: Database, settings: Any) -> int:
        from dataclasses import asdict

        from deskward.gate.ledger.verify import verify as check
        from deskward.gate.secret import read_secret

        exported = _heads_in(heads) if heads else []
        signed_by = (key,) if key else (await read_secret(settings, database)).signed_by
        report = await check(database, exported=exported, keys=signed_by)
        if json_:
            print_json({"sound": report.sound, **asdict(report)})
        else:
            for name, head in report.heads.items():
                seq, _, digest = head.partition(":")
                print(f"{name}: {seq} rows, head {digest}")
            for finding in report.findings:
                print(f"BROKEN {finding.tenant} row {finding.seq}: {finding.problem}")
            print("The ledger is sound." if report.sound else "The ledger was changed.")
        return 0 if report.sound else 1

    with_database(work)


@ledger.command
def export(
    file: Annotated[Path | None, Parameter(help="Where to. Default: standard output.")] = None,
    /,
    *,
    tenant: Annotated[str | None, Parameter(help="Only this tenant's. Default: all.")] = None,
    opened: Annotated[
        bool, Parameter(name="--open", help="Also write what is sealed, in the clear.")
    ] = False,
    as_: Operator = None,
) -> None:
    """Write rows as JSON lines, and after each tenant's rows its signed head.

    Example: `deskward ledger export ledger.jsonl`
    """

    async def work(database: Database, settings: Any) -> int:
        from deskward.core.files import write_whole
        from deskward.core.private import FILE
        from deskward.gate.ledger.export import lines

        # Before the first line leaves, so that no export is missing.
        async with database.transaction():
            pass
        written = lines(database, settings.key, tenant=tenant, opened=opened)
        if file is None:
            async for line in written:
                print(line)
            return 0
        count = 0
        with write_whole(file, FILE) as out:
            async for line in written:
                out.write(f"{line}\n")
                count += 1
        print(f"{count} lines are in {file}.", file=sys.stderr)
        return 0

    with_database(work, ("export_ledger", {"tenant": tenant, "opened": opened}), as_)


@ledger.command
def heads() -> None:
    """Print the signed heads of all chains as JSON lines: keep them elsewhere, to compare later.

    Example: `deskward ledger heads`
    """

    async def work(database: Database, settings: Any) -> int:
        from deskward.gate.ledger.heads import Signer, current_heads

        signer = Signer(settings.key)
        for row in await current_heads(database.reader):
            head = signer.sign(row.tenant_id, row.seq, row.hash)
            print(json.dumps({"head": head.model_dump()}))
        return 0

    with_database(work)


@ledger.command
def key() -> None:
    """Print the public key with which heads are signed (Ed25519, Base64).

    Example: `deskward ledger key`
    """

    async def work(_database: Database, settings: Any) -> int:
        from deskward.gate.ledger.heads import Signer

        print(Signer(settings.key).public_key)
        return 0

    with_database(work)


def _heads_in(file: Path) -> list[Any]:
    from pydantic import ValidationError

    from deskward.gate.ledger.heads import Head

    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            value = json.loads(line)
            if "head" in value:
                found.append(Head.model_validate(value["head"]))
        except (ValueError, TypeError, ValidationError):
            raise ValueError(f"{file} line {number} is no line of an export") from None
    if not found:
        raise ValueError(f"{file} holds no head")
    return found


def _line(row: dict[str, Any]) -> str:
    who = (row.get("principal") or {}).get("id") or row.get("by", "")
    step = f"step {row['step']}" if "step" in row else "worded a text"
    what = {
        "call": f"{row.get('tool')} {json.dumps(row.get('arguments'), ensure_ascii=False)}",
        "model": f"{row.get('model')} {step}",
        "turn": f"turn {row.get('status')}",
        "policy": f"policies {row.get('policy_version')} {row.get('slot')}",
    }.get(row.get("kind", "call"), row.get("kind", ""))
    end = " ".join(str(row[name]) for name in ("verdict", "status", "code") if row.get(name))
    state = " [erased]" if row.get("erased") else " [damaged]" if row.get("damaged") else ""
    return (
        f"{row['seq']:>6}  {row.get('at', '')}  {row.get('door', ''):5} {who}: {what}  {end}{state}"
    )
