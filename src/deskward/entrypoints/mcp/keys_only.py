"""What an OAuth client is told, which looks for a sign-in that this desk does not have.

A client without a key is answered 401, and then tries to register itself and to sign its user in at
addresses of the server's (MCP 2025-03-26, and still as the last resort of the SDKs). There it gets
an OAuth error whose description its user sees, instead of "registration failed".
"""

from __future__ import annotations

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskward.core.errors import MethodNotAllowed
from deskward.entrypoints.errors import error_response

AUTHORIZE = "/authorize"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

KEY_MISSING = (
    "The API key is missing, or not valid. This desk has no sign-in: send a key as the header "
    "`Authorization: Bearer dw_…`; `deskward keys create` makes one."
)


async def _refuse(request: Request) -> Response:
    allowed = "GET" if request.url.path == AUTHORIZE else "POST"
    if request.method != allowed:
        problem = MethodNotAllowed(f"This address takes {allowed}, not {request.method}.")
        response = error_response(problem, request.state.request_id)
        response.headers["Allow"] = allowed
        return response
    body = {"error": "access_denied", "error_description": KEY_MISSING}
    headers = {"Cache-Control": "no-store"}
    return Response(to_json(body), 403, headers=headers, media_type="application/json")


def oauth_routes() -> list[Route]:
    """The addresses at which OAuth clients register, sign in and fetch tokens by default."""
    return [Route(path, _refuse, methods=METHODS) for path in ("/register", AUTHORIZE, "/token")]
