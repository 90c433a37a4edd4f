"""Alerts of monitoring, which become incidents."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from fastapi import APIRouter, Request
from starlette.responses import Response

from deskward.core.database import Connection, now
from deskward.core.errors import Unauthenticated
from deskward.diagnostics.incidents import sources
from deskward.diagnostics.incidents.alerts import of_alertmanager, of_generic
from deskward.diagnostics.incidents.sources import AlertVault
from deskward.entrypoints.identity import Callers, plain_headers
from deskward.entrypoints.openapi import error_responses
from deskward.entrypoints.rest.tools import render
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal
from deskward.security.tenants import require_open

ALERTS = "/hooks/alerts/{source_id}"
ALERT_ROLE = "alert-source"
"""The role of whoever posts alerts with a source's secret."""


def alerts_router(callers: Callers, reader: Connection) -> APIRouter:
    """The endpoint of alerts."""
    router = APIRouter(
        tags=["diagnostics"],
        responses=error_responses(400, 401, 403, 405, 409, 413, 415, 429, 500, 503),
    )

    @router.post(ALERTS)
    async def take_alerts(request: Request, source_id: str) -> Response:
        """Take alerts, in the form of their source.

        Alertmanager's JSON, version 4, with the source's secret as bearer token; or a generic form
        (`{"alerts": [{"id", "status", "title", "product", "code", "started_at", …}]}`), signed with
        it as Standard Webhooks says (`webhook-id`, `webhook-timestamp`, `webhook-signature`).
        """
        body = await request.body()
        row = await _source(callers, reader, source_id, plain_headers(request.scope), body)
        alerts = of_alertmanager(body) if row.form == "alertmanager" else of_generic(body)
        context = Context(
            Principal(Kind.SERVICE, ALERT_ROLE, row.tenant_id, (ALERT_ROLE,)),
            "rest",
            request.state.request_id,
        )
        arguments = {
            "source_id": row.id,
            "alerts": [one.model_dump(mode="json") for one in alerts],
        }
        return render(await callers.gate.act("take_alerts", arguments, context))

    return router


async def _source(
    callers: Callers, reader: Connection, source_id: str, headers: Mapping[str, str], body: bytes
) -> sa.Row[tuple[object, ...]]:
    """The source that alerts come from.

    Raises:
        Unauthenticated: There is no such source, or they are not known to be its. Both read the
            same.
    """
    row = await sources.of_address(reader, source_id)
    if row is not None:
        vault = callers.gate.port(AlertVault)
        if sources.is_from(row, vault, headers, body, int(now().timestamp())):
            await require_open(reader, row.tenant_id)
            return row
    raise Unauthenticated(
        "The alerts are not known to be the source's: its token or their signature is wrong, or "
        "they were signed too long ago."
    )
