"""Following syncs on the command line: a bar for each, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from deskward.cli.ending import Misused
from deskward.cli.operated import called
from deskward.cli.progress import progress_bars
from deskward.cli.session import print_json

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

LOOKS = 0.1
"""Seconds between looks."""
SHOWN = 20
"""Documents that could not be read which are named at once."""


def source_named(listed: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The source of a name, or an id.

    Raises:
        Misused: There is none.
    """
    for one in listed:
        if name in (one["name"], one["source_id"]):
            return one
    names = ", ".join(one["name"] for one in listed) or "none yet"
    raise Misused(f"there is no source {name!r}; there are: {names}")


def state_of(one: dict[str, Any]) -> str:
    """A source, and how it does, on a line or two."""
    counts = f"{one['ready']} documents, {one['passages']} passages"
    if one["failed"]:
        counts += f", {one['failed']} could not be read"
    state = str(one["state"])
    if state == "syncing":
        state = f"syncing, {one['done']} of {one['total'] or '?'}"
    elif one["synced_at"]:
        state += f", read {one['synced_at'][:16].replace('T', ' ')}"
    why = f"\n    {one['reason']}" if one["reason"] else ""
    place = one["location"].split("\n")
    more = f" and {len(place) - 1} more" if len(place) > 1 else ""
    return f"{one['name']}: {one['kind']} {place[0]}{more}\n    {counts}; {state}{why}"


async def followed(desk: Desk, caller: Principal, ids: list[str], *, as_json: bool) -> int:
    """Wait for syncs and tell what came of them; gives the exit code."""
    waits = dict.fromkeys(ids)
    found: dict[str, dict[str, Any]] = {}
    with progress_bars() as show:
        while waits:
            desk.jobs.wake()
            for one in list(waits):
                shown = await called(desk, caller, "get_source", source_id=one)
                if shown["total"]:
                    show(shown["name"], shown["done"] / shown["total"])
                if not shown["wanted"] and shown["state"] in ("ready", "failed"):
                    found[one] = shown
                    del waits[one]
            if waits:
                await asyncio.sleep(LOOKS)
    told = [found[one] for one in ids]
    if as_json:
        print_json({"sources": told})
    else:
        for each in told:
            print(state_of(each))
            await _name_failed(desk, caller, each)
    return 1 if any(each["state"] == "failed" for each in told) else 0


async def _name_failed(desk: Desk, caller: Principal, one: dict[str, Any]) -> None:
    if not one["failed"]:
        return
    asked = {"source_id": one["source_id"], "state": "failed", "limit": SHOWN}
    for each in (await called(desk, caller, "list_documents", **asked))["documents"]:
        print(f"    {each['path']}: {each['reason']}")
    if one["failed"] > SHOWN:
        print(f"    and {one['failed'] - SHOWN} more: `deskward kb audit`")


async def documents_of(
    desk: Desk, caller: Principal, **asked: Any
) -> AsyncIterator[dict[str, Any]]:
    """All documents, page by page."""
    offset = 0
    while True:
        page = await called(desk, caller, "list_documents", **asked, limit=100, offset=offset)
        for one in page["documents"]:
            yield one
        offset += len(page["documents"])
        if not page["documents"] or offset >= page["total"]:
            return
