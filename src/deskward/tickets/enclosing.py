"""The files that go with a reply: its author's own, and those that the customer sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from deskward.files import service as files
from deskward.files.tools import FileRules
from deskward.gate.context import Context
from deskward.tickets import service


def can_enclose(
    named: Callable[[Mapping[str, Any]], Sequence[str] | None],
) -> Callable[[Context, Mapping[str, Any]], Awaitable[None]]:
    """What sees that the files of a reply can be sent, before anybody is asked about it.

    It raises NotFound where one does not exist, or is somebody else's, and InvalidInput where they
    are too large together.

    Args:
        named: A call's arguments → the ids of its files.
    """

    async def see(ctx: Context, arguments: Mapping[str, Any]) -> None:
        if file_ids := named(arguments):
            rules = ctx.port(FileRules)
            readers = {ctx.principal.label, await _customer(ctx, arguments["ticket_id"])}
            await files.sendable(
                *(ctx.db, ctx.tenant, file_ids),
                readers=readers,
                together=rules.largest,
                kept=rules.kept,
            )

    return see


async def enclosed(ctx: Context, ticket_id: str, file_ids: Sequence[str]) -> list[str]:
    """The files of a reply as the customer's own, who can read them from then on.

    Raises:
        NotFound: One does not exist, or is somebody else's.
        InvalidInput: They are too large together.
        QuotaExceeded: The tenant has no room.
    """
    if not file_ids:
        return []
    customer = await _customer(ctx, ticket_id)
    rules = ctx.port(FileRules)
    return await files.give(
        *(ctx.db, ctx.tenant, customer, file_ids),
        readers={customer, ctx.principal.label},
        together=rules.largest,
        tenant_quota=rules.tenant_quota,
        kept=rules.kept,
    )


async def _customer(ctx: Context, ticket_id: str) -> str:
    """The label of a ticket's customer."""
    return f"customer:{(await service.get(ctx.db, ctx.tenant, ticket_id)).customer_id}"
