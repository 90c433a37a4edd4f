"""What is asked for, by JSON-RPC or by an address: the same calls either way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json
from starlette.requests import Request

from deskward.entrypoints.a2a.addresses import REST
from deskward.entrypoints.a2a.problems import Problem

JSON, A2A_JSON = "application/json", "application/a2a+json"
STREAMS = frozenset({"SendStreamingMessage", "SubscribeToTask"})
PUSHES = frozenset(
    f"{verb}TaskPushNotificationConfig{many}"
    for verb, many in (("Create", ""), ("Get", ""), ("List", "s"), ("Delete", ""))
)
OTHERS = frozenset({"SendMessage", "GetTask", "ListTasks", "CancelTask", "GetExtendedAgentCard"})


@dataclass(frozen=True)
class Call:
    """What a client asks for.

    Attributes:
        method: As JSON-RPC names it.
        id: The id of the JSON-RPC request; it has none of the other way.
        is_rpc: Which way it came.
    """

    method: str
    params: Mapping[str, Any]
    id: str | float | None
    is_rpc: bool


def call_of(request: Request, body: bytes, is_rpc: bool) -> tuple[Call | None, Problem | None]:
    """What is asked for, or why it is not known; who asks is looked at before that is told."""
    try:
        if is_rpc:
            return _rpc_call(request, body), None
        return _rest_call(request, body), None
    except Problem as problem:
        return None, problem


def _rpc_call(request: Request, body: bytes) -> Call:
    """The call of a JSON-RPC request (specification, section 9)."""
    if request.method != "POST":
        raise no_method("POST", request.method)
    message = _json(request, body)
    if not isinstance(message, dict):
        raise Problem(
            "INVALID_REQUEST", "Send one JSON-RPC request; several at once are not taken."
        )
    call_id, method = message.get("id"), message.get("method")
    if isinstance(call_id, bool) or not isinstance(call_id, str | int | float | None):
        raise Problem("INVALID_REQUEST", "The id of a request is a text, a number or null.")
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise Problem("INVALID_REQUEST", 'A request has "jsonrpc": "2.0" and a method.')
    params = message.get("params") or {}
    call = Call(method, params if isinstance(params, dict) else {}, call_id, is_rpc=True)
    if method not in STREAMS | PUSHES | OTHERS:
        raise KnownCall("METHOD_NOT_FOUND", "There is no method of that name in A2A 1.0.", call)
    if not isinstance(params, dict):
        raise KnownCall("INVALID_PARAMS", "The parameters are an object.", call)
    return call


def _rest_call(request: Request, body: bytes) -> Call:
    """The call of an address (specification, section 11.3)."""
    parts = request.url.path.removeprefix(f"{REST}/").split("/")
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    wanted = "GET"
    params: dict[str, Any] = query
    if parts[0].startswith("message:"):
        wanted, method = "POST", "SendMessage"
        if parts[0] == "message:stream":
            method = "SendStreamingMessage"
    elif parts == ["extendedAgentCard"]:
        method = "GetExtendedAgentCard"
    elif len(parts) > 2:
        return Call("GetTaskPushNotificationConfig", {}, None, is_rpc=False)
    elif len(parts) == 1:
        method = "ListTasks"
    else:
        task_id, _, verb = request.path_params["id"].partition(":")
        if verb not in ("", "cancel", "subscribe"):
            problem = "A task can be asked to :cancel or to :subscribe."
            raise Problem("METHOD_NOT_FOUND", problem)
        method = {"cancel": "CancelTask", "subscribe": "SubscribeToTask"}.get(verb, "GetTask")
        wanted = "POST" if verb == "cancel" else "GET"
        if verb == "subscribe" and request.method == "POST":
            wanted = "POST"  # as the official clients do
        params = {**query, "id": task_id}
    if request.method != wanted:
        raise no_method(wanted, request.method)
    if wanted == "POST" and (body or parts[0].startswith("message:")):
        sent = _json(request, body)
        if not isinstance(sent, dict):
            raise Problem("INVALID_REQUEST", "The body is an object.")
        params = sent | ({"id": params["id"]} if "id" in params else {})
    return Call(method, params, None, is_rpc=False)


class KnownCall(Problem):
    """A problem of a call whose id is known."""

    def __init__(self, reason: str, message: str, call: Call) -> None:
        super().__init__(reason, message)
        self.call = call


def _json(request: Request, body: bytes) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (JSON, A2A_JSON):
        problem = f"Send the body as `Content-Type: {A2A_JSON}`, or as {JSON}."
        raise Problem("UNSUPPORTED_MEDIA_TYPE", problem, (-32600, 415, "INVALID_ARGUMENT"))
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Problem("PARSE_ERROR", f"The body is not valid JSON: {error}.") from None


def check_version(request: Request) -> None:
    """See that the client speaks this version (specification, section 3.6).

    Raises:
        Problem: It speaks another one; who names none means 0.3.
    """
    given = request.headers.get("a2a-version") or request.query_params.get("A2A-Version", "")
    if given.strip().split(".")[:2] != ["1", "0"]:
        named = given.strip()[:32] or "0.3, which a request without the header means"
        problem = f"This agent speaks A2A 1.0, not {named}. Send the header `A2A-Version: 1.0`."
        raise Problem("VERSION_NOT_SUPPORTED", problem, supported="1.0")


def no_method(wanted: str, given: str) -> Problem:
    """What is said where an address takes another method."""
    problem = f"This address takes {wanted}, not {given}."
    return Problem("METHOD_NOT_ALLOWED", problem, (-32600, 405, "UNIMPLEMENTED"), allow=wanted)
