"""Where collectors on customers' machines send what they saw, once, signed with their token."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request
from starlette.responses import Response

from deskward.core.database import Connection
from deskward.core.errors import Unauthenticated
from deskward.diagnostics.collecting import service
from deskward.diagnostics.collecting.making import COLLECTED, Collecting
from deskward.entrypoints.identity import Callers, plain_headers
from deskward.entrypoints.openapi import error_responses
from deskward.entrypoints.rest.tools import render
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal
from deskward.security.tenants import require_open

ROLE = "collector"
"""The role of whoever has signed with a collector's token."""
FORM = {"schema": {"type": "object"}}
BODY = {"content": {"application/json": FORM}, "required": True}


def collected_router(callers: Callers, reader: Connection) -> APIRouter:
    """The endpoint of collectors."""
    router = APIRouter(
        tags=["diagnostics"],
        responses=error_responses(400, 401, 403, 405, 409, 413, 415, 429, 500, 503),
    )

    @router.post(COLLECTED, openapi_extra={"requestBody": BODY})
    async def take_collected(request: Request) -> Response:
        """Take what a collector has seen on a customer's machine.

        It says who it is in `X-Deskward-Collector`, how many seconds ago it looked in
        `X-Deskward-Elapsed`, and signs both and its body in `X-Deskward-Signature` with the token
        that it was made with. It is taken once, and only while the collector lasts.
        """
        body = await request.body()
        headers = plain_headers(request.scope)
        row = await service.signed(reader, callers.gate.port(Collecting), headers, body)
        if row is None:
            raise Unauthenticated("This is not signed by a collector of this desk, or was changed.")
        await require_open(reader, row.tenant_id)
        principal = Principal(Kind.SERVICE, ROLE, row.tenant_id, (ROLE,))
        context = Context(principal, "rest", request.state.request_id, carried=body)
        arguments = {
            "collector_id": row.id,
            "elapsed": service.elapsed_of(headers),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
        return render(await callers.gate.act("take_collected", arguments, context))

    return router
