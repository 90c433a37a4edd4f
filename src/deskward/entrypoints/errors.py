"""Errors as HTTP answers."""

from __future__ import annotations

from pydantic_core import to_json
from starlette.responses import Response

from deskward.core.errors import DeskwardError


def error_response(error: DeskwardError, request_id: str) -> Response:
    """The documented answer to an error (requirement document 002, standard error response)."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        to_json(error.rest_body(request_id)),
        status_code=error.status,
        headers=headers,
        media_type="application/json",
    )
