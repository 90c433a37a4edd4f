"""The OpenAPI 3.1 description of the tools' addresses, with examples and every error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from deskward.core.answers import PENDING, TO_CONFIRM
from deskward.core.errors import DeskwardError
from deskward.gate.schemas import with_bounds
from deskward.gate.tool import Risk, Tool

JsonSchema = dict[str, Any]

ERRORS: dict[int, tuple[str, str, str]] = {
    400: ("INVALID_INPUT", "The request is not of this form.", "limit: Input should be a number"),
    401: ("UNAUTHENTICATED", "No valid API key came with the request.", ""),
    403: ("FORBIDDEN", "The caller may not do this.", "policies: bound:user_id"),
    404: ("TICKET_NOT_FOUND", "There is no such record.", ""),
    405: ("METHOD_NOT_ALLOWED", "The address does not take this method.", ""),
    409: (
        "CONFLICT",
        "The request is of the form that this document describes, and does not fit what the desk "
        "holds at this moment: a record has changed or ended, nobody of that name works here, a "
        "moment is past, a text is not of its language, as a query's is, a cursor is another "
        "list's, or a key was used before. Where a field has to be mended, `detail` begins with "
        "`field: ` and its name.",
        "field: assignee; hint: Name an active member of staff.",
    ),
    413: ("TOO_LARGE", "The body is over 1 MiB.", ""),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The body is not JSON.", ""),
    429: ("Rate limit exceeded", "Maximum 100 requests per minute per IP address", ""),
    500: ("INTERNAL_ERROR", "Something went wrong on our side.", ""),
    503: ("UNAVAILABLE", "Something that Deskward needs is away. Try again.", ""),
    504: ("TIME_LIMIT_EXCEEDED", "The call took too long and was stopped.", ""),
}

ERROR_SCHEMA: JsonSchema = {
    "title": "Error",
    "type": "object",
    "required": ["error", "message", "detail", "request_id", "timestamp"],
    "properties": {
        "error": {"type": "string", "description": "Stable name of the error, for programs."},
        "message": {"type": "string", "description": "What is wrong and what to do, for people."},
        "detail": {"type": ["string", "null"], "description": "Technical details."},
        "request_id": {"type": "string", "description": "Names the request in log and ledger."},
        "timestamp": {"type": "string", "format": "date-time"},
    },
}

RATE_LIMITED_SCHEMA: JsonSchema = {
    "title": "RateLimited",
    "type": "object",
    "required": ["error", "message", "retry_after"],
    "properties": {
        "error": {"const": "Rate limit exceeded"},
        "message": {"type": "string"},
        "retry_after": {"type": "integer", "description": "Seconds to wait."},
    },
}

SESSION_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    "404": {
        "description": "The caller has no such session.",
        "content": {
            "application/json": {
                # An id that no address can hold (a line feed) is an unknown address.
                "schema": {
                    "anyOf": [
                        {
                            "title": "SessionNotFound",
                            "type": "object",
                            "required": ["error", "session_id"],
                            "properties": {
                                "error": {"const": "Session not found"},
                                "session_id": {"type": "string"},
                            },
                        },
                        ERROR_SCHEMA,
                    ]
                },
                "example": {"error": "Session not found", "session_id": "abc-123-def"},
            }
        },
    }
}

PENDING_SCHEMA: JsonSchema = {
    "title": "PendingApproval",
    "type": "object",
    "required": ["status", "approval_id", "message", "policies", "expires_at"],
    "properties": {
        "status": {"const": PENDING},
        "approval_id": {"type": "string"},
        "label": {"type": ["string", "null"]},
        "message": {"type": "string"},
        "policies": {"type": "array", "items": {"type": "string"}},
        "expires_at": {"type": "string", "format": "date-time"},
    },
}

TO_CONFIRM_SCHEMA: JsonSchema = {
    "title": "ConfirmationNeeded",
    "type": "object",
    "required": [
        *("status", "confirmation_id", "question", "tool"),
        *("arguments", "message", "policies", "expires_at"),
    ],
    "properties": {
        "status": {"const": TO_CONFIRM},
        "confirmation_id": {"type": "string"},
        "question": {"type": "string"},
        "tool": {"type": "string"},
        "arguments": {"type": "object"},
        "label": {"type": ["string", "null"]},
        "message": {"type": "string"},
        "policies": {"type": "array", "items": {"type": "string"}},
        "expires_at": {"type": "string", "format": "date-time"},
    },
}

EVENT_SCHEMA: JsonSchema = {
    "title": "Event",
    "description": "One event of the stream.",
    "type": "object",
    "required": ["data"],
    "properties": {
        "id": {"type": "string", "description": "For `Last-Event-ID`. An error has none."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "type": "object",
                "required": ["type", "session_id"],
                "properties": {
                    "type": {
                        "enum": [
                            "token",
                            "tool_call",
                            "tool_result",
                            "confirm_needed",
                            "approval",
                            "handover",
                            "replace",
                            "message",
                            "taken_over",
                            "given_back",
                            "done",
                            "error",
                        ]
                    },
                    "session_id": {"type": "string"},
                },
            },
        },
    },
}

SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, `dw_…`."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"apiKey": []}]
"""How a caller says who it is, where a key was ever made."""
OPEN: list[dict[str, list[str]]] = [*SECURITY, {}]
"""As SECURITY, where none was."""

_X_USER_ID: JsonSchema = {
    "name": "X-User-ID",
    "in": "header",
    "required": False,
    "description": "The customer for whom a service, or anybody in open mode, speaks.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
    "example": "user_001",
}
USER_PROVED_AT: JsonSchema = {
    "name": "X-User-Proved-At",
    "in": "header",
    "required": False,
    "description": "Of a service that speaks for a customer: when they last proved a second time "
    "that it is them. A past moment with its offset from UTC. With a fresh one a customer changes "
    "their password without the present one.",
    "schema": {"type": "string", "format": "date-time"},
    "example": "2026-02-19T10:30:00Z",
}
"""Among the components: no schema says that a moment is past, so no address names it as its own."""
_IDEMPOTENCY_KEY: JsonSchema = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeating a call with the same key gives its first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]+$"},
}

NO_NUL: JsonSchema = {"not": {"pattern": r"\x00"}}
"""No text that is taken has a NUL character."""
ANY_JSON: JsonSchema = {
    "title": "AnyJson",
    "description": "Any value whose texts have no NUL character, and whose numbers have a bound.",
    "anyOf": [
        {"type": "null"},
        {"type": "boolean"},
        with_bounds({"type": "integer"}),
        with_bounds({"type": "number"}),
        {"type": "string", **NO_NUL},
        {"type": "array", "items": {"$ref": "#/components/schemas/AnyJson"}},
        {
            "type": "object",
            "propertyNames": NO_NUL,
            "additionalProperties": {"$ref": "#/components/schemas/AnyJson"},
        },
    ],
}
"""Among the components, because it is of its own kind: what an argument of no form may hold."""


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of the errors that an address can answer with."""
    return {str(status): _error_response(status) for status in statuses}


def tool_paths(tools: Iterable[Tool], *, is_open: bool) -> dict[str, dict[str, Any]]:
    """Return the `paths` of the tools.

    Args:
        tools: The tools.
        is_open: Whether all callers are customers, as where no key was ever made. They may leave
            their own id out; others have to say whose they mean.
    """
    paths: dict[str, dict[str, Any]] = {}
    for tool in tools:
        for method, path in tool.addresses:
            operation = _operation(tool, method, path, tool.bound if is_open else frozenset())
            if (method, path) != (tool.method, tool.path):  # ids are unique in a document
                operation["operationId"] = f"{tool.name}_by_{method.lower()}"
            paths.setdefault(path, {})[method.lower()] = operation
    return paths


def _operation(tool: Tool, method: str, path: str, optional: frozenset[str]) -> dict[str, Any]:
    schema = _without_nul(tool.input_schema())
    in_path = re.findall(r"{(\w+)}", path)
    properties: JsonSchema = schema["properties"]
    rest = {name: value for name, value in properties.items() if name not in in_path}
    required = [name for name in schema.get("required", []) if name in rest]
    has_body = method in ("POST", "PUT", "PATCH")
    parameters = [_parameter(name, "path", properties[name], True) for name in in_path]
    if not has_body:
        parameters += [_parameter(n, "query", _not_null(v), n in required) for n, v in rest.items()]
    parameters.append(_X_USER_ID)
    if tool.risk is not Risk.READ:
        parameters.append(_IDEMPOTENCY_KEY)
    operation: dict[str, Any] = {
        "operationId": tool.name,
        "summary": tool.title,
        "description": f"{tool.description}\n\nTool `{tool.name}`, scope `{tool.scope}`, "
        f"risk `{tool.risk.value}`.",
        "tags": [tool.group],
        "parameters": parameters,
        "responses": _responses(tool, has_body),
    }
    if has_body:
        body = {"type": "object", "additionalProperties": False, "properties": rest}
        if needed := [n for n in required if n not in optional]:
            body["required"] = needed
        example = example_of(body)
        body |= tool.together or {}
        operation["requestBody"] = {
            "required": bool(needed),
            "content": {"application/json": {"schema": body, "example": example}},
        }
    return operation


def _parameter(name: str, where: str, schema: JsonSchema, required: bool) -> JsonSchema:
    return {
        "name": name,
        "in": where,
        "required": required,
        "description": schema.get("description", ""),
        "schema": schema,
        "example": example_of(schema),
    }


def _without_nul(schema: Any) -> Any:
    """The schema of what is taken, in which texts of no other form have no NUL character.

    Neither have the names in objects that may have any.
    """
    if isinstance(schema, list):
        return [_without_nul(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    walked = {name: _without_nul(part) for name, part in schema.items()}
    of_a_form = schema.keys() & {"pattern", "enum", "const", "not"}
    if schema.get("type") == "string" and not of_a_form:
        walked |= NO_NUL
    if schema.get("type") == "object" and "additionalProperties" in schema:
        if schema["additionalProperties"] in ({}, True):
            walked["additionalProperties"] = {"$ref": "#/components/schemas/AnyJson"}
        if schema["additionalProperties"] is not False:
            walked.setdefault("propertyNames", NO_NUL)
    return walked


def _not_null(schema: JsonSchema) -> JsonSchema:
    """The schema without null, which a query cannot say: what is null is left out of it."""
    if "anyOf" not in schema:
        return schema
    kinds = [kind for kind in schema["anyOf"] if kind != {"type": "null"}]
    rest = {name: part for name, part in schema.items() if name not in ("anyOf", "default")}
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _responses(tool: Tool, has_body: bool) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {
        "200": {
            "description": "The result.",
            "content": {
                "application/json": {
                    "schema": tool.output_schema,
                    "example": example_of(tool.output_schema),
                }
            },
        }
    }
    if tool.risk is not Risk.READ:
        responses["202"] = {
            "description": "Nothing was done yet: the customer has to say yes to the call, or "
            "another person to approve it.",
            "content": {
                "application/json": {"schema": {"anyOf": [PENDING_SCHEMA, TO_CONFIRM_SCHEMA]}}
            },
        }
    media_type = [415] if has_body else []
    statuses = [400, 401, 403, 404, 405, 409, 413, *media_type, 429, 500, 503, 504]
    return responses | error_responses(*statuses)


def codes_of(status: int) -> list[str]:
    """The names of errors that are answered with a status."""
    kinds: list[type[DeskwardError]] = [DeskwardError]
    for kind in kinds:  # grows
        kinds += kind.__subclasses__()
    return sorted({kind.code for kind in kinds if kind.status == status})


def _error_response(status: int) -> dict[str, Any]:
    code, description, detail = ERRORS[status]
    if status == 429:
        limited = {"error": code, "message": description, "retry_after": 30}
        content = {"schema": RATE_LIMITED_SCHEMA, "example": limited}
        return {"description": code, "content": {"application/json": content}}
    example = {
        "error": code,
        "message": description,
        "detail": detail or None,
        "request_id": "4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b",
        "timestamp": "2026-02-19T10:30:00.000Z",
    }
    if len(codes := codes_of(status)) > 1:
        description += f" `error` is one of {', '.join(codes)}."
    return {
        "description": description,
        "content": {"application/json": {"schema": ERROR_SCHEMA, "example": example}},
    }


def example_of(schema: JsonSchema) -> Any:
    """An example that fits a schema without `$ref`."""
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema and "type" not in schema:
        return example_of(schema["anyOf"][0])
    kind = schema.get("type")
    if kind == "object":
        return {name: example_of(value) for name, value in schema.get("properties", {}).items()}
    if kind == "array":
        return [example_of(schema["items"])]
    if kind in ("integer", "number"):
        return schema.get("default", schema.get("minimum", 1))
    if kind == "boolean":
        return schema.get("default", True)
    if schema.get("format") == "date-time":
        return "2026-02-19T10:30:00Z"
    if schema.get("format") == "password":
        return "a-long-passphrase"
    return None if kind == "null" else "text"
