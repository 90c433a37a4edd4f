"""Settling effects whose outcome is unknown, by asking the counterparts that their tools name.

It never repeats a call. The counterpart is asked through the gate, as whoever settles, and what its
answer does not clearly show stays unknown, for a person.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic_core import from_json, to_json

from deskward.core.conditions import WrongCondition
from deskward.core.database import now
from deskward.core.errors import NotFound, RemoteFailed, iso, timestamp
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.ledger.chain import Entry, Row, latest_rows
from deskward.gate.outcome import Outcome
from deskward.gate.run import answer_of
from deskward.gate.tool import Risk, Tool
from deskward.gate.unknown import settle, unknown
from deskward.security.principals import Principal

PAGE = 500
"""Rows of the ledger that are looked through at a time."""
SKEW = timedelta(hours=1)
"""How far the clocks of a desk's processes may differ."""


@dataclass(frozen=True)
class Settled:
    """What became of an effect.

    Attributes:
        outcome: `unknown`: it stays a person's.
        why: What has shown it, or why nothing has.
    """

    effect_id: str
    tool: str
    outcome: Literal["done", "not-done", "unknown"]
    why: str


class _Open(Exception):
    """It cannot be settled; says why."""


async def reconcile(
    gate: Gate,
    caller: Principal,
    *,
    most: int,
    only: Collection[str] = (),
) -> AsyncIterator[Settled]:
    """Settle the unknown effects of the caller's tenant, the oldest first, as far as that goes.

    Args:
        caller: Who asks the counterparts, and in whose name it is recorded.
        most: How many at the most.
        only: The ids of those that are meant; empty: all.

    Raises:
        NotFound: One of `only` is not unknown.
    """
    tenant = caller.tenant
    rows = await unknown(gate.database.reader, tenant, most, only)
    if missing := set(only) - {row.effect_id for row in rows}:
        raise NotFound("unknown effect", min(missing)[:64])
    calls = await _calls(gate, tenant, rows)
    for row in rows:
        try:
            yield await _settled(gate, caller, row, calls.get(row.effect_id))
        except _Open as reason:
            yield Settled(row.effect_id, row.tool, "unknown", str(reason))


async def _settled(
    gate: Gate, caller: Principal, row: Any, arguments: Mapping[str, Any] | None
) -> Settled:
    tool = gate.tools.get(row.tool)
    how = tool.reconcile if tool is not None else None
    if tool is None or how is None:
        missing = (
            "there is no such tool now, or its server is away"
            if tool is None
            else "its tool names no counterpart"
        )
        raise _Open(f"{missing}: look where it acted, and use `deskward effects settle`")
    if arguments is None or gate.runner.digest_of(row.tool, arguments) != row.digest:
        raise _Open("its arguments are not known any more, or not whole")
    counterpart = gate.tools.get(how.tool)
    if counterpart is None or counterpart.risk is not Risk.READ:
        raise _Open(f"{how.tool} cannot be asked: it is not there, or is not accepted as reading")
    call = {"arguments": arguments, "effect_id": row.effect_id, "begun": iso(row.created_at)}
    asked_at = now()
    try:
        given = how.question(call)
        context = Context(caller, "cli", waits=False)
        outcome = await gate.call(counterpart.name, given, context)
        done = how.verdict({"call": call, **_said(counterpart, outcome)})
    except WrongCondition as problem:
        raise _Open(f"{how.tool}: {problem}") from None
    if done is None:
        raise _Open(f"the answer of {how.tool} does not show it")
    counts = row.deadline + timedelta(seconds=how.after)
    if not done and asked_at < counts:
        left = int((counts - asked_at).total_seconds()) + 1
        raise _Open(f"{how.tool} does not show it yet, and it may still come: ask in {left} s")
    return await _kept(gate, caller, row, tool, done, counterpart, outcome)


def _said(counterpart: Tool, outcome: Outcome) -> dict[str, Any]:
    """What conditions read of an answer.

    Raises:
        _Open: It is none.
    """
    error = outcome.error
    if error is None and outcome.status == "ok":
        return {"answer": from_json(outcome.json), "error": {"code": "", "message": ""}}
    # Its own word that something is not there is an answer; that it is away is none.
    if isinstance(error, NotFound | RemoteFailed):
        return {"answer": {}, "error": {"code": error.error_code, "message": error.message}}
    raise _Open(f"{counterpart.name} gave no answer: {error.message if error else outcome.status}")


async def _kept(
    gate: Gate,
    caller: Principal,
    row: Any,
    tool: Tool,
    done: bool,
    counterpart: Tool,
    outcome: Outcome,
) -> Settled:
    said: Literal["done", "not-done"] = "done" if done else "not-done"
    arguments = {
        **{"effect_id": row.effect_id, "outcome": said, "tool": row.tool},
        **{"asked": counterpart.name, "request_id": outcome.request_id},
    }
    clear = {
        **{"at": timestamp(), "kind": "operation", "door": "cli", "by": caller.label},
        **({"via": caller.via} if caller.via is not None else {}),
        **{"tool": "reconcile_effect", "effect_id": row.effect_id, "status": "ok"},
    }
    entry = Entry(caller.tenant, clear, to_json({"arguments": arguments}))
    told = {"settled": "done", "message": f"{counterpart.name} has shown that it was done."}
    if tool.server is not None and outcome.error is None:
        told["seen"] = from_json(outcome.json)  # of our own tools a model is told what types say
    try:
        async with gate.database.transaction([entry]) as transaction:
            answer = answer_of("ok", to_json(told).decode())
            await settle(transaction, caller.tenant, row.effect_id, done=done, answer=answer)
    except NotFound:
        raise _Open("somebody else has settled it meanwhile") from None
    return Settled(row.effect_id, row.tool, said, f"{counterpart.name} has shown it")


async def _calls(gate: Gate, tenant: str, effects: Collection[Any]) -> dict[str, dict[str, Any]]:
    """The arguments of effects' calls, as the ledger has them, by the effects' ids."""
    wanted = {row.effect_id for row in effects}
    found: dict[str, dict[str, Any]] = {}
    since = min((row.created_at for row in effects), default=now()) - SKEW
    db, before = gate.database.reader, None
    while wanted and (page := await latest_rows(db, tenant, before=before, limit=PAGE)):
        before = page[-1].seq
        begun = [row for row in page if (body := _started(row)) and body["effect_id"] in wanted]
        for read in await gate.ledger.read(db, tenant, begun):
            wanted.discard(read["effect_id"])
            if isinstance(read.get("arguments"), dict):
                found[read["effect_id"]] = read["arguments"]
        if datetime.fromisoformat(from_json(page[-1].body)["at"]) < since:
            break
    return found


def _started(row: Row) -> dict[str, Any] | None:
    """The body of a row that says that an effect is begun."""
    if '"status":"started"' not in row.body:
        return None
    body: dict[str, Any] = from_json(row.body)
    return body if body.get("status") == "started" and body.get("effect_id") else None
