"""The OpenAPI document, and Swagger UI and ReDoc over it, with nothing from another host."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from deskward.core.errors import NotFound
from deskward.core.lines import one_line
from deskward.entrypoints.fixed import FixedAnswer
from deskward.entrypoints.openapi import (
    ANY_JSON,
    OPEN,
    SECURITY,
    SECURITY_SCHEMES,
    USER_PROVED_AT,
    tool_paths,
)
from deskward.gate.call import Gate
from deskward.security.api_keys import ApiKeys

DOCUMENT = "/openapi.json"
ASSETS = "/docs/assets"
SWAGGER_JS, SWAGGER_CSS = "swagger-ui-bundle.js", "swagger-ui.css"
REDOC_JS, ICON = "redoc.standalone.js", "favicon.png"

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: what the scripts would fetch elsewhere (a logo) stays away as well."""


class _Document:
    """Describes the desk as it is: its tools come and go, and with the first key it closes."""

    def __init__(self, api: FastAPI, gate: Gate, keys: ApiKeys) -> None:
        self._api, self._gate, self._keys = api, gate, keys
        self._made: tuple[object, FixedAnswer] | None = None

    async def serve(self, request: Request) -> Response:
        state = self._gate.generation, not await self._keys.exist()
        if self._made is None or self._made[0] != state:
            document = one_line(to_json(self._describe(is_open=state[1])))
            # Asked for again each time, because it changes with the tools.
            answer = FixedAnswer(document, "application/json", Cache_Control="no-cache")
            self._made = state, answer
        return self._made[1].answer(request)

    def _describe(self, *, is_open: bool) -> dict[str, Any]:
        self._api.openapi_schema = None
        document = self._api.openapi()
        document["paths"] |= tool_paths(self._gate.tools.values(), is_open=is_open)
        components = document.setdefault("components", {})
        components["securitySchemes"] = SECURITY_SCHEMES
        components["parameters"] = {"UserProvedAt": USER_PROVED_AT}
        components.setdefault("schemas", {})["AnyJson"] = ANY_JSON
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                if not path.startswith("/health"):
                    operation["security"] = OPEN if is_open else SECURITY
        for unused in ("HTTPValidationError", "ValidationError"):
            document["components"].get("schemas", {}).pop(unused, None)
        return document


def add_docs(api: FastAPI, gate: Gate, keys: ApiKeys) -> None:
    """Add the pages, and what they load."""
    assets = Path(str(files("fastapi_offline"))) / "static"
    swagger = get_swagger_ui_html(
        openapi_url=DOCUMENT,
        title=f"{api.title} - Swagger UI",
        swagger_js_url=f"{ASSETS}/{SWAGGER_JS}",
        swagger_css_url=f"{ASSETS}/{SWAGGER_CSS}",
        swagger_favicon_url=f"{ASSETS}/{ICON}",
        swagger_ui_parameters={"validatorUrl": None},
    )
    redoc = get_redoc_html(
        openapi_url=DOCUMENT,
        title=f"{api.title} - ReDoc",
        redoc_js_url=f"{ASSETS}/{REDOC_JS}",
        redoc_favicon_url=f"{ASSETS}/{ICON}",
        with_google_fonts=False,
    )
    for page in (swagger, redoc):
        page.headers["Content-Security-Policy"] = POLICY

    @cache
    def loaded(name: str) -> FixedAnswer:
        return FixedAnswer(
            (assets / name).read_bytes(),
            guess_type(name)[0],
            Cache_Control="public, max-age=3600",
        )

    async def swagger_page(_: Request) -> Response:
        return swagger

    async def redoc_page(_: Request) -> Response:
        return redoc

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in (SWAGGER_JS, SWAGGER_CSS, REDOC_JS, ICON):
            raise NotFound("address", request.url.path[:200])
        return loaded(name).answer(request)

    api.add_route(DOCUMENT, _Document(api, gate, keys).serve, include_in_schema=False)
    api.add_route("/docs", swagger_page, include_in_schema=False)
    api.add_route("/redoc", redoc_page, include_in_schema=False)
    api.add_route(f"{ASSETS}/{{name}}", asset, include_in_schema=False)
