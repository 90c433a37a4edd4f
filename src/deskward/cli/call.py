"""`deskward call`: one tool, through the gate, without a server."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from deskward.cli.ending import PENDING, Misused
from deskward.cli.session import (
    Demo,
    Staff,
    Tenant,
    User,
    local_desk,
    print_json,
    read_settings,
    run,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.gate.outcome import Outcome
    from deskward.gate.tool import Tool
    from deskward.security.principals import Principal


def call(
    tool: str,
    *arguments: str,
    user: User = None,
    staff: Staff = None,
    role: Annotated[
        tuple[str, ...],
        Parameter(help="With --staff: their role, or several. Default: support.", negative=()),
    ] = (),
    tenant: Tenant = None,
    idempotency_key: Annotated[
        str | None, Parameter(help="Repeating the call with this key gives its first answer.")
    ] = None,
    demo: Demo = False,
) -> None:
    """Call one tool through the gate and print its answer as JSON.

    An argument is `name=value`; a value that is JSON (a number, an object, …) is taken as such
    where the tool wants it. Exit code 0: done, 3: waits for a yes or an approval, 1: refused or
    failed. In a terminal you are asked where a yes is needed.

    Example: `deskward call update_ticket ticket_id=T901 'update={"status":"open"}' --staff anna`

    Parameters
    ----------
    tool
        The tool's name; `deskward tools` lists them.

    Arguments:
        The tool's arguments.
    """

    async def work() -> int:
        from deskward.gate.context import Context

        opened = local_desk(read_settings(), user, staff, tenant, demo=demo, roles=role)
        async with opened as (desk, caller):
            if desk.hub is not None:
                await desk.hub.wait_for(tool)
            known = desk.gate.tools.get(tool)
            given = dict(_argument(known, pair) for pair in arguments)
            outcome = await desk.gate.call(
                tool, given, Context(caller, "cli"), idempotency_key=idempotency_key, strict=False
            )
            if outcome.status == "confirm" and sys.stdin.isatty():
                outcome = await _confirmed(desk, caller, outcome)
        print_json(outcome.value)
        return {"ok": 0, "confirm": PENDING, "pending": PENDING, "error": 1}[outcome.status]

    run(work())


async def _confirmed(desk: Desk, caller: Principal, asked: Outcome) -> Outcome:
    """What comes of a call once whoever sits at the terminal has answered."""
    from deskward.gate.confirmed import take_answer
    from deskward.gate.context import Context
    from deskward.text.assent import answer_of

    print(f"{asked.value['question']} (yes/no)", file=sys.stderr)
    said = await asyncio.to_thread(sys.stdin.readline)
    key, yes = asked.value["confirmation_id"], answer_of(said.strip()) is True
    return await take_answer(desk.gate, key, Context(caller, "cli"), yes, "command")


def _argument(tool: Tool | None, pair: str) -> tuple[str, Any]:
    from pydantic_core import from_json

    name, separator, value = pair.partition("=")
    if not separator or not name:
        raise Misused(f"{pair!r} is not of the form name=value")
    schema = tool.input_schema()["properties"].get(name, {}) if tool else {}
    kinds = {part.get("type") for part in schema.get("anyOf", [schema])}
    if "string" in kinds and not value.startswith(("{", "[", '"')) and value != "null":
        return name, value
    with contextlib.suppress(ValueError):
        return name, from_json(value)
    return name, value
