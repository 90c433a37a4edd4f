"""Errors as HTTP answers."""

from __future__ import annotations

import logging

from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from deskward.core.errors import DeskwardError, Unavailable
from deskward.core.lines import json_line

log = logging.getLogger("api.errors")


def known(error: DeskwardError | SQLAlchemyError) -> DeskwardError:
    """The error as it is said; that the database failed is logged."""
    if isinstance(error, DeskwardError):
        return error
    log.error("the database failed", exc_info=error)
    return Unavailable("The database did not answer. Try again.", retry_after=1)


def error_response(error: DeskwardError, request_id: str) -> Response:
    """The documented answer to an error."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        json_line(error.rest_body(request_id)),
        status_code=error.status,
        headers=headers,
        media_type="application/json",
    )
