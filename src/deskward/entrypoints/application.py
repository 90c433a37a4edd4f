"""The HTTP application: tools, chat, health, MCP and documentation behind one guard."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route, Router, WebSocketRoute
from starlette.types import ASGIApp

from deskward import __version__
from deskward.app import Desk
from deskward.core.errors import (
    DeskwardError,
    Internal,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
    problem_of,
)
from deskward.core.settings import Settings
from deskward.diagnostics.collecting.making import COLLECTED
from deskward.diagnostics.collecting.models import MOST_SENT
from deskward.entrypoints.a2a.routes import a2a_routes
from deskward.entrypoints.agui.runs import AGUI, agui_router
from deskward.entrypoints.bodies import Bodies
from deskward.entrypoints.cors import Cors
from deskward.entrypoints.docs import add_docs
from deskward.entrypoints.errors import error_response, known
from deskward.entrypoints.graphql.door import GRAPHQL, Door
from deskward.entrypoints.graphql.http import GraphQLEndpoint
from deskward.entrypoints.graphql.socket import GraphQLSocket
from deskward.entrypoints.guard import Guard, counting
from deskward.entrypoints.health import health_router
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.log_paths import LogPaths
from deskward.entrypoints.mcp.answering import Answering
from deskward.entrypoints.mcp.http import McpEndpoint
from deskward.entrypoints.mcp.keys_only import oauth_routes
from deskward.entrypoints.mcp.websocket import McpSocket
from deskward.entrypoints.places import Places
from deskward.entrypoints.rest.alerts import alerts_router
from deskward.entrypoints.rest.chat import chat_router
from deskward.entrypoints.rest.collected import collected_router
from deskward.entrypoints.rest.confirmations import confirmations_router
from deskward.entrypoints.rest.documents import DOCUMENTS, documents_router
from deskward.entrypoints.rest.news import news_router
from deskward.entrypoints.rest.sessions import sessions_router
from deskward.entrypoints.rest.tools import tool_routes
from deskward.entrypoints.rest.uploads import UPLOADS, admit, uploads_router
from deskward.entrypoints.rest.user_chat import user_chat_router
from deskward.entrypoints.sizes import LARGEST, body_limits
from deskward.entrypoints.sockets import MCP, SOCKET
from deskward.entrypoints.websocket import ChatSocket
from deskward.gate.views import View

DESCRIPTION = """\
The support desk's tools, and chat with its agent. Every call passes one gate: identity, policy,
approval, at-most-once effect, ledger. The same tools are reachable over MCP at `/mcp`.
"""


def http_application(desk: Desk) -> ASGIApp:
    """Everything that is served over HTTP."""
    callers, conversations, database = Callers.of(desk), desk.conversations, desk.database
    largest_file = desk.settings.mail.max_attachment_mb * 1_000_000
    routers = [
        chat_router(callers, conversations, desk.settings.stream.heartbeat),
        confirmations_router(callers, conversations, desk.gate),
        news_router(callers, conversations, desk.settings.stream),
        sessions_router(callers, conversations, database.reader),
        user_chat_router(callers, conversations, database),
        uploads_router(callers, database.reader),
        documents_router(callers, database.reader),
        alerts_router(callers, database.reader),
        collected_router(callers, database.reader),
        agui_router(callers, conversations, database.reader, desk.settings.stream.heartbeat),
        health_router(desk),
    ]
    api = _api(desk, routers)
    graphql = Door(desk, callers, counting(desk.settings, desk.limiter))
    views = {f"{MCP}/v/{name}": view for name, view in desk.views.items()}
    routes = [
        *_mcp(desk, MCP, None),
        *(route for path, view in views.items() for route in _mcp(desk, path, view)),
        Route(GRAPHQL, GraphQLEndpoint(graphql)),
        WebSocketRoute(GRAPHQL, GraphQLSocket(graphql).serve),
        WebSocketRoute("/ws/{user_id}", ChatSocket(callers, conversations).serve),
        *oauth_routes(),
        *a2a_routes(desk),
    ]
    app = Places([*routes, *tool_routes(callers, desk.gate, desk.hub)], default=api)
    by_hand = [route for router in routers for route in router.routes] + [*api.routes, *routes]
    paths = [route.path for route in by_hand if isinstance(route, Route | WebSocketRoute)]
    tools = desk.gate.tools.values()
    largest_document = desk.settings.knowledge.max_mb * 1_000_000
    limits = {
        UPLOADS: largest_file + 10_000,
        DOCUMENTS: largest_document + 10_000,
        COLLECTED: MOST_SENT,
        AGUI: LARGEST,  # clients send the whole conversation along
        **body_limits(tools, at_once=MCP),
    }
    limits |= dict.fromkeys([*views, GRAPHQL], limits[MCP])
    cors = _cors(desk.settings)
    inside = Bodies(app) if cors is None else cors.asked(Bodies(app))
    guard = Guard(
        *(inside, desk.settings, desk.limiter, LogPaths(paths, tools), limits),
        first={
            ("POST", UPLOADS): admit(callers, "upload_file"),
            ("POST", DOCUMENTS): admit(callers, "upload_document"),
        },
    )
    return guard if cors is None else cors.told(guard)


def mcp_application(desk: Desk) -> ASGIApp:
    """The tools over MCP, and health, alone."""
    api = FastAPI(title="Deskward", version=__version__, openapi_url=None, redirect_slashes=False)
    api.include_router(health_router(desk))
    _handle_errors(api)
    app = Router([*_mcp(desk, MCP, None), *oauth_routes()], default=api, redirect_slashes=False)
    limits = body_limits(desk.gate.tools.values(), at_once=MCP)
    return Guard(Bodies(app), desk.settings, desk.limiter, LogPaths([], []), limits)


def _mcp(desk: Desk, path: str, view: View | None) -> list[Route | WebSocketRoute]:
    """The tools, or a view of them, at an address over HTTP and beside it over WebSocket."""
    answering = Answering(desk, view)
    admit = counting(desk.settings, desk.limiter)
    return [
        Route(path, McpEndpoint(answering)),
        WebSocketRoute(path + SOCKET, McpSocket(answering, admit).serve),
    ]


def _handle_errors(api: FastAPI) -> None:
    api.add_exception_handler(DeskwardError, _known)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(SQLAlchemyError, _known)
    api.add_exception_handler(Exception, _unexpected)


def _cors(settings: Settings) -> Cors | None:
    """What lets web pages of CORS_ORIGINS call. `*` with credentials is for this machine only."""
    origins = settings.cors.allowed
    if not origins:
        return None
    return Cors(
        allow_origins=sorted(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        allow_headers=["*"],
        allow_credentials="*" not in origins or settings.server.on_loopback,
        expose_headers=[*_EXPOSED, *_RATE_HEADERS],
    )


_EXPOSED = (
    "X-Request-ID",
    "X-Deskward-Model",
    "X-Deskward-Key-Expires",
    "Retry-After",
    "Mcp-Session-Id",
    "Idempotent-Replayed",
    "WWW-Authenticate",
    "ETag",
)
_RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def _api(desk: Desk, routers: Sequence[APIRouter]) -> FastAPI:
    api = FastAPI(
        title="Deskward",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=None,
        redirect_slashes=False,
    )
    for router in routers:
        api.include_router(router)
    _handle_errors(api)
    add_docs(api, desk.gate, desk.keys)
    return api


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, DeskwardError | SQLAlchemyError)
    return error_response(known(error), request.state.request_id)


async def _unexpected(request: Request, _error: Exception) -> Response:
    # The guard, to which it is raised next, logs it.
    problem = "Something went wrong on our side. Quote the request id to us."
    return error_response(Internal(problem), request.state.request_id)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = error.errors()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = (
        "multipart/form-data" if request.url.path in (UPLOADS, DOCUMENTS) else "application/json"
    )
    if request.method in ("POST", "PUT") and kind != wanted:
        problem = f"Send the body as `Content-Type: {wanted}`."
        return error_response(UnsupportedMediaType(problem), request.state.request_id)
    if problems and problems[0]["type"] == "json_invalid":
        reason = problems[0].get("ctx", {}).get("error", "")
        invalid = InvalidInput(f"The body is not valid JSON: {reason}.")
    else:
        fields = [
            {
                "field": ".".join(map(str, p["loc"][1:])) or "(body)",
                "problem": problem_of(p["type"], p["msg"]),
            }
            for p in problems
        ]
        first = fields[0]
        invalid = InvalidInput(
            f"The request is not valid. {first['field']}: {first['problem']}.",
            details={"fields": fields},
        )
    return error_response(invalid, request.state.request_id)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    request_id = request.state.request_id
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        problem = f"This address takes {allowed}, not {request.method}."
        response = error_response(MethodNotAllowed(problem), request_id)
        response.headers["Allow"] = allowed
        return response
    if error.status_code == 404:
        return error_response(NotFound("address", request.url.path[:200]), request_id)
    return error_response(InvalidInput(str(error.detail)), request_id)
